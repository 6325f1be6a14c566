"""The demo's own folder `.demo/`: made anew for every demo, held by one demo at a time.

A copy of the shipped configuration with quick schedules, a fresh ledger, a fresh Airflow home. This module must not
know what a configuration means; it changes how often platforms are read, and nothing else.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.airflow_home import HomeRefused, lock_home
from sandbox.standins import StandIn

_MARK = "README"
_WORDS = "make demo 的目录，每次演示前清空。\nThe folder of `make demo`; emptied before every demo.\n"
_POLL = re.compile(r"^(\s+)poll: .*$", re.MULTILINE)


@dataclass(frozen=True)
class Pace:
    """How often each platform is read, and how long after a write an old state may still be read, in whole seconds."""

    poll_seconds: int = 5
    lag_seconds: int = 2


class DemoFolder:
    """`with DemoFolder(root) as folder`: emptied, and locked against a second demo of the same checkout.

    root: the checkout. place: the folder, relative to it. A folder that holds anything but a demo is refused.
    """

    def __init__(self, root: Path, place: Path = Path(".demo")) -> None:
        self._root = root.resolve()
        self.path = self._root / place
        self._lock: int | None = None

    @property
    def airflow_home(self) -> Path:
        return self.path / "airflow"

    @property
    def dags(self) -> Path:
        return self._root / "dags"

    @property
    def report(self) -> Path:
        return self.path / "report.json"

    def __enter__(self) -> Self:
        self._refuse_what_is_no_demo()
        self.path.mkdir(mode=0o700, exist_ok=True)
        (self.path / _MARK).write_text(_WORDS, "utf-8")
        self._lock = lock_home(self.path)
        kept = {os.fstat(self._lock).st_ino, (self.path / _MARK).stat().st_ino}
        for entry in self.path.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.stat(follow_symlinks=False).st_ino not in kept:
                entry.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _refuse_what_is_no_demo(self) -> None:
        """It will be emptied, so nobody's own folder may be named by mistake."""
        if self.path.exists() and any(self.path.iterdir()) and not (self.path / _MARK).exists():
            raise HomeRefused(
                f"{self.path} 不是演示目录，未作任何改动；请换一个目录。\n"
                f"{self.path} is no demo's folder and was left alone; choose another one."
            )

    def furnish(self, pace: Pace) -> None:
        """The shipped counties, read as often as the pace says."""
        shipped = self._root / "config"
        shutil.copytree(shipped, self.path / "config")
        words = rf"\1poll: {pace.poll_seconds}s\n\1lag: {pace.lag_seconds}s"
        for county in (self.path / "config" / "counties").glob("*.y*ml"):
            county.write_text(_POLL.sub(words, county.read_text("utf-8")), "utf-8")

    def settings(self, standins: Iterable[StandIn]) -> dict[str, str]:
        """HUYING_* and the connections, for Airflow and for the `huying` command alike."""
        return {
            "HUYING_CONFIG": str(self.path / "config"),
            "HUYING_MAPPINGS": str(self._root / "mappings"),
            "HUYING_LEDGER": f"sqlite:///{self.path / 'ledger.sqlite'}",
            "HUYING_FILES": str(self.path / "files"),
            **{f"AIRFLOW_CONN_HUYING_{one.slug.upper()}": one.address_with_account for one in standins},
        }


def without_own_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without what would lead the demo to the caller's own platforms and ledger."""
    return {name: value for name, value in environment.items() if not name.startswith(("HUYING_", "AIRFLOW"))}

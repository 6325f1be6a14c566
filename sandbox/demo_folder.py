"""The demo's own folder `.demo/`: made anew for every demo, held by one demo at a time.

A copy of the shipped configuration with quick schedules, a fresh ledger, a fresh Airflow home. This module must not
know what a configuration means; it changes how often platforms are read, and what must be said of the stand-ins.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.airflow_home import HomeRefused, lock_home
from sandbox.standins import StandIns

_MARK = "README"
_WORDS = "make demo 的目录，每次演示前清空。\nThe folder of `make demo`; emptied before every demo.\n"
_POLL = re.compile(r"^(\s+)poll: (\d+)s.*$", re.MULTILINE)
_SHIPPED_SECONDS = 10  # between two readings of most platforms, as shipped
_CARRIERS = ("poll.py", "push.py")


@dataclass(frozen=True)
class Pace:
    """How often a platform is read that is shipped with 10 s, others slower or faster in proportion, and how long after
    a write an old state may still be read; whole seconds."""

    poll_seconds: int = 12
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
        """Copies of the DAG files that carry calls: the daily ones would all run at once when they are first seen."""
        return self.path / "dags"

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

    def furnish(self, pace: Pace, standins: StandIns) -> None:
        """The shipped counties, read as often as the pace says, with the settings of these very installations."""
        shipped = self._root / "config"
        shutil.copytree(shipped, self.path / "config")
        self.dags.mkdir()
        for name in _CARRIERS:
            shutil.copy(self._root / "dags" / name, self.dags)

        def paced(shipped: re.Match[str]) -> str:
            seconds = max(1, int(shipped[2]) * pace.poll_seconds // _SHIPPED_SECONDS)
            return f"{shipped[1]}poll: {seconds}s\n{shipped[1]}lag: {pace.lag_seconds}s"

        for county in (self.path / "config" / "counties").glob("*.y*ml"):
            text = _POLL.sub(paced, county.read_text("utf-8"))
            for one in standins:
                for name, value in one.settings.items() if f"slug: {one.slug} " in text else ():
                    text = re.sub(rf"(?m)^(\s+){name}: \S+", rf"\g<1>{name}: {value}", text)
            county.write_text(text, "utf-8")

    def settings(self, standins: StandIns) -> dict[str, str]:
        """HUYING_* and the connections, for Airflow and for the `huying` command alike; and Airflow's own, that it does
        not read DAG files again and again which nobody changes here: that would take a third of a core."""
        return {
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "600",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
            "HUYING_CONFIG": str(self.path / "config"),
            "HUYING_MAPPINGS": str(self._root / "mappings"),
            "HUYING_LEDGER": f"sqlite:///{self.path / 'ledger.sqlite'}",
            "HUYING_FILES": str(self.path / "files"),
            **standins.connections(),
        }


def without_own_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without what would lead the demo to the caller's own platforms and ledger."""
    return {name: value for name, value in environment.items() if not name.startswith(("HUYING_", "AIRFLOW"))}

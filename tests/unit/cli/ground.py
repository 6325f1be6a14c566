"""Ground for the command line's tests: two stand-in platforms on loopback, a ledger of its own, the real command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from bridge.cli import app
from sandbox.standins import Doors, StandIns

ROOT = Path(__file__).parents[3]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("HUYING_", "AIRFLOW"))}


@dataclass
class House:
    """The command, its environment and the platforms' back doors."""

    environ: dict[str, str]
    doors: Doors | None = None

    def huying(self, *arguments: str, stdin: str | None = None) -> Result:
        """Run in this process. Names of the process's own environment that would lead elsewhere are taken away."""
        away = {name: None for name in os.environ if name.startswith(("HUYING_", "AIRFLOW"))}
        return CliRunner().invoke(app, list(arguments), input=stdin, env={**away, **self.environ})

    def data(self, *arguments: str, code: int = 0) -> Any:
        """The same with --json: what it printed."""
        result = self.huying(*arguments, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def process(self, *arguments: str, shell: str = "") -> subprocess.CompletedProcess[str]:
        """Run as people do, in a process of its own; `shell`: what stands behind it in a pipe."""
        command = [sys.executable, "-m", "bridge.cli", *arguments]
        environ = {**CLEAN, "PYTHONPATH": str(ROOT), **self.environ}
        if shell:
            line = " ".join(f"'{word}'" for word in command) + " | " + shell
            return subprocess.run(["bash", "-o", "pipefail", "-c", line], env=environ, capture_output=True, text=True,
                                  timeout=120)  # fmt: skip
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120,
                              stdin=subprocess.DEVNULL)  # fmt: skip

    def event(self, **more: Any) -> str:
        """A call of Lanshan on the grid platform; its number."""
        assert self.doors is not None
        event = {"stage": "05", "title": "罐车倾倒污水，李样例13900000002报", "content": "巡查时李样例见罐车倾倒污水。",
                 "eventType": "03", "level": "1", "townCode": "371103103", "caller": "李样例",
                 "callerTel": "13900000002", "address": "村北沟渠", **more}  # fmt: skip
        return str(self.doors.tell("grid", "officials/create", event)["eventId"])


def house(folder: Path, **environ: str) -> House:
    """A command without platforms."""
    return House({"HUYING_LEDGER": f"sqlite:///{folder / 'ledger' / 'ledger.sqlite'}", **environ})


@contextmanager
def inhabited(folder: Path) -> Iterator[House]:
    """A command with the first two counties configured, their stand-in platforms running and connected."""
    counties = folder / "config" / "counties"
    counties.mkdir(parents=True)
    for county in ("donggang", "lanshan"):
        shutil.copy(ROOT / "config" / "counties" / f"{county}.yaml", counties)
    with StandIns(["grid", "government"]) as standins:
        one = house(folder, HUYING_CONFIG=str(folder / "config"), **standins.connections())
        one.doors = standins.doors
        yield one

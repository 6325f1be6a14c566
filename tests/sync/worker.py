"""Workers that die, or stand still, at a named moment: processes of their own on a world's ledger and platforms.

A moment is a commit, a wire operation or a ledger step, before or after it, counted from 1. One process is kept warm
and forks a worker for each run, so that no worker inherits the threads of a test. The product knows nothing of this.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Self

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    """How a worker's run went. state: killed | stopped | done | failed; counts: what its run returned; reached: moment
    -> how often it came by; error: the exception's class, if it raised one; grown: bytes of memory at its most, beyond
    what it began with; took: seconds."""

    pid: int
    state: str
    counts: Mapping[str, Any]
    reached: Mapping[str, int]
    error: str = ""
    grown: int = 0
    took: float = 0.0


class Workers:
    """Starts workers, one at a time. `with Workers() as workers`."""

    def __init__(self) -> None:
        self._warm = subprocess.Popen(
            [sys.executable, "-m", "tests.sync.worker"], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._warm.stdin and self._warm.stdout
        self._warm.stdin.close()
        self._warm.wait(10)
        self._warm.stdout.close()

    def run(
        self, folder: Path, urls: Mapping[str, str], ahead: timedelta, job: str, slug: str, *, moment: str = "",
        time: int = 1, stop: bool = False, ledger: str = "ledger.sqlite",
    ) -> Ended:  # fmt: skip
        """Poll or push (`job`) a platform in a process that is killed (or stopped) at the `time`-th `moment`."""
        self.clock(folder, ahead)
        return self._ask({"folder": str(folder), "urls": dict(urls), "job": job, "slug": slug, "moment": moment, "time": time,
                          "signal": signal.SIGSTOP if stop else signal.SIGKILL, "ledger": ledger})  # fmt: skip

    def go_on(self, folder: Path, ahead: timedelta, pid: int) -> Ended:
        """Wake a worker that stands still, at a clock that went on meanwhile, and wait for its end."""
        self.clock(folder, ahead)
        return self._ask({"wake": pid, "folder": str(folder)})

    def clock(self, folder: Path, ahead: timedelta) -> None:
        (folder / "clock").write_text(str(ahead.total_seconds()))

    def _ask(self, wish: Mapping[str, Any]) -> Ended:
        assert self._warm.stdin and self._warm.stdout
        self._warm.stdin.write(json.dumps(wish) + "\n")
        self._warm.stdin.flush()
        return Ended(**json.loads(self._warm.stdout.readline()))


# ---- the warm process ---------------------------------------------------------------------------------------------


def _serve() -> None:
    import tests.sync.world  # noqa: F401  # imported before the fork: a worker starts in milliseconds
    from adapters.grid import description

    description.argument_names("updateEvent")
    for line in sys.stdin:
        wish = json.loads(line)
        pid = wish.get("wake") or os.fork()
        if pid == 0:
            os._exit(_work(wish))
        if "wake" in wish:
            os.kill(pid, signal.SIGCONT)
        _, status = os.waitpid(pid, os.WUNTRACED)
        print(json.dumps(_ended(pid, status, Path(wish["folder"]))), flush=True)


def _ended(pid: int, status: int, folder: Path) -> dict[str, Any]:
    if os.WIFSTOPPED(status):
        return {"pid": pid, "state": "stopped", "counts": {}, "reached": {}}
    if os.WIFSIGNALED(status):
        return {"pid": pid, "state": "killed", "counts": {}, "reached": {}}
    told = json.loads((folder / f"worker.{pid}.json").read_text())
    return {"pid": pid, "state": "done" if os.WEXITSTATUS(status) == 0 else "failed", **told}


def _work(wish: dict[str, Any]) -> int:
    """One run in the forked worker; its exit code."""
    from dataclasses import asdict

    from bridge.inbound import poll
    from bridge.ledger.ledger import Ledger
    from bridge.outbound import push
    from tests.sync.world import bridge_at

    folder = Path(wish["folder"])
    reached: Counter[str] = Counter()

    def reach(moment: str) -> None:
        reached[moment] += 1
        if moment == wish["moment"] and reached[moment] == wish["time"]:
            os.kill(os.getpid(), wish["signal"])

    def now() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float((folder / "clock").read_text()))

    ledger = Ledger(f"sqlite:///{folder / wish['ledger']}")
    _watch(ledger, reach)
    bridge = bridge_at(folder, wish["urls"], now, ledger=ledger)
    told: dict[str, Any] = {"counts": {}, "reached": reached, "error": ""}
    began, since = _most(), monotonic()
    try:
        told["counts"] = asdict((poll if wish["job"] == "poll" else push)(bridge, wish["slug"]))
    except Exception as error:
        told["error"] = type(error).__name__
        traceback.print_exc()
    told |= {"grown": _most() - began, "took": monotonic() - since}
    (folder / f"worker.{os.getpid()}.json").write_text(json.dumps(told))
    return 1 if told["error"] else 0


def _most() -> int:
    """The most memory this process ever held, bytes."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024


def _watch(ledger: Any, reach: Callable[[str], None]) -> None:
    """Puts the moments around what the engine does, from outside."""
    from sqlalchemy import event

    from adapters.government.adapter import Government
    from adapters.grid.adapter import GridAdapter
    from bridge.ledger import queue

    event.listen(ledger.engine, "commit", lambda _: reach("before commit"))
    begin = ledger.begin

    @contextlib.contextmanager
    def begun() -> Iterator[Any]:
        with begin() as tx:
            yield tx
        reach("after commit")

    ledger.begin = begun

    def around(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            reach(f"before {name}")
            result = original(*args, **kwargs)
            reach(f"after {name}")
            return result

        setattr(owner, name, watched)

    for name in ("claim", "attempt", "outcome", "finish"):
        around(queue, name)
    for adapter in (Government, GridAdapter):
        for name in ("create", "update", "write_file", "read_file", "find", "fetch"):
            around(adapter, name)


if __name__ == "__main__":
    _serve()

"""Starts servers as child processes with logs in files, and ends all of them, whatever happens to the starter.

Every child runs under a keeper (`keeper.py`): on `stop()`, on an exception, on Ctrl-C and even when this process is
killed, the child and all that it started end. Ports are reserved by binding them. This module must not know what the
children do.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

_KEEPER = Path(__file__).with_name("keeper.py")
_TAIL_LINES = 15
_TAIL_BYTES = 16_384
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_reserved: list[socket.socket] = []


def free_port() -> int:
    """A free TCP port on 127.0.0.1, reserved for this process and the servers it starts until this process ends.

    The port stays bound here without listening. A server that sets SO_REUSEADDR (uvicorn, `http.server` and asyncio
    do) may bind it all the same, while the system gives it to nobody who asks for any free port, nor to an outgoing
    connection: two checkouts started at once never get the same one.
    """
    reservation = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reservation.bind(("127.0.0.1", 0))
    _reserved.append(reservation)
    port: int = reservation.getsockname()[1]
    return port


def tail(log: Path, lines: int = _TAIL_LINES) -> str:
    """The last lines of a log file, empty when there is no such file."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - _TAIL_BYTES))
        return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])


class ProcessDied(RuntimeError):
    """A child ended although nobody asked it to: its name, exit code, log and the log's last lines."""

    def __init__(self, name: str, code: int, log: Path) -> None:
        self.name, self.code, self.log = name, code, log
        super().__init__(
            f"{name} 意外退出（代码 {code}），日志：{log}\n"
            f"{name} ended unexpectedly (exit code {code}), log: {log}\n{tail(log)}"
        )


class ProcessTimeout(RuntimeError):
    """A command took longer than it may: its name, the limit in seconds and its log."""

    def __init__(self, name: str, seconds: float, log: Path) -> None:
        self.name, self.seconds, self.log = name, seconds, log
        super().__init__(
            f"{name} 超过 {seconds:g} 秒仍未完成，日志：{log}\n"
            f"{name} did not end within {seconds:g} s, log: {log}\n{tail(log)}"
        )


@dataclass(frozen=True)
class Child:
    """One started command: `pid` is its keeper's process id, `log` holds what it printed."""

    name: str
    pid: int
    log: Path


class Processes:
    """A group of child processes that end together, at the latest when the `with` block is left.

    logs: folder for one `<name>.log` each; the log of the start before is kept as `<name>.log.1`.
    grace: seconds a child has to end by itself after TERM before it and its descendants are killed.
    hold: descriptors that every keeper keeps open until its child is gone (a lock on what the children use).
    """

    def __init__(self, logs: Path, *, grace: float = 10.0, hold: Sequence[int] = ()) -> None:
        self.logs = logs
        self.grace = grace
        self.hold = tuple(hold)
        self._lifeline, self._lifeline_write = os.pipe()
        self._running: dict[str, tuple[Child, subprocess.Popen[bytes]]] = {}
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        grace: float | None = None,
    ) -> Child:
        """Starts a command under `name` in a session of its own, so that Ctrl-C in a terminal reaches only us.

        grace: seconds between TERM and the end by force for this child alone.
        """
        if name in self._running:
            raise ValueError(f"{name} is running already")
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{name}.log"
        if log.exists():
            log.replace(log.with_name(f"{name}.log.1"))
        patience = str(self.grace if grace is None else grace)
        keeper = [sys.executable, "-I", "-S", str(_KEEPER), str(self._lifeline), patience, *command]
        with log.open("wb") as output, _undisturbed():
            process = subprocess.Popen(
                keeper,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if env is None else dict(env),
                cwd=cwd,
                start_new_session=True,
                pass_fds=(self._lifeline, *self.hold),
            )
            child = Child(name, process.pid, log)
            self._running[name] = (child, process)
        return child

    def run(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float,
    ) -> Path:
        """Runs a command to its end and gives its log; raises ProcessDied or ProcessTimeout (`timeout` in seconds)."""
        child = self.start(name, command, env=env, cwd=cwd)
        process = self._running[name][1]
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise ProcessTimeout(name, timeout, child.log) from None
        finally:
            self.stop(name)
        if code != 0:
            raise ProcessDied(name, code, child.log)
        return child.log

    def check(self) -> None:
        """Raises ProcessDied for the first child that ended by itself."""
        for child, process in self._running.values():
            code = process.poll()
            if code is not None:
                raise ProcessDied(child.name, code, child.log)

    def wait(self, interval: float = 0.5) -> None:
        """Watches until a child ends by itself (ProcessDied) or a signal interrupts; `interval` in seconds."""
        while True:
            self.check()
            time.sleep(interval)

    def stop(self, *names: str) -> None:
        """Ends the named children, or all, at the same time, and returns when they and their descendants are gone."""
        ending = [self._running[name] for name in (names or tuple(self._running)) if name in self._running]
        for _, process in ending:
            process.send_signal(signal.SIGTERM)
        # The keeper itself kills after the grace; more is only needed where the keeper is stuck.
        deadline = time.monotonic() + self.grace + 10.0
        for child, process in ending:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            del self._running[child.name]

    def close(self) -> None:
        """Ends everything; further starts are impossible. May be called twice."""
        if self._closed:
            return
        self._closed = True
        # Closed first: even if a second Ctrl-C interrupts the waiting below, the keepers end their children.
        os.close(self._lifeline_write)
        self.stop()
        os.close(self._lifeline)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals that end us wait until the block is left: a child that was begun is known, and so ended, all the same."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for late in came:
            signal.raise_signal(late)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Within the block SIGTERM and SIGHUP do what Ctrl-C does (KeyboardInterrupt), so that `with` blocks are left."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    # A shell starts background jobs with SIGINT ignored; a supervisor must be interruptible all the same.
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

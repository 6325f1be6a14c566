"""Runs one command and sees to it that nothing of it outlives the process that asked for it.

Started by `sandbox.processes` as a script of its own: `keeper.py <lifeline fd> <grace seconds> <command> …`. The
lifeline is the read end of a pipe whose write end only the asking process holds: end of file there means that it is
gone, however it went, SIGKILL included. Then, and on SIGTERM, the command is ended: TERM to the command, after the
grace TERM to all its descendants, then KILL until none is left. Being their subreaper, the keeper finds descendants
even where they made sessions of their own. Its exit code is the command's (128 + signal where a signal ended it).
This script must not know what it runs, and imports the standard library only: it starts in a few milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_SECOND_GRACE = 2.0  # seconds between TERM and KILL for descendants that the command left behind


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


def _descendants() -> list[int]:
    """Process ids of all living descendants; zombies are left out."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as file:
                state, parent = file.read().rpartition(b")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended while we looked
        if state != b"Z":
            children.setdefault(int(parent), []).append(int(entry))
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue  # ended by itself in between


class _Keeper:
    """The command's process and what became of it."""

    def __init__(self, command: list[str]) -> None:
        self.code: int | None = None
        keeper = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            self._become(command, keeper)

    @staticmethod
    def _become(command: list[str], keeper: int) -> NoReturn:
        try:
            os.setpgid(0, 0)
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            # Should the keeper itself be killed, its command goes with it.
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != keeper:
                os._exit(128 + signal.SIGKILL)
            os.execvp(command[0], command)
        except OSError as error:
            print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
            os._exit(127)

    def reap(self) -> None:
        """Collects whatever ended: the command, and orphans handed to this subreaper."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.pid:
                code = os.waitstatus_to_exitcode(status)
                self.code = code if code >= 0 else 128 - code

    def _wait(self, poller: select.poll, wakeup: int, seconds: float, *, all_of_it: bool) -> bool:
        """Waits until the command (or all of its descendants) ended; False when `seconds` were not enough."""
        deadline = time.monotonic() + seconds
        while True:
            self.reap()
            if self.code is not None and not (all_of_it and _descendants()):
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            # Descendants that are nobody's child of ours end without a signal to us, hence the short poll.
            if poller.poll(min(left, 0.05) * 1000):
                os.read(wakeup, 4096)

    def end(self, wakeup: int, grace: float) -> None:
        poller = select.poll()
        poller.register(wakeup, select.POLLIN)
        if self.code is None:
            _signal([self.pid], signal.SIGTERM)
            self._wait(poller, wakeup, grace, all_of_it=False)
        if _descendants():
            _signal(_descendants(), signal.SIGTERM)
            self._wait(poller, wakeup, _SECOND_GRACE, all_of_it=True)
        while remaining := _descendants():
            _signal(remaining, signal.SIGKILL)
            self._wait(poller, wakeup, 1.0, all_of_it=True)
        self.reap()


def main(arguments: list[str]) -> int:
    lifeline, grace, command = int(arguments[0]), float(arguments[1]), arguments[2:]
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd > 2:
            try:
                os.set_inheritable(fd, False)
            except OSError:
                continue  # the descriptor that listed the folder is closed again
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    wakeup, wakeup_write = os.pipe()
    for end in (wakeup, wakeup_write):
        os.set_blocking(end, False)
    ending: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ending.append(number))
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, lambda *_: None)
    signal.set_wakeup_fd(wakeup_write)

    keeper = _Keeper(command)
    poller = select.poll()
    poller.register(wakeup, select.POLLIN)
    poller.register(lifeline, select.POLLIN | select.POLLHUP)
    while keeper.code is None and not ending:
        events = dict(poller.poll())
        if wakeup in events:
            os.read(wakeup, 4096)
        if lifeline in events:
            break
        keeper.reap()
    keeper.end(wakeup, grace)
    return keeper.code if keeper.code is not None else 128 + signal.SIGKILL


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

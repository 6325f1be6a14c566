"""One rehearsal from its first step to the moment when everything is settled, watched all the while.

This module must not know who carries the calls; it is told how to ask whether anything still waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from sandbox.scenario.player import Mender, Player
from sandbox.scenario.records import Watch
from sandbox.scenario.script import Script
from sandbox.scenario.verdict import Verdict, judge
from sandbox.standins import Doors

_LOOK_SECONDS = 1.0


class NotSettled(RuntimeError):
    """The rehearsal did not settle in time: what is stuck, call by call."""

    def __init__(self, seconds: float, verdict: Verdict, waiting: list[str]) -> None:
        self.verdict = verdict
        lines = [f"{one.call.key} {one.call.title}: {'；'.join(one.open)}" for one in verdict.calls if one.open]
        lines += [f"剧本 / scenario: {words}" for words in waiting]
        found = (("lost", verdict.lost), ("duplicates", verdict.duplicates), ("echoes", verdict.echoes),
                 ("strays", verdict.strays), ("leaks", verdict.leaks))  # fmt: skip
        lines += [f"{name}: {', '.join(words)}" for name, words in found if words]
        lines = lines or ["平台已一致，仍有待办或死信 / the platforms agree, something still waits or is dead"]
        super().__init__("\n".join([f"{seconds:.0f} 秒后仍未办结 / not settled after {seconds:.0f} s:", *lines]))


@dataclass(frozen=True)
class Outcome:
    """A settled rehearsal: the verdict, the number of each call on its own platform, the watch, seconds it took."""

    verdict: Verdict
    numbers: dict[str, str]
    watch: Watch
    seconds: float


@dataclass(frozen=True)
class Surroundings:
    """What a rehearsal is played in. mend: see Player. idle: does nothing wait any more? Asked beside the play.
    beat: called at every look with seconds and verdict; may raise to end the rehearsal. now: epoch seconds."""

    doors: Doors
    mend: Mender
    idle: Callable[[], bool]
    beat: Callable[[float, Verdict], None]
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


def rehearse(script: Script, around: Surroundings, *, quiet_seconds: float, timeout: float) -> Outcome:
    """Plays until all is done and nothing has changed for `quiet_seconds`. NotSettled after `timeout` seconds."""
    watch = Watch(around.doors)
    started = around.now()
    changes, last_change = -1, started
    asking: Future[bool] | None = None
    with Player(script, around.doors, watch, around.mend, started) as player, ThreadPoolExecutor(1) as aside:
        player.open_offices()
        while True:
            now = around.now()
            watch.look(now)
            player.tick(now)
            verdict = judge(script, player.numbers(), watch)
            around.beat(now - started, verdict)
            if watch.changes != changes:
                changes, last_change, asking = watch.changes, now, None
            elif player.finished and verdict.clean and now - last_change >= quiet_seconds:
                if asking is None:
                    asking = aside.submit(around.idle)
                elif asking.done():
                    if asking.result():
                        return Outcome(verdict, player.numbers(), watch, now - started)
                    asking = None
            if now - started >= timeout:
                raise NotSettled(now - started, verdict, player.waiting())
            around.sleep(_LOOK_SECONDS)

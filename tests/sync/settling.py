"""Going on until nothing is written any more, whatever troubles platforms have meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from adapters.errors import BrokenReply, Unavailable

CALM = 3
"""Rounds without a write that end it, though platforms have troubles in each."""


@dataclass
class Troubles:
    """How often a platform could not be read or written: a round with such a trouble shows nothing of what it would hold."""

    count: int = 0

    @contextmanager
    def apart(self) -> Iterator[None]:
        try:
            yield
        except (Unavailable, BrokenReply):
            self.count += 1


def settle(round_: Callable[[], int], waits: Callable[[], object], troubles: Troubles, rounds: int) -> None:
    """Rounds until one neither wrote nor left anything waiting, without a trouble. AssertionError after `rounds`."""
    calm = 0
    for _ in range(rounds):
        before = troubles.count
        if round_() or waits():
            calm = 0
            continue
        calm += 1
        if troubles.count == before or calm == CALM:
            return
    raise AssertionError(f"writes do not stop: {waits()}")

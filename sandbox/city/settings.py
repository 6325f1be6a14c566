"""What a rehearsal may turn while the platform runs: its clock and its ways. Must not know who turns them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

MOST_PUBLISH_SECONDS = 30.0


@dataclass
class Settings:
    """publish_seconds: greatest lag of a change, 0 to 30. gbk_inside: the database behind is GBK. second_form: the 25
    characters are written in form B. odd_style: answers use comments, CDATA, character references and another
    attribute order. media_base: what media addresses begin with, as the platform sees itself."""

    publish_seconds: float = 0.0
    gbk_inside: bool = False
    second_form: bool = False
    odd_style: bool = False
    media_base: str = ""


def checked_lag(seconds: float) -> float:
    """A lag that the contract allows, in seconds."""
    if not 0.0 <= seconds <= MOST_PUBLISH_SECONDS:
        raise ValueError(f"publication may be late by 0 to {MOST_PUBLISH_SECONDS:.0f} seconds, not {seconds}")
    return seconds


class PlatformClock:
    """The platform's clock over a real one: skewed by seconds, or standing at a frozen epoch second."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._skew = 0.0
        self._frozen: float | None = None

    def now(self) -> float:
        """Epoch seconds."""
        with self._lock:
            return self._clock() + self._skew if self._frozen is None else self._frozen

    def skew(self, seconds: float) -> None:
        with self._lock:
            self._skew = seconds

    def freeze(self, epoch: float | None) -> None:
        """None lets it run again."""
        with self._lock:
            self._frozen = epoch

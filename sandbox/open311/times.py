"""The server's times (contract section 3), its clock, which a rehearsal may turn, and its switches."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

ZONE = timezone(timedelta(hours=8))
_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", re.ASCII)


def read_time(text: object) -> int | None:
    """Epoch seconds; None for anything but whole seconds with an offset."""
    if not isinstance(text, str) or not _FORM.fullmatch(text):
        return None
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        return None


def write_time(epoch: float) -> str:
    """Whole seconds, +08:00."""
    return datetime.fromtimestamp(int(epoch), ZONE).isoformat()


@dataclass
class Settings:
    """The start switches of contract section 4.

    jurisdiction: "required" or "ignored". extensions: updated_after, updated_before, page, page_size. rate, burst:
    requests a second and at once, rate 0 = no limit. token_min_seconds, token_max_seconds: how long a token stays
    without an id. feed_lead_seconds: the request stands in the lists so long before its token tells the id.
    most: where lists are cut. deviations: names of samples/deviations.
    """

    jurisdiction: str = "ignored"
    extensions: bool = False
    rate: float = 0.0
    burst: float = 10.0
    token_min_seconds: float = 30.0
    token_max_seconds: float = 60.0
    feed_lead_seconds: float = 0.0
    most: int = 1000
    deviations: tuple[str, ...] = ()


class ServerClock:
    """The server's clock over a real one: skewed by seconds, or standing at a frozen epoch second."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.skew = 0.0
        self.frozen: float | None = None

    def now(self) -> float:
        """Epoch seconds."""
        return self._clock() + self.skew if self.frozen is None else self.frozen


class Bucket:
    """One token bucket for all callers: `take` says how many seconds are missing, 0 if the request may pass."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._level: float | None = None
        self._seen = 0.0

    def take(self, rate: float, burst: float) -> float:
        with self._lock:
            now = self._clock()
            level = burst if self._level is None else min(burst, self._level + max(0.0, now - self._seen) * rate)
            self._seen = now
            self._level = level - 1 if level >= 1 else level
            return 0.0 if level >= 1 else (1 - level) / rate

    def refill(self) -> None:
        with self._lock:
            self._level = None

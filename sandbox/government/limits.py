"""The two limits a caller can run into: the platform's token bucket and the gateway's count (contract section 4).

Times are seconds of whatever steady clock the caller passes. Must not know apps, requests or answers.
"""

from __future__ import annotations

import math
import threading

MOST_RETRY_SECONDS = 3600


class Buckets:
    """One token bucket a key, full at first. `take` gives 0 or the whole seconds until a token is back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, key: str, now: float, rate: float, burst: int) -> int:
        """`rate` tokens come back a second, never more than `burst` are there."""
        with self._lock:
            level, seen = self._levels.get(key, (float(burst), now))
            level = min(float(burst), level + max(0.0, now - seen) * rate)
            if level >= 1.0:
                self._levels[key] = (level - 1.0, now)
                return 0
            self._levels[key] = (level, now)
            missing = 1.0 - level
            return min(MOST_RETRY_SECONDS, max(1, math.ceil(missing / rate))) if rate > 0 else MOST_RETRY_SECONDS

    def refill(self) -> None:
        """Every bucket is full again, as after a change of the limits."""
        with self._lock:
            self._levels.clear()


class Counter:
    """Requests a key within the running whole second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._second = -1
        self._counts: dict[str, int] = {}

    def count(self, key: str, now: float) -> int:
        """How many requests of `key` this second has seen, this one included."""
        with self._lock:
            if int(now) != self._second:
                self._second = int(now)
                self._counts.clear()
            self._counts[key] = self._counts.get(key, 0) + 1
            return self._counts[key]

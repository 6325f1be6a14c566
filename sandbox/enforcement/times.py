"""The platform's times: RFC 3339 in, milliseconds with +08:00 out; its clock, which a rehearsal may turn."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

ZONE = timezone(timedelta(hours=8))
_FORM = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)


def read_time(text: object) -> datetime | None:
    """An aware time, decimals beyond milliseconds cut; None for anything that is not RFC 3339 with its offset."""
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    fraction = (found[2] or "0").ljust(3, "0")[:3]
    try:
        return datetime.fromisoformat(f"{found[1]}.{fraction}{found[3].replace('Z', '+00:00')}")
    except ValueError:
        return None


def write_time(at: datetime) -> str:
    return at.astimezone(ZONE).isoformat(timespec="milliseconds")


@dataclass
class Settings:
    """rate, burst: requests a second and at once of a client; token_rate, token_burst: of the token call.
    token_seconds: a token's real life (answers say 900). jitter_seconds: updatedAt lies up to this far back.
    commit_seconds: an official's new case is committed up to this long after it was typed."""

    rate: float = 10
    burst: float = 20
    token_rate: float = 1
    token_burst: float = 5
    token_seconds: float = 900
    jitter_seconds: float = 0
    commit_seconds: float = 0


class PlatformClock:
    """The platform's clock over a real one: skewed by seconds, or standing at a frozen epoch second."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.skew = 0.0
        self.frozen: float | None = None

    def now(self) -> float:
        """Epoch seconds."""
        return self._clock() + self.skew if self.frozen is None else self.frozen

    def moment(self) -> datetime:
        return datetime.fromtimestamp(round(self.now() * 1000) / 1000, ZONE)


class Buckets:
    """Token buckets by name: `take` says how many seconds are missing, 0 if the request may pass."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, name: str, rate: float, burst: float) -> float:
        with self._lock:
            now = self._clock()
            level, seen = self._levels.get(name, (burst, now))
            level = min(burst, level + max(0.0, now - seen) * rate)
            if level < 1:
                self._levels[name] = (level, now)
                return (1 - level) / rate
            self._levels[name] = (level - 1, now)
            return 0.0

    def refill(self) -> None:
        with self._lock:
            self._levels.clear()

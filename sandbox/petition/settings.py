"""What a rehearsal may turn while the platform runs: its clock, its pace, its lateness. Must not know who turns them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

_BEIJING = timezone(timedelta(hours=8))


@dataclass
class Settings:
    """batch_seconds: real seconds between two runs, None = by hand only. late_seconds: longest life of an official's
    transaction on the platform's clock."""

    batch_seconds: float | None = 30.0
    late_seconds: float = 0.0


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

    def text(self) -> str:
        """Beijing, naive, `yyyy-MM-dd HH:mm:ss`: as every DATETIME of the exchange database."""
        return beijing(self.now())

    def set(self, skew_seconds: float | None, frozen: float | None) -> None:
        """skew_seconds None: it stays. frozen None: the clock runs."""
        with self._lock:
            if skew_seconds is not None:
                self._skew = skew_seconds
            self._frozen = frozen

    @property
    def skew_seconds(self) -> float:
        return self._skew

    @property
    def frozen(self) -> float | None:
        """Epoch seconds, None while it runs."""
        return self._frozen


def beijing(epoch: float) -> str:
    """Epoch seconds → Beijing text of 19 characters; the part of a second is dropped."""
    return datetime.fromtimestamp(epoch, _BEIJING).strftime("%Y-%m-%d %H:%M:%S")

"""What a rehearsal may turn while the platform runs: its clock and its limits. Must not know who turns them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Settings:
    """late_seconds: greatest lag of a list row. rate, burst: token bucket (a second, requests). gateway_rate: requests
    a second and app key. token_seconds: a token's real life; answers say 7200 whatever it is, as the contract fixes."""

    late_seconds: float = 0.0
    rate: float = 20
    burst: int = 40
    gateway_rate: int = 60
    token_seconds: float = 7200.0


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

    def now_ms(self) -> int:
        """Epoch milliseconds. Rounded, so that a frozen millisecond is met exactly."""
        return round(self.now() * 1000)

    def skew(self, seconds: float) -> None:
        with self._lock:
            self._skew = seconds

    def freeze(self, epoch: float | None) -> None:
        """None lets it run again."""
        with self._lock:
            self._frozen = epoch

"""What the back door can turn: the clock, delays, accounts, damage; and the count of requests running at once.

Must not know operations, HTTP or storage.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from sandbox.grid.answers import Damage
from sandbox.grid.records import Moment
from sandbox.grid.security import Account


class Controls:
    """Thread-safe. `clock` gives epoch seconds; `skew_seconds` is added to it, `freeze` (epoch) replaces both."""

    def __init__(
        self, clock: Callable[[], float], accounts: Mapping[str, str], processing_seconds: float, late_seconds: float,
        gate: int,
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._accounts = {name: Account(name, password) for name, password in accounts.items()}
        self._damage: dict[str, dict[str, bytes | None]] = {}
        self._running: dict[str, int] = {}
        self.skew_seconds = 0.0
        self.freeze: float | None = None
        self.processing_seconds = processing_seconds
        self.late_seconds = late_seconds
        self.gate = gate

    def now(self) -> float:
        """The platform's clock, epoch seconds."""
        frozen = self.freeze
        return self._clock() + self.skew_seconds if frozen is None else frozen

    def moment(self) -> Moment:
        return Moment(self.now(), self.late_seconds)

    def accounts(self) -> dict[str, Account]:
        with self._lock:
            return dict(self._accounts)

    def put_account(self, account: Account) -> None:
        with self._lock:
            self._accounts[account.username] = account

    def damage(self) -> Mapping[str, Damage]:
        """eventId to the raw markup of its damaged elements."""
        with self._lock:
            return dict(self._damage)

    def set_damage(self, damage: dict[str, dict[str, bytes | None]]) -> None:
        with self._lock:
            self._damage = damage

    def add_damage(self, event_id: str, damage: dict[str, bytes | None]) -> None:
        with self._lock:
            self._damage[event_id] = {**self._damage.get(event_id, {}), **damage}

    @contextmanager
    def slot(self, username: str) -> Iterator[bool]:
        """Whether one more request of that account may run now; counts it while it does."""
        with self._lock:
            free = self._running.get(username, 0) < self.gate
            if free:
                self._running[username] = self._running.get(username, 0) + 1
        try:
            yield free
        finally:
            if free:
                with self._lock:
                    self._running[username] -= 1

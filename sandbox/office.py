"""The hours of a stand-in's scripted officials: rounds of work in the background, or on demand.

This module must not know a platform, nor what a round is.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

_log = logging.getLogger(__name__)


class Office:
    """round: one step on everything that awaits one; tells how many steps were taken. trouble: errors that break off a
    round in the background and no more; the next one takes it up again."""

    def __init__(self, name: str, round: Callable[[], int], trouble: tuple[type[Exception], ...] = ()) -> None:
        self._name, self._round, self._trouble = name, round, trouble
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        return self._thread is not None

    @property
    def closing(self) -> bool:
        """Must the round in hand end early? Asked within a round."""
        return self._closing.is_set() and self._thread is not None

    def start(self, interval_seconds: float) -> None:
        """One round every `interval_seconds` of real time; a running office takes the new interval."""
        self.stop()
        with self._lock:
            self._closing = threading.Event()
            arguments = (self._closing, interval_seconds)
            self._thread = threading.Thread(target=self._work, args=arguments, name=f"{self._name}-department", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends after the step in hand. May be called more than once."""
        with self._lock:
            self._closing.set()
            if self._thread is not None:
                self._thread.join()
                self._thread = None

    def turned(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """As a back door asks: {enabled, interval_seconds, rounds}; whether it is at work now, and the steps of `rounds`."""
        if wish.get("enabled"):
            self.start(float(wish.get("interval_seconds", 2.0)))
        elif "enabled" in wish:
            self.stop()
        taken = sum(self._round() for _ in range(int(wish.get("rounds", 0))))
        return {"enabled": self.running, "steps": taken}

    def _work(self, closing: threading.Event, interval_seconds: float) -> None:
        while not closing.wait(interval_seconds):
            try:
                self._round()
            except self._trouble:
                _log.exception("a round of %s was broken off", self._name)

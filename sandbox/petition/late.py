"""Transactions that stay open: changes stamped at their beginning and committed later (contract section 2, late rows).

Nothing is locked meanwhile: SQLite has one writer, and an open one would stop the integrator's INSERTs as well. Whoever
changes the same work order next commits the open change first, as a waiting lock would order them. Must not know what
the changes are about.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from sandbox.petition.changes import Change, apply
from sandbox.petition.database import Database

_LOOK_SECONDS = 0.05

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Open:
    """Changes of one transaction, to be committed when the platform's clock reaches `due` (epoch seconds)."""

    due: float
    changes: tuple[Change, ...]


class LateCommits:
    """Thread-safe. While anything is open a thread of its own looks at the clock and commits what is due."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        self._open: list[_Open] = []
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def write(self, changes: Sequence[Change], seconds: float) -> None:
        """Commits now, or, with `seconds` above 0, that much later on the platform's clock."""
        with self._database.alone():
            if seconds <= 0:
                with self._database.write() as connection:
                    apply(connection, changes)
                return
            self._open.append(_Open(self._now() + seconds, tuple(changes)))
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="petition-late", daemon=True)
                self._thread.start()

    def is_open(self, gdbh: str) -> bool:
        with self._database.alone():
            return any(_touches(one, gdbh) for one in self._open)

    def commit_of(self, gdbh: str) -> None:
        """Commits what is open for this work order, in the order it was begun."""
        self._commit(lambda one: _touches(one, gdbh))

    def commit_due(self) -> None:
        now = self._now()
        self._commit(lambda one: one.due <= now)

    def commit_all(self) -> None:
        self._commit(lambda _: True)

    def close(self) -> None:
        """Commits everything: an orderly end waits for its transactions."""
        self._closing.set()
        thread = self._thread
        if thread is not None:
            thread.join()
        self.commit_all()

    def _commit(self, wanted: Callable[[_Open], bool]) -> None:
        with self._database.alone():
            for one in [one for one in self._open if wanted(one)]:
                with self._database.write() as connection:
                    apply(connection, one.changes)
                self._open.remove(one)

    def _watch(self) -> None:
        while not self._closing.wait(_LOOK_SECONDS):
            try:
                self.commit_due()
            except SQLAlchemyError:
                # Locked or restarting: what is open stays open and is tried again at the next look.
                _log.exception("a late commit failed")
            with self._database.alone():
                if not self._open:
                    self._thread = None
                    return


def _touches(one: _Open, gdbh: str) -> bool:
    # The databases compare GDBH without case or trailing blanks at most; more committed early than needed does no harm.
    name = gdbh.rstrip(" ").lower()
    return any(change.gdbh.lower() == name for change in one.changes)

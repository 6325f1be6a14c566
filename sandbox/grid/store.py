"""The platform's records in SQLite: events as documents, the delayed list that queryEvents reads, files, id counters.

A document has the members of the contract's Event by name: texts; `level` a number; `lng`/`lat` a text of 6 decimals or
None; `assistDepts` a list of codes; `processes`, `attachments`, `extend` lists of objects with the XSD's member names.
Must not know rules, HTTP or clocks: every time is handed in.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.grid.answers import Document

_TABLES = """
CREATE TABLE IF NOT EXISTS events (
    event_id TEXT PRIMARY KEY, source_id TEXT NOT NULL, created_by TEXT NOT NULL, stage TEXT NOT NULL,
    doc TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_source ON events (source_id, event_id);
CREATE TABLE IF NOT EXISTS listed (
    event_id TEXT PRIMARY KEY, update_time TEXT NOT NULL, doc TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS listed_order ON listed (update_time, event_id);
CREATE TABLE IF NOT EXISTS pending (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, visible_at REAL NOT NULL,
    update_time TEXT NOT NULL, doc TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (
    attach_id TEXT PRIMARY KEY, event_id TEXT NOT NULL, name TEXT NOT NULL, mime TEXT NOT NULL, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


@dataclass(frozen=True)
class Stored:
    """An event as it is now; `created_by` is the exchange account, or `officials`."""

    document: Document
    created_by: str


@dataclass(frozen=True)
class StoredFile:
    name: str
    mime: str
    content: bytes


class Store:
    """Thread-safe: one connection, one lock. `path` None keeps everything in memory."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _TABLES)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, one at a time; not to be nested."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def event(self, event_id: str) -> Stored | None:
        with self._lock:
            row = self._db.execute("SELECT doc, created_by FROM events WHERE event_id = ?", (event_id,)).fetchone()
        return Stored(json.loads(row[0]), row[1]) if row else None

    def by_source(self, source_id: str) -> list[Document]:
        """Current events with that sourceId, by eventId."""
        with self._lock:
            rows = self._db.execute(
                "SELECT doc FROM events WHERE source_id = ? ORDER BY event_id", (source_id,)
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def every(self) -> list[Stored]:
        """All current events, by eventId."""
        with self._lock:
            rows = self._db.execute("SELECT doc, created_by FROM events ORDER BY event_id").fetchall()
        return [Stored(json.loads(row[0]), row[1]) for row in rows]

    def reported_at_stages(self, stages: Sequence[str]) -> list[Document]:
        """Current events that an exchange account reported and that stand at one of `stages`, by eventId."""
        marks = ",".join("?" * len(stages))
        with self._lock:
            rows = self._db.execute(
                f"SELECT doc FROM events WHERE created_by <> 'officials' AND stage IN ({marks}) ORDER BY event_id",
                tuple(stages),
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def visible_times(self, now: float) -> dict[str, str]:
        """eventId to the updateTime with which queryEvents lists it."""
        with self.transaction():
            self._publish(now)
            return dict(self._db.execute("SELECT event_id, update_time FROM listed").fetchall())

    def page(self, since: str, until: str, offset: int, limit: int, now: float) -> tuple[int, list[Document]]:
        """What queryEvents sees at `now`: the number of matches and one page of them; both bounds inclusive."""
        with self.transaction():
            self._publish(now)
            total: int = self._db.execute(
                "SELECT count(*) FROM listed WHERE update_time BETWEEN ? AND ?", (since, until)
            ).fetchone()[0]
            rows = self._db.execute(
                "SELECT doc FROM listed WHERE update_time BETWEEN ? AND ? "
                "ORDER BY update_time, event_id LIMIT ? OFFSET ?",
                (since, until, limit, offset),
            ).fetchall()
        return total, [json.loads(row[0]) for row in rows]

    def save(self, document: Document, created_by: str, now: float, visible_at: float) -> None:
        """Inside a transaction. Current at once for getEvent and findBySourceId, listed from `visible_at` on."""
        self._publish(now)
        doc = json.dumps(document)
        event_id, update_time = document["eventId"], document["updateTime"]
        self._db.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?) ON CONFLICT (event_id) DO UPDATE "
            "SET source_id = excluded.source_id, stage = excluded.stage, doc = excluded.doc",
            (event_id, document["sourceId"], created_by, document["stage"], doc),
        )
        waiting = self._db.execute("SELECT max(visible_at) FROM pending WHERE event_id = ?", (event_id,)).fetchone()[0]
        # Versions of one event come to light in the order in which they were written.
        at = max(visible_at, waiting or visible_at)
        if at <= now:
            self._list(event_id, update_time, doc)
        else:
            self._db.execute(
                "INSERT INTO pending (event_id, visible_at, update_time, doc) VALUES (?, ?, ?, ?)",
                (event_id, at, update_time, doc),
            )

    def next_id(self, prefix: str, day: str, digits: int) -> str:
        """Inside a transaction. `prefix` + day + running number of the day."""
        name = prefix + day
        row = self._db.execute(
            "INSERT INTO counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            (name,),
        ).fetchone()
        if row[0] >= 10**digits:
            raise OverflowError(f"no number left for {name}")
        return f"{name}{row[0]:0{digits}d}"

    def taken(self, number: str, prefix_length: int) -> None:
        """Inside a transaction. A number given by hand: the counter goes on behind it."""
        name, value = number[:prefix_length], int(number[prefix_length:])
        self._db.execute(
            "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
            (name, value),
        )

    def add_file(self, attach_id: str, event_id: str, file: StoredFile) -> None:
        """Inside a transaction."""
        self._db.execute(
            "INSERT INTO files VALUES (?, ?, ?, ?, ?)", (attach_id, event_id, file.name, file.mime, file.content)
        )

    def file(self, attach_id: str) -> StoredFile | None:
        with self._lock:
            row = self._db.execute("SELECT name, mime, content FROM files WHERE attach_id = ?", (attach_id,)).fetchone()
        return StoredFile(*row) if row else None

    def _publish(self, now: float) -> None:
        """Inside a transaction: versions whose time has come take their place in the list."""
        due = self._db.execute(
            "SELECT seq, event_id, update_time, doc FROM pending WHERE visible_at <= ? ORDER BY seq", (now,)
        ).fetchall()
        for seq, event_id, update_time, doc in due:
            self._list(event_id, update_time, doc)
            self._db.execute("DELETE FROM pending WHERE seq = ?", (seq,))

    def _list(self, event_id: str, update_time: str, doc: str) -> None:
        self._db.execute(
            "INSERT INTO listed VALUES (?, ?, ?) ON CONFLICT (event_id) DO UPDATE "
            "SET update_time = excluded.update_time, doc = excluded.doc",
            (event_id, update_time, doc),
        )

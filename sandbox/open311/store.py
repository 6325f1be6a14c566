"""Where the server keeps its requests and media: SQLite, a document a request. Must not know HTTP or what is checked."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, token TEXT UNIQUE,
  service_code TEXT NOT NULL, status TEXT NOT NULL, requested INTEGER NOT NULL, updated INTEGER NOT NULL,
  shown_from REAL, fingerprint TEXT, doc TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS requests_requested ON requests (requested);
CREATE INDEX IF NOT EXISTS requests_updated ON requests (updated);
CREATE TABLE IF NOT EXISTS media (name TEXT PRIMARY KEY, content_type TEXT NOT NULL, content BLOB NOT NULL);
"""
Document = dict[str, Any]


class Store:
    """One database; None = in memory. Documents are whole requests; `number` counts them from `first` on."""

    def __init__(self, path: Path | None, first: int = 1) -> None:
        self.lock = threading.RLock()
        self._db = sqlite3.connect(str(path or ":memory:"), check_same_thread=False, isolation_level=None)
        self._db.executescript(_SCHEMA)
        self._first = first

    def close(self) -> None:
        with self.lock:
            self._db.close()

    def next_number(self) -> int:
        with self.lock:
            used = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'requests'").fetchone()
        return max(self._first, used[0] + 1 if used else 0)

    def go_on_from(self, first: int) -> None:
        """The next number is at least `first`: numbers are left out, never given twice."""
        with self.lock:
            self._first = max(self._first, first)

    def save(self, document: Document) -> None:
        """Inserts or replaces by its `number`."""
        row = [document[name] for name in ("number", "service_request_id", "token", "service_code", "status", "requested",
                                           "updated", "shown_from", "fingerprint")]  # fmt: skip
        with self.lock:
            self._db.execute("INSERT OR REPLACE INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                             (*row, json.dumps(document, ensure_ascii=False)))  # fmt: skip

    def by(self, column: str, value: object) -> Document | None:
        """column: id, token or fingerprint."""
        assert column in ("id", "token", "fingerprint")
        found = self._ask(f"SELECT doc FROM requests WHERE {column} = ? LIMIT 1", value)
        return found[0] if found else None

    def all(self) -> list[Document]:
        return self._ask("SELECT doc FROM requests ORDER BY number")

    def select(self, where: Sequence[tuple[str, Sequence[object]]], order: str, most: int, skip: int = 0) -> list[Document]:
        """where: SQL terms with their values, all of which hold. order: "requested" (newest first) or "updated"
        (oldest first), then by id."""
        terms = " AND ".join(term for term, _ in where) or "1"
        values = [value for _, given in where for value in given]
        way = "updated, id" if order == "updated" else "requested DESC, id DESC"
        return self._ask(f"SELECT doc FROM requests WHERE {terms} ORDER BY {way} LIMIT ? OFFSET ?", *values, most, skip)

    def save_media(self, name: str, content_type: str, content: bytes) -> None:
        with self.lock:
            self._db.execute("INSERT OR REPLACE INTO media VALUES (?, ?, ?)", (name, content_type, content))

    def media(self, name: str) -> tuple[str, bytes] | None:
        """(media type, bytes)."""
        with self.lock:
            found = self._db.execute("SELECT content_type, content FROM media WHERE name = ?", (name,)).fetchone()
        return (str(found[0]), bytes(found[1])) if found else None

    def _ask(self, sql: str, *values: object) -> list[Document]:
        with self.lock:
            return [json.loads(row[0]) for row in self._db.execute(sql, values).fetchall()]

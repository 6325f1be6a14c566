"""Where the platform keeps things: cases with their place in the feed, clients, tokens, keys, files; SQLite.

Must not know HTTP, nor what an event means.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS clients (id TEXT PRIMARY KEY, doc TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, client TEXT NOT NULL, scopes TEXT NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS cases (id TEXT PRIMARY KEY, place INTEGER NOT NULL UNIQUE, updated TEXT NOT NULL, client TEXT,
  doc TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS cases_updated ON cases (updated);
CREATE TABLE IF NOT EXISTS later (id TEXT PRIMARY KEY, due REAL NOT NULL, doc TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS keys (client TEXT, target TEXT, key TEXT, at REAL NOT NULL, body TEXT NOT NULL,
  answer TEXT NOT NULL, PRIMARY KEY (client, target, key));
CREATE TABLE IF NOT EXISTS files (case_id TEXT, name TEXT, content BLOB NOT NULL, PRIMARY KEY (case_id, name));
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class Store:
    """One database; None = in memory. `change` is one transaction of one thread at a time."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(str(path or ":memory:"), check_same_thread=False, isolation_level=None)
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """Nested ones belong to the outermost, which commits or rolls back."""
        with self._lock:
            outermost = self._depth == 0
            if outermost:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                if outermost:
                    self._db.execute("ROLLBACK")
                raise
            else:
                if outermost:
                    self._db.execute("COMMIT")
            finally:
                self._depth -= 1

    def _run(self, sql: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    # Clients, tokens, keys --------------------------------------------------------------------------------------------

    def client(self, name: str) -> dict[str, Any] | None:
        rows = self._run("SELECT doc FROM clients WHERE id = ?", name)
        return dict(json.loads(rows[0][0])) if rows else None

    def save_client(self, name: str, doc: dict[str, Any]) -> None:
        self._run("INSERT OR REPLACE INTO clients VALUES (?, ?)", name, json.dumps(doc))

    def save_token(self, token: str, client: str, scopes: str, expires: float) -> None:
        self._run("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?)", token, client, scopes, expires)

    def token(self, token: str) -> tuple[str, str, float] | None:
        """(client, scopes, expires in epoch seconds)."""
        rows = self._run("SELECT client, scopes, expires FROM tokens WHERE token = ?", token)
        return (rows[0][0], rows[0][1], rows[0][2]) if rows else None

    def void_tokens(self) -> None:
        self._run("UPDATE tokens SET expires = 0")

    def key(self, client: str, target: str, key: str, oldest: float) -> tuple[float, Any, Any] | None:
        """(first used, body, answer) of a key not older than `oldest`; older ones are forgotten."""
        self._run("DELETE FROM keys WHERE at < ?", oldest)
        rows = self._run("SELECT at, body, answer FROM keys WHERE client = ? AND target = ? AND key = ?", client, target, key)
        return (rows[0][0], json.loads(rows[0][1]), json.loads(rows[0][2])) if rows else None

    def save_key(self, client: str, target: str, key: str, at: float, body: Any, answer: Any) -> None:
        self._run("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?)", client, target, key, at, json.dumps(body), json.dumps(answer))

    # Cases ------------------------------------------------------------------------------------------------------------

    def case(self, case_id: str) -> dict[str, Any] | None:
        rows = self._run("SELECT doc FROM cases WHERE id = ?", case_id)
        return dict(json.loads(rows[0][0])) if rows else None

    def save_case(self, doc: dict[str, Any], client: str | None = None) -> None:
        """At the end of the feed."""
        with self.change():
            place = self.last_place() + 1
            self._set("place", place)
            text = json.dumps(doc, ensure_ascii=False)
            self._run("INSERT INTO cases VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET place = excluded.place, "
                      "updated = excluded.updated, doc = excluded.doc",
                      doc["id"], place, doc["updatedAt"], client, text)  # fmt: skip

    def remove_case(self, case_id: str) -> None:
        self._run("DELETE FROM cases WHERE id = ?", case_id)

    def cases(self) -> list[dict[str, Any]]:
        """All, in the feed's order."""
        return [json.loads(row[0]) for row in self._run("SELECT doc FROM cases ORDER BY place")]

    def cases_of_clients(self) -> list[str]:
        return [row[0] for row in self._run("SELECT id FROM cases WHERE client IS NOT NULL ORDER BY place")]

    def commit_later(self, doc: dict[str, Any], due: float) -> None:
        self._run("INSERT INTO later VALUES (?, ?, ?)", doc["id"], due, json.dumps(doc, ensure_ascii=False))

    def commit_due(self, now: float) -> None:
        """What was typed earlier and is committed by now takes its place in the feed."""
        with self.change():
            for case_id, doc in self._run("SELECT id, doc FROM later WHERE due <= ? ORDER BY due, id", now):
                self.save_case(json.loads(doc))
                self._run("DELETE FROM later WHERE id = ?", case_id)

    def page(self, place: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """(place, case) behind a place."""
        rows = self._run("SELECT place, doc FROM cases WHERE place > ? ORDER BY place LIMIT ?", place, limit)
        return [(row[0], json.loads(row[1])) for row in rows]

    def place_since(self, updated: str) -> int:
        """The place before the first case, in the feed's order, that was updated at or after; the end if none was."""
        found = self._run("SELECT min(place) FROM cases WHERE updated >= ?", updated)[0][0]
        return self.last_place() if found is None else int(found) - 1

    def last_place(self) -> int:
        return int(self._get("place", "1000"))

    def generation(self) -> tuple[int, str]:
        """(number of compactions so far, time of the last one)."""
        return int(self._get("generation", "1")), self._get("compacted", "")

    def compact(self, at: str) -> None:
        """All cursors handed out so far are void."""
        self._set("generation", self.generation()[0] + 1)
        self._set("compacted", at)

    def _get(self, name: str, usual: str) -> str:
        rows = self._run("SELECT value FROM meta WHERE name = ?", name)
        return str(rows[0][0]) if rows else usual

    def _set(self, name: str, value: object) -> None:
        self._run("INSERT OR REPLACE INTO meta VALUES (?, ?)", name, str(value))

    # Files ------------------------------------------------------------------------------------------------------------

    def save_file(self, case_id: str, name: str, content: bytes) -> None:
        self._run("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", case_id, name, content)

    def file(self, case_id: str, name: str) -> bytes | None:
        rows = self._run("SELECT content FROM files WHERE case_id = ? AND name = ?", case_id, name)
        return bytes(rows[0][0]) if rows else None

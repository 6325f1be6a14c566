"""Everything the platform keeps, in one SQLite database: users, tasks, steps, medias, changes.

Thread-safe: one connection under one lock; `change()` makes several steps one transaction and serialises writers.
Times of changes are epoch seconds. Must not know rules, the step table or HTTP; it stores what it is told.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (user TEXT PRIMARY KEY, password TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS serials (kind TEXT, day TEXT, last INTEGER NOT NULL, PRIMARY KEY (kind, day));
CREATE TABLE IF NOT EXISTS tasks (
  task_num TEXT PRIMARY KEY, place INTEGER NOT NULL, user TEXT, maker TEXT NOT NULL, state TEXT NOT NULL,
  doc TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS tasks_state ON tasks (state);
CREATE INDEX IF NOT EXISTS tasks_place ON tasks (place);
CREATE TABLE IF NOT EXISTS steps (task_num TEXT, seq INTEGER, doc TEXT NOT NULL, PRIMARY KEY (task_num, seq));
CREATE TABLE IF NOT EXISTS medias (
  media_id TEXT PRIMARY KEY, task_num TEXT NOT NULL, place INTEGER NOT NULL, type TEXT NOT NULL, size INTEGER NOT NULL,
  content BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS medias_task ON medias (task_num, place);
CREATE TABLE IF NOT EXISTS changes (
  seq INTEGER PRIMARY KEY, task_num TEXT NOT NULL, made_at REAL NOT NULL, publish_at REAL NOT NULL);
"""


@dataclass(frozen=True)
class Media:
    """A file without its bytes. `size` in bytes."""

    media_id: str
    type: str
    size: int


@dataclass(frozen=True)
class Change:
    """One published line of the change feed."""

    seq: int
    task_num: str


class Store:
    """The database. `path` None keeps it in memory for the life of the store."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(str(path or ":memory:"), check_same_thread=False, isolation_level=None)
        if path is not None:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def change(self) -> Iterator[None]:
        """One transaction; may be nested, the outermost commits or rolls back."""
        with self._lock:
            outermost = self._depth == 0
            if outermost:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                if outermost:
                    self._connection.execute("ROLLBACK")
                raise
            else:
                if outermost:
                    self._connection.execute("COMMIT")
            finally:
                self._depth -= 1

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def _one(self, sql: str, *values: Any) -> Any:
        with self._lock:
            return self._connection.execute(sql, values).fetchone()

    def _run(self, sql: str, *values: Any) -> None:
        with self._lock:
            self._connection.execute(sql, values)

    # Users ------------------------------------------------------------------------------------------------------------

    def password(self, user: str) -> str | None:
        row = self._one("SELECT password FROM users WHERE user = ?", user)
        return str(row[0]) if row else None

    def save_user(self, user: str, password: str) -> None:
        self._run("INSERT OR REPLACE INTO users VALUES (?, ?)", user, password)

    def drop_user(self, user: str) -> None:
        self._run("DELETE FROM users WHERE user = ?", user)

    # Tasks ------------------------------------------------------------------------------------------------------------

    def next_serial(self, kind: str, day: str) -> int:
        """The next serial of `kind` on `day`, from 1. Rolled back with its transaction."""
        sql = "INSERT INTO serials VALUES (?, ?, 1) ON CONFLICT (kind, day) DO UPDATE SET last = last + 1 RETURNING last"
        return int(self._one(sql, kind, day)[0])

    def task(self, task_num: str) -> dict[str, str] | None:
        row = self._one("SELECT doc FROM tasks WHERE task_num = ?", task_num)
        return _doc(row[0]) if row else None

    def maker(self, task_num: str) -> str:
        """Who reported it: a user of the exchange or an official's name."""
        return str(self._one("SELECT maker FROM tasks WHERE task_num = ?", task_num)[0])

    def add_task(self, doc: dict[str, str], user: str | None, maker: str) -> None:
        """`user` None: not reported over the exchange."""
        place = "(SELECT coalesce(max(place), 0) + 1 FROM tasks)"
        values = (doc["taskNum"], user, maker, doc["state"], _packed(doc))
        self._run(f"INSERT INTO tasks VALUES (?, {place}, ?, ?, ?, ?)", *values)

    def save_task(self, doc: dict[str, str]) -> None:
        sql = "UPDATE tasks SET state = ?, doc = ? WHERE task_num = ?"
        self._run(sql, doc["state"], _packed(doc), doc["taskNum"])

    def task_nums(self) -> list[str]:
        """In the order of reporting."""
        return [row[0] for row in self._rows("SELECT task_num FROM tasks ORDER BY place")]

    def tasks_of_users(self, states: Collection[str]) -> list[str]:
        """Numbers of the tasks reported over the exchange that stand in one of `states`, in order of reporting."""
        marks = ", ".join("?" * len(states))
        sql = f"SELECT task_num FROM tasks WHERE user IS NOT NULL AND state IN ({marks}) ORDER BY place"
        return [row[0] for row in self._rows(sql, *states)]

    # Steps ------------------------------------------------------------------------------------------------------------

    def steps(self, task_num: str) -> list[dict[str, str]]:
        """The items in order, `seq` included."""
        rows = self._rows("SELECT seq, doc FROM steps WHERE task_num = ? ORDER BY seq", task_num)
        return [{"seq": str(row[0])} | _doc(row[1]) for row in rows]

    def add_step(self, task_num: str, doc: dict[str, str]) -> int:
        """Appends; the item's seq, from 1 without gaps, is given here."""
        with self.change():
            last = self._one("SELECT coalesce(max(seq), 0) FROM steps WHERE task_num = ?", task_num)[0]
            self._run("INSERT INTO steps VALUES (?, ?, ?)", task_num, last + 1, _packed(doc))
            return int(last) + 1

    # Medias -----------------------------------------------------------------------------------------------------------

    def medias(self, task_num: str) -> list[Media]:
        """In the order they came."""
        rows = self._rows("SELECT media_id, type, size FROM medias WHERE task_num = ? ORDER BY place", task_num)
        return [Media(*row) for row in rows]

    def add_media(self, task_num: str, media: Media, content: bytes) -> None:
        place = "(SELECT coalesce(max(place), 0) + 1 FROM medias WHERE task_num = ?)"
        sql = f"INSERT INTO medias VALUES (?, ?, {place}, ?, ?, ?)"
        self._run(sql, media.media_id, task_num, task_num, media.type, media.size, content)

    def content(self, media_id: str, kind: str) -> bytes | None:
        """The bytes of the media of this number and type."""
        row = self._one("SELECT content FROM medias WHERE media_id = ? AND type = ?", media_id, kind)
        return bytes(row[0]) if row else None

    # Change feed ------------------------------------------------------------------------------------------------------

    def last_seq(self) -> int | None:
        """The highest seq given so far, published or not."""
        row = self._one("SELECT max(seq) FROM changes")
        return None if row[0] is None else int(row[0])

    def add_change(self, seq: int, task_num: str, made_at: float, publish_at: float) -> None:
        """`made_at`: the platform's clock. `publish_at`: the real one. Epoch seconds both."""
        self._run("INSERT INTO changes VALUES (?, ?, ?, ?)", seq, task_num, made_at, publish_at)

    def changes(self, since: int, limit: int, now: float, made_from: float) -> tuple[list[Change], bool]:
        """(at most `limit` changes above `since` that are published at `now` and not made before `made_from`, more?)"""
        sql = (
            "SELECT seq, task_num FROM changes WHERE seq > ? AND publish_at <= ? AND made_at >= ? ORDER BY seq LIMIT ?"
        )
        rows = self._rows(sql, since, now, made_from, limit + 1)
        return [Change(*row) for row in rows[:limit]], len(rows) > limit


def _packed(doc: dict[str, str]) -> str:
    return json.dumps(doc, ensure_ascii=False, separators=(",", ":"))


def _doc(text: str) -> dict[str, str]:
    doc: dict[str, str] = json.loads(text)
    return doc

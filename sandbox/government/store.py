"""Everything the platform keeps, in one SQLite database: apps, tokens, nonces, calls, timelines, files.

Thread-safe: one connection under one lock; `change()` makes several steps one transaction and serialises writers.
Times are epoch milliseconds. Must not know rules, the status table or HTTP; it stores what it is told.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS apps (app_key TEXT PRIMARY KEY, doc TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (app_key TEXT PRIMARY KEY, token TEXT NOT NULL, expires INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS nonces (app_key TEXT, nonce TEXT, until INTEGER NOT NULL, PRIMARY KEY (app_key, nonce));
CREATE INDEX IF NOT EXISTS nonces_until ON nonces (until);
CREATE TABLE IF NOT EXISTS serials (day TEXT PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
  call_no TEXT PRIMARY KEY, app_key TEXT, outer_no TEXT, maker TEXT NOT NULL, status TEXT NOT NULL, doc TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS calls_outer ON calls (app_key, outer_no) WHERE app_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS calls_status ON calls (status);
CREATE TABLE IF NOT EXISTS entries (
  call_no TEXT, seq INTEGER, action TEXT NOT NULL, operate_time INTEGER NOT NULL, operator TEXT NOT NULL,
  doc TEXT NOT NULL, PRIMARY KEY (call_no, seq));
CREATE INDEX IF NOT EXISTS entries_four ON entries (call_no, action, operate_time, operator);
CREATE TABLE IF NOT EXISTS shown (call_no TEXT PRIMARY KEY, update_time INTEGER NOT NULL, doc TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS shown_order ON shown (update_time, call_no);
CREATE TABLE IF NOT EXISTS late (
  visible_at INTEGER NOT NULL, call_no TEXT NOT NULL, update_time INTEGER NOT NULL, doc TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS late_at ON late (visible_at);
CREATE TABLE IF NOT EXISTS files (
  file_id TEXT PRIMARY KEY, name TEXT NOT NULL, mime TEXT NOT NULL, size INTEGER NOT NULL, sm3 TEXT NOT NULL,
  upload_time INTEGER NOT NULL, call_no TEXT, seq INTEGER, place INTEGER, content BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS files_call ON files (call_no);
"""

_SHOW = (
    "INSERT INTO shown VALUES (?, ?, ?) ON CONFLICT (call_no) DO UPDATE SET update_time = excluded.update_time,"
    " doc = excluded.doc WHERE excluded.update_time > shown.update_time"
)


@dataclass(frozen=True)
class StoredFile:
    """A file without its bytes. `call_no` None: named by no call or action yet."""

    file_id: str
    name: str
    mime: str
    size: int
    sm3: str
    upload_time: int
    call_no: str | None = None
    seq: int | None = None


_FILE_COLUMNS = "file_id, name, mime, size, sm3, upload_time, call_no, seq"


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

    def _run(self, sql: str, *values: Any) -> int:
        with self._lock:
            return self._connection.execute(sql, values).rowcount

    # Apps, tokens, nonces ---------------------------------------------------------------------------------------------

    def app(self, app_key: str) -> dict[str, Any] | None:
        return _doc(self._one("SELECT doc FROM apps WHERE app_key = ?", app_key))

    def save_app(self, app_key: str, doc: dict[str, Any]) -> None:
        self._run("INSERT OR REPLACE INTO apps VALUES (?, ?)", app_key, _text(doc))

    def token(self, app_key: str) -> tuple[str, int] | None:
        """(token, expires) of the app key's only token."""
        row = self._one("SELECT token, expires FROM tokens WHERE app_key = ?", app_key)
        return (row[0], row[1]) if row else None

    def save_token(self, app_key: str, token: str, expires: int) -> None:
        self._run("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)", app_key, token, expires)

    def void_tokens(self) -> None:
        self._run("DELETE FROM tokens")

    def remember_nonce(self, app_key: str, nonce: str, now: int, kept_ms: int) -> bool:
        """False if the nonce is still remembered, else remembers it until `now` + `kept_ms`."""
        with self.change():
            self._run("DELETE FROM nonces WHERE until <= ?", now)
            return self._run("INSERT OR IGNORE INTO nonces VALUES (?, ?, ?)", app_key, nonce, now + kept_ms) == 1

    # Calls ------------------------------------------------------------------------------------------------------------

    def next_serial(self, day: str) -> int:
        """The next serial of `day`, from 1. Rolled back with its transaction."""
        row = self._one(
            "INSERT INTO serials VALUES (?, 1) ON CONFLICT (day) DO UPDATE SET last = last + 1 RETURNING last", day
        )
        return int(row[0])

    def call(self, call_no: str) -> dict[str, Any] | None:
        return _doc(self._one("SELECT doc FROM calls WHERE call_no = ?", call_no))

    def maker(self, call_no: str) -> str:
        """Who created it: an app key or a person's name."""
        return str(self._one("SELECT maker FROM calls WHERE call_no = ?", call_no)[0])

    def call_no_of(self, app_key: str, outer_no: str) -> str | None:
        row = self._one("SELECT call_no FROM calls WHERE app_key = ? AND outer_no = ?", app_key, outer_no)
        return row[0] if row else None

    def add_call(self, doc: dict[str, Any], app_key: str | None, maker: str) -> None:
        values = (doc["callNo"], app_key, doc["outerNo"], maker, doc["status"], _text(doc))
        self._run("INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?)", *values)

    def save_call(self, doc: dict[str, Any]) -> None:
        self._run("UPDATE calls SET status = ?, doc = ? WHERE call_no = ?", doc["status"], _text(doc), doc["callNo"])

    def call_numbers(self) -> list[str]:
        return [row[0] for row in self._rows("SELECT call_no FROM calls ORDER BY call_no")]

    def calls_of_apps(self, statuses: Iterable[str]) -> list[str]:
        """Numbers of the calls created over the API that stand in one of `statuses`."""
        wanted = tuple(statuses)
        marks = ", ".join("?" * len(wanted))
        sql = f"SELECT call_no FROM calls WHERE app_key IS NOT NULL AND status IN ({marks}) ORDER BY call_no"
        return [row[0] for row in self._rows(sql, *wanted)]

    # The list's view --------------------------------------------------------------------------------------------------

    def show(self, doc: dict[str, Any], visible_at: int | None) -> None:
        """Makes this version the list's row: at once, or not before `visible_at`."""
        if visible_at is None:
            self._run(_SHOW, doc["callNo"], doc["updateTime"], _text(doc))
        else:
            values = (visible_at, doc["callNo"], doc["updateTime"], _text(doc))
            self._run("INSERT INTO late VALUES (?, ?, ?, ?)", *values)

    def page(self, after: int, before: int | None, skip: int, size: int, now: int) -> tuple[int, list[dict[str, Any]]]:
        """(total, rows) with after ≤ updateTime < before, by updateTime and callNo, as visible at `now`."""
        upper = 2**63 - 1 if before is None else before
        with self.change():
            due = self._rows("SELECT call_no, update_time, doc FROM late WHERE visible_at <= ?", now)
            for row in due:
                self._run(_SHOW, *row)
            if due:
                self._run("DELETE FROM late WHERE visible_at <= ?", now)
            window = "FROM shown WHERE update_time >= ? AND update_time < ?"
            total = int(self._one(f"SELECT count(*) {window}", after, upper)[0])
            if skip >= total:
                return total, []
            sql = f"SELECT doc {window} ORDER BY update_time, call_no LIMIT ? OFFSET ?"
            return total, [json.loads(row[0]) for row in self._rows(sql, after, upper, size, skip)]

    # Timeline ---------------------------------------------------------------------------------------------------------

    def entries(self, call_no: str) -> list[dict[str, Any]]:
        rows = self._rows("SELECT doc FROM entries WHERE call_no = ? ORDER BY seq", call_no)
        return [json.loads(row[0]) for row in rows]

    def seq_of(self, call_no: str, action: str, operate_time: int, operator: str) -> int | None:
        """seq of the first entry with these four, the identity of an action."""
        row = self._one(
            "SELECT min(seq) FROM entries WHERE call_no = ? AND action = ? AND operate_time = ? AND operator = ?",
            call_no, action, operate_time, operator,
        )  # fmt: skip
        return row[0] if row else None

    def add_entry(self, call_no: str, doc: dict[str, Any]) -> int:
        """Appends; the entry's seq is given here."""
        with self.change():
            last = self._one("SELECT max(seq) FROM entries WHERE call_no = ?", call_no)[0] or 0
            entry = {"seq": last + 1, **doc}
            values = (call_no, last + 1, doc["action"], doc["operateTime"], doc["operator"], _text(entry))
            self._run("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", *values)
            return int(last) + 1

    # Files ------------------------------------------------------------------------------------------------------------

    def add_file(self, file: StoredFile, content: bytes) -> None:
        values = (file.file_id, file.name, file.mime, file.size, file.sm3, file.upload_time, content)
        self._run("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, NULL, ?)", *values)

    def file(self, file_id: str) -> StoredFile | None:
        row = self._one(f"SELECT {_FILE_COLUMNS} FROM files WHERE file_id = ?", file_id)
        return StoredFile(*row) if row else None

    def content(self, file_id: str) -> bytes:
        return bytes(self._one("SELECT content FROM files WHERE file_id = ?", file_id)[0])

    def attach(self, file_id: str, call_no: str, seq: int) -> None:
        """The file belongs to this timeline entry; `place` keeps the order of attaching."""
        place = "(SELECT coalesce(max(place), 0) + 1 FROM files WHERE call_no = ?)"
        sql = f"UPDATE files SET call_no = ?, seq = ?, place = {place} WHERE file_id = ?"
        self._run(sql, call_no, seq, call_no, file_id)

    def files_of(self, call_no: str) -> list[StoredFile]:
        rows = self._rows(f"SELECT {_FILE_COLUMNS} FROM files WHERE call_no = ? ORDER BY place", call_no)
        return [StoredFile(*row) for row in rows]

    def drop_unnamed_files(self, uploaded_until: int) -> None:
        self._run("DELETE FROM files WHERE call_no IS NULL AND upload_time <= ?", uploaded_until)


def _text(doc: dict[str, Any]) -> str:
    return json.dumps(doc, ensure_ascii=False, separators=(",", ":"))


def _doc(row: Any) -> dict[str, Any] | None:
    if row is None:
        return None
    doc: dict[str, Any] = json.loads(row[0])
    return doc

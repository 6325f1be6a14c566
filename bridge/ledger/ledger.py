"""The ledger's door: an engine, one kind of transaction, and clear words when the database will not have it.

SQLite in WAL mode by default (writers queue, `BEGIN IMMEDIATE`), PostgreSQL by URL. This module must not know what is
written.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, CursorResult, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

MIGRATIONS = Path(__file__).parent / "migrations"
WRITERS = 3711
logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)  # says what it looks at, at every run
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LedgerError(Exception):
    """The ledger cannot be read or written: what, and what to do. Nothing was half-applied; nothing went out."""


def micros(moment: datetime) -> int:
    """An aware moment as the ledger's integer: microseconds since 1970-01-01 UTC."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def new_id(result: CursorResult[Any]) -> int:
    """The key of the row that an insert made."""
    key = result.inserted_primary_key
    if key is None:
        raise LedgerError("数据库未返回主键 / the database returned no key")
    return int(key[0])


def moment_of(value: int) -> datetime:
    return EPOCH + timedelta(microseconds=value)


class Ledger:
    """One ledger. Thread-safe; a transaction is `with ledger.begin() as tx`."""

    def __init__(self, url: str, *, wait_seconds: float = 30.0) -> None:
        self.url = url
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise LedgerError(
                "HUYING_LEDGER 不是数据库地址 / is not a database URL → 例如 / for example sqlite:////var/lib/huying/ledger.sqlite"
            ) from None
        self.sqlite = parsed.get_backend_name() == "sqlite"
        self.shown = parsed.render_as_string(hide_password=True)
        if self.sqlite and parsed.database:
            with self._said():
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine = _engine(url, sqlite=self.sqlite, wait_seconds=wait_seconds)

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction: all or nothing. LedgerError in words for locked, read-only, full or unreachable."""
        with self._said(), self.engine.begin() as tx:
            if not self.sqlite:  # writers queue here too: histories and outboxes have one order
                tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITERS})
            yield tx

    def migrate(self) -> None:
        """Bring the tables to this version; several workers may call it at once."""
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with self._said():
            with self.engine.connect() as look:
                present = MigrationContext.configure(look).get_current_revision()
            if present == ScriptDirectory.from_config(config).get_current_head():
                return
            with self.begin() as tx:
                config.attributes["connection"] = tx
                command.upgrade(config, "head")

    def close(self) -> None:
        self.engine.dispose()

    @contextlib.contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise LedgerError(f"台账 {self.shown}：{_reason(error)}") from error
        except (OSError, ImportError) as error:
            raise LedgerError(f"台账 {self.shown} 无法打开 / ledger cannot be opened: {error}") from error
        except SQLAlchemyError as error:
            if isinstance(error, DBAPIError):
                raise
            raise LedgerError(f"台账 {self.shown}：{type(error).__name__}") from error


def _engine(url: str, *, sqlite: bool, wait_seconds: float) -> Engine:
    if not sqlite:
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": wait_seconds})

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


_REASONS = (
    ("locked", "被占用，稍后重试 / locked by another process → 结束占用它的程序 / end what holds it"),
    ("readonly", "只读 / read-only → 检查文件与目录的写权限 / check write permission of file and folder"),
    ("full", "磁盘已满 / disk is full → 清理磁盘空间；未写入任何内容 / free some space; nothing was written"),
    ("unable to open", "无法打开 / cannot be opened → 检查目录是否存在与权限 / check the folder and its permission"),
    ("malformed", "文件损坏 / file is damaged → 从备份恢复 / restore from a backup"),
    ("not a database", "不是台账文件 / not a ledger file → 检查 HUYING_LEDGER / check HUYING_LEDGER"),
)


def _reason(error: DBAPIError) -> str:
    """Why, in words. A full disk ends SQLite's whole transaction, so that the savepoint inside fails after it: the
    first error of the chain that says something is the reason, not the last."""
    seen: BaseException | None = error
    while seen is not None:
        said = str(seen.orig).lower() if isinstance(seen, DBAPIError) else ""
        for sign, reason in _REASONS:
            if sign in said:
                return reason
        seen = seen.__cause__ or seen.__context__
    words = str(error.orig).splitlines() or [type(error.orig).__name__]
    return f"数据库错误 / database error: {words[0][:200]}"

"""The exchange database as a client meets it: connections, the catalogue, the clock, and what its errors mean (§1).

Every statement stands for itself (autocommit) and is read to its end, so that no snapshot and no lock outlives it: the
platform's batch never waits for a reader, and a reader never sees yesterday. Times stay the text the database shows.
This module must not know what a row means.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from pymysql.constants import FIELD_TYPE
from pymysql.converters import conversions
from sqlalchemy import URL, Connection, Engine, Row, column, create_engine, func, make_url, select, table, text
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from adapters.errors import BrokenReply, ConfigError, OutcomeUnknown, Refused, Unavailable, WireError
from adapters.petition.names import Relation, relations
from adapters.petition.settings import Settings
from adapters.port import Connection as Address
from schemas.moment import SHANGHAI

TIME = "%Y-%m-%d %H:%M:%S"
_LATER = "稍后自动重试 / tried again later"
_PATH = "检查连接中的文件路径与权限，稍后自动重试 / check the connection's path and its permission; tried again later"
_LOOK = "先按 WBBH 查证，不要重发 / look for the WBBH first, never send again blindly"
_DENIED = {1044, 1045, 1130, 1142, 1143, 1227, 1370, 1698}
_ABSENT = {1049, 1054, 1146}
_NOT_DONE = {1040, 1158, 1203, 1205, 1213, 1226, 2002, 2003, 2005}
"""Said before, or instead of, carrying a statement out."""
_UNFIT = {1048, 1264, 1364, 1366, 1406, 4025}
_LOCKED = ("database is locked", "database table is locked", "unable to open database file")


@dataclass(slots=True)
class Database:
    """One exchange database; `relations` by the contract's names, checked against the catalogue at the first use."""

    platform: str
    settings: Settings
    engine: Engine
    now: Callable[[], datetime]
    relations: Mapping[str, Relation]
    checked: bool = False

    @property
    def lite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def where(self, operation: str, record: str = "") -> str:
        return " ".join(part for part in (self.platform, operation, record) if part)

    @contextmanager
    def open(self, operation: str) -> Iterator[Connection]:
        """A connection for one operation. Nobody answering, or a refusal at the door: certainly nothing was done."""
        where = self.where(operation)
        try:
            connection = self.engine.connect()
        except (DBAPIError, OSError, RuntimeError) as error:
            raise meaning(error, where, write=False) from None
        try:
            if not self.checked:
                self._check(connection, where)
                self.checked = True
            yield connection
        finally:
            connection.close()

    def rows(self, connection: Connection, statement: Any, operation: str) -> list[Row[Any]]:
        """All rows of a query, read to the end."""
        try:
            return list(connection.execute(statement).fetchall())
        except (SQLAlchemyError, OSError, UnicodeError) as error:
            raise meaning(error, self.where(operation), write=False) from None

    def insert(self, connection: Connection, relation: Relation, values: Mapping[str, Any], operation: str) -> None:
        """One row, committed by its statement. OutcomeUnknown if the answer did not arrive."""
        try:
            connection.execute(relation.clause.insert().values(relation.values(values)))
        except (SQLAlchemyError, OSError, UnicodeError) as error:
            raise meaning(error, self.where(operation), write=True) from None

    def clock(self, connection: Connection) -> datetime:
        """The platform's clock, aware, whole seconds."""
        shown = func.datetime("now", "+8 hours") if self.lite else func.now()
        answer = self.rows(connection, select(shown), "clock")[0][0]
        if isinstance(answer, datetime):
            return answer.replace(tzinfo=SHANGHAI, microsecond=0)
        at = parsed(str(answer)[:19])
        if at is None:
            raise BrokenReply(f"平台时钟无法理解 / the clock cannot be understood: {str(answer)[:40]!r}",
                              where=self.where("clock"), raw=str(answer).encode())  # fmt: skip
        return at.replace(tzinfo=SHANGHAI)

    def missing(self, connection: Connection) -> list[str]:
        """Tables and columns that the catalogue does not have, exactly as written."""
        lacking = []
        for reference, relation in self.relations.items():
            have = self._catalogue(connection, relation.name)
            if not have:
                lacking.append(f"{reference}={relation.name}")
            lacking += [f"{reference}.{name}={own}" for name, own in relation.own.items() if have and own not in have]
        return lacking

    def _check(self, connection: Connection, where: str) -> None:
        if lacking := self.missing(connection):
            raise ConfigError(
                f"前置库中没有（或无权查看）/ not in the exchange database, or not to be seen: {', '.join(lacking)}",
                where=where, remedy="在 settings.names 中填写本地名称，或请平台授权 / give the names in settings.names, "
                "or have the rights granted",
            )  # fmt: skip

    def _catalogue(self, connection: Connection, name: str) -> set[str]:
        """Columns of one table or view: views cannot be reflected without SHOW VIEW, the catalogue shows them."""
        if self.lite:
            listing: Any = text("SELECT name FROM pragma_table_info(:relation)").bindparams(relation=name)
        else:
            columns = table("COLUMNS", *map(column, ("TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME")),
                            schema="information_schema")  # fmt: skip
            schema, shown = columns.c.TABLE_SCHEMA, columns.c.TABLE_NAME
            listing = select(columns.c.COLUMN_NAME).where(schema == func.database(), shown == name)
        return {str(row[0]) for row in self.rows(connection, listing, "catalogue")}


def parsed(shown: Any) -> datetime | None:
    """`yyyy-MM-dd HH:mm:ss` as a naive (Beijing) time; None for zero and partial dates and everything else."""
    try:
        at = datetime.strptime(shown, TIME)
    except (ValueError, TypeError):
        return None
    return at if at.strftime(TIME) == shown and at.year >= 1970 else None


def reading_times() -> dict[Any, Any]:
    """PyMySQL's conversions without times: zero and partial dates come as the same type as all others, text."""
    kept = dict(conversions)
    for kind in (FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP, FIELD_TYPE.DATE, FIELD_TYPE.NEWDATE, FIELD_TYPE.TIME):
        kept.pop(kind, None)
    return kept


def database(platform: str, settings: Settings, address: Address, now: Callable[[], datetime]) -> Database:
    """Nothing is sent. ConfigError for an address that is none of MariaDB's or SQLite's."""
    try:
        url = make_url(address.url)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in ("mysql+pymysql", "sqlite") or not url.database:
        raise ConfigError(
            f"连接 {address.id} 的地址须为 / the address must be mysql+pymysql://host:port/database or sqlite:///path",
            where=platform, remedy="在连接中改正 / correct it in the connection",
        )  # fmt: skip
    options: dict[str, Any] = {"poolclass": NullPool, "hide_parameters": True, "isolation_level": "AUTOCOMMIT"}
    if url.drivername == "sqlite":
        # mode=rw: a missing file is a platform that is not there, not a new and empty one.
        url = URL.create("sqlite", database=f"file:{quote(url.database)}", query={"mode": "rw", "uri": "true"})
        options["connect_args"] = {"timeout": settings.connect_seconds, "check_same_thread": False}
    else:
        url = url.set(username=address.login or None, password=address.password or None)
        options["connect_args"] = {
            "charset": "utf8mb4", "conv": reading_times(), "connect_timeout": settings.connect_seconds,
            "read_timeout": settings.read_seconds, "write_timeout": settings.read_seconds,
        }  # fmt: skip
        if ca_file := address.extra.get("ca_file"):
            options["connect_args"]["ssl"] = {"ca": str(ca_file)}
    return Database(platform, settings, create_engine(url, **options), now, relations(settings.names))


def meaning(error: Exception, where: str, *, write: bool) -> WireError:
    """The driver's error as ours. Its own words may repeat a row, so only its number is told."""
    origin = getattr(error, "orig", None) or error
    number = origin.args[0] if getattr(origin, "args", ()) and isinstance(origin.args[0], int) else 0
    code = str(number or type(origin).__name__)
    if number in _DENIED:
        return ConfigError(f"前置库拒绝账号或权限不足（{code}）/ log-in refused, or a right is missing", where=where, code=code,
                           remedy="核对连接的账号、口令与授权 / check login, password and grants")  # fmt: skip
    if number in _ABSENT:
        return ConfigError(f"前置库、表或列不存在（{code}）/ no such database, table or column", where=where, code=code,
                           remedy="核对连接的库名与 settings.names / check the database and settings.names")  # fmt: skip
    if number in _UNFIT or (isinstance(origin, sqlite3.IntegrityError) and write):
        return Refused(f"前置库不接受这一行（{code}）/ the database does not take this row", where=where, code=code,
                       field="NR", remedy="检查内容与映射 / check the content and the mapping")  # fmt: skip
    if isinstance(origin, UnicodeError):
        return BrokenReply("文字无法解码 / a text cannot be decoded", where=where, code=code,
                           remedy="请平台检查字符集 / have the platform check its charset")  # fmt: skip
    if isinstance(origin, sqlite3.Error) and str(origin).startswith(_LOCKED):
        remedy = _LATER if "locked" in str(origin) else _PATH
        return Unavailable(f"前置库正忙或不在 / the database is busy or away ({origin})", where=where, code=code, remedy=remedy)
    if isinstance(origin, sqlite3.DatabaseError) and str(origin).startswith(("no such table", "no such column")):
        return ConfigError("前置库的表或列不存在 / no such table or column", where=where, code=code,
                           remedy="核对 settings.names / check settings.names")  # fmt: skip
    if number in _NOT_DONE:
        return Unavailable(f"前置库连不上或正忙（{code}）/ not reached, or busy: nothing was done", where=where, code=code,
                           remedy=_LATER)  # fmt: skip
    if write:
        return OutcomeUnknown(f"写入未得到答复（{code}）/ no answer to the INSERT", where=where, code=code, remedy=_LOOK)
    if isinstance(error, (OperationalError, InterfaceError, OSError)):
        return Unavailable(f"前置库未答复（{code}）/ the database did not answer", where=where, code=code, remedy=_LATER)
    return BrokenReply(f"前置库的答复无法理解（{code}）/ an answer that cannot be understood", where=where, code=code,
                       remedy="请平台核对前置库 / have the platform check the exchange database")  # fmt: skip


def skew_of(platform: datetime, ours: datetime) -> timedelta:
    """Platform minus us; within the second that a whole-second clock leaves open it is nothing."""
    apart = platform - ours.replace(microsecond=0)
    return timedelta() if abs(apart) <= timedelta(seconds=1) else apart

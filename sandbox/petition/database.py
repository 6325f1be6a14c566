"""The exchange database itself: opened, given its schema, and entered in short transactions. SQLite or MariaDB.

The tables are named here without types: DATETIME goes in as text of 19 characters on both, and `plain` brings what a
driver made of it back to text. Must not know rules, the batch or officials.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, create_engine, event, func, inspect, make_url, select
from sqlalchemy.sql import column, table
from sqlalchemy.sql.expression import TableClause

from sandbox.petition.contract import FOLDER

EXCHANGE_USER, EXCHANGE_PASSWORD = "jh_huying", "Example-Wulian-2026"
_REFERENCE_NAME = "wl_qzk"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,60}")

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "T_GD": (
        "GDBH", "WBBH", "LYQD", "SQRXM", "LXDH", "SFBM", "BT", "NR", "SQLB", "SZXZ", "FSDZ", "JD", "WD", "JJCD",
        "GDZT", "ZBDW", "XBDW", "SLSJ", "BLSX", "GXSJ", "BBH",
    ),
    "T_GD_LZ": ("ID", "GDBH", "CZLX", "CZR", "CZDW", "CZSJ", "CZYJ"),
    "T_GD_FJ": ("FJID", "GDBH", "WJM", "WJLX", "WJNR"),
    "T_JH_IN": ("ID", "WBBH", "CZ", "GDBH", "NR", "WJNR", "RKSJ", "CLBZ", "CLJG", "CLSJ"),
}  # fmt: skip
T_GD, T_GD_LZ, T_GD_FJ, T_JH_IN = (table(name, *map(column, names)) for name, names in COLUMNS.items())


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with times as text (zero and partial dates as they stand) and coordinates as numbers, whatever the driver."""
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    return float(value) if isinstance(value, Decimal) else value


def rows(connection: Connection, statement: Any) -> list[dict[str, Any]]:
    return [plain(dict(row)) for row in connection.execute(statement).mappings()]


def highest(connection: Connection, keyed: TableClause, key: str) -> int:
    """The greatest number in use, 0 in an empty table."""
    return int(connection.execute(select(func.max(keyed.c[key]))).scalar() or 0)


class Database:
    """place: a file (SQLite) or the owner's SQLAlchemy URL (sqlite:///…, mysql+pymysql://root@host:port/name).

    A database without the platform's tables is given them. The platform is their only writer; of T_JH_IN it only
    writes the outcome. On MariaDB the owner must be an administrator.
    """

    def __init__(self, place: str | Path) -> None:
        self._lock = threading.RLock()
        self.url = _url(place)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if not self.is_sqlite:
            self._create_on_server()
        self._engine = create_engine(self.url, pool_pre_ping=not self.is_sqlite)
        if self.is_sqlite:
            event.listen(self._engine, "connect", _open_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
            self._create_in_file()

    @property
    def exchange_url(self) -> str:
        """Where an integrator comes in, password included: the URL a bridge is configured with."""
        url = self.url if self.is_sqlite else self.url.set(username=EXCHANGE_USER, password=EXCHANGE_PASSWORD)
        return url.render_as_string(hide_password=False)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other thread of the platform writes meanwhile; may be nested, and holds no lock in the database."""
        with self._lock:
            yield

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, committed at the end, rolled back by an error."""
        with self._lock, self._engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One short transaction that takes no lock."""
        with self._engine.connect().execution_options(reads=True) as connection:
            yield connection

    def set_server_clock(self, skew_seconds: float, frozen: float | None) -> None:
        """Makes MariaDB's NOW() the platform's clock for sessions that begin from now on. SQLite has no such clock.

        A running clock is moved by the time zone, which knows whole minutes only; a frozen one by the session variable
        `timestamp`, which administrators' sessions do not get. ValueError for part of a minute.
        """
        if self.is_sqlite:
            return
        minutes, rest = divmod(round(skew_seconds), 60)
        if (rest and frozen is None) or abs(minutes) > 240:
            raise ValueError("on MariaDB skew_seconds is a whole number of minutes, at most 240 of them")
        zone = 480 + (minutes if frozen is None else 0)
        start = "" if frozen is None else f"SET timestamp = {frozen:.6f}"
        with self.write() as connection:
            connection.exec_driver_sql(f"SET GLOBAL time_zone = '+{zone // 60:02d}:{zone % 60:02d}'")
            connection.exec_driver_sql(f"SET GLOBAL init_connect = '{start}'")

    @contextmanager
    def lawless(self) -> Iterator[Connection]:
        """A write transaction in which the columns' own checks do not hold: for damage done on purpose."""
        off, on = (
            ("PRAGMA ignore_check_constraints = ON", "PRAGMA ignore_check_constraints = OFF")
            if self.is_sqlite
            else ("SET sql_mode = 'ALLOW_INVALID_DATES'", "SET sql_mode = DEFAULT")
        )
        with self.write() as connection:
            connection.exec_driver_sql(off)
            try:
                yield connection
            finally:
                connection.exec_driver_sql(on)

    def run(self, script: str) -> None:
        """Runs a script of the contract, such as samples/rows.sql, as the owner, in one transaction."""
        with self.write() as connection:
            _run(connection, script)

    def _create_in_file(self) -> None:
        with self.write() as connection:
            if not inspect(connection).has_table("T_GD"):
                _run(connection, (FOLDER / "schema-sqlite.sql").read_text(encoding="utf-8"))

    def _create_on_server(self) -> None:
        name = self.url.database or ""
        if _NAME.fullmatch(name) is None:
            raise ValueError("the URL names no database (letters, digits, _)")
        server = create_engine(self.url.set(database=""))  # None would leave the name in place
        try:
            with server.begin() as connection:
                if not inspect(connection).has_table("T_GD", schema=name):
                    script = (FOLDER / "schema.sql").read_text(encoding="utf-8")
                    _run(connection, script.replace(_REFERENCE_NAME, name))
        finally:
            server.dispose()


def _url(place: str | Path) -> URL:
    if isinstance(place, str) and "://" in place:
        url = make_url(place)
        return url if url.get_backend_name() == "sqlite" else url.update_query_dict({"charset": "utf8mb4"})
    return URL.create("sqlite", database=str(place))


def _run(connection: Connection, script: str) -> None:
    """The contract's scripts hold whole-line comments and no `;` at a line's end but the statements' own."""
    text = "\n".join(line for line in script.splitlines() if not line.startswith(("--", "/*!")))
    bare = connection.execution_options(no_parameters=True)  # a `%` in them is a `%`
    for statement in re.split(r";[ \t]*(?:\n|$)", text):
        if statement.strip():
            bare.exec_driver_sql(statement)


def _open_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself, `_begin_sqlite` does
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "busy_timeout = 5000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the write lock first: a read lock could not be raised once an integrator has written."""
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

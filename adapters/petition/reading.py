"""Reading the views: work orders by (GXSJ, GDBH), their histories and files, and what was typed in afterwards (§2).

A pull looks back over the platform's own times, since rows may commit 60 s late; entries typed in afterwards leave GXSJ
as it is and are found by their IDs. Orders whose GXSJ is no time stand before all others and are read every time. This
module must not know what a field means.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from adapters.errors import ConfigError
from adapters.petition.database import TIME, Database, parsed
from adapters.petition.names import FILE, HISTORY, INBOX, ORDER
from adapters.petition.originals import doubtful, restore
from adapters.petition.receipts import DONE
from adapters.petition.records import record
from adapters.port import Cursor, Page, WireRecord
from schemas.moment import SHANGHAI

_NO_TIME = "1970-01-01 00:00:00"
_MARK_EVERY = timedelta(seconds=10)
_MOST_IDS = 500
Mark = tuple[datetime, int]
"""A time of the platform's clock, and the highest ID of the history that was to be seen then."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the last pull ended. updated: the last GXSJ read, naive Beijing. marks: see `Mark`, oldest first."""

    updated: datetime
    marks: tuple[Mark, ...]

    def cursor(self) -> Cursor:
        marks = [[at.strftime(TIME), entry] for at, entry in self.marks]
        return Cursor(json.dumps({"updated": self.updated.strftime(TIME), "entries": marks}))


def place(cursor: Cursor, where: str) -> Place:
    """ConfigError for a cursor of something else."""
    try:
        told = json.loads(cursor)
        updated = parsed(told["updated"])
        marks = tuple((parsed(at), int(entry)) for at, entry in told["entries"])
    except (ValueError, KeyError, TypeError):
        updated, marks = None, ()
    if updated is None or not all(at for at, _ in marks):
        raise ConfigError(f"游标不是本平台的 / not a cursor of this platform: {str(cursor)[:80]!r}", where=where,
                          remedy="核对平台名称，或清除该平台的游标 / check the platform's name, or clear its cursor")  # fmt: skip
    return Place(updated, tuple((at, entry) for at, entry in marks if at))


@dataclass(slots=True)
class Reader:
    """Reads one exchange database."""

    database: Database
    given: dict[str, str] = field(default_factory=dict)

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """Pages, oldest change first. Each is read on a connection of its own, none is held while it is worked on."""
        base, settings = self.database, self.database.settings
        began = None if since is None else place(since, base.where("V_GD"))
        self.given.clear()
        with base.open("V_GD") as connection:
            clock = _naive(base.clock(connection))
            marks = began.marks if began else (self._first_mark(connection, clock),)
            fresh = self._marked(marks, clock, self._last_entry(connection))
        overlap = timedelta(seconds=settings.overlap_seconds)
        first = began.updated - overlap if began else _naive(settings.start)
        now_at = Place(began.updated if began else min(first, clock), marks)
        yield from self._timeless(now_at)
        key: tuple[str, str] = (first.strftime(TIME), "")
        for page, last in self._walk(key):
            # A row stamped ahead of the platform's own clock must not hide what comes after the clock was put right.
            reached = parsed(last)
            if reached is not None:
                now_at = Place(max(now_at.updated, min(reached, clock)), marks)
            yield Page(page, now_at.cursor(), clock.replace(tzinfo=SHANGHAI))
        yield from self._typed_in_afterwards(began, clock, Place(now_at.updated, fresh))

    def fetch(self, native_id: str) -> WireRecord | None:
        """One work order whole; exactly this number, whatever the database takes for equal."""
        if not (native_id.isascii() and native_id.isalnum() and len(native_id) <= 16):
            return None
        order = self.database.relations[ORDER]
        return next(iter(self._orders(order["GDBH"] == native_id, lambda row: row["GDBH"] == native_id)), None)

    def find(self, reference: str) -> WireRecord | None:
        """The work order whose WBBH is this reference, exactly."""
        order = self.database.relations[ORDER]
        return next(iter(self._orders(order["WBBH"] == reference, lambda row: row["WBBH"] == reference)), None)

    def _orders(self, condition: Any, fits: Any) -> tuple[WireRecord, ...]:
        with self.database.open("V_GD") as connection:
            order = self.database.relations[ORDER]
            read_at = self.database.now()
            rows = self.database.rows(connection, select(*order.columns()).where(condition), "V_GD")
            return self._whole(connection, [dict(row._mapping) for row in rows if fits(row._mapping)], read_at)

    def _timeless(self, now_at: Place) -> Iterator[Page]:
        """Work orders whose GXSJ is no time: few, and re-read by every pull."""
        order, size = self.database.relations[ORDER], self.database.settings.page_size
        last = ""
        while True:
            condition = and_(order["GXSJ"] < _NO_TIME, order["GDBH"] > last)
            with self.database.open("V_GD") as connection:
                read_at = self.database.now()
                listing = select(*order.columns()).where(condition).order_by(order["GDBH"]).limit(size)
                rows = [dict(row._mapping) for row in self.database.rows(connection, listing, "V_GD")]
                records = self._whole(connection, rows, read_at)
            if records:
                yield Page(records, now_at.cursor())
            if len(rows) < size:
                return
            last = rows[-1]["GDBH"]

    def _walk(self, key: tuple[str, str]) -> Iterator[tuple[tuple[WireRecord, ...], str]]:
        """Keyset over (GXSJ, GDBH): a row that is changed meanwhile moves ahead and is met again."""
        order, size = self.database.relations[ORDER], self.database.settings.page_size
        while True:
            at, number = key
            condition = and_(order["GXSJ"] >= at, or_(order["GXSJ"] > at, order["GDBH"] > number))
            listing = select(*order.columns()).where(condition).order_by(order["GXSJ"], order["GDBH"]).limit(size)
            with self.database.open("V_GD") as connection:
                read_at = self.database.now()
                rows = [dict(row._mapping) for row in self.database.rows(connection, listing, "V_GD")]
                records = self._whole(connection, rows, read_at)
            if rows:
                key = str(rows[-1]["GXSJ"]), str(rows[-1]["GDBH"])
                yield records, key[0]
            if len(rows) < size:
                return

    def _whole(self, connection: Connection, orders: Sequence[Mapping[str, Any]], read_at: datetime) -> tuple[WireRecord, ...]:
        """The work orders with their histories and files (without the bytes), joined by number."""
        numbers = [row["GDBH"] for row in orders]
        history = self._belonging(connection, HISTORY, "ID", numbers)
        files = self._belonging(connection, FILE, "FJID", numbers)
        made = []
        for order in orders:
            entries = history.get(order["GDBH"], [])
            shown: Mapping[str, Any] = order
            if doubtful(order, entries):
                shown, entries = restore(order, entries, self._written(connection, order))
            one = record(shown, entries, files.get(order["GDBH"], []), read_at=read_at,
                         transfer_mark=self.database.settings.transfer_mark)  # fmt: skip
            self.given[str(order["GDBH"])] = one.version
            made.append(one)
        return tuple(made)

    def _belonging(self, connection: Connection, view: str, key: str, numbers: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        if not numbers:
            return {}
        relation = self.database.relations[view]
        columns = relation.columns("WJNR")
        if view == FILE:
            columns.append(func.length(relation["WJNR"]).label("WJDX"))
        listing = select(*columns).where(relation["GDBH"].in_(numbers)).order_by(relation[key])
        found: dict[str, list[dict[str, Any]]] = {}
        for row in self.database.rows(connection, listing, view):
            found.setdefault(row._mapping["GDBH"], []).append(dict(row._mapping))
        return found

    def _written(self, connection: Connection, order: Mapping[str, Any]) -> list[str]:
        """NR of our rows for a work order that were done: its creation, and the writes whose reference begins with its own."""
        inbox = self.database.relations[INBOX]
        conditions = [inbox["WBBH"].startswith(f"{order['GDBH']}#", autoescape=True)]
        if order["WBBH"]:
            conditions += [inbox["WBBH"] == order["WBBH"], inbox["WBBH"].startswith(f"{order['WBBH']}#", autoescape=True)]
        listing = select(inbox["NR"]).where(inbox["CLBZ"] == DONE, or_(*conditions)).order_by(inbox["ID"])
        return [str(row[0]) for row in self.database.rows(connection, listing, "T_JH_IN")]

    # ---- entries typed in afterwards --------------------------------------------------------------------------------

    def _typed_in_afterwards(self, began: Place | None, clock: datetime, end: Place) -> Iterator[Page]:
        """Work orders with history that this pull has not given yet, beyond the ID that was sure when the last one read:
        a mark that only grew old since, with nobody looking, makes nothing sure."""
        history, order = self.database.relations[HISTORY], self.database.relations[ORDER]
        records: list[WireRecord] = []
        numbers: list[str] = []
        if began is not None:
            with self.database.open("V_GD_LZ") as connection:
                listing = select(history["GDBH"]).where(history["ID"] > _passed(began.marks)).distinct()
                shown = {str(row[0]) for row in self.database.rows(connection, listing, "V_GD_LZ")}
                numbers = sorted(shown - set(self.given))
        for begin in range(0, len(numbers), _MOST_IDS):
            part = set(numbers[begin : begin + _MOST_IDS])
            records += self._orders(order["GDBH"].in_(part), lambda row, part=part: row["GDBH"] in part)
        if records or (began is not None and began.marks != end.marks):
            yield Page(tuple(records), end.cursor(), clock.replace(tzinfo=SHANGHAI))

    def _sure(self, marks: Sequence[Mark], clock: datetime) -> int:
        """The highest ID below which a pull at `clock` sees everything: seen longer before than a commit may be late."""
        edge = clock - timedelta(seconds=self.database.settings.overlap_seconds)
        old = [entry for at, entry in marks if at <= edge]
        return max(old) if old else min((entry for _, entry in marks), default=0)

    def _marked(self, marks: tuple[Mark, ...], clock: datetime, last: int) -> tuple[Mark, ...]:
        """The marks that a next pull needs: the newest that is older than the overlap, and all younger ones."""
        edge = clock - timedelta(seconds=self.database.settings.overlap_seconds)
        sure = self._sure(marks, clock)
        young = [(at, entry) for at, entry in marks if edge < at <= clock]
        old = [(at, entry) for at, entry in marks if at <= edge and entry == sure][:1]
        kept = (*old, *young) or marks[:1]
        if kept and clock - kept[-1][0] < _MARK_EVERY and len(kept) > 1:
            return tuple(kept)
        return (*kept, (clock, last))

    def _last_entry(self, connection: Connection) -> int:
        history = self.database.relations[HISTORY]
        return int(self.database.rows(connection, select(func.max(history["ID"])), "V_GD_LZ")[0][0] or 0)

    def _first_mark(self, connection: Connection, clock: datetime) -> Mark:
        """Before a first pull: below what was typed within the time that a commit may be late."""
        history = self.database.relations[HISTORY]
        edge = (clock - timedelta(seconds=self.database.settings.overlap_seconds)).strftime(TIME)
        listing = select(func.min(history["ID"])).where(history["CZSJ"] >= edge)
        first = self.database.rows(connection, listing, "V_GD_LZ")[0][0]
        return clock, (int(first) - 1 if first else self._last_entry(connection))


def _passed(marks: Sequence[Mark]) -> int:
    """The highest ID below which the last pull had seen everything: what was committed since, late and with a lower ID, is
    unread however long ago that pull was."""
    return min((entry for _, entry in marks), default=0)


def _naive(at: datetime) -> datetime:
    """An aware time as the platform writes it: naive, Beijing, whole seconds."""
    return at.astimezone(SHANGHAI).replace(tzinfo=None, microsecond=0)

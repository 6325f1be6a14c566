"""A change of one work order as a value, and how it is written: V_GD columns, history, files, GXSJ and BBH together.

A change is computed whole before it is written, numbers included, so that it can be committed late and still carry the
stamp and the numbers of its beginning (contract section 2, late rows). Must not know rules, JSON or who asks.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from sandbox.petition.database import T_GD, T_GD_FJ, T_GD_LZ, highest, rows

_ENTRY_KEYS = {"T_GD_LZ": "ID", "T_GD_FJ": "FJID"}


@dataclass(frozen=True)
class Entry:
    """A history row to be (V_GD_LZ): `time` Beijing text of 19 characters."""

    kind: str
    person: str | None
    unit: str | None
    time: str
    opinion: str | None = None


@dataclass(frozen=True)
class File:
    """A file to be (V_GD_FJ)."""

    name: str
    mime: str
    content: bytes


@dataclass(frozen=True)
class Change:
    """One transaction's work on one work order. `columns`: T_GD columns to set, GXSJ and BBH among them if they change;
    the whole row if `new`. `entries`, `files`: rows with their numbers."""

    gdbh: str
    columns: Mapping[str, Any]
    new: bool = False
    entries: tuple[Mapping[str, Any], ...] = ()
    files: tuple[Mapping[str, Any], ...] = ()


@dataclass
class Numbers:
    """The platform's counters. Numbers once given are never given again, though their rows may come late or never."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _last: dict[str, int] = field(default_factory=dict)

    def rows(self, connection: Connection, table: str, count: int) -> range:
        """The next `count` numbers of T_GD_LZ.ID or T_GD_FJ.FJID."""
        source = T_GD_LZ if table == "T_GD_LZ" else T_GD_FJ
        return self._take(table, highest(connection, source, _ENTRY_KEYS[table]), count)

    def work_orders(self, connection: Connection, day: str, count: int) -> list[str]:
        """The next `count` GDBH of a day (yyyyMMdd)."""
        prefix = f"WL{day}"
        used = connection.execute(select(func.max(T_GD.c.GDBH)).where(T_GD.c.GDBH.like(f"{prefix}%"))).scalar()
        taken = self._take(prefix, int(used[10:]) if used else 0, count)
        return [f"{prefix}{number:06d}" for number in taken]

    def _take(self, counter: str, used: int, count: int) -> range:
        with self._lock:
            first = max(self._last.get(counter, 0), used) + 1
            self._last[counter] = first + count - 1
        return range(first, first + count)


def work_order(connection: Connection, gdbh: str) -> dict[str, Any] | None:
    """The T_GD row by number, compared as the database compares."""
    found = rows(connection, select(T_GD).where(T_GD.c["GDBH"] == gdbh))
    return found[0] if found else None


def history(connection: Connection, gdbh: str) -> list[dict[str, Any]]:
    """The T_GD_LZ rows of a work order by ID."""
    return rows(connection, select(T_GD_LZ).where(T_GD_LZ.c["GDBH"] == gdbh).order_by(T_GD_LZ.c.ID))


def creation(
    connection: Connection, numbers: Numbers, now: str, columns: Mapping[str, Any], entry: Entry, count: int = 1
) -> list[Change]:
    """`count` new work orders alike: GDZT 0, BBH 1, GXSJ `now`, first entry 登记."""
    names = numbers.work_orders(connection, now[:10].replace("-", ""), count)
    entry_ids = numbers.rows(connection, "T_GD_LZ", count)
    base = dict.fromkeys(T_GD.c.keys()) | dict(columns) | {"GDZT": 0, "SLSJ": None, "GXSJ": now, "BBH": 1}
    return [
        Change(name, base | {"GDBH": name}, True, (_entry_row(number, name, entry),))
        for name, number in zip(names, entry_ids, strict=True)
    ]


def revision(
    connection: Connection,
    numbers: Numbers,
    now: str,
    present: Mapping[str, Any],
    columns: Mapping[str, Any],
    entry: Entry | None,
    file: File | None = None,
) -> Change:
    """A change of a work order that is there: GXSJ `now`, though never back, and BBH + 1."""
    gdbh = present["GDBH"]
    stamped = dict(columns) | {"GXSJ": max(now, present["GXSJ"]), "BBH": present["BBH"] + 1}
    entries: tuple[Mapping[str, Any], ...] = ()
    if entry is not None:
        entries = (_entry_row(numbers.rows(connection, "T_GD_LZ", 1)[0], gdbh, entry),)
    files: tuple[Mapping[str, Any], ...] = ()
    if file is not None:
        number = numbers.rows(connection, "T_GD_FJ", 1)[0]
        files = ({"FJID": number, "GDBH": gdbh, "WJM": file.name, "WJLX": file.mime, "WJNR": file.content},)
    return Change(gdbh, stamped, False, entries, files)


def late_entry(connection: Connection, numbers: Numbers, gdbh: str, entry: Entry) -> Change:
    """补录: an entry in the history alone; GXSJ and BBH stay."""
    return Change(gdbh, {}, False, (_entry_row(numbers.rows(connection, "T_GD_LZ", 1)[0], gdbh, entry),))


def moved_columns(present: Mapping[str, Any], target: int, now: str) -> dict[str, Any]:
    """GDZT, and SLSJ where the move sets it: leaving 0 for 1–7 and taken up at once (8 → 1); NULL again by 8 → 0."""
    columns: dict[str, Any] = {"GDZT": target}
    before = present["GDZT"]
    if (before == 0 and 1 <= target <= 7) or (before == 8 and target == 1):
        columns["SLSJ"] = now
    elif before == 8 and target == 0:
        columns["SLSJ"] = None
    return columns


def apply(connection: Connection, changes: Iterable[Change]) -> None:
    """Writes the changes into the transaction at hand."""
    changes = list(changes)
    created = [dict(change.columns) for change in changes if change.new]
    if created:
        connection.execute(insert(T_GD), created)
    for change in changes:
        if change.columns and not change.new:
            connection.execute(update(T_GD).where(T_GD.c["GDBH"] == change.gdbh).values(**change.columns))
    entries = [dict(entry) for change in changes for entry in change.entries]
    if entries:
        connection.execute(insert(T_GD_LZ), entries)
    for change in changes:
        for file in change.files:
            connection.execute(insert(T_GD_FJ).values(**file))


def _entry_row(number: int, gdbh: str, entry: Entry) -> dict[str, Any]:
    return {
        "ID": number, "GDBH": gdbh, "CZLX": entry.kind, "CZR": entry.person, "CZDW": entry.unit, "CZSJ": entry.time,
        "CZYJ": entry.opinion,
    }  # fmt: skip

"""Everything the platform keeps, as the back door shows it: committed rows in the platform's own form.

Files without their bytes. Must not know how rows came to be.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import Any

from sqlalchemy import ColumnElement, select

from sandbox.petition.changes import work_order
from sandbox.petition.database import T_GD, T_GD_FJ, T_GD_LZ, T_JH_IN, Database, rows

Document = dict[str, Any]


def records(database: Database) -> list[Document]:
    """Every work order by GDBH: the V_GD columns, `LZ` (history by ID), `FJ` (files by FJID: size, sha256, no bytes)."""
    return _documents(database, None)


def record(database: Database, gdbh: str) -> Document | None:
    """One of `records`, None where there is none."""
    with database.read() as connection:
        present = work_order(connection, gdbh)
    return _documents(database, present["GDBH"])[0] if present else None


def written_rows(database: Database) -> list[Document]:
    """T_JH_IN by ID; WJNR as its size in bytes."""
    with database.read() as connection:
        found = rows(connection, select(T_JH_IN).order_by(T_JH_IN.c.ID))
    return [row | {"WJNR": None if row["WJNR"] is None else len(row["WJNR"])} for row in found]


def _documents(database: Database, gdbh: str | None) -> list[Document]:
    def of(column: ColumnElement[Any]) -> ColumnElement[bool]:
        return column.is_not(None) if gdbh is None else column == gdbh

    with database.read() as connection:
        found = rows(connection, select(T_GD).where(of(T_GD.c.GDBH)).order_by(T_GD.c.GDBH))
        entries = rows(connection, select(T_GD_LZ).where(of(T_GD_LZ.c.GDBH)).order_by(T_GD_LZ.c.ID))
        files = rows(connection, select(T_GD_FJ).where(of(T_GD_FJ.c.GDBH)).order_by(T_GD_FJ.c.FJID))
    entries_of: defaultdict[str, list[Document]] = defaultdict(list)
    files_of: defaultdict[str, list[Document]] = defaultdict(list)
    for entry in entries:
        entries_of[entry.pop("GDBH")].append(entry)
    for file in files:
        content = bytes(file.pop("WJNR"))
        described = file | {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        files_of[described.pop("GDBH")].append(described)
    return [row | {"LZ": entries_of[row["GDBH"]], "FJ": files_of[row["GDBH"]]} for row in found]

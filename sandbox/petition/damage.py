"""Rows spoilt on purpose, as migrations and old systems leave them, and healed again. Must not know why or for whom.

Damage stands in the base tables themselves, whatever their checks say: an integrator reads the views, nothing between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from sandbox.petition.changes import work_order
from sandbox.petition.database import COLUMNS, T_GD, T_GD_FJ, T_GD_LZ, Database, rows
from sandbox.petition.refusal import Denied

_TABLES = {"V_GD": (T_GD, "GDBH"), "V_GD_LZ": (T_GD_LZ, "ID"), "V_GD_FJ": (T_GD_FJ, "FJID")}
_KEYS = frozenset({"GDBH", "ID", "FJID"})


@dataclass(frozen=True)
class _Wound:
    gdbh: str
    view: str
    key: Any
    column: str
    before: Any
    after: Any


class Damage:
    """Remembers what stood there before."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wounds: list[_Wound] = []

    def inflict(self, view: str, key: Any, columns: Mapping[str, Any], stamp: str | None) -> None:
        """Sets columns of one row of a view (V_GD by GDBH, V_GD_LZ by ID, V_GD_FJ by FJID) to any value the column can
        hold. stamp: with it the work order's GXSJ becomes it and BBH + 1, so that readers come by; None leaves both."""
        base, key_name = _TABLES[view]
        allowed = set(COLUMNS[base.name]) - _KEYS
        if not columns or not columns.keys() <= allowed:
            raise ValueError(f"columns of {view}: {', '.join(sorted(allowed))}")
        with self._database.lawless() as connection:
            found = rows(connection, select(base).where(base.c[key_name] == key))
            if not found:
                raise Denied(404, f"{view}: {key}")
            row = found[0]
            connection.execute(update(base).where(base.c[key_name] == key).values(**columns))
            if stamp is not None:
                _stamp(connection, row["GDBH"], stamp)
        for name, value in columns.items():
            self._wounds.append(_Wound(row["GDBH"], view, key, name, row[name], value))

    def heal(self, gdbh: str | None, stamp: str) -> None:
        """What stood there before comes back, newest first; None heals every row. What officials have written over the
        damage meanwhile stays. GXSJ `stamp`, BBH + 1."""
        with self._database.alone():
            healed = [wound for wound in self._wounds if gdbh in (None, wound.gdbh)]
            with self._database.lawless() as connection:
                for wound in reversed(healed):
                    base, key_name = _TABLES[wound.view]
                    column = base.c[wound.column]
                    spoilt = column.is_(None) if wound.after is None else column == wound.after
                    theirs = (base.c[key_name] == wound.key) & spoilt
                    connection.execute(update(base).where(theirs).values({wound.column: wound.before}))
                for name in sorted({wound.gdbh for wound in healed}):
                    _stamp(connection, name, stamp)
            self._wounds = [wound for wound in self._wounds if wound not in healed]


def _stamp(connection: Connection, gdbh: str, stamp: str) -> None:
    present = work_order(connection, gdbh)
    if present is not None:
        stamped = update(T_GD).where(T_GD.c["GDBH"] == gdbh)
        connection.execute(stamped.values(GXSJ=max(stamp, present["GXSJ"]), BBH=present["BBH"] + 1))

"""Tables and columns of the exchange database: the contract's names, and what an installation calls them (§1, §2, §3).

A name reaches SQL as an identifier that the dialect quotes, and only after the database's own catalogue was found to
have it; nothing is ever put together from text. This module must not know how a connection is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, TableClause, column, table
from sqlalchemy.sql.elements import quoted_name

ORDER, HISTORY, FILE, INBOX = "V_GD", "V_GD_LZ", "V_GD_FJ", "T_JH_IN"
COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    ORDER: ("GDBH", "WBBH", "LYQD", "SQRXM", "LXDH", "SFBM", "BT", "NR", "SQLB", "SZXZ", "FSDZ", "JD", "WD", "JJCD",
            "GDZT", "ZBDW", "XBDW", "SLSJ", "BLSX", "GXSJ", "BBH"),
    HISTORY: ("ID", "GDBH", "CZLX", "CZR", "CZDW", "CZSJ", "CZYJ"),
    FILE: ("FJID", "GDBH", "WJM", "WJLX", "WJNR"),
    INBOX: ("ID", "WBBH", "CZ", "GDBH", "NR", "WJNR", "RKSJ", "CLBZ", "CLJG", "CLSJ"),
})  # fmt: skip


@cache
def known() -> frozenset[str]:
    """Every key that `settings.names` may have: V_GD, V_GD.BT …"""
    return frozenset(COLUMNS) | {f"{view}.{name}" for view, names in COLUMNS.items() for name in names}


@dataclass(frozen=True, slots=True)
class Relation:
    """One table or view as this installation names it. own: the contract's column -> the installation's."""

    name: str
    own: Mapping[str, str]
    clause: TableClause

    def __getitem__(self, name: str) -> ColumnElement[Any]:
        """A column by the contract's name, labelled with it."""
        return self.clause.c[self.own[name]]

    def columns(self, *left_out: str) -> list[ColumnElement[Any]]:
        """All columns but some, under the contract's names."""
        return [self[name].label(name) for name in self.own if name not in left_out]

    def values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values by the contract's names under the installation's."""
        return {self.own[name]: value for name, value in values.items()}


def relations(names: Mapping[str, str]) -> Mapping[str, Relation]:
    """The four relations by the contract's names."""
    made = {}
    for view, columns in COLUMNS.items():
        name = names.get(view, view)
        own = {one: names.get(f"{view}.{one}", one) for one in columns}
        clause = table(quoted_name(name, quote=True), *(column(quoted_name(one, quote=True)) for one in own.values()))
        made[view] = Relation(name, MappingProxyType(own), clause)
    return MappingProxyType(made)

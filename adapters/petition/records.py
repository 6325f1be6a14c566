"""Rows of the views -> wire records: the work order with its history (LZ) and its files (FJ), as the database shows them.

Derived and added to each history row: GDZT, the state that it moved the work order to ("" for none); DZ, what was done
in the word that an operation has for it; ZBDW, on the latest 转办 alone, the lead and the assisting departments that it
left behind. Nothing shown is converted: times and zero dates stay text. This module must not know SQL.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from adapters.petition.database import parsed
from adapters.petition.outgoing import REMARK
from adapters.port import WireRecord

MOVES: Mapping[str, str] = MappingProxyType({
    "登记": "0", "重新提交": "0", "受理": "1", "转办": "2", "签收": "3", "办理": "4", "答复": "5", "办结": "6", "评价": "7",
    "退单": "8", "作废": "9",
})  # fmt: skip
"""CZLX -> the GDZT that the work order moved to (§2)."""
FIRST = "登记"


def record(
    order: Mapping[str, Any], history: Iterable[Mapping[str, Any]], files: Iterable[Mapping[str, Any]], *,
    read_at: datetime, transfer_mark: str,
) -> WireRecord:  # fmt: skip
    """One work order whole. version: BBH, and the last history entry (one typed in afterwards leaves BBH as it is).
    raw: the JSON of all that was read, in the contract's names."""
    shown = {name: plain(value) for name, value in order.items()}
    entries = [{name: plain(value) for name, value in row.items()} for row in history]
    listed = [{name: plain(value) for name, value in row.items()} for row in files]
    raw = json.dumps({**shown, "LZ": entries, "FJ": listed}, ensure_ascii=False, separators=(",", ":"))
    native_id = str(shown["GDBH"] or "") or None
    last = max((row["ID"] for row in entries if isinstance(row["ID"], int)), default=0)
    body = {**shown, "LZ": _told(shown, entries, transfer_mark), "FJ": listed}
    return WireRecord(
        native_id=native_id, body=body, raw=raw.encode("utf-8", "surrogatepass"), read_at=read_at,
        version=f"{shown['BBH']}.{last}", damage=_damage(shown),
    )  # fmt: skip


def plain(value: Any) -> Any:
    """A column's value as JSON can carry it: decimals by their digits, bytes that stand for a text as that text."""
    match value:
        case Decimal():
            return f"{value:f}"
        case float():
            return repr(value)
        case bytes():
            return value.decode("utf-8", "replace")
        case _:
            return value


def _told(order: Mapping[str, Any], entries: list[dict[str, Any]], transfer_mark: str) -> list[dict[str, Any]]:
    told = []
    for row in _in_time(entries):
        kind, words = str(row["CZLX"]), str(row["CZYJ"] or "")
        state = MOVES.get(kind, "")
        doing = state or kind
        if kind == REMARK and words.startswith(transfer_mark):
            doing = MOVES["转办"]
        if kind == FIRST:
            doing = FIRST
        told.append({**row, "GDZT": state, "DZ": doing})
    dispatched = [row for row in told if row["DZ"] == MOVES["转办"]]
    if dispatched and order["ZBDW"]:
        last = max(dispatched, key=lambda row: row["ID"])
        last["ZBDW"] = [order["ZBDW"], *(one for one in str(order["XBDW"] or "").split(",") if one)]
    return told


def _in_time(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first entry, then by their own times: what was typed in afterwards from paper (C12) stands where it belongs.
    A time that is none counts as that of the entry before it; equal times keep the order of storing."""
    keyed, last = [], ""
    for row in sorted(entries, key=lambda row: row["ID"]):
        if parsed(row["CZSJ"]) is not None:
            last = str(row["CZSJ"])
        keyed.append((row["CZLX"] != FIRST, last, row))
    return [row for _, _, row in sorted(keyed, key=lambda one: one[:2])]


def _damage(order: Mapping[str, Any]) -> tuple[str, ...]:
    """What must be right for the record to be used at all: the secret flag, or a name could leave that must not."""
    wrong = []
    if order["SFBM"] not in (0, 1):
        wrong.append(f"SFBM 为 {order['SFBM']!r:.20}，不知是否保密 / not known whether the person is confidential")
    if not isinstance(order["GDZT"], int):
        wrong.append(f"GDZT 为 {order['GDZT']!r:.20}，不是状态 / no state")
    return tuple(wrong)

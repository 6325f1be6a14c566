"""What the platform does with one row of T_JH_IN: the checks of contract section 5 in their order, then the effect.

Must not know claims, runs or threads; it works inside the transaction it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from sandbox.petition import body
from sandbox.petition.changes import (
    Change,
    Entry,
    File,
    Numbers,
    apply,
    creation,
    moved_columns,
    revision,
    work_order,
)
from sandbox.petition.contract import (
    CANCELLED,
    EDIT,
    FILE,
    NOTE,
    OTHER_CLASS,
    REGISTERED,
    Contract,
    size_in_gbk,
    storable,
)
from sandbox.petition.database import T_GD
from sandbox.petition.refusal import Refused

MOST_NR_BYTES = 65_535
MOST_FILE_BYTES = 10_485_760
MOST_RESULT = 500
FILE_TYPES = frozenset({
    "image/jpeg", "image/png", "image/gif", "image/bmp", "video/mp4", "audio/mpeg", "audio/wav", "application/pdf",
    "application/msword", "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "text/plain",
})  # fmt: skip
_OPERATIONS = ("XZ", "GX", "FJ")
_UNNAMED = "外部交换"
_EXCHANGE_CHANNEL = 5


class Exchange:
    """Carries rows out. `now` in its methods is Beijing text of the platform's clock."""

    def __init__(self, contract: Contract, numbers: Numbers) -> None:
        self._contract = contract
        self._numbers = numbers

    def perform(self, connection: Connection, row: Mapping[str, Any], now: str) -> str:
        """Writes the row's effect into the transaction; gives the GDBH. Refused, with CLJG: nothing was written."""
        change = self._change(connection, row, now)
        apply(connection, (change,))
        return change.gdbh

    def _change(self, connection: Connection, row: Mapping[str, Any], now: str) -> Change:
        cz = row["CZ"]
        if cz not in _OPERATIONS:
            raise Refused(result(f"CZ不正确:{cz}"))
        if not row["WBBH"].rstrip(" "):
            raise Refused("WBBH不能为空")
        if size_in_gbk(row["NR"]) > MOST_NR_BYTES:
            raise Refused("NR超过65535字节")
        document = body.parse(row["NR"])
        present = None if cz == "XZ" else _present(connection, row["GDBH"])
        if cz == "XZ":
            _refuse_known(connection, row["WBBH"])
        wish = body.given(cz, document)
        body.require(cz, wish, present)
        stored = body.values(cz, wish, present, self._contract)
        if present is None:
            return self._create(connection, row["WBBH"], stored, now)
        if cz == "GX":
            return self._update(connection, present, stored, now)
        return self._attach(connection, present, stored, row["WJNR"], now)

    def _create(self, connection: Connection, wbbh: str, stored: Mapping[str, Any], now: str) -> Change:
        columns = {"SQLB": OTHER_CLASS, "JJCD": 0, "LYQD": _EXCHANGE_CHANNEL, "SFBM": 0}
        columns |= {key: value for key, value in stored.items() if key in body.FIELDS}
        entry = Entry(REGISTERED, stored.get("CZR", _UNNAMED), stored.get("CZDW"), stored.get("CZSJ", now))
        return creation(connection, self._numbers, now, columns | {"WBBH": wbbh}, entry)[0]

    def _update(
        self, connection: Connection, present: Mapping[str, Any], stored: Mapping[str, Any], now: str
    ) -> Change:
        if stored.get("BBH", present["BBH"]) != present["BBH"]:
            raise Refused(f"版本冲突:{present['BBH']}")
        before, target = present["GDZT"], stored.get("GDZT", present["GDZT"])
        moves = target != before
        if before == CANCELLED or (moves and target not in self._contract.exchange_moves[before]):
            raise Refused(f"状态不允许:{before}->{target}")
        columns = {key: value for key, value in stored.items() if key in body.FIELDS}
        kind = NOTE if "CZYJ" in stored else EDIT
        if moves:
            columns |= moved_columns(present, target, now)
            kind = self._contract.entry_names[target]
        entry = Entry(kind, stored["CZR"], stored.get("CZDW"), stored.get("CZSJ", now), stored.get("CZYJ"))
        return revision(connection, self._numbers, now, present, columns, entry)

    def _attach(
        self, connection: Connection, present: Mapping[str, Any], stored: Mapping[str, Any], content: bytes | None,
        now: str,
    ) -> Change:  # fmt: skip
        if present["GDZT"] == CANCELLED:
            raise Refused(f"状态不允许:{CANCELLED}->{CANCELLED}")
        if not content:
            raise Refused("附件为空")
        if len(content) > MOST_FILE_BYTES:
            raise Refused("附件过大")
        if stored["WJLX"] not in FILE_TYPES:
            raise Refused(result(f"附件类型不允许:{stored['WJLX']}"))
        file = File(stored["WJM"], stored["WJLX"], bytes(content))
        entry = Entry(FILE, stored["CZR"], stored.get("CZDW"), stored.get("CZSJ", now), file.name)
        return revision(connection, self._numbers, now, present, {}, entry, file)


def result(words: str) -> str:
    """CLJG as its column holds it: a foreign text in it may be too long, or outside gbk."""
    return storable(words)[:MOST_RESULT]


def _present(connection: Connection, gdbh: str | None) -> dict[str, Any]:
    if not gdbh:
        raise Refused("GDBH不能为空")
    present = work_order(connection, gdbh)
    if present is None:
        raise Refused(result(f"GDBH不存在:{gdbh}"))
    return present


def _refuse_known(connection: Connection, wbbh: str) -> None:
    known = connection.execute(select(T_GD.c.GDBH).where(T_GD.c["WBBH"] == wbbh)).scalar()
    if known is not None:
        raise Refused(f"WBBH重复:{known}")

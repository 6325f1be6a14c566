"""What the platform's own people do: take calls down, move, note, edit, attach, and type entries in afterwards.

Moves follow contract section 6, officials' moves included; what a wish leaves open has the office's usual words. Must
not know HTTP, T_JH_IN or the script of the department.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from sandbox.petition import body
from sandbox.petition.changes import (
    Change,
    Entry,
    File,
    Numbers,
    creation,
    late_entry,
    moved_columns,
    revision,
    work_order,
)
from sandbox.petition.contract import CANCELLED, CENTRE, EDIT, FILE, NOTE, OTHER_CLASS, REGISTERED, Contract
from sandbox.petition.database import Database
from sandbox.petition.duties import default_opinion, default_person, default_unit, lead_department
from sandbox.petition.late import LateCommits
from sandbox.petition.refusal import Denied
from sandbox.petition.settings import PlatformClock, Settings

MOST_FILE_BYTES = 20 * 1024 * 1024
CHANNEL_VOICES = {1: "热线坐席", 2: "网上问政", 3: "手机APP", 4: "呼叫员", 5: "外部交换"}
_NULLABLE = body.CLEARABLE | {"JD", "WD"}
_ENTRY_MEMBERS = frozenset({"CZR", "CZDW", "CZSJ", "CZYJ"})

Plan = Callable[[Connection, dict[str, Any], str], Change]


class Officials:
    """Every method is one official's transaction; `late_seconds` None leaves its life to the settings, else it stays
    open for that long on the platform's clock. Denied: 404 no such work order, 409 the moves forbid it."""

    def __init__(
        self,
        database: Database,
        contract: Contract,
        numbers: Numbers,
        late: LateCommits,
        clock: PlatformClock,
        settings: Settings,
    ) -> None:
        self._database = database
        self._contract = contract
        self._numbers = numbers
        self._late = late
        self._clock = clock
        self._settings = settings

    def create(self, wish: Mapping[str, Any], count: int = 1, late_seconds: float | None = None) -> list[str]:
        """`count` work orders alike, stamped with one second, in one transaction. wish: columns of V_GD (BT, NR) and
        CZR, CZDW, CZSJ of the 登记; LYQD 1 unless given. ValueError: form."""
        fields = {key: value for key, value in wish.items() if key not in _ENTRY_MEMBERS}
        columns: dict[str, Any] = {"SQLB": OTHER_CLASS, "JJCD": 0, "LYQD": 1, "SFBM": 0} | self._columns(fields)
        if not {"BT", "NR"} <= columns.keys():
            raise ValueError("BT and NR are needed")
        now = self._clock.text()
        person = self._value("CZR", wish) or CHANNEL_VOICES[columns["LYQD"]]
        default = CENTRE if columns["LYQD"] == 1 else None
        entry = Entry(REGISTERED, person, self._value("CZDW", wish) or default, self._value("CZSJ", wish) or now)
        with self._database.alone():
            with self._database.read() as connection:
                changes = creation(connection, self._numbers, now, columns, entry, count)
            self._write(changes, late_seconds)
        return [change.gdbh for change in changes]

    def act(self, gdbh: str, wish: Mapping[str, Any], late_seconds: float | None = None) -> dict[str, Any]:
        """A move to wish["GDZT"], or a 批注 without one; with it columns of V_GD (ZBDW, XBDW, BLSX, …)."""

        def plan(connection: Connection, present: dict[str, Any], now: str) -> Change:
            before = present["GDZT"]
            target = wish.get("GDZT", before)
            if before == CANCELLED or (target != before and target not in self._contract.official_moves[before]):
                raise Denied(409, f"状态不允许:{before}->{target}")
            moves = target != before
            fields = {key: value for key, value in wish.items() if key not in _ENTRY_MEMBERS | {"GDZT"}}
            if target == 2 and moves:
                fields.setdefault("ZBDW", present["ZBDW"] or lead_department(present["SQLB"]))
                if not fields["ZBDW"]:
                    raise ValueError("转办 needs a ZBDW")
            columns = self._columns(fields)
            after = present | columns
            kind = self._contract.entry_names[target] if moves else NOTE
            if moves:
                columns |= moved_columns(present, target, now)
            entry = Entry(
                kind,
                self._value("CZR", wish) or default_person(kind, present["GDBH"]),
                self._value("CZDW", wish) or default_unit(kind, after),
                self._value("CZSJ", wish) or now,
                self._value("CZYJ", wish) or default_opinion(kind),
            )
            return revision(connection, self._numbers, now, present, columns, entry)

        if "GDZT" in wish:
            body.checked("GDZT", wish["GDZT"], self._contract)
        return self._change(gdbh, plan, late_seconds)

    def edit(
        self, gdbh: str, fields: Mapping[str, Any], wish: Mapping[str, Any], late_seconds: float | None = None
    ) -> dict[str, Any]:
        """Columns set (null clears), with a 改单."""

        def plan(connection: Connection, present: dict[str, Any], now: str) -> Change:
            self._deny_cancelled(present)
            return revision(connection, self._numbers, now, present, self._columns(fields), self._entry(EDIT, wish, now))

        if not fields:
            raise ValueError("nothing to set")
        return self._change(gdbh, plan, late_seconds)

    def attach(
        self, gdbh: str, file: File, wish: Mapping[str, Any], late_seconds: float | None = None
    ) -> dict[str, Any]:
        """A file of at most 20 MB, of any type; its FJID is in the answer."""

        def plan(connection: Connection, present: dict[str, Any], now: str) -> Change:
            self._deny_cancelled(present)
            entry = self._entry(FILE, dict(wish) | {"CZYJ": file.name}, now)
            return revision(connection, self._numbers, now, present, {}, entry, file)

        body.checked("WJM", file.name, self._contract)
        if not 1 <= len(file.content) <= MOST_FILE_BYTES:
            raise ValueError("a file of 1 byte to 20 MB")
        return self._change(gdbh, plan, late_seconds)

    def late_entry(
        self, gdbh: str, kind: str, wish: Mapping[str, Any], late_seconds: float | None = None
    ) -> dict[str, Any]:
        """补录: an entry from paper with its own CZSJ, in the history alone; no move, GXSJ and BBH stay."""

        def plan(connection: Connection, present: dict[str, Any], now: str) -> Change:
            return late_entry(connection, self._numbers, present["GDBH"], self._entry(kind, wish, now))

        if kind not in {*self._contract.entry_names.values(), NOTE, EDIT, REGISTERED}:
            raise ValueError(f"no such CZLX: {kind}")
        if not wish.get("CZSJ"):
            raise ValueError("CZSJ is needed")
        return self._change(gdbh, plan, late_seconds)

    # How a transaction goes -------------------------------------------------------------------------------------------

    def _change(self, gdbh: str, plan: Plan, late_seconds: float | None) -> dict[str, Any]:
        with self._database.alone():
            self._late.commit_of(gdbh)
            with self._database.read() as connection:
                present = work_order(connection, gdbh)
                if present is None:
                    raise Denied(404, f"GDBH不存在:{gdbh}")
                change = plan(connection, present, self._clock.text())
            self._write([change], late_seconds)
        after = present | dict(change.columns)
        answer = {key: after[key] for key in ("GDBH", "GDZT", "GXSJ", "BBH")}
        if change.entries:
            answer["ID"] = change.entries[-1]["ID"]
        if change.files:
            answer["FJID"] = change.files[-1]["FJID"]
        return answer

    def _write(self, changes: Sequence[Change], late_seconds: float | None) -> None:
        first = changes[0]
        if late_seconds is None:
            # Different lives, so that rows overtake one another; told by the change, so that a rehearsal repeats itself.
            mark = f"{first.gdbh}/{first.columns.get('BBH', 0)}"
            late_seconds = self._settings.late_seconds * (zlib.crc32(mark.encode()) % 101) / 100
        self._late.write(changes, late_seconds)

    # Form -------------------------------------------------------------------------------------------------------------

    def _columns(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """V_GD columns by name → stored values. ValueError names the first that is wrong."""
        columns: dict[str, Any] = {}
        for key, value in fields.items():
            if key not in body.FIELDS:
                raise ValueError(f"no column that officials fill in: {key}")
            columns[key] = None if key in _NULLABLE and value in (None, "") else self._checked(key, value)
        if ("JD" in columns) != ("WD" in columns) or (columns.get("JD") is None) != (columns.get("WD") is None):
            raise ValueError("JD and WD go together")
        return columns

    def _checked(self, key: str, value: Any) -> Any:
        # JSON numbers of the back door are floats; the contract's are decimals.
        try:
            return body.checked(key, body.exact(value), self._contract)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from error

    def _value(self, key: str, wish: Mapping[str, Any]) -> Any:
        value = wish.get(key)
        return None if value in (None, "") else self._checked(key, value)

    def _entry(self, kind: str, wish: Mapping[str, Any], now: str) -> Entry:
        return Entry(
            kind,
            self._value("CZR", wish) or default_person(kind, ""),
            self._value("CZDW", wish) or CENTRE,
            self._value("CZSJ", wish) or now,
            self._value("CZYJ", wish),
        )

    def _deny_cancelled(self, present: Mapping[str, Any]) -> None:
        if present["GDZT"] == CANCELLED:
            raise Denied(409, f"状态不允许:{CANCELLED}->{CANCELLED}")

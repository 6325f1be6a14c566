"""The petition platform behind the port: an exchange database that takes writes up later. Contract:
docs/contracts/petition/.

This module must not know what a field means (the mapping's business) or how SQL travels (`database`).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, BinaryIO, TypeVar

from sqlalchemy import select

from adapters.checking import examined, misconfigured
from adapters.errors import BrokenReply, ConfigError, Missing, Refused
from adapters.petition.database import Database, database
from adapters.petition.names import FILE, INBOX
from adapters.petition.outgoing import Outgoing, write_reference
from adapters.petition.probing import probe
from adapters.petition.reading import Reader
from adapters.petition.receipts import open_or_done, outcome
from adapters.petition.settings import Settings
from adapters.port import (
    Ability,
    Adapter,
    Connection,
    Cursor,
    FileOut,
    FileRef,
    Page,
    Probe,
    Receipt,
    Surroundings,
    WireBody,
    WireRecord,
)
from adapters.retry import again

T = TypeVar("T")
ABILITIES = frozenset({
    Ability.FIND, Ability.UPDATE, Ability.EDIT, Ability.LATE_RECEIPT, Ability.FILES, Ability.LIST, Ability.IDEMPOTENT_CREATE,
})  # fmt: skip


@dataclass(slots=True)
class PetitionAdapter:
    """One petition platform. Fulfils Adapter, Updatable, Editable, Findable, LateReceipts and Files."""

    platform: str
    settings: Settings
    database: Database
    surroundings: Surroundings
    processing: timedelta
    abilities: frozenset[Ability] = ABILITIES

    def probe(self) -> Probe:
        """Reach, log-in, names, reading, clocks. Writes nothing."""
        return probe(self.database)

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """§2. Cursor: JSON of the last GXSJ read, and the history IDs seen at which platform time."""
        return Reader(self.database).pull(since)

    def fetch(self, native_id: str) -> WireRecord | None:
        """The row of V_GD with its history and its files' names."""
        return self._again(lambda: Reader(self.database).fetch(native_id))

    def find(self, reference: str, since: datetime) -> WireRecord | None:
        """By V_GD.WBBH, which is unique; `since` is not needed. None too while the row waits in T_JH_IN (`settle`)."""
        return self._again(lambda: Reader(self.database).find(write_reference(reference)))

    def create(self, body: WireBody, reference: str) -> Receipt:
        """XZ. body: keys of NR (§4), and WBBH, which must be `reference`. Late: `settle(reference)` tells the number.
        A creation that waits already, or is done, is not inserted again."""
        where = self.database.where("XZ", reference)
        if body.get("WBBH") not in (None, "", reference):
            raise ConfigError("映射须把呼应编号写入 WBBH / the mapping must put our reference into WBBH", where=where,
                              remedy="检查映射 record.reference / check record.reference")  # fmt: skip
        outgoing = Outgoing(where, self.settings.operator)
        written = outgoing.creation(body)
        standing = self._hand_over(
            {"WBBH": write_reference(reference), "CZ": "XZ", "GDBH": None, "NR": written, "WJNR": None}
        )
        return standing or Receipt("", late=True, notes=tuple(outgoing.notes))

    def update(self, native_id: str, body: WireBody, reference: str) -> Receipt:
        """GX. body: keys of NR, and DZ (a GDZT, or 批注). Late: `settle(reference)`. A GX inserted twice is done twice,
        so `reference` must name this write and no other: one that waits or is done is not inserted again."""
        where = self.database.where("GX", native_id)
        self._numbered(native_id, where)
        outgoing = Outgoing(where, self.settings.operator)
        written = outgoing.update(body)
        standing = self._hand_over(
            {"WBBH": write_reference(reference), "CZ": "GX", "GDBH": native_id, "NR": written, "WJNR": None}
        )
        return standing or Receipt(native_id, late=True, notes=tuple(outgoing.notes))

    def edit(self, native_id: str, body: WireBody, reference: str) -> Receipt:
        """GX with fields alone: a 改单. As `update`; "" empties what §4 lets be emptied."""
        return self.update(native_id, body, reference)

    def settle(self, reference: str) -> Receipt | None:
        """CLBZ of the rows under this reference: None while 0 or 3 (or unknown); a receipt at 1, and at 2 for
        WBBH重复, which names the work order there is. Refused, Outdated, Missing with CLJG's words."""
        rows = self._again(lambda: self._written(write_reference(reference)))
        return outcome(rows, self.database.where("T_JH_IN", reference))

    def read_file(self, ref: FileRef) -> BinaryIO:
        """WJNR of one file. Missing if the work order has none of that number."""
        where = self.database.where("V_GD_FJ", ref.native_id)
        if not (ref.file_id.isascii() and ref.file_id.isdigit() and len(ref.file_id) <= 18):
            raise Missing("没有这个附件 / there is no such file", where=where, remedy="核对编号 / check the number")
        content = self._again(lambda: self._content(ref))
        if content is None:
            raise Missing("没有这个附件 / there is no such file", where=where, remedy="核对编号 / check the number")
        if ref.size is not None and len(content) != ref.size:
            raise BrokenReply(f"附件大小 {len(content)} 与登记的 {ref.size} 不符 / size differs from the one listed",
                              where=where, remedy="请平台核对附件 / have the platform check the file")  # fmt: skip
        return io.BytesIO(content)

    def write_file(self, native_id: str, file: FileOut, content: BinaryIO, reference: str) -> Receipt:
        """FJ. Late. A file that waits or is done under this reference is not inserted again. The row before it for this
        work order should have its outcome (§3)."""
        where = self.database.where("FJ", native_id)
        self._numbered(native_id, where)
        data = content.read(file.size + 1)
        if len(data) != file.size:
            raise Refused(f"文件 {file.name[:100]} 的大小与登记不符（{file.size}）/ the file is not of the size told",
                          where=where, field="WJNR", remedy="重新读取该文件 / read the file again")  # fmt: skip
        written = Outgoing(where, self.settings.operator).file(file.name, file.media_type, file.size)
        standing = self._hand_over(
            {"WBBH": write_reference(reference), "CZ": "FJ", "GDBH": native_id, "NR": written, "WJNR": data}
        )
        return standing or Receipt(native_id, late=True)

    def _hand_over(self, row: Mapping[str, Any]) -> Receipt | None:
        """The receipt of a write that is done already; else None, and its row stands in T_JH_IN.

        One INSERT at most, and none where the write stands there. A row whose INSERT broke off may show up for as long
        as `processing`: who writes again after an unknown outcome waits that long.
        """
        with self.database.open(row["CZ"]) as connection:
            before = self._rows(connection, row["WBBH"])
            if not open_or_done(before):
                self.database.insert(connection, self.database.relations[INBOX], row, row["CZ"])
                return None
        standing = outcome(before, self.database.where(row["CZ"], row["WBBH"]))
        return None if standing is None else replace(standing, already=True)

    def _written(self, reference: str) -> list[Mapping[str, Any]]:
        with self.database.open("T_JH_IN") as connection:
            return self._rows(connection, reference)

    def _rows(self, connection: Any, reference: str) -> list[Mapping[str, Any]]:
        """Rows of T_JH_IN under a reference, oldest first; compared exactly, as the database does not (§1)."""
        inbox = self.database.relations[INBOX]
        listing = select(*inbox.columns("NR", "WJNR")).where(inbox["WBBH"] == reference).order_by(inbox["ID"])
        found = self.database.rows(connection, listing, "T_JH_IN")
        return [dict(row._mapping) for row in found if row._mapping["WBBH"] == reference]

    def _content(self, ref: FileRef) -> bytes | None:
        with self.database.open("V_GD_FJ") as connection:
            file = self.database.relations[FILE]
            listing = select(*file.columns("WJM", "WJLX")).where(file["FJID"] == int(ref.file_id))
            rows = [row._mapping for row in self.database.rows(connection, listing, "V_GD_FJ")]
            return next((bytes(row["WJNR"]) for row in rows if row["GDBH"] == ref.native_id), None)

    def _numbered(self, native_id: str, where: str) -> None:
        if not (native_id.isascii() and native_id.isalnum() and len(native_id) <= 16):
            raise Missing("不是工单编号 / no number of a work order", where=where, remedy="核对编号 / check the number")

    def _again(self, call: Callable[[], T]) -> T:
        return again(call, sleep=self.surroundings.sleep, attempts=self.settings.attempts)


def build(platform: str, settings: Mapping[str, Any], connection: Connection, surroundings: Surroundings) -> Adapter:
    """The adapter of one platform. ConfigError that lists every key that is wrong. Nothing is sent."""
    checked, wrong = examined(Settings, settings)
    if checked is None:
        raise misconfigured(platform, Settings, wrong)
    base = database(platform, checked, connection, surroundings.now)
    return PetitionAdapter(platform, checked, base, surroundings, timedelta(seconds=checked.processing_seconds))

"""The grid platform behind the port: records, receipts and the probe. Contract: docs/contracts/grid/.

This module must not know what a field means (the mapping's business) or how bytes travel (`client`).
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from adapters.checking import examined, misconfigured
from adapters.errors import BrokenReply, ConfigError, Refused
from adapters.grid.client import Client, Rows, outcome_unknown
from adapters.grid.events import Event
from adapters.grid.outgoing import Outgoing, clean
from adapters.grid.probe import probe
from adapters.grid.reply import Unreadable
from adapters.grid.settings import Settings
from adapters.grid.verdict import unclear
from adapters.grid.walk import TIME, Astray, parsed, walk
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
from adapters.transport import Answer, Transport
from schemas.moment import SHANGHAI

ABILITIES = frozenset({Ability.FIND, Ability.UPDATE, Ability.FILES, Ability.LIST})
_AHEAD = timedelta(minutes=9)
"""A handleTime may be 10 min ahead of the platform's clock (§8), which `Date` tells to the second."""


@dataclass(slots=True)
class GridAdapter:
    """One grid platform. Fulfils Adapter, Updatable, Findable and Files."""

    platform: str
    settings: Settings
    client: Client
    surroundings: Surroundings
    processing: timedelta
    abilities: frozenset[Ability] = ABILITIES

    def probe(self) -> Probe:
        """Description, authentication, clocks, permission. Writes nothing."""
        return probe(self.client)

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """§6. Cursor: JSON {"updated": "yyyy-MM-dd HH:mm:ss"}, Beijing: the next pull reads that second again."""
        now = _beijing(self.surroundings.now())
        if since is None:
            kept = None
            first = _beijing(self.settings.start)
        else:
            # A platform whose clock ran ahead must not leave a cursor behind that skips what comes after its repair.
            kept = min(self._cursor_time(since), now)
            first = kept - timedelta(seconds=self.settings.overlap_seconds)
        try:
            for batch in walk(self._ask, first, self._until, self.settings.page_size):
                last = min(batch.last, _beijing(self.surroundings.now()))
                kept = last if kept is None else max(kept, last)
                cursor = Cursor(json.dumps({"updated": kept.strftime(TIME)}))
                answer = batch.rows.answer
                records = tuple(_record(event, answer) for event in batch.events)
                yield Page(records, cursor, self._platform_time(answer))
        except Astray as error:
            raise BrokenReply(
                f"列表无法完整读取 / the list cannot be read whole: {error.what}",
                where=self.client.where("queryEvents"), raw=error.rows.answer.body,
                remedy="保留原文并联系平台 / keep the bytes and ask the platform's vendor",
            ) from error  # fmt: skip

    def fetch(self, native_id: str) -> WireRecord | None:
        """getEvent. 2002 is None, and so is 2001, by which the platform says that this cannot be the id of any event."""
        try:
            event, answer = self.client.get(native_id)
        except Refused:
            return None
        return _record(event, answer)

    def find(self, reference: str, since: datetime) -> WireRecord | None:
        """findBySourceId, all stages. Several: the first by eventId, and its `damage` names the others."""
        events, answer = self.client.find(reference)
        if not events:
            return None
        others = ", ".join(str(event.native_id) for event in events[1:])
        notes = (f"sourceId：同一来源编号另有事件 / the same sourceId is carried by further events: {others}",)
        return _record(events[0], answer, *(notes if others else ()))

    def create(self, body: WireBody, reference: str) -> Receipt:
        """reportEvent. body: EventReport's elements; sourceId must be `reference` (it is put in if absent), else
        nothing could be found again. Attachments: name, mime, base64 (bytes, or Base64 text)."""
        where = self.client.where("reportEvent", reference)
        if body.get("sourceId") not in (None, "", reference):
            raise ConfigError(
                "映射须把呼应编号写入 sourceId / the mapping must put our reference into sourceId", where=where,
                remedy="检查映射 sourceId / check the mapping of sourceId",
            )  # fmt: skip
        outgoing = Outgoing(where)
        arguments = outgoing.report({**body, "sourceId": reference})
        reply, asked, answer = self.client.report(arguments, reference)
        try:
            event_id = reply.value("eventId") or ""
        except Unreadable as error:
            raise unclear(f"答复无法理解 / the answer cannot be understood ({error})", asked, answer.body) from error
        if not re.fullmatch(self.settings.event_id_pattern, event_id, re.ASCII):
            raise outcome_unknown(
                asked, f"平台答复成功但没有有效的事件编号 {event_id[:40]!r} / accepted without a proper eventId"
            )
        return Receipt(event_id, raw=answer.body, notes=tuple(outgoing.notes))

    def update(self, native_id: str, body: WireBody, reference: str) -> Receipt:
        """updateEvent. body: its arguments but eventId. The platform does not tell the key of the entry it made."""
        outgoing = Outgoing(self.client.where("updateEvent", native_id))
        arguments = self._in_time(outgoing.update(native_id, body))
        try:
            _, _, answer = self.client.update(arguments, native_id)
        except Refused as error:
            again = self._in_time(arguments)  # the refusal, which stored nothing, told the platform's clock
            if error.field != "handleTime" or again == arguments:
                raise
            _, _, answer = self.client.update(again, native_id)
        return Receipt(native_id, raw=answer.body, notes=tuple(outgoing.notes))

    def read_file(self, ref: FileRef) -> BinaryIO:
        """getAttachment, decoded. Missing; BrokenReply if it is not Base64 or of another size than `ref` says."""
        encoded, mime, asked, answer = self.client.attachment(ref.file_id)
        try:
            content = base64.b64decode(b"".join(encoded.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise unclear("附件不是 Base64 / the attachment is not Base64", asked, answer.body) from error
        if ref.size is not None and len(content) != ref.size:
            raise unclear(
                f"附件大小 {len(content)} 与登记的 {ref.size} 不符 / size differs from the one listed",
                asked,
                answer.body,
            )
        made = io.BytesIO(content)
        made.media_type = mime  # type: ignore[attr-defined]  # the list of an event's attachments does not tell it (§5)
        return made

    def write_file(self, native_id: str, file: FileOut, content: BinaryIO, reference: str) -> Receipt:
        """A same-stage updateEvent with one attachment; its opinion is the note. Reads the stage first."""
        where = self.client.where("updateEvent", native_id)
        data = content.read(file.size + 1)
        if len(data) != file.size:
            raise Refused(
                f"文件 {file.name} 的大小与登记不符（{file.size}）/ the file is not of the size told", where=where,
                field="attachments", remedy="重新读取该文件 / read the file again",
            )  # fmt: skip
        event, _ = self.client.get(native_id)
        stage = event.body.get("stage")
        if not stage:
            raise Refused("平台未给出当前阶段 / the platform tells no present stage", where=where, field="stage",
                          remedy="在平台上核对该事件 / look at the event on the platform")  # fmt: skip
        body = {
            "stage": stage, "opinion": file.note or f"【附件】{file.name}", "handler": self.settings.file_handler,
            "attachments": [{"name": file.name, "mime": file.media_type, "base64": data}],
        }  # fmt: skip
        return self.update(native_id, body, reference)

    def _ask(self, first: datetime, last: datetime, page_no: int) -> Rows:
        return self.client.query(first.strftime(TIME), last.strftime(TIME), page_no, self.settings.page_size)

    def _in_time(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """A handleTime too far ahead of the platform's clock, where that one is slow, is its present (§8)."""
        at = parsed(str(arguments.get("handleTime") or ""))
        if at is None or self.client.skew is None:
            return arguments
        present = _beijing(self.surroundings.now() + self.client.skew)
        return arguments if at <= present + _AHEAD else {**arguments, "handleTime": present.strftime(TIME)}

    def _until(self) -> datetime:
        """A day beyond the later of both clocks, so that no difference between them hides a row."""
        now = self.surroundings.now()
        return _beijing(max(now, now + (self.client.skew or timedelta())) + timedelta(days=1))

    def _platform_time(self, answer: Answer) -> datetime | None:
        return None if answer.skew is None else self.surroundings.now() + answer.skew

    def _cursor_time(self, cursor: Cursor) -> datetime:
        try:
            at = parsed(json.loads(cursor)["updated"])
        except (ValueError, KeyError, TypeError):
            at = None
        if at is None:
            raise ConfigError(
                f"游标不是本平台的 / not a cursor of this platform: {str(cursor)[:80]!r}",
                where=self.client.where("queryEvents"),
                remedy="核对平台名称，或清除该平台的游标 / check the platform's name, or clear its cursor",
            )
        return at


def build(platform: str, settings: Mapping[str, Any], connection: Connection, surroundings: Surroundings) -> Adapter:
    """The adapter of one platform. ConfigError that lists every key that is wrong. Nothing is sent."""
    checked, wrong = examined(Settings, settings)
    if checked is None:
        raise misconfigured(platform, Settings, wrong)
    if not connection.url or not connection.login or clean(connection.login)[1]:
        raise ConfigError(
            f"连接 {connection.id} 缺少地址或可用的账号 / without an address or usable login", where=platform,
            remedy="在连接中填写 host 与 login / fill in the connection's host and login",
        )  # fmt: skip
    transport = Transport(
        where=platform, now=surroundings.now, connect_seconds=checked.connect_seconds,
        read_seconds=checked.read_seconds, ca_file=connection.extra.get("ca_file"),
    )  # fmt: skip
    client = Client(platform, checked, connection, surroundings, transport)
    return GridAdapter(platform, checked, client, surroundings, timedelta(seconds=checked.processing_seconds))


def _record(event: Event, answer: Answer, *notes: str) -> WireRecord:
    return WireRecord(
        native_id=event.native_id, body=event.body, raw=event.raw, read_at=answer.sent_at,
        damage=event.damage + notes,
    )  # fmt: skip


def _beijing(at: datetime) -> datetime:
    """An aware time as the platform writes it: naive, Beijing, whole seconds."""
    return at.astimezone(SHANGHAI).replace(tzinfo=None, microsecond=0)

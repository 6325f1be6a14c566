"""The city platform behind the port: the change feed, tasks, steps, media files, the probe. Contract:
docs/contracts/city/.

This module must not know what a field means (the mapping's business) or how bytes travel (`client`).
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, BinaryIO

import orjson

from adapters.checking import examined, misconfigured
from adapters.city.client import LARGEST_READ, Client, packed
from adapters.city.feed import Notes, Place, place_of
from adapters.city.media import LARGEST, address, content_of, kind_of
from adapters.city.message import Reply, Unreadable, clean, element
from adapters.city.probing import probe
from adapters.city.settings import Settings
from adapters.city.tasks import REPORT, STEP, Outgoing, body_of
from adapters.city.verdict import unclear
from adapters.errors import BrokenReply, ConfigError, Missing, OutcomeUnknown, Refused
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
)  # fmt: skip
from adapters.transport import Answer, Transport

ABILITIES = frozenset({Ability.FIND, Ability.UPDATE, Ability.FILES, Ability.LIST})
TASK_NUM = re.compile(r"\d{15}", re.ASCII)
MEDIA_ID = re.compile(r"M\d{15}", re.ASCII)


@dataclass(slots=True)
class City:
    """One city platform. Fulfils Adapter, Updatable, Findable and Files."""

    platform: str
    settings: Settings
    client: Client
    surroundings: Surroundings
    notes: Notes
    processing: timedelta
    abilities: frozenset[Ability] = ABILITIES

    def probe(self) -> Probe:
        """Reach, log-in, clocks, permission. Writes nothing."""
        return probe(self.client)

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """§6: changes by number, each changed task whole. A task that cannot be read is a record with its bytes and
        its damage. Cursor: JSON {"seq", "marks", "met"}, see `feed.Place`."""
        where = self.client.where("changes")
        now, overlap = self.surroundings.now, self._overlap
        place = Place(self.settings.start_seq) if since is None else place_of(since, where)
        told, after, more = since, place.seq, True
        while more:
            changes = self.client.changes(after, self.settings.page_size)
            seen = now()
            fresh = dict.fromkeys(number for seq, number in changes.rows if seq not in place.met)
            shown = {number: self._shown(number) for number in fresh}
            records = tuple(record for record, _ in shown.values())
            met = (seq for seq, number in changes.rows if number not in shown or shown[number][1])
            place = place.after(met, changes.last, whole=not changes.more, asked=changes.answer.sent_at, seen=seen,
                                overlap=overlap)  # fmt: skip
            after, more = changes.last, changes.more
            if changes.rows:
                self.notes.add(changes.last, seen)
            cursor = place.cursor()
            if records or cursor != told:
                yield Page(records, cursor, self._platform_time(changes.answer))
                told = cursor

    def fetch(self, native_id: str) -> WireRecord | None:
        """The whole task; None for an unknown number, and for what cannot be one (202, or 201 about taskNum)."""
        try:
            reply, answer = self.client.task(native_id)
        except Missing:
            return None
        except Refused as refused:
            if refused.field == "taskNum":
                return None
            raise
        return self._record(native_id, reply, answer)

    def find(self, reference: str, since: datetime) -> WireRecord | None:
        """Nothing on the platform searches by outerCode: the feed is walked from a number noted before `since` (else
        from the beginning), each task read once, the first that carries the reference is it. BrokenReply if none does
        and a task could not be read: it may have been that one."""
        after, more = self.notes.before(since, self._overlap), True
        met: set[str] = set()
        unreadable: BrokenReply | None = None
        while more:
            changes = self.client.changes(after, self.settings.page_size)
            for number in dict.fromkeys(number for _, number in changes.rows):
                if number in met:
                    continue
                met.add(number)
                try:
                    record = self.fetch(number)
                except BrokenReply as broken:
                    unreadable = broken
                    continue
                if record is not None and record.body.get("outerCode") == reference:
                    return record
            after, more = changes.last, changes.more
        if unreadable is not None:
            raise unreadable
        return None

    def create(self, body: WireBody, reference: str) -> Receipt:
        """report. body: the task's elements; outerCode must be `reference` (it is put in if absent), else nothing
        could be found again."""
        where = self.client.where("report", reference)
        if body.get("outerCode") not in (None, "", reference):
            raise ConfigError(
                "映射须把呼应编号写入 outerCode / the mapping must put our reference into outerCode", where=where,
                remedy="检查映射 record.reference / check record.reference of the mapping",
            )  # fmt: skip
        outgoing = self._outgoing(where)
        task = "".join(outgoing.elements({**body, "outerCode": reference}, REPORT))
        reply, asked, answer = self.client.send("report", reference, [f"<task>{task}</task>"])
        try:
            number = reply.text("taskNum")
        except Unreadable as error:
            raise unclear(f"答复无法理解 / the answer cannot be understood ({error})", asked, answer.body) from error
        return Receipt(self._proper(number, TASK_NUM, where), raw=answer.body, notes=tuple(outgoing.notes))

    def update(self, native_id: str, body: WireBody, reference: str) -> Receipt:
        """step. body: its elements but taskNum. The platform does not tell the number of the entry it made. A time that it
        refuses because its own clock is behind (201, nothing stored) is told as its present time."""
        try:
            return self._stepped(native_id, body)
        except Refused as refused:
            present = self.client.their_time()
            if refused.field != "time" or present is None or str(body.get("time", "")) <= present:
                raise
        return self._stepped(native_id, {**body, "time": present})

    def _stepped(self, native_id: str, body: WireBody) -> Receipt:
        outgoing = self._outgoing(self.client.where("step", native_id))
        elements = [element("taskNum", clean(native_id)[0]), *outgoing.elements(body, STEP)]
        _, _, answer = self.client.send("step", native_id, elements)
        return Receipt(native_id, raw=answer.body, notes=tuple(outgoing.notes))

    def read_file(self, ref: FileRef) -> BinaryIO:
        """The bytes of a media file of that task, from the configured address only. Missing; Refused for a link that
        leads elsewhere."""
        where = self.client.where("media", f"{ref.native_id} {ref.file_id}")
        record = self.fetch(ref.native_id)
        medias = record.body.get("medias", []) if record is not None else []
        found = next((one for one in medias if one.get("mediaId") == ref.file_id), None)
        if found is None or not MEDIA_ID.fullmatch(ref.file_id):
            raise Missing("该记录没有此附件 / the record has no such file", where=where, remedy="核对附件编号 / check its id")
        content = self.client.download(address(self.settings.media_base, found, where), where)
        if ref.size is not None and len(content) != ref.size:
            raise BrokenReply(f"附件大小 {len(content)} 与登记的 {ref.size} 不符 / size differs", where=where, raw=content,
                              remedy="在平台上核对该附件 / look at the file on the platform")  # fmt: skip
        return io.BytesIO(content)

    def write_file(self, native_id: str, file: FileOut, content: BinaryIO, reference: str) -> Receipt:
        """method=media. The platform keeps type and bytes, not the name, nor `reference`. Not idempotent."""
        where = self.client.where("media", native_id)
        kind, data = kind_of(file, where), content_of(file, content, where, LARGEST)
        elements = [element("taskNum", clean(native_id)[0]), element("type", kind), element("content", packed(data))]
        reply, asked, answer = self.client.send("media", native_id, elements)
        try:
            media_id = reply.text("mediaId")
        except Unreadable as error:
            raise unclear(f"答复无法理解 / the answer cannot be understood ({error})", asked, answer.body) from error
        note = f"平台不保存文件名，附件编号 {media_id} / the file's name is not kept there"
        self._proper(media_id, MEDIA_ID, where)
        return Receipt(native_id, file_id=media_id, raw=answer.body, notes=(note,))

    @property
    def _overlap(self) -> timedelta:
        return timedelta(seconds=self.settings.overlap_seconds)

    def _outgoing(self, where: str) -> Outgoing:
        return Outgoing(where, gbk_inside=self.settings.gbk_inside)

    def _proper(self, number: str, form: re.Pattern[str], where: str) -> str:
        if form.fullmatch(number):
            return number
        raise OutcomeUnknown(f"答复成功但没有有效的编号 / accepted without a proper number: {number[:20]!r}", where=where,
                             code="0", remedy="按呼应编号查找 / will be looked for by our reference")  # fmt: skip

    def _shown(self, number: str) -> tuple[WireRecord, bool]:
        """A task that the feed named: never an exception for what concerns this task alone. False if it could not be read
        at all: it may have been a passing trouble, so it is asked for again while its number is looked at."""
        asked_at = self.surroundings.now()
        try:
            record = self.fetch(number)
        except BrokenReply as broken:
            return WireRecord(number, {}, broken.raw, asked_at, damage=(broken.what,)), False
        if record is None:
            told = "变更列表中有，却查不到 / named by the feed, but not there"
            return WireRecord(number or None, {"taskNum": number}, number.encode(), asked_at, damage=(told,)), False
        return record, True

    def _record(self, native_id: str, reply: Reply, answer: Answer) -> WireRecord:
        where = self.client.where("task", native_id)
        try:
            body, damage = body_of(reply)
            if body.get("taskNum", native_id) != native_id:
                raise Unreadable("answer about another task")
        except Unreadable as error:
            raise BrokenReply(f"答复无法理解 / the answer cannot be understood ({error})", where=where, raw=answer.body,
                              remedy="保留原文并联系平台 / keep the bytes, ask the platform's vendor") from error  # fmt: skip
        digest = hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
        return WireRecord(native_id, body, answer.body, answer.sent_at, damage=damage, digest=digest)

    def _platform_time(self, answer: Answer) -> datetime | None:
        return None if answer.skew is None else self.surroundings.now() + answer.skew


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

    def transport(most: int) -> Transport:
        return Transport(
            where=platform, now=surroundings.now, connect_seconds=checked.connect_seconds,
            read_seconds=checked.read_seconds, max_bytes=most, ca_file=connection.extra.get("ca_file"),
        )  # fmt: skip

    client = Client(platform, checked, connection, surroundings, transport(64_000_000), transport(LARGEST_READ))
    notes = Notes(surroundings.state / f"{platform}-feed.json")
    return City(platform, checked, client, surroundings, notes, timedelta(seconds=checked.processing_seconds))

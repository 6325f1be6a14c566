"""The port of the government platform: pulls, finds, writes, files and the probe, made of the client's operations.

Knows which answers prove what; meanings of fields are the mapping's. Contract: docs/contracts/government/.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, BinaryIO

import orjson

from adapters.checking import examined, misconfigured
from adapters.errors import ConfigError, Missing, OutcomeUnknown, Refused, Unavailable
from adapters.government.client import ACCOUNT, ENVELOPE, Client
from adapters.government.files import LONGEST_NAME, content_of, multipart, wire_name
from adapters.government.listing import Ask, Listed, listed, walk
from adapters.government.moments import wait_ms, within
from adapters.government.probing import probe
from adapters.government.records import identifier, native_id, times_damage, version
from adapters.government.settings import Settings
from adapters.government.signing import sm3
from adapters.government.texts import sendable
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
from adapters.rest import Meaning, Opened, broken, unknown

ABILITIES = frozenset({
    Ability.FIND, Ability.IDEMPOTENT_CREATE, Ability.IDEMPOTENT_UPDATE, Ability.UPDATE, Ability.FILES, Ability.LIST,
})  # fmt: skip

ACTIONS = frozenset({
    "ACCEPT", "RETURN", "DISPATCH", "RESPOND", "PROGRESS", "EXTEND", "URGE", "FEEDBACK", "CLOSE", "RATE", "CANCEL",
})  # fmt: skip
"""4022 [action] on one of these means that the status forbids it; on any other word, that there is no such action."""

STATE_MOVED = replace(ENVELOPE, outdated=frozenset({"action", "limitTime"}))
"""4022 on these: people moved the call, or its limit, while this was on its way."""

_LONGEST_WAIT = 300.0

AHEAD_MS = 60_000
"""A row may be this far ahead of the platform's Date before the cursor stops following it: one call stamped years
ahead must not hide all that changes until then."""


class Government:
    """One government platform behind the port."""

    def __init__(self, platform: str, settings: Settings, client: Client, surroundings: Surroundings) -> None:
        self.platform = platform
        self.abilities = ABILITIES
        self.processing = timedelta(seconds=settings.processing_seconds)
        self._settings, self._client, self._random = settings, client, surroundings.random_bytes
        self._note_lock = threading.Lock()
        self._last_note_ms = 0

    def probe(self) -> Probe:
        """Reach, token, signature and clock, permission to read. Changes nothing on the platform."""
        return probe(self._client, self._settings)

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """Rows with masked contact, to be completed by `fetch`. Cursor: {"updated": epoch ms or null}."""
        told = since
        reached = _reached(since, self._client.where("列表 list"))
        after = self._start() if reached is None else max(0, reached - self._overlap_ms())
        for stretch in walk(self._ask(), after, self._settings.page_size, self._client.where("列表 list")):
            if stretch.reached is not None:
                ceiling = int(stretch.platform_time.timestamp() * 1000) + AHEAD_MS if stretch.platform_time else None
                reached = max(reached or 0, min(stretch.reached, ceiling or stretch.reached))
            cursor = Cursor(orjson.dumps({"updated": reached}).decode())
            if stretch.rows or (stretch.reached is not None and cursor != told):
                yield Page(tuple(one.record for one in stretch.rows), cursor, stretch.platform_time)
                told = cursor

    def fetch(self, native_id: str) -> WireRecord | None:
        """The whole call. raw: the answer's bytes; digest: of its data alone, since every answer's traceId differs."""
        if identifier(native_id) is None:
            return None  # not of the form of any callNo: the platform would say 4004, if it got there
        where = self._client.where("详情 detail", native_id)
        try:
            opened = self._client.detail(native_id)
        except Missing:
            return None
        except Refused as refused:
            raise ConfigError(refused.what, where=where, code=refused.code, remedy=refused.remedy) from refused
        data = opened.data
        if not isinstance(data, dict) or data.get("callNo") != native_id:
            raise broken(opened.answer, "答复不是所问的呼叫 / the answer is not the call asked for", where, opened.code)
        digest = hashlib.sha256(orjson.dumps(data, option=orjson.OPT_SORT_KEYS)).hexdigest()
        answer = opened.answer
        return WireRecord(
            native_id, data, answer.body, answer.sent_at, version(data), damage=times_damage(data), digest=digest
        )

    def find(self, reference: str, since: datetime) -> WireRecord | None:
        """Walks the list from a little before `since` (our clock): the platform does not search by outerNo."""
        if self._client.skew is None:
            self._client.list_calls(None, None, 1, 1)  # its Date tells how far the clocks are apart
        behind = min(timedelta(0), self._client.skew or timedelta(0))
        after = int((since + behind).timestamp() * 1000) - self._overlap_ms()
        where = self._client.where("查找 find", reference)
        for stretch in walk(self._ask(), max(0, after), self._settings.page_size, where):
            for one in stretch.rows:
                if one.record.native_id and one.record.body.get("outerNo") == reference:
                    return self.fetch(one.record.native_id)
        return None

    def create(self, body: WireBody, reference: str) -> Receipt:
        """POST /api/calls. The body's outerNo is the reference: the platform names the existing call by it."""
        where = self._client.where("新建 create", reference)
        sent, notes = sendable(body)
        if sent.get("outerNo") != reference:
            raise ConfigError(
                "outerNo不是本次的引用号 / outerNo is not the reference", where=where,
                remedy="映射须把reference写入outerNo / the mapping must put the reference into outerNo",
            )  # fmt: skip
        opened = self._client.create(_json(sent, where), reference)
        number = native_id(opened.data) if isinstance(opened.data, dict) else None
        if number is None:
            raise unknown(f"答复{opened.code}没有可用的callNo / no usable callNo in the answer", where, opened.code)
        status = opened.data.get("status")
        return Receipt(
            number, already=opened.meaning is Meaning.DUPLICATE, status=status if isinstance(status, str) else "",
            raw=opened.answer.body, notes=notes,
        )  # fmt: skip

    def update(self, native_id: str, body: WireBody, reference: str) -> Receipt:
        """POST an action. Sent unchanged again it is stored once: (action, operateTime, operator) name it; the platform
        keeps no reference of ours."""
        where = self._client.where("操作 action", f"{native_id} {reference}".rstrip())
        if identifier(native_id) is None:
            raise Missing(f"不是callNo / not a callNo: {native_id!r:.80}", where=where, remedy="核对编号 / check it")
        cleaned, notes = sendable(body)
        sent, moved = within(cleaned)
        envelope = STATE_MOVED if sent.get("action") in ACTIONS else ENVELOPE
        try:
            opened = self._client.act(native_id, _json(sent, where), envelope)
        except Refused as refused:
            wait = wait_ms(sent, self._client.platform_ms())
            if refused.field != "operateTime" or not wait:
                raise
            # Told with another time, a repetition would not be known again: it waits until that clock is there.
            raise Unavailable(
                f"平台时钟慢，操作时间在其看来尚未到 / the platform's clock is slow, the operation lies in its future "
                f"({refused.what})", where=where, code=refused.code, retry_after=min(_LONGEST_WAIT, wait / 1000),
                remedy="将自动重试；请校准两边时钟 / tried again later; set both clocks right",
            ) from refused  # fmt: skip
        return _stored(opened, native_id, notes + moved, where)

    def read_file(self, ref: FileRef) -> BinaryIO:
        """The file's bytes, checked against the platform's SM3. Missing, ConfigError, Unavailable, BrokenReply."""
        where = self._client.where("下载 download", f"{ref.native_id} {ref.file_id}")
        if identifier(ref.file_id) is None:
            raise Missing(f"不是附件编号 / not a file id: {ref.file_id!r:.80}", where=where)
        answer = self._client.download(ref.file_id)
        if ref.size is not None and len(answer.body) != ref.size:
            raise broken(answer, f"附件长度不是{ref.size} / file is not {ref.size} bytes long", where)
        return io.BytesIO(answer.body)

    def write_file(self, native_id: str, file: FileOut, content: BinaryIO, reference: str) -> Receipt:
        """Uploads the file and attaches it by a note (PROGRESS). A call that already holds a file of the same name and
        SM3 is left as it is, so this may be repeated. As `update`."""
        where = self._client.where("附件 file", f"{native_id} {file.name}")
        dept = self._settings.file_note_dept
        if dept is None:
            raise Refused(
                "未配置file_note_dept，不能写附件 / file_note_dept is not set, files cannot be written", where=where,
                remedy="在settings中填写镇街编码或中心编码 / put a town code or the centre's code into settings",
            )  # fmt: skip
        data, name = content_of(file, content, where), wire_name(file.name)
        if not 1 <= len(name) <= LONGEST_NAME:
            raise Refused(
                f"文件名须为1至{LONGEST_NAME}个字 / a file name has 1 to {LONGEST_NAME} characters",
                where=where, field="file", remedy="改名后重发 / rename it",
            )  # fmt: skip
        call = self._call_for_file(native_id, where)
        if (entry := _attached(call, name, sm3(data))) is not None:
            return Receipt(native_id, already=True, entry=entry)
        file_id = self._uploaded(name, file.media_type, data, where)
        opinion, notes = sendable(file.note or f"【附件】{name}")
        note = {
            "action": "PROGRESS", "opinion": opinion, "operator": self._settings.file_note_operator,
            "deptCode": _outsider(call, dept), "fileIds": [file_id],
        }  # fmt: skip
        for _ in range(3):
            # Same operator and millisecond as another note: the platform answers that one's seq and drops ours.
            sent = {**note, "operateTime": self._note_ms()}
            receipt = _stored(self._client.act(native_id, _json(sent, where), STATE_MOVED), native_id, notes, where)
            if int(receipt.entry) > _last_entry(call):
                return replace(receipt, file_id=file_id)
        raise Unavailable("附件备注未能存入 / the note that carries the file was not stored", where=where)

    def _call_for_file(self, native_id: str, where: str) -> Mapping[str, Any]:
        record = self.fetch(native_id)
        if record is None:
            raise Missing("平台上没有此呼叫 / no such call", where=where, remedy="核对编号 / check the number")
        return record.body

    def _uploaded(self, name: str, media_type: str, data: bytes, where: str) -> str:
        """The fileId. An upload that got lost is a file nobody sees, deleted after a day: certainly not attached."""
        content_type, body = multipart(name, media_type, data, self._random)
        try:
            opened = self._client.upload(body, content_type, name)
            reply = opened.data if isinstance(opened.data, dict) else {}
            file_id = identifier(reply.get("fileId"))
            if file_id is None or reply.get("sm3") != sm3(data):
                raise unknown("上传答复无fileId或SM3不符 / no fileId, or another SM3", where, opened.code)
        except OutcomeUnknown as error:
            remedy = "附件未挂接，将自动重试 / not attached, tried again later"
            raise Unavailable(error.what, where=where, code=error.code, remedy=remedy) from error
        return file_id

    def _note_ms(self) -> int:
        with self._note_lock:
            self._last_note_ms = max(self._client.platform_ms(), self._last_note_ms + 1)
            return self._last_note_ms

    def _start(self) -> int | None:
        return max(0, int(self._settings.start.timestamp() * 1000)) if self._settings.start else None

    def _overlap_ms(self) -> int:
        return int(self._settings.overlap_seconds * 1000)

    def _ask(self) -> Ask:
        size, where = self._settings.page_size, self._client.where("列表 list")

        def ask(after: int | None, before: int | None, page: int) -> Listed:
            return listed(self._client.list_calls(after, before, page, size), where)

        return ask


def build(
    platform: str, settings: Mapping[str, Any], connection: Connection, surroundings: Surroundings
) -> Adapter:  # fmt: skip
    """An adapter from configuration. ConfigError lists everything that is wrong, never a secret."""
    checked, wrong = examined(Settings, settings)
    if not connection.url.startswith(("http://", "https://")):
        wrong.append("connection.url: 须为http(s)://主机[:端口][/前缀] / must be http(s)://host[:port][/prefix]")
    if not ACCOUNT.fullmatch(connection.login):
        wrong.append("connection.login: 填appKey，可见ASCII字符 / the appKey, visible ASCII characters")
    if not connection.password:
        wrong.append("connection.password: 填appSecret / the appSecret is missing")
    if wrong or checked is None:
        raise misconfigured(platform, Settings, wrong)
    return Government(platform, checked, Client(platform, checked, connection, surroundings), surroundings)


def _json(body: Any, where: str) -> bytes:
    try:
        return orjson.dumps(body, option=orjson.OPT_PASSTHROUGH_DATETIME)
    except TypeError as error:
        raise Refused(f"内容无法写成JSON / cannot be written as JSON: {error}", where=where,
                      remedy="检查映射 / check the mapping") from error  # fmt: skip


def _reached(cursor: Cursor | None, where: str) -> int | None:
    if cursor is None:
        return None
    try:
        value = orjson.loads(cursor)["updated"]
    except (ValueError, KeyError, TypeError):
        value = cursor
    if value is not None and type(value) is not int:
        raise ConfigError(f"游标无法识别 / not a cursor of this adapter: {cursor!r:.80}", where=where,
                          remedy="清除游标后从头读取 / clear it and read from the beginning")  # fmt: skip
    return value


def _stored(opened: Opened, native_id: str, notes: tuple[str, ...], where: str) -> Receipt:
    """A receipt, if the answer names the call and the entry; else it proves nothing (it may answer somebody else)."""
    data = opened.data if isinstance(opened.data, dict) else {}
    seq, status = data.get("seq"), data.get("status")
    if data.get("callNo") != native_id or type(seq) is not int or not isinstance(status, str):
        raise unknown("答复不是此呼叫的操作结果 / the answer is not this call's", where, opened.code)
    return Receipt(native_id, entry=str(seq), status=status, raw=opened.answer.body, notes=notes)


def _outsider(call: Mapping[str, Any], dept: str) -> str:
    """Whose note a file comes with: by the call's lead it would be progress, and move RESPONDED to HANDLING (section 6)."""
    town = call.get("townCode")
    return town if dept == call.get("deptCode") and isinstance(town, str) and town else dept


def _attached(call: Mapping[str, Any], name: str, digest: str) -> str | None:
    """The entry that brought this very file, None if none did."""
    files = call.get("files")
    for one in files if isinstance(files, list) else ():
        if isinstance(one, dict) and one.get("name") == name and one.get("sm3") == digest:
            return str(one.get("seq", ""))
    return None


def _last_entry(call: Mapping[str, Any]) -> int:
    timeline = call.get("timeline")
    entries = timeline if isinstance(timeline, list) else []
    return max((e["seq"] for e in entries if isinstance(e, dict) and type(e.get("seq")) is int), default=0)

"""The port of a REST platform that is described by its settings alone. Abilities follow from what is configured.

Knows which answers prove what; where things stand is in the settings, meanings are the mapping's. Must not know a
platform.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, BinaryIO
from urllib.parse import unquote

import orjson

from adapters.checking import examined, misconfigured
from adapters.errors import ConfigError, Missing, OutcomeUnknown, Outdated, Refused, Unavailable, WireError
from adapters.generic import filing, late
from adapters.generic.answers import Reading, judged, listed
from adapters.generic.client import Client, Made
from adapters.generic.documents import NotNumber, at, first, has, merged, put, without
from adapters.generic.listing import found_by, more_of
from adapters.generic.parts import Idempotency, Request
from adapters.generic.probing import probe
from adapters.generic.pulling import Pulling
from adapters.generic.records import askable, embedded, marked, native_id, renamed, row, touches_mark
from adapters.generic.settings import Settings, Update
from adapters.generic.texts import check_lengths, sendable
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
from adapters.rest import broken, unknown

RACES = 3
"""How often an operation is tried that others' changes came before."""


def abilities_of(settings: Settings) -> frozenset[Ability]:
    """What a platform can do, by what is configured."""
    create, update, files = settings.create, settings.update, settings.files
    found = {
        Ability.LIST: settings.acknowledge is None,
        Ability.ACKNOWLEDGE: settings.acknowledge is not None,
        Ability.FIND: settings.find is not None,
        Ability.UPDATE: update is not None,
        Ability.EDIT: settings.edit is not None,
        Ability.IDEMPOTENT_CREATE: create is not None and (create.idempotent or create.idempotency is not None),
        Ability.IDEMPOTENT_UPDATE: update is not None and (update.idempotent or update.idempotency is not None),
        Ability.LATE_RECEIPT: create is not None and create.late is not None,
        Ability.FILES: files is not None,
    }
    return frozenset(ability for ability, has in found.items() if has)


class Rest:
    """One REST platform behind the port."""

    def __init__(self, platform: str, settings: Settings, client: Client, surroundings: Surroundings) -> None:
        self.platform = platform
        self.abilities = abilities_of(settings)
        self.processing = timedelta(seconds=settings.processing_seconds)
        self._settings, self._client, self._around = settings, client, surroundings
        self._pulling = Pulling(client, surroundings.now)

    @property
    def skew(self) -> timedelta | None:
        """As the last answer's `Date` told it."""
        return self._client.skew

    def probe(self) -> Probe:
        """Reach, credentials, clock. Changes nothing on the platform."""
        return probe(self._client, lambda: next(iter(self._pulling.pull(None)), None))

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """As configured under `list`."""
        return self._pulling.pull(since)

    def acknowledge(self, page: Page) -> None:
        """Tell the platform which rows are kept. Sending it again does no harm. ConfigError, Unavailable."""
        told = self._settings.acknowledge
        ids = [one.native_id for one in page.records if one.native_id]
        if told is None or not ids:
            return
        for one in [ids] if "ids" in str(told.request.parameters) else [[each] for each in ids]:
            listed_ids = told.join.join(one) if told.join is not None else one
            made = self._client.made(told.request, {"ids": listed_ids, "id": one[0]})
            try:
                self._client.send("确认 acknowledge", made, write=True)
            except OutcomeUnknown as error:
                raise Unavailable(error.what, where=error.where, code=error.code, remedy=error.remedy) from error
            except Refused as error:
                raise ConfigError(error.what, where=error.where, code=error.code,
                                  remedy="核对 settings.acknowledge / check settings.acknowledge") from error  # fmt: skip

    def fetch(self, native_id: str) -> WireRecord | None:
        """The whole record by `detail`."""
        found = self._detail(native_id)
        return found[0] if found else None

    def find(self, reference: str, since: datetime) -> WireRecord | None:
        """By the platform's search, or by walking the list from a little before `since` (our clock)."""
        find, path = self._settings.find, self._settings.record.reference
        if find is None:
            raise ConfigError("未配置 find / find is not configured", where=self._client.where("查找 find"))
        rows = iter(found_by(self._client, reference)) if find.by == "query" else self._pulling.rows_since(since)
        for one in rows:
            record = one.record
            told = not path or not record.partial or has(record.body, path)  # a row of a list may lack it
            if not record.native_id or (told and path and str(at(record.body, path)) != reference):
                continue
            found = self.fetch(record.native_id) if record.partial else record
            if told or (found is not None and str(at(found.body, path)) == reference):
                return found
        return None

    def create(self, body: WireBody, reference: str) -> Receipt:
        """One new record, sent once."""
        create, where = self._settings.create, self._client.where("新建 create", reference)
        if create is None:
            raise ConfigError("未配置 create，不能新建 / create is not configured", where=where,
                              remedy="在 settings 中填写 create / fill in settings.create")  # fmt: skip
        sent, notes = sendable(body)
        path = self._settings.record.reference
        if path and at(sent, path) != reference:
            raise ConfigError(f"{path} 不是本次的引用号 / {path} is not the reference", where=where,
                              remedy="映射的 record.reference 须与设置相同 / the mapping's record.reference must be the same")  # fmt: skip
        sent = embedded(sent, reference, self._settings.record)
        check_lengths(sent, self._settings.limits, where)
        sent = renamed(sent, create.rename)
        made = self._made(create.request, {"reference": reference}, sent, create.wrap, where)
        made = _keyed(made, create.idempotency, reference, reference)
        accept = frozenset({"duplicate"})
        try:
            reading = self._client.send("新建 create", made, record=reference, write=True, accept=accept)
        except (Missing, Outdated) as error:  # of a record that is not there yet: something in it, or the address
            raise Refused(error.what, where=where, code=error.code, field=error.field,
                          remedy="核对所指字段与 settings.create 的地址 / check the field named and the address") from error  # fmt: skip
        replayed = create.idempotency is not None and create.idempotency.replayed is not None and (
            create.idempotency.replayed.lower() in reading.answer.headers
        )
        if (identity := self._new_id(reading)) is not None:
            status = at(reading.document, create.status) if create.status else ""
            return Receipt(identity, already=replayed or reading.verdict == "duplicate", raw=reading.answer.body,
                           status=status if isinstance(status, str) else "", notes=notes)  # fmt: skip
        if reading.verdict == "duplicate":
            return self._existing(reading, reference, where)
        if create.silent and (made_now := self._looked_up(reference, where)) is not None:
            return replace(made_now, already=replayed, raw=reading.answer.body, notes=notes)
        if create.late is not None:
            token = first(reading.document, create.late.token)
            with suppress(ConfigError):  # it was sent: without its token it is searched for, never sent again
                late.keep(self._around.state, reference, str(token or ""))
            return Receipt("", late=True, raw=reading.answer.body, notes=notes)
        raise unknown("答复中没有新编号 / no new id in the answer", where, reading.code)

    def settle(self, reference: str) -> Receipt | None:
        """The id of a record for which a token was given; without a token it is looked for by our reference."""
        create = self._settings.create
        if create is None or create.late is None:
            return None
        token = late.kept(self._around.state, reference)
        if not token:
            return self._searched(reference)
        made = self._client.made(create.late.request, {"token": token})
        reading = self._client.send("凭证 token", made, record=reference, accept=frozenset({"missing"}))
        found = native_id(first(reading.document, create.late.id)) if reading.verdict == "success" else None
        return Receipt(found, raw=reading.answer.body) if found else None

    def update(self, native_id: str, body: WireBody, reference: str) -> Receipt:
        """One operation on a record, sent once; one that another change came before is sent anew."""
        return self._changed("操作 update", "update", self._settings.update, native_id, body, reference)

    def edit(self, native_id: str, body: WireBody, reference: str) -> Receipt:
        """A change of fields, as `update`. A text that holds our reference keeps it."""
        if self._settings.edit is not None and touches_mark(body, self._settings.record):
            shown, _ = self._present(native_id, self._client.where("更改 edit", native_id))
            body = marked(body, shown, self._settings.record)
        return self._changed("更改 edit", "edit", self._settings.edit, native_id, body, reference)

    def _changed(
        self, operation: str, key: str, part: Update | None, native_id: str, body: WireBody, reference: str
    ) -> Receipt:
        where = self._client.where(operation, f"{native_id} {reference}".rstrip())
        if part is None:
            raise ConfigError(f"未配置 {key} / {key} is not configured", where=where)
        if not askable(native_id):
            raise Missing(f"不是记录编号 / not an id: {native_id!r:.80}", where=where, remedy="核对编号 / check it")
        sent, notes = sendable(body)
        check_lengths(sent, self._settings.limits, where)
        request, own, known = self._operation(part, key, native_id, sent, reference, where)
        made = self._made(request, known, own, part.wrap, where)
        scope = f"{reference}\n{made.target}\n{hashlib.sha256(made.body).hexdigest()}"  # ours alone: the same again and again
        for turn in range(1, RACES + 1):
            etag = ""
            if part.whole or part.if_match:
                shown, etag = self._present(native_id, where)
                if part.whole:
                    made = self._made(request, known, merged(without(shown, part.leave), own), part.wrap, where)
            made = _keyed(made, part.idempotency, reference, scope)
            if part.if_match:
                made = _tagged(made, etag, where, key)
            reading = self._client.send(operation, made, record=f"{native_id} {reference}", write=True,
                                        accept=frozenset({"outdated", "duplicate"}))  # fmt: skip
            if not (reading.verdict == "outdated" and reading.answer.status == 412 and turn < RACES):
                break
        judged(reading, self._settings.envelope, write=True, where=where, accept=frozenset({"duplicate"}))
        entry = at(reading.document, part.entry) if part.entry else ""
        if part.entry and entry in (None, ""):
            raise unknown("答复不能说明操作已存入 / the answer does not show that it was stored", where, reading.code)
        status = at(reading.document, part.status) if part.status else ""
        replayed = part.idempotency is not None and (part.idempotency.replayed or "").lower() in reading.answer.headers
        return Receipt(native_id, already=replayed or reading.verdict == "duplicate", entry=str(entry or ""),
                       status=status if isinstance(status, str) else "", raw=reading.answer.body, notes=notes)  # fmt: skip

    def read_file(self, ref: FileRef) -> BinaryIO:
        """A file's bytes. Missing, ConfigError, Unavailable, BrokenReply."""
        if self._settings.files is None:
            raise ConfigError("未配置 files / files is not configured", where=self._client.where("下载 download"))
        return filing.read_file(self._client, self._settings.files, ref)

    def write_file(self, native_id: str, file: FileOut, content: BinaryIO, reference: str) -> Receipt:
        """A file to a record. As `update`; Refused where no upload is configured."""
        files, where = self._settings.files, self._client.where("附件 file", f"{native_id} {reference}".rstrip())
        if files is None or files.upload is None:
            raise Refused("该平台不接收附件 / this platform takes no files", where=where, field="files",
                          remedy="能接收时在 settings 中填写 files.upload / fill in files.upload if it does")  # fmt: skip
        if not askable(native_id):
            raise Missing("不是记录编号 / not an id", where=where, remedy="核对编号 / check it")
        receipt = filing.write_file(self._client, files.upload, native_id, file, content, self._around.random_bytes)
        into = files.upload.into
        if not into:
            return receipt
        if not receipt.file_id:  # it lies about somewhere, and belongs to nothing: sending it again does no harm
            raise Unavailable("上传的答复中没有附件编号 / the answer to the upload names no file", where=where,
                              remedy="核对 files.upload.file_id / check files.upload.file_id")  # fmt: skip
        added = filing.added(at(self._present(native_id, where)[0], into), receipt.file_id, files.upload, where)
        body: dict[str, Any] = {}
        put(body, into, added)
        try:
            return replace(self.update(native_id, body, reference), file_id=receipt.file_id)
        except OutcomeUnknown:  # under its own name, which the platform made, it would not be known again later
            try:
                now = at(self._present(native_id, where)[0], into)
            except WireError:
                now = None
            if now != added:
                raise
            return receipt

    def _operation(
        self, update: Update, key: str, native_id: str, body: dict[str, Any], reference: str, where: str
    ) -> tuple[Request, dict[str, Any], dict[str, Any]]:
        """The request of one operation, its body, and its placeholders. Refused for one that has none."""
        code = at(body, update.operation) if update.operation else None
        own, request = update.operations.get(str(code)), update.request
        if update.operation:
            body = without(body, (update.operation,))
        if own is not None:
            request = own.request
        body = renamed(body, {**update.rename, **(own.rename if own else {})})
        if request is None or (code is None and "{operation}" in request.path):
            raise Refused(f"没有操作 {code} 的请求 / no request for this operation", where=where, field=update.operation,
                          remedy=f"写入 settings.{key}.operations / add it there")  # fmt: skip
        return request, body, {"id": native_id, "reference": reference, "operation": code}

    def _present(self, native_id: str, where: str) -> tuple[Mapping[str, Any], str]:
        """A record as the platform shows it now, nothing taken out of it, and its ETag."""
        found = self._detail(native_id)
        if found is None:
            raise Missing("平台上没有此记录 / no such record", where=where, remedy="核对编号 / check the id")
        return found[2], found[1]

    def _made(self, request: Request, values: Mapping[str, Any], body: Any, wrap: str, where: str) -> Made:
        try:
            return self._client.made(request, values, body, wrap)
        except NotNumber as error:
            raise Refused(f"{error} 应为数字 / must be a number", where=where, field=str(error),
                          remedy="在映射中改它的代码 / change its codes in the mapping") from error  # fmt: skip
        except (TypeError, orjson.JSONEncodeError) as error:
            raise Refused(f"内容无法写出 / cannot be written: {type(error).__name__}", where=where,
                          remedy="检查映射 / check the mapping") from error  # fmt: skip

    def _detail(self, identity: str) -> tuple[WireRecord, str, Mapping[str, Any]] | None:
        """The record, its ETag, and it as it came. BrokenReply for an answer that is another record."""
        detail, where = self._settings.detail, self._client.where("详情 detail", identity)
        if detail is None:
            raise ConfigError("未配置 detail / detail is not configured", where=where)
        if not askable(identity):
            return None
        made = self._client.made(detail.request, {"id": identity})
        try:
            reading = self._client.send("详情 detail", made, record=identity, accept=frozenset({"missing"}))
        except Refused as refused:
            raise ConfigError(refused.what, where=where, code=refused.code, remedy=refused.remedy) from refused
        if reading.verdict == "missing":
            return None
        found = listed(reading, detail.item, self._settings.record.id, self._settings.envelope.data)
        if found is None and detail.optional and isinstance(reading.document, Mapping):
            return None
        if found is None:
            seen = self._client.shown(reading, detail.item, self._settings.envelope.data)
            raise broken(reading.answer, f"答复中没有记录 / no record in the answer at {seen}", where, reading.code)
        if not found[1]:
            return None
        record = row(found[1][0], reading.answer.body, reading.answer.sent_at, self._settings.record).record
        if record.native_id != identity:
            raise broken(reading.answer, "答复不是所问的记录 / the answer is not the record asked for", where, reading.code)
        if detail.more:
            content, raw = deepcopy(found[1][0]), reading.answer.body
            for one in detail.more:
                told, rows = more_of(self._client, one, identity)
                put(content, one.into, rows)
                raw += b"\n" + told
            record = row(content, raw, reading.answer.sent_at, self._settings.record).record
        return record, reading.answer.headers.get("etag", ""), found[1][0]

    def _new_id(self, reading: Reading) -> str | None:
        create = self._settings.create
        assert create
        told = reading.answer.headers.get(create.id_header.lower()) if create.id_header else None
        value = native_id(unquote(told) if told is not None else first(reading.document, create.id))
        found = re.search(create.id_pattern, value) if value else None
        return native_id(found[1]) if found else None

    def _existing(self, reading: Reading, reference: str, where: str) -> Receipt:
        """A record that the platform refuses as there already, without naming it."""
        found = self._searched(reference)
        if found is not None:
            return found
        raise Refused(f"平台称已有此记录但未给编号 / there already, but not named ({reading.code} {reading.message[:200]})".rstrip(),
                      where=where, code=reading.code, remedy="请向平台查询编号 / ask the platform for its number")  # fmt: skip

    def _looked_up(self, reference: str, where: str) -> Receipt | None:
        """What was just made. OutcomeUnknown where the search fails: it must not look as if nothing had been made."""
        try:
            return self._searched(reference)
        except WireError as error:
            raise unknown(f"已发送，按编号查回失败 / sent, but the search for it failed: {error.what}", where, error.code) from error

    def _searched(self, reference: str) -> Receipt | None:
        find = self._settings.find
        if find is None:
            return None
        days = find.days if find.by == "walk" else 0.0
        record = self.find(reference, self._around.now() - timedelta(days=days))
        return Receipt(record.native_id, already=True) if record is not None and record.native_id else None


def _keyed(made: Made, idempotency: Idempotency | None, reference: str, scope: str) -> Made:
    if idempotency is None:
        return made
    digest = hashlib.sha256(scope.encode()).hexdigest()[:32]
    key = idempotency.key.replace("{reference}", reference).replace("{digest}", digest)
    return replace(made, headers={**made.headers, idempotency.header: key})


def _tagged(made: Made, etag: str, where: str, key: str) -> Made:
    if not etag:
        raise ConfigError("详情答复没有 ETag / the detail answer has no ETag", where=where,
                          remedy=f"关闭 {key}.if_match / switch {key}.if_match off")  # fmt: skip
    return replace(made, headers={**made.headers, "If-Match": etag})


def build(
    platform: str, settings: Mapping[str, Any], connection: Connection, surroundings: Surroundings
) -> Adapter:  # fmt: skip
    """An adapter from configuration. ConfigError lists everything that is wrong, never a secret."""
    checked, wrong = examined(Settings, settings)
    if not connection.url.startswith(("http://", "https://")):
        wrong.append("connection.url: 须为http(s)://主机[:端口][/前缀] / must be http(s)://host[:port][/prefix]")
    kind = checked.auth.kind if checked else "none"
    if kind != "none" and not connection.password:
        wrong.append("connection.password: 未填 / is missing")
    if kind in ("basic", "oauth2") and not connection.login:
        wrong.append("connection.login: 未填 / is missing")
    if wrong or checked is None:
        raise misconfigured(platform, Settings, wrong)
    return Rest(platform, checked, Client(platform, checked, connection, surroundings), surroundings)

"""A file from the platform where people attached it to another one: read into the store, written once, linked.

What cannot be carried (gone, too large, a kind that the platform refuses) stops nothing: the call's history says it,
and the platform's officials read it as a remark. This module must not know a platform.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, BinaryIO

from sqlalchemy import Row, select, update

from adapters.errors import Refused, WireError
from adapters.port import Ability, FileOut, FileRef, Files, Receipt
from bridge.attachments.naming import distinct, ending, media_type, nameless, safe_name, split, unversioned
from bridge.attachments.sightings import copy_of, linked, names_given, twins
from bridge.attachments.store import LARGEST, Store, TooLarge
from bridge.inbound import keep
from bridge.ledger import queue
from bridge.ledger.history import append
from bridge.ledger.ledger import micros
from bridge.ledger.tables import calls, echoes, file_copies, files, links, outbox, records
from bridge.mapping.canonical import secrets_of
from bridge.mapping.converters import conceal
from bridge.mapping.language import FileEntry
from bridge.sending import Run, awaited, found_absent, intend, put_off, send, settled

READS = 30
"""How often a file is asked for where it stands (two seconds to ten minutes apart) before it counts as not to be had."""
_LONGEST_PAUSE = 600
SAME = "对方已有同一文件 / the same file is there already"


class NotCarried(Exception):
    """Why a file does not travel, in words for officials."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """One outbox row and what it is about. link: the call on the platform that is written to."""

    row: Row[Any]
    file: Row[Any]
    link: Row[Any]
    fields: dict[str, Any]

    @property
    def reference(self) -> str:
        return f"{self.link.reference or self.link.native_id}#{self.row.id}.0"


def carry(run: Run, row: Row[Any]) -> str | None:
    """One file, one step further. The words that end its row ("" for a plain success); None while it stays open.
    NotCarried or Refused: it never will. Unavailable, ConfigError: of the platform written to."""
    with run.bridge.ledger.begin() as tx:
        file = tx.execute(select(files).where(files.c.id == row.body["file"])).one()
        link = tx.execute(select(links).where(links.c.call == row.call, links.c.platform == run.platform.slug)).first()
        fields = tx.execute(select(calls.c.fields).where(calls.c.id == row.call)).scalar_one()
        pending = queue.unresolved(tx, row.id, 0)
        copy = copy_of(tx, file.id, run.platform.slug)
    if link is None:
        return "该平台没有此呼叫 / the call was never created here"
    waiting = _Waiting(row, file, link, fields)
    if copy is not None:
        if pending is not None:
            with run.bridge.ledger.begin() as tx:
                queue.outcome(tx, pending.id, "found", "", run.now())
        return "已在该平台 / already there"
    if not isinstance(run.adapter, Files) or Ability.FILES not in run.adapter.abilities:
        raise NotCarried("该平台不接收附件 / this platform takes no files")
    if pending is not None:
        return _found_out(run, waiting, pending)
    content = _obtained(run, row, file)
    if content is None:
        return None
    with content:
        waiting = _as_it_stands(run, waiting)
        same = _same_over_there(run, waiting)
        return same if same is not None else _written(run, waiting, content)


def _found_out(run: Run, waiting: _Waiting, pending: Row[Any]) -> str | None:
    """What became of a file whose answer got lost, or comes late."""
    receipt = settled(run, waiting.row, pending, waiting.reference)
    if receipt is not None:
        return _arrived(run, waiting, receipt, pending.id)
    if awaited(run, waiting.row, pending):
        return None
    if run.now() < pending.deadline:
        put_off(run, waiting.row, pending.deadline)
        return None
    _read_again(run, waiting)
    with run.bridge.ledger.begin() as tx:
        if copy_of(tx, waiting.file.id, run.platform.slug) is not None:
            queue.outcome(tx, pending.id, "found", "", run.now())
            return ""
    found_absent(run, waiting.row, pending)
    return None


def _read_again(run: Run, waiting: _Waiting) -> None:
    record = run.adapter.fetch(waiting.link.native_id)
    if record is not None:
        with run.bridge.ledger.begin() as tx:
            keep(tx, run.bridge, run.platform, record, run.now())


def _as_it_stands(run: Run, waiting: _Waiting) -> _Waiting:
    """With the link as the platform shows it now: what people attached there before ours is known as theirs, and ours
    gets a name of its own. Files of one name would else be taken for each other, one lost and one doubled."""
    _read_again(run, waiting)
    with run.bridge.ledger.begin() as tx:
        return replace(waiting, link=tx.execute(select(links).where(links.c.id == waiting.link.id)).one())


# ---- reading it where it stands ----------------------------------------------------------------------------------


def _obtained(run: Run, row: Row[Any], file: Row[Any]) -> BinaryIO | None:
    """The bytes, from the store or from the platform that has them; None if that one must be asked later."""
    store = Store(run.bridge.files)
    if file.sha256 and (content := store.open(file.sha256)) is not None:
        return content
    try:
        told = _read(run, file)
        kept = store.keep(told)
    except TooLarge:
        raise NotCarried(f"大于 {LARGEST >> 20} MB / larger than that") from None
    except Refused as error:
        raise NotCarried(error.what) from error
    except OSError as error:
        raise NotCarried(f"附件库无法写入 / the attachment store cannot be written ({type(error).__name__})") from error
    except WireError as error:
        if row.tries >= READS:
            raise NotCarried(f"多次未能读取 / could not be read: {error.what}") from error
        put_off(run, row, micros(run.bridge.now() + timedelta(seconds=min(_LONGEST_PAUSE, 2 ** (row.tries + 1)))))
        return None
    if not kept.size:
        raise NotCarried("附件为空 / the file is empty")
    declared = file.media_type or str(getattr(told, "media_type", ""))[:128]
    with run.bridge.ledger.begin() as tx:
        found = {"sha256": kept.sha256, "size": kept.size, "media_type": media_type(declared, kept.head)}
        if nameless(file.name, file.file_id) and (name := getattr(told, "name", "")):
            found["name"] = str(name)
        tx.execute(update(files).where(files.c.id == file.id).values(**found))
        if file.media_type and found["media_type"] != file.media_type:
            words = f"附件类型与内容不符：声明 {file.media_type[:60]}，按 {found['media_type']} 处理 / not what it claims to be"
            append(tx, row.call, file.platform, "note", {"field": "files", "words": words}, run.now())
    return store.open(kept.sha256)


def _read(run: Run, file: Row[Any]) -> BinaryIO:
    source = run.bridge.platforms.get(file.platform)
    if source is None:
        raise NotCarried("来源平台已不在配置中 / its platform is no longer configured")
    adapter = source.adapter()
    if not isinstance(adapter, Files) or Ability.FILES not in adapter.abilities:
        raise NotCarried("来源平台不提供附件内容 / its platform gives no content")
    with run.bridge.ledger.begin() as tx:
        native_id = tx.execute(select(links.c.native_id).where(
            links.c.call == file.call, links.c.platform == file.platform)).scalar_one()  # fmt: skip
    return adapter.read_file(FileRef(native_id, unversioned(file.file_id), file.name, file.size))


def _same_over_there(run: Run, waiting: _Waiting) -> str | None:
    """The words that end the row if the same bytes were attached over there already, under the same name; both are one
    file then, and it travels no further under its second identity."""
    slug = run.platform.slug
    with run.bridge.ledger.begin() as tx:
        file = tx.execute(select(files).where(files.c.id == waiting.file.id)).one()
        found = twins(tx, file, slug)
    for twin in found:
        try:
            content = _obtained(run, waiting.row, twin)
        except NotCarried:
            continue  # what cannot be read there says nothing of this file
        if content is None:
            continue
        content.close()
        with run.bridge.ledger.begin() as tx:
            if tx.execute(select(files.c.sha256).where(files.c.id == twin.id)).scalar_one() == file.sha256:
                linked(tx, file.id, slug, twin.file_id, twin.name)
                waits = (outbox.c.call == file.call, outbox.c.kind == queue.FILE, outbox.c.state == "waiting")
                for row in tx.execute(select(outbox).where(*waits)).all():
                    if row.body["file"] == twin.id:
                        queue.finish(tx, row.id, "skipped", SAME, run.now())
                return SAME
    return None


# ---- writing it --------------------------------------------------------------------------------------------------


def _written(run: Run, waiting: _Waiting, content: BinaryIO) -> str | None:
    with run.bridge.ledger.begin() as tx:
        if not queue.held(tx, waiting.row):
            return None
        file = tx.execute(select(files).where(files.c.id == waiting.file.id)).one()
        operation = run.platform.translator.mapping.operation
        entry = operation.file if operation and operation.file else FileEntry()
        given = names_given(tx, waiting.row.call, run.platform.slug)
        name = (waiting.row.plan or {}).get("name") or _name(waiting, file, entry, given)
        tx.execute(update(outbox).where(outbox.c.id == waiting.row.id).values(plan={"name": name}))
    words, step = entry.words.format(name=name), None
    if words:
        code = waiting.link.status if entry.code == "same" else entry.code
        step = {"code": code, "opinion": words, "operator": ""}
    attempt = intend(run, waiting.row, 0, waiting.link.id, step)
    if attempt is None:
        return None
    assert isinstance(run.adapter, Files)
    out = FileOut(name, file.media_type, file.size, words)
    do = partial(run.adapter.write_file, waiting.link.native_id, out, content, waiting.reference)
    receipt = send(run, waiting.row, attempt, do)
    return None if receipt is None else _arrived(run, waiting, receipt, attempt)


def _name(waiting: _Waiting, file: Row[Any], entry: FileEntry, given: set[str]) -> str:
    """A name that no file of the call has on that platform yet, without what must not leave. Where it lacks an extension
    that its content tells, it gets one: some platforms know a kind by that alone."""
    taken = given | {str(one.get("name")) for one in waiting.link.snapshot.get("files") or []}
    made = conceal(safe_name(file.name, file.media_type, file.id), secrets_of(waiting.fields))
    if not split(made)[1]:
        made += ending(file.media_type or "")
    if entry.charset:
        made = "".join(c if c.encode(entry.charset, "ignore") else "_" for c in made)
    return distinct(made, taken)


def _arrived(run: Run, waiting: _Waiting, receipt: Receipt, attempt: int) -> str:
    """Linked. If the platform tells an id and polling took another file for ours, that one is a person's after all."""
    with run.bridge.ledger.begin() as tx:
        now, slug = run.now(), run.platform.slug
        queue.outcome(tx, attempt, "found" if receipt.already else "done", "；".join(receipt.notes), now)
        row = tx.execute(select(outbox).where(outbox.c.id == waiting.row.id)).one()
        linked(tx, waiting.file.id, slug, receipt.file_id, (row.plan or {}).get("name") or waiting.file.name)
        copy = copy_of(tx, waiting.file.id, slug)
        mistaken = bool(copy and receipt.file_id and unversioned(copy.file_id) != receipt.file_id)
        if copy and mistaken:
            tx.execute(update(file_copies).where(file_copies.c.id == copy.id).values(file_id=receipt.file_id))
            same = (records.c.platform == slug, records.c.native_id == waiting.link.native_id)
            tx.execute(update(records).where(*same).values(digest="", version=""))
        tx.execute(
            update(echoes).where(echoes.c.outbox == row.id, echoes.c.state == "waiting")
            .values(acknowledged_at=now, entry=receipt.entry)
        )  # fmt: skip
    if mistaken:
        _read_again(run, waiting)
    return "；".join(receipt.notes)

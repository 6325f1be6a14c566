"""Files that a platform shows of a call: which are our own copies coming back, which are new and must travel.

A copy is known by its link (the id that the platform gave it), never by its bytes or its name alone: platforms
re-compress photos and rename them. Until the id is known, a file that stands in the outbox is matched once, by the
name that we send and its size. Runs inside the page's transaction. This module must not know a platform.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from bridge.attachments.naming import plain, unversioned
from bridge.bridged import Bridged
from bridge.ledger import queue
from bridge.ledger.history import append
from bridge.ledger.ledger import new_id
from bridge.ledger.tables import attempts, calls, file_copies, files, outbox
from bridge.mapping.notes import Fields


def noticed(tx: Connection, platform: Bridged, call: int, shown: Iterable[Fields], now: int) -> list[int]:
    """The files of this reading that people added: kept as the call's, by id. shown: `files` as understood."""
    known = _known(tx, call, platform.slug)
    unknown = [one for one in shown if not {str(one["native_id"]), unversioned(str(one["native_id"]))} & known]
    new = [one for one in unknown if not _our_copy(tx, platform, call, one, unknown, now)]
    return [_kept(tx, platform.slug, call, one, now) for one in new]


def files_of(tx: Connection, call: int) -> list[Row[Any]]:
    """All files of a call, in the order they were seen."""
    return list(tx.execute(select(files).where(files.c.call == call).order_by(files.c.id)))


def linked(tx: Connection, file: int, platform: str, file_id: str, name: str) -> None:
    """This file stands on that platform, under this id ("" while it is not known)."""
    present = tx.execute(_copy(file, platform)).first()
    if present is None:
        tx.execute(insert(file_copies).values(file=file, platform=platform, file_id=file_id, name=name))
    elif file_id and not present.file_id:
        tx.execute(update(file_copies).where(file_copies.c.id == present.id).values(file_id=file_id))


def copy_of(tx: Connection, file: int, platform: str) -> Row[Any] | None:
    return tx.execute(_copy(file, platform)).first()


def twins(tx: Connection, file: Row[Any], platform: str) -> list[Row[Any]]:
    """Files that were attached to the same call over there under the same name and size, and stand on neither side as a
    copy: perhaps the very same file, which a person carried by hand or a restored ledger has forgotten."""
    found = tx.execute(select(files).where(
        files.c.call == file.call, files.c.platform == platform, files.c.size == file.size).order_by(files.c.id)).all()  # fmt: skip
    taken = set(tx.execute(select(file_copies.c.file_id).where(file_copies.c.platform == platform)).scalars())
    return [one for one in found if one.file_id not in taken and plain(one.name) == plain(file.name)
            and copy_of(tx, one.id, file.platform) is None]  # fmt: skip


def names_given(tx: Connection, call: int, platform: str) -> set[str]:
    """The names under which our copies of a call's files went, or are going, to a platform."""
    copies = (select(file_copies.c.name).join(files, files.c.id == file_copies.c.file)
              .where(files.c.call == call, file_copies.c.platform == platform))  # fmt: skip
    plans = select(outbox.c.plan).where(outbox.c.call == call, outbox.c.platform == platform, outbox.c.kind == queue.FILE,
                                        outbox.c.state == "waiting")  # fmt: skip
    return {*tx.execute(copies).scalars(), *(plan["name"] for plan in tx.execute(plans).scalars() if plan)}


def _copy(file: int, platform: str) -> Any:
    return select(file_copies).where(file_copies.c.file == file, file_copies.c.platform == platform)


def _known(tx: Connection, call: int, platform: str) -> set[str]:
    own = select(files.c.file_id).where(files.c.call == call, files.c.platform == platform)
    ours = (select(file_copies.c.file_id).join(files, files.c.id == file_copies.c.file)
            .where(files.c.call == call, file_copies.c.platform == platform))  # fmt: skip
    return {*tx.execute(own).scalars(), *tx.execute(ours).scalars()}


@dataclass(frozen=True, slots=True)
class _Expected:
    """A file of ours that was sent, or may have been, and whose id on the platform is not known yet."""

    file: int
    name: str
    size: int | None
    row: int | None


def _our_copy(tx: Connection, platform: Bridged, call: int, one: Fields, unknown: list[Fields], now: int) -> bool:
    """Is this one of our writes, shown for the first time?"""
    operation = platform.translator.mapping.operation
    renames = bool(operation and operation.file and operation.file.renamed)
    ranked = [
        (rank, number, expected) for number, expected in enumerate(_expected(tx, platform.slug, call))
        if (rank := _likeness(expected, one, unknown, renames=renames)) is not None
        and not any((other := _likeness(expected, another, unknown, renames=renames)) is not None and other < rank
                    for another in unknown)
    ]  # fmt: skip
    if not ranked:
        return False
    _, _, best = min(ranked, key=lambda found: found[:2])
    linked(tx, best.file, platform.slug, str(one["native_id"]), best.name)
    if best.row is not None:  # a row that waits to find out what became of this write need not wait any longer
        tx.execute(update(outbox).where(outbox.c.id == best.row).values(available_at=now))
    return True


def _expected(tx: Connection, platform: str, call: int) -> list[_Expected]:
    """Copies written whose id nobody told, then files that went out with an outcome that is not known; each in order."""
    nameless = tx.execute(
        select(file_copies.c.file, file_copies.c.name, files.c.size).join(files, files.c.id == file_copies.c.file)
        .where(files.c.call == call, file_copies.c.platform == platform, file_copies.c.file_id == "")
        .order_by(file_copies.c.id)
    )  # fmt: skip
    found = [_Expected(copy.file, copy.name, copy.size, None) for copy in nameless]
    waiting = tx.execute(
        select(outbox).where(outbox.c.call == call, outbox.c.platform == platform, outbox.c.kind == queue.FILE,
                             outbox.c.state == "waiting").order_by(outbox.c.id)
    )  # fmt: skip
    for row in waiting.all():
        file = tx.execute(select(files).where(files.c.id == row.body["file"])).one()
        sent = tx.execute(select(attempts.c.id).where(attempts.c.outbox == row.id)).first() is not None
        if sent and copy_of(tx, file.id, platform) is None:
            found.append(_Expected(file.id, row.plan["name"], file.size, row.id))
    return found


def _likeness(expected: _Expected, one: Fields, unknown: list[Fields], *, renames: bool) -> int | None:
    """0 for the very same name and size; None if it is another file. Of a platform that renames, a file under any name
    may be the one that was sent, unless one under our name is there."""
    name, size = str(one.get("name") or ""), one.get("size")
    same_size = expected.size == size or None in (expected.size, size)
    if expected.name == name and same_size:
        return 0
    if plain(expected.name) == plain(name) and same_size:
        return 1
    if expected.name == name:
        return 2
    under_our_name = any(plain(str(other.get("name"))) == plain(expected.name) for other in unknown)
    return 3 if renames and not under_our_name else None


def _kept(tx: Connection, platform: str, call: int, one: Fields, now: int) -> int:
    name = str(one.get("name") or "")
    made = new_id(tx.execute(insert(files).values(
        call=call, platform=platform, file_id=str(one["native_id"]), name=name,
        media_type=str(one.get("media_type") or "")[:128], size=one.get("size"), sha256="", seen_at=now)))  # fmt: skip
    append(tx, call, platform, "file", {"native_id": str(one["native_id"]), "name": name, "size": one.get("size")}, now)
    row = tx.execute(select(calls.c.fields, calls.c.origin_platform).where(calls.c.id == call)).one()
    listed = row.fields.get("files") or []
    if (platform, one["native_id"]) not in {(o.get("platform", row.origin_platform), o["native_id"]) for o in listed}:
        fields = {**row.fields, "files": [*listed, {**one, "platform": platform}]}
        tx.execute(update(calls).where(calls.c.id == call).values(fields=fields))
    return made

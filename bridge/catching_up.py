"""What changed between a creation's handing over and the moment when its copy is known: the copy shows what was handed over.

Runs inside the transaction that links the copy. This module must not know a platform.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select, update

from bridge.bridged import Bridged
from bridge.fields import told
from bridge.ledger import queue
from bridge.ledger.tables import links, outbox
from bridge.mapping.canonical import PERSONS, same, secrets_of
from bridge.mapping.editing import rule_for
from bridge.mapping.notes import Fields, Unreadable
from bridge.mapping.translator import Creation
from bridge.secrecy import ASKED, withdrawn


def catch_up(tx: Connection, platform: Bridged, call: Row[Any], link: int, creation: Creation, now: int) -> None:
    """The new copy is told what has changed since, as any other is. The older values that it shows at first are not a
    change that somebody made there. creation: what the snapshot of the link was taken from."""
    plan = tx.execute(select(outbox.c.plan).where(
        outbox.c.call == call.id, outbox.c.platform == platform.slug, outbox.c.kind == "create")
        .order_by(outbox.c.id.desc()).limit(1)).scalar()  # fmt: skip
    sent: Fields | None = (plan or {}).get("sent")
    if sent is None or sent == call.fields:
        return
    try:
        as_sent = platform.translator.creation(sent, "", secrets_of(sent)).reads_as
    except Unreadable:
        as_sent = {}
    older = {*as_sent, *creation.reads_as}
    rebase = sorted(name for name in older if not same(as_sent.get(name), creation.reads_as.get(name)))
    tx.execute(update(links).where(links.c.id == link).values(rebase=rebase))
    changes = {name: call.fields.get(name) for name in sorted({*sent, *call.fields})
               if not same(sent.get(name), call.fields.get(name))}  # fmt: skip
    if withdrawn(sent, call.fields):
        queue.enqueue(tx, call.id, platform.slug, "remark", {"text": ASKED}, now)
    if not platform.only_created:
        tell_changes(tx, platform.slug, platform, call.id, changes, now)


def tell_changes(tx: Connection, slug: str, platform: Bridged | None, call: int, changes: Fields, now: int) -> None:
    """An outbox row for changed fields, if there is anything that a platform (None: not configured now) can be told of them.
    Persons are never told in words: only where they can be changed."""
    persons = [person for person in PERSONS if person in changes]
    if (words := told(changes)) or any(platform and rule_for(platform.translator.mapping, person) for person in persons):
        queue.enqueue(tx, call, slug, "edit", {"fields": words, "changed": sorted(changes)}, now)

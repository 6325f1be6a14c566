"""A person asks for secrecy after the call has travelled (promise G9).

From that commit on nothing personal leaves, rows that wait included; where the call is already, its officials are asked
to hide what they have. This module must not know a platform.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from bridge.ledger import queue
from bridge.ledger.tables import links
from bridge.mapping.canonical import PERSONS, is_secret, words_of
from bridge.mapping.notes import Fields
from bridge.mapping.privacy import is_secret_word

ASKED = "（保密）当事人要求保密，请隐去其姓名、联系方式，不再对外提供"


def kept_secret(tx: Connection, call: Row[Any], fields: Fields, source: str, now: int) -> Fields:
    """The call's changed fields, with the words that must not leave any more where a person has just asked for it. Names
    and numbers that are replaced are remembered: texts may hold them still when the person asks for it later."""
    if former := _replaced(call.fields, fields):
        fields = {**fields, "former": former}
    before = withdrawn(call.fields, fields)
    if not before:
        return fields
    for target in tx.execute(select(links.c.platform).where(links.c.call == call.id, links.c.platform != source)).scalars():
        queue.enqueue(tx, call.id, target, "remark", {"text": ASKED}, now)
    return {**fields, "secrets": list(dict.fromkeys([*(call.fields.get("secrets") or ()), *before]))}


def withdrawn(before: Fields, after: Fields) -> list[str]:
    """The words that might leave before, and may not after: those of people who have asked for secrecy in between."""
    asked = [role for role in PERSONS if is_secret(after.get(role)) and not is_secret(before.get(role))]
    former = after.get("former") or {}
    words = [word for role in asked for word in (*words_of(before.get(role)), *former.get(role, ()))]
    return list(dict.fromkeys(word for word in words if not is_secret_word(word)))


def without_knowing(fields: Fields, snapshot: Fields, changes: Fields) -> list[str]:
    """The persons whom a platform's people changed that did not know yet of their asking for secrecy: that takes nothing of
    it back."""
    return [role for role in PERSONS if role in changes and is_secret(fields.get(role))
            and not is_secret(changes[role]) and not is_secret(snapshot.get(role))]  # fmt: skip


def _replaced(before: Fields, after: Fields) -> dict[str, list[str]]:
    """Role -> the names and numbers that stood there once and might leave."""
    former = dict(before.get("former") or {})
    for role in PERSONS:
        gone = [] if is_secret(before.get(role)) else words_of(before.get(role))
        present = words_of(after.get(role))
        if words := [word for word in (*former.get(role, ()), *gone) if word not in present and not is_secret_word(word)]:
            former[role] = list(dict.fromkeys(words))
    return former

"""From a row of an answer to a wire record: its id, our reference, its time, what could not be read.

Pure; knows where things stand from the settings alone. This module must not know a platform.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from adapters.generic.documents import at, has, put, tidied, without
from adapters.generic.moments import understood
from adapters.generic.parts import Time
from adapters.generic.settings import Embedded, Record
from adapters.port import WireRecord

LONGEST_ID = 200
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a list. stamp: the time by which the list is read on, None if it has none that can be read."""

    record: WireRecord
    stamp: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.record.native_id or "", self.record.identity


def native_id(value: Any) -> str | None:
    """An id as text; None for what is none. Numbers are taken as they are written."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_ID or _UNWRITABLE.search(value):
        return None
    return value


def askable(identity: str) -> bool:
    """May this stand in a path? What is no id of any platform is not asked for."""
    return native_id(identity) is not None and identity not in (".", "..")


def row(content: Any, raw: bytes, read_at: datetime, record: Record, *, partial: bool = False, since: str = "",
        time: Time | None = None) -> Row:  # fmt: skip
    """One row; what could not be read right is told in its `damage`."""
    body = tidied(content) if record.tidy else content
    if not isinstance(body, Mapping):
        return Row(WireRecord(None, {}, raw, read_at, damage=("记录不是对象 / the record is no object",)))
    body = _extracted(dict(body), record)
    identity, damage = native_id(at(body, record.id)), []
    if identity is None:
        damage.append(f"没有可用的编号 / no usable id at {record.id}")
    changed = at(body, record.changed) if record.changed else None
    if changed not in (None, "") and understood(changed, record.time) is None:
        damage.append(f"{record.changed} 不是约定的时间 / is no time of the agreed form: {changed!r:.60}")
    version = at(body, record.version) if record.version else ""
    kept = without(body, record.volatile)
    return Row(
        WireRecord(identity, body, raw, read_at, str(version or ""), partial and identity is not None, tuple(damage),
                   hashlib.sha256(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)).hexdigest()),
        understood(at(body, since), time) if since and time else None,
    )  # fmt: skip


def embedded(body: dict[str, Any], reference: str, record: Record) -> dict[str, Any]:
    """The body with our reference inside the agreed text, instead of at its own place."""
    one = record.embedded
    if one is None:
        return body
    body = without(body, (record.reference,))
    text = at(body, one.member)
    put(body, one.member, (text if isinstance(text, str) else "") + one.template.format(reference=reference))
    return body


def touches_mark(body: Mapping[str, Any], record: Record) -> bool:
    """Does this change write the text that our reference stands in?"""
    return record.embedded is not None and has(body, record.embedded.member)


def marked(body: Mapping[str, Any], shown: Mapping[str, Any], record: Record) -> dict[str, Any]:
    """Such a change, with the reference that stands there now behind the new text; the same if none does."""
    one = record.embedded
    text = at(shown, one.member) if one else None
    found = _pattern(one).search(text) if one and isinstance(text, str) else None
    if one is None or found is None:
        return dict(body)
    held, made = at(body, one.member), deepcopy(dict(body))
    put(made, one.member, (held if isinstance(held, str) else "") + one.template.format(reference=found[1]))
    return made


def renamed(body: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The body with some members under another name; to an empty one: without them."""
    held = [(to, at(body, origin)) for origin, to in names.items() if to and has(body, origin)]
    body = without(body, tuple(names))
    for to, value in held:  # null too: it empties a field
        put(body, to, value)
    return body


def _extracted(body: dict[str, Any], record: Record) -> dict[str, Any]:
    one = record.embedded
    text = at(body, one.member) if one else None
    if one is None or not isinstance(text, str):
        return body
    found = _pattern(one).search(text)
    if found is None:
        return body
    body = orjson.loads(orjson.dumps(body))
    put(body, record.reference, found[1])
    put(body, one.member, text[: found.start()] + text[found.end() :])
    return body


def _pattern(one: Embedded) -> re.Pattern[str]:
    """White space around the mark is not held to the letter: platforms trim and fold it."""
    before, _, after = one.template.strip().partition("{reference}")
    return re.compile(rf"\s*{re.escape(before)}\s*(\S+?)\s*{re.escape(after)}\s*")

"""One platform's mapping, compiled and ready: wire record -> what it means, a call -> a new record, an action -> steps.

This module must not know a platform, the ledger or the network.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Map
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from bridge.documents import nearest
from bridge.mapping import converters
from bridge.mapping.compiler import compile_fields, unmapped
from bridge.mapping.concealment import ANY_MOBILE
from bridge.mapping.entries import Entry, entry_reader
from bridge.mapping.language import Mapping
from bridge.mapping.notes import ABSENT, Fields, Notes, Unreadable
from bridge.mapping.paths import place, taker
from bridge.mapping.readers import coded, time_reader
from bridge.mapping.texts import held
from schemas.call import Number
from schemas.lifecycle import Stage


@dataclass(frozen=True, slots=True)
class Understood:
    """What a record means. admitted: it is a call (else `reason`). notes: (field, words) anomalies. unmapped: wire
    fields that no rule names, kept in `fields["extras"]` under the mapping's name."""

    native_id: str
    reference: str | None
    status: str
    stage: Stage | None
    changed: str | None
    admitted: bool
    reason: str
    numbers: tuple[Number, ...]
    fields: Fields
    entries: tuple[Entry, ...]
    notes: tuple[tuple[str, str], ...]
    unmapped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Creation:
    """A new record: its body, what it will read as (the snapshot), the status it is born in, the entries that the
    platform will write by itself, and what was lost on the way."""

    body: dict[str, Any]
    reads_as: Fields
    status: str
    entries: tuple[dict[str, str], ...]
    notes: tuple[tuple[str, str], ...]


class Translator:
    """A compiled mapping."""

    def __init__(self, mapping: Mapping, version: str) -> None:
        self.mapping = mapping
        self.version = version
        self._compiled = compile_fields(mapping)
        self._entries = entry_reader(mapping)
        record = mapping.record
        self._id, self._status = taker(record.id), taker(record.status)
        self._reference, self._changed = taker(record.reference), taker(record.changed)
        self._numbers = [(kind, taker(path)) for kind, path in record.numbers.items()]
        self._read_changed = time_reader(mapping, mapping.entries.as_time, None, None)
        self._constants = frozenset(f for f, rule in mapping.fields.items() if rule.value is not None)

    @property
    def source(self) -> str:
        """The generated Python source."""
        return self._compiled.source

    def understand(self, platform: str, body: Map[str, Any]) -> Understood:
        """The meaning of a record. Unreadable where the mapping does not cover what must be understood."""
        notes, record = Notes(), self.mapping.record
        native_id, status = self._id(body), self._status(body)
        if native_id in (ABSENT, None) or not str(native_id).strip():
            raise Unreadable("id", record.id, "记录没有编号 / the record has no id", "", "record.id",
                             "在来源平台补正 / mend it on the platform")  # fmt: skip
        status = coded(status) if status not in (ABSENT, None) else ""
        if status not in self.mapping.stages:
            known = nearest(status, self.mapping.stages)
            raise Unreadable("stage", record.status, f"未知的阶段 / unknown stage {status!r}", known, "stages",
                             "在 stages 中补上 / add it under `stages`")  # fmt: skip
        changed = self._moment(self._changed(body), notes)
        try:
            fields = self._compiled.read(body, notes)
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            raise Unreadable(notes.field, "", f"值无法转换 / cannot be converted ({type(error).__name__})", "",
                             f"fields.{notes.field}", "检查 convert / check its `convert`") from error  # fmt: skip
        derive_areas(fields)
        left = unmapped(body, self._compiled.wires)
        if left:
            name = self.mapping.mapping
            kept = {f"{name}.{path}": value for path, value in left.items() if value not in (None, "", [])}
            fields["extras"] = {**(fields.get("extras") or {}), **kept} or None
        entries = self._entries(platform, body, changed, notes)
        admission = self.mapping.admit
        admitted = admission is None or any({e.code, e.status} & set(admission.entry) for e in entries)
        numbers = tuple(
            Number(platform=platform, kind=kind, value=str(value))
            for kind, take in self._numbers if (value := take(body)) not in (ABSENT, None, "")
        )  # fmt: skip
        reference = self._reference(body)
        return Understood(
            str(native_id), str(reference) if reference not in (ABSENT, None, "") else None, status,
            self.mapping.stages[status], changed, admitted,
            "" if admitted or admission is None else admission.otherwise, numbers, fields, entries,
            tuple(notes.found), tuple(sorted(left)),
        )  # fmt: skip

    def _moment(self, value: Any, notes: Notes) -> str | None:
        notes.field = self.mapping.record.changed or ""
        return None if value in (ABSENT, None, "") else self._read_changed(value, notes)

    def creation(self, fields: Fields, reference: str, secrets: Iterable[str]) -> Creation:
        """A new record on this platform. Unreadable where a required field is missing or a code cannot be told."""
        create = self.mapping.create
        if create is None:
            raise Unreadable("", "", "映射没有 create / the mapping has no `create`", "", "create",
                             "补上 create / add `create`")  # fmt: skip
        notes = Notes()
        leaving = safe(fields, tuple(secrets), notes)
        leaving["division"] = next((code for level in ("village", "town", "county") if (code := fields.get(f"area.{level}"))), None)
        body = self._compiled.write(leaving, notes)
        for path, value in body.items():
            if isinstance(value, str):
                notes.field = path
                body[path] = held(value, self.mapping.charset, notes)
        for path, value in create.set.items():
            place(body, path, value)
        if self.mapping.record.reference:
            place(body, self.mapping.record.reference, reference)
        reads_as = {k: v for k, v in self._compiled.read(body, Notes()).items() if k not in self._constants}
        derive_areas(reads_as)
        entries = tuple({"code": e.get("code", ""), "opinion": e.get("opinion", "")} for e in create.entries)
        return Creation(body, reads_as, create.status, entries, tuple(notes.found))


def derive_areas(fields: Fields) -> None:
    """Coarser area codes from finer ones: the first 12, 9 and 6 digits. What was given is left as it is. A code of any
    level (`division`) is of the level that its length tells; of no such length, it is kept in the extras."""
    finest = ""
    levels = (("grid", 15), ("village", 12), ("town", 9), ("county", 6))
    if any_level := fields.pop("division", None):
        level = next((name for name, digits in levels if len(str(any_level)) == digits), None)
        if level:
            fields.setdefault(f"area.{level}", any_level)
        else:
            fields["extras"] = {**(fields.get("extras") or {}), "division": any_level}
    for level, digits in levels:
        code = fields.get(f"area.{level}")
        if code:
            finest = str(code)
        elif len(finest) > digits and finest.isascii() and finest.isdigit():
            fields[f"area.{level}"] = finest[:digits]


TEXTS = ("title", "description", "place.address", "calling_unit", "reply_internal", "reply_public")


def safe(fields: Fields, secrets: tuple[str, ...], notes: Notes) -> Fields:
    """The fields as they may leave: confidential persons' names and numbers concealed in every text, control
    characters taken out."""
    leaving = dict(fields)
    for field in TEXTS:
        if isinstance(text := leaving.get(field), str):
            notes.field = field
            clean, taken = converters.clean(converters.conceal(text, secrets))
            if taken:
                notes(f"去除控制字符 / control characters taken out: {', '.join(taken)}")
            leaving[field] = clean
    return leaving


PERSONS = ("reporter", "caller")


def secrets_of(fields: Fields) -> tuple[str, ...]:
    """Names and numbers of the call's confidential and anonymous persons, also those they had before they asked for it:
    they never leave. Every mobile number, where a person's own is not known."""
    words = [*(fields.get("secrets") or ())]
    for role in PERSONS:
        person: Fields = fields.get(role) or {}
        if is_secret(person):
            words += words_of(person)
            if not (person.get("phones") or person.get("phone_text")):
                words.append(ANY_MOBILE)  # a platform that keeps the number to itself
    return tuple(words)


def is_secret(person: Fields | None) -> bool:
    return bool(person and (person.get("confidential") or person.get("anonymous")))


def words_of(person: Fields | None) -> list[str]:
    """A person's name and numbers."""
    shown = person or {}
    return [w for w in (shown.get("name"), shown.get("phone_text"), *(shown.get("phones") or ())) if w]


def differing(shown: Fields, snapshot: Fields) -> Fields:
    """What the platform now shows otherwise than it did: path -> new value. Paths it never showed before are not
    differences, nor are paths it does not show now."""
    return {field: value for field, value in shown.items() if field in snapshot and not same(value, snapshot[field])}


def same(one: Any, other: Any) -> bool:
    """Equal values; points by their original numbers where both are of one reference system; items by their code: a
    catalogue's name and its items' names are our configuration, and mending those edits no call."""
    if isinstance(one, dict) and isinstance(other, dict) and "catalogue" in one and one.get("code"):
        return bool(one["code"] == other.get("code"))
    if isinstance(one, dict) and isinstance(other, dict) and one.get("crs", "") == other.get("crs"):
        try:
            return all(Decimal(one[axis]) == Decimal(other[axis]) for axis in ("x", "y"))
        except InvalidOperation:
            return bool(one == other)
    return bool(one == other) or (one in (None, [], {}) and other in (None, [], {}))

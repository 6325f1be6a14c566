"""One platform's mapping, compiled and ready: wire record -> what it means, a call -> a new record, an action -> steps.

This module must not know a platform, the ledger or the network.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Map
from dataclasses import dataclass
from typing import Any

from bridge.documents import nearest
from bridge.mapping.canonical import derive_areas, finest_area, nested, safe
from bridge.mapping.compiler import compile_fields, unmapped
from bridge.mapping.editing import Editor
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
        self.editor = Editor(mapping)
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
        leaving = nested(safe(fields, tuple(secrets), notes), notes)
        leaving["division"] = finest_area(leaving)
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
        reads_as = self._left_empty(reads_as) | reads_as
        derive_areas(reads_as)
        entries = tuple({"code": e.get("code", ""), "opinion": e.get("opinion", "")} for e in create.entries)
        return Creation(body, reads_as, create.status, entries, tuple(notes.found))

    def _left_empty(self, reads_as: Fields) -> Fields:
        """The words that were not written, as the new record shows them: what stands there at its first reading is an
        official's. Not an address where there is a point: a platform may have looked it up by that."""
        rules = self.mapping.fields
        names = ("title", "description", *(() if reads_as.get("place.point") else ("place.address",)))
        return {name: None for name in names if name in rules and rules[name].way == "both" and rules[name].value is None}

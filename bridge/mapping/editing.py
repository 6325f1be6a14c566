"""A change of fields on a record that is there already: what is written, what it will read as, what must be told in words.

Only what differs from what the platform shows is written. This module must not know a platform, the ledger or the network.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bridge.mapping.canonical import PERSONS, TEXTS, derive_areas, finest_area, is_secret, nested, safe, same
from bridge.mapping.compiler import Compiled, compile_fields
from bridge.mapping.converters import conceal
from bridge.mapping.language import Edits, Mapping, Rule
from bridge.mapping.notes import ABSENT, Fields, Notes, Unreadable
from bridge.mapping.paths import place, taker
from bridge.mapping.texts import held

DIVISIONS = ("area.county", "area.town", "area.village")
"""What a division's code can tell; a grid is no division, and is told in words."""


@dataclass(frozen=True, slots=True)
class Edited:
    """body: the wire fields to write, emptied ones included. reads_as: the canonical fields as the platform will show
    them. left: changed fields that cannot be changed there. notes: what is lost on the way."""

    body: dict[str, Any]
    reads_as: Fields
    left: tuple[str, ...]
    notes: tuple[tuple[str, str], ...]


def rule_for(mapping: Mapping, field: str) -> str | None:
    """The field of `edits.fields` by which a canonical field can be changed; None: it cannot."""
    if not isinstance(mapping.edits, Edits):
        return None
    if field in mapping.edits.fields:
        return field
    return "division" if field in DIVISIONS and "division" in mapping.edits.fields else None


class Editor:
    """The compiled `edits` of a mapping, field by field."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self.edits = mapping.edits if isinstance(mapping.edits, Edits) else None
        self._parts: dict[str, Compiled] = {
            field: compile_fields(mapping.model_copy(update={"fields": {field: mapping.fields[field]}}))
            for field in (self.edits.fields if self.edits else ())
        }

    def edited(self, fields: Fields, changed: Iterable[str], shown: Fields, secrets: tuple[str, ...]) -> Edited:
        """fields: the call's, as they are now. changed: canonical fields that may differ. shown: what the platform shows.
        Where a person is kept secret, every text that names them is changed as well. A person whom the platform keeps
        secret stays so."""
        notes, body, reads_as, left = Notes(), dict[str, Any](), Fields(), list[str]()
        leaving = nested(safe(fields, secrets, notes), notes)
        leaving["division"] = finest_area(leaving)
        ways: dict[str, list[str]] = {}
        for name in (*changed, *self._revealing(fields, secrets)):
            if (way := rule_for(self._mapping, name)) is None:
                left.append(name)
            elif name not in ways.setdefault(way, []):
                ways[way].append(name)
        for way, names in ways.items():
            if way in PERSONS and is_secret(shown.get(way)) and not is_secret(fields.get(way)):
                notes.field = way
                notes("该平台已为当事人保密，不恢复公开 / kept secret there, and stays so")
                continue
            part = self._part(way, leaving, notes)
            if part is None:
                left += names
                continue
            reads = self._parts[way].read(part, Notes())
            derive_areas(reads)
            reads = {name: reads.get(name) for name in {*reads, *names}}
            if all(same(value, shown.get(name)) for name, value in reads.items()):
                continue
            for path in wires(self._mapping.fields[way]):
                if (value := taker(path)(part)) is not ABSENT:
                    place(body, path, value)
            reads_as |= reads
        return Edited(body, reads_as, tuple(left), tuple(notes.found))

    def _revealing(self, fields: Fields, secrets: tuple[str, ...]) -> list[str]:
        return [name for name in TEXTS if rule_for(self._mapping, name) and isinstance(fields.get(name), str)
                and conceal(fields[name], secrets) != fields[name]]  # fmt: skip

    def _part(self, way: str, leaving: Fields, notes: Notes) -> dict[str, Any] | None:
        """One field's wire values, emptied ones as the platform takes them; None if it cannot be written so."""
        assert self.edits
        mapping, rule = self._mapping, self._mapping.fields[way]
        try:
            part = self._parts[way].write(leaving, notes)
        except Unreadable:
            return None
        written = {path: value for path in wires(rule) if (value := taker(path)(part)) is not ABSENT}
        if not written and (way in self.edits.never_empty or rule.required or leaving.get(way) not in (None, "", [], {})):
            return None
        flag = rule.person.secret if rule.person else None  # a flag is yes or no, never empty
        for path in wires(rule):
            if path == flag and path not in written:
                continue
            value = written.get(path, None if self.edits.empty_as == "none" else "")
            notes.field = path
            place(part, path, held(value, mapping.charset, notes) if isinstance(value, str) else value)
        return part


def wires(rule: Rule) -> list[str]:
    """Every wire path that a field is written to."""
    if rule.person:
        return [path for path in (rule.person.name, rule.person.phone, rule.person.secret) if path]
    return list(rule.wire)

"""The places where a mapping reads codes, and the codes found there that it does not list.

Only scalars short enough to be codes are looked at, numbers and phones are masked. This module must not know a platform.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as Map
from dataclasses import dataclass
from typing import Any

from bridge.mapping.language import Mapping, Named, Rule
from bridge.mapping.notes import ABSENT
from bridge.mapping.observing import LONGEST_CODE
from bridge.mapping.paths import taker
from bridge.mapping.readers import coded, codes_of
from bridge.redaction import redact
from schemas.lifecycle import Stage

Body = Map[str, Any]
Listed = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Slot:
    """A place of codes. path: on the wire; key: of the mapping; known: the codes it lists; allowed: what a new one may
    mean; form: of the YAML line, with {code} and {value}."""

    path: str
    key: str
    known: frozenset[str]
    codes: Callable[[Body], Iterable[str]]
    form: str
    allowed: str = ""
    also: Listed = lambda code: False

    def yaml(self, code: str, value: str) -> str:
        """The line that lists one more code."""
        line = self.form.replace("{code}", code).replace("{value}", value)
        return f"{line}  # {self.allowed}" if self.allowed else line


def unlisted(mapping: Mapping, bodies: Sequence[Body]) -> Iterator[tuple[Slot, Counter[str]]]:
    """The places with codes that no list has, and how often each stands there."""
    nothing = {*mapping.nothing, ""}
    for slot in _slots(mapping):
        found: Counter[str] = Counter()
        for body in bodies:
            found.update(
                redact(code)[:LONGEST_CODE] for code in slot.codes(body)
                if code not in slot.known and code not in nothing and not slot.also(code)
            )  # fmt: skip
        if found:
            yield slot, found


def listed(mapping: Mapping) -> dict[str, Listed]:
    """Wire path -> is this code listed, of every path that holds codes. A code in several fields: by its parts."""
    found: dict[str, Listed] = {}
    for slot in _slots(mapping):
        found.setdefault(slot.path, lambda code, slot=slot: code in slot.known or slot.also(code))  # type: ignore[misc]
    for rule in mapping.fields.values():
        if rule.join is not None and mapping.items:
            codes = [code.split(rule.join) for code in mapping.items.codes]
            for at, path in enumerate(rule.wire):
                parts = frozenset(code[at] for code in codes)
                found[path] = parts.__contains__
    return found


def _slots(mapping: Mapping) -> Iterator[Slot]:
    yield Slot(
        mapping.record.status, "stages", frozenset(mapping.stages), _one(mapping.record.status),
        "stages: {{code}: {value}}", f"{', '.join(Stage)}, null",
    )  # fmt: skip
    for field, rule in mapping.fields.items():
        if rule.way != "write":
            yield from _of_rule(mapping, field, rule)
    yield from _of_entries(mapping)


def _of_rule(mapping: Mapping, field: str, rule: Rule) -> Iterator[Slot]:
    table, path = rule.table, ".".join(rule.wire)
    if rule.person and rule.person.table and rule.person.secret:
        table, path = rule.person.table, rule.person.secret
    if table:
        known = mapping.tables[table].codes
        values = ", ".join(sorted({str(value).lower() if isinstance(value, bool) else value for value in known.values()}))
        yield Slot(path, f"tables.{table}.codes", frozenset(known), _when(rule, _one(path)),
                   f"tables: {{{table}: {{codes: {{{{code}}: {{value}}}}}}}}", values)  # fmt: skip
    elif rule.convert == "item" and mapping.items:
        codes = _when(rule, _joined(rule.wire, rule.join) if rule.join else _one(path))
        yield Slot("+".join(rule.wire), "items.codes", frozenset(mapping.items.codes), codes,
                   "items: {codes: {{code}: {value}}}", f"config/catalogues/{mapping.items.catalogue}.yaml")  # fmt: skip
    elif rule.convert in ("department", "departments") and mapping.departments:
        yield _departments(mapping.departments, path, _when(rule, _several(path)))


def _of_entries(mapping: Mapping) -> Iterator[Slot]:
    spec = mapping.entries
    rows = taker(spec.rows)

    def each(path: str, codes: Callable[[Body], Iterable[str]]) -> Callable[[Body], Iterable[str]]:
        def found(body: Body) -> Iterator[str]:
            listed = rows(body)
            for row in listed if isinstance(listed, list) else ():
                if isinstance(row, dict):
                    yield from codes(row)

        return found

    named = [rule.when for rule in spec.read]
    statuses = {*mapping.stages, *(spec.keeps or ())}
    if spec.code:
        known = {code for when in named for code in when.code or ()} | {*(spec.keeps or ())}
        known |= {one.get("code", "") for one in mapping.create.entries} if mapping.create else set()
        known |= {*mapping.admit.entry} if mapping.admit else set()
        if spec.code == spec.status:
            known |= statuses
        if any(when.code for when in named) or spec.code == spec.status:  # a mapping whose rules ask for no code needs none
            yield Slot(f"{spec.rows}[].{spec.code}", "entries.read", frozenset(known), each(spec.code, _one(spec.code)),
                       "- {when: {code: {code}}, action: {value}}", "entries.read: CALL, ACCEPT, … COMMENT")  # fmt: skip
    if spec.status and spec.status != spec.code:
        yield Slot(f"{spec.rows}[].{spec.status}", "stages", frozenset(statuses), each(spec.status, _one(spec.status)),
                   "stages: {{code}: {value}}", f"{', '.join(Stage)}, null")  # fmt: skip
    if spec.department and mapping.departments:
        yield _departments(mapping.departments, f"{spec.rows}[].{spec.department}",
                           each(spec.department, _several(spec.department)))  # fmt: skip


def _departments(named: Named, path: str, codes: Callable[[Body], Iterable[str]]) -> Slot:
    def town(code: str) -> bool:
        return named.towns and len(code) == 9 and code.isascii() and code.isdigit()

    return Slot(path, "departments.codes", frozenset(named.codes), codes, "departments: {codes: {{code}: {value}}}",
                "名称 / its name", town)  # fmt: skip


def _one(path: str) -> Callable[[Body], Iterable[str]]:
    take = taker(path)

    def codes(body: Body) -> Iterable[str]:
        value = take(body)
        return () if value is ABSENT or value is None or isinstance(value, dict | list) else (coded(value),)

    return codes


def _several(path: str) -> Callable[[Body], Iterable[str]]:
    take = taker(path)

    def codes(body: Body) -> Iterable[str]:
        value = take(body)
        if value is ABSENT or value is None or isinstance(value, dict):
            return ()
        return [coded(code) for code in codes_of(value)]

    return codes


def _joined(paths: Sequence[str], between: str) -> Callable[[Body], Iterable[str]]:
    takes = [taker(path) for path in paths]

    def codes(body: Body) -> Iterable[str]:
        parts = ["" if (value := take(body)) in (ABSENT, None) else coded(value) for take in takes]
        return (between.join(parts),) if any(parts) else ()

    return codes


def _when(rule: Rule, codes: Callable[[Body], Iterable[str]]) -> Callable[[Body], Iterable[str]]:
    """Only of records for which the rule holds."""
    conditions = [(taker(path), allowed) for path, allowed in rule.when.items()]

    def found(body: Body) -> Iterable[str]:
        return codes(body) if all(coded(take(body)) in allowed for take, allowed in conditions) else ()

    return found

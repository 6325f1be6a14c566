"""From a mapping's `fields` to two plain Python functions: wire -> canonical, canonical -> wire.

The YAML is turned into Python source once and compiled; a record then costs what hand-written code would. This module
must not know a platform, entries or operations, nor how a single value is converted (`readers`, `writers`).

Canonical fields are a flat dict: path -> JSON value. A path that is absent was not shown; None means emptied.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Map
from dataclasses import dataclass
from typing import Any

from bridge.mapping.language import Mapping, Rule
from bridge.mapping.notes import ABSENT, Fields, Notes
from bridge.mapping.paths import get, put
from bridge.mapping.readers import coded, reader_of
from bridge.mapping.writers import lacking, writer_of

Reader = Callable[[Map[str, Any], Notes], Fields]
Writer = Callable[[Fields, Notes], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Compiled:
    """The two functions of a mapping's fields, their source, and the wire paths that they know."""

    read: Reader
    write: Writer
    source: str
    wires: frozenset[str]


def compile_fields(mapping: Mapping) -> Compiled:
    """Source and functions of a checked mapping (see `check`): no complaint is expected here."""
    names: dict[str, Any] = {"ABSENT": ABSENT, "NOTHING": frozenset(mapping.nothing)}
    names |= {"coded": coded, "lacking": lacking}
    reading = ["def read(w, n):", "    f = {}"]
    writing = ["def write(f, n):", "    w = {}"]
    for number, (field, rule) in enumerate(mapping.fields.items()):
        if rule.way != "write":
            names[f"r{number}"] = reader_of(mapping, field, rule)
            reading += _read_lines(field, rule, number)
        if rule.way != "read":
            names[f"w{number}"] = writer_of(mapping, field, rule)
            writing += _write_lines(field, rule, number)
    reading.append("    return f")
    writing.append("    return w")
    source = "\n".join([*reading, "", *writing, ""])
    exec(compile(source, f"<mapping {mapping.mapping}>", "exec"), names)
    return Compiled(names["read"], names["write"], source, frozenset(wires_of(mapping)))


def wires_of(mapping: Mapping) -> set[str]:
    """Every wire path that something in the mapping reads or leaves aside on purpose."""
    paths = set(mapping.ignored) | {mapping.record.id, mapping.record.status, mapping.entries.rows}
    paths |= {p for p in (mapping.record.reference, mapping.record.changed) if p} | set(mapping.record.numbers.values())
    for rule in mapping.fields.values():
        if rule.way == "write":
            continue
        paths |= set(rule.wire) | set(rule.when)
        if rule.person:
            paths |= {p for p in (rule.person.name, rule.person.phone, rule.person.secret) if p}
    return paths


def unmapped(body: Map[str, Any], known: frozenset[str]) -> Fields:
    """Wire fields that no rule names, one level deep: path -> value."""
    left: Fields = {}
    for name, value in body.items():
        if name in known:
            continue
        inner = {path for path in known if path.startswith(name + ".")}
        if not inner:
            left[name] = value
        elif isinstance(value, dict):
            left.update({f"{name}.{k}": v for k, v in value.items() if f"{name}.{k}" not in inner})
        elif value is not None:
            left[name] = value  # a value where the rules expect a structure: an empty one is nothing lost
    return left


def _read_lines(field: str, rule: Rule, number: int) -> list[str]:
    pad, lines = "    ", []
    for path, allowed in rule.when.items():
        lines.append(f"{pad}if coded({get(path)}) in {tuple(allowed)!r}:")
        pad += "    "
    if rule.value is not None:
        return [*lines, f"{pad}f[{field!r}] = {rule.value!r}"]
    # Notes and errors come from readers only, so that only they need to know the field.
    told = f"n.field = {field!r}"
    if rule.convert == "person":
        return [*lines, f"{pad}{told}", f"{pad}v = r{number}(w, n)", f"{pad}if v is not ABSENT: f[{field!r}] = v"]
    if rule.convert == "point":
        x, y = (get(path) for path in rule.wire)
        return [
            *lines,
            f"{pad}x = {x}",
            f"{pad}y = {y}",
            f"{pad}if x is not ABSENT or y is not ABSENT: {told}; f[{field!r}] = r{number}((x, y), n)",
        ]
    if rule.join is not None:
        parts = ", ".join(get(path) for path in rule.wire)
        told += f"; v = {rule.join!r}.join('' if p is ABSENT or p is None else str(p) for p in ({parts}))"
    empty = f"f[{field!r}] = None" if rule.empty == "emptied" else "pass"
    return [
        *lines,
        f"{pad}v = {get(rule.wire[0])}",
        f"{pad}if type(v) is str:",
        f"{pad}    if not v or v.isspace() or v in NOTHING: {empty}",
        f"{pad}    else: {told}; f[{field!r}] = r{number}(v, n)",
        f"{pad}elif v is None or v == []: {empty}",
        f"{pad}elif v is not ABSENT: {told}; f[{field!r}] = r{number}(v, n)",
    ]


def _write_lines(field: str, rule: Rule, number: int) -> list[str]:
    lines = [f"    n.field = {field!r}", f"    v = f.get({field!r})"]
    if rule.convert == "person":
        assert rule.person
        lines.append(f"    p = w{number}(v, n)")
        for part, path in (("name", rule.person.name), ("phone", rule.person.phone), ("secret", rule.person.secret)):
            if path:
                lines.append(f"    if {part!r} in p: {put(path, f'p[{part!r}]')}")
        return lines
    if rule.convert == "point":
        x, y = rule.wire
        return [
            *lines,
            f"    p = None if v is None else w{number}(v, n)",
            f"    if p is not None: {put(x, 'p[0]')}; {put(y, 'p[1]')}",
        ]
    if rule.join is not None:
        lines.append(f"    p = w{number}(v, n).split({rule.join!r})")
        return [*lines, *(f"    {put(path, f'p[{part}]')}" for part, path in enumerate(rule.wire))]
    if rule.convert == "item":
        return [*lines, f"    {put(rule.wire[0], f'w{number}(v, n)')}"]
    lines.append(f"    if v is not None and v != '' and v != []: {put(rule.wire[0], f'w{number}(v, n)')}")
    if rule.default is not None:
        lines.append(f"    else: {put(rule.wire[0], repr(rule.default))}")
    elif rule.required:
        lines.append(f"    else: raise lacking({field!r}, {rule.wire[0]!r})")
    return lines

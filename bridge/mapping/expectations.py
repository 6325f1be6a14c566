"""What form of value each rule of a mapping expects, and the wire fields that hold something else.

Only forms are told, never a value. This module must not know a platform.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as Map
from dataclasses import dataclass
from typing import Any

from bridge.mapping.language import Mapping, Rule
from bridge.mapping.notes import ABSENT, Notes
from bridge.mapping.observing import form
from bridge.mapping.paths import taker
from bridge.mapping.readers import time_reader

Body = Map[str, Any]
Fits = Callable[[Any, str], bool]
TIMES = ("time", "epoch_ms", "epoch_s")
NUMBERS = ("number", "numeral", "epoch_s", "epoch_ms")


@dataclass(frozen=True, slots=True)
class Expectation:
    """A wire field whose form a key of the mapping declares. fits: (value, its form) -> may it be read."""

    path: str
    key: str
    expected: str
    fits: Fits

    def yaml(self, found: str) -> str:
        """The line that would read what was found."""
        convert = found if found in ("epoch_ms", "epoch_s") else "time" if found.startswith("time") else "list" \
            if found == "list" else "text"  # fmt: skip
        if self.key == "entries.at":
            return f"entries: {{as_time: {convert}}}"
        if self.key == "record.changed":
            return f"record: {{changed: {self.path}}}  # entries.as_time, time"
        pattern = f', time: "{_pattern(found)}"' if convert == "time" else ""
        return f"fields: {{{self.key.removeprefix('fields.')}: {{convert: {convert}{pattern}}}}}"


def misfits(mapping: Mapping, bodies: Sequence[Body]) -> Iterator[tuple[Expectation, Counter[str]]]:
    """The fields that hold what their rule cannot read, and the forms found there."""
    nothing = {*mapping.nothing}
    for one, values in _expectations(mapping):
        found: Counter[str] = Counter()
        for body in bodies:
            for value in values(body):
                shape = "" if value is ABSENT or (isinstance(value, str) and value.strip() in nothing) else form(value)
                if shape and not one.fits(value, shape):
                    found[shape] += 1
        if found:
            yield one, found


def _expectations(mapping: Mapping) -> Iterator[tuple[Expectation, Callable[[Body], list[Any]]]]:
    for name, rule in mapping.fields.items():
        if rule.way == "write" or rule.value is not None:
            continue
        parts = (rule.person.name, rule.person.phone, rule.person.secret) if rule.person else ()
        expected, fits = _of_rule(mapping, rule)
        for path in filter(None, (*rule.wire, *parts)):
            yield Expectation(path, f"fields.{name}", expected, fits), _alone(path)
    entries = mapping.entries
    read = _time(mapping, entries.as_time, None, None)
    if mapping.record.changed:
        yield Expectation(mapping.record.changed, "record.changed", entries.as_time, read), _alone(mapping.record.changed)
    if mapping.latest is None and entries.rows != "-":
        yield Expectation(entries.rows, "entries.rows", "list", lambda value, shape: shape == "list"), _alone(entries.rows)
        yield Expectation(f"{entries.rows}[].{entries.at}", "entries.at", entries.as_time, read), _rows(mapping)


def _alone(path: str) -> Callable[[Body], list[Any]]:
    take = taker(path)
    return lambda body: [take(body)]


def _rows(mapping: Mapping) -> Callable[[Body], list[Any]]:
    take, at = taker(mapping.entries.rows), taker(mapping.entries.at)

    def values(body: Body) -> list[Any]:
        rows = take(body)
        return [at(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    return values


def _of_rule(mapping: Mapping, rule: Rule) -> tuple[str, Fits]:
    match rule.convert:
        case "time" | "epoch_ms" | "epoch_s":
            words = f"time {rule.time or mapping.time or ''}".rstrip() if rule.convert == "time" else rule.convert
            return words, _time(mapping, rule.convert, rule.time, rule.zone)
        case "point" | "number":
            return "number", lambda value, shape: shape in NUMBERS
        case "pairs":
            return "list", lambda value, shape: shape == "list"
        case "files":  # or the address of one, or of several
            addresses = set(rule.files) <= {"id", "split"}
            return "list", lambda value, shape: shape == "list" or (addresses and isinstance(value, str))
        case "list" | "departments":
            return "list", lambda value, shape: shape not in ("object", "boolean")
        case "flag" | "person":
            return "text", lambda value, shape: shape not in ("object", "list")
    if rule.table:
        return "code", lambda value, shape: shape not in ("object", "list")
    return "text", lambda value, shape: shape not in ("object", "list", "boolean")


def _time(mapping: Mapping, convert: str, pattern: str | None, zone: str | None) -> Fits:
    read = time_reader(mapping, convert, pattern, zone)
    return lambda value, shape: shape not in ("object", "list", "boolean") and read(value, Notes()) is not None


def _pattern(found: str) -> str:
    """A time pattern that a form of time suggests: `0000/00/00 00:00` -> yyyy/MM/dd HH:mm."""
    shape = found.removeprefix("time ")
    if shape == "0" * 14:
        return "yyyyMMddHHmmss"
    clock = ":" in shape
    zone, shape = ("XXX", shape.removesuffix("+00:00")) if shape.endswith("+00:00") else ("", shape)
    shape = shape.replace(".0", ".SSS") if clock and shape.endswith(".0") else shape
    for letter in ("y", "M", "d", *(("H", "m", "s") if clock else ())):
        shape = re.sub("0+", lambda zeros, letter=letter: letter * len(zeros[0]), shape, count=1)  # type: ignore[misc]
    return shape + zone

"""What records look like: every wire path with how often it stands there, in which forms, and which codes.

A value is kept only where it has the shape of a code, never at a person's path: what this module returns may be shown
and stored. It must not know a platform, nor what anybody makes of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from typing import Any

from bridge.mapping.language import Mapping
from bridge.mapping.privacy import names_a_person
from bridge.mapping.readers import coded
from bridge.redaction import redact

FEW = 12  # distinct values: more are no list of codes
MOST_CODES = 300  # distinct values of a field that the mapping reads as codes
MOST_PATHS = 1_000  # a structure keyed by numbers would have no end
DEEPEST = 5
LONGEST_CODE = 40  # characters
_CODE = re.compile(r"[A-Z][A-Z0-9_\-]{0,19}|[A-Za-z]?[0-9]{1,6}|true|false")
_NUMERAL = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?")
_TIME = re.compile(
    r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s?(Z|[+-]\d{2}:?\d{2})?)?"
    r"|(19|20)\d{6}([01]\d|2[0-4])[0-5]\d[0-5]\d"
)
_EPOCH_S = range(946_684_800, 4_102_444_800)  # the years 2000 to 2099


@dataclass(slots=True)
class Seen:
    """One wire path: in how many records, in which forms how often, which codes how often. coded: all its values are
    codes (else `codes` is empty)."""

    records: int = 0
    forms: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    coded: bool = True

    @property
    def repeated(self) -> Counter[str]:
        """The codes, none where nearly every value is another one: that is a number of the record, no code."""
        return self.codes if 2 * len(self.codes) <= max(self.codes.total(), 2) else Counter()


def observe(bodies: Iterable[Map[str, Any]], code_paths: frozenset[str], persons: frozenset[str]) -> dict[str, Seen]:
    """Every path of these records: `a.b` inside a structure, `a[].b` inside the members of a list.

    code_paths: what the mapping reads as codes: any short value is one there. persons: paths of people, without values.
    """
    found: dict[str, Seen] = {}
    for body in bodies:
        counted: set[str] = set()
        for path, value in walk(body):
            if path not in found and len(found) >= MOST_PATHS:
                continue
            seen = found.setdefault(path, Seen())
            seen.records += path not in counted
            counted.add(path)
            if (shape := form(value)) == "":
                continue
            seen.forms[shape] += 1
            if not seen.coded:
                continue
            code = None if path in persons else _code(path, value, code_paths)
            if code is not None:
                seen.codes[code] += 1
            elif path in code_paths:
                continue  # one odd value among codes hides no other
            if code is None or len(seen.codes) > (MOST_CODES if path in code_paths else FEW):
                seen.coded = False
                seen.codes.clear()
    return found


def walk(value: Map[str, Any], above: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """(path, value) of everything in a record, structures before their parts."""
    for name, inner in value.items():
        path = f"{above}{name}"
        yield path, inner
        if depth >= DEEPEST:
            continue
        if isinstance(inner, dict):
            yield from walk(inner, f"{path}.", depth + 1)
        elif isinstance(inner, list):
            for one in inner:
                if isinstance(one, dict):
                    yield from walk(one, f"{path}[].", depth + 1)


def form(value: Any) -> str:
    """The form of a value: `text`, `numeral` (a number as text), `time 0000-00-00 00:00:00`, `number`, `epoch_s`,
    `epoch_ms`, `boolean`, `list`, `object`; "" for what is empty."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) and value in _EPOCH_S:
        return "epoch_s"
    if isinstance(value, int) and value // 1000 in _EPOCH_S:
        return "epoch_ms"
    if isinstance(value, int | float):
        return "number"
    if not value or (isinstance(value, str) and not value.strip()):
        return ""
    if isinstance(value, dict | list):
        return "object" if isinstance(value, dict) else "list"
    text = str(value).strip()
    if _TIME.fullmatch(text):
        zone = re.sub(r"\s?(Z|[+-]\d\d:?\d\d)$", "+00:00", text) if ":" in text else text
        return "time " + re.sub(r"\d", "0", re.sub(r"\.\d+(?=\+|$)", ".0", zone) if ":" in zone else zone)
    return "numeral" if _NUMERAL.fullmatch(text) else "text"


def _code(path: str, value: Any, code_paths: frozenset[str]) -> str | None:
    """The value as a code, None for what is none or may be a person's."""
    if isinstance(value, dict | list):
        return None
    code = coded(value)
    if path in code_paths:
        return code if len(code) <= LONGEST_CODE and redact(code) == code else None
    return code if _CODE.fullmatch(code) and not names_a_person(path) else None


def persons_of(mapping: Mapping) -> frozenset[str]:
    """The paths that hold people: callers, reporters, and who wrote an entry and what."""
    people = [rule.person for rule in mapping.fields.values() if rule.person]
    paths = {path for one in people for path in (one.name, one.phone) if path}
    paths |= {f"{mapping.entries.rows}[].{p}" for p in (mapping.entries.operator, mapping.entries.opinion) if p}
    return frozenset(paths)


def code_paths_of(mapping: Mapping) -> frozenset[str]:
    """The paths that the mapping reads as codes."""
    paths = {mapping.record.status}
    for rule in mapping.fields.values():
        if rule.way != "write" and (rule.table or rule.convert in ("item", "department")):
            paths |= set(rule.wire)
        if rule.way != "write" and rule.person and rule.person.table and rule.person.secret:
            paths.add(rule.person.secret)
    rows = mapping.entries.rows
    paths |= {f"{rows}[].{p}" for p in (mapping.entries.status, mapping.entries.code, mapping.entries.department) if p}
    return frozenset(paths)

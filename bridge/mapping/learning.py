"""What records show and their mapping does not cover, each with the YAML to write.

Unmapped fields, unknown codes, fields of another type than their rule reads, fields that never come. Values appear only
where they are codes. This module must not know a platform, nor where the records are from.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from typing import Any, Literal

from bridge.documents import nearest
from bridge.mapping.compiler import unmapped, wires_of
from bridge.mapping.expectations import misfits
from bridge.mapping.language import CANONICAL, Mapping
from bridge.mapping.observing import Seen, code_paths_of, observe, persons_of
from bridge.mapping.unlisted import unlisted

Kind = Literal["unmapped", "code", "type", "unseen"]
CONVERTS = {"list": "list", "epoch_s": "epoch_s", "epoch_ms": "epoch_ms"}
SPOT = "{path}"
FILL_IN = "填写"  # no canonical field and no value of a table: a mapping in which it was left standing is refused
Body = Map[str, Any]


@dataclass(frozen=True, slots=True)
class Lesson:
    """One thing that the mapping does not cover. path: the wire field; key: where the mapping says something of it;
    count of `of` records (codes: occurrences); guess: its form; codes: code -> how often, where it holds codes; yaml:
    what to write, FILL_IN where only people know."""

    kind: Kind
    path: str
    key: str
    count: int
    of: int
    guess: str
    yaml: str
    codes: Map[str, int] = field(default_factory=dict)


def learn(mapping: Mapping, bodies: Sequence[Body]) -> list[Lesson]:
    """All that these records show and the mapping does not cover; empty: it covers them, or there are none."""
    if not bodies:
        return []
    seen = observe(bodies, code_paths_of(mapping), persons_of(mapping))
    return [
        *_unmapped(mapping, bodies, seen), *_codes(mapping, bodies), *_types(mapping, bodies, seen),
        *_unseen(mapping, bodies, seen),
    ]  # fmt: skip


def leave_aside(mapping: Mapping, lessons: Sequence[Lesson]) -> str:
    """The one line that leaves all unmapped fields aside on purpose; "" where there are none."""
    left = [one.path for one in lessons if one.kind == "unmapped"]
    return f"ignored: [{', '.join(_quoted(path) for path in [*mapping.ignored, *left])}]" if left else ""


def guess(seen: Seen) -> str:
    """The form that most values have."""
    return seen.forms.most_common(1)[0][0] if seen.forms else "empty"


def _unmapped(mapping: Mapping, bodies: Sequence[Body], seen: Map[str, Seen]) -> Iterator[Lesson]:
    known = frozenset(wires_of(mapping))
    counts = Counter(path for body in bodies for path in unmapped(body, known))
    for path, count in sorted(counts.items()):
        one = seen.get(path) or Seen()
        shape = guess(one)
        rule = f"{{wire: {_quoted(path)}{_convert(mapping, one, shape)}, way: read}}"
        free = ", ".join(name for name, kind in CANONICAL.items() if name not in mapping.fields and kind in _kinds(shape))
        yield Lesson("unmapped", path, "fields", count, len(bodies), shape,
                     f"fields: {{{FILL_IN}: {rule}}}  # {free}", dict(one.repeated.most_common()))  # fmt: skip


def _kinds(shape: str) -> tuple[str, ...]:
    if shape.startswith(("time", "epoch")):
        return ("time",)
    return ("list", "files", "departments") if shape == "list" else ("text", "code", "item", "department")


def _convert(mapping: Mapping, seen: Seen, shape: str) -> str:
    if shape.startswith("time"):
        return ", convert: time"
    if shape in CONVERTS:
        return f", convert: {CONVERTS[shape]}"
    return ", convert: code" if seen.repeated else ""


def _codes(mapping: Mapping, bodies: Sequence[Body]) -> Iterator[Lesson]:
    for slot, found in unlisted(mapping, bodies):
        for code, count in found.most_common():
            where = nearest(code, slot.known)
            yield Lesson("code", slot.path, slot.key, count, len(bodies), where, slot.yaml(_quoted(code), FILL_IN),
                         {code: count})  # fmt: skip


def _types(mapping: Mapping, bodies: Sequence[Body], seen: Map[str, Seen]) -> Iterator[Lesson]:
    for misfit, forms in misfits(mapping, bodies):
        shapes = "、".join(f"{shape} × {count}" for shape, count in forms.most_common())
        yield Lesson("type", misfit.path, misfit.key, forms.total(), len(bodies), f"{misfit.expected} ≠ {shapes}",
                     misfit.yaml(forms.most_common(1)[0][0]))  # fmt: skip


def _unseen(mapping: Mapping, bodies: Sequence[Body], seen: Map[str, Seen]) -> Iterator[Lesson]:
    known = wires_of(mapping)
    for path, (key, line) in sorted(_read(mapping).items()):
        above = path.rpartition(".")[0]
        around = seen.get(above.removesuffix("[]"))
        if path in seen or (around is not None and not around.forms):  # what is always empty shows no parts
            continue
        free = [one for one in seen if one not in known and one.rpartition(".")[0] == above]
        near = nearest(path, free, most=1).partition(",")[0].removeprefix(f"{above}.") if free else ""
        yield Lesson("unseen", path, key, 0, len(bodies), near, line.replace(SPOT, _quoted(near or FILL_IN)))


def _read(mapping: Mapping) -> dict[str, tuple[str, str]]:
    """Wire path -> key and the YAML that reads another path there (SPOT), of everything that is read of a record."""
    record, entries = mapping.record, mapping.entries
    paths = {
        path: (f"record.{name}", f"record: {{{name}: {SPOT}}}")
        for name in ("id", "status", "reference", "changed") if (path := getattr(record, name))
    }  # fmt: skip
    for name, rule in mapping.fields.items():
        if rule.way == "write":
            continue
        for index, path in enumerate(rule.wire):
            wires = [SPOT if at == index else _quoted(one) for at, one in enumerate(rule.wire)]
            wire = f"[{', '.join(wires)}]" if len(wires) > 1 else SPOT
            paths.setdefault(path, (f"fields.{name}", f"fields: {{{name}: {{wire: {wire}}}}}"))
        for part in ("name", "phone", "secret") if rule.person else ():
            if path := getattr(rule.person, part):
                paths.setdefault(path, (f"fields.{name}", f"fields: {{{name}: {{person: {{{part}: {SPOT}}}}}}}"))
    if mapping.latest is None and entries.rows != "-":
        paths[entries.rows] = "entries.rows", f"entries: {{rows: {SPOT}}}"
        for name in ("key", "at", "status", "code", "operator", "department", "opinion"):
            if path := getattr(entries, name):
                paths[f"{entries.rows}[].{path}"] = f"entries.{name}", f"entries: {{{name}: {SPOT}}}"
    return paths


def _quoted(text: str) -> str:
    """A scalar as it may stand anywhere in YAML: codes and odd characters in quotes."""
    return text if text.replace("_", "").replace(".", "").isalpha() and text.isascii() else json.dumps(text, ensure_ascii=False)

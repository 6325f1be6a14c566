"""Sample records -> what each wire field seems to be: its kind, how often it is filled, codes. Guesses, marked as such.

Personal values must not leave this module: codes are told only of fields that are asked for as codes, never of those
that are called like a person's, hold phones or identity numbers, or free text. Must not know a platform.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.mapping.privacy import names_a_person
from bridge.redaction import redact

MOST_CODES, LONGEST_CODE = 40, 20
_TIMES = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "yyyy-MM-dd HH:mm:ss"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", "yyyy-MM-ddTHH:mm:ss"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", "yyyy-MM-ddTHH:mm:ssXXX"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)", "yyyy-MM-ddTHH:mm:ss.SSSXXX"),
    (r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", "yyyy/MM/dd HH:mm:ss"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "yyyy-MM-dd HH:mm"),
    (r"20\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])([01]\d|2[0-3])[0-5]\d[0-5]\d", "yyyyMMddHHmmss"),
)


@dataclass(frozen=True, slots=True)
class Observed:
    """One wire field over all samples. kind: text, number, flag, time, epoch_ms, epoch_s, list, objects, nothing.
    time: the pattern of a text time. filled, of: in how many samples. members: of the objects of a list. unique: no two
    objects of one record have the same value. numbers: all values are numbers or their text."""

    path: str
    kind: str
    filled: int
    of: int
    time: str = ""
    longest: int = 0
    personal: bool = False
    unique: bool = False
    low: float | None = None
    high: float | None = None
    codes: tuple[str, ...] = ()
    members: tuple[Observed, ...] = ()

    def __str__(self) -> str:
        """What is said of it beside a rule: nothing of its values."""
        longest = f"，最长 {self.longest} 字 / longest" if self.kind == "text" else ""
        return f"{self.kind} {self.time}".rstrip() + f"，{self.filled}/{self.of} 有值 / filled{longest}"


def observe(records: Sequence[Mapping[str, Any]]) -> tuple[Observed, ...]:
    """Every field of the samples in their order; objects inside are entered, lists of objects have members."""
    groups: dict[str, list[Any]] = {}
    for record in records:
        for path, value in _leaves(record):
            groups.setdefault(path, []).append(value)
    return tuple(_observed(path, values, len(records)) for path, values in groups.items())


def _leaves(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, part in value.items():
        if not isinstance(name, str) or re.search(r"[\s.]", name) or not name:
            continue  # no path of the mapping language can name it
        path = f"{above}.{name}" if above else name
        if isinstance(part, Mapping):
            yield from _leaves(part, path)
        else:
            yield path, part


def _observed(path: str, values: list[Any], of: int) -> Observed:
    held = [value for value in values if value not in (None, "", [])]
    lists = [value for value in held if isinstance(value, list)]
    if lists:
        objects = [one for value in lists for one in value if isinstance(one, Mapping)]
        members = observe(objects)
        alone = {m.path for m in members if all(_unique(value, m.path) for value in lists)}
        told = tuple(_with_unique(m, m.path in alone) for m in members)
        return Observed(path, "objects" if objects else "list", len(held), of, members=told)
    kind, time = _kind(held)
    texts = [str(value) for value in held]
    numbers = [number for text in texts if (number := _number(text)) is not None]
    personal = names_a_person(path.rpartition(".")[2]) or any(redact(text) != text for text in texts)
    return Observed(
        path, kind, len(held), of, time, max(map(len, texts), default=0), personal,
        low=min(numbers) if len(numbers) == len(texts) and numbers else None,
        high=max(numbers) if len(numbers) == len(texts) and numbers else None,
        codes=() if personal or kind not in ("text", "number") else _codes(texts),
    )  # fmt: skip


def _with_unique(one: Observed, unique: bool) -> Observed:
    return Observed(one.path, one.kind, one.filled, one.of, one.time, one.longest, one.personal, unique, one.low, one.high,
                    one.codes, one.members)  # fmt: skip


def _unique(rows: list[Any], path: str) -> bool:
    values = [str(row.get(path)) for row in rows if isinstance(row, Mapping)]
    return len(set(values)) == len(values) and "None" not in values


def _kind(values: list[Any]) -> tuple[str, str]:
    if not values:
        return "nothing", ""
    if all(isinstance(value, bool) for value in values):
        return "flag", ""
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        for kind, unit in (("epoch_s", 1), ("epoch_ms", 1000)):
            if all(1_000_000_000 <= value / unit < 10_000_000_000 for value in values):
                return kind, ""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return "number", ""
    for form, pattern in _TIMES:
        if all(isinstance(value, str) and re.fullmatch(form, value) for value in values):
            return "time", pattern
    return "text", ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _codes(texts: list[str]) -> tuple[str, ...]:
    """The values, most frequent first, if they look like codes: few, short, without blanks."""
    counted = Counter(texts)
    if len(counted) > MOST_CODES or any(len(text) > LONGEST_CODE or re.search(r"\s", text) for text in counted):
        return ()
    return tuple(text for text, _ in counted.most_common())

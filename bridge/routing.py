"""Who else must know of a call: pure rules over its canonical fields. Knows no platform, no ledger, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Operator = Literal["is", "is_not", "in", "begins", "contains", "present", "absent", "at_least"]
URGENCY = {"ordinary": 0, "urgent": 1, "critical": 2}


@dataclass(frozen=True, slots=True)
class Test:
    """One condition: a canonical field (`area.town`, `item.code`, `lead.name`, `title`, `text` = title and description,
    `urgency`, `stage`, `origin`), an operator, a value."""

    field: str
    operator: Operator
    value: str | tuple[str, ...] = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """all: every one holds; any: at least one holds (if there are any); none: none holds. Empty = always."""

    all: tuple[Test | Condition, ...] = ()
    any: tuple[Test | Condition, ...] = ()
    none: tuple[Test | Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """Calls recorded on one of `sources` that fit `when` go to `to`."""

    name: str
    sources: tuple[str, ...]
    to: str
    when: Condition = Condition()


@dataclass(frozen=True, slots=True)
class Decision:
    """What one route says of one call, and why."""

    route: str
    to: str
    goes: bool
    reason: str


def decide(routes: Iterable[Route], origin: str, fields: Mapping[str, Any], stage: str | None) -> list[Decision]:
    """Every route's word on a call that was recorded on `origin`. A call never goes back to its origin."""
    decisions = []
    for route in routes:
        if origin not in route.sources:
            decisions.append(Decision(route.name, route.to, False, f"来源不是 / not from {', '.join(route.sources)}"))
        elif route.to == origin:
            decisions.append(Decision(route.name, route.to, False, "来源平台自身 / its own platform"))
        else:
            failed = _failing(route.when, {**fields, "stage": stage, "origin": origin})
            decisions.append(Decision(route.name, route.to, failed is None, failed or "符合 / fits"))
    return decisions


def targets(routes: Iterable[Route], origin: str, fields: Mapping[str, Any], stage: str | None) -> list[str]:
    """The platforms a call must be on, in the routes' order, each once."""
    return list(dict.fromkeys(d.to for d in decide(routes, origin, fields, stage) if d.goes))


def _failing(condition: Condition, fields: Mapping[str, Any]) -> str | None:
    """The first thing that does not hold, in words; None if the condition holds."""
    for part in condition.all:
        if (why := _part_failing(part, fields)) is not None:
            return why
    if condition.any and all(_part_failing(part, fields) is not None for part in condition.any):
        return "any 中无一符合 / none of `any` holds"
    for part in condition.none:
        if _part_failing(part, fields) is None:
            return "none 中有符合的 / one of `none` holds"
    return None


def _part_failing(part: Test | Condition, fields: Mapping[str, Any]) -> str | None:
    if isinstance(part, Condition):
        return _failing(part, fields)
    value = value_of(part.field, fields)
    if holds(part, value):
        return None
    return f"{part.field} {part.operator} {part.value}: 实为 / is {value!r}"


def value_of(field: str, fields: Mapping[str, Any]) -> Any:
    """A canonical field, or a part of one (`item.code`), or `text`."""
    if field in fields:
        return fields[field]
    if field == "text":
        return f"{fields.get('title') or ''}\n{fields.get('description') or ''}"
    above, _, part = field.rpartition(".")
    inner = fields.get(above) if above else None
    return inner.get(part) if isinstance(inner, Mapping) else None


def holds(test: Test, value: Any) -> bool:
    """Does this value satisfy the test? An absent value satisfies only `absent` and `is_not`."""
    wanted = test.value
    text = "" if value is None else str(value)
    match test.operator:
        case "present":
            return value not in (None, "", [], {})
        case "absent":
            return value in (None, "", [], {})
        case "is":
            return value is not None and text == wanted
        case "is_not":
            return text != wanted
        case "in":
            return value is not None and text in wanted
        case "begins":
            return value is not None and text.startswith(wanted)
        case "contains":
            words = (wanted,) if isinstance(wanted, str) else wanted
            return any(word in text for word in words)
        case "at_least":
            return URGENCY.get(text, -1) >= URGENCY.get(str(wanted), 99)

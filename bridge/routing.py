"""Who else must know of a call: pure rules over its canonical fields. Knows no platform, no ledger, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bridge.route_words import EXCLUDED, FITS, NONE_OF_ANY, condition_words, found_words

Operator = Literal["is", "is_not", "in", "begins", "contains", "present", "absent", "at_least"]
URGENCY = {"ordinary": 0, "urgent": 1, "critical": 2}


@dataclass(frozen=True, slots=True)
class Test:
    """One condition: a canonical field (`area.town`, `item.code`, `item.class`, `lead.name`, `title`, `text` = title and
    description, `urgency`, `stage`, `origin`), an operator, a value."""

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
    """Calls recorded on one of `sources` that fit `when` go to `to`. matters: what the catalogues say of an item
    (`catalogue:code` -> its `class`, and as `matter` itself and what is the same elsewhere)."""

    name: str
    sources: tuple[str, ...]
    to: str
    when: Condition = Condition()
    matters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Decision:
    """What one route says of one call, and why."""

    route: str
    to: str
    goes: bool
    reason: str


def decide(
    routes: Iterable[Route], origin: str, fields: Mapping[str, Any], stage: str | None,
    names: Mapping[str, str] | None = None,
) -> list[Decision]:  # fmt: skip
    """Every route's word on a call that was recorded on `origin`, its reason in words. A call never goes back to its
    origin. names: of area codes, for the words only."""
    decisions = []
    for route in routes:
        if origin not in route.sources:
            said = f"来源不是 {'、'.join(route.sources)} / not recorded there"
            decisions.append(Decision(route.name, route.to, False, said))
        elif route.to == origin:
            decisions.append(Decision(route.name, route.to, False, "来源平台自身 / its own platform"))
        else:
            known = {**fields, "item": _item(route, fields), "stage": stage, "origin": origin}
            failed = _failing(route.when, known, names or {})
            reason = failed or f"{FITS}{_fitting(route.when, known, names or {})}"
            decisions.append(Decision(route.name, route.to, failed is None, reason))
    return decisions


def targets(routes: Iterable[Route], origin: str, fields: Mapping[str, Any], stage: str | None) -> list[str]:
    """The platforms a call must be on, in the routes' order, each once."""
    return list(dict.fromkeys(d.to for d in decide(routes, origin, fields, stage) if d.goes))


def _item(route: Route, fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The item with what the catalogues say of it."""
    item = fields.get("item")
    return {**item, **route.matters.get(f"{item.get('catalogue')}:{item.get('code')}", {})} if item else None


def _failing(condition: Condition, fields: Mapping[str, Any], names: Mapping[str, str]) -> str | None:
    """The first thing that does not hold, in words; None if the condition holds."""
    for part in condition.all:
        if (why := _part_failing(part, fields, names)) is not None:
            return why
    alternatives = [_part_failing(part, fields, names) for part in condition.any]
    if alternatives and None not in alternatives:
        return NONE_OF_ANY + "；".join(why for why in alternatives if why)
    for part in condition.none:
        if _part_failing(part, fields, names) is None:
            return EXCLUDED + (_part_words(part, fields, names) or "")
    return None


def _part_failing(part: Test | Condition, fields: Mapping[str, Any], names: Mapping[str, str]) -> str | None:
    if isinstance(part, Condition):
        return _failing(part, fields, names)
    value = value_of(part.field, fields)
    if holds(part, value):
        return None
    wanted = condition_words(part.field, part.operator, part.value, names)
    return f"{wanted}，{found_words(part.field, value, names)}"


def _fitting(condition: Condition, fields: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """What of a condition that holds was asked and held, in words."""
    held = [part for part in condition.any if _part_failing(part, fields, names) is None]
    return "；".join(words for part in (*condition.all, *held) if (words := _part_words(part, fields, names)))


def _part_words(part: Test | Condition, fields: Mapping[str, Any], names: Mapping[str, str]) -> str:
    if isinstance(part, Condition):
        return _fitting(part, fields, names)
    return condition_words(part.field, part.operator, part.value, names)


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
    """Does this value satisfy the test? An absent value satisfies only `absent` and `is_not`. Of several values
    (`item.matter`) one is enough for `is` and `in`."""
    wanted = test.value
    if isinstance(value, tuple) and test.operator in ("is", "in"):
        return any(holds(test, one) for one in value)
    if isinstance(value, tuple) and test.operator == "is_not":
        return wanted not in value
    text = "" if value is None else str(value)
    match test.operator:
        case "present":
            return value not in (None, "", [], {}, ())
        case "absent":
            return value in (None, "", [], {}, ())
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

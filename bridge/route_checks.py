"""A county's routes against what exists: canonical fields, operators that suit them, values that can occur.

Pure. Whether the platforms that a route names exist is `bridge.configuration`'s to say.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import get_args

from bridge.divisions import DIGITS, Divisions
from bridge.documents import Document, KeyPath, Problem, nearest
from bridge.mapping.language import CANONICAL
from bridge.routing import URGENCY, Condition, Operator, Route, Test
from schemas.call import Channel, Kind
from schemas.county import ConditionEntry, FieldTest, RouteEntry
from schemas.lifecycle import Stage

PRESENCE = ("present", "absent")
WORDS = ("is", "is_not", "in", "begins", "contains", *PRESENCE)
CHOICE = ("is", "is_not", "in", *PRESENCE)
CODE = (*CHOICE, "begins")
OPERATORS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    **{field: WORDS if kind == "text" else PRESENCE for field, kind in CANONICAL.items()},
    **{f"{field}.{part}": WORDS for field in ("item", "lead") for part in ("code", "name")},
    "item.catalogue": CHOICE, "text": WORDS, "tags": ("contains", *PRESENCE), "kind": CHOICE, "channel": CHOICE,
    "stage": CHOICE, "origin": CHOICE, "urgency": (*CHOICE, "at_least"), **{f"area.{level}": CODE for level in DIGITS},
})  # fmt: skip
"""Every field that a condition may name, and what may be asked of it."""

ONE_OF: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "kind": get_args(Kind), "channel": get_args(Channel), "stage": tuple(Stage), "urgency": tuple(URGENCY),
})  # fmt: skip


def route_of(entry: RouteEntry) -> Route:
    """The rule as the engine wants it."""
    return Route(entry.name, entry.sources, entry.to, _condition(entry.when))


def _condition(entry: ConditionEntry) -> Condition:
    def part(one: FieldTest | ConditionEntry) -> Test | Condition:
        if isinstance(one, ConditionEntry):
            return _condition(one)
        value = (one.value,) if one.operator == "in" and isinstance(one.value, str) else one.value
        operator: Operator = next(known for known in get_args(Operator) if known == one.operator)
        return Test(one.field, operator, value)

    return Condition(*(tuple(part(one) for one in group) for group in (entry.all, entry.any, entry.none)))


def check_condition(
    document: Document, key: KeyPath, entry: ConditionEntry, slugs: Collection[str], divisions: Divisions | None
) -> list[Problem]:
    """All that is wrong in a condition. slugs: platforms for `origin`; divisions None: codes are not looked up."""
    problems: list[Problem] = []
    for group in ("all", "any", "none"):
        for index, part in enumerate(getattr(entry, group)):
            here: KeyPath = (*key, group, index)
            if isinstance(part, ConditionEntry):
                problems += check_condition(document, here, part, slugs, divisions)
            else:
                problems += _check_test(document, here, part, slugs, divisions)
    return problems


def _check_test(
    document: Document, key: KeyPath, test: FieldTest, slugs: Collection[str], divisions: Divisions | None
) -> list[Problem]:
    field, operator = test.field, test.operator
    known = OPERATORS.get(field)
    if known is None:
        found = f"没有这个字段 / no field {field!r}"
        return [document.problem(key, found, nearest(field, OPERATORS), "改正字段名 / correct it")]
    if operator not in known:
        return [document.problem(key, f"{field} 不能用运算 / cannot be asked {operator!r}", ", ".join(known),
                                 "改用其中之一 / use one of these")]  # fmt: skip
    values = (test.value,) if isinstance(test.value, str) else test.value
    if operator in PRESENCE:
        if test.value != "":
            return [document.problem(key, f"{operator} 不带值 / takes no value", "", "去掉值 / remove the value")]
        return []
    if not values or "" in values:
        return [document.problem(key, f"{operator} 缺少值 / needs a value", "", "补上值 / add it")]
    if len(values) > 1 and operator in ("is", "is_not", "at_least"):
        found = f"{operator} 只能有一个值 / takes one value"
        return [document.problem(key, found, "in", "多个值用 in / use `in` for several")]
    return [p for value in values if (p := _check_value(document, key, test, value, slugs, divisions)) is not None]


def _check_value(
    document: Document, key: KeyPath, test: FieldTest, value: str, slugs: Collection[str], divisions: Divisions | None
) -> Problem | None:
    field = test.field
    allowed = tuple(slugs) if field == "origin" else ONE_OF.get(field, ())
    if allowed and value not in allowed:
        found = f"{field} 没有这个值 / has no value {value!r}"
        return document.problem(key, found, nearest(value, allowed), "改正 / correct it")
    level = field.removeprefix("area.")
    if divisions is None or level not in DIGITS or not field.startswith("area."):
        return None
    if divisions.begins(level, value) if test.operator == "begins" else divisions.exists(level, value):
        return None
    found = f"行政区划中没有这个代码 / divisions.csv has no {level} {value!r}"
    remedy = "改正，或补入 config/divisions.csv / correct it, or add it to divisions.csv"
    return document.problem(key, found, divisions.near(level, value), remedy)

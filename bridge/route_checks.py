"""A county's routes against what exists: canonical fields, operators that suit them, values that can occur.

Pure. Whether the platforms that a route names exist is `bridge.configuration`'s to say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, get_args

from bridge.catalogues import Catalogues
from bridge.divisions import DIGITS, Divisions
from bridge.documents import Document, KeyPath, Problem, nearest
from bridge.mapping.language import CANONICAL, Named
from bridge.routing import URGENCY, Condition, Operator, Route, Test
from schemas.call import Channel, Kind
from schemas.county import ConditionEntry, FieldTest, RouteEntry
from schemas.lifecycle import Stage

PRESENCE = ("present", "absent")
WORDS = ("is", "is_not", "in", "begins", "contains", *PRESENCE)
CHOICE = ("is", "is_not", "in", *PRESENCE)
CODE = (*CHOICE, "begins")
OPERATORS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    **{field: WORDS if kind == "text" else PRESENCE for field, kind in CANONICAL.items() if field != "division"},
    **{f"{field}.{part}": WORDS for field in ("item", "lead") for part in ("code", "name")},
    "item.catalogue": CHOICE, "item.class": WORDS, "item.matter": CHOICE, "text": WORDS, "tags": ("contains", *PRESENCE),
    "kind": CHOICE, "channel": CHOICE,
    "stage": CHOICE, "origin": CHOICE, "urgency": (*CHOICE, "at_least"), **{f"area.{level}": CODE for level in DIGITS},
})  # fmt: skip
"""Every field that a condition may name, and what may be asked of it."""

ONE_OF: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "kind": get_args(Kind), "channel": get_args(Channel), "stage": tuple(Stage), "urgency": tuple(URGENCY),
})  # fmt: skip


def route_of(entry: RouteEntry, matters: Mapping[str, Mapping[str, Any]]) -> Route:
    """The rule as the engine wants it. matters: see `matters_of`."""
    return Route(entry.name, entry.sources, entry.to, _condition(entry.when), matters)


def matters_of(catalogues: Catalogues) -> dict[str, dict[str, Any]]:
    """What the catalogues say of each item, for conditions: `catalogue:code` -> its class, and what it is elsewhere."""
    return {
        str(link): {"class": item.group, "matter": (str(link), *(str(one) for one in item.same_as))}
        for link, item in catalogues.items()
    }


def item_values(listed: Iterable[Named], matters: Mapping[str, Mapping[str, Any]]) -> dict[str, frozenset[str]]:
    """The values that `item.…` can have in calls of platforms with these items: condition field -> values."""
    named = list(listed)
    keys = [f"{one.catalogue}:{code}" for one in named for code in one.codes]
    return {
        "item.catalogue": frozenset(one.catalogue for one in named),
        "item.code": frozenset(code for one in named for code in one.codes),
        "item.name": frozenset(name for one in named for name in one.codes.values()),
        "item.class": frozenset(matters[key]["class"] for key in keys if key in matters) - {""},
        "item.matter": frozenset(one for key in keys if key in matters for one in matters[key]["matter"]),
    }


def _condition(entry: ConditionEntry) -> Condition:
    def part(one: FieldTest | ConditionEntry) -> Test | Condition:
        if isinstance(one, ConditionEntry):
            return _condition(one)
        value = (one.value,) if one.operator == "in" and isinstance(one.value, str) else one.value
        operator: Operator = next(known for known in get_args(Operator) if known == one.operator)
        return Test(one.field, operator, value)

    return Condition(*(tuple(part(one) for one in group) for group in (entry.all, entry.any, entry.none)))


def check_condition(
    document: Document, key: KeyPath, entry: ConditionEntry, slugs: Collection[str], divisions: Divisions | None,
    items: Mapping[str, Collection[str]],
) -> list[Problem]:  # fmt: skip
    """All that is wrong in a condition. slugs: platforms for `origin`; divisions None: codes are not looked up; items:
    the values that `item.…` can have (`item_values`), empty: not looked up."""
    problems: list[Problem] = []
    for group in ("all", "any", "none"):
        for index, part in enumerate(getattr(entry, group)):
            here: KeyPath = (*key, group, index)
            if isinstance(part, ConditionEntry):
                problems += check_condition(document, here, part, slugs, divisions, items)
            else:
                problems += _check_test(document, here, part, slugs, divisions, items)
    return problems


def _check_test(
    document: Document, key: KeyPath, test: FieldTest, slugs: Collection[str], divisions: Divisions | None,
    items: Mapping[str, Collection[str]],
) -> list[Problem]:  # fmt: skip
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
    if field in items:
        return [p for value in values if (p := _check_item(document, key, test, value, items[field])) is not None]
    return [p for value in values if (p := _check_value(document, key, test, value, slugs, divisions)) is not None]


def _check_item(
    document: Document, key: KeyPath, test: FieldTest, value: str, known: Collection[str]
) -> Problem | None:
    """A code, name or class that no item of the sources has. Words that are merely contained may be anything."""
    begins = test.operator == "begins" and any(one.startswith(value) for one in known)
    if value in known or begins or test.operator == "contains":
        return None
    found = f"来源平台的事项目录中没有 / no item of the sources has {test.field} {value!r}"
    return document.problem(key, found, nearest(value, known), "改正，或补入目录 / correct it, or add it there")


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

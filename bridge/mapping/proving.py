"""Round trips canonical -> wire -> canonical over a mapping's two-way fields: what does not come back as declared.

The values are made from the mapping's own tables, lists and limits, so the proof is the same every time. A value that
has no code of its own, or is longer than a limit, is declared to come back coarser or cut; all others must come back as
they were. This module must not know a platform.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bridge.mapping import converters, coordinates
from bridge.mapping.compiler import Compiled, compile_fields
from bridge.mapping.language import CANONICAL, Limit, Mapping, Rule
from bridge.mapping.notes import Fields, Notes, Unreadable
from bridge.mapping.translator import Translator
from schemas.moment import SHANGHAI, moment

TEXTS = ("井盖缺失", "第一行\n第二行", "陈𬱖 😀 ①Ａ", "1e3", " 前后有空格 ", "<&>\"'")
MOMENTS = ("2026-03-02T00:00:00+08:00", "2026-02-28T23:59:59+08:00", "2028-02-29T12:00:00+08:00")
PLACES = ((119.3345, 35.1187), (119.234567, 35.301234), (118.9, 36.0))
METRES = 111_320.0  # of one degree of latitude
CLOSE = 0.1  # metres


def prove(translator: Translator) -> list[str]:
    """One line for each value that does not come back as the mapping declares: field, value, what came back instead."""
    mapping = translator.mapping
    compiled = compile_fields(mapping)
    base = {field: value for field, rule in mapping.fields.items() for value in _first(mapping, field, rule)}
    failures = []
    for field, rule in mapping.fields.items():
        if rule.way != "both" or rule.value is not None:
            continue
        for value in _values(mapping, field, rule):
            try:
                back = _trip(compiled, {**base, field: value}).get(field)
                again = _trip(compiled, {**base, field: back}).get(field) if back is not None else None
            except Unreadable as error:
                failures.append(f"{field} = {_short(value)}：{error}")
                continue
            if words := _wrong(rule, value, back):
                failures.append(f"{field} = {_short(value)}：{words}")
            elif back != again:
                failures.append(f"{field} = {_short(value)}：每次往返都在变 / changes with every trip: {_short(again)}")
    return failures


def _trip(compiled: Compiled, fields: Fields) -> Fields:
    return compiled.read(compiled.write(fields, Notes()), Notes())


def _first(mapping: Mapping, field: str, rule: Rule) -> Iterator[Any]:
    """The value that a required field has while another field is tried."""
    if rule.way != "read" and rule.required:
        yield next(_values(mapping, field, rule))


def _values(mapping: Mapping, field: str, rule: Rule) -> Iterator[Any]:
    if rule.table:
        yield from dict.fromkeys(mapping.tables[rule.table].codes.values())
        return
    match rule.convert:
        case "text" if CANONICAL[field] == "text":
            yield from _texts(rule.limit)
        case "text" | "code":
            yield from ("371103103205001"[:9], "0101")
        case "time" | "epoch_ms" | "epoch_s":
            yield from MOMENTS
        case "point":
            for lon, lat in PLACES:
                yield {"lon": lon, "lat": lat, "x": f"{lon}", "y": f"{lat}", "crs": "WGS 84"}
        case "person":
            yield {"name": "张示例", "phone_text": "13900000001", "phones": ["13900000001"]}
            yield {"name": "张示例", "phone_text": "13900000001", "phones": ["13900000001"], "confidential": True}
        case "item":
            assert mapping.items
            for code, name in mapping.items.codes.items():
                yield {"catalogue": mapping.items.catalogue, "code": code, "name": name}
        case "department" | "departments":
            assert mapping.departments
            listed = [{"code": code, "name": name} for code, name in mapping.departments.codes.items()]
            yield from listed if rule.convert == "department" else [listed, listed[:1]]
        case "list":
            yield from (["一"], ["一", "二"])


def _texts(limit: Limit | None) -> Iterator[str]:
    yield from TEXTS
    if limit:
        for character in ("字", "𬱖", "a"):
            size = converters.length(character, limit.count)
            yield character * (limit.max // size)
            yield character * (limit.max // size + 1)


def _wrong(rule: Rule, value: Any, back: Any) -> str:
    """What is wrong with the value that came back; empty if it is as declared."""
    if rule.convert == "person" and rule.person is not None:
        return _wrong_person(rule, value, back)
    if back is None:
        return "没有读回 / did not come back"
    if rule.convert == "point":
        lost = _metres(value, back)
        degrees = coordinates.reference_system(back["crs"]).zone is None
        allowed = CLOSE + (METRES if degrees else 1) * 10.0**-rule.decimals
        return f"偏移 / moved by {lost:.2f} m" if lost > allowed else ""
    if rule.convert in ("time", "epoch_ms", "epoch_s"):
        return "" if _same_moment(back, value, rule) else f"读回 / came back as {back}"
    if rule.limit and isinstance(value, str) and converters.length(value, rule.limit.count) > rule.limit.max:
        fits = converters.length(back, rule.limit.count) <= rule.limit.max and value.startswith(back.rstrip("…"))
        return "" if fits else f"截断不当 / cut wrongly: {_short(back)}"
    return "" if back == value else f"读回 / came back as {_short(back)}"


def _metres(one: Fields, other: Fields) -> float:
    east = (one["lon"] - other["lon"]) * math.cos(math.radians(one["lat"]))
    return METRES * math.hypot(east, one["lat"] - other["lat"])


def _same_moment(back: str, value: str, rule: Rule) -> bool:
    one, other = moment(back), moment(value)
    return one == other if rule.time is None or "s" in rule.time else _day(one) == _day(other)


def _day(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d}"


def _wrong_person(rule: Rule, value: Any, back: Any) -> str:
    parts, back = rule.person, back or {}
    assert parts
    if value.get("confidential"):
        if back.get("name") or back.get("phones"):
            return "保密人员的信息被写出 / a confidential person was written"
        if (parts.secret or parts.secret_word) and not (back.get("confidential") or back.get("anonymous")):
            return "保密标志丢失 / secrecy was lost"
        return ""
    if back.get("confidential") or back.get("anonymous"):
        return "读回成了保密人员 / came back as confidential"
    if parts.name and back.get("name") != value["name"]:
        return f"姓名读回 / the name came back as {_short(back.get('name'))}"
    if parts.phone and back.get("phones") != value["phones"]:
        return "电话没有读回 / the phone did not come back"
    return ""


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…({len(text)})"

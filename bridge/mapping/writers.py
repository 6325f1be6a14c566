"""From one canonical value to its wire value: the converters that a rule names, on the way out.

A writer tells what is lost to its notes and raises Unreadable where a value cannot be told and no fallback is declared.
This module must not know a platform, entries or how operations are chosen.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from bridge.documents import nearest
from bridge.mapping import converters, coordinates
from bridge.mapping.language import Limit, Mapping, Named, PersonParts, Rule, Table
from bridge.mapping.notes import Fields, Notes, Unreadable
from schemas.call import Point
from schemas.moment import moment

Write = Callable[[Any, Notes], Any]
_TAG = re.compile(r"<(?=[A-Za-z/!?])")


def time_writer(mapping: Mapping, form: str, pattern: str | None, zone: str | None) -> Callable[[Any], Any]:
    """An aware datetime or its ISO text -> the platform's own form."""
    where = ZoneInfo(zone or mapping.zone)
    if form == "time":
        compiled = converters.time_pattern(pattern or mapping.time or "yyyy-MM-dd HH:mm:ss")
        return lambda value: converters.write_time(moment(value), compiled, where)
    write = converters.write_epoch_ms if form == "epoch_ms" else converters.write_epoch_s
    return lambda value: write(moment(value))


def writer_of(mapping: Mapping, field: str, rule: Rule) -> Write:
    """The converter of one field on the way out: (canonical JSON value, notes) -> wire value."""
    if rule.table:
        return _table_writer(mapping.tables[rule.table], field, rule.wire[0], f"tables.{rule.table}.write")
    match rule.convert:
        case "time" | "epoch_ms" | "epoch_s":
            write_time = time_writer(mapping, rule.convert, rule.time, rule.zone)
            return lambda v, n: write_time(v)
        case "point":
            return _point_writer(rule, rule.crs or mapping.crs or "WGS 84")
        case "person":
            assert rule.person
            return _person_writer(mapping, field, rule.person)
        case "item":
            assert mapping.items
            named = mapping.items
            return lambda v, n: item_code(named, v, n)
        case "department":
            assert mapping.departments
            departments = mapping.departments
            return lambda v, n: department_code(departments, v) or departments.other
        case "departments":
            assert mapping.departments
            listed = mapping.departments
            return lambda v, n: [code for one in v if (code := department_code(listed, one))]
        case "list" | "flag" | "number":
            return lambda v, n: v
        case _:
            write = limited(rule.limit, field, rule.wire[0])
            return (lambda v, n: write(_TAG.sub("＜", str(v)), n)) if rule.plain else write


def lacking(field: str, wire: str) -> Unreadable:
    """What is said of a call without a value that the platform requires."""
    remedy = "为该字段设 default，或在来源平台补上 / set a `default`, or add the value where it came from"
    return Unreadable(field, wire, "呼叫没有此值 / the call has no such value", "", f"fields.{field}", remedy)


def limited(limit: Limit | None, field: str, wire: str) -> Write:
    """Text cut or refused at a limit, counted as the platform counts."""
    if limit is None:
        return lambda v, n: str(v)

    def write(value: Any, note: Notes) -> str:
        text = str(value)
        size = converters.length(text, limit.count)
        if size <= limit.max:
            return text
        if limit.then == "refuse":
            found = f"长度 {size} 超过 {limit.max} / longer than {limit.max}"
            raise Unreadable(field, wire, found, f"≤ {limit.max}", f"fields.{field}.limit",
                             "改短原文，或设 then: cut / shorten it, or set `then: cut`")  # fmt: skip
        note(f"长度 {size}，截至 {limit.max} / cut to {limit.max}")
        return converters.cut(text, limit.max, limit.count, ellipsis="…")

    return write


def _table_writer(table: Table, field: str, wire: str, key: str) -> Write:
    back: dict[Any, str] = {}
    for code, value in table.codes.items():
        back.setdefault(value, code)
    back |= table.write

    def write(value: Any, note: Notes) -> Any:
        if value in back:
            return back[value]
        if table.otherwise and table.otherwise.write is not None:
            note(f"{value!r} 在该平台无对应代码，写为 {table.otherwise.write} / has no code there")
            return table.otherwise.write
        known = nearest(str(value), map(str, back))
        raise Unreadable(field, wire, f"没有对应代码 / no code for {value!r}", known, key,
                         "在 write 中补上，或写明 otherwise / add it under `write` or declare `otherwise`")  # fmt: skip

    return write


def _point_writer(rule: Rule, crs: str) -> Write:
    def write(value: Any, note: Notes) -> Any:
        try:
            x, y = coordinates.write_point(Point.model_validate(value, strict=False), crs, rule.decimals)
        except ValueError as error:  # a place that this platform's system cannot hold: the address must do
            note(str(error))
            return None
        return (x, y) if rule.as_text else (float(x), float(y))

    return write


def _person_writer(mapping: Mapping, field: str, parts: PersonParts) -> Write:
    shorten = limited(parts.name_limit, "name", parts.name or "")
    phone_size = limited(parts.phone_limit, "phone", parts.phone or "")
    limit, pattern = parts.phone_limit, re.compile(parts.phone_pattern) if parts.phone_pattern else None
    secret = parts.secret or ""
    coded: Write = (
        _table_writer(mapping.tables[parts.table], field, secret, f"tables.{parts.table}.write")
        if parts.table
        else (lambda v, n: v)
    )

    def write(value: Any, note: Notes) -> Any:
        if not value:
            return {}
        if value.get("confidential") or value.get("anonymous"):
            hidden: Fields = {"name": parts.secret_word} if parts.secret_word else {}
            return hidden | ({"secret": coded(True, note)} if parts.secret else {})
        wire: Fields = {"secret": coded(False, note)} if parts.secret else {}
        if value.get("name"):
            wire["name"] = shorten(value["name"], note)
        phones = value.get("phones") or []
        usable = [p for p in (phones if phones else [value.get("phone_text") or ""]) if p]
        if usable and (number := fitting(usable[0])):
            wire["phone"] = number
        elif usable and not phones and pattern is None:
            wire["phone"] = phone_size(usable[0], note)
        elif usable and pattern is None:
            note("电话放不下，未写：截断的号码是另一个号码 / the phone does not fit and is left out: cut, it would be another one")
        return wire

    def fitting(number: str) -> str | None:
        """The number as the platform can hold it: an extension also in its shorter form."""
        for one in (number, number.replace(" ext ", "-")):
            room = limit is None or converters.length(one, limit.count) <= limit.max
            if room and (pattern is None or pattern.fullmatch(one)):
                return one
        return None

    return write


def item_code(named: Named, item: Any, note: Notes) -> str:
    """Our own code, else by the link `catalogue:code`, by the exact name, by another name under `same_as`, else the
    declared *other*."""
    item = item or {}
    catalogue, code, name = item.get("catalogue"), item.get("code"), item.get("name")
    if catalogue == named.catalogue and code in named.codes:
        return str(code)
    by_name = {listed: own for own, listed in named.codes.items()}
    found = named.same_as.get(f"{catalogue}:{code}") or by_name.get(name) or named.same_as.get(name)
    if not found:
        note(f"事项 {name or code!r} 无对应，写为其他 / no such item here, written as {named.other}")
    return found or named.other


def department_code(named: Named, target: Any) -> str | None:
    """The code of a department: by our own list (same code and name), by exact name, by `same_as`, or a town's code."""
    if not target:
        return None
    code, name = target.get("code"), target.get("name")
    if code in named.codes and name in (None, named.codes[code]):
        return str(code)
    for own, listed in named.codes.items():
        if name and listed == name:
            return str(own)
    if name in named.same_as:
        return named.same_as[name]
    if named.towns and code and re.fullmatch(r"3711[0-9]{5}", code, re.ASCII):
        return str(code)
    return None

"""The check of what a mapping says of values: fields, converters, code tables, items, departments, times and places.

This module must not know a platform, nor how a value is converted; the converters themselves judge patterns, zones and
reference systems.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, get_args
from zoneinfo import ZoneInfo

from bridge.documents import Document, KeyPath, Problem, nearest
from bridge.mapping import converters, coordinates
from bridge.mapping.language import CANONICAL, Mapping, Named, PersonParts, Rule, Table
from schemas.call import Channel, Kind, Urgency

FITTING = {
    "text": ("text", "code"),
    "code": ("code", "text"),
    "time": ("time", "epoch_ms", "epoch_s"),
    "list": ("list",),
    "item": ("item",),
    "point": ("point",),
    "person": ("person",),
    "department": ("department",),
    "departments": ("departments",),
    "files": ("files",),
    "pairs": ("pairs",),
}
"""Kind of a canonical field -> the converters that give such a value."""

LISTED: dict[str, tuple[str, ...]] = {
    "urgency": get_args(Urgency),
    "channel": get_args(Channel),
    "kind": get_args(Kind),
}
"""Canonical fields whose values are a closed list."""

OPTIONS = {
    "time": ("time",),
    "zone": ("time",),
    "crs": ("point",),
    "decimals": ("point",),
    "as_text": ("point",),
    "person": ("person",),
    "files": ("files",),
    "pairs": ("pairs",),
    "join": ("item",),
    "limit": ("text", "code"),
    "plain": ("text",),
    "default": ("text", "code", "time", "epoch_ms", "epoch_s", "department", "list"),
    "required": ("text", "code", "time", "epoch_ms", "epoch_s", "item", "department", "departments", "list"),
}
"""Options of a rule -> the converters for which they do something."""

ONE_WAY = {**dict.fromkeys(("default", "required", "limit", "plain"), "read"), **dict.fromkeys(("when", "empty", "value"), "write")}
"""Options -> the way in which they do nothing."""


def check_fields(document: Document, mapping: Mapping) -> Iterator[Problem]:
    """Everything wrong under `fields`, `tables`, `items`, `departments`, `ignored`, `zone`, `time`, `crs`, `box`."""
    yield from _check_ground(document, mapping)
    for field, rule in mapping.fields.items():
        yield from _check_rule(document, mapping, field, rule)
    for section, named in (("items", mapping.items), ("departments", mapping.departments)):
        if named is not None:
            yield from _check_named(document, mapping, section, named)
    yield from _check_paths(document, mapping)


def _check_ground(document: Document, mapping: Mapping) -> Iterator[Problem]:
    yield from _valid(document, ("zone",), mapping.zone, ZoneInfo, "Asia/Shanghai")
    if mapping.time is not None:
        yield from _valid(document, ("time",), mapping.time, converters.time_pattern)
    if mapping.crs is not None:
        yield from _valid(document, ("crs",), mapping.crs, coordinates.reference_system)
    if mapping.box is not None:
        west, south, east, north = mapping.box
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            yield document.problem(
                ("box",),
                f"不是一个范围 / no area: {mapping.box}",
                "[west, south, east, north]",
                "按西、南、东、北写经纬度 / degrees in this order",
            )


def _valid(
    document: Document, key: KeyPath, value: str, judge: Callable[[str], object], allowed: str = ""
) -> Iterator[Problem]:
    try:
        judge(value)
    except (ValueError, OSError, LookupError) as error:
        words = f"{value!r}：{error}" if isinstance(error, ValueError) else f"没有 / there is no {value!r}"
        yield document.problem(key, words, allowed, "改正 / correct it")


def _check_rule(document: Document, mapping: Mapping, field: str, rule: Rule) -> Iterator[Problem]:
    key: KeyPath = ("fields", field)
    kind = CANONICAL.get(field)
    if kind is None:
        yield document.problem(
            key,
            f"没有这个字段 / no canonical field {field!r}",
            nearest(field, CANONICAL),
            "改正字段名 / correct the name",
        )
        return
    if rule.value is None and rule.convert not in FITTING[kind]:
        yield document.problem(
            (*key, "convert"),
            f"{rule.convert} 不适用于此字段 / does not give a {kind}",
            ", ".join(FITTING[kind]),
            "改用可用的转换 / use one that fits",
        )
    yield from _check_options(document, mapping, key, kind, rule)
    yield from _check_wires(document, key, rule)
    if rule.time is not None:
        yield from _valid(document, (*key, "time"), rule.time, converters.time_pattern)
    if rule.zone is not None:
        yield from _valid(document, (*key, "zone"), rule.zone, ZoneInfo, "Asia/Shanghai")
    if rule.crs is not None:
        yield from _valid(document, (*key, "crs"), rule.crs, coordinates.reference_system)
    if rule.person is not None:
        yield from _check_person(document, mapping, (*key, "person"), rule.person)
    if rule.table is not None:
        yield from _check_table(document, mapping, key, field, rule, rule.table)
    elif rule.value is not None and rule.value not in LISTED.get(field, (rule.value,)):
        yield document.problem(
            (*key, "value"),
            f"不是该字段的值 / no value of {field}: {rule.value!r}",
            nearest(rule.value, LISTED[field]),
            "改正 / correct it",
        )
    elif field in LISTED and rule.value is None and rule.way != "write":
        yield document.problem(
            key,
            f"{field} 缺少代码表 / needs a table: its values are a closed list",
            ", ".join(LISTED[field]),
            "加上 table / add `table`",
        )


def _check_options(document: Document, mapping: Mapping, key: KeyPath, kind: str, rule: Rule) -> Iterator[Problem]:
    given = rule.model_fields_set
    for option, converts in OPTIONS.items():
        if option in given and (rule.convert not in converts or (rule.table and option == "limit")):
            used = "table" if rule.table else rule.convert
            yield document.problem(
                (*key, option),
                f"对 {used} 无作用 / {option} does nothing with {used}",
                ", ".join(converts),
                f"删去，或改 convert / remove `{option}`, or change `convert`",
            )
    for option, way in ONE_WAY.items():
        if option in given and rule.way == way:
            yield document.problem(
                (*key, option),
                f"way: {way} 时无作用 / does nothing with `way: {way}`",
                "",
                f"删去，或改 way / remove `{option}`, or change `way`",
            )
    spoken = "way" if "way" in given else "value" if rule.value is not None else "convert"
    if rule.value is not None and rule.way == "both":
        yield document.problem(
            (*key, spoken),
            "常量不能写入 / a constant can only be read",
            "way: read",
            "加上 way: read；写入常量用 create.set / add `way: read`; to write one use `create.set`",
        )
    if rule.convert in ("files", "pairs", "phones") and rule.way != "read":
        yield document.problem(
            (*key, spoken),
            f"{rule.convert} 只能读 / can only be read",
            "way: read",
            "加上 way: read / add `way: read`",
        )
    if rule.convert == "files" and "id" not in rule.files:
        yield document.problem(
            key,
            "缺少附件编号 / files need the key of their id",
            "files: {id: …, name: …}",
            "加上 files.id / add `files.id`",
        )
    if rule.convert == "pairs" and len(rule.pairs) != 2:
        yield document.problem(
            key, "应写两个键 / two keys are needed", "pairs: [key, value]", "写出键与值的字段名 / name the two fields"
        )
    if rule.convert == "person" and rule.person is None:
        yield document.problem(
            key,
            "缺少 person / a person needs its parts",
            "person: {name: …, phone: …, secret: …}",
            "加上 person / add `person`",
        )
    if rule.convert == "item" and mapping.items is None:
        yield document.problem(key, "缺少 items / the mapping has no items", "", "加上 items / add the section `items`")
    if kind.startswith("department") and rule.convert.startswith("department") and mapping.departments is None:
        yield document.problem(
            key,
            "缺少 departments / the mapping has no departments",
            "",
            "加上 departments / add the section `departments`",
        )


def _check_wires(document: Document, key: KeyPath, rule: Rule) -> Iterator[Problem]:
    expected = 0 if rule.value is not None or rule.convert == "person" else 2 if rule.convert == "point" else 1
    if rule.join is not None and rule.convert == "item" and len(rule.wire) > 1:
        return
    if len(rule.wire) != expected:
        what = "常量 / a constant" if rule.value is not None else rule.convert
        yield document.problem(
            (*key, "wire"),
            f"写了 {len(rule.wire)} 个 / {len(rule.wire)} given",
            f"{expected} ({what})",
            "改正 wire / correct `wire`",
        )


def _check_person(document: Document, mapping: Mapping, key: KeyPath, parts: PersonParts) -> Iterator[Problem]:
    if not parts.name and not parts.phone:
        yield document.problem(key, "姓名、电话至少写一个 / neither name nor phone", "name, phone", "补上 / add one")
    if parts.phone_pattern is not None:
        try:
            re.compile(parts.phone_pattern)
        except re.error as error:
            yield document.problem(
                (*key, "phone_pattern"), f"正则表达式有误 / no regular expression: {error}", "", "改正 / correct it"
            )
    if parts.secret_word is not None and converters.is_secret_word(parts.secret_word) is None:
        yield document.problem(
            (*key, "secret_word"),
            f"读回时认不出 / not known again when read: {parts.secret_word!r}",
            "保密, 匿名",
            "改用可认出的词 / use a word that is known",
        )
    if parts.table is None:
        return
    table = mapping.tables.get(parts.table)
    if table is None:
        yield _no_table(document, mapping, (*key, "table"), parts.table)
        return
    if any(not isinstance(value, bool) for value in table.codes.values()):
        yield document.problem(
            ("tables", parts.table, "codes"),
            "保密标志只能是 true 或 false / a flag is true or false",
            "true, false",
            "改正 / correct it",
        )
    elif set(table.codes.values()) != {True, False}:
        yield document.problem(
            ("tables", parts.table, "codes"),
            "true、false 须各有代码 / both need a code",
            "true, false",
            "补上 / add the missing one",
        )


def _no_table(document: Document, mapping: Mapping, key: KeyPath, name: str) -> Problem:
    return document.problem(
        key,
        f"没有这个代码表 / no table {name!r}",
        nearest(name, mapping.tables),
        "改正，或在 tables 中补上 / correct it, or add it under `tables`",
    )


def _check_table(
    document: Document, mapping: Mapping, key: KeyPath, field: str, rule: Rule, name: str
) -> Iterator[Problem]:
    table = mapping.tables.get(name)
    if table is None:
        yield _no_table(document, mapping, (*key, "table"), name)
        return
    if CANONICAL[field] not in ("text", "code"):
        yield document.problem((*key, "table"), f"{field} 不能用代码表 / cannot have a table", "", "删去 / remove it")
        return
    if rule.convert != "text":
        yield document.problem(
            (*key, "convert"), "有 table 时不用 convert / does nothing beside `table`", "", "删去 convert / remove it"
        )
    yield from _check_values(document, field, name, table)
    if rule.way == "read":
        return
    missing = [v for v in LISTED.get(field, ()) if v not in table.codes.values() and v not in table.write]
    if missing and (table.otherwise is None or table.otherwise.write is None):
        yield document.problem(
            ("tables", name),
            f"{field} 的这些值没有代码 / no code for {', '.join(missing)}",
            "",
            "在 write 中补上，或写明 otherwise.write / add them under `write`, or `otherwise`",
        )
    codes = {*table.codes, *table.write.values()}
    if rule.default is not None and str(rule.default) not in codes:
        yield document.problem(
            (*key, "default"),
            f"不是表中的代码 / no code of the table: {rule.default!r}",
            nearest(str(rule.default), codes),
            "改正 / correct it",
        )


def _check_values(document: Document, field: str, name: str, table: Table) -> Iterator[Problem]:
    at: KeyPath = ("tables", name)
    said: list[tuple[KeyPath, Any]] = [((*at, "codes", code), value) for code, value in table.codes.items()]
    said += [((*at, "write", value), value) for value in table.write]
    if table.otherwise and table.otherwise.read is not None:
        said.append(((*at, "otherwise", "read"), table.otherwise.read))
    for key, value in said:
        if value not in LISTED.get(field, (value,)) or isinstance(value, bool):
            yield document.problem(
                key,
                f"不是 {field} 的值 / no value of {field}: {value!r}",
                nearest(str(value), LISTED.get(field, ("text",))),
                "改正 / correct it",
            )
    if table.otherwise and table.otherwise.read is not None:
        return  # any code can be read back
    written: list[tuple[KeyPath, Any]] = [((*at, "write", value), code) for value, code in table.write.items()]
    if table.otherwise and table.otherwise.write is not None:
        written.append(((*at, "otherwise", "write"), table.otherwise.write))
    for key, code in written:
        if str(code) not in table.codes:
            yield document.problem(
                key,
                f"代码 {code!r} 写出后读不回 / would not be understood when read again",
                nearest(str(code), table.codes),
                "在 codes 中补上，或改正 / add it, or correct it",
            )


def _check_named(document: Document, mapping: Mapping, section: str, named: Named) -> Iterator[Problem]:
    def known(key: KeyPath, code: str, codes: Named | None, where: str) -> Iterator[Problem]:
        town = codes is not None and codes.towns and re.fullmatch(r"3711[0-9]{5}", code, re.ASCII)
        if codes is None or (code not in codes.codes and not town):
            yield document.problem(
                key,
                f"{where} 中没有代码 {code!r} / no such code under `{where}`",
                nearest(code, codes.codes) if codes else "",
                "改正，或补上 / correct it, or add it",
            )

    yield from known((section, "other"), named.other, named, section)
    for name, code in named.same_as.items():
        yield from known((section, "same_as", name), code, named, section)
    if section == "departments" and named.lead:
        yield document.problem(
            (section, "lead"), "只用于 items / belongs under `items`", "items.lead", "移到 items / move it"
        )
        return
    for item, department in named.lead.items():
        yield from known((section, "lead", item), item, named, section)
        yield from known((section, "lead", item), department, mapping.departments, "departments")


def _check_paths(document: Document, mapping: Mapping) -> Iterator[Problem]:
    """Each wire path is written once, and what is read is not ignored."""
    read: dict[str, str] = {}
    written: dict[str, str] = {}
    twice: list[tuple[KeyPath, str, str]] = []

    def writes(key: KeyPath, path: str, who: str) -> None:
        clash = next((w for w in written if w == path or w.startswith(path + ".") or path.startswith(w + ".")), None)
        if clash is None:
            written[path] = who
        else:
            twice.append((key, path, written[clash]))

    for field, rule in mapping.fields.items():
        parts = rule.person
        paths = [*rule.wire, *(p for p in (parts.name, parts.phone, parts.secret) if p)] if parts else rule.wire
        for path in paths:
            if rule.way != "write":
                read.setdefault(path, field)
            if rule.way != "read":
                writes(("fields", field), path, field)
    if mapping.create:
        if mapping.record.reference:
            writes(("record", "reference"), mapping.record.reference, "record.reference")
        for path in mapping.create.set:
            writes(("create", "set", path), path, f"create.set.{path}")
    for key, path, other in twice:
        yield document.problem(
            key,
            f"{path} 已由 {other} 写入 / is written by {other} already",
            "",
            "其一改为 way: read，或删去 / make one of them `way: read`, or remove it",
        )
    for index, path in enumerate(mapping.ignored):
        if path in read:
            yield document.problem(
                ("ignored", index),
                f"{path} 由字段 {read[path]} 读取 / is read by {read[path]}",
                "",
                "从 ignored 删去 / remove it here",
            )

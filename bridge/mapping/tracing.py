"""What a mapping makes of one sample, field by field, and what it says, as plain rows for people to read.

Personal values are masked here: what this module returns may be shown and kept. It must not know a platform, a
terminal or a file format.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from collections.abc import Mapping as Map
from dataclasses import dataclass, replace
from typing import Any, Literal

from bridge.catalogues import Catalogues
from bridge.documents import Document
from bridge.mapping.concealment import conceal
from bridge.mapping.entries import Entry
from bridge.mapping.flow_checks import one_way
from bridge.mapping.language import Mapping, Named, Rule
from bridge.mapping.notes import ABSENT, Unreadable
from bridge.mapping.paths import taker
from bridge.mapping.privacy import mask_name, mask_phone
from bridge.mapping.translator import Translator
from schemas.catalogue import Link

LONGEST = 200  # characters of a value in a row
Section = Literal["record", "field", "item", "entry", "stage", "unmapped", "wrong"]
ELSEWHERE = {
    "same": "相同 / the same matter", "covered": "归入较宽的事项 / a coarser item that covers it",
    "other": "都是兜底事项 / both are the last resort", "none": "无对应，写为兜底事项 / nothing fits: the last resort",
}  # fmt: skip
"""How an item was found in another catalogue, in words."""


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One line of a trace. wire, found: the wire path and its value; field, value: what it becomes; note: anomalies,
    reasons; line: of the rule in its file, 0 for none."""

    section: Section
    wire: str
    found: str
    field: str
    value: str
    note: str
    line: int


@dataclass(frozen=True, slots=True)
class ShowRow:
    """One line of an explanation: what stands on the wire, what it means, how, and the place that says so."""

    section: str
    wire: str
    meaning: str
    how: str
    file: str
    line: int


def trace(
    translator: Translator, platform: str, body: Map[str, Any], document: Document | None = None,
    catalogues: Catalogues | None = None,
) -> list[TraceRow]:  # fmt: skip
    """What the mapping makes of one record. document: the mapping's own, for the lines. catalogues: where its item is
    looked for, to show what other platforms would be told.

    A record that cannot be understood gives one row `wrong` with the reason and what to mend.
    """
    mapping = translator.mapping

    def line(*key: str | int) -> int:
        return document.where(key)[1] if document else 0

    try:
        understood = translator.understand(platform, body)
    except Unreadable as error:
        allowed = f"；可用 / allowed: {error.allowed}" if error.allowed else ""
        remedy = f"{error.found}{allowed} → {error.remedy}"
        wire = error.wire or ""
        found = shown(_take(body, wire), _personal(mapping).get(wire, ""))
        return [TraceRow("wrong", wire, found, error.field, "", remedy, line(*error.key.split(".")))]
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        words = f"不是这种平台的记录 / no record of this kind ({type(error).__name__})"
        return [TraceRow("wrong", "", "", "", "", words, 0)]
    notes: dict[str, list[str]] = {}
    for field, words in understood.notes:
        notes.setdefault(field, []).append(words)
    said = "；".join
    record = mapping.record
    rows = [
        TraceRow("record", record.id, understood.native_id, "id", understood.native_id, "", line("record", "id")),
        TraceRow("record", record.reference or "", understood.reference or "", "reference", understood.reference or "",
                 "", line("record", "reference")),
        TraceRow("record", record.changed or "", shown(_take(body, record.changed)), "changed",
                 understood.changed or "", said(notes.pop(record.changed or "", [])), line("record", "changed")),
    ]  # fmt: skip
    for field, rule in mapping.fields.items():
        if rule.way == "write":
            continue
        rows.append(_field_row(body, field, rule, understood.fields, said(notes.pop(field, [])), line("fields", field)))
    for field in sorted(set(understood.fields) - set(mapping.fields) - {"extras"}):
        rows.append(TraceRow("field", "", "", field, shown(understood.fields[field]), "由更细的代码得出 / derived", 0))
    if catalogues is not None:
        rows += _elsewhere(understood.fields.get("item"), catalogues)
    for index, entry in enumerate(understood.entries):
        words = said(notes.pop(f"{mapping.entries.rows}[{index}]", []))
        rows.append(_entry_row(mapping, index, entry, words, line("entries", "read")))
    stage = str(understood.stage) if understood.stage else "（无阶段 / no stage）"
    reason = "" if understood.admitted else understood.reason
    at = line("stages", understood.status)
    rows.append(TraceRow("stage", record.status, understood.status, "stage", stage, reason, at))
    rows += [
        TraceRow("unmapped", path, shown(_take(body, path)), "extras", "", "没有规则，原样保存 / no rule: kept", 0)
        for path in understood.unmapped
    ]
    rows += [TraceRow("wrong", place, "", "", "", said(words), 0) for place, words in notes.items() if place]
    return _veiled(rows, understood.fields)


def _veiled(rows: list[TraceRow], fields: Map[str, Any]) -> list[TraceRow]:
    """The rows without the persons' names and numbers in free texts; their own rows are masked already."""
    people = [fields.get(role) or {} for role in ("reporter", "caller")]
    words = [w for p in people for w in (p.get("name"), p.get("phone_text"), *(p.get("phones") or ())) if w]
    return [replace(row, found=conceal(row.found, words), value=conceal(row.value, words)) for row in rows]


def _elsewhere(item: Any, catalogues: Catalogues) -> Iterator[TraceRow]:
    """The item in each other catalogue of platforms; nothing for an item of no catalogue file."""
    if not item or item.get("catalogue") not in catalogues.loaded:
        return
    own = Link(item["catalogue"], item["code"])
    for name, one in catalogues.loaded.items():
        if name != own.catalogue:
            found = catalogues.find(own, name)
            yield TraceRow("item", "", f"{own.code} {item.get('name') or ''}".rstrip(), f"{name} {one.catalogue.title}",
                           f"{found.code} {found.name}", ELSEWHERE[found.how], 0)  # fmt: skip


def _field_row(
    body: Map[str, Any], field: str, rule: Rule, fields: Map[str, Any], note: str, line: int
) -> TraceRow:
    parts = rule.person
    if parts:
        named = [(parts.name, "name"), (parts.phone, "phone"), (parts.secret, "")]
        wires = [path for path, _ in named if path]
        found = " · ".join(shown(_take(body, path), kind) for path, kind in named if path)
    else:
        wires = list(rule.wire or rule.when)
        found = " · ".join(shown(_take(body, path)) for path in wires)
    shown_value = _person if parts else shown
    value = shown_value(fields[field]) if field in fields else "（未显示 / not shown）"
    return TraceRow("field", " · ".join(wires), found, field, value, note, line)


def _entry_row(mapping: Mapping, index: int, entry: Entry, note: str, line: int) -> TraceRow:
    actions = "，".join(
        " ".join(part for part in (str(a.kind), a.to and f"→{a.to}", a.phase if a.phase != "granted" else "",
                                   a.lead and f"[{a.lead.name or a.lead.code}]") if part)
        for a in entry.actions
    )  # fmt: skip
    ignored = f"忽略 / ignored: {entry.ignored}" if entry.ignored else ""
    code = " ".join(part for part in (entry.code, entry.status) if part)
    wire = f"{mapping.entries.rows}[{index}]"
    words = f"{code} {shown(entry.opinion)} {entry.at.isoformat()}"
    return TraceRow("entry", wire, words, entry.key, actions, "；".join(p for p in (ignored, note) if p), line)


def _take(body: Map[str, Any], path: str | None) -> Any:
    return taker(path)(body) if path else ABSENT


def _personal(mapping: Mapping) -> dict[str, str]:
    people = [rule.person for rule in mapping.fields.values() if rule.person]
    names = {p.name: "name" for p in people if p.name}
    return names | {p.phone: "phone" for p in people if p.phone}


def shown(value: Any, kind: str = "") -> str:
    """A value as text of at most 200 characters; names and phones masked."""
    if value is ABSENT:
        return "（缺 / absent）"
    if value is None:
        return "（空 / empty）"
    if kind and value != "":
        return mask_name(str(value)) if kind == "name" else mask_phone(str(value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…（{len(text)}）"


def _person(value: Any) -> str:
    if not value:
        return shown(value)
    words = [mask_name(value["name"])] if value.get("name") else []
    words += [mask_phone(phone) for phone in value.get("phones") or ()]
    words += [word for key, word in (("confidential", "保密"), ("anonymous", "匿名")) if value.get(key)]
    return " ".join(words) or "（空 / empty）"


# ---- explaining ----------------------------------------------------------------------------------------------------


def show(document: Document, mapping: Mapping) -> list[ShowRow]:
    """What a mapping says, by sections `fields`, `stages`, `entries`, `moves`, `workflow`, `tables`, `items`,
    `departments`, `one_way`.

    file and line say where each key stands: with overlays, the file that has the last word.
    """
    return list(_shown_rows(document, mapping))


def _shown_rows(document: Document, mapping: Mapping) -> Iterator[ShowRow]:
    def row(section: str, wire: str, meaning: str, how: str, *key: str | int) -> ShowRow:
        path, line = document.where(key)
        return ShowRow(section, wire, meaning, how, str(path), line)

    arrows = {"both": "↔", "read": "→", "write": "←"}
    for field, rule in mapping.fields.items():
        parts = rule.person
        paths = [p for p in (parts.name, parts.phone, parts.secret) if p] if parts else rule.wire
        wire = " · ".join(paths) or f"“{rule.value}”"
        yield row("fields", wire, field, f"{arrows[rule.way]} {_how(rule)}", "fields", field)
    for status, stage in mapping.stages.items():
        yield row("stages", status, str(stage or "—"), "", "stages", status)
    for shown_stage, statuses in mapping.shows.items():
        words = "由这些状态代替 / these stand for it"
        yield row("stages", ", ".join(statuses), str(shown_stage), words, "shows", shown_stage)
    for index, entry in enumerate(mapping.entries.read):
        when = ", ".join(f"{k}={v}" for k, v in entry.when.model_dump(exclude_none=True).items()) or "其余 / all others"
        kinds = [entry.action] if entry.action else [doing.kind for doing in entry.actions]
        meaning = ", ".join(map(str, kinds)) or "忽略 / ignored"
        yield row("entries", when, meaning, entry.ignore or "", "entries", "read", index)
    for key, sending in mapping.moves.items():
        remark = f"备注 / remark {sending.remark}" if sending.remark is not None else ""
        how = "；否则 / else ".join(part for part in (sending.operation, remark) if part)
        yield row("moves", sending.operation or "", key, how, "moves", key)
    for key, why in mapping.cannot.items():
        yield row("moves", "", key, f"无法告知 / cannot be told: {why}", "cannot", key)
    for status, ways in mapping.workflow.items():
        yield row("workflow", status, ", ".join(f"{code}→{after}" for code, after in ways.items()) or "—",
                  str(mapping.stages.get(status) or "—"), "workflow", status)  # fmt: skip
    for name, table in mapping.tables.items():
        for code, value in table.codes.items():
            yield row("tables", code, str(value), name, "tables", name, "codes", code)
        for meaning, code in table.write.items():
            yield row("tables", code, meaning, f"{name}（只写 / only written）", "tables", name, "write", meaning)
    for section, named in (("items", mapping.items), ("departments", mapping.departments)):
        if named is not None:
            for code, name in named.codes.items():
                yield row(section, code, name, _standing(mapping, named, code), section, "codes", code)
    for words in one_way(mapping):
        yield row("one_way", "", *words.split("："), "moves")


def _standing(mapping: Mapping, named: Named, code: str) -> str:
    """What more is said of an item or department: that it is the last resort, who leads."""
    lead = named.lead.get(code, "")
    name = mapping.departments.codes.get(lead, lead) if mapping.departments else lead
    parts = ["兜底 / last resort" if code == named.other else "", f"牵头 / lead {name}" if name else ""]
    return "，".join(part for part in parts if part)


def _how(rule: Rule) -> str:
    parts = [f"代码表 / table {rule.table}" if rule.table else rule.convert]
    if rule.limit:
        parts.append(f"≤ {rule.limit.max} {rule.limit.count}（{rule.limit.then}）")
    if rule.required:
        parts.append("必填 / required")
    if rule.default is not None:
        parts.append(f"默认 / default {rule.default}")
    if rule.when:
        parts.append("当 / when " + ", ".join(f"{path}={'|'.join(codes)}" for path, codes in rule.when.items()))
    return "，".join(parts)

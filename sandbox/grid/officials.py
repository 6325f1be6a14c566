"""The platform's own users on its own screens: reports, moves, edits, files, entries typed in afterwards.

Moves follow the `officials` table of transitions.json and README §11. Must not know HTTP or the exchange accounts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import InvalidOperation
from typing import Any

from sandbox.grid import records
from sandbox.grid.answers import FIELDS, Document
from sandbox.grid.contract import OFFICIAL_MOVES, OFFICIAL_REPEATS, STAGES
from sandbox.grid.duties import CENTRE, lead_department
from sandbox.grid.records import Entry, Moment
from sandbox.grid.rules import Upload, micro_degrees
from sandbox.grid.store import Store, Stored

CREATED_BY = "officials"
FILE_BYTES = 20 * 1024 * 1024

_CALLED = ("05", "06", "07", "08", "09", "10", "11", "12")
_TOWN_ROUTE = ("01", "02", "03", "04")
_OPINIONS = {
    "01": "网格员上报", "02": "镇街受理。", "03": "研判：需协调多部门。", "04": "镇街组织处置。",
    "05": "镇级无执法权限，呼叫区级。", "06": "受理。", "07": "派发：请牵头办理。", "08": "已响应，人员出发。",
    "09": "现场处置中。", "10": "已处置完毕，反馈结果。",
    "11": "核查属实，结案。", "12": "群众表示满意。", "90": "不属于区级职责，退回。", "91": "重复上报，作废。",
}


@dataclass(frozen=True)
class Step:
    """One thing an official does to an event. `depts`: for stage 07, lead first. `time`: Beijing text, empty = now."""

    stage: str
    operator: str
    dept: str
    opinion: str
    depts: tuple[str, ...] = ()
    time: str = ""


@dataclass(frozen=True)
class Denied:
    """An official's act that the platform does not allow; `status` as the back door answers it."""

    status: int
    reason: str


def create(store: Store, fields: Mapping[str, Any], moment: Moment, count: int = 1) -> list[str]:
    """`count` alike, all in one second. Beyond the Event's fields: operator, dept, opinion of the last entry, time."""
    own = {"operator", "dept", "opinion", "time"}
    _known(set(fields) - own)
    with store.transaction():
        return [_create_one(store, fields, moment) for _ in range(count)]


def _create_one(store: Store, fields: Mapping[str, Any], moment: Moment) -> str:
    event_id = str(fields.get("eventId") or "") or records.new_event_id(store, moment)
    if store.event(event_id) is not None:
        raise ValueError(f"{event_id} exists")
    if re.fullmatch(r"DG[0-9]{13}", event_id):
        store.taken(event_id, 10)
    at = str(fields.get("time") or moment.text)
    document = records.blank(event_id)
    document.update({
        "title": "网格员巡查上报", "content": "巡查发现问题，请协调处置。", "eventType": "99", "townCode": "371102110",
        "reporter": "张示例", "reportTime": at, "happenTime": at,
    })
    records.name_places(document)
    _apply(document, {key: value for key, value in fields.items() if key in FIELDS and key not in ("eventId", "stage")})
    for step in _route(document, fields):
        _step(document, step, at)
    records.save(store, document, CREATED_BY, moment)
    return event_id


def move(store: Store, event_id: str, step: Step, moment: Moment) -> Document | Denied:
    """A move of the officials' table, or a further entry at the present stage (06-12)."""
    with store.transaction():
        stored = store.event(event_id)
        if stored is None:
            return _unknown(event_id)
        present = str(stored.document["stage"])
        if not allowed(present, step.stage):
            return Denied(409, f"阶段不允许：{present}→{step.stage}")
        if step.stage == "07" and not step.depts and not stored.document["mainDept"]:
            return Denied(409, "派发须有牵头部门")
        _step(stored.document, step, step.time or moment.text)
        return _saved(store, stored, moment)


def allowed(present: str, wanted: str) -> bool:
    if present == wanted and present in OFFICIAL_REPEATS:
        return True
    return wanted in OFFICIAL_MOVES.get(present, frozenset())


def edit(store: Store, event_id: str, changes: Mapping[str, Any], moment: Moment) -> Document | Denied:
    """Sets fields as given (None empties); updateTime moves, no process entry. Codes are not checked against lists."""
    _known(set(changes) - {"eventId"})
    if "eventId" in changes:
        raise ValueError("eventId cannot be edited")
    with store.transaction():
        stored = store.event(event_id)
        if stored is None:
            return _unknown(event_id)
        _apply(stored.document, changes)
        return _saved(store, stored, moment)


def attach(store: Store, event_id: str, upload: Upload, moment: Moment) -> str | Denied:
    """An official's file of up to 20 MB, of any type; gives its attachId."""
    if len(upload.content) > FILE_BYTES:
        return Denied(409, "大小超过20971520")
    with store.transaction():
        stored = store.event(event_id)
        if stored is None:
            return _unknown(event_id)
        attach_id = records.attach(store, stored.document, [upload], moment)[0]
        _saved(store, stored, moment)
        return attach_id


def late_entry(store: Store, event_id: str, entry: Entry, moment: Moment) -> Document | Denied:
    """An entry typed in afterwards: older time, next seq, the event's stage stays."""
    with store.transaction():
        stored = store.event(event_id)
        if stored is None:
            return _unknown(event_id)
        records.append(stored.document, entry)
        return _saved(store, stored, moment)


def route_to(stage: str) -> Sequence[str]:
    """The stages an official's event goes through on its way to `stage`, one legal move after the other."""
    if stage in _TOWN_ROUTE:
        return _TOWN_ROUTE[: _TOWN_ROUTE.index(stage) + 1]
    if stage in _CALLED:
        return _CALLED[: _CALLED.index(stage) + 1]
    if stage in ("90", "91"):
        return ("05", stage)
    raise ValueError(f"unknown stage {stage}")


def _route(document: Document, fields: Mapping[str, Any]) -> list[Step]:
    stages = route_to(str(fields.get("stage") or "01"))
    lead = str(document["mainDept"]) or lead_department(str(document["eventType"]))
    depts = (lead, *document["assistDepts"])
    steps = []
    for stage in stages:
        if stage in ("01", "05") and stage == stages[0]:
            operator = str(document["reporter"] or document["caller"] or "张示例")
        else:
            operator = "李样例" if stage in _TOWN_ROUTE else "赵响应" if stage in ("08", "09", "10") else "王测试"
        dept = str(document["townCode"]) if stage in (*_TOWN_ROUTE, "05") else CENTRE
        dept = ",".join(depts) if stage == "07" else lead if stage in ("08", "09", "10") else dept
        steps.append(Step(stage, operator, dept, _OPINIONS[stage], depts if stage == "07" else ()))
    last = steps[-1]
    steps[-1] = Step(
        last.stage, str(fields.get("operator", last.operator)), str(fields.get("dept", last.dept)),
        str(fields.get("opinion", last.opinion)), last.depts,
    )
    return steps


def _step(document: Document, step: Step, at: str) -> None:
    if step.stage == "07":
        records.set_departments(document, step.depts)
    document["stage"] = step.stage
    records.append(document, Entry(step.stage, step.operator, step.dept, step.opinion, at))


def _saved(store: Store, stored: Stored, moment: Moment) -> Document:
    records.save(store, stored.document, stored.created_by, moment)
    return stored.document


def _unknown(event_id: str) -> Denied:
    return Denied(404, f"事件不存在：{event_id}")


def _known(names: set[str]) -> None:
    if unknown := names - set(FIELDS):
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")


def _apply(document: Document, changes: Mapping[str, Any]) -> None:
    for field, value in changes.items():
        document[field] = _value(field, value)
    if {"gridCode", "townCode"} & set(changes):
        named = {key: document[key] for key in ("gridName", "townName") if key in changes}
        records.name_places(document)
        document.update(named)


def _value(field: str, value: Any) -> Any:
    """A field's value in the document's own form; odd texts are kept as they are."""
    if field in ("lng", "lat"):
        return None if value is None else _degrees(value)
    if field in ("assistDepts", "processes", "attachments", "extend"):
        if field == "extend" and isinstance(value, dict):
            return [{"key": str(key), "value": str(one)} for key, one in value.items()]
        return list(value or [])
    if field == "stage" and value not in STAGES:
        return "" if value is None else str(value)
    if field == "level":
        return 4 if value is None else value
    text = "" if value is None else str(value)
    text.encode()  # a lone surrogate cannot be stored as text: UnicodeEncodeError is a ValueError, answered 400
    return text


def _degrees(value: Any) -> str:
    try:
        return micro_degrees(str(value))
    except InvalidOperation:
        return str(value)

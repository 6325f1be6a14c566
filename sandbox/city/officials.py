"""Who on the platform's side usually does what: default names, departments and opinions.

The back door and the scripted department speak with these voices. Must not know HTTP or the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.city import times
from sandbox.city.contract import CENTRE, OPINION_REQUIRED

COMMANDER = "指挥员01"
RESPONDER = "响应员01"
COLLECTOR = "采集员01"
TOWN_DUTY = "值班员"

_AT_CENTRE = frozenset({"101", "102", "103", "108", "201", "203", "299"})
_BY_COLLECTORS = frozenset({"107"})
_OF_THE_TOWN = frozenset({"109"})
_REPEATED = "补充说明：情况同前，继续办理。"
_OPINIONS: Mapping[str, str] = {
    "102": "情况属实，予以立案。",
    "103": "请依法核查处置，按时反馈。",
    "105": "已安排人员到现场处置。",
    "106": "已现场处置完毕，现反馈办理结果。",
    "107": "经现场核查，问题已解决。",
    "108": "核查属实，同意结案。",
    "109": "满意，已解决",
    "201": "经核实不属于受理范围，退回。",
    "203": "群众反映强烈，请加快处置。",
    "299": "重复上报，作废。",
}
# Who leads when nobody says so, by recType/mainType.
_LEADS: Mapping[str, str] = {
    "1/01": "JX003",
    "1/02": "JX004",
    "1/03": "JX002",
    "1/04": "JX003",
    "1/05": "JX005",
    "2/01": "JX002",
    "2/02": "JX002",
    "2/03": "JX003",
    "2/04": "JX007",
    "2/05": "JX002",
}


def lead_of(task: Mapping[str, str]) -> str:
    """The task's lead department, or the one that usually gets its class."""
    return task["dept"] or _LEADS.get(f"{task['recType']}/{task['mainType']}", CENTRE)


def default_operator(step: str) -> str:
    if step in _AT_CENTRE:
        return COMMANDER
    if step in _BY_COLLECTORS:
        return COLLECTOR
    return TOWN_DUTY if step in _OF_THE_TOWN else RESPONDER


def default_dept(task: Mapping[str, str], step: str) -> str:
    """The lead for a dispatch and the department's own steps, the town for the rating, the centre for its own."""
    if step == "103":
        return lead_of(task)
    if step in _OF_THE_TOWN:
        return task["streetCode"]
    return CENTRE if step in _AT_CENTRE or step in _BY_COLLECTORS else lead_of(task)


def default_opinion(task: Mapping[str, str], step: str, now: float) -> str:
    """A text wherever the contract requires one, and where people usually write one. An extension grants a day."""
    if step == "202":
        until = max(task["deadline"], times.written(now))
        return f"延期至{times.later(until, 24)}，情况复杂。"
    if step == task["state"] and step not in OPINION_REQUIRED:
        return _REPEATED
    return _OPINIONS.get(step, _REPEATED if step == task["state"] else "")


def official_step(task: Mapping[str, str], wish: Mapping[str, Any], now: float) -> dict[str, str]:
    """The step's elements from what the caller left open: `step` is given, all else has a default. Form is checked by
    others; an empty text given on purpose stays empty."""
    step = str(wish["step"])
    defaults = {
        "opinion": default_opinion(task, step, now),
        "dept": default_dept(task, step),
        "operator": default_operator(step),
        "time": times.written(now),
    }
    return {"step": step} | {name: str(wish.get(name, value)) for name, value in defaults.items()}

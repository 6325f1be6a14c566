"""Who on the platform's side usually does what: default names, departments and opinions of clerks and responders.

The back door and the scripted department speak with these voices. Must not know HTTP or the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.government.actions import HOUR_MS, Step
from sandbox.government.contract import CENTRE, OPINION_REQUIRED, Contract

CLERK = "受理员01"
RESPONDER = "响应员01"
TOWN_DUTY = "值班员"

_AT_CENTRE = frozenset({"ACCEPT", "DISPATCH", "URGE", "CLOSE", "CANCEL"})
_OF_THE_TOWN = frozenset({"RATE", "RECALL"})
_OPINIONS: Mapping[str, str] = {
    "RETURN": "经核实不属于本单位职责范围，退回。",
    "PROGRESS": "已安排人员到现场核查，正在处置。",
    "EXTEND": "情况复杂，申请延期办理。",
    "FEEDBACK": "已现场处置完毕，现反馈办理结果。",
    "CLOSE": "已解决。",
    "RATE": "满意，已解决",
    "CANCEL": "重复呼叫，作废。",
}


def default_operator(action: str) -> str:
    if action in _AT_CENTRE:
        return CLERK
    return TOWN_DUTY if action in _OF_THE_TOWN else RESPONDER


def default_dept(contract: Contract, call: Mapping[str, Any], action: str) -> str:
    """The centre for the clerks' actions, the town for RATE and RECALL, the lead (or the centre) for all others."""
    if action == "DISPATCH":
        return contract.item_departments.get(call["itemCode"], CENTRE)
    if action in _OF_THE_TOWN:
        return str(call["townCode"])
    return CENTRE if action in _AT_CENTRE else str(call["deptCode"] or CENTRE)


def default_opinion(action: str) -> str | None:
    """A text where the contract requires one, else none."""
    return _OPINIONS[action] if action in OPINION_REQUIRED else None


def default_limit(call: Mapping[str, Any], action: str, operate_time: int) -> int | None:
    """For EXTEND a day more than the present limit, or than the action's own time (epoch ms)."""
    if action != "EXTEND":
        return None
    return max(call["limitTime"] or operate_time, operate_time) + 24 * HOUR_MS


def clerk_step(contract: Contract, call: Mapping[str, Any], wish: Mapping[str, Any], now_ms: int) -> Step:
    """A step from what the caller left open: action is given, all else has a default. The form is checked by others."""
    action = str(wish["action"])
    operate_time = now_ms if wish.get("operateTime") is None else wish["operateTime"]
    limit = wish.get("limitTime")
    return Step(
        action=action,
        opinion=wish.get("opinion") or default_opinion(action),
        operator=wish.get("operator") or default_operator(action),
        dept=wish.get("deptCode") or default_dept(contract, call, action),
        operate_time=operate_time,
        limit_time=default_limit(call, action, operate_time) if limit is None else limit,
        file_ids=tuple(wish.get("fileIds") or ()),
    )

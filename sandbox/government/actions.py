"""The status table and what each action does to a call (contract section 6). Pure: no store, no clock, no HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.government.contract import Contract
from sandbox.government.refusal import bad

HOUR_MS = 3_600_000
_FRESH_LIMIT = frozenset({"ACCEPTED", "FEEDBACK", "CLOSED"})


@dataclass(frozen=True)
class Step:
    """One action on a call, checked for form. Times in epoch milliseconds. `action` may be RECALL (town staff only)."""

    action: str
    opinion: str | None
    operator: str
    dept: str
    operate_time: int
    limit_time: int | None = None
    file_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """The call after a step, and the limit its timeline entry shows (None for actions that ignore limitTime)."""

    status: str
    dept: str | None
    limit: int | None
    entry_limit: int | None = None


def step_of(body: Mapping[str, Any]) -> Step:
    """A checked ActionCreate as a step."""
    return Step(
        body["action"],
        body["opinion"],
        body["operator"],
        body["deptCode"],
        body["operateTime"],
        body["limitTime"],
        tuple(body["fileIds"]),
    )


def body_of(step: Step) -> dict[str, Any]:
    """The ActionCreate that would make this step."""
    return {
        "action": step.action,
        "opinion": step.opinion,
        "operator": step.operator,
        "deptCode": step.dept,
        "operateTime": step.operate_time,
        "limitTime": step.limit_time,
        "fileIds": list(step.file_ids),
    }


def decide(contract: Contract, call: Mapping[str, Any], step: Step) -> Outcome:
    """What `step` makes of `call`; 4022 [action], then 4022 [limitTime], where the table or the limit forbids it."""
    status: str = call["status"]
    move = contract.moves[step.action][status]
    if move == "x":
        bad("action", f"状态{status}不允许操作{step.action}")
    if move == "HANDLING*":
        move = "HANDLING" if step.dept == call["deptCode"] else "="
    after = status if move == "=" else move
    dept, limit = call["deptCode"], call["limitTime"]
    match step.action:
        case "DISPATCH":
            limit = _dispatch_limit(contract, call, step)
            return Outcome(after, step.dept, limit, limit)
        case "EXTEND":
            limit = _extended_limit(limit, step)
            return Outcome(after, dept, limit, limit)
        case "RETURN":
            return Outcome(after, None, None)
    return Outcome(after, dept, limit)


def _dispatch_limit(contract: Contract, call: Mapping[str, Any], step: Step) -> int | None:
    if step.limit_time is not None:
        if step.limit_time <= step.operate_time:
            bad("limitTime", "时限必须晚于操作时间")
        return step.limit_time
    if call["status"] in _FRESH_LIMIT:
        return step.operate_time + contract.limit_hours[call["urgency"]] * HOUR_MS
    kept: int | None = call["limitTime"]
    return kept


def _extended_limit(present: int | None, step: Step) -> int:
    if step.limit_time is None:
        bad("limitTime", "不能为空")
    if present is not None and step.limit_time <= present:
        bad("limitTime", "时限必须晚于原时限")
    if step.limit_time <= step.operate_time:
        bad("limitTime", "时限必须晚于操作时间")
    return step.limit_time

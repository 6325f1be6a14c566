"""Scripted officials: they handle the calls created over the API by themselves, one step a call and round.

What comes next is read off the call as it stands (status, timeline, hash of its callNo), so the script survives a
restart, steps others have taken meanwhile, and calls that come back. Must not know HTTP.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sandbox.government.actions import HOUR_MS, Step
from sandbox.government.contract import CENTRE, Contract
from sandbox.government.refusal import Refusal
from sandbox.government.registry import Registry
from sandbox.government.store import Store
from sandbox.office import Office

_WORKED_ON = ("PENDING", "ACCEPTED", "DISPATCHED", "RESPONDED", "HANDLING", "FEEDBACK", "CLOSED")
ASSISTANT = "协办员01"
_log = logging.getLogger(__name__)

_RESPONSES = ("已收到，立即安排人员赴现场。", "已安排执法人员，30分钟内到达。", "已联系现场人员，先行核实情况。")
_PROGRESS = (
    "已到达现场核查，情况属实，正在处置。",
    "已与属地乡镇对接，现场勘查完毕，正在制定处置方案。",
    "已责令当事人立即整改，正在跟进。",
)
_FEEDBACKS = (
    "经现场核查属实，问题已处置完毕，现场恢复正常。",
    "当事人已按要求整改到位，已向反映人说明情况。",
    "已清理完毕并落实日常巡查责任人，防止反弹。",
)
_RATINGS = ("非常满意，已解决", "满意，已解决", "基本满意，已解决", "不满意，未解决")


def next_step(contract: Contract, detail: Mapping[str, Any], now_ms: int) -> Step | None:
    """The officials' next step on this call, None where they leave it alone."""
    script = zlib.crc32(detail["callNo"].encode())
    round_ = _round(detail["timeline"])
    clerk, responder = f"受理员0{script % 4 + 1}", f"响应员{script % 20 + 1:02d}"
    lead = detail["deptCode"] or contract.item_departments.get(detail["itemCode"], CENTRE)
    match detail["status"]:
        case "PENDING":
            return Step("ACCEPT", None, clerk, CENTRE, now_ms)
        case "ACCEPTED":
            name = contract.department_name(lead)
            return Step("DISPATCH", f"请{name}依法核查处置，按时反馈办理结果。", clerk, lead, now_ms)
        case "DISPATCHED" if script % 5 == 0 and "URGE" not in round_:
            return Step("URGE", "群众反映强烈，请尽快响应。", clerk, CENTRE, now_ms)
        case "DISPATCHED" if script % 7 == 1 and round_.count("DISPATCH") < 2:
            other = _other(contract, lead, script)
            name = contract.department_name(other)
            return Step("DISPATCH", f"经研判转派{name}办理，时限不变。", clerk, other, now_ms)
        case "DISPATCHED":
            return Step("RESPOND", _pick(_RESPONSES, script), responder, lead, now_ms)
        case "RESPONDED":
            return Step("PROGRESS", _pick(_PROGRESS, script), responder, lead, now_ms)
        case "HANDLING" if script % 6 == 2 and "EXTEND" not in round_:
            limit = max(detail["limitTime"] or now_ms, now_ms) + 24 * HOUR_MS
            return Step("EXTEND", "需等待检测结果，申请延期一天。", responder, lead, now_ms, limit)
        case "HANDLING" if script % 4 == 3 and not _has_assisted(detail, lead):
            assisting = _other(contract, lead, script)
            return Step("PROGRESS", "已派员到场协助，配合主办单位维持秩序。", ASSISTANT, assisting, now_ms)
        case "HANDLING":
            return Step("FEEDBACK", _pick(_FEEDBACKS, script), responder, lead, now_ms)
        case "FEEDBACK":
            return Step("CLOSE", "已解决。经回访核实，同意办结。", clerk, CENTRE, now_ms)
        case "CLOSED" if script % 3 == 0:
            return Step("RATE", _pick(_RATINGS, script // 3), detail["callUnit"][:50], detail["townCode"], now_ms)
    return None


def _round(timeline: Sequence[Mapping[str, Any]]) -> list[str]:
    """The actions since the call was last accepted or sent out again (返工)."""
    actions: list[str] = []
    for entry in timeline:
        if entry["action"] in ("ACCEPT", "RECALL") or (
            entry["action"] == "DISPATCH" and entry["fromStatus"] in ("FEEDBACK", "CLOSED")
        ):
            actions = []
        actions.append(entry["action"])
    return actions


def _has_assisted(detail: Mapping[str, Any], lead: str) -> bool:
    notes = (entry for entry in detail["timeline"] if entry["action"] == "PROGRESS")
    return any(note["operator"] == ASSISTANT and note["deptCode"] != lead for note in notes)


def _other(contract: Contract, lead: str, script: int) -> str:
    others = [code for code in sorted(contract.departments) if code not in (CENTRE, lead)]
    return others[script // 11 % len(others)]


def _pick(texts: Sequence[str], script: int) -> str:
    return texts[script // 13 % len(texts)]


class Department:
    """The officials' office: works in the background while started, or round by round on demand."""

    def __init__(self, registry: Registry, store: Store, now_ms: Callable[[], int]) -> None:
        self._registry = registry
        self._store = store
        self._now_ms = now_ms
        self.office = Office("government", self.round)
        self._left_alone: frozenset[str] = frozenset()

    def leave_alone(self, titles: Collection[str]) -> None:
        """Calls of these titles, and no others, are somebody else's to answer."""
        self._left_alone = frozenset(titles)

    def round(self) -> int:
        """One step on every call that has one; how many steps were taken."""
        taken = 0
        for call_no in self._store.calls_of_apps(_WORKED_ON):
            if self.office.closing:
                break
            try:
                taken += self._step(call_no)
            except Refusal as refusal:
                # A script that breaks the status table is a fault of the script; the other calls must go on.
                _log.error("scripted step on %s refused: %s", call_no, refusal)
        return taken

    def _step(self, call_no: str) -> int:
        with self._store.change():
            detail = self._registry.detail(call_no)
            if detail["title"] in self._left_alone:
                return 0
            step = next_step(self._registry.contract, detail, self._now_ms())
            if step is None:
                return 0
            self._registry.act_by_clerk([call_no], lambda _: step)
            return 1

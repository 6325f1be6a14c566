"""Scripted officials: they handle the cases created over the API by themselves, one step a case and round.

What comes next is read off the case as it stands, so the script survives restarts and other people's steps. Must not
know HTTP.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox.enforcement.contract import CENTRE
from sandbox.enforcement.problems import Problem
from sandbox.enforcement.registry import Registry
from sandbox.enforcement.times import PlatformClock, read_time, write_time
from sandbox.office import Office

_log = logging.getLogger(__name__)
_LEADS: Mapping[str, str] = {
    "ENV": "STHJ-LS", "CTY": "ZHZF-LS", "TRA": "JTYS-LS", "WAT": "SLJ-LS", "SAF": "YJJ-LS", "FOD": "SCJG-LS",
    "MKT": "SCJG-LS",
}  # fmt: skip
OTHER_LEAD = "ZHZF-LS"


def next_event(case: Mapping[str, Any], now: datetime) -> dict[str, Any] | None:
    """The officials' next event on this case, None where they leave it alone."""
    script = zlib.crc32(case["id"].encode())
    clerk = {"name": f"指挥中心{script % 4 + 1}号席", "agency": CENTRE}
    lead = case["leadAgency"] or _LEADS.get(case["category"]["code"][:3], OTHER_LEAD)
    responder = {"name": f"响应员{script % 20 + 1:02d}", "agency": lead}
    done = [event["type"] for event in case["events"]]

    def event(kind: str, actor: Mapping[str, str], text: str | None, **data: Any) -> dict[str, Any]:
        return {"type": kind, "at": write_time(now), "actor": dict(actor), "text": text, "data": data}

    match case["state"]:
        case "open":
            return event("accept", clerk, None)
        case "accepted":
            return event("assign", clerk, "请依法核查处置，按时反馈。", agency=lead)
        case "assigned" if script % 5 == 0 and "urge" not in done:
            return event("urge", clerk, "群众反映强烈，请尽快响应。")
        case "assigned":
            return event("respond", responder, "已安排执法人员，30分钟内到达。")
        case "responded":
            return event("start", responder, "已到现场核查，正在处置。")
        case "in_progress" if script % 6 == 2 and "extend" not in done:
            due = max(read_time(case["dueAt"]) or now, now) + timedelta(days=1)
            return event("extend", responder, "需等待检测结果，申请延期一天。", dueAt=write_time(due))
        case "in_progress" if script % 4 == 3 and "assist" not in done:
            return event("assist", clerk, "请配合处置。", agency="JTYS-LS" if lead != "JTYS-LS" else "SLJ-LS")
        case "in_progress":
            return event("report", responder, "经现场核查属实，问题已处置完毕，现场恢复正常。")
        case "reported":
            return event("close", clerk, "经回访核实，同意办结。", resolved=True)
        case "closed" if script % 3 == 0:
            return event("rate", {"name": "呼叫单位", "agency": ""}, "满意", satisfied=True, score=4 + script % 2)
    return None


class Department:
    """The officials' office: works in the background while started, or round by round on demand."""

    def __init__(self, registry: Registry, clock: PlatformClock) -> None:
        self._registry, self._clock = registry, clock
        self.office = Office("enforcement", self.round)
        self._left_alone: frozenset[str] = frozenset()

    def leave_alone(self, titles: Collection[str]) -> None:
        """Cases of these titles, and no others, are somebody else's to answer."""
        self._left_alone = frozenset(titles)

    def round(self) -> int:
        """One step on every case that has one; how many steps were taken."""
        taken = 0
        for case_id in self._registry.store.cases_of_clients():
            if self.office.closing:
                break
            try:
                taken += self._step(case_id)
            except Problem as problem:
                # A script that breaks the table is a fault of the script; the other cases must go on.
                _log.error("scripted step on %s refused: %s", case_id, problem)
        return taken

    def _step(self, case_id: str) -> int:
        with self._registry.store.change():
            case = self._registry.case(case_id)
            event = None if case["title"] in self._left_alone else next_event(case, self._clock.moment())
            if event is None:
                return 0
            self._registry.event(case_id, event)
            return 1

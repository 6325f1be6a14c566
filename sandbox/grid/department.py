"""A scripted district: by itself it handles the events that came over the exchange interface, one step at a time.

What comes next is a function of the event alone (its id chooses the variants), so a rehearsal repeats itself; only
the pace is real time. Must not know HTTP or the exchange accounts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from sandbox.grid import officials
from sandbox.grid.answers import Document
from sandbox.grid.contract import DEPARTMENTS
from sandbox.grid.duties import CENTRE, assistant_department, lead_department, official, seed_of
from sandbox.grid.officials import Step
from sandbox.grid.places import town_name
from sandbox.grid.records import Moment
from sandbox.grid.store import Store
from sandbox.office import Office

_AT_WORK = ("05", "06", "07", "08", "09", "10", "11")
_URGE = "【督办】"
_EXTEND = "【延期】"
_NOTE = "进展："
_CLOSED = "经核查，反馈情况属实，同意结案。"

_ACCEPTED = ("受理，转相关部门研究办理。", "情况已核实，予以受理。", "受理。请各部门按职责分工办理。")
_RESPONDED = ("已响应，工作人员正赶赴现场。", "收到派发，已安排专人负责。", "已与镇街联系，即刻前往现场查看。")
_HANDLING = ("已到达现场，正在组织处置。", "现场勘查完毕，已制定处置方案并开始实施。", "已联系责任单位，正在现场处理。")
_REPORTED = ("已处置完毕，现场恢复正常，请核查。", "问题已解决，并向群众作了说明。", "整改到位，同类情况已一并排查。")
_RATED = ("回访：群众表示满意。", "回访：满意，感谢区里及时处理。", "回访：基本满意，希望今后加强巡查。")


def next_step(document: Document) -> Step | None:
    """The department's next act on an event; None when it leaves the event alone."""
    seed = seed_of(str(document["eventId"]))
    event_stage = str(document["stage"])
    entries = _since_last_call(document)
    lead = str(document["mainDept"]) or lead_department(str(document["eventType"]))
    clerk, responder = official(CENTRE, seed), official(lead, seed + 1)

    def marked(mark: str) -> bool:
        return any(str(entry["opinion"]).startswith(mark) for entry in entries)

    match event_stage:
        case "05":
            return Step("06", clerk, CENTRE, _ACCEPTED[seed % 3])
        case "06":
            assist = tuple(document["assistDepts"]) or ((assistant_department(lead),) if seed % 4 == 0 else ())
            depts = (lead, *(code for code in assist if code != lead))
            return Step("07", clerk, ",".join(depts), _dispatch(depts), depts)
        case "07":
            return Step("08", responder, lead, _RESPONDED[seed % 3])
        case "08":
            if seed % 7 == 1 and not marked(_URGE):
                return Step("08", clerk, CENTRE, _URGE + "请尽快到达现场并反馈进展。")
            return Step("09", responder, lead, _HANDLING[seed % 3])
        case "09":
            if seed % 9 == 2 and not marked(_EXTEND):
                return Step("09", responder, lead, _EXTEND + "需协调产权单位，申请延期两个工作日。")
            if seed % 5 == 3 and not marked(_NOTE):
                return Step("09", responder, lead, _NOTE + "已完成大部分处置工作，预计今日内结束。")
            return Step("10", responder, lead, _REPORTED[seed % 3])
        case "10":
            return Step("11", clerk, CENTRE, _CLOSED)
        case "11" if seed % 3 == 0 and entries and entries[-1]["opinion"] == _CLOSED:
            return Step("12", clerk, CENTRE, _RATED[seed // 3 % 3])
    return None


def _since_last_call(document: Document) -> list[Document]:
    entries: list[Document] = document["processes"]
    calls = [at for at, entry in enumerate(entries) if entry["stage"] == "05"]
    return entries[calls[-1]:] if calls else entries


def _dispatch(depts: tuple[str, ...]) -> str:
    names = [DEPARTMENTS.get(code) or town_name(code) or code for code in depts]
    if len(names) == 1:
        return f"派发：请{names[0]}办理并及时反馈。"
    return f"派发：请{names[0]}牵头，{'、'.join(names[1:])}配合，联合处置。"


class Department:
    """The background thread; `moment` gives the platform's clock at each step."""

    def __init__(self, store: Store, moment: Callable[[], Moment]) -> None:
        self._store = store
        self._moment = moment
        self.office = Office("grid", self.round)
        self._left_alone: frozenset[str] = frozenset()

    def leave_alone(self, titles: Collection[str]) -> None:
        """Events of these titles, and no others, are somebody else's to answer."""
        self._left_alone = frozenset(titles)

    def round(self) -> int:
        """One step for every event that awaits one; gives how many were taken."""
        taken = 0
        for document in self._store.reported_at_stages(_AT_WORK):
            if self.office.closing:
                break
            step = None if document["title"] in self._left_alone else next_step(document)
            if step is None:
                continue
            # Someone may have moved the event meanwhile: a refused step is simply thought over in the next round.
            outcome = officials.move(self._store, str(document["eventId"]), step, self._moment())
            taken += 0 if isinstance(outcome, officials.Denied) else 1
        return taken

"""Scripted officials: command centre, responders and grid workers handle what was reported over the exchange, one step
a task and round.

What comes next is read off the task as it stands (state, steps, hash of its taskNum), so the script survives a restart,
steps others have taken meanwhile, and tasks that come back. Must not know HTTP.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence

from sandbox.city import times
from sandbox.city.contract import CENTRE, Contract
from sandbox.city.officials import lead_of
from sandbox.city.refusal import Refusal
from sandbox.city.registry import Registry
from sandbox.city.store import Store
from sandbox.city.workflow import Step
from sandbox.office import Office

_WORKED_ON = ("", "101", "102", "103", "104", "105", "106", "107", "108")
_log = logging.getLogger(__name__)

_SIGNED = ("", "已收到，立即安排人员赴现场。", "已安排人员，30分钟内到达。")
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


def next_step(contract: Contract, task: Mapping[str, str], steps: Sequence[Mapping[str, str]], now: float) -> Step | None:
    """The officials' next step on this task at `now` (epoch seconds), None where they leave it alone."""
    script = zlib.crc32(task["taskNum"].encode())
    done = [item["step"] for item in steps]
    commander, responder = f"指挥员0{script % 4 + 1}", f"响应员{script % 20 + 1:02d}"
    collector = f"网格员{script % 30 + 1:02d}"
    lead, said = lead_of(task), times.written(now)

    def centre(step: str, opinion: str, *depts: str) -> Step:
        return Step(step, opinion, depts or (CENTRE,), commander, said)

    def responds(step: str, opinion: str) -> Step:
        return Step(step, opinion, (lead,), responder, said)

    match task["state"]:
        case "":
            return centre("101", "")
        case "101":
            return centre("102", "情况属实，予以立案。")
        case "102":
            assisting = (_other(contract, lead, script),) if script % 3 == 0 else ()
            name = contract.departments.get(lead, "牵头单位")
            return centre("103", f"请{name}牵头处置，按时反馈办理结果。", lead, *assisting)
        case "103" if script % 5 == 0 and "203" not in done:
            return centre("203", "群众反映强烈，请尽快签收处置。")
        case "103" if script % 7 == 1 and done.count("103") < 2:
            other = _other(contract, lead, script)
            name = contract.departments[other]
            return centre("103", f"经研判改派{name}办理，时限不变。", other)
        case "103":
            return responds("104", _pick(_SIGNED, script))
        case "104":
            return responds("105", _pick(_PROGRESS, script))
        case "105" if script % 6 == 2 and "202" not in done:
            until = times.later(max(task["deadline"], said), 24)
            return responds("202", f"延期至{until}，需等待检测结果。")
        case "105" if script % 4 == 3 and done.count("105") < 2:
            return responds("105", "已清理大半，余下部分明日完成。")
        case "105":
            return responds("106", _pick(_FEEDBACKS, script))
        case "106" if script % 9 == 4 and done.count("106") < 2:
            return Step("105", "现场仍有残留，请返工。", (CENTRE,), collector, said)
        case "106":
            return Step("107", "经现场核查，问题已解决。", (CENTRE,), collector, said)
        case "107":
            return centre("108", "核查属实，同意结案。")
        case "108" if script % 3 == 0:
            return Step("109", _pick(_RATINGS, script // 3), (task["streetCode"],), "值班员", said)
    return None


def _other(contract: Contract, lead: str, script: int) -> str:
    others = [code for code in sorted(contract.departments) if code not in (CENTRE, lead)]
    return others[script // 11 % len(others)]


def _pick(texts: Sequence[str], script: int) -> str:
    return texts[script // 13 % len(texts)]


class Department:
    """The officials at work: in the background while started, or round by round on demand."""

    def __init__(self, registry: Registry, store: Store, now: Callable[[], float]) -> None:
        self._registry = registry
        self._store = store
        self._now = now
        self.office = Office("city", self.round)
        self._left_alone: frozenset[str] = frozenset()

    def leave_alone(self, titles: Collection[str]) -> None:
        """Tasks of these titles, and no others, are somebody else's to handle."""
        self._left_alone = frozenset(titles)

    def round(self) -> int:
        """One step on every task that has one; how many steps were taken."""
        taken = 0
        for task_num in self._store.tasks_of_users(_WORKED_ON):
            if self.office.closing:
                break
            try:
                taken += self._step(task_num)
            except Refusal as refusal:
                # A script that breaks the step table is a fault of the script; the other tasks must go on.
                _log.error("scripted step on %s refused: %s", task_num, refusal)
        return taken

    def _step(self, task_num: str) -> int:
        with self._store.change():
            found = self._registry.find(task_num)
            if found.fields["title"] in self._left_alone:
                return 0
            step = next_step(self._registry.contract, found.fields, found.steps, self._now())
            if step is None:
                return 0
            self._registry.step_by_official([task_num], lambda _: step)
            return 1

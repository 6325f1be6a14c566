"""The life of a call: stages, actions, the allowed moves, and `fold`: actions -> where the call stands.

Pure and total: no sequence of actions makes it fail. What the lifecycle forbids becomes an anomaly and moves nothing.
It must not know a platform; a platform's own words are turned into actions by its mapping.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal

from schemas.call import Target, Value, Verdict
from schemas.moment import Moment


class Stage(StrEnum):
    """Where a call stands. Besides the line CALLED … RATED there are RETURNED and CANCELLED."""

    CALLED = "CALLED"  # 已呼叫
    ACCEPTED = "ACCEPTED"  # 已受理
    DISPATCHED = "DISPATCHED"  # 已派发
    RESPONDED = "RESPONDED"  # 已响应
    IN_PROGRESS = "IN_PROGRESS"  # 办理中
    REPORTED = "REPORTED"  # 已反馈
    CLOSED = "CLOSED"  # 已办结
    RATED = "RATED"  # 已评价
    RETURNED = "RETURNED"  # 已退回 to the caller; may be called again
    CANCELLED = "CANCELLED"  # 已作废 withdrawn or void


class ActionKind(StrEnum):
    """What is done to a call. The first group moves the stage, the second keeps it."""

    CALL = "CALL"  # 呼叫
    ACCEPT = "ACCEPT"  # 受理
    DISPATCH = "DISPATCH"  # 派发
    RESPOND = "RESPOND"  # 响应
    PROGRESS = "PROGRESS"  # 办理
    REPORT = "REPORT"  # 反馈
    CLOSE = "CLOSE"  # 办结
    RATE = "RATE"  # 评价
    CANCEL = "CANCEL"  # 作废, 撤单
    REOPEN = "REOPEN"  # 重办
    TRANSFER = "TRANSFER"  # 转派
    RETURN = "RETURN"  # 退回, 退单, 返工
    EXTEND = "EXTEND"  # 延期
    SUSPEND = "SUSPEND"  # 挂账
    RESUME = "RESUME"  # 恢复
    ASSIST = "ASSIST"  # 协办
    INFORM = "INFORM"  # 知会
    URGE = "URGE"  # 催办, 督办
    CALL_BACK = "CALL_BACK"  # 回访
    REVIEW = "REVIEW"  # 复核
    COMMENT = "COMMENT"  # 备注
    ATTACH = "ATTACH"  # 附件


LINE: tuple[Stage, ...] = (
    Stage.CALLED, Stage.ACCEPTED, Stage.DISPATCHED, Stage.RESPONDED,
    Stage.IN_PROGRESS, Stage.REPORTED, Stage.CLOSED, Stage.RATED,
)  # fmt: skip
RANK: Mapping[Stage, int] = MappingProxyType({stage: rank for rank, stage in enumerate(LINE)})
FORWARD: Mapping[ActionKind, Stage] = MappingProxyType({
    ActionKind.ACCEPT: Stage.ACCEPTED, ActionKind.DISPATCH: Stage.DISPATCHED, ActionKind.RESPOND: Stage.RESPONDED,
    ActionKind.PROGRESS: Stage.IN_PROGRESS, ActionKind.REPORT: Stage.REPORTED, ActionKind.CLOSE: Stage.CLOSED,
    ActionKind.RATE: Stage.RATED,
})  # fmt: skip
"""Actions that go along the line. A platform may skip stages; repeating the present stage is a further entry."""

OPEN = frozenset(LINE[:6])
MOVES = frozenset({*FORWARD, ActionKind.CALL, ActionKind.CANCEL, ActionKind.REOPEN, ActionKind.TRANSFER,
                   ActionKind.RETURN})  # fmt: skip


class Action(Value):
    """One act on a call, by a person of a platform.

    at: its own time, as the platform shows it. effective: when it took its place in that platform's order (a clerk may
    type an older `at`; None = `at`). entry, part: the platform's key of the history entry it was read from, and its
    place among the actions of that entry. sequence: the entry's place in the platform's own order.
    """

    kind: ActionKind
    at: Moment
    effective: Moment | None = None
    platform: str
    entry: str
    part: int = 0
    sequence: int = 0
    actor: str | None = None
    department: Target | None = None
    opinion: str = ""
    to: Literal["caller", "centre", "department"] | None = None
    phase: Literal["requested", "granted", "refused"] = "granted"
    lead: Target | None = None
    assists: tuple[Target, ...] = ()
    due: Moment | None = None
    card: Literal["none", "yellow", "red"] = "none"
    leader: bool = False
    verdict: Verdict | None = None
    files: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        """Identity of an action: platform, entry, part."""
        return (self.platform, self.entry, self.part)

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_defaults=True)


class Anomaly(Value):
    """An action that the lifecycle forbids where it stood: kept, shown, not applied."""

    platform: str
    entry: str
    part: int
    kind: ActionKind
    stage: Stage | None
    late: bool
    """True for an entry of an earlier stage typed in afterwards: no contradiction, it just turns nothing back."""


class Step(Value):
    """One line of the timeline: the action, whether it moved the call, and the stage that held afterwards."""

    action: Action
    applied: bool
    stage: Stage | None


class Standing(Value):
    """Where a call stands after all its actions."""

    stage: Stage | None = None
    suspended: bool = False
    rework: int = 0
    urged: int = 0
    extended: int = 0
    due: Moment | None = None
    anomalies: tuple[Anomaly, ...] = ()
    timeline: tuple[Step, ...] = ()


def moved(stage: Stage | None, action: Action) -> Stage | None:
    """The stage after a moving action, or None where the lifecycle forbids it. Keeping actions return the stage."""
    kind = action.kind
    if kind not in MOVES:
        return stage
    if kind is ActionKind.CALL:
        return Stage.CALLED if stage in (None, Stage.RETURNED) else None
    if stage is None or (kind is not ActionKind.RETURN and action.phase != "granted"):
        return None
    if target := FORWARD.get(kind):
        if stage is Stage.RETURNED:
            # 直接受理 or settled by the town itself: both happen without a second call on the platform
            return target if kind in (ActionKind.ACCEPT, ActionKind.CLOSE) else None
        return target if stage in RANK and RANK[stage] <= RANK[target] else None
    match kind:
        case ActionKind.CANCEL:
            return Stage.CANCELLED if stage in OPEN or stage is Stage.RETURNED else None
        case ActionKind.REOPEN:
            return Stage.IN_PROGRESS if stage in (Stage.CLOSED, Stage.RATED) else None
        case ActionKind.TRANSFER:
            return Stage.DISPATCHED if stage in OPEN else None
        case _:
            return _returned(stage, action)


def _returned(stage: Stage, action: Action) -> Stage | None:
    if action.phase != "granted":
        return stage if stage in OPEN else None
    match action.to:
        case "centre":
            return Stage.ACCEPTED if stage in OPEN and stage is not Stage.CALLED else None
        case "department":
            return Stage.IN_PROGRESS if stage in (Stage.REPORTED, Stage.CLOSED) else None
        case _:
            return Stage.RETURNED if stage in OPEN else None


def fold(actions: Iterable[Action]) -> Standing:
    """Where the call stands after these actions, whatever order they are handed over in."""
    stage: Stage | None = None
    suspended, rework, urged, extended, due = False, 0, 0, 0, None
    steps: list[Step] = []
    anomalies: list[Anomaly] = []
    for action in in_order(actions):
        after = moved(stage, action)
        applied = after is not None
        if after is None:
            target = FORWARD.get(action.kind)
            late = target is not None and stage in RANK and stage is not None and RANK[target] < RANK[stage]
            anomalies.append(Anomaly(platform=action.platform, entry=action.entry, part=action.part, kind=action.kind,
                                     stage=stage, late=late))  # fmt: skip
        elif action.phase == "granted":
            match action.kind:
                case ActionKind.REOPEN:
                    rework += 1
                case ActionKind.RETURN if action.to == "department":
                    rework += 1
                case ActionKind.SUSPEND:
                    suspended = True
                case ActionKind.RESUME:
                    suspended = False
                case ActionKind.URGE:
                    urged += 1
                case ActionKind.EXTEND:
                    extended += 1
            if action.due is not None and action.kind in (ActionKind.DISPATCH, ActionKind.TRANSFER, ActionKind.EXTEND):
                due = action.due
        if applied:
            stage = after
            if stage not in OPEN:
                suspended = False
        steps.append(Step(action=action, applied=applied, stage=stage))
    return Standing(stage=stage, suspended=suspended, rework=rework, urged=urged, extended=extended, due=due,
                    anomalies=tuple(anomalies), timeline=tuple(steps))  # fmt: skip


def in_order(actions: Iterable[Action]) -> list[Action]:
    """The one order in which actions count: by effective time; at equal times each platform's own sequence holds, and
    of the platforms' next entries the one that is earlier on the line goes first. The same for every arrival order.
    The first CALL leads: nothing is done to a call before it is one, whatever time was typed."""
    unique = {action.key: action for action in actions}
    moments: dict[datetime, dict[str, list[Action]]] = defaultdict(lambda: defaultdict(list))
    calls = [a for a in unique.values() if a.kind is ActionKind.CALL]
    first = min(calls, key=lambda a: (a.effective or a.at, a.platform, a.sequence, a.entry, a.part)) if calls else None
    for action in unique.values():
        if action is not first:
            moments[action.effective or action.at][action.platform].append(action)
    ordered = [first] if first else []
    for moment in sorted(moments):
        queues = [sorted(q, key=_own_order, reverse=True) for q in moments[moment].values()]
        while queues:
            queue = min(queues, key=lambda q: (_along_the_line(q[-1]), q[-1].platform))
            ordered.append(queue.pop())
            queues = [q for q in queues if q]
    return ordered


_KINDS = tuple(ActionKind)


def _own_order(action: Action) -> tuple[int, str, int]:
    return (action.sequence, action.entry, action.part)


def _along_the_line(action: Action) -> tuple[int, int]:
    target = FORWARD.get(action.kind)
    return (RANK[target] if target else -1 if action.kind is ActionKind.CALL else len(LINE), _KINDS.index(action.kind))

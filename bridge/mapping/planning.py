"""How a canonical action is told on a platform: the operations that its workflow allows, with the words it stores.

Pure. A forward action that the platform has already passed, or that it has no operation for, becomes a remark that
says so; what cannot be told at all is told to the operator as a reason. This module must not know a platform.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from bridge.mapping import converters
from bridge.mapping.language import Mapping, Operation, Sending
from bridge.mapping.notes import Fields, Notes
from bridge.mapping.operations import dispatch_of, entry_code, place_departments, sending_of
from bridge.mapping.paths import place
from bridge.mapping.texts import held
from bridge.mapping.verdicts import state, tellable
from bridge.mapping.writers import department_code, item_code, limited, time_writer
from schemas.lifecycle import FORWARD, LINE, MOVES, RANK, Action, ActionKind, Stage
from schemas.moment import SHANGHAI

LABELS: dict[ActionKind, str] = {
    ActionKind.CALL: "呼叫", ActionKind.ACCEPT: "受理", ActionKind.DISPATCH: "派发", ActionKind.RESPOND: "响应",
    ActionKind.PROGRESS: "办理", ActionKind.REPORT: "反馈", ActionKind.CLOSE: "办结", ActionKind.RATE: "评价",
    ActionKind.CANCEL: "作废", ActionKind.REOPEN: "重办", ActionKind.TRANSFER: "转派", ActionKind.RETURN: "退回",
    ActionKind.EXTEND: "延期", ActionKind.SUSPEND: "挂账", ActionKind.RESUME: "恢复", ActionKind.ASSIST: "协办",
    ActionKind.INFORM: "知会", ActionKind.URGE: "催办", ActionKind.CALL_BACK: "回访", ActionKind.REVIEW: "复核",
    ActionKind.COMMENT: "备注", ActionKind.ATTACH: "附件",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One wire operation: its body, and the entry it leaves behind (the expected echo). fields: what a change of fields
    will read as; None for an operation. was: what those fields read as before it."""

    body: dict[str, Any]
    code: str
    status: str
    opinion: str
    operator: str
    lead: str = ""
    fields: Fields | None = None
    was: Fields | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps in their order, and a reason where something is not, or not so, told."""

    steps: tuple[Step, ...] = ()
    reason: str = ""
    notes: tuple[tuple[str, str], ...] = ()


_NO_REMARK = "状态 {} 不能备注 / no remark is possible at this status"


@dataclass(frozen=True, slots=True)
class Situation:
    """What planning looks at: the platform's status and lead for this call, the call's fields, our clock, the words of
    confidential persons that must not leave, the limit and the codes of those who help as the platform shows them."""

    status: str
    lead: str
    fields: Fields
    now: datetime
    secrets: tuple[str, ...] = ()
    due: datetime | None = None
    assists: tuple[str, ...] = ()


@dataclass(slots=True)
class _Writing:
    """Where the steps of one plan are put together; status and lead move along with them."""

    mapping: Mapping
    operation: Operation
    seen: Situation
    write_time: Callable[[Any], Any]
    status: str
    lead: str
    steps: list[Step] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)


def needs_limit(mapping: Mapping, action: Action) -> bool:
    """Does telling this action depend on the limit that the platform shows now?"""
    sending = mapping.moves.get(key_of(action)) or mapping.moves.get(str(action.kind))
    return sending is not None and sending.due == "needed"


def key_of(action: Action) -> str:
    """The key under `moves` of an action: RETURN.caller, EXTEND.requested, ACCEPT."""
    if action.phase != "granted":
        return f"{action.kind}.{action.phase}"
    return f"RETURN.{action.to or 'caller'}" if action.kind is ActionKind.RETURN else str(action.kind)


def plan(mapping: Mapping, action: Action, stage: Stage | None, seen: Situation) -> Plan:
    """The operations that tell this action, which led to `stage` (None: it moved nothing) on a platform in `seen`."""
    if mapping.operation is None:
        return Plan(reason=mapping.created_only or "该平台不接受后续操作 / the platform takes nothing after creation")
    sending = mapping.moves.get(key_of(action)) or _undeclared(mapping, action)
    if sending is None:
        declared = mapping.cannot.get(key_of(action)) or mapping.cannot.get(str(action.kind))
        return Plan(reason=declared or "映射未声明 / not declared")
    writing = _start(mapping, mapping.operation, seen)
    moving = stage is not None and action.kind in MOVES and action.phase == "granted"
    if sending.operation and _due_fits(sending, action, seen) and tellable(mapping.verdicts, sending, action):
        path = _way(mapping, seen.status, sending.operation, stage if moving else None, action.kind)
        if path is not None:
            for code in path:
                _operate(writing, action, sending, code, bridging=code != sending.operation)
            return _done(writing)
    reason = ""
    if moving and not shown(mapping, seen.status, stage) and _passed(mapping, seen.status, stage, action.kind) is False:
        reason = f"状态 {seen.status} 无法变为 {stage}，以备注告知 / no way from this status; told as a remark"
    mark = sending.remark if sending.remark is not None else f"【{LABELS[action.kind]}】"
    if not _remark(writing, action, mark):
        return Plan(reason=reason.replace("，以备注告知", "").replace("; told as a remark", "") or _NO_REMARK.format(seen.status))
    done = _done(writing)
    return Plan(done.steps, reason, done.notes)


def _undeclared(mapping: Mapping, action: Action) -> Sending | None:
    """How an action without a key of its own is told: a request or a refusal is never carried out as if granted."""
    if key_of(action) in mapping.cannot:
        return None
    if action.phase != "granted":
        return Sending(remark=f"【{'申请' if action.phase == 'requested' else '不同意'}{LABELS[action.kind]}】")
    return mapping.moves.get(str(action.kind))


def align(mapping: Mapping, stage: Stage, seen: Situation) -> Plan:
    """The operations that bring a platform to a canonical stage without an action of its own; no steps if it is there,
    or shows what is declared to stand for it, or cannot get there (then with the reason)."""
    if mapping.operation is None or shown(mapping, seen.status, stage):
        return Plan()
    path = _search(mapping, seen.status, None, lambda status: mapping.stages.get(status) == stage, stage)
    if path is None:
        path = _search(mapping, seen.status, None, lambda status: shown(mapping, status, stage), stage)
    if path is None:
        return Plan(reason=f"状态 {seen.status} 无法变为 {stage} / no way from this status to {stage}")
    writing = _start(mapping, mapping.operation, seen)
    for code in path:
        kind, sending = sending_of(mapping, code)
        action = Action(kind=kind, at=seen.now, platform="-", entry="-")
        if not tellable(mapping.verdicts, sending, action):
            return Plan(reason=f"没有评价内容，无法变为 {stage} / no verdict to tell, so no way to {stage}")
        _operate(writing, action, sending, code, bridging=True)
    return _done(writing)


def remark(mapping: Mapping, text: str, seen: Situation) -> Plan:
    """A remark of the bridge's own: the other platform's number, a change of fields."""
    if mapping.operation is None:
        return Plan(reason=mapping.created_only or "该平台不接受后续操作 / the platform takes nothing after creation")
    writing = _start(mapping, mapping.operation, seen)
    action = Action(kind=ActionKind.COMMENT, at=seen.now, platform="-", entry="-", opinion=text)
    if not _remark(writing, action, ""):
        return Plan(reason=_NO_REMARK.format(seen.status))
    return _done(writing)


def shown(mapping: Mapping, status: str, stage: Stage | None) -> bool:
    """Does this status show that canonical stage: exactly, or as declared under `shows` or `created_only`?"""
    exactly = mapping.created_only is not None or mapping.stages.get(status) == stage
    return exactly or (stage is not None and status in mapping.shows.get(stage, ()))


def _start(mapping: Mapping, operation: Operation, seen: Situation) -> _Writing:
    write_time = time_writer(mapping, operation.as_time, None, None)
    return _Writing(mapping, operation, seen, write_time, seen.status, seen.lead)


def _done(writing: _Writing) -> Plan:
    return Plan(tuple(writing.steps), notes=tuple(writing.notes.found))


def _due_fits(sending: Sending, action: Action, seen: Situation) -> bool:
    if sending.due != "needed":
        return True
    return action.due is not None and action.due > action.at and (seen.due is None or action.due > seen.due)


def _passed(mapping: Mapping, status: str, stage: Stage | None, kind: ActionKind) -> bool:
    """Is the platform already further along the line than a forward action leads?"""
    present = mapping.stages.get(status)
    if present is None or stage is None or kind not in FORWARD:
        return False
    return RANK.get(present, -1) > RANK.get(stage, len(LINE))


def _way(mapping: Mapping, status: str, code: str, stage: Stage | None, kind: ActionKind) -> list[str] | None:
    """The operations from `status` that carry out `code` and end where `stage` is shown; None if it takes a remark."""
    after = mapping.workflow.get(status, {}).get(code)
    if stage is None:
        return [code] if after is not None else None
    if _passed(mapping, status, stage, kind):
        return None
    if after is not None and mapping.stages.get(status) == stage != mapping.stages.get(after):
        return None  # it stands there already, and the operation would lead away
    if after is not None and shown(mapping, after, stage):
        return [code]
    path = _search(mapping, status, code, lambda s: mapping.stages.get(s) == stage, stage)
    return path if path is not None else _search(mapping, status, code, lambda s: shown(mapping, s, stage), stage)


def _search(
    mapping: Mapping, status: str, code: str | None, goal: Callable[[str], bool], stage: Stage
) -> list[str] | None:
    """The shortest chain of operations to a goal, using `code` on the way. Returned and cancelled are never stations,
    nor is anything beyond the goal on the line."""
    start = (status, code is None)
    queue: deque[tuple[tuple[str, bool], list[str]]] = deque([(start, [])])
    seen = {start}
    while queue:
        (here, used), path = queue.popleft()
        for step, after in mapping.workflow.get(here, {}).items():
            node = (after, used or step == code)
            reached = goal(after) and node[1]
            if not reached and (node in seen or not _station(mapping.stages.get(after), stage)):
                continue
            if reached:
                return [*path, step]
            seen.add(node)
            queue.append((node, [*path, step]))
    return None


def _station(between: Stage | None, goal: Stage) -> bool:
    if between is None or between not in RANK:
        return False
    return goal not in RANK or RANK[between] <= max(RANK[goal], RANK[Stage.REPORTED])


def _operate(writing: _Writing, action: Action, sending: Sending, code: str, *, bridging: bool) -> None:
    mapping, before = writing.mapping, writing.status
    kind = action.kind
    if bridging:
        kind, sending = sending_of(mapping, code)
    after = mapping.workflow[before][code]
    targets = _targets(action, writing) if sending.department in ("lead", "lead_and_assists") else []
    words = _opinion(writing, action, sending, targets, bridging=bridging, label=LABELS[kind])
    same = after == before
    needed = writing.operation.opinion_needed
    if not words and (code in needed or (same and "same" in needed)):
        words = LABELS[kind]
    mark = sending.same if same else ""
    lead = writing.lead
    codes = _departments(writing, action, sending.department, targets)
    shall_act = sending.department in ("lead", "lead_and_assists")
    if shall_act and codes:
        lead = codes[0]
    due = action.due if sending.due != "no" and not bridging else None
    if due is not None and writing.operation.due == writing.operation.opinion.to:
        words, due = f"{writing.write_time(due)}，{words}".rstrip("，"), None
    _append(writing, action, code, after, mark + words, codes, due, lead, bridging=bridging, shall_act=shall_act)


def _remark(writing: _Writing, action: Action, mark: str) -> bool:
    operation, status = writing.operation, writing.status
    code = status if operation.remark == "same" else operation.remark
    if code is None:
        return False
    if operation.remark_at is not None:
        if status not in operation.remark_at:
            return False
    elif code not in writing.mapping.workflow.get(status, {}):
        return False
    sending = writing.mapping.moves.get(key_of(action), Sending())
    targets = _targets(action, writing) if action.kind in (ActionKind.DISPATCH, ActionKind.TRANSFER) else []
    words = _opinion(writing, action, sending, targets, bridging=False, label=LABELS[action.kind], everybody=True)
    if action.due is not None and action.kind is ActionKind.EXTEND:
        words += f"（延至 {action.due.astimezone(SHANGHAI):%Y-%m-%d %H:%M}）"
    codes = _departments(writing, action, operation.remark_department, [], code)
    words = mark + (words or LABELS[action.kind])
    _append(writing, action, code, status, words, codes, None, writing.lead, bridging=False)
    return True


def _targets(action: Action, writing: _Writing) -> list[Fields]:
    """Who shall act: the action's own lead and assistants, else the call's lead, else the item's, else the centre."""
    if action.lead:
        return [one.model_dump() for one in (action.lead, *action.assists)]
    if writing.seen.fields.get("lead"):
        return [writing.seen.fields["lead"]]
    items, departments = writing.mapping.items, writing.mapping.departments
    if items and departments:
        code = items.lead.get(item_code(items, writing.seen.fields.get("item"), Notes()), departments.other)
        return [{"code": code, "name": departments.codes.get(code)}]
    return []


def _departments(writing: _Writing, action: Action, whose: str, targets: list[Fields], told: str = "") -> list[str]:
    """The codes that stand in the operation, by the mapping's word for whose they are."""
    named, slot = writing.mapping.departments, writing.operation.department
    if named is None or slot is None or whose == "none":
        return []
    match whose:
        case "lead" | "lead_and_assists":
            codes = [code for one in targets[: slot.most] if (code := department_code(named, one))]
            codes = list(dict.fromkeys(codes)) or [named.other]
            return codes if whose == "lead_and_assists" else codes[:1]
        case "present":  # only where the operation would take the case from them
            return [writing.lead or named.other, *writing.seen.assists] if told == dispatch_of(writing.mapping) else []
        case "present_lead":
            return [writing.lead or named.other]
        case "outsider":
            town = writing.seen.fields.get("area.town")
            return [one for one in (town, named.other) if one and one != writing.lead][:1] or [named.other]
        case _:
            acting = department_code(named, action.department.model_dump()) if action.department else None
            return [acting] if acting else [named.other] if slot.required else []


def _opinion(
    writing: _Writing, action: Action, sending: Sending, targets: list[Fields], *, bridging: bool, label: str,
    everybody: bool = False,
) -> str:  # fmt: skip
    if bridging:
        return f"{label}（随来源平台衔接）"
    words = action.opinion if action.opinion.strip() else ""  # blanks alone say nothing, and are refused as such
    if sending.verdict and action.verdict and action.verdict.result:
        said = {score: word for word, score in writing.mapping.verdicts.result.items()}
        if not any(words.lstrip().startswith(word) for word in said.values()):
            solved = [w for w, v in writing.mapping.verdicts.solved.items() if v == action.verdict.solved][:1]
            words = "，".join(part for part in (said.get(action.verdict.result), *solved, words) if part)
    named = writing.mapping.departments
    if named is None:
        return words
    slot = writing.operation.department
    shown_targets = targets[: slot.most if slot else None] if sending.department == "lead_and_assists" else targets[:1]
    nameless = [one for one in targets if everybody or one not in shown_targets or not department_code(named, one)]
    names = "、".join(str(one.get("name") or one.get("code")) for one in nameless)
    if names:
        words = writing.operation.elsewhere.format(names=names) + words
    elif not targets and (acting := action.department) and not department_code(named, acting.model_dump()):
        words = f"（{acting.name}）{words}" if acting.name else words
    return words


def _append(
    writing: _Writing, action: Action, code: str, after: str, opinion: str, codes: list[str], due: datetime | None,
    lead: str, *, bridging: bool, shall_act: bool = False,
) -> None:  # fmt: skip
    operation, notes = writing.operation, writing.notes
    body: dict[str, Any] = {}

    def text(slot: Any, value: str) -> str:
        notes.field = slot.to
        safe, taken = converters.clean(converters.conceal(value, writing.seen.secrets))
        if taken:
            notes(f"去除控制字符 / control characters taken out: {', '.join(taken)}")
        return str(limited(slot.limit, slot.to, slot.to)(held(safe, writing.mapping.charset, notes), notes))

    opinion = text(operation.opinion, opinion)
    acting = "" if bridging else (action.actor or "")
    operator = text(operation.operator, acting if acting.strip() else operation.operator.default or "")
    place(body, operation.code, code)
    if opinion:
        place(body, operation.opinion.to, opinion)
    place(body, operation.operator.to, operator)
    place_departments(body, operation, codes, shall_act=shall_act)
    at = min(action.at, writing.seen.now)
    if operation.at:
        place(body, operation.at, writing.write_time(at))
    if due is not None and operation.due and due > at:
        place(body, operation.due, writing.write_time(due))
    if not bridging and writing.mapping.moves.get(key_of(action), Sending()).operation == code:
        state(body, writing.mapping.verdicts, action)
    writing.steps.append(Step(body, entry_code(writing.mapping, code, writing.status, after), after, opinion, operator, lead))
    writing.status, writing.lead = after, lead


def concealed(mapping: Mapping, step: dict[str, Any], secrets: tuple[str, ...]) -> dict[str, Any]:
    """A step planned earlier, without the words of a person who has asked for secrecy since."""
    opinion = converters.conceal(step["opinion"], secrets)
    if opinion == step["opinion"] or mapping.operation is None:
        return step
    body = copy.deepcopy(step["body"])
    place(body, mapping.operation.opinion.to, opinion)
    return {**step, "body": body, "opinion": opinion}


def edited(labels: Iterable[tuple[str, Any]]) -> str:
    """The words of a remark that tells a change of fields: （更正）标题：…；地址：（空）"""
    return "（更正）" + "；".join(f"{name}：{'（空）' if value in (None, [], '') else value}" for name, value in labels)


assert set(LABELS) == set(ActionKind) and len(LINE) == len(RANK)

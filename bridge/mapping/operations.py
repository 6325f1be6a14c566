"""What the operations of a mapping tell: which action each stands for, and what a remark would do besides remarking.

This module must not know a platform.
"""

from __future__ import annotations

from typing import Any

from bridge.mapping.language import Mapping, Operation, Sending
from bridge.mapping.paths import place
from schemas.lifecycle import FORWARD, ActionKind


def dispatch_of(mapping: Mapping) -> str | None:
    """The operation that tells a dispatch."""
    return mapping.moves.get(ActionKind.DISPATCH, Sending()).operation


def entry_code(mapping: Mapping, code: str, before: str, after: str) -> str:
    """What the history will show of an operation, by which it is known again: the code declared for it (`same`: where the
    status itself is written again), else its own; the status afterwards where the history tells statuses alone and operations
    are called otherwise."""
    declared = mapping.operation.entries if mapping.operation else {}
    if code == before == after and "same" in declared:
        return declared["same"]
    if code in declared:
        return declared[code]
    return after if mapping.entries.code is None and code not in mapping.stages else code


def needs_people(mapping: Mapping, status: str) -> bool:
    """Would a remark at this status replace who leads and helps, so that they must be told as they are?"""
    operation = mapping.operation
    if operation is None or operation.remark_department != "present":
        return False
    return dispatch_of(mapping) == (status if operation.remark == "same" else operation.remark)


def sending_of(mapping: Mapping, code: str) -> tuple[ActionKind, Sending]:
    """The action that an operation usually tells: the one along the line first."""
    kinds = [*FORWARD, *(kind for kind in ActionKind if kind not in FORWARD)]
    for kind in kinds:
        for key, sending in mapping.moves.items():
            if sending.operation == code and key.split(".")[0] == kind:
                return kind, sending
    return ActionKind.COMMENT, Sending(operation=code)


def place_departments(body: dict[str, Any], operation: Operation, codes: list[str], *, shall_act: bool) -> None:
    """Put departments' codes where the operation takes them: those that shall act in a place of their own, if it has one."""
    slot = operation.department
    if not codes or slot is None:
        return
    if shall_act and slot.lead:
        place(body, slot.lead, codes[0])
        if slot.assists and codes[1:]:
            place(body, slot.assists, (slot.join or ",").join(codes[1:]))
        return
    place(body, slot.to, slot.join.join(codes) if slot.join else codes[0])

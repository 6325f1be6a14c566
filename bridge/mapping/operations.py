"""What the operations of a mapping tell: which action each stands for, and what a remark would do besides remarking.

This module must not know a platform.
"""

from __future__ import annotations

from bridge.mapping.language import Mapping, Sending
from schemas.lifecycle import FORWARD, ActionKind


def dispatch_of(mapping: Mapping) -> str | None:
    """The operation that tells a dispatch."""
    return mapping.moves.get(ActionKind.DISPATCH, Sending()).operation


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

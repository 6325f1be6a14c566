"""What each platform's status means, in the trade's own stages, to compare two platforms that show one call.

The stand-ins' own small table, written from the trade's stage table; it must not know the bridge's mappings.
"""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.standins import GOVERNMENT, GRID

STAGES: Mapping[str, Mapping[str, str]] = {
    GRID: {
        "05": "CALLED", "06": "ACCEPTED", "07": "DISPATCHED", "08": "RESPONDED", "09": "IN_PROGRESS",
        "10": "REPORTED", "11": "CLOSED", "12": "RATED", "90": "RETURNED", "91": "CANCELLED",
        # Withdrawn by the town: no call any more, until it calls again.
        "01": "RETURNED", "02": "RETURNED", "03": "RETURNED", "04": "RETURNED",
    },
    GOVERNMENT: {
        "PENDING": "CALLED", "ACCEPTED": "ACCEPTED", "DISPATCHED": "DISPATCHED", "RESPONDED": "RESPONDED",
        "HANDLING": "IN_PROGRESS", "FEEDBACK": "REPORTED", "CLOSED": "CLOSED", "RATED": "RATED",
        "RETURNED": "RETURNED", "CANCELLED": "CANCELLED",
    },
}  # fmt: skip
CHINESE: Mapping[str, str] = {
    "CALLED": "已呼叫", "ACCEPTED": "已受理", "DISPATCHED": "已派发", "RESPONDED": "已响应", "IN_PROGRESS": "办理中",
    "REPORTED": "已反馈", "CLOSED": "已办结", "RATED": "已评价", "RETURNED": "已退回", "CANCELLED": "已作废",
}  # fmt: skip

# What the government platform shows where its workflow has no way to show the stage itself.
_STANDS_FOR: Mapping[str, frozenset[str]] = {
    "CALLED": frozenset({"ACCEPTED"}),  # called again over the interface is accepted at once
    "DISPATCHED": frozenset({"RESPONDED", "HANDLING"}),  # a transfer keeps the status
    "RESPONDED": frozenset({"HANDLING"}),
}


def stage_of(slug: str, status: str) -> str:
    """The stage a status means; the status itself, in brackets, where the table does not hold it."""
    return STAGES[slug].get(status, f"[{status}]")


def agree(grid_status: str, government_status: str) -> bool:
    """Do both platforms show the same stage, or one of the declared stand-ins for it?"""
    stage = stage_of(GRID, grid_status)
    shown = stage_of(GOVERNMENT, government_status)
    return shown == stage or government_status in _STANDS_FOR.get(stage, frozenset())

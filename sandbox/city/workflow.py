"""The step table and what each step does to a task (contract section 7). Pure: no store, no clock, no HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.city import times
from sandbox.city.contract import LIMIT_HOURS, Contract
from sandbox.city.refusal import bad, forbidden

EXTEND, URGE, DISPATCH = "202", "203", "103"

_EXTENDED_TO = re.compile(r"延期至([0-9]{14})")


@dataclass(frozen=True)
class Step:
    """One step on a task, its form checked. `time`: yyyyMMddHHmmss, Beijing, exactly as sent."""

    step: str
    opinion: str
    depts: tuple[str, ...]
    operator: str
    time: str

    def entry(self) -> dict[str, str]:
        """Its item in `steps`, without seq."""
        return {
            "step": self.step,
            "opinion": self.opinion,
            "dept": ",".join(self.depts),
            "operator": self.operator,
            "time": self.time,
        }


def decide(contract: Contract, task: Mapping[str, str], step: Step, *, by_official: bool = False) -> dict[str, str]:
    """The task's fields that `step` changes; 203 where the table forbids it, then 201 for a repeat without opinion.

    `by_official`: the moves that only officials can make are open too.
    """
    state = task["state"]
    if step.step == EXTEND:
        if state not in contract.extends:
            forbidden(state, step.step)
        return _granted(step)
    if step.step == URGE:
        if state not in contract.urges:
            forbidden(state, step.step)
        return {}
    if step.step == state and state in contract.repeats:
        if not step.opinion:
            bad("opinion", "不能为空")
        return _lead(step)
    besides = contract.officials_besides[state] if by_official else ()
    if step.step not in contract.moves[state] and step.step not in besides:
        forbidden(state, step.step)
    changes = {"state": step.step} | _lead(step)
    if step.step == DISPATCH and not task["deadline"]:
        changes["deadline"] = times.later(step.time, LIMIT_HOURS[task["urgency"]])
    return changes


def _lead(step: Step) -> dict[str, str]:
    """A dispatch, repeated (改派) or not, replaces the lead and the assisting departments."""
    if step.step != DISPATCH:
        return {}
    return {"dept": step.depts[0], "assistDepts": ",".join(step.depts[1:])}


def _granted(step: Step) -> dict[str, str]:
    """The new deadline of an extension whose opinion names a real time; any other is an entry only."""
    match = _EXTENDED_TO.match(step.opinion)
    if match is None or times.read(match[1]) is None:
        return {}
    return {"deadline": match[1]}

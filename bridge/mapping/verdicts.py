"""Verdicts that stand in fields of their own: satisfied or not, and one to five points. This module must not know a
platform."""

from __future__ import annotations

from typing import Any, Literal

from bridge.mapping.language import Sending, Verdicts
from bridge.mapping.paths import place
from schemas.lifecycle import Action, ActionKind

Result = Literal[1, 2, 3, 4]
SCORES: dict[int, Result] = {5: 4, 4: 3, 3: 2, 2: 1, 1: 1}
"""What points say of satisfaction; written is the higher one."""


def stated(satisfied: Any, score: Any) -> Result | None:
    """What an entry's own fields say: the points if it has them, else satisfied or not."""
    if type(score) is int and score in SCORES:
        return SCORES[score]
    return None if type(satisfied) is not bool else 3 if satisfied else 1


def tellable(words: Verdicts, sending: Sending, action: Action) -> bool:
    """A verdict that has fields of its own must be there: nobody else may make one up."""
    needed = sending.verdict and words.satisfied is not None
    return not needed or bool(action.verdict and action.verdict.result)


def state(body: dict[str, Any], words: Verdicts, action: Action) -> None:
    """Put a rating's verdict into its fields."""
    result = action.verdict.result if action.verdict else None
    if action.kind is not ActionKind.RATE or result is None:
        return
    if words.satisfied:
        place(body, words.satisfied, result > 1)
    if words.score:
        place(body, words.score, result + 1)

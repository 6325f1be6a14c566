"""Retrying, in one place. Only what certainly was not carried out, or only reads, is tried again.

Nothing else in the product imports tenacity; nothing here knows a platform.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import tenacity

from adapters.errors import Unavailable

T = TypeVar("T")


def again(
    call: Callable[[], T], *, sleep: Callable[[float], None], attempts: int = 4, longest: float = 20.0
) -> T:
    """Call until it does not raise `Unavailable`, at most `attempts` times; the last error is raised as it is.

    Waits the platform's own `retry_after` where it gave one of up to `longest` seconds, else 0.2, 0.4, 0.8 … seconds.
    A longer `retry_after` is not waited out here: the caller's schedule is for that.
    """

    def wait(state: tenacity.RetryCallState) -> float:
        asked = _asked(state)
        return min(longest, asked) if asked is not None else min(longest, 0.1 * 2**state.attempt_number)

    def worth_it(state: tenacity.RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        return isinstance(error, Unavailable) and (error.retry_after or 0) <= longest

    for attempt in tenacity.Retrying(
        retry=worth_it, wait=wait, stop=tenacity.stop_after_attempt(attempts), sleep=sleep, reraise=True
    ):
        with attempt:
            return call()
    raise AssertionError("unreachable: tenacity reraises")


def _asked(state: tenacity.RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome else None
    return error.retry_after if isinstance(error, Unavailable) else None

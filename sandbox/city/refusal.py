"""The platform's "no": an error code of the answer's head, raised wherever a check fails (contract section 4).

Must not know HTTP or the store.
"""

from __future__ import annotations

from typing import NoReturn


class Refusal(Exception):
    """An answer other than 0. `code` and `message` are the head's elements."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message


def bad(field: str, reason: str) -> NoReturn:
    """201 for this field, in the contract's wording."""
    raise Refusal("201", f"字段错误:{field}:{reason}")


def missing(task_num: str) -> NoReturn:
    """202: there is no such task."""
    raise Refusal("202", f"记录不存在:{task_num}")


def forbidden(state: str, step: str) -> NoReturn:
    """203: the table does not lead from `state` to `step`."""
    raise Refusal("203", f"步骤不允许:{state}到{step}")

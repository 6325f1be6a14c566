"""The platform's "no": an error code of the envelope, raised wherever a check fails (contract section 4).

Must not know HTTP or the store.
"""

from __future__ import annotations

from typing import Any, NoReturn


class Refusal(Exception):
    """An answer other than 0000. `code`, `msg` and `data` are the envelope's members."""

    def __init__(self, code: str, msg: str, data: Any = None) -> None:
        super().__init__(f"{code} {msg}")
        self.code = code
        self.msg = msg
        self.data = data


def bad(path: str, reason: str) -> NoReturn:
    """4022 for the field at `path`, in the contract's wording."""
    raise Refusal("4022", f"参数错误[{path}]：{reason}")


def field_of(refusal: Refusal) -> str:
    """The path a 4022 names, "" for every other code."""
    return refusal.msg[refusal.msg.index("[") + 1 : refusal.msg.index("]：")] if refusal.code == "4022" else ""

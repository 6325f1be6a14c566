"""The platform's "no": a problem of contract section 8, raised wherever a check fails. Must not know HTTP or the store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.enforcement.contract import PROBLEM_BASE, PROBLEMS


class Problem(Exception):
    """One problem. `members` stand beside the common ones, `headers` beside the answer's own."""

    def __init__(
        self, name: str, detail: str, headers: Iterable[tuple[str, str]] = (), title: str = "", **members: Any
    ) -> None:
        super().__init__(f"{name}: {detail}")
        self.name, self.detail, self.members = name, detail, members
        self.status, usual = PROBLEMS[name]
        self.title = title or usual
        self.headers = tuple(headers)

    def body(self, request_id: str) -> dict[str, Any]:
        """The problem+json body of the answer with this request id."""
        return {"type": PROBLEM_BASE + self.name, "title": self.title, "status": self.status, "detail": self.detail,
                "instance": f"urn:uuid:{request_id}", **self.members}  # fmt: skip


class TokenError(Exception):
    """The token call's "no" (RFC 6749). basic: the client came with HTTP Basic."""

    def __init__(self, status: int, error: str, description: str, *, basic: bool = False) -> None:
        super().__init__(error)
        self.status, self.error, self.description, self.basic = status, error, description, basic


def invalid(errors: list[dict[str, str]]) -> Problem:
    """422 with all errors at once."""
    return Problem("validation", f"{len(errors)}处错误", errors=errors)

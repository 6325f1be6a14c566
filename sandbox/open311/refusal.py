"""The server's "no": an HTTP status with the errors of its body. Must not know what was asked."""

from __future__ import annotations

from collections.abc import Sequence


class Refused(Exception):
    """errors: (code, description), all at once. retry_after: seconds, for 429 and 503."""

    def __init__(self, status: int, errors: Sequence[tuple[str, str]], retry_after: int | None = None) -> None:
        super().__init__(f"{status}: {errors}")
        self.status, self.retry_after = status, retry_after
        self.errors = [{"code": code, "description": words} for code, words in errors]


def refuse(status: int, description: str, retry_after: int | None = None) -> Refused:
    """One error whose code is the status."""
    return Refused(status, [(str(status), description)], retry_after)

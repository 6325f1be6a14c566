"""The two ways in which something is not done: a row of T_JH_IN refused, an official's wish denied.

Must not know what was asked nor where the answer goes.
"""

from __future__ import annotations


class Refused(Exception):
    """A row of T_JH_IN is refused: `reason` is its CLJG (contract section 5)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Denied(Exception):
    """An official's wish is not possible: HTTP `status` of the back door and the words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words

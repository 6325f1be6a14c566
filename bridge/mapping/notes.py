"""What understanding a value says beside the value: anomalies, and what no mapping covers.

This module must not know a platform, a mapping or a field's name.
"""

from __future__ import annotations

from typing import Any

Fields = dict[str, Any]
"""Canonical fields: path -> JSON value. A path that is absent was not shown; None means emptied."""

ABSENT: Any = object()
"""Stands for a wire field that the record does not have."""


class Unreadable(Exception):
    """A value that the mapping does not cover: which canonical field and wire field, what was found, what is allowed,
    and the configuration key to mend. Becomes a dead letter."""

    def __init__(self, field: str, wire: str, found: str, allowed: str, key: str, remedy: str) -> None:
        self.field, self.wire, self.found = field, wire, found
        self.allowed, self.key, self.remedy = allowed, key, remedy
        super().__init__(f"{wire or field}: {found}；可用 / allowed: {allowed} → {remedy} ({key})")


class Notes:
    """Anomalies of one record: the compiled code sets `field`, converters call it with words."""

    __slots__ = ("field", "found")

    def __init__(self) -> None:
        self.field = ""
        self.found: list[tuple[str, str]] = []

    def __call__(self, words: str) -> None:
        self.found.append((self.field, words))

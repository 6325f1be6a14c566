"""Reading one record of the government platform: its number, its version, and what is wrong with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

EARLIEST_MS, LATEST_MS = 1_577_808_000_000, 4_102_444_800_000
"""The contract's bounds of a time (2020 to 2100): anything outside is not epoch milliseconds, whatever else it is."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")


def identifier(value: Any) -> str | None:
    """A callNo or fileId that can stand in a path; None for anything else. The form carries no further meaning."""
    return value if isinstance(value, str) and _IDENTIFIER.fullmatch(value) else None


def native_id(content: Mapping[str, Any]) -> str | None:
    """The record's callNo, None if it has no usable one."""
    return identifier(content.get("callNo"))


def updated_ms(value: Any) -> int | None:
    """An updateTime in epoch ms; None for seconds, text, fractions, 0, null: nothing is guessed."""
    return value if type(value) is int and EARLIEST_MS <= value <= LATEST_MS else None


def version(content: Mapping[str, Any]) -> str:
    """Names this state of the call: its updateTime, or how that was written if it is none."""
    value = content.get("updateTime")
    return str(value) if updated_ms(value) is not None else repr(value)


def times_damage(content: Mapping[str, Any]) -> tuple[str, ...]:
    """What is wrong with updateTime, in words; empty if nothing is."""
    value = content.get("updateTime")
    if updated_ms(value) is not None:
        return ()
    if value in (None, "") or (type(value) is int and value == 0):
        return ("缺少updateTime / updateTime is absent",)
    return (f"updateTime不是约定的毫秒时间 / updateTime is not epoch milliseconds: {value!r:.60}",)

"""Times on their way out, within what the platform takes (contract section 6, schema TimeMs). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.government.records import EARLIEST_MS, LATEST_MS

_AHEAD_MS = 298_000
"""An operateTime may be 5 min ahead of the platform's clock, which is known to a second or two."""
_DAY_MS = 86_400_000
_LAST_DAY_MS = EARLIEST_MS + ((LATEST_MS - EARLIEST_MS) // _DAY_MS - 1) * _DAY_MS


def within(action: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The same action, and a note on each time that no platform takes (a year typed wrong): it becomes the nearest day
    that is taken, at its own time of day. The same goes in, the same comes out: what is repeated is known again; two
    times apart stay apart."""
    sent, notes = dict(action), []
    for name in ("operateTime", "limitTime"):
        value = sent.get(name)
        if type(value) is int and not EARLIEST_MS <= value <= LATEST_MS:
            day = EARLIEST_MS if value < EARLIEST_MS else _LAST_DAY_MS
            sent[name] = day + (value - EARLIEST_MS) % _DAY_MS
            notes.append(f"{name}：{value}超出平台的时间范围 / outside the times that the platform takes")
    return sent, tuple(notes)


def wait_ms(action: Mapping[str, Any], platform_ms: int) -> int:
    """How long until the platform, by its own clock, takes this operateTime; 0 if it does already."""
    value = action.get("operateTime")
    return max(0, value - _AHEAD_MS - platform_ms) if type(value) is int else 0

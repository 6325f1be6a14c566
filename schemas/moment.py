"""Aware moments and nothing guessed.

pydantic reads "20260302" as a day in August 1970; here only an aware `datetime` or RFC 3339 text with an offset is
taken. This module must not know where a time came from.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator

SHANGHAI = ZoneInfo("Asia/Shanghai")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def moment(value: Any) -> datetime:
    """An aware datetime from itself or from RFC 3339 text; ValueError for everything else, numbers included."""
    if isinstance(value, str) and _RFC3339.fullmatch(value):
        value = datetime.fromisoformat(value.replace("Z", "+00:00"))
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError(f"an aware time is needed (RFC 3339 with offset), not {value!r}")
    return value


Moment = Annotated[datetime, BeforeValidator(moment)]


def first_moment(value: Any) -> datetime:
    """A day (its Beijing midnight) or an aware time. A naive time is refused: nobody could say which zone it meant."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        value = date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=SHANGHAI)
    return moment(value)


FirstMoment = Annotated[datetime, BeforeValidator(first_moment)]

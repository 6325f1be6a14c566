"""Times as a REST platform writes them, both ways. Aware datetimes on our side. Pure; must not know a platform."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from adapters.generic.parts import Time

_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def written(at: datetime, time: Time) -> str | int:
    """In the platform's form. rfc3339: with the offset of `time.zone`."""
    match time.form:
        case "epoch_ms":
            return int(at.timestamp() * 1000)
        case "epoch_s":
            return int(at.timestamp())
        case "local":
            return at.astimezone(ZoneInfo(time.zone)).strftime(time.pattern)
    return at.astimezone(ZoneInfo(time.zone)).isoformat(timespec="milliseconds" if time.decimals else "seconds")


def grain(time: Time) -> timedelta:
    """The resolution of times written so."""
    fine = time.form == "epoch_ms" or (time.form == "rfc3339" and time.decimals > 0)
    return timedelta(milliseconds=1) if fine else timedelta(seconds=1)


def understood(value: Any, time: Time) -> datetime | None:
    """Aware; None for what is not in the agreed form, or is no plausible time: nothing is guessed."""
    try:
        moment = _read(value, time)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
    return moment if moment is not None and _EARLIEST <= moment < _LATEST else None


def _read(value: Any, time: Time) -> datetime | None:
    if time.form in ("epoch_ms", "epoch_s"):
        number = int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value
        if isinstance(number, bool) or not isinstance(number, int):
            return None
        return datetime.fromtimestamp(number / (1000 if time.form == "epoch_ms" else 1), UTC)
    if not isinstance(value, str):
        return None
    if time.form == "local":
        return datetime.strptime(value, time.pattern).replace(tzinfo=ZoneInfo(time.zone)).astimezone(UTC)
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=ZoneInfo(time.zone)).astimezone(UTC) if time.naive else None
    return moment.astimezone(UTC)

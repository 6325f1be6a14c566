"""Times as the contract writes them: yyyyMMddHHmmss, Beijing, naive. Must not know fields or the clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))

_TIME = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})")


def written(epoch: float) -> str:
    """Epoch seconds as yyyyMMddHHmmss; fractions are cut."""
    return _digits(datetime.fromtimestamp(int(epoch // 1), UTC).astimezone(BEIJING))


def read(text: str) -> datetime | None:
    """The instant (Beijing), None for what is no real calendar time of 14 digits."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    try:
        return datetime(*(int(part) for part in match.groups()), tzinfo=BEIJING)  # type: ignore[arg-type,misc]
    except ValueError:
        return None


def later(text: str, hours: int) -> str:
    """`text` (a real time) and so many hours."""
    instant = read(text)
    if instant is None:
        raise ValueError(f"not a time: {text}")
    return _digits(instant + timedelta(hours=hours))


def _digits(instant: datetime) -> str:
    # strftime leaves out the leading zeros of early years.
    return f"{instant.year:04d}{instant:%m%d%H%M%S}"

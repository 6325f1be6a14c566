"""Durations and first moments of a county's file."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest

from bridge import routing
from schemas import county


@pytest.mark.parametrize(("text", "seconds"), [
    ("10s", 10), ("1m", 60), ("1h30m", 5400), ("2d", 172_800), ("0.5s", 0.5), ("0s", 0),
])  # fmt: skip
def test_durations_are_read_and_written(text: str, seconds: float) -> None:
    """A number with its unit, also several together; written back it means the same."""
    length = county.duration(text)
    assert length == timedelta(seconds=seconds)
    assert county.duration(county.written(length)) == length


@pytest.mark.parametrize("wrong", ["10", 10, "", "10 s", "s", "-5s", "1,5s", "10sec", "１０s", None, True, "1m30"])
def test_a_duration_without_unit_is_refused(wrong: object) -> None:
    """Nobody could say whether 10 meant seconds or minutes."""
    with pytest.raises(ValueError, match="10s、1m、2h"):
        county.duration(wrong)


def test_an_endless_duration_is_refused_in_words() -> None:
    """No number of digits makes the reading fail otherwise."""
    with pytest.raises(ValueError, match="too long"):
        county.duration("9" * 400 + "d")


@pytest.mark.parametrize("wrong", ["2026-03-01T08:00:00", "2026-13-01", "20260301", 20260301, "3月1日"])
def test_a_start_without_zone_or_day_is_refused(wrong: object) -> None:
    """A naive time, no such day, digits alone: refused."""
    with pytest.raises(ValueError):
        county.first_moment(wrong)


def test_operators_are_those_of_the_engine() -> None:
    """What editors complete is what the engine knows."""
    assert get_args(county.Operator) == get_args(routing.Operator)

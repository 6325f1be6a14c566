"""Times and epochs: what is declared is read exactly, what is not is named and never guessed."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping import converters
from schemas.moment import SHANGHAI

CASES = Path(__file__).parents[2] / "cases"
PLAIN = converters.time_pattern("yyyy-MM-dd HH:mm:ss")
NINE = datetime(2026, 3, 2, 9, tzinfo=SHANGHAI)


def silent(words: str) -> None:
    pytest.fail(f"nothing odd here, yet: {words}")


@pytest.mark.parametrize(
    ("pattern", "text", "moment"),
    [
        ("yyyy-MM-dd HH:mm:ss", "2026-03-02 09:00:00", NINE),
        ("yyyyMMddHHmmss", "20260302090000", NINE),
        ("yyyy/M/d H:mm", "2026/3/2 9:00", NINE),
        ("yyyy年MM月dd日 HH时mm分", "2026年03月02日 09时00分", NINE),
        ("yyyy-MM-dd", "2026-03-02", NINE.replace(hour=0)),
        ("dd.MM.yyyy HH:mm", "02.03.2026 09:00", NINE),
        ("yyyy-MM-ddTHH:mm:ssXXX", "2026-03-02T09:00:00+08:00", NINE),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXX", "2026-03-02T09:00:00.120+0800", NINE.replace(microsecond=120_000)),
        ("yyyyMMddHHmmssSSS", "20260302090000007", NINE.replace(microsecond=7_000)),
        ("'{at}' yyyy-MM-dd HH:mm:ss.SSSSSSSSS", "{at} 2026-03-02 09:00:00.000001000", NINE.replace(microsecond=1)),
    ],
)
def test_a_pattern_reads_what_it_writes(pattern: str, text: str, moment: datetime) -> None:
    """A text by its pattern is the moment it says, and that moment is written as the same text."""
    ready = converters.time_pattern(pattern)
    assert converters.read_time(text, silent, ready, SHANGHAI) == moment
    assert converters.write_time(moment, ready, SHANGHAI) == text


@pytest.mark.parametrize(
    "pattern", ["yyyy-MM-dd HH:mm:ss", "yyyyMMddHHmmss", "yyyy/M/d H:m:s", "yyyy-MM-ddTHH:mm:ssXXX"]
)
@given(moment=st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC)))
def test_every_second_survives(pattern: str, moment: datetime) -> None:
    """Writing and reading keep the second, in whatever zone the platform lives."""
    ready = converters.time_pattern(pattern)
    for zone in (SHANGHAI, UTC):
        read = converters.read_time(converters.write_time(moment, ready, zone), silent, ready, zone)
        assert read == moment.replace(microsecond=0)


def test_an_offset_counts_and_z_is_utc() -> None:
    """With XXX the offset in the text rules, and UTC is read and written as Z."""
    pattern = converters.time_pattern("yyyy-MM-ddTHH:mm:ss.SSSXXX")
    read = converters.read_time("2026-03-02T01:00:00.000Z", silent, pattern, SHANGHAI)
    assert read == NINE and read is not None and read.utcoffset() == timedelta(hours=8)
    assert converters.write_time(NINE, pattern, UTC) == "2026-03-02T01:00:00.000Z"
    west = ZoneInfo("America/St_Johns")
    assert converters.write_time(NINE, pattern, west) == "2026-03-01T21:30:00.000-03:30"
    assert converters.read_time("2026-03-01T21:30:00.000-03:30", silent, pattern, SHANGHAI) == NINE


def test_a_quoted_z_is_a_letter_and_the_zone_is_the_mappings() -> None:
    """A platform that writes Z behind UTC wall time is told so by its zone."""
    pattern = converters.time_pattern("yyyy-MM-ddTHH:mm:ss.SSS'Z'")
    assert converters.read_time("2026-03-02T01:00:00.000Z", silent, pattern, UTC) == NINE
    assert converters.write_time(NINE, pattern, UTC) == "2026-03-02T01:00:00.000Z"


def test_full_width_times_are_folded() -> None:
    """C26: the full-width time of the field is the same moment."""
    rows = json.loads((CASES / "C26-fullwidth.json").read_text("utf-8"))
    row = next(row for row in rows if row["field"] == "happenTime")
    assert converters.read_time(row["wire"], silent, PLAIN, SHANGHAI) == datetime.fromisoformat(row["canonical"])
    assert converters.read_time(" ２０２６－０３－０２　０９：００：００ ", silent, PLAIN, SHANGHAI) == NINE


def test_zero_and_partial_dates_are_absent_and_said() -> None:
    """C51: none of the zero or partial dates becomes a moment; each is named."""
    texts = re.findall(r"'(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)'", (CASES / "C51-zero-dates.sql").read_text("utf-8"))
    assert len(texts) >= 10
    for text in texts:
        notes: list[str] = []
        moment = converters.read_time(text, notes.append, PLAIN, SHANGHAI)
        if "-00" in text:
            assert moment is None and len(notes) == 1 and text in notes[0]
        else:
            assert moment is not None and not notes
            assert moment.replace(tzinfo=None).isoformat(" ") == text


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("2026-02-30 09:00:00", "no such time"),
        ("2026-03-02 24:00:00", "no such time"),
        ("2026-03-00 09:00:00", "partial date"),
        ("0000-00-00 00:00:00", "zero date"),
        ("1900-01-01 00:00:00", "outside 2000 to 2099"),
        ("9999-12-31 23:59:59", "outside 2000 to 2099"),
        ("2026-03-02", "not written"),
        ("²026-03-02 09:00:00", "not written"),
        ("٢٠٢٦-03-02 09:00:00", "not written"),
        (" 2026-03-02 09:00:00 " + "x" * 10_000, "not written"),
        (1772413200000, "is needed"),
        (True, "is needed"),
        (b"2026-03-02 09:00:00", "<bytes>"),
        ([1], "<list>"),
        ({}, "<dict>"),
        (datetime(2026, 3, 2), "<datetime>"),
        pytest.param(10**6000, "<int>", id="a number too long to write"),
    ],
)
def test_what_is_no_time_is_named(value: object, says: str) -> None:
    """Anything else is None with one short note."""
    notes: list[str] = []
    assert converters.read_time(value, notes.append, PLAIN, SHANGHAI) is None
    assert len(notes) == 1 and says in notes[0] and len(notes[0]) < 200


@pytest.mark.parametrize("value", [None, "", "  ", "　"])
def test_empty_times_are_absent_without_a_word(value: object) -> None:
    """An empty field is no anomaly."""
    assert converters.read_time(value, silent, PLAIN, SHANGHAI) is None


def test_aware_moments_pass_and_naive_ones_are_never_written() -> None:
    """What is a moment already stays; a naive one has no wall time anywhere."""
    assert converters.read_time(NINE, silent, PLAIN, UTC) is NINE
    with pytest.raises(ValueError, match="aware"):
        converters.write_time(datetime(2026, 3, 2), PLAIN, SHANGHAI)


@pytest.mark.parametrize("offset", ["+99:00", "+08:75", "-15:00"])
def test_impossible_offsets_are_no_time(offset: str) -> None:
    """An offset that no place has is named, not applied."""
    notes: list[str] = []
    pattern = converters.time_pattern("yyyy-MM-ddTHH:mm:ssXXX")
    assert converters.read_time("2026-03-02T09:00:00" + offset, notes.append, pattern, SHANGHAI) is None
    assert notes


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "yy-MM-dd",
        "YYYY-MM-DD",
        "yyyy-MM-dd hh:mm",
        "yyyy-MM-ddTHH:mm:ssZ",
        "yyyy-MM",
        "yyyy-MM-dd mm",
        "HH:mm:ss",
        "yyyyMd",
        "yyyy-MM-dd'T",
        "yyyy-MM-dd MM",
        "yyyy-MM-dd HH:mm.SSS",
        "yyyy-MM-dd SSSSSSSSSS",
        "yyyy-MM-ddTHH:mmX",
    ],
)
def test_a_bad_pattern_says_what_is_allowed(pattern: str) -> None:
    """Configuration errors name the letters that may be used."""
    with pytest.raises(ValueError, match="allowed letters: yyyy MM"):
        converters.time_pattern(pattern)


def test_epochs_of_the_field() -> None:
    """C28: ten records declared milliseconds; nothing guessed, nothing in 1970."""
    says = {
        "seconds by": "looks like seconds",
        "microseconds": "looks like microseconds",
        "not the": "2026-03-02 09:00:00",
        "pydantic": "looks like a date",
    }
    for record in json.loads((CASES / "C28-epoch-mixed.json").read_text("utf-8"))["records"]:
        notes: list[str] = []
        moment = converters.read_epoch_ms(record["updateTime"], notes.append)
        expected = next((word for start, word in says.items() if record["is"].startswith(start)), None)
        if expected:
            assert moment is None and len(notes) == 1 and expected in notes[0], record
        elif record["is"].startswith("absent"):
            assert moment is None and not notes, record
        else:
            assert moment == NINE and moment.tzinfo is SHANGHAI and not notes, record


@given(st.integers(946_656_000_000, 4_102_415_999_999))
def test_milliseconds_survive(count: int) -> None:
    """Every millisecond of the century comes back exactly, from a number and from digits."""
    for value in (count, str(count)):
        moment = converters.read_epoch_ms(value, silent)
        assert moment is not None and moment.microsecond % 1000 == 0
        assert converters.write_epoch_ms(moment) == count
    seconds = converters.read_epoch_s(count // 1000, silent)
    assert seconds is not None and converters.write_epoch_s(seconds) == count // 1000


@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        float("nan"),
        float("inf"),
        -1,
        10**30,
        pytest.param(10**6000, id="too long to write"),
        "9" * 6000,
        "1_772_413_200_000",
        "²",
        b"1",
        [],
        {},
    ],
)
def test_odd_epochs_are_named(value: object) -> None:
    """What is no count of milliseconds is None with a note, whatever its type or size."""
    notes: list[str] = []
    assert converters.read_epoch_ms(value, notes.append) is None
    assert len(notes) == 1 and len(notes[0]) < 200


def test_seconds_notice_milliseconds() -> None:
    """The other declared unit is watched the same way."""
    notes: list[str] = []
    assert converters.read_epoch_s(1772413200000, notes.append) is None
    assert "looks like milliseconds" in notes[0]


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.binary(), st.lists))
def test_no_value_makes_a_reader_raise(value: object) -> None:
    """Whatever a platform sends, the readers answer."""

    def note(words: str) -> None:
        assert " / " in words

    converters.read_time(value, note, PLAIN, SHANGHAI)
    converters.read_epoch_ms(value, note)
    converters.read_epoch_s(value, note)
    converters.read_phones(value, note)
    converters.is_secret_word(value)

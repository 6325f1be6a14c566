"""No phone, identity number or secret in a log line, whoever wrote it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from bridge import redaction


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What a handler of nobody's making writes, with masking installed."""
    stream, before = io.StringIO(), logging.getLogRecordFactory()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger = logging.getLogger("tests.redaction")
    logger.addHandler(handler)
    redaction.install()
    redaction.install()
    yield stream
    logger.removeHandler(handler)
    logging.setLogRecordFactory(before)


@pytest.mark.parametrize(("text", "masked"), [
    ("来电13900000001，请回电", "来电139****0001，请回电"),
    ("+86 139-0000-0001", "+86 139-****-0001"),
    ("8613900000001", "86139****0001"),
    ("１３９００００００１２", "１３９****００１２"),
    ("身份证371102199001011234。", "身份证371102****。"),
    ("37110219900101123X", "371102****"),
    ("座机0633-8221234", "座机0633-****34"),
    ("06338221234", "0633****34"),
    ("联系电话：8221234", "联系电话：****34"),
])  # fmt: skip
def test_people_are_masked(text: str, masked: str) -> None:
    """Mobile numbers with and without separators and country code, in full width; identity numbers; landlines."""
    assert redaction.redact(text) == masked
    assert redaction.redact(masked) == masked


@pytest.mark.parametrize("text", [
    "DG2026112500001", "LS261026000017", "1792977125000", "2026-10-26 09:12:05", "371103103205", "371103103205001",
    "8e77076c-0e97-5535-a844-ef2a9e6e7a62", "hy-13911112-0e97-5535-a844-ef2a9e6e7a62", "119.234567", "热线2622345",
    "127.0.0.1:34567", "0.1379313793", "sha256 13913913913913913913913913913913ab",
])  # fmt: skip
def test_numbers_of_calls_stay(text: str) -> None:
    """Event numbers, times, area codes, call ids and coordinates are not phones."""
    assert redaction.redact(text) == text


def test_every_part_of_a_record_is_masked(lines: io.StringIO) -> None:
    """Arguments, tracebacks, stack and a wrong format alike."""
    redaction.register("s3cret/Wort")
    log = logging.getLogger("tests.redaction")
    log.warning("call of %s at %s", "13900000001", {"url": "http://a:s3cret%2FWort@h"})
    try:
        raise ValueError("13900000002 s3cret/Wort")
    except ValueError:
        log.exception("failed for %(phone)s", {"phone": "13900000003"})
    log.warning("two %s %s", "13900000004")
    text = lines.getvalue()
    for number in range(1, 5):
        assert f"1390000000{number}" not in text and f"139****000{number}" in text
    assert "s3cret" not in text and "Traceback" in text and "ValueError" in text
    assert redaction.HIDDEN in text


def test_a_handlers_filter_does_the_same() -> None:
    """A record made before `install` is masked by the filter."""
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "tel %s", ("13900000001",), None)
    assert redaction.Redaction().filter(record)
    assert record.getMessage() == "tel 139****0001"


def test_a_short_secret_is_no_secret() -> None:
    """Three characters would black out half of every line."""
    redaction.register("abc")
    assert redaction.redact("abcdef") == "abcdef"

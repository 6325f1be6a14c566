"""The ground of REST platforms: answers judged by tables, the rate limit, Retry-After and page numbers."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import BrokenReply, ConfigError, Missing, OutcomeUnknown, Outdated, Refused, Unavailable
from adapters.rest import Bucket, Envelope, Meaning, at, decode, judge, last_page, open_reply, retry_after
from adapters.transport import Answer

NOW = datetime(2026, 10, 26, 4, 0, tzinfo=UTC)
CODES: Mapping[str | int, Meaning] = MappingProxyType({
    0: Meaning.SUCCESS, 9: Meaning.DUPLICATE, 10: Meaning.EXPIRED, 12: Meaning.UNSIGNED, 3: Meaning.FORBIDDEN,
    4: Meaning.MISSING, 22: Meaning.REFUSED, 29: Meaning.BUSY, 50: Meaning.FAILED, "E1": Meaning.REFUSED,
})  # fmt: skip
ENVELOPE = Envelope(
    CODES, code="head.code", message="head.text", data="body", field=re.compile(r"^(\w+):"),
    outdated=frozenset({"state"}), wait="body.wait",
)  # fmt: skip


def answer(body: Any = b"", status: int = 200, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, content, NOW)


def said(code: Any, text: str = "", body: Any = None) -> Answer:
    return answer({"head": {"code": code, "text": text}, "body": body})


@pytest.mark.parametrize(
    ("given", "read", "write"),
    [
        (said(0, body=[1]), None, None), (said(10), Unavailable, Unavailable), (said(12), ConfigError, ConfigError),
        (said(3), ConfigError, ConfigError), (said(4), Missing, Missing), (said(22, "a: b"), Refused, Refused),
        (said(22, "state: no"), Outdated, Outdated), (said("E1"), Refused, Refused),
        (said(29), Unavailable, Unavailable),
        (said(50), Unavailable, OutcomeUnknown), (said(9), BrokenReply, OutcomeUnknown),
        (said(77), BrokenReply, OutcomeUnknown), (said("0"), BrokenReply, OutcomeUnknown),
        (said(False), BrokenReply, OutcomeUnknown), (said(0.0), BrokenReply, OutcomeUnknown),
        (said(None), BrokenReply, OutcomeUnknown), (said([0]), BrokenReply, OutcomeUnknown),
        (answer(b""), BrokenReply, OutcomeUnknown), (answer(b"<html>"), BrokenReply, OutcomeUnknown),
        (answer(b'{"head":{"code":0'), BrokenReply, OutcomeUnknown), (answer([0]), BrokenReply, OutcomeUnknown),
        (answer(b"", 429), Unavailable, Unavailable), (answer(b"", 413), Refused, Refused),
        (answer({"head": {"code": 0}}, 500), Unavailable, OutcomeUnknown),
        (answer(b"", 502), Unavailable, OutcomeUnknown), (answer(b"", 403), BrokenReply, OutcomeUnknown),
        (answer({"head": {"code": 0}}, 201), BrokenReply, OutcomeUnknown),
    ],
)  # fmt: skip
def test_judged(given: Answer, read: type[Exception] | None, write: type[Exception] | None) -> None:
    """Each meaning is one error for reads and one for writes; success is the agreed code of the agreed type only."""
    for is_write, error in ((False, read), (True, write)):
        opened = open_reply(given, ENVELOPE)
        if error is None:
            assert judge(opened, ENVELOPE, write=is_write).data == [1]
            continue
        with pytest.raises(error) as caught:
            judge(opened, ENVELOPE, write=is_write, where="p · op 7")
        assert type(caught.value) is error and "p · op 7" in str(caught.value)


def test_what_is_told() -> None:
    """The field named, the seconds asked for, the bytes kept, and a duplicate where it is expected."""
    with pytest.raises(Refused) as refused:
        judge(open_reply(said(22, "phone: bad"), ENVELOPE), ENVELOPE, write=True)
    assert (refused.value.field, refused.value.code) == ("phone", "22")
    with pytest.raises(Unavailable) as busy:
        judge(open_reply(said(29, body={"wait": 17}), ENVELOPE), ENVELOPE, write=True)
    assert busy.value.retry_after == 17
    with pytest.raises(BrokenReply) as strange:
        judge(open_reply(answer(b"<html>"), ENVELOPE), ENVELOPE, write=False)
    assert strange.value.raw == b"<html>"
    opened = open_reply(said(9, body={"id": "x"}), ENVELOPE)
    duplicate = judge(opened, ENVELOPE, write=True, accept=frozenset({Meaning.DUPLICATE}))
    assert duplicate.data == {"id": "x"}


@given(st.binary(max_size=60), st.sampled_from([200, 204, 400, 401, 429, 500, 502]), st.booleans())
def test_no_bytes_are_taken_for_success(body: bytes, status: int, write: bool) -> None:
    """Whatever bytes come, they are judged; random ones are never success."""
    assert open_reply(answer(body, status), ENVELOPE).meaning is not Meaning.SUCCESS


def test_decode() -> None:
    """Strict UTF-8; a byte order mark only where it is tolerated."""
    assert decode("{\"a\":\"呼应\"}".encode()) == {"a": "呼应"}
    assert decode(b"\xef\xbb\xbf[1]", bom=True) == [1]
    for bad in (b"\xef\xbb\xbf[1]", "{\"a\":\"呼应\"}".encode("gb18030"), b"[1", b"", b"[NaN]", b'"\xff"'):
        with pytest.raises(ValueError, match=r"."):
            decode(bad)


def test_at() -> None:
    """Dotted paths, None where there is nothing."""
    document = {"a": {"b": [1]}, "c": None}
    assert (at(document, "a.b"), at(document, ""), at(document, "c.d"), at(document, "a.b.c"), at(7, "a")) == (
        [1], document, None, None, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, None), ({"retry_after": "7"}, 7.0), ({"retry_after": " 0 "}, 0.0), ({"retry_after": "soon"}, None),
     ({"retry_after": "-3"}, None), ({"retry_after": "٣"}, None),
     ({"retry_after": "Mon, 26 Oct 2026 04:00:30 GMT"}, 30.0), ({"retry_after": "Mon, 26 Oct 2026 03:00:00 GMT"}, 0.0),
     ({"retry_after": "Mon, 26 Oct 2026 05:00:30 GMT", "date": "Mon, 26 Oct 2026 05:00:00 GMT"}, 30.0)],
)  # fmt: skip
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, or a date against the same answer's clock; anything else is no answer."""
    assert retry_after(answer(b"", 200, **headers)) == seconds


@pytest.mark.parametrize(("wait", "seconds"), [(5, 5.0), (True, 1.0), ("9", 1.0), (-1, 1.0), (None, 1.0)])
def test_least_wait(wait: Any, seconds: float) -> None:
    """A busy platform that names no usable time is given one second."""
    assert open_reply(said(29, body={"wait": wait}), ENVELOPE).retry_after == seconds


class Clock:
    def __init__(self, moves: bool = True) -> None:
        self.now, self.slept, self.moves = 0.0, 0.0, moves
        self.lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.slept += seconds
            self.now += seconds if self.moves else 0


@pytest.mark.parametrize("moves", [True, False])
def test_bucket(moves: bool) -> None:
    """burst at once, then rate a second, also by a clock that stands still."""
    clock = Clock(moves)
    bucket = Bucket(10, 5, lambda: clock.now, clock.sleep)
    for _ in range(25):
        bucket.take()
    assert clock.slept == pytest.approx(2.0)


def test_bucket_fills_up_again_but_not_over() -> None:
    """Rest fills it to burst and no further; a clock that steps back costs nothing."""
    clock = Clock()
    bucket = Bucket(10, 5, lambda: clock.now, clock.sleep)
    for _ in range(5):
        bucket.take()
    clock.now += 3600
    for _ in range(6):
        bucket.take()
    assert clock.slept == pytest.approx(0.1)
    clock.now -= 1800
    bucket.take()
    assert clock.slept == pytest.approx(0.2)


def test_bucket_of_many_threads() -> None:
    """Twenty threads together get no more than the rate."""
    clock = Clock(moves=False)
    bucket = Bucket(100, 1, lambda: 0.0, clock.sleep)

    def work() -> None:
        for _ in range(10):
            bucket.take()

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert clock.slept >= 199 / 100 - 1e-9


@given(st.integers(0, 60), st.integers(1, 7), st.integers(0, 10**12), st.booleans())
def test_last_page(count: int, size: int, total: int, repeats: bool) -> None:
    """Whatever `total` claims, no row stands behind the page named; a repeated last page does not mislead."""
    pages = [list(range(at, min(at + size, count))) for at in range(0, count, size)]
    asked = 0

    def rows(number: int) -> list[Any]:
        nonlocal asked
        asked += 1
        if number <= len(pages):
            return pages[number - 1]
        return pages[-1] if repeats and pages else []

    number = last_page(rows, total, size)
    assert number >= len(pages)
    assert repeats or number == len(pages)
    assert asked < 60 + 2 * len(pages)


def test_pages_without_end() -> None:
    """More full pages than could be meant: an error, not a loop."""
    with pytest.raises(ValueError, match="50 pages"):
        last_page(lambda number: [number], 1, 1, spare=50)

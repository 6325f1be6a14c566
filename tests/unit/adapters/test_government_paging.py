"""Pulling: nothing is lost while rows move, share a millisecond, or are numbered wrongly; and the walk always ends."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import BrokenReply, ConfigError
from adapters.port import Cursor
from tests.unit.adapters.government_ground import (
    BASE,
    CASES,
    CONTRACT,
    Asked,
    Calls,
    World,
    adapter,
    envelope,
    pulled,
    reply,
    running,
)  # fmt: skip


def numbered(count: int, step: int = 1000) -> dict[str, int]:
    return {f"LS{index:012d}": BASE + index * step for index in range(1, count + 1)}


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("when", [1, 2, 3, 4])
def test_an_edit_while_paging_skips_no_row(tmp_path: Path, size: int, when: int) -> None:
    """Whichever call changes after whichever request, each call is shown, and the changed one in its new version."""
    world = World()
    calls = Calls({})
    with running(calls, lambda: world.now) as tiny:
        government = adapter(tiny.url, world, tmp_path, page_size=size)
        for edited in numbered(7):
            calls.updated, calls.asked = numbered(7), 0

            def edit(now: Calls, number: int, edited: str = edited) -> None:
                if number == when:
                    now.move(edited)

            calls.edit = edit
            shown = pulled(government)
            assert {number for number, _ in shown} == set(calls.updated)
            assert len(shown) == len(set(shown)), "each version once"
            # If the walk had ended before the change, the next one from its cursor shows it.
            assert (edited, str(calls.updated[edited])) in shown or calls.asked == when


def test_random_edits_skip_no_row(tmp_path: Path) -> None:
    """Many changes, some in one millisecond, between all requests: every call is shown."""
    world, draw = World(), random.Random(20261026)
    calls = Calls({})

    def edit(now: Calls, number: int) -> None:
        if number < 60:
            for name in draw.sample(sorted(now.updated), 2):
                now.updated[name] = max(now.updated.values()) + draw.choice((0, 1))

    with running(calls, lambda: world.now) as tiny:
        for size in (1, 2, 5, 7):
            calls.updated = {name: BASE + draw.randrange(6) for name in numbered(30)}
            calls.asked, calls.edit = 0, edit
            government = adapter(tiny.url, world, tmp_path, page_size=size)
            cursor, shown = None, set()
            for page in government.pull(None):
                shown |= {one.native_id for one in page.records}
                cursor = page.cursor
            assert shown == set(calls.updated)
            final = {(name, str(at)) for name, at in calls.updated.items()}
            calls.edit = lambda now, number: None
            again = set(pulled(government, cursor))
            assert {row for row in final if int(row[1]) >= json.loads(str(cursor))["updated"]} <= again


@pytest.mark.parametrize(("count", "size"), [(450, 100), (500, 100), (101, 100), (100, 100), (7, 1)])
@pytest.mark.parametrize("leaving", [False, True])
def test_a_batch_in_one_millisecond(tmp_path: Path, count: int, size: int, leaving: bool) -> None:
    """Hundreds of rows stamped alike are all read, also while some of them leave the millisecond."""
    world = World()
    batch = {f"LS{i:012d}": BASE for i in range(count)}
    calls = Calls({**batch, "LS900000000000": BASE + 1, "LS900000000001": BASE - 9})
    if leaving:
        calls.edit = lambda now, number: now.move(f"LS{(number * 37) % count:012d}") if number < 12 else None
    with running(calls, lambda: world.now) as tiny:
        shown = pulled(adapter(tiny.url, world, tmp_path, page_size=size))
    assert {number for number, _ in shown} == set(calls.updated)
    assert len(shown) == len(set(shown))


@pytest.mark.parametrize("total", [198, 200, 201, 0, 10**9])
@pytest.mark.parametrize("alike", [False, True])
def test_a_wrong_total_loses_nothing(tmp_path: Path, total: int, alike: bool) -> None:
    """C06: `total` says 198, 200, 201, nothing or nonsense of 200 rows; all are read and the walk ends."""
    world = World()
    calls = Calls(numbered(200, 0 if alike else 1000))

    def respond(asked: Asked) -> Any:
        given = calls(asked)
        return envelope(data={**given["data"], "total": total}) if given else None

    with running(respond, lambda: world.now) as tiny:
        shown = pulled(adapter(tiny.url, world, tmp_path))
        assert len(shown) == len(set(shown)) == 200
        assert tiny.count("/api/calls") < 120


def test_page_three_answers_page_two_again(tmp_path: Path) -> None:
    """C06: 200 rows, the third answer is the second again and so on for ever: 200 rows, then the walk stops."""
    world, calls = World(), Calls(numbered(200))
    order = sorted(calls.updated)
    asked_lists = 0

    def respond(asked: Asked) -> Any:
        nonlocal asked_lists
        if asked.path != "/api/calls":
            return None
        asked_lists += 1
        names = order[:100] if asked_lists == 1 else order[100:]
        records = [calls.row(name) for name in names]
        return envelope(data={"total": 200 if asked_lists < 3 else 201, "pageNo": asked_lists, "records": records})

    with running(respond, lambda: world.now) as tiny:
        assert [number for number, _ in pulled(adapter(tiny.url, world, tmp_path))] == order
    assert asked_lists < 20


def test_a_page_past_the_end_repeats_the_last_one(tmp_path: Path) -> None:
    """C06: a page number past the end answers the last page, also within one millisecond."""
    world, calls = World(), Calls(numbered(201, 0))

    def respond(asked: Asked) -> Any:
        given = calls(asked)
        if given and not given["data"]["records"]:
            last = Asked(asked.method, asked.target.replace(f"pageNo={asked.number('pageNo')}", "pageNo=3"), {}, b"")
            return calls(last)
        return given

    with running(respond, lambda: world.now) as tiny:
        assert len(set(pulled(adapter(tiny.url, world, tmp_path)))) == 201


def test_bounds_disregarded(tmp_path: Path) -> None:
    """A platform that disregards updatedAfter is read by page numbers to its end, then the walk stops."""
    world, calls = World(), Calls(numbered(25))

    def respond(asked: Asked) -> Any:
        kept = f"/api/calls?pageNo={asked.number('pageNo')}&pageSize={asked.number('pageSize')}"
        return calls(Asked("GET", kept, {}, b"")) if asked.path == "/api/calls" else None

    with running(respond, lambda: world.now) as tiny:
        pages = list(adapter(tiny.url, world, tmp_path, page_size=10).pull(None))
    assert {one.native_id for page in pages for one in page.records} == set(calls.updated)
    assert json.loads(pages[-1].cursor) == {"updated": max(calls.updated.values())}


def test_pages_without_end(tmp_path: Path) -> None:
    """One millisecond whose pages never end stops the platform instead of running for ever."""
    world = World()

    def respond(asked: Asked) -> Any:
        if asked.path != "/api/calls":
            return None
        page = asked.number("pageNo") or 1
        records = [{"callNo": f"LS{page:012d}", "updateTime": BASE}]
        return envelope(data={"total": 1, "pageNo": page, "records": records})

    with running(respond, lambda: world.now) as tiny, pytest.raises(BrokenReply, match="没有尽头"):
        pulled(adapter(tiny.url, world, tmp_path, page_size=1))


@pytest.mark.parametrize("size", [1, 3, 10, 100])
def test_times_of_every_kind(tmp_path: Path, size: int) -> None:
    """C28: seconds, text, microseconds, 0, empty: each row is shown with what was written; the cursor follows none."""
    records = json.loads((CASES / "C28-epoch-mixed.json").read_text("utf-8"))["records"]
    world = World()

    def respond(asked: Asked) -> Any:
        if asked.path != "/api/calls":
            return None
        page = asked.number("pageNo") or 1
        rows = records[(page - 1) * size : page * size]
        return envelope(data={"total": len(records), "pageNo": page, "records": rows})

    with running(respond, lambda: world.now) as tiny:
        pages = list(adapter(tiny.url, world, tmp_path, page_size=size).pull(None))
    rows = {one.native_id: one for page in pages for one in page.records}
    assert set(rows) == {record["callNo"] for record in records}
    for record in records:
        one, value = rows[record["callNo"]], record["updateTime"]
        plausible = value == 1772413200000 and isinstance(value, int)
        assert one.version == (str(value) if plausible else repr(value))
        assert one.partial and bool(one.damage) is not plausible
    assert {json.loads(page.cursor)["updated"] for page in pages} <= {None, 1772413200000}


def test_the_sample_list(tmp_path: Path) -> None:
    """The contract's own list: rows partial, versions, bytes, cursor and the platform's clock."""
    sample = json.loads((CONTRACT / "samples/list.json").read_text("utf-8"))["exchanges"][0]["response"]["body"]
    world = World()
    with running(lambda asked: sample if asked.path == "/api/calls" else None, lambda: world.now) as tiny:
        (page,) = adapter(tiny.url, world, tmp_path).pull(None)
    assert [one.native_id for one in page.records] == ["LS261026000017", "LS261026000021", "LS261026000022"]
    assert all(one.partial and not one.damage and one.read_at == world.now for one in page.records)
    assert page.records[0].version == "1792986000245"
    assert json.loads(page.records[0].raw) == sample["data"]["records"][0] == page.records[0].body
    assert json.loads(page.cursor) == {"updated": 1792986180000}
    assert page.platform_time == world.now


def test_rows_without_a_number(tmp_path: Path) -> None:
    """A row without callNo, with an unusable one, or no object: shown as a dead letter, the others unharmed."""
    odd: list[Any] = [{"callNo": "", "updateTime": BASE}, {"updateTime": BASE}, {"callNo": "a/b", "updateTime": BASE},
                      {"callNo": 7, "updateTime": BASE}, "text", None]  # fmt: skip
    records = [*odd, {"callNo": "LS261026000001", "updateTime": BASE}]
    world = World()

    def respond(asked: Asked) -> Any:
        return envelope(data={"total": 7, "pageNo": 1, "records": records}) if asked.path == "/api/calls" else None

    with running(respond, lambda: world.now) as tiny:
        rows = [one for page in adapter(tiny.url, world, tmp_path).pull(None) for one in page.records]
    assert [one.native_id for one in rows] == [None] * 6 + ["LS261026000001"]
    assert all(not one.partial and one.damage and one.raw for one in rows[:6])


def test_the_next_pull_overlaps(tmp_path: Path) -> None:
    """From a cursor, the last 15 s are read again: a row that became visible late is not lost."""
    world, calls = World(), Calls(numbered(3))
    with running(calls, lambda: world.now) as tiny:
        government = adapter(tiny.url, world, tmp_path)
        (page,) = government.pull(None)
        calls.updated["LS000000000009"] = BASE + 3000 - 5000
        assert ("LS000000000009", str(BASE - 2000)) in pulled(government, page.cursor)
        assert tiny.log[-1].number("updatedAfter") == BASE + 3000 - 15000


def test_a_time_far_ahead_does_not_hide_the_rest(tmp_path: Path) -> None:
    """One call stamped years ahead is shown, and the cursor stays at the platform's clock."""
    world, calls = World(), Calls({"LS000000000001": BASE, "LS000000000002": 4_000_000_000_000})
    with running(calls, lambda: world.now) as tiny:
        (page,) = adapter(tiny.url, world, tmp_path).pull(None)
    assert len(page.records) == 2
    assert json.loads(page.cursor)["updated"] <= world.now.timestamp() * 1000 + 60_000


def test_start(tmp_path: Path) -> None:
    """Without a cursor, reading begins at `start`."""
    world, calls = World(), Calls(numbered(3))
    start = datetime.fromtimestamp((BASE + 2000) / 1000, UTC)
    with running(calls, lambda: world.now) as tiny:
        assert len(pulled(adapter(tiny.url, world, tmp_path, start=start.isoformat()))) == 2


@pytest.mark.parametrize("cursor", ["", "null", "[]", '{"updated":"x"}', '{"updated":true}', "2026"])
def test_a_foreign_cursor(tmp_path: Path, cursor: str) -> None:
    """A cursor of another adapter is a configuration error, not a guess."""
    with pytest.raises(ConfigError, match="游标"):
        pulled(adapter("http://127.0.0.1:9", World(), tmp_path), Cursor(cursor))


@pytest.mark.parametrize(
    "given",
    [
        lambda: reply(body=b"<html><title>x</title>", kind="text/html"), lambda: reply(body=b""),
        lambda: reply(body=b'{"code":"0000","msg":"","data":{"total":1,"pageNo":1,"rec'),
        lambda: envelope(data=None), lambda: envelope(data={"records": {}}), lambda: envelope(0, {"records": []}),
        lambda: envelope("7777"), lambda: envelope("4009", {"callNo": "LS261026000001"}),
        lambda: reply(body=b"\xef\xbb\xbf" + json.dumps(envelope(data={"records": []})).encode()),
        lambda: reply(body=json.dumps(envelope(msg="成功"), ensure_ascii=False).encode("gb18030")),
    ],
)  # fmt: skip
def test_answers_that_are_no_list(tmp_path: Path, given: Callable[[], Any]) -> None:
    """A log-in page, an empty or cut body, another code or form, GB18030: a broken reply, its bytes kept."""
    world = World()
    with (
        running(lambda asked: given() if asked.path == "/api/calls" else None, lambda: world.now) as tiny,
        pytest.raises(BrokenReply) as caught,
    ):
        pulled(adapter(tiny.url, world, tmp_path))
    assert "lanshan" in str(caught.value) and "list" in str(caught.value)


def test_find_walks_the_list(tmp_path: Path) -> None:
    """Our reference is found though the platform cannot search, and the whole call is read; a foreign one is not."""
    world, calls = World(), Calls(numbered(30))
    since = datetime.fromtimestamp(BASE / 1000, UTC) + timedelta(seconds=20)

    def respond(asked: Asked) -> Any:
        if asked.path.startswith("/api/calls/"):
            return envelope(data={**calls.row(asked.path.rsplit("/", 1)[1]), "timeline": [], "files": []})
        return calls(asked)

    with running(respond, lambda: world.now) as tiny:
        government = adapter(tiny.url, world, tmp_path, page_size=7)
        found = government.find("ref-LS000000000025", since)
        assert found is not None and found.native_id == "LS000000000025" and not found.partial
        assert government.find("ref-of-nobody", since) is None
        assert government.find("ref-LS000000000001", since) is None, "before the window"

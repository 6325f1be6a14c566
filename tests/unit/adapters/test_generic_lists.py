"""Lists by configuration: every kind of pages, read whole, whatever moves while it is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import BrokenReply, ConfigError, Unavailable
from tests.unit.adapters.rest_server import Asked, Said, at, drained, serving

RECORD = {"id": "id", "changed": "changed"}
ROWS = [{"id": f"R{n}", "changed": at(n)} for n in range(7)]


def ids(records: list[Any]) -> list[str]:
    return [one.native_id for one in records]


def listing(kind: str, **paging: Any) -> dict[str, Any]:
    names = {"page": "{page}", "offset": "{offset}", "cursor": "{cursor}"}
    parameters = {"size": "{size}", **({kind: names[kind]} if kind in names else {})}
    return {"list": {"request": {"path": "/rows", "parameters": parameters}, "items": "rows", "since": "changed",
                     "paging": {"kind": kind, **paging}}, "record": RECORD, "page_size": 3}  # fmt: skip


@pytest.mark.parametrize("first", [0, 1])
def test_page_numbers(tmp_path: Path, first: int) -> None:
    """From the first number to the last row, whatever the first number is."""

    def answer(asked: Asked) -> Said:
        start = (int(asked.query["page"]) - first) * 3
        return Said({"rows": ROWS[start : start + 3]})

    with serving(tmp_path, answer) as there:
        assert ids(drained(there.adapter(listing("page", first=first)))[0]) == [one["id"] for one in ROWS]


def test_the_last_page_again_and_a_wrong_total(tmp_path: Path) -> None:
    """C06: a page past the end that repeats the last one, and a total that is too small, then grows."""
    rows, totals = ROWS[:6], iter([5, 5, 7, 7, 7, 7, 7, 7, 7, 7])

    def answer(asked: Asked) -> Said:
        start = min((int(asked.query["page"]) - 1) * 3, 3)
        return Said({"rows": rows[start : start + 3], "total": next(totals)})

    with serving(tmp_path, answer) as there:
        assert ids(drained(there.adapter(listing("page", total="total")))[0]) == [one["id"] for one in rows]
        assert len(there.asked) < 10


def test_a_server_that_gives_less_than_asked_for(tmp_path: Path) -> None:
    """Pages of two where three were asked for: read to the end by the total, and by offsets of what came."""

    def answer(asked: Asked) -> Said:
        start = int(asked.query["offset"])
        return Said({"rows": ROWS[start : start + 2], "total": len(ROWS)})

    with serving(tmp_path, answer) as there:
        assert ids(drained(there.adapter(listing("offset", total="total")))[0]) == [one["id"] for one in ROWS]


def test_a_row_that_leaves_its_page(tmp_path: Path) -> None:
    """C01: a row read already goes to the end while page 2 is asked for; the row that slid up is not lost."""
    rows = list(ROWS)

    def answer(asked: Asked) -> Said:
        start = (int(asked.query["page"]) - 1) * 3
        if start == 3 and rows[0]["id"] == "R0":
            rows.append({"id": "R0", "changed": at(50)})
            del rows[0]
        return Said({"rows": rows[start : start + 3]})

    with serving(tmp_path, answer) as there:
        assert set(ids(drained(there.adapter(listing("page")))[0])) == {one["id"] for one in ROWS}


def test_links(tmp_path: Path) -> None:
    """RFC 8288: followed to the end on the same host only."""

    def answer(asked: Asked) -> Said:
        page = int(asked.query.get("p", "0"))
        link = {"Link": f'<{there.url}/rows?p={page + 1}>; rel="next", </rows>; rel="first"'} if page < 2 else {}
        return Said({"rows": ROWS[page * 3 : page * 3 + 3]}, headers=link)

    with serving(tmp_path, answer) as there:
        assert ids(drained(there.adapter(listing("link")))[0]) == [one["id"] for one in ROWS]
    away = Said({"rows": ROWS}, headers={"Link": '<http://192.0.2.1/x>; rel="next"'})
    with serving(tmp_path, lambda _: away) as there, pytest.raises(ConfigError, match=r"192\.0\.2\.1"):
        drained(there.adapter(listing("link")))


def cursors(answers: dict[str, tuple[list[Any], str | None]]) -> Callable[[Asked], Said]:
    def answer(asked: Asked) -> Said:
        rows, following = answers[asked.query.get("cursor", "")]
        return Said({"rows": rows, "next": following})

    return answer


def test_empty_pages_with_a_new_cursor(tmp_path: Path) -> None:
    """C06: gone through; an empty page with its own cursor is the end, and the cursor is kept for the next poll."""
    pages = {"": (ROWS[:1], "a"), "a": ([], "b"), "b": ([], "c"), "c": ([], "d"), "d": (ROWS[1:2], "e"), "e": ([], "e")}
    with serving(tmp_path, cursors(pages)) as there:
        adapter = there.adapter(listing("cursor", next="next", keep=True))
        records, cursor = drained(adapter)
        assert ids(records) == ["R0", "R1"] and json.loads(cursor)["cursor"] == "e"
        there.asked.clear()
        assert drained(adapter, cursor)[0] == [] and [one.query.get("cursor") for one in there.asked] == ["e"]


def test_an_empty_page_with_another_name_for_its_place(tmp_path: Path) -> None:
    """C06: where a short page is the end, an empty one is too, though its cursor is a new one each time; the last is kept."""
    given = iter(range(10_000))

    def answer(asked: Asked) -> Said:
        return Said({"rows": [] if "cursor" in asked.query else ROWS[:3], "next": f"c{next(given)}"})

    with serving(tmp_path, answer) as there:
        adapter = there.adapter(listing("cursor", next="next", keep=True, end="short"))
        records, cursor = drained(adapter)
        assert ids(records) == ["R0", "R1", "R2"] and json.loads(cursor)["cursor"] == "c1" and len(there.asked) == 2
        assert drained(adapter, cursor)[0] == [] and len(there.asked) == 3


def test_a_cursor_that_comes_twice(tmp_path: Path) -> None:
    """C06: rows with a cursor that was given before are a broken list, not a loop."""
    pages = {"": (ROWS[:3], "a"), "a": (ROWS[3:6], "a")}
    with serving(tmp_path, cursors(pages)) as there, pytest.raises(BrokenReply, match="twice"):
        drained(there.adapter(listing("cursor", next="next", keep=True)))


def test_a_void_cursor(tmp_path: Path) -> None:
    """C08: 410 is no empty success: read again from a little before the last page."""

    def answer(asked: Asked) -> Said:
        if asked.query.get("cursor") == "old":
            return Said({"title": "gone"}, 410)
        return Said({"rows": ROWS[:1] if "since" in asked.query else [], "next": "new"})

    settings = listing("cursor", next="next", keep=True)
    settings["list"]["request"]["parameters"]["since"] = "{since}"
    with serving(tmp_path, answer) as there:
        cursor = '{"kind":"cursor","cursor":"old","at":"2026-10-26T02:30:00+00:00"}'
        records, cursor = drained(there.adapter(settings), cursor)
        assert ids(records) == ["R0"] and json.loads(cursor)["cursor"] == "new"
        assert there.asked[1].query["since"] == "2026-10-26T10:25:00.000+08:00"


def test_windows_are_halved_where_the_server_cut(tmp_path: Path) -> None:
    """An answer as long as the server's cut is not whole: the window is halved until it is."""
    rows = [{"id": f"W{n}", "changed": at(n * 7)} for n in range(40)]

    def answer(asked: Asked) -> Said:
        within = [one for one in rows if asked.query["from"] <= one["changed"] <= asked.query["to"]]
        return Said({"rows": within[::-1][:5]})

    settings = {
        "list": {"request": {"path": "/rows", "parameters": {"from": "{since}", "to": "{until}"}}, "items": "rows",
                 "since": "changed", "time": {"decimals": 0}, "window_seconds": 86_400, "paging": {"kind": "none", "cut": 5}},
        "record": RECORD, "start": "2026-10-26T00:00:00+08:00",
    }  # fmt: skip
    with serving(tmp_path, answer) as there:
        assert ids(drained(there.adapter(settings))[0]) == [one["id"] for one in rows]
    rows[:] = [{"id": f"W{n}", "changed": at(7)} for n in range(9)]
    with serving(tmp_path, answer) as there, pytest.raises(BrokenReply, match="one second"):
        drained(there.adapter(settings))


def test_the_time_reached_is_read_on_from(tmp_path: Path) -> None:
    """Ascending by time: each page is followed from its last time on; the next poll begins a little before the end."""

    def answer(asked: Asked) -> Said:
        since = asked.query.get("since", "")
        return Said({"rows": [one for one in ROWS if one["changed"] >= since][:3]})

    settings = listing("page")
    settings["list"]["request"]["parameters"]["since"] = "{since}"
    settings["list"]["time"] = {"decimals": 0}
    with serving(tmp_path, answer) as there:
        adapter = there.adapter({**settings, "overlap_seconds": 2})
        records, cursor = drained(adapter)
        assert ids(records) == [one["id"] for one in ROWS]
        assert {one.query["page"] for one in there.asked} == {"1"}
        assert ids(drained(adapter, cursor)[0]) == ["R4", "R5", "R6"]


@pytest.mark.parametrize("inclusive", [True, False])
def test_equal_times_at_the_edge_of_a_page(tmp_path: Path, inclusive: bool) -> None:
    """C04: rows of one second on both sides of a page's edge, whether the server takes `since` itself in or not."""
    rows = [{"id": f"E{n}", "changed": at(n // 2 * 3)} for n in range(9)]

    def answer(asked: Asked) -> Said:
        since, start = asked.query.get("since", ""), (int(asked.query["page"]) - 1) * 3
        return Said({"rows": [one for one in rows if one["changed"] >= since and (inclusive or one["changed"] > since)][start : start + 3]})

    settings = listing("page")
    settings["list"]["request"]["parameters"]["since"] = "{since}"
    settings["list"]["time"] = {"decimals": 0}
    with serving(tmp_path, answer) as there:
        assert set(ids(drained(there.adapter(settings))[0])) == {one["id"] for one in rows}


def test_newest_first_is_read_as_far_as_needed(tmp_path: Path) -> None:
    """Descending: what is older than the last time reached need not be read again."""
    rows = [{"id": f"D{n}", "changed": at(n * 60)} for n in range(30)]

    def answer(asked: Asked) -> Said:
        start = (int(asked.query["page"]) - 1) * 3
        return Said({"rows": rows[::-1][start : start + 3]})

    settings = listing("page")
    settings["list"]["order"] = "descending"
    with serving(tmp_path, answer) as there:
        adapter = there.adapter(settings)
        records, cursor = drained(adapter)
        assert len(records) == 30
        rows.append({"id": "D30", "changed": at(1800)})
        there.asked.clear()
        records, _ = drained(adapter, cursor)
        assert "D30" in ids(records) and len(there.asked) <= 6


def test_pending_rows_come_until_they_are_acknowledged(tmp_path: Path) -> None:
    """ACKNOWLEDGE: a page is told after it was kept; the head is asked for until it is empty."""
    waiting = [dict(one) for one in ROWS]

    def answer(asked: Asked) -> Said:
        if asked.path == "/ack":
            kept = asked.json["ids"].split(",")
            waiting[:] = [one for one in waiting if one["id"] not in kept]
            return Said({"ok": True})
        return Said({"rows": waiting[:3]})

    settings = {**listing("none"), "acknowledge": {"request": {"method": "POST", "path": "/ack", "send": "json",
                "parameters": {"ids": "{ids}"}}, "join": ","}}  # fmt: skip
    with serving(tmp_path, answer) as there:
        adapter = there.adapter(settings)
        assert {"acknowledge"} == {str(one) for one in adapter.abilities}
        shown = []
        for page in adapter.pull(None):
            shown += ids(list(page.records))
            adapter.acknowledge(page)
        assert shown == [one["id"] for one in ROWS] and waiting == []
        waiting[:] = ROWS[:2]
        assert len(drained(adapter)[0]) == 2, "a list that is not acknowledged is no endless one"


def test_known_records_are_asked_for_again(tmp_path: Path) -> None:
    """Where the list shows new ones only: known ones by id, in small lists, and alone if the server answered one only;
    what is final long enough is let go."""
    state = {"A": "open", "B": "open", "C": "closed"}

    def answer(asked: Asked) -> Said:
        if "ids" in asked.query:
            one = asked.query["ids"].split(",")[0]
            return Said([{"id": one, "changed": at(1), "status": state[one]}])
        return Said([{"id": one, "changed": at(1), "status": status} for one, status in state.items()
                     if asked.query["from"] < at(1)])  # fmt: skip

    settings = {
        "list": {"request": {"path": "/rows", "parameters": {"from": "{since}", "to": "{until}"}}, "since": "changed",
                 "time": {"decimals": 0}, "window_seconds": 86_400,
                 "recheck": {"request": {"path": "/rows", "parameters": {"ids": "{ids}"}}, "size": 2, "status": "status",
                             "final": ["closed"], "keep_days": 2}},
        "record": RECORD, "start": "2026-10-26T00:00:00+08:00",
    }  # fmt: skip
    with serving(tmp_path, answer) as there:
        adapter = there.adapter(settings)
        _, cursor = drained(adapter)
        state["A"] = "closed"
        records, cursor = drained(adapter, cursor)
        assert {one.native_id: one.body["status"] for one in records} == {"A": "closed", "B": "open", "C": "closed"}
        there.clock.sleep(3 * 86_400)
        records, _ = drained(adapter, cursor)
        assert ids(records) == ["B"]


def test_answers_that_are_no_list(tmp_path: Path) -> None:
    """A log-in page, another shape, a redirect to another host: told, never an empty success. Too many requests: later."""
    said: list[Said] = []
    with serving(tmp_path, lambda _: said[0]) as there:
        for one, error in (
            (Said(b"<html>login", content_type="text/html"), BrokenReply), (Said({"other": 1}), BrokenReply),
            (Said(b""), BrokenReply), (Said(None, 302, {"Location": "http://192.0.2.1/"}), ConfigError),
            (Said({"e": 1}, 403), ConfigError), (Said({"e": 1}, 404), ConfigError),
            (Said({}, 429, {"Retry-After": "30"}), Unavailable),
        ):  # fmt: skip
            said[:] = [one]
            with pytest.raises(error) as raised:
                drained(there.adapter(listing("page")))
            assert raised.value.remedy
        assert raised.value.retry_after == 30


def test_one_object_where_a_list_was_meant(tmp_path: Path) -> None:
    """It is a list of one; null is none."""
    said: list[Any] = [{"rows": ROWS[0]}]
    with serving(tmp_path, lambda _: Said(said[0])) as there:
        records, _ = drained(there.adapter(listing("none")))
        assert ids(records) == ["R0"] and json.loads(records[0].raw) == ROWS[0]
        said[0] = {"rows": None}
        assert drained(there.adapter(listing("none")))[0] == []


WALK = {"find": {"by": "walk"}}
ACKNOWLEDGE = {"acknowledge": {"request": {"method": "POST", "path": "/ack", "parameters": {"ids": "{ids}"}}}}
REFERENCE = {"record": {**RECORD, "reference": "outerNo"}}


@pytest.mark.parametrize(("settings", "said"), [
    (WALK, "needs record.reference"),
    ({**WALK, **ACKNOWLEDGE, **REFERENCE}, "not listed any more"),  # or what is there would be created again
    ({"record": {**RECORD, "embedded": {"member": "text"}}}, "needs record.reference"),
    ({"update": {"request": {"method": "POST", "path": "/{id}", "send": "json"}}}, "needs detail"),
])  # fmt: skip
def test_settings_that_do_not_go_together(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    """They are refused with the reason before anything is sent."""
    with serving(tmp_path, lambda _: Said({"rows": []})) as there:
        with pytest.raises(ConfigError, match=said):
            there.adapter({**listing("none"), **settings})
        assert there.asked == []

"""queryEvents (contract §6): bounds, order, pages that move, rows that come to light late."""

from __future__ import annotations

import pytest

from tests.sandbox.grid_client import Grid, plain, running

grid = pytest.fixture(running)
# For tests that leave nothing behind.
shared = pytest.fixture(running, scope="module")

ALL = ("2000-01-01 00:00:00", "2099-12-31 23:59:59")
NOW = "2026-10-26 09:15:30"


@pytest.mark.parametrize(
    ("since", "until", "page", "size", "message"),
    [
        ("", NOW, 1, 1, "[updatedFrom]：不能为空"), (NOW, " ", 1, 1, "[updatedTo]：不能为空"),
        ("2026-10-26", NOW, 1, 1, "[updatedFrom]：格式不正确"),
        (NOW, "2026-10-26 9:15:30", 1, 1, "[updatedTo]：格式不正确"),
        ("2026-02-29 00:00:00", NOW, 1, 1, "[updatedFrom]：格式不正确"),
        ("2026-10-26 09:15:31", NOW, 0, 0, "[updatedTo]：超出范围"), (NOW, NOW, 0, 0, "[pageNo]：超出范围"),
        (NOW, NOW, -1, 1, "[pageNo]：超出范围"), (NOW, NOW, 1, 0, "[pageSize]：超出范围"),
        (NOW, NOW, 1, 201, "[pageSize]：超出范围"),
    ],
)
def test_query_breaches(shared: Grid, since: str, until: str, page: int, size: int, message: str) -> None:
    """Bad arguments, the first in XSD order."""
    assert shared.client.query(since, until, page, size).result == (2001, "参数错误" + message)


def test_bounds_are_inclusive(grid: Grid) -> None:
    """Both bounds belong to the window, at one-second resolution."""
    client = grid.client
    ids = []
    for _ in range(3):
        ids.append(client.report().text("eventId"))
        grid.hands.at += 1.0
    assert client.query(NOW, NOW).ids() == ids[:1]
    assert client.query(NOW, "2026-10-26 09:15:31").ids() == ids[:2]
    assert client.query("2026-10-26 09:15:31", "2026-10-26 09:15:32").ids() == ids[1:]
    assert client.query("2026-10-26 09:15:33", ALL[1]).ids() == []


def test_hundreds_in_one_second(grid: Grid) -> None:
    """Equal updateTimes are ordered by eventId; pages cut them anywhere; the last page and beyond show the total."""
    client = grid.client
    ids = client.act("officials/create", count=450, stage="05")["eventIds"]
    pages = [client.query(NOW, NOW, page) for page in (1, 2, 3, 4)]
    assert [len(page.ids()) for page in pages] == [200, 200, 50, 0]
    assert [one for page in pages for one in page.ids()] == sorted(ids)
    assert {page.text("total") for page in pages} == {"450"}
    assert client.query(NOW, NOW, 2147483647).ids() == []


def test_rows_move_between_pages(grid: Grid) -> None:
    """A changed event moves to the end, or out of the window: a walk by page number steps over a row."""
    client = grid.client
    ids = []
    for _ in range(6):
        ids.append(client.report(stage="05").text("eventId"))
        grid.hands.at += 1
    first = client.query(*ALL, 1, 2).ids()
    assert client.update(ids[0], "06").code == 0
    second = client.query(*ALL, 2, 2).ids()
    assert first == ids[:2] and second == ids[3:5]
    assert client.query(*ALL).ids() == [*ids[1:], ids[0]]
    gone = client.query(NOW, "2026-10-26 09:15:35")
    assert gone.ids() == ids[1:] and gone.text("total") == "5"


def test_whole_events_of_all_stages(grid: Grid) -> None:
    """Each event comes as getEvent gives it, whoever reported it, 90 and 91 included."""
    client = grid.client
    made = [client.act("officials/create", stage=stage)["eventId"] for stage in ("01", "05", "12", "90", "91")]
    made.append(client.report(lng=119, lat=35, extend=[{"key": "k", "value": "v"}]).text("eventId"))
    listed = [plain(event) for event in client.query(*ALL).events()]
    assert listed == [client.event(event_id) for event_id in sorted(made)]


def test_update_time_never_goes_back(grid: Grid) -> None:
    """Even if the platform's clock is set back, an event's updateTime stays."""
    client = grid.client
    event_id = client.report(stage="05").text("eventId")
    grid.hands.at -= 60
    assert client.update(event_id, "06").code == 0
    event = client.event(event_id)
    assert event["updateTime"] == NOW and event["processes"][-1]["time"] == "2026-10-26 09:14:30"


def test_late_rows(grid: Grid) -> None:
    """A new row shows up to late_seconds after its updateTime; getEvent and findBySourceId know it at once."""
    client = grid.client
    client.act("settings", late_seconds=5)
    event_id = client.report(stage="05", sourceId="s").text("eventId")
    assert client.query(*ALL).text("total") == "0"
    assert client.event(event_id)["updateTime"] == NOW
    assert client.call("findBySourceId", {"sourceId": "s"}).ids() == [event_id]
    assert client.door(f"record/{event_id}")[1]["visible_updateTime"] is None
    grid.hands.at += 5
    assert client.query(NOW, NOW).ids() == [event_id]
    # A change: the old version is listed until the new one comes to light.
    assert client.update(event_id, "06").code == 0
    assert plain(client.query(*ALL).events()[0])["stage"] == "05"
    assert client.event(event_id)["stage"] == "06"
    grid.hands.at += 5
    row = plain(client.query(*ALL).events()[0])
    assert (row["stage"], row["updateTime"]) == ("06", "2026-10-26 09:15:35")


def test_late_rows_overtake_each_other(grid: Grid) -> None:
    """Among many rows some with a later updateTime show before some with an earlier one; none is lost."""
    client = grid.client
    client.act("settings", late_seconds=5)
    ids, seen, overtaken = [], set[str](), False
    for _ in range(30):
        ids.append(client.report().text("eventId"))
        grid.hands.at += 0.5
        now_seen = set(client.query(*ALL).ids())
        assert seen <= now_seen
        seen = now_seen
        overtaken |= bool(seen) and any(one < max(seen) for one in set(ids) - seen)
    assert overtaken
    grid.hands.at += 5
    assert client.query(*ALL).ids() == ids


def test_versions_stay_in_order_when_lateness_ends(grid: Grid) -> None:
    """A version written without delay does not fall behind one still waiting."""
    client = grid.client
    client.act("settings", late_seconds=5)
    event_id = client.report(stage="05").text("eventId")
    client.act("settings", late_seconds=0)
    grid.hands.at += 10
    assert client.update(event_id, "06").code == 0
    assert plain(client.query(*ALL).events()[0])["stage"] == "06"
    grid.hands.at += 10
    assert plain(client.query(*ALL).events()[0])["stage"] == "06"

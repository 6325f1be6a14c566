"""The stand-in's back door: officials' acts, clock, accounts, damage, and that records survive a restart."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from sandbox.grid import GridPlatform
from sandbox.httpd import Server
from tests.sandbox.grid_client import Grid, GridClient, Hands, running

grid = pytest.fixture(running)
# For tests that leave nothing behind.
shared = pytest.fixture(running, scope="module")

ALL = ("2000-01-01 00:00:00", "2099-12-31 23:59:59")


def test_create_alike(grid: Grid) -> None:
    """count makes n alike in one second; the fields are those of §7; the record tells who made it."""
    made = grid.client.act(
        "officials/create", title="路灯不亮", eventType="23", caller="保密", lng=119.5, lat="35.4", level=1, count=3,
        assistDepts=["DG002"], time="2026-10-26 07:00:00",
    )
    assert made["eventId"] == made["eventIds"][0] and len(made["eventIds"]) == 3
    status, records = grid.client.door("records")
    assert status == 200 and [one["eventId"] for one in records] == made["eventIds"]
    record = records[2]
    assert (record["created_by"], record["visible_updateTime"]) == ("officials", "2026-10-26 09:15:30")
    assert (record["reportTime"], record["processes"][0]["time"]) == ("2026-10-26 07:00:00", "2026-10-26 07:00:00")
    assert (record["caller"], record["lng"], record["lat"]) == ("保密", "119.500000", "35.400000")
    assert record["townName"] == "涛雒镇"
    assert grid.client.report().code == 0
    assert grid.client.door("records")[1][-1]["created_by"] == "huying_dg"


def test_edit_moves_update_time_only(grid: Grid) -> None:
    """An edit sets or empties fields and moves updateTime; no process entry; codes need not be in any list."""
    client = grid.client
    event_id = client.report(stage="05", caller="李", lng=119, lat=35, address="旧址").text("eventId")
    before = client.event(event_id)
    grid.hands.at += 7
    client.act("officials/edit", eventId=event_id, set={
        "title": "改后", "eventType": "77", "caller": "匿名", "callerTel": None, "lng": None, "lat": None,
        "address": None, "townCode": "371103103", "mainDept": "DG055", "extend": {"k": "v"},
        "limitTime": "2026-11-01 00:00:00",
    })
    event = client.event(event_id)
    assert event["processes"] == before["processes"] and event["updateTime"] == "2026-10-26 09:15:37"
    assert (event["title"], event["eventType"], event["caller"], event["lng"], event["address"]) == (
        "改后", "77", "匿名", None, "")
    assert (event["townName"], event["mainDept"], event["extend"]) == ("高兴镇", "DG055", [{"key": "k", "value": "v"}])
    assert client.door("officials/edit", {"eventId": event_id, "set": {"nothing": 1}})[0] == 400
    assert client.door("officials/edit", {"eventId": "DG0", "set": {}})[0] == 404


def test_late_entry(grid: Grid) -> None:
    """An entry typed in afterwards has an older time and the next seq; the stage stays; updateTime moves."""
    client = grid.client
    event_id = client.act("officials/create", stage="09")["eventId"]
    grid.hands.at += 60
    client.act("officials/late_entry", eventId=event_id, stage="08", operator="赵", dept="DG001", opinion="补录",
               time="2026-10-26 08:00:00")
    event = client.event(event_id)
    assert (event["stage"], event["updateTime"]) == ("09", "2026-10-26 09:16:30")
    assert event["processes"][-1] == {
        "seq": "6", "stage": "08", "operator": "赵", "dept": "DG001", "opinion": "补录", "time": "2026-10-26 08:00:00",
    }


def test_officials_files(grid: Grid) -> None:
    """Officials attach files over the exchange limit, up to 20 MB; the record gives type and hash, not bytes."""
    client = grid.client
    event_id = client.act("officials/create")["eventId"]
    big = base64.b64encode(b"v" * 10_485_761).decode()
    made = client.act("officials/attach", eventId=event_id, name="v.mov", mime="video/quicktime", base64=big)
    got = client.call("getAttachment", {"attachId": made["attachId"]})
    assert (got.text("mime"), got.text("base64")) == ("video/quicktime", big)
    shown = client.door(f"record/{event_id}")[1]["attachments"][0]
    assert set(shown) == {"attachId", "name", "size", "mime", "sha256"} and shown["size"] == 10_485_761
    over = base64.b64encode(b"v" * 20_971_521).decode()
    refused = client.door("officials/attach", {"eventId": event_id, "name": "v", "mime": "x", "base64": over})
    assert refused == (409, {"error": "大小超过20971520"})


def test_dispatch_by_officials(grid: Grid) -> None:
    """depts (lead first) or a list in dept sets the departments; a dispatch to nobody is refused."""
    client = grid.client
    event_id = client.act("officials/create", stage="05")["eventId"]
    nobody = client.door("officials/move", {"eventId": event_id, "stage": "07", "operator": "王"})
    assert nobody[0] == 409
    client.act("officials/move", eventId=event_id, stage="07", operator="王", depts=["DG001", "DG002"])
    event = client.event(event_id)
    assert (event["mainDept"], event["assistDepts"]) == ("DG001", ["DG002"])
    assert event["processes"][-1]["dept"] == "DG001,DG002"
    client.act("officials/move", eventId=event_id, stage="07", operator="王", dept="DG003")
    assert (client.event(event_id)["mainDept"], client.event(event_id)["assistDepts"]) == ("DG003", [])


def test_clock(grid: Grid) -> None:
    """The platform's clock can be skewed and stopped; tokens are judged by it, Date shows it."""
    client = grid.client
    client.act("clock", skew_seconds=200)
    answer = client.report()
    assert answer.code == 0 and answer.headers["Date"] == "Mon, 26 Oct 2026 01:18:50 GMT"
    client.act("clock", skew_seconds=301)
    assert b"FailedAuthentication" in client.report().body
    client.act("clock", freeze=grid.hands.at)
    grid.hands.at += 50
    assert client.event(client.report().text("eventId"))["reportTime"] == "2026-10-26 09:15:30"
    assert client.act("clock", freeze=None, skew_seconds=0) == {"now": grid.hands.at}


def test_damage(grid: Grid) -> None:
    """Raw markup goes unescaped into all answers that show the event; the stored event is unharmed."""
    client = grid.client
    event_id = client.report(stage="05", sourceId="s").text("eventId")
    client.act("settings", damage={event_id: {"content": "a\u0001b"}})
    for answer in (client.query(*ALL), client.call("getEvent", {"eventId": event_id})):
        assert b"<ev:content>a\x01b</ev:content>" in answer.body
        with pytest.raises(etree.XMLSyntaxError):
            etree.fromstring(answer.body)
    client.act("settings", damage={})
    client.act("raw", eventId=event_id, title=None)
    client.act("raw", eventId=event_id, level="x<b/>", caller={"base64": base64.b64encode(b"\xff").decode()})
    body = client.call("findBySourceId", {"sourceId": "s"}).body
    assert b"<ev:title>" not in body and b"<ev:level>x<b/></ev:level>" in body
    assert b"<ev:caller>\xff</ev:caller>" in body
    client.act("settings", damage={event_id: {"eventId": ""}})
    assert client.query(*ALL).ids() == [""]
    assert client.door(f"record/{event_id}")[1]["content"] == "内容"
    client.act("settings", damage={})
    assert client.event(event_id)["title"] == "标题"


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("officials/create", {"nothing": 1}, 400), ("officials/create", [], 400),
        ("officials/move", {"eventId": "x"}, 400),
        ("officials/create", {"stage": "13"}, 400), ("settings", {"other": 1}, 400), ("clock", {"other": 1}, 400),
        ("accounts", {"username": "a", "password": "b", "kind": "king"}, 400), ("nothing", {}, 404),
        ("department", {"enabled": True, "script": "other"}, 400),
        ("department", {"enabled": True, "interval_seconds": 0}, 400),
        ("raw", {"eventId": "x", "nothing": "y"}, 400), ("officials/create", {"title": "\ud800"}, 400),
    ],
)
def test_misuse_is_told(shared: Grid, name: str, body: Any, status: int) -> None:
    """A back-door request that makes no sense is answered with an error, not obeyed in part."""
    got, answer = shared.client.door(name, body)
    assert got == status and "error" in answer
    assert shared.client.door("records") == (200, [])


def test_records_survive_a_restart(tmp_path: Path) -> None:
    """With a database file a new stand-in goes on where the old one ended, numbers included."""
    hands = Hands(1792977330.0)
    with Server(GridPlatform(tmp_path / "grid.db", clock=hands)) as server:
        client = GridClient(server.url, clock=hands)
        file = {"name": "a", "mime": "text/plain", "base64": b"x"}
        first = client.report(stage="05", sourceId="s", attachments=[file]).text("eventId")
    with Server(GridPlatform(tmp_path / "grid.db", clock=hands)) as server:
        client = GridClient(server.url, clock=hands)
        assert client.query(*ALL).ids() == client.call("findBySourceId", {"sourceId": "s"}).ids() == [first]
        assert client.call("getAttachment", {"attachId": client.event(first)["attachments"][0]["attachId"]}).code == 0
        assert int(client.report().text("eventId")[2:]) == int(first[2:]) + 1


def test_a_failure_of_its_own_is_a_server_fault(grid: Grid) -> None:
    """What the stand-in cannot carry out (no number left that day) ends as soap:Server, and nothing is stored."""
    grid.client.act("counters", DG20261026=99999)
    answer = grid.client.report(sourceId="s")
    assert answer.status == 500 and b"<faultcode>soap:Server</faultcode>" in answer.body
    assert grid.client.call("findBySourceId", {"sourceId": "s"}).ids() == []

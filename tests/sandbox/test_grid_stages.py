"""The stage table (contract §8) over all pairs, for the exchange account and for officials, and what a move does."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from tests.sandbox.grid_client import CONTRACT, Grid, running

grid = pytest.fixture(running)

TABLE = json.loads((CONTRACT / "transitions.json").read_text("utf-8"))
STAGES = list(TABLE["stages"])


@pytest.mark.parametrize("present", STAGES)
def test_exchange_moves(grid: Grid, present: str) -> None:
    """From this stage to each of the fourteen: taken if the table allows it, else 2003 and nothing changed."""
    client = grid.client
    for wanted in STAGES:
        event_id = client.act("officials/create", stage="05")["eventId"]
        client.act("officials/edit", eventId=event_id, set={"stage": present, "mainDept": "DG001"})
        result = client.update(event_id, wanted, opinion="意见").result
        event = client.event(event_id)
        if wanted in TABLE["exchange"][present]:
            assert result == (0, "成功") and event["stage"] == wanted
            assert [one["stage"] for one in event["processes"]] == ["05", wanted]
        else:
            assert result == (2003, f"阶段不允许：{present}→{wanted}")
            assert event["stage"] == present and len(event["processes"]) == 1


@pytest.mark.parametrize("present", STAGES)
def test_official_moves(grid: Grid, present: str) -> None:
    """Officials follow their own table and may repeat the present stage at 06-12; else 409."""
    client = grid.client
    for wanted in STAGES:
        event_id = client.act("officials/create", stage="05")["eventId"]
        client.act("officials/edit", eventId=event_id, set={"stage": present, "mainDept": "DG001"})
        step = {"eventId": event_id, "stage": wanted, "operator": "王", "dept": "DG001", "opinion": "意见"}
        status, answer = client.door("officials/move", step)
        repeated = wanted == present and "06" <= present <= "12"
        if wanted in TABLE["officials"][present] or repeated:
            assert (status, answer["stage"]) == (200, wanted)
        else:
            assert (status, answer) == (409, {"error": f"阶段不允许：{present}→{wanted}"})


@pytest.mark.parametrize("stage", STAGES)
def test_officials_walk_to_every_stage(grid: Grid, stage: str) -> None:
    """An official's event made at any stage went there by legal moves, entry after entry, seq without gaps."""
    event = grid.client.event(grid.client.act("officials/create", stage=stage, operator="钱")["eventId"])
    entries = event["processes"]
    walked = [one["stage"] for one in entries]
    assert walked[0] in ("01", "05") and walked[-1] == event["stage"] == stage
    assert all(after in TABLE["officials"][before] for before, after in pairwise(walked))
    assert [one["seq"] for one in entries] == [str(number) for number in range(1, len(entries) + 1)]
    assert entries[-1]["operator"] == "钱"
    assert bool(event["mainDept"]) == ("07" in walked)


def test_dispatch_sets_departments(grid: Grid) -> None:
    """Stage 07: the first code leads, the rest replace the assisting ones; empty leaves both; others keep them."""
    client = grid.client
    event_id = client.report(stage="05", mainDept="DG004", assistDepts=["DG009"]).text("eventId")

    def departments() -> tuple[str, list[str]]:
        event = client.event(event_id)
        return event["mainDept"], event["assistDepts"]

    assert client.update(event_id, "07").code == 0
    assert departments() == ("DG004", ["DG009"])
    assert client.update(event_id, "07", opinion="【转派】", handleDept="DG001,371102110,DG002").code == 0
    assert departments() == ("DG001", ["371102110", "DG002"])
    assert client.event(event_id)["processes"][-1]["dept"] == "DG001,371102110,DG002"
    assert client.update(event_id, "08", handleDept="DG005").code == 0
    assert departments() == ("DG001", ["371102110", "DG002"])
    assert client.update(event_id, "07", handleDept="DG003").code == 0
    assert departments() == ("DG003", [])
    assert client.update(event_id, "07", opinion="x", handleDept=",".join(["DG001"] * 11)).code == 0
    assert departments() == ("DG001", ["DG001"] * 10)


def test_entry_exactly_as_sent(grid: Grid) -> None:
    """A move writes one entry as sent, whatever its time; a second sending is a same-stage entry."""
    client = grid.client
    event_id = client.report(stage="05").text("eventId")
    sent = {"opinion": " 受理 ", "handleDept": "DG099", "handler": " 王 ", "handleTime": "2020-01-01 00:00:00"}
    assert client.update(event_id, "06", **sent).code == 0
    assert client.update(event_id, "06", **sent).code == 0
    entries = client.event(event_id)["processes"]
    assert [one["seq"] for one in entries] == ["1", "2", "3"]
    for entry in entries[1:]:
        assert {key: entry[key] for key in ("stage", "operator", "dept", "opinion", "time")} == {
            "stage": "06", "operator": " 王 ", "dept": "DG099", "opinion": " 受理 ", "time": "2020-01-01 00:00:00",
        }
    assert client.update(event_id, "06", opinion=" ").result == (2001, "参数错误[opinion]：不能为空")


def test_handle_time_bounds(grid: Grid) -> None:
    """Absent or empty is now; ten minutes ahead are allowed."""
    client = grid.client
    event_id = client.report(stage="05").text("eventId")
    for sent, stored in ((None, "09:15:30"), (" ", "09:15:30"), ("2026-10-26 09:25:30", "09:25:30")):
        assert client.update(event_id, "05", opinion="x", handleTime=sent).code == 0
        assert client.event(event_id)["processes"][-1]["time"] == f"2026-10-26 {stored}"

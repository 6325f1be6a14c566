"""The whole status table, limits, repeats and the form of actions (contract section 6)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.government_client import CONTRACT, PATHS, Rig, rig

TABLE = json.loads((CONTRACT / "transitions.json").read_text(encoding="utf-8"))
HOUR = 3_600_000
NEEDS_OPINION = {"RETURN", "PROGRESS", "EXTEND", "FEEDBACK", "CLOSE", "RATE", "CANCEL"}


@pytest.fixture(scope="module")
def made() -> Iterator[Rig]:
    with rig() as one:
        yield one


def extra(made: Rig, action: str) -> dict[str, Any]:
    return {"limitTime": made.clock.ms + 1000 * HOUR} if action == "EXTEND" else {}


@pytest.mark.parametrize("status", TABLE["statuses"])
@pytest.mark.parametrize("action", TABLE["actions"])
@pytest.mark.parametrize("dept", ["LS104", "LS103"])
def test_every_cell_of_the_table(made: Rig, status: str, action: str, dept: str) -> None:
    """Each action in each status, by the lead department and by another."""
    move = TABLE["actions"][action][status]
    lead = status not in ("PENDING", "ACCEPTED", "RETURNED", "CANCELLED") and dept == "LS104"
    after = {"=": status, "HANDLING*": "HANDLING" if lead else status}.get(move, move)
    call_no = made.in_status(status)
    before = made.caller.detail(call_no)
    answer = made.caller.act(call_no, action, deptCode=dept, **extra(made, action))
    if move == "x":
        assert answer.json["msg"] == f"参数错误[action]：状态{status}不允许操作{action}"
        assert made.caller.detail(call_no) == before
        return
    assert answer.data["status"] == after
    assert answer.data["seq"] == len(before["timeline"]) + 1
    detail = made.caller.detail(call_no)
    entry = detail["timeline"][-1]
    assert (entry["fromStatus"], entry["toStatus"], entry["deptCode"]) == (status, after, dept)
    assert detail["updateTime"] == entry["recordTime"] == answer.data["updateTime"] > before["updateTime"]
    expected = dept if action == "DISPATCH" else None if action == "RETURN" else before["deptCode"]
    assert detail["deptCode"] == expected


@pytest.mark.parametrize("status", TABLE["statuses"])
def test_clerks_meet_the_same_table(made: Rig, status: str) -> None:
    """What the table forbids is 409 for a clerk too, with the platform's own words; the rest is stored."""
    for action, moves in TABLE["actions"].items():
        call_no = made.in_status(status)
        code, told = made.door("POST", "clerks/act", {"callNo": call_no, "action": action, **extra(made, action)})
        if moves[status] == "x":
            assert (code, told["error"]) == (409, f"参数错误[action]：状态{status}不允许操作{action}")
        else:
            after = {"=": status, "HANDLING*": "HANDLING"}.get(moves[status], moves[status])
            assert (code, told["status"]) == (200, after)


@pytest.mark.parametrize(("urgency", "hours"), [("CRITICAL", 2), ("URGENT", 24), ("NORMAL", 120)])
@pytest.mark.parametrize("status", ["ACCEPTED", "FEEDBACK", "CLOSED"])
def test_the_default_limit(made: Rig, urgency: str, hours: int, status: str) -> None:
    """A dispatch without limitTime from ACCEPTED, FEEDBACK, CLOSED: operateTime + hours of the urgency."""
    call_no = made.in_status(status, urgency=urgency)
    said = made.clock.ms - 5 * HOUR
    made.caller.act(call_no, "DISPATCH", deptCode="LS101", operateTime=said)
    detail = made.caller.detail(call_no)
    assert detail["limitTime"] == detail["timeline"][-1]["limitTime"] == said + hours * HOUR


@pytest.mark.parametrize("status", ["DISPATCHED", "RESPONDED", "HANDLING"])
def test_a_transfer_keeps_the_limit(made: Rig, status: str) -> None:
    """转派 changes the lead and, without limitTime, nothing else; its entry shows the limit that holds."""
    call_no = made.in_status(status)
    before = made.caller.detail(call_no)
    made.caller.act(call_no, "DISPATCH", deptCode="LS102")
    detail = made.caller.detail(call_no)
    assert (detail["deptCode"], detail["deptName"]) == ("LS102", "岚山区综合行政执法局")
    assert detail["limitTime"] == before["limitTime"] == detail["timeline"][-1]["limitTime"] is not None
    made.caller.act(call_no, "DISPATCH", deptCode="LS102", operator="受理员03", limitTime=made.clock.ms + 1)
    assert made.caller.detail(call_no)["limitTime"] == made.clock.ms + 1


def test_limits_that_are_too_early(made: Rig) -> None:
    """DISPATCH: later than operateTime. EXTEND: later than that and than the present limit."""
    accepted, handling = made.in_status("ACCEPTED"), made.in_status("HANDLING")
    now, limit = made.clock.ms, made.caller.detail(handling)["limitTime"]
    assert made.caller.act(accepted, "DISPATCH", limitTime=now).field == "limitTime"
    assert made.caller.act(accepted, "EXTEND", limitTime=now).field == "limitTime"
    assert made.caller.act(accepted, "EXTEND", limitTime=now + 1).code == "0000"
    assert made.caller.act(handling, "EXTEND").field == "limitTime"
    assert made.caller.act(handling, "EXTEND", limitTime=limit).field == "limitTime"
    assert made.caller.act(handling, "EXTEND", limitTime=limit + 1).code == "0000"
    assert made.caller.detail(handling)["limitTime"] == limit + 1


def test_return_empties_department_and_limit(made: Rig) -> None:
    """And calling again over the API is an ACCEPT."""
    call_no = made.in_status("HANDLING")
    made.caller.act(call_no, "RETURN", deptCode="LS104")
    detail = made.caller.detail(call_no)
    assert [detail[name] for name in ("deptCode", "deptName", "limitTime")] == [None] * 3
    assert made.caller.act(call_no, "ACCEPT").data["status"] == "ACCEPTED"


def test_an_ignored_limit_is_checked_for_form_and_stored_as_null(made: Rig) -> None:
    """URGE with a limitTime."""
    call_no = made.in_status("DISPATCHED")
    limit = made.caller.detail(call_no)["limitTime"]
    assert made.caller.act(call_no, "URGE", limitTime="soon").field == "limitTime"
    assert made.caller.act(call_no, "URGE", limitTime=made.clock.ms).code == "0000"
    detail = made.caller.detail(call_no)
    assert (detail["limitTime"], detail["timeline"][-1]["limitTime"]) == (limit, None)


def test_a_repeat_is_stored_once(made: Rig) -> None:
    """The same four at any later time: 0000, first seq, present status, updateTime untouched, nothing compared."""
    call_no = made.in_status("PENDING")
    said = made.clock.ms - 10
    first = made.caller.act(call_no, "ACCEPT", operateTime=said)
    made.tell("clerks/act", callNo=call_no, action="DISPATCH")
    before = made.caller.detail(call_no)
    again = made.caller.act(call_no, "ACCEPT", operateTime=said, opinion="不同", deptCode="LS102", fileIds=["0" * 32])
    assert again.data == {"callNo": call_no, "status": "DISPATCHED", "updateTime": before["updateTime"], "seq": 2}
    assert first.data["seq"] == 2
    assert made.caller.detail(call_no) == before
    assert made.caller.act(call_no, "ACCEPT", operateTime=said, operator="受理员03").field == "action"
    assert made.caller.act(call_no, "URGE", operateTime=said).code == "0000"
    assert made.caller.act(call_no, "URGE", operateTime=said + 1).code == "0000"


def test_update_time_rises_even_if_the_clock_stands(made: Rig) -> None:
    """(callNo, updateTime) names a version."""
    call_no = made.in_status("DISPATCHED")
    times = [made.caller.act(call_no, "URGE", operateTime=made.clock.ms - n).data["updateTime"] for n in range(1, 4)]
    assert times == [times[0], times[0] + 1, times[0] + 2]
    made.clock.now -= 60
    assert made.caller.act(call_no, "URGE").data["updateTime"] == times[0] + 3
    made.clock.now += 60


REQUIRED = ("action", "operator", "deptCode", "operateTime")
NO_VALUES: tuple[Any, ...] = (None, "", [], True)
BAD: list[tuple[str, dict[str, Any]]] = [
    *((name, {name: value}) for name in REQUIRED for value in NO_VALUES),
    ("action", {"action": "RECALL"}),
    ("action", {"action": "accept"}),
    ("opinion", {"opinion": 1}),
    ("opinion", {"opinion": "见" * 1001}),
    ("operator", {"operator": "员" * 51}),
    ("deptCode", {"deptCode": "ZZ999"}),
    ("deptCode", {"deptCode": "LS101\n"}),
    ("deptCode", {"deptCode": "12345678"}),
    ("operateTime", {"operateTime": 1792977125000.0}),
    ("operateTime", {"operateTime": "1792977125000"}),
    ("operateTime", {"operateTime": 1_577_807_999_999}),
    ("operateTime", {"operateTime": 1792977125000 + 300_001}),
    ("limitTime", {"limitTime": 4_102_444_800_001}),
    ("limitTime", {"limitTime": 1.5}),
    ("fileIds", {"fileIds": {}}),
    ("fileIds[0]", {"fileIds": ["x"]}),
]


@pytest.mark.parametrize(("field", "fields"), BAD)
def test_a_bad_field_is_named(made: Rig, field: str, fields: dict[str, Any]) -> None:
    """4022 names the first bad field in schema order; nothing is stored, also where the call does not exist."""
    made.clock.now = 1792977125.0
    body = {"action": "ACCEPT"} | fields
    assert made.caller.act("LS000000000000", **body).field == field


@pytest.mark.parametrize("action", TABLE["actions"])
def test_where_an_opinion_is_needed(made: Rig, action: str) -> None:
    """Required and not empty but for four actions, where "" is stored as null."""
    for opinion in (None, ""):
        answer = made.caller.act("LS000000000000", action, opinion=opinion, **extra(made, action))
        assert (answer.field if action in NEEDS_OPINION else answer.code) == (
            "opinion" if action in NEEDS_OPINION else "4004"
        )


def test_operate_time_may_be_early_or_five_minutes_ahead(made: Rig) -> None:
    """Before createTime, and up to 5 min ahead; it need not rise along the timeline."""
    call_no = made.in_status("PENDING")
    ahead, early = made.clock.ms + 300_000, made.clock.ms - 1000 * HOUR
    assert made.caller.act(call_no, "URGE", operateTime=ahead).code == "0000"
    assert made.caller.act(call_no, "URGE", operateTime=early, opinion="").code == "0000"
    detail = made.caller.detail(call_no)
    assert [entry["operateTime"] for entry in detail["timeline"][1:]] == [ahead, early]
    assert [entry["seq"] for entry in detail["timeline"]] == [1, 2, 3]
    assert detail["timeline"][-1]["opinion"] is None


def test_any_towns_code_is_a_department(made: Rig) -> None:
    """Nine digits; the name is null where the platform knows none."""
    call_no = made.in_status("PENDING")
    made.caller.act(call_no, "PROGRESS", deptCode="371121001", opinion="（备注）转办")
    made.caller.act(call_no, "PROGRESS", deptCode="371103103", opinion="（备注）转办", operator="值班员")
    assert [entry["deptName"] for entry in made.caller.detail(call_no)["timeline"][1:]] == [None, "高兴镇"]


def test_recall_is_the_town_staffs_own(made: Rig) -> None:
    """RETURNED goes back to PENDING by RECALL at the platform, from nowhere else."""
    for status in PATHS:
        call_no = made.in_status(status)
        code, answer = made.door("POST", "clerks/act", {"callNo": call_no, "action": "RECALL", "operator": "镇值班员"})
        assert (code, answer.get("status")) == ((200, "PENDING") if status == "RETURNED" else (409, None))
        if status == "RETURNED":
            entry = made.caller.detail(call_no)["timeline"][-1]
            assert (entry["action"], entry["operator"], entry["deptCode"]) == ("RECALL", "镇值班员", "371103103")

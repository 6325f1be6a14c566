"""The back door: clerks' own calls, edits and files, damage, clock, and the scripted officials."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.government_client import KEY, Rig, rig


@pytest.fixture
def made() -> Iterator[Rig]:
    with rig() as one:
        yield one


def clerk_call(made: Rig, **fields: Any) -> str:
    number: str = made.tell("clerks/create", **{"title": "题", "content": "文"} | fields)["callNo"]
    return number


def test_a_clerks_own_call(made: Rig) -> None:
    """outerNo null, CREATE by a person of the centre; old item codes are possible."""
    call_no = clerk_call(made, itemCode="LS0999", operator="受理员04", contact={"name": "李四四", "secret": True})
    detail = made.caller.detail(call_no)
    assert (detail["outerNo"], detail["itemCode"], detail["itemName"]) == (None, "LS0999", None)
    entry = detail["timeline"][0]
    assert (entry["action"], entry["operator"], entry["deptCode"]) == ("CREATE", "受理员04", "LS001")
    assert made.door("GET", f"record/{call_no}")[1]["createdBy"] == "受理员04"


def test_many_calls_of_one_millisecond(made: Rig) -> None:
    """count makes calls alike with one updateTime."""
    numbers = made.tell("clerks/create", title="题", content="文", count=3)["callNos"]
    assert len({made.caller.detail(number)["updateTime"] for number in numbers}) == 1
    assert made.door("POST", "clerks/create", {"title": "题", "content": "文", "count": 0})[0] == 400
    assert made.door("POST", "clerks/create", {"content": "文"}) == (400, {"error": "参数错误[title]：不能为空"})


def test_a_clerks_step_takes_everything_given(made: Rig) -> None:
    """operator, deptCode, opinion, operateTime, limitTime; the same form as over the API."""
    call_no = clerk_call(made)
    made.tell("clerks/act", callNo=call_no, action="ACCEPT")
    said, limit = made.clock.ms - 1000, made.clock.ms + 1000
    wish = {"operator": "受理员03", "deptCode": "LS777", "opinion": "请办理", "operateTime": said, "limitTime": limit}
    made.tell("clerks/act", callNo=call_no, action="DISPATCH", **wish)
    entry = made.caller.detail(call_no)["timeline"][-1]
    assert entry.items() >= wish.items()
    assert entry["deptName"] is None
    assert made.door("POST", "clerks/act", {"callNo": call_no, "action": "URGE", "opinion": "见" * 1001})[0] == 400
    assert made.door("POST", "clerks/act", {"callNo": call_no, "action": "EXTEND", "limitTime": limit})[0] == 409
    assert made.door("POST", "clerks/act", {"callNo": "LS000000000000", "action": "URGE"})[0] == 404
    assert made.door("POST", "clerks/act", {"callNo": call_no, "action": "JUMP"})[0] == 400


def test_an_edit(made: Rig) -> None:
    """MODIFY with the fields' names; null empties; codes need not be listed; updateTime rises."""
    call_no = clerk_call(made, address="旧地址", contact={"name": "张三", "phone": "13900000001"})
    before = made.caller.detail(call_no)
    made.clock.now += 1
    changes = {"itemCode": "LS0999", "address": None, "secret": True, "contact.phone": None, "lng": 119.1234565}
    answer = made.tell("clerks/edit", callNo=call_no, set=changes, operator="受理员02")
    detail = made.caller.detail(call_no)
    assert (detail["itemCode"], detail["itemName"], detail["address"], detail["lng"]) == (
        "LS0999",
        None,
        None,
        119.123457,
    )
    assert detail["contact"] == {"name": "张三", "phone": None, "secret": True}
    entry = detail["timeline"][-1]
    assert (entry["action"], entry["operator"]) == ("MODIFY", "受理员02")
    assert entry["opinion"] == "修改：itemCode、address、secret、contact.phone、lng"
    assert detail["updateTime"] == answer["updateTime"] == made.clock.ms > before["updateTime"]
    made.tell("clerks/edit", callNo=call_no, set={"contact": {"name": "李四"}})
    assert made.caller.detail(call_no)["contact"] == {"name": "李四", "phone": None, "secret": True}
    made.tell("clerks/edit", callNo=call_no, set={"contact": None, "deptCode": "OLD-1"})
    assert made.caller.detail(call_no)["contact"] == {"name": None, "phone": None, "secret": False}
    assert made.door("POST", "clerks/edit", {"callNo": call_no, "set": {"status": "CLOSED"}})[0] == 400
    assert made.door("POST", "clerks/edit", {"callNo": call_no, "set": {"title": None}})[0] == 400


def test_a_clerks_file(made: Rig) -> None:
    """A MODIFY entry 修改：files; the file can be downloaded."""
    call_no = clerk_call(made)
    content = base64.b64encode(b"scan").decode()
    file_id = made.tell("clerks/attach", callNo=call_no, name="扫描件.pdf", base64=content, mime="application/pdf")[
        "fileId"
    ]
    detail = made.caller.detail(call_no)
    entry = detail["timeline"][-1]
    assert (entry["action"], entry["opinion"], entry["fileIds"]) == ("MODIFY", "修改：files", [file_id])
    assert (detail["files"][0]["name"], detail["files"][0]["seq"]) == ("扫描件.pdf", 2)
    assert made.caller.call("GET", f"/api/files/{file_id}").body == b"scan"


def test_records(made: Rig) -> None:
    """All calls whole and unmasked, with who made them."""
    contact = {"name": "张三", "phone": "13900000001", "secret": False}
    api, own = made.caller.create(contact=contact).data["callNo"], clerk_call(made)
    status, records = made.door("GET", "records")
    assert status == 200
    assert [(record["callNo"], record["createdBy"]) for record in records] == [(api, KEY), (own, "受理员01")]
    assert records[0]["contact"] == contact
    assert records[0]["timeline"][0]["action"] == "CREATE"
    assert made.door("GET", "record/LS000000000000")[0] == 404


def test_damage(made: Rig) -> None:
    """Members of answers are overridden or left out, in rows and details, until healed; records stay sound."""
    call_no = clerk_call(made, contact={"name": "张三", "phone": "13900000001"})
    made.tell(
        "damage",
        callNo=call_no,
        set={"createTime": "0000-00-00", "status": 7, "contact.phone": "x"},
        remove=["content"],
    )
    made.tell("damage", callNo=call_no, set={"timeline": [], "title": "\ud800"}, remove=["contact.name", "files"])
    row = json.loads(
        made.caller.wire("GET", "/api/calls", signed(made, "/api/calls")).body.decode("utf-8", "surrogatepass")
    )
    row = row["data"]["records"][0]
    target = f"/api/calls/{call_no}"
    raw = made.caller.wire("GET", target, signed(made, target)).body.decode("utf-8", "surrogatepass")
    detail = json.loads(raw)["data"]
    for view in (row, detail):
        assert (view["createTime"], view["status"], view["title"]) == ("0000-00-00", 7, "\ud800")
        assert view["contact"] == {"phone": "x", "secret": False}
        assert "content" not in view
    assert detail["timeline"] == []
    assert "files" not in detail
    assert "timeline" not in row
    assert made.door("GET", f"record/{call_no}")[1]["status"] == "PENDING"
    made.door("DELETE", "damage", {"callNo": call_no})
    assert made.caller.detail(call_no)["status"] == "PENDING"


def signed(made: Rig, target: str) -> list[tuple[str, str]]:
    return list(made.caller.signature("GET", target, b"").items())


def test_clock_tokens_and_settings(made: Rig) -> None:
    """The clock can be skewed, frozen and let go; tokens voided and shortened; an app has its own limits."""
    assert made.tell("clock", skew_seconds=-30)["now"] == made.clock.now - 30
    assert made.tell("clock", freeze=1792980000)["now"] == 1792980000
    assert made.tell("clock", freeze=None, skew_seconds=0)["now"] == made.clock.now
    made.tell("tokens/expire")
    assert made.caller.call("GET", "/api/calls").code == "4010"
    made.tell("settings", token_seconds=2)
    assert made.caller.get_token().data["expiresIn"] == 7200
    made.clock.now += 2
    assert made.caller.call("GET", "/api/calls").code == "4010"
    made.caller.get_token()
    made.tell("apps", appKey=KEY, burst=1, rate=1)
    assert [made.caller.call("GET", "/api/calls").code for _ in range(2)] == ["0000", "4029"]
    assert made.door("POST", "apps", {"appKey": "NEW1"})[0] == 400
    assert made.door("POST", "apps", {"appKey": KEY, "functions": ["call:all"]})[0] == 400
    assert made.door("POST", "nothing")[0] == 404
    assert made.door("POST", "clock", [])[0] == 400


def rounds(made: Rig, count: int) -> int:
    taken: int = made.tell("department", rounds=count)["steps"]
    return taken


def test_the_scripted_officials_work_the_calls_of_apps(made: Rig) -> None:
    """Calls over the API are led to CLOSED or RATED, some with extras; clerks' own calls are left alone."""
    own = clerk_call(made)
    numbers = [made.caller.create(itemCode=code).data["callNo"] for code in ["LS0101", "LS9999", "LS0401"] * 15]
    for _ in range(10):
        made.clock.now += 60
        rounds(made, 1)
    seen: set[str] = set()
    for number in numbers:
        detail = made.caller.detail(number)
        actions = [entry["action"] for entry in detail["timeline"]]
        assert detail["status"] in ("CLOSED", "RATED")
        order = ["CREATE", "ACCEPT", "DISPATCH", "RESPOND", "PROGRESS", "FEEDBACK", "CLOSE"]
        assert [actions.index(action) for action in order] == sorted(actions.index(action) for action in order)
        seen |= set(actions) | {f"DISPATCH x{actions.count('DISPATCH')}", f"PROGRESS x{actions.count('PROGRESS')}"}
    assert seen >= {"URGE", "EXTEND", "RATE", "DISPATCH x2", "PROGRESS x2"}
    assert made.caller.detail(own)["status"] == "PENDING"
    assert rounds(made, 1) == 0


def test_the_script_is_one_step_a_round_and_by_the_call_number(made: Rig) -> None:
    """The same numbers get the same steps again."""
    for _ in range(8):
        made.caller.create()
    assert rounds(made, 1) == 8
    with rig() as other:
        for _ in range(8):
            other.caller.create()
        rounds(other, 6)
        rounds(made, 5)
        stories = [
            [
                [(entry["action"], entry["opinion"], entry["operator"]) for entry in record["timeline"]]
                for record in records
            ]
            for records in (made.door("GET", "records")[1], other.door("GET", "records")[1])
        ]
    assert stories[0] == stories[1]


def test_calls_that_come_back_are_taken_up_again(made: Rig) -> None:
    """RETURNED is left alone, until the call is accepted again; rework goes through once more."""
    call_no = made.caller.create().data["callNo"]
    made.caller.act(call_no, "RETURN")
    assert rounds(made, 2) == 0
    made.tell("clerks/act", callNo=call_no, action="RECALL")
    rounds(made, 12)
    assert made.caller.detail(call_no)["status"] in ("CLOSED", "RATED")


def test_the_background_department_starts_and_stops(made: Rig) -> None:
    """Enabled it works by itself; disabled, and when the platform closes, its thread is gone."""
    call_no = made.caller.create().data["callNo"]
    assert made.tell("department", enabled=True, interval_seconds=0.01)["enabled"] is True
    seen = (made.caller.detail(call_no)["status"] for _ in range(20_000))
    assert any(status in ("CLOSED", "RATED") for status in seen)
    assert made.tell("department", enabled=False)["enabled"] is False
    assert not [thread for thread in threading.enumerate() if thread.name == "government-department"]
    made.tell("department", enabled=True, interval_seconds=60)
    made.platform.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "government-department"]


def test_a_closed_server_answers_nobody() -> None:
    """Kept-alive connections end with the server."""
    with rig() as made:
        assert made.caller.call("GET", "/api/calls").code == "0000"
        made.server.close()
        with pytest.raises(OSError):
            made.caller.wire("GET", "/api/calls")

"""Transport, head and the order of checks (contract sections 1, 2 and 4)."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import pytest

from tests.sandbox.city_client import PASSWORD, START, Caller, Rig, digest, rig, wire_time


@pytest.fixture
def made() -> Iterator[Rig]:
    with rig() as one:
        yield one


def test_only_post_on_the_one_path(made: Rig) -> None:
    """GET → 405, any other path → 404, both HTML."""
    wire = made.caller.wire
    assert wire("GET", "/dcms/service.do?method=task").status == 405
    for answer in (wire("POST", "/dcms/service.do/?method=task", b""), wire("GET", "/")):
        assert answer.status == 404
        assert answer.headers["Content-Type"].startswith("text/html")


def test_a_body_over_16_mb(made: Rig) -> None:
    """413 with HTML, not carried out; one of exactly 16 MB is read."""
    assert made.caller.post("report", b" " * (16 * 1024 * 1024 + 1)).status == 413
    assert made.caller.post("report", b" " * (16 * 1024 * 1024)).fault == "xml:格式不正确"


def test_headers_of_an_answer(made: Rig) -> None:
    """Content-Length and the platform's own clock as Date, uncompressed, HTTP 200 whatever the code."""
    made.tell("clock", skew_seconds=300)
    answer = made.caller.call("task", {"taskNum": "1"})
    assert (answer.status, answer.code) == (200, "202")
    assert int(answer.headers["Content-Length"]) == len(answer.raw)
    assert parsedate_to_datetime(answer.headers["Date"]).timestamp() == START + 300
    assert "Content-Encoding" not in answer.headers


def test_the_head(made: Rig) -> None:
    """Empty fields and a wrong time are 201; any other fault of user or digest is 101."""
    caller = made.caller
    ask = {"since": "0"}
    for field in ("user", "time", "digest"):
        assert caller.call("changes", ask, caller.head(**{field: ""})).fault == f"head.{field}:不能为空"
        assert caller.call("changes", ask, caller.head(**{field: None})).fault == f"head.{field}:不能为空"
    for said in ("2026102609150", "20261026091500 ", "20260229000000", "20261026240000", "２0261026091500"):
        assert caller.call("changes", ask, caller.head(time=said)).fault == "head.time:格式不正确"
    right = str(caller.head()["digest"])
    for change in ({"digest": right.lower()}, {"digest": right[1:]}, {"digest": "岚"}, {"user": "nobody"}):
        assert caller.call("changes", ask, caller.head(**change)).said == ("101", "摘要校验失败")


def test_ten_minutes(made: Rig) -> None:
    """600 s apart is right, 601 s is 102, both ways; the same head may come again."""
    caller = made.caller
    for apart, code in ((600, "0"), (600, "0"), (-600, "0"), (601, "102"), (-601, "102")):
        said = wire_time(START + apart)
        head = caller.head(time=said, digest=digest(caller.user, said, PASSWORD))
        assert caller.call("changes", {"since": 0}, head).code == code
    wrong = caller.head(time=wire_time(START + 601))
    assert caller.call("changes", {"since": 0}, wrong).code == "101"


def test_the_order_of_checks(made: Rig) -> None:
    """xml → method → head → 101 → 102 → 301 → body → 202 → 203: each hides all that follow."""
    caller = made.caller
    for code in ("301", "301"):
        made.fault("code", code=code)
    assert caller.call("nonsense", {}, {}).fault == "method:取值不正确"
    assert caller.call("", {}, {}).fault == "method:不能为空"
    assert caller.call("step", {}, {}).fault == "head.user:不能为空"
    assert caller.call("step", {}, caller.head(digest="x")).code == "101"
    said = wire_time(START - 700)
    assert caller.call("step", {}, caller.head(time=said, digest=digest(caller.user, said, PASSWORD))).code == "102"
    assert caller.call("step", {}).said == ("301", "系统繁忙")
    assert caller.call("changes", {"since": ""}).code == "301"
    assert caller.call("step", {}).fault == "taskNum:不能为空"
    assert caller.step("bad", "103", dept="JX002,,JX009").fault == "dept:格式不正确"
    assert caller.step("bad", "103").said == ("202", "记录不存在:bad")
    assert caller.step(made.led(), "103").said == ("203", "步骤不允许:到103")


def test_busy_stores_nothing(made: Rig) -> None:
    """301 at any time, for the method asked; certainly not carried out."""
    made.fault("code", code="301", operation="report", times=2)
    assert made.caller.changes().rows == []
    assert made.caller.report().code == made.caller.report().code == "301"
    assert made.caller.changes().rows == []
    assert made.caller.report().code == "0"


def test_codes_on_purpose(made: Rig) -> None:
    """A rehearsal may ask for any code of the contract; an unknown one is an internal error, HTTP 500 with HTML."""
    for code, message in (("101", "摘要校验失败"), ("102", "时钟偏差超过10分钟"), ("202", "记录不存在:7"), ("203", "步骤不允许:到")):
        made.fault("code", code=code)
        assert made.caller.call("task", {"taskNum": "7"}).said == (code, message)
    made.fault("code", code="999")
    assert made.caller.call("task", {"taskNum": "7"}).status == 500


def test_a_lost_answer(made: Rig) -> None:
    """The report is carried out though the connection ends: found again by outerCode in the walked tasks."""
    before = made.caller.changes().last
    made.fault("lost", operation="report")
    with pytest.raises(OSError):
        made.caller.report(outerCode="我方-1")
    found = [task_num for _, task_num in made.caller.changes(before).rows]
    assert [made.caller.task(task_num)["outerCode"] for task_num in found] == ["我方-1"]


def test_users(made: Rig) -> None:
    """A new user comes in, a changed password shuts the old one out, a dropped user is unknown."""
    made.tell("users", user="第二", password="口令")
    second = Caller(made.servers.exchange.port, made.clock, "第二", "口令")
    task_num = second.reported()
    assert made.door("GET", f"record/{task_num}")[1]["createdBy"] == "第二"
    made.tell("users", user="第二", password="新口令")
    assert second.report().code == "101"
    second.password = "新口令"
    assert second.report().code == "0"
    made.tell("users", user="第二", password=None)
    assert second.report().code == "101"

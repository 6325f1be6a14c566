"""The back door: officials' own tasks, edits, damage, clock, and the scripted officials."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree

from sandbox.city.contract import load
from sandbox.city.department import next_step
from tests.sandbox.city_client import PATHS, START, Rig, read, rig


@pytest.fixture
def made() -> Iterator[Rig]:
    with rig() as one:
        yield one


def officials_task(made: Rig, **fields: Any) -> str:
    number: str = made.tell("officials/create", **{"title": "题", "description": "文"} | fields)["taskNum"]
    return number


def test_an_officials_own_task(made: Rig) -> None:
    """No outerCode, made by a person; a class that has left the list is possible, form and count are checked."""
    task_num = officials_task(made, subType="77", operator="采集员07", reporter="保密", x=40390224.071, y=3922604.221)
    task = made.caller.task(task_num)
    assert (task["outerCode"], task["subType"], task["source"], task["x"]) == ("", "77", "1", "40390224.071")
    record = made.door("GET", f"record/{task_num}")[1]
    assert (record["createdBy"], record["reporter"]) == ("采集员07", "保密")
    numbers = made.tell("officials/create", title="题", description="文", count=3)["taskNums"]
    assert [one["taskNum"] for one in made.door("GET", "records")[1]] == [task_num, *numbers]
    for wrong in ({"count": 0}, {"title": ""}, {"title": "题" * 61}, {"titel": "题"}):
        assert made.door("POST", "officials/create", {"title": "题", "description": "文"} | wrong)[0] == 400


def test_an_officials_step(made: Rig) -> None:
    """Takes everything given, defaults the rest; 400 form, 404 no task, 409 table; several tasks or none."""
    one, other = officials_task(made), officials_task(made)
    wish = {"opinion": "请办理", "dept": "JX777,JX002", "operator": "指挥员03", "time": "20261026090000"}
    made.tell("officials/step", taskNums=[one, other], step="102")
    made.tell("officials/step", taskNum=one, step="103", **wish)
    assert made.caller.task(one)["steps"][-1].items() >= wish.items()
    assert made.caller.task(one)["dept"] == "JX777"
    refused = made.door("POST", "officials/step", {"taskNums": [other, one], "step": "102"})
    assert refused == (409, {"error": "步骤不允许:103到102"})
    assert len(made.caller.task(other)["steps"]) == 1
    assert made.door("POST", "officials/step", {"taskNum": one, "step": "104", "opinion": "见" * 301})[0] == 400
    assert made.door("POST", "officials/step", {"taskNum": one, "step": "110"})[0] == 400
    assert made.door("POST", "officials/step", {"taskNum": "1", "step": "104"})[0] == 404


def test_an_officials_edit(made: Rig) -> None:
    """Any field, no step, one change; another town takes its district along."""
    task_num = officials_task(made, districtCode="371122")
    since = made.caller.changes().last
    wish = {"title": "新题", "streetCode": "371121101", "reporter": "匿名", "urgency": "3", "dept": "JX001"}
    made.tell("officials/edit", taskNum=task_num, set=wish | {"deadline": "20261101180000", "assistDepts": "JX002,JX003"})
    task = made.caller.task(task_num)
    assert task.items() >= wish.items()
    assert (task["deadline"], task["districtCode"], task["steps"]) == ("20261101180000", "371121", [])
    assert [changed for _, changed in made.caller.changes(since).rows] == [task_num]
    made.tell("officials/edit", taskNum=task_num, set={"deadline": None, "reporter": ""})
    assert (made.caller.task(task_num)["deadline"], made.caller.task(task_num)["reporter"]) == ("", "")
    for wrong in ({"title": ""}, {"deadline": "soon"}, {"state": "103"}, {"taskNum": "1"}):
        assert made.door("POST", "officials/edit", {"taskNum": task_num, "set": wrong})[0] == 400
    assert made.door("POST", "officials/edit", {"taskNum": "1", "set": {"title": "新"}})[0] == 404


def test_clock_and_settings(made: Rig) -> None:
    """Skewed or frozen at will; unknown settings and a lag over 30 s are refused."""
    assert made.tell("clock", skew_seconds=-90)["now"] == START - 90
    assert made.tell("clock", freeze=START + 7)["now"] == START + 7
    made.clock.now += 100
    assert made.caller.task(officials_task(made))["reportTime"] == "20261026091507"
    assert made.tell("clock", freeze=None, skew_seconds=0)["now"] == START + 100
    assert made.tell("settings", publish_seconds=12)["publish_seconds"] == 12
    assert made.door("POST", "settings", {"publish_seconds": 31})[0] == 400
    assert made.door("POST", "settings", {"publish_second": 3})[0] == 400
    assert made.door("POST", "nothing")[0] == 404
    assert made.door("POST", "clock", [1])[0] == 400


def test_damaged_elements(made: Rig) -> None:
    """Texts, bytes as they are, elements left out: in task answers only, until healed; the record is whole."""
    task_num, other = made.led("102"), made.led("102")
    whole = made.caller.call("task", {"taskNum": task_num}).raw
    made.tell("damage", taskNum=task_num, set={"state": "777", "steps.0.time": "", "steps.9.time": "x", "odd": "<"})
    made.tell("damage", taskNum=task_num, bytes={"reporter": "FE51"}, remove=["urgency", "steps.0.seq"])
    raw = made.caller.call("task", {"taskNum": task_num}).raw
    assert b"<reporter>\xfe\x51</reporter>" in raw
    root = etree.fromstring(raw.decode("gb18030").partition("\n")[2].encode())
    task = root.find("body/task")
    assert task is not None
    assert (task.findtext("state"), task.findtext("odd"), task.findtext("steps/item/time")) == ("777", "<", "")
    assert task.find("urgency") is None and task.find("steps/item/seq") is None
    assert made.door("GET", f"record/{task_num}")[1]["state"] == "102"
    assert made.caller.task(other)["state"] == "102"
    assert made.door("DELETE", "damage", {"taskNum": task_num})[0] == 200
    assert made.caller.call("task", {"taskNum": task_num}).raw == whole


def test_damaged_bytes(made: Rig) -> None:
    """Any bytes of an operation's answers may be replaced, or put before them."""
    since = made.caller.changes()
    made.tell("damage", operation="changes", find=b"<more>".hex(), put=b"\x80<more>".hex())
    raw = made.caller.call("changes", {"since": 0}).raw
    with pytest.raises(UnicodeDecodeError):
        raw.decode("gb18030")
    assert made.caller.call("task", {"taskNum": "1"}).code == "202"
    made.tell("damage", find="", put=b"\xef\xbb\xbf".hex())
    assert made.caller.call("task", {"taskNum": "1"}).raw.startswith(b"\xef\xbb\xbf<?xml")
    made.door("DELETE", "damage")
    assert made.caller.changes() == since


def test_the_department_handles_what_was_reported(made: Rig) -> None:
    """Round by round to the end: confirmed, dispatched, urged, extended, reworked, verified, closed, rated; officials'
    own tasks and those left alone stay as they are."""
    mine = [made.caller.reported(title=f"题{number}") for number in range(60)]
    own, left = officials_task(made), made.caller.reported(title="别动")
    made.tell("department", **{"except": ["别动"]})
    assert made.tell("department", rounds=1) == {"enabled": False, "steps": 60}
    assert {made.caller.task(task_num)["state"] for task_num in mine} == {"101"}
    made.tell("department", rounds=20)
    assert made.tell("department", rounds=1)["steps"] == 0
    tasks = [made.caller.task(task_num) for task_num in mine]
    assert {task["state"] for task in tasks} == {"108", "109"}
    assert {item["step"] for task in tasks for item in task["steps"]} == {
        "101", "102", "103", "104", "105", "106", "107", "108", "109", "202", "203",
    }  # fmt: skip
    assert any(task["assistDepts"] for task in tasks)
    assert any(item["operator"].startswith("网格员") for task in tasks for item in task["steps"])
    assert made.caller.task(own)["steps"] == made.caller.task(left)["steps"] == []


def test_the_department_goes_on_from_any_state(made: Rig) -> None:
    """Its next step is one that the table allows, whoever brought the task there; ended ones are left alone."""
    contract = load()
    for state, path in PATHS.items():
        task = made.caller.task(made.led(*path))
        step = next_step(contract, task, task["steps"], START)
        if state in ("109", "201", "299"):
            assert step is None
        elif step is not None:
            made.tell("department", rounds=1)
            assert made.caller.task(task["taskNum"])["steps"][-1]["step"] == step.step


def test_the_department_in_the_background(made: Rig) -> None:
    """Started, it works by itself; stopped, it rests; closing the platform ends it."""
    task_num = made.caller.reported()
    assert made.tell("department", enabled=True, interval_seconds=0.01)["enabled"]
    waiting = threading.Event()
    for _ in range(500):
        if made.caller.task(task_num)["state"] in ("108", "109"):
            break
        waiting.wait(0.01)
    assert made.tell("department", enabled=False) == {"enabled": False, "steps": 0}
    assert made.caller.task(task_num)["state"] in ("108", "109")
    made.tell("department", enabled=True, interval_seconds=0.01)


def test_answers_at_the_same_time(made: Rig) -> None:
    """Many callers at once: every report has its own number, every change its own seq."""
    def report() -> None:
        for _ in range(5):
            made.caller.reported()

    threads = [threading.Thread(target=report) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = made.caller.changes().rows
    assert len({seq for seq, _ in rows}) == len({task_num for _, task_num in rows}) == 30


def test_a_damaged_answer_is_not_the_schema(made: Rig) -> None:
    """The test's own reader notices a left-out element: it really validates."""
    task_num = made.led()
    made.tell("damage", taskNum=task_num, remove=["state"])
    with pytest.raises(etree.DocumentInvalid):
        read(made.caller.call("task", {"taskNum": task_num}).raw)

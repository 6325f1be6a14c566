"""Reporting: every field's rule (contract section 8), and that nothing recognises a repeat."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.city_client import CONTRACT, Rig, new_task, rig, wire_time


@pytest.fixture(scope="module")
def made() -> Iterator[Rig]:
    with rig() as one:
        yield one


def test_all_fields_come_back(made: Rig) -> None:
    """As reported, with what the platform adds."""
    fields = new_task(
        outerCode="外" * 50, districtCode="371122", communityCode="371122104268", cellCode="371122104268002",
        address="址" * 120, x="40390224.071", y="3922604.221", reporter="冯" * 20, phone="1" * 20, urgency="3",
        title="题" * 60, description="文" * 1000,
    )  # fmt: skip
    task_num = made.caller.reported(**fields)
    assert task_num.startswith("20261026") and len(task_num) == 15
    task = made.caller.task(task_num)
    assert task.items() >= fields.items()
    rest = {name: task[name] for name in task if name not in fields and name not in ("taskNum", "reportTime")}
    assert rest == {"deadline": "", "dept": "", "assistDepts": "", "state": "", "steps": [], "medias": []}
    assert task["reportTime"] == wire_time(made.clock.now)


def test_sent_twice_two_tasks(made: Rig) -> None:
    """Also with one outerCode; numbers are unique and do not rise in time."""
    numbers = [made.caller.reported(outerCode="同一") for _ in range(20)]
    assert len(set(numbers)) == 20
    assert numbers != sorted(numbers)


LONG = [("outerCode", 50), ("title", 60), ("description", 1000), ("address", 120), ("reporter", 20), ("phone", 20)]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        *(({name: "字" * (most + 1)}, f"{name}:长度超过{most}") for name, most in LONG),
        *(
            ({name: nothing}, f"{name}:不能为空")
            for name in ("recType", "mainType", "subType", "title", "description", "source", "streetCode")
            for nothing in (None, "")
        ),
        ({"recType": "3"}, "recType:取值不正确"),
        ({"recType": "22"}, "recType:长度超过1"),
        ({"mainType": "1"}, "mainType:格式不正确"),
        ({"mainType": "123"}, "mainType:长度超过2"),
        ({"mainType": "07"}, "mainType:取值不正确"),
        ({"recType": "1", "mainType": "06"}, "mainType:取值不正确"),
        ({"subType": "ab"}, "subType:格式不正确"),
        ({"subType": "11"}, "subType:取值不正确"),
        ({"source": "6"}, "source:取值不正确"),
        ({"districtCode": "37112"}, "districtCode:格式不正确"),
        ({"districtCode": "370102"}, "districtCode:格式不正确"),
        ({"districtCode": "3711221"}, "districtCode:长度超过6"),
        ({"districtCode": "371103"}, "streetCode:取值不正确"),
        ({"streetCode": "37112210"}, "streetCode:格式不正确"),
        ({"streetCode": "370102001"}, "streetCode:格式不正确"),
        ({"communityCode": "371122104"}, "communityCode:格式不正确"),
        ({"communityCode": "371122105268"}, "communityCode:取值不正确"),
        ({"communityCode": "371122104268", "cellCode": "371122104269001"}, "cellCode:取值不正确"),
        ({"cellCode": "371122105268001"}, "cellCode:取值不正确"),
        ({"x": "40390224.071"}, "y:不能为空"),
        ({"y": "3922604.221"}, "x:不能为空"),
        ({"x": "4.0e7", "y": "1"}, "x:格式不正确"),
        ({"x": " 40390224", "y": "1"}, "x:格式不正确"),
        ({"x": "40299999.9999", "y": "3922604"}, "x:超出范围"),
        ({"x": "3922604.221", "y": "40390224.071"}, "x:超出范围"),
        ({"x": "40390224", "y": "4500000.0001"}, "y:超出范围"),
        ({"x": "40390224", "y": "-3922604"}, "y:超出范围"),
        ({"urgency": "4"}, "urgency:取值不正确"),
        ({"urgency": "12"}, "urgency:长度超过1"),
    ],
)
def test_faults(made: Rig, fields: dict[str, Any], fault: str) -> None:
    """The field and the reason, exactly; nothing is stored."""
    before = made.caller.changes().rows
    assert made.caller.report(**fields).fault == fault
    assert made.caller.changes().rows == before


def test_no_task_at_all(made: Rig) -> None:
    """The first required field is missing."""
    assert made.caller.call("report", {}).fault == "recType:不能为空"


def test_the_first_fault_in_xsd_order(made: Rig) -> None:
    """Whatever order the elements came in."""
    assert made.caller.report(urgency="9", phone="1" * 21, address="址" * 121).fault == "address:长度超过120"


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (("40390224.0705", "3922604.2214999"), ("40390224.071", "3922604.221")),
        (("40300000", "3000000"), ("40300000.000", "3000000.000")),
        (("40700000.000", "4500000.0"), ("40700000.000", "4500000.000")),
        (("040390224.1", "3922604.00049"), ("40390224.100", "3922604.000")),
    ],
)
def test_coordinates(made: Rig, sent: tuple[str, str], stored: tuple[str, str]) -> None:
    """Any number of decimals in, exactly three out, rounded half up; the bounds belong to the range."""
    task = made.caller.task(made.caller.reported(x=sent[0], y=sent[1]))
    assert (task["x"], task["y"]) == stored


def test_every_class_of_the_list(made: Rig) -> None:
    """All classes of codes.json are taken."""
    for key in json.loads((CONTRACT / "codes.json").read_text(encoding="utf-8"))["classes"]:
        rec, main, sub = key.split("/")
        assert made.caller.report(recType=rec, mainType=main, subType=sub).code == "0"


def test_the_last_resort_and_other_counties(made: Rig) -> None:
    """2/06/99 in any county's town; a cell without its community still lies in the town."""
    fields = {"mainType": "06", "subType": "99", "streetCode": "371103103", "cellCode": "371103103001002"}
    task = made.caller.task(made.caller.reported(**fields))
    assert (task["districtCode"], task["cellCode"], task["urgency"]) == ("371103", "371103103001002", "1")


def test_a_task_that_is_not_there(made: Rig) -> None:
    """A malformed number is 202 like an unknown one; none at all is 201."""
    for number in ("1", "2026102600000310", "20261026000003x", "<&>"):
        assert made.caller.call("task", {"taskNum": number}).said == ("202", f"记录不存在:{number}")
    assert made.caller.call("task", {}).fault == "taskNum:不能为空"


def test_a_database_survives(tmp_path: Any) -> None:
    """Tasks, numbers and seq go on after the platform was away."""
    with rig(tmp_path / "city.sqlite") as one:
        first = one.led("102")
        seen = one.caller.changes()
    with rig(tmp_path / "city.sqlite") as one:
        assert one.caller.task(first)["state"] == "102"
        assert one.caller.reported() != first
        again = one.caller.changes()
        assert again.rows[:2] == seen.rows
        assert again.last > seen.last

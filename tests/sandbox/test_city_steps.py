"""The step table and every rule of a step (contract section 7)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.city_client import CONTRACT, PATHS, Rig, rig, wire_time

TABLE = json.loads((CONTRACT / "transitions.json").read_text(encoding="utf-8"))
STEPS = list(TABLE["steps"])


@pytest.fixture(scope="module")
def made() -> Iterator[Rig]:
    with rig() as one:
        yield one


def allowed(state: str, by_official: bool) -> dict[str, str]:
    """Step → the state after it, from the contract's table."""
    moves = TABLE["moves"][state] + (TABLE["officialsBesides"][state] if by_official else [])
    after = {step: step for step in moves}
    if state in TABLE["repeat"]:
        after[state] = state
    if state in TABLE["extend202"]:
        after["202"] = state
    if state in TABLE["urge203"]:
        after["203"] = state
    return after


@pytest.mark.parametrize("by_official", [False, True])
@pytest.mark.parametrize("state", PATHS)
def test_the_whole_table(made: Rig, state: str, by_official: bool) -> None:
    """Every step from every state: what the table allows leads where it says, all else is 203 and stores nothing."""
    wanted = allowed(state, by_official)
    standing = made.led(*PATHS[state])
    for step in STEPS:
        task_num = made.led(*PATHS[state]) if step in wanted else standing
        before = made.caller.task(task_num)
        assert before["state"] == state
        if by_official:
            status, answer = made.door("POST", "officials/step", {"taskNum": task_num, "step": step})
            refused, message = status == 409, answer.get("error")
        else:
            answer = made.caller.step(task_num, step)
            refused, message = answer.code == "203", answer.said[1]
        assert refused == (step not in wanted), (state, step)
        after = made.caller.task(task_num)
        if refused:
            assert message == f"步骤不允许:{state}到{step}"
            assert after == before
        else:
            assert after["state"] == wanted[step]
            assert [item["step"] for item in after["steps"]] == [*PATHS[state], step]


def test_an_entry_is_exactly_as_sent(made: Rig) -> None:
    """seq from 1 without gaps; opinion, dept, operator and time as sent, the time even from long ago."""
    task_num = made.caller.reported()
    said = "00991231235959"
    answer = made.caller.step(task_num, "101", opinion=" 见 ", dept="371122104", operator="吴" * 20, time=said)
    assert answer.code == "0"
    assert made.caller.step(task_num, "102", opinion=None).code == "0"
    now = wire_time(made.clock.now)
    assert made.caller.task(task_num)["steps"] == [
        {"seq": "1", "step": "101", "opinion": " 见 ", "dept": "371122104", "operator": "吴" * 20, "time": said},
        {"seq": "2", "step": "102", "opinion": "", "dept": "", "operator": "吴示例", "time": now},
    ]


def test_not_idempotent(made: Rig) -> None:
    """A step twice: a second entry where it may be repeated, else 203."""
    task_num = made.led("102")
    assert made.caller.step(task_num, "103").code == made.caller.step(task_num, "103").code == "0"
    assert len(made.caller.task(task_num)["steps"]) == 3
    assert made.caller.step(task_num, "299").code == "0"
    assert made.caller.step(task_num, "299").said == ("203", "步骤不允许:299到299")


@pytest.mark.parametrize(
    ("step", "fields", "fault"),
    [
        ("", {}, "step:不能为空"),
        ("110", {}, "step:取值不正确"),
        ("1010", {}, "step:取值不正确"),
        ("104", {"opinion": "见" * 301}, "opinion:长度超过300"),
        *((step, {"opinion": None}, "opinion:不能为空") for step in ("201", "202", "203", "299")),
        ("103", {"opinion": None}, "opinion:不能为空"),  # the repeated step
        ("103", {"dept": None}, "dept:不能为空"),
        ("103", {"dept": ",".join(["JX001"] * 12)}, "dept:数量超过11"),
        ("103", {"dept": "JX001,"}, "dept:格式不正确"),
        ("103", {"dept": "JX001,JX017"}, "dept:取值不正确"),
        ("103", {"dept": "JX001, JX002"}, "dept:取值不正确"),
        ("104", {"dept": "JX001,JX002"}, "dept:数量超过1"),
        ("104", {"dept": "370102001"}, "dept:取值不正确"),
        ("104", {"operator": None}, "operator:不能为空"),
        ("104", {"operator": "吴" * 21}, "operator:长度超过20"),
        ("104", {"time": None}, "time:不能为空"),
        ("104", {"time": "20261026"}, "time:格式不正确"),
        ("104", {"time": "20260229000000"}, "time:格式不正确"),
        ("104", {"time": "20261026092501"}, "time:超出范围"),
        ("108", {"operator": None}, "operator:不能为空"),  # form before the table
    ],
)
def test_faults(made: Rig, step: str, fields: dict[str, Any], fault: str) -> None:
    """The field and the reason, exactly; nothing is stored. The task stands in 103."""
    task_num = made.led("102", "103")
    before = made.caller.task(task_num), made.caller.changes().last
    assert made.caller.step(task_num, step, **fields).fault == fault
    assert (made.caller.task(task_num), made.caller.changes().last) == before


def test_a_repeat_needs_its_opinion_after_the_table(made: Rig) -> None:
    """203 comes before the missing opinion of a repeated step; 202 before both."""
    closed = made.led("102", "103", "105", "106", "108", "109")
    assert made.caller.step(closed, "109", opinion=None).code == "203"
    assert made.caller.step("202610269999999", "103", opinion=None).code == "202"


def test_ten_minutes_ahead(made: Rig) -> None:
    """A step's time may be up to 600 s ahead of the platform's clock."""
    task_num = made.caller.reported()
    assert made.caller.step(task_num, "102", time=wire_time(made.clock.now + 600)).code == "0"


@pytest.mark.parametrize(("urgency", "deadline"), [(None, "20261031090000"), ("2", "20261027090000"), ("3", "20261026110000")])
def test_the_first_dispatch_sets_a_deadline(made: Rig, urgency: str | None, deadline: str) -> None:
    """120, 24, 2 hours from the step's own time; a later dispatch leaves it."""
    task_num = made.led("102", urgency=urgency)
    assert made.caller.step(task_num, "103", time="20261026090000").code == "0"
    assert made.caller.task(task_num)["deadline"] == deadline
    assert made.caller.step(task_num, "104").code == "0"
    assert made.caller.step(task_num, "103", time="20261026091000").code == "0"
    assert made.caller.task(task_num)["deadline"] == deadline


def test_a_dispatch_replaces_the_departments(made: Rig) -> None:
    """The first code leads, the rest assist, the entry keeps all; 改派 and a later dispatch replace both."""
    task_num = made.led("102")
    eleven = [f"JX{number:03d}" for number in range(1, 11)] + ["371122104"]
    assert made.caller.step(task_num, "103", dept=",".join(eleven)).code == "0"
    task = made.caller.task(task_num)
    assert (task["dept"], task["assistDepts"]) == ("JX001", ",".join(eleven[1:]))
    assert task["steps"][-1]["dept"] == ",".join(eleven)
    assert made.caller.step(task_num, "103", dept="JX009").code == "0"
    assert (made.caller.task(task_num)["dept"], made.caller.task(task_num)["assistDepts"]) == ("JX009", "")
    assert made.caller.step(task_num, "104", dept="JX001").code == "0"
    assert made.caller.task(task_num)["dept"] == "JX009"


@pytest.mark.parametrize(
    ("opinion", "deadline"),
    [
        ("延期至20261101180000", "20261101180000"),
        ("延期至20261101180000，需调挖掘机。", "20261101180000"),
        ("延期至202611011800009", "20261101180000"),
        ("延期至20260229180000", None),
        ("延期至2026110118000", None),
        (" 延期至20261101180000", None),
        ("申请延期", None),
    ],
)
def test_extensions(made: Rig, opinion: str, deadline: str | None) -> None:
    """Granted only by the exact beginning and a real time; otherwise an entry, and the deadline stays."""
    task_num = made.led("102", "103")
    before = made.caller.task(task_num)["deadline"]
    assert made.caller.step(task_num, "202", opinion=opinion).code == "0"
    task = made.caller.task(task_num)
    assert (task["deadline"], task["state"]) == (deadline or before, "103")
    assert task["steps"][-1]["opinion"] == opinion


def test_an_extension_before_the_dispatch(made: Rig) -> None:
    """From 102 on; the dispatch then keeps that deadline."""
    task_num = made.led("102")
    assert made.caller.step(task_num, "202", opinion="延期至20261101180000").code == "0"
    assert made.caller.step(task_num, "103").code == "0"
    assert made.caller.task(task_num)["deadline"] == "20261101180000"

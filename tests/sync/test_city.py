"""Calls that travel to and from a city platform: a change feed, and creations that nothing but a walk can find."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.inbound import poll
from bridge.outbound import push
from tests.sync.city_world import CityWorld, city_world

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CityWorld]:
    with city_world(tmp_path) as made:
        yield made


def test_there_and_back(world: CityWorld) -> None:
    """From the grid to the city, handled there, and every step comes back once and in order."""
    event = world.grid_call()
    world.quiet()
    (task,) = world.records("city")
    assert (task["title"], task["streetCode"], task["urgency"], task["reporter"]) == ("沟渠污水外溢", "371122104", "2", "韩示例")
    assert (task["recType"], task["mainType"], task["subType"]) == ("2", "01", "05")
    assert task["outerCode"].startswith("hy-") and task["steps"] == []
    number = task["taskNum"]
    for step, more in (
        ("101", {}), ("102", {}), ("103", {"dept": "JX005,JX002"}), ("104", {}), ("105", {"opinion": "已到现场。"}),
        ("203", {"opinion": "请尽快。"}), ("106", {"opinion": "已清理完毕。"}), ("107", {}), ("108", {}),
        ("109", {"opinion": "非常满意，已解决"}),
    ):  # fmt: skip
        world.pass_time(2)
        world.step(number, step, **more)
    world.quiet()
    (shown,) = world.records("grid")
    assert shown["eventId"] == event and shown["stage"] == "12"
    told = [(p["stage"], p["opinion"]) for p in shown["processes"][1:]]
    assert [stage for stage, _ in told] == ["05", "06", "06", "07", "08", "09", "09", "10", "10", "11", "12", "12"]
    assert told[0][1] == f"（备注）莒县城管平台编号 {number}"
    assert told[6][1].startswith("【督办】") and "已清理完毕。" in told[7][1]
    assert told[-1][1].startswith("（更正）办理时限："), "103 set a deadline, which the grid takes in words only"
    assert len(world.task(number)["steps"]) == 10 and world.dead() == []


def test_what_the_grid_does_reaches_the_task(world: CityWorld) -> None:
    """Each stage of the other side becomes a step, once; a remark at 103 takes the case from nobody; none comes back."""
    event = world.grid_call()
    world.quiet()
    for stage, dept, words in (
        ("06", "DG099", "受理"), ("07", "DG001", "请办理"), ("07", "DG001", "补充：夜间尤甚"), ("08", "DG001", "签收"),
        ("09", "DG001", "到场"), ("10", "DG001", "已办"), ("11", "DG099", "办结"),
    ):  # fmt: skip
        world.pass_time(2)
        world.at("grid", "officials/move", {"eventId": event, "stage": stage, "operator": "王测试", "dept": dept, "opinion": words})
    world.quiet()
    (task,) = world.records("city")
    assert task["state"] == "108"
    assert [one["step"] for one in task["steps"]] == ["101", "102", "103", "103", "104", "105", "106", "108"]
    assert task["dept"] == task["steps"][2]["dept"] == task["steps"][3]["dept"] != ""
    assert "夜间尤甚" in task["steps"][3]["opinion"]
    before = [len(one["processes"]) for one in world.records("grid")]
    for _ in range(4):
        world.pass_time(100)
        assert world.round() == 0
    assert before == [len(one["processes"]) for one in world.records("grid")] and world.dead() == []


def test_from_the_city_to_the_government_platform(world: CityWorld) -> None:
    """An official's own task goes on, with its place within a metre, and comes back handled."""
    number = world.city_task("371103103", x=40390224.071, y=3922604.221, reporter="许样例", phone="13900000012", urgency="3")
    world.quiet()
    (call,) = world.records("government")
    assert (call["title"], call["urgency"], call["townCode"]) == ("交界处路面破损", "CRITICAL", "371103103")
    assert call["contact"]["name"] == "许样例"
    assert 118 < float(call["lng"]) < 120 and 35 < float(call["lat"]) < 36
    world.at("government", "clerks/act", {"callNo": call["callNo"], "action": "ACCEPT", "operator": "王测试", "opinion": "受理"})
    world.quiet()
    task = world.task(number)
    assert [one["step"] for one in task["steps"]] == ["101"] and task["state"] == "101"
    for _ in range(3):
        world.pass_time(100)
        assert world.round() == 0
    assert world.dead() == []


def test_a_lost_answer_makes_no_second_task(world: CityWorld) -> None:
    """The report is done and its answer lost: found in the feed by outerCode after a minute, never sent again."""
    world.at("city", "faults", {"kind": "lost", "operation": "report", "times": 1})
    world.grid_call()
    world.quiet()
    assert len(world.records("city")) == 1 and world.dead() == []
    world.step(world.records("city")[0]["taskNum"], "101")
    world.quiet()
    assert world.records("grid")[0]["stage"] == "06"


def test_a_report_that_never_arrived_is_sent_again(world: CityWorld) -> None:
    """The gateway answered 502 and nothing was done: after a search that finds nothing, one task in the end."""
    world.at("city", "faults", {"kind": "refuse", "status": 502, "operation": "report", "times": 1})
    world.grid_call()
    world.quiet()
    assert len(world.records("city")) == 1 and world.dead() == []


def test_changes_published_late_arrive(world: CityWorld) -> None:
    """C03: changes that show up to 30 s late, behind ones with higher numbers, are calls all the same, each once."""
    world.at("city", "settings", {"publish_seconds": 30})
    for number in range(12):
        world.city_task("371102110", title=f"第{number}件")
        world.pass_time(3)
        world.round()
    world.quiet()
    assert sorted(one["title"] for one in world.records("grid")) == sorted(f"第{number}件" for number in range(12))


def test_a_granted_extension_travels(world: CityWorld) -> None:
    """202 with 延期至 and a time moves the deadline and is told; without them it is a request, and moves nothing."""
    world.grid_call()
    world.quiet()
    (task,) = world.records("city")
    for step, more in (("101", {}), ("102", {}), ("103", {"dept": "JX001"}), ("202", {"opinion": "材料未到，申请延期"}),
                       ("202", {"opinion": "延期至20290101180000，材料未到"})):  # fmt: skip
        world.pass_time(2)
        world.step(task["taskNum"], step, **more)
    world.quiet()
    words = [p["opinion"] for p in world.records("grid")[0]["processes"]]
    assert any(one.startswith("【申请延期】") for one in words)
    assert any(one.startswith("【延期】") and "材料未到" in one and "2029-01-01 18:00" in one for one in words)
    assert world.dead() == []


def test_an_extension_that_a_longer_one_overtakes(world: CityWorld) -> None:
    """Clerks gave a later limit while the other side's extension was on its way: that one is told as a remark."""
    number = world.city_task("371103103")
    for step, more in (("101", {}), ("102", {}), ("103", {"dept": "JX005"}), ("104", {}), ("105", {})):
        world.pass_time(2)
        world.step(number, step, **more)
    world.quiet()
    (call,) = world.records("government")
    world.pass_time(5)
    world.step(number, "202", opinion="延期至20290101180000，材料未到")
    later = 1_900_000_000_000
    world.at("government", "clerks/act", {"callNo": call["callNo"], "action": "EXTEND", "operator": "受理员", "opinion": "延期",
                                          "limitTime": later})  # fmt: skip
    poll(world.bridge, "city")
    push(world.bridge, "government")
    world.quiet()
    (call,) = world.records("government")
    assert world.dead() == [] and call["limitTime"] == later
    assert sum("材料未到" in (entry["opinion"] or "") for entry in call["timeline"]) == 1


def test_a_returned_call_called_again(world: CityWorld) -> None:
    """201 goes back to the caller; called again it is told as a remark there, and 101 takes it up."""
    event = world.grid_call()
    world.quiet()
    number = world.records("city")[0]["taskNum"]
    world.step(number, "201", opinion="不属本县")
    world.quiet()
    assert world.records("grid")[0]["stage"] == "90"
    world.at("grid", "officials/move", {"eventId": event, "stage": "05", "operator": "王测试", "dept": "DG099", "opinion": "补充材料"})
    world.quiet()
    assert world.task(number)["state"] == "201" and world.task(number)["steps"][-1]["opinion"].startswith("【再次呼叫】")
    world.step(number, "101")
    world.quiet()
    assert world.records("grid")[0]["stage"] == "06" and world.dead() == []


def test_a_confidential_person_never_leaves(world: CityWorld) -> None:
    """No flag there: the name 保密 is one, and number and name are on no other platform; theirs go out as 保密."""
    world.city_task("371102110", reporter="保密", phone="13900000088", description="反映人电话13900000088。")
    world.grid_call(caller="保密", callerTel="13900000099")
    world.quiet()
    event = next(one for one in world.records("grid") if one["townCode"] == "371102110")
    assert event["caller"] == "保密" and "13900000088" not in str(event)
    task = next(one for one in world.records("city") if one["streetCode"] == "371122104")
    assert task["reporter"] == "保密" and task["phone"] == "" and "13900000099" not in str(task)


def test_what_gbk_lacks_comes_back_whole(tmp_path: Path) -> None:
    """C53: a city with GBK behind keeps ? for characters of ours; that never replaces the original, nor is it an edit."""
    with city_world(tmp_path, gbk_inside=True) as world:
        _rare_characters(world)


def _rare_characters(world: CityWorld) -> None:
    event = world.grid_call(title="张𬭎反映污水😀倾倒")
    world.quiet()
    (task,) = world.records("city")
    assert task["title"] == "张?反映污水?倾倒"
    world.step(task["taskNum"], "101")
    world.at("grid", "officials/move", {"eventId": event, "stage": "07", "operator": "王𬭎", "dept": "DG001", "opinion": "请办😀"})
    world.quiet()
    assert world.task(task["taskNum"])["steps"][-1]["opinion"].endswith("请办?")
    (shown,) = world.records("grid")
    assert shown["title"] == "张𬭎反映污水😀倾倒" and shown["stage"] == "07"
    assert [p["opinion"] for p in shown["processes"] if "标题" in str(p["opinion"])] == []
    assert world.dead() == []


def test_files_travel(world: CityWorld) -> None:
    """A photo of the grid stands on the task once, byte for byte; a file of the city comes to the grid; none comes back."""
    event = world.grid_call()
    photo, answer = (base64.b64encode(one).decode() for one in (PNG, PNG + b"2"))
    world.at("grid", "officials/attach", {"eventId": event, "name": "现场.png", "mime": "image/png", "base64": photo})
    world.quiet()
    (task,) = world.records("city")
    assert [one["type"] for one in task["medias"]] == ["png"]
    world.step(task["taskNum"], "101")
    world.at("city", "officials/attach", {"taskNum": task["taskNum"], "type": "png", "base64": answer})
    world.quiet()
    media = world.task(task["taskNum"])["medias"][1]["mediaId"]
    (shown,) = world.records("grid")
    assert {one["name"]: one["sha256"] for one in shown["attachments"]} == {
        "现场.png": hashlib.sha256(PNG).hexdigest(), f"{media}.png": hashlib.sha256(PNG + b"2").hexdigest(),
    }  # fmt: skip
    for _ in range(3):
        world.pass_time(100)
        assert world.round() == 0
    assert len(world.task(task["taskNum"])["medias"]) == 2 and world.dead() == []


def test_a_call_that_ended_while_the_city_was_busy(world: CityWorld) -> None:
    """C14: 301 for hours while the call is handled to its end elsewhere: one task in the end, closed."""
    world.at("city", "faults", {"kind": "code", "code": "301", "times": 0})
    event = world.grid_call()
    for stage in ("06", "07", "08", "09", "10", "11"):
        world.pass_time(900)
        world.round()
        world.at("grid", "officials/move", {"eventId": event, "stage": stage, "operator": "王测试", "dept": "DG001", "opinion": "意见"})
    world.at("city", "faults", method="DELETE")
    world.pass_time(3600)
    world.quiet()
    (task,) = world.records("city")
    assert task["state"] == "108" and world.dead() == []


def test_a_place_that_is_none(world: CityWorld) -> None:
    """C30: axes swapped: no place goes out, the call does."""
    world.city_task("371103103", x=40390224.071, y=3922604.221)
    number = world.records("city")[0]["taskNum"]
    world.at("city", "damage", {"taskNum": number, "set": {"x": "3922604.221", "y": "40390224.071"}})
    world.quiet()
    (call,) = world.records("government")
    assert call["title"] == "交界处路面破损" and call["lng"] is None and call["lat"] is None

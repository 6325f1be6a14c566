"""A call travels: recorded on one platform, created on the other, handled there, its progress comes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.sync.world import World
from tests.sync.world import world as a_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path) as made:
        yield made


def test_the_reported_case(world: World) -> None:
    """From the grid to the government platform and back: every step, its words and its people, in order, once."""
    event = world.grid_call(title="高兴镇巡查发现车辆倾倒污水")
    world.quiet()
    (copy,) = world.government_calls()
    assert (copy["title"], copy["itemCode"], copy["urgency"]) == ("高兴镇巡查发现车辆倾倒污水", "LS0101", "CRITICAL")
    number = copy["callNo"]
    for action, dept, opinion in (
        ("ACCEPT", "LS001", "受理。"), ("DISPATCH", "LS101", "请立即核查。"), ("RESPOND", "LS101", "已出发。"),
        ("PROGRESS", "LS101", "已到现场，核查属实。"), ("URGE", "LS001", "请尽快。"), ("FEEDBACK", "LS101", "车辆已暂扣。"),
        ("CLOSE", "LS001", "已解决。"), ("RATE", "371103103", "非常满意，已解决"),
    ):  # fmt: skip
        world.at("government", "clerks/act", {"callNo": number, "action": action, "deptCode": dept, "opinion": opinion,
                                              "operator": "王测试"})  # fmt: skip
    world.quiet()
    shown = world.event(event)
    assert shown["stage"] == "12"
    told = [(p["stage"], p["opinion"]) for p in shown["processes"][1:]]
    assert [stage for stage, _ in told] == ["05", "06", "07", "08", "09", "09", "10", "11", "12"]
    assert told[0][1] == f"（备注）智慧岚山编号 {number}"
    assert told[5][1].startswith("【督办】")
    assert "车辆已暂扣。" in told[6][1]
    assert told[8][1] == "非常满意，已解决"
    world.assert_agreement()
    assert world.dead() == []


def test_nothing_comes_back(world: World) -> None:
    """Our own writes are recognised on the next poll: no action, no write, however often both are read."""
    world.grid_call()
    world.government_call()
    world.quiet()
    before = [len(e["processes"]) for e in world.grid_events()], [len(c["timeline"]) for c in world.government_calls()]
    for _ in range(4):
        world.pass_time(60)
        assert world.round() == 0
    assert before == ([len(e["processes"]) for e in world.grid_events()], [len(c["timeline"]) for c in world.government_calls()])


def test_a_call_that_stays_at_home(world: World) -> None:
    """Routes decide: a call of the platform's own county goes nowhere, and is kept all the same."""
    world.grid_call(town="371102110")
    world.quiet()
    assert world.government_calls() == []
    assert len(world.stages()) == 1


def test_events_below_the_district_are_no_calls(world: World) -> None:
    """Stages 01-04 are the town's own business: ignored for a stated reason, and a call once it is escalated."""
    event = world.at("grid", "officials/create", {"stage": "03", "title": "t", "content": "c", "eventType": "03",
                                                  "townCode": "371103103", "reporter": "张示例"})["eventId"]  # fmt: skip
    assert world.poll("grid").ignored == 1
    assert world.stages() == {}
    world.move(event, "05", dept="371103103", opinion="呼叫", operator="李样例")
    world.quiet()
    assert len(world.government_calls()) == 1


def test_returned_and_called_again_keeps_reference_and_number(world: World) -> None:
    """RETURN and a second CALL: the same copy goes on, nothing is created again."""
    event = world.grid_call()
    world.quiet()
    (copy,) = world.government_calls()
    world.act(copy["callNo"], "RETURN", opinion="信息不全")
    world.quiet()
    assert world.event(event)["stage"] == "90"
    world.move(event, "05", dept="371103103", opinion="补充后再次呼叫", operator="李样例")
    world.quiet()
    (again,) = world.government_calls()
    assert again["callNo"] == copy["callNo"]
    assert again["status"] == "ACCEPTED"
    world.assert_agreement()


def test_withdrawn_by_the_town_and_called_again(world: World) -> None:
    """05 → 04 is a return to the caller on the other side; the town may call again."""
    event = world.grid_call()
    world.quiet()
    world.move(event, "04", dept="371103103", opinion="镇里自行处理", operator="李样例")
    world.quiet()
    assert world.government_calls()[0]["status"] == "RETURNED"
    world.move(event, "05", dept="371103103", opinion="仍需区级", operator="李样例")
    world.quiet()
    assert world.government_calls()[0]["status"] == "ACCEPTED"
    world.assert_agreement()


def test_rework_and_reopening(world: World) -> None:
    """A dispatch from FEEDBACK is 返工, one from CLOSED reopens: the grid goes back to 07 by its own way."""
    event = world.grid_call()
    world.quiet()
    number = world.government_calls()[0]["callNo"]
    for action in ("ACCEPT", "DISPATCH", "RESPOND", "FEEDBACK", "DISPATCH", "RESPOND", "FEEDBACK", "CLOSE", "DISPATCH"):
        world.act(number, action, dept="LS101", opinion="意见")
        world.quiet()
    assert world.event(event)["stage"] == "07"
    assert world.call(number)["status"] == "DISPATCHED"
    world.assert_agreement()
    assert world.dead() == []


def test_grid_reopens_a_closed_call(world: World) -> None:
    """11 → 09 on the grid: the government platform has no way back but a new dispatch, response and progress."""
    event = world.grid_call()
    world.quiet()
    for stage in ("06", "07", "08", "09", "10", "11", "09"):
        world.move(event, stage, dept="DG001", opinion="意见", operator="王测试")
        world.quiet()
    assert world.government_calls()[0]["status"] == "HANDLING"
    world.assert_agreement()
    assert world.dead() == []


def test_never_sent_then_moved_on(world: World) -> None:
    """C14: a target that was busy while the call went to its end gets exactly one copy, closed."""
    world.fault("government", kind="code", code="4029", operation="createCall", times=0, seconds=60)
    event = world.grid_call()
    world.round()
    for stage in ("06", "07", "08", "09", "10", "11"):
        world.move(event, stage, dept="DG001", opinion="意见", operator="王测试")
        world.round()
    assert world.government_calls() == []
    world.at("government", "faults", method="DELETE")
    world.quiet()
    (copy,) = world.government_calls()
    assert copy["status"] == "CLOSED"
    world.assert_agreement()


def test_never_sent_returned_and_called_again(world: World) -> None:
    """C14, variant: returned and called again while the target was busy: one copy, open, without the old story."""
    world.fault("government", kind="code", code="4029", operation="createCall", times=0, seconds=60)
    event = world.grid_call()
    world.round()
    for stage in ("90", "05"):
        world.move(event, stage, dept="371103103", opinion="意见", operator="王测试")
        world.round()
    world.at("government", "faults", method="DELETE")
    world.quiet()
    (copy,) = world.government_calls()
    assert copy["status"] == "PENDING"
    assert len(copy["timeline"]) == 1


def test_unknown_item_goes_to_other(world: World) -> None:
    """Nothing is refused for want of a code: an item nobody knows becomes the declared *other*, and is noted."""
    event = world.grid_call()
    world.at("grid", "officials/edit", {"eventId": event, "set": {"eventType": "88"}})
    world.quiet()
    assert world.government_calls()[0]["itemCode"] == "LS9999"


def test_an_edit_is_told_in_words(world: World) -> None:
    """Neither exchange can edit a call: a change of fields travels as a remark; persons never do."""
    event = world.grid_call()
    world.quiet()
    world.at("grid", "officials/edit", {"eventId": event, "set": {"address": "村西石桥", "caller": "赵改名"}})
    world.quiet()
    (copy,) = world.government_calls()
    assert copy["timeline"][-1]["opinion"] == "（更正）地址：村西石桥"
    assert "赵改名" not in str(copy)


@pytest.mark.parametrize("secret", ["王守密", "13912345678"])
def test_a_confidential_person_never_leaves(world: World, secret: str) -> None:
    """G9: name and number of a person who asked for secrecy are nowhere on the other platform, not even in texts."""
    number = world.government_call(content="来电人王守密（139-1234-5678）反映道路破损。",
                                   contact={"name": "王守密", "phone": "13912345678", "secret": True})  # fmt: skip
    world.quiet()
    world.act(number, "ACCEPT", opinion="已联系王守密 13912345678", operator="王守密")
    world.quiet()
    (event,) = world.grid_events()
    assert event["caller"] == "保密"
    assert secret not in str(event)
    assert "139-1234-5678" not in str(event)
    assert "〔保密〕" in event["content"]


def test_an_emptied_value_is_a_change(world: World) -> None:
    """C33: a limit taken away and an address emptied are told; nothing else is."""
    event = world.grid_call()
    world.at("grid", "officials/edit", {"eventId": event, "set": {"limitTime": "2026-12-05 17:30:00"}})
    world.quiet()
    world.at("grid", "officials/edit", {"eventId": event, "set": {"limitTime": None, "address": ""}})
    world.quiet()
    (copy,) = world.government_calls()
    assert copy["timeline"][-1]["opinion"] == "（更正）地址：（空）；办理时限：（空）"


def test_push_works_off_the_outbox_not_off_events(world: World) -> None:
    """C37: what waits is named at every poll until it is told, so a lost start costs one interval at most."""
    world.grid_call()
    assert world.poll("grid").wakes == ["government"]
    assert world.poll("grid").wakes == ["government"]
    assert world.poll("government").wakes == ["government"]
    world.push("government")
    world.push("grid")
    assert world.poll("grid").wakes == []


def test_several_in_one_second_arrive_each_once(world: World) -> None:
    """Forty events of one second: forty copies, in one poll and one push."""
    world.at("grid", "officials/create", {"stage": "05", "title": "同秒上报", "content": "同一秒上报的多件呼叫。", "eventType": "21",
                                          "townCode": "371103103", "caller": "李样例", "count": 40})  # fmt: skip
    world.quiet()
    assert len(world.government_calls()) == 40
    assert all(len(copies) == 1 for copies in world.copies().values())


def test_a_copy_from_a_ledger_that_is_gone_is_no_new_call(world: World) -> None:
    """A record that carries our reference, of a call this ledger does not know: an orphan, never a second call."""
    reference = "hy-7f9c24e8-3b12-5fef-8b2c-1a2b3c4d5e6f"
    client = world.bridge.platforms["grid"].adapter()
    client.create({"title": "旧副本", "content": "c", "eventType": "03", "stage": "05", "townCode": "371103103",
                   "caller": "李样例", "sourceId": reference}, reference)  # fmt: skip
    assert world.poll("grid").ignored == 1
    assert world.stages() == {}


def test_an_extension_right_after_the_dispatch(world: World) -> None:
    """The limit that a platform sets by itself when it takes our dispatch counts for the extension that follows at once."""
    number = world.government_call()
    world.quiet()
    (event,) = world.grid_events()
    world.move(event["eventId"], "06")
    world.quiet()
    world.act(number, "DISPATCH", dept="LS104")
    limit = int(world.bridge.now().timestamp() * 1000) + 6 * 24 * 3600 * 1000
    world.at("government", "clerks/act", {"callNo": number, "action": "EXTEND", "operator": "王测试", "opinion": "申请延期",
                                          "limitTime": limit})  # fmt: skip
    world.quiet()
    shown = world.event(event["eventId"])
    assert [p["stage"] for p in shown["processes"]][-2:] == ["07", "07"]
    assert shown["processes"][-1]["opinion"].startswith("【延期】")
    assert world.dead() == []


def test_yesterdays_backup_creates_nothing_twice(world: World) -> None:
    """G12, its sharp end: a ledger restored to before a creation adopts the copies that stand on the platforms."""
    world.government_call()
    world.grid_call()
    for slug in ("grid", "government"):
        world.poll(slug)
    ledger = Path(world.bridge.ledger.url.removeprefix("sqlite:///"))
    world.bridge.ledger.close()
    backup = {part: part.read_bytes() for part in ledger.parent.glob("ledger.sqlite*")}
    for slug in ("government", "grid"):
        world.push(slug)
    assert len(world.copies()) == 2
    world.bridge.ledger.close()
    for part in ledger.parent.glob("ledger.sqlite*"):
        part.unlink()
    for part, content in backup.items():
        part.write_bytes(content)
    for slug in ("government", "grid"):
        world.push(slug)
    world.quiet()
    assert all(len(copies) == 1 for copies in world.copies().values()) and len(world.copies()) == 2


def test_many_entries_of_one_person_in_one_second(world: World) -> None:
    """The grid's times are whole seconds, and typed: any number of one person's entries may share one. Each is told once
    where (action, time, person) names an entry, and their order stays."""
    event = world.grid_call()
    world.quiet()
    world.move(event, "06")
    typed = f"{datetime.now(UTC) + timedelta(hours=8):%Y-%m-%d %H:%M}:00"
    said = [f"备注{number}" for number in range(12)]
    for words in said:
        world.at("grid", "officials/move", {"eventId": event, "stage": "06", "operator": "王测试", "dept": "", "opinion": words,
                                            "time": typed})  # fmt: skip
    world.quiet()
    (call,) = world.government_calls()
    assert [entry["opinion"] for entry in call["timeline"] if entry["action"] == "PROGRESS"] == said
    assert world.dead() == []

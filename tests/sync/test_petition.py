"""Calls that travel between a grid and an exchange database whose batch acknowledges later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import OutcomeUnknown
from adapters.petition.database import Database
from bridge import dead
from tests.sync.petition_world import PetitionWorld, petition_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PetitionWorld]:
    with petition_world(tmp_path) as made:
        yield made


def test_there_and_back(world: PetitionWorld) -> None:
    """From the grid into the exchange database, handled there, and every step comes back once and in order."""
    event = world.grid_call()
    world.poll("grid")
    assert world.push("petition").later == 1
    assert world.orders() == [], "handed over; the platform has not taken it up"
    world.quiet()
    (order,) = world.orders()
    assert (order["BT"], order["JJCD"], order["SQLB"], order["SQRXM"]) == ("水库泄洪道被杂物堵塞", 2, "0101", "韩示例")
    assert order["WBBH"].startswith("hy-")
    number = order["GDBH"]
    for state, more in (
        (1, {}), (2, {"ZBDW": "WL005", "CZYJ": "请水利局牵头。"}), (3, {}), (4, {"CZYJ": "已到现场。"}),
        (None, {"CZYJ": "【督办】请尽快。"}), (5, {"CZYJ": "已清理完毕。"}), (6, {}), (7, {"CZYJ": "非常满意，已解决"}),
    ):  # fmt: skip
        world.pass_time(2)
        world.act(number, state, **more)
    world.quiet()
    shown = next(one for one in world.events() if one["eventId"] == event)
    assert shown["stage"] == "12" and world.stage() == "RATED"
    told = [(p["stage"], p["opinion"]) for p in shown["processes"][1:]]
    assert [stage for stage, _ in told] == ["05", "06", "07", "08", "09", "09", "10", "11", "12"]
    assert told[0][1] == f"（备注）五莲问政平台编号 {number}"
    assert told[5][1].startswith("【督办】") and "已清理完毕。" in told[6][1]
    assert len(world.orders()) == 1 and world.dead() == []


def test_what_the_grid_does_reaches_the_work_order(world: PetitionWorld) -> None:
    """Operations of the other side become rows of T_JH_IN, one after the other, each with its outcome; the database's
    own history shows each once, and none comes back."""
    event = world.grid_call()
    world.quiet()
    for stage, dept in (("06", "DG099"), ("07", "DG005"), ("08", "DG005"), ("10", "DG005"), ("11", "DG099")):
        world.pass_time(2)
        world.at("grid", "officials/move", {"eventId": event, "stage": stage, "operator": "王测试", "dept": dept, "opinion": "意见"})
    world.quiet()
    (order,) = world.orders()
    assert order["GDZT"] == 6 and order["ZBDW"] == "WL099"
    assert [row["CZLX"] for row in order["LZ"]] == ["登记", "受理", "转办", "签收", "答复", "办结"]
    assert "区水利局" in order["LZ"][2]["CZYJ"]
    before = [len(one["processes"]) for one in world.events()]
    for _ in range(4):
        world.pass_time(60)
        assert world.round() == 0
    assert before == [len(one["processes"]) for one in world.events()] and world.dead() == []


def test_from_the_petition_platform(world: PetitionWorld) -> None:
    """A hotline call of a work order goes to the grid; a transfer at 转办 is known as one."""
    number = world.at("petition", "officials/create", {
        "BT": "两地交界处路灯不亮", "NR": "连续三天不亮。", "SQLB": "0201", "SZXZ": "371102110", "SQRXM": "许样例",
        "LXDH": "13900000012", "SFBM": 0, "JJCD": 1,
    })["GDBH"]  # fmt: skip
    world.quiet()
    (event,) = world.events()
    assert (event["title"], event["caller"], event["level"]) == ("两地交界处路灯不亮", "许样例", 2)
    assert world.order(number)["LZ"][-1]["CZYJ"] == f"（备注）东港网格平台编号 {event['eventId']}"
    world.at("grid", "officials/move", {"eventId": event["eventId"], "stage": "07", "operator": "王测试", "dept": "DG011",
                                        "opinion": "请办理。"})  # fmt: skip
    world.quiet()
    assert [row["CZLX"] for row in world.order(number)["LZ"]] == ["登记", "批注", "转办"]
    world.at("grid", "officials/move", {"eventId": event["eventId"], "stage": "07", "operator": "王测试", "dept": "DG012",
                                        "opinion": "【转派】改由民政办理。"})  # fmt: skip
    world.quiet()
    order = world.order(number)
    assert order["LZ"][-1]["CZLX"] == "批注" and order["LZ"][-1]["CZYJ"].startswith("【改派】")
    for _ in range(3):
        world.pass_time(60)
        assert world.round() == 0
    assert world.dead() == []


def test_people_are_faster_than_the_receipt(world: PetitionWorld) -> None:
    """A returned order is taken up again by our row; before its late receipt is settled, officials have closed it and a
    poll has read that: what was read counts, nothing is told to an order that is closed, and no dead letter is left."""
    event = world.grid_call()
    world.quiet()
    (order,) = world.orders()
    world.act(order["GDBH"], 8, CZYJ="地点不详")
    world.quiet()
    world.at("grid", "officials/move", {"eventId": event, "stage": "05", "operator": "王测试", "dept": "371121106", "opinion": "已补充"})
    world.poll("grid")
    assert world.push("petition").later == 1
    world.platform.run_batch()
    for state, more in ((1, {}), (2, {"ZBDW": "WL005"}), (3, {}), (5, {}), (6, {})):
        world.pass_time(1)
        world.act(order["GDBH"], state, **more)
    world.poll("petition")
    world.pass_time(10)
    world.push("petition")
    world.quiet()
    (order,) = world.orders()
    (shown,) = world.events()
    assert (order["GDZT"], shown["stage"], world.stage()) == (6, "11", "CLOSED")
    assert world.dead() == []


def test_people_make_the_move_that_ours_is_on_its_way_to(world: PetitionWorld) -> None:
    """They return the order while our return waits for the batch: the platform keeps ours as a remark (§4: its state moves
    nothing), which is our own and not told back."""
    number = world.at("petition", "officials/create", {"BT": "路灯不亮", "NR": "内容", "SZXZ": "371102110"})["GDBH"]
    world.quiet()
    (event,) = world.events()
    world.at("grid", "officials/move", {"eventId": event["eventId"], "stage": "90", "operator": "王测试", "dept": "DG099",
                                        "opinion": "不属区级职责"})  # fmt: skip
    world.poll("grid")
    world.push("petition")
    world.act(number, 8, CZYJ="材料不全")
    world.quiet()
    (order,), (event,) = world.orders(), world.events()
    assert [row["CZLX"] for row in order["LZ"]] == ["登记", "批注", "退单", "批注"]
    assert sum("不属区级职责" in one["opinion"] for one in event["processes"]) == 1 and world.dead() == []


def test_a_platform_that_fails_inside_is_asked_again(world: PetitionWorld) -> None:
    """系统错误 leaves nothing behind (§5): the same is handed over again, for a creation and for an update."""
    for operation in ("XZ", "GX"):
        world.at("petition", "faults", {"kind": "code", "operation": operation, "code": "系统错误", "times": 2})
    event = world.grid_call()
    world.quiet()
    world.at("grid", "officials/move", {"eventId": event, "stage": "06", "operator": "王测试", "dept": "DG099", "opinion": "意见"})
    world.quiet()
    (order,) = world.orders()
    assert order["GDZT"] == 1 and [row["CZLX"] for row in order["LZ"]].count("受理") == 1
    assert world.dead() == []


def test_a_refused_row_becomes_a_dead_letter(world: PetitionWorld) -> None:
    """CLBZ 2 for good: the row is a person's, with the platform's own words, and the call is not created."""
    world.at("petition", "faults", {"kind": "code", "operation": "XZ", "code": "系统错误", "times": 0})
    world.grid_call()
    world.poll("grid")
    for _ in range(20):
        world.push("petition")
        world.platform.run_batch()
        world.pass_time(10)
    (letter,) = world.dead()
    assert "系统错误" in letter.what
    assert world.orders() == []


def test_a_confidential_person_never_leaves(world: PetitionWorld) -> None:
    """SFBM 1: name and number are on no other platform, in no field and no text."""
    world.at("petition", "officials/create", {
        "BT": "反映夜间排污", "NR": "反映人吴守密，电话13900000088，要求保密。", "SQLB": "0105", "SZXZ": "371102110", "SQRXM": "吴守密",
        "LXDH": "13900000088", "SFBM": 1,
    })  # fmt: skip
    world.quiet()
    (event,) = world.events()
    assert event["caller"] == "保密" and not event["callerTel"]
    assert "吴守密" not in str(event) and "13900000088" not in str(event)


def test_rows_that_commit_late_arrive(world: PetitionWorld) -> None:
    """C03: a work order committed up to 60 s after newer ones were read is a call all the same, once."""
    late = {"BT": "迟到的工单", "NR": "内容", "SZXZ": "371102110", "late_seconds": 55}
    world.at("petition", "officials/create", late)
    world.pass_time(40)
    world.at("petition", "officials/create", {"BT": "先到的工单", "NR": "内容", "SZXZ": "371102110"})
    assert world.poll("petition").applied == 1
    world.pass_time(20)
    assert world.poll("petition").applied == 1
    world.quiet()
    assert sorted(one["title"] for one in world.events()) == ["先到的工单", "迟到的工单"]


def test_entries_typed_in_afterwards(world: PetitionWorld) -> None:
    """C12: entries from paper, older and with higher IDs, GXSJ unchanged: in the history, and the call stays closed."""
    number = world.at("petition", "officials/create", {"BT": "补录", "NR": "内容", "SZXZ": "371121106"})["GDBH"]
    for state in (1, 2, 4, 5, 6):
        world.pass_time(600)
        world.act(number, state, **({"ZBDW": "WL005"} if state == 2 else {}))
    world.quiet()
    assert world.stage() == "CLOSED"
    moved = world.order(number)
    paper = next(row["CZSJ"] for row in moved["LZ"] if row["CZLX"] == "转办")
    world.pass_time(600)
    world.poll("petition")
    world.at("petition", "officials/late_entry", {"GDBH": number, "CZLX": "签收", "CZSJ": paper, "CZYJ": "纸质补录"})
    assert world.order(number)["BBH"] == moved["BBH"]
    assert world.poll("petition").applied == 1
    assert world.stage() == "CLOSED"
    assert world.poll("petition").applied == 0


def test_what_gbk_lacks_comes_back_whole(world: PetitionWorld) -> None:
    """C53: the platform keeps ? for characters of ours; what it shows never replaces the original."""
    event = world.grid_call(title="张𬭎反映污水😀倾倒", content="罚款€500，•立即处理")
    world.quiet()
    (order,) = world.orders()
    assert order["BT"] == "张?反映污水?倾倒"
    world.act(order["GDBH"], 1)
    world.at("grid", "officials/move", {"eventId": event, "stage": "06", "operator": "王𬭎", "dept": "DG099", "opinion": "受理😀"})
    world.quiet()
    shown = world.events()[0]
    assert (shown["title"], shown["content"]) == ("张𬭎反映污水😀倾倒", "罚款€500，•立即处理")
    assert not any("?" in str(p["opinion"]) for p in shown["processes"])


def test_a_batch_that_stands_still(world: PetitionWorld) -> None:
    """Rows wait as long as the platform wants; nothing is inserted a second time, and all is done in the end."""
    world.grid_call()
    world.poll("grid")
    for _ in range(6):
        world.push("petition")
        world.pass_time(600)
    assert world.orders() == []
    world.quiet()
    assert len(world.orders()) == 1 and world.dead() == []


def test_a_receipt_that_never_comes_is_asked_of_people(world: PetitionWorld) -> None:
    """After two weeks a row that the batch never took up is a dead letter, with what to do; once the batch runs again, a
    retry finds the work order, and makes no second one."""
    world.grid_call()
    world.poll("grid")
    for days in (1, 12):
        world.push("petition")
        assert world.dead() == [], days
        world.pass_time(days * 86_400)
    world.push("petition")
    world.pass_time(2 * 86_400)
    world.push("petition")
    (letter,) = world.dead()
    assert "回执" in letter.what and "retry" in letter.remedy
    world.platform.run_batch()
    dead.retry(world.bridge, letter.id)
    world.quiet()
    assert len(world.orders()) == 1 and world.dead() == []


# Changes of fields: GX (§4) -----------------------------------------------------------------------------------------


def edit(world: PetitionWorld, event: str, **fields: object) -> None:
    world.at("grid", "officials/edit", {"eventId": event, "set": fields})


def test_a_change_of_fields_becomes_a_row_of_its_own(world: PetitionWorld) -> None:
    """A correction at the origin corrects the work order itself, by one 改单; what it cannot clear is told in words; none
    of it comes back, whether the batch or the next reading is first."""
    event = world.grid_call(address="村东沟渠", lng=119.2, lat=35.7)
    world.quiet()
    (before,) = world.orders()
    assert before["JD"] is not None and before["FSDZ"] == "村东沟渠"
    edit(world, event, title="泄洪道被堵（更新）𬭎", address="", level="3", lng=None, lat=None)
    world.poll("grid")
    world.push("petition")
    world.platform.run_batch()
    assert world.poll("petition").applied == 1, "read before the receipt is settled"
    world.quiet()
    (order,) = world.orders()
    assert (order["BT"], order["FSDZ"], order["JJCD"]) == ("泄洪道被堵（更新）?", None, 1)
    assert (order["JD"], order["NR"], order["SQRXM"]) == (before["JD"], before["NR"], "韩示例")
    changed = [row["CZLX"] for row in order["LZ"]]
    assert changed.count("改单") == 1 and changed.count("批注") == 1
    assert order["LZ"][-1]["CZYJ"] == "（更正）坐标：（空）"
    (shown,) = world.events()
    assert not any("更正" in p["opinion"] for p in shown["processes"]) and shown["title"].endswith("𬭎")
    for _ in range(3):
        world.pass_time(60)
        assert world.round() == 0
    assert world.dead() == []


def test_an_edit_whose_answer_is_lost_is_made_once(world: PetitionWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The INSERT is committed, its answer lost: one 改单 in the end, and one row that was handed over."""
    insert, lost = Database.insert, []

    def breaking(self: Database, *given: Any) -> None:
        insert(self, *given)
        if not lost and given[-1] == "GX":
            lost.append(given)
            raise OutcomeUnknown("线路中断 / the line broke", where="GX", remedy="")

    event = world.grid_call()
    world.quiet()
    edit(world, event, title="更正后的标题")
    monkeypatch.setattr(Database, "insert", breaking)
    world.quiet()
    (order,) = world.orders()
    assert lost and order["BT"] == "更正后的标题" and [row["CZLX"] for row in order["LZ"]].count("改单") == 1
    assert world.dead() == []


def test_who_asks_for_secrecy_is_blanked_in_the_work_order(world: PetitionWorld) -> None:
    """C69: SFBM 1, name and number gone from the row and from its texts; it may never be set back (§4), nor is it tried."""
    event = world.grid_call(content="韩示例来电，电话13900000007，泄洪道堵塞。")
    world.quiet()
    assert "韩示例" in world.orders()[0]["NR"]
    edit(world, event, caller="匿名", callerTel="")
    world.quiet()
    (order,) = world.orders()
    assert (order["SFBM"], order["SQRXM"], order["LXDH"]) == (1, None, None)
    assert "韩示例" not in str(order) and "13900000007" not in str(order)
    edit(world, event, caller="韩示例", callerTel="13900000007")
    world.quiet()
    assert world.orders()[0]["SFBM"] == 1 and "韩示例" not in str(world.orders()[0]) and world.dead() == []

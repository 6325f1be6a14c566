"""Secrecy asked for after the call has gone out (C69): from then on nothing personal leaves. The judge: what the other
platform holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.errors import Unavailable
from tests.sync.petition_world import petition_world
from tests.sync.world import World, world

CONTACT = {"name": "王守密", "phone": "13912345678", "secret": False}


@pytest.fixture
def two(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def test_rows_that_wait_are_cleaned_too(two: World) -> None:
    """An answer that names the person was planned, its platform was away, then secrecy was asked for: it goes out
    without the name; officials over there are asked to hide what they have; all of it is told once."""
    number = two.government_call(contact=CONTACT)
    two.quiet()
    (event,) = two.grid_events()
    assert event["caller"] == "王守密"
    two.act(number, "ACCEPT", opinion="已电话联系王守密（139 1234 5678）")
    two.poll("government")
    two.fault("grid", operation="updateEvent", kind="code", code="9001", times=9)
    with pytest.raises(Unavailable):
        two.push("grid")
    two.at("grid", "faults", method="DELETE")
    two.at("government", "clerks/edit", {"callNo": number, "set": {"contact": {"secret": True}}})
    two.poll("government")
    two.quiet()
    (event,) = two.grid_events()
    opinions = [p["opinion"] for p in event["processes"]]
    assert sum(words.endswith("已电话联系〔保密〕（〔保密〕）") for words in opinions) == 1
    assert sum("当事人要求保密" in words for words in opinions) == 1
    assert not any("王守密" in words or "1234" in words for words in opinions)


def test_a_call_that_waits_to_be_created(two: World) -> None:
    """Secrecy asked for while the creation still waits: the copy never holds the name."""
    number = two.government_call(contact=CONTACT, content="王守密反映道路破损。")
    two.poll("government")
    two.at("government", "clerks/edit", {"callNo": number, "set": {"contact": {"secret": True}}})
    two.quiet()
    (event,) = two.grid_events()
    assert "王守密" not in str(event) and "13912345678" not in str(event)


def test_a_name_taken_away_is_remembered(two: World) -> None:
    """The platform replaces the name by a word for secrecy: the name that stood there before must not leave either."""
    event = two.grid_call(caller="王守密")
    two.quiet()
    two.at("grid", "officials/edit", {"eventId": event, "set": {"caller": "匿名", "callerTel": ""}})
    two.quiet()
    two.move(event, "06", opinion="已与王守密见面")
    two.quiet()
    (call,) = two.government_calls()
    (told,) = [e["opinion"] for e in call["timeline"] if e["action"] == "ACCEPT"]
    assert told.endswith("已与〔保密〕见面")


def test_the_flag_of_a_work_order(tmp_path: Path) -> None:
    """SFBM 0 to 1 on the petition platform, after the grid has the order."""
    with petition_world(tmp_path) as pair:
        made = pair.at("petition", "officials/create", {"BT": "噪声扰民", "NR": "夜间施工。", "SZXZ": "371102110", "LYQD": 4,
                                                        "SQRXM": "王守密", "LXDH": "13912345678", "SFBM": 0})  # fmt: skip
        pair.quiet()
        assert pair.events()[0]["caller"] == "王守密"
        pair.at("petition", "officials/edit", {"GDBH": made["GDBH"], "CZR": "秦受理", "set": {"SFBM": 1}})
        pair.quiet()
        pair.act(made["GDBH"], 1, CZYJ="王守密来电13912345678")
        pair.quiet()
        opinions = [p["opinion"] for p in pair.events()[0]["processes"]]
        assert any("当事人要求保密" in words for words in opinions)
        assert not any("王守密" in words for words in opinions)


@pytest.mark.parametrize("between", ["韩正名", ""])
def test_a_name_replaced_before_secrecy_is_remembered(tmp_path: Path, between: str) -> None:
    """The name was corrected, or emptied, and only then is secrecy asked for: the text still holds the first one."""
    with petition_world(tmp_path) as pair:
        event = pair.grid_call(content="韩示例来电反映，泄洪道堵塞。")
        pair.quiet()
        for changed in ({"caller": between}, {"caller": "匿名", "callerTel": ""}):
            pair.at("grid", "officials/edit", {"eventId": event, "set": changed})
            pair.quiet()
        (order,) = pair.orders()
        assert (order["SFBM"], order["NR"]) == (1, "〔保密〕来电反映，泄洪道堵塞。")
        pair.at("grid", "officials/move", {"eventId": event, "stage": "06", "operator": "王测试", "dept": "DG099",
                                           "opinion": "已联系韩示例"})  # fmt: skip
        pair.quiet()
        assert "韩示例" not in str(pair.orders()) and pair.dead() == []


def test_an_official_who_does_not_know_yet_takes_no_secrecy_back(tmp_path: Path) -> None:
    """Secrecy is asked for at the origin; before the copy is told, its people correct the name: the person stays secret."""
    with petition_world(tmp_path) as pair:
        event = pair.grid_call(content="泄洪道堵塞。")
        pair.quiet()
        (order,) = pair.orders()
        pair.at("grid", "officials/edit", {"eventId": event, "set": {"caller": "匿名", "callerTel": ""}})
        pair.poll("grid")
        pair.at("petition", "officials/edit", {"GDBH": order["GDBH"], "CZR": "秦受理", "set": {"SQRXM": "韩正名"}})
        pair.poll("petition")
        pair.quiet()
        (order,) = pair.orders()
        assert (order["SFBM"], order["SQRXM"], order["LXDH"]) == (1, None, None) and pair.dead() == []
        assert "韩正名" not in str(pair.events())

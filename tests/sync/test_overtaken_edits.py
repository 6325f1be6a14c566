"""Changes of fields that something overtakes: another change, an official, a poll. The judge: what the platforms hold."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import OutcomeUnknown, Unavailable, WireError
from adapters.port import Receipt
from bridge.inbound import poll
from bridge.outbound import push
from tests.sync.petition_world import PetitionWorld, petition_world
from tests.sync.test_enforcement import There, edit, there

__all__ = ["there"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PetitionWorld]:
    with petition_world(tmp_path) as made:
        yield made


def shaken(monkeypatch: pytest.MonkeyPatch, kind: type[Any], name: str, *troubles: WireError) -> None:
    """The next writes: carried out with their answer lost (OutcomeUnknown), or not sent at all."""
    real, left = getattr(kind, name), list(troubles)

    def write(*told: Any) -> Any:
        trouble = left.pop(0) if left else None
        receipt = None if isinstance(trouble, Unavailable) else real(*told)
        if trouble is not None:
            raise trouble
        return receipt

    monkeypatch.setattr(kind, name, write)


def told_grid(there: There) -> list[str]:
    return [one["opinion"] for one in there.pair.events()[0]["processes"]]


def test_an_edit_taken_back_while_its_outcome_was_open(there: There) -> None:
    """The first edit was not carried out and its outcome unknown; then the origin takes the change back, so nothing is
    left to be written. The platform is read on as before: its echo is waited for no longer."""
    event = there.pair.event()
    there.pair.quiet()
    (case,) = there.cases()
    there.at("faults", {"operation": "patchCase", "kind": "code", "code": "internal"})
    edit(there, event, title="改过的标题")
    there.pair.round()
    edit(there, event, title="罐车倾倒污水")
    there.pair.quiet()
    there.at("officials/edit", {"id": case["id"], "set": {"description": "经核实为泥浆。"}})
    there.pair.quiet()
    assert sum("经核实为泥浆" in words for words in told_grid(there)) == 1 and there.pair.dead() == []


def test_an_official_corrects_our_edit_at_once(there: There) -> None:
    """Read within the platform's lag: the official's value is neither ours nor the one before it, so no old reading."""
    event = there.pair.event()
    there.pair.quiet()
    (case,) = there.cases()
    edit(there, event, title="改过的标题")
    poll(there.pair.bridge, "grid")
    push(there.pair.bridge, "enforcement")
    there.at("officials/edit", {"id": case["id"], "set": {"title": "官员的标题"}})
    there.pair.poll()
    there.pair.quiet()
    assert sum("官员的标题" in words for words in told_grid(there)) == 1
    assert not any("改过的标题" in words for words in told_grid(there))
    assert there.cases()[0]["title"] == "官员的标题" and there.pair.dead() == []


def test_an_official_acts_before_the_batch_makes_our_edit(world: PetitionWorld) -> None:
    """The receipt of an edit does not turn back the status that was read meanwhile: nothing is operated for it."""
    event = world.grid_call()
    world.quiet()
    (order,) = world.orders()
    world.at("grid", "officials/edit", {"eventId": event, "set": {"title": "更正后的标题"}})
    world.poll("grid")
    world.push("petition")
    world.act(order["GDBH"], 1)
    world.poll("petition")
    world.platform.run_batch()
    world.pass_time(30)
    world.push("petition")
    world.quiet()
    (order,) = world.orders()
    assert [row["CZLX"] for row in order["LZ"]] == ["登记", "受理", "改单"]
    assert order["BT"] == "更正后的标题" and world.dead() == []


def test_changed_between_handing_over_and_the_receipt(world: PetitionWorld) -> None:
    """The work order is made of what was handed over before. That is nobody's change, and it is corrected then."""
    event = world.grid_call()
    world.poll("grid")
    world.push("petition")
    world.at("grid", "officials/edit", {"eventId": event, "set": {"title": "更正后的标题"}})
    world.poll("grid")
    world.quiet()
    (order,) = world.orders()
    assert order["BT"] == "更正后的标题" and [row["CZLX"] for row in order["LZ"]] == ["登记", "改单"]
    assert not any("更正" in one["opinion"] for one in world.events()[0]["processes"]) and world.dead() == []


def test_secrecy_asked_for_between_handing_over_and_the_receipt(world: PetitionWorld) -> None:
    """The person is blanked in the work order as soon as there is one, and is not made public again by it."""
    event = world.grid_call(content="韩示例来电，电话13900000007，泄洪道堵塞。")
    world.poll("grid")
    world.push("petition")
    world.at("grid", "officials/edit", {"eventId": event, "set": {"caller": "匿名", "callerTel": ""}})
    world.poll("grid")
    world.quiet()
    (order,) = world.orders()
    assert (order["SFBM"], order["SQRXM"], order["LXDH"]) == (1, None, None)
    assert "韩示例" not in str(order) and "13900000007" not in str(order)
    assert sum("要求保密" in str(row["CZYJ"]) for row in order["LZ"]) == 1
    assert not any("更正" in one["opinion"] for one in world.events()[0]["processes"]) and world.dead() == []


@pytest.mark.parametrize("fault", [{"kind": "lost"}, {"kind": "code", "code": "internal"}])
def test_changed_while_a_creation_was_open(there: There, fault: dict[str, str]) -> None:
    """The answer to a creation is lost, or it failed, and the origin changes a field meanwhile: one case, which shows it."""
    event = there.pair.event()
    there.at("faults", {"operation": "createCase", **fault})
    there.pair.round()
    edit(there, event, title="改过的标题")
    there.pair.quiet()
    (case,) = there.cases()
    assert case["title"] == "改过的标题"
    assert not any("更正" in words for words in told_grid(there)) and there.pair.dead() == []


def test_changed_while_a_creation_was_being_sent(there: There, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker reads the change between the request and its answer: the new case is told it."""
    event = there.pair.event()
    poll(there.pair.bridge, "grid")
    adapter = there.pair.bridge.platforms["enforcement"].adapter()
    create = adapter.create

    def slow(body: dict[str, object], reference: str) -> Receipt:
        receipt = create(body, reference)
        edit(there, event, title="改过的标题")
        poll(there.pair.bridge, "grid")
        return receipt

    monkeypatch.setattr(adapter, "create", slow)
    push(there.pair.bridge, "enforcement")
    monkeypatch.undo()
    there.pair.quiet()
    assert there.cases()[0]["title"] == "改过的标题"
    assert not any("更正" in words for words in told_grid(there)) and there.pair.dead() == []


def test_an_official_fills_in_an_address_before_the_copys_first_reading(there: There) -> None:
    """The case came without an address, and the grid's official knows it before the new event was ever read: it is told."""
    there.case("路面塌陷")
    there.pair.poll()
    push(there.pair.bridge, "grid")
    (event,) = there.pair.events()
    edit(there, event["eventId"], address="官道东首")
    there.pair.quiet()
    (case,) = there.cases()
    assert case["location"]["address"] == "官道东首"
    assert not any("官道" in words for words in told_grid(there)) and there.pair.dead() == []


def test_a_grid_is_told_in_words(there: There) -> None:
    """A division's code can tell a village, never a grid: the case's officials read of it."""
    event = there.pair.event(villageCode="371103103201")
    there.pair.quiet()
    edit(there, event, gridCode="371103103201001")
    there.pair.quiet()
    (case,) = there.cases()
    assert [one["text"] for one in case["events"] if one["type"] == "comment"] == ["（更正）网格：371103103201001"]


def test_another_edit_while_the_first_may_stand_in_the_inbox(world: PetitionWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The INSERT's answer is lost, the batch stands still, the origin corrects itself: the newer title is handed over as a
    write of its own, and wins on both sides."""
    event = world.grid_call()
    world.quiet()
    kind = type(world.bridge.platforms["petition"].adapter())
    shaken(monkeypatch, kind, "edit", OutcomeUnknown("答复丢失 / the answer is lost"))
    for title in ("标题甲", "标题乙"):
        world.at("grid", "officials/edit", {"eventId": event, "set": {"title": title}})
        world.poll("grid")
        for _ in range(2):
            world.push("petition")
            world.pass_time(20)
    world.pass_time(60)
    world.push("petition")
    world.platform.run_batch()
    world.quiet()
    assert world.orders()[0]["BT"] == "标题乙" and world.dead() == []
    assert not any("更正" in one["opinion"] for one in world.events()[0]["processes"])


def test_words_that_may_have_arrived_are_repeated_unchanged(there: There, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is lost, and when it is sent again the platform cannot be reached: in the end it reads of it once, and
    a poll in between does not take our words for somebody's."""
    event = there.pair.event(villageCode="371103103201")
    there.pair.quiet()
    kind = type(there.pair.bridge.platforms["enforcement"].adapter())
    shaken(monkeypatch, kind, "update", OutcomeUnknown("答复丢失 / lost"), Unavailable("无法连接 / not reached"))
    edit(there, event, gridCode="371103103201001")
    for _ in range(4):
        with contextlib.suppress(WireError):
            there.pair.round()
        with contextlib.suppress(WireError):
            push(there.pair.bridge, "enforcement")
        there.pair.time.sleep(100)
        there.pair.poll()
    there.pair.quiet()
    (case,) = there.cases()
    assert [one["text"] for one in case["events"] if one["type"] == "comment"] == ["（更正）网格：371103103201001"]
    assert not any("更正" in words for words in told_grid(there)) and there.pair.dead() == []


def test_ours_is_known_again_though_the_repeat_failed(there: There, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation whose answer was lost, then a repeat that did not go out, and only then a poll: the entry is ours."""
    event = there.pair.event()
    there.pair.quiet()
    kind = type(there.pair.bridge.platforms["enforcement"].adapter())
    shaken(monkeypatch, kind, "update", OutcomeUnknown("答复丢失 / lost"), Unavailable("无法连接 / not reached"))
    there.pair.move(event, "06", "已受理")
    poll(there.pair.bridge, "grid")
    for _ in range(2):
        with contextlib.suppress(WireError):
            push(there.pair.bridge, "enforcement")
        there.pair.time.sleep(100)
    there.pair.poll()
    there.pair.quiet()
    (case,) = there.cases()
    assert [one["type"] for one in case["events"]] == ["created", "accept"] and there.pair.dead() == []
    assert sum("已受理" in words for words in told_grid(there)) == 1


@pytest.mark.parametrize("settled_first", [False, True])
def test_an_official_edits_what_ours_is_on_its_way_to(world: PetitionWorld, settled_first: bool) -> None:
    """Read between the handing over of our title and the batch that writes it over the official's: the one that was read
    last stands on both sides in the end."""
    event = world.grid_call()
    world.quiet()
    (order,) = world.orders()
    world.at("grid", "officials/edit", {"eventId": event, "set": {"title": "来源标题"}})
    world.poll("grid")
    world.push("petition")
    world.at("petition", "officials/edit", {"GDBH": order["GDBH"], "CZR": "秦受理", "set": {"BT": "官员标题"}})
    world.poll("petition")
    world.platform.run_batch()
    world.pass_time(30)
    if settled_first:
        world.push("petition")
    world.poll("petition")
    world.quiet()
    assert world.orders()[0]["BT"] == "官员标题" and world.dead() == []
    told = [one["opinion"] for one in world.events()[0]["processes"] if "更正" in one["opinion"]]
    assert told == ["（更正）标题：官员标题"]


def test_the_platform_keeps_the_person_secret_first(world: PetitionWorld) -> None:
    """The name is corrected at the origin; before the batch makes it, officials set SFBM 1, which never goes back (§4). What
    was refused for it is planned anew, and holds nothing up."""
    event = world.grid_call()
    world.quiet()
    (order,) = world.orders()
    world.at("grid", "officials/edit", {"eventId": event, "set": {"caller": "韩正名"}})
    world.poll("grid")
    world.push("petition")
    world.at("petition", "officials/edit", {"GDBH": order["GDBH"], "CZR": "秦受理", "set": {"SFBM": 1}})
    world.quiet()
    world.at("grid", "officials/edit", {"eventId": event, "set": {"title": "更正后的标题"}})
    world.quiet()
    (order,) = world.orders()
    assert (order["SFBM"], order["BT"], order["SQRXM"] != "韩正名") == (1, "更正后的标题", True) and world.dead() == []

"""A platform without Python between the grid and its department: from the grid to enforcement, handled there, and back."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge.outbound import push
from bridge.routing import Condition, Route
from bridge.routing import Test as One
from sandbox.enforcement.platform import EnforcementPlatform
from sandbox.enforcement.times import Settings
from sandbox.httpd import Server
from tests.contract.enforcement_stand import SETTINGS, Enforcement
from tests.sync.pairs import Pair, Time, paired

ROUTES = (
    Route("岚山执法", ("grid",), "enforcement", Condition(all=(One("area.town", "begins", "371103"),))),
    Route("东港属地", ("enforcement",), "grid", Condition(all=(One("area.town", "begins", "371102"),))),
)


@dataclass
class There:
    """Both platforms, with the enforcement platform's officials."""

    pair: Pair
    server: Server

    def at(self, name: str, body: Any = None, method: str = "POST") -> Any:
        status, answer = self.server.entrance(method, name, body)
        assert status == 200, (name, body, answer)
        return answer

    def act(self, case: str, kind: str, text: str = "意见", **data: Any) -> None:
        event = {"id": case, "type": kind, "text": text, "actor": {"name": "王测试", "agency": "STHJ-LS"}, "data": data}
        self.at("officials/act", event)

    def case(self, title: str) -> str:
        return str(self.at("officials/create", {"title": title, "description": "主路塌陷。", "category": {"code": "TRA-01"},
                                                "location": {"areaCode": "371102110"}})["id"])  # fmt: skip

    def cases(self) -> list[dict[str, Any]]:
        return list(self.at("records", method="GET"))

    def wake_after_eight_days(self) -> None:
        """The first thing that runs is a push."""
        self.pair.time.sleep(8 * 86_400)
        for _ in range(4):
            push(self.pair.bridge, "enforcement")
            self.pair.time.sleep(100)
        self.pair.quiet()

    def assert_agreement(self) -> None:
        self.pair.assert_agreement({one["id"]: one["state"] for one in self.cases()})
        assert self.pair.dead() == []


@pytest.fixture
def there(tmp_path: Path) -> Iterator[There]:
    servers: list[Server] = []

    def url(time: Time) -> str:
        limits = Settings(rate=10_000, burst=10_000, token_rate=10_000, token_burst=10_000)
        servers.append(Server(EnforcementPlatform(clock=time.seconds, settings=limits)))
        return servers[0].url

    login = (Enforcement.login, Enforcement.password)
    with paired(tmp_path, "enforcement", url, SETTINGS, login, ROUTES) as pair:
        yield There(pair, servers[0])
    servers[0].close()


def test_there_and_back(there: There) -> None:
    """Created with its words, handled by officials, every step told to the grid, rating included; agreement at the end."""
    event = there.pair.event(title="高兴镇巡查发现车辆倾倒污水")
    there.pair.quiet()
    (case,) = there.cases()
    assert (case["title"], case["category"]["code"], case["priority"]) == ("高兴镇巡查发现车辆倾倒污水", "ENV-01", "critical")
    assert case["location"]["areaCode"] == "371103103" and case["location"]["address"] == "村北沟渠"
    number = case["id"]
    there.act(number, "accept", "受理。")
    there.act(number, "assign", "请核查。", agency="STHJ-LS")
    there.act(number, "respond", "已出发。")
    there.act(number, "start", "已到场。")
    there.act(number, "urge", "请尽快。")
    there.act(number, "report", "车辆已暂扣。")
    there.act(number, "close", "已解决。", resolved=True)
    there.act(number, "rate", "", satisfied=True, score=5)
    there.pair.quiet()
    (shown_event,) = [one for one in there.pair.events() if one["eventId"] == event]
    assert shown_event["stage"] == "12"
    told = [p["opinion"] for p in shown_event["processes"]]
    assert any("车辆已暂扣。" in words for words in told) and any("非常满意" in words for words in told)
    there.assert_agreement()


def test_the_grids_steps_become_events(there: There) -> None:
    """A case that was recorded at the enforcement platform and is handled on the grid: its events are the grid's steps."""
    case = there.case("路面塌陷")
    there.pair.quiet()
    (event,) = there.pair.events()
    for stage, words in (("06", "受理"), ("07", "派发"), ("08", "响应"), ("09", "处置"), ("10", "反馈"), ("11", "办结"),
                         ("12", "非常满意，已解决")):  # fmt: skip
        there.pair.move(event["eventId"], stage, words)
    there.pair.quiet()
    (shown_case,) = there.cases()
    assert shown_case["id"] == case and shown_case["state"] == "rated"
    kinds = [one["type"] for one in shown_case["events"] if one["type"] not in ("created", "comment")]
    assert kinds == ["accept", "assign", "respond", "start", "report", "close", "rate"]
    rating = next(one for one in shown_case["events"] if one["type"] == "rate")
    assert (rating["data"]["satisfied"], rating["data"]["score"]) == (True, 5)
    there.assert_agreement()


@pytest.mark.parametrize("fault", [{"kind": "lost"}, {"kind": "wrong", "status": 502}, {"kind": "code", "code": "internal"}])
def test_a_lost_answer_makes_no_second_case(there: There, fault: dict[str, Any]) -> None:
    """The same key again names the case there is, or makes it."""
    there.pair.event()
    there.at("faults", {"operation": "createCase", **fault})
    there.pair.quiet()
    there.pair.quiet()
    assert len(there.cases()) == 1
    there.act(there.cases()[0]["id"], "accept")
    there.pair.quiet()
    assert there.pair.events()[0]["stage"] == "06" and there.pair.dead() == []


@pytest.mark.parametrize("operation", ["createCase", "getCase", "postEvent", "putFile", "getFile"])
def test_a_gateways_own_404(there: There, operation: str) -> None:
    """A 404 without the platform's problem is not the platform's "no such case": nothing is given up for it."""
    event, case = there.pair.event(), there.case("路面塌陷")
    photo = {"name": "现场.jpg", "mime": "image/jpeg", "base64": base64.b64encode(b"\xff\xd8\xff" + bytes(99)).decode()}
    there.at("faults", {"operation": operation, "kind": "wrong", "status": 404, "times": 2})
    there.pair.at_grid("officials/attach", {"eventId": event, **photo})
    there.at("officials/attach", {"id": case, "name": "现场.jpg", "contentType": "image/jpeg", "base64": photo["base64"]})
    there.pair.quiet()
    there.pair.move(event, "06")
    there.pair.quiet()
    copy = next(one for one in there.cases() if one["id"] != case)
    assert [one["type"] for one in copy["events"]].count("accept") == 1 and len(copy["files"]) == 1
    assert [len(one["attachments"]) for one in there.pair.events()] == [1, 1]
    there.assert_agreement()


def test_a_key_that_the_platform_has_forgotten(there: There) -> None:
    """An answer is lost, and nobody runs the bridge for eight days: the platform has forgotten the key by then, so the
    case is looked for before anything is sent again, and so is the event."""
    event = there.pair.event()
    there.at("faults", {"operation": "createCase", "kind": "lost"})
    there.pair.round()
    assert len(there.cases()) == 1
    there.wake_after_eight_days()
    (case,) = there.cases()
    there.pair.move(event, "06", "已受理")
    there.at("faults", {"operation": "postEvent", "kind": "lost"})
    there.pair.round()
    there.wake_after_eight_days()
    (case,) = there.cases()
    assert [one["type"] for one in case["events"]].count("accept") == 1
    there.assert_agreement()


def test_a_lost_answer_to_an_event_stores_it_once(there: There) -> None:
    """Sent again under the same key, it is stored once."""
    event = there.pair.event()
    there.pair.quiet()
    there.at("faults", {"operation": "postEvent", "kind": "lost"})
    there.pair.move(event, "06")
    there.pair.quiet()
    there.pair.quiet()
    assert [one["type"] for one in there.cases()[0]["events"]].count("accept") == 1
    there.assert_agreement()


def test_a_case_without_a_description_travels(there: There) -> None:
    """It may be null, or empty: a platform that must have one is told where to look, and nothing of that comes back."""
    for words in (None, ""):
        there.at("officials/create", {"title": "路面塌陷", "description": words, "category": {"code": "TRA-01"},
                                      "location": {"areaCode": "371102110"}})  # fmt: skip
    there.pair.quiet()
    assert [one["content"] for one in there.pair.events()] == ["详见标题", "详见标题"]
    assert all(len([e for e in one["events"] if "更正" in (e["text"] or "")]) == 0 for one in there.cases())
    there.assert_agreement()


def test_somebody_was_faster(there: There) -> None:
    """412: the ETag is read again and the event sent anew, once."""
    event = there.pair.event()
    there.pair.quiet()
    there.at("faults", {"operation": "postEvent", "kind": "code", "code": "precondition-failed"})
    there.pair.move(event, "06")
    there.pair.quiet()
    assert [one["type"] for one in there.cases()[0]["events"]].count("accept") == 1
    assert there.pair.dead() == []


def test_a_void_cursor_costs_nothing(there: There) -> None:
    """C08: 410 for the kept cursor: read again from a little before the last page; nothing missed, nothing twice, and
    a case that is gone is no cancellation."""
    there.pair.event()
    own = [there.case(f"第{n}件") for n in range(3)]
    there.pair.quiet()
    before = len(there.pair.events())
    there.act(own[0], "accept")
    there.act(own[0], "close", "已解决。")
    fresh = [there.case(f"新{n}") for n in range(2)]
    there.at("officials/remove", {"id": own[1]})
    there.at("compact")
    there.pair.quiet()
    there.pair.quiet()
    events = there.pair.events()
    assert len(events) == before + len(fresh) and len(there.cases()) == 1 + 2 + len(fresh)
    stages = sorted(one["stage"] for one in events if one["title"].startswith("第"))
    assert stages == ["05", "05", "11"]
    assert there.pair.dead() == []


def test_a_file_that_is_replaced_travels_too(there: There) -> None:
    """§7: other bytes under a name that is there replace it, an official's file as well as our copy of the grid's: the new
    bytes reach the grid, once, and nothing comes back."""
    first, second = (b"\xff\xd8\xff\xe0" + bytes(range(n)) for n in (200, 210))
    third = second[:-3] + b"xyz"  # of the same length
    case = there.case("路面塌陷")
    there.pair.quiet()
    (event,) = there.pair.events()
    grids = {"eventId": event["eventId"], "name": "镇上.jpg", "mime": "image/jpeg", "base64": base64.b64encode(first).decode()}
    there.pair.at_grid("officials/attach", grids)
    there.pair.quiet()
    for name, data in (("处置.jpg", first), ("处置.jpg", second), ("处置.jpg", third), ("镇上.jpg", second)):
        there.at("officials/attach", {"id": case, "name": name, "contentType": "image/jpeg",
                                      "base64": base64.b64encode(data).decode()})  # fmt: skip
        there.pair.quiet()
    held = [(one["name"], one["sha256"]) for one in there.pair.events()[0]["attachments"]]
    wanted = [("镇上.jpg", first), ("处置.jpg", first), ("处置.jpg", second), ("处置.jpg", third), ("镇上.jpg", second)]
    held = [(name.replace(" (2)", "").replace(" (3)", ""), digest) for name, digest in held]
    assert sorted(held) == sorted((name, hashlib.sha256(data).hexdigest()) for name, data in wanted)
    assert [one["name"] for one in there.cases()[0]["files"]] == sorted(["处置.jpg", "镇上.jpg"])
    there.assert_agreement()


def test_files_travel(there: There) -> None:
    """A photo from the grid stands on the case, and one from there on the grid: byte for byte, once, nothing comes back;
    a lost answer makes no second one."""
    photo, other = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40, b"\xff\xd8\xff\xe1" + bytes(range(200))
    event = there.pair.event()
    there.pair.at_grid("officials/attach", {"eventId": event, "name": "污水现场.jpg", "mime": "image/jpeg",
                                            "base64": base64.b64encode(photo).decode()})  # fmt: skip
    there.at("faults", {"operation": "putFile", "kind": "lost"})
    there.pair.quiet()
    there.pair.quiet()
    (case,) = there.cases()
    assert [(one["name"], one["sha256"]) for one in case["files"]] == [("污水现场.jpg", hashlib.sha256(photo).hexdigest())]
    there.at("officials/attach", {"id": case["id"], "name": "处置后.jpg", "contentType": "image/jpeg",
                                   "base64": base64.b64encode(other).decode()})  # fmt: skip
    there.pair.quiet()
    (shown,) = there.pair.events()
    assert sorted(one["name"] for one in shown["attachments"]) == ["处置后.jpg", "污水现场.jpg"]
    assert len(there.cases()[0]["files"]) == 2
    there.assert_agreement()


# Changes of fields: PATCH (§5) --------------------------------------------------------------------------------------


def edit(there: There, event: str, **fields: Any) -> None:
    there.pair.at_grid("officials/edit", {"eventId": event, "set": fields})


def patches(there: There) -> int:
    return sum(one["operation"] == "patchCase" for one in there.server.log)


def test_a_change_of_fields_is_made_there(there: There) -> None:
    """What was corrected at the origin is corrected in the case itself, emptied values are emptied, nothing else is
    touched, and none of it comes back."""
    event = there.pair.event(villageCode="371103103201")
    there.pair.quiet()
    (before,) = there.cases()
    edit(there, event, title="罐车向河道倾倒污水", address="", level="3", callerTel="13900000009")
    there.pair.quiet()
    (case,) = there.cases()
    assert (case["title"], case["location"]["address"], case["priority"]) == ("罐车向河道倾倒污水", None, "high")
    assert (case["contact"]["name"], case["contact"]["phone"]) == ("李样例", "13900000009")
    assert case["description"] == before["description"] and case["location"]["areaCode"] == "371103103201"
    assert [one["type"] for one in case["events"]].count("edited") == 1
    assert not any("更正" in (one["text"] or "") for one in case["events"])
    (shown_event,) = there.pair.events()
    assert not any("更正" in p["opinion"] for p in shown_event["processes"])
    assert there.pair.round() == 0 and there.pair.dead() == []


def test_what_its_officials_change_travels_and_is_not_turned_back(there: There) -> None:
    """The case's officials correct another field while ours waits: both stand in the end, on both sides as they can."""
    event = there.pair.event()
    there.pair.quiet()
    (case,) = there.cases()
    edit(there, event, title="改过的标题")
    there.at("officials/edit", {"id": case["id"], "set": {"description": "经核实为泥浆。"}})
    there.pair.quiet()
    (case,) = there.cases()
    assert (case["title"], case["description"]) == ("改过的标题", "经核实为泥浆。")
    told = [p["opinion"] for p in there.pair.events()[0]["processes"]]
    assert sum("经核实为泥浆" in words for words in told) == 1 and not any("改过的标题" in words for words in told)
    assert there.pair.round() == 0 and there.pair.dead() == []


@pytest.mark.parametrize("fault", [{"kind": "lost"}, {"kind": "wrong", "status": 502}, {"kind": "code", "code": "internal"}])
def test_an_edit_of_unknown_outcome_is_made_once(there: There, fault: dict[str, Any]) -> None:
    """The answer is lost, or the platform fails: the case shows the change in the end, once, and it is told nobody."""
    event = there.pair.event()
    there.pair.quiet()
    edit(there, event, title="改过的标题", level="4")
    there.at("faults", {"operation": "patchCase", **fault})
    there.pair.quiet()
    (case,) = there.cases()
    assert (case["title"], case["priority"]) == ("改过的标题", "normal")
    assert [one["type"] for one in case["events"]].count("edited") == 1
    assert not any("更正" in p["opinion"] for p in there.pair.events()[0]["processes"])
    assert there.pair.round() == 0 and there.pair.dead() == []


def test_a_cancelled_case_is_left_alone(there: There) -> None:
    """Nothing of a cancelled case can be changed (§5): neither is it tried, nor a person bothered."""
    event = there.pair.event()
    there.pair.quiet()
    there.act(there.cases()[0]["id"], "cancel", "重复。")
    there.pair.quiet()
    sent = patches(there)
    edit(there, event, title="改过的标题")
    there.pair.quiet()
    assert patches(there) == sent and there.pair.dead() == []


def test_a_person_who_asks_for_secrecy_is_blanked(there: There) -> None:
    """C69: from then on the case shows neither name nor number, in its contact and in its texts, whatever waited; and
    what is kept secret there stays so."""
    event = there.pair.event(content="李样例来电，电话13900000002，沟渠有污水。")
    there.pair.quiet()
    (case,) = there.cases()
    assert case["contact"]["name"] == "李样例" and "李样例" in case["description"]
    edit(there, event, address="村南沟渠，李样例家门口")
    there.pair.round()
    there.pair.at_grid("officials/edit", {"eventId": event, "set": {"caller": "匿名", "callerTel": ""}})
    there.pair.quiet()
    (case,) = there.cases()
    assert case["contact"] == {"name": None, "phone": None, "confidential": True}
    kept = str({**case, "events": []})
    assert "李样例" not in kept and "13900000002" not in kept and "沟渠" in case["location"]["address"]
    assert any("保密" in (one["text"] or "") for one in case["events"])
    there.pair.at_grid("officials/edit", {"eventId": event, "set": {"caller": "李样例", "callerTel": "13900000002"}})
    there.pair.quiet()
    assert there.cases()[0]["contact"]["confidential"] is True and there.pair.dead() == []


@pytest.mark.parametrize("skew", [-600, -86_400, 200])
def test_a_platform_whose_clock_is_wrong(there: There, skew: float) -> None:
    """Its clock is behind ours by more than it lets an event lie ahead (§6), or ahead: the grid's steps become events all
    the same, none twice, and the stages agree."""
    event = there.pair.event()
    there.at("clock", {"skew_seconds": skew})
    there.pair.quiet()
    for stage, words in (("06", "受理"), ("07", "派发"), ("10", "反馈"), ("11", "办结")):
        there.pair.move(event, stage, words)
        there.pair.quiet()
    (case,) = there.cases()
    assert case["state"] == "closed"
    kinds = [one["type"] for one in case["events"] if one["type"] not in ("created", "comment")]
    assert kinds == ["accept", "assign", "report", "close"] and there.pair.dead() == []
    there.assert_agreement()

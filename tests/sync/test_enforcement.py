"""A platform without Python between the grid and its department: from the grid to enforcement, handled there, and back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from adapters.errors import BrokenReply, Unavailable
from adapters.port import Adapter, Connection, Surroundings
from adapters.registry import build_of
from bridge.bridged import Bridge, Bridged
from bridge.documents import load, model
from bridge.inbound import PollCounts, poll
from bridge.ledger.ledger import Ledger
from bridge.ledger.tables import calls, dead_letters, links
from bridge.mapping.language import Mapping as Language
from bridge.mapping.planning import shown
from bridge.mapping.translator import Translator
from bridge.outbound import push
from bridge.routing import Condition, Route
from bridge.routing import Test as One
from sandbox.enforcement.platform import EnforcementPlatform
from sandbox.enforcement.times import Settings
from sandbox.grid.platform import GridPlatform
from sandbox.httpd import Server
from schemas.lifecycle import Stage
from tests.contract.enforcement_stand import SETTINGS

MAPPINGS = Path(__file__).parents[2] / "mappings"
TRANSLATORS = {slug: Translator(model(load(MAPPINGS / f"{slug}.yaml"), Language), "1") for slug in ("grid", "enforcement")}
ROUTES = (
    Route("岚山执法", ("grid",), "enforcement", Condition(all=(One("area.town", "begins", "371103"),))),
    Route("东港属地", ("enforcement",), "grid", Condition(all=(One("area.town", "begins", "371102"),))),
)
SLUGS = ("grid", "enforcement")
LOGINS = {"grid": ("huying_dg", "Example-Grid-2026"), "enforcement": ("huying-lanshan", "example-client-secret")}


@dataclass
class Pair:
    """Two servers and the bridge between them, all on one clock."""

    servers: dict[str, Server]
    bridge: Bridge
    ahead: list[timedelta] = field(default_factory=lambda: [timedelta()])

    def at(self, slug: str, name: str, body: Any = None, method: str = "POST") -> Any:
        status, answer = self.servers[slug].entrance(method, name, body)
        assert status == 200, (name, body, answer)
        return answer

    def event(self, town: str = "371103103", **more: Any) -> str:
        event = {"stage": "05", "title": "罐车倾倒污水", "content": "巡查发现罐车向沟渠倾倒污水。", "eventType": "03", "level": "1",
                 "townCode": town, "caller": "李样例", "callerTel": "13900000002", "address": "村北沟渠", **more}  # fmt: skip
        return str(self.at("grid", "officials/create", event)["eventId"])

    def act(self, case: str, kind: str, text: str = "意见", **data: Any) -> None:
        event = {"id": case, "type": kind, "text": text, "actor": {"name": "王测试", "agency": "STHJ-LS"}, "data": data}
        self.at("enforcement", "officials/act", event)

    def cases(self) -> list[dict[str, Any]]:
        return list(self.at("enforcement", "records", method="GET"))

    def events(self) -> list[dict[str, Any]]:
        return list(self.at("grid", "records", method="GET"))

    def poll(self, slug: str) -> PollCounts:
        return poll(self.bridge, slug)

    def round(self) -> int:
        sent = 0
        for slug in SLUGS:
            with suppress(Unavailable, BrokenReply):
                poll(self.bridge, slug)
        for slug in SLUGS:
            with suppress(Unavailable, BrokenReply):
                sent += push(self.bridge, slug).sent
        return sent

    def quiet(self) -> None:
        """Go on until nothing is written any more; AssertionError if writing does not stop."""
        for _ in range(12):
            self.ahead[0] += timedelta(seconds=400)
            if self.round() == 0:
                return
        raise AssertionError("writes do not stop")

    def dead(self) -> list[Any]:
        with self.bridge.ledger.begin() as tx:
            return list(tx.execute(select(dead_letters).where(dead_letters.c.state == "open")))

    def assert_agreement(self) -> None:
        own = {("grid", e["eventId"]): e["stage"] for e in self.events()}
        own |= {("enforcement", c["id"]): c["state"] for c in self.cases()}
        with self.bridge.ledger.begin() as tx:
            rows = list(tx.execute(select(calls.c.stage, links.c.platform, links.c.native_id, links.c.difference)
                                   .join(links, links.c.call == calls.c.id)))  # fmt: skip
        assert rows
        for row in rows:
            status = own[(row.platform, row.native_id)]
            assert row.difference or shown(TRANSLATORS[row.platform].mapping, status, Stage(row.stage)), row


@contextmanager
def pair(folder: Path) -> Iterator[Pair]:
    ahead = [timedelta()]

    def now() -> datetime:
        return datetime.now(UTC) + ahead[0]

    def clock() -> float:
        return now().timestamp()

    limits = Settings(rate=10_000, burst=10_000, token_rate=10_000, token_burst=10_000)
    people = EnforcementPlatform(clock=clock, settings=limits)
    with Server(GridPlatform(clock=clock)) as grid, Server(people) as enforcement:
        servers = {"grid": grid, "enforcement": enforcement}
        ledger = Ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
        ledger.migrate()
        platforms = {slug: bridged(slug, servers[slug].url, folder, now) for slug in SLUGS}
        try:
            yield Pair(servers, Bridge(ledger, platforms, ROUTES, now), ahead)
        finally:
            ledger.close()


def bridged(slug: str, url: str, folder: Path, now: Any) -> Bridged:
    built: list[Adapter] = []

    def adapter() -> Adapter:
        if not built:
            state = folder / slug
            state.mkdir(exist_ok=True)
            kind, settings = ("rest", SETTINGS) if slug == "enforcement" else (slug, {})
            connection = Connection(slug, url, *LOGINS[slug])
            built.append(build_of(kind)(slug, settings, connection, Surroundings(now, os.urandom, time.sleep, state)))
        return built[0]

    return Bridged(slug, {"grid": "东港网格平台", "enforcement": "综合执法"}[slug], "371100", TRANSLATORS[slug], adapter,
                   lag=timedelta(seconds=1))  # fmt: skip


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def test_there_and_back(there: Pair) -> None:
    """Created with its words, handled by officials, every step told to the grid, rating included; agreement at the end."""
    event = there.event(title="高兴镇巡查发现车辆倾倒污水")
    there.quiet()
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
    there.quiet()
    (shown_event,) = [one for one in there.events() if one["eventId"] == event]
    assert shown_event["stage"] == "12"
    told = [p["opinion"] for p in shown_event["processes"]]
    assert any("车辆已暂扣。" in words for words in told) and any("非常满意" in words for words in told)
    there.assert_agreement()
    assert there.dead() == []


def test_the_grids_steps_become_events(there: Pair) -> None:
    """A case that was recorded at the enforcement platform and is handled on the grid: its events are the grid's steps."""
    case = there.at("enforcement", "officials/create", {
        "title": "路面塌陷", "description": "主路塌陷。", "category": {"code": "TRA-01"},
        "location": {"areaCode": "371102110"}})["id"]  # fmt: skip
    there.quiet()
    (event,) = there.events()
    for stage, words in (("06", "受理"), ("07", "派发"), ("08", "响应"), ("09", "处置"), ("10", "反馈"), ("11", "办结"),
                         ("12", "非常满意，已解决")):  # fmt: skip
        there.at("grid", "officials/move", {"eventId": event["eventId"], "stage": stage, "operator": "王测试",
                                            "dept": "DG099", "opinion": words})  # fmt: skip
    there.quiet()
    (shown_case,) = there.cases()
    assert shown_case["id"] == case and shown_case["state"] == "rated"
    kinds = [one["type"] for one in shown_case["events"] if one["type"] not in ("created", "comment")]
    assert kinds == ["accept", "assign", "respond", "start", "report", "close", "rate"]
    rating = next(one for one in shown_case["events"] if one["type"] == "rate")
    assert (rating["data"]["satisfied"], rating["data"]["score"]) == (True, 5)
    there.assert_agreement()
    assert there.dead() == []


@pytest.mark.parametrize("fault", [{"kind": "lost"}, {"kind": "wrong", "status": 502}, {"kind": "code", "code": "internal"}])
def test_a_lost_answer_makes_no_second_case(there: Pair, fault: dict[str, Any]) -> None:
    """The same key again names the case there is, or makes it."""
    there.event()
    there.at("enforcement", "faults", {"operation": "createCase", **fault})
    there.quiet()
    there.quiet()
    assert len(there.cases()) == 1
    there.act(there.cases()[0]["id"], "accept")
    there.quiet()
    assert there.events()[0]["stage"] == "06" and there.dead() == []


def test_a_lost_answer_to_an_event_stores_it_once(there: Pair) -> None:
    """Sent again under the same key, it is stored once."""
    event = there.event()
    there.quiet()
    there.at("enforcement", "faults", {"operation": "postEvent", "kind": "lost"})
    there.at("grid", "officials/move", {"eventId": event, "stage": "06", "operator": "王测试", "dept": "DG099", "opinion": "受理"})
    there.quiet()
    there.quiet()
    assert [one["type"] for one in there.cases()[0]["events"]].count("accept") == 1
    there.assert_agreement()


def test_somebody_was_faster(there: Pair) -> None:
    """412: the ETag is read again and the event sent anew, once."""
    event = there.event()
    there.quiet()
    there.at("enforcement", "faults", {"operation": "postEvent", "kind": "code", "code": "precondition-failed"})
    there.at("grid", "officials/move", {"eventId": event, "stage": "06", "operator": "王测试", "dept": "DG099", "opinion": "受理"})
    there.quiet()
    assert [one["type"] for one in there.cases()[0]["events"]].count("accept") == 1
    assert there.dead() == []


def test_a_void_cursor_costs_nothing(there: Pair) -> None:
    """C08: 410 for the kept cursor: read again from a little before the last page; nothing missed, nothing twice, and
    a case that is gone is no cancellation."""
    there.event()
    own = [there.at("enforcement", "officials/create", {"title": f"第{n}件", "description": "内容", "category": {"code": "TRA-01"},
           "location": {"areaCode": "371102110"}})["id"] for n in range(3)]  # fmt: skip
    there.quiet()
    before = len(there.events())
    there.act(own[0], "accept")
    there.act(own[0], "close", "已解决。")
    fresh = [there.at("enforcement", "officials/create", {"title": f"新{n}", "description": "内容", "category": {"code": "TRA-01"},
             "location": {"areaCode": "371102110"}})["id"] for n in range(2)]  # fmt: skip
    there.at("enforcement", "officials/remove", {"id": own[1]})
    there.at("enforcement", "compact")
    there.quiet()
    there.quiet()
    events = there.events()
    assert len(events) == before + len(fresh) and len(there.cases()) == 1 + 2 + len(fresh)
    stages = sorted(one["stage"] for one in events if one["title"].startswith("第"))
    assert stages == ["05", "05", "11"]
    assert there.dead() == []

"""Two stand-in platforms on loopback, the shipped mappings, a fresh ledger: the engine without Airflow.

The judge is what the platforms hold (`grid_events`, `government_calls`), never the ledger.
"""

from __future__ import annotations

import base64
import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from adapters.port import Adapter, Connection, Surroundings
from adapters.registry import build_of
from bridge.bridged import Bridge, Bridged
from bridge.inbound import PollCounts, poll
from bridge.ledger import history, queue
from bridge.ledger.ledger import Ledger, micros
from bridge.ledger.tables import calls, dead_letters, links
from bridge.mapping.files import load_mapping
from bridge.mapping.planning import shown
from bridge.outbound import PushCounts, push
from bridge.routing import Condition, Route, Test
from sandbox.government.platform import GovernmentPlatform
from sandbox.grid.platform import GridPlatform
from sandbox.httpd import Server
from schemas.lifecycle import Stage
from tests.sync.settling import Troubles, settle

MAPPINGS = Path(__file__).parents[2] / "mappings"
TRANSLATORS = {slug: load_mapping(slug, [MAPPINGS]).translator for slug in ("grid", "government")}
ROUTES = (
    Route("岚山属地", ("grid",), "government", Condition(all=(Test("area.town", "begins", "371103"),))),
    Route("东港属地", ("government",), "grid", Condition(all=(Test("area.town", "begins", "371102"),))),
)

LOGINS = {"grid": ("huying_dg", "Example-Grid-2026"), "government": ("LSAPP0001", "example-secret-0f9e8d7c6b5a4938")}


@dataclass
class World:
    """The two servers and the bridge between them, all on one clock; `pass_time` moves it ahead (back-off, leases)."""

    grid: Server
    government: Server
    bridge: Bridge
    ahead: list[timedelta] = field(default_factory=lambda: [timedelta()])
    troubles: Troubles = field(default_factory=Troubles)

    def pass_time(self, seconds: float) -> None:
        self.ahead[0] += timedelta(seconds=seconds)

    def at(self, slug: str, name: str, body: Any = None, method: str = "POST") -> Any:
        """The back door of a platform; AssertionError for what its officials may not do."""
        server = self.grid if slug == "grid" else self.government
        status, answer = server.entrance(method, name, body)
        assert status == 200, (name, body, answer)
        return answer

    def may(self, slug: str, name: str, body: Any) -> bool:
        """Try something as an official: False where the platform's workflow forbids it."""
        server = self.grid if slug == "grid" else self.government
        return server.entrance("POST", name, body)[0] == 200

    def fault(self, slug: str, **fault: Any) -> None:
        self.at(slug, "faults", fault)

    def grid_call(self, town: str = "371103103", **more: Any) -> str:
        event = {"stage": "05", "title": "罐车倾倒污水", "content": "巡查发现罐车向沟渠倾倒污水。", "eventType": "03", "level": "1",
                 "townCode": town, "caller": "李样例", "callerTel": "13900000002", "address": "村北沟渠", **more}  # fmt: skip
        return str(self.at("grid", "officials/create", event)["eventId"])

    def government_call(self, town: str = "371102110", **more: Any) -> str:
        call = {"title": "道路破损", "content": "两地交界处道路破损严重。", "itemCode": "LS0401", "channel": "CALLER",
                "urgency": "URGENT", "townCode": town, "callUnit": "碑廓镇人民政府", **more}  # fmt: skip
        return str(self.at("government", "clerks/create", call)["callNo"])

    def attach(self, slug: str, number: str, name: str, data: bytes, mime: str = "image/jpeg") -> bool:
        """An official attaches a file; False where the platform forbids it."""
        content = {"name": name, "mime": mime, "base64": base64.b64encode(data).decode()}
        where = ("officials/attach", "eventId") if slug == "grid" else ("clerks/attach", "callNo")
        return self.may(slug, where[0], {where[1]: number, **content})

    def move(self, event: str, stage: str, *, dept: str = "DG099", opinion: str = "意见", operator: str = "王测试") -> None:
        """An official of the grid sets a stage."""
        body = {"eventId": event, "stage": stage, "operator": operator, "dept": dept, "opinion": opinion}
        self.at("grid", "officials/move", body)

    def act(self, number: str, action: str, *, dept: str = "", opinion: str = "意见", operator: str = "王测试") -> None:
        """A clerk or responder of the government platform acts."""
        body = {"callNo": number, "action": action, "operator": operator, "opinion": opinion}
        self.at("government", "clerks/act", body | ({"deptCode": dept} if dept else {}))

    def grid_events(self) -> list[dict[str, Any]]:
        return list(self.at("grid", "records", method="GET"))

    def government_calls(self) -> list[dict[str, Any]]:
        return list(self.at("government", "records", method="GET"))

    def event(self, event_id: str) -> dict[str, Any]:
        return next(one for one in self.grid_events() if one["eventId"] == event_id)

    def call(self, number: str) -> dict[str, Any]:
        return next(one for one in self.government_calls() if one["callNo"] == number)

    def copies(self) -> dict[str, list[str]]:
        """Our reference -> the records that carry it, over both platforms."""
        found: dict[str, list[str]] = {}
        for event in self.grid_events():
            if str(event["sourceId"] or "").startswith("hy-"):
                found.setdefault("grid " + event["sourceId"], []).append(event["eventId"])
        for call in self.government_calls():
            if str(call["outerNo"] or "").startswith("hy-"):
                found.setdefault("government " + call["outerNo"], []).append(call["callNo"])
        return found

    def poll(self, slug: str) -> PollCounts:
        return poll(self.bridge, slug)

    def push(self, slug: str) -> PushCounts:
        return push(self.bridge, slug)

    def round(self) -> int:
        """Poll and push both once; how many wire operations went out. Troubles are the platforms' own."""
        sent = 0
        for slug in ("grid", "government"):
            with self.troubles.apart():
                self.poll(slug)
        for slug in ("government", "grid"):
            with self.troubles.apart():
                sent += self.push(slug).sent
        return sent

    def quiet(self, rounds: int = 12) -> None:
        """Go on until nothing is written any more; AssertionError if writing does not stop (promise G3)."""

        def later() -> int:
            self.pass_time(400)
            return self.round()

        settle(later, self.waiting, self.troubles, rounds)

    def waiting(self) -> list[str]:
        with self.bridge.ledger.begin() as tx:
            return queue.ready(tx, micros(self.bridge.now()) + 10**12)

    def dead(self) -> list[Any]:
        with self.bridge.ledger.begin() as tx:
            return list(tx.execute(select(dead_letters).where(dead_letters.c.state == "open")))

    def stages(self) -> dict[str, dict[str, Any]]:
        """Per call: its canonical stage, and what each linked platform's own database shows."""
        own = {("grid", e["eventId"]): e["stage"] for e in self.grid_events()}
        own |= {("government", c["callNo"]): c["status"] for c in self.government_calls()}
        with self.bridge.ledger.begin() as tx:
            rows = list(tx.execute(select(calls.c.call_id, calls.c.stage, links.c.platform, links.c.native_id, links.c.difference)
                                   .join(links, links.c.call == calls.c.id)))  # fmt: skip
        found: dict[str, dict[str, Any]] = {}
        for row in rows:
            one = found.setdefault(row.call_id, {"stage": row.stage, "differences": {}})
            one[row.platform] = own[(row.platform, row.native_id)]
            if row.difference:
                one["differences"][row.platform] = row.difference
        return found

    def assert_agreement(self) -> None:
        """G6: every linked platform shows the canonical stage, or the difference is on record for people to see."""
        for identity, one in self.stages().items():
            for slug in ("grid", "government"):
                if slug in one and slug not in one["differences"]:
                    assert shown(TRANSLATORS[slug].mapping, one[slug], Stage(one["stage"])), (identity, one)

    def assert_chains(self) -> None:
        """G10: no history line was changed."""
        with self.bridge.ledger.begin() as tx:
            for call in tx.execute(select(calls.c.id)).scalars():
                assert history.broken(tx, call) is None


def bridged(
    slug: str, url: str, login: str, password: str, ledger_folder: Path, now: Any, settings: Mapping[str, Any]
) -> Bridged:
    built: list[Adapter] = []

    def adapter() -> Adapter:
        if not built:
            state = ledger_folder / slug
            state.mkdir(exist_ok=True)
            surroundings = Surroundings(now, os.urandom, time.sleep, state)
            built.append(build_of(slug)(slug, settings, Connection(slug, url, login, password), surroundings))
        return built[0]

    title = {"grid": "东港网格平台", "government": "智慧岚山"}[slug]
    return Bridged(slug, title, "371100", TRANSLATORS[slug], adapter, lag=timedelta(seconds=1))


def bridge_at(
    folder: Path, urls: Mapping[str, str], now: Any, *, ledger: Ledger, grid_settings: Mapping[str, Any] | None = None,
    government_settings: Mapping[str, Any] | None = None, password: str = "",
) -> Bridge:  # fmt: skip
    """The bridge between two platforms that answer at these addresses. Several may share one ledger, as workers do.
    password: instead of the right ones."""
    (grid, grid_password), (government, secret) = LOGINS["grid"], LOGINS["government"]
    platforms = {
        "grid": bridged("grid", urls["grid"], grid, password or grid_password, folder, now, grid_settings or {}),
        "government": bridged("government", urls["government"], government, password or secret, folder, now,
                              {"requests_per_second": 20, "burst": 40, "file_note_dept": "LS001", **(government_settings or {})}),
    }  # fmt: skip
    return Bridge(ledger, platforms, ROUTES, now, folder / "files")


@contextlib.contextmanager
def world(
    folder: Path, *, grid_settings: Mapping[str, Any] | None = None, government_settings: Mapping[str, Any] | None = None,
    ledger_url: str = "", wait_seconds: float = 30.0,
) -> Iterator[World]:  # fmt: skip
    """A world of its own. wait_seconds: how long its ledger waits for another process's transaction."""
    ahead = [timedelta()]

    def now() -> datetime:
        return datetime.now(UTC) + ahead[0]

    def clock() -> float:
        return now().timestamp()

    people = GovernmentPlatform(clock=clock, rate=2000, burst=4000, gateway_rate=100000)
    with Server(GridPlatform(clock=clock)) as grid, Server(people) as government:
        ledger = Ledger(ledger_url or f"sqlite:///{folder / 'ledger.sqlite'}", wait_seconds=wait_seconds)
        ledger.migrate()
        urls = {"grid": grid.url, "government": government.url}
        bridge = bridge_at(folder, urls, now, ledger=ledger, grid_settings=grid_settings, government_settings=government_settings)
        try:
            yield World(grid, government, bridge, ahead)
        finally:
            ledger.close()

"""A city platform on loopback, a grid and a government platform beside it, and the bridge between them.

The judge is what the platforms hold, never the ledger.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from adapters.port import Adapter, Connection, Surroundings
from adapters.registry import build_of
from bridge.bridged import Bridge, Bridged
from bridge.inbound import poll
from bridge.ledger import queue
from bridge.ledger.ledger import Ledger, micros
from bridge.ledger.tables import dead_letters
from bridge.mapping.files import load_mapping
from bridge.outbound import push
from bridge.routing import Condition, Route, Test
from sandbox.city import CityPlatform, serve
from sandbox.government.platform import GovernmentPlatform
from sandbox.grid.platform import GridPlatform
from sandbox.httpd import Server
from tests.sync.settling import Troubles, settle

MAPPINGS = Path(__file__).parents[2] / "mappings"
SLUGS = ("city", "grid", "government")
TRANSLATORS = {slug: load_mapping(slug, [MAPPINGS]).translator for slug in SLUGS}
TITLES = {"city": "莒县城管平台", "grid": "东港网格平台", "government": "智慧岚山"}
ROUTES = (
    Route("莒县属地", ("grid",), "city", Condition(all=(Test("area.town", "begins", "371122"),))),
    Route("东港属地", ("city",), "grid", Condition(all=(Test("area.town", "begins", "371102"),))),
    Route("岚山属地", ("city",), "government", Condition(all=(Test("area.town", "begins", "371103"),))),
)


@dataclass
class CityWorld:
    """Three servers, the bridge, one clock that `pass_time` moves ahead."""

    servers: dict[str, Server]
    bridge: Bridge
    ahead: list[timedelta] = field(default_factory=lambda: [timedelta()])
    troubles: Troubles = field(default_factory=Troubles)

    def pass_time(self, seconds: float) -> None:
        self.ahead[0] += timedelta(seconds=seconds)

    def at(self, slug: str, name: str, body: Any = None, method: str = "POST") -> Any:
        status, answer = self.servers[slug].entrance(method, name, body)
        assert status == 200, (name, body, answer)
        return answer

    def grid_call(self, town: str = "371122104", **more: Any) -> str:
        event = {"stage": "05", "title": "沟渠污水外溢", "content": "沟渠污水外溢，请协调处理。", "eventType": "03", "level": "2",
                 "townCode": town, "caller": "韩示例", "callerTel": "13900000007", **more}  # fmt: skip
        return str(self.at("grid", "officials/create", event)["eventId"])

    def city_task(self, town: str, **more: Any) -> str:
        task = {"title": "交界处路面破损", "description": "交界处路面破损严重。", "streetCode": town, **more}
        return str(self.at("city", "officials/create", task)["taskNum"])

    def step(self, number: str, step: str, **more: Any) -> None:
        """An official of the city platform takes a step."""
        self.at("city", "officials/step", {"taskNum": number, "step": step, "operator": "秦指挥", "opinion": "意见", **more})

    def records(self, slug: str) -> list[dict[str, Any]]:
        return list(self.at(slug, "records", method="GET"))

    def task(self, number: str) -> dict[str, Any]:
        return next(one for one in self.records("city") if one["taskNum"] == number)

    def round(self) -> int:
        """Poll and push all once; how many wire operations went out. Troubles are the platforms' own."""
        sent = 0
        for slug in SLUGS:
            with self.troubles.apart():
                poll(self.bridge, slug)
        for slug in SLUGS:
            with self.troubles.apart():
                sent += push(self.bridge, slug).sent
        return sent

    def quiet(self, rounds: int = 12) -> None:
        """Go on until nothing is written any more; AssertionError if writing does not stop."""

        def later() -> int:
            self.pass_time(200)
            return self.round()

        settle(later, self.waiting, self.troubles, rounds)

    def waiting(self) -> list[str]:
        with self.bridge.ledger.begin() as tx:
            return queue.ready(tx, micros(self.bridge.now()) + 10**12)

    def dead(self) -> list[Any]:
        with self.bridge.ledger.begin() as tx:
            return list(tx.execute(select(dead_letters).where(dead_letters.c.state == "open")))


@contextlib.contextmanager
def city_world(folder: Path, *, gbk_inside: bool = False) -> Iterator[CityWorld]:
    ahead = [timedelta()]
    translators = TRANSLATORS
    if gbk_inside:
        (folder / "city-gbk.yaml").write_text("mapping: city-gbk\nextends: city\ncharset: gbk\n", encoding="utf-8")
        translators = TRANSLATORS | {"city": load_mapping("city-gbk", [folder, MAPPINGS]).translator}

    def now() -> datetime:
        return datetime.now(UTC) + ahead[0]

    def clock() -> float:
        return now().timestamp()

    people = GovernmentPlatform(clock=clock, rate=2000, burst=4000, gateway_rate=100000)
    with (
        serve(CityPlatform(clock=clock, gbk_inside=gbk_inside)) as city, Server(GridPlatform(clock=clock)) as grid,
        Server(people) as government,
    ):  # fmt: skip
        addresses = {
            "city": Connection("city", city.url, "huying_jx", "莒县示例2026"),
            "grid": Connection("grid", grid.url, "huying_dg", "Example-Grid-2026"),
            "government": Connection("government", government.url, "LSAPP0001", "example-secret-0f9e8d7c6b5a4938"),
        }
        settings: dict[str, dict[str, Any]] = {"city": {"media_base": f"{city.media_url}/media", "gbk_inside": gbk_inside}, "grid": {},
                                               "government": {"requests_per_second": 20, "burst": 40}}  # fmt: skip
        ledger = Ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
        ledger.migrate()

        def bridged(slug: str) -> Bridged:
            state = folder / slug
            state.mkdir()
            made: Adapter = build_of(slug)(slug, settings[slug], addresses[slug], Surroundings(now, os.urandom, time.sleep, state))
            return Bridged(slug, TITLES[slug], "371100", translators[slug], lambda: made, lag=timedelta(seconds=1))

        bridge = Bridge(ledger, {slug: bridged(slug) for slug in SLUGS}, ROUTES, now, folder / "files")
        servers = {"city": city.exchange, "grid": grid, "government": government}
        try:
            yield CityWorld(servers, bridge, ahead)
        finally:
            ledger.close()

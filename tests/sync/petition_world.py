"""A grid and a petition platform on loopback with the bridge between them; the batch runs when the test says so.

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
from bridge.inbound import PollCounts, poll
from bridge.ledger import queue
from bridge.ledger.ledger import Ledger, micros
from bridge.ledger.tables import calls, dead_letters
from bridge.mapping.files import load_mapping
from bridge.outbound import PushCounts, push
from bridge.routing import Condition, Route, Test
from sandbox.grid.platform import GridPlatform
from sandbox.httpd import Server
from sandbox.petition import PetitionPlatform

MAPPINGS = Path(__file__).parents[2] / "mappings"
TRANSLATORS = {slug: load_mapping(slug, [MAPPINGS]).translator for slug in ("grid", "petition")}
ROUTES = (
    Route("五莲属地", ("grid",), "petition", Condition(all=(Test("area.town", "begins", "371121"),))),
    Route("东港属地", ("petition",), "grid", Condition(all=(Test("area.town", "begins", "371102"),))),
)
TITLES = {"grid": "东港网格平台", "petition": "五莲问政平台"}


@dataclass
class PetitionWorld:
    """Both servers, the platform behind the second, the bridge; one clock, moved ahead by `pass_time`."""

    grid: Server
    petition: Server
    platform: Any
    bridge: Bridge
    ahead: list[timedelta] = field(default_factory=lambda: [timedelta()])

    def pass_time(self, seconds: float) -> None:
        self.ahead[0] += timedelta(seconds=seconds)
        self.platform.commit_due()

    def at(self, slug: str, name: str, body: Any = None, method: str = "POST") -> Any:
        server = self.grid if slug == "grid" else self.petition
        status, answer = server.entrance(method, name, body)
        assert status == 200, (name, body, answer)
        return answer

    def grid_call(self, town: str = "371121106", **more: Any) -> str:
        event = {"stage": "05", "title": "水库泄洪道被杂物堵塞", "content": "泄洪道堆满树枝，请协调清理。", "eventType": "03",
                 "level": "1", "townCode": town, "caller": "韩示例", "callerTel": "13900000007", **more}  # fmt: skip
        return str(self.at("grid", "officials/create", event)["eventId"])

    def act(self, number: str, state: int | None = None, **more: Any) -> None:
        """An official of the petition platform moves a work order, or remarks on it."""
        move = {} if state is None else {"GDZT": state}
        self.at("petition", "officials/act", {"GDBH": number, "CZR": "秦受理", "CZYJ": "意见", **move, **more})

    def orders(self) -> list[dict[str, Any]]:
        return list(self.at("petition", "records", method="GET"))

    def order(self, number: str) -> dict[str, Any]:
        return next(one for one in self.orders() if one["GDBH"] == number)

    def events(self) -> list[dict[str, Any]]:
        return list(self.at("grid", "records", method="GET"))

    def poll(self, slug: str) -> PollCounts:
        return poll(self.bridge, slug)

    def push(self, slug: str) -> PushCounts:
        return push(self.bridge, slug)

    def round(self) -> int:
        """Poll and push both once, the batch after it; how many wire operations went out."""
        self.poll("grid")
        self.poll("petition")
        sent = self.push("petition").sent + self.push("grid").sent
        self.platform.run_batch()
        return sent

    def quiet(self, rounds: int = 20) -> None:
        """Go on until nothing is written any more; AssertionError if writing does not stop."""
        for _ in range(rounds):
            self.pass_time(200)
            if self.round() == 0 and not self.waiting():
                return
        raise AssertionError(f"writes do not stop: {self.waiting()}")

    def waiting(self) -> list[str]:
        with self.bridge.ledger.begin() as tx:
            return queue.ready(tx, micros(self.bridge.now()) + 10**12)

    def dead(self) -> list[Any]:
        with self.bridge.ledger.begin() as tx:
            return list(tx.execute(select(dead_letters).where(dead_letters.c.state == "open")))

    def stage(self) -> str:
        """The canonical stage of the only call."""
        with self.bridge.ledger.begin() as tx:
            return str(tx.execute(select(calls.c.stage)).scalar_one())


@contextlib.contextmanager
def petition_world(folder: Path, url: str | None = None) -> Iterator[PetitionWorld]:
    """A world of its own. url: of a MariaDB's owner instead of an embedded SQLite."""
    ahead = [timedelta()]

    def now() -> datetime:
        return datetime.now(UTC) + ahead[0]

    def clock() -> float:
        return now().timestamp()

    platform = PetitionPlatform(url, batch_seconds=None) if url else PetitionPlatform(clock=clock, batch_seconds=None)
    with Server(GridPlatform(clock=clock)) as grid, Server(platform) as petition:
        addresses = {"grid": Connection("grid", grid.url, "huying_dg", "Example-Grid-2026"),
                     "petition": Connection("petition", platform.exchange_url, "jh_huying", "Example-Wulian-2026")}  # fmt: skip
        ledger = Ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
        ledger.migrate()

        def bridged(slug: str) -> Bridged:
            state = folder / slug
            state.mkdir()
            made: Adapter = build_of(slug)(slug, {}, addresses[slug], Surroundings(now, os.urandom, time.sleep, state))
            return Bridged(slug, TITLES[slug], "371100", TRANSLATORS[slug], lambda: made, lag=timedelta(seconds=1))

        bridge = Bridge(ledger, {slug: bridged(slug) for slug in addresses}, ROUTES, now, folder / "files")
        try:
            yield PetitionWorld(grid, petition, platform, bridge, ahead)
        finally:
            ledger.close()

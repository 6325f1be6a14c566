"""The grid and one other platform on loopback, the shipped mappings, a fresh ledger, all on one clock.

The judge is what the platforms hold, never the ledger.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import select

from adapters.port import Adapter, Connection, Surroundings
from adapters.registry import build_of
from bridge.bridged import Bridge, Bridged
from bridge.inbound import PollCounts, poll
from bridge.ledger.ledger import Ledger
from bridge.ledger.tables import calls, dead_letters, links
from bridge.mapping.files import load_mapping
from bridge.mapping.language import Rule
from bridge.mapping.planning import shown
from bridge.mapping.translator import Translator
from bridge.outbound import push
from bridge.routing import Route
from sandbox.grid.platform import GridPlatform
from sandbox.httpd import Server
from schemas.lifecycle import Stage
from tests.sync.settling import Troubles, settle

MAPPINGS = Path(__file__).parents[2] / "mappings"
GRID = ("huying_dg", "Example-Grid-2026")


def translator(slug: str, fields: Mapping[str, Any] = MappingProxyType({})) -> Translator:
    """The shipped mapping, with further fields as an overlay would have them."""
    mapping = load_mapping(slug, [MAPPINGS]).translator.mapping
    more = {name: Rule.model_validate(rule) for name, rule in fields.items()}
    return Translator(mapping.model_copy(update={"fields": {**mapping.fields, **more}}), "1")


class Time:
    """A clock that goes by itself, and may be set ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def seconds(self) -> float:
        return self.now().timestamp()

    def sleep(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@dataclass
class Pair:
    """The grid's server, the other platform's slug, and the bridge between them."""

    grid: Server
    other: str
    bridge: Bridge
    time: Time
    translators: Mapping[str, Translator] = field(default_factory=dict)
    troubles: Troubles = field(default_factory=Troubles)

    def at_grid(self, name: str, body: Any = None, method: str = "POST") -> Any:
        status, answer = self.grid.entrance(method, name, body)
        assert status == 200, (name, body, answer)
        return answer

    def event(self, town: str = "371103103", **more: Any) -> str:
        event = {"stage": "05", "title": "罐车倾倒污水", "content": "巡查发现罐车向沟渠倾倒污水。", "eventType": "03", "level": "1",
                 "townCode": town, "caller": "李样例", "callerTel": "13900000002", "address": "村北沟渠", **more}  # fmt: skip
        return str(self.at_grid("officials/create", event)["eventId"])

    def move(self, event: str, stage: str, words: str = "意见") -> None:
        body = {"eventId": event, "stage": stage, "operator": "王测试", "dept": "DG099", "opinion": words}
        self.at_grid("officials/move", body)

    def events(self) -> list[dict[str, Any]]:
        return list(self.at_grid("records", method="GET"))

    def poll(self) -> PollCounts:
        """Read the other platform."""
        return poll(self.bridge, self.other)

    def round(self) -> int:
        """Poll and push both once; how many wire operations went out. Troubles are the platforms' own."""
        sent = 0
        for slug in ("grid", self.other):
            with self.troubles.apart():
                poll(self.bridge, slug)
        for slug in ("grid", self.other):
            with self.troubles.apart():
                sent += push(self.bridge, slug).sent
        return sent

    def quiet(self) -> None:
        """Go on until nothing is written any more; AssertionError if writing does not stop."""

        def later() -> int:
            self.time.sleep(400)
            return self.round()

        settle(later, lambda: "", self.troubles, 12)

    def dead(self) -> list[Any]:
        with self.bridge.ledger.begin() as tx:
            return list(tx.execute(select(dead_letters).where(dead_letters.c.state == "open")))

    def links(self) -> list[Any]:
        """Of every link: the call's stage, platform, native id, difference."""
        with self.bridge.ledger.begin() as tx:
            return list(tx.execute(select(calls.c.stage, links.c.platform, links.c.native_id, links.c.difference)
                                   .join(links, links.c.call == calls.c.id)))  # fmt: skip

    def assert_agreement(self, states: Mapping[str, str]) -> None:
        """Every platform shows the call's stage, or the difference is on record. states: the other's id -> status."""
        own = {("grid", e["eventId"]): e["stage"] for e in self.events()}
        own |= {(self.other, one): status for one, status in states.items()}
        assert self.links()
        for row in self.links():
            status = own[(row.platform, row.native_id)]
            assert row.difference or shown(self.translators[row.platform].mapping, status, Stage(row.stage)), row


@contextmanager
def paired(
    folder: Path, other: str, url: Callable[[Time], str], settings: Mapping[str, Any], login: tuple[str, str],
    routes: tuple[Route, ...], fields: Mapping[str, Any] = MappingProxyType({}),
) -> Iterator[Pair]:  # fmt: skip
    """The grid and a REST platform. url: where the other one answers, once it knows the time. fields: further ones of
    its mapping."""
    clock = Time()
    with Server(GridPlatform(clock=clock.seconds)) as grid:
        ledger = Ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
        ledger.migrate()
        platforms = {
            "grid": _bridged("grid", "grid", "东港网格平台", Connection("grid", grid.url, *GRID), {}, folder, clock),
            other: _bridged(other, "rest", "对方平台", Connection(other, url(clock), *login), settings, folder, clock, fields),
        }  # fmt: skip
        translators = {slug: platform.translator for slug, platform in platforms.items()}
        try:
            yield Pair(grid, other, Bridge(ledger, platforms, routes, clock.now, folder / "files"), clock, translators)
        finally:
            ledger.close()


def _bridged(
    slug: str, adapter: str, title: str, connection: Connection, settings: Mapping[str, Any], folder: Path, clock: Time,
    fields: Mapping[str, Any] = MappingProxyType({}),
) -> Bridged:  # fmt: skip
    built: list[Adapter] = []

    def made() -> Adapter:
        if not built:
            state = folder / slug
            state.mkdir(exist_ok=True)
            around = Surroundings(clock.now, os.urandom, clock.sleep, state)
            built.append(build_of(adapter)(slug, settings, connection, around))
        return built[0]

    return Bridged(slug, title, "371100", translator(slug, fields), made, lag=timedelta(seconds=1))

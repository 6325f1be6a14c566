"""The city stand-in, both its servers, with an adapter beside it, for unit tests; the clock stands until it is moved."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.city.adapter import City, build
from adapters.port import Connection, Cursor, Surroundings, WireRecord
from sandbox.city import CityPlatform, CityServers, serve

ROOT = Path(__file__).parents[3]
CONTRACT = ROOT / "docs/contracts/city"
CASES = ROOT / "tests/cases"
USER, PASSWORD = "huying_jx", "莒县示例2026"
REFERENCE = "hy-7f9c24e8-3b12-5fef-8b2c-1a2b3c4d5e6f"
BODY = {"recType": "2", "mainType": "01", "subType": "05", "title": "污水外溢", "description": "沟渠污水外溢。", "source": "5",
        "streetCode": "371122104"}  # fmt: skip


@dataclass
class Ground:
    servers: CityServers
    folder: Path
    times: list[datetime]

    def adapter(self, **settings: Any) -> City:
        surroundings = Surroundings(lambda: self.times[0], os.urandom, lambda _: None, self.folder)
        made = build("city", {"media_base": f"{self.servers.media_url}/media", **settings},
                     Connection("c", self.servers.url, USER, PASSWORD), surroundings)  # fmt: skip
        assert isinstance(made, City)
        return made

    def pass_time(self, seconds: float) -> None:
        self.times[0] += timedelta(seconds=seconds)

    def at(self, name: str, body: Any = None, method: str = "POST") -> Any:
        status, answer = self.servers.exchange.entrance(method, name, body)
        assert status == 200, (name, answer)
        return answer

    def create(self, **more: Any) -> str:
        return str(self.at("officials/create", {"title": "题", "description": "文", "streetCode": "371122104", **more})["taskNum"])

    def operations(self) -> list[str]:
        return [one["operation"] for one in self.servers.exchange.log]


@contextmanager
def ground(folder: Path, **options: Any) -> Iterator[Ground]:
    times = [datetime(2026, 10, 26, 4, 0, tzinfo=UTC)]
    with serve(CityPlatform(clock=lambda: times[0].timestamp(), **options)) as servers:
        yield Ground(servers, folder, times)


def pulled(adapter: City, cursor: Cursor | None = None) -> tuple[list[WireRecord], Cursor | None]:
    """All records from a cursor, and the cursor afterwards."""
    records: list[WireRecord] = []
    for page in adapter.pull(cursor):
        records += page.records
        cursor = page.cursor
    return records, cursor

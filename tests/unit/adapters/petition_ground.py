"""The petition stand-in with an adapter beside it, for unit tests; the batch runs by hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine

from adapters.petition.adapter import PetitionAdapter, build
from adapters.port import Connection, Surroundings
from sandbox.httpd import Server
from sandbox.petition import PetitionPlatform

NOW = datetime(2026, 10, 26, 4, 0, tzinfo=UTC)
REFERENCE = "hy-7f9c24e8-3b12-5fef-8b2c-1a2b3c4d5e6f"
BODY = {"BT": "水库渗水", "NR": "坝脚渗水点两处。", "SQLB": "0704", "SZXZ": "371121106"}


@dataclass
class Ground:
    """seconds: the platform's time of day, moved by tests; owner: the database as the platform's own people have it."""

    platform: Any
    server: Server
    folder: Path
    seconds: list[float]
    owner: Engine

    def adapter(self, **settings: Any) -> PetitionAdapter:
        surroundings = Surroundings(lambda: NOW, os.urandom, lambda _: None, self.folder)
        made = build("petition", settings, Connection("c", self.platform.exchange_url, "jh_huying", "x"), surroundings)
        assert isinstance(made, PetitionAdapter)
        return made

    def at(self, name: str, body: Any = None, method: str = "POST") -> Any:
        status, answer = self.server.entrance(method, name, body)
        assert status == 200, (name, answer)
        return answer

    def create(self, **more: Any) -> str:
        return str(self.at("officials/create", {**BODY, **more})["GDBH"])

    def sql(self, statement: str, *values: Any) -> list[Any]:
        with self.owner.begin() as tx:
            result = tx.exec_driver_sql(statement, values)
            return list(result) if result.returns_rows else []


@contextmanager
def ground(folder: Path) -> Iterator[Ground]:
    seconds = [NOW.timestamp()]
    platform = PetitionPlatform(folder / "petition.sqlite", clock=lambda: seconds[0], batch_seconds=None)
    owner = create_engine(platform.exchange_url)
    with Server(platform) as server:
        yield Ground(platform, server, folder, seconds, owner)
    owner.dispose()

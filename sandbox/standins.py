"""Both stand-in platforms listening on loopback, and the way to their back doors.

Used by `make sandbox`, by the demo and by tests. This module must not know the scenario, nor who reads the platforms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from sandbox.government.platform import EXAMPLE_APPS, GovernmentPlatform
from sandbox.grid.platform import DEFAULT_ACCOUNTS, GridPlatform
from sandbox.httpd import Platform, Server

GRID = "grid"
GOVERNMENT = "government"
_SECONDS = 30


class DoorShut(RuntimeError):
    """A back door answered with an error: the platform, what was asked, the status and the platform's own words."""

    def __init__(self, platform: str, asked: str, status: int, words: str) -> None:
        self.platform, self.asked, self.status, self.words = platform, asked, status, words
        super().__init__(f"{platform} /_sandbox/{asked}: {status} {words}")


@dataclass(frozen=True)
class StandIn:
    """One platform that listens: where, and with which account an integrator comes in."""

    slug: str
    title: str
    account: str
    password: str
    server: Server

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return self.server.url

    @property
    def address_with_account(self) -> str:
        """The same with account and password in it, as Airflow writes a connection (AIRFLOW_CONN_*)."""
        scheme, _, place = self.url.partition("://")
        return f"{scheme}://{self.account}:{self.password}@{place}"


class Doors:
    """The platforms' back doors over HTTP, by slug. Never goes through a proxy."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = dict(addresses)
        self._session = requests.Session()
        self._session.trust_env = False

    def ask(self, slug: str, name: str) -> Any:
        """GET /_sandbox/<name>: its JSON."""
        return self._answer("GET", slug, name, None)

    def tell(self, slug: str, name: str, body: Any) -> Any:
        """POST /_sandbox/<name> with a JSON body: the answer's JSON. DoorShut if the platform does not allow it."""
        return self._answer("POST", slug, name, body)

    def delete(self, slug: str, name: str, body: Any = None) -> Any:
        """DELETE /_sandbox/<name>."""
        return self._answer("DELETE", slug, name, body)

    def records(self, slug: str) -> list[dict[str, Any]]:
        """All records of a platform's own database, in the platform's own form."""
        return list(self.ask(slug, "records"))

    def _answer(self, method: str, slug: str, name: str, body: Any) -> Any:
        url = f"{self._addresses[slug]}/_sandbox/{name}"
        answer = self._session.request(method, url, json=body, timeout=_SECONDS)
        if answer.status_code >= 400:
            raise DoorShut(slug, name, answer.status_code, answer.text[:500])
        return answer.json()


class StandIns:
    """Both platforms as servers of this process; ports 0 = free ones. `with StandIns() as standins: …`

    folder: where their databases are kept, None = in memory. clock: epoch seconds, the real one if None.
    """

    def __init__(
        self, grid_port: int = 0, government_port: int = 0, folder: Path | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:  # fmt: skip
        clocked: dict[str, Any] = {} if clock is None else {"clock": clock}
        grid = GridPlatform(folder / "grid.sqlite" if folder else None, **clocked)
        government = GovernmentPlatform(folder / "government.sqlite" if folder else None, **clocked)
        self._standins: dict[str, StandIn] = {}
        try:
            self._open(GRID, "东港区社会治安综合治理网格平台", DEFAULT_ACCOUNTS, grid, grid_port)
            self._open(GOVERNMENT, "智慧岚山政务服务平台", EXAMPLE_APPS, government, government_port)
        except BaseException:
            self.close()
            raise
        self.doors = Doors({slug: standin.url for slug, standin in self._standins.items()})

    def _open(self, slug: str, title: str, accounts: Mapping[str, str], platform: Platform, port: int) -> None:
        account, password = next(iter(accounts.items()))
        self._standins[slug] = StandIn(slug, title, account, password, Server(platform, port=port))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Any:
        return iter(self._standins.values())

    def __getitem__(self, slug: str) -> StandIn:
        return self._standins[slug]

    def close(self) -> None:
        """Ends both servers. May be called more than once."""
        while self._standins:
            self._standins.popitem()[1].server.close()

"""The stand-in platforms listening on loopback, and the way to their back doors.

Used by `make sandbox`, by the demo and by tests. This module must not know the scenario, nor who reads the platforms,
nor any platform by name: what there is stands in `sandbox.forms`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from sandbox.forms import FORMS
from sandbox.forms.form import StandIn

_SECONDS = 30


class DoorShut(RuntimeError):
    """A back door answered with an error: the platform, what was asked, the status and the platform's own words."""

    def __init__(self, platform: str, asked: str, status: int, words: str) -> None:
        self.platform, self.asked, self.status, self.words = platform, asked, status, words
        super().__init__(f"{platform} /_sandbox/{asked}: {status} {words}")


class Doors:
    """The platforms' back doors over HTTP, by slug. Never goes through a proxy."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = dict(addresses)
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def slugs(self) -> tuple[str, ...]:
        """The platforms that are there."""
        return tuple(self._addresses)

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
    """The platforms as servers of this process. `with StandIns() as standins: …`

    only: these alone, None = all. ports: by slug, 0 or absent = a free one. folder: where their databases are kept,
    None = in memory. clock: epoch seconds, the real one if None.
    """

    def __init__(
        self, only: Iterable[str] | None = None, ports: Mapping[str, int] | None = None, folder: Path | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:  # fmt: skip
        self._standins: dict[str, StandIn] = {}
        try:
            for slug in FORMS if only is None else only:
                self._standins[slug] = FORMS[slug].open(folder, clock, (ports or {}).get(slug, 0))
        except BaseException:
            self.close()
            raise
        self.doors = Doors({slug: standin.url for slug, standin in self._standins.items()})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[StandIn]:
        return iter(self._standins.values())

    def __getitem__(self, slug: str) -> StandIn:
        return self._standins[slug]

    def connections(self) -> dict[str, str]:
        """Airflow's connections to them, as environment variables."""
        return {f"AIRFLOW_CONN_HUYING_{one.slug.upper()}": one.connection for one in self}

    def close(self) -> None:
        """Ends all servers. May be called more than once."""
        while self._standins:
            self._standins.popitem()[1].close()

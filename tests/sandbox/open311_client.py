"""A plain HTTP client of the Open311 stand-in for its tests, which holds every JSON answer against schemas.json."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from jsonschema import Draft202012Validator

from sandbox.httpd import Server
from sandbox.open311.platform import Open311Platform
from sandbox.open311.times import Settings

FOLDER = Path(__file__).parents[2] / "docs" / "contracts" / "open311"
SAMPLES = FOLDER / "samples"
DEFINITIONS = json.loads((FOLDER / "schemas.json").read_text(encoding="utf-8"))["$defs"]
NOW = "2026-10-26T12:00:00+08:00"
FORM = {"api_key": "example-key", "service_code": "006", "lat": "35.23", "long": "119.17", "description": "塌陷"}


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def fits(schema: str, value: Any) -> Any:
    """The value, which fits a schema of schemas.json."""
    Draft202012Validator({"$defs": DEFINITIONS, "$ref": f"#/$defs/{schema}"}).validate(value)
    return value


@dataclass
class Client:
    server: Server

    def send(self, method: str, target: str, **more: Any) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, self.server.url + target, timeout=10, **more)

    def get(self, target: str, **query: str) -> requests.Response:
        return self.send("GET", target, params=query or None)

    def post(self, members: Mapping[str, Any], form: str = "json") -> requests.Response:
        return self.send("POST", f"/v2/requests.{form}", data=members)

    def ids(self, **query: str) -> list[str]:
        answer = self.get("/v2/requests.json", **query)
        assert answer.status_code == 200, answer.text
        return [one["service_request_id"] for one in fits("requests", answer.json())]

    def at(self, name: str, body: Any = None, method: str = "POST") -> Any:
        status, answer = self.server.entrance(method, name, body)
        assert status == 200, (name, answer)
        return answer

    def freeze(self, text: str) -> None:
        self.at("clock", {"freeze": datetime.fromisoformat(text).timestamp()})

    def citizen(self, at: str = "2026-10-26T08:40:00+08:00", **members: Any) -> str:
        self.freeze(at)
        return str(self.at("officials/create", members)["id"])


@contextlib.contextmanager
def client(first_number: int = 1, **settings: Any) -> Iterator[Client]:
    """A server of its own at noon of 2026-10-26, whose tokens are 503fc0459018 and then others."""
    tokens = iter(["503fc0459018", *(f"{count:012x}" for count in range(1, 1000))])
    platform = Open311Platform(settings=Settings(**settings), first_number=first_number, mint=lambda: next(tokens))
    with Server(platform) as server:
        there = Client(server)
        there.freeze(NOW)
        yield there

"""A plain HTTP client of the enforcement stand-in for its tests, and schema checks by the contract's openapi.yaml."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests
import yaml
from openapi_schema_validator import OAS31Validator

from sandbox.enforcement.contract import FOLDER
from sandbox.enforcement.platform import EnforcementPlatform
from sandbox.enforcement.times import Settings
from sandbox.httpd import Server

OPENAPI = yaml.safe_load((FOLDER / "openapi.yaml").read_text(encoding="utf-8"))
CLIENT, SECRET = "huying-lanshan", "example-client-secret"
TOKEN = "eyJleGFtcGxlIjoidG9rZW4ifQ.b2YtYW4tZXhhbXBsZS1wbGF0Zm9ybQ"


def fits(schema: str, value: Any) -> None:
    """The value fits a schema of openapi.yaml."""
    document = {"$ref": f"#/components/schemas/{schema}", "components": OPENAPI["components"]}
    OAS31Validator(document).validate(value)


@dataclass
class Client:
    server: Server
    minted: list[str] = field(default_factory=list)

    def send(self, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None) -> requests.Response:
        """JSON unless it is bytes; the usual token unless another Authorization is given."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", **(headers or {})}
        with requests.Session() as session:
            session.trust_env = False
            request = requests.Request(method, self.server.url, data=data,
                                       headers={name: value for name, value in sent.items() if value}).prepare()
            request.url = self.server.url + target
            return session.send(request, timeout=10, allow_redirects=False)

    def token(self) -> None:
        form = f"grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}".encode()
        answer = self.send("POST", "/oauth2/token", form,
                           {"Authorization": "", "Content-Type": "application/x-www-form-urlencoded"})
        assert answer.status_code == 200, answer.text

    def at(self, name: str, body: Any = None, method: str = "POST") -> Any:
        status, answer = self.server.entrance(method, name, body)
        assert status == 200, (name, answer)
        return answer

    def freeze(self, text: str) -> None:
        self.at("clock", {"freeze": datetime.fromisoformat(text).timestamp()})

    def create(self, title: str = "罐车倾倒污水", key: str = "", **more: Any) -> dict[str, Any]:
        body = {"title": title, "category": {"code": "ENV-01"}, **more}
        answer = self.send("POST", "/v1/cases", body, {"Idempotency-Key": key or f"huying-{len(self.server.log):012d}"})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def event(self, case: str, kind: str, **more: Any) -> requests.Response:
        body = {"type": kind, "at": "2026-10-26T09:00:00+08:00", **more}
        return self.send("POST", f"/v1/cases/{case}/events", body)


@contextlib.contextmanager
def client(**settings: float) -> Iterator[Client]:
    """A platform of its own with generous limits, and a client with a token."""
    minted: list[str] = []
    count = iter(range(1, 10**6))

    def mint() -> str:
        return minted.pop(0) if minted else f"00000000-0000-4000-8000-{next(count):012d}"

    limits = Settings(**{"rate": 10_000, "burst": 10_000, "token_rate": 10_000, "token_burst": 10_000, **settings})
    platform = EnforcementPlatform(settings=limits, mint=mint, token=lambda: TOKEN)
    with Server(platform) as server:
        there = Client(server, minted)
        there.token()
        yield there

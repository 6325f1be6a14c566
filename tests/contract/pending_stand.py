"""The stand of a pending list: what changed is listed until it is acknowledged. A GeoReport server with such a list in front,
for none of the six platforms has one, and many real ones do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs

from sandbox.httpd import Request, Response
from sandbox.open311.platform import Open311Platform
from sandbox.open311.times import Settings
from tests.contract.open311_stand import STANDARD, Open311

JURISDICTION = {"jurisdiction_id": "rizhao.example"}
SETTINGS = {
    **STANDARD,
    "list": {"request": {"path": "/pending.json", "parameters": JURISDICTION}, "items": [""], "paging": {"kind": "none"}},
    "acknowledge": {"request": {"method": "POST", "path": "/acknowledge.json", "send": "json",
                                "parameters": {**JURISDICTION, "ids": "{ids}"}}},
    "find": {"by": "query", "request": {"path": "/search.json", "parameters": {**JURISDICTION, "reference": "{reference}"}}},
}  # fmt: skip
_JSON = (("Content-Type", "application/json; charset=utf-8"),)
_OPERATIONS = {"/pending.json": "requests", "/search.json": "search", "/acknowledge.json": "acknowledge"}


class Pending(Open311):
    """The officials are those of the server behind."""

    operations = MappingProxyType({**Open311.operations, "find": "search", "acknowledge": "acknowledge"})

    def __init__(self) -> None:
        super().__init__(extensions=True)
        self.without = Open311(extensions=False).without  # no pages

    def platform(self, clock: Callable[[], float]) -> Any:
        return PendingPlatform(Open311Platform(clock=clock, prefix="", settings=Settings(extensions=True)))


class PendingPlatform:
    """Keeps which state of each row was shown last, and which one was acknowledged."""

    def __init__(self, behind: Open311Platform) -> None:
        self._behind = behind
        self._shown: dict[str, str] = {}
        self._kept: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    def operation(self, request: Request) -> str:
        return _OPERATIONS.get(request.path) or self._behind.operation(request)

    def answer(self, request: Request) -> Response:
        match request.path:
            case "/pending.json":
                found = self._rows(request)
                if isinstance(found, Response):
                    return found
                waiting = [one for one in found if self._kept.get(_number(one)) != _state(one)]
                self._shown |= {_number(one): _state(one) for one in waiting}
                return _said(waiting)
            case "/acknowledge.json":
                self._kept |= {one: self._shown[one] for one in json.loads(request.body)["ids"] if one in self._shown}
                return _said([])
            case "/search.json":
                mark = f"〔来源编号 {parse_qs(request.query)['reference'][0]}〕"
                found = self._rows(request)
                return found if isinstance(found, Response) else _said([one for one in found if mark in str(one["description"])])
        return self._behind.answer(request)

    def _rows(self, request: Request) -> list[dict[str, Any]] | Response:
        """All rows of the server behind, or what it said instead."""
        target = "/requests.json?jurisdiction_id=rizhao.example&updated_after=2020-01-01T00:00:00Z&page_size=500"
        response = self._behind.answer(Request("GET", target, request.headers, b""))
        return list(json.loads(response.body)) if response.status == 200 else response


def _number(row: Mapping[str, Any]) -> str:
    return str(row["service_request_id"])


def _state(row: Mapping[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)


def _said(value: Any) -> Response:
    return Response(200, _JSON, json.dumps(value, ensure_ascii=False).encode())

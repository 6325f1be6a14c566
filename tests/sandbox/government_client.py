"""A small caller of the stand-in government platform, written from the contract, that checks every answer's schema.

It signs by its own code, so that the stand-in's signing is not tested against itself.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, unquote_plus, urlsplit

import yaml
from openapi_schema_validator import OAS31Validator

from sandbox.government import GovernmentPlatform
from sandbox.httpd import Server

CONTRACT = Path(__file__).parents[2] / "docs" / "contracts" / "government"
KEY, SECRET = "LSAPP0001", "example-secret-0f9e8d7c6b5a4938"
START = 1792977125.0  # 2026-10-26 09:12:05 in Rizhao
NO_LIMIT = 10**9

_REPLIES = {
    "createToken": "TokenReply",
    "listCalls": "ListReply",
    "createCall": "CreateReply",
    "getCall": "CallReply",
    "postAction": "ActionReply",
    "uploadFile": "FileReply",
}


@lru_cache(maxsize=1)
def _openapi() -> dict[str, Any]:
    doc: dict[str, Any] = yaml.load((CONTRACT / "openapi.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    return doc


@lru_cache(maxsize=64)
def _validator(schema: str) -> Any:
    return OAS31Validator({"$ref": f"#/components/schemas/{schema}", "components": _openapi()["components"]})


def check_schema(operation: str, status: int, envelope: dict[str, Any]) -> None:
    """An envelope is one of the contract's replies, and 401 goes with 4012 alone."""
    code = envelope["code"]
    _validator(_REPLIES[operation] if code == "0000" else f"Err{code}").validate(envelope)
    assert status == (401 if code == "4012" else 200)


class Clock:
    """A clock that goes only when told. Epoch seconds."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    @property
    def ms(self) -> int:
        return round(self.now * 1000)


class Ids:
    """Ids in order; `ahead` holds the ones to give next, by kind."""

    def __init__(self) -> None:
        self._serial = itertools.count(1)
        self.ahead: dict[str, list[str]] = {"token": [], "file": [], "trace": []}

    def __call__(self, kind: str) -> str:
        if self.ahead[kind]:
            return self.ahead[kind].pop(0)
        return format(next(self._serial), "064x" if kind == "token" else "032x")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.body)
        return value

    @property
    def code(self) -> str:
        return str(self.json["code"])

    @property
    def data(self) -> Any:
        return self.json["data"]

    @property
    def field(self) -> str:
        """The path a 4022 names."""
        assert self.code == "4022", self.json
        return str(self.json["msg"]).removeprefix("参数错误[").partition("]：")[0]


def operation_of(method: str, target: str) -> str:
    match method, urlsplit(target).path.split("/")[1:]:
        case "POST", ["api", "auth", "token"]:
            return "createToken"
        case "GET", ["api", "calls"]:
            return "listCalls"
        case "POST", ["api", "calls"]:
            return "createCall"
        case "GET", ["api", "calls", _]:
            return "getCall"
        case "POST", ["api", "calls", _, "actions"]:
            return "postAction"
        case "POST", ["api", "files"]:
            return "uploadFile"
        case "GET", ["api", "files", _]:
            return "downloadFile"
    return "unknown"


def sign(secret: str, method: str, target: str, timestamp: str, nonce: str, body: bytes) -> str:
    path, _, query = target.partition("?")
    pairs = (piece.partition("=") for piece in query.split("&") if piece)
    encoded = sorted((_encoded(name), _encoded(value)) for name, _, value in pairs)
    canonical = "&".join(f"{name}={value}" for name, value in encoded)
    resource = path + (f"?{canonical}" if canonical else "")
    text = f"{method}\n{resource}\n{timestamp}\n{nonce}\n{hashlib.new('sm3', body).hexdigest()}"
    return hmac.new(secret.encode(), text.encode(), "sm3").hexdigest()


def _encoded(piece: str) -> str:
    return quote(unquote_plus(piece, "latin-1"), safe="-._~", encoding="latin-1")


def compact(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def multipart(
    content: bytes, name: str = "照片.jpg", mime: str | None = "image/jpeg", disposition: bytes | None = None
) -> tuple[str, bytes]:
    """(Content-Type, body) of an upload with one part."""
    if disposition is None:
        disposition = f'form-data; name="file"; filename="{name}"'.encode()
    head = b"Content-Disposition: " + disposition + b"\r\n"
    if mime is not None:
        head += f"Content-Type: {mime}\r\n".encode()
    return "multipart/form-data; boundary=edge", b"--edge\r\n" + head + b"\r\n" + content + b"\r\n--edge--\r\n"


@dataclass
class Caller:
    """One app's worker: `token`, `key` and `secret` may be changed at will."""

    port: int
    clock: Clock
    key: str = KEY
    secret: str = SECRET
    token: str = ""
    prefix: str = ""
    nonces: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _connection: http.client.HTTPConnection | None = None

    def wire(
        self, method: str, target: str, headers: Sequence[tuple[str, str]] = (), body: bytes | None = None
    ) -> Answer:
        """The request exactly so, unsigned, behind the deployment prefix; no schema is checked."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection = self._connection
        path = target if target.startswith("/_sandbox/") else self.prefix + target
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value.encode() if not value.isascii() else value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return Answer(response.status, dict(response.headers.items()), response.read())

    def signature(
        self, method: str, target: str, body: bytes, timestamp: str | None = None, nonce: str | None = None
    ) -> dict[str, str]:
        """The five headers, right as the contract has them."""
        timestamp = timestamp or str(self.clock.ms)
        nonce = nonce or f"test-nonce-{next(self.nonces)}"
        signed = sign(self.secret, method, target, timestamp, nonce, body)
        names = ("X-App-Key", "X-Token", "X-Timestamp", "X-Nonce", "X-Sign")
        return dict(zip(names, (self.key, self.token, timestamp, nonce, signed), strict=True))

    def call(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        change: dict[str, str | None] | None = None,
    ) -> Answer:
        """A signed request; `change` replaces headers, None takes one away. The envelope's schema is checked."""
        raw = body if isinstance(body, bytes) else b"" if body is None else compact(body)
        headers: dict[str, str | None] = {**self.signature(method, target, raw)}
        if body is not None:
            headers["Content-Type"] = content_type
        headers |= change or {}
        sent = [(name, value) for name, value in headers.items() if value is not None]
        answer = self.wire(method, target, sent, None if body is None else raw)
        if answer.headers.get("Content-Type") == "application/json;charset=UTF-8":
            check_schema(operation_of(method, target), answer.status, answer.json)
        return answer

    def get_token(self) -> Answer:
        """A new token, kept if there is one."""
        headers = [("Content-Type", "application/json")]
        answer = self.wire("POST", "/api/auth/token", headers, compact({"appKey": self.key, "appSecret": self.secret}))
        check_schema("createToken", answer.status, answer.json)
        if answer.code == "0000":
            self.token = answer.data["token"]
        return answer

    def create(self, **fields: Any) -> Answer:
        return self.call("POST", "/api/calls", new_call(**fields))

    def act(self, call_no: str, action: str, **fields: Any) -> Answer:
        body: dict[str, Any] = {"action": action, "opinion": "测试", "operator": "受理员02", "deptCode": "LS001"}
        body |= {"operateTime": self.clock.ms, **fields}
        return self.call("POST", f"/api/calls/{call_no}/actions", body)

    def detail(self, call_no: str) -> dict[str, Any]:
        data: dict[str, Any] = self.call("GET", f"/api/calls/{call_no}").data
        return data

    def list(self, query: str = "") -> Any:
        return self.call("GET", "/api/calls" + (f"?{query}" if query else "")).data

    def upload(self, content: bytes = b"bytes", **part: Any) -> Answer:
        content_type, body = multipart(content, **part)
        return self.call("POST", "/api/files", body, content_type=content_type)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


_outer = itertools.count(1)


def new_call(**fields: Any) -> dict[str, Any]:
    """A CallCreate with only the required fields, its own outerNo; None takes a field away."""
    body = {
        "outerNo": f"test-{next(_outer)}",
        "title": "村内道路塌陷",
        "content": "村内主路塌陷约两平方米。",
        "itemCode": "LS0401",
        "channel": "CALLER",
        "urgency": "NORMAL",
        "townCode": "371103103",
        "callUnit": "高兴镇人民政府",
    } | fields
    return {name: value for name, value in body.items() if value is not None}


@dataclass
class Rig:
    """A served platform with a caller that holds a token, a clock that stands, and the back door."""

    platform: GovernmentPlatform
    server: Server
    clock: Clock
    ids: Ids
    caller: Caller

    def door(self, method: str, name: str, /, body: Any = None) -> tuple[int, Any]:
        """(HTTP status, JSON) of the back door."""
        raw = None if body is None else json.dumps(body).encode()
        answer = self.caller.wire(method, f"/_sandbox/{name}", (), raw)
        return answer.status, json.loads(answer.body)

    def tell(self, name: str, /, **body: Any) -> Any:
        status, answer = self.door("POST", name, body)
        assert status == 200, answer
        return answer

    def fault(self, kind: str, **more: Any) -> None:
        self.tell("faults", kind=kind, **more)

    def worker(self, key: str = KEY, secret: str = SECRET) -> Caller:
        return Caller(self.server.port, self.clock, key, secret, nonces=self.caller.nonces)

    def in_status(self, status: str, **fields: Any) -> str:
        """A new call of the caller's, led to `status` by clerks; its lead is LS104 from DISPATCHED on."""
        call_no: str = self.caller.create(**fields).data["callNo"]
        for action in PATHS[status]:
            self.tell("clerks/act", callNo=call_no, action=action)
        return call_no

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.caller.close()
        self.server.close()


_TO_FEEDBACK = ["ACCEPT", "DISPATCH", "RESPOND", "PROGRESS", "FEEDBACK"]
PATHS: dict[str, list[str]] = {
    "PENDING": [],
    "ACCEPTED": ["ACCEPT"],
    "DISPATCHED": ["ACCEPT", "DISPATCH"],
    "RESPONDED": ["ACCEPT", "DISPATCH", "RESPOND"],
    "HANDLING": ["ACCEPT", "DISPATCH", "RESPOND", "PROGRESS"],
    "FEEDBACK": _TO_FEEDBACK,
    "CLOSED": [*_TO_FEEDBACK, "CLOSE"],
    "RATED": [*_TO_FEEDBACK, "CLOSE", "RATE"],
    "RETURNED": ["RETURN"],
    "CANCELLED": ["CANCEL"],
}


@contextmanager
def rig(**options: Any) -> Iterator[Rig]:
    """A rig without limits unless `options` (of GovernmentPlatform) say otherwise."""
    clock, ids = Clock(), Ids()
    settings: dict[str, Any] = {"rate": NO_LIMIT, "burst": NO_LIMIT, "gateway_rate": NO_LIMIT} | options
    platform = GovernmentPlatform(clock=clock, mint=ids, **settings)
    server = Server(platform)
    with Rig(platform, server, clock, ids, Caller(server.port, clock, prefix=options.get("prefix", ""))) as made:
        made.caller.get_token()
        yield made

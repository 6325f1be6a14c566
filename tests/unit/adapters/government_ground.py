"""Ground for the government adapter's tests: a clock that only sleeping moves, a tiny loopback platform whose list and
answers each test writes by hand, and adapters that talk to it."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from adapters.government.adapter import Government, build
from adapters.port import Connection, Surroundings

ROOT = Path(__file__).parents[3]
CONTRACT = ROOT / "docs/contracts/government"
CASES = ROOT / "tests/cases"
KEY, SECRET = "LSAPP0001", "example-secret-0f9e8d7c6b5a4938"
BASE = 1_792_976_400_000  # 2026-10-26T09:00:00+08:00


@dataclass
class World:
    """A clock that stands still until somebody sleeps, and randomness that counts."""

    now: datetime = datetime(2026, 10, 26, 4, 0, tzinfo=UTC)
    slept: list[float] = field(default_factory=list)
    _count: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.now += timedelta(seconds=seconds)

    def random(self, size: int) -> bytes:
        with self._lock:
            return next(self._count).to_bytes(size, "big")

    def surroundings(self, state: Path) -> Surroundings:
        return Surroundings(lambda: self.now, self.random, self.sleep, state)


@dataclass(frozen=True)
class Asked:
    """One request as the tiny platform saw it."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    def number(self, name: str) -> int | None:
        values = parse_qs(urlsplit(self.target).query).get(name)
        return int(values[0]) if values else None


Reply = tuple[int, bytes, Mapping[str, str]]
Respond = Callable[[Asked], Any]


def envelope(code: Any = "0000", data: Any = None, msg: str = "成功") -> dict[str, Any]:
    return {"code": code, "msg": msg, "data": data, "traceId": "0" * 32}


def reply(status: int = 200, body: bytes = b"", kind: str = "application/json;charset=UTF-8", **more: str) -> Reply:
    """A raw answer; header names are written with _ for -."""
    return status, body, {"Content-Type": kind, **{name.replace("_", "-"): value for name, value in more.items()}}


@dataclass
class Tiny:
    """A platform of one function. Tokens are handed out here unless `respond` wants to; a dict is an envelope."""

    respond: Respond
    clock: Callable[[], datetime]
    url: str = ""
    log: list[Asked] = field(default_factory=list)
    tokens: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    token: str = ""

    def answer(self, asked: Asked) -> Reply:
        self.log.append(asked)
        given = self.respond(asked)
        if given is None and asked.path == "/api/auth/token":
            self.token = f"{next(self.tokens):064x}"
            given = envelope(data={"token": self.token, "expiresIn": 7200})
        if isinstance(given, dict):
            return reply(body=json.dumps(given, ensure_ascii=False).encode())
        assert isinstance(given, tuple), f"no answer for {asked.target}"
        return given

    def count(self, path: str) -> int:
        return sum(asked.path.startswith(path) for asked in self.log)


@contextmanager
def running(respond: Respond, clock: Callable[[], datetime]) -> Iterator[Tiny]:
    tiny = Tiny(respond, clock)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536  # one packet an answer: headers and body apart would wait for delayed acknowledgements
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet: `Tiny.log` keeps the requests."""

        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, content, more = tiny.answer(Asked(self.command, self.path, headers, body))
            self.send_response_only(status)
            for name, value in {"Date": format_datetime(tiny.clock(), usegmt=True), **more}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = serve

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    tiny.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield tiny
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def adapter(url: str, world: World, state: Path, *, password: str = SECRET, **settings: Any) -> Government:
    return build_with(url, world.surroundings(state), password=password, **settings)


def build_with(url: str, surroundings: Surroundings, *, password: str = SECRET, **settings: Any) -> Government:
    built = build("lanshan", settings, Connection("c1", url, KEY, password), surroundings)
    assert isinstance(built, Government)
    return built


@dataclass
class Calls:
    """A list of calls as the contract has it: rows ordered by updateTime, callNo; no snapshot. `edit` runs after each
    list request was answered, with the number of it."""

    updated: dict[str, int]
    edit: Callable[[Calls, int], None] = lambda calls, number: None
    asked: int = 0

    def move(self, call_no: str) -> None:
        self.updated[call_no] = max(self.updated.values()) + 1000

    def row(self, call_no: str) -> dict[str, Any]:
        at = self.updated[call_no]
        return {"callNo": call_no, "outerNo": f"ref-{call_no}", "status": "PENDING", "updateTime": at}

    def __call__(self, asked: Asked) -> dict[str, Any] | None:
        if asked.path != "/api/calls":
            return None
        after, before = asked.number("updatedAfter") or 0, asked.number("updatedBefore")
        page, size = asked.number("pageNo") or 1, asked.number("pageSize") or 20
        until = float("inf") if before is None else before
        order = sorted((at, name) for name, at in self.updated.items() if after <= at < until)
        rows = [self.row(name) for _, name in order[(page - 1) * size : page * size]]
        self.asked += 1
        self.edit(self, self.asked)
        return envelope(data={"total": len(order), "pageNo": page, "records": rows})


def pulled(government: Government, since: Any = None) -> list[tuple[str | None, str]]:
    """(number, version) of every row of a pull, in order."""
    return [(one.native_id, one.version) for page in government.pull(since) for one in page.records]

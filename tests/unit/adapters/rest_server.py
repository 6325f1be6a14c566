"""A tiny HTTP server that answers by a function, and REST adapters for it: the ground of the tests of configuration."""

from __future__ import annotations

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
from urllib.parse import parse_qsl, unquote, urlsplit

from adapters.generic.adapter import build
from adapters.port import Connection, Surroundings

NOW = datetime(2026, 10, 26, 4, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """One request. query, form: name -> value; json: the body, None if it is none."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Said:
    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


class Clock:
    """Stands still but for sleeping."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Ground:
    """The server's address, what it was asked, and adapters for it."""

    url: str
    folder: Path
    asked: list[Asked]
    clock: Clock = field(default_factory=Clock)

    def adapter(self, settings: Mapping[str, Any], login: str = "huying", password: str = "s3cret-示例") -> Any:
        around = Surroundings(self.clock.now, lambda n: bytes(range(n)), self.clock.sleep, self.folder)
        return build("tiny", {"requests_per_second": 1000, **settings}, Connection("tiny", self.url, login, password), around)

    def paths(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.asked]


@contextmanager
def serving(folder: Path, answer: Callable[[Asked], Said]) -> Iterator[Ground]:
    """A server on loopback for as long as it is needed."""
    ground = Ground("", folder, [])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            one = Asked(self.command, unquote(parts.path), dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body)
            ground.asked.append(one)
            said = answer(one)
            data = said.body if isinstance(said.body, bytes) else (
                b"" if said.body is None else json.dumps(said.body, ensure_ascii=False).encode())  # fmt: skip
            self.send_response_only(said.status)
            self.send_header("Date", format_datetime(ground.clock.now(), usegmt=True))
            self.send_header("Content-Type", said.content_type)
            self.send_header("Content-Length", str(len(data)))
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        ground.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield ground
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def drained(adapter: Any, cursor: Any = None) -> tuple[list[Any], Any]:
    """The bodies of all records of a pull, and the last cursor."""
    records: list[Any] = []
    for page in adapter.pull(cursor):
        records += page.records
        cursor = page.cursor
    return records, cursor


def at(second: int) -> str:
    return f"2026-10-26T10:{second // 60:02d}:{second % 60:02d}+08:00"

"""Small hand-made servers on loopback for the grid adapter's tests: scripted answers, and a list that moves.

They are written from docs/contracts/grid/ and share nothing with the adapter or the stand-in platform.
"""

from __future__ import annotations

import itertools
import re
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from adapters.grid.adapter import GridAdapter, build
from adapters.port import Connection, Surroundings

ROOT = Path(__file__).parents[3]
CONTRACT = ROOT / "docs" / "contracts" / "grid"
SAMPLES = CONTRACT / "samples"
CASES = ROOT / "tests" / "cases"
NS = "http://grid.example.gov.cn/event/v1"
LOGIN, PASSWORD = "huying_dg", "Example-Grid-2026"


@dataclass(frozen=True)
class Said:
    """One answer of a scripted server. cut: bytes of it that are sent before the line ends (None: all)."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    framed: bool = True


Script = Callable[[str, bytes], Said]
"""(operation or "?wsdl", request body) -> answer."""


class Door:
    """A server on loopback that answers by its script and remembers what it was asked."""

    def __init__(self, script: Script, clock: Callable[[], datetime] | None = None) -> None:
        self.asked: list[tuple[str, bytes, dict[str, str], str]] = []
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

            def do_GET(self) -> None:
                self._answer("?" + self.path.partition("?")[2], b"")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                inside = re.search(rb"Body[^>]*>\s*<(?:[\w-]+:)?(\w+)", body)
                self._answer(inside[1].decode() if inside else "", body)

            def _answer(self, operation: str, body: bytes) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                door.asked.append((operation, body, headers, self.path))
                said = script(operation, body)
                lines = [f"HTTP/1.1 {said.status} X"]
                if clock is not None:
                    lines.append("Date: " + format_datetime(clock().astimezone(UTC), usegmt=True))
                lines += [f"{name}: {value}" for name, value in said.headers.items()]
                lines.append(f"Content-Length: {len(said.body)}" if said.framed else "Connection: close")
                head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
                self.wfile.write(head + (said.body if said.cut is None else said.body[: said.cut]))
                self.wfile.flush()
                if said.cut is not None or not said.framed:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)

        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._httpd.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._httpd.server_address[1]}"
        self._thread = threading.Thread(target=self._httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def operations(self) -> list[str]:
        return [operation for operation, *_ in self.asked]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join(5)


@dataclass
class Clock:
    """A clock that tests move by hand; sleeping moves it."""

    at: datetime = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)


def adapter(url: str, clock: Clock | None = None, password: str = PASSWORD, **settings: Any) -> GridAdapter:
    """A grid adapter against that address; nonces count upwards."""
    clock = clock or Clock()
    counter = itertools.count(1)
    surroundings = Surroundings(
        now=clock.now, random_bytes=lambda n: next(counter).to_bytes(n, "big"), sleep=clock.sleep, state=Path()
    )
    built = build("donggang", settings, Connection("grid", url, LOGIN, password), surroundings)
    assert isinstance(built, GridAdapter)
    return built


def answer(operation: str, inner: str, code: int = 0, message: str = "成功") -> bytes:
    """An answer with a resultCode; `inner` uses the prefix ev."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
        f'<ev:{operation}Response xmlns:ev="{NS}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<ev:resultCode>{code}</ev:resultCode><ev:resultMsg>{message}</ev:resultMsg>{inner}"
        f"</ev:{operation}Response></soap:Body></soap:Envelope>"
    ).encode()


def event(event_id: str, updated: str, more: str = "") -> str:
    return f"<ev:event><ev:eventId>{event_id}</ev:eventId>{more}<ev:updateTime>{updated}</ev:updateTime></ev:event>"


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def argument(body: bytes, name: str) -> str:
    found = re.search(rb"<(?:[\w-]+:)?%s>([^<]*)<" % name.encode(), body)
    return found[1].decode() if found else ""


@dataclass
class Listing:
    """queryEvents over rows in memory (§6). rows: eventId -> updateTime. before: called with the number of the request
    (from 1) before it is answered. repeats: pages past the last show the last one again."""

    rows: dict[str, str]
    before: Callable[[int], None] = lambda number: None
    repeats: bool = False
    cap: int = 200
    asked: list[tuple[str, str, int]] = field(default_factory=list)

    def __call__(self, operation: str, body: bytes) -> Said:
        assert operation == "queryEvents", operation
        low, high = argument(body, "updatedFrom"), argument(body, "updatedTo")
        page, size = int(argument(body, "pageNo")), min(self.cap, int(argument(body, "pageSize")))
        self.asked.append((low, high, page))
        self.before(len(self.asked))
        found = sorted((at, one) for one, at in self.rows.items() if low <= at <= high)
        if self.repeats and found:
            page = min(page, -(-len(found) // size))
        shown = "".join(event(one, at) for at, one in found[(page - 1) * size : page * size])
        return Said(answer(operation, f"<ev:total>{len(found)}</ev:total><ev:events>{shown}</ev:events>"))

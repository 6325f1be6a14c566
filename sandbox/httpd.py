"""The ground every stand-in platform stands on: a threaded HTTP/1.1 server, its faults and its back door.

A platform gives three things: `operation(request)` names the operation a request asks for (faults and the request
log speak in those names), `answer(request)` carries it out, and `back_door(method, name, body)` plays the officials.
This module must not know any platform.
"""

from __future__ import annotations

import base64
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Request:
    """One request as it came: `target` is the raw request target, header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    header_list: tuple[tuple[str, str], ...] = ()

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> str:
        return urlsplit(self.target).query


@dataclass(frozen=True)
class Response:
    """One answer. `Date` and `Content-Length` are added by the server."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass
class Fault:
    """Something that goes wrong on purpose.

    kind: down (connection closed, nothing read or done) · refuse (answer `status`/`body`, nothing done) ·
    lost (done, then the connection ends without an answer, `how` = fin | rst) · hang (done, then `seconds` of
    silence) · wrong (done, then `status`/`body` instead of the answer) · cut (done, answer ends after `at` bytes;
    `framed` false leaves out Content-Length) · delay (`seconds` before it is done) ·
    late (done, `seconds` before the answer) · code (the platform's own error `code`; the platform
    asks for it with `Faults.code`).
    operation: the name it applies to, "" = every one. times: how often, 0 = until cleared. skip: let so many pass
    first.
    """

    kind: str
    operation: str = ""
    times: int = 1
    skip: int = 0
    seconds: float = 0.0
    status: int = 502
    body: str = "<html><head><title>502 Bad Gateway</title></head></html>"
    body_base64: str = ""
    content_type: str = "text/html"
    headers: dict[str, str] = field(default_factory=dict)
    how: str = "fin"
    at: int = 0
    framed: bool = True
    code: str = ""
    done: bool = False  # kind "code": was the work carried out before the code is answered?

    def bytes(self) -> bytes:
        return base64.b64decode(self.body_base64) if self.body_base64 else self.body.encode()


class Faults:
    """The faults waiting to happen, oldest first; each use counts it down."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, operation: str, kinds: tuple[str, ...], *, done: bool | None = None) -> Fault | None:
        """The oldest fault of these kinds for this operation; `done` None: whether the work was done or not."""
        with self._lock:
            for fault in self._waiting:
                if fault.kind not in kinds or fault.operation not in ("", operation):
                    continue
                if done is not None and fault.done != done:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                if fault.times > 0:
                    fault.times -= 1
                    if fault.times == 0:
                        self._waiting.remove(fault)
                return fault
        return None

    def code(self, operation: str, *, done: bool) -> Fault | None:
        """The platform's own error code to answer now; `done` asks before (False) or after (True) the work."""
        return self.take(operation, ("code",), done=done)


class Platform(Protocol):
    """What a stand-in platform gives to the server."""

    faults: Faults

    def operation(self, request: Request) -> str: ...
    def answer(self, request: Request) -> Response: ...
    def back_door(self, method: str, name: str, body: Any) -> tuple[int, Any]: ...
    def now(self) -> float: ...
    def close(self) -> None: ...


class Server:
    """A platform listening on loopback. `with Server(platform) as server: server.url`."""

    def __init__(self, platform: Platform, host: str = "127.0.0.1", port: int = 0) -> None:
        self.platform = platform
        self.log: list[dict[str, Any]] = []
        self._log_lock = threading.Lock()
        self._httpd = _Threads((host, port), _handler(self))
        self.port: int = self._httpd.server_address[1]
        self.url = f"http://{host}:{self.port}"
        self._thread = threading.Thread(target=self._httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join(5)
        self.platform.close()

    def note(self, operation: str, request: Request, status: int | None, outcome: str) -> None:
        with self._log_lock:
            self.log.append(
                {"at": time.time(), "operation": operation, "method": request.method, "target": request.target,
                 "bytes": len(request.body), "status": status, "outcome": outcome}
            )

    def entrance(self, method: str, name: str, body: Any) -> tuple[int, Any]:
        """The back door's common part: faults, the request log, health. All else is the platform's."""
        faults = self.platform.faults
        match method, name:
            case "GET", "health":
                return 200, {"ok": True}
            case "POST", "faults":
                for one in body if isinstance(body, list) else [body]:
                    faults.add(Fault(**one))
                return 200, {"ok": True}
            case "DELETE", "faults":
                faults.clear()
                return 200, {"ok": True}
            case "GET", "requests":
                with self._log_lock:
                    return 200, list(self.log)
            case "DELETE", "requests":
                with self._log_lock:
                    self.log.clear()
                return 200, {"ok": True}
        return self.platform.back_door(method, name, body)


class _Threads(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._connections: set[Any] = set()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Kept-alive connections end too: a platform that is down answers nobody."""
        super().server_close()
        for connection in list(self._connections):
            with suppress(OSError):  # the client was faster
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is its own affair; a platform's error is answered by `_serve`."""


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline:
                self.close_connection = True
                return
            if not self.parse_request():
                return
            self._serve()

        def log_message(self, format: str, *args: Any) -> None:
            """The request log is kept by `Server.note`; stderr stays quiet."""

        def _serve(self) -> None:
            body = self._body()
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, body, tuple(self.headers.items()))
            if request.path.startswith("/_sandbox/"):
                self._back_door(request)
                return
            platform = server.platform
            operation = platform.operation(request)
            faults = platform.faults
            if faults.take(operation, ("down",)):
                server.note(operation, request, None, "down")
                self._hang_up("rst")
                return
            if fault := faults.take(operation, ("refuse",)):
                server.note(operation, request, fault.status, "refuse")
                self._send(_faulty(fault))
                return
            if fault := faults.take(operation, ("delay",)):
                time.sleep(fault.seconds)
            response = platform.answer(request)
            fault = faults.take(operation, ("lost", "hang", "wrong", "cut", "late"))
            server.note(operation, request, response.status, fault.kind if fault else "answered")
            match fault.kind if fault else "":
                case "lost":
                    assert fault
                    self._hang_up(fault.how)
                case "hang":
                    assert fault
                    time.sleep(fault.seconds)
                    self._hang_up("fin")
                case "wrong":
                    assert fault
                    self._send(_faulty(fault))
                case "cut":
                    assert fault
                    self._send(response, cut=fault.at, framed=fault.framed)
                    self._hang_up("fin")
                case "late":
                    assert fault
                    time.sleep(fault.seconds)
                    self._send(response)
                case _:
                    self._send(response)

        def _body(self) -> bytes:
            if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
                parts = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _back_door(self, request: Request) -> None:
            name = request.path.removeprefix("/_sandbox/")
            try:
                wish = json.loads(request.body) if request.body else None
                status, answer = server.entrance(request.method, name, wish)
            except (KeyError, TypeError, ValueError) as error:
                status, answer = 400, {"error": f"{type(error).__name__}: {error}"}
            body = json.dumps(answer, ensure_ascii=False).encode()
            self._send(Response(status, (("Content-Type", "application/json;charset=UTF-8"),), body))

        def _send(self, response: Response, cut: int | None = None, framed: bool = True) -> None:
            lines = [f"HTTP/1.1 {response.status} {self.responses.get(response.status, ('',))[0]}"]
            lines += [f"{name}: {value}" for name, value in response.headers]
            lines.append("Date: " + formatdate(server.platform.now(), usegmt=True))
            if framed:
                lines.append(f"Content-Length: {len(response.body)}")
            else:
                lines.append("Connection: close")
            head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
            if any(name.lower() == "connection" and value.lower() == "close" for name, value in response.headers):
                self.close_connection = True
            body = b"" if self.command == "HEAD" else response.body
            try:
                self.wfile.write(head + (body if cut is None else body[:cut]))
                self.wfile.flush()
            except OSError:
                self.close_connection = True

        def _hang_up(self, how: str) -> None:
            if how == "rst":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            try:
                self.connection.shutdown(socket.SHUT_RDWR) if how == "fin" else self.connection.close()
            except OSError:
                return

    return Handler


def _faulty(fault: Fault) -> Response:
    headers = (("Content-Type", fault.content_type), *fault.headers.items())
    return Response(fault.status, headers, fault.bytes())


Clock = Callable[[], float]

"""The stand-in grid platform as one HTTP service: transport rules, the order of checks, faults on request.

Holds the parts together; what each check means is written in `soap`, `security`, `rules` and `operations`. Must not
know the bridge.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import threading
import time
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from sandbox.grid import answers, soap
from sandbox.grid.back_door import BackDoor
from sandbox.grid.contract import ENDPOINT, SCHEMA_PATH, SECEXT_NS, WRITES, WSDL, XSD, Refusal
from sandbox.grid.controls import Controls
from sandbox.grid.department import Department
from sandbox.grid.operations import Call, carry_out
from sandbox.grid.security import Account, NonceMemory, authenticate
from sandbox.grid.store import Store
from sandbox.httpd import Faults, Request, Response

GATEWAY_BYTES = 40_000_000
DEFAULT_ACCOUNTS = {"huying_dg": "Example-Grid-2026"}

_log = logging.getLogger(__name__)
_SECURITY = f"{{{SECEXT_NS}}}Security"
_BUSY = Refusal(9001, "系统繁忙，请稍后再试")
_UNUSED = {"disabled": Refusal(1001, "认证失败：账号已停用"), "expired": Refusal(1001, "认证失败：账号已过期")}


class GridPlatform:
    """Satisfies `sandbox.httpd.Platform`.

    database: SQLite file, None = in memory. accounts: name to password, all of kind exchange. clock: epoch seconds.
    processing_seconds: how long an accepted request runs before it takes effect. late_seconds: how late at most a row
    shows in queryEvents (§6). gate: requests of one account at once before 9001 (§4).
    """

    def __init__(
        self, database: Path | None = None, *, accounts: dict[str, str] | None = None,
        clock: Callable[[], float] = time.time, processing_seconds: float = 0.0, late_seconds: float = 0.0,
        gate: int = 8,
    ) -> None:
        self.faults = Faults()
        self._store = Store(database)
        self._controls = Controls(
            clock, DEFAULT_ACCOUNTS if accounts is None else accounts, processing_seconds, late_seconds, gate
        )
        self._nonces = NonceMemory()
        self._department = Department(self._store, self._controls.moment)
        self._back_door = BackDoor(self._store, self._controls, self._department)
        self._traces = itertools.count(1)
        self._closing = threading.Event()

    def now(self) -> float:
        return self._controls.now()

    def close(self) -> None:
        self._closing.set()
        self._department.office.stop()
        self._store.close()

    def back_door(self, method: str, name: str, body: Any) -> tuple[int, Any]:
        return self._back_door.handle(method, name, body)

    def operation(self, request: Request) -> str:
        """One of the six operations, `wsdl`, `xsd`, or `unknown`."""
        if request.method == "POST" and request.path == ENDPOINT:
            return soap.operation_name(request.body)
        described = self._description(request)
        return "wsdl" if described is WSDL else "xsd" if described is XSD else "unknown"

    def answer(self, request: Request) -> Response:
        """Contract §1, then the checks of §4 in their order."""
        if len(request.body) > GATEWAY_BYTES:
            return _page(413, "Request Entity Too Large")
        if request.path not in (ENDPOINT, SCHEMA_PATH):
            return _page(404, "Not Found")
        if described := self._description(request):
            return Response(200, (answers.XML_TYPE,), described)
        if request.method != "POST" or request.path == SCHEMA_PATH:
            return _page(405, "Method Not Allowed", ("Allow", "POST" if request.path == ENDPOINT else "GET"))
        if not _is_utf8_xml(request.headers.get("content-type", "")):
            return _page(415, "Unsupported Media Type")
        try:
            return self._receive(request.body)
        except Exception:
            # What a container does with an error of its own: a fault whose outcome is unknown. The log tells why.
            _log.exception("the stand-in itself failed")
            return self._server_fault()

    def _description(self, request: Request) -> bytes | None:
        if request.method != "GET":
            return None
        if request.path == SCHEMA_PATH:
            return XSD
        if request.path != ENDPOINT:
            return None
        asked = parse_qsl(request.query, keep_blank_values=True)
        if any(name == "wsdl" for name, _ in asked):
            return WSDL
        return XSD if ("xsd", "GridEvent.xsd") in asked else None

    def _receive(self, body: bytes) -> Response:
        root = soap.parse(body)
        if isinstance(root, str):
            return _fault(answers.client_fault(root))
        if not soap.is_envelope(root):
            return _fault(answers.client_fault(f"unexpected element {root.tag}"))
        if not soap.is_soap_11(root):
            return _fault(answers.version_fault())
        head = soap.header(root)
        account = authenticate(head, self._controls.accounts(), self._nonces, self.now())
        if isinstance(account, str):
            return _fault(answers.security_fault(account))
        if names := soap.not_understood(head, _SECURITY):
            return _fault(answers.must_understand_fault(names))
        element = soap.operation_element(root)
        if isinstance(element, str):
            return _fault(answers.client_fault(element))
        arguments = soap.read_arguments(element)
        if isinstance(arguments, str):
            return _fault(answers.client_fault(arguments))
        return self._admit(Call(soap.local_name(element), arguments, account.username), account)

    def _admit(self, call: Call, account: Account) -> Response:
        with self._controls.slot(account.username) as free:
            if not free:
                return _result(call.operation, _BUSY)
            if fault := self.faults.code(call.operation, done=False):
                return self._coded(fault.code, call.operation)
            if self._controls.processing_seconds and self._closing.wait(self._controls.processing_seconds):
                return _page(503, "Service Unavailable")
            if account.kind in _UNUSED:
                return _result(call.operation, _UNUSED[account.kind])
            if account.kind == "readonly" and call.operation in WRITES:
                return _result(call.operation, Refusal(1002, f"没有权限：{call.operation}"))
            outcome = carry_out(call, self._store, self._controls.moment(), self._controls.damage())
            if isinstance(outcome, Refusal):
                return _result(call.operation, outcome)
            if fault := self.faults.code(call.operation, done=True):
                return self._coded(fault.code, call.operation)
            return Response(200, (answers.XML_TYPE,), answers.answer(call.operation, None, outcome.lines))

    def _coded(self, code: str, operation: str) -> Response:
        """The answer that a fault of kind `code` asks for: a resultCode, or fault-<local name of a faultcode>."""
        match code:
            case "9001":
                return _result(operation, _BUSY)
            case "9999":
                return _result(operation, Refusal(9999, "系统内部错误"))
            case "2003":
                return _result(operation, Refusal(2003, "阶段不允许：05→05"))
            case "1001":
                return _result(operation, _UNUSED["disabled"])
            case "1002":
                return _result(operation, Refusal(1002, f"没有权限：{operation}"))
            case "fault-Server":
                return self._server_fault()
            case "fault-InvalidSecurity" | "fault-FailedAuthentication":
                return _fault(answers.security_fault(code.removeprefix("fault-")))
        raise ValueError(f"fault code {code!r} is not known")

    def _server_fault(self) -> Response:
        trace_id = hashlib.sha256(f"trace {next(self._traces)}".encode()).hexdigest()[:16]
        return _fault(answers.server_fault(trace_id))


def _result(operation: str, refusal: Refusal) -> Response:
    return Response(200, (answers.XML_TYPE,), answers.answer(operation, refusal))


def _fault(body: bytes) -> Response:
    return Response(500, (answers.XML_TYPE,), body)


def _page(status: int, title: str, *headers: tuple[str, str]) -> Response:
    body = f"<html><head><title>{status} {title}</title></head><body><h1>{status} {title}</h1></body></html>"
    return Response(status, (("Content-Type", "text/html"), *headers), body.encode())


def _is_utf8_xml(content_type: str) -> bool:
    message = Message()
    message["Content-Type"] = content_type
    if message.get_content_type() != "text/xml" or not content_type:
        return False
    return str(message.get_param("charset", "utf-8")).lower() == "utf-8"

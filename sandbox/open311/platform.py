"""The server as HTTP sees it: path and format, limit, jurisdiction, key, operation, answer in its format.

Must not know what the operations check or store; that is `rules` and `registry`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from sandbox.httpd import Faults, Request, Response
from sandbox.open311 import deviations, rules
from sandbox.open311.back_door import BackDoor, check_switches
from sandbox.open311.contract import JURISDICTION, NOTICES, load
from sandbox.open311.damage import Damage
from sandbox.open311.department import Department
from sandbox.open311.refusal import Refused, refuse
from sandbox.open311.registry import Registry
from sandbox.open311.store import Store
from sandbox.open311.times import Bucket, ServerClock, Settings
from sandbox.open311.writing import TYPES, write_json, write_xml

EXAMPLE_KEYS = ("example-key",)
_CALLBACK = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.]{0,63}")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Route:
    """operation "unknown": no such path, method or format. name: the path's last part, decoded."""

    operation: str
    form: str = "xml"
    name: str = ""


class Open311Platform:
    """A GeoReport v2 server: satisfies `sandbox.httpd.Platform`.

    database: SQLite file, None = in memory. api_keys: those that may create. clock: epoch seconds. prefix: path before
    /requests; discovery and media stand at the root. first_number: the first request's number. settings: switches to
    begin with. mint: makes tokens.
    Faults of kind "code" name an HTTP status (404, 500, 503 …), answered in the contract's error form.
    """

    def __init__(
        self, database: Path | None = None, *, api_keys: Collection[str] = EXAMPLE_KEYS,
        clock: Callable[[], float] = time.time, prefix: str = "/v2", settings: Settings | None = None,
        first_number: int = 1, mint: Callable[[], str] = lambda: uuid.uuid4().hex[:12],
    ) -> None:  # fmt: skip
        self.faults = Faults()
        self.settings = settings or Settings()
        check_switches(self.settings.deviations, self.settings.jurisdiction)
        self._time = ServerClock(clock)
        self._keys, self._prefix = frozenset(api_keys), prefix.rstrip("/")
        self._store = Store(database, first_number)
        self._contract = load()
        self._registry = Registry(self._store, self._contract, self._time, self.settings, mint)
        self._bucket, self._damage = Bucket(clock), Damage()
        self._department = Department(self._registry, self._time)
        self._back_door = BackDoor(
            self._registry, self._time, self.settings, self._bucket, self._damage, self._department
        )  # fmt: skip

    # What the server asks for -----------------------------------------------------------------------------------------

    def now(self) -> float:
        """The server's clock, epoch seconds."""
        return self._time.now()

    def close(self) -> None:
        self._department.office.stop()
        self._store.close()

    def operation(self, request: Request) -> str:
        return self._route(request).operation

    def back_door(self, method: str, name: str, body: Any) -> tuple[int, Any]:
        return self._back_door.enter(method, name, body)

    def answer(self, request: Request) -> Response:
        route = self._route(request)
        if route.operation == "media":
            found = self._store.media(route.name)
            return Response(200, (("Content-Type", found[0]),), found[1]) if found else Response(404)
        if "error-200-html" in self.settings.deviations:
            return Response(200, (("Content-Type", "text/html"),), deviations.HTML)
        try:
            root, value = self._perform(route, request)
            self._fault(route, done=True)
            return self._written(200, route, request, root, value)
        except Refused as refused:
            said = refused
        except Exception:
            _log.exception("%s %s", request.method, request.target)
            said = refuse(500, "系统内部错误")
        response = self._written(said.status, route, request, "errors", said.errors)
        if said.retry_after is None:
            return response
        return Response(response.status, (*response.headers, ("Retry-After", str(said.retry_after))), response.body)

    # Operations -------------------------------------------------------------------------------------------------------

    def _route(self, request: Request) -> _Route:
        path = request.path
        if request.method in ("GET", "HEAD") and path.startswith("/media/"):
            return _Route("media", name=unquote(path.removeprefix("/media/")))
        found = re.fullmatch(r"(/.+)\.(json|xml)", path)
        if found is None:
            return _Route("unknown")
        form, stem = found[2], found[1]
        if stem == "/discovery":
            return _Route("discovery" if request.method == "GET" else "unknown", form)
        parts = stem.removeprefix(self._prefix + "/").split("/") if stem.startswith(self._prefix + "/") else []
        match request.method, parts:
            case "GET", ["services"]:
                return _Route("services", form)
            case "GET", ["services", code] if code:
                return _Route("definition", form, unquote(code))
            case "POST", ["requests"]:
                return _Route("create", form)
            case "GET", ["requests"]:
                return _Route("requests", form)
            case "GET", ["requests", request_id] if request_id:
                return _Route("request", form, unquote(request_id))
            case "GET", ["tokens", token] if token:
                return _Route("token", form, unquote(token))
        return _Route("unknown", form)

    def _perform(self, route: _Route, request: Request) -> tuple[str, Any]:
        """(XML root, value). Refused."""
        if self.settings.rate > 0:
            missing = self._bucket.take(self.settings.rate, self.settings.burst)
            if missing > 0:
                raise refuse(429, "请求过于频繁", int(missing) + 1)
        if route.operation == "unknown":
            raise refuse(404, "路径不存在")
        self._fault(route, done=False)
        query = rules.plain(parse_qsl(request.query, keep_blank_values=True))
        form = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True) if route.operation == "create" else []
        if route.operation == "discovery":
            return "discovery", self._discovery(request)
        self._check_jurisdiction((query | rules.plain(form)).get("jurisdiction_id"))
        match route.operation:
            case "services":
                return "services", list(self._contract.services.values())
            case "definition":
                definition = self._contract.definitions.get(self._code(route.name))
                if definition is None:
                    raise refuse(404, "service_code不存在")
                return "service_definition", definition
            case "create":
                return "service_requests", [self._create(request, form)]
            case "token":
                document, known = self._registry.of_token(route.name)
                told = {"service_request_id": document["service_request_id"]} if known else {}
                return "service_requests", [told | {"token": document["token"]}]
            case "request":
                return "service_requests", [self._view(self._registry.one(self._id(route.name)), request)]
        if "service_code" in query:
            query["service_code"] = ",".join(map(self._code, query["service_code"].split(",")))
        if "service_request_id" in query:
            query["service_request_id"] = ",".join(map(self._id, query["service_request_id"].split(",")))
        found = self._registry.list(rules.wish(query, self.settings, self._time.now()))
        return "service_requests", [self._view(document, request) for document in found]

    def _create(self, request: Request, form: list[tuple[str, str]]) -> dict[str, Any]:
        media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if media_type != "application/x-www-form-urlencoded":
            raise refuse(400, "Content-Type必须是application/x-www-form-urlencoded")
        if rules.plain(form).get("api_key") not in self._keys:
            raise refuse(403, "api_key缺失或无效")
        named = [(name, self._code(value) if name == "service_code" else value) for name, value in form]
        members = rules.new_request(self._contract, named)
        sent = json.dumps(sorted(pair for pair in named if pair[0] != "api_key"), ensure_ascii=False)
        fingerprint = hashlib.sha256(sent.encode()).hexdigest()
        if "duplicate-refused" in self.settings.deviations and self._store.by("fingerprint", fingerprint):
            refused = refuse(400, "")
            refused.errors = deviations.DUPLICATE  # type: ignore[assignment]  # its code is a number
            raise refused
        document = self._registry.create(members, fingerprint)
        kind = self._contract.services[document["service_code"]]["type"]
        notice = {"service_notice": NOTICES[kind], "account_id": None}
        if kind == "batch":
            return {"token": document["token"]} | notice
        return notice if kind == "blackbox" else {"service_request_id": document["service_request_id"]} | notice

    def _discovery(self, request: Request) -> dict[str, Any]:
        told = dict(self._contract.discovery)
        first = told["endpoints"][0] | {"url": self._public(request) + self._prefix}
        return told | {"endpoints": [first, *told["endpoints"][1:]]}

    # Parts ------------------------------------------------------------------------------------------------------------

    def _check_jurisdiction(self, given: str | None) -> None:
        if self.settings.jurisdiction == "ignored":
            return
        if given is None:
            raise refuse(400, "缺少jurisdiction_id")
        if given != JURISDICTION:
            raise refuse(404, "jurisdiction_id不存在")

    def _code(self, given: str) -> str:
        """A service_code as it is asked for, in spite of deviations that write it otherwise."""
        for code, service in self._contract.services.items():
            by_name = "wrapped-services" in self.settings.deviations and given == service["service_name"]
            by_number = "ids-and-codes-as-numbers" in self.settings.deviations and given == str(deviations.number(code))
            if by_name or by_number:
                return code
        return given

    def _id(self, given: str) -> str:
        if "ids-and-codes-as-numbers" not in self.settings.deviations or not given.isdigit():
            return given
        found = self._store.select([("number = ?", [int(given)])], "requested", 1)
        return str(found[0]["service_request_id"]) if found else given

    def _view(self, document: dict[str, Any], request: Request) -> dict[str, Any]:
        return self._damage.done_to(self._registry.view(document, self._public(request)))

    @staticmethod
    def _public(request: Request) -> str:
        return f"http://{request.headers.get('host', '127.0.0.1')}"

    def _fault(self, route: _Route, *, done: bool) -> None:
        fault = self.faults.code(route.operation, done=done)
        if fault is not None:
            wait = max(1, int(fault.seconds)) if fault.code in ("429", "503") else None
            raise refuse(int(fault.code), "后门所设故障", wait)

    def _written(self, status: int, route: _Route, request: Request, root: str, value: Any) -> Response:
        on = self.settings.deviations
        value = deviations.members(root, value, on, route.form)
        headers = (("Content-Type", TYPES[route.form]),)
        if route.form == "xml":
            return Response(status, headers, write_xml(root, value, typed="type-array" in on, spaced="namespace" in on))
        body = write_json(deviations.json_form(root, value, on))
        if "jsonp" in on:
            asked = dict(parse_qsl(request.query)).get("callback", "callback")
            name = asked if _CALLBACK.fullmatch(asked) else "callback"
            headers = (("Content-Type", "application/javascript; charset=utf-8"),)
            body = name.encode() + b"(" + body + b");"
        return Response(status, headers, body)

"""The platform as a server sees it: token, limit, scope, path, media type, size, idempotency, precondition, operation.

Must not know what the operations check or store; that is `rules` and `registry`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import re
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from sandbox.enforcement.back_door import BackDoor
from sandbox.enforcement.contract import PROBLEMS, SCOPES, load
from sandbox.enforcement.damage import Damage
from sandbox.enforcement.department import Department
from sandbox.enforcement.problems import Problem, TokenError, invalid
from sandbox.enforcement.registry import Registry, etag, shown
from sandbox.enforcement.store import Store
from sandbox.enforcement.times import Buckets, PlatformClock, Settings, write_time
from sandbox.enforcement.tokens import ask_token, client_of
from sandbox.httpd import Faults, Request, Response

EXAMPLE_CLIENTS = {"huying-lanshan": "example-client-secret"}
MOST_JSON = 1_048_576
MOST_FILE = 52_428_800
KEY_SECONDS = 7 * 86_400
_KEY = re.compile(r"[A-Za-z0-9._:-]{16,128}")
_JSON = "application/json; charset=utf-8"
_TYPES = re.compile(
    r"image/(jpeg|png|gif|bmp|webp)|video/mp4|audio/(mpeg|amr|wav)|text/plain|application/(pdf|ofd|zip|msword|"
    r"vnd\.ms-excel|vnd\.ms-powerpoint|vnd\.openxmlformats-officedocument\.[a-z.]+|octet-stream)"
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Route:
    operation: str
    scope: str = ""
    case: str = ""
    name: bytes = b""
    methods: tuple[str, ...] = ()


def _route(method: str, path: str) -> _Route:
    """operation "": no such path or method; `methods` are those the path knows."""
    match path.split("/")[1:]:
        case ["oauth2", "token"]:
            known = {"POST": _Route("token")}
        case ["v1", "cases"]:
            known = {"GET": _Route("listCases", "cases.read"), "POST": _Route("createCase", "cases.write")}
        case ["v1", "cases", case] if case:
            known = {"GET": _Route("getCase", "cases.read", case), "PATCH": _Route("patchCase", "cases.write", case)}
        case ["v1", "cases", case, "events"] if case:
            known = {"POST": _Route("postEvent", "cases.write", case)}
        case ["v1", "cases", case, "files", name] if case and name:
            segment = unquote_to_bytes(name)
            known = {"GET": _Route("getFile", "files.read", case, segment),
                     "PUT": _Route("putFile", "files.write", case, segment)}  # fmt: skip
        case _:
            known = {}
    return known.get(method, _Route("", methods=tuple(known)))


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


class EnforcementPlatform:
    """综合执法指挥平台, case exchange: satisfies `sandbox.httpd.Platform`.

    database: SQLite file, None = in memory. clients: client_id → client_secret. clock: epoch seconds. prefix: path before
    /v1 and /oauth2. settings: limits to begin with. mint: makes UUIDs. tokens: makes access tokens.
    """

    def __init__(
        self, database: Path | None = None, *, clients: dict[str, str] | None = None, clock: Callable[[], float] = time.time,
        prefix: str = "", settings: Settings | None = None, mint: Callable[[], str] = lambda: str(uuid.uuid4()),
        token: Callable[[], str] = lambda: f"eyJleGFtcGxlIjoidG9rZW4ifQ.{uuid.uuid4().hex}",
    ) -> None:  # fmt: skip
        self.faults = Faults()
        self._time = PlatformClock(clock)
        self.settings = settings or Settings()
        self._prefix, self._mint, self._token = prefix.rstrip("/"), mint, token
        self._store = Store(database)
        for name, secret in (EXAMPLE_CLIENTS if clients is None else clients).items():
            self._store.save_client(name, {"secret": secret, "disabled": False, "scopes": list(SCOPES)})
        self._registry = Registry(self._store, load(), self._time, self.settings, mint)
        self._buckets = Buckets(clock)
        self._damage = Damage()
        self._running: set[tuple[str, str, str]] = set()
        self._running_lock = threading.Lock()
        self._department = Department(self._registry, self._time)
        self._back_door = BackDoor(
            self._registry, self._time, self.settings, self._buckets, self._damage, self._department
        )

    # What the server asks for -----------------------------------------------------------------------------------------

    def now(self) -> float:
        return self._time.now()

    def close(self) -> None:
        self._department.office.stop()
        self._store.close()

    def back_door(self, method: str, name: str, body: Any) -> tuple[int, Any]:
        return self._back_door.enter(method, name, body)

    def operation(self, request: Request) -> str:
        """The contract's operationId, "unknown" for anything else."""
        path = request.path.removeprefix(self._prefix)
        return _route(request.method, path).operation or "unknown"

    def answer(self, request: Request) -> Response:
        """What the contract says to this request."""
        request_id = str(uuid.uuid4())
        common = (("X-Request-Id", request_id),)
        try:
            response = self._answer(request)
            return Response(response.status, (*common, *response.headers), response.body)
        except TokenError as error:
            challenge = (("WWW-Authenticate", 'Basic realm="zhzf"'),) if error.basic and error.status == 401 else ()
            kind = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
            told = _dump({"error": error.error, "error_description": error.description})
            return Response(error.status, (*common, *kind, *challenge), told)
        except Problem as problem:
            said = problem
        except Exception:
            _log.exception("%s %s", request.method, request.target)
            said = Problem("internal", "系统内部错误")
        headers = (*common, ("Content-Type", "application/problem+json; charset=utf-8"), *said.headers)
        return Response(said.status, headers, _dump(said.body(request_id)))

    # Order of checks: 401 → 429 → 403 → 404 → 415 → 413 → 400 → idempotency → 428 → 412 → 422 → 409 -------------------

    def _answer(self, request: Request) -> Response:
        if not request.path.startswith(self._prefix + "/"):
            raise Problem("not-found", "路径不存在")
        route = _route(request.method, request.path.removeprefix(self._prefix))
        if route.operation == "token":
            return self._ask_token(request)
        client, scopes = client_of(self._store, request, self._time.now())
        self._limit(client, self.settings.rate, self.settings.burst, f"每秒{self.settings.rate:g}次，突发{self.settings.burst:g}次")
        self._fault(route, done=False)
        if route.scope and route.scope not in scopes:
            bearer = f'Bearer realm="zhzf", error="insufficient_scope", scope="{route.scope}"'
            raise Problem("insufficient-scope", f"需要{route.scope}", [("WWW-Authenticate", bearer)])
        if not route.operation:
            if route.methods:
                raise Problem("method-not-allowed", request.method, [("Allow", ", ".join(route.methods))])
            raise Problem("not-found", "路径不存在")
        if route.case:
            self._registry.case(route.case)
        response = self._perform(route, request, client)
        self._fault(route, done=True)
        return response

    def _perform(self, route: _Route, request: Request, client: str) -> Response:
        match route.operation:
            case "listCases":
                return self._list(request)
            case "getCase":
                case = self._registry.case(route.case)
                tags = [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]
                if etag(case) in tags:
                    return Response(304, (("ETag", etag(case)),))
                return self._json(200, self._view(case), ("ETag", etag(case)))
            case "createCase":
                return self._once(route, request, client, required=True)
            case "postEvent":
                return self._once(route, request, client, required=False)
            case "patchCase":
                return self._patch(route, request, client)
            case "getFile":
                file, content = self._registry.file(route.case, _name(route.name))
                digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
                headers = (("Content-Type", file["contentType"]), ("Content-Digest", f"sha-256=:{digest}:"))
                return Response(200, headers, content)
        return self._put_file(route, request, client)

    def _ask_token(self, request: Request) -> Response:
        self._limit(f"token of {request.headers.get('authorization', '')}", self.settings.token_rate,
                    self.settings.token_burst, "令牌请求过于频繁")  # fmt: skip
        self._fault(_Route("token"), done=False)
        client, scope = ask_token(self._store, request)
        token = self._token()
        self._store.save_token(token, client, scope, self._time.now() + self.settings.token_seconds)
        body = {"access_token": token, "token_type": "Bearer", "expires_in": 900, "scope": scope}
        headers = (("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Pragma", "no-cache"))
        return Response(200, headers, _dump(body))

    def _list(self, request: Request) -> Response:
        values = _query(request.query)
        for name in ("cursor", "since", "limit"):
            if len(values.get(name, [])) > 1:
                raise Problem("invalid-parameter", f"{name}只能出现一次", parameter=name)
        cursor, since, limit = (values.get(name, [None])[0] for name in ("cursor", "since", "limit"))
        if cursor is not None and since is not None:
            raise Problem("invalid-parameter", "cursor与since只能用一个", parameter="since")
        if limit is not None and not (re.fullmatch(r"[0-9]{1,4}", limit) and 1 <= int(limit) <= 500):
            raise Problem("invalid-parameter", "limit必须在1到500之间", parameter="limit")
        cases, following = self._registry.page(cursor, since, int(limit or 100))
        return self._json(200, {"items": [self._view(case) for case in cases], "nextCursor": following})

    def _once(self, route: _Route, request: Request, client: str, *, required: bool) -> Response:
        """POST under the rules of Idempotency-Key (section 4)."""
        _media_type(request, ("application/json",))
        body = _body(request)
        key = request.headers.get("idempotency-key")
        target = f"POST {request.path}"
        if key is None:
            if required:
                raise Problem("idempotency-key-required", f"{target}必须带Idempotency-Key")
            return self._written(route, request, client, body)
        if not _KEY.fullmatch(key):
            raise Problem("idempotency-key-invalid", "必须是16到128个[A-Za-z0-9._:-]")
        claim = (client, target, key)
        with self._running_lock:
            if claim in self._running:
                raise Problem("idempotency-in-progress", "请稍后以同一键重试", [("Retry-After", "1")])
            self._running.add(claim)
        try:
            with self._store.change():
                known = self._store.key(*claim, self._time.now() - KEY_SECONDS)
                if known is not None:
                    return _replay(known, body)
                response = self._written(route, request, client, body)
                answer = [response.status, [list(one) for one in response.headers], response.body.decode()]
                self._store.save_key(*claim, self._time.now(), body, answer)
                return response
        finally:
            with self._running_lock:
                self._running.discard(claim)

    def _written(self, route: _Route, request: Request, client: str, body: Any) -> Response:
        if route.operation == "createCase":
            case = self._registry.create(body, {"name": client, "agency": None}, client)
            return self._json(201, self._view(case), ("Location", f"/v1/cases/{case['id']}"), ("ETag", etag(case)))
        wanted = request.headers.get("if-match")
        with self._store.change():
            if wanted is not None:
                self._match(wanted, route.case)
            event, case = self._registry.event(route.case, body)
        return self._json(201, event, ("ETag", etag(case)))

    def _patch(self, route: _Route, request: Request, client: str) -> Response:
        _media_type(request, ("application/merge-patch+json", "application/json"),
                    (("Accept-Patch", "application/merge-patch+json"),))  # fmt: skip
        body = _body(request)
        wanted = request.headers.get("if-match", "*").strip()
        if wanted == "*":
            raise Problem("precondition-required", "PATCH必须带If-Match")
        with self._store.change():
            self._match(wanted, route.case)
            case = self._registry.patch(route.case, body, {"name": client, "agency": None})
        return self._json(200, self._view(case), ("ETag", etag(case)))

    def _match(self, wanted: str, case_id: str) -> None:
        present = etag(self._registry.case(case_id))
        if present not in [tag.strip() for tag in wanted.split(",")]:
            raise Problem("precondition-failed", "现版本见ETag", [("ETag", present)])

    def _put_file(self, route: _Route, request: Request, client: str) -> Response:
        media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if not _TYPES.fullmatch(media_type):
            raise Problem("unsupported-media-type", media_type)
        if len(request.body) > MOST_FILE:
            raise Problem("payload-too-large", f"文件最多{MOST_FILE}字节")
        name = _name(route.name)
        promised = request.headers.get("content-digest")
        digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
        if promised is not None and promised != f"sha-256=:{digest}:":
            raise Problem("digest-mismatch", "sha-256不符")
        if not request.body:
            raise invalid([{"pointer": "#", "code": "too_short", "detail": "文件不能为空"}])
        with self._store.change():
            file, case, new = self._registry.put_file(
                route.case, name, media_type, request.body, {"name": client, "agency": None},
                only_new=request.headers.get("if-none-match") == "*",
            )  # fmt: skip
        tag = ("ETag", etag(case))
        if not new:
            return self._json(200, file, tag)
        return self._json(201, file, ("Location", f"/v1/cases/{route.case}/files/{quote(name, safe='')}"), tag)

    # Parts ------------------------------------------------------------------------------------------------------------

    def _limit(self, name: str, rate: float, burst: float, detail: str) -> None:
        missing = self._buckets.take(name, rate, burst)
        if missing > 0:
            raise Problem("rate-limited", detail, [("Retry-After", str(int(missing) + 1))])

    def _fault(self, route: _Route, *, done: bool) -> None:
        """A problem asked for through the back door: `code` is its name, `seconds` its Retry-After."""
        fault = self.faults.code(route.operation or "unknown", done=done)
        if fault is None:
            return
        wait = str(max(1, int(fault.seconds)))
        if fault.code == "unavailable":
            wait = formatdate(self._time.now() + max(1, int(fault.seconds)), usegmt=True)
        headers = [("Retry-After", wait)] if fault.code in ("rate-limited", "unavailable", "idempotency-in-progress") else []
        raise Problem(fault.code, PROBLEMS[fault.code][1], headers)

    def _view(self, case: dict[str, Any]) -> dict[str, Any]:
        return self._damage.done_to(shown(case))

    @staticmethod
    def _json(status: int, body: Any, *headers: tuple[str, str]) -> Response:
        return Response(status, (("Content-Type", _JSON), *headers), _dump(body))


def _replay(known: tuple[float, Any, Any], body: Any) -> Response:
    at, first, (status, headers, text) = known
    if _plain(first) != _plain(body):
        clock = PlatformClock(lambda: at)
        raise Problem("idempotency-key-reused", f"该键于{write_time(clock.moment())}用于另一内容")
    told = tuple((str(name), str(value)) for name, value in headers)
    return Response(status, (*told, ("Idempotency-Replayed", "true")), text.encode())


def _plain(value: Any) -> Any:
    """The same JSON value, comparable: true is not 1, 1.0 is."""
    if isinstance(value, bool) or value is None:
        return ("word", value)
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _media_type(request: Request, known: tuple[str, ...], headers: tuple[tuple[str, str], ...] = ()) -> None:
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type not in known:
        raise Problem("unsupported-media-type", media_type, headers)


def _body(request: Request) -> Any:
    if len(request.body) > MOST_JSON:
        raise Problem("payload-too-large", f"JSON正文最多{MOST_JSON}字节")
    try:
        text = request.body.decode("utf-8")
        value = json.loads(text, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()  # lone surrogates are no text
    except json.JSONDecodeError as error:
        raise Problem("malformed-body", f"第{error.lineno}行第{error.colno}列") from None
    except (ValueError, RecursionError):
        raise Problem("malformed-body", "第1行第1列") from None
    return value


def _no_constant(word: str) -> Any:
    raise ValueError(word)


def _query(query: str) -> dict[str, list[str]]:
    """Raw + is a space; broken UTF-8 never matches anything."""
    found: dict[str, list[str]] = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        plain = unquote_to_bytes(value.replace("+", " ")).decode("utf-8", "replace")
        found.setdefault(unquote_to_bytes(name).decode("utf-8", "replace"), []).append(plain)
    return found


def _name(segment: bytes) -> str:
    try:
        name = segment.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem("invalid-file-name", "不是UTF-8") from None
    if not 1 <= len(name) <= 200 or name in (".", "..") or re.search(r"[/\\\x00-\x1f\x7f-\x9f]", name):
        raise Problem("invalid-file-name", name)
    return name



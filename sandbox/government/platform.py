"""The platform as a server sees it: gateway, signature, token, limit, function, operation (contract section 4).

Must not know what the operations check or store; that is `rules` and `registry`.
"""

from __future__ import annotations

import gzip
import hmac
import json
import logging
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.government import rules, signing
from sandbox.government.actions import step_of
from sandbox.government.back_door import BackDoor
from sandbox.government.contract import FUNCTIONS, load
from sandbox.government.department import Department
from sandbox.government.files import disposition, parse_upload
from sandbox.government.limits import Buckets, Counter
from sandbox.government.refusal import Refusal
from sandbox.government.registry import Registry
from sandbox.government.settings import PlatformClock, Settings
from sandbox.government.store import Store
from sandbox.government.views import Damage, file_entry
from sandbox.httpd import Faults, Request, Response

EXAMPLE_APPS = {"LSAPP0001": "example-secret-0f9e8d7c6b5a4938"}
MOST_BODY_BYTES = 26_214_400
WINDOW_MS = 300_000
NONCE_KEPT_MS = 600_000
_SHORTEST_GZIP = 1024

_APP_KEY = re.compile(r"[A-Za-z0-9_-]{4,64}")
_TIMESTAMP = re.compile(r"[0-9]{13}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{8,64}")
_HTML = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"  # noqa: E501
_FAULT_TEXTS = {
    "4004": "呼叫不存在",
    "4010": "令牌无效或已过期",
    "4012": "签名校验失败",
    "4022": "参数错误[body]：不是有效的JSON",
    "4029": "请求过于频繁",
    "5000": "系统内部错误",
}

_log = logging.getLogger(__name__)


def new_id(kind: str) -> str:
    """A random id in lower-case hex: 64 digits for a token, 32 for anything else (file, trace)."""
    return secrets.token_hex(32 if kind == "token" else 16)


@dataclass(frozen=True)
class _Route:
    """The operation a request asks for; `operand` is the callNo or fileId of its path."""

    operation: str
    function: str = ""
    operand: str = ""


def _route(method: str, path: str) -> _Route:
    match method, path.split("/")[1:]:
        case "POST", ["api", "auth", "token"]:
            return _Route("createToken")
        case "GET", ["api", "calls"]:
            return _Route("listCalls", "call:read")
        case "POST", ["api", "calls"]:
            return _Route("createCall", "call:create")
        case "GET", ["api", "calls", number] if number:
            return _Route("getCall", "call:read", number)
        case "POST", ["api", "calls", number, "actions"] if number:
            return _Route("postAction", "call:action", number)
        case "POST", ["api", "files"]:
            return _Route("uploadFile", "file:write")
        case "GET", ["api", "files", number] if number:
            return _Route("downloadFile", "file:read", number)
    return _Route("unknown")


class GovernmentPlatform:
    """智慧岚山政务服务平台, call exchange: satisfies `sandbox.httpd.Platform`.

    database: SQLite file, None = in memory. apps: appKey → appSecret. clock: epoch seconds; skewed or frozen through
    the back door it becomes the platform's clock, unskewed it drives the limits. late_seconds: a list row becomes
    visible up to this long after its updateTime. prefix: deployment path the gateway strips ("/lszw"). rate, burst: the
    token bucket (a second, requests). gateway_rate: requests a second and app key. mint: makes ids, see `new_id`.
    """

    def __init__(
        self,
        database: Path | None = None,
        *,
        apps: dict[str, str] | None = None,
        clock: Callable[[], float] = time.time,
        late_seconds: float = 0.0,
        prefix: str = "",
        rate: float = 20,
        burst: int = 40,
        gateway_rate: int = 60,
        mint: Callable[[str], str] = new_id,
    ) -> None:
        self.faults = Faults()
        self._clock = clock
        self._time = PlatformClock(clock)
        self._settings = Settings(late_seconds=late_seconds, rate=rate, burst=burst, gateway_rate=gateway_rate)
        self._prefix = prefix.rstrip("/")
        self._mint = mint
        self._store = Store(database)
        for key, secret in (EXAMPLE_APPS if apps is None else apps).items():
            self._store.save_app(key, {"secret": secret, "disabled": False, "functions": list(FUNCTIONS)})
        self._registry = Registry(
            self._store,
            load(),
            now_ms=self._time.now_ms,
            mint=mint,
            late_ms=lambda: int(self._settings.late_seconds * 1000),
        )
        self._buckets = Buckets()
        self._counter = Counter()
        self._damage = Damage()
        self._department = Department(self._registry, self._store, self._time.now_ms)
        self._back_door = BackDoor(
            self._registry, self._store, self._time, self._settings, self._buckets, self._damage, self._department
        )

    # What the server asks for -----------------------------------------------------------------------------------------

    def now(self) -> float:
        """The platform's clock, epoch seconds (skewed or frozen as told)."""
        return self._time.now()

    def close(self) -> None:
        self._department.office.stop()
        self._store.close()

    def back_door(self, method: str, name: str, body: Any) -> tuple[int, Any]:
        return self._back_door.enter(method, name, body)

    def operation(self, request: Request) -> str:
        """The contract's operationId, "unknown" for anything else."""
        target = self._inner_target(request)
        return _route(request.method, target.partition("?")[0]).operation if target is not None else "unknown"

    def answer(self, request: Request) -> Response:
        """Gateway first, then the platform; an envelope for everything the platform itself says."""
        if len(request.body) > MOST_BODY_BYTES:
            return _page(413, "413 Request Entity Too Large")
        key = _header(request, "x-app-key")
        if key and self._counter.count(key, self._clock()) > self._settings.gateway_rate:
            return Response(429)
        target = self._inner_target(request)
        if target is None:
            return _page(404, "404 Not Found")
        try:
            return self._platform(request, target)
        except Refusal as refusal:
            status = 401 if refusal.code == "4012" else 200
            return self._envelope(request, status, refusal.code, refusal.msg, refusal.data)
        except Exception:
            _log.exception("%s %s", request.method, request.target)
            return self._envelope(request, 200, "5000", _FAULT_TEXTS["5000"], None)

    def _inner_target(self, request: Request) -> str | None:
        """The target without scheme, host and deployment prefix; None for what never reaches the platform."""
        target = re.sub(r"^https?://[^/?]*", "", request.target)
        if not self._prefix:
            return target
        return target[len(self._prefix) :] if target.startswith(self._prefix + "/") else None

    # Order of checks --------------------------------------------------------------------------------------------------

    def _platform(self, request: Request, target: str) -> Response:
        path, _, query = target.partition("?")
        route = _route(request.method, path)
        if route.operation == "createToken":
            return self._create_token(request)
        if not path.startswith("/api/"):
            raise Refusal("4004", "接口不存在")
        key, app = self._check_signature(request, target.encode("latin-1"))
        self._check_token(request, key)
        self._fault(route, done=False)
        self._check_limit(key, app)
        if route.operation == "unknown":
            raise Refusal("4004", "接口不存在")
        if app["disabled"]:
            raise Refusal("4003", "应用已停用")
        if route.function not in app["functions"]:
            raise Refusal("4003", f"应用无权调用{route.function}")
        response = self._perform(route, request, key, query.encode("latin-1"))
        self._fault(route, done=True)
        return response

    def _check_signature(self, request: Request, target: bytes) -> tuple[str, dict[str, Any]]:
        key, timestamp, nonce, signature = (
            _header(request, name) for name in ("x-app-key", "x-timestamp", "x-nonce", "x-sign")
        )
        for pattern, value in ((_APP_KEY, key), (_TIMESTAMP, timestamp), (_NONCE, nonce)):
            if pattern.fullmatch(value) is None:
                raise Refusal("4012", "签名头缺失或格式错误")
        if not signature:
            raise Refusal("4012", "签名头缺失或格式错误")
        app = self._store.app(key)
        if app is None:
            raise Refusal("4012", "appKey或appSecret错误")
        now = self._time.now_ms()
        if abs(now - int(timestamp)) > WINDOW_MS:
            raise Refusal("4012", "时间戳超出允许范围")
        if not signing.is_sound(target):
            raise Refusal("4012", "签名校验失败")
        text = signing.string_to_sign(request.method, target, timestamp, nonce, request.body)
        if not hmac.compare_digest(signing.sign(app["secret"], text).encode(), signature.encode("latin-1")):
            raise Refusal("4012", "签名校验失败")
        if not self._store.remember_nonce(key, nonce, now, NONCE_KEPT_MS):
            raise Refusal("4012", "nonce重复")
        return key, app

    def _check_token(self, request: Request, key: str) -> None:
        token = _header(request, "x-token")
        present = self._store.token(key)
        if present is None or present[1] <= self._time.now_ms() or present[0] != token:
            raise Refusal("4010", "令牌无效或已过期")

    def _check_limit(self, key: str, app: dict[str, Any]) -> None:
        rate, burst = app.get("rate", self._settings.rate), app.get("burst", self._settings.burst)
        wait = self._buckets.take(key, self._clock(), rate, burst)
        if wait:
            raise Refusal("4029", "请求过于频繁", {"retryAfter": wait})

    def _fault(self, route: _Route, *, done: bool) -> None:
        """The error a test asked for. Before the work it comes after the token check: a stale token does not eat it."""
        fault = self.faults.code(route.operation, done=done)
        if fault is None:
            return
        if fault.code == "4003":
            raise Refusal("4003", f"应用无权调用{route.function}" if route.function else "应用已停用")
        data = {"retryAfter": max(1, int(fault.seconds))} if fault.code == "4029" else None
        raise Refusal(fault.code, _FAULT_TEXTS.get(fault.code, "系统内部错误"), data)

    # Operations -------------------------------------------------------------------------------------------------------

    def _create_token(self, request: Request) -> Response:
        key, secret = rules.token_request(_json(request))
        app = self._store.app(key)
        if app is None or not hmac.compare_digest(app["secret"].encode(), secret.encode()):
            raise Refusal("4012", "appKey或appSecret错误")
        route = _Route("createToken")
        self._fault(route, done=False)
        self._check_limit(key, app)
        if app["disabled"]:
            raise Refusal("4003", "应用已停用")
        token = self._mint("token")
        self._store.save_token(key, token, self._time.now_ms() + int(self._settings.token_seconds * 1000))
        self._fault(route, done=True)
        return self._success(request, {"token": token, "expiresIn": 7200})

    def _perform(self, route: _Route, request: Request, key: str, query: bytes) -> Response:
        registry, damage = self._registry, self._damage
        match route.operation:
            case "listCalls":
                after, before, page_no, size = rules.list_query(signing.query_pairs(query))
                total, rows = registry.page(after, before, page_no, size)
                records = [damage.done_to(row) for row in rows]
                return self._success(request, {"total": total, "pageNo": page_no, "records": records})
            case "getCall":
                return self._success(request, damage.done_to(registry.detail(route.operand)))
            case "createCall":
                fields = rules.call_create(_json(request), registry.contract)
                return self._success(request, registry.create_by_app(key, fields))
            case "postAction":
                checked = rules.action_create(_json(request), registry.contract, self._time.now_ms())
                return self._success(request, registry.act_by_app(route.operand, step_of(checked)))
            case "uploadFile":
                kind, encoding = _header(request, "content-type"), _header(request, "content-encoding")
                file = registry.keep_file(parse_upload(kind, encoding, request.body))
                return self._success(request, file_entry(file))
            case "downloadFile":
                file, content = registry.file(route.operand)
                headers = (
                    ("Content-Type", file.mime),
                    ("Content-Disposition", disposition(file.name)),
                    ("X-Content-SM3", file.sm3),
                )
                return Response(200, headers, content)
        raise ValueError(f"no operation {route.operation}")

    # Answers ----------------------------------------------------------------------------------------------------------

    def _success(self, request: Request, data: Any) -> Response:
        return self._envelope(request, 200, "0000", "成功", data)

    def _envelope(self, request: Request, status: int, code: str, msg: str, data: Any) -> Response:
        envelope = {"code": code, "msg": msg, "data": data, "traceId": self._mint("trace")}
        # Damage may hold lone surrogates; everything else is sound Unicode.
        body = json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json;charset=UTF-8"),)
        if len(body) >= _SHORTEST_GZIP and _takes_gzip(_header(request, "accept-encoding")):
            body = gzip.compress(body, 1, mtime=0)
            headers += (("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding"))
        return Response(status, headers, body)


def _json(request: Request) -> dict[str, Any]:
    return rules.parse_object(request.body, _header(request, "content-type"), _header(request, "content-encoding"))


def _header(request: Request, name: str) -> str:
    """The header's value without the white space around it; "" if it is missing or there more than once."""
    values = [value for key, value in request.header_list if key.lower() == name]
    return values[0].strip(" \t") if len(values) == 1 else ""


def _takes_gzip(accept: str) -> bool:
    for offer in accept.lower().split(","):
        coding, _, quality = offer.partition(";")
        if coding.strip() == "gzip":
            return re.fullmatch(r"q=0(\.0*)?", quality.strip()) is None
    return False


def _page(status: int, title: str) -> Response:
    headers = (("Content-Type", "text/html"), ("Connection", "close"))
    return Response(status, headers, _HTML.format(title).encode())

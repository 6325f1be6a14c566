"""The platform as a server sees it: address, size, XML, method, head, method's work (contract sections 1 to 5).

Must not know what the methods check or store; that is `rules` and `registry`.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from sandbox.city import charset, reading, rules, times, views, writing
from sandbox.city.back_door import BackDoor
from sandbox.city.contract import METHODS, load
from sandbox.city.department import Department
from sandbox.city.refusal import Refusal, bad
from sandbox.city.registry import Registry, shuffled
from sandbox.city.settings import PlatformClock, Settings, checked_lag
from sandbox.city.store import Store
from sandbox.city.views import Damage
from sandbox.httpd import Faults, Request, Response

EXAMPLE_USERS = {"huying_jx": "莒县示例2026"}
PATH = "/dcms/service.do"
CONTENT_TYPE = "text/xml; charset=GB18030"
MOST_BODY_BYTES = 16 * 1024 * 1024
WINDOW_SECONDS = 600

_WRONG_DIGEST = "摘要校验失败"
_CLOCKS_APART = "时钟偏差超过10分钟"
_log = logging.getLogger(__name__)


def page(status: int, title: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """What the application server in front says: HTML."""
    text = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><hr/>Apache Tomcat</body></html>"
    return Response(status, (("Content-Type", "text/html;charset=utf-8"), *headers), text.encode())


class CityPlatform:
    """莒县数字化城市管理平台, data exchange: satisfies `sandbox.httpd.Platform`.

    database: SQLite file, None = in memory. users: user → password. clock: epoch seconds; skewed or frozen through the
    back door it becomes the platform's clock, unskewed it drives publication. publish_seconds: a change is published up
    to this long after it is made, 0 to 30 (section 6). gbk_inside: section 3's installation option. second_form,
    odd_style, media_base: see `Settings`; `serve` sets media_base unless it is given. first_seq: seq of the very first
    change, positive 64-bit. number: the 7 digits of a task or media from its serial of the day, see `shuffled`.
    """

    def __init__(
        self,
        database: Path | None = None,
        *,
        users: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
        publish_seconds: float = 0.0,
        gbk_inside: bool = False,
        second_form: bool = False,
        odd_style: bool = False,
        media_base: str = "",
        first_seq: int = 884_121,
        number: Callable[[int], int] = shuffled,
    ) -> None:
        self.faults = Faults()
        self._time = PlatformClock(clock)
        self.settings = Settings(checked_lag(publish_seconds), gbk_inside, second_form, odd_style, media_base)
        self._store = Store(database)
        for user, password in (EXAMPLE_USERS if users is None else users).items():
            self._store.save_user(user, password)
        self.registry = Registry(
            self._store, load(), self.settings, clock=clock, now=self._time.now, first_seq=first_seq, number=number
        )
        self._damage = Damage()
        department = Department(self.registry, self._store, self._time.now)
        self._department = department
        self._back_door = BackDoor(self.registry, self._store, self._time, self.settings, self._damage, department)

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
        """The contract's method, "unknown" for anything else."""
        method = _method(request)
        return method if request.method == "POST" and request.path == PATH and method in METHODS else "unknown"

    def answer(self, request: Request) -> Response:
        """HTML where the application server speaks, XML with HTTP 200 for everything the platform itself says."""
        if request.path != PATH:
            return page(404, "404 Not Found")
        if request.method != "POST":
            return page(405, "405 Method Not Allowed", (("Allow", "POST"),))
        if len(request.body) > MOST_BODY_BYTES:
            return page(413, "413 Request Entity Too Large", (("Connection", "close"),))
        try:
            return self._said(request, "0", "", self._platform(request))
        except Refusal as refusal:
            return self._said(request, refusal.code, refusal.message, ())
        except Exception:
            _log.exception("%s %s", request.method, request.target)
            return page(500, "500 Internal Server Error")

    # Order of checks (section 4) --------------------------------------------------------------------------------------

    def _platform(self, request: Request) -> Sequence[writing.Node]:
        envelope = reading.parse(request.body)
        method = _method(request)
        if method not in METHODS:
            bad("method", "取值不正确" if method else "不能为空")
        user = self._check_head(envelope)
        self._fault(method, envelope.body, done=False)
        body = self._perform(method, envelope, user)
        self._fault(method, envelope.body, done=True)
        return body

    def _check_head(self, envelope: reading.Envelope) -> str:
        """The user, known and on time."""
        if not envelope.user:
            bad("head.user", "不能为空")
        if not envelope.time:
            bad("head.time", "不能为空")
        said = times.read(envelope.time)
        if said is None:
            bad("head.time", "格式不正确")
        if not envelope.digest:
            bad("head.digest", "不能为空")
        password = self._store.password(envelope.user)
        if password is None:
            raise Refusal("101", _WRONG_DIGEST)
        right = digest(envelope.user, envelope.time, password)
        if not hmac.compare_digest(right.encode(), envelope.digest.encode()):
            raise Refusal("101", _WRONG_DIGEST)
        if abs(self.now() - said.timestamp()) > WINDOW_SECONDS:
            raise Refusal("102", _CLOCKS_APART)
        return envelope.user

    def _fault(self, method: str, body: Mapping[str, str], *, done: bool) -> None:
        """The code a test asked for. It comes after the head's checks: a wrong digest does not eat it."""
        fault = self.faults.code(method, done=done)
        if fault is None:
            return
        texts = {
            "101": _WRONG_DIGEST,
            "102": _CLOCKS_APART,
            "201": "字段错误:taskNum:取值不正确",
            "202": f"记录不存在:{body.get('taskNum', '')}",
            "203": f"步骤不允许:到{body.get('step', '')}",
            "301": "系统繁忙",
        }
        if fault.code not in texts:
            raise ValueError(f"a fault with a code that the contract does not have: {fault.code}")
        raise Refusal(fault.code, texts[fault.code])

    # Methods ----------------------------------------------------------------------------------------------------------

    def _perform(self, method: str, envelope: reading.Envelope, user: str) -> Sequence[writing.Node]:
        registry, body = self.registry, envelope.body
        match method:
            case "changes":
                since, limit = rules.changes_query(body)
                found, more = registry.changes(since, limit)
                return views.feed(found, found[-1].seq if found else since, more)
            case "task":
                view = views.whole(registry.find(rules.task_num(body)), registry.media_url)
                return [views.task(self._damage.done_to(view))]
            case "report":
                fields = rules.report(envelope.task, registry.contract)
                return [writing.Leaf("taskNum", registry.report(fields, user, user=user))]
            case "step":
                task_num = rules.task_num(body)
                registry.step(task_num, rules.step(body, registry.contract, self.now()))
                return ()
        task_num = rules.task_num(body)
        kind, content = rules.media(body)
        return [writing.Leaf("mediaId", registry.attach(task_num, kind, content))]

    def _said(self, request: Request, code: str, message: str, body: Sequence[writing.Node]) -> Response:
        style = writing.Style(self.settings.second_form, self.settings.odd_style)
        raw = self._damage.done_to_bytes(self.operation(request), writing.answer(code, message, body, style))
        return Response(200, (("Content-Type", CONTENT_TYPE),), raw)


def digest(user: str, said: str, password: str) -> str:
    """Section 2: the bytes one after the other, no separator."""
    raw = charset.encode(user) + said.encode("ascii") + charset.encode(password)
    return hashlib.md5(raw, usedforsecurity=False).hexdigest().upper()


def _method(request: Request) -> str:
    """The first `method` of the query, "" without one."""
    return parse_qs(request.query).get("method", [""])[0]

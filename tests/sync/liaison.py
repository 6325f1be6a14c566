"""乡镇联络员系统: a small REST platform of our own invention, as the next one might be. Offset pages, HTTP Basic, its own
words and steps, actions by POST. Its interface, as its owner would hand it over:

GET /api/matters?from=0&count=20&changedSince=2026-10-26 08:00:00 · ?sourceNo=…   oldest change first, count at most 50
GET /api/matters/{bh} · POST /api/matters · POST /api/matters/{bh}/acts {act, when, who, unit, words, until}
Answers: {"result": "ok", "info": "", "payload": …}; result dup: sourceNo was there before; bad: a field is wrong; step:
the step forbids it; none: no such matter. The same act again (act, when, who, words) is stored once.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from sandbox.httpd import Faults, Request, Response

LOGIN, PASSWORD = "huying", "Example-Liaison-2026"
STEPS: dict[str, dict[str, str]] = {
    "waiting": {"take": "taken", "send": "sent", "do": "doing", "answer": "answered", "finish": "over", "giveback": "back",
                "drop": "gone"},
    "taken": {"send": "sent", "do": "doing", "answer": "answered", "finish": "over", "giveback": "back", "drop": "gone"},
    "sent": {"do": "doing", "answer": "answered", "finish": "over", "giveback": "back", "drop": "gone"},
    "doing": {"answer": "answered", "finish": "over", "giveback": "back", "drop": "gone"},
    "answered": {"finish": "over", "redo": "doing", "giveback": "back", "drop": "gone"},
    "over": {"redo": "doing"},
    "back": {"again": "waiting", "drop": "gone"},
    "gone": {},
}  # fmt: skip
KINDS = ("R1", "R2", "W1", "Z9")
GIVEN = ("sourceNo", "topic", "narrative", "kindCode", "heat", "townCode", "place", "lon", "lat", "contactName", "contactTel",
         "deadline")  # fmt: skip


class LiaisonPlatform:
    """Keeps matters in memory. clock: seconds since 1970."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.faults = Faults()
        self._clock, self._lock = clock, threading.Lock()
        self._matters: dict[str, dict[str, Any]] = {}

    def now(self) -> float:
        return self._clock()

    def close(self) -> None:
        """Nothing is open."""

    def operation(self, request: Request) -> str:
        if request.method == "GET":
            return "list" if request.path == "/api/matters" else "detail"
        return "create" if request.path == "/api/matters" else "act"

    def answer(self, request: Request) -> Response:
        told = "Basic " + base64.b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()
        if request.headers.get("authorization") != told:
            return _answer(401, "auth", "账号或密码错误")
        with self._lock:
            found = re.fullmatch(r"/api/matters(?:/([^/]+)(/acts)?)?", request.path)
            if not found:
                return _answer(404, "none", "没有这个地址")
            number, acts = found[1], found[2]
            if request.method == "GET" and not number:
                return self._list(dict(parse_qsl(request.query)))
            if number and number not in self._matters:
                return _answer(404, "none", "没有这件事")
            if request.method == "GET":
                return _answer(200, "ok", payload=self._matters[number])
            body = json.loads(request.body)
            return self._act(self._matters[number], body) if acts else self._create(body)

    def back_door(self, method: str, name: str, body: Any) -> tuple[int, Any]:
        """The liaison officers: `create`, `act`; `records`."""
        with self._lock:
            if name == "records":
                return 200, list(self._matters.values())
            response = self._create(body) if name == "create" else self._act(self._matters[body["bh"]], body)
            return response.status, json.loads(response.body)["payload"]

    def _time(self) -> str:
        return datetime.fromtimestamp(self._clock(), ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%d %H:%M:%S")

    def _list(self, asked: dict[str, str]) -> Response:
        rows = sorted(self._matters.values(), key=lambda one: (one["changedAt"], one["bh"]))
        rows = [one for one in rows if one["changedAt"] >= asked.get("changedSince", "")
                and asked.get("sourceNo") in (None, one["sourceNo"])]  # fmt: skip
        start, count = int(asked.get("from", 0)), min(int(asked.get("count", 20)), 50)
        return _answer(200, "ok", payload={"matters": rows[start : start + count], "sum": len(rows)})

    def _create(self, body: dict[str, Any]) -> Response:
        wrong = [name for name in ("topic", "narrative", "townCode") if not body.get(name)]
        wrong += ["kindCode"] if body.get("kindCode") not in KINDS else []
        if wrong or set(body) - set(GIVEN):
            return _answer(400, "bad", f"{(wrong or sorted(set(body) - set(GIVEN)))[0]}: 有误")
        same = next((one for one in self._matters.values() if body.get("sourceNo") and one["sourceNo"] == body["sourceNo"]), None)
        if same:
            return _answer(200, "dup", payload={"bh": same["bh"], "step": same["step"]})
        number, now = f"LL{len(self._matters) + 1:05d}", self._time()
        matter = {"bh": number, **{name: body.get(name) for name in GIVEN}, "heat": body.get("heat") or 3, "step": "waiting",
                  "registeredAt": now, "changedAt": now, "trail": []}  # fmt: skip
        self._matters[number] = matter
        self._store(matter, {"act": "register", "when": now, "who": "登记员", "words": ""}, "waiting")
        return _answer(200, "ok", payload={"bh": number, "step": "waiting"})

    def _act(self, matter: dict[str, Any], body: dict[str, Any]) -> Response:
        act = body.get("act")
        body = {"when": self._time(), "who": "联络员", **body}
        for one in matter["trail"]:
            if all(one[name] == body.get(name) for name in ("act", "when", "who", "words")):
                return _answer(200, "dup", payload={"no": one["no"], "step": matter["step"]})
        if act == "note" and not body.get("words"):
            return _answer(400, "bad", "words: 必填")
        if act != "note" and act not in STEPS[matter["step"]]:
            return _answer(409, "step", f"act: {matter['step']} 时不能 {act}")
        after = matter["step"] if act == "note" else STEPS[matter["step"]][str(act)]
        return _answer(200, "ok", payload={"no": self._store(matter, body, after), "step": after})

    def _store(self, matter: dict[str, Any], body: dict[str, Any], after: str) -> int:
        number = len(matter["trail"]) + 1
        matter["trail"].append({"no": number, "act": body["act"], "after": after, "when": body["when"], "who": body["who"],
                                "unit": body.get("unit"), "words": body.get("words")})  # fmt: skip
        if body.get("until"):
            matter["deadline"] = body["until"]
        matter["step"], matter["changedAt"] = after, self._time()
        return number


def _answer(status: int, result: str, info: str = "", payload: Any = None) -> Response:
    body = json.dumps({"result": result, "info": info, "payload": payload}, ensure_ascii=False).encode()
    return Response(status, (("Content-Type", "application/json;charset=UTF-8"),), body)

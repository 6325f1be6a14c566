"""A small caller of the stand-in city platform, written from the contract, that checks every answer against city.xsd.

It digests, encodes and reads by its own code, so that the stand-in is not tested against itself.
"""

from __future__ import annotations

import hashlib
import http.client
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from lxml import etree

from sandbox.city import CityPlatform, CityServers, serve

CONTRACT = Path(__file__).parents[2] / "docs" / "contracts" / "city"
SAMPLES = CONTRACT / "samples"
USER, PASSWORD = "huying_jx", "莒县示例2026"
START = 1792977300.0  # 2026-10-26 09:15:00 in Rizhao
DECLARATION = '<?xml version="1.0" encoding="GB18030"?>\n'


@lru_cache(maxsize=1)
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(CONTRACT / "city.xsd")))


def vectors() -> Any:
    return json.loads((CONTRACT.parent / "vectors.json").read_text(encoding="utf-8"))


def wire_time(epoch: float) -> str:
    """yyyyMMddHHmmss in Rizhao."""
    return (datetime.fromtimestamp(epoch, UTC) + timedelta(hours=8)).strftime("%Y%m%d%H%M%S")


def digest(user: str, said: str, password: str) -> str:
    raw = user.encode("gb18030") + said.encode("ascii") + password.encode("gb18030")
    return hashlib.md5(raw).hexdigest().upper()


def read(raw: bytes) -> etree._Element:
    """An answer's root, after the codec's private-use code points have been replaced and the schema has agreed."""
    private = {int(row[3][2:], 16): int(row[0][2:], 16) for row in vectors()["gb18030"]["two_forms"]["rows"]}
    text = raw.decode("gb18030").translate(private)
    assert text.startswith(DECLARATION)
    root = etree.fromstring(text.removeprefix(DECLARATION).encode())
    _schema().assertValid(root)
    return root


class Clock:
    """A clock that goes only when told. Epoch seconds."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def root(self) -> etree._Element:
        assert self.status == 200, self.raw
        return read(self.raw)

    @property
    def said(self) -> tuple[str, str]:
        """(code, message)"""
        root = self.root
        code, message = root.findtext("head/code") or "", root.findtext("head/message") or ""
        body = root.find("body")
        assert body is not None
        assert not message if code == "0" else len(body) == 0
        return code, message

    @property
    def code(self) -> str:
        return self.said[0]

    @property
    def fault(self) -> str:
        """What follows 字段错误: in a 201."""
        code, message = self.said
        assert code == "201", message
        return message.removeprefix("字段错误:")

    def text(self, path: str) -> str:
        assert self.said == ("0", ""), self.said
        return self.root.findtext(f"body/{path}") or ""


@dataclass(frozen=True)
class Page:
    """One answer of `changes`."""

    rows: list[tuple[int, str]]
    last: int
    more: bool


def elements(fields: Mapping[str, Any]) -> str:
    """Elements of these texts; None leaves one out, a mapping nests."""
    return "".join(
        f"<{name}>{elements(value) if isinstance(value, Mapping) else escape(str(value))}</{name}>"
        for name, value in fields.items()
        if value is not None
    )


@dataclass
class Caller:
    """One user of the exchange."""

    port: int
    clock: Clock
    user: str = USER
    password: str = PASSWORD

    def wire(
        self, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The request exactly so."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, target, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers.items()), response.read())
        finally:
            connection.close()

    def head(self, **change: str | None) -> dict[str, str | None]:
        said = wire_time(self.clock.now)
        return {"user": self.user, "time": said, "digest": digest(self.user, said, self.password)} | change

    def post(self, method: str, raw: bytes) -> Answer:
        answer = self.wire("POST", f"/dcms/service.do?method={method}", raw, {"Content-Type": "text/xml; charset=GB18030"})
        if answer.status == 200:
            assert answer.headers["Content-Type"] == "text/xml; charset=GB18030"
        return answer

    def raw(self, fields: Mapping[str, Any], head: Mapping[str, str | None] | None = None) -> str:
        """The text of a request."""
        parts = {"head": self.head() if head is None else head, "body": fields}
        return f"{DECLARATION}<request>{elements(parts)}</request>"

    def call(self, method: str, fields: Mapping[str, Any], head: Mapping[str, str | None] | None = None) -> Answer:
        return self.post(method, self.raw(fields, head).encode("gb18030"))

    def report(self, **fields: Any) -> Answer:
        return self.call("report", {"task": new_task(**fields)})

    def reported(self, **fields: Any) -> str:
        """The number of a new task."""
        return self.report(**fields).text("taskNum")

    def step(self, task_num: str, step: str, **fields: Any) -> Answer:
        body: dict[str, Any] = {"taskNum": task_num, "step": step, "opinion": "测试", "dept": None, "operator": "吴示例"}
        if step == "103":
            body["dept"] = "JX002"
        return self.call("step", body | {"time": wire_time(self.clock.now)} | fields)

    def media(self, task_num: str, content: str, kind: str = "png") -> Answer:
        return self.call("media", {"taskNum": task_num, "type": kind, "content": content})

    def task(self, task_num: str) -> dict[str, Any]:
        """By element name; steps and medias as lists."""
        element = self.call("task", {"taskNum": task_num}).root.find("body/task")
        assert element is not None
        return {
            str(child.tag): [{str(leaf.tag): leaf.text or "" for leaf in row} for row in child]
            if child.tag in ("steps", "medias")
            else child.text or ""
            for child in element
        }

    def changes(self, since: int = 0, limit: int | None = None) -> Page:
        answer = self.call("changes", {"since": since, "limit": limit})
        rows = [(int(row.get("seq", "")), row.get("taskNum", "")) for row in answer.root.iterfind("body/change")]
        return Page(rows, int(answer.text("last")), answer.text("more") == "true")


def new_task(**fields: Any) -> dict[str, Any]:
    """The required fields of a report; None takes one away."""
    return {
        "outerCode": None, "recType": "2", "mainType": "01", "subType": "02", "title": "村西沟边堆放建筑垃圾",
        "description": "夜间有人倾倒建筑垃圾约三车。", "source": "5", "streetCode": "371122104",
    } | fields  # fmt: skip


@dataclass
class Rig:
    """A served platform with a caller, a clock that stands, and the back door."""

    platform: CityPlatform
    servers: CityServers
    clock: Clock
    caller: Caller

    def door(self, method: str, name: str, /, body: Any = None) -> tuple[int, Any]:
        """(HTTP status, JSON) of the back door."""
        raw = None if body is None else json.dumps(body).encode()
        answer = self.caller.wire(method, f"/_sandbox/{name}", raw)
        return answer.status, json.loads(answer.raw)

    def tell(self, name: str, /, **body: Any) -> Any:
        status, answer = self.door("POST", name, body)
        assert status == 200, answer
        return answer

    def fault(self, kind: str, **more: Any) -> None:
        self.tell("faults", kind=kind, **more)

    def led(self, *steps: str, **fields: Any) -> str:
        """A new task of the caller's, led through these steps by officials."""
        task_num = self.caller.reported(**fields)
        for step in steps:
            self.tell("officials/step", taskNum=task_num, step=step)
        return task_num

    def download(self, url: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
        parts = urlsplit(url)
        assert parts.hostname and parts.port
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
        try:
            connection.request(method, parts.path, headers=dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers.items()), response.read())
        finally:
            connection.close()


# The shortest way from a new task to each state.
PATHS: dict[str, Sequence[str]] = {
    "": (),
    "101": ("101",),
    "102": ("102",),
    "103": ("102", "103"),
    "104": ("102", "103", "104"),
    "105": ("102", "103", "105"),
    "106": ("102", "103", "105", "106"),
    "107": ("102", "103", "105", "106", "107"),
    "108": ("102", "103", "105", "106", "108"),
    "109": ("102", "103", "105", "106", "108", "109"),
    "201": ("201",),
    "299": ("299",),
}


@contextmanager
def rig(database: Path | None = None, now: float = START, **options: Any) -> Iterator[Rig]:
    clock = Clock(now)
    platform = CityPlatform(database, clock=clock, **options)
    with serve(platform) as servers:
        yield Rig(platform, servers, clock, Caller(servers.exchange.port, clock))

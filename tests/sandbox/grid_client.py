"""A small client of the grid interface, written from the contract's pages alone, for the tests of the stand-in.

Must not use anything of `sandbox.grid` but to start it: what both sides share would not be tested.
Test modules take the fixture by `grid = pytest.fixture(running)`.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import requests
from lxml import etree

from sandbox.grid import GridPlatform
from sandbox.httpd import Server

CONTRACT = Path(__file__).parents[2] / "docs" / "contracts" / "grid"
SAMPLES = CONTRACT / "samples"

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
EV = "http://grid.example.gov.cn/event/v1"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DIGEST_TYPE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
BASE64_TYPE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"

USER, PASSWORD = "huying_dg", "Example-Grid-2026"
XML = "text/xml; charset=utf-8"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
REPORTED = (
    "sourceId", "title", "eventType", "level", "stage", "gridCode", "townCode", "villageCode", "reporter",
    "reporterTel", "caller", "callerTel", "address", "lng", "lat", "content", "happenTime", "mainDept", "assistDepts",
    "limitTime", "attachments", "extend",
)

_nonces = itertools.count(1)
_schema = etree.XMLSchema(etree.parse(str(CONTRACT / "GridEvent.xsd")))


def digest(nonce: bytes, created: str, password: str) -> str:
    return base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode()).digest()).decode()


def created_text(at: float) -> str:
    """Epoch seconds as clients send them: UTC, three decimals, Z."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Token:
    """A UsernameToken as text; every part can be bent."""

    created: str
    user: str = USER
    password: str = PASSWORD
    nonce: bytes = field(default_factory=lambda: hashlib.md5(f"n{next(_nonces)}".encode()).digest())
    digest_text: str = ""
    type_attribute: str = f' Type="{DIGEST_TYPE}"'
    encoding_attribute: str = f' EncodingType="{BASE64_TYPE}"'
    nonce_text: str = ""
    extra: str = ""

    def xml(self) -> str:
        proof = self.digest_text or digest(self.nonce, self.created, self.password)
        nonce = self.nonce_text or base64.b64encode(self.nonce).decode()
        return (
            f"<wsse:UsernameToken><wsse:Username>{escape(self.user)}</wsse:Username>"
            f"<wsse:Password{self.type_attribute}>{escape(proof)}</wsse:Password>"
            f"<wsse:Nonce{self.encoding_attribute}>{nonce}</wsse:Nonce>"
            f"<wsu:Created>{self.created}</wsu:Created>{self.extra}</wsse:UsernameToken>"
        )


def security(inner: str, attributes: str = ' soapenv:mustUnderstand="1"') -> str:
    return f'<wsse:Security{attributes} xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}">{inner}</wsse:Security>'


def envelope(headers: str, body: str, soap: str = SOAP, prolog: str = DECLARATION) -> bytes:
    return (
        f'{prolog}<soapenv:Envelope xmlns:soapenv={quoteattr(soap)} xmlns:ev="{EV}">'
        f"<soapenv:Header>{headers}</soapenv:Header><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    ).encode()


def operation_xml(operation: str, members: dict[str, Any] | str) -> str:
    inner = members if isinstance(members, str) else "".join(_member(name, value) for name, value in members.items())
    return f"<ev:{operation}>{inner}</ev:{operation}>"


def _member(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        inner = "".join(_member(key, one) for key, one in value.items())
    elif isinstance(value, list):
        single = {"assistDepts": "dept", "attachments": "attachment", "extend": "item"}[name]
        inner = "".join(_member(single, one) for one in value)
    elif isinstance(value, bytes):
        inner = base64.b64encode(value).decode()
    else:
        inner = escape(str(value))
    return f"<ev:{name}>{inner}</ev:{name}>"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; the SOAP parts are read on demand."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def payload(self) -> etree._Element:
        """The first element in Body, checked against the XSD unless it is a fault."""
        root = etree.fromstring(self.body, etree.XMLParser(huge_tree=True))
        element = root[0][0]
        if self.status == 200:
            _schema.assertValid(element)
        return element

    def text(self, name: str) -> str:
        found = self.payload.find(f"{{{EV}}}{name}")
        assert found is not None, self.body.decode()
        return found.text or ""

    @property
    def code(self) -> int:
        return int(self.text("resultCode"))

    @property
    def message(self) -> str:
        return self.text("resultMsg")

    @property
    def result(self) -> tuple[int, str]:
        """resultCode and resultMsg; a refusal must hold nothing else."""
        payload = self.payload
        assert self.code == 0 or len(payload) == 2
        return self.code, self.message

    def events(self) -> list[etree._Element]:
        return list(self.payload.iter(f"{{{EV}}}event"))

    def ids(self) -> list[str]:
        return [str(one.findtext(f"{{{EV}}}eventId")) for one in self.events()]


def plain(event: etree._Element) -> dict[str, Any]:
    """An event as plain values: lists for wrappers, None for nil."""
    out: dict[str, Any] = {}
    for child in event:
        name = etree.QName(child).localname
        if name == "assistDepts":
            out[name] = [one.text or "" for one in child]
        elif name in ("processes", "attachments", "extend"):
            out[name] = [{etree.QName(part).localname: part.text or "" for part in one} for one in child]
        elif any(attribute.endswith("}nil") for attribute in map(str, child.attrib)):
            out[name] = None
        else:
            out[name] = child.text or ""
    return out


class GridClient:
    """One exchange account at one stand-in; `clock` gives the epoch seconds put into tokens."""

    def __init__(
        self, url: str, user: str = USER, password: str = PASSWORD, clock: Callable[[], float] = time.time
    ) -> None:
        self.url = url
        self.user = user
        self.password = password
        self.clock = clock
        self.session = requests.Session()
        self.session.trust_env = False

    def token(self, **bent: Any) -> Token:
        return Token(**{"created": created_text(self.clock()), "user": self.user, "password": self.password, **bent})

    def post(self, body: bytes, content_type: str | None = XML, path: str = "/services/GridEventService") -> Answer:
        headers = {} if content_type is None else {"Content-Type": content_type}
        got = self.session.post(self.url + path, data=body, headers=headers, timeout=30)
        return Answer(got.status_code, dict(got.headers), got.content)

    def call(self, operation: str, members: dict[str, Any] | str) -> Answer:
        return self.post(envelope(security(self.token().xml()), operation_xml(operation, members)))

    def report(self, **members: Any) -> Answer:
        """reportEvent with the required fields filled unless given; a None leaves a field out."""
        event: dict[str, Any] = {"title": "标题", "eventType": "99", "townCode": "371102110", "content": "内容"}
        event |= members
        assert set(event) <= set(REPORTED)
        return self.call("reportEvent", {"event": {name: event[name] for name in REPORTED if name in event}})

    def update(self, event_id: str | None, stage: str | None, **members: Any) -> Answer:
        arguments: dict[str, Any] = {"eventId": event_id, "stage": stage, "handler": "王测试"} | members
        order = ("eventId", "stage", "opinion", "handleDept", "handler", "handleTime", "attachments")
        assert set(arguments) <= set(order)
        return self.call("updateEvent", {name: arguments[name] for name in order if name in arguments})

    def query(self, since: str, until: str, page: int = 1, size: int = 200) -> Answer:
        return self.call("queryEvents", {"updatedFrom": since, "updatedTo": until, "pageNo": page, "pageSize": size})

    def event(self, event_id: str) -> dict[str, Any]:
        answer = self.call("getEvent", {"eventId": event_id})
        assert answer.code == 0, answer.message
        return plain(answer.events()[0])

    def door(self, name: str, body: Any = None, method: str = "") -> tuple[int, Any]:
        """The back door: status and JSON."""
        verb = method or ("GET" if body is None else "POST")
        data = None if body is None else json.dumps(body).encode()
        got = self.session.request(verb, f"{self.url}/_sandbox/{name}", data=data, timeout=30)
        return got.status_code, got.json()

    def act(self, name: str, /, **body: Any) -> Any:
        """A back-door act that must succeed."""
        status, answer = self.door(name, body)
        assert status == 200, answer
        return answer


@dataclass
class Hands:
    """A clock that moves only when told to; epoch seconds."""

    at: float

    def __call__(self) -> float:
        return self.at


START = datetime(2026, 10, 26, 1, 15, 30, tzinfo=UTC).timestamp()  # 09:15:30 Beijing


@dataclass
class Grid:
    """A running stand-in, its clock, and a client of the default account."""

    client: GridClient
    hands: Hands
    server: Server

    def other(self, user: str, password: str, kind: str) -> GridClient:
        """A client of a further account."""
        self.client.act("accounts", username=user, password=password, kind=kind)
        return GridClient(self.server.url, user, password, self.hands)


def running() -> Iterator[Grid]:
    """The fixture's body: a stand-in with an empty memory whose clock stands at START."""
    hands = Hands(START)
    with Server(GridPlatform(clock=hands)) as server:
        yield Grid(GridClient(server.url, clock=hands), hands, server)

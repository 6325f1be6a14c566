"""Stands: a platform on loopback with its officials, one for every adapter in the registry. Rules know nothing else of
a platform; a new adapter needs one entry in `OFFICIALS`.
"""

from __future__ import annotations

import itertools
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, cast

from adapters.port import Ability, Adapter, Connection, Surroundings, WireRecord
from adapters.registry import ADAPTERS, build_of
from sandbox.government.platform import GovernmentPlatform
from sandbox.grid.platform import GridPlatform
from sandbox.httpd import Request, Response, Server
from tests.contract import enforcement_stand, open311_stand, pending_stand
from tests.contract.city_stand import City
from tests.contract.petition_stand import Petition

PERSON = ("王守密", "13912345678")
ABROAD = "😀𬭎𠮷"
NOWHERE = "http://127.0.0.1:9"
NOTHING: Mapping[str, str] = MappingProxyType({})


class Clock:
    """The time of adapter and platform alike; only sleeping and `pass_time` move it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = datetime(2026, 10, 26, 4, 0, tzinfo=UTC)

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def seconds(self) -> float:
        return self.now().timestamp()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._now += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Stored:
    """What the platform's own database holds of one record. remarks: opinions of its history, oldest first."""

    native_id: str
    reference: str
    title: str
    text: str
    remarks: tuple[str, ...]


class Officials(Protocol):
    """What the rules need of a platform: its people, its words, its operations."""

    login: str
    password: str
    operations: Mapping[str, str]  # create update edit list fetch find read_file acknowledge -> the operation's name on the wire
    busy: Mapping[str, Any]  # a fault: busy, certainly not carried out
    shift_field: str
    abroad: str  # rare characters that the platform holds
    title_field: str
    address: str  # the form of its addresses; nobody is there
    without: Mapping[str, str]  # rules that cannot be asked of this kind of platform, and why

    def platform(self, clock: Callable[[], float]) -> Any: ...
    def wire(self, platform: Any) -> Any: ...  # None: HTTP, whose server has faults and a log of its own
    def create(self, stand: Stand, title: str, count: int = 1) -> list[str]: ...
    def touch(self, stand: Stand, native_id: str) -> None: ...
    def spoil(self, stand: Stand, native_id: str) -> None: ...
    def late(self, stand: Stand, seconds: float) -> None: ...
    def stored(self, stand: Stand) -> list[Stored]: ...
    def body(self, reference: str, title: str, text: str) -> dict[str, Any]: ...
    def remark(self, stand: Stand, text: str) -> dict[str, Any]: ...
    def illegal(self, stand: Stand) -> dict[str, Any]: ...
    def refused(self, reference: str) -> tuple[dict[str, Any], str]: ...
    def shown(self, record: WireRecord) -> Stored: ...
    def files(self, record: WireRecord) -> list[Mapping[str, str]]: ...


class LateOfficials(Protocol):
    """What the rules of late receipts need besides."""

    def handed_over(self, stand: Stand, reference: str) -> dict[str, Any]: ...  # a body; from now on receipts come late
    def batch(self, stand: Stand) -> None: ...  # the platform takes up what was handed over


class EditOfficials(Protocol):
    """What the rules of changing fields need besides."""

    def change(self, title: str) -> dict[str, Any]: ...  # a body that changes the title alone
    def emptying(self) -> tuple[dict[str, Any], Callable[[WireRecord], bool]]: ...  # a body, and: is the field empty?


class Grid:
    login, password = "huying_dg", "Example-Grid-2026"
    operations = MappingProxyType({"create": "reportEvent", "update": "updateEvent", "list": "queryEvents",
                                   "fetch": "getEvent", "find": "findBySourceId"})  # fmt: skip
    busy = MappingProxyType({"kind": "code", "code": "9001"})
    shift_field = "updateTime"
    abroad, title_field, address, without = ABROAD, "title", NOWHERE, NOTHING

    def wire(self, platform: Any) -> Any:
        return None

    def platform(self, clock: Callable[[], float]) -> Any:
        return GridPlatform(clock=clock)

    def create(self, stand: Stand, title: str, count: int = 1) -> list[str]:
        event = {"stage": "05", "title": title, "content": "内容", "eventType": "03", "townCode": "371103103", "count": count}
        return list(stand.at("officials/create", event)["eventIds"])

    def touch(self, stand: Stand, native_id: str) -> None:
        stand.at("officials/edit", {"eventId": native_id, "set": {"address": f"新址{next(stand.counter)}"}})

    def spoil(self, stand: Stand, native_id: str) -> None:
        stand.at("raw", {"eventId": native_id, "title": "粘贴\x0b而来&#x1B;", "updateTime": "0000-00-00 00:00:00"})

    def late(self, stand: Stand, seconds: float) -> None:
        stand.at("settings", {"late_seconds": seconds})

    def stored(self, stand: Stand) -> list[Stored]:
        return [self._stored(one) for one in stand.at("records", method="GET")]

    def _stored(self, event: Mapping[str, Any]) -> Stored:
        remarks = tuple(str(p["opinion"]) for p in event.get("processes") or ())
        return Stored(event["eventId"], event.get("sourceId") or "", event["title"], event["content"], remarks)

    def body(self, reference: str, title: str, text: str) -> dict[str, Any]:
        return {"sourceId": reference, "title": title, "content": text, "eventType": "03", "level": "2", "stage": "05",
                "townCode": "371103103", "caller": PERSON[0], "callerTel": PERSON[1]}  # fmt: skip

    def remark(self, stand: Stand, text: str) -> dict[str, Any]:
        return {"stage": "05", "handler": "王测试", "opinion": text}

    def illegal(self, stand: Stand) -> dict[str, Any]:
        return {"stage": "12", "handler": PERSON[0], "opinion": f"非法 {PERSON[1]}"}

    def refused(self, reference: str) -> tuple[dict[str, Any], str]:
        return {**self.body(reference, "标题", f"内容 {PERSON[1]}"), "eventType": "98"}, "eventType"

    def shown(self, record: WireRecord) -> Stored:
        return self._stored(record.body)

    def files(self, record: WireRecord) -> list[Mapping[str, str]]:
        return [{"id": one["attachId"], "name": one["name"], "size": one["size"]} for one in record.body["attachments"]]


class Government:
    login, password = "LSAPP0001", "example-secret-0f9e8d7c6b5a4938"
    operations = MappingProxyType({"create": "createCall", "update": "postAction", "list": "listCalls", "fetch": "getCall",
                                   "find": "listCalls"})  # fmt: skip
    busy = MappingProxyType({"kind": "code", "code": "4029", "seconds": 1})
    shift_field = "updateTime"
    abroad, title_field, address, without = ABROAD, "title", NOWHERE, NOTHING

    def wire(self, platform: Any) -> Any:
        return None

    def platform(self, clock: Callable[[], float]) -> Any:
        return GovernmentPlatform(clock=clock, rate=1000, burst=2000, gateway_rate=100000)

    def create(self, stand: Stand, title: str, count: int = 1) -> list[str]:
        call = {"title": title, "content": "内容", "itemCode": "LS0401", "townCode": "371103103", "callUnit": "高兴镇", "count": count}
        return list(stand.at("clerks/create", call)["callNos"])

    def touch(self, stand: Stand, native_id: str) -> None:
        stand.at("clerks/edit", {"callNo": native_id, "set": {"address": f"新址{next(stand.counter)}"}})

    def spoil(self, stand: Stand, native_id: str) -> None:
        stand.at("damage", {"callNo": native_id, "set": {"updateTime": "昨天", "title": None}, "remove": ["status"]})

    def late(self, stand: Stand, seconds: float) -> None:
        stand.at("settings", {"late_seconds": seconds})

    def stored(self, stand: Stand) -> list[Stored]:
        return [self._stored(one) for one in stand.at("records", method="GET")]

    def _stored(self, call: Mapping[str, Any]) -> Stored:
        remarks = tuple(str(e["opinion"] or "") for e in call.get("timeline") or ())
        return Stored(call["callNo"], call.get("outerNo") or "", call["title"], call["content"], remarks)

    def body(self, reference: str, title: str, text: str) -> dict[str, Any]:
        return {"outerNo": reference, "title": title, "content": text, "itemCode": "LS0101", "channel": "CALLER",
                "urgency": "NORMAL", "townCode": "371103103", "callUnit": "高兴镇", "fileIds": [],
                "contact": {"name": PERSON[0], "phone": PERSON[1], "secret": False}}  # fmt: skip

    def remark(self, stand: Stand, text: str) -> dict[str, Any]:
        return {"action": "PROGRESS", "opinion": text, "operator": "王测试", "deptCode": "371103103",
                "operateTime": int(stand.clock.seconds() * 1000) + next(stand.counter)}  # fmt: skip

    def illegal(self, stand: Stand) -> dict[str, Any]:
        return {**self.remark(stand, f"非法 {PERSON[1]}"), "action": "RATE", "operator": PERSON[0]}

    def refused(self, reference: str) -> tuple[dict[str, Any], str]:
        return {**self.body(reference, "标题", f"内容 {PERSON[1]}"), "itemCode": "LS7777"}, "itemCode"

    def shown(self, record: WireRecord) -> Stored:
        return self._stored(record.body)

    def files(self, record: WireRecord) -> list[Mapping[str, str]]:
        return [{"id": one["fileId"], "name": one["name"], "size": str(one["size"])} for one in record.body["files"]]


OFFICIALS: Mapping[str, Officials] = MappingProxyType({
    "city": City(), "grid": Grid(), "government": Government(), "petition": Petition(),
    "enforcement": enforcement_stand.Enforcement(), "open311": open311_stand.Open311(extensions=True),
    "georeport": open311_stand.Open311(extensions=False), "pending": pending_stand.Pending(),
})  # fmt: skip
ADAPTER: Mapping[str, str] = MappingProxyType({
    "enforcement": "rest", "open311": "rest", "georeport": "rest", "pending": "rest",
})  # fmt: skip
"""The adapter of a stand that is not called like it: one adapter may have several stands."""
SETTINGS: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "government": {"burst": 40, "requests_per_second": 20, "file_note_dept": "371103103"},
    "enforcement": enforcement_stand.SETTINGS, "open311": open311_stand.EXTENDED, "georeport": open311_stand.STANDARD,
    "pending": pending_stand.SETTINGS,
})  # fmt: skip
"""Settings that a stand's adapter always has."""


@dataclass
class Stand:
    """One platform, and adapters for it. answers: the bytes of all answers so far. changed: what stands between rules
    and adapter (mutants), nothing by default."""

    slug: str
    officials: Officials
    server: Server
    clock: Clock
    folder: Path
    changed: Callable[[Adapter], Adapter] = lambda adapter: adapter
    answers: list[bytes] = field(default_factory=list)
    counter: Iterator[int] = field(default_factory=itertools.count)
    touched: int = 0
    wire: Any = None

    def adapter(self, *, url: str = "", password: str = "", **settings: Any) -> Any:
        """An adapter as a worker of its own has it; typed loosely, since rules ask for abilities first."""
        state = self.folder / f"state-{password or 'right'}"
        state.mkdir(exist_ok=True)
        surroundings = Surroundings(self.clock.now, os.urandom, self.clock.sleep, state)
        address = self.wire.address(url, right=not password) if self.wire else url or self.server.url
        connection = Connection(self.slug, address, self.officials.login, password or self.officials.password)
        made = build_of(adapter_of(self.slug))(self.slug, {**SETTINGS.get(self.slug, {}), **settings}, connection, surroundings)
        return self.changed(self.wire.attach(made) if self.wire else made)

    def at(self, name: str, body: Any = None, method: str = "POST") -> Any:
        status, answer = self.server.entrance(method, name, body)
        assert status == 200, (name, answer)
        return answer

    def fault(self, operation: str, **fault: Any) -> None:
        """A fault to an operation by the port's name ("" = all)."""
        name = self.officials.operations.get(operation, "")
        if self.wire:
            self.wire.fault(name, **fault)
        else:
            self.at("faults", {"operation": name, **fault})

    def heal(self) -> None:
        if self.wire:
            self.wire.heal()
        else:
            self.at("faults", method="DELETE")

    def requests(self, operation: str = "") -> int:
        name = self.officials.operations.get(operation, "")
        if self.wire:
            return int(self.wire.requests(name))
        return sum(name in ("", one["operation"]) for one in self.server.log)

    def slowed(self) -> bool:
        """Was any answer held back so far?"""
        if self.wire:
            return bool(self.wire.slowed)
        return any(one["outcome"] == "late" for one in self.server.log)

    def people_create(self, title: str = "官方", count: int = 1) -> list[str]:
        return self.officials.create(self, title, count)

    def people_touch(self, native_id: str) -> None:
        """An edit: the record's time of change, and so its place in the list, moves."""
        self.touched += 1
        self.officials.touch(self, native_id)

    def stored(self) -> list[Stored]:
        return self.officials.stored(self)

    def one(self, reference: str) -> Stored:
        """The only stored record that carries the reference."""
        (found,) = [one for one in self.stored() if one.reference == reference]
        return found

    def count(self, reference: str) -> int:
        return sum(one.reference == reference for one in self.stored())

    def body(self, reference: str, title: str = "罐车倾倒污水", text: str = "巡查发现。") -> dict[str, Any]:
        return self.officials.body(reference, title, text)


@contextmanager
def stand(slug: str, folder: Path, changed: Callable[[Adapter], Adapter] | None = None) -> Iterator[Stand]:
    """A stand of its own."""
    officials, clock = OFFICIALS[slug], Clock()
    platform = officials.platform(clock.seconds)
    answers: list[bytes] = []
    answer = platform.answer

    def remembered(request: Request) -> Response:
        response = cast(Response, answer(request))
        answers.append(response.body)
        return response

    platform.answer = remembered
    wire = officials.wire(platform)
    with Server(platform) as server:
        try:
            yield Stand(slug, officials, server, clock, folder, changed or (lambda adapter: adapter), answers, wire=wire)
        finally:
            if wire:
                wire.close()


@contextmanager
def nobody() -> Iterator[str]:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def abilities(slug: str) -> frozenset[Ability]:
    """As the adapter says itself; nothing is sent for it."""
    officials = OFFICIALS[slug]
    surroundings = Surroundings(Clock().now, os.urandom, lambda _: None, Path(os.devnull).parent)
    connection = Connection(slug, officials.address, officials.login, officials.password)
    return build_of(adapter_of(slug))(slug, SETTINGS.get(slug, {}), connection, surroundings).abilities


def adapter_of(slug: str) -> str:
    return ADAPTER.get(slug, slug)


def without_stand() -> list[str]:
    return sorted(set(ADAPTERS) - {adapter_of(slug) for slug in OFFICIALS})

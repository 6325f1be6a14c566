"""What the rehearsal needs to know of a platform: its records in one form, its officials' words, its server.

Each platform says it in a module of its own beside this one; nothing else of the rehearsal knows a platform by name.
This module must not know any of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Protocol

from sandbox.httpd import Platform, Server

BEIJING = timezone(timedelta(hours=8))

CHINESE: Mapping[str, str] = {
    "CALLED": "已呼叫", "ACCEPTED": "已受理", "DISPATCHED": "已派发", "RESPONDED": "已响应", "IN_PROGRESS": "办理中",
    "REPORTED": "已反馈", "CLOSED": "已办结", "RATED": "已评价", "RETURNED": "已退回", "CANCELLED": "已作废",
}  # fmt: skip
"""The trade's stages, in which the statuses of all platforms are compared."""


@dataclass(frozen=True)
class Entry:
    """One line of a record's history. step: the platform's own word for what was done. second: the time that was
    typed, epoch seconds, whole. status: what the record showed after it."""

    seq: int
    step: str
    status: str
    operator: str
    dept: str
    opinion: str
    second: int


@dataclass(frozen=True)
class Record:
    """One record as its platform's database holds it now. reference: the exchange's own number, "" if officials made
    it. text: what is told at length. files: sha256 of each, hex. document: all of it, in the platform's own form."""

    slug: str
    native_id: str
    reference: str
    title: str
    status: str
    entries: tuple[Entry, ...]
    document: Mapping[str, Any]
    text: str = ""
    files: tuple[str, ...] = ()

    def tells_of(self, title: str) -> bool:
        """Is this the call of that title? Where records have no title, their text begins with it."""
        return self.title == title or self.text.startswith(title)


@dataclass(frozen=True)
class File:
    """A file that an official attaches. packed: its bytes in base64."""

    name: str
    media_type: str
    packed: str


@dataclass(frozen=True)
class StandIn:
    """One platform that listens. server: where its back door is. entrance: the path, or the address, where integrators
    come in. account, password: theirs. connection: as Airflow reads a connection (AIRFLOW_CONN_*). settings: what its
    county's file must say of this very installation. closes: what ends with it besides the server."""

    slug: str
    title: str
    account: str
    password: str
    server: Server
    entrance: str
    connection: str
    settings: Mapping[str, str] = field(default_factory=dict)
    closes: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return self.server.url

    @property
    def address(self) -> str:
        """Where integrators come in."""
        return self.url + self.entrance if self.entrance.startswith("/") else self.entrance

    def close(self) -> None:
        self.closes()
        self.server.close()


class Opener(Protocol):
    """Starts a platform: its database in a folder (None = in memory), its clock (epoch seconds, None = the real one)."""

    def __call__(self, folder: Any, clock: Callable[[], float] | None, port: int) -> StandIn: ...


@dataclass(frozen=True)
class Form:
    """One platform as the rehearsal sees it.

    name: for tables. stages: status → the trade's stage. stands_for: stage → statuses that stand in for it where the
    platform has no way to show it. read: a record out of the back door's. number: the member that holds a record's
    number. acts: what officials can do to a record → the back door's name; answering: which of them moves it.
    create: the back door's name; creation: its body from title and the scenario's members; pictured: what a picture adds
    to that body, None where none can be. typed, limit: members that hold the time typed and the time limit; written:
    such a time from epoch seconds. attach: the back door's name and body for a file, None where officials cannot. heal:
    the back door's name and body that mends a damaged record.
    keeps_up: False where a call can only be created: later stages and files are declared as not shown.
    """

    slug: str
    name: str
    stages: Mapping[str, str]
    read: Callable[[Mapping[str, Any]], Record]
    open: Opener
    number: str
    create: str
    creation: Callable[[str, Mapping[str, Any]], dict[str, Any]]
    acts: Mapping[str, str]
    answering: str
    typed: str
    written: Callable[[float], Any]
    limit: str = ""
    attach: Callable[[str, File], tuple[str, dict[str, Any]]] | None = None
    pictured: Callable[[File], dict[str, Any]] | None = None
    stands_for: Mapping[str, frozenset[str]] = field(default_factory=dict)
    heal: tuple[str, Mapping[str, Any]] | None = None
    keeps_up: bool = True

    def stage(self, status: str) -> str:
        """The stage a status means; the status itself, in brackets, where the table does not hold it."""
        return self.stages.get(status, f"[{status}]")

    def shows(self, status: str, stage: str) -> bool:
        """Does this status show that stage, or stand in for it?"""
        return self.stage(status) == stage or status in self.stands_for.get(stage, frozenset())


def titled(member: str, **defaults: Any) -> Callable[[str, Mapping[str, Any]], dict[str, Any]]:
    """A `creation` where the title is a member of its own."""
    return lambda title, record: {member: title, **defaults, **record}


def beijing(pattern: str) -> Callable[[float], str]:
    """A `written`: epoch seconds as Beijing text."""
    return lambda epoch: datetime.fromtimestamp(epoch, BEIJING).strftime(pattern)


def second(text: str, pattern: str) -> int:
    """Epoch seconds of a Beijing text."""
    return int(datetime.strptime(text, pattern).replace(tzinfo=BEIJING).timestamp())


def http(
    slug: str, title: str, accounts: Mapping[str, str], platform: Platform, port: int, entrance: str
) -> StandIn:
    """A platform behind HTTP whose connection is its address with the first of these accounts."""
    account, password = next(iter(accounts.items()))
    server = Server(platform, port=port)
    host, _, number = server.url.removeprefix("http://").partition(":")
    connection = {"conn_type": "http", "host": host, "port": int(number), "login": account, "password": password}
    return StandIn(slug, title, account, password, server, entrance, json.dumps(connection, ensure_ascii=False))

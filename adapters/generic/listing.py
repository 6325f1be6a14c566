"""One page of a list: asked for, read, its rows made records. Knows pages, not how a list is walked (`walking`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.errors import ConfigError, Refused
from adapters.generic.answers import Reading, listed
from adapters.generic.client import Client, Made
from adapters.generic.documents import at, rows
from adapters.generic.moments import written
from adapters.generic.records import Row, row
from adapters.generic.settings import More, Settings
from adapters.rest import broken

_NEXT = re.compile(r'<([^>]*)>\s*(?:;[^,<]*)?;\s*rel="?next"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listed:
    """One page as the platform answered it. total: its claim, 0 if it made none. next: cursor or link, "" if none."""

    rows: tuple[Row, ...]
    total: int = 0
    next: str = ""
    platform_time: datetime | None = None
    void: bool = False

    @property
    def keys(self) -> list[tuple[str, str]]:
        return [one.key for one in self.rows]


def ask(client: Client, *, since: datetime | None = None, until: datetime | None = None, link: str = "",
        **values: Any) -> Listed:  # fmt: skip
    """One page. `void` if the platform says that the cursor is gone. Errors as `Client.send`, of reads."""
    listing = client.settings.list
    known = {
        "size": client.settings.page_size, **values,
        "since": written(since, listing.time) if since else None,
        "until": written(until, listing.time) if until else None,
    }  # fmt: skip
    made = Made(listing.request.method, link, dict(client.settings.headers)) if link else client.made(listing.request, known)
    reading = client.send("列表 list", made, accept=frozenset({"restart"}))
    if reading.verdict == "restart":
        return Listed((), void=True)
    return _page(client, reading, listing.items, client.where("列表 list"), link=listing.paging.kind == "link")


def ask_again(client: Client, ids: list[str]) -> tuple[Row, ...]:
    """Known records by their ids, several at once."""
    recheck = client.settings.list.recheck
    assert recheck
    made = client.made(recheck.request, {"ids": recheck.join.join(ids), "id": ids[0]})
    reading = client.send("重读 recheck", made, accept=frozenset({"missing"}))
    if reading.verdict == "missing":
        return ()
    return _page(client, reading, client.settings.list.items, client.where("重读 recheck")).rows


def found_by(client: Client, reference: str) -> tuple[Row, ...]:
    """What a search by our reference answers."""
    find = client.settings.find
    assert find is not None and find.by == "query"
    reading = client.send("查找 find", client.made(find.request, {"reference": reference}),
                          accept=frozenset({"missing"}))  # fmt: skip
    if reading.verdict == "missing":
        return ()
    return _page(client, reading, find.items, client.where("查找 find", reference)).rows


def more_of(client: Client, more: More, identity: str) -> tuple[bytes, list[Any]]:
    """A list that belongs to one record: the answer's bytes and the rows; none for what is not there."""
    where = client.where("详情 detail", f"{identity} {more.into}")
    try:
        reading = client.send("详情 detail", client.made(more.request, {"id": identity}), record=identity,
                              accept=frozenset({"missing"}))  # fmt: skip
    except Refused as refused:
        raise ConfigError(refused.what, where=where, code=refused.code, remedy=refused.remedy) from refused
    if reading.verdict == "missing":
        return reading.answer.body, []
    found = listed(reading, more.items, "", client.settings.envelope.data)
    if found is None:
        seen = client.shown(reading, more.items, client.settings.envelope.data)
        raise broken(reading.answer, f"答复中没有列表 / no list in the answer at {seen}", where, reading.code)
    return reading.answer.body, found[1]


def _page(client: Client, reading: Reading, items: tuple[str, ...], where: str, *, link: bool = False) -> Listed:
    settings, answer = client.settings, reading.answer
    found = listed(reading, items, settings.record.id, settings.envelope.data)
    if found is None:
        seen = client.shown(reading, items, settings.envelope.data)
        raise broken(answer, f"答复中没有列表 / no list in the answer at {seen}", where, reading.code)
    path, contents = found
    path = ".".join(part for part in (settings.envelope.data, path) if part)
    raws = _raws(answer.body, settings, path) if contents else []
    if len(raws) != len(contents):  # a list inside a list, for example: no row has bytes of its own
        raws = [answer.body] * len(contents)
    listing, paging = settings.list, settings.list.paging
    made = tuple(
        row(content, raw, answer.sent_at, settings.record, partial=listing.partial, since=listing.since,
            time=listing.time)
        for content, raw in zip(contents, raws, strict=True)
    )  # fmt: skip
    total = at(reading.document, paging.total) if paging.kind in ("page", "offset") and paging.total else 0
    following = at(reading.document, paging.next) if paging.kind == "cursor" else ""
    if link:
        to = _NEXT.search(answer.headers.get("link", ""))
        following = client.path_of(to[1], where) if to else ""
    return Listed(made, int(total) if _whole(total) else 0, str(following or ""),
                  answer.sent_at + answer.skew if answer.skew is not None else None)  # fmt: skip


def _raws(body: bytes, settings: Settings, path: str) -> list[bytes]:
    try:
        return rows(body, settings.format, path, tidy=settings.record.tidy)
    except (ValueError, RecursionError):
        return []


def _whole(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and value.isascii() and value.isdigit())

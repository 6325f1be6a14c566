"""Pulls and searches: the configured walk, its cursor, known records asked for again. Must not know a platform.

Cursor: {"kind": "cursor", "cursor": …, "at": …} where the platform's own is kept, else {"kind": "time", "reached": …,
"known": {id: 0 or the epoch second since when it is final}}, or {"kind": "pending"}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from adapters.errors import ConfigError, Missing, Refused
from adapters.generic.client import Client
from adapters.generic.documents import at
from adapters.generic.listing import Listed, ask, ask_again
from adapters.generic.moments import grain
from adapters.generic.placeholders import names
from adapters.generic.records import Row
from adapters.generic.walking import (
    Stretch,
    broken_list,
    by_cursor,
    by_passes,
    by_time,
    by_windows,
    numbered,
)
from adapters.port import Cursor, Page
from schemas.moment import moment

MOST_KNOWN = 20_000


@dataclass(slots=True)
class _Place:
    """What a cursor says. known: records to ask for again."""

    kind: str
    reached: datetime | None = None
    cursor: str = ""
    known: dict[str, int] = field(default_factory=dict)

    def written(self) -> Cursor:
        at_ = self.reached.isoformat() if self.reached else None
        match self.kind:
            case "cursor":
                value: dict[str, Any] = {"kind": "cursor", "cursor": self.cursor, "at": at_}
            case "time":
                value = {"kind": "time", "reached": at_, **({"known": self.known} if self.known else {})}
            case _:
                value = {"kind": self.kind}
        return Cursor(orjson.dumps(value).decode())


class Pulling:
    """The walks of one platform."""

    def __init__(self, client: Client, now: Callable[[], datetime]) -> None:
        self._client, self._settings, self._now = client, client.settings, now
        paging = self._settings.list.paging
        keeps = paging.kind == "cursor" and paging.keep
        self._kind = "pending" if self._settings.acknowledge else "cursor" if keeps else "time"

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """As `adapters.port.Adapter.pull`."""
        place = self._read(since)
        walk = {"pending": self._pending, "cursor": self._on, "time": self._since}[self._kind]
        yield from walk(place, since)

    def rows_since(self, since: datetime) -> Iterator[Row]:
        """All rows that changed (or were made) since a little before, for a search."""
        after = since - timedelta(seconds=self._settings.overlap_seconds + self._settings.clock_tolerance_seconds)
        after += min(timedelta(), self._client.skew or timedelta())
        for stretch in self._stretches(after, after):
            yield from stretch.rows

    def _on(self, place: _Place, told: Cursor | None) -> Iterator[Page]:
        """By the platform's own cursor; where it is void, from a little before the last page that was read."""
        paging = self._settings.list.paging
        assert paging.kind == "cursor"
        restart = self._settings.start
        for _ in (1, 2):
            stretches = by_cursor(self._ask, restart if not place.cursor else None, place.cursor,
                                  self._settings.page_size, short=paging.end == "short", where=self._where)  # fmt: skip
            void = False
            for stretch in stretches:
                if stretch.cursor == "void":
                    void = True
                    break
                moved = stretch.cursor != place.cursor
                place.cursor = stretch.cursor
                place.reached = stretch.platform_time or self._now()
                if stretch.rows or moved:
                    yield Page(_records(stretch), place.written(), stretch.platform_time)
            if not void:
                return
            overlap = timedelta(seconds=paging.restart_overlap_seconds)
            restart = place.reached - overlap if place.reached else self._settings.start
            place.cursor = ""
        raise broken_list("没有游标也被告知游标失效 / told that the cursor is void without one", self._where)

    def _since(self, place: _Place, told: Cursor | None) -> Iterator[Page]:
        reached, shown, waiting = place.reached, set(), list[datetime]()
        after = reached - timedelta(seconds=self._settings.overlap_seconds) if reached else self._settings.start
        for stretch in self._stretches(after, reached):
            shown |= self._note(stretch.rows, place.known)
            records = tuple(one.record for one in stretch.rows if not self._unnumbered(one))
            waiting += [one.stamp for one in stretch.rows if one.stamp and self._unnumbered(one)]
            if stretch.reached is not None:
                place.reached = min([max(place.reached or stretch.reached, stretch.reached), *waiting])
            cursor = place.written()
            if records or (stretch.reached is not None and cursor != told):
                yield Page(records, cursor, stretch.platform_time)
                told = cursor
        if self._settings.list.recheck:
            yield from self._again(place, shown)

    def _unnumbered(self, one: Row) -> bool:
        """Does this record still wait for its id? The list is read from it on until it has one, or is too old to wait for."""
        days, body = self._settings.list.unnumbered_days, one.record.body
        if days is None or one.stamp is None or not body or at(body, self._settings.record.id) not in (None, ""):
            return False
        return one.stamp > self._now() - timedelta(days=days)

    def _again(self, place: _Place, shown: set[str]) -> Iterator[Page]:
        """Known records that this walk did not show. One that a list of ids did not bring is asked for alone: some
        servers answer the first id only. Absence says nothing."""
        recheck = self._settings.list.recheck
        assert recheck
        edge = int(self._now().timestamp() - recheck.keep_days * 86_400)
        place.known = {one: final for one, final in place.known.items() if not final or final > edge}
        asked = [one for one in place.known if one not in shown]
        for start in range(0, len(asked), recheck.size):
            ids = asked[start : start + recheck.size]
            rows = self._wanted(ids)
            brought = {one.record.native_id for one in rows}
            if recheck.size > 1:
                rows += tuple(row for one in ids if one not in brought for row in self._wanted([one]))
            self._note(rows, place.known)
            if rows:
                yield Page(tuple(one.record for one in rows), place.written())

    def _wanted(self, ids: list[str]) -> tuple[Row, ...]:
        return tuple(one for one in ask_again(self._client, ids) if one.record.native_id in ids)

    def _note(self, rows: tuple[Row, ...], known: dict[str, int]) -> set[str]:
        recheck, now = self._settings.list.recheck, int(self._now().timestamp())
        shown = {one.record.native_id for one in rows if one.record.native_id}
        if recheck is None:
            return shown
        for one in rows:
            if identity := one.record.native_id:
                final = str(at(one.record.body, recheck.status)) in recheck.final
                known[identity] = (known.get(identity) or now) if final else 0
        while len(known) > MOST_KNOWN:
            del known[next((one for one, final in known.items() if final), next(iter(known)))]
        return shown

    def _pending(self, place: _Place, told: Cursor | None) -> Iterator[Page]:
        """The head of a pending list until it is empty; each page is acknowledged before the next one is asked for."""
        before: list[tuple[str, str]] = []
        while True:
            page = self._plain(self._numbers()[0])
            if not page.rows or page.keys == before:
                return
            yield Page(tuple(one.record for one in page.rows), place.written(), page.platform_time)
            before = page.keys

    def _stretches(self, since: datetime | None, edge: datetime | None) -> Iterator[Stretch]:
        listing, paging, size = self._settings.list, self._settings.list.paging, self._settings.page_size
        if listing.window_seconds is not None:
            assert since is not None
            until = self._now() + (self._client.skew or timedelta()) + timedelta(seconds=1)
            yield from by_windows(self._window, since, until, timedelta(seconds=listing.window_seconds), self._where)
        elif paging.kind == "cursor":
            stamps: list[datetime] = []
            for stretch in by_cursor(self._ask, since, "", size, short=paging.end == "short", where=self._where):
                stamps += [one.stamp for one in stretch.rows if one.stamp]
                yield Stretch(stretch.rows, platform_time=stretch.platform_time)
            yield Stretch((), max(stamps, default=None))
        elif "since" in names(listing.request.parameters) and listing.order == "ascending" and paging.kind != "none":
            yield from by_time(lambda since: self._first(since), self._pages, since, size, grain(listing.time))
        else:
            yield from by_passes(self._pages, since, order=listing.order, edge=edge)

    def _window(self, since: datetime, until: datetime) -> tuple[tuple[Row, ...], bool]:
        paging = self._settings.list.paging
        if paging.kind == "none":
            page = self._ask(since=since, until=until)
            return page.rows, paging.cut is not None and len(page.rows) >= paging.cut
        return tuple(one for page in self._pages(since, until) for one in page.rows), False

    def _first(self, since: datetime | None) -> Listed:
        return self._plain(self._numbers()[0], since=since)

    def _pages(self, since: datetime | None, until: datetime | None = None) -> Iterator[Listed]:
        paging = self._settings.list.paging
        if paging.kind == "none":
            yield self._ask(since=since, until=until)
        elif paging.kind == "link":
            given: set[str] = set()
            page = self._ask(since=since, until=until)
            yield page
            while page.next:
                if page.next in given:
                    raise broken_list("列表给出用过的链接 / the list gave the same link twice", self._where)
                given.add(page.next)
                page = self._ask(link=page.next)
                yield page
        else:
            first, step = self._numbers()
            assert paging.kind in ("page", "offset")
            yield from numbered(lambda n: self._plain(n, since=since, until=until), self._settings.page_size, first=first,
                                step=step, short=paging.end == "short", where=self._where)  # fmt: skip

    def _numbers(self) -> tuple[int, int]:
        """The first page number (or offset), and the step; 0: by the number of rows that came."""
        paging = self._settings.list.paging
        return (paging.first, 1) if paging.kind == "page" else (0, 0)

    def _plain(self, number: int, **known: Any) -> Listed:
        kind = self._settings.list.paging.kind
        return self._ask(**({kind: number} if kind in ("page", "offset") else {}), **known)

    def _ask(self, **known: Any) -> Listed:
        try:
            page = ask(self._client, **known)
        except (Missing, Refused) as refused:
            raise ConfigError(
                refused.what, where=refused.where, code=refused.code,
                remedy="核对地址与 settings.list / check the address and settings.list",
            ) from refused  # fmt: skip
        if page.void and self._kind != "cursor":
            raise broken_list("平台说游标失效 / the platform says that a cursor is void", self._where)
        return page

    @property
    def _where(self) -> str:
        return self._client.where("列表 list")

    def _read(self, cursor: Cursor | None) -> _Place:
        if cursor is None:
            return _Place(self._kind)
        try:
            value = orjson.loads(cursor)
            if value["kind"] != self._kind:
                raise ValueError("of another kind")
            told = value.get("reached") or value.get("at")
            known = {str(one): int(final) for one, final in (value.get("known") or {}).items()}
            return _Place(self._kind, moment(told) if told else None, str(value.get("cursor") or ""), known)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"游标无法识别 / not a cursor of this adapter: {cursor!r:.80}", where=self._where,
                remedy="清除游标后从头读取 / clear it and read from the beginning",
            ) from error  # fmt: skip


def _records(stretch: Stretch) -> tuple[Any, ...]:
    return tuple(one.record for one in stretch.rows)

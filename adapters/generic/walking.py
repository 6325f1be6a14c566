"""Walking a list without losing a row, by whatever pages it has. Yields stretches of rows, each with what a cursor may
say once they are kept.

Lists move while they are read. A list in ascending order of time is followed by its own times: each full page is
followed by a first page from its last time on. All others are read by their pages, again and again until a pass shows
nothing new; only then is the time reached told. This module knows rows and pages, not requests or platforms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from adapters.errors import BrokenReply
from adapters.generic.listing import Listed
from adapters.generic.records import Row

MOST_EMPTY = 1000
PASSES = 8
AHEAD = timedelta(seconds=60)
"""A row may be so far ahead of the platform's clock before the cursor stops following it."""

Ask = Callable[..., Listed]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows not shown before in this walk. reached: from this time on a later walk misses nothing once they are kept,
    None if nothing can be said yet. cursor: the platform's own, "" if it has none."""

    rows: tuple[Row, ...]
    reached: datetime | None = None
    cursor: str = ""
    platform_time: datetime | None = None


@dataclass(slots=True)
class Seen:
    """Rows shown in this walk."""

    keys: set[tuple[str, str]] = field(default_factory=set)

    def fresh(self, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        new = tuple(one for one in rows if one.key not in self.keys)
        self.keys.update(one.key for one in new)
        return new


def broken_list(what: str, where: str) -> BrokenReply:
    return BrokenReply(what, where=where, remedy="请平台方检查列表接口 / the platform's list must be repaired")


def by_cursor(ask: Ask, since: datetime | None, cursor: str, size: int, *, short: bool, where: str) -> Iterator[Stretch]:
    """Pages by the platform's own cursor. short: a page with fewer rows than asked for is the end, an empty one too, for
    its cursor may be another name of the same place; else empty pages with a new cursor are gone through. A cursor that
    comes twice with rows is a broken list, not a loop. The last stretch has cursor "" where the list gave none."""
    seen, given, empty = Seen(), {cursor}, 0
    while True:
        page = ask(cursor=cursor or None, since=None if cursor else since)
        if page.void:
            yield Stretch((), cursor="void")
            return
        if page.next and page.next in given and (page.rows or page.next != cursor):
            raise broken_list("列表给出用过的游标 / the list gave the same cursor twice", where)
        yield Stretch(seen.fresh(page.rows), cursor=page.next or cursor, platform_time=page.platform_time)
        empty = 0 if page.rows else empty + 1
        if not page.next or page.next == cursor or (short and len(page.rows) < size):
            return
        if empty > MOST_EMPTY:
            raise broken_list(f"列表连续{empty}页为空 / {empty} empty pages", where)
        cursor = page.next
        given.add(cursor)


def by_time(
    ask: Ask, pages: Callable[[datetime | None], Iterator[Listed]], since: datetime | None, size: int, grain: timedelta
) -> Iterator[Stretch]:
    """A list in ascending order of the time that `since` is about. grain: its resolution; so much earlier is asked from,
    for nobody says whether `since` itself is in or out."""
    seen, after = Seen(), since
    while True:
        page = ask(since=after)
        fresh = seen.fresh(page.rows)
        stamps = [one.stamp for one in page.rows if one.stamp is not None]
        if not page.rows or (len(page.rows) < size and page.total <= len(page.rows)):
            yield Stretch(fresh, _capped(stamps, page), platform_time=page.platform_time)
            return
        sound = len(stamps) == len(page.rows) and stamps == sorted(stamps)
        if sound and (after is None or stamps[-1] - grain > after) and stamps[0] < stamps[-1]:
            after = stamps[-1] - grain
            yield Stretch(fresh, after, platform_time=page.platform_time)
            continue
        yield Stretch(fresh, platform_time=page.platform_time)
        yield from by_passes(pages, after, seen)
        return


def by_passes(
    pages: Callable[[datetime | None], Iterator[Listed]], since: datetime | None, seen: Seen | None = None,
    order: Literal["ascending", "descending", "unknown"] = "unknown", edge: datetime | None = None,
) -> Iterator[Stretch]:  # fmt: skip
    """All pages, until a pass shows nothing new. edge: in a descending list, what is older need not be read."""
    seen = seen or Seen()
    stamps: list[datetime] = []
    last: Listed | None = None
    for number in range(PASSES):
        new, read = 0, 0
        for page in pages(since):
            fresh = seen.fresh(page.rows)
            stamps += [one.stamp for one in fresh if one.stamp is not None]
            new, read, last = new + len(fresh), read + 1, page
            if fresh:
                yield Stretch(fresh, platform_time=page.platform_time)
            older = [one.stamp for one in page.rows if one.stamp is not None]
            if order == "descending" and edge is not None and older and max(older) < edge:
                break
        if read <= 1 or (number and not new):
            break
    yield Stretch((), _capped(stamps, last), platform_time=last.platform_time if last else None)


def by_windows(
    ask: Callable[[datetime, datetime], tuple[tuple[Row, ...], bool]], since: datetime, until: datetime, width: timedelta,
    where: str,
) -> Iterator[Stretch]:  # fmt: skip
    """Windows of time, halved where an answer was cut. ask: rows of a window, and whether it was cut."""
    seen, start, length = Seen(), since, width
    while start < until:
        end = min(start + length, until)
        rows, cut = ask(start, end)
        if cut:
            if end - start <= timedelta(seconds=1):
                raise broken_list(f"一秒之内的记录超过平台的上限 / more rows in one second than the server gives: {start}", where)
            length = max((end - start) / 2, timedelta(seconds=1))
            continue
        yield Stretch(tuple(sorted(seen.fresh(rows), key=lambda one: one.stamp or start)), end)
        start, length = end, min(width, length * 2)


def numbered(
    ask: Callable[[int], Listed], size: int, *, first: int, step: int, short: bool, where: str
) -> Iterator[Listed]:  # fmt: skip
    """Pages by number or offset to the end: an empty page, one shown before, one with fewer rows than asked for (where
    that means the end), or all rows that the platform counts."""
    number, read = first, 0
    before: list[tuple[str, str]] = []
    for _ in range(1_000_000):
        page = ask(number)
        if not page.rows or page.keys == before:
            if read == 0:
                yield page
            return
        yield page
        read += len(page.rows)
        if len(page.rows) < size and (read >= page.total if page.total else short):
            return
        before, number = page.keys, number + (step or len(page.rows))
    raise broken_list("列表没有尽头 / the list does not end", where)


def _capped(stamps: list[datetime], page: Listed | None) -> datetime | None:
    reached = max(stamps, default=None)
    ceiling = page.platform_time + AHEAD if page and page.platform_time else None
    return min(reached, ceiling) if reached and ceiling else reached

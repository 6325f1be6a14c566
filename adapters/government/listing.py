"""Walking the government platform's list without losing a row (contract section 5, "Safe way").

There is no snapshot: a call that changes while we page moves to the end, every row behind it one place forward, and a
plain walk by page numbers skips the first row of the next page. So each full page is followed by page 1 from its last
millisecond on, and a page that is all one millisecond by that millisecond's pages from the last to the first.
`total` is never trusted to end a walk. This module knows rows and pages, not requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from adapters.errors import BrokenReply
from adapters.government.records import native_id, times_damage, updated_ms, version
from adapters.port import WireRecord
from adapters.rest import Opened, broken, last_page


@dataclass(frozen=True, slots=True)
class Row:
    """One list row. updated: its updateTime in epoch ms, None if it is not a plausible one."""

    record: WireRecord
    updated: int | None

    @property
    def key(self) -> tuple[str, str]:
        """Names a version of a call (updateTime rises strictly per call); rows without a number by their bytes."""
        return self.record.native_id or self.record.identity, self.record.version


@dataclass(frozen=True, slots=True)
class Listed:
    """One page as the platform answered it. total: its claim, 0 if it made none. platform_time: its clock, if told."""

    rows: tuple[Row, ...]
    total: int
    platform_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows not shown before in this walk. reached: epoch ms from which on a later walk misses nothing once these rows
    are kept, None if nothing can be said yet."""

    rows: tuple[Row, ...]
    reached: int | None
    platform_time: datetime | None


Ask = Callable[[int | None, int | None, int], Listed]
"""(after inclusive, before exclusive, page number from 1) -> page."""


def listed(opened: Opened, where: str) -> Listed:
    """A page from an answer. BrokenReply if it holds no list of records; a bad row never sinks the page."""
    data = opened.data
    records = data.get("records") if isinstance(data, dict) else None
    if not isinstance(records, list):
        raise broken(opened.answer, "列表答复缺少records / list reply without records", where, opened.code)
    total = data.get("total")
    answer = opened.answer
    return Listed(
        tuple(row(record, answer.sent_at) for record in records),
        total if type(total) is int and total > 0 else 0,
        answer.sent_at + answer.skew if answer.skew is not None else None,
    )


def row(content: Any, read_at: datetime) -> Row:
    """One row; what could not be read right is told in its `damage`."""
    raw = orjson.dumps(content)
    if not isinstance(content, dict):
        return Row(WireRecord(None, {}, raw, read_at, damage=("列表行不是对象 / row is not an object",)), None)
    number = native_id(content)
    damage = times_damage(content)
    if number is None:
        damage += (f"callNo无法使用 / no usable callNo: {content.get('callNo')!r:.60}",)
    record = WireRecord(
        number, content, raw, read_at, version(content), partial=number is not None, damage=damage
    )
    return Row(record, updated_ms(content.get("updateTime")))


@dataclass(slots=True)
class _Seen:
    """Versions shown in this walk that can still come again."""

    keys: dict[tuple[str, str], int | None] = field(default_factory=dict)

    def fresh(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        new = []
        for one in rows:
            if one.key not in self.keys:
                self.keys[one.key] = one.updated
                new.append(one)
        return tuple(new)

    def forget_before(self, updated: int | None) -> None:
        if updated is not None:
            self.keys = {key: at for key, at in self.keys.items() if at is None or at >= updated}


def walk(ask: Ask, after: int | None, size: int, where: str) -> Iterator[Stretch]:
    """Every row with updateTime ≥ `after` (None: every row), each version once, oldest change first.

    Rows of one millisecond come in no order. A platform that breaks the order, disregards the lower bound or answers
    an old page again is walked by page numbers, last to first, to the end; then the walk stops.
    """
    seen = _Seen()
    while True:
        page = ask(after, None, 1)
        fresh = seen.fresh(page.rows)
        times = [one.updated for one in page.rows if one.updated is not None]
        if not page.rows or (len(page.rows) < size and page.total <= len(page.rows)):
            yield Stretch(fresh, max(times, default=None), page.platform_time)
            return
        last = times[-1] if times else None
        one_moment = len(times) == len(page.rows) and min(times) == max(times)
        if last is not None and one_moment and (after is None or last >= after):
            yield Stretch(fresh, last, page.platform_time)
            yield from _backwards(ask, last, last + 1, size, seen, where, last)
            seen.forget_before(after)
            after = last + 1
        elif last is not None and times == sorted(times) and (after is None or last > after):
            yield Stretch(fresh, last, page.platform_time)
            seen.forget_before(after)
            after = last
        else:
            yield Stretch(fresh, None, page.platform_time)
            yield from _backwards(ask, after, None, size, seen, where, None)
            return


def _backwards(
    ask: Ask, after: int | None, before: int | None, size: int, seen: _Seen, where: str, reached: int | None
) -> Iterator[Stretch]:
    """A window by page numbers, last to first: rows only leave it (or move to its end, newer than all that was read),
    so what is unread moves towards pages still to come. `reached` holds throughout; None: told at the end."""
    first = ask(after, before, 1)
    width = len(first.rows) or size  # a platform may give less than was asked for
    try:
        number = last_page(lambda n: [one.key for one in ask(after, before, n).rows], first.total, width)
    except ValueError as error:
        raise BrokenReply(
            f"列表没有尽头 / the list does not end: {error}", where=where,
            remedy="请平台方检查分页 / the platform's paging must be repaired",
        ) from error  # fmt: skip
    times: list[int] = []
    for page_number in range(number, 0, -1):
        page = ask(after, before, page_number)
        times += [one.updated for one in page.rows if one.updated is not None]
        yield Stretch(seen.fresh(page.rows), reached, page.platform_time)
    if reached is None:
        yield Stretch((), max(times, default=None), first.platform_time)

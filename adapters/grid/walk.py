"""Walking a list ordered by (updateTime, eventId) while its rows move (contract §6).

A page number means nothing between two requests: an edited row leaves its place and all behind it move up. So only
page 1 is ever asked, from the last time seen; the rows met again are dropped. Only where one second fills a whole
page are page numbers needed, and there they run from the last page to the first: rows leave such a second, they move
towards page 1, where the walk still has to go. This module must not know SOAP or the port.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from adapters.grid.client import Rows
from adapters.grid.events import Event

TIME = "%Y-%m-%d %H:%M:%S"
_SECOND = timedelta(seconds=1)
_PASSES, _QUIET = 30, 5

Ask = Callable[[datetime, datetime, int], Rows]
"""(from, to, page number) -> rows; both times naive Beijing, inclusive."""


class Astray(Exception):
    """The list cannot be walked: its answers contradict the contract. The text says how; `rows` is the last answer."""

    def __init__(self, what: str, rows: Rows) -> None:
        self.what, self.rows = what, rows
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows not yet given in this walk. last: the latest updateTime up to which a next walk may begin (inclusive)."""

    events: tuple[Event, ...]
    last: datetime
    rows: Rows


def parsed(text: str) -> datetime | None:
    """`yyyy-MM-dd HH:mm:ss` as a naive (Beijing) time, None if it is not one."""
    try:
        at = datetime.strptime(text, TIME)
    except ValueError:
        return None
    return at if at.strftime(TIME) == text else None


@dataclass(slots=True)
class _Given:
    """What was given already: second -> keys. Seconds that no later question can reach are forgotten."""

    keys: dict[str, set[str]] = field(default_factory=dict)

    def take(self, rows: Rows, at: datetime) -> tuple[Event, ...]:
        """Rows not given yet. Those changed before `at` were not asked for, and were given when they were."""
        fresh = []
        for event in rows.events:
            if (changed := parsed(event.updated)) and changed < at:
                continue
            known = self.keys.setdefault(event.updated, set())
            key = _key(event)
            if key not in known:
                known.add(key)
                fresh.append(event)
        return tuple(fresh)

    def forget_before(self, at: datetime) -> None:
        for second in [one for one in self.keys if (time := parsed(one)) and time < at]:
            del self.keys[second]


def _key(event: Event) -> str:
    return event.native_id or sha256(event.raw).hexdigest()


def walk(ask: Ask, first: datetime, until: Callable[[], datetime], page_size: int) -> Iterator[Batch]:
    """Every row from `first` on, oldest change first, each state once. Astray if the answers lead nowhere.

    until: upper end, asked anew before each request (it depends on the platform's clock, which the first answer tells).
    """
    given = _Given()
    at, end = first, until()
    while at <= end:
        rows = ask(at, end, 1)
        times = [time for time in (parsed(event.updated) for event in rows.events) if time]
        last = max(times, default=at)
        if fresh := given.take(rows, at):
            yield Batch(fresh, last, rows)
        if not rows.count and rows.total:
            raise Astray(f"total is {rows.total}, but no row is shown", rows)
        end_before, end = end, until()
        if not _more(rows, page_size):
            if end - end_before < timedelta(hours=1):
                return
            continue
        if times != sorted(times):
            raise Astray("rows are not in the order of updateTime", rows)
        if not times or last < at:
            raise Astray(f"asked for changes since {at:{TIME}}, got a full page of older ones", rows)
        if last > at:
            at = last
        else:
            yield from _one_second(ask, at, page_size, given)
            at += _SECOND
        given.forget_before(at)


def _more(rows: Rows, page_size: int) -> bool:
    """Is there more than this first page shows? A platform may hold pages shorter than asked: `total` tells."""
    return rows.count >= page_size or (rows.total is not None and rows.total > rows.count > 0)


def _one_second(ask: Ask, at: datetime, page_size: int, given: _Given) -> Iterator[Batch]:
    """All rows of one second that is longer than a page, read until a whole pass shows nothing new.

    Passes are repeated because a row that comes in late pushes others towards pages already read.
    """
    rows = ask(at, at, 1)
    if fresh := given.take(rows, at):
        yield Batch(fresh, at, rows)
    size = max(1, min(page_size, rows.count))
    total, top, quiet = rows.total or rows.count, 1, 0
    met: set[str] = set()
    for _ in range(_PASSES):
        top = max(top, -(-total // size))
        reached, news = top, False
        met.clear()
        for number in range(top + 1, 0, -1):  # one beyond: a total that was too small hides nothing
            rows = ask(at, at, number)
            met.update(map(_key, rows.events))
            total = rows.total if rows.total is not None else total
            if fresh := given.take(rows, at):
                news, reached = True, max(reached, number)
                yield Batch(fresh, at, rows)
        if not news and -(-total // size) <= top and len(met) >= (rows.total or 0):
            return
        quiet = 0 if news else quiet + 1
        if quiet == _QUIET:
            break
        top = reached
    raise Astray(f"second {at:{TIME}}: {len(met)} rows shown, total {total}, read again and again", rows)

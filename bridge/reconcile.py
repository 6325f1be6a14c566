"""What a platform holds against the ledger: what was missed is read, what is gone is told. Nothing is cancelled for it.

Changes come through the platform's list, by its times and cursors. What a platform changes without a word, shows too
late, or removes, its list never tells: so once a day everything is read from the beginning, and each call that is not
long finished is asked for by its number. The position of reading stays where it is. This module must not know a platform.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, or_, select, update

from adapters.errors import ConfigError, WireError
from adapters.port import Adapter, Cursor, Page
from bridge.bridged import Bridge, Bridged
from bridge.inbound import PollCounts, note_trouble, take
from bridge.ledger.history import append
from bridge.ledger.ledger import micros
from bridge.ledger.tables import calls, links
from schemas.lifecycle import OPEN

MOST = 2000
"""Records asked for by number in one run, those first that were not for the longest time."""
FINISHED = timedelta(days=30)
"""So long a finished call is still asked for."""
TOLD = timedelta(days=7)
"""So long a record that is gone is told."""
WORDS = "平台上已没有此记录，呼叫在别处照旧 / the platform has no such record any more; nothing is cancelled elsewhere"


@dataclass(frozen=True, slots=True)
class Gone:
    """A record that its platform has no more, of which call."""

    call_id: str
    native_id: str


@dataclass(frozen=True, slots=True)
class Reconciled:
    """read: records shown; asked: by number; left: not asked for this time; healed: applied, they had been missed; dead:
    not understood. differing: calls whose stage the platform cannot show. gone: since at most `TOLD`. unasked: why the
    platform cannot be asked by number, "" if it can."""

    read: int
    asked: int
    left: int
    healed: int
    dead: int
    differing: int
    gone: tuple[Gone, ...]
    unasked: str


def reconcile(bridge: Bridge, slug: str, most: int = MOST) -> Reconciled:
    """One comparison. WireError as the adapter raised it, once what came before is kept."""
    platform, counts, shown = bridge.platforms[slug], PollCounts(), set[str]()
    try:
        adapter = platform.adapter()
        for page in adapter.pull(None):
            take(bridge, platform, page, counts, move=False)
            shown |= {record.native_id for record in page.records if record.native_id and not record.partial}
        read = counts.read
        waiting = _not_shown(bridge, platform, shown)
        unasked = _ask(bridge, platform, adapter, waiting[:most], counts)
    except WireError as error:
        note_trouble(bridge, slug, error)
        raise
    with bridge.ledger.begin() as tx:
        differing = len(tx.execute(select(links.c.id).where(links.c.platform == slug, links.c.difference != "")).all())
        asked = 0 if unasked else min(len(waiting), most)
        return Reconciled(read, asked, len(waiting) - asked, counts.applied, counts.dead, differing,
                          _gone(tx, bridge, slug), unasked)  # fmt: skip


def told(found: Reconciled) -> str:
    """What is gone, in words: numbers only."""
    return "；".join(f"{one.native_id}（呼叫 call {one.call_id[:8]}）" for one in found.gone)


def summary(found: Reconciled) -> dict[str, Any]:
    """Counts for XCom."""
    return {**asdict(found), "gone": len(found.gone)}


def _not_shown(bridge: Bridge, platform: Bridged, shown: set[str]) -> list[Any]:
    """The calls there that are not long finished and were not shown whole, those first that waited longest."""
    with bridge.ledger.begin() as tx:
        edge = micros(bridge.now() - FINISHED)
        of_platform = links.c.platform == platform.slug
        alive = or_(calls.c.stage.in_([str(stage) for stage in OPEN]), calls.c.changed_at > edge)
        rows = tx.execute(select(links.c.id, links.c.call, links.c.native_id).join(calls, calls.c.id == links.c.call)
                          .where(of_platform, alive).order_by(links.c.compared_at, links.c.id)).all()  # fmt: skip
        back = [gone.id for gone in tx.execute(select(links.c.id, links.c.native_id).where(of_platform, links.c.gone_at.is_not(None)))
                if gone.native_id in shown]  # fmt: skip
        tx.execute(update(links).where(links.c.id.in_(back)).values(gone_at=None))
    return [row for row in rows if row.native_id not in shown]


def _ask(bridge: Bridge, platform: Bridged, adapter: Adapter, wanted: list[Any], counts: PollCounts) -> str:
    """Each by its number; why not, if the platform cannot be asked so (its list was read, so it is not the log-in)."""
    for row in wanted:
        try:
            record = adapter.fetch(row.native_id)
        except ConfigError as error:
            return str(error)
        if record is not None:  # without its version: what changed without a word has the same one
            take(bridge, platform, Page((replace(record, version=""),), Cursor("")), counts, move=False)
        with bridge.ledger.begin() as tx:
            now = micros(bridge.now())
            values: dict[str, Any] = {"compared_at": now}
            if record is not None:
                values["gone_at"] = None
            elif tx.execute(select(links.c.gone_at).where(links.c.id == row.id)).scalar() is None:
                values["gone_at"] = now
                append(tx, row.call, platform.slug, "note", {"words": f"{WORDS}: {row.native_id}"}, now)
            tx.execute(update(links).where(links.c.id == row.id).values(**values))
    return ""


def _gone(tx: Connection, bridge: Bridge, slug: str) -> tuple[Gone, ...]:
    edge = micros(bridge.now() - TOLD)
    found = tx.execute(select(calls.c.call_id, links.c.native_id).join(calls, calls.c.id == links.c.call)
                       .where(links.c.platform == slug, links.c.gone_at > edge).order_by(links.c.id))  # fmt: skip
    return tuple(Gone(row.call_id, row.native_id) for row in found)

"""A page of wire records -> actions in the ledger -> outbox. One transaction a page.

A record's way: kept verbatim, compared with what was seen, understood by its mapping, compared with the last snapshot
(our own writes coming back end here), its new entries appended to the call's history, and told to every platform that
must know. This module must not know a platform or Airflow.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Table, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.errors import BrokenReply, WireError
from adapters.port import Acknowledging, Cursor, Page, WireRecord
from bridge.bridged import Bridge, Bridged
from bridge.ledger import dead, queue
from bridge.ledger.ledger import micros, new_id
from bridge.ledger.tables import cursors, pages, platforms, raw_records, records
from bridge.mapping.notes import ABSENT, Unreadable
from bridge.mapping.paths import taker
from bridge.reading import OLD, apply

log = logging.getLogger(__name__)


@dataclass(slots=True)
class PollCounts:
    """read = applied + seen + dead + ignored. wakes: platforms that have something to learn now."""

    read: int = 0
    applied: int = 0
    seen: int = 0
    dead: int = 0
    ignored: int = 0
    pages: int = 0
    wakes: list[str] = field(default_factory=list)


def poll(bridge: Bridge, slug: str) -> PollCounts:
    """Read a platform's changes to their end. WireError as the adapter raised it, once what came before is kept."""
    platform = bridge.platforms[slug]
    counts = PollCounts()
    try:
        adapter = platform.adapter()
        with bridge.ledger.begin() as tx:
            found = tx.execute(select(cursors.c.cursor).where(cursors.c.platform == slug)).scalar()
        for page in adapter.pull(Cursor(found) if found else None):
            take(bridge, platform, page, counts)
            if isinstance(adapter, Acknowledging):
                adapter.acknowledge(page)
    except WireError as error:
        note_trouble(bridge, slug, error)
        raise
    with bridge.ledger.begin() as tx:
        now = micros(bridge.now())
        note_success(tx, slug, now, direction="polled_at")
        counts.wakes = queue.ready(tx, now)
    return counts


def summary(counts: PollCounts) -> dict[str, Any]:
    """Counts for XCom: numbers and platforms only, never a person's data."""
    return asdict(counts)


def take(bridge: Bridge, platform: Bridged, page: Page, counts: PollCounts, *, move: bool = True) -> None:
    """Keep one page: its records, their meaning, the outbox and the cursor change together or not at all. move: False
    leaves the cursor where it is."""
    unseen = _unseen(bridge, platform, page.records)
    late = _overtaken(bridge, platform, unseen)
    whole = [_completed(platform, record, again=record.native_id in late) for record in unseen]
    fresh = [record for record in whole if record is not None]
    one = PollCounts(read=len(page.records), seen=len(page.records) - len(fresh), pages=1)
    with bridge.ledger.begin() as tx:
        now = micros(bridge.now())
        for record in fresh:
            match keep(tx, bridge, platform, record, now):
                case "applied":
                    one.applied += 1
                case "seen":
                    one.seen += 1
                case "dead":
                    one.dead += 1
                case _:
                    one.ignored += 1
        if move:
            _upsert(tx, cursors, {"platform": platform.slug}, {"cursor": page.cursor, "updated_at": now})
        if one.read > one.seen:
            tx.execute(insert(pages).values(platform=platform.slug, at=now, read=one.read, applied=one.applied, seen=one.seen,
                                            dead=one.dead, ignored=one.ignored))  # fmt: skip
    for name in ("read", "applied", "seen", "dead", "ignored", "pages"):
        setattr(counts, name, getattr(counts, name) + getattr(one, name))


def _unseen(bridge: Bridge, platform: Bridged, shown: Iterable[WireRecord]) -> list[WireRecord]:
    """The records whose version the ledger does not hold yet (whole records are compared by digest later on)."""
    shown = list(shown)
    ids = [record.native_id for record in shown if record.native_id and record.version]
    with bridge.ledger.begin() as tx:
        known = {
            row.native_id: row.version
            for row in tx.execute(
                select(records.c.native_id, records.c.version)
                .where(records.c.platform == platform.slug, records.c.native_id.in_(ids))
            )
        }  # fmt: skip
    return [r for r in shown if not (r.version and r.native_id and known.get(r.native_id) == r.version)]


def _overtaken(bridge: Bridge, platform: Bridged, shown: Iterable[WireRecord]) -> set[str]:
    """The records of which another run kept a later reading while this one was on its way: taken as they were, they would
    turn back what people did since."""
    read = {record.native_id: micros(record.read_at) for record in shown if record.native_id}
    with bridge.ledger.begin() as tx:
        kept = tx.execute(
            select(records.c.native_id, raw_records.c.read_at).join(raw_records, raw_records.c.id == records.c.raw)
            .where(records.c.platform == platform.slug, records.c.native_id.in_(read))
        ).all()  # fmt: skip
    return {row.native_id for row in kept if row.read_at > read[row.native_id]}


def _completed(platform: Bridged, record: WireRecord, *, again: bool) -> WireRecord | None:
    """A list row made whole, or a record read again; None if it has left the platform meanwhile (it is counted as seen)."""
    if record.native_id is None or not (record.partial or again):
        return record
    return platform.adapter().fetch(record.native_id)


def keep(tx: Connection, bridge: Bridge, platform: Bridged, record: WireRecord, now: int) -> str:
    """One record, verbatim and understood: applied | seen | dead | ignored | orphan | duplicate."""
    slug, native_id = platform.slug, record.native_id
    if native_id is not None:
        known = tx.execute(
            select(records.c.digest).where(records.c.platform == slug, records.c.native_id == native_id)
        ).scalar()
        if known == record.identity:
            if record.version:
                tx.execute(update(records).where(records.c.platform == slug, records.c.native_id == native_id)
                           .values(version=record.version))  # fmt: skip
            return "seen"
    elif tx.execute(select(raw_records.c.id).where(raw_records.c.platform == slug, raw_records.c.native_id.is_(None),
                                                   raw_records.c.digest == record.identity)).first():  # fmt: skip
        return "seen"
    made = tx.execute(insert(raw_records).values(
        platform=slug, native_id=native_id, digest=record.identity, raw=record.raw, read_at=micros(record.read_at),
        mapping=platform.translator.version, outcome="dead", reason="",
    ))  # fmt: skip
    raw = new_id(made)
    outcome, reason = _understood(tx, bridge, platform, record, raw, now)
    tx.execute(update(raw_records).where(raw_records.c.id == raw).values(outcome=outcome, reason=reason))
    if native_id is not None:
        reference = _reference(platform, record)
        seen = {"digest": "", "version": ""} if reason == OLD else {"digest": record.identity, "version": record.version}
        _upsert(tx, records, {"platform": slug, "native_id": native_id}, {**seen, "reference": reference, "raw": raw})
    return outcome


def _reference(platform: Bridged, record: WireRecord) -> str | None:
    value = taker(platform.translator.mapping.record.reference)(record.body)
    return str(value)[:128] if value not in (ABSENT, None, "") else None


_DAMAGED = (
    "编号、时间读不出的，先核对县区文件里该平台的 settings（在哪里、怎样写）；确是平台写坏的，请平台改正；然后 retry "
    "/ where an id or a time cannot be read, check the platform's settings in the county's file; else it must be mended on the "
    "platform; then retry"
)


def _understood(
    tx: Connection, bridge: Bridge, platform: Bridged, record: WireRecord, raw: int, now: int
) -> tuple[str, str]:
    slug, native_id = platform.slug, record.native_id
    mapping = platform.translator.mapping.mapping
    try:
        if record.damage:
            found = "；".join(record.damage)
            dead.open_inbound(tx, slug, native_id, raw, found, "config/counties: settings", _DAMAGED, now)
            return "dead", found
        with tx.begin_nested():
            understood = platform.translator.understand(slug, record.body)
            outcome, reason = apply(tx, bridge, platform, understood, record.read_at, now)
    except Unreadable as error:
        wire = f"{error.wire or error.field}: " if error.wire or error.field else ""
        allowed = f"；可用 / allowed: {error.allowed}" if error.allowed else ""
        dead.open_inbound(tx, slug, native_id, raw, f"{wire}{error.found}{allowed}", f"mappings/{mapping}.yaml: {error.key}",
                          error.remedy, now)  # fmt: skip
        return "dead", error.found
    except ValidationError as error:
        where = ", ".join(".".join(str(part) for part in one["loc"]) for one in error.errors())
        dead.open_inbound(tx, slug, native_id, raw, f"不合呼叫模型 / does not fit the call model: {where}",
                          f"mappings/{mapping}.yaml", "检查映射与原始记录 / check the mapping and the raw record", now)  # fmt: skip
        return "dead", where
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        log.exception("记录无法处理 / a record could not be handled: %s %s", slug, native_id)
        dead.open_inbound(tx, slug, native_id, raw, f"内部错误 / internal error: {type(error).__name__}", "",
                          "请将原始记录交给开发者 / hand the raw record to the developers", now)  # fmt: skip
        return "dead", type(error).__name__
    if native_id is not None and outcome != "dead":
        dead.mended(tx, slug, native_id, now)
    return outcome, reason


def note_trouble(bridge: Bridge, slug: str, error: WireError) -> None:
    """Remember a platform's trouble; the bytes of a broken reply are kept as a dead letter, once."""
    with bridge.ledger.begin() as tx:
        now = micros(bridge.now())
        _upsert(tx, platforms, {"platform": slug}, {"trouble": str(error)})
        if isinstance(error, BrokenReply) and error.raw:
            record = WireRecord(None, {}, error.raw, bridge.now())
            seen = tx.execute(select(raw_records.c.id).where(
                raw_records.c.platform == slug, raw_records.c.native_id.is_(None), raw_records.c.digest == record.identity
            )).first()  # fmt: skip
            if seen is None:
                made = tx.execute(insert(raw_records).values(
                    platform=slug, native_id=None, digest=record.identity, raw=error.raw, read_at=now, mapping="",
                    outcome="dead", reason=error.what,
                ))  # fmt: skip
                dead.open_inbound(tx, slug, None, new_id(made), str(error), "", error.remedy, now)


def note_success(tx: Connection, slug: str, now: int, *, direction: str) -> None:
    """The platform answered: back-off and trouble are over."""
    _upsert(tx, platforms, {"platform": slug}, {direction: now, "failures": 0, "blocked_until": 0, "trouble": ""})


def _upsert(tx: Connection, table: Table, key: dict[str, Any], values: dict[str, Any]) -> None:
    """Insert, or update what stands under that key (both dialects say it alike)."""
    if tx.dialect.name == "sqlite":
        lite = sqlite.insert(table).values(**key, **values)
        tx.execute(lite.on_conflict_do_update(index_elements=list(key), set_=values))
    else:
        postgres = postgresql.insert(table).values(**key, **values)
        tx.execute(postgres.on_conflict_do_update(index_elements=list(key), set_=values))

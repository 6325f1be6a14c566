"""What of a record is our own writing come back: entries that we wrote, fields that we changed; and how old a reading is.

Runs inside the page's transaction. This module must not know a platform, and decides nothing about a call.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from bridge.bridged import Bridged
from bridge.ledger import queue
from bridge.ledger.history import append
from bridge.ledger.ledger import micros
from bridge.ledger.tables import echoes, outbox
from bridge.mapping.canonical import same
from bridge.mapping.entries import Entry
from bridge.mapping.notes import Fields
from schemas.lifecycle import Action


def without_echoes(
    tx: Connection, link: Row[Any], new: list[Entry], shown: Fields, read_at: datetime, platform: Bridged, now: int
) -> tuple[list[Entry], bool]:
    """The new entries that are not our own writes, and whether this reading is older than our last write.

    Each expected echo is consumed once, by the entry that fits it best: the key that the receipt named, else code and
    opinion as stored (an equal operator before another one). A change of fields is seen by the fields themselves.
    """
    waiting = list(tx.execute(select(echoes).where(echoes.c.link == link.id, echoes.c.state == "waiting").order_by(echoes.c.id)))
    left = list(new)
    for echo in list(waiting):
        best: Entry | None = None
        if (written := _fields_of(tx, echo)) is not None:
            if not _seen(written, shown, certain=echo.acknowledged_at is not None):
                continue
        else:
            fitting = [entry for entry in left if _fits(platform, echo, entry)]
            if not fitting:
                continue
            best = next((entry for entry in fitting if entry.operator == echo.operator), fitting[0])
            left.remove(best)
        waiting.remove(echo)
        tx.execute(update(echoes).where(echoes.c.id == echo.id).values(state="consumed", entry=best.key if best else ""))
        if echo.outbox is not None:  # a row that waits to find out what became of this write need not wait any longer
            queue.wake(tx, echo.outbox, now)
    edge = micros(read_at - platform.lag)
    missing = [echo for echo in waiting if echo.acknowledged_at is not None]
    for echo in missing:
        if echo.acknowledged_at < edge:
            tx.execute(update(echoes).where(echoes.c.id == echo.id).values(state="expired"))
            words = f"我方写入未见回显 / our write was not shown again: {echo.code} {echo.opinion[:40]}"
            append(tx, link.call, link.platform, "note", {"words": words}, now)
    return left, any(echo.acknowledged_at >= edge for echo in missing)


def without_our_edits(tx: Connection, link: Row[Any], changes: Fields) -> Fields:
    """The changes but for those that a change of ours, still without its receipt, explains."""
    ours = _under_way(tx, link) if changes else []
    return {field: value for field, value in changes.items()
            if not any(field in one and same(value, one[field]) for one in ours)}  # fmt: skip


def crossing(tx: Connection, link: Row[Any], changes: Fields) -> Fields:
    """The changes to fields that a change of ours is on its way to: it may yet replace them there."""
    ours = _under_way(tx, link) if changes else []
    return {field: value for field, value in changes.items() if any(field in one for one in ours)}


def _under_way(tx: Connection, link: Row[Any]) -> list[Fields]:
    plans = tx.execute(select(outbox.c.plan).where(
        outbox.c.call == link.call, outbox.c.platform == link.platform, outbox.c.kind == "edit",
        outbox.c.state.in_(queue.OPEN))).scalars()  # fmt: skip
    return [step["fields"] for plan in plans for step in (plan or {}).get("steps", ()) if step.get("fields")]


def after_what_it_saw(
    tx: Connection, link: Row[Any], entries: Iterable[Entry], actions: list[Action], kept: dict[tuple[str, str, int], Action]
) -> list[Action]:
    """The new actions, each no earlier than what stood before it in the platform's own order, our writes included.

    Clocks differ and some tell whole seconds only: what a person did after having seen another platform's action counts
    after that action, whatever the clocks say.
    """
    told = tx.execute(
        select(echoes.c.entry, outbox.c.body).join(outbox, outbox.c.id == echoes.c.outbox)
        .where(echoes.c.link == link.id, echoes.c.state == "consumed", outbox.c.kind == "action")
    )  # fmt: skip
    echoed = {row.entry: kept.get(tuple(row.body["key"])) for row in told}
    new = {action.key: action for action in actions}
    floor: datetime | None = None
    for entry in entries:
        seen = [echoed[entry.key]] if entry.key in echoed else [kept.get(a.key) or new.get(a.key) for a in entry.actions]
        for action in seen:
            if action is None:
                continue
            effective = action.effective or action.at
            if action.key in new and action.key not in kept and floor is not None and effective <= floor:
                effective = floor + timedelta(microseconds=1)
                new[action.key] = action.model_copy(update={"effective": effective})
            floor = max(floor, effective) if floor else effective
    return list(new.values())


def _fields_of(tx: Connection, echo: Row[Any]) -> dict[str, Any] | None:
    """The step that left this echo, where it was a change of fields: no entry is expected then, whatever the platform
    writes into its history. None for any other write."""
    if echo.step < 0 or echo.code:
        return None
    plan = tx.execute(select(outbox.c.plan).where(outbox.c.id == echo.outbox)).scalar() or {}
    steps = plan.get("steps", ())[echo.step : echo.step + 1]
    return next((step for step in steps if step.get("fields") is not None), None)


def _seen(step: dict[str, Any], shown: Fields, *, certain: bool) -> bool:
    """Is the change there, or, once it is certain that it was made, has somebody changed one of its fields again since?
    Only a value that stood there before ours may be an old one."""
    was, written = step.get("was") or {}, step["fields"]
    return all(same(value, shown.get(field)) for field, value in written.items()) or (certain and any(
        not same(shown.get(field), value) and not same(shown.get(field), was[field])
        for field, value in written.items() if field in was
    ))  # fmt: skip


def _fits(platform: Bridged, echo: Row[Any], entry: Entry) -> bool:
    """Is this entry the one expected? A move that people made before ours arrived may stand there as a remark in our words."""
    if echo.step < 0:
        return bool(entry.sequence == -1 - echo.step)
    if echo.entry:
        return bool(echo.entry == entry.key)
    if _words(echo.opinion) != _words(entry.opinion):
        return False
    operation = platform.translator.mapping.operation
    remarked = operation is not None and entry.code == operation.remark and bool(entry.opinion) and echo.operator == entry.operator
    return bool(echo.code == (entry.code or entry.status)) or remarked


def _words(text: Any) -> str:
    return " ".join(str(text).split())

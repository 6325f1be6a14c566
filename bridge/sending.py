"""One wire operation: the intent committed first, sent once, an unknown outcome found out and never sent again blindly.

Everything here that frees or puts off a row holds only while the worker's claim does: a worker whose lease went to
another one changes nothing of the row. This module must not know what an operation means, nor a platform.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from adapters.errors import ConfigError, NotDone, OutcomeUnknown, Refused, Unavailable
from adapters.port import Ability, Adapter, Findable, LateReceipts, Receipt
from bridge.bridged import Bridge, Bridged
from bridge.inbound import keep
from bridge.ledger import queue
from bridge.ledger.ledger import micros, moment_of
from bridge.ledger.tables import attempts, echoes

SENDS = 2
PATIENCE = 8
REMEMBERED = 86_400_000_000
"""Microseconds for which a platform is trusted to know a write again by its key; after that it is searched first."""
SETTLE_EVERY = 5_000_000
"""Microseconds between two looks for a late receipt."""
RECEIPT_PATIENCE = 14 * REMEMBERED
"""Microseconds after which a receipt that never came is asked of people: longer than any holiday that a batch stands still."""


@dataclass(slots=True)
class PushCounts:
    """done: rows told; skipped: rows that need not be told, for a stated reason; dead: rows a person must look at;
    later: rows put off (unknown outcome, platform busy); sent: wire operations."""

    done: int = 0
    skipped: int = 0
    dead: int = 0
    later: int = 0
    sent: int = 0
    blocked: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    bridge: Bridge
    platform: Bridged
    adapter: Adapter
    counts: PushCounts

    def now(self) -> int:
        return micros(self.bridge.now())


def intend(run: Run, row: Row[Any], number: int, link: int | None, step: dict[str, Any] | None) -> int | None:
    """The attempt row, and the echo that a step will leave, committed before anything is sent. None: another worker
    has taken the row over, nothing may be sent."""
    with run.bridge.ledger.begin() as tx:
        if not queue.held(tx, row):
            return None
        if link is not None and step is not None:
            tx.execute(delete(echoes).where(echoes.c.outbox == row.id, echoes.c.step == number, echoes.c.state == "waiting"))
            tx.execute(insert(echoes).values(link=link, outbox=row.id, step=number, code=step["code"], opinion=step["opinion"],
                                             operator=step["operator"], entry="", state="waiting"))  # fmt: skip
        deadline = run.bridge.now() + run.adapter.processing + run.platform.lag
        return queue.attempt(tx, row, number, run.now(), micros(deadline))


def alike(run: Run, row: Row[Any], link: Row[Any], number: int, step: dict[str, Any]) -> int:
    """How many of our earlier steps on this record carry the same code and operator, at least 1: so many moments may be
    taken. The same whenever it is asked, since a record's rows go out in order."""
    before = (echoes.c.outbox < row.id) | (echoes.c.outbox == row.id) & (echoes.c.step < number)
    same = (echoes.c.link == link.id, echoes.c.code == step["code"], echoes.c.operator == step["operator"])
    with run.bridge.ledger.begin() as tx:
        return max(1, int(tx.execute(select(func.count()).select_from(echoes).where(before, *same)).scalar_one()))


def send(run: Run, row: Row[Any], attempt: int, do: Callable[[], Receipt]) -> Receipt | None:
    """Send once. None: the outcome is unknown and will be found out later. Other errors are recorded and raised."""
    if run.now() >= row.leased_until:
        with run.bridge.ledger.begin() as tx:
            queue.outcome(tx, attempt, "unavailable", "租约到期前未发送 / not sent before the lease ended", run.now())
        return None
    try:
        run.counts.sent += 1
        receipt = do()
    except OutcomeUnknown as error:
        with run.bridge.ledger.begin() as tx:
            queue.outcome(tx, attempt, "unknown", error.what, run.now())
            queue.later(tx, row, _when_to_look(run, row), error.what)
        run.counts.later += 1
        if row.tries >= PATIENCE:
            raise Refused(f"{PATIENCE} 次结果未知 / outcome unknown {PATIENCE} times: {error.what}",
                          remedy="请向平台核实后 retry 或 drop / ask the platform's people, then retry or drop") from error  # fmt: skip
        return None
    except (Unavailable, ConfigError, Refused) as error:
        with run.bridge.ledger.begin() as tx:
            queue.outcome(tx, attempt, "refused" if isinstance(error, Refused) else "unavailable", error.what, run.now())
            step = tx.execute(select(attempts.c.step).where(attempts.c.id == attempt)).scalar_one()
            if queue.held(tx, row) and not queue.sent(tx, row.id, step):  # else an earlier attempt may yet be shown
                tx.execute(delete(echoes).where(echoes.c.outbox == row.id, echoes.c.state == "waiting",
                                                echoes.c.acknowledged_at.is_(None)))  # fmt: skip
        raise
    if not receipt.late:
        return receipt
    with run.bridge.ledger.begin() as tx:
        queue.outcome(tx, attempt, "late", "已交付，等待平台受理 / handed over, the platform will take it up", run.now())
        queue.later(tx, row, run.now() + SETTLE_EVERY, "等待平台回执 / waiting for the platform's receipt")
    run.counts.later += 1
    return None


def settled(run: Run, row: Row[Any], pending: Row[Any], reference: str) -> Receipt | None:
    """The late receipt of a write, if the platform has one; a refusal ends the attempt and is a person's, unless the
    platform failed inside: then the same is handed over again, a few times."""
    if not isinstance(run.adapter, LateReceipts) or Ability.LATE_RECEIPT not in run.adapter.abilities:
        return None
    try:
        return run.adapter.settle(reference)
    except NotDone as error:
        with run.bridge.ledger.begin() as tx:
            queue.outcome(tx, pending.id, "absent", error.what, run.now())
            sends = queue.sent(tx, row.id, pending.step)
        if sends >= PATIENCE:
            raise
        return None
    except Refused as error:
        with run.bridge.ledger.begin() as tx:
            queue.outcome(tx, pending.id, "refused", error.what, run.now())
        raise


def _when_to_look(run: Run, row: Row[Any]) -> int:
    again = Ability.IDEMPOTENT_CREATE if row.kind == "create" else Ability.IDEMPOTENT_UPDATE
    wait = run.adapter.processing + run.platform.lag
    if again in run.adapter.abilities:
        wait = timedelta(seconds=min(300, 2 ** (row.tries + 1)))
    return micros(run.bridge.now() + wait)


def already_there(run: Run, reference: str, since: int) -> Receipt | None:
    """The copy that a ledger restored from a backup no longer knows of. Asked before a first creation where creating
    twice would make two; `since`: when the call was recorded here, microseconds."""
    if Ability.IDEMPOTENT_CREATE in run.adapter.abilities or Ability.FIND not in run.adapter.abilities:
        return None
    assert isinstance(run.adapter, Findable)
    record = run.adapter.find(reference, moment_of(since) - run.platform.lag)
    return Receipt(record.native_id, already=True) if record is not None and record.native_id else None


def found_out(run: Run, row: Row[Any], pending: Row[Any], reference: str) -> Receipt | None:
    """What became of a creation: its receipt, or None while it stays open (the row is put off, freed or buried)."""
    receipt = settled(run, row, pending, reference)
    if receipt is not None:
        return receipt
    if awaited(run, row, pending):
        return None
    searchable = Ability.FIND in run.adapter.abilities
    remembered = run.now() - pending.started_at < REMEMBERED or not searchable
    if Ability.IDEMPOTENT_CREATE in run.adapter.abilities and remembered:
        _free(run, row, pending, "同一编号可重发 / the same reference may be sent again")
        return None
    if not isinstance(run.adapter, Findable) or Ability.FIND not in run.adapter.abilities:
        raise Refused("结果未知，且该平台无法查证 / outcome unknown, and the platform cannot be searched",
                      remedy="请电话核实后 retry 或 drop / ask the platform's people, then retry or drop")  # fmt: skip
    if run.now() < pending.deadline:
        put_off(run, row, pending.deadline)
        return None
    since = moment_of(pending.started_at) - run.platform.lag - timedelta(minutes=2)
    record = run.adapter.find(reference, since)
    if record is not None and record.native_id:
        return Receipt(record.native_id, already=True)
    found_absent(run, row, pending)
    return None


def step_found_out(
    run: Run, row: Row[Any], link: Row[Any], number: int, pending: Row[Any], reference: str, *, edit: bool
) -> bool | None:
    """Was the step carried out? None while it stays open. False: it may be sent (again). edit: a change of fields, which is
    planned anew by what the platform shows once it can no longer take effect late: the same values again change nothing."""
    if settled(run, row, pending, reference) is not None:
        return True
    if awaited(run, row, pending):
        return None
    if not edit and Ability.IDEMPOTENT_UPDATE in run.adapter.abilities and run.now() - pending.started_at < REMEMBERED:
        with run.bridge.ledger.begin() as tx:
            queue.outcome(tx, pending.id, "absent", "相同操作可重发 / the same operation may be sent again", run.now())
        return False
    if _echoed(run, row, number):
        return True
    if run.now() < pending.deadline:
        put_off(run, row, pending.deadline)
        return None
    if edit:
        _free(run, row, pending, "照平台现状重新计划 / planned anew by what the platform shows")
        return None
    record = run.adapter.fetch(link.native_id)
    if record is not None:
        with run.bridge.ledger.begin() as tx:
            keep(tx, run.bridge, run.platform, record, run.now())
        if _echoed(run, row, number):
            return True
    found_absent(run, row, pending)
    return None


def awaited(run: Run, row: Row[Any], pending: Row[Any]) -> bool:
    """Is this a write that was handed over, whose receipt is still to come? Not for ever: then it is a person's."""
    if pending.outcome != "late":
        return False
    if run.now() - pending.started_at > RECEIPT_PATIENCE:
        raise Refused("交付已久，平台一直没有回执 / handed over long ago, and the platform never told what became of it",
                      remedy="请向平台查问：有结果后 retry，确认没有办就 drop / ask the platform's people: retry once there is a "
                      "receipt, drop if there will be none")  # fmt: skip
    put_off(run, row, run.now() + SETTLE_EVERY)
    return True


def _echoed(run: Run, row: Row[Any], number: int) -> bool:
    with run.bridge.ledger.begin() as tx:
        state = tx.execute(select(echoes.c.state).where(echoes.c.outbox == row.id, echoes.c.step == number)
                           .order_by(echoes.c.id.desc()).limit(1)).scalar()  # fmt: skip
    return state == "consumed"


def found_absent(run: Run, row: Row[Any], pending: Row[Any]) -> None:
    """Not there: look a second time after the platform's lag; absent twice, it is sent once more; then a person."""
    with run.bridge.ledger.begin() as tx:
        if not queue.held(tx, row):
            return
        if pending.absent == 0:
            tx.execute(update(attempts).where(attempts.c.id == pending.id).values(absent=1))
            queue.later(tx, row, micros(run.bridge.now() + run.platform.lag), "查无，稍后再查 / not found, looking again")
            run.counts.later += 1
            return
        queue.outcome(tx, pending.id, "absent", "两次查无 / not found twice", run.now())
        sends = queue.sent(tx, row.id, pending.step)
        queue.later(tx, row, run.now(), "两次查无 / not found twice")
    run.counts.later += 1
    if sends >= SENDS:
        raise Refused(f"发送 {sends} 次均无结果 / sent {sends} times without a trace",
                      remedy="请电话核实后 retry 或 drop / ask the platform's people, then retry or drop")  # fmt: skip


def put_off(run: Run, row: Row[Any], at: int) -> None:
    with run.bridge.ledger.begin() as tx:
        queue.later(tx, row, at, "结果未定，等待查证 / outcome open, waiting to find out")
    run.counts.later += 1


def _free(run: Run, row: Row[Any], pending: Row[Any], why: str) -> None:
    with run.bridge.ledger.begin() as tx:
        queue.outcome(tx, pending.id, "absent", why, run.now())
        queue.later(tx, row, run.now(), why)
    run.counts.later += 1

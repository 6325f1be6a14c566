"""Outbox -> platform -> receipt. Intent before effect: an attempt row is committed before the first byte goes out.

A row's way: claimed with a lease and a fencing token, planned in the platform's words, sent step by step, each step's
outcome recorded with its expected echo. An unknown outcome is found out, never sent again blindly. This module must
not know a platform or Airflow.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from adapters.errors import ConfigError, OutcomeUnknown, Outdated, Refused, Unavailable, WireError
from adapters.port import Ability, Adapter, Findable, Receipt, Updatable
from bridge.bridged import Bridge, Bridged
from bridge.inbound import keep, note_success
from bridge.ledger import dead, queue
from bridge.ledger.history import actions_of
from bridge.ledger.ledger import micros, moment_of
from bridge.ledger.tables import attempts, calls, echoes, links, outbox, platforms
from bridge.mapping import planning
from bridge.mapping.notes import Unreadable
from bridge.mapping.planning import Plan, Situation
from bridge.mapping.translator import secrets_of
from bridge.reading import link_copy, reference_of, settle
from schemas.lifecycle import ActionKind, Stage, fold
from schemas.moment import moment

log = logging.getLogger(__name__)
REPLANS = 3
SENDS = 2
PATIENCE = 8


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
class _Run:
    bridge: Bridge
    platform: Bridged
    adapter: Adapter
    counts: PushCounts

    def now(self) -> int:
        return micros(self.bridge.now())


def push(bridge: Bridge, slug: str, *, seconds: float = 45.0) -> PushCounts:
    """Tell a platform what waits for it, for at most about `seconds`. WireError once the platform must be left alone
    (unreachable, misconfigured); rows that failed by themselves do not stop the others (promise G4)."""
    platform, counts = bridge.platforms[slug], PushCounts()
    until = bridge.now() + timedelta(seconds=seconds)
    with bridge.ledger.begin() as tx:
        state = tx.execute(select(platforms).where(platforms.c.platform == slug)).first()
        if state and state.blocked_until > micros(bridge.now()):
            counts.blocked = state.trouble
            return counts
    try:
        run = _Run(bridge, platform, platform.adapter(), counts)
        while bridge.now() < until:
            with bridge.ledger.begin() as tx:
                row = queue.claim(tx, slug, run.now(), platform.lease // timedelta(microseconds=1))
            if row is None:
                break
            _work(run, row)
    except WireError as error:
        _block(bridge, slug, error)
        raise
    with bridge.ledger.begin() as tx:
        note_success(tx, slug, micros(bridge.now()), direction="pushed_at")
    return counts


def _block(bridge: Bridge, slug: str, error: WireError) -> None:
    """Back-off for this platform alone: 2, 4, 8 … 300 seconds, or what it asked for."""
    with bridge.ledger.begin() as tx:
        now = micros(bridge.now())
        state = tx.execute(select(platforms).where(platforms.c.platform == slug)).first()
        failures = (state.failures if state else 0) + 1
        asked = error.retry_after if isinstance(error, Unavailable) else None
        seconds = asked if asked is not None else min(300.0, 2.0**failures)
        values = {"failures": failures, "blocked_until": now + int(seconds * 1e6), "trouble": str(error)}
        if state:
            tx.execute(update(platforms).where(platforms.c.platform == slug).values(**values))
        else:
            tx.execute(insert(platforms).values(platform=slug, **values))


def _work(run: _Run, row: Row[Any]) -> None:
    try:
        if row.kind == "create":
            _create(run, row)
        else:
            _tell(run, row)
    except (Unavailable, ConfigError) as error:
        with run.bridge.ledger.begin() as tx:
            queue.later(tx, row.id, run.now(), error.what)
        run.counts.later += 1
        raise
    except Refused as error:
        _bury(run, row, f"{error.code} {error.what}".strip(), error.field, error.remedy)
    except Unreadable as error:
        key = f"mappings/{run.platform.translator.mapping.mapping}.yaml: {error.key}"
        _bury(run, row, f"{error.wire or error.field}: {error.found}", key, error.remedy)


def _bury(run: _Run, row: Row[Any], what: str, key: str, remedy: str) -> None:
    """A dead letter: it holds up what is behind it for the same call and platform, and nothing else."""
    with run.bridge.ledger.begin() as tx:
        queue.finish(tx, row.id, "dead", what, run.now())
        dead.open_outbound(tx, run.platform.slug, row.call, row.id, what, key, remedy, run.now())
    run.counts.dead += 1


def _finish(run: _Run, row: Row[Any], state: str, reason: str) -> None:
    with run.bridge.ledger.begin() as tx:
        if not queue.held(tx, row):
            return
        queue.finish(tx, row.id, state, reason, run.now())
        call = tx.execute(select(calls).where(calls.c.id == row.call)).one()
        if tx.execute(select(links.c.id).where(links.c.call == row.call, links.c.platform == run.platform.slug)).first():
            settle(tx, run.platform, row.call, call.stage, run.now())
    if state == "done":
        run.counts.done += 1
    else:
        run.counts.skipped += 1


# ---- creating -----------------------------------------------------------------------------------------------------


def _create(run: _Run, row: Row[Any]) -> None:
    with run.bridge.ledger.begin() as tx:
        call = tx.execute(select(calls).where(calls.c.id == row.call)).one()
        linked = tx.execute(select(links).where(links.c.call == row.call, links.c.platform == run.platform.slug)).first()
        pending = queue.unresolved(tx, row.id, 0)
        standing = fold(actions_of(tx, row.call))
    if linked:
        _finish(run, row, "done", "已存在 / already there")
        return
    reference = reference_of(call.call_id)
    if pending:
        found = _found_out(run, row, pending, reference)
        if found is not None:
            _created(run, row, pending.id, found, call)
        return
    if standing.stage in (Stage.RETURNED, Stage.CANCELLED):
        _finish(run, row, "skipped", f"未及建立，呼叫已{'退回' if standing.stage is Stage.RETURNED else '作废'} / "
                "returned or cancelled before it was created here")  # fmt: skip
        return
    creation = run.platform.translator.creation(call.fields, reference, secrets_of(call.fields))
    attempt = _attempt(run, row, 0, None, None)
    receipt = _send(run, row, attempt, lambda: run.adapter.create(creation.body, reference))
    if receipt is not None:
        _created(run, row, attempt, receipt, call)


def _created(run: _Run, row: Row[Any], attempt: int, receipt: Receipt, call: Row[Any]) -> None:
    """The receipt: link, number, echoes; the platform of origin is told the number."""
    platform = run.platform
    creation = platform.translator.creation(call.fields, reference_of(call.call_id), secrets_of(call.fields))
    with run.bridge.ledger.begin() as tx:
        now = run.now()
        detail = "；".join([*receipt.notes, *(f"{field}: {words}" for field, words in creation.notes)])
        queue.outcome(tx, attempt, "found" if receipt.already else "done", detail, now)
        known = tx.execute(select(links.c.id).where(links.c.call == row.call, links.c.platform == platform.slug)).first()
        if known is None:
            link_copy(tx, row.call, platform, receipt.native_id, reference_of(call.call_id), creation, row.id, now)
            _tell_number(tx, run, call, receipt.native_id, now)
            _skip_superseded(tx, run, row, now)
    _finish(run, row, "done", detail)


def _skip_superseded(tx: Connection, run: _Run, row: Row[Any], now: int) -> None:
    """What happened before the call was last called need not be told to a platform that never saw it."""
    timeline = fold(actions_of(tx, row.call)).timeline
    last = max((i for i, step in enumerate(timeline) if step.applied and step.action.kind is ActionKind.CALL), default=0)
    past = {step.action.key for step in timeline[: last + 1]}
    waiting = tx.execute(select(outbox).where(
        outbox.c.call == row.call, outbox.c.platform == run.platform.slug, outbox.c.kind == "action",
        outbox.c.state == "waiting"))  # fmt: skip
    for one in waiting.all():
        if tuple(one.body["key"]) in past:
            queue.finish(tx, one.id, "skipped", "建立之前的动作 / happened before the call was created here", now)


def _tell_number(tx: Connection, run: _Run, call: Row[Any], number: str, now: int) -> None:
    origin = run.bridge.platforms.get(call.origin_platform)
    if origin and origin.tell_numbers and origin.translator.mapping.operation:
        words = origin.translator.mapping.number_remark.format(platform=run.platform.title, number=number)
        queue.enqueue(tx, call.id, origin.slug, "remark", {"text": words}, now)


# ---- telling ------------------------------------------------------------------------------------------------------


def _tell(run: _Run, row: Row[Any]) -> None:
    with run.bridge.ledger.begin() as tx:
        link = tx.execute(select(links).where(links.c.call == row.call, links.c.platform == run.platform.slug)).first()
        call = tx.execute(select(calls).where(calls.c.id == row.call)).one()
    if link is None:
        _finish(run, row, "skipped", "该平台没有此呼叫 / the call was never created here")
        return
    if not isinstance(run.adapter, Updatable) or Ability.UPDATE not in run.adapter.abilities:
        _finish(run, row, "skipped", "该平台不接受后续操作 / the platform takes nothing after creation")
        return
    made = row.plan
    if made is None:
        plan = _plan(run, row, link, call)
        made = {"steps": [step.to_json() for step in plan.steps], "reason": plan.reason, "notes": plan.notes}
        with run.bridge.ledger.begin() as tx:
            if not queue.held(tx, row):
                return
            tx.execute(update(outbox).where(outbox.c.id == row.id).values(plan=made, done=0))
    for number in range(row.done, len(made["steps"])):
        if not _step(run, row, link, number, made["steps"][number]):
            return
    notes = "；".join(f"{field}: {words}" for field, words in made["notes"])
    _finish(run, row, "done" if made["steps"] else "skipped", made["reason"] or notes)


def _plan(run: _Run, row: Row[Any], link: Row[Any], call: Row[Any]) -> Plan:
    mapping, fields = run.platform.translator.mapping, call.fields
    lead, due = link.snapshot.get("lead") or {}, link.snapshot.get("due")
    seen = Situation(link.status, str(lead.get("code") or ""), fields, run.bridge.now(), secrets_of(fields),
                     moment(due) if due else None)  # fmt: skip
    match row.kind:
        case "remark":
            return planning.remark(mapping, row.body["text"], seen)
        case "edit":
            return planning.remark(mapping, planning.edited(row.body["fields"]), seen) if mapping.edits == "remark" \
                else Plan(reason="该平台不能更改已建呼叫 / the platform cannot edit")  # fmt: skip
        case "align":
            return planning.align(mapping, Stage(call.stage), seen)
    with run.bridge.ledger.begin() as tx:
        timeline = fold(actions_of(tx, row.call)).timeline
    key = tuple(row.body["key"])
    step = next((step for step in timeline if step.action.key == key), None)
    if step is None:
        return Plan(reason="动作已不在历史中 / the action is no longer in the history")
    if not step.applied:
        return Plan(reason="与生命周期不符，仅作记录 / not allowed by the lifecycle: recorded and shown only")
    return planning.plan(mapping, step.action, step.stage, seen)


def _step(run: _Run, row: Row[Any], link: Row[Any], number: int, step: dict[str, Any]) -> bool:
    """One wire operation; True once it is certain that it was carried out."""
    with run.bridge.ledger.begin() as tx:
        pending = queue.unresolved(tx, row.id, number)
    if pending:
        settled = _step_found_out(run, row, link, number, pending, step)
        if settled is None:
            return False
        if settled:
            _step_done(run, row, link, number, step, Receipt(link.native_id, already=True), pending.id)
            return True
    adapter, reference = run.adapter, f"{link.reference or link.native_id}#{row.id}.{number}"
    assert isinstance(adapter, Updatable)
    body = step["body"]
    for _ in range(5):
        attempt = _attempt(run, row, number, link.id, step)
        try:
            receipt = _send(run, row, attempt, lambda: adapter.update(link.native_id, body, reference))
        except Outdated as error:
            _outdated(run, row, link, error)
            return False
        if receipt is None:
            return False
        if not _swallowed(run, row, link, number, receipt):
            _step_done(run, row, link, number, step, receipt, attempt)
            return True
        body = _a_moment_later(run.platform, body)
    raise Refused("操作时间重复，无法区分 / the operation's time could not be made distinct", remedy="请重试 / retry")


def _swallowed(run: _Run, row: Row[Any], link: Row[Any], number: int, receipt: Receipt) -> bool:
    """Was another entry of the same kind, person and time taken for this one (its key is known already)?"""
    operation = run.platform.translator.mapping.operation
    if not receipt.entry or operation is None or not operation.distinct_times:
        return False
    with run.bridge.ledger.begin() as tx:
        mine = (echoes.c.outbox == row.id) & (echoes.c.step == number)
        others = tx.execute(select(echoes.c.id).where(echoes.c.link == link.id, echoes.c.entry == receipt.entry, ~mine)).first()
        own = tx.execute(select(echoes.c.id).where(mine, echoes.c.entry == receipt.entry)).first()
        entries = tx.execute(select(links.c.entries).where(links.c.id == link.id)).scalar_one()
        if own is not None or (others is None and receipt.entry not in entries):
            return False
        tx.execute(delete(echoes).where(mine, echoes.c.state == "waiting"))
        return True


def _a_moment_later(platform: Bridged, body: dict[str, Any]) -> dict[str, Any]:
    operation = platform.translator.mapping.operation
    assert operation
    return {**body, operation.at: body[operation.at] + 1} if isinstance(body.get(operation.at), int) else body


def _step_done(
    run: _Run, row: Row[Any], link: Row[Any], number: int, step: dict[str, Any], receipt: Receipt, attempt: int
) -> None:
    mapping = run.platform.translator.mapping
    with run.bridge.ledger.begin() as tx:
        now = run.now()
        queue.outcome(tx, attempt, "found" if receipt.already else "done", "；".join(receipt.notes), now)
        tx.execute(
            update(echoes).where(echoes.c.outbox == row.id, echoes.c.step == number, echoes.c.state == "waiting")
            .values(acknowledged_at=now, entry=receipt.entry)
        )  # fmt: skip
        if not queue.held(tx, row):
            return
        present = tx.execute(select(links).where(links.c.id == link.id)).one()
        touched = mapping.operation.touches if mapping.operation else []
        snapshot = dict(present.snapshot)
        if step["lead"] and step["lead"] != ((snapshot.get("lead") or {}).get("code") or ""):
            snapshot["lead"] = {"code": step["lead"], "name": None}
        tx.execute(update(links).where(links.c.id == link.id).values(
            status=receipt.status if receipt.status in mapping.stages else step["status"], snapshot=snapshot,
            rebase=sorted({*present.rebase, *touched}),
        ))  # fmt: skip
        tx.execute(update(outbox).where(outbox.c.id == row.id).values(done=number + 1))


def _outdated(run: _Run, row: Row[Any], link: Row[Any], error: Outdated) -> None:
    """The record moved on: read it again, then plan anew; what was already told is not told again."""
    record = run.adapter.fetch(link.native_id)
    with run.bridge.ledger.begin() as tx:
        tx.execute(delete(echoes).where(echoes.c.outbox == row.id, echoes.c.state == "waiting",
                                        echoes.c.acknowledged_at.is_(None)))  # fmt: skip
        if record is not None:
            keep(tx, run.bridge, run.platform, record, run.now())
        present = tx.execute(select(outbox).where(outbox.c.id == row.id)).one()
        if present.done == 0 and present.tries < REPLANS:
            tx.execute(update(outbox).where(outbox.c.id == row.id).values(plan=None))
            queue.later(tx, row.id, run.now(), error.what)
            return
    if present.done:
        _finish(run, row, "done", error.what)
    else:
        raise Refused(error.what, where=error.where, code=error.code, field=error.field, remedy=error.remedy)


# ---- sending and finding out --------------------------------------------------------------------------------------


def _attempt(run: _Run, row: Row[Any], number: int, link: int | None, step: dict[str, Any] | None) -> int:
    """The attempt row, and the echo that a step will leave, committed before anything is sent."""
    with run.bridge.ledger.begin() as tx:
        if not queue.held(tx, row):
            raise Unavailable("租约已失效，由其他进程接手 / the lease went to another worker", where=run.platform.slug)
        if link is not None and step is not None:
            tx.execute(delete(echoes).where(echoes.c.outbox == row.id, echoes.c.step == number, echoes.c.state == "waiting"))
            tx.execute(insert(echoes).values(link=link, outbox=row.id, step=number, code=step["code"], opinion=step["opinion"],
                                             operator=step["operator"], entry="", state="waiting"))  # fmt: skip
        deadline = run.bridge.now() + run.adapter.processing + run.platform.lag
        return queue.attempt(tx, row, number, run.now(), micros(deadline))


def _send(run: _Run, row: Row[Any], attempt: int, do: Callable[[], Receipt]) -> Receipt | None:
    """Send once. None: the outcome is unknown and will be found out later. Other errors are recorded and raised."""
    if run.now() >= row.leased_until:
        with run.bridge.ledger.begin() as tx:
            queue.outcome(tx, attempt, "unavailable", "租约到期前未发送 / not sent before the lease ended", run.now())
        return None
    try:
        run.counts.sent += 1
        return do()
    except OutcomeUnknown as error:
        with run.bridge.ledger.begin() as tx:
            queue.outcome(tx, attempt, "unknown", error.what, run.now())
            queue.later(tx, row.id, _when_to_look(run, row), error.what)
        run.counts.later += 1
        if row.tries >= PATIENCE:
            raise Refused(f"{PATIENCE} 次结果未知 / outcome unknown {PATIENCE} times: {error.what}",
                          remedy="请向平台核实后 retry 或 drop / ask the platform's people, then retry or drop") from error  # fmt: skip
        return None
    except (Unavailable, ConfigError, Refused) as error:
        with run.bridge.ledger.begin() as tx:
            queue.outcome(tx, attempt, "refused" if isinstance(error, Refused) else "unavailable", error.what, run.now())
            tx.execute(delete(echoes).where(echoes.c.outbox == row.id, echoes.c.state == "waiting",
                                            echoes.c.acknowledged_at.is_(None)))  # fmt: skip
        raise


def _when_to_look(run: _Run, row: Row[Any]) -> int:
    again = Ability.IDEMPOTENT_CREATE if row.kind == "create" else Ability.IDEMPOTENT_UPDATE
    wait = run.adapter.processing + run.platform.lag
    if again in run.adapter.abilities:
        wait = timedelta(seconds=min(300, 2 ** (row.tries + 1)))
    return micros(run.bridge.now() + wait)


def _found_out(run: _Run, row: Row[Any], pending: Row[Any], reference: str) -> Receipt | None:
    """What became of a creation: its receipt, or None while it stays open (the row is put off, freed or buried)."""
    if Ability.IDEMPOTENT_CREATE in run.adapter.abilities:
        _free(run, row, pending, "同一编号可重发 / the same reference may be sent again")
        return None
    if not isinstance(run.adapter, Findable) or Ability.FIND not in run.adapter.abilities:
        raise Refused("结果未知，且该平台无法查证 / outcome unknown, and the platform cannot be searched",
                      remedy="请电话核实后 retry 或 drop / ask the platform's people, then retry or drop")  # fmt: skip
    if run.now() < pending.deadline:
        _put_off(run, row, pending.deadline)
        return None
    since = moment_of(pending.started_at) - run.platform.lag - timedelta(minutes=2)
    record = run.adapter.find(reference, since)
    if record is not None and record.native_id:
        return Receipt(record.native_id, already=True)
    _absent(run, row, pending)
    return None


def _step_found_out(
    run: _Run, row: Row[Any], link: Row[Any], number: int, pending: Row[Any], step: dict[str, Any]
) -> bool | None:
    """Was the step carried out? None while it stays open. False: it may be sent (again)."""
    if Ability.IDEMPOTENT_UPDATE in run.adapter.abilities:
        with run.bridge.ledger.begin() as tx:
            queue.outcome(tx, pending.id, "absent", "相同操作可重发 / the same operation may be sent again", run.now())
        return False
    if _echoed(run, row, number):
        return True
    if run.now() < pending.deadline:
        _put_off(run, row, pending.deadline)
        return None
    record = run.adapter.fetch(link.native_id)
    if record is not None:
        with run.bridge.ledger.begin() as tx:
            keep(tx, run.bridge, run.platform, record, run.now())
        if _echoed(run, row, number):
            return True
    _absent(run, row, pending)
    return None


def _echoed(run: _Run, row: Row[Any], number: int) -> bool:
    with run.bridge.ledger.begin() as tx:
        state = tx.execute(select(echoes.c.state).where(echoes.c.outbox == row.id, echoes.c.step == number)
                           .order_by(echoes.c.id.desc()).limit(1)).scalar()  # fmt: skip
    return state == "consumed"


def _absent(run: _Run, row: Row[Any], pending: Row[Any]) -> None:
    """Not there: look a second time after the platform's lag; absent twice, it is sent once more; then a person."""
    with run.bridge.ledger.begin() as tx:
        if pending.absent == 0:
            tx.execute(update(attempts).where(attempts.c.id == pending.id).values(absent=1))
            queue.later(tx, row.id, micros(run.bridge.now() + run.platform.lag), "查无，稍后再查 / not found, looking again")
            run.counts.later += 1
            return
        queue.outcome(tx, pending.id, "absent", "两次查无 / not found twice", run.now())
        sends = queue.sent(tx, row.id, pending.step)
        queue.later(tx, row.id, run.now(), "两次查无 / not found twice")
    run.counts.later += 1
    if sends >= SENDS:
        raise Refused(f"发送 {sends} 次均无结果 / sent {sends} times without a trace",
                      remedy="请电话核实后 retry 或 drop / ask the platform's people, then retry or drop")  # fmt: skip


def _put_off(run: _Run, row: Row[Any], at: int) -> None:
    with run.bridge.ledger.begin() as tx:
        queue.later(tx, row.id, at, "结果未知，等待查证 / outcome unknown, waiting to find out")
    run.counts.later += 1


def _free(run: _Run, row: Row[Any], pending: Row[Any], why: str) -> None:
    with run.bridge.ledger.begin() as tx:
        queue.outcome(tx, pending.id, "absent", why, run.now())
        queue.later(tx, row.id, run.now(), why)
    run.counts.later += 1


def summary(counts: PushCounts) -> dict[str, Any]:
    """Counts for XCom: numbers only, never a person's data."""
    return {name: value for name, value in asdict(counts).items() if name != "blocked"}


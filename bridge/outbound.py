"""Outbox -> platform -> receipt. Intent before effect: an attempt row is committed before the first byte goes out.

A row's way: claimed with a lease and a fencing token, planned in the platform's words, sent step by step, each step's
outcome recorded with its expected echo. An unknown outcome is found out, never sent again blindly. This module must
not know a platform or Airflow.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from adapters.errors import ConfigError, Outdated, Refused, Unavailable, WireError
from adapters.port import Ability, Editable, Receipt, Updatable
from bridge.attachments.carrying import NotCarried, carry
from bridge.attachments.naming import safe_name
from bridge.bridged import Bridge, Bridged
from bridge.inbound import keep, note_success
from bridge.ledger import dead, queue
from bridge.ledger.history import actions_of, append
from bridge.ledger.ledger import micros
from bridge.ledger.tables import calls, echoes, files, links, outbox, platforms, records
from bridge.mapping import planning
from bridge.mapping.canonical import secrets_of
from bridge.mapping.converters import conceal
from bridge.mapping.notes import Unreadable
from bridge.reading import link_copy, reference_of, settle
from bridge.sending import (
    PushCounts,
    Run,
    alike,
    already_there,
    found_out,
    intend,
    send,
    step_found_out,
)
from bridge.telling import behind, planned, to_be_planned_anew
from schemas.lifecycle import Stage, fold

log = logging.getLogger(__name__)
REPLANS, MOMENTS = 3, 20


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
        run = Run(bridge, platform, platform.adapter(), counts)
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


def _work(run: Run, row: Row[Any]) -> None:
    try:
        match row.kind:
            case "create":
                _create(run, row)
            case queue.FILE:
                _carry(run, row)
            case _:
                _tell(run, row)
    except (Unavailable, ConfigError) as error:
        with run.bridge.ledger.begin() as tx:
            queue.later(tx, row, run.now(), error.what)
        run.counts.later += 1
        raise
    except Refused as error:
        _bury(run, row, f"{error.code} {error.what}".strip(), error.field, error.remedy)
    except Unreadable as error:
        key = f"mappings/{run.platform.translator.mapping.mapping}.yaml: {error.key}"
        _bury(run, row, f"{error.wire or error.field}: {error.found}", key, error.remedy)
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        log.exception("无法处理 / could not be handled: %s outbox %s", run.platform.slug, row.id)
        _bury(run, row, f"内部错误 / internal error: {type(error).__name__}", "", "请联系开发者 / tell the developers")


def _bury(run: Run, row: Row[Any], what: str, key: str, remedy: str) -> None:
    """A dead letter: it holds up what is behind it for the same call and platform, and nothing else."""
    with run.bridge.ledger.begin() as tx:
        if not queue.held(tx, row):
            return
        queue.finish(tx, row.id, "dead", what, run.now())
        dead.open_outbound(tx, run.platform.slug, row.call, row.id, what, key, remedy, run.now())
    run.counts.dead += 1


def _finish(run: Run, row: Row[Any], state: str, reason: str) -> None:
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


def _carry(run: Run, row: Row[Any]) -> None:
    if declared := run.platform.translator.mapping.created_only:
        _finish(run, row, "skipped", declared)
        return
    try:
        words = carry(run, row)
    except (NotCarried, Refused) as error:
        with run.bridge.ledger.begin() as tx:
            again = isinstance(error, Outdated) and queue.refusals(tx, row.id) <= REPLANS
            if again:  # people moved the record while the file was on its way
                queue.later(tx, row, run.now(), str(error))
        if again:
            return
        _left_behind(run, row, error.what if isinstance(error, Refused) else str(error))
    else:
        if words is not None:
            _finish(run, row, "done", words)


def _left_behind(run: Run, row: Row[Any], why: str) -> None:
    """The call goes on without a file: its history says so, and the officials who miss it are told."""
    with run.bridge.ledger.begin() as tx:
        if not queue.held(tx, row):
            return
        file = tx.execute(select(files).where(files.c.id == row.body["file"])).one()
        fields = tx.execute(select(calls.c.fields).where(calls.c.id == row.call)).scalar_one()
        name = conceal(safe_name(file.name, file.media_type, file.id), secrets_of(fields))
        words = f"附件未送达 / not carried: {name}: {why}"
        append(tx, row.call, run.platform.slug, "note", {"field": "files", "words": words}, run.now())
        text = f"【附件未送达】{name}：{why.partition(' / ')[0]}"
        queue.enqueue(tx, row.call, run.platform.slug, "remark", {"text": text}, run.now())
    _finish(run, row, "skipped", why)


# ---- creating -----------------------------------------------------------------------------------------------------


def _create(run: Run, row: Row[Any]) -> None:
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
        found = found_out(run, row, pending, reference)
        if found is not None:
            _created(run, row, pending.id, found, call)
        return
    if standing.stage in (Stage.RETURNED, Stage.CANCELLED):
        _finish(run, row, "skipped", f"未及建立，呼叫已{'退回' if standing.stage is Stage.RETURNED else '作废'} / "
                "returned or cancelled before it was created here")  # fmt: skip
        return
    creation = run.platform.translator.creation(call.fields, reference, secrets_of(call.fields))
    there = already_there(run, reference, call.created_at)
    with run.bridge.ledger.begin() as tx:
        if queue.held(tx, row) and not queue.sent(tx, row.id, 0):
            tx.execute(update(outbox).where(outbox.c.id == row.id).values(plan={"sent": call.fields}))
    attempt = intend(run, row, 0, None, None)
    if attempt is None:
        return
    if there is not None:
        _created(run, row, attempt, there, call)
        return
    receipt = send(run, row, attempt, lambda: run.adapter.create(creation.body, reference))
    if receipt is not None:
        _created(run, row, attempt, receipt, call)


def _created(run: Run, row: Row[Any], attempt: int, receipt: Receipt, call: Row[Any]) -> None:
    """The receipt, kept; polling may have been faster."""
    platform = run.platform
    creation = platform.translator.creation(call.fields, reference_of(call.call_id), secrets_of(call.fields))
    with run.bridge.ledger.begin() as tx:
        now = run.now()
        call = tx.execute(select(calls).where(calls.c.id == call.id)).one()  # it may have changed since it was sent
        detail = "；".join([*receipt.notes, *(f"{field}: {words}" for field, words in creation.notes)])
        queue.outcome(tx, attempt, "found" if receipt.already else "done", detail, now)
        known = tx.execute(select(links.c.id).where(links.c.call == row.call, links.c.platform == platform.slug)).first()
        if known is None:
            link_copy(tx, run.bridge, platform, call, receipt.native_id, creation, row.id, now)
    _finish(run, row, "done", detail)


# ---- telling ------------------------------------------------------------------------------------------------------


def _tell(run: Run, row: Row[Any]) -> None:
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
    if made is None or to_be_planned_anew(run, row):
        plan = planned(run, row, link, call)
        made = {"steps": [step.to_json() for step in plan.steps], "reason": plan.reason, "notes": plan.notes}
        with run.bridge.ledger.begin() as tx:
            if not queue.held(tx, row):
                return
            if row.plan is not None:  # what the plan before this one would have left behind is not expected any more
                tx.execute(delete(echoes).where(echoes.c.outbox == row.id, echoes.c.state == "waiting"))
            tx.execute(update(outbox).where(outbox.c.id == row.id).values(plan=made, done=0))
    mapping, secrets = run.platform.translator.mapping, secrets_of(call.fields)
    for number in range(row.done, len(made["steps"])):
        if not _step(run, row, link, number, planning.concealed(mapping, made["steps"][number], secrets)):
            return
    notes = "；".join(f"{field}: {words}" for field, words in made["notes"])
    _finish(run, row, "done" if made["steps"] else "skipped", made["reason"] or notes)


def _step(run: Run, row: Row[Any], link: Row[Any], number: int, step: dict[str, Any]) -> bool:
    """One wire operation; True once it is certain that it was carried out."""
    with run.bridge.ledger.begin() as tx:
        pending = queue.unresolved(tx, row.id, number)
    adapter, reference = run.adapter, f"{link.reference or link.native_id}#{row.id}.{number}"
    if step.get("fields") is not None:  # planned anew it may be another one, while the first still stands there
        reference += f".{hashlib.sha256(json.dumps(step['body'], sort_keys=True).encode()).hexdigest()[:12]}"
    if pending:
        try:
            settled = step_found_out(run, row, link, number, pending, reference, edit=step.get("fields") is not None)
        except Outdated as error:
            _outdated(run, row, link, error)
            return False
        if settled is None:
            return False
        if settled:
            _step_done(run, row, link, number, step, Receipt(link.native_id, already=True), pending.id)
            return True
    assert isinstance(adapter, Updatable)
    write = adapter.edit if step.get("fields") is not None and isinstance(adapter, Editable) else adapter.update
    body = step["body"]
    for again in range(MOMENTS):
        attempt = intend(run, row, number, link.id, step)
        if attempt is None:
            return False
        try:
            receipt = send(run, row, attempt, partial(write, link.native_id, body, reference))
        except Refused as error:
            if not isinstance(error, Outdated) and not _too_early(run, error):
                raise
            _outdated(run, row, link, error)
            return False
        if receipt is None:
            return False
        if not _swallowed(run, row, link, number, receipt):
            _step_done(run, row, link, number, step, receipt, attempt)
            return True
        body = _a_moment_later(run.platform, step["body"], alike(run, row, link, number, step) + again)
    raise Refused("操作时间重复，无法区分 / the operation's time could not be made distinct", remedy="请重试 / retry")


def _too_early(run: Run, error: Refused) -> bool:
    """Was a time refused that lies in the future of a platform whose clock is behind? It is planned by that clock then."""
    operation = run.platform.translator.mapping.operation
    return operation is not None and bool(error.field) and error.field == operation.at and behind(run) < timedelta()


def _swallowed(run: Run, row: Row[Any], link: Row[Any], number: int, receipt: Receipt) -> bool:
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


def _a_moment_later(platform: Bridged, body: dict[str, Any], units: int) -> dict[str, Any]:
    operation = platform.translator.mapping.operation
    assert operation
    at = operation.at or ""
    return {**body, at: body[at] + units} if isinstance(body.get(at), int) else body


def _step_done(
    run: Run, row: Row[Any], link: Row[Any], number: int, step: dict[str, Any], receipt: Receipt, attempt: int
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
        tx.execute(update(outbox).where(outbox.c.id == row.id).values(done=number + 1))
        mine = (echoes.c.outbox == row.id) & (echoes.c.step == number) & (echoes.c.state == "consumed")
        if tx.execute(select(echoes.c.id).where(mine)).first():
            return  # a reading has shown it already, and perhaps what people did after it: that counts
        present = tx.execute(select(links).where(links.c.id == link.id)).one()
        touched = mapping.operation.touches if mapping.operation else []
        snapshot = dict(present.snapshot)
        if step["lead"] and step["lead"] != ((snapshot.get("lead") or {}).get("code") or ""):
            snapshot["lead"] = {"code": step["lead"], "name": None}
        status = step["status"]
        if (changed := step.get("fields")) is not None:  # it moves nothing; people may have, since it was planned
            snapshot, touched, status = snapshot | changed, [], present.status
        tx.execute(update(links).where(links.c.id == link.id).values(
            status=told if (told := receipt.status) and told in mapping.stages else status, snapshot=snapshot,
            rebase=sorted({*present.rebase, *touched}),
        ))  # fmt: skip


def _outdated(run: Run, row: Row[Any], link: Row[Any], error: Refused) -> None:
    """The record moved on: read it again, as if never seen, then plan anew; what was already told is not told again."""
    record = run.adapter.fetch(link.native_id)
    with run.bridge.ledger.begin() as tx:
        if not queue.held(tx, row):
            return
        tx.execute(delete(echoes).where(echoes.c.outbox == row.id, echoes.c.state == "waiting",
                                        echoes.c.acknowledged_at.is_(None)))  # fmt: skip
        if record is not None:
            same = (records.c.platform == run.platform.slug, records.c.native_id == link.native_id)
            tx.execute(update(records).where(*same).values(digest=""))
            keep(tx, run.bridge, run.platform, record, run.now())
        present = tx.execute(select(outbox).where(outbox.c.id == row.id)).one()
        # Each retry by a person has its own few: what finding out cost before does not count here.
        if present.done == 0 and queue.refusals(tx, row.id) % (REPLANS + 1):
            tx.execute(update(outbox).where(outbox.c.id == row.id).values(plan=None))
            queue.later(tx, row, run.now(), error.what)
            return
    if present.done:
        _finish(run, row, "done", error.what)
    else:
        raise Refused(error.what, where=error.where, code=error.code, field=error.field, remedy=error.remedy)


def summary(counts: PushCounts) -> dict[str, Any]:
    """Counts for XCom: numbers only, never a person's data."""
    return {name: value for name, value in asdict(counts).items() if name != "blocked"}


"""What an outbox row says on its platform, planned: operations for an action, a change of fields, or words.

This module must not know a platform, and sends nothing but what it reads again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, select

from adapters.port import Ability, Clocked, Editable
from bridge.fields import LABELS, told
from bridge.inbound import keep
from bridge.ledger import queue
from bridge.ledger.history import actions_of
from bridge.ledger.tables import calls, links
from bridge.mapping import operations, planning
from bridge.mapping.canonical import secrets_of
from bridge.mapping.planning import Plan, Situation, Step
from bridge.sending import Run
from schemas.lifecycle import Stage, fold
from schemas.moment import moment

TOLERATED = timedelta(seconds=60)


def planned(run: Run, row: Row[Any], link: Row[Any], call: Row[Any]) -> Plan:
    """The steps that tell this row, by what the platform shows now."""
    mapping = run.platform.translator.mapping
    match row.kind:
        case "remark":
            return planning.remark(mapping, row.body["text"], _situation(run, link, call))
        case "edit":
            return _edit(run, row, link, call)
        case "align":
            return planning.align(mapping, Stage(call.stage), _situation(run, link, call))
    with run.bridge.ledger.begin() as tx:
        timeline = fold(actions_of(tx, row.call)).timeline
    key = tuple(row.body["key"])
    step = next((step for step in timeline if step.action.key == key), None)
    if step is None:
        return Plan(reason="动作已不在历史中 / the action is no longer in the history")
    if not step.applied:
        return Plan(reason="与生命周期不符，仅作记录 / not allowed by the lifecycle: recorded and shown only")
    if "due" in link.rebase and planning.needs_limit(mapping, step.action):
        link = _read_again(run, link)  # the platform set a limit of its own when it took our last operation
    return planning.plan(mapping, step.action, step.stage, _situation(run, link, call))


def to_be_planned_anew(run: Run, row: Row[Any]) -> bool:
    """A change of fields says what the call's fields are when it is sent, not when it was first tried: a person may
    have asked for secrecy since. Not while the outcome of a write is open; and words that may have arrived are repeated
    unchanged, or they would be told twice."""
    if row.kind != "edit" or row.done:
        return False
    first: dict[str, Any] = next(iter((row.plan or {}).get("steps", ())), {})
    with run.bridge.ledger.begin() as tx:
        if first.get("fields") is None and queue.sent(tx, row.id, 0):
            return False
        return queue.unresolved(tx, row.id, 0) is None


def _edit(run: Run, row: Row[Any], link: Row[Any], call: Row[Any]) -> Plan:
    """Fields changed there as far as the platform lets us, the rest in words."""
    editor, words = run.platform.translator.editor, row.body["fields"]
    edits, step, notes = editor.edits, None, tuple[tuple[str, str], ...]()
    able = isinstance(run.adapter, Editable) and Ability.EDIT in run.adapter.abilities
    if able and edits and row.body.get("changed"):
        link = _read_again(run, link)  # what its officials changed meanwhile counts
        with run.bridge.ledger.begin() as tx:
            call = tx.execute(select(calls).where(calls.c.id == call.id)).one()
        if edits.at is None or link.status in edits.at:
            made = editor.edited(call.fields, row.body["changed"], link.snapshot, secrets_of(call.fields))
            words, notes = told({field: call.fields.get(field) for field in made.left}), made.notes
            if made.body:
                names = "、".join(LABELS.get(field, field) for field in made.reads_as)
                was = {field: link.snapshot.get(field) for field in made.reads_as}
                step = Step(made.body, "", link.status, names, "", fields=made.reads_as, was=was)
    otherwise = edits.otherwise if edits else run.platform.translator.mapping.edits
    if not words:
        return Plan((step,) if step else (), "" if step else "该平台已是如此 / it is so there already", notes)
    if otherwise != "remark":
        return Plan((step,) if step else (), "该平台不能更改已建呼叫 / the platform cannot edit", notes)
    said = planning.remark(run.platform.translator.mapping, planning.edited(words), _situation(run, link, call))
    return replace(said, steps=(*((step,) if step else ()), *said.steps), notes=(*notes, *said.notes))


def _situation(run: Run, link: Row[Any], call: Row[Any]) -> Situation:
    if "assists" in link.rebase and operations.needs_people(run.platform.translator.mapping, link.status):
        link = _read_again(run, link)
    lead, due = link.snapshot.get("lead") or {}, link.snapshot.get("due")
    assists = tuple(str(one["code"]) for one in link.snapshot.get("assists") or ())
    return Situation(link.status, str(lead.get("code") or ""), call.fields, run.bridge.now() + behind(run),
                     secrets_of(call.fields), moment(due) if due else None, assists)  # fmt: skip


def behind(run: Run) -> timedelta:
    """How far the platform's clock is behind ours, as far as its answers have told: nothing is told it of its future."""
    skew = run.adapter.skew if isinstance(run.adapter, Clocked) else None
    return skew if skew is not None and skew < -TOLERATED else timedelta()


def _read_again(run: Run, link: Row[Any]) -> Row[Any]:
    """The link as the platform shows it at this moment."""
    record = run.adapter.fetch(link.native_id)
    with run.bridge.ledger.begin() as tx:
        if record is not None:
            keep(tx, run.bridge, run.platform, record, run.now())
        return tx.execute(select(links).where(links.c.id == link.id)).one()

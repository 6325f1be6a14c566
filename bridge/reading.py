"""What an understood record changes: a new call, new actions, changed fields, or nothing (our own writes coming back).

Runs inside the page's transaction. This module must not know a platform, and does not talk to one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from bridge.attachments.sightings import files_of, noticed
from bridge.bridged import Bridge, Bridged
from bridge.catching_up import catch_up, tell_changes
from bridge.echoing import after_what_it_saw, crossing, without_echoes, without_our_edits
from bridge.fields import call_of
from bridge.latest import by_status, shows_ours
from bridge.ledger import queue
from bridge.ledger.history import actions_of, append
from bridge.ledger.ledger import new_id
from bridge.ledger.tables import calls, echoes, links, numbers, outbox
from bridge.mapping.canonical import differing, secrets_of
from bridge.mapping.notes import Fields, Unreadable
from bridge.mapping.planning import shown
from bridge.mapping.translator import Creation, Understood
from bridge.routing import targets
from bridge.secrecy import kept_secret, without_knowing
from schemas.call import call_id
from schemas.lifecycle import Action, ActionKind, Stage, Standing, fold
from schemas.moment import moment

OURS = re.compile(r"hy-([0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})", re.ASCII)
OLD = "可能早于我方写入，稍后再看 / perhaps older than our last write, to be looked at again"
TRAVELS_AS_ACTION = frozenset({"lead", "assists"})


def reference_of(identity: str) -> str:
    """Our reference on a platform: recognisable as ours, the same for ever for one call."""
    return f"hy-{identity}"


def apply(
    tx: Connection, bridge: Bridge, platform: Bridged, understood: Understood, read_at: datetime, now: int
) -> tuple[str, str]:
    """Outcome and reason: applied | ignored | orphan | duplicate."""
    link = tx.execute(
        select(links).where(links.c.platform == platform.slug, links.c.native_id == understood.native_id)
    ).first()
    if link is None:
        if match := OURS.fullmatch(understood.reference or ""):
            adopted = _adopt(tx, bridge, platform, understood, match[1], now)
            if isinstance(adopted, str):
                return adopted, {"orphan": "我方编号，所属呼叫未知 / our reference, its call is not known (yet)",
                                 "duplicate": "同一呼叫的第二份 / a second copy of one call"}[adopted]  # fmt: skip
            link = adopted
        elif not understood.admitted:
            return "ignored", understood.reason
        elif platform.start and (since := understood.fields.get("reported_at") or understood.changed) and (
            moment(since) < platform.start
        ):
            return "ignored", "早于起始时间 / before `start`"
        else:
            _record(tx, bridge, platform, understood, now)
            return "applied", ""
    return "applied", OLD if _progress(tx, bridge, platform, link, understood, read_at, now) else ""


def _record(tx: Connection, bridge: Bridge, platform: Bridged, understood: Understood, now: int) -> None:
    """A call seen for the first time: recorded on this platform."""
    identity = str(call_id(platform.slug, understood.native_id))
    actions = [action for entry in understood.entries for action in entry.actions]
    if not any(action.kind is ActionKind.CALL for action in actions):
        actions.insert(0, _first_call(platform, understood, bridge.now()))
    if not understood.entries and understood.stage is not Stage.CALLED:
        actions += by_status(platform, understood, "", {}, actions, bridge.now())
    standing = fold(actions)
    call_of(platform.slug, understood.native_id, understood.fields, understood.numbers)
    made = tx.execute(insert(calls).values(
        call_id=identity, origin_platform=platform.slug, origin_id=understood.native_id, fields=understood.fields,
        stage=standing.stage, suspended=standing.suspended, anomalies=len(standing.anomalies), created_at=now, changed_at=now,
    ))  # fmt: skip
    call = new_id(made)
    _number(tx, call, understood)
    append(tx, call, platform.slug, "linked", {"native_id": understood.native_id, "role": "origin"}, now)
    for action in actions:
        append(tx, call, platform.slug, "action", action.to_json(), now)
    _note(tx, call, platform.slug, understood.notes, [], now)
    tx.execute(insert(links).values(
        call=call, platform=platform.slug, native_id=understood.native_id, role="origin", reference="",
        status=understood.status, snapshot=understood.fields, entries=[e.key for e in understood.entries], rebase=[],
        notes=[list(n) for n in understood.notes], aligned="", difference="", shown_at=now,
    ))  # fmt: skip
    noticed(tx, platform, call, understood.fields.get("files") or (), now)
    _spread(tx, bridge, call, actions, {}, standing, platform.slug, now)


def _first_call(platform: Bridged, understood: Understood, now: datetime) -> Action:
    """Platforms whose records carry no history: the record itself is the call."""
    at = understood.fields.get("reported_at") or understood.changed
    return Action(kind=ActionKind.CALL, at=moment(at) if at else now, platform=platform.slug, entry="record")


def _adopt(
    tx: Connection, bridge: Bridge, platform: Bridged, understood: Understood, identity: str, now: int
) -> Row[Any] | str:
    """A record that carries our reference: the copy of a call whose receipt we did not get (or have not got yet)."""
    call = tx.execute(select(calls).where(calls.c.call_id == identity)).first()
    if call is None or call.origin_platform == platform.slug:
        return "orphan"
    if tx.execute(select(links.c.id).where(links.c.call == call.id, links.c.platform == platform.slug)).first():
        append(tx, call.id, platform.slug, "note",
               {"words": f"同一呼叫在该平台有第二份 / a second copy on this platform: {understood.native_id}"}, now)  # fmt: skip
        return "duplicate"
    try:
        creation = platform.translator.creation(call.fields, reference_of(identity), secrets_of(call.fields))
    except Unreadable:
        creation = Creation({}, understood.fields, understood.status, (), ())
    link_copy(tx, bridge, platform, call, understood.native_id, creation, None, now)
    created = tx.execute(select(outbox.c.id).where(
        outbox.c.call == call.id, outbox.c.platform == platform.slug, outbox.c.kind == "create",
        outbox.c.state.in_(queue.OPEN))).first()  # fmt: skip
    if created:
        queue.finish(tx, created.id, "done", "由轮询认领 / adopted by polling", now)
    return tx.execute(select(links).where(links.c.call == call.id, links.c.platform == platform.slug)).one()


def link_copy(
    tx: Connection, bridge: Bridge, platform: Bridged, call: Row[Any], native_id: str, creation: Creation, row: int | None,
    now: int,
) -> None:  # fmt: skip
    """The call is on this platform now: its link, its number, the echoes that creation leaves behind. The platform of
    origin is told the number; what happened before the call was (last) called need not be told here any more."""
    made = tx.execute(insert(links).values(
        call=call.id, platform=platform.slug, native_id=native_id, role="copy", reference=reference_of(call.call_id),
        status=creation.status, snapshot=creation.reads_as, entries=[], rebase=[], notes=[], aligned="", difference="",
        shown_at=now,
    ))  # fmt: skip
    link = new_id(made)
    catch_up(tx, platform, call, link, creation, now)
    for number, entry in enumerate(creation.entries):
        tx.execute(insert(echoes).values(link=link, outbox=row, step=-1 - number, code=entry["code"], opinion=entry["opinion"],
                                         operator="", entry="", acknowledged_at=now, state="waiting"))  # fmt: skip
    kind = next(iter(platform.translator.mapping.record.numbers), "internal")
    tx.execute(insert(numbers).values(call=call.id, platform=platform.slug, kind=kind, value=native_id))
    append(tx, call.id, platform.slug, "linked", {"native_id": native_id, "role": "copy"}, now)
    _tell_number(tx, bridge, platform, call, native_id, now)
    _skip_superseded(tx, call.id, platform.slug, now)


def _tell_number(tx: Connection, bridge: Bridge, platform: Bridged, call: Row[Any], number: str, now: int) -> None:
    origin = bridge.platforms.get(call.origin_platform)
    if origin and origin.tell_numbers and origin.translator.mapping.operation:
        words = origin.translator.mapping.number_remark.format(platform=platform.title, number=number)
        queue.enqueue(tx, call.id, origin.slug, "remark", {"text": words}, now)


def _skip_superseded(tx: Connection, call: int, platform: str, now: int) -> None:
    timeline = fold(actions_of(tx, call)).timeline
    last = max((i for i, step in enumerate(timeline) if step.applied and step.action.kind is ActionKind.CALL), default=0)
    past = {step.action.key for step in timeline[: last + 1]}
    waiting = tx.execute(select(outbox).where(
        outbox.c.call == call, outbox.c.platform == platform, outbox.c.kind == "action",
        outbox.c.state == "waiting"))  # fmt: skip
    for one in waiting.all():
        if tuple(one.body["key"]) in past:
            queue.finish(tx, one.id, "skipped", "建立之前的动作 / happened before the call was created here", now)


def _progress(
    tx: Connection, bridge: Bridge, platform: Bridged, link: Row[Any], understood: Understood, read_at: datetime, now: int
) -> bool:
    """A record of a known call: what is new in it, once our own writes are told apart. True if the reading may be older than
    they are: then it says nothing but that."""
    new = [entry for entry in understood.entries if entry.key not in set(link.entries)]
    ours = shows_ours(tx, platform, link, understood, now)
    foreign, stale = without_echoes(tx, link, new, understood.fields, read_at, platform, now)
    actions = [action for entry in foreign for action in entry.actions]
    changes: Fields = {}
    stood = actions_of(tx, link.call)
    values: dict[str, Any] = {"entries": [*link.entries, *(e.key for e in new)], "shown_at": now, "gone_at": None}
    if not stale:
        changes = differing(understood.fields, {k: v for k, v in link.snapshot.items() if k not in link.rebase})
        # Each file is the call's own from its first sighting on; whom a copy's officials let lead, their actions tell.
        for field in ("files", *(TRAVELS_AS_ACTION if link.role == "copy" else ())):
            changes.pop(field, None)
        changes = without_our_edits(tx, link, changes)
        if not understood.entries and not ours:
            actions += by_status(platform, understood, link.status, changes, stood, bridge.now())
        values |= {"status": understood.status, "snapshot": {**link.snapshot, **understood.fields}, "rebase": []}
    values["notes"] = [list(n) for n in understood.notes]
    tx.execute(update(links).where(links.c.id == link.id).values(**values))
    _note(tx, link.call, platform.slug, understood.notes, link.notes, now)
    _number(tx, link.call, understood)
    call = tx.execute(select(calls).where(calls.c.id == link.call)).one()
    if unknowing := without_knowing(call.fields, link.snapshot, changes):
        changes = {field: value for field, value in changes.items() if field not in unknowing}
        tell_changes(tx, platform.slug, platform, call.id, {role: call.fields[role] for role in unknowing}, now)
    if changes:
        fields = kept_secret(tx, call, {**call.fields, **changes}, platform.slug, now)
        call_of(call.origin_platform, call.origin_id, fields, understood.numbers)
        append(tx, call.id, platform.slug, "fields", changes, now)
        tx.execute(update(calls).where(calls.c.id == call.id).values(fields=fields, changed_at=now))
        # The change that is read last stands here too.
        tell_changes(tx, platform.slug, platform, call.id, crossing(tx, link, changes), now)
    kept = {action.key: action for action in stood}
    if platform.translator.mapping.entries.order == "sequence":
        actions = after_what_it_saw(tx, link, understood.entries, actions, kept)
    actions = [action for action in actions if action.key not in kept]
    for action in actions:
        append(tx, call.id, platform.slug, "action", action.to_json(), now)
    standing = stand(tx, call.id, now)
    attached = noticed(tx, platform, call.id, understood.fields.get("files") or (), now)
    explained = TRAVELS_AS_ACTION | ({"due"} if any(a.due for a in actions) else set())
    if (latest := platform.translator.mapping.latest) and latest.words:
        explained |= {latest.words}
    _spread(tx, bridge, call.id, actions, {k: v for k, v in changes.items() if k not in explained}, standing,
            platform.slug, now, attached)  # fmt: skip
    return stale


def stand(tx: Connection, call: int, now: int) -> Standing:
    """Where the call stands now; its row is kept in step."""
    standing = fold(actions_of(tx, call))
    tx.execute(update(calls).where(calls.c.id == call).values(
        stage=standing.stage, suspended=standing.suspended, anomalies=len(standing.anomalies), changed_at=now))  # fmt: skip
    return standing


def _spread(
    tx: Connection, bridge: Bridge, call: int, actions: Iterable[Action], edits: Fields, standing: Standing, source: str,
    now: int, attached: Iterable[int] = (),
) -> None:  # fmt: skip
    """Whoever must know of what this platform did gets an outbox row; new targets get the whole call. attached: files
    seen for the first time."""
    row = tx.execute(select(calls).where(calls.c.id == call)).one()
    linked = set(tx.execute(select(links.c.platform).where(links.c.call == call)).scalars())
    creating = set(tx.execute(select(outbox.c.platform).where(
        outbox.c.call == call, outbox.c.kind == "create", outbox.c.state.in_(queue.OPEN))).scalars())  # fmt: skip
    known = linked | creating
    deaf = {slug for slug, one in bridge.platforms.items() if one.only_created}
    for target in sorted(known - deaf - {source}):
        for action in actions:
            _tell(tx, bridge, call, target, action, now)
        if target in linked:
            tell_changes(tx, target, bridge.platforms.get(target), call, edits, now)
        for file in attached:
            queue.enqueue(tx, call, target, queue.FILE, {"file": file}, now)
    for target in targets(bridge.routes, row.origin_platform, row.fields, row.stage):
        if target not in known and standing.stage not in (Stage.RETURNED, Stage.CANCELLED, None):
            queue.enqueue(tx, call, target, "create", {}, now)
            if target in deaf:
                continue
            for action in _since_the_last_call(standing):
                _tell(tx, bridge, call, target, action, now)
            for known_file in files_of(tx, call):
                queue.enqueue(tx, call, target, queue.FILE, {"file": known_file.id}, now)
    for platform in sorted(linked):
        if platform in bridge.platforms:
            settle(tx, bridge.platforms[platform], call, standing.stage, now)


def _tell(tx: Connection, bridge: Bridge, call: int, target: str, action: Action, now: int) -> None:
    """An action for a platform. That a file was attached is told by the file itself, where its platform lists it."""
    source = bridge.platforms.get(action.platform)
    if action.kind is ActionKind.ATTACH and source and "files" in source.translator.mapping.fields:
        return
    queue.enqueue(tx, call, target, "action", {"key": list(action.key)}, now)


def _since_the_last_call(standing: Standing) -> list[Action]:
    """What a platform that never saw the call must be told after its creation: all since it was (last) called."""
    last = max((i for i, step in enumerate(standing.timeline) if step.applied and step.action.kind is ActionKind.CALL),
               default=-1)  # fmt: skip
    return [step.action for step in standing.timeline[last + 1 :] if step.applied]


def settle(tx: Connection, platform: Bridged, call: int, stage: Stage | str | None, now: int) -> None:
    """Once nothing waits for it, a platform must show the canonical stage: else it is brought there, once; if that
    is impossible the difference is kept for people to see."""
    if stage is None or queue.open_rows(tx, call, platform.slug):
        return
    link = tx.execute(select(links).where(links.c.call == call, links.c.platform == platform.slug)).one()
    mapping = platform.translator.mapping
    if shown(mapping, link.status, Stage(stage)):
        if link.difference:
            tx.execute(update(links).where(links.c.id == link.id).values(difference=""))
        return
    pair = f"{link.status}>{stage}"
    if link.aligned != pair:
        tx.execute(update(links).where(links.c.id == link.id).values(aligned=pair))
        queue.enqueue(tx, call, platform.slug, "align", {"stage": str(stage)}, now)
    elif not link.difference:
        words = f"平台状态 {link.status}，呼叫阶段 {stage} / platform shows {link.status}, the call is {stage}"
        tx.execute(update(links).where(links.c.id == link.id).values(difference=words))


def _number(tx: Connection, call: int, understood: Understood) -> None:
    for number in understood.numbers:
        values = {"call": call, **number.model_dump()}
        same = [numbers.c[name] == value for name, value in values.items()]
        if tx.execute(select(numbers.c.id).where(*same)).first() is None:
            tx.execute(insert(numbers).values(**values))


def _note(tx: Connection, call: int, platform: str, found: Iterable[tuple[str, str]], before: list[list[str]], now: int) -> None:
    """Anomalies that this reading shows and the last one did not."""
    for field, words in found:
        if [field, words] not in before:
            append(tx, call, platform, "note", {"field": field, "words": words}, now)



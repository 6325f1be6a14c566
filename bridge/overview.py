"""What people look at: how each platform is doing, where each call stands, what happened to one of them.

Reads the ledger, changes nothing. Persons appear masked, whoever looks: names and numbers of the people of a call are
struck out of every text. This module must not know how it is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from bridge.bridged import Bridge
from bridge.ledger.history import actions_of
from bridge.ledger.ledger import micros, moment_of
from bridge.ledger.queue import FILE
from bridge.ledger.tables import (
    calls,
    dead_letters,
    file_copies,
    files,
    history,
    links,
    numbers,
    outbox,
    pages,
    platforms,
    raw_records,
)
from bridge.mapping.canonical import PERSONS, words_of
from bridge.mapping.converters import conceal, mask_name, mask_phone
from bridge.redaction import redact
from schemas.lifecycle import Action, ActionKind, Stage, Step, fold
from schemas.moment import SHANGHAI

STAGES: Mapping[Stage, str] = {
    Stage.CALLED: "已呼叫", Stage.ACCEPTED: "已受理", Stage.DISPATCHED: "已派发", Stage.RESPONDED: "已响应",
    Stage.IN_PROGRESS: "办理中", Stage.REPORTED: "已反馈", Stage.CLOSED: "已办结", Stage.RATED: "已评价",
    Stage.RETURNED: "已退回", Stage.CANCELLED: "已作废",
}  # fmt: skip
ACTIONS: Mapping[ActionKind, str] = {
    ActionKind.CALL: "呼叫", ActionKind.ACCEPT: "受理", ActionKind.DISPATCH: "派发", ActionKind.RESPOND: "响应",
    ActionKind.PROGRESS: "办理", ActionKind.REPORT: "反馈", ActionKind.CLOSE: "办结", ActionKind.RATE: "评价",
    ActionKind.CANCEL: "作废", ActionKind.REOPEN: "重办", ActionKind.TRANSFER: "转派", ActionKind.RETURN: "退回",
    ActionKind.EXTEND: "延期", ActionKind.SUSPEND: "挂账", ActionKind.RESUME: "恢复", ActionKind.ASSIST: "协办",
    ActionKind.INFORM: "知会", ActionKind.URGE: "督办", ActionKind.CALL_BACK: "回访", ActionKind.REVIEW: "复核",
    ActionKind.COMMENT: "备注", ActionKind.ATTACH: "附件",
}  # fmt: skip
GONE = "平台上已没有此记录 / the platform has no such record any more"
_RETURNS = {"caller": "退回呼叫方", "centre": "退单", "department": "返工"}
_PHASES = {"requested": "申请", "refused": "不同意"}


@dataclass(frozen=True, slots=True)
class PlatformStatus:
    """How a platform is doing. Times aware (Asia/Shanghai); stale_seconds: since it was last read to the end.
    came_in: records applied; went_out: outbox rows told; waiting, dead: still to be done, by us and by people."""

    slug: str
    title: str
    county: str
    polled_at: datetime | None
    stale_seconds: int | None
    pushed_at: datetime | None
    came_in: int
    went_out: int
    waiting: int
    dead: int
    blocked_until: datetime | None
    trouble: str


@dataclass(frozen=True, slots=True)
class OnPlatform:
    """A call as one platform has it. shown: the canonical stage that its status means, None if unknown."""

    platform: str
    native_id: str
    role: str
    status: str
    shown: str | None
    difference: str


@dataclass(frozen=True, slots=True)
class CallLine:
    """One call in a list."""

    call_id: str
    origin: str
    title: str
    stage: str | None
    suspended: bool
    anomalies: int
    changed_at: datetime
    platforms: tuple[OnPlatform, ...]


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One act. applied: it took effect; otherwise `anomaly` says why not."""

    at: datetime
    platform: str
    action: str
    action_zh: str
    actor: str
    department: str
    opinion: str
    stage: str | None
    applied: bool
    anomaly: str


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file: its name without persons, its size in bytes, where it was attached, and per other platform the name it
    has there, or what became of it."""

    name: str
    size: int | None
    platform: str
    elsewhere: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class CallView:
    """One call, whole: its line, what it is about, its numbers everywhere, its timeline, its files, what was noted
    besides (time, platform, words), what still waits."""

    call: CallLine
    facts: Mapping[str, str]
    numbers: tuple[tuple[str, str, str], ...]
    timeline: tuple[TimelineRow, ...]
    files: tuple[FileLine, ...]
    notes: tuple[tuple[datetime, str, str], ...]
    waiting: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter. direction: in (a record not understood) or out (a write refused). raw_*: where its bytes are."""

    id: int
    platform: str
    direction: str
    native_id: str
    call_id: str
    what: str
    key: str
    remedy: str
    state: str
    opened_at: datetime
    closed_at: datetime | None
    why: str
    raw_id: int | None
    raw_size: int | None
    raw_sha256: str


def local(value: int | None) -> datetime | None:
    """A ledger's moment as Beijing time, whole seconds; None for none."""
    return moment_of(value).astimezone(SHANGHAI).replace(microsecond=0) if value else None


def statuses(tx: Connection, bridge: Bridge) -> list[PlatformStatus]:
    """Every configured platform, by slug."""
    now = micros(bridge.now())
    doing = {row.platform: row for row in tx.execute(select(platforms))}
    came = _counted(tx, select(pages.c.platform, func.sum(pages.c.applied)).group_by(pages.c.platform))
    rows: dict[str, dict[str, int]] = defaultdict(dict)
    for slug, state, count in tx.execute(
        select(outbox.c.platform, outbox.c.state, func.count()).group_by(outbox.c.platform, outbox.c.state)
    ):
        rows[slug][state] = count
    letters = _counted(tx, select(dead_letters.c.platform, func.count()).where(dead_letters.c.state == "open")
                       .group_by(dead_letters.c.platform))  # fmt: skip
    found = []
    for slug, one in sorted(bridge.platforms.items()):
        row = doing.get(slug)
        polled = row.polled_at if row else None
        blocked = row.blocked_until if row and row.blocked_until > now else None
        found.append(PlatformStatus(
            slug, one.title, one.county, local(polled), (now - polled) // 1_000_000 if polled else None,
            local(row.pushed_at) if row else None, came.get(slug, 0), rows[slug].get("done", 0),
            rows[slug].get("waiting", 0), letters.get(slug, 0), local(blocked), redact(row.trouble) if row else "",
        ))  # fmt: skip
    return found


def _counted(tx: Connection, query: Any) -> dict[str, int]:
    return {slug: int(count or 0) for slug, count in tx.execute(query)}


def lines(tx: Connection, bridge: Bridge, only: list[int] | None = None) -> list[CallLine]:
    """All calls, the latest change first; `only`: these (ledger keys)."""
    of_calls, of_links = select(calls).order_by(calls.c.changed_at.desc(), calls.c.id.desc()), select(links)
    if only is not None:
        of_calls, of_links = of_calls.where(calls.c.id.in_(only)), of_links.where(links.c.call.in_(only))
    on: dict[int, list[OnPlatform]] = defaultdict(list)
    for link in tx.execute(of_links.order_by(links.c.id)):
        bridged = bridge.platforms.get(link.platform)
        shown = bridged.translator.mapping.stages.get(link.status) if bridged else None
        on[link.call].append(OnPlatform(
            link.platform, link.native_id, link.role, link.status, str(shown) if shown else None,
            redact(link.difference) or (f"{GONE}（{local(link.gone_at):%m-%d %H:%M}）" if link.gone_at else ""),
        ))  # fmt: skip
    return [
        CallLine(
            row.call_id, f"{row.origin_platform} {row.origin_id}",
            without_persons(str(row.fields.get("title") or ""), row.fields), row.stage, row.suspended, row.anomalies,
            moment_of(row.changed_at).astimezone(SHANGHAI).replace(microsecond=0), tuple(on[row.id]),
        )
        for row in tx.execute(of_calls)
    ]  # fmt: skip


def keys_of(tx: Connection, asked: str) -> list[int]:
    """The calls that a text means: a call id (or its first 8 characters and more), our reference, or any platform's
    number."""
    identity = asked.removeprefix("hy-").lower()
    fits = [calls.c.call_id == identity, calls.c.origin_id == asked]
    if len(identity) >= 8:
        fits.append(calls.c.call_id.startswith(identity, autoescape=True))
    found = {row.id for row in tx.execute(select(calls.c.id).where(or_(*fits)))}
    found |= {row.call for row in tx.execute(select(links.c.call).where(links.c.native_id == asked))}
    found |= {row.call for row in tx.execute(select(numbers.c.call).where(numbers.c.value == asked))}
    return sorted(found)


def view(tx: Connection, bridge: Bridge, call: int) -> CallView:
    """One call on all platforms."""
    row = tx.execute(select(calls).where(calls.c.id == call)).one()
    (line,) = lines(tx, bridge, [call])
    told = tx.execute(select(numbers.c.platform, numbers.c.kind, numbers.c.value).where(numbers.c.call == call)
                      .order_by(numbers.c.platform, numbers.c.kind)).all()  # fmt: skip
    waits = tx.execute(select(outbox.c.platform, outbox.c.kind, outbox.c.state, outbox.c.reason).where(
        outbox.c.call == call, outbox.c.state.in_(("waiting", "dead"))).order_by(outbox.c.id)).all()  # fmt: skip
    standing = fold(actions_of(tx, call))
    late = {(a.platform, a.entry, a.part): a.late for a in standing.anomalies}
    return CallView(
        line, _facts(row.fields), tuple((n.platform, n.kind, n.value) for n in told),
        tuple(_timeline_row(step, row.fields, late.get(step.action.key)) for step in standing.timeline),
        _files(tx, call, row.fields), _notes(tx, call, row.fields),
        tuple((w.platform, f"{w.kind} {w.state}", redact(w.reason)) for w in waits),
    )  # fmt: skip


def _files(tx: Connection, call: int, fields: Mapping[str, Any]) -> tuple[FileLine, ...]:
    became: dict[int, dict[str, str]] = defaultdict(dict)
    for row in tx.execute(select(outbox).where(outbox.c.call == call, outbox.c.kind == FILE).order_by(outbox.c.id)):
        words = "等待送达 waiting" if row.state == "waiting" else f"未送达 not carried: {redact(row.reason)}"
        became[row.body["file"]][row.platform] = words
    held = select(file_copies).join(files, files.c.id == file_copies.c.file).where(files.c.call == call)
    for copy in tx.execute(held):
        became[copy.file][copy.platform] = without_persons(copy.name, fields)
    return tuple(
        FileLine(without_persons(file.name, fields), file.size, file.platform, tuple(sorted(became[file.id].items())))
        for file in tx.execute(select(files).where(files.c.call == call).order_by(files.c.id))
    )


def _notes(tx: Connection, call: int, fields: Mapping[str, Any]) -> tuple[tuple[datetime, str, str], ...]:
    found = tx.execute(select(history).where(history.c.call == call, history.c.kind == "note").order_by(history.c.sequence))
    return tuple(
        (moment_of(row.recorded_at).astimezone(SHANGHAI).replace(microsecond=0), row.platform,
         without_persons(f"{row.body['field']}: {row.body['words']}" if row.body.get("field") else row.body["words"], fields))
        for row in found
    )  # fmt: skip


def letters(tx: Connection, *, every: bool = False, only: int | None = None) -> list[Letter]:
    """Dead letters, oldest first: the open ones, or every one, or one."""
    query = (
        select(dead_letters, calls.c.call_id, func.length(raw_records.c.raw).label("size"), raw_records.c.digest)
        .join(calls, calls.c.id == dead_letters.c.call, isouter=True)
        .join(raw_records, raw_records.c.id == dead_letters.c.raw, isouter=True)
        .order_by(dead_letters.c.id)
    )
    if only is not None:
        query = query.where(dead_letters.c.id == only)
    elif not every:
        query = query.where(dead_letters.c.state == "open")
    return [_letter(row) for row in tx.execute(query)]


def raw_of(tx: Connection, raw: int) -> bytes:
    """A record's bytes, verbatim."""
    return bytes(tx.execute(select(raw_records.c.raw).where(raw_records.c.id == raw)).scalar_one())


def _letter(row: Row[Any]) -> Letter:
    opened = moment_of(row.opened_at).astimezone(SHANGHAI).replace(microsecond=0)
    return Letter(row.id, row.platform, row.direction, row.native_id or "", row.call_id or "", redact(row.what),
                  row.key, redact(row.remedy), row.state, opened, local(row.closed_at), redact(row.why), row.raw,
                  row.size, row.digest or "")  # fmt: skip


def _people(fields: Mapping[str, Any]) -> list[str]:
    former = (word for words in (fields.get("former") or {}).values() for word in words)
    return [*(fields.get("secrets") or ()), *former, *(word for role in PERSONS for word in words_of(fields.get(role)))]


def without_persons(text: str, fields: Mapping[str, Any]) -> str:
    """A text without the names and numbers of a call's people, and with all other phones masked."""
    return redact(conceal(text, _people(fields)))


def _facts(fields: Mapping[str, Any]) -> dict[str, str]:
    item, lead = fields.get("item") or {}, fields.get("lead") or {}
    facts = {
        "内容 description": without_persons(str(fields.get("description") or ""), fields),
        "事项 item": " ".join(str(part) for part in (item.get("code"), item.get("name")) if part),
        "紧急程度 urgency": str(fields.get("urgency") or ""),
        "镇街 town": " ".join(str(p) for p in (fields.get("area.town"), fields.get("area.town_name")) if p),
        "地址 address": without_persons(str(fields.get("place.address") or ""), fields),
        "主办 lead": " ".join(str(part) for part in (lead.get("code"), lead.get("name")) if part),
        "时限 due": str(fields.get("due") or ""),
        "上报时间 reported": str(fields.get("reported_at") or ""),
    }
    for role, label in (("reporter", "反映人 reporter"), ("caller", "呼叫人 caller")):
        facts[label] = _person(fields.get(role) or {})
    return {label: words for label, words in facts.items() if words}


def _person(person: Mapping[str, Any]) -> str:
    if person.get("confidential") or person.get("anonymous"):
        return "保密 confidential" if person.get("confidential") else "匿名 anonymous"
    phones = person.get("phones") or ([person["phone_text"]] if person.get("phone_text") else [])
    return " ".join([mask_name(str(person.get("name") or "")), *(mask_phone(str(phone)) for phone in phones)]).strip()


def _timeline_row(step: Step, fields: Mapping[str, Any], late: bool | None) -> TimelineRow:
    action = step.action
    department = action.department
    anomaly = "" if step.applied else "补录，不改变阶段 / typed in late" if late else "此时不允许 / not allowed then"
    return TimelineRow(
        action.at.astimezone(SHANGHAI), action.platform, _name(action), _name_zh(action), mask_name(action.actor or ""),
        (department.name or department.code or "") if department else "", without_persons(action.opinion, fields),
        str(step.stage) if step.stage else None, step.applied, anomaly,
    )  # fmt: skip


def _name(action: Action) -> str:
    phase = "" if action.phase == "granted" else f".{action.phase}"
    return str(action.kind) + (f".{action.to}" if action.to else "") + phase


def _name_zh(action: Action) -> str:
    return _PHASES.get(action.phase, "") + (_RETURNS[action.to] if action.to else ACTIONS[action.kind])

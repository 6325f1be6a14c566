"""Who gets a call and why, who does not and why: every platform's case, from the routes and from what was done already.

Reads the ledger, changes nothing; persons are struck out of every reason. This module must not know how it is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from bridge.bridged import Bridge
from bridge.ledger.tables import calls, links, outbox
from bridge.overview import STAGES, without_persons
from bridge.redaction import redact
from bridge.routing import Decision, decide
from schemas.lifecycle import Stage

SENT_NO_MORE = (Stage.RETURNED, Stage.CANCELLED, None)
"""Stages in which a call is brought to no further platform."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One platform's case. gets: it has the call or is about to. number: of the call there, empty if it has none."""

    platform: str
    title: str
    gets: bool
    number: str
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One call: where it was recorded, each platform's case, each route's word."""

    call_id: str
    title: str
    origin: str
    platforms: tuple[Recipient, ...]
    routes: tuple[Decision, ...]


def explain(tx: Connection, bridge: Bridge, call: int, names: Mapping[str, str]) -> Explanation:
    """The case of one call (its ledger key). names: of area codes, for the words."""
    row = tx.execute(select(calls).where(calls.c.id == call)).one()
    decisions = [
        replace(one, reason=without_persons(one.reason, row.fields))
        for one in decide(bridge.routes, row.origin_platform, row.fields, row.stage, names)
    ]
    has = {link.platform: link.native_id for link in tx.execute(select(links).where(links.c.call == call))}
    opening = {
        one.platform: one for one in tx.execute(select(outbox).where(
            outbox.c.call == call, outbox.c.kind == "create", outbox.c.state.in_(("waiting", "dead"))))
    }  # fmt: skip
    asked: dict[str, list[Decision]] = defaultdict(list)
    for route, one in zip(bridge.routes, decisions, strict=True):
        if row.origin_platform in route.sources:
            asked[one.to].append(one)
    recipients = []
    for slug, platform in sorted(bridge.platforms.items()):
        if slug == row.origin_platform:
            gets, why = True, "呼叫由它记录 / recorded here"
        elif slug in has:
            gets, why = True, f"已送达；{_standing(asked[slug])}"
        elif slug in opening:
            gets = opening[slug].state == "waiting"
            words = "待送 / waiting" if gets else "被拒，待人工处理 / refused, a person must decide (huying dead list)"
            why = f"{words} {redact(opening[slug].reason)}；{_standing(asked[slug])}"
        else:
            gets, why = _not_yet(asked[slug], row.stage, row.origin_platform)
        recipients.append(Recipient(slug, platform.title, gets, has.get(slug, ""), why))
    return Explanation(
        row.call_id, without_persons(str(row.fields.get("title") or ""), row.fields), row.origin_platform,
        tuple(recipients), tuple(decisions),
    )  # fmt: skip


def _standing(asked: list[Decision]) -> str:
    """What the routes say today of a platform that has the call."""
    fits = next((one for one in asked if one.goes), None)
    if fits:
        return f"路由“{fits.route}”{fits.reason}"
    return "现在没有路由符合，仍继续同步 / no route fits today, it is kept up to date all the same"


def _not_yet(asked: list[Decision], stage: str | None, origin: str) -> tuple[bool, str]:
    """Whether a platform that has nothing of the call will get it, and why."""
    if not asked:
        return False, f"没有从 {origin} 到它的路由 / no route leads there from {origin}"
    fits = next((one for one in asked if one.goes), None)
    if fits is None:
        return False, "；".join(f"路由“{one.route}”：{one.reason}" for one in asked)
    if stage in SENT_NO_MORE:
        told = STAGES[Stage(stage)] if stage else "尚无阶段"
        return False, f"阶段为{told}，不再新送 / not sent in this stage；路由“{fits.route}”{fits.reason}"
    return True, f"下次读到变化时送出 / with its next change；路由“{fits.route}”{fits.reason}"

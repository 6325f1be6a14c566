"""Platforms that show their latest state and no history: what changed there as an action, and our own writes told apart.

This module must not know a platform.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from bridge.bridged import Bridged
from bridge.ledger import queue
from bridge.ledger.tables import echoes
from bridge.mapping.notes import Fields
from bridge.mapping.translator import Understood
from schemas.lifecycle import OPEN, Action, ActionKind, Stage
from schemas.moment import moment


def by_status(
    platform: Bridged, understood: Understood, before: str, changes: Fields, stood: list[Action], now: datetime
) -> list[Action]:  # fmt: skip
    """Platforms without a history: a changed status is the action, changed words without it a comment. Each is told
    apart from those before by its place, for such a platform's time may be worth nothing."""
    kinds = {Stage.ACCEPTED: ActionKind.ACCEPT, Stage.DISPATCHED: ActionKind.DISPATCH, Stage.RESPONDED: ActionKind.RESPOND,
             Stage.IN_PROGRESS: ActionKind.PROGRESS, Stage.REPORTED: ActionKind.REPORT, Stage.CLOSED: ActionKind.CLOSE,
             Stage.RATED: ActionKind.RATE, Stage.RETURNED: ActionKind.RETURN, Stage.CANCELLED: ActionKind.CANCEL,
             Stage.CALLED: ActionKind.CALL}  # fmt: skip
    mapping = platform.translator.mapping
    field = mapping.latest.words if mapping.latest else None
    words = str(understood.fields.get(field) or "") if field else ""
    stage, past = understood.stage, mapping.stages.get(before)
    if before == understood.status or stage is None or stage is past:
        if not (field in changes and words):
            return []
        kind = ActionKind.COMMENT
    else:
        reopened = past in (Stage.CLOSED, Stage.RATED) and stage in OPEN
        kind = ActionKind.REOPEN if reopened else kinds[stage]
    at = moment(understood.changed) if understood.changed else now
    own = [action for action in stood if action.platform == platform.slug]
    last = max((action.effective or action.at for action in stood), default=at - timedelta(microseconds=1))
    return [Action(kind=kind, at=at, effective=max(at, last + timedelta(microseconds=1)), platform=platform.slug,
                   entry=f"{understood.status}@{at.isoformat()}#{len(own)}", opinion=words)]  # fmt: skip


def shows_ours(tx: Connection, platform: Bridged, link: Row[Any], understood: Understood, now: int) -> bool:
    """Is the state that is shown the one that our last write led to? Then nobody else did it, and a row that waits to find
    out what became of the write need not wait any longer. A write whose answer was lost must have changed something: a state
    that stood there before proves nothing."""
    latest = platform.translator.mapping.latest
    if latest is None:
        return False
    present = (understood.status, _words(understood.fields.get(latest.words) if latest.words else None))
    before = (link.status, _words(link.snapshot.get(latest.words) if latest.words else None))
    waiting = select(echoes).where(echoes.c.link == link.id, echoes.c.state == "waiting", echoes.c.step >= 0)
    for echo in tx.execute(waiting.order_by(echoes.c.id.desc())).all():
        written = (echo.code, _words(echo.opinion) if latest.words else "")
        if written == present and (echo.acknowledged_at is not None or present != before):
            tx.execute(update(echoes).where(echoes.c.id == echo.id).values(state="consumed", entry=f"{echo.code}@{now}"))
            queue.wake(tx, echo.outbox, now)
            # What we wrote before it was shown by nobody's reading, and never will be.
            tx.execute(update(echoes).where(echoes.c.link == link.id, echoes.c.state == "waiting", echoes.c.step >= 0,
                                            echoes.c.id < echo.id).values(state="consumed"))  # fmt: skip
            return True
    return False


def _words(text: Any) -> str:
    return " ".join(str(text or "").split())

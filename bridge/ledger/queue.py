"""The outbox as a queue: strictly in order per call and platform, claimed with a lease and a fencing token.

This module must not know what a row means.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, insert, select, update

from bridge.ledger.ledger import new_id
from bridge.ledger.tables import attempts, outbox, platforms

OPEN = ("waiting", "dead")
OPEN_ENDED = ("open", "unknown", "late")
FILE = "file"


def enqueue(tx: Connection, call: int, platform: str, kind: str, body: dict[str, Any], now: int) -> None:
    """One more thing that a platform must learn of a call."""
    tx.execute(insert(outbox).values(call=call, platform=platform, kind=kind, body=body, state="waiting", available_at=now,
                                     created_at=now, done=0, tries=0, token=0, leased_until=0, reason=""))  # fmt: skip


def _may_go(now: int) -> ColumnElement[bool]:
    """A row may go if nothing for the same call and platform stands before it, dead rows included, and nobody holds it.
    Files wait for what stands before them, and hold up nothing: a photo that cannot be had stops no answer."""
    before = outbox.alias("before")
    return and_(
        outbox.c.state == "waiting", outbox.c.available_at <= now, outbox.c.leased_until <= now,
        ~exists().where(before.c.platform == outbox.c.platform, before.c.call == outbox.c.call, before.c.id < outbox.c.id,
                        before.c.state.in_(OPEN), before.c.kind != FILE),
    )  # fmt: skip


def claim(tx: Connection, platform: str, now: int, lease: int) -> Row[Any] | None:
    """The oldest row that may go now, leased for `lease` microseconds; None if there is nothing to do."""
    row = tx.execute(
        select(outbox).where(outbox.c.platform == platform, _may_go(now)).order_by(outbox.c.id).limit(1)
    ).first()
    if row is None:
        return None
    taken = tx.execute(
        update(outbox).where(outbox.c.id == row.id, outbox.c.token == row.token)
        .values(token=row.token + 1, leased_until=now + lease)
    )  # fmt: skip
    if taken.rowcount != 1:
        return None
    return tx.execute(select(outbox).where(outbox.c.id == row.id)).one()


def held(tx: Connection, row: Row[Any]) -> bool:
    """Does the claim on this row still hold (fencing)? Nobody else took it, and it is still waiting."""
    present = tx.execute(select(outbox.c.token, outbox.c.state).where(outbox.c.id == row.id)).first()
    return present is not None and present.token == row.token and present.state == "waiting"


def wake(tx: Connection, row: int, now: int) -> None:
    """What a waiting row waited for is known: it may go at once."""
    tx.execute(update(outbox).where(outbox.c.id == row, outbox.c.state == "waiting", outbox.c.available_at > now)
               .values(available_at=now))  # fmt: skip


def finish(tx: Connection, row: int, state: str, reason: str, now: int) -> None:
    """done, skipped or dead, with the reason; the token moves on, so that a zombie's claim no longer holds."""
    tx.execute(
        update(outbox).where(outbox.c.id == row)
        .values(state=state, reason=reason, finished_at=now if state != "dead" else None, leased_until=0,
                token=outbox.c.token + 1)
    )  # fmt: skip


def later(tx: Connection, row: Row[Any], at: int, reason: str) -> None:
    """Not now: free again at `at`. Nothing happens if the claim no longer holds: the row is another worker's."""
    tx.execute(
        update(outbox).where(outbox.c.id == row.id, outbox.c.token == row.token)
        .values(available_at=at, leased_until=0, reason=reason, tries=outbox.c.tries + 1)
    )  # fmt: skip


def open_rows(tx: Connection, call: int, platform: str) -> int:
    """How many rows for this call and platform are not finished, files aside: they change no stage."""
    found = select(func.count()).where(outbox.c.call == call, outbox.c.platform == platform, outbox.c.state.in_(OPEN),
                                       outbox.c.kind != FILE)  # fmt: skip
    return int(tx.execute(found).scalar_one())


def ready(tx: Connection, now: int) -> list[str]:
    """The platforms for which a row may go now and which are not blocked, in order of name."""
    blocked = select(platforms.c.platform).where(platforms.c.blocked_until > now)
    query = select(outbox.c.platform).distinct().where(_may_go(now), outbox.c.platform.not_in(blocked))
    return sorted(tx.execute(query).scalars())


def attempt(tx: Connection, row: Row[Any], step: int, now: int, deadline: int) -> int:
    """The intent, written before the effect (promise G11): returns the attempt's id."""
    made = tx.execute(insert(attempts).values(outbox=row.id, step=step, token=row.token, started_at=now, deadline=deadline,
                                              outcome="open", absent=0, detail=""))  # fmt: skip
    return new_id(made)


def outcome(tx: Connection, attempt_id: int, what: str, detail: str, now: int) -> None:
    tx.execute(update(attempts).where(attempts.c.id == attempt_id).values(outcome=what, detail=detail, finished_at=now))


def unresolved(tx: Connection, row: int, step: int) -> Row[Any] | None:
    """The attempt of this step whose outcome nobody knows yet."""
    return tx.execute(
        select(attempts).where(attempts.c.outbox == row, attempts.c.step == step, attempts.c.outcome.in_(OPEN_ENDED))
        .order_by(attempts.c.id.desc()).limit(1)
    ).first()  # fmt: skip


def sent(tx: Connection, row: int, step: int) -> int:
    """How often this step went out and may have had an effect."""
    query = select(func.count()).where(attempts.c.outbox == row, attempts.c.step == step,
                                       attempts.c.outcome.in_((*OPEN_ENDED, "absent", "done", "found")))  # fmt: skip
    return int(tx.execute(query).scalar_one())


def refusals(tx: Connection, row: int) -> int:
    """How often the platform refused what this row sent."""
    query = select(func.count()).where(attempts.c.outbox == row, attempts.c.outcome == "refused")
    return int(tx.execute(query).scalar_one())

"""Mending dead letters: read or send again, or drop with a reason. Run by operators; knows no platform."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select, update

from bridge.bridged import Bridge
from bridge.inbound import keep
from bridge.ledger import dead, queue
from bridge.ledger.ledger import micros
from bridge.ledger.tables import calls, dead_letters, links, outbox, records
from bridge.reading import settle


class NotPossible(Exception):
    """What was asked cannot be done with this dead letter, and why."""


def retry(bridge: Bridge, letter: int) -> str:
    """Try once more: an inbound record is read from its platform again, an outbound row waits to be sent again.
    Returns what happened, in words. NotPossible, WireError, LedgerError."""
    found = _open(bridge, letter)
    platform = _platform(bridge, found)
    if found.direction == "out":
        with bridge.ledger.begin() as tx:
            now = micros(bridge.now())
            row = tx.execute(select(outbox).where(outbox.c.id == found.outbox)).one()
            values: dict[str, Any] = {"state": "waiting", "available_at": now, "tries": 0, "leased_until": 0}
            if row.done == 0:
                values["plan"] = None
            tx.execute(update(outbox).where(outbox.c.id == row.id).values(**values))
            dead.close(tx, letter, "retried", "", now)
        return f"已重新排队，将随下次推送发往 {platform} / queued again, goes out with the next push"
    if found.native_id is None:
        raise NotPossible("记录没有编号，无法重新读取；请在平台改正 / the record has no id: mend it on the platform, or drop")
    bridged = bridge.platforms[platform]
    record = bridged.adapter().fetch(found.native_id)
    if record is None:
        raise NotPossible("平台上已无此记录，可 drop / the record has left the platform: drop it")
    with bridge.ledger.begin() as tx:
        now = micros(bridge.now())
        tx.execute(update(records).where(records.c.platform == platform, records.c.native_id == found.native_id)
                   .values(digest="", version=""))  # fmt: skip
        outcome = keep(tx, bridge, bridged, record, now)
        if outcome == "dead":
            return "仍无法处理，原因见 dead show / still cannot be understood, see dead show"
        dead.close(tx, letter, "retried", "", now)
    return f"已处理 / understood: {outcome}"


def drop(bridge: Bridge, letter: int, why: str) -> str:
    """Give it up, keeping the reason. What waits behind an outbound row goes on without it."""
    if not why.strip():
        raise NotPossible("请说明原因 / say why")
    found = _open(bridge, letter)
    with bridge.ledger.begin() as tx:
        now = micros(bridge.now())
        dead.close(tx, letter, "dropped", why.strip(), now)
        if found.direction == "out":
            queue.finish(tx, found.outbox, "skipped", why.strip(), now)
            call = tx.execute(select(calls).where(calls.c.id == found.call)).one()
            linked = tx.execute(select(links.c.id).where(links.c.call == found.call, links.c.platform == found.platform))
            if linked.first() and found.platform in bridge.platforms:
                settle(tx, bridge.platforms[found.platform], found.call, call.stage, now)
    return "已放弃，原因已记录 / dropped, the reason is kept"


def _open(bridge: Bridge, letter: int) -> Row[Any]:
    with bridge.ledger.begin() as tx:
        found = tx.execute(select(dead_letters).where(dead_letters.c.id == letter)).first()
    if found is None:
        raise NotPossible(f"没有编号为 {letter} 的死信 / no dead letter {letter}")
    if found.state != "open":
        raise NotPossible(f"死信 {letter} 已处理 / dead letter {letter} is {found.state}")
    return found


def _platform(bridge: Bridge, letter: Row[Any]) -> str:
    if letter.platform not in bridge.platforms:
        raise NotPossible(f"平台 {letter.platform} 不在配置中 / the platform is not configured")
    return str(letter.platform)

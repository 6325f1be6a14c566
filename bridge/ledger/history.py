"""A call's history: append-only, each line hashed together with the one before (promise G10).

Hash: SHA-256 over canonical JSON (sorted keys, no spaces, UTF-8) of call_id, sequence, moment, platform, kind, body and
the previous hash. This module must not know what a line means.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sqlalchemy import Connection, insert, select

from bridge.ledger.tables import calls, history
from schemas.lifecycle import Action

START = "0" * 64


def digest(call_id: str, sequence: int, recorded_at: int, platform: str, kind: str, body: Any, previous: str) -> str:
    """The hash of one line."""
    line = [call_id, sequence, recorded_at, platform, kind, body, previous]
    text = json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def append(tx: Connection, call: int, platform: str, kind: str, body: dict[str, Any], now: int) -> None:
    """One more line at the end of a call's history."""
    last = tx.execute(
        select(history.c.sequence, history.c.hash).where(history.c.call == call).order_by(history.c.sequence.desc()).limit(1)
    ).first()
    sequence, previous = (last.sequence + 1, last.hash) if last else (1, START)
    call_id = tx.execute(select(calls.c.call_id).where(calls.c.id == call)).scalar_one()
    tx.execute(insert(history).values(
        call=call, sequence=sequence, recorded_at=now, platform=platform, kind=kind, body=body, previous=previous,
        hash=digest(call_id, sequence, now, platform, kind, body, previous),
    ))  # fmt: skip


def actions_of(tx: Connection, call: int) -> list[Action]:
    """All actions of a call, in the order they were learnt."""
    rows = tx.execute(
        select(history.c.body).where(history.c.call == call, history.c.kind == "action").order_by(history.c.sequence)
    )
    return [Action.model_validate(row.body, strict=False) for row in rows]


def broken(tx: Connection, call: int) -> int | None:
    """The sequence of the first line whose hash, predecessor or number does not fit; None if the chain is whole."""
    call_id = tx.execute(select(calls.c.call_id).where(calls.c.id == call)).scalar_one()
    previous = START
    rows = tx.execute(select(history).where(history.c.call == call).order_by(history.c.sequence))
    for expected, row in enumerate(rows, start=1):
        right = digest(call_id, row.sequence, row.recorded_at, row.platform, row.kind, row.body, previous)
        if row.sequence != expected or row.previous != previous or row.hash != right:
            return int(row.sequence)
        previous = row.hash
    return None

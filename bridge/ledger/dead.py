"""Dead letters: what a person must look at. One open letter per record, or per outbox row."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from bridge.ledger.tables import dead_letters as letters


def open_inbound(
    tx: Connection, platform: str, native_id: str | None, raw: int, what: str, key: str, remedy: str, now: int,
    call: int | None = None,
) -> None:  # fmt: skip
    """A record that could not be understood. A newer state of the same record takes the letter over."""
    values = {"raw": raw, "what": what, "key": key, "remedy": remedy, "call": call}
    same = (letters.c.platform == platform, letters.c.direction == "in", letters.c.state == "open")
    if native_id is not None:
        found = tx.execute(select(letters.c.id).where(*same, letters.c.native_id == native_id)).first()
        if found:
            tx.execute(update(letters).where(letters.c.id == found.id).values(**values))
            return
    tx.execute(insert(letters).values(platform=platform, direction="in", native_id=native_id, state="open", opened_at=now,
                                      why="", **values))  # fmt: skip


def open_outbound(
    tx: Connection, platform: str, call: int, outbox: int, what: str, key: str, remedy: str, now: int
) -> None:
    """An outbox row that the platform refused, or that cannot be put into its words."""
    tx.execute(insert(letters).values(platform=platform, direction="out", call=call, outbox=outbox, what=what, key=key,
                                      remedy=remedy, state="open", opened_at=now, why=""))  # fmt: skip


def mended(tx: Connection, platform: str, native_id: str, now: int) -> None:
    """The record has been understood after all."""
    tx.execute(
        update(letters)
        .where(letters.c.platform == platform, letters.c.direction == "in", letters.c.state == "open",
               letters.c.native_id == native_id)
        .values(state="mended", closed_at=now)
    )  # fmt: skip


def close(tx: Connection, letter: int, state: str, why: str, now: int) -> None:
    """Retried or dropped, with the reason."""
    tx.execute(update(letters).where(letters.c.id == letter).values(state=state, why=why, closed_at=now))

"""The platform's batch over T_JH_IN (contract section 3): takes rows up, claims them, carries them out, in order of ID.

Must not know the operations' rules, the back door or officials.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from sandbox.petition.database import T_JH_IN, Database, rows
from sandbox.petition.exchange import Exchange
from sandbox.petition.late import LateCommits
from sandbox.petition.refusal import Refused
from sandbox.petition.settings import PlatformClock, Settings, beijing

WAITING, DONE, REFUSED, CLAIMED = 0, 1, 2, 3
MOST_ROWS = 500
STUCK_SECONDS = 600
KEPT_SECONDS = 90 * 86_400
_INTERNAL = "系统错误"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """What one run did: rows carried out, rows refused, rows taken back from a batch that died."""

    done: int = 0
    refused: int = 0
    freed: int = 0


class Batch:
    """`run` by hand; `start` for a run every `Settings.batch_seconds` of real time until `close`.

    broken: asked with each row's CZ before its effect; True makes it fail inside (系统错误).
    """

    def __init__(
        self,
        database: Database,
        exchange: Exchange,
        late: LateCommits,
        clock: PlatformClock,
        settings: Settings,
        broken: Callable[[str], bool],
    ) -> None:
        self._database = database
        self._exchange = exchange
        self._late = late
        self._clock = clock
        self._settings = settings
        self._broken = broken
        self._one_run = threading.Lock()
        self._claims: dict[int, float] = {}
        self._turned = threading.Condition()
        self._closing = False
        self._paused = False
        self._thread: threading.Thread | None = None

    # The thread -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="petition-batch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends after the run in hand."""
        with self._turned:
            self._closing = True
            self._turned.notify_all()
        if self._thread is not None:
            self._thread.join()

    @property
    def paused(self) -> bool:
        return self._paused

    def pause(self, paused: bool) -> None:
        """Stands still for maintenance, after the run in hand; a run by hand is possible all the same."""
        with self._turned:
            self._paused = paused
        if paused:
            with self._one_run:
                return

    def retime(self) -> None:
        """Takes the new `batch_seconds`: the wait begins anew."""
        with self._turned:
            self._turned.notify_all()

    def _work(self) -> None:
        while True:
            with self._turned:
                turned = self._closing or self._turned.wait(self._settings.batch_seconds)
                if self._closing:
                    return
                if turned or self._paused:
                    continue
            try:
                with self._one_run:
                    if not self._paused:  # a pause may have come between waking and here
                        self._run(None)
            except SQLAlchemyError:
                # A writer that holds SQLite's lock, or MariaDB restarting: rows wait for the next run.
                _log.exception("the run was broken off")

    # One run ----------------------------------------------------------------------------------------------------------

    def run(self, die_after: int | None = None) -> Run:
        """One run. die_after: the batch dies when so many rows have their outcome and one more is claimed."""
        with self._one_run:
            return self._run(die_after)

    def _run(self, die_after: int | None) -> Run:
        freed = self._free_stuck()
        self._forget_old()
        with self._database.read() as connection:
            waiting = select(T_JH_IN.c.ID).where(T_JH_IN.c.CLBZ == WAITING).order_by(T_JH_IN.c.ID).limit(MOST_ROWS)
            numbers = [int(number) for number in connection.execute(waiting).scalars()]
        outcomes: list[int] = []
        for number in numbers:
            if not self._claim(number):
                continue
            if len(outcomes) == die_after:
                break
            outcomes.append(self._carry_out(number))
            del self._claims[number]
        return Run(outcomes.count(DONE), outcomes.count(REFUSED), freed)

    def _claim(self, number: int) -> bool:
        mine = (T_JH_IN.c["ID"] == number) & (T_JH_IN.c.CLBZ == WAITING)
        with self._database.write() as connection:
            claimed = connection.execute(update(T_JH_IN).where(mine).values(CLBZ=CLAIMED)).rowcount == 1
        if claimed:
            self._claims[number] = self._clock.now()
        return claimed

    def _carry_out(self, number: int) -> int:
        with self._database.alone():
            with self._database.read() as connection:
                row = rows(connection, select(T_JH_IN).where(T_JH_IN.c["ID"] == number))[0]
            if row["GDBH"]:
                self._late.commit_of(row["GDBH"])
            try:
                with self._database.write() as connection:
                    now = self._clock.text()
                    gdbh = self._perform(connection, row, now)
                    connection.execute(_outcome(number, DONE, gdbh, now))
                return DONE
            except Refused as refused:
                reason = refused.reason
            except Exception:
                # Whatever fails inside is the platform's own 系统错误 (section 5); the next row must not suffer for it.
                _log.exception("row %s of T_JH_IN", number)
                reason = _INTERNAL
            with self._database.write() as connection:
                connection.execute(_outcome(number, REFUSED, reason, self._clock.text()))
            return REFUSED

    def _perform(self, connection: Any, row: Mapping[str, Any], now: str) -> str:
        if self._broken(row["CZ"]):
            raise Refused(_INTERNAL)
        return self._exchange.perform(connection, row, now)

    def _free_stuck(self) -> int:
        """Rows at 3 for over 10 minutes go back to 0. T_JH_IN keeps no time of a claim: it counts from when a run of
        this process claimed or first met the row."""
        now = self._clock.now()
        with self._database.read() as connection:
            found = connection.execute(select(T_JH_IN.c.ID).where(T_JH_IN.c.CLBZ == CLAIMED)).scalars()
            self._claims = {int(number): self._claims.get(int(number), now) for number in found}
        stuck = [number for number, since in self._claims.items() if now - since > STUCK_SECONDS]
        if stuck:
            with self._database.write() as connection:
                theirs = T_JH_IN.c.ID.in_(stuck) & (T_JH_IN.c.CLBZ == CLAIMED)
                connection.execute(update(T_JH_IN).where(theirs).values(CLBZ=WAITING))
        for number in stuck:
            del self._claims[number]
        return len(stuck)

    def _forget_old(self) -> None:
        """Rows that have had their outcome for 90 days are deleted."""
        border = beijing(self._clock.now() - KEPT_SECONDS)
        old = select(T_JH_IN.c.ID).where(T_JH_IN.c.CLBZ.in_((DONE, REFUSED)) & (T_JH_IN.c["CLSJ"] < border))
        with self._database.read() as connection:
            numbers = list(connection.execute(old).scalars())
        if numbers:  # by number: a DELETE that looks for them would wait for every writer's open INSERT
            with self._database.write() as connection:
                connection.execute(delete(T_JH_IN).where(T_JH_IN.c.ID.in_(numbers)))


def _outcome(number: int, state: int, result: str, now: str) -> Any:
    return update(T_JH_IN).where(T_JH_IN.c["ID"] == number).values(CLBZ=state, CLJG=result, CLSJ=now)

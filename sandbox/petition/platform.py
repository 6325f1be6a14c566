"""The platform put together: exchange database, batch, officials, back door. Over HTTP there is nothing but the latter.

Must not know what any of them checks or stores.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.httpd import Faults, Request, Response
from sandbox.petition.back_door import BackDoor
from sandbox.petition.batch import Batch, Run
from sandbox.petition.changes import Numbers
from sandbox.petition.contract import load
from sandbox.petition.damage import Damage
from sandbox.petition.database import Database
from sandbox.petition.department import Department
from sandbox.petition.exchange import Exchange
from sandbox.petition.late import LateCommits
from sandbox.petition.officials import Officials
from sandbox.petition.settings import PlatformClock, Settings

_NO_API = "五莲县7900000问政投诉平台：没有接口，只有前置库。".encode()


class PetitionPlatform:
    """五莲县7900000问政投诉平台: satisfies `sandbox.httpd.Platform`; integrators come in at `exchange_url`.

    url_or_path: an SQLite file, the owner's URL of a MariaDB (mysql+pymysql://root@host:port/name; the platform creates
    database, views and exchange user), or None for a temporary file that goes with the platform. clock: epoch seconds;
    skewed or frozen through the back door it is the platform's clock (on MariaDB give it the server's own time, the
    default, as `SELECT NOW()` is the platform's clock there). batch_seconds: real seconds between two runs of the
    batch, None = by `run_batch` only. late_seconds: officials' transactions stay open up to this long.

    Faults of kind "code", operation XZ, GX or FJ, make the batch answer a row with 系统错误; the other kinds are HTTP's.
    """

    def __init__(
        self,
        url_or_path: str | Path | None = None,
        *,
        clock: Callable[[], float] = time.time,
        batch_seconds: float | None = 30.0,
        late_seconds: float = 0.0,
    ) -> None:
        self.faults = Faults()
        self._folder = tempfile.TemporaryDirectory(prefix="petition-") if url_or_path is None else None
        place = Path(self._folder.name) / "petition.sqlite" if self._folder else url_or_path
        assert place is not None
        self._clock = PlatformClock(clock)
        settings = Settings(batch_seconds, late_seconds)
        contract, numbers = load(), Numbers()
        self._database = Database(place)
        self._late = LateCommits(self._database, self._clock.now)
        self._batch = Batch(
            self._database, Exchange(contract, numbers), self._late, self._clock, settings,
            broken=lambda cz: self.faults.code(cz, done=False) is not None,
        )  # fmt: skip
        self._officials = Officials(self._database, contract, numbers, self._late, self._clock, settings)
        self._department = Department(self._database, self._officials, self._late, contract, self._clock.text)
        self._back_door = BackDoor(
            self._database, self._officials, self._late, self._batch, self._department, Damage(self._database),
            self._clock, settings,
        )  # fmt: skip
        self._batch.start()

    @property
    def exchange_url(self) -> str:
        """SQLAlchemy URL of the exchange database for an integrator, password included."""
        return self._database.exchange_url

    def run_batch(self, die_after: int | None = None) -> Run:
        """One run of the batch now, whatever its pace. die_after: it dies when so many rows have their outcome and one
        more is claimed."""
        return self._batch.run(die_after)

    def commit_due(self) -> None:
        """Commits the open transactions whose time has come by the platform's clock (a thread does so as well)."""
        self._late.commit_due()

    def load_rows(self, script: str) -> None:
        """Runs an SQL script of the contract as the owner, such as samples/rows.sql."""
        self._database.run(script)

    # What the server asks for -----------------------------------------------------------------------------------------

    def now(self) -> float:
        """The platform's clock, epoch seconds (skewed or frozen as told)."""
        return self._clock.now()

    def close(self) -> None:
        """Ends department, batch and late transactions, in this order; a MariaDB server gets its own clock back."""
        self._department.office.stop()
        self._batch.close()
        self._late.close()
        if self._clock.skew_seconds or self._clock.frozen is not None:
            self._database.set_server_clock(0.0, None)
        self._database.close()
        if self._folder is not None:
            self._folder.cleanup()

    def operation(self, request: Request) -> str:
        """There is no API: every operation is "unknown"."""
        return "unknown"

    def answer(self, request: Request) -> Response:
        return Response(404, (("Content-Type", "text/plain;charset=UTF-8"),), _NO_API)

    def back_door(self, method: str, name: str, body: Any) -> tuple[int, Any]:
        return self._back_door.enter(method, name, body)

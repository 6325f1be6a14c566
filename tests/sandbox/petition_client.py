"""An integrator at the petition stand-in's exchange database, for its tests: reads the views, inserts into T_JH_IN."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text

from sandbox.petition.platform import PetitionPlatform

SAMPLES = Path(__file__).parents[2] / "docs" / "contracts" / "petition" / "samples"
NOON = 1_792_987_200.0  # 2026-10-26 12:00:00 in Rizhao
ROWS = (SAMPLES / "rows.sql").read_text(encoding="utf-8")
CALL = {"BT": "路灯不亮", "NR": "路灯连续三天不亮。"}


def sample(name: str) -> dict[str, Any]:
    return dict(json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8")))


def plain(value: Any) -> Any:
    """What both databases say alike: times as text, numbers as numbers."""
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    return float(value) if isinstance(value, Decimal) else value


@dataclass
class Client:
    platform: PetitionPlatform
    engine: Engine
    written: int = 0

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """One short transaction of the exchange user."""
        with self.engine.connect() as connection:
            found = connection.execute(text(sql), values).mappings()
            return [{name: plain(value) for name, value in row.items()} for row in found]

    def insert(self, cz: str, body: Any, gdbh: str | None = None, file: bytes | None = None, wbbh: str | None = None) -> int:
        """A row, committed; its ID. body: text as it is, anything else as JSON."""
        self.written += 1
        values = {"w": f"w-{self.written:06d}" if wbbh is None else wbbh, "c": cz, "g": gdbh, "f": file,
                  "n": body if isinstance(body, str) else json.dumps(body)}  # fmt: skip
        statement = text("INSERT INTO T_JH_IN (WBBH, CZ, GDBH, NR, WJNR) VALUES (:w, :c, :g, :n, :f)")
        with self.engine.begin() as connection:
            return int(connection.execute(statement, values).lastrowid)

    def outcome(self, number: int) -> tuple[int, str | None]:
        row = self.rows("SELECT CLBZ, CLJG FROM T_JH_IN WHERE ID = :i", i=number)[0]
        return row["CLBZ"], row["CLJG"]

    def write(self, cz: str, body: Any, gdbh: str | None = None, file: bytes | None = None, wbbh: str | None = None) -> str:
        """Inserted and carried out; CLJG of a row that was refused or done."""
        number = self.insert(cz, body, gdbh, file, wbbh)
        self.platform.run_batch()
        state, result = self.outcome(number)
        assert state in (1, 2) and result
        return result

    def create(self, **more: Any) -> str:
        gdbh = self.write("XZ", {**CALL, **more})
        assert gdbh.startswith("WL"), gdbh
        return gdbh

    def update(self, gdbh: str, **keys: Any) -> str:
        return self.write("GX", {"CZR": "秦受理", **keys}, gdbh)

    def order(self, gdbh: str) -> dict[str, Any]:
        return self.rows("SELECT * FROM V_GD WHERE GDBH = :g", g=gdbh)[0]

    def history(self, gdbh: str) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM V_GD_LZ WHERE GDBH = :g ORDER BY ID", g=gdbh)

    def at(self, name: str, body: Any = None, method: str = "POST") -> Any:
        status, answer = self.platform.back_door(method, name, body)
        assert status == 200, (name, answer)
        return answer

    def freeze(self, epoch: float) -> None:
        self.at("clock", {"freeze": epoch})


@contextlib.contextmanager
def client(place: str | Path | None = None, *, rows: bool = False, frozen: bool = True) -> Iterator[Client]:
    """A platform of its own whose batch runs when told, standing at noon; rows: with the contract's rows.sql."""
    platform = PetitionPlatform(place, batch_seconds=None)
    engine = create_engine(platform.exchange_url)
    try:
        if rows:
            platform.load_rows(ROWS)
        there = Client(platform, engine)
        if frozen:
            there.freeze(NOON)
        yield there
    finally:
        engine.dispose()
        platform.close()

"""The petition stand-in on a real MariaDB in GBK: grants, text, comparison, zero dates, clock, readers and the batch."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.sandbox.petition_client import CALL, SAMPLES, Client, client, sample
from tests.sync.mariadb_server import mariadb


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with mariadb() as url:
        yield url


@pytest.fixture
def there(server: str, request: pytest.FixtureRequest) -> Iterator[Client]:
    """A database of its own, with the contract's rows; the clock runs."""
    name = f"wl_{zlib.crc32(request.node.name.encode()):08x}"
    with client(f"{server}/{name}", rows=True, frozen=False) as one:
        yield one


def error_of(there: Client, sql: str, **values: object) -> int:
    """MariaDB's own number of the error."""
    with pytest.raises(DBAPIError) as caught, there.engine.begin() as connection:
        connection.execute(text(sql), values)
    return int(caught.value.orig.args[0])  # type: ignore[union-attr]


def test_the_sample_rows(there: Client) -> None:
    """rows.sql and rows-exchange.sql, the same outcome as on SQLite."""
    there.platform.load_rows((SAMPLES / "rows-exchange.sql").read_text(encoding="utf-8"))
    run = there.platform.run_batch()
    assert (run.done, run.refused) == (6, 0)
    assert (there.order("WL20261026000002")["GDZT"], there.order("WL20261026000002")["XBDW"]) == (2, "WL006,WL007")
    assert (there.order("WL20261026000004")["JD"], there.order("WL20261026000004")["WD"]) == (119.357458, 35.852041)
    raw = there.rows("SELECT CAST(BLSX AS CHAR) AS t FROM V_GD WHERE GDBH = 'WL20251103000377'")
    assert raw[0]["t"] == "0000-00-00 00:00:00"


def test_what_an_exchange_user_may(there: Client) -> None:
    """The views and T_JH_IN; no other table, no UPDATE, no DELETE (1142)."""
    assert len(there.rows("SELECT * FROM V_GD_LZ")) == 17 and len(there.rows("SELECT * FROM V_GD_FJ")) == 1
    for sql in ("SELECT * FROM T_GD", "UPDATE T_JH_IN SET CLBZ = 1", "DELETE FROM T_JH_IN", "UPDATE V_GD SET GDZT = 1",
                "INSERT INTO V_GD_LZ (GDBH, CZLX, CZSJ) VALUES ('a', 'b', NOW())", "SHOW CREATE VIEW V_GD"):  # fmt: skip
        assert error_of(there, sql) == 1142, sql


def test_text_is_gbk(there: Client) -> None:
    """What GBK lacks is refused in the INSERT (1366), stored as one ? each from escapes; too long is 1406."""
    insert = "INSERT INTO T_JH_IN (WBBH, CZ, NR) VALUES ('r', 'XZ', :n)"
    for character in "😀€•䶮\u00a0":
        assert error_of(there, insert, n=json.dumps({**CALL, "BT": character}, ensure_ascii=False)) == 1366, character
    assert error_of(there, insert, n="字" * 32_768) == 1406
    assert there.order(there.write("XZ", sample("XZ-escapes")))["BT"] == "村民?某反映道路塌陷"
    raw = json.dumps({**CALL, "BT": "镕①"}, ensure_ascii=False)
    assert there.order(there.write("XZ", raw))["BT"] == "镕①"


def test_references_compare_without_case_and_blanks(there: Client) -> None:
    """A1, a1 and `A1 ` are one reference."""
    gdbh = there.write("XZ", CALL, wbbh="A1")
    assert there.write("XZ", CALL, wbbh="a1") == there.write("XZ", CALL, wbbh="A1  ") == f"WBBH重复:{gdbh}"


def test_partial_dates(there: Client) -> None:
    """A missing day and a zero date stand in the view; healed they are gone."""
    gdbh = there.create()
    there.at("damage", {"GDBH": gdbh, "set": {"BLSX": "2026-10-00 00:00:00", "SLSJ": "0000-00-00 00:00:00"}})
    raw = there.rows("SELECT CAST(BLSX AS CHAR) AS b, CAST(SLSJ AS CHAR) AS s FROM V_GD WHERE GDBH = :g", g=gdbh)[0]
    assert (raw["b"], raw["s"]) == ("2026-10-00 00:00:00", "0000-00-00 00:00:00")
    there.at("damage", {"GDBH": gdbh}, method="DELETE")
    assert there.order(gdbh)["BLSX"] is None


def test_now_is_the_platforms_clock(there: Client) -> None:
    """SELECT NOW() of a new session follows the skew and the freeze; RKSJ too."""
    before = there.rows("SELECT NOW() AS t")[0]["t"]
    there.at("clock", {"skew_seconds": 3600})
    there.engine.dispose()
    shifted = there.rows("SELECT NOW() AS a")[0]["a"]
    assert timedelta(minutes=59) < _apart(before, shifted) < timedelta(minutes=61)
    there.at("clock", {"skew_seconds": 0, "freeze": 1_792_987_200})
    there.engine.dispose()
    assert there.rows("SELECT NOW() AS t")[0]["t"] == "2026-10-26 12:00:00"
    number = there.insert("XZ", CALL)
    assert there.rows("SELECT RKSJ FROM T_JH_IN WHERE ID = :i", i=number)[0]["RKSJ"] == "2026-10-26 12:00:00"


def _apart(before: str, after: str) -> timedelta:
    return datetime.fromisoformat(after) - datetime.fromisoformat(before)


def test_a_reader_does_not_stop_the_batch(there: Client) -> None:
    """An open read transaction keeps its snapshot; the batch goes on meanwhile, and the next transaction sees it."""
    number = there.insert("XZ", CALL)
    look = text("SELECT CLBZ FROM T_JH_IN WHERE ID = :i")
    with there.engine.connect() as reader:
        assert reader.execute(look, {"i": number}).scalar() == 0
        run = threading.Thread(target=there.platform.run_batch)
        run.start()
        run.join(10)
        assert not run.is_alive(), "the batch waits for a reader"
        assert reader.execute(look, {"i": number}).scalar() == 0
        reader.rollback()
        assert reader.execute(look, {"i": number}).scalar() == 1


def test_an_uncommitted_row_is_not_there_yet(there: Client) -> None:
    """Rows committed later have their turn in the next run, though their ID is lower."""
    with there.engine.connect() as writer:
        late = writer.execute(text("INSERT INTO T_JH_IN (WBBH, CZ, NR) VALUES ('late', 'XZ', :n)"), {"n": json.dumps(CALL)})
        second = there.insert("XZ", CALL, wbbh="second")
        assert late.lastrowid < second and there.platform.run_batch().done == 1
        writer.commit()
    assert there.platform.run_batch().done == 1 and there.outcome(late.lastrowid)[0] == 1


def test_the_county_works_here_too(there: Client) -> None:
    """Clerks and responders bring an exchanged work order to its end."""
    gdbh = there.create(SQLB="0301")
    there.at("department", {"rounds": 15})
    assert there.order(gdbh)["GDZT"] in (6, 7)

"""Reading the views: odd dates, late rows, entries typed in afterwards, names of an installation, addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import ConfigError, Missing, Unavailable
from adapters.petition.adapter import PetitionAdapter, build
from adapters.petition.database import parsed, reading_times
from adapters.port import Connection, Cursor, FileRef, Surroundings
from bridge.mapping.files import load_mapping
from tests.unit.adapters.petition_ground import Ground, ground

ROOT = Path(__file__).parents[3]
C51 = (ROOT / "tests/cases/C51-zero-dates.sql").read_text("utf-8")


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Ground]:
    with ground(tmp_path) as made:
        yield made


def drained(adapter: PetitionAdapter, since: Cursor | None = None) -> tuple[list[Any], Cursor | None]:
    records, cursor = [], since
    for page in adapter.pull(since):
        records += page.records
        cursor = page.cursor
    return records, cursor


def test_zero_and_partial_dates(there: Ground) -> None:
    """C51: they arrive as the text they are, every row arrives, and the mapping takes them for absent, with a note."""
    for line in re.findall(r"\('(WL\d+)','([^']+)',1,(.*?),(.*?),'([^']+)',", C51):
        number, title, begun, limit, changed = line
        there.sql("INSERT INTO T_GD (GDBH, LYQD, BT, NR, GDZT, SLSJ, BLSX, GXSJ) VALUES (?, 1, ?, 'n', 1, ?, ?, ?)",
                  number, title, *(None if one == "NULL" else one.strip("'") for one in (begun, limit)), changed)  # fmt: skip
        there.sql("INSERT INTO T_GD_LZ (GDBH, CZLX, CZSJ) VALUES (?, '登记', '2026-03-02 08:00:00')", number)
    shown, cursor = drained(there.adapter())
    by_title = {one.body["BT"]: one for one in shown}
    assert set(by_title) == {"零日期", "缺日", "游标为零", "二十四点"}
    assert by_title["零日期"].body["SLSJ"] == "0000-00-00 00:00:00" and by_title["缺日"].body["BLSX"] == "2026-00-00 00:00:00"
    assert b"2026-03-00 09:00:00" in by_title["缺日"].raw
    translator = load_mapping("petition", [ROOT / "mappings"]).translator
    understood = translator.understand("petition", by_title["缺日"].body)
    assert understood.fields.get("due") is None and any(field == "due" for field, _ in understood.notes)
    whole = translator.understand("petition", by_title["二十四点"].body)
    assert whole.fields["due"] == "2026-03-05T23:59:59+08:00"
    assert translator.understand("petition", by_title["游标为零"].body).changed is None
    again, _ = drained(there.adapter(), cursor)
    assert "游标为零" in {one.body["BT"] for one in again}, "it has no place in the order, so it is read every time"


def test_times_are_never_converted() -> None:
    """One column, one type: the driver's conversion of dates is off, and text that is no time is none."""
    from pymysql.constants import FIELD_TYPE

    assert not {FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP, FIELD_TYPE.DATE} & set(reading_times())
    assert parsed("2026-03-02 23:59:59") == datetime(2026, 3, 2, 23, 59, 59)
    for odd in ("2026-03-00 09:00:00", "0000-00-00 00:00:00", "2026-3-2 9:00:00", None, "2026-03-02"):
        assert parsed(odd) is None


def test_entries_typed_in_afterwards_are_found_by_their_ids(there: Ground) -> None:
    """C12: GXSJ and BBH stay, and the work order is given all the same, once, its history in the order of its times."""
    number, other = there.create(), there.create()
    for state in (1, 6 - 4):
        there.seconds[0] += 600
        there.at("officials/act", {"GDBH": number, "GDZT": state, "ZBDW": "WL005", "CZR": "秦受理", "CZYJ": "意见"})
    there.seconds[0] += 3600
    _, cursor = drained(there.adapter())
    assert cursor is not None
    there.at("officials/late_entry", {"GDBH": other, "CZLX": "受理", "CZSJ": "2026-10-26 11:00:00", "CZYJ": "纸质"})
    there.at("officials/late_entry", {"GDBH": number, "CZLX": "批注", "CZSJ": "2026-10-26 12:11:00", "CZYJ": "纸质"})
    shown, cursor = drained(there.adapter(), cursor)
    versions = {one.native_id: one.version for one in shown}
    assert set(versions) >= {number, other}
    entries = next(one for one in shown if one.native_id == number).body["LZ"]
    assert [row["CZLX"] for row in entries] == ["登记", "受理", "批注", "转办"]
    again = {one.native_id: one.version for one in drained(there.adapter(), cursor)[0]}
    assert all(versions[one] == version for one, version in again.items())


def test_what_was_typed_in_late_while_nobody_looked(there: Ground) -> None:
    """§2: an ID may show up 60 s behind higher ones; a poll that comes minutes later finds it all the same."""
    number, other = there.create(), there.create()
    entry = "INSERT INTO T_GD_LZ (ID, GDBH, CZLX, CZSJ) VALUES (?, ?, '批注', '2026-10-26 11:00:00')"
    there.sql("UPDATE T_GD SET GXSJ = '2026-01-01 00:00:00'")
    there.sql(entry, 1000, other)
    _, cursor = drained(there.adapter())
    told = json.loads(str(cursor))
    there.sql(entry, 1005, other)
    told["entries"] = [[(datetime.fromisoformat(at) - timedelta(seconds=200)).isoformat(" "), i] for at, i in told["entries"]]
    told["updated"] = "2026-06-01 00:00:00"
    _, cursor = drained(there.adapter(), Cursor(json.dumps(told)))
    there.sql(entry, 1003, number)  # its transaction began before 1005 and ended after that pull
    told = json.loads(str(cursor))
    told["entries"] = [[(datetime.fromisoformat(at) - timedelta(seconds=300)).isoformat(" "), i] for at, i in told["entries"]]
    shown, _ = drained(there.adapter(), Cursor(json.dumps(told)))
    assert number in {one.native_id for one in shown}


def test_a_row_ahead_of_the_clock_hides_nothing(there: Ground) -> None:
    """A GXSJ of next year does not move the cursor past what comes tomorrow."""
    number = there.create()
    there.sql("UPDATE T_GD SET GXSJ = '2098-01-01 00:00:00' WHERE GDBH = ?", number)
    _, cursor = drained(there.adapter())
    later = there.create()
    there.sql("UPDATE T_GD SET GXSJ = ? WHERE GDBH = ?", datetime.now().strftime("%Y-12-31 00:00:00"), later)
    assert later in {one.native_id for one in drained(there.adapter(), cursor)[0]}


def test_the_transfer_at_the_dispatched_state(there: Ground) -> None:
    """§6: a remark of the transfer mark at 转办 is a 转办; its department stands on the latest one alone."""
    number = there.create()
    for more in ({"GDZT": 2, "ZBDW": "WL005"}, {"ZBDW": "WL006", "CZYJ": "【改派】改由农业农村局"}, {"CZYJ": "其他批注"}):
        there.at("officials/act", {"GDBH": number, "CZR": "秦受理", "CZYJ": "意见", **more})
    record = there.adapter().fetch(number)
    assert record is not None
    told = [(row["CZLX"], row["DZ"], row.get("ZBDW")) for row in record.body["LZ"]]
    assert told == [("登记", "登记", None), ("转办", "2", None), ("批注", "2", ["WL006"]), ("批注", "批注", None)]


def test_a_secret_flag_that_is_none_is_damage(there: Ground) -> None:
    """SFBM is neither 0 nor 1: the record is not used, rather than a name let out."""
    number = there.create()
    there.at("damage", {"GDBH": number, "set": {"SFBM": 7}})
    record = there.adapter().fetch(number)
    assert record is not None and "SFBM" in record.damage[0]


def test_files_belong_to_their_work_order(there: Ground) -> None:
    """A file is read by its number and its work order; another's is Missing."""
    number, other = there.create(), there.create()
    made = there.at("officials/attach", {"GDBH": number, "WJM": "照片.jpg", "WJLX": "image/jpeg", "base64": "AAECAw==", "CZR": "王"})
    adapter = there.adapter()
    record = adapter.fetch(number)
    assert record is not None
    (listed,) = record.body["FJ"]
    assert (listed["WJM"], listed["WJDX"], listed["FJID"]) == ("照片.jpg", 4, made["FJID"])
    assert adapter.read_file(FileRef(number, str(made["FJID"]), size=4)).read() == bytes(range(4))
    with pytest.raises(Missing):
        adapter.read_file(FileRef(other, str(made["FJID"])))


def test_names_of_an_installation(there: Ground) -> None:
    """Other names are taken from the settings; a name that the catalogue lacks is told; SQL is never a name."""
    number = there.create()
    there.sql('CREATE VIEW "V_工单" AS SELECT GDBH, WBBH, LYQD, SQRXM, LXDH, SFBM, BT AS "order", NR, SQLB, SZXZ, FSDZ, JD, WD, '
              "JJCD, GDZT, ZBDW, XBDW, SLSJ, BLSX, GXSJ, BBH FROM T_GD")  # fmt: skip
    record = there.adapter(names={"V_GD": "V_工单", "V_GD.BT": "order"}).fetch(number)
    assert record is not None and record.body["BT"] == "水库渗水"
    with pytest.raises(ConfigError, match=r"V_GD\.BT=TITLE"):
        there.adapter(names={"V_GD.BT": "TITLE"}).fetch(number)
    for odd in ({"V_GD": "T_GD; DROP TABLE T_GD"}, {"V_GD": 'x"y'}, {"V_GDX": "a"}):
        with pytest.raises(ConfigError, match="names"):
            there.adapter(names=odd)


def test_addresses(tmp_path: Path) -> None:
    """MariaDB or SQLite; a missing file is a platform that is away, and is not made."""
    surroundings = Surroundings(lambda: datetime.now(UTC), lambda n: bytes(n), lambda _: None, tmp_path)
    for url in ("http://x", "postgresql://x/y", "mysql+pymysql://x", "nonsense"):
        with pytest.raises(ConfigError):
            build("petition", {}, Connection("c", url, "u", "geheim-1"), surroundings)
    away = build("petition", {}, Connection("c", f"sqlite:///{tmp_path / 'none.sqlite'}"), surroundings)
    with pytest.raises(Unavailable):
        away.fetch("WL20261026000001")
    assert not (tmp_path / "none.sqlite").exists()
    made = build("petition", {}, Connection("c", "mysql+pymysql://h:1/db", "u", "geheim-1"), surroundings)
    assert "geheim-1" not in repr(made)

"""The petition stand-in's batch, late commits, officials, department, clock and damage."""

from __future__ import annotations

import base64
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from sandbox.httpd import Fault
from tests.sandbox.petition_client import CALL, NOON, Client, client


def test_rows_go_in_order_of_id() -> None:
    """Several of one work order in one run, each on what the one before left; a refused one stops nobody."""
    with client() as there:
        gdbh = there.create()
        steps = [{"GDZT": 1}, {"GDZT": 6}, {"GDZT": 2, "ZBDW": "WL005"}, {"GDZT": 3}, {"CZYJ": "【督办】快"}]
        numbers = [there.insert("GX", {"CZR": "a", **step}, gdbh) for step in steps]
        run = there.platform.run_batch()
        assert (run.done, run.refused) == (4, 1)
        assert [there.outcome(number)[0] for number in numbers] == [1, 2, 1, 1, 1]
        assert there.outcome(numbers[1])[1] == "状态不允许:1->6"
        assert (there.order(gdbh)["GDZT"], there.order(gdbh)["BBH"]) == (3, 5)


def test_at_most_500_a_run() -> None:
    """The rest waits for the next."""
    with client() as there:
        with there.engine.begin() as connection:
            connection.execute(
                text("INSERT INTO T_JH_IN (WBBH, CZ, NR) VALUES (:w, 'XZ', '{}')"), [{"w": f"r{n}"} for n in range(501)]
            )
        assert there.platform.run_batch().refused == 500 and there.platform.run_batch().refused == 1


def test_a_batch_that_dies() -> None:
    """The claimed row stays at 3, is overtaken, freed after 10 minutes, and done once."""
    with client() as there:
        gdbh = there.create()
        first, second = (there.insert("GX", {"CZR": "a", "CZYJ": words}, gdbh) for words in ("一", "二"))
        there.platform.run_batch(die_after=0)
        assert there.outcome(first) == (3, None) and there.outcome(second) == (0, None)
        there.platform.run_batch()
        assert there.outcome(first) == (3, None) and there.outcome(second) == (1, gdbh)
        there.freeze(NOON + 600)
        assert there.platform.run_batch().freed == 0
        there.freeze(NOON + 601)
        assert there.platform.run_batch().freed == 1 and there.outcome(first) == (1, gdbh)
        assert [one["CZYJ"] for one in there.history(gdbh)] == [None, "二", "一"]


def test_outcomes_are_kept_for_90_days() -> None:
    """Then they go; the work orders stay."""
    with client() as there:
        gdbh = there.create()
        there.freeze(NOON + 91 * 86_400)
        there.platform.run_batch()
        assert there.rows("SELECT * FROM T_JH_IN") == [] and there.order(gdbh)


def test_an_internal_error_is_the_rows_own() -> None:
    """系统错误: nothing was stored, and the same may be inserted anew."""
    with client() as there:
        there.platform.faults.add(Fault("code", "XZ", code="系统错误"))
        assert there.write("XZ", CALL, wbbh="r") == "系统错误" and there.write("XZ", CALL, wbbh="r").startswith("WL")


def test_the_batch_runs_by_itself_until_paused() -> None:
    """Every batch_seconds; paused, rows wait."""
    with client() as there:
        there.at("settings", {"batch_seconds": 0.02})
        number, pause = there.insert("XZ", CALL), threading.Event()
        for _ in range(500):
            if there.outcome(number)[0] == 1:
                break
            pause.wait(0.01)
        assert there.outcome(number)[0] == 1
        there.at("batch/pause")
        waiting = there.insert("XZ", CALL)
        pause.wait(0.1)
        assert there.outcome(waiting) == (0, None)
        there.at("batch/pause", {"paused": False})


def test_a_late_commit_carries_its_old_stamp() -> None:
    """Begun at :00, seen at :55, behind a row of :40 that was seen before; IDs likewise."""
    with client() as there:
        early, other = (there.at("officials/create", CALL)["GDBH"] for _ in range(2))
        begun = there.at("officials/act", {"GDBH": early, "GDZT": 1, "late_seconds": 55})
        there.freeze(NOON + 40)
        seen = there.at("officials/act", {"GDBH": other, "GDZT": 1})
        assert there.order(early)["GDZT"] == 0 and there.order(other)["GXSJ"] == "2026-10-26 12:00:40"
        there.freeze(NOON + 55)
        there.platform.commit_due()
        assert there.order(early)["GDZT"] == 1 and there.order(early)["GXSJ"] == "2026-10-26 12:00:00"
        assert begun["ID"] < seen["ID"] and there.history(early)[-1]["ID"] == begun["ID"]


def test_who_comes_next_waits_for_an_open_change() -> None:
    """A row on the same work order is done upon it, and GXSJ never goes back."""
    with client() as there:
        gdbh = there.create()
        there.at("officials/act", {"GDBH": gdbh, "GDZT": 1, "late_seconds": 60})
        assert there.update(gdbh, GDZT=2, ZBDW="WL005") == gdbh
        there.freeze(NOON - 30)
        assert there.update(gdbh, CZYJ="钟慢了") == gdbh
        order = there.order(gdbh)
        assert (order["GDZT"], order["BBH"], order["GXSJ"]) == (2, 4, "2026-10-26 12:00:00")
        assert [one["CZLX"] for one in there.history(gdbh)] == ["登记", "受理", "转办", "批注"]


def test_entries_from_paper_touch_nothing_else() -> None:
    """补录: older time, higher ID, GXSJ and BBH stay."""
    with client() as there:
        gdbh = there.create()
        before = there.order(gdbh)
        there.freeze(NOON + 60)
        there.at("officials/late_entry", {"GDBH": gdbh, "CZLX": "批注", "CZSJ": "2026-10-20 08:00:00", "CZYJ": "补录"})
        assert there.order(gdbh) == before and there.history(gdbh)[-1]["CZSJ"] == "2026-10-20 08:00:00"


def test_the_clock_is_the_platforms() -> None:
    """A skew moves GXSJ; the answer says what time it is."""
    with client() as there:
        there.at("clock", {"freeze": NOON + 90})
        assert there.order(there.create())["GXSJ"] == "2026-10-26 12:01:30"
        now = there.at("clock", {"freeze": None, "skew_seconds": 90})["now"]
        assert abs(now - there.platform.now()) < 5


def test_officials_beyond_the_exchange() -> None:
    """Their own moves (8 → 1, 2 → 1, 5 → 2), edits, files of any type, bulk jobs of one second."""
    with client() as there:
        made = there.at("officials/create", {**CALL, "count": 300})["GDBHs"]
        assert len({there.order(gdbh)["GXSJ"] for gdbh in made[::100]}) == 1 and len(set(made)) == 300
        gdbh = made[0]
        for target in (8, 1, 2, 1, 2, 4, 5, 2):
            there.at("officials/act", {"GDBH": gdbh, "GDZT": target})
        assert there.order(gdbh)["SLSJ"] == "2026-10-26 12:00:00" and there.order(gdbh)["ZBDW"]
        there.at("officials/edit", {"GDBH": gdbh, "set": {"FSDZ": "新址", "JD": 119.2, "WD": 35.7}})
        wish = {"GDBH": gdbh, "WJM": "图.webp", "WJLX": "image/webp", "base64": base64.b64encode(b"x").decode()}
        there.at("officials/attach", wish)
        assert [one["CZLX"] for one in there.history(gdbh)][-2:] == ["改单", "附件"] and there.order(gdbh)["FSDZ"] == "新址"
        enter = there.platform.back_door
        assert enter("POST", "officials/act", {"GDBH": gdbh, "GDZT": 7})[0] == 409
        assert enter("POST", "officials/act", {"GDBH": "WL1", "GDZT": 1})[0] == 404 and enter("POST", "none", None)[0] == 404
        with pytest.raises(ValueError, match="no column"):
            enter("POST", "officials/edit", {"GDBH": gdbh, "set": {"BBH": 1}})


def test_damage_and_healing() -> None:
    """Zero and partial dates and codes outside their range stand in the views until they are healed."""
    with client() as there:
        gdbh = there.create(BLSX="2026-10-28 18:00:00")
        before = there.order(gdbh)
        there.at("damage", {"GDBH": gdbh, "set": {"BLSX": "2026-10-00 00:00:00", "SLSJ": "0000-00-00 00:00:00", "GDZT": 12}})
        spoilt = there.order(gdbh)
        assert (spoilt["BLSX"], spoilt["SLSJ"], spoilt["GDZT"]) == ("2026-10-00 00:00:00", "0000-00-00 00:00:00", 12)
        there.at("damage", {"GDBH": gdbh}, method="DELETE")
        healed = there.order(gdbh)
        assert {**healed, "BBH": before["BBH"]} == before and healed["BBH"] == before["BBH"] + 2


def brought_to_its_end(there: Client, gdbh: str) -> bool:
    return there.order(gdbh)["GDZT"] in (6, 7)


def test_the_county_handles_what_came_in() -> None:
    """Clerks and responders bring exchanged work orders to their end; excepted ones and the hotline's own stay."""
    with client() as there:
        ours = [there.create(SQLB=code) for code in ("0301", "0105", "0402", "0201", "9900", "0601")]
        excepted, own = there.create(BT="留给别人"), there.at("officials/create", CALL)["GDBH"]
        there.at("department", {"except": ["留给别人"], "rounds": 15})
        assert all(brought_to_its_end(there, gdbh) for gdbh in ours)
        assert there.order(excepted)["GDZT"] == there.order(own)["GDZT"] == 0
        people = {(one["CZLX"], one["CZR"]) for gdbh in ours for one in there.history(gdbh)}
        assert {kind for kind, _ in people} >= {"受理", "转办", "签收", "办理", "答复", "办结"}
        assert all(there.order(gdbh)["SLSJ"] and there.order(gdbh)["ZBDW"] for gdbh in ours)


def test_callers_by_hotline_web_and_app() -> None:
    """So many calls a round, over all three channels, one of them confidential; the county handles them."""
    with client() as there:
        there.at("department", {"callers": 5, "rounds": 1})
        calls = there.rows("SELECT * FROM V_GD")
        assert {one["LYQD"] for one in calls} == {1, 2, 3} and sum(one["SFBM"] for one in calls) == 1
        there.at("department", {"callers": 0, "rounds": 15})
        assert all(brought_to_its_end(there, one["GDBH"]) for one in calls)


def test_a_restart_gives_no_number_twice(tmp_path: Path) -> None:
    """A platform on the same file goes on where it was."""
    place = tmp_path / "petition.sqlite"
    with client(place) as there:
        first = there.create()
    with client(place) as there:
        assert there.write("XZ", CALL, wbbh="later") != first and len(there.rows("SELECT * FROM V_GD")) == 2

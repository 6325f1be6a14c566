"""The `huying` command against real servers: one call from platform to platform, and what operators see of it."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.ground import House, inhabited

PERSONAL = ("李样例", "13900000002", "张三")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with inhabited(tmp_path) as one:
        yield one


def test_probe_says_what_each_platform_answers(home: House) -> None:
    """Reach, authentication, clock, permission of both; a wrong password is told with its remedy, never shown."""
    fine = home.huying("probe")
    assert fine.exit_code == 0, fine.output
    assert "✓ grid" in fine.output and "✓ government" in fine.output and "时钟" in fine.output
    home.environ["AIRFLOW_CONN_HUYING_GRID"] = \
        home.environ["AIRFLOW_CONN_HUYING_GRID"].replace('"password": "', '"password": "wrongword')  # fmt: skip
    wrong = home.huying("probe", "grid")
    assert wrong.exit_code == 1 and "✗ grid" in wrong.output and "→" in wrong.output and "wrongword" not in wrong.output
    found = home.data("probe", "government")
    assert found["government"]["ok"] and abs(found["government"]["skew_seconds"]) < 60
    assert home.huying("probe", "gird").exit_code == 2


def test_a_call_by_hand_and_everything_that_shows_it(home: House) -> None:
    """poll, push, status, calls, show, route explain: one call on both platforms, its people masked everywhere."""
    number = home.event()
    polled = home.data("poll", "grid")
    assert (polled["applied"], polled["dead"], polled["wakes"]) == (1, 0, ["government"])
    assert home.data("push", "government")["done"] == 1

    status = {one["slug"]: one for one in home.data("status")["platforms"]}
    assert (status["grid"]["came_in"], status["government"]["went_out"], status["government"]["dead"]) == (1, 1, 0)
    assert status["grid"]["stale_seconds"] < 60 and status["government"]["polled_at"] is None

    (line,) = home.data("calls")
    copy = next(p for p in line["platforms"] if p["platform"] == "government")
    assert line["stage"] == "CALLED" and copy["shown"] == "CALLED" and copy["difference"] == ""

    outputs = [home.huying("calls").output]
    for asked in (number, copy["native_id"], line["call_id"], line["call_id"][:8], f"hy-{line['call_id']}"):
        view = home.data("show", asked)
        assert view["call"]["call_id"] == line["call_id"]
        (row,) = view["timeline"]
        assert (row["action"], row["action_zh"], row["applied"]) == ("CALL", "呼叫", True)
        outputs += [home.huying("show", asked).output, home.huying("show", asked, "--json").output]
    assert "139****0002" in outputs[1] and "呼叫 CALL" in outputs[1] and "已呼叫 CALLED" in outputs[1]

    (told,) = home.data("route", "explain", number).values()
    assert [(d["to"], d["goes"]) for d in told["routes"]] == [("government", True), ("grid", False)]
    assert [(p["platform"], p["gets"], p["number"]) for p in told["platforms"]] == [
        ("government", True, copy["native_id"]), ("grid", True, number)]  # fmt: skip
    assert "已送达" in told["platforms"][0]["why"] and "呼叫由它记录" in told["platforms"][1]["why"]
    outputs += [home.huying("route", "explain", number).output, home.huying("status").output]
    assert not [word for word in PERSONAL for text in outputs if word in text]
    state = Path(home.environ["HUYING_LEDGER"].removeprefix("sqlite:///")).parent / "state" / "government"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_files_and_what_became_of_them(home: House) -> None:
    """`show` names each file, where it stands and under which name, and what could not be carried; persons masked."""
    number = home.event()
    assert home.doors is not None
    for name, data in (("李样例门口.jpg", b"\xff\xd8\xff0"), ("说明.exe", b"MZ00")):
        body = {"eventId": number, "name": name, "mime": "image/jpeg", "base64": base64.b64encode(data).decode()}
        home.doors.tell("grid", "officials/attach", body)
    home.data("poll", "grid")
    assert "等待送达" in home.huying("show", number).output
    home.data("push", "government")
    first, second = home.data("show", number)["files"]
    assert (first["size"], first["platform"], second["name"]) == (4, "grid", "说明.exe")
    assert "未送达" in dict(second["elsewhere"])["government"]
    shown = home.huying("show", number).output
    assert "附件 file (grid)" in shown and "备注 note" in shown and "说明.exe" in shown
    assert not [word for word in PERSONAL if word in shown]


def test_a_dead_letter_is_shown_mended_and_retried(home: House, tmp_path: Path) -> None:
    """list, show with the key to mend and the raw bytes, retry after mending, drop with its reason."""
    assert home.doors is not None
    first, second = home.event(), home.event()
    for number in (first, second):
        home.doors.tell("grid", "raw", {"eventId": number, "level": "9"})
    assert home.huying("poll", "grid").exit_code == 1
    letters = home.data("dead", "list")
    assert {one["native_id"] for one in letters} == {first, second}
    letter = next(one for one in letters if one["native_id"] == first)
    assert "mappings/grid.yaml" in letter["key"] and letter["remedy"]

    shown = home.huying("dead", "show", str(letter["id"]), "--raw", str(tmp_path / "raw.xml"))
    assert shown.exit_code == 0 and letter["key"] in shown.output and letter["raw_sha256"] in shown.output
    raw = (tmp_path / "raw.xml").read_bytes()
    assert hashlib.sha256(raw).hexdigest() == letter["raw_sha256"] and len(raw) == letter["raw_size"]
    assert stat.S_IMODE((tmp_path / "raw.xml").stat().st_mode) == 0o600
    again = home.huying("dead", "show", str(letter["id"]), "--raw", str(tmp_path / "raw.xml"))
    assert again.exit_code == 1 and "raw.xml" in again.output and (tmp_path / "raw.xml").read_bytes() == raw

    assert "still cannot" in home.data("dead", "retry", str(letter["id"]))["result"]
    home.doors.tell("grid", "raw", {"eventId": first, "level": "1"})
    assert home.huying("dead", "retry", str(letter["id"])).exit_code == 0
    other = next(one["id"] for one in letters if one["native_id"] == second)
    assert home.huying("dead", "drop", str(other)).exit_code == 2
    assert home.huying("dead", "drop", str(other), "--why", "重复上报").exit_code == 0
    assert home.data("dead", "list") == []
    closed = {one["id"]: (one["state"], one["why"]) for one in home.data("dead", "list", "--all")}
    assert closed == {letter["id"]: ("retried", ""), other: ("dropped", "重复上报")}
    assert home.huying("dead", "retry", str(other)).exit_code == 1
    assert home.data("dead", "show", "99", code=1)["error"].startswith("没有编号为 99 的死信")


def test_a_held_ledger_is_told_in_words(home: House) -> None:
    """Another process holds the ledger: words and exit code 1 after some seconds, no traceback."""
    home.event()
    assert home.huying("poll", "grid").exit_code == 0
    holder = sqlite3.connect(home.environ["HUYING_LEDGER"].removeprefix("sqlite:///"), isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        done = home.process("status")
    finally:
        holder.close()
    assert done.returncode == 1 and "被占用" in done.stderr and "Traceback" not in done.stderr


def test_a_reader_that_has_read_enough_ends_the_command_quietly(home: House) -> None:
    """`huying show … | head -1`: no traceback, nothing on standard error."""
    number = home.event(content="长" * 200_000)
    home.huying("poll", "grid")
    done = home.process("show", number, shell="head -c 10 >/dev/null")
    assert done.stderr == ""


def test_a_platform_that_is_down_is_told_in_words(home: House) -> None:
    """Exit code 1, what to do, and the status keeps the trouble."""
    home.environ["AIRFLOW_CONN_HUYING_GRID"] = "http://a:bbbbbbbb@127.0.0.1:1"
    down = home.huying("poll", "grid")
    assert down.exit_code == 1 and "无法连接" in down.output and "bbbbbbbb" not in down.output
    status = {one["slug"]: one for one in home.data("status")["platforms"]}
    assert "无法连接" in status["grid"]["trouble"] and status["government"]["trouble"] == ""

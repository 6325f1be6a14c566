"""`huying map learn` against a running platform: what the mapping lacks is found, and the ledger does not hear of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.assembly import state_folder
from bridge.drift import Field, Profile, profile_file, save
from tests.unit.cli.ground import ROOT, House, inhabited

PERSONAL = ("李样例", "13900000002")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with inhabited(tmp_path) as one:
        yield one


def thinner(home: House, folder: Path) -> None:
    """The grid's mapping without its address, without the code 1 of its levels, and with a misspelt `content`."""
    text = (ROOT / "mappings/grid.yaml").read_text(encoding="utf-8")
    for old, new in (("  place.address: {wire: address, limit: {count: utf16, max: 200}}\n", ""),
                     ('{"1": critical, "2": urgent,', '{"0": critical, "2": urgent,'), ("wire: content,", "wire: contents,")):
        assert text.count(old) == 1
        text = text.replace(old, new)
    folder.mkdir()
    (folder / "grid.yaml").write_text(text, encoding="utf-8")
    home.environ["HUYING_MAPPINGS"] = str(folder)


def test_what_the_mapping_lacks(home: House, tmp_path: Path) -> None:
    """Field without a rule, unlisted code, field that never comes: exit code 1, YAML beside each, nobody's name or
    phone; no ledger was made and nothing is left to be polled twice."""
    for _ in range(3):
        home.event()
    thinner(home, tmp_path / "own")
    told = home.data("map", "learn", "grid", code=1)
    assert (told["records"], told["whole"], told["damaged"]) == (3, True, 0)
    found = {(one["kind"], one["path"]): one for one in told["findings"]}
    assert {("unmapped", "address"), ("unmapped", "content"), ("code", "level"), ("unseen", "contents")} <= set(found)
    assert found["code", "level"]["codes"] == {"1": 3} and found["unseen", "contents"]["guess"] == "content"
    assert found["unseen", "contents"]["yaml"] == "fields: {description: {wire: content}}"
    assert "address" in told["leave_aside"]
    shown = home.huying("map", "learn", "grid")
    assert shown.exit_code == 1 and "写上 YAML" in shown.output and str(tmp_path / "own" / "grid.yaml") in shown.output
    assert not [word for word in PERSONAL if word in shown.output + str(told)]
    assert not Path(home.environ["HUYING_LEDGER"].removeprefix("sqlite:///")).exists()
    del home.environ["HUYING_MAPPINGS"]
    assert home.data("poll", "grid")["applied"] == 3


def test_the_shipped_mapping_lacks_nothing(home: House) -> None:
    """What the stand-in shows is covered: no field, code or type is left over."""
    home.event()
    told = home.huying("map", "learn", "grid", "--json")
    assert '"kind": "unmapped"' not in told.output and '"kind": "code"' not in told.output
    assert '"kind": "type"' not in told.output and '"records": 1' in told.output


def test_what_changed_since_the_daily_look(home: House) -> None:
    """Beside the mapping, the profile that the daily look keeps is compared with; a command changes nothing of it."""
    home.event()
    state = state_folder(home.environ)
    save(profile_file(state, "grid"), Profile({
        "title": Field("", 50, {"list": ""}), "level": Field("", 50, {"numeral": ""}, {"1": ""}), "eventId": Field("", 50, {"text": ""}),
    }))  # fmt: skip
    held = profile_file(state, "grid").read_bytes()
    told = home.data("map", "learn", "grid", code=1)
    assert [(one["kind"], one["path"], one["before"], one["now"]) for one in told["changes"]] == [("form", "title", "list", "text")]
    assert "another form title: list → text" in home.huying("map", "learn", "grid").output
    assert profile_file(state, "grid").read_bytes() == held


def test_no_more_records_than_asked(home: House) -> None:
    """`--records` bounds what is read; that more is there is said."""
    for _ in range(3):
        home.event()
    told = home.huying("map", "learn", "grid", "--records", "2")
    assert "2 条记录" in told.output and "还有更多" in told.output
    assert home.huying("map", "learn", "grid", "--records", "0").exit_code == 2


def test_no_records_and_no_platform(home: House) -> None:
    """Nothing read is not fine; a platform that is away is told in words; an unknown one is a usage error."""
    empty = home.huying("map", "learn", "government")
    assert empty.exit_code == 1 and "没有读到记录" in empty.output
    assert home.huying("map", "learn", "gird").exit_code == 2
    home.environ["AIRFLOW_CONN_HUYING_GRID"] = "http://a:bbbbbbbb@127.0.0.1:1"
    away = home.huying("map", "learn", "grid")
    assert away.exit_code == 1 and "无法连接" in away.output and "bbbbbbbb" not in away.output

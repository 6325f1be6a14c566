"""The `huying` command on configuration and mappings alone: nothing is connected, nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.ground import ROOT, house
from tests.unit.config.ground import DONGGANG, LANSHAN, folder

SAMPLES = ROOT / "docs/contracts"


def test_check_is_fine_for_the_shipped_folder_and_tells_every_problem_of_another(tmp_path: Path) -> None:
    """Exit code 0 and 1; each problem with file, line, key and remedy, also as JSON."""
    fine = house(tmp_path).process("check")
    assert fine.returncode == 0 and "✓ 0 个问题" in fine.stdout and fine.stderr == ""
    config = folder(tmp_path, donggang=DONGGANG.replace("poll: 10s", "pol: 10s"), lanshan=LANSHAN)
    other = house(tmp_path, HUYING_CONFIG=str(config))
    wrong = other.huying("check")
    assert wrong.exit_code == 1
    line = "donggang.yaml:9: platforms[0].pol: 不认识的键 / unknown key 'pol'；可用 / allowed: poll"
    assert f"{config}/counties/{line}" in wrong.output
    data = other.data("check", code=1)
    assert not data["ok"] and data["platforms"] == ["government"] and data["counties"] == ["371103"]
    assert {"file", "line", "key", "found", "allowed", "remedy"} == set(data["problems"][0])


def test_platforms_are_listed_for_programs(tmp_path: Path) -> None:
    """A list of objects with slug, county and durations; a broken county is missing and said on standard error."""
    listed = house(tmp_path).data("platforms")
    assert [(one["slug"], one["county"], one["poll"]) for one in listed] == [
        ("city", "371122", "10s"), ("enforcement", "371100", "10s"), ("government", "371103", "10s"),
        ("grid", "371102", "10s"), ("open311", "371100", "30s"), ("petition", "371121", "10s"),
    ]  # fmt: skip
    config = folder(tmp_path, donggang=DONGGANG, lanshan="county: x\n")
    result = house(tmp_path, HUYING_CONFIG=str(config)).huying("platforms", "--json")
    assert result.exit_code == 0 and [one["slug"] for one in json.loads(result.stdout)] == ["grid"]
    assert "huying check" in result.stderr


@pytest.mark.parametrize("command", [
    ("status",), ("calls",), ("show", "x"), ("dead", "list"), ("route", "explain", "x"),
])  # fmt: skip
def test_looking_makes_no_ledger(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Where there is no ledger yet, that is said, and none is made."""
    one = house(tmp_path)
    result = one.huying(*command)
    assert result.exit_code == 1 and "还没有台账 / there is no ledger yet" in result.output
    assert "还没有台账" in one.data(*command, code=1)["error"]
    assert not (tmp_path / "ledger").exists()


def test_a_wrong_ledger_address_is_told(tmp_path: Path) -> None:
    """No database URL, and a file that is no ledger: words and exit code 1."""
    assert "HUYING_LEDGER" in house(tmp_path, HUYING_LEDGER="ledger.sqlite").huying("status").output
    (tmp_path / "text.sqlite").write_text("这不是数据库" * 100, encoding="utf-8")
    result = house(tmp_path, HUYING_LEDGER=f"sqlite:///{tmp_path / 'text.sqlite'}").huying("status")
    assert result.exit_code == 1 and "不是台账文件" in result.output


def test_wrong_usage_is_exit_code_2(tmp_path: Path) -> None:
    """Unknown command, unknown platform (with the nearest), unknown mapping, a sample that is not there."""
    one = house(tmp_path)
    for arguments in (("chek",), ("poll", "gird"), ("map", "show", "gird"), ("map", "try", "grid", "nowhere.json"), ()):
        assert one.huying(*arguments).exit_code == 2, arguments
    assert "grid" in one.huying("poll", "gird").output
    for name in ("city", "petition", "open311"):  # all that there are, not those alone that are written alike
        assert name in one.huying("map", "show", "gird").output


def test_probing_tells_of_platforms_that_are_left_out(tmp_path: Path) -> None:
    """They are not tried, and that must not look as if all were well."""
    config = folder(tmp_path, donggang=DONGGANG, lanshan="county: x\n")
    result = house(tmp_path, HUYING_CONFIG=str(config)).huying("probe", "--json")
    assert result.exit_code == 1 and list(json.loads(result.stdout)) == ["grid"] and "huying check" in result.stderr


def test_a_missing_connection_is_told_in_words(tmp_path: Path) -> None:
    """`poll` without a connection: the three places and an example, no traceback."""
    done = house(tmp_path).process("poll", "grid")
    assert done.returncode == 1 and "AIRFLOW_CONN_HUYING_GRID" in done.stderr and "Traceback" not in done.stderr


def test_map_commands_explain_prove_and_try(tmp_path: Path) -> None:
    """check proves the shipped mappings; show names file and line; try explains a sample field by field, masked."""
    one = house(tmp_path)
    checked = one.data("map", "check")
    assert checked["ok"] and {"government", "grid"} <= set(checked["mappings"])
    rows = one.data("map", "show", "grid")
    assert all(row["line"] > 0 and row["file"].endswith("grid.yaml") for row in rows if row["section"] == "fields")
    assert "grid.yaml:" in one.huying("map", "show", "grid").output
    tried = one.huying("map", "try", "grid", str(SAMPLES / "grid/samples/getEvent.response.xml"))
    assert tried.exit_code == 0, tried.output
    (rows,) = one.data("map", "try", "government", str(SAMPLES / "government/samples/detail.json"))
    found = {row["field"]: row["value"] for row in rows}
    assert found["stage"] == "RATED" and found["title"] == "高兴镇巡查发现车辆倾倒污水"
    assert found["caller"] == "张* 139****0001"
    (tmp_path / "bad.json").write_text('{"callNo": "LS1", "status": "LOST"}', encoding="utf-8")
    wrong = one.huying("map", "try", "government", str(tmp_path / "bad.json"))
    assert wrong.exit_code == 1 and "LOST" in wrong.output


def test_map_check_tells_problems_with_their_lines(tmp_path: Path) -> None:
    """A misspelt key of an overlay: its file and line, exit code 1."""
    (tmp_path / "own.yaml").write_text("mapping: own\nextends: grid\nfeilds: {}\n", encoding="utf-8")
    one = house(tmp_path, HUYING_MAPPINGS=str(tmp_path))
    result = one.huying("map", "check", "own")
    assert result.exit_code == 1 and f"{tmp_path / 'own.yaml'}:3: feilds: 不认识的键" in result.output
    assert one.data("map", "check", "own", code=1)["problems"][0]["line"] == 3


def test_schemas_are_written_where_wanted(tmp_path: Path) -> None:
    """The same files as in schemas/json; a folder that cannot be written is told in words."""
    one = house(tmp_path)
    assert one.huying("schemas", "--folder", str(tmp_path / "json")).exit_code == 0
    for path in (ROOT / "schemas/json").glob("*.json"):
        assert (tmp_path / "json" / path.name).read_bytes() == path.read_bytes()
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = one.huying("schemas", "--folder", str(tmp_path / "file"))
    assert result.exit_code == 1 and "无法读写" in result.output


def test_help_and_version_are_bilingual(tmp_path: Path) -> None:
    """Chinese first, English beside, for every command."""
    one = house(tmp_path)
    for command in ("check", "probe", "platforms", "status", "calls", "show", "poll", "push", "schemas"):
        words = one.huying(command, "--help").output
        assert " / " in words and "--json" in words
    for group, commands in (("dead", "list show retry drop"), ("map", "check try show learn"), ("route", "explain")):
        for command in commands.split():
            assert "--json" in one.huying(group, command, "--help").output

"""Mappings by name: overlays, circles, repeated keys, codes as they were typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.configuration import load_configuration
from bridge.documents import Problems, load
from bridge.mapping.files import load_mapping
from bridge.mapping.tracing import show
from tests.unit.config.ground import CASES, LANSHAN, MAPPINGS, folder


def test_c42_codes_are_what_was_typed() -> None:
    """C42: 05, 08, 0101, 12:30, no, 1.10, 1e3 stay the text that was typed, as keys and as values."""
    data = load(CASES / "C42-codes.yaml").data
    assert list(data["stage"]) == ["05", "08", "09", "010"]
    assert list(data["class"]) == ["0101", "0199"]
    assert (data["limit"], data["from"], data["version"], data["exponent"]) == ("12:30", "2026-10-01", "1.10", "1e3")
    assert data["no"] == "否" and data["village"] == 371102001001 and str(data["district"]) == "371102"


def test_c43_repeated_keys_name_both_lines() -> None:
    """C43: a key given twice is an error that names both lines, and both repeated keys are told at once."""
    with pytest.raises(Problems) as caught:
        load(CASES / "C43-duplicate.yaml")
    assert [(p.line, p.key, p.found) for p in caught.value.problems] == [
        (5, "codes.02", "重复的键，第 3 行已有 / repeated key, first on line 3"),
        (9, "fields.title", "重复的键，第 7 行已有 / repeated key, first on line 7"),
    ]


def overlay(tmp: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp


def test_an_overlay_replaces_and_says_from_where(tmp_path: Path) -> None:
    """C43: the same key in an overlay is meant; `map show` names the file that has the last word, over a chain."""
    folders = (overlay(
        tmp_path,
        juxian='mapping: juxian\ntitle: 莒县网格\nextends: grid\nitems:\n  codes:\n    "03": 污水入河\n',
        juxian_north='mapping: juxian_north\nextends: juxian\nitems: {codes: {"04": 漂浮物}}\n',
    ), MAPPINGS)  # fmt: skip
    loaded = load_mapping("juxian_north", folders)
    assert loaded.mapping.items is not None
    assert loaded.mapping.items.codes["03"] == "污水入河" and loaded.mapping.items.codes["04"] == "漂浮物"
    assert loaded.mapping.items.codes["05"] == "扬尘污染" and loaded.mapping.title == "莒县网格"
    assert [file.name for file in loaded.files] == ["juxian_north.yaml", "juxian.yaml", "grid.yaml"]
    assert loaded.document.where(("items", "codes", "03")) == (tmp_path / "juxian.yaml", 6)
    rows = {row.wire: Path(row.file).name for row in show(loaded.document, loaded.mapping) if row.section == "items"}
    assert (rows["03"], rows["04"], rows["05"]) == ("juxian.yaml", "juxian_north.yaml", "donggang.yaml")
    assert {Path(row.file).name for row in show(loaded.document, loaded.mapping) if row.section != "items"} == {"grid.yaml"}
    base = load_mapping("juxian", folders)
    assert base.version != loaded.version
    (tmp_path / "juxian.yaml").write_text('mapping: juxian\ntitle: 莒县网格\nextends: grid\n', encoding="utf-8")
    assert load_mapping("juxian", folders).version != base.version


def test_circles_and_unknown_bases_are_problems(tmp_path: Path) -> None:
    """`extends` in a circle, to itself or to nothing: file, line, and what is meant."""
    folders = (overlay(
        tmp_path, one="mapping: one\nextends: two\n", two="mapping: two\nextends: one\n",
        lost="mapping: lost\nextends: gridd\n", other="mapping: else\nextends: grid\n",
    ), MAPPINGS)  # fmt: skip
    with pytest.raises(Problems) as caught:
        load_mapping("one", folders)
    (circle,) = caught.value.problems
    assert (Path(circle.file).name, circle.line, circle.key) == ("two.yaml", 2, "extends")
    assert "one → two → one" in circle.found
    with pytest.raises(Problems, match=r"no mapping 'gridd'.*grid"):
        load_mapping("lost", folders)
    with pytest.raises(Problems, match=r"other\.yaml:1: mapping: 'else' 与文件名不同"):
        load_mapping("other", folders)


def test_a_mapping_with_problems_stops_the_platforms_that_use_it(tmp_path: Path) -> None:
    """The county's file says which platform is left out and where the mapping is wrong, the mapping's file what."""
    mappings = overlay(tmp_path, lanshan="mapping: lanshan\nextends: government\nzone: Asia/Shanghai\nfeilds: {}\n")
    config = folder(tmp_path, lanshan=LANSHAN.replace("mapping: government", "mapping: lanshan").split("routes:")[0])
    configuration = load_configuration(config, mappings)
    assert configuration.platforms == {} and len(configuration.counties) == 1
    lines = [str(problem) for problem in configuration.all_problems()]
    assert any("lanshan.yaml:4: feilds: 不认识的键" in line for line in lines)
    place = f"{tmp_path / 'lanshan.yaml'}:4"
    assert any("platforms[0].mapping: 映射有误，平台停用" in line and place in line for line in lines)

"""What a county's file may say, and what happens when it says something wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bridge.assembly import configuration_of
from bridge.configuration import load_configuration
from tests.unit.config.ground import DONGGANG, LANSHAN, MAPPINGS, folder, loaded, told


def test_the_shipped_counties_are_right() -> None:
    """The folder that comes with the product has no problems; all counties, and the first two's own routes."""
    configuration = configuration_of({})
    assert configuration.problems == {}
    assert {slug: one.county for slug, one in configuration.platforms.items()} == {
        "grid": "371102", "government": "371103", "petition": "371121", "city": "371122", "enforcement": "371100",
        "open311": "371100",
    }  # fmt: skip
    routes = [(route.sources, route.to) for route in configuration.routes]
    assert {(("grid",), "government"), (("government",), "grid")} <= set(routes)
    assert configuration.platforms["grid"].poll == timedelta(seconds=10)
    assert configuration.platforms["grid"].connection == "huying_grid"


def test_defaults_are_those_of_the_documentation(tmp_path: Path) -> None:
    """poll 60s, push 5m, lag 10s, lease 2m, numbers told, no start; a mapping is compiled once."""
    configuration = loaded(tmp_path, donggang=DONGGANG, lanshan=LANSHAN)
    one = configuration.platforms["government"]
    assert (one.poll, one.push, one.lag, one.lease) == (
        timedelta(seconds=60), timedelta(minutes=5), timedelta(seconds=10), timedelta(minutes=2),
    )  # fmt: skip
    assert one.tell_numbers and one.start is None and dict(one.settings) == {}
    mapping = configuration.mappings["grid"]
    assert mapping.translator is mapping.translator and mapping.translator.version == mapping.version
    assert len(mapping.version) == 64


def test_all_problems_at_once_each_with_line_and_remedy(tmp_path: Path) -> None:
    """One reading tells everything that is wrong: form, adapter, mapping, settings, routes, codes."""
    text = """\
county: 371109
name: 东港区
platfroms: []
platforms:
  - slug: Grid
    title: 网格平台
    adapter: gird
    mapping: gridd
    connection: huying_grid
    poll: 10
    pusch: 5m
  - slug: lanshan
    title: 政务平台
    adapter: government
    mapping: government
    connection: huying_government
    settings:
      page_size: 500
      page_sise: 1
routes:
  - name: 甲
    from: lanshan
    to: nowhere
    when:
      all:
        - [area.twon, begins, "371103"]
        - [area.town, starts, "371103"]
        - [area.town, is, "371103999"]
        - [urgency, at_least, high]
        - {any: [[text, contains]]}
"""
    configuration = loaded(tmp_path, donggang=text)
    assert told(configuration) == [
        "donggang.yaml:1: county: 行政区划中没有这个县区 / divisions.csv has no county '371109'；"
        "可用 / allowed: 371103 岚山区, 371102 东港区, 371100 日照市, 371121 五莲县 → "
        "改正，或补入 config/divisions.csv / correct it, or add it to divisions.csv",
        "donggang.yaml:3: platfroms: 不认识的键 / unknown key 'platfroms'；"
        "可用 / allowed: platforms, routes, name → 检查拼写 / check the spelling",
        "donggang.yaml:5: platforms[0].slug: 'Grid'：应为小写字母开头的 2–31 个小写字母、数字、- 或 _ / "
        "2 to 31 of a-z 0-9 - _, a letter first",
        "donggang.yaml:7: platforms[0].adapter: 没有这种接口 / no adapter 'gird'；可用 / allowed: grid → "
        "改正 / correct it",
        "donggang.yaml:8: platforms[0].mapping: 没有这个映射文件 / no mapping file gridd.yaml；可用 / allowed: grid → "
        "改正，或在 mappings/ 中新建 / correct it, or add the file",
        "donggang.yaml:10: platforms[0].poll: 10：时长要写数字和单位，如 10s、1m、2h / "
        "a duration is a number with its unit: 10s, 1m, 2h",
        "donggang.yaml:11: platforms[0].pusch: 不认识的键 / unknown key 'pusch'；"
        "可用 / allowed: push → 检查拼写 / check the spelling",
        "donggang.yaml:18: platforms[1].settings.page_size: 500：Input should be less than or equal to 100",
        "donggang.yaml:19: platforms[1].settings.page_sise: 不认识的键 / unknown key 'page_sise'；"
        "可用 / allowed: page_size, processing_seconds, read_seconds, overlap_seconds → 检查拼写 / check the spelling",
        "donggang.yaml:23: routes[0].to: 没有这个平台 / no platform 'nowhere'；可用 / allowed: Grid, lanshan → "
        "改正短名，或改正含有它的文件 / correct it, or the file that has it",
        "donggang.yaml:26: routes[0].when.all[0]: 没有这个字段 / no field 'area.twon'；可用 / allowed: "
        "area.town, area.county, area.town_name, area.county_name → 改正字段名 / correct it",
        "donggang.yaml:27: routes[0].when.all[1]: area.town 不能用运算 / cannot be asked 'starts'；可用 / allowed: "
        "is, is_not, in, present, absent, begins → 改用其中之一 / use one of these",
        "donggang.yaml:28: routes[0].when.all[2]: 行政区划中没有这个代码 / divisions.csv has no town '371103999'；"
        "可用 / allowed: 371103200 前三岛乡, 371103108 中楼镇, 371103105 黄墩镇, 371103103 高兴镇 → "
        "改正，或补入 config/divisions.csv / correct it, or add it to divisions.csv",
        "donggang.yaml:29: routes[0].when.all[3]: urgency 没有这个值 / has no value 'high'；可用 / allowed: "
        "critical, ordinary, urgent → 改正 / correct it",
        "donggang.yaml:30: routes[0].when.all[4].any[0]: contains 缺少值 / needs a value → 补上值 / add it",
    ]
    assert configuration.platforms == {} and configuration.routes == ()


BROKEN = {
    "tab": "county: 371121\n\tname: 五莲县\n",
    "half_written": "county: \"371121\"\nname: 五莲县\nplatforms:\n  - slug: wul",
    "unknown_key": LANSHAN.replace("371103", "371121").replace("government", "wulian").replace("title:", "titel:"),
    "cut_in_a_quote": "county: \"371121\nname: 五莲",
    "not_utf8": "",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_county_breaks_only_itself(tmp_path: Path, kind: str) -> None:
    """C40: a tab, a half-written file, an unknown key, GBK bytes: the others go on, and the file, line are named."""
    config = folder(tmp_path, donggang=DONGGANG, lanshan=LANSHAN)
    broken = config / "counties" / "371121.yaml"
    broken.write_bytes(BROKEN[kind].encode() or "county: \"371121\"\nname: 五莲县\n".encode("gbk"))
    configuration = load_configuration(config, MAPPINGS)
    assert sorted(configuration.platforms) == ["government", "grid"] and len(configuration.routes) == 2
    assert set(configuration.problems) == {broken}
    assert all(p.line >= 1 and p.file == str(broken) for p in configuration.problems[broken])
    broken.write_text(LANSHAN.replace("371103", "371121").replace("slug: government", "slug: wulian"), encoding="utf-8")
    assert load_configuration(config, MAPPINGS).problems == {}


def test_routes_to_a_broken_county_wait_and_are_told(tmp_path: Path) -> None:
    """What goes to a platform whose file is broken is kept for it; the file that names it points at the broken one."""
    configuration = loaded(tmp_path, donggang=DONGGANG, lanshan=LANSHAN.replace("adapter: government", "adapter: gov"))
    assert sorted(configuration.platforms) == ["grid"]
    assert [(route.sources, route.to) for route in configuration.routes] == [(("grid",), "government")]
    lines = told(configuration)
    assert len(lines) == 2
    assert lines[0].startswith("donggang.yaml:13: routes[0].to: 平台 government 停用，发往它的先存着 / it is left out")
    assert lines[0].split(" → ")[0].endswith("lanshan.yaml")
    assert lines[1].startswith("lanshan.yaml:6: platforms[0].adapter: 没有这种接口 / no adapter 'gov'")


def test_a_slug_in_two_files_stops_both_and_names_both_places(tmp_path: Path) -> None:
    """What the ledger holds under a slug is never sent to another platform: neither runs until one is renamed."""
    copied = LANSHAN.replace("slug: government", "slug: grid").split("routes:")[0]
    configuration = loaded(tmp_path, donggang=DONGGANG.split("routes:")[0], lanshan=copied)
    assert configuration.platforms == {}
    assert told(configuration) == [
        "donggang.yaml:4: platforms[0].slug: 短名 'grid' 重复，另见 lanshan.yaml:4 / slug also used there → "
        "改用另一个短名；已启用的不要改 / rename the newer one, never one in use",
        "lanshan.yaml:4: platforms[0].slug: 短名 'grid' 重复，另见 donggang.yaml:4 / slug also used there → "
        "改用另一个短名；已启用的不要改 / rename the newer one, never one in use",
    ]


@pytest.mark.parametrize(("inside", "mapping", "wrong"), [
    (True, "city", "另建映射 {extends: city, charset: gbk}"), (False, "shan", "去掉映射中的 charset"),
    (True, "shan", ""), (False, "city", ""),
])  # fmt: skip
def test_settings_and_mapping_agree_about_the_database(tmp_path: Path, inside: bool, mapping: str, wrong: str) -> None:
    """C25: a platform that stores `?` for what its GBK database lacks would come back as somebody's edit if the mapping did
    not know: both say so or none, else the platform is left out."""
    own = tmp_path / "mappings"
    own.mkdir()
    (own / "shan.yaml").write_text("mapping: shan\nextends: city\ncharset: gbk\n", encoding="utf-8")
    county = LANSHAN.split("routes:")[0].replace("adapter: government", "adapter: city")
    text = county.replace("mapping: government", f"mapping: {mapping}") + f"    settings:\n      gbk_inside: {str(inside).lower()}\n"
    configuration = load_configuration(folder(tmp_path, lanshan=text), own)
    problems = told(configuration)
    assert sorted(configuration.platforms) == ([] if wrong else ["government"])
    assert len(problems) == bool(wrong) and all("lanshan.yaml:7: platforms[0].mapping" in one and wrong in one for one in problems)


def test_codes_keep_what_was_typed(tmp_path: Path) -> None:
    """Unquoted codes and values stay text; a day is a day in Beijing; `in` takes a list or one value."""
    text = DONGGANG.replace('county: "371102"', "county: 371102").replace(
        '{all: [[area.town, begins, "371103"]]}', "{all: [[area.town, in, 371103103], [item.code, is, 05]]}"
    ).replace("    poll: 10s\n", "    poll: 1m30s\n    start: 2026-03-01\n")
    configuration = loaded(tmp_path, donggang=text, lanshan=LANSHAN)
    assert configuration.problems == {}
    tests = configuration.routes[0].when.all
    assert [(t.field, t.value) for t in tests] == [("area.town", ("371103103",)), ("item.code", "05")]  # type: ignore[union-attr]
    one = configuration.platforms["grid"]
    assert one.poll == timedelta(seconds=90)
    assert one.start is not None and one.start.isoformat() == "2026-03-01T00:00:00+08:00"


def test_a_folder_without_counties_is_a_problem(tmp_path: Path) -> None:
    """A wrong HUYING_CONFIG is told, not taken for an empty configuration."""
    (line,) = told(load_configuration(tmp_path, MAPPINGS))
    assert "没有县区文件 / no county files" in line and "HUYING_CONFIG" in line


def test_a_mistake_of_settings_as_a_whole_is_told_plainly(tmp_path: Path) -> None:
    """A placeholder that no request has: file, line, the request, what is there, what may be; nothing of the checker's own."""
    settings = "    settings:\n      list: {request: {path: '/a/{pgae}'}}\n      record: {id: id}\n"
    text = LANSHAN.split("routes:")[0].replace("adapter: government", "adapter: rest") + settings
    (found,) = told(load_configuration(folder(tmp_path, lanshan=text), MAPPINGS))
    assert "platforms[0].settings" in found and "list.request: 没有这个占位 / no such placeholder: pgae" in found
    assert "Value error" not in found and "mapping：" not in found

"""Item catalogues: judged whole, linked to each other, drawn into mappings, found from every side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.catalogues import SHIPPED, Catalogues, read
from bridge.configuration import load_configuration
from bridge.divisions import Divisions
from bridge.divisions import read as read_areas
from bridge.documents import Problem, Problems
from bridge.mapping.files import LoadedMapping, load_mapping
from bridge.mapping.notes import Notes
from bridge.mapping.samples import records_in
from bridge.mapping.tracing import show, trace
from bridge.mapping.writers import item_code
from schemas.catalogue import Catalogue, CatalogueItem, Limit, Limits, Link
from tests.unit.config.ground import DONGGANG, LANSHAN, MAPPINGS, ROOT, folder, loaded, told

HEAD = """\
catalogue: mine
title: 本区事项
source: 测试
county: "371103"
other: "9"
"""
AREAS = Divisions({"371103": "岚山区"})


def catalogues(tmp: Path, items: str, head: str = HEAD) -> Catalogues:
    (tmp / "mine.yaml").write_text(f"{head}items:\n{items}\n", encoding="utf-8")
    return read([tmp], AREAS)


def problems(tmp: Path, items: str, head: str = HEAD) -> list[Problem]:
    return [one for found in catalogues(tmp, items, head).problems.values() for one in found if "mine" in one.file]


def test_the_shipped_catalogues_are_sound() -> None:
    """No problems; Donggang has 73 items and its last resort; invented entries say so."""
    shipped = read((SHIPPED,), read_areas(ROOT / "config/divisions.csv"))
    assert shipped.problems == {} and set(shipped.loaded) == {path.stem for path in SHIPPED.glob("*.yaml")}
    donggang = shipped.loaded["donggang"].catalogue
    assert len(donggang.items) == 74 and donggang.items["99"].name == "其他需区级协调解决的事项"
    assert all(one.catalogue.is_example(code) for one in shipped.loaded.values() for code in one.catalogue.items)


@pytest.mark.parametrize(
    ("platform", "catalogue", "listed"),
    [("grid", "donggang", "eventTypes"), ("petition", "wulian", "classes"), ("city", "juxian", "classes")],
)
def test_the_codes_are_those_of_the_interface_documents(platform: str, catalogue: str, listed: str) -> None:
    """Code by code and name by name."""
    codes = json.loads((ROOT / f"docs/contracts/{platform}/codes.json").read_text("utf-8"))[listed]
    items = read(()).loaded[catalogue].catalogue.items
    assert {code: item.name for code, item in items.items()} == codes


def test_every_item_is_somewhere_in_every_catalogue() -> None:
    """From each catalogue to each other one: a code that exists, and the last resort only for the last resort or where
    nothing is declared."""
    shipped = read(())
    for link, _ in shipped.items():
        for name, one in shipped.loaded.items():
            if name == link.catalogue:
                continue
            found = shipped.find(link, name)
            assert one.catalogue.items[found.code].name == found.name
            if found.how in ("other", "none"):
                assert found.code == one.catalogue.other


def test_what_is_the_same_is_so_both_ways() -> None:
    """There and back again is the item one started from."""
    shipped = read(())
    for link, _ in shipped.items():
        for name in shipped.loaded:
            if name != link.catalogue and (found := shipped.find(link, name)).how == "same":
                back = shipped.find(Link(name, found.code), link.catalogue)
                assert (back.how, back.code) == ("same", link.code), (link, name)


def test_the_nearest_meaning_wins(tmp_path: Path) -> None:
    """A direct link before a shared matter, a name before a coarser item; what is covered does not come back."""
    found = catalogues(tmp_path, """\
  "1": {name: 污水, same_as: [shared:sewage]}
  "2": {name: 环境, covers: [shared:dust, shared:burning]}
  "3": {name: 露天焚烧}
  "4": {name: 井盖, same_as: ["donggang:22"]}
  "9": {name: 其他}
""")
    assert not found.problems
    ways = {code: found.find(Link("donggang", code), "mine") for code in ("03", "05", "06", "22", "99", "12", "nope")}
    assert {code: (one.code, one.how) for code, one in ways.items()} == {
        "03": ("1", "same"), "05": ("2", "covered"), "06": ("3", "same"), "22": ("4", "same"), "99": ("9", "other"),
        "12": ("9", "none"), "nope": ("9", "none"),
    }  # fmt: skip
    assert (found.find(Link("mine", "2"), "donggang").how, found.find(Link("mine", "2"), "donggang").code) == ("none", "99")


@pytest.mark.parametrize(
    ("items", "key", "words"),
    [
        ('  "8": {name: 其他}', "other", "8"),
        ('  "9": {name: 其他, clas: 甲}', "items.9.clas", "class"),
        ('  "9": {name: 其他, limits: {finsh: 1工作日}}', "items.9.limits.finsh", "finish"),
        ('  "9": {name: 其他, limits: {finish: 5d}}', "items.9.limits.finish", "工作日"),
        ('  "9": {name: 其他, same_as: [sewage]}', "items.9.same_as[0]", "shared:sewage"),
        ('  "9": {name: 其他, same_as: [shard:sewage]}', "items.9.same_as[0]", "shared"),
        ('  "9": {name: 其他, covers: [shared:sewege]}', "items.9.covers[0]", "sewage"),
        ('  "9": {name: 其他, covers: ["mine:1"]}', "items.9.covers[0]", "本目录"),
        ('  "1": {name: 其他}\n  "9": {name: 其他}', "items.9.name", "事项 1"),
        ('  "1": {name: 甲, same_as: [shared:dust]}\n  "9": {name: 其他, covers: [shared:dust]}', "items.9.covers[0]", "事项 1"),
        ('  "9": {name: 其他}\n  "9": {name: 丙}', "items.9", "重复"),
        ('  "9": {}', "items.9", "name"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_at_its_line(tmp_path: Path, items: str, key: str, words: str) -> None:
    """File, line, key, what is allowed: each mistake by itself."""
    (problem,) = problems(tmp_path, items)
    assert problem.key == key and words in f"{problem.found} {problem.allowed} {problem.remedy}"
    line = (tmp_path / "mine.yaml").read_text("utf-8").splitlines()[problem.line - 1]
    assert key.split(".")[0] in line or items.splitlines()[-1] == line


def test_name_and_county_are_judged(tmp_path: Path) -> None:
    """The catalogue's name is its file's, its county exists."""
    head = HEAD.replace("mine", "yours").replace("371103", "371109")
    found = problems(tmp_path, '  "9": {name: 其他}', head)
    assert [(one.key, one.allowed) for one in found] == [("catalogue", "mine"), ("county", "371103 岚山区")]


@pytest.mark.parametrize(("depth", "comment"), [(900, ""), (100_000, ""), (100_000, "  # \t")])
def test_brackets_without_end_are_a_problem(depth: int, comment: str, tmp_path: Path) -> None:
    """However deep a file is nested, it is told as any other mistake in it."""
    (problem,) = problems(tmp_path, "  x: " + "[" * depth + "]" * depth + comment)
    assert problem.file.endswith("mine.yaml") and "nest" in problem.found


def test_limits_are_the_items_or_the_catalogues(tmp_path: Path) -> None:
    """An item's own limit, step by step, else the catalogue's."""
    head = HEAD + "limits: {accept: 30分钟, finish: 5 工作日}\n"
    found = catalogues(tmp_path, '  "9": {name: 其他, limits: {finish: 1自然日}}', head).loaded["mine"].catalogue
    limits = found.limits_of("9")
    assert (limits.accept, limits.respond, limits.finish) == (Limit(30, "minute"), None, Limit(1, "calendar_day"))


def drawing(tmp: Path, text: str, found: Catalogues) -> LoadedMapping:
    (tmp / "drawn.yaml").write_text(f"mapping: drawn\nextends: grid\n{text}\n", "utf-8")
    return load_mapping("drawn", [tmp, MAPPINGS], found)


def test_an_installation_names_its_own_catalogue(tmp_path: Path) -> None:
    """Codes, names, the last resort and leads come from it; what the overlay says itself has the last word."""
    found = catalogues(tmp_path, """\
  "1": {name: 污水, lead: 区水利局, same_as: [shared:sewage]}
  "9": {name: 其他}
""")
    items = drawing(tmp_path, 'items: {catalogue: mine, codes: {"2": 新增, "9": 兜底}, lead: {"2": DG002}}', found).mapping.items
    assert items and items.codes == {"1": "污水", "2": "新增", "9": "兜底"} and items.other == "9"
    assert items.lead == {"1": "DG005", "2": "DG002"}
    note = Notes()
    ask = {"catalogue": "lanshan", "code": "LS0101", "name": "非法倾倒污水或固体废物"}
    assert item_code(items, ask, note) == "1" and note.found == []
    assert item_code(items, {"catalogue": "x", "code": "7", "name": "污水直排"}, note) == "1"
    assert item_code(items, {"catalogue": "lanshan", "code": "LS1501", "name": "校园周边安全"}, note) == "9"
    assert "写为其他" in note.found[0][1]


def test_a_mapping_may_still_list_its_items_itself(tmp_path: Path) -> None:
    """`codes` and `other` under a name that is no catalogue: nothing is drawn."""
    (tmp_path / "own.yaml").write_text((MAPPINGS / "grid.yaml").read_text("utf-8").replace("mapping: grid", "mapping: own").replace(
        "  catalogue: donggang ", '  codes: {"1": 甲, "9": 乙}\n  other: "9"\n  catalogue: own '), "utf-8")  # fmt: skip
    items = load_mapping("own", [tmp_path]).mapping.items
    assert items and items.codes == {"1": "甲", "9": "乙"} and items.same_as == {} and items.lead == {}


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("items: {catalogue: dongang}", "items.catalogue", "donggang"),
        ('items: {other: "98"}', "items.other", "99"),
        ("items: {lead: {'03': DG98}}", "items.lead.03", "DG00"),
        ('items: {same_as: {甲: "98"}}', "items.same_as.甲", "9"),
        ("departments: {codes: {DG005: 水务局}}", "items.04.lead", "区水利局"),
    ],
)
def test_a_wrong_item_is_named_where_it_stands(tmp_path: Path, text: str, key: str, words: str) -> None:
    """In the overlay what the overlay says, in the catalogue what it says: nothing that was proved is proved no more."""
    with pytest.raises(Problems) as caught:
        drawing(tmp_path, text, read(()))
    problem = next(one for one in caught.value.problems if one.key == key)
    assert words in f"{problem.found} {problem.allowed}"
    assert Path(problem.file).name == ("donggang.yaml" if key == "items.04.lead" else "drawn.yaml")


def test_other_mistakes_are_told_beside_a_missing_catalogue(tmp_path: Path) -> None:
    """All at once; what merely follows from the missing items is not told."""
    with pytest.raises(Problems) as caught:
        drawing(tmp_path, "items: {catalogue: nowhere}\nfields: {titel: {wire: title}}", read(()))
    assert {one.key for one in caught.value.problems} == {"items.catalogue", "fields.titel"}


def test_a_faulty_catalogue_stops_the_mappings_that_use_it(tmp_path: Path) -> None:
    """Its own problem at its own line; the platform on it is left out, all others go on."""
    config = folder(tmp_path, donggang=DONGGANG, lanshan=LANSHAN)
    (config / "catalogues").mkdir()
    text = "catalogue: lanshan\ntitle: 岚山\nsource: 测\nother: x\nitems: {y: {name: 甲}}\n"
    (config / "catalogues/lanshan.yaml").write_text(text, "utf-8")
    found = load_configuration(config, MAPPINGS)
    assert set(found.platforms) == {"grid"}
    lines = told(found)
    assert any(line.startswith("lanshan.yaml:4: other:") for line in lines)
    assert any("government.yaml" in line and "items.catalogue" in line for line in lines)


def test_the_folders_own_catalogue_stands_before_the_products(tmp_path: Path) -> None:
    """A file of the same name in the installation's folder replaces the product's."""
    config = folder(tmp_path, donggang=DONGGANG, lanshan=LANSHAN)
    (config / "catalogues").mkdir()
    text = (SHIPPED / "donggang.yaml").read_text("utf-8").replace("name: 暴露垃圾", "name: 垃圾暴露")
    (config / "catalogues/donggang.yaml").write_text(text, "utf-8")
    items = load_configuration(config, MAPPINGS).mappings["grid"].mapping.items
    assert items and items.codes["01"] == "垃圾暴露"
    assert loaded(tmp_path / "other", donggang=DONGGANG).mappings["grid"].version != load_configuration(
        config, MAPPINGS).mappings["grid"].version  # fmt: skip


def test_a_trace_shows_the_item_everywhere() -> None:
    """What other platforms would be told, and that the last resort is one."""
    grid, shipped = load_mapping("grid", [MAPPINGS]), read(())
    (record,) = records_in((ROOT / "docs/contracts/grid/samples/getEvent.response.xml").read_bytes(), grid.mapping)
    rows = trace(grid.translator, "grid", record | {"eventType": "16"}, grid.document, shipped)
    seen = {row.field.split()[0]: (row.value.split()[0], row.note) for row in rows if row.section == "item"}
    assert seen["lanshan"][0] == "LS0501" and seen["juxian"][0] == "2/06/04" and "donggang" not in seen
    assert seen["wulian"][0] == "9900" and "无对应" in seen["wulian"][1]


def test_the_guide_tells_every_key_and_its_example_is_sound(tmp_path: Path) -> None:
    """docs/catalogues.md: each key of the model stands there; the example loads as it stands."""
    guide = (ROOT / "docs/catalogues.md").read_text("utf-8")
    for kind in (Catalogue, CatalogueItem, Limits):
        for name, one in kind.model_fields.items():
            assert f"`{one.alias or name}`" in guide, name
    (tmp_path / "donggang.yaml").write_text(guide.partition("```yaml\n")[2].partition("```")[0], "utf-8")
    assert read([tmp_path]).problems == {}


def test_what_is_drawn_is_shown_with_its_place() -> None:
    """Each item with its lead, at the catalogue's file and line."""
    grid = load_mapping("grid", [MAPPINGS])
    rows = {row.wire: row for row in show(grid.document, grid.mapping) if row.section == "items"}
    assert len(rows) == 74 and "兜底" in rows["99"].how
    assert (rows["03"].meaning, rows["03"].how) == ("污水直排", "牵头 / lead 市生态环境局东港分局")
    assert Path(rows["03"].file).name == "donggang.yaml"
    assert '"03"' in Path(rows["03"].file).read_text("utf-8").splitlines()[rows["03"].line - 1]

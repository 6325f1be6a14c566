"""What live records teach about a mapping: found, counted, shown without a person, and mended by the line it names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.documents import Problems
from bridge.mapping.files import LoadedMapping, load_mapping
from bridge.mapping.learning import FILL_IN, Lesson, learn, leave_aside
from bridge.mapping.observing import form, observe

ROOT = Path(__file__).parents[3]
Make = Callable[..., dict[str, Any]]


def lessons(loaded: LoadedMapping, *bodies: dict[str, Any]) -> dict[tuple[str, str], Lesson]:
    """By kind and path, without the fields that so few records do not show."""
    return {(one.kind, one.path): one for one in learn(loaded.mapping, bodies) if one.kind != "unseen"}


def over(tmp_path: Path, base: str, *lines: str) -> LoadedMapping:
    """An overlay of these lines."""
    text = "\n".join([f"mapping: own\nextends: {base}", *lines])
    (tmp_path / "own.yaml").write_text(text + "\n", encoding="utf-8")
    return load_mapping("own", [tmp_path, ROOT / "mappings"])


def test_records_that_are_covered_teach_nothing(grid: LoadedMapping, government: LoadedMapping, event: Make, detail: Make) -> None:
    """The contracts' own samples; no records are no lesson either."""
    assert lessons(grid, event(), event(level="2")) == {} and lessons(government, detail()) == {}
    assert learn(grid.mapping, []) == []


def test_a_field_without_a_rule(grid: LoadedMapping, event: Make, tmp_path: Path) -> None:
    """Counted over records, its form guessed, its codes shown; the line that leaves it aside makes the lesson go."""
    bodies = [event(riskLevel=f"R{n % 3}", checkTime="2026-03-02 09:00:00") for n in range(9)] + [event()]
    found = lessons(grid, *bodies)
    assert set(found) == {("unmapped", "riskLevel"), ("unmapped", "checkTime")}
    risk, time = found["unmapped", "riskLevel"], found["unmapped", "checkTime"]
    assert (risk.count, risk.of, dict(risk.codes)) == (9, 10, {"R0": 3, "R1": 3, "R2": 3})
    assert time.guess == "time 0000-00-00 00:00:00" and "convert: time" in time.yaml and "approved_at" in time.yaml
    aside = leave_aside(grid.mapping, list(found.values()))
    assert lessons(over(tmp_path, "grid", aside), *bodies) == {}
    rule = time.yaml.replace(FILL_IN, "approved_at")
    assert set(lessons(over(tmp_path, "grid", rule), *bodies)) == {("unmapped", "riskLevel")}


@pytest.mark.parametrize(("path", "values"), [
    ("note", ["张样例", "李样例", "张样例", "李样例"]), ("note", ["13900000002"] * 4), ("note", ["371102198001011234"] * 4),
    ("ownerName", ["A1"] * 4), ("lxdh", ["0001"] * 4), ("note", ["zhangsan"] * 4), ("note", [f"K{n}" for n in range(4)]),
    ("more", [{"xm": "A1"}] * 4),
])  # fmt: skip
def test_no_value_that_may_be_a_persons(path: str, values: list[Any], grid: LoadedMapping, event: Make) -> None:
    """Names, phones, identity numbers, accounts, one value a record: the field is told, its values are not."""
    (one,) = lessons(grid, *(event(**{path: value}) for value in values)).values()
    assert one.kind == "unmapped" and one.codes == {}
    told = json.dumps([one.yaml, one.guess, dict(one.codes)], ensure_ascii=False)
    assert not [v for v in values if str(v) in told]


def test_codes_that_no_list_has(grid: LoadedMapping, event: Make, tmp_path: Path) -> None:
    """Table, item, department, stage, of fields and of history entries: each counted, with the nearest and the line to
    write. A line that nobody filled in is refused; filled in, the lesson is learnt."""
    bodies = [
        event(("05", "上报"), ("13", "归档", "DG077"), level="7", eventType="777", mainDept="DG088", assistDepts=["DG001", "DG088"]),
        event(("05", "上报"), level="7"),
    ]
    found = lessons(grid, *bodies)
    assert {(one.path, code, n) for one in found.values() for code, n in one.codes.items()} == {
        ("level", "7", 2), ("eventType", "777", 1), ("mainDept", "DG088", 1), ("assistDepts", "DG088", 1), ("stage", "13", 1),
        ("processes[].stage", "13", 1), ("processes[].dept", "DG077", 1),
    }  # fmt: skip
    level = found["code", "level"]
    assert level.key == "tables.level.codes" and "ordinary" in level.yaml and '"1"' not in level.yaml and "1" in level.guess
    with pytest.raises(Problems, match=FILL_IN):
        over(tmp_path, "grid", level.yaml)
    assert ("code", "level") not in lessons(over(tmp_path, "grid", level.yaml.replace(FILL_IN, "ordinary")), *bodies)


def test_joined_codes_and_unlisted_operations(event: Make) -> None:
    """A code in three fields is one code; an operation that no rule names is one too."""
    city = load_mapping("city", [ROOT / "mappings"])
    body = {"taskNum": "1", "state": "101", "recType": "1", "mainType": "99", "subType": "01",
            "steps": [{"seq": "1", "time": "20260302090000", "step": "333"}]}  # fmt: skip
    found = lessons(city, body)
    assert found["code", "recType+mainType+subType"].codes == {"1/99/01": 1}
    assert found["code", "steps[].step"].codes == {"333": 1} and "action" in found["code", "steps[].step"].yaml


@pytest.mark.parametrize(("field", "value", "expected", "line"), [
    ("happenTime", "2026/3/2 9:05", "yyyy-MM-dd HH:mm:ss", 'time: "yyyy/M/d H:mm"'),
    ("happenTime", "2026-03-02T09:05:00+08:00", "yyyy-MM-dd HH:mm:ss", 'time: "yyyy-MM-ddTHH:mm:ssXXX"'),
    ("happenTime", 1772413500000, "yyyy-MM-dd HH:mm:ss", "convert: epoch_ms"),
    ("lng", "东经", "number", "convert: text"), ("attachments", "无图", "list", "convert: text"),
    ("title", ["a"], "text", "convert: list"), ("caller", {"name": "张样例"}, "text", "convert: text"),
])  # fmt: skip
def test_a_value_of_another_form(field: str, value: Any, expected: str, line: str, grid: LoadedMapping, event: Make) -> None:
    """What the rule reads against what is there, as forms and never as values, and the rule that would read it."""
    one = lessons(grid, event(**{field: value}), event())["type", field]
    assert one.count == 1 and expected in one.guess
    assert line in one.yaml and "张样例" not in one.guess + one.yaml
    yaml.safe_load(one.yaml)


def test_the_time_that_is_suggested_reads_the_values(grid: LoadedMapping, event: Make, tmp_path: Path) -> None:
    """The line is taken as it stands."""
    body = event(happenTime="2026/3/2 9:05", reportTime="2026-03-02T09:05:00.250Z")
    found = lessons(grid, body)
    own = over(tmp_path, "grid", "fields:", *("  " + one.yaml.removeprefix("fields: {")[:-1] for one in found.values()))
    assert len(found) == 2 and lessons(own, body) == {}


def test_fields_that_never_come(grid: LoadedMapping, event: Make) -> None:
    """A renamed field is both: one without a rule, and one that is read and never there; the nearest is named. What
    stands inside a structure that is always empty is not missed."""
    body = event()
    body["eventTitle"] = body.pop("title")
    found = {one.path: one for one in learn(grid.mapping, [body]) if one.kind == "unseen"}
    assert found["title"].yaml == "fields: {title: {wire: eventTitle}}" and found["title"].guess == "eventTitle"
    empty = {one.path for one in learn(grid.mapping, [event(processes=[])]) if one.kind == "unseen"}
    assert not [path for path in empty if path.startswith("processes")]


@pytest.mark.parametrize(("value", "shape"), [
    ("2026-03-02 09:00:00", "time 0000-00-00 00:00:00"), ("20260302090000", "time 00000000000000"), ("-12.50", "numeral"),
    ("DG001", "text"), (3, "number"), (1772413500, "epoch_s"), (1772413500000, "epoch_ms"), (True, "boolean"), ("  ", ""),
    ([], ""), ({"a": 1}, "object"), (0, "number"),
])  # fmt: skip
def test_forms(value: Any, shape: str) -> None:
    """A value's form, nothing of its content."""
    assert form(value) == shape


def test_a_structure_without_end_is_cut_off() -> None:
    """Keys that are numbers of records, and nesting without end: bounded in paths and depth."""
    deep: dict[str, Any] = {}
    for _ in range(50):
        deep = {"a": deep, "b": [deep]}
    assert len(observe([{"by": {str(n): n for n in range(5_000)}}, {"deep": deep}], frozenset(), frozenset())) <= 1_000

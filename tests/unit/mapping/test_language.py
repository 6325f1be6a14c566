"""A mapping is judged whole: every mistake is named at its file, line and key, with what is allowed."""

from pathlib import Path

import pytest

from bridge.catalogues import read
from bridge.documents import Problem, Problems, load, model
from bridge.mapping.drawing import drawn
from bridge.mapping.field_checks import FITTING
from bridge.mapping.files import LoadedMapping, load_mapping
from bridge.mapping.flow_checks import one_way
from bridge.mapping.language import CANONICAL, Mapping
from bridge.mapping.proving import prove
from bridge.mapping.tracing import show

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "mappings"
CASES = ROOT / "tests/cases"


def judged(folder: Path, text: str) -> list[Problem]:
    """The problems of `bad.yaml`, an overlay of grid: `text` begins on line 3."""
    (folder / "bad.yaml").write_text(f"mapping: bad\nextends: grid\n{text}\n", "utf-8")
    with pytest.raises(Problems) as caught:
        load_mapping("bad", [folder, SHIPPED])
    return list(caught.value.problems)


def altered(folder: Path, name: str, old: str, new: str) -> list[Problem]:
    """The problems of a shipped mapping in which one piece of text was changed."""
    text = (SHIPPED / f"{name}.yaml").read_text("utf-8")
    assert text.count(old) == 1
    (folder / f"{name}.yaml").write_text(text.replace(old, new), "utf-8")
    try:
        load_mapping(name, [folder])
    except Problems as error:
        return list(error.problems)
    return []


@pytest.mark.parametrize("name", ["city", "grid", "government", "petition"])
def test_the_shipped_mappings_are_sound_and_proved(name: str) -> None:
    """No problems, and every two-way value comes back as declared."""
    assert prove(load_mapping(name, [SHIPPED]).translator) == []


FIELDS = [
    ("fields: {titel: {wire: title}}", "fields.titel", "title"),
    ("fields: {title: {convert: time}}", "fields.title.convert", "text, code"),
    ("fields: {place.point: {wire: [lng]}}", "fields.place.point.wire", "2 (point)"),
    ("fields: {title: {wire: [title, content]}}", "fields.title.wire", "1 (text)"),
    ("fields: {caller: {wire: who}}", "fields.caller.wire", "0 (person)"),
    ("fields: {channel: {wire: stage}}", "fields.channel.wire", "常量"),
    ("fields: {channel: {value: grid_inspektion}}", "fields.channel.value", "grid_inspection"),
    ("fields: {channel: {way: both}}", "fields.channel.way", "way: read"),
    ("fields: {kind: {wire: eventKind}}", "fields.kind", "complaint"),
    ("fields: {urgency: {table: levle}}", "fields.urgency.table", "level"),
    ("fields: {urgency: {convert: code}}", "fields.urgency.convert", ""),
    ("fields: {urgency: {default: '5'}}", "fields.urgency.default", "1"),
    ("fields: {lead: {table: level, convert: department}}", "fields.lead.table", ""),
    ("tables: {level: {codes: {'4': ordinry}}}", "tables.level.codes.4", "ordinary"),
    ("tables: {level: {codes: {'4': urgent}}}", "tables.level", ""),
    ("tables: {level: {write: {ordinary: '7'}}}", "tables.level.write.ordinary", "4"),
    ("tables: {level: {write: {ordinry: '4'}}}", "tables.level.write.ordinry", "ordinary"),
    ("tables: {level: {otherwise: {read: normal}}}", "tables.level.otherwise.read", "ordinary"),
    ("tables: {level: {otherwise: {write: '9'}}}", "tables.level.otherwise.write", "4"),
    ("time: yyyy-mm-dd", "time", ""),
    ("fields: {due: {time: DD.MM.yyyy}}", "fields.due.time", ""),
    ("fields: {due: {zone: Asia/Rizhao}}", "fields.due.zone", "Asia/Shanghai"),
    ("zone: Beijing", "zone", "Asia/Shanghai"),
    ("crs: GCJ-03", "crs", ""),
    ("fields: {place.point: {crs: 'EPSG:2'}}", "fields.place.point.crs", ""),
    ("box: [119, 36, 118, 35]", "box", "[west, south, east, north]"),
    ("fields: {item: {limit: {max: 2}}}", "fields.item.limit", "text, code"),
    ("fields: {urgency: {limit: {max: 2}}}", "fields.urgency.limit", "text, code"),
    ("fields: {title: {crs: GCJ-02}}", "fields.title.crs", "point"),
    ("fields: {lead: {required: true}}", "fields.lead.required", ""),
    ("fields: {due: {way: write, when: {stage: '05'}}}", "fields.due.when", ""),
    ("fields: {files: {way: both}}", "fields.files.way", "way: read"),
    ("fields: {tags: {wire: tags, convert: phones, way: read}}", "fields.tags.convert", "list"),
    ("fields: {extras: {pairs: [key]}}", "fields.extras", "pairs: [key, value]"),
    ("fields: {approved_by: {wire: title, way: read}, reply_public: {wire: title}}", "fields.reply_public", ""),
    ("create: {set: {title: 测试}}", "create.set.title", ""),
    ("create: {set: {title.inner: 测试}}", "create.set.title.inner", ""),
    ("ignored: [gridMan, townName]", "ignored[1]", ""),
    ("items: {other: '98'}", "items.other", "99"),
    ("items: {same_as: {噪音: '070'}}", "items.same_as.噪音", "07"),
    ("items: {lead: {'07': DG020}}", "items.lead.07", "DG0"),
    ("departments: {other: DG98}", "departments.other", "DG099"),
    ("departments: {lead: {'07': DG002}}", "departments.lead", "items.lead"),
    ("fields: {caller: {person: {phone_pattern: '[0-9'}}}", "fields.caller.person.phone_pattern", ""),
    ("fields: {caller: {person: {secret_word: 不公开}}}", "fields.caller.person.secret_word", "保密"),
    ("fields: {caller: {person: {secret: hide, table: level}}}", "tables.level.codes", "true, false"),
    ("fields: {caller: {person: {secret: hide, table: flag}}}", "fields.caller.person.table", "level"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "key", "allowed"), FIELDS, ids=[key for _, key, _ in FIELDS])
def test_what_is_said_of_values_is_judged(tmp_path: Path, text: str, key: str, allowed: str) -> None:
    """Each mistake under fields, tables, items and departments is named at line 3, where it was written."""
    found = {problem.key: problem for problem in judged(tmp_path, text)}
    assert key in found, found
    problem = found[key]
    here = key != "tables.level.codes"  # that mistake stands in the base, where the table is
    assert (Path(problem.file).name, problem.line) == ("bad.yaml", 3) or not here
    assert allowed in problem.allowed and problem.found and problem.remedy


FLOW = [
    ("workflow: {'05': {'06': '60'}}", "workflow.05.06", "09"),
    ("workflow: {'50': {'06': '06'}}", "workflow.50", "0"),
    ("admit: {entry: '50'}", "admit.entry", "0"),
    ("create: {status: '15'}", "create.status", "1"),
    ("shows: {ACCEPTED: ['7']}", "shows.ACCEPTED", "07"),
    ("operation: {remark_at: ['60']}", "operation.remark_at", "0"),
    ("operation: {remark: '99'}", "operation.remark", "09"),
    ("operation: {opinion_needed: ['99']}", "operation.opinion_needed[0]", "09"),
    ("operation: {touches: [leads]}", "operation.touches[0]", "lead"),
    ("operation: {elsewhere: '（{name}）'}", "operation.elsewhere", "{names}"),
    ("number_remark: '{platform}：{no}'", "number_remark", "{number}"),
    ("moves: {ACEPT: {operation: '06'}}", "moves.ACEPT", "ACCEPT"),
    ("moves: {ACCEPT: {operation: '60'}}", "moves.ACCEPT.operation", "0"),
    ("moves: {EXTEND: {due: needed}}", "moves.EXTEND.due", "no"),
    ("cannot: {URGE: 平台没有督办}", "cannot.URGE", ""),
    ("cannot: {URGENT: 平台没有督办}", "cannot.URGENT", "URGE"),
    ("entries: {read: [{when: {status: '60'}, action: CALL}]}", "entries.read[0].when.status", "0"),
    ("entries: {read: [{when: {status: '06', before: '50'}, action: CALL}]}", "entries.read[0].when.before", "0"),
    ("entries: {read: [{when: {code: CREATE}, action: CALL}]}", "entries.read[0].when.code", ""),
    ("entries: {read: [{action: CALL, ignore: 无关}]}", "entries.read[0]", "action"),
    ("entries: {read: [{when: {status: '06'}}]}", "entries.read[0]", "action"),
    ("entries: {read: [{action: CALL}, {when: {status: '06'}, action: ACCEPT}]}", "entries.read[1]", ""),
    ("entries: {read: [{when: {mark: 督}, action: URGE}, {when: {mark: 督办}, action: URGE}]}", "entries.read[1]", ""),
    ("entries: {read: [{actions: [{kind: CALL, to: caller}]}]}", "entries.read[0].actions[0].to", "RETURN"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "key", "allowed"), FLOW, ids=[key for _, key, _ in FLOW])
def test_what_is_said_of_the_way_of_a_call_is_judged(tmp_path: Path, text: str, key: str, allowed: str) -> None:
    """Each mistake under stages, entries, workflow, moves and shows is named at line 3, where it was written."""
    found = {problem.key: problem for problem in judged(tmp_path, text)}
    assert key in found, found
    problem = found[key]
    assert (Path(problem.file).name, problem.line) == ("bad.yaml", 3)
    assert allowed in problem.allowed and problem.found and problem.remedy


def test_a_rule_that_never_fits_names_the_one_before_it(tmp_path: Path) -> None:
    """The line of the rule that stands in the way is said."""
    one, other = "{when: {status: '06'}, action: ACCEPT}", "{when: {status: '06', moved: true}, action: CALL}"
    rules = f"entries:\n  read:\n    - {one}\n    - {other}"
    (problem,) = judged(tmp_path, rules)
    assert problem.line == 6 and "5" in problem.found


def test_an_action_nobody_declared_is_a_problem(tmp_path: Path) -> None:
    """Every canonical action is told somehow, or declared impossible; the three returns count apart."""
    (problem,) = altered(tmp_path, "grid", "  ATTACH: {remark: 【附件】}\n", "")
    assert problem.key == "moves" and "ATTACH" in problem.found
    (problem,) = altered(tmp_path, "grid", "  RETURN.centre: {remark: 【退单】}\n", "")
    assert "RETURN.centre" in problem.found
    assert altered(tmp_path, "grid", "  RETURN.centre: {remark: 【退单】}\n", "  RETURN: {remark: 【退单】}\n") == []


def test_a_stage_without_a_status_must_be_declared(tmp_path: Path) -> None:
    """A canonical stage that no status shows stands under `shows` or `cannot`."""
    found = altered(tmp_path, "grid", '  "12": RATED\n', '  "12": CLOSED\n')
    assert [(p.key, "RATED" in p.found) for p in found] == [("stages", True)]


def test_moves_without_an_operation_are_a_problem(tmp_path: Path) -> None:
    """A mapping that tells actions says how an operation looks; `edits: remark` needs it too."""
    text = (SHIPPED / "grid.yaml").read_text("utf-8")
    start, end = text.index("operation:\n  code"), text.index("workflow:")
    found = altered(tmp_path, "grid", text[start:end], "")
    assert {problem.key for problem in found} == {"moves", "workflow", "edits"}


def test_missing_sections_are_named_where_they_are_needed(tmp_path: Path) -> None:
    """Items, departments and verdicts are sections of their own: a rule that needs one says so."""
    text = (SHIPPED / "grid.yaml").read_text("utf-8")
    start, end = text.index("departments:\n"), text.index("fields:\n")
    keys = {p.key for p in altered(tmp_path, "grid", text[start:end], "")}
    assert {"fields.lead", "fields.assists", "moves.DISPATCH.department"} <= keys
    start, end = text.index("verdicts:\n"), text.index("create:\n")
    keys = {p.key for p in altered(tmp_path, "grid", text[start:end], "")}
    assert {"moves.RATE.verdict", "moves.CALL_BACK.verdict"} <= keys


def test_a_code_that_looks_like_a_slip_is_named(tmp_path: Path) -> None:
    """An entry rule's code that is nearly an operation's is taken for a typing mistake."""
    rule = "{when: {code: FEEDBACK}, action: REPORT}"
    (problem,) = altered(tmp_path, "government", rule, rule.replace("FEEDBACK", "FEEDBAK"))
    assert problem.allowed == "FEEDBACK" and problem.key.endswith("when.code")


def test_all_problems_come_at_once_and_in_order(tmp_path: Path) -> None:
    """Two people can mend a file from one run of the check."""
    found = judged(tmp_path, "crs: GCJ-03\nzone: Beijing\nfields: {titel: {wire: t}}\nmoves: {ACEPT: {}}")
    assert [p.line for p in found] == [3, 4, 5, 6]


@pytest.mark.parametrize(
    ("text", "key"),
    [("stagse: {}", "stagse"), ("fields: {title: {wier: x}}", "fields.title.wier"),
     ("stages: {'05': CALLD}", "stages.05"), ("fields: {title: {limit: {max: 0}}}", "fields.title.limit.max")],
)  # fmt: skip
def test_misspelt_keys_and_values_are_named(tmp_path: Path, text: str, key: str) -> None:
    """The model itself refuses unknown keys and values, at their line."""
    assert (3, key) in [(problem.line, problem.key) for problem in judged(tmp_path, text)]


def test_codes_stay_as_they_were_typed() -> None:
    """C42: a code without quotes keeps its leading zero; nothing becomes 5, 65, 750 or False."""
    data = load(CASES / "C42-codes.yaml").data
    assert list(data["stage"]) == ["05", "08", "09", "010"] and list(data["class"]) == ["0101", "0199"]
    assert {"off", "no"} <= set(data)
    assert data["limit"] == "12:30" and data["from"] == "2026-10-01" and data["exponent"] == "1e3"
    assert data["version"] == "1.10" and data["no"] == "否" and str(data["district"]) == "371102"


def test_a_repeated_key_names_both_lines() -> None:
    """C43: the copied line does not win without a word."""
    with pytest.raises(Problems) as caught:
        load(CASES / "C43-duplicate.yaml")
    said = [(p.key, p.line, p.found) for p in caught.value.problems]
    assert [key for key, _, _ in said] == ["codes.02", "fields.title"]
    assert all("第" in found for _, _, found in said)


def test_an_overlay_replaces_and_says_from_where(tmp_path: Path, grid: LoadedMapping) -> None:
    """C43: a key repeated in an overlay is meant; `map show` names the file that has the last word."""
    overlay = "mapping: mine\nextends: grid\ntables: {level: {codes: {'5': ordinary}}}\nitems: {codes: {'07': 噪音}}\n"
    (tmp_path / "mine.yaml").write_text(overlay, "utf-8")
    mine = load_mapping("mine", [tmp_path, SHIPPED])
    assert mine.mapping.items and mine.mapping.items.codes["07"] == "噪音"
    rows = {(row.section, row.wire): row for row in show(mine.document, mine.mapping)}
    assert Path(rows["tables", "5"].file).name == "mine.yaml" and rows["tables", "5"].line == 3
    assert Path(rows["tables", "1"].file).name == "grid.yaml"
    assert prove(mine.translator) == [] and mine.version != grid.version


def test_a_proof_finds_what_does_not_come_back(tmp_path: Path) -> None:
    """A code written for a value that reads as another one is found by round trips."""
    overlay = "mapping: mine\nextends: grid\ntables: {level: {write: {urgent: '4'}}}\n"
    (tmp_path / "mine.yaml").write_text(overlay, "utf-8")
    (failure,) = prove(load_mapping("mine", [tmp_path, SHIPPED]).translator)
    assert "urgency" in failure and "ordinary" in failure


def test_what_goes_one_way_only_is_listed(government: LoadedMapping) -> None:
    """Actions that a platform is told as remarks and never shows as such are no mistake, and are shown."""
    words = one_way(government.mapping)
    assert any("SUSPEND" in line for line in words) and not any("ACCEPT" in line for line in words)


def test_every_canonical_field_has_a_converter() -> None:
    """A field of a kind that no converter gives could never be mapped."""
    assert set(CANONICAL.values()) == set(FITTING)


def test_a_document_and_its_model_are_enough(grid: LoadedMapping) -> None:
    """Checking needs no file names and no folder: the document, its items drawn, knows its lines."""
    document, problems = drawn(load(SHIPPED / "grid.yaml"), read(()))
    assert problems == [] and model(document, Mapping) == grid.mapping

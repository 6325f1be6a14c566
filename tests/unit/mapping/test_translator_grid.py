"""What a grid event means: every field of the contract's sample, the stories of its history, and broken input."""

import copy
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.mapping.canonical import differing, secrets_of
from bridge.mapping.files import LoadedMapping, load_mapping
from bridge.mapping.notes import Unreadable
from bridge.mapping.samples import plain, records_in
from bridge.mapping.tracing import trace
from schemas.lifecycle import Stage, fold

ROOT = Path(__file__).parents[3]
Record = dict[str, Any]
Make = Callable[..., Record]


def kinds(loaded: LoadedMapping, record: Record) -> list[str]:
    """The actions of a record: kind, and `to` for a return."""
    entries = loaded.translator.understand("grid", record).entries
    return [f"{a.kind}.{a.to}" if a.to else str(a.kind) for entry in entries for a in entry.actions]


def test_every_field_of_the_sample_is_understood(grid: LoadedMapping, event: Make) -> None:
    """The contract's full sample: nothing unmapped, nothing odd, each field as the page says."""
    got = grid.translator.understand("grid", event())
    assert (got.native_id, got.reference, got.status, got.stage) == ("DG2026102600017", None, "08", Stage.RESPONDED)
    assert got.changed == "2026-10-26T09:12:05+08:00" and got.admitted and not got.notes and not got.unmapped
    assert [(n.kind, n.value) for n in got.numbers] == [("human", "DG2026102600017")]
    point = got.fields.pop("place.point")
    assert (point["x"], point["y"], point["crs"]) == ("119.375766", "35.279829", "GCJ-02")
    assert abs(point["lon"] - 119.37) < 1e-6 and abs(point["lat"] - 35.2804) < 1e-3
    assert got.fields.pop("description").startswith("巡查时发现一辆无牌罐车")
    assert got.fields == {
        "title": "不明罐车在村北河沟倾倒污水",
        "item": {"catalogue": "donggang", "code": "03", "name": "污水直排"},
        "urgency": "urgent",
        "channel": "grid_inspection",
        "area.grid": "371102110202003",
        "area.grid_name": "涛雒二村第三网格",
        "area.town": "371102110",
        "area.town_name": "涛雒镇",
        "area.village": "371102110202",
        "area.county": "371102",
        "calling_unit": "涛雒镇",
        "reporter": {"name": "张示例", "phone_text": "13900000001", "phones": ["13900000001"]},
        "caller": {"name": "李样例", "phone_text": "13900000002", "phones": ["13900000002"]},
        "place.address": "涛雒镇涛雒二村村北生产路与排水沟交叉口往东约200米",
        "happened_at": "2026-10-26T08:40:00+08:00",
        "reported_at": "2026-10-26T08:47:12+08:00",
        "due": "2026-10-26T18:00:00+08:00",
        "lead": {"code": "DG001", "name": "市生态环境局东港分局"},
        "assists": [{"code": "DG002", "name": "区综合行政执法局"}, {"code": "DG009", "name": "市公安局东港分局"}],
        "files": [{"native_id": "AT20261026000031", "name": "现场照片1.png", "media_type": None, "size": 69}],
        "extras": {"车辆颜色": "蓝色"},
    }


def test_the_story_of_the_sample(grid: LoadedMapping, event: Make) -> None:
    """Town entries are ignored for a stated reason; the rest are the canonical actions with their people."""
    got = grid.translator.understand("grid", event())
    assert [bool(e.ignored) for e in got.entries] == [True, True, False, False, False, False, False]
    assert kinds(grid, event()) == ["CALL", "ACCEPT", "DISPATCH", "RESPOND", "URGE"]
    dispatch = got.entries[4].actions[0]
    assert dispatch.lead and dispatch.lead.code == "DG001" and [a.code for a in dispatch.assists] == ["DG002", "DG009"]
    urge = got.entries[6].actions[0]
    assert urge.opinion == "请于10时前到达现场。" and urge.actor == "王测试" and urge.department
    assert urge.department.name == "区社会治理服务中心"
    assert fold(a for e in got.entries for a in e.actions).stage is Stage.RESPONDED


@pytest.mark.parametrize(
    ("story", "actions", "stage"),
    [
        ([("05",), ("04",)], ["CALL", "RETURN.caller"], Stage.RETURNED),
        ([("05",), ("04",), ("05",)], ["CALL", "RETURN.caller", "CALL"], Stage.CALLED),
        ([("05",), ("06",), ("07", "", "DG001"), ("08",), ("07", "", "DG002")],
         ["CALL", "ACCEPT", "DISPATCH", "RESPOND", "TRANSFER"], Stage.DISPATCHED),
        ([("05",), ("07", "", "DG001"), ("07", "【转派】请接办", "DG002")],
         ["CALL", "DISPATCH", "TRANSFER"], Stage.DISPATCHED),
        ([("05",), ("07",), ("10",), ("09", "返工")],
         ["CALL", "DISPATCH", "REPORT", "RETURN.department"], Stage.IN_PROGRESS),
        ([("05",), ("07",), ("10",), ("11",), ("09",)],
         ["CALL", "DISPATCH", "REPORT", "CLOSE", "REOPEN"], Stage.IN_PROGRESS),
        ([("05",), ("90", "材料不全")], ["CALL", "RETURN.caller"], Stage.RETURNED),
        ([("05",), ("06",), ("91", "重复")], ["CALL", "ACCEPT", "CANCEL"], Stage.CANCELLED),
        ([("05",), ("07",), ("09",), ("09", "取样中")],
         ["CALL", "DISPATCH", "PROGRESS", "PROGRESS"], Stage.IN_PROGRESS),
        ([("05",), ("06",), ("06", "已电话联系")], ["CALL", "ACCEPT", "COMMENT"], Stage.ACCEPTED),
        ([("05",), ("07",), ("07", "【延期】水样未出")], ["CALL", "DISPATCH", "EXTEND"], Stage.DISPATCHED),
        ([("05",), ("07",), ("08",), ("08", "【退单】非我单位职责")],
         ["CALL", "DISPATCH", "RESPOND", "RETURN.centre"], Stage.ACCEPTED),
        ([("05",), ("07",), ("07", "【挂账】待汛期后"), ("07", "【恢复】")],
         ["CALL", "DISPATCH", "SUSPEND", "RESUME"], Stage.DISPATCHED),
        ([("05",), ("07",), ("10",), ("11",), ("12", "非常满意，已解决")],
         ["CALL", "DISPATCH", "REPORT", "CLOSE", "RATE"], Stage.RATED),
    ],
)  # fmt: skip
def test_stories_become_the_right_actions(
    grid: LoadedMapping, event: Make, story: list[tuple[str, ...]], actions: list[str], stage: Stage
) -> None:
    """Withdrawal 05→04, transfers, rework, reopening, marks: by stage, by the stage before, by the opinion's head."""
    record = event(*story)
    assert kinds(grid, record) == actions
    got = grid.translator.understand("grid", record)
    standing = fold(a for e in got.entries for a in e.actions)
    assert standing.stage is stage and not standing.anomalies


def test_a_rating_is_read_by_its_words(grid: LoadedMapping, event: Make) -> None:
    """Satisfaction at the head of the opinion, solved anywhere in it."""
    record = event(("05",), ("07",), ("10",), ("11",), ("12", "不满意，未解决"))
    verdict = grid.translator.understand("grid", record).entries[-1].actions[0].verdict
    assert verdict and (verdict.result, verdict.solved) == (1, "no")


def test_an_event_that_was_never_called_is_no_call(grid: LoadedMapping, event: Make) -> None:
    """01–04, and a 90 or 91 without an entry of stage 05, are the town's own."""
    for story in ([("01",), ("02",)], [("01",), ("91", "误报")]):
        got = grid.translator.understand("grid", event(*story))
        assert not got.admitted and got.reason
    assert grid.translator.understand("grid", event(("05",), ("90", "退"))).admitted


@pytest.mark.parametrize(
    ("value", "wire"), [({"eventId": None}, "eventId"), ({"eventId": "  "}, "eventId"), ({"stage": "13"}, "stage"),
                        ({"stage": None}, "stage"), ({"level": "7"}, "level")],
)  # fmt: skip
def test_what_the_mapping_does_not_cover_names_field_and_key(
    grid: LoadedMapping, event: Make, value: Record, wire: str
) -> None:
    """A missing id, an unknown stage, an unknown level: unreadable, with what is allowed and the key to mend."""
    with pytest.raises(Unreadable) as caught:
        grid.translator.understand("grid", event(**value))
    assert caught.value.wire == wire and caught.value.key and caught.value.remedy
    (row,) = trace(grid.translator, "grid", event(**value), grid.document)
    assert row.section == "wrong" and row.wire == wire and row.note


def test_unlisted_items_and_departments_are_kept(grid: LoadedMapping, event: Make) -> None:
    """A code in no list any more refuses nothing: it is kept without a name, and the item is noted."""
    record = event(eventType="88", mainDept="DG777", assistDepts=["DG001", "371102110"])
    got = grid.translator.understand("grid", record)
    assert got.fields["item"] == {"catalogue": "donggang", "code": "88", "name": None}
    assert got.fields["lead"] == {"code": "DG777", "name": None}
    assert [field for field, _ in got.notes] == ["item"] and "99" not in got.notes[0][1] and "其他" in got.notes[0][1]


def test_unmapped_fields_are_kept_and_named(grid: LoadedMapping, event: Make) -> None:
    """A field that a new version of the platform shows survives in extras under the mapping's name."""
    got = grid.translator.understand("grid", event(newField="值", emptyField=""))
    assert got.unmapped == ("emptyField", "newField") and got.fields["extras"]["grid.newField"] == "值"
    assert "grid.emptyField" not in got.fields["extras"]


@pytest.mark.parametrize("text", ["0000-00-00 00:00:00", "2026-00-10 08:00:00", "2026-02-30 08:00:00", "20260302"])
def test_no_time_is_guessed(grid: LoadedMapping, event: Make, text: str) -> None:
    """Zero, partial and impossible dates are no times: noted, and the event goes on."""
    got = grid.translator.understand("grid", event(happenTime=text))
    assert got.fields["happened_at"] is None and [field for field, _ in got.notes] == ["happened_at"]


@pytest.mark.parametrize(
    ("lng", "lat", "noted"),
    [("-73.98", "40.75", True), ("35.279829", "119.375766", True), ("0", "0", False), (None, None, False),
     ("119.4", "", True), ("NaN", "35", True), ("119.4米", "35.2", True)],
)  # fmt: skip
def test_a_place_that_cannot_be_is_no_place(
    grid: LoadedMapping, event: Make, lng: str | None, lat: str | None, noted: bool
) -> None:
    """Outside China, swapped, half given, no number: shown as an anomaly, never stored, and the call goes on."""
    got = grid.translator.understand("grid", event(lng=lng, lat=lat))
    assert got.fields["place.point"] is None
    assert [field for field, _ in got.notes] == (["place.point"] if noted else [])


@pytest.mark.parametrize("word", ["保密", "匿名", "（保密）", "要求保密", "匿名举报人"])
def test_a_secret_word_makes_the_person_confidential(grid: LoadedMapping, event: Make, word: str) -> None:
    """By house rule the name or the phone says it; the word itself is no name."""
    for value in ({"caller": word}, {"callerTel": word}):
        person = grid.translator.understand("grid", event(**value)).fields["caller"]
        assert person.get("confidential") or person.get("anonymous")
        assert word not in (person.get("name"), person.get("phone_text"))


def test_a_masked_person_is_noted(grid: LoadedMapping, event: Make) -> None:
    """A phone that the platform masks is kept as shown, and is no number."""
    got = grid.translator.understand("grid", event(caller="李**", callerTel="139****0002"))
    assert got.fields["caller"] == {"name": "李**", "phone_text": "139****0002", "phones": []}
    assert [field for field, _ in got.notes] == ["caller"]


def test_emptied_is_a_change_and_absent_is_not(grid: LoadedMapping, event: Make) -> None:
    """C33: null, [] and "" are changes that travel; a field that is not shown is none; 无 stands for nothing."""
    before = grid.translator.understand("grid", event()).fields
    after = grid.translator.understand("grid", event(limitTime=None, assistDepts=[], address="", callerTel="无")).fields
    changes = differing(after, before)
    assert changes["due"] is None and changes["assists"] is None and changes["place.address"] is None
    assert changes["caller"] == {"name": "李样例"}
    shorter = event()
    del shorter["address"], shorter["limitTime"]
    assert differing(grid.translator.understand("grid", shorter).fields, before) == {}


def test_every_form_of_nothing_has_one_meaning(grid: LoadedMapping) -> None:
    """C46: nil, empty, blank, missing and the word null; a list with a nil member has no such member."""
    data = (ROOT / "tests/cases/C46-nil.xml").read_bytes()
    lists = frozenset({"assistDepts", "processes", "attachments", "extend"})
    record = plain(data, lists)["event"] | {"stage": "05", "updateTime": "2026-03-02 09:00:00"}
    got = grid.translator.understand("grid", record)
    empty = ("title", "description", "place.address", "place.point", "happened_at", "due", "lead", "assists", "files")
    assert {field: got.fields[field] for field in empty} == dict.fromkeys(empty)
    assert "item" not in got.fields and "urgency" not in got.fields and "area.town" not in got.fields
    assert got.fields["caller"] is None and "reporter" not in got.fields
    assert got.fields["extras"] == {"来源": ""} and not got.entries and not got.admitted and not got.notes


def test_full_width_codes_are_folded_and_free_text_is_not(grid: LoadedMapping, event: Make) -> None:
    """C26: codes and times mean the same in full width; a title keeps every character."""
    typed = {"townCode": "３７１１０３００２", "title": "１号楼漏水。请处理", "stage": "０８", "level": "２"}
    got = grid.translator.understand("grid", event(**typed, happenTime="２０２６-０３-０２ ０９:００:００"))
    assert got.fields["area.town"] == "371103002" and got.fields["title"] == "１号楼漏水。请处理"
    assert got.fields["happened_at"] == "2026-03-02T09:00:00+08:00" and got.status == "08"
    assert got.fields["urgency"] == "urgent"


def test_a_huge_description_is_understood_in_time(grid: LoadedMapping, event: Make) -> None:
    """3 MB of text: within 5 s and 256 MB, whole, and cut to what another platform holds."""
    record = event(content="污水" * 500_000)
    tracemalloc.start()
    began = time.perf_counter()
    got = grid.translator.understand("grid", record)
    creation = grid.translator.creation(got.fields, "hy-1", secrets_of(got.fields))
    took, peak = time.perf_counter() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert took < 5 and peak < 256_000_000 and len(got.fields["description"]) == 1_000_000
    assert len(creation.body["content"]) == 2000 and [field for field, _ in creation.notes] == ["description"]


@pytest.mark.parametrize("rows", ["x", {"seq": 1}, [None, 7, "x"], None])
def test_a_broken_history_sinks_no_record(grid: LoadedMapping, event: Make, rows: Any) -> None:
    """What is no list of entries gives no entries, and the record says so."""
    got = grid.translator.understand("grid", event(processes=rows))
    assert got.entries == () and not got.admitted


def test_halves_of_characters_are_taken_out_and_noted(grid: LoadedMapping, event: Make) -> None:
    """A lone surrogate can be stored nowhere; the rest of the text stays."""
    got = grid.translator.understand("grid", event(title="污水\ud83d直排"))
    assert got.fields["title"] == "污水直排" and [field for field, _ in got.notes] == ["title"]


def test_entries_typed_in_late_turn_nothing_back(grid: LoadedMapping, tmp_path: Path, event: Make) -> None:
    """C12 with `order: time`: the same end for all arrival orders; late entries keep their own time and stage."""
    (tmp_path / "paper.yaml").write_text("mapping: paper\nextends: grid\nentries: {order: time}\n", "utf-8")
    paper = load_mapping("paper", [tmp_path, ROOT / "mappings"])

    def entry(seq: str, stage: str, at: str) -> Record:
        return {"seq": seq, "stage": stage, "operator": "", "dept": "DG001", "opinion": "", "time": f"2026-03-02 {at}"}

    early = [entry("100", "05", "08:50:00"), entry("101", "06", "09:00:00"), entry("104", "11", "09:50:00")]
    late = [entry("105", "07", "09:10:00"), entry("106", "08", "09:50:00")]
    ends = set()
    for rows in (early + late, late + early, [*early[:2], *late, early[2]]):
        record = event(updateTime="2026-03-02 10:05:00", stage="11", processes=copy.deepcopy(rows))
        got = paper.translator.understand("paper", record)
        actions = [a for e in got.entries for a in e.actions]
        assert {a.entry: a.at.isoformat()[11:19] for a in actions}["105"] == "09:10:00"
        ends.add(fold(reversed(actions)).stage)
    assert ends == {Stage.CLOSED}
    times = {"updateTime": "2026-03-02 10:05:00", "stage": "11"}
    first = paper.translator.understand("paper", event(**times, processes=early))
    both = paper.translator.understand("paper", event(**times, processes=early + late))
    standing = fold([*(a for e in both.entries for a in e.actions), *(a for e in first.entries for a in e.actions)])
    assert {step.action.entry: step.stage for step in standing.timeline}["105"] is Stage.DISPATCHED
    assert standing.stage is Stage.CLOSED and [(a.entry, a.late) for a in standing.anomalies] == [("106", True)]


def test_a_trace_shows_every_field_and_no_person(grid: LoadedMapping, event: Make) -> None:
    """`map try`: a row a field with its line; names and numbers are masked in texts too."""
    record = event(content="联系人李样例，电话13900000002，现场有异味", strange="x")
    rows = trace(grid.translator, "grid", record, grid.document)
    fields = {row.field: row for row in rows if row.section == "field"}
    assert {field for field, rule in grid.mapping.fields.items() if rule.way != "write"} <= set(fields)
    assert fields["title"].line == grid.document.where(("fields", "title"))[1]
    assert [row.wire for row in rows if row.section == "unmapped"] == ["strange"]
    words = "\n".join(f"{row.found} {row.value} {row.note}" for row in rows)
    for secret in ("李样例", "张示例", "13900000001", "13900000002"):
        assert secret not in words


def test_samples_may_be_whole_answers(grid: LoadedMapping) -> None:
    """Both events of a query's answer are found; what has no record, or a DOCTYPE, is refused in words."""
    folder = ROOT / "docs/contracts/grid/samples"
    assert len(records_in((folder / "queryEvents.response.xml").read_bytes(), grid.mapping)) == 2
    for data in (b"<a/>", b"{}", b"\xff\xfe", b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", b"<a>", b"not json"):
        with pytest.raises(ValueError):
            records_in(data, grid.mapping)

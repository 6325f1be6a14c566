"""What a call of the government platform means: every field of the samples, its timeline, and broken input."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.mapping.canonical import secrets_of
from bridge.mapping.files import LoadedMapping
from bridge.mapping.notes import Unreadable
from bridge.mapping.samples import records_in
from schemas.lifecycle import Stage, fold

ROOT = Path(__file__).parents[3]
Record = dict[str, Any]
Make = Callable[..., Record]
ORIGIN = {
    "title": "高兴镇巡查发现车辆倾倒污水", "description": "路边沟渠", "urgency": "critical", "area.town": "371103103",
    "item": {"catalogue": "donggang", "code": "03", "name": "污水直排"}, "channel": "grid_inspection",
}  # fmt: skip


def entry(action: str, before: str | None, after: str, **values: Any) -> Record:
    return {
        "action": action, "fromStatus": before, "toStatus": after, "opinion": "办", "operator": "受理", "fileIds": [],
        "deptCode": "LS001", "operateTime": 1792977310120, "recordTime": 1792977310360, "limitTime": None,
    } | values  # fmt: skip


def told(detail: Make, *entries: Record) -> Record:
    """A call with these timeline entries, stored one second after the other."""
    rows = [row | {"seq": n + 1, "recordTime": row["recordTime"] + 1000 * n} for n, row in enumerate(entries)]
    return detail(status=rows[-1]["toStatus"], timeline=rows)


def kinds(loaded: LoadedMapping, record: Record) -> list[str]:
    entries = loaded.translator.understand("gov", record).entries
    return [f"{a.kind}.{a.to}" if a.to else str(a.kind) for e in entries for a in e.actions]


def test_every_field_of_the_sample_is_understood(government: LoadedMapping, detail: Make) -> None:
    """The contract's detail: nothing unmapped, nothing odd, each field as the page says."""
    got = government.translator.understand("gov", detail())
    assert (got.native_id, got.reference) == ("LS261026000017", "371103-20261026-000017")
    assert (got.status, got.stage, got.admitted) == ("RATED", Stage.RATED, True)
    assert got.changed == "2026-10-26T11:40:00.245000+08:00" and not got.notes and not got.unmapped
    point = got.fields.pop("place.point")
    assert (point["x"], point["y"], point["crs"]) == ("119.234567", "35.301234", "GCJ-02")
    files = got.fields.pop("files")
    assert files and all(len(one["native_id"]) == 32 and one["size"] for one in files)
    assert got.fields.pop("description").startswith("10月26日9时许")
    assert got.fields == {
        "title": "高兴镇巡查发现车辆倾倒污水",
        "item": {"catalogue": "lanshan", "code": "LS0101", "name": "非法倾倒污水或固体废物"},
        "urgency": "critical",
        "channel": "caller",
        "area.county": "371103",
        "area.town": "371103103",
        "area.town_name": "高兴镇",
        "area.village": "371103103205",
        "calling_unit": "高兴镇人民政府",
        "caller": {"name": "张三", "phone_text": "13900000001", "phones": ["13900000001"]},
        "place.address": "高兴镇高兴岭村北500米路西",
        "reported_at": "2026-10-26T09:12:05+08:00",
        "due": "2026-10-26T13:18:00+08:00",
        "lead": {"code": "LS101", "name": "市生态环境局岚山分局"},
    }


def test_the_story_of_the_sample(government: LoadedMapping, detail: Make) -> None:
    """The note by another department is a comment, the lead's own is progress."""
    got = government.translator.understand("gov", detail())
    assert kinds(government, detail()) == [
        "CALL", "ACCEPT", "DISPATCH", "URGE", "RESPOND", "COMMENT", "PROGRESS", "EXTEND", "REPORT", "CLOSE", "RATE",
    ]  # fmt: skip
    actions = [a for e in got.entries for a in e.actions]
    assert actions[2].lead and actions[2].lead.name == "市生态环境局岚山分局" and actions[2].due
    assert actions[-1].verdict and (actions[-1].verdict.result, actions[-1].verdict.solved) == (3, "yes")
    assert actions[8].files
    standing = fold(actions)
    assert standing.stage is Stage.RATED and not standing.anomalies and standing.extended == 1


@pytest.mark.parametrize(
    ("path", "actions", "stage"),
    [
        ([("CREATE", None, "PENDING"), ("RETURN", "PENDING", "RETURNED"), ("RECALL", "RETURNED", "PENDING")],
         ["CALL", "RETURN.caller", "CALL"], Stage.CALLED),
        ([("CREATE", None, "PENDING"), ("RETURN", "PENDING", "RETURNED"), ("ACCEPT", "RETURNED", "ACCEPTED")],
         ["CALL", "RETURN.caller", "CALL", "ACCEPT"], Stage.ACCEPTED),
        ([("CREATE", None, "PENDING"), ("ACCEPT", "PENDING", "ACCEPTED"), ("CLOSE", "ACCEPTED", "CLOSED")],
         ["CALL", "ACCEPT", "CLOSE"], Stage.CLOSED),
        ([("CREATE", None, "PENDING"), ("MODIFY", "PENDING", "PENDING"), ("CANCEL", "PENDING", "CANCELLED")],
         ["CALL", "CANCEL"], Stage.CANCELLED),
    ],
)  # fmt: skip
def test_stories_become_the_right_actions(
    government: LoadedMapping, detail: Make, path: list[tuple[str, str | None, str]], actions: list[str], stage: Stage
) -> None:
    """Called again by RECALL or by ACCEPT, closed directly, edited, cancelled."""
    record = told(detail, *(entry(*step) for step in path))
    assert kinds(government, record) == actions
    got = government.translator.understand("gov", record)
    standing = fold(a for e in got.entries for a in e.actions)
    assert standing.stage is stage and not standing.anomalies


def test_dispatching_again_is_a_transfer_rework_or_reopening(government: LoadedMapping, detail: Make) -> None:
    """What DISPATCH means is told by the status before it (§6)."""
    start = [entry("CREATE", None, "PENDING"), entry("ACCEPT", "PENDING", "ACCEPTED"),
             entry("DISPATCH", "ACCEPTED", "DISPATCHED", deptCode="LS101")]  # fmt: skip
    again = {"DISPATCHED": ["TRANSFER"], "FEEDBACK": ["RETURN.department", "TRANSFER"]}
    again |= {"CLOSED": ["REOPEN", "TRANSFER"]}
    for before, meant in again.items():
        record = told(detail, *start, entry("DISPATCH", before, "DISPATCHED", deptCode="LS102"))
        assert kinds(government, record)[3:] == meant
        last = government.translator.understand("gov", record).entries[-1].actions[-1]
        assert last.lead and last.lead.code == "LS102"


def test_a_progress_entry_is_progress_only_by_the_lead(government: LoadedMapping, detail: Make) -> None:
    """At HANDLING, the lead's entry is progress and anybody else's a note."""
    start = [entry("CREATE", None, "PENDING"), entry("ACCEPT", "PENDING", "ACCEPTED"),
             entry("DISPATCH", "ACCEPTED", "DISPATCHED", deptCode="LS101"),
             entry("RESPOND", "DISPATCHED", "RESPONDED", deptCode="LS101")]  # fmt: skip
    for dept, before, after, meant in (
        ("LS101", "RESPONDED", "HANDLING", "PROGRESS"), ("LS101", "HANDLING", "HANDLING", "PROGRESS"),
        ("LS001", "RESPONDED", "RESPONDED", "COMMENT"), ("371103103", "HANDLING", "HANDLING", "COMMENT"),
    ):  # fmt: skip
        record = told(detail, *start, entry("PROGRESS", before, after, deptCode=dept))
        assert kinds(government, record)[-1] == meant


def test_a_confidential_caller_is_known_and_never_written(government: LoadedMapping, detail: Make) -> None:
    """secret: true keeps name and number with us; what is written holds neither, in no text."""
    got = government.translator.understand("gov", detail("detail-secret"))
    assert got.fields["caller"]["confidential"] and got.fields["caller"]["name"] == "李四四"
    assert got.fields["channel"] == "hotline" and got.fields["hotline"] == "2622345"
    fields = got.fields | {"description": "李四四（063326200001）反映夜间施工"}
    creation = government.translator.creation(fields, "hy-1", secrets_of(fields))
    written = json.dumps(creation.body, ensure_ascii=False)
    assert "李四四" not in written and "26200001" not in written and creation.body["contact"] == {"secret": True}
    assert creation.reads_as["caller"] == {"confidential": True}


def test_masked_rows_are_noted_as_masked(government: LoadedMapping) -> None:
    """A list row's masked phone is no number; the row has no timeline and no files."""
    rows = records_in((ROOT / "docs/contracts/government/samples/list.json").read_bytes(), government.mapping)
    got = [government.translator.understand("gov", row) for row in rows]
    assert len(got) == 3 and all("files" not in one.fields and not one.entries for one in got)
    assert got[0].fields["caller"]["phones"] == [] and [f for f, _ in got[0].notes] == ["caller"]
    assert got[1].fields["caller"]["confidential"] is True
    assert got[2].fields["caller"] is None and got[2].fields["place.address"] is None


@pytest.mark.parametrize(
    ("value", "wire"), [({"callNo": None}, "callNo"), ({"status": "DONE"}, "status"), ({"urgency": "HIGH"}, "urgency"),
                        ({"channel": "FAX"}, "channel"), ({"timeline": [{"seq": 1, "action": "MERGE"}]}, "action")],
)  # fmt: skip
def test_what_the_mapping_does_not_cover_names_field_and_key(
    government: LoadedMapping, detail: Make, value: Record, wire: str
) -> None:
    """A missing id, unknown status, urgency, channel or action: unreadable, with the key to mend."""
    with pytest.raises(Unreadable) as caught:
        government.translator.understand("gov", detail(**value))
    assert caught.value.wire == wire and caught.value.key and caught.value.remedy


def test_epoch_milliseconds_are_never_guessed(government: LoadedMapping, detail: Make) -> None:
    """C28: seconds, microseconds, texts of another form are anomalies; 0, "" and null are absent; nothing in 1970."""
    cases = json.loads((ROOT / "tests/cases/C28-epoch-mixed.json").read_text("utf-8"))["records"]
    read = {c["callNo"][-2:]: government.translator.understand("gov", detail(limitTime=c["updateTime"])) for c in cases}
    for number in ("01", "03", "10"):
        assert read[number].fields["due"].startswith("2026-03-02T09:00:00") and not read[number].notes
    for number in ("02", "04", "08", "09"):
        assert read[number].fields["due"] is None and [f for f, _ in read[number].notes] == ["due"]
    for number in ("05", "06", "07"):
        assert read[number].fields["due"] is None and not read[number].notes


def test_a_new_record_is_what_the_contract_asks_for(government: LoadedMapping) -> None:
    """Required fields, the item by its link, the channel's code, our reference; and what it will read as."""
    creation = government.translator.creation(ORIGIN, "hy-1", ())
    body = creation.body
    assert body["outerNo"] == "hy-1" and body["itemCode"] == "LS0101" and body["channel"] == "CALLER"
    assert body["urgency"] == "CRITICAL" and body["callUnit"] == "外部平台" and body["fileIds"] == []
    assert creation.status == "PENDING" and creation.entries == ({"code": "CREATE", "opinion": ""},)
    assert creation.reads_as["channel"] == "caller" and creation.reads_as["area.county"] == "371103"
    assert creation.reads_as["item"]["catalogue"] == "lanshan"


def test_a_call_without_a_required_value_names_it(government: LoadedMapping) -> None:
    """Which field, which wire field, what to do."""
    for field, wire in (("area.town", "townCode"),):
        with pytest.raises(Unreadable) as caught:
            government.translator.creation({k: v for k, v in ORIGIN.items() if k != field}, "hy-1", ())
        assert (caught.value.field, caught.value.wire, caught.value.key) == (field, wire, f"fields.{field}")


def test_what_is_lost_on_the_way_is_said_once(government: LoadedMapping) -> None:
    """A long name, an unlisted item, a phone in words: each one note; the rest goes out."""
    fields = ORIGIN | {"item": {"catalogue": "x", "code": "1", "name": "无此事项"},
                       "caller": {"name": "名" * 60, "phones": [], "phone_text": "见附件"}}  # fmt: skip
    creation = government.translator.creation(fields, "hy-1", ())
    assert creation.body["itemCode"] == "LS9999" and len(creation.body["contact"]["name"]) == 50
    assert "phone" not in creation.body["contact"]
    assert sorted(field for field, _ in creation.notes) == ["caller", "item"]


def test_a_place_goes_out_in_the_platforms_system(government: LoadedMapping) -> None:
    """A point given in GCJ-02 goes out digit by digit; its own numbers come back."""
    point = {"lon": 119.228969, "lat": 35.301, "x": "119.234567", "y": "35.301234", "crs": "GCJ-02"}
    body = government.translator.creation(ORIGIN | {"place.point": point}, "hy-1", ()).body
    assert (body["lng"], body["lat"]) == (119.234567, 35.301234)


def test_contact_without_anything_is_nothing_unmapped(government: LoadedMapping, detail: Make) -> None:
    """A structure that is null holds nothing; a text in its place is kept as unmapped."""
    assert government.translator.understand("gov", detail(contact=None)).unmapped == ()
    odd = government.translator.understand("gov", detail(contact="张三"))
    assert odd.unmapped == ("contact",) and odd.fields["extras"] == {"government.contact": "张三"}

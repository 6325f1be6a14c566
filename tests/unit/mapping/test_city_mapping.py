"""The city mapping against its contract: the step table, limits in words, codes in three fields, people kept by remarks."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.documents import Problems
from bridge.mapping.files import load_mapping
from bridge.mapping.operations import needs_people
from bridge.mapping.planning import Situation, plan, remark
from schemas.call import Target
from schemas.lifecycle import Action, ActionKind, Stage, moved

ROOT = Path(__file__).parents[3]
CITY = load_mapping("city", [ROOT / "mappings"])
TABLE = json.loads((ROOT / "docs/contracts/city/transitions.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 10, 26, 4, 0, tzinfo=UTC)
FIELDS = {"title": "题", "area.town": "371122104", "item": {"catalogue": "x", "code": "9", "name": "污水直排"}}
TASK: dict[str, Any] = {
    "taskNum": "202610260000031", "outerCode": "", "recType": "2", "mainType": "01", "subType": "05", "title": "题",
    "description": "文", "source": "5", "streetCode": "371122104", "urgency": "1", "state": "", "steps": [],
}  # fmt: skip


def seen(status: str, **more: Any) -> Situation:
    lead = "" if status in ("", "101", "102") else "JX002"
    return replace(Situation(status, lead, FIELDS, NOW), **more)


def action(kind: ActionKind, **more: Any) -> Action:
    return Action(kind=kind, at=NOW - timedelta(minutes=5), platform="other", entry="1", opinion="办", actor="赵响应", **more)


def understood(*steps: tuple[str, str]) -> list[list[tuple[str, str | None, str, str]]]:
    rows = [{"seq": str(n), "step": step, "opinion": opinion, "dept": "JX002,JX003", "operator": "吴示例", "time": "20261026120000"}
            for n, (step, opinion) in enumerate(steps, start=1)]  # fmt: skip
    entries = CITY.translator.understand("city", {**TASK, "state": "103", "steps": rows}).entries
    return [[(str(a.kind), a.to, a.phase, a.opinion) for a in entry.actions] for entry in entries]


def test_the_workflow_is_the_contracts() -> None:
    """§7: moves, repeated steps, 202 and 203, exactly as transitions.json has them for an exchange account."""
    wanted = {
        state: {step: step for step in steps}
        | ({state: state} if state in TABLE["repeat"] else {})
        | ({"202": state} if state in TABLE["extend202"] else {})
        | ({"203": state} if state in TABLE["urge203"] else {})
        for state, steps in TABLE["moves"].items()
    }
    assert CITY.mapping.workflow == wanted


@pytest.mark.parametrize("status", TABLE["moves"])
def test_every_action_is_told_as_the_contract_allows(status: str) -> None:
    """Whatever happens elsewhere: only steps that the table allows from there, with the opinion and dept they need."""
    for kind in ActionKind:
        for to in ("caller", "centre", "department") if kind is ActionKind.RETURN else (None,):
            for due in (None, NOW + timedelta(days=1)) if kind is ActionKind.EXTEND else (None,):
                told = action(kind, to=to, due=due)
                state = status
                made = plan(CITY.mapping, told, moved(CITY.mapping.stages[status], told), seen(status, assists=("JX003",)))
                assert made.steps or made.reason
                for one in made.steps:
                    code = one.body["step"]
                    assert code in CITY.mapping.workflow[state], (status, kind, code)
                    assert len(one.body.get("opinion", "")) <= 300 and one.body["operator"]
                    if code in ("201", "202", "203", "299", state):
                        assert one.body["opinion"]
                    assert one.body.get("dept") if code == "103" else "," not in one.body.get("dept", "")
                    state = CITY.mapping.workflow[state][code]


def test_eleven_codes_and_the_others_in_words() -> None:
    """§7: 103 takes 11 codes at most; whoever else helps is named in the opinion."""
    towns = tuple(Target(code=f"3711021{number:02}", name=f"第{number}镇") for number in range(14))
    told = action(ActionKind.DISPATCH, lead=towns[0], assists=towns[1:])
    (made,) = plan(CITY.mapping, told, Stage.DISPATCHED, seen("102")).steps
    assert made.body["dept"].split(",") == [one.code for one in towns[:11]]
    assert made.body["opinion"] == "（承办：第11镇、第12镇、第13镇）办"


def test_two_forms_of_one_character() -> None:
    """§3: what an older codec gave as private use goes out as its character, as which it comes back, in fields and opinions."""
    told = action(ActionKind.COMMENT).model_copy(update={"opinion": "冯\ue816说"})
    (made,) = plan(CITY.mapping, told, None, seen("101")).steps
    assert made.opinion == made.body["opinion"] == "冯𠂇说"
    body = CITY.translator.creation({"title": "冯\ue816", "description": "文", "area.town": "371122104"}, "hy-1", ()).body
    assert body["title"] == "冯𠂇"


@pytest.mark.parametrize(("phones", "written"), [
    (["0633-7900000 ext 801"], "0633-7900000 ext 801"), (["0633-7900000 ext 12345"], "0633-7900000-12345"),
    (["0633-79000001 ext 1234567"], None),
])  # fmt: skip
def test_a_number_is_never_cut(phones: list[str], written: str | None) -> None:
    """§8: 20 characters of any text: an extension in its shorter form, and no number rather than another one."""
    fields = {"title": "题", "description": "文", "area.town": "371122104", "caller": {"name": "韩示例", "phones": phones}}
    made = CITY.translator.creation(fields, "hy-1", ())
    assert made.body["reporter"] == "韩示例" and made.body.get("phone") == written
    assert written or any("截断" in words for _, words in made.notes)


@pytest.mark.parametrize(("village", "grid", "written"), [
    ("371122104268", "371122104268002", ("371122104268", "371122104268002")),
    ("371122105268", "371122105268002", (None, None)), ("371122104268", "371122104269001", ("371122104268", None)),
])  # fmt: skip
def test_areas_that_do_not_nest(village: str, grid: str, written: tuple[str | None, str | None]) -> None:
    """§8: communityCode begins with streetCode, cellCode with communityCode; one that does not is left out, not the call."""
    fields = {"title": "题", "description": "文", "area.town": "371122104", "area.village": village, "area.grid": grid}
    body = CITY.translator.creation(fields, "hy-1", ()).body
    assert (body.get("communityCode"), body.get("cellCode")) == written and body["streetCode"] == "371122104"


def test_blanks_are_no_opinion() -> None:
    """A remark of blanks alone would be refused where an opinion is needed: it is told as what it is, a remark."""
    told = action(ActionKind.COMMENT).model_copy(update={"opinion": " \u3000"})
    (made,) = plan(CITY.mapping, told, None, seen("101")).steps
    assert made.body["opinion"] == "备注"


def test_a_remark_takes_the_case_from_nobody() -> None:
    """§7: a repeated 103 replaces dept and assistDepts, so a remark there tells them as they are; elsewhere it tells none."""
    (one,) = remark(CITY.mapping, "说明", seen("103", assists=("JX003", "JX004"))).steps
    assert (one.body["step"], one.body["dept"]) == ("103", "JX002,JX003,JX004")
    (other,) = remark(CITY.mapping, "说明", seen("105", assists=("JX003",))).steps
    assert "dept" not in other.body
    assert [status for status in TABLE["moves"] if needs_people(CITY.mapping, status)] == ["103"]


@pytest.mark.parametrize("status", ["", "109", "299"])
def test_where_no_remark_is_possible(status: str) -> None:
    """Before 101 and after the end there is nothing to repeat: not told, and said."""
    made = remark(CITY.mapping, "说明", seen(status))
    assert made.steps == () and made.reason


def test_a_limit_stands_in_words() -> None:
    """202: 延期至 and 14 digits are a granted extension, and what we write is read back as it was; all else is a request."""
    due = datetime(2026, 11, 1, 10, 0, tzinfo=UTC)
    (one,) = plan(CITY.mapping, action(ActionKind.EXTEND, due=due), None, seen("103")).steps
    assert (one.body["step"], one.body["opinion"]) == ("202", "延期至20261101180000，办")
    assert understood(("102", ""), ("103", "办"), ("202", one.body["opinion"]), ("202", "材料未到"))[2:] == [
        [("EXTEND", None, "granted", "办")], [("EXTEND", None, "requested", "材料未到")],
    ]  # fmt: skip
    rows = [{"seq": "1", "step": "202", "opinion": one.body["opinion"], "operator": "吴", "time": "20261026120000"}]
    (entry,) = CITY.translator.understand("city", {**TASK, "steps": rows}).entries
    assert entry.actions[0].due == due and (entry.code, entry.status) == ("202", "")


def test_entries_that_keep_the_state() -> None:
    """203 between 105 and 106 is no station: the report after it is still one from 105, the rework one from 106."""
    assert [[kind for kind, *_ in one] for one in understood(
        ("102", ""), ("103", "办"), ("103", "改派"), ("105", ""), ("203", "催"), ("105", "进展"), ("106", "毕"), ("203", "催"),
        ("105", "返工"),
    )] == [["ACCEPT"], ["DISPATCH"], ["TRANSFER"], ["PROGRESS"], ["URGE"], ["PROGRESS"], ["REPORT"], ["URGE"], ["RETURN"]]  # fmt: skip


def test_an_item_stands_in_three_fields() -> None:
    """recType, mainType, subType are one code, both ways; a part that is missing is told, never guessed."""
    shown = CITY.translator.understand("city", TASK).fields["item"]
    assert shown["code"] == "2/01/05"
    made = CITY.translator.creation({"title": "题", "description": "文", "area.town": "371122104", "item": shown}, "hy-1", ()).body
    assert (made["recType"], made["mainType"], made["subType"]) == ("2", "01", "05")
    fields = {"title": "题", "description": "文", "area.town": "371122104", "item": {"name": "没有的事项"}}
    other = CITY.translator.creation(fields, "hy-1", ()).body
    assert (other["recType"], other["mainType"], other["subType"]) == ("2", "06", "99")
    odd = CITY.translator.understand("city", {k: v for k, v in TASK.items() if k != "subType"})
    assert odd.fields["item"]["code"] == "2/01/" and odd.notes


def test_a_lead_of_elsewhere_is_named() -> None:
    """A department without a code here: the centre stands in, its name is in the words."""
    told = action(ActionKind.DISPATCH, lead=Target(code="DG005", name="区水利局"))
    steps = plan(CITY.mapping, told, Stage.DISPATCHED, seen("102")).steps
    assert steps[-1].body["dept"] == "JX099" and "区水利局" in steps[-1].body["opinion"]


def test_codes_with_too_few_parts_are_problems(tmp_path: Path) -> None:
    """`join`: an item code without a part for each wire field is told by the check, with file and key."""
    text = "mapping: own\nextends: city\nitems: {codes: {'2/01': 短}}\n"
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Problems) as caught:
        load_mapping("own", [tmp_path, ROOT / "mappings"])
    assert any("fields.item.join" in str(one) and "2/01" in str(one) for one in caught.value.problems)


def test_a_database_that_is_gbk(tmp_path: Path) -> None:
    """`charset: gbk`: one ? for each character it lacks, in fields and opinions, told; so what is shown is what is expected."""
    (tmp_path / "own.yaml").write_text("mapping: own\nextends: city\ncharset: gbk\n", encoding="utf-8")
    own = load_mapping("own", [tmp_path, ROOT / "mappings"])
    made = own.translator.creation({"title": "张𬭎😀", "description": "·—誠", "area.town": "371122104"}, "hy-1", ())
    assert (made.body["title"], made.reads_as["title"], made.body["description"]) == ("张??", "张??", "·—誠")
    assert any("U+1F600" in str(note) for note in made.notes)
    (one,) = remark(own.mapping, "到场😀", seen("105")).steps
    assert one.opinion == one.body["opinion"] == "到场?"

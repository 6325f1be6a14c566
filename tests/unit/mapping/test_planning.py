"""What is told to a platform: only operations that its contract allows, ending where the call stands, or a reason."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.mapping import converters
from bridge.mapping.canonical import secrets_of
from bridge.mapping.files import LoadedMapping, load_mapping
from bridge.mapping.planning import Plan, Situation, align, edited, plan, remark, shown
from schemas.call import Target, Verdict
from schemas.lifecycle import FORWARD, RANK, Action, ActionKind, Stage, moved

ROOT = Path(__file__).parents[3]
LOADED = {name: load_mapping(name, [ROOT / "mappings"]) for name in ("grid", "government")}
TABLES = {name: json.loads((ROOT / f"docs/contracts/{name}/transitions.json").read_text("utf-8")) for name in LOADED}
NOW = datetime(2026, 10, 26, 4, 0, tzinfo=UTC)
AT = NOW - timedelta(minutes=5)
LEADS = {"grid": "DG001", "government": "LS101"}
FIELDS = {"title": "题", "area.town": "371103103", "item": {"catalogue": "x", "code": "9", "name": "污水直排"}}


def action(kind: ActionKind, **values: Any) -> Action:
    return Action(kind=kind, at=AT, platform="other", entry="1", **({"opinion": "办", "actor": "赵响应"} | values))


def every_action() -> list[Action]:
    """Every canonical action: the three returns, and each phase of what may be asked for."""
    plain = [action(k) for k in ActionKind if k not in (ActionKind.RETURN, ActionKind.EXTEND)]
    returns = [action(ActionKind.RETURN, to=to) for to in ("caller", "centre", "department")]
    asked = [
        action(kind, phase=phase)
        for kind in (ActionKind.EXTEND, ActionKind.SUSPEND, ActionKind.RETURN)
        for phase in ("requested", "refused")
    ]
    extensions = [action(ActionKind.EXTEND), action(ActionKind.EXTEND, due=NOW + timedelta(days=1))]
    return [*plain, *returns, *asked, *extensions]


def seen(name: str, status: str, **values: Any) -> Situation:
    lead = "" if LOADED[name].mapping.stages[status] in (None, Stage.CALLED, Stage.ACCEPTED) else LEADS[name]
    given: dict[str, Any] = {"status": status, "lead": lead, "fields": FIELDS, "now": NOW}
    return Situation(**(given | values))


def carried_out(name: str, status: str, lead: str, steps: Plan) -> str:
    """The status after these operations by the contract's own table; AssertionError where it would refuse one."""
    for step in steps.steps:
        body = step.body
        if name == "grid":
            code = body["stage"]
            assert code in TABLES[name]["exchange"][status], f"{status} → {code}"
            if code in ("90", "91", status):
                assert body["opinion"].strip()
            departments = [d for d in body.get("handleDept", "").split(",") if d]
            assert len(departments) <= (11 if code == "07" else 1)
            if code == "07":
                assert departments or lead
                lead = departments[0] if departments else lead
            assert converters.length(body.get("opinion", ""), "utf16") <= 500
            status = code
        else:
            rule = TABLES[name]["actions"][body["action"]][status]
            assert rule != "x", f"{body['action']} at {status}"
            if body["action"] not in ("ACCEPT", "DISPATCH", "RESPOND", "URGE"):
                assert body["opinion"].strip()
            assert body["deptCode"] and body["operator"] and len(body.get("opinion", "")) <= 1000
            if body["action"] == "EXTEND":
                assert body["limitTime"] > body["operateTime"]
            if body["action"] == "DISPATCH":
                lead = body["deptCode"]
            if rule == "HANDLING*":
                rule = "HANDLING" if body["deptCode"] == lead else "="
            status = status if rule == "=" else rule
        assert step.status == status and step.code in (body.get("stage"), body.get("action"))
    return status


SITUATIONS = [(n, s, c) for n in LOADED for s in LOADED[n].mapping.stages for c in (None, *Stage)]


@pytest.mark.parametrize(("name", "status", "standing"), SITUATIONS)
def test_every_plan_is_allowed_and_ends_right_or_says_why_not(name: str, status: str, standing: Stage | None) -> None:
    """For every status of both contracts, every stage the call may have, and every canonical action."""
    mapping = LOADED[name].mapping
    for one in every_action():
        stage = moved(standing, one)
        if stage is None:
            continue  # the lifecycle forbids it: it is never told
        situation = seen(name, status)
        steps = plan(mapping, one, stage, situation)
        end = carried_out(name, status, situation.lead, steps)
        moving = one.kind in FORWARD or one.kind in (
            ActionKind.CALL, ActionKind.CANCEL, ActionKind.REOPEN, ActionKind.TRANSFER, ActionKind.RETURN
        )  # fmt: skip
        assert steps.steps or steps.reason, one.kind
        here = mapping.stages[status]
        passed = one.kind in FORWARD and here in RANK and here is not None and RANK[here] > RANK[stage]
        if moving and one.phase == "granted":
            assert shown(mapping, end, stage) or steps.reason or passed, f"{one.kind}: {status} → {end}, {stage}"
        else:
            assert end == status, f"{one.kind} {one.phase} must not move {status}"


@pytest.mark.parametrize(("name", "status"), [(n, s) for n in LOADED for s in LOADED[n].mapping.stages])
def test_returning_and_cancelling_are_never_stations(name: str, status: str) -> None:
    """No way to another stage leads through a return or a cancellation that nobody ordered."""
    mapping = LOADED[name].mapping
    ends = {s for s, stage in mapping.stages.items() if stage in (Stage.RETURNED, Stage.CANCELLED)}
    ways = [
        plan(mapping, one, stage, seen(name, status))
        for one in every_action()
        for stage in {moved(standing, one) for standing in RANK}
        if stage is not None and one.kind not in (ActionKind.RETURN, ActionKind.CANCEL)
    ]
    ways += [align(mapping, stage, seen(name, status)) for stage in RANK]
    for steps in ways:
        for step in steps.steps:
            assert step.status not in ends or step.status == status


@pytest.mark.parametrize(("name", "status", "stage"), [one for one in SITUATIONS if one[2] is not None])
def test_aligning_arrives_or_says_why_not(name: str, status: str, stage: Stage) -> None:
    """A platform is brought to the call's stage by allowed operations, or is there, or the reason is given."""
    situation = seen(name, status)
    steps = align(LOADED[name].mapping, stage, situation)
    end = carried_out(name, status, situation.lead, steps)
    assert shown(LOADED[name].mapping, end, stage) or (steps.reason and not steps.steps)


def test_stages_that_a_platform_insists_on_are_passed_through() -> None:
    """An origin that skips stages is followed step by step, each said to be such a step."""
    steps = plan(LOADED["government"].mapping, action(ActionKind.REPORT), Stage.REPORTED, seen("government", "PENDING"))
    assert [step.code for step in steps.steps] == ["ACCEPT", "DISPATCH", "RESPOND", "FEEDBACK"]
    assert all("衔接" in step.opinion for step in steps.steps[:3]) and steps.steps[-1].opinion == "办"
    steps = plan(LOADED["grid"].mapping, action(ActionKind.CLOSE), Stage.CLOSED, seen("grid", "05"))
    assert [step.code for step in steps.steps] == ["07", "10", "11"]
    assert steps.steps[0].body["handleDept"] == "DG001"  # nobody is named: the lead of the item in the catalogue


def test_what_is_passed_already_becomes_a_remark() -> None:
    """An acceptance told to a platform that is being handled turns nothing back."""
    steps = plan(LOADED["grid"].mapping, action(ActionKind.ACCEPT), Stage.ACCEPTED, seen("grid", "09"))
    (step,) = steps.steps
    assert step.code == "09" and step.opinion == "【受理】办"


@pytest.mark.parametrize("due", [None, AT - timedelta(days=1), NOW + timedelta(hours=1)])
def test_an_extension_without_a_later_limit_is_a_remark(due: datetime | None) -> None:
    """The platform refuses a limit that is not later than the present one: then it is told in words."""
    situation = seen("government", "HANDLING", due=NOW + timedelta(hours=2))
    steps = plan(LOADED["government"].mapping, action(ActionKind.EXTEND, due=due), None, situation)
    (step,) = steps.steps
    assert step.code == "PROGRESS" and step.opinion.startswith("【延期】") and "limitTime" not in step.body
    later = action(ActionKind.EXTEND, due=NOW + timedelta(hours=3))
    assert plan(LOADED["government"].mapping, later, None, situation).steps[0].code == "EXTEND"


@pytest.mark.parametrize("phase", ["requested", "refused"])
@pytest.mark.parametrize(
    ("kind", "status"),
    [(ActionKind.CANCEL, "PENDING"), (ActionKind.TRANSFER, "HANDLING"), (ActionKind.URGE, "HANDLING")],
)
def test_what_is_only_asked_for_is_never_carried_out(kind: ActionKind, status: str, phase: Any) -> None:
    """A request or a refusal without a key of its own is a remark, never the operation."""
    steps = plan(LOADED["government"].mapping, action(kind, phase=phase), None, seen("government", status))
    assert [step.code for step in steps.steps] == ["PROGRESS"]
    assert steps.steps[0].opinion.startswith("【申请" if phase == "requested" else "【不同意")


@pytest.mark.parametrize(("name", "count", "limit"), [("grid", "utf16", 500), ("government", "code_points", 1000)])
@pytest.mark.parametrize("character", ["字", "𬱖"])
def test_opinions_are_cut_as_the_platform_counts(name: str, count: Any, limit: int, character: str) -> None:
    """500 UTF-16 units, 1000 code points: cut with an ellipsis, no half character, and said."""
    status = {"grid": "09", "government": "HANDLING"}[name]
    told = action(ActionKind.REPORT, opinion=character * 2000)
    steps = plan(LOADED[name].mapping, told, Stage.REPORTED, seen(name, status))
    opinion = steps.steps[0].opinion
    assert limit - 1 <= converters.length(opinion, count) <= limit and opinion.endswith("…")
    assert set(opinion) == {character, "…"} and len(steps.notes) == 1


def test_secrets_and_control_characters_never_leave() -> None:
    """A confidential person's name and number are concealed in opinions and as the operator."""
    person = {"name": "李四四", "phone_text": "13900000002", "phones": ["13900000002"], "confidential": True}
    fields = FIELDS | {"caller": person}
    for name, status in (("grid", "09"), ("government", "HANDLING")):
        told = action(ActionKind.REPORT, opinion="已回复李四四\x0b（139 0000 0002）", actor="李四四")
        situation = seen(name, status, fields=fields, secrets=secrets_of(fields))
        (step,) = plan(LOADED[name].mapping, told, Stage.REPORTED, situation).steps
        body = json.dumps(step.body, ensure_ascii=False)
        assert "李四四" not in body and "0002" not in body and "\\u000b" not in body
        assert converters.CONCEALED in step.opinion and converters.CONCEALED in step.operator


def test_departments_are_told_by_code_else_by_name() -> None:
    """Lead and assistants by their names; whom the platform does not know is named in the opinion."""
    lead = Target(code="LS102", name="区综合行政执法局")
    assists = (Target(code="LS105", name="区水利局"), Target(code="X1", name="某供排水公司"))
    told = action(ActionKind.DISPATCH, lead=lead, assists=assists)
    (step,) = plan(LOADED["grid"].mapping, told, Stage.DISPATCHED, seen("grid", "06")).steps
    assert step.body["handleDept"] == "DG002,DG005" and step.lead == "DG002"
    assert step.opinion == "（承办：某供排水公司）办"
    stranger = action(ActionKind.DISPATCH, lead=Target(code="X1", name="某供排水公司"))
    (step,) = plan(LOADED["government"].mapping, stranger, Stage.DISPATCHED, seen("government", "ACCEPTED")).steps
    assert step.body["deptCode"] == "LS001" and step.opinion.startswith("（承办：某供排水公司）")


def test_a_dispatch_without_a_name_goes_to_the_items_department() -> None:
    """Where nobody is named, the item's declared lead; the catalogue's other goes to the centre."""
    for item, department in (("污水直排", "LS101"), ("无此事项", "LS001")):
        fields = FIELDS | {"item": {"catalogue": "grid", "code": "1", "name": item}}
        situation = seen("government", "ACCEPTED", fields=fields)
        (step,) = plan(LOADED["government"].mapping, action(ActionKind.DISPATCH), Stage.DISPATCHED, situation).steps
        assert step.body["deptCode"] == department


def test_a_department_without_a_code_here_is_named() -> None:
    """The acting department of the other platform stands in the opinion where it has no code."""
    told = action(ActionKind.RESPOND, department=Target(code="X1", name="某供排水公司"))
    (step,) = plan(LOADED["government"].mapping, told, Stage.RESPONDED, seen("government", "DISPATCHED")).steps
    assert step.body["deptCode"] == "LS001" and step.opinion == "（某供排水公司）办"


def test_a_rating_speaks_the_platforms_words() -> None:
    """The verdict stands at the head of the opinion, once."""
    verdict = Verdict(result=3, solved="yes")
    said = {"处理及时": "满意，已解决，处理及时", "满意，已解决": "满意，已解决", "": "满意，已解决"}
    for words, expected in said.items():
        told = action(ActionKind.RATE, opinion=words, verdict=verdict)
        (step,) = plan(LOADED["government"].mapping, told, Stage.RATED, seen("government", "CLOSED")).steps
        assert step.opinion == expected


def test_times_are_the_actors_and_never_ahead_of_ours() -> None:
    """The entry's own time goes out; a time ahead of our clock is taken back to it."""
    told = action(ActionKind.RESPOND).model_copy(update={"at": NOW + timedelta(hours=1)})
    (step,) = plan(LOADED["grid"].mapping, told, Stage.RESPONDED, seen("grid", "07")).steps
    assert step.body["handleTime"] == "2026-10-26 12:00:00"
    (step,) = plan(LOADED["grid"].mapping, action(ActionKind.RESPOND), Stage.RESPONDED, seen("grid", "07")).steps
    assert step.body["handleTime"] == "2026-10-26 11:55:00"


@pytest.mark.parametrize(("name", "status"), [(n, s) for n in LOADED for s in LOADED[n].mapping.stages])
def test_remarks_keep_the_status_or_say_why_not(name: str, status: str) -> None:
    """The other platform's number and changed fields are told without moving anything."""
    situation = seen(name, status)
    words = edited([("标题", "新标题"), ("地址", None)])
    steps = remark(LOADED[name].mapping, words, situation)
    if steps.steps:
        assert carried_out(name, status, situation.lead, steps) == status
        assert steps.steps[0].opinion == "（更正）标题：新标题；地址：（空）"
    else:
        assert steps.reason and status == "CANCELLED"


def test_what_is_told_reads_as_what_it_was(grid: LoadedMapping) -> None:
    """Each move on the line, written to the grid platform and read again, is that action."""
    line = (ActionKind.CALL, ActionKind.ACCEPT, ActionKind.DISPATCH, ActionKind.RESPOND, ActionKind.PROGRESS,
            ActionKind.REPORT, ActionKind.CLOSE, ActionKind.RATE)  # fmt: skip
    status, stage = "05", Stage.CALLED
    rows = [{"seq": "1", "stage": "05", "opinion": "外部上报", "time": "2026-10-26 11:55:00"}]
    for kind in line[1:]:
        told = action(kind, opinion="满意，已解决" if kind is ActionKind.RATE else "办")
        after = moved(stage, told)
        assert after
        for step in plan(grid.mapping, told, after, seen("grid", status)).steps:
            body = step.body
            rows.append({
                "seq": str(len(rows) + 1), "stage": body["stage"], "opinion": body.get("opinion", ""),
                "dept": body.get("handleDept", ""), "operator": body["handler"], "time": body["handleTime"],
            })  # fmt: skip
            status = step.status
        stage = after
    record = {"eventId": "DG1", "stage": status, "updateTime": "2026-10-26 12:00:00", "processes": rows}
    got = grid.translator.understand("grid", record)
    assert [a.kind for a in itertools.chain.from_iterable(e.actions for e in got.entries)] == list(line)


def test_more_who_help_than_the_platform_takes() -> None:
    """petition §4: XBDW takes ten codes; the others are named in the opinion, and nothing is refused."""
    mapping = load_mapping("petition", [ROOT / "mappings"]).mapping
    towns = tuple(Target(code=f"3711021{number:02}", name=f"第{number}镇") for number in range(13))
    told = action(ActionKind.DISPATCH, lead=towns[0], assists=towns[1:])
    (step,) = plan(mapping, told, Stage.DISPATCHED, Situation("1", "", FIELDS, NOW)).steps
    assert step.body["ZBDW"] == towns[0].code and step.body["XBDW"].split(",") == [one.code for one in towns[1:11]]
    assert step.body["CZYJ"] == "（承办：第11镇、第12镇）办"

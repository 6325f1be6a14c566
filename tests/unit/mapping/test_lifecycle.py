"""The life of a call: folding is total, deterministic and independent of the order in which actions arrive."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.call import Call, Target, Verdict
from schemas.lifecycle import (
    FORWARD,
    LINE,
    MOVES,
    OPEN,
    RANK,
    Action,
    ActionKind,
    Stage,
    fold,
    in_order,
    moved,
)

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SHANGHAI_OFFSETS = st.sampled_from([0, 1, 1, 2, 30, 3600, 86_400])
targets = st.none() | st.builds(Target, code=st.sampled_from(["A", "B"]), name=st.none() | st.just("甲"))


@st.composite
def actions(draw: st.DrawFn, platforms: tuple[str, ...] = ("grid", "gov")) -> list[Action]:
    """Histories of some platforms: entries in each platform's own order, with equal, late and effective times."""
    made = []
    for platform in platforms:
        at = START
        for sequence in range(draw(st.integers(0, 7))):
            at += timedelta(seconds=draw(SHANGHAI_OFFSETS))
            kind = draw(st.sampled_from(list(ActionKind)))
            late = draw(st.booleans())
            made.append(Action(
                kind=kind, at=at - timedelta(hours=1) if late else at, effective=at if late else None,
                platform=platform, entry=str(sequence), sequence=sequence, opinion=draw(st.sampled_from(["", "𬱖"])),
                to=draw(st.sampled_from(["caller", "centre", "department"])) if kind is ActionKind.RETURN else None,
                phase=draw(st.sampled_from(["granted", "granted", "requested", "refused"])), lead=draw(targets),
                due=draw(st.none() | st.just(at + timedelta(days=1))),
                verdict=draw(st.none() | st.just(Verdict(result=3, solved="yes"))),
            ))  # fmt: skip
    return made


@given(actions(), st.randoms(use_true_random=False))
def test_folding_does_not_depend_on_arrival(history: list[Action], order: Any) -> None:
    """The same end, timeline and anomalies for every order of arrival, and for actions that arrive twice."""
    shuffled = [*history, *history[: len(history) // 2]]
    order.shuffle(shuffled)
    assert fold(shuffled) == fold(history) == fold(in_order(history))


@pytest.mark.parametrize("kind", list(ActionKind))
def test_equal_actions_of_two_platforms_have_one_order(kind: ActionKind) -> None:
    """The same act at the same instant on both sides: which arrived first decides nothing."""
    first = act(ActionKind.CALL, 1)
    one, other = (act(kind, 2).model_copy(update={"platform": name}) for name in ("gov", "grid"))
    assert in_order([first, one, other]) == in_order([other, one, first])


@given(actions(("a", "b", "c")))
def test_nothing_is_dropped_and_nothing_forbidden_moves(history: list[Action]) -> None:
    """Every action stands in the timeline; a forbidden one is an anomaly and changes no stage, due or counter."""
    standing = fold(history)
    assert {step.action.key for step in standing.timeline} == {action.key for action in history}
    assert len(standing.anomalies) == sum(not step.applied for step in standing.timeline)
    stage = None
    for step in standing.timeline:
        allowed = moved(stage, step.action)
        assert step.applied == (allowed is not None)
        if allowed is None:
            assert step.stage == stage
        stage = step.stage
    assert standing.stage == stage
    kept = fold(step.action for step in standing.timeline if step.applied)
    assert (kept.stage, kept.suspended, kept.due, kept.rework, kept.urged, kept.extended) == (
        standing.stage, standing.suspended, standing.due, standing.rework, standing.urged, standing.extended
    )  # fmt: skip


@given(actions())
def test_writing_and_reading_an_action_is_the_identity(history: list[Action]) -> None:
    """Actions survive the ledger: JSON and back, times and targets included."""
    for action in history:
        assert Action.model_validate(action.to_json(), strict=False) == action
        assert Action.model_validate_json(action.model_dump_json()) == action


def test_writing_and_reading_a_call_is_the_identity() -> None:
    """A whole call survives JSON, what is not set included."""
    call = Call.model_validate(
        {
            "origin": {"platform": "grid", "native_id": "DG1"}, "title": "陈𬱖 😀", "urgency": "critical",
            "area": {"town": {"code": "371103103", "name": "高兴镇"}},
            "place": {"point": {"lon": 119.3, "lat": 35.1, "x": "119.3", "y": "35.1", "crs": "GCJ-02"}},
            "caller": {"name": "张三", "phones": ["13900000001"], "confidential": True},
            "assignments": [{"role": "lead", "target": {"code": "LS101"}}, {"role": "assist", "target": {"code": "B"}}],
            "deadlines": [{"milestone": "close", "current": "2026-03-05T17:30:00+08:00"}],
            "verdict": {"solved": "partly", "result": 2},
            "files": [{"platform": "grid", "native_id": "1", "name": "a.png"}],
            "extras": {"x": [1, None, {"y": "z"}]},
        },
        strict=False,
    )  # fmt: skip
    assert Call.model_validate(call.to_json(), strict=False) == call
    assert Call.model_validate_json(call.model_dump_json()) == call
    assert call.call_id == Call.model_validate(call.to_json(), strict=False).call_id


def act(kind: ActionKind, minute: int, **values: Any) -> Action:
    at = START + timedelta(minutes=minute)
    return Action(kind=kind, at=at, platform="grid", entry=str(minute), sequence=minute, **values)


@pytest.mark.parametrize("kind", FORWARD)
@pytest.mark.parametrize("stage", [None, *Stage])
def test_forward_actions_go_forward_only(kind: ActionKind, stage: Stage | None) -> None:
    """Stages may be skipped and repeated, never turned back; nothing is done to what is returned or cancelled, but
    being accepted directly or settled by the town."""
    after = moved(stage, act(kind, 1))
    if stage is not None and stage in RANK:
        assert after == (FORWARD[kind] if RANK[stage] <= RANK[FORWARD[kind]] else None)
    elif stage is Stage.RETURNED:
        assert after == (FORWARD[kind] if kind in (ActionKind.ACCEPT, ActionKind.CLOSE) else None)
    else:
        assert after is None


@pytest.mark.parametrize("stage", list(Stage))
def test_the_three_returns(stage: Stage) -> None:
    """To the caller from any open stage, to the centre once accepted, to the department once it reported."""
    back = {to: moved(stage, act(ActionKind.RETURN, 1, to=to)) for to in ("caller", "centre", "department")}
    assert back["caller"] == (Stage.RETURNED if stage in OPEN else None)
    assert back["centre"] == (Stage.ACCEPTED if stage in OPEN and stage is not Stage.CALLED else None)
    assert back["department"] == (Stage.IN_PROGRESS if stage in (Stage.REPORTED, Stage.CLOSED) else None)


@pytest.mark.parametrize("kind", [kind for kind in ActionKind if kind not in MOVES])
@pytest.mark.parametrize("stage", [None, *Stage])
def test_keeping_actions_keep(kind: ActionKind, stage: Stage | None) -> None:
    """A comment, a file, an urging moves nothing, at any stage."""
    assert moved(stage, act(kind, 1)) == stage


@pytest.mark.parametrize("phase", ["requested", "refused"])
@pytest.mark.parametrize("kind", [ActionKind.EXTEND, ActionKind.SUSPEND, ActionKind.RETURN])
def test_only_what_is_granted_has_effect(kind: ActionKind, phase: Any) -> None:
    """A request and a refusal stand in the timeline and change nothing."""
    due = START + timedelta(days=9)
    before = fold([act(ActionKind.CALL, 1), act(ActionKind.ACCEPT, 2)])
    after = fold([act(ActionKind.CALL, 1), act(ActionKind.ACCEPT, 2), act(kind, 3, phase=phase, due=due)])
    assert (after.stage, after.due, after.suspended, after.extended) == (before.stage, None, False, 0)
    assert not after.anomalies and len(after.timeline) == 3


def test_suspension_stops_at_the_end() -> None:
    """挂账 is a mark beside the stage; closing the call ends it."""
    line = [act(ActionKind.CALL, 1), act(ActionKind.DISPATCH, 2), act(ActionKind.SUSPEND, 3)]
    assert fold(line).suspended and fold(line).stage is Stage.DISPATCHED
    assert not fold([*line, act(ActionKind.RESUME, 4)]).suspended
    assert not fold([*line, act(ActionKind.REPORT, 4), act(ActionKind.CLOSE, 5)]).suspended


def test_an_entry_typed_in_late_turns_nothing_back() -> None:
    """C12: it stands at its own time; where that is after the close, it is late, and the call stays closed."""
    line = [act(ActionKind.CALL, 1), act(ActionKind.ACCEPT, 2), act(ActionKind.CLOSE, 50)]
    equal = Action(kind=ActionKind.RESPOND, at=line[-1].at, platform="grid", entry="x", sequence=60)
    standing = fold([*line, act(ActionKind.DISPATCH, 10), equal])
    assert standing.stage is Stage.CLOSED and [s.stage for s in standing.timeline][2] is Stage.DISPATCHED
    assert [(a.entry, a.late) for a in standing.anomalies] == [("x", True)]


def test_a_returned_call_is_called_again() -> None:
    """The same call, open again; cancelled it is not."""
    returned = [act(ActionKind.CALL, 1), act(ActionKind.RETURN, 2, to="caller")]
    assert fold([*returned, act(ActionKind.CALL, 3)]).stage is Stage.CALLED
    cancelled = fold([*returned, act(ActionKind.CANCEL, 3), act(ActionKind.CALL, 4)])
    assert cancelled.stage is Stage.CANCELLED and len(cancelled.anomalies) == 1


def test_the_line_is_whole() -> None:
    """Eight stages on the line, two beside it; each forward action ends on it."""
    assert {*LINE, Stage.RETURNED, Stage.CANCELLED} == set(Stage) and set(FORWARD.values()) == set(LINE[1:])

"""What a case of the enforcement platform means: the contract's sample story, its fields, emptied values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.mapping.files import load_mapping
from bridge.mapping.planning import Situation, plan
from bridge.mapping.translator import Translator
from schemas.call import Verdict
from schemas.lifecycle import Action, ActionKind, Stage, fold
from schemas.moment import moment

ROOT = Path(__file__).parents[3]
NOW = moment("2026-10-26T12:00:00+08:00")


@pytest.fixture(scope="module")
def translator() -> Translator:
    return load_mapping("enforcement", [ROOT / "mappings"]).translator


def case(**more: Any) -> dict[str, Any]:
    sample = json.loads((ROOT / "docs/contracts/enforcement/samples/get.json").read_text(encoding="utf-8"))
    return {**sample["exchanges"][0]["response"]["body"], **more}


def test_the_sample_story(translator: Translator) -> None:
    """Every event of the sample, in order, and the stage they lead to."""
    understood = translator.understand("zhzf", case())
    actions = [action for entry in understood.entries for action in entry.actions]
    kinds = [f"{one.kind}.{one.to}" if one.to else str(one.kind) for one in actions]
    assert kinds == ["CALL", "ACCEPT", "DISPATCH", "TRANSFER", "ASSIST", "URGE", "RESPOND", "COMMENT", "PROGRESS", "EXTEND",
                     "REPORT", "RETURN.department", "REPORT", "CLOSE", "RATE"]  # fmt: skip
    assert fold(actions).stage is Stage.RATED and understood.stage is Stage.RATED
    assert actions[-1].verdict == Verdict(result=4)
    assert actions[2].lead is not None and actions[2].lead.name == "岚山区综合行政执法局"
    assert fold(actions).due == moment("2026-10-26T13:18:00+08:00")
    assert understood.fields["area.village"] == "371103103205" and understood.fields["area.town"] == "371103103"
    assert understood.fields["item"]["code"] == "ENV-01" and understood.fields["urgency"] == "critical"
    assert understood.notes == () and understood.unmapped == ()


@pytest.mark.parametrize(("code", "level"), [("371103", "county"), ("371103103", "town"), ("371103103205", "village")])
def test_one_area_code_of_any_level(translator: Translator, code: str, level: str) -> None:
    """Its length tells which; written is the finest there is."""
    fields = translator.understand("zhzf", case(location={**case()["location"], "areaCode": code})).fields
    assert fields[f"area.{level}"] == code and "division" not in fields
    body = translator.creation({**fields, "title": "题"}, "hy-1", ()).body
    assert body["location"]["areaCode"] == code


def test_emptied_is_a_change(translator: Translator) -> None:
    """C33: a limit taken back, agencies taken off, an address cleared: each is empty now, not unknown."""
    emptied = case(dueAt=None, supportAgencies=[], location={**case()["location"], "address": ""})
    fields = translator.understand("zhzf", emptied).fields
    assert fields["due"] is None and fields["assists"] is None and fields["place.address"] is None
    absent = case()
    del absent["dueAt"]
    assert "due" not in translator.understand("zhzf", absent).fields


def test_a_rating_needs_its_verdict(translator: Translator) -> None:
    """With one: the event and its data. Without: a comment; nobody makes a verdict up."""
    seen = Situation("closed", "STHJ-LS", {}, NOW)
    rating = Action(kind=ActionKind.RATE, at=NOW, platform="p", entry="1", verdict=Verdict(result=1), opinion="未清理")
    (step,) = plan(translator.mapping, rating, Stage.RATED, seen).steps
    assert step.body["type"] == "rate" and step.body["data"] == {"satisfied": False, "score": 2}
    silent = rating.model_copy(update={"verdict": None})
    (step,) = plan(translator.mapping, silent, Stage.RATED, seen).steps
    assert step.body["type"] == "comment" and "data" not in step.body

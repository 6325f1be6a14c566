"""Canonical → wire → canonical keeps what a mapping claims, for whatever people write."""

import csv
import math
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.mapping import converters
from bridge.mapping.compiler import Compiled, compile_fields
from bridge.mapping.files import LoadedMapping, load_mapping
from bridge.mapping.notes import Notes

ROOT = Path(__file__).parents[3]
LOADED = {name: load_mapping(name, [ROOT / "mappings"]) for name in ("grid", "government")}
COMPILED = {name: compile_fields(loaded.mapping) for name, loaded in LOADED.items()}
ITEM = {"catalogue": "x", "code": "1", "name": "y"}
BASE: dict[str, Any] = {"title": "题", "description": "述", "area.town": "371103103", "item": ITEM}
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=2500).filter(str.strip)
lon, lat = st.floats(118.4, 120.0), st.floats(35.0, 36.1)


def trip(compiled: Compiled, fields: dict[str, Any]) -> dict[str, Any]:
    return compiled.read(compiled.write(BASE | fields, Notes()), Notes())


@pytest.mark.parametrize("name", LOADED)
@given(field=st.sampled_from(["title", "description", "place.address"]), text=texts)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_texts_come_back_whole_or_cut_as_declared(name: str, field: str, text: str) -> None:
    """Within its limit a text is untouched; a longer one is its own beginning; and a second trip changes nothing."""
    mapping, compiled = LOADED[name].mapping, COMPILED[name]
    if text in mapping.nothing:
        return
    back = trip(compiled, {field: text})[field]
    limit = mapping.fields[field].limit
    assert limit
    if converters.length(text, limit.count) <= limit.max:
        assert back == text
    else:
        assert converters.length(back, limit.count) <= limit.max and text.startswith(back.removesuffix("…"))
    assert trip(compiled, {field: back})[field] == back


@pytest.mark.parametrize("name", LOADED)
@given(place=st.tuples(lon, lat))
def test_places_do_not_drift(name: str, place: tuple[float, float]) -> None:
    """C32: within 0.1 m of the original, and the platform's own numbers never move again."""
    first = {"lon": place[0], "lat": place[1], "x": str(place[0]), "y": str(place[1]), "crs": "WGS 84"}
    back = trip(COMPILED[name], {"place.point": first})["place.point"]
    east = (back["lon"] - place[0]) * math.cos(math.radians(place[1]))
    assert math.hypot(east, back["lat"] - place[1]) * 111_320 < 0.1
    wire = COMPILED[name].write(BASE | {"place.point": back}, Notes())
    for _ in range(5):
        back = trip(COMPILED[name], {"place.point": back})["place.point"]
        assert COMPILED[name].write(BASE | {"place.point": back}, Notes()) == wire


def test_ten_rounds_between_both_platforms_move_nothing() -> None:
    """C32: a ring of platforms writes the same numbers in every round."""
    with (ROOT / "tests/cases/C32-reference.csv").open(encoding="utf-8") as file:
        row = next(r for r in csv.DictReader(file) if r["system"] == "GCJ-02")
    point: Any = COMPILED["grid"].read({"lng": row["lon"], "lat": row["lat"]}, Notes())["place.point"]
    seen = set()
    for _ in range(10):
        for name in ("government", "grid"):
            wire = COMPILED[name].write(BASE | {"place.point": point}, Notes())
            seen.add((float(wire["lng"]), float(wire["lat"])))
            point = COMPILED[name].read(wire, Notes())["place.point"]
    assert seen == {(float(row["lon"]), float(row["lat"]))}


@pytest.mark.parametrize("name", LOADED)
@given(at=st.datetimes(min_value=datetime(2001, 1, 1), max_value=datetime(2098, 1, 1)))
def test_times_come_back_to_the_second(name: str, at: datetime) -> None:
    """Times that a mapping both reads and writes are the same moment again."""
    rules = LOADED[name].mapping.fields
    text = at.replace(microsecond=0).isoformat() + "+08:00"
    for field in ("happened_at", "due"):
        if field in rules and rules[field].way == "both":
            assert trip(COMPILED[name], {field: text})[field] == text


@pytest.mark.parametrize("name", LOADED)
def test_every_code_comes_back(name: str) -> None:
    """Each item of the list, each urgency: what was written means the same when read."""
    loaded: LoadedMapping = LOADED[name]
    assert loaded.mapping.items
    for code, words in loaded.mapping.items.codes.items():
        item = {"catalogue": loaded.mapping.items.catalogue, "code": code, "name": words}
        assert trip(COMPILED[name], {"item": item})["item"] == item
    for urgency in ("ordinary", "urgent", "critical"):
        assert trip(COMPILED[name], {"urgency": urgency})["urgency"] == urgency


def test_every_item_of_one_platform_has_one_on_the_other() -> None:
    """By its link, by exact name, else the declared other: never a refusal."""
    for name, other in (("grid", "government"), ("government", "grid")):
        source, target = LOADED[name].mapping.items, LOADED[other].mapping.items
        assert source and target
        path = LOADED[other].mapping.fields["item"].wire[0]
        for code, words in source.codes.items():
            item = {"catalogue": source.catalogue, "code": code, "name": words}
            wire = COMPILED[other].write(BASE | {"item": item}, Notes())
            assert wire[path] == target.same_as.get(f"{source.catalogue}:{code}", target.other)


@pytest.mark.parametrize("name", LOADED)
@given(
    person=st.fixed_dictionaries({
        "name": st.text("张王李赵·陈𬱖abc", min_size=2, max_size=14), "phone_text": st.just("13900000001"),
        "phones": st.just(["13900000001"]), "confidential": st.booleans(),
    })
)  # fmt: skip
def test_persons_come_back_or_stay_hidden(name: str, person: dict[str, Any]) -> None:
    """An ordinary person is the same again; of a confidential one only the secrecy arrives."""
    back = trip(COMPILED[name], {"caller": person})["caller"]
    if person["confidential"]:
        assert back in ({"confidential": True}, {"anonymous": True})
    else:
        assert back == {k: v for k, v in person.items() if k != "confidential"}

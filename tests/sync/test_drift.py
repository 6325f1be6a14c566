"""A platform that changes without a word: told before anything breaks, for seven days or until the mapping says so."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from adapters.errors import ConfigError, Unavailable
from bridge.drift import Profile, changes, grown, load, look_at, profile_file, save, told
from bridge.ledger.tables import cursors
from bridge.mapping.files import LoadedMapping, load_mapping
from bridge.mapping.learning import learn
from bridge.sampling import sample
from tests.contract.stands import OFFICIALS, stand
from tests.sync.world import MAPPINGS, TRANSLATORS, World, world

DAY = date(2026, 11, 25)
GRID = TRANSLATORS["grid"]
BASE: dict[str, Any] = {
    "eventId": "DG1", "stage": "05", "updateTime": "2026-03-02 09:00:00", "title": "井盖缺失", "content": "井盖", "level": "1",
    "happenTime": "2026-03-02 09:00:00", "reporter": "张样例", "reporterTel": "13900000001", "lng": "119.5", "lat": "35.1",
    "extend": [{"key": "a", "value": "b"}], "processes": [{"seq": "1", "stage": "05", "time": "2026-03-02 09:00:00"}],
}  # fmt: skip


def days(*bodies: dict[str, Any], first: int = 30) -> Profile:
    """A first day of `first` plain records, then one day a body."""
    profile = grown(None, GRID.mapping, "v1", [BASE] * first, DAY)
    for at, body in enumerate(bodies, start=1):
        profile = grown(profile, GRID.mapping, "v1", [body], DAY + timedelta(days=at))
    return profile


def told_of(profile: Profile, after: int = 1, mapping: Any = GRID.mapping) -> list[tuple[str, str, str]]:
    return [(one.kind, one.path, one.now) for one in changes(profile, mapping, DAY + timedelta(days=after))]


@pytest.mark.parametrize(("body", "expected"), [
    ({}, []),
    ({"riskLevel": "R1"}, [("field", "riskLevel", "text")]),
    ({"geo": {"x": 1, "y": {"z": 2}}}, [("field", "geo", "object")]),
    ({"processes": [{"seq": "1", "stage": "05", "time": "2026-03-02 09:00:00", "device": "app"}]},
     [("field", "processes[].device", "text")]),
    ({"processes": [{"seq": "1", "stage": "05", "time": "2026-03-02 09:00:00", "device": {"kind": "app"}}]},
     [("field", "processes[].device", "object")]),
    ({"level": "7"}, [("code", "level", "7")]), ({"level": "2"}, []), ({"stage": "13"}, [("code", "stage", "13")]),
    ({"happenTime": "2026/3/2"}, [("form", "happenTime", "time 0000/0/0")]), ({"lng": "东"}, [("form", "lng", "text")]),
    ({"lng": 119.5}, []), ({"title": ["井盖"]}, [("form", "title", "list")]), ({"title": "2026-03-02"}, []),
    ({"content": {"html": "x"}}, [("form", "content", "object"), ("field", "content.html", "text")]),
    ({"address": "村北"}, []), ({"level": ""}, []), ({"level": None}, []),
])  # fmt: skip
def test_what_is_a_change(body: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    """New fields (a structure once), unlisted new codes, other forms of what is read by form. None: a listed code, a
    field that the mapping knew already, an emptied value, a title that looks like a date."""
    assert told_of(days(BASE | body)) == expected


def test_a_first_look_that_saw_nothing_is_none() -> None:
    """An empty platform: the first records are where comparing begins."""
    empty = grown(None, GRID.mapping, "v1", [], DAY)
    profile = grown(empty, GRID.mapping, "v1", [BASE | {"riskLevel": "R1", "level": "7"}], DAY + timedelta(days=1))
    assert told_of(profile) == []


def test_a_field_that_came_late_is_watched_too() -> None:
    """A field that the mapping knows, first seen yesterday, in another form today."""
    profile = days(BASE | {"reportTime": "2026-03-02 09:00:00"}, BASE | {"reportTime": "2026/3/2 9:00"})
    assert told_of(profile, after=2) == [("form", "reportTime", "time 0000/0/0 0:00")]


def test_an_odd_value_hides_no_code() -> None:
    """A sentence, or a number that may be a phone, in the place of a code is kept nowhere; codes beside it still count."""
    profile = days(BASE | {"level": "13900000001"}, BASE | {"level": "很" * 50}, BASE | {"level": "8"})
    assert told_of(profile, after=3) == [("code", "level", "8")]


def test_codes_of_a_field_without_a_rule() -> None:
    """After enough records of few codes another one is new; of a free text nothing is."""
    profile = grown(None, GRID.mapping, "v1", [BASE | {"source": f"S{n % 2}", "note": f"随记{n}"} for n in range(40)], DAY)
    profile = grown(profile, GRID.mapping, "v1", [BASE | {"source": "S9", "note": "S9"}], DAY + timedelta(days=1))
    assert told_of(profile) == [("code", "source", "S9")]


def test_told_for_seven_days_or_until_the_mapping_covers_it(tmp_path: Path) -> None:
    """The warning stays over looks that show nothing new; an overlay with the lines of `map learn` ends it."""
    profile = days(BASE | {"riskLevel": "R1", "level": "7", "happenTime": "2026/3/2"}, BASE, BASE)
    assert [kind for kind, *_ in told_of(profile, after=8)] == ["form", "code", "field"]
    assert told_of(profile, after=9) == []
    (tmp_path / "own.yaml").write_text(
        "mapping: own\nextends: grid\nignored: [riskLevel]\ntables: {level: {codes: {\"7\": ordinary}}}\n"
        "fields: {happened_at: {time: yyyy/M/d}}\n", encoding="utf-8")  # fmt: skip
    own: LoadedMapping = load_mapping("own", [tmp_path, MAPPINGS])
    assert [kind for kind, *_ in told_of(profile, after=3, mapping=own.mapping)] == ["form"]
    looked = grown(profile, own.mapping, own.version, [], DAY + timedelta(days=3))
    assert told_of(looked, after=3, mapping=own.mapping) == []


def test_the_file_holds_no_person(tmp_path: Path) -> None:
    """Paths, forms, codes and days; whole or not at all; for its owner only. What is no profile is told, with the
    remedy."""
    file = profile_file(tmp_path / "state", "grid")
    assert load(file) is None
    profile = days(BASE | {"note": "李样例 13900000002"})
    save(file, profile)
    text = file.read_text(encoding="utf-8")
    assert load(file) == profile and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not [word for word in ("样例", "1390000", "井盖", "村北") if word in text]
    for broken in ("", "{", "[]", json.dumps({"format": 9, "fields": {}}), text.replace('"since"', '"snice"')):
        file.write_text(broken, encoding="utf-8")
        with pytest.raises(ConfigError, match=r"grid\.profile\.json.*→ 删除该文件"):
            load(file)


@pytest.fixture
def both(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as one:
        yield one


def test_looks_at_a_running_platform(both: World, tmp_path: Path) -> None:
    """Begun, nothing new, a new code: each look reads on from the one before, and the bridge polls what it would have
    polled. A platform that is away costs its own look, and what was remembered stays."""
    both.grid_call()
    assert (look_at(both.bridge, "grid", tmp_path).first, look_at(both.bridge, "grid", tmp_path).changes) == (True, ())
    number = both.grid_call()
    both.at("grid", "raw", {"eventId": number, "level": "9"})
    seen = look_at(both.bridge, "grid", tmp_path)
    assert not seen.first and [(one.kind, one.path, one.now) for one in seen.changes] == [("code", "level", "9")]
    assert "level = 9" in told(seen)
    held = profile_file(tmp_path, "grid").read_bytes()
    both.fault("grid", kind="down", times=50)
    with pytest.raises(Unavailable):
        look_at(both.bridge, "grid", tmp_path)
    assert profile_file(tmp_path, "grid").read_bytes() == held
    assert look_at(both.bridge, "government", tmp_path).first


def test_what_is_far_behind_is_passed_over(both: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than one look holds: the next one goes on where the bridge reads, not years back."""
    for _ in range(4):
        both.grid_call()
    both.poll("grid")
    monkeypatch.setattr("bridge.drift.RECORDS", 2)
    assert look_at(both.bridge, "grid", tmp_path).read == 2
    held = load(profile_file(tmp_path, "grid"))
    with both.bridge.ledger.begin() as tx:
        present = tx.execute(select(cursors.c.cursor).where(cursors.c.platform == "grid")).scalar()
    assert held is not None and held.cursor == present


SHIPPED = sorted(slug for slug in OFFICIALS if (MAPPINGS / f"{slug}.yaml").exists())
KEPT = {"open311": {"address_id", "agency_responsible", "service_notice", "zipcode"}}
"""GeoReport fields that no canonical field is for: they stay in the extras, and `map learn` says so."""


@pytest.mark.parametrize("slug", SHIPPED)
def test_what_every_platform_shows_is_covered(slug: str, tmp_path: Path) -> None:
    """Whatever adapter and mapping are shipped: live records teach nothing new, and a second look finds no change."""
    mapping = load_mapping(slug, [MAPPINGS]).mapping
    with stand(slug, tmp_path) as one:
        first, *_ = one.people_create(count=3)
        begun = sample(one.adapter(), None, 300)
        profile = grown(None, mapping, "v1", begun.bodies, DAY)
        one.people_touch(first)
        again = sample(one.adapter(), begun.cursor, 300)
    assert len(begun.bodies) == 3 and begun.whole and again.bodies and not begun.damaged
    found = [one for one in learn(mapping, begun.bodies + again.bodies) if one.kind != "unseen"]
    assert [(one.kind, one.path) for one in found if one.path not in KEPT.get(slug, ())] == []
    later = DAY + timedelta(days=1)
    assert list(changes(grown(profile, mapping, "v1", again.bodies, later), mapping, later)) == []

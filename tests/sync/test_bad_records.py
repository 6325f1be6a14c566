"""Records as no interface document has them: every one ends in the ledger or as a dead letter, none costs another (G1,
G13), and what a person mends goes on."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from adapters.errors import BrokenReply
from bridge import dead
from bridge.bridged import Bridge
from bridge.ledger.history import actions_of
from bridge.ledger.tables import calls, history, raw_records
from bridge.mapping.files import load_mapping
from schemas.lifecycle import Stage, fold
from tests.sync.worker import Workers
from tests.sync.world import MAPPINGS, World
from tests.sync.world import world as a_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path) as made:
        yield made


def damaged(world: World, slug: str, fields: dict[str, Any], remove: tuple[str, ...] = ()) -> str:
    """A call whose answers carry these values instead of its own, and a sound neighbour before and behind it."""
    make = world.grid_call if slug == "grid" else world.government_call
    make(title="邻居一")
    number = make(title="损坏")
    make(title="邻居二")
    if slug == "grid":
        world.at("grid", "settings", {"damage": {number: {**fields, **dict.fromkeys(remove)}}})
    else:
        world.at("government", "damage", {"callNo": number, "set": fields, "remove": list(remove)})
    return number


def overlaid(world: World, slug: str, folder: Path, text: str) -> Bridge:
    """The bridge with that platform's mapping mended by an overlay."""
    (folder / f"{slug}_mended.yaml").write_text(f"mapping: {slug}_mended\nextends: {slug}\n{text}", encoding="utf-8")
    mended = load_mapping(f"{slug}_mended", (folder, MAPPINGS)).translator
    platform = replace(world.bridge.platforms[slug], translator=mended)
    return replace(world.bridge, platforms={**world.bridge.platforms, slug: platform})


@pytest.mark.parametrize(
    ("slug", "fields", "near", "mended"),
    [("grid", {"stage": "99"}, "91", 'stages:\n  "99": ACCEPTED\nworkflow:\n  "99": {}\n'),
     ("government", {"status": "ACCEPT"}, "ACCEPTED", "stages:\n  ACCEPT: ACCEPTED\nworkflow:\n  ACCEPT: {}\n")],
)  # fmt: skip
def test_an_unknown_stage(slug: str, fields: dict[str, Any], near: str, mended: str, world: World, tmp_path: Path) -> None:
    """A dead letter that names what was found, what is near and the key to mend; its neighbours go on; polled again it
    is the same one letter; mended by an overlay and retried it is in the ledger."""
    number = damaged(world, slug, fields)
    counts = world.poll(slug)
    assert (counts.applied, counts.dead) == (2, 1)
    world.poll(slug)
    (letter,) = world.dead()
    assert letter.native_id == number and next(iter(fields.values())) in letter.what and near in letter.what
    assert letter.key.startswith(f"mappings/{slug}.yaml: stages") and letter.remedy
    assert "仍无法处理" in dead.retry(world.bridge, letter.id)
    assert [one.id for one in world.dead()] == [letter.id]
    assert "已处理" in dead.retry(overlaid(world, slug, tmp_path, mended), letter.id)
    assert world.dead() == []
    with world.bridge.ledger.begin() as tx:
        (call,) = tx.execute(select(calls).where(calls.c.origin_id == number))
        assert call.fields["title"] == "损坏"
    with pytest.raises(dead.NotPossible):
        dead.retry(world.bridge, letter.id)


@pytest.mark.parametrize(("slug", "field"), [("grid", "eventId"), ("government", "callNo")])
def test_a_record_without_its_id(slug: str, field: str, world: World) -> None:
    """One dead letter, however often it is shown; the bytes are kept; its neighbours go on."""
    damaged(world, slug, {}, (field,))
    counts = world.poll(slug)
    assert (counts.applied, counts.dead) == (2, 1)
    assert world.poll(slug).dead == 0
    (letter,) = world.dead()
    with world.bridge.ledger.begin() as tx:
        raw = tx.execute(select(raw_records.c.raw).where(raw_records.c.id == letter.raw)).scalar_one()
    assert "损坏".encode() in raw or b"\\u635f" in raw
    with pytest.raises(dead.NotPossible):
        dead.retry(world.bridge, letter.id)
    dead.drop(world.bridge, letter.id, "平台已删除")
    assert world.poll(slug).dead == 0 and world.dead() == []


def test_three_megabytes_of_description(world: World, tmp_path: Path) -> None:
    """G13: within 5 s and 256 MB the record is in the ledger or a dead letter, and its neighbours too."""
    damaged(world, "government", {"content": "污" * 1_000_000 + "x" * 2_000_000})
    urls = {"grid": world.grid.url, "government": world.government.url}
    with Workers() as workers:
        ended = workers.run(tmp_path, urls, world.ahead[0], "poll", "government")
    assert ended.state == "done" and ended.counts["applied"] + ended.counts["dead"] == 3
    assert ended.grown < 256_000_000 and ended.took < 5, ended
    world.quiet()
    assert {e["title"] for e in world.grid_events()} >= {"邻居一", "邻居二"}


@pytest.mark.parametrize(
    ("slug", "fields"),
    [("grid", {"happenTime": "0000-00-00 00:00:00"}), ("grid", {"reportTime": "0000-00-00 00:00:00"}),
     ("grid", {"limitTime": "2026-00-00"}), ("grid", {"updateTime": "0000-00-00 00:00:00"}),
     ("government", {"createTime": 0}), ("government", {"limitTime": -1}), ("government", {"updateTime": 0}),
     ("government", {"limitTime": "0000-00-00 00:00:00"})],
    ids=lambda value: str(value),
)  # fmt: skip
def test_dates_that_are_none(slug: str, fields: dict[str, Any], world: World) -> None:
    """A zero or partial date is absent, a wrong one an anomaly or a dead letter; nothing in 1970, nothing lost."""
    number = damaged(world, slug, fields)
    counts = world.poll(slug)
    assert counts.applied + counts.dead == 3 and counts.applied >= 2, counts
    with world.bridge.ledger.begin() as tx:
        found = tx.execute(select(calls).where(calls.c.origin_id == number)).first()
        if found is not None:
            assert "1970" not in str(found.fields) and "0000-00" not in str(found.fields), found.fields
            assert all(action.at.year >= 2026 for action in actions_of(tx, found.id))
    assert (found is None) == (counts.dead == 1)
    world.quiet()


@pytest.mark.parametrize(
    "fields", [{"lng": "2.352222", "lat": "48.856613"}, {"lng": "0", "lat": "0"}, {"lng": "nan", "lat": "inf"},
               {"lng": "35.1", "lat": "119.3"}, {"lng": "-119.3", "lat": "35.1"}, {"lng": "东经", "lat": "北纬"}],
    ids=lambda value: value["lng"],
)  # fmt: skip
def test_coordinates_elsewhere(fields: dict[str, Any], world: World) -> None:
    """A place that cannot be: the call goes on without a point, what was given is on record, nothing wrong is sent."""
    number = damaged(world, "grid", fields)
    world.quiet()
    (copy,) = [c for c in world.government_calls() if c["title"] == "损坏"]
    assert (copy["lng"], copy["lat"]) == (None, None)
    with world.bridge.ledger.begin() as tx:
        call = tx.execute(select(calls).where(calls.c.origin_id == number)).one()
        notes = tx.execute(select(history.c.body).where(history.c.call == call.id, history.c.kind == "note")).scalars().all()
    assert "lng" in str(call.fields) + str(notes) or fields["lng"] in str(call.fields) + str(notes), (call.fields, notes)


@pytest.mark.parametrize("slug", ["grid", "government"])
def test_control_characters(slug: str, world: World) -> None:
    """C47: what was pasted from a word processor costs nobody else anything; outbound it is taken out and said."""
    if slug == "grid":
        damaged(world, "grid", {"title": "损坏\x0b&#x1B;"})
        counts = world.poll("grid")
        assert counts.applied == 2 and counts.dead == 1
        (letter,) = world.dead()
        assert "title" in letter.what and "U+000B" in letter.what
        return
    damaged(world, "government", {"content": "第一行\x0b第二行\x1f\x00"})
    world.quiet()
    (copy,) = [e for e in world.grid_events() if e["title"] == "损坏"]
    assert copy["content"] == "第一行第二行"


def test_bytes_that_are_no_utf8(world: World) -> None:
    """GBK text inside a page that says UTF-8: that record is a dead letter, no byte of it is guessed at; its neighbours
    come in. Mended on the platform it comes in too."""
    number = damaged(world, "grid", {"title": {"base64": base64.b64encode("倾倒".encode("gbk")).decode()}})
    assert world.poll("grid").applied == 2
    (letter,) = world.dead()
    assert letter.native_id == number and "UTF-8" in letter.what and "title" in letter.what
    world.at("grid", "settings", {"damage": {}})
    dead.retry(world.bridge, letter.id)
    assert len(world.stages()) == 3 and world.dead() == []


def test_a_page_in_another_charset(world: World) -> None:
    """A whole page in GBK is nobody's damage but a broken reply: kept once, the cursor stays, the next poll is fine."""
    page = ("<?xml version='1.0' encoding='UTF-8'?><a>" + "倾倒污水" * 500 + "</a>").encode("gbk")
    world.grid_call()
    for _ in range(2):
        world.fault("grid", kind="wrong", operation="queryEvents", status=200, content_type="text/xml;charset=UTF-8",
                    body_base64=base64.b64encode(page).decode())  # fmt: skip
        with pytest.raises(BrokenReply):
            world.poll("grid")
    assert world.stages() == {} and len(world.dead()) == 1
    assert world.poll("grid").applied == 1


def test_dropped_and_changed_again(world: World) -> None:
    """A dropped record that becomes sound later is taken up: dropping gives up a state, not the record."""
    number = damaged(world, "grid", {"stage": "77"})
    world.poll("grid")
    (letter,) = world.dead()
    with pytest.raises(dead.NotPossible):
        dead.drop(world.bridge, letter.id, "  ")
    dead.drop(world.bridge, letter.id, "平台录入错误")
    with pytest.raises(dead.NotPossible):
        dead.drop(world.bridge, letter.id, "再次")
    world.at("grid", "settings", {"damage": {}})
    world.at("grid", "officials/move", {"eventId": number, "stage": "06", "operator": "王测试", "dept": "DG001", "opinion": "受理"})
    world.quiet()
    assert world.dead() == []
    with world.bridge.ledger.begin() as tx:
        call = tx.execute(select(calls).where(calls.c.origin_id == number)).one()
        assert fold(actions_of(tx, call.id)).stage == Stage.ACCEPTED
    with pytest.raises(dead.NotPossible):
        dead.retry(world.bridge, 999)

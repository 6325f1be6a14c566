"""What a platform's list never tells: changed without a word, shown too late, removed. Found once a day, told, never acted
on by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from adapters.errors import Unavailable
from adapters.port import Cursor
from bridge.inbound import PollCounts, take
from bridge.ledger.history import actions_of
from bridge.ledger.tables import calls, cursors, links, outbox
from bridge.overview import GONE, lines, statuses
from bridge.reconcile import Reconciled, reconcile, summary, told
from tests.sync.test_enforcement import There
from tests.sync.test_enforcement import there as there  # the fixture
from tests.sync.world import World
from tests.sync.world import world as a_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path) as made:
        yield made


def compared(found: Reconciled) -> tuple[int, int, int]:
    return found.healed, found.dead, len(found.gone)


def position(world: World, slug: str) -> str:
    with world.bridge.ledger.begin() as tx:
        return str(tx.execute(select(cursors.c.cursor).where(cursors.c.platform == slug)).scalar_one())


def came_in(world: World, slug: str) -> int:
    """Records applied, by the account of pages (G1)."""
    with world.bridge.ledger.begin() as tx:
        return next(one.came_in for one in statuses(tx, world.bridge) if one.slug == slug)


def test_nothing_to_do(world: World) -> None:
    """Where all is well nothing is healed, told, written or moved, however often it runs."""
    numbers = [world.government_call(title=f"破损{n}") for n in range(3)]
    world.grid_call()
    world.quiet()
    world.act(numbers[0], "ACCEPT")
    world.quiet()
    before = position(world, "grid"), position(world, "government")
    for slug in ("grid", "government", "grid"):
        found = reconcile(world.bridge, slug)
        assert compared(found) == (0, 0, 0) and found.unasked == "" and found.differing == found.left == 0
    assert (position(world, "grid"), position(world, "government")) == before
    assert world.round() == 0 and world.waiting() == []


@pytest.mark.parametrize("slug", ["grid", "government"])
def test_changed_without_a_word(world: World, slug: str) -> None:
    """k of n records change and their times do not: reading sees nothing, reconcile exactly k, and the other platform is
    told."""
    made = [world.grid_call() if slug == "grid" else world.government_call() for _ in range(5)]
    world.quiet()
    world.pass_time(7200)
    made.append(world.grid_call() if slug == "grid" else world.government_call())  # reading is far beyond the others now
    world.quiet()
    changed = made[1:4]
    for number in changed:
        if slug == "grid":
            world.at("grid", "raw", {"eventId": number, "address": "悄悄改的地址"})
        else:
            world.at("government", "damage", {"callNo": number, "set": {"address": "悄悄改的地址"}})
    assert world.poll(slug).applied == 0
    came = came_in(world, slug)
    found = reconcile(world.bridge, slug)
    assert compared(found) == (len(changed), 0, 0) and came_in(world, slug) == came + len(changed)
    assert compared(reconcile(world.bridge, slug)) == (0, 0, 0)
    world.quiet()
    others = world.government_calls() if slug == "grid" else world.grid_events()
    assert sum("悄悄改的地址" in str(one) for one in others) == len(changed)


def test_missed_by_the_list(world: World) -> None:
    """Records before the position of reading that were never kept are read, routed and told; the position stays."""
    missed = [world.grid_call(title=f"漏掉{n}") for n in range(2)]
    world.pass_time(7200)
    seen = world.grid_call(title="读到")
    *_, last = world.bridge.platforms["grid"].adapter().pull(None)
    with world.bridge.ledger.begin() as tx:
        tx.execute(cursors.insert().values(platform="grid", cursor=last.cursor, updated_at=0))
    world.quiet()
    assert len(world.government_calls()) == 1
    before = position(world, "grid")
    assert compared(reconcile(world.bridge, "grid")) == (len(missed), 0, 0) and position(world, "grid") == before
    world.quiet()
    assert sorted(one["title"] for one in world.government_calls()) == sorted([*(f"漏掉{n}" for n in range(2)), "读到"])
    assert world.event(seen)["stage"] == "05"


def test_a_record_that_is_gone(there: There) -> None:
    """C08: reading went on over a void cursor; the removed case is told, on every day of a week, and shown for ever; its
    call is cancelled nowhere, and nothing is written."""
    own = [there.case(f"第{n}件") for n in range(3)]
    there.pair.quiet()
    there.act(own[0], "accept")
    there.at("officials/remove", {"id": own[1]})
    there.at("compact")
    there.pair.quiet()
    for _ in (1, 2):
        found = reconcile(there.pair.bridge, "enforcement")
        assert [one.native_id for one in found.gone] == [own[1]] and found.healed == 0
        assert own[1] in told(found) and summary(found)["gone"] == 1
        there.pair.time.sleep(86_400)
    assert [one["stage"] for one in there.pair.events() if one["title"] == "第1件"] == ["05"]
    there.pair.quiet()
    assert sorted(one["stage"] for one in there.pair.events()) == ["05", "05", "06"] and there.pair.dead() == []
    with there.pair.bridge.ledger.begin() as tx:
        (key,) = tx.execute(select(links.c.call).where(links.c.native_id == own[1])).scalars()
        (line,) = lines(tx, there.pair.bridge, [key])
        shown = {one.platform: one.difference for one in line.platforms}
        assert GONE in shown["enforcement"] and shown["grid"] == ""
        assert str(tx.execute(select(calls.c.stage).where(calls.c.id == key)).scalar_one()) == "CALLED"
    there.pair.time.sleep(7 * 86_400)
    assert reconcile(there.pair.bridge, "enforcement").gone == ()


def test_a_record_that_is_back(world: World) -> None:
    """What is shown again, unchanged or not, is gone no longer."""
    for _ in range(2):
        world.government_call()
    world.quiet()
    with world.bridge.ledger.begin() as tx:
        tx.execute(update(links).where(links.c.platform == "government").values(gone_at=1))
    assert reconcile(world.bridge, "government").gone == ()
    with world.bridge.ledger.begin() as tx:
        assert set(tx.execute(select(links.c.gone_at).where(links.c.platform == "government")).scalars()) == {None}


def test_not_all_on_one_day(there: There) -> None:
    """Beyond the most of one run, those go first that waited longest: every one has its turn."""
    own = [there.case(f"第{n}件") for n in range(5)]
    there.pair.quiet()
    for one in own:
        there.at("officials/remove", {"id": one})
    told_of = [(found.asked, found.left, len(found.gone)) for found in
               (reconcile(there.pair.bridge, "enforcement", most=2) for _ in range(3))]  # fmt: skip
    assert told_of == [(2, 3, 2), (2, 3, 4), (2, 3, 5)]


def test_a_platform_that_is_away(world: World) -> None:
    """Told as its trouble, and nothing counts as gone."""
    world.government_call()
    world.quiet()
    world.fault("government", kind="refuse", status=502, times=0)
    with pytest.raises(Unavailable):
        reconcile(world.bridge, "government")
    world.at("government", "faults", method="DELETE")
    assert reconcile(world.bridge, "government").gone == ()


def test_an_older_reading_turns_nothing_back(world: World) -> None:
    """A page that was on its way while another run kept a later state: read again, the later one stays, and nobody is told
    of an edit that nobody made."""
    number = world.government_call(address="老地址")
    world.quiet()
    platform = world.bridge.platforms["government"]
    world.pass_time(60)
    pages = list(platform.adapter().pull(None))
    whole = [platform.adapter().fetch(number)]
    world.pass_time(60)
    world.at("government", "clerks/edit", {"callNo": number, "set": {"address": "新地址"}})
    world.poll("government")
    for page in pages:
        old = type(page)(tuple(one for one in whole if one), Cursor(page.cursor), page.platform_time)
        take(world.bridge, platform, old, PollCounts(), move=False)
    with world.bridge.ledger.begin() as tx:
        (row,) = tx.execute(select(calls)).all()
        assert row.fields["place.address"] == "新地址"
        edits: list[Any] = [one.body["fields"] for one in tx.execute(select(outbox).where(outbox.c.kind == "edit"))]
        assert len(edits) == 1 and len(actions_of(tx, row.id)) == 1

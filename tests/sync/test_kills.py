"""G7: SIGKILL at any instant, a zombie beside its successor. The judge is what the platforms hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bridge.inbound import poll
from bridge.ledger.ledger import Ledger
from bridge.ledger.tables import calls, pages
from tests.sync.story import Story
from tests.sync.worker import Ended, Workers
from tests.sync.world import World, bridge_at
from tests.sync.world import world as a_world

MOMENTS = ("before commit", "before claim", "after claim", "before attempt", "after attempt", "before create", "after create",
           "before update", "after update", "before outcome", "after outcome", "after finish")  # fmt: skip
"""Of `after commit` and `before commit` one is enough: what lies between a commit and the next is a moment by itself."""


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers() as started:
        yield started


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path) as made:
        yield made


def urls(world: World) -> dict[str, str]:
    return {"grid": world.grid.url, "government": world.government.url}


def run(workers: Workers, world: World, folder: Path, job: str, slug: str, **more: Any) -> Ended:
    return workers.run(folder, urls(world), world.ahead[0], job, slug, **more)


@pytest.mark.parametrize("target", ["government", "grid"])
def test_killed_while_telling(target: str, world: World, workers: Workers, tmp_path: Path) -> None:
    """Whatever instant a worker is killed at while it creates a call and tells two actions: one copy, each action once
    and in order, the origin told the number once, and it gets there by itself."""
    story = Story(world, target)
    story.happens("无事")
    whole = run(workers, world, tmp_path, "push", target)
    assert whole.state == "done" and story.told("无事") == [story.right]
    points = [(moment, time) for moment in MOMENTS for time in range(1, whole.reached.get(moment, 0) + 1)]
    assert len(points) > 30
    for moment, time in points:
        story.happens(f"{moment} {time}")
        assert run(workers, world, tmp_path, "push", target, moment=moment, time=time).state == "killed", (moment, time)
    world.pass_time(121)
    world.quiet(30)
    for moment, time in points:
        title = f"{moment} {time}"
        assert story.told(title) == [story.right], title
        assert story.numbers_told(title) == 1, title
    assert world.dead() == []
    world.assert_agreement()
    world.assert_chains()


CARRYING = ("before attempt", "after attempt", "before read_file", "after read_file", "before write_file", "after write_file",
            "before outcome", "after outcome", "after finish")  # fmt: skip


@pytest.mark.parametrize("target", ["government", "grid"])
def test_killed_while_carrying_a_file(target: str, world: World, workers: Workers, tmp_path: Path) -> None:
    """Whatever instant a worker is killed at while it carries two files: each stands on both platforms once."""
    origin = "grid" if target == "government" else "government"

    def happens(title: str) -> str:
        number = (world.grid_call if origin == "grid" else world.government_call)(title=title)
        assert world.attach(origin, number, "一.jpg", b"\xff\xd8\xff1" + title.encode())
        assert world.attach(origin, number, "二.jpg", b"\xff\xd8\xff2" + title.encode())
        world.poll(origin)
        return number

    happens("无事")
    whole = run(workers, world, tmp_path, "push", target)
    points = [(moment, time) for moment in CARRYING for time in range(1, whole.reached.get(moment, 0) + 1)]
    assert whole.state == "done" and len(points) > 20
    for moment, time in points:
        happens(f"{moment} {time}")
        assert run(workers, world, tmp_path, "push", target, moment=moment, time=time).state == "killed", (moment, time)
    world.pass_time(121)
    world.quiet(30)
    held = {call["title"]: [one["name"] for one in call["files"]] for call in world.government_calls()}
    shown = {event["title"]: [one["name"] for one in event["attachments"]] for event in world.grid_events()}
    for title in ("无事", *(f"{moment} {time}" for moment, time in points)):
        assert sorted(held[title]) == sorted(shown[title]) == ["一.jpg", "二.jpg"], title
    assert world.dead() == []


@pytest.mark.parametrize("target", ["government", "grid"])
def test_a_zombie_beside_its_successor(target: str, world: World, workers: Workers, tmp_path: Path) -> None:
    """A worker that stood still after any commit until another one had done its work sends nothing when it wakes, and
    what it believes changes nothing."""
    story = Story(world, target)
    story.happens("无事")
    whole = run(workers, world, tmp_path, "push", target)
    for time in range(1, whole.reached["after commit"] + 1):
        title = f"僵尸{time}"
        story.happens(title)
        zombie = run(workers, world, tmp_path, "push", target, moment="after commit", time=time, stop=True)
        assert zombie.state == "stopped"
        world.pass_time(200)
        world.quiet(20)
        assert story.told(title) == [story.right], title
        before = len(world.grid.log), len(world.government.log)
        woken = workers.go_on(tmp_path, world.ahead[0], zombie.pid)
        assert (woken.state, woken.error) in (("done", ""),), (title, woken)
        writes = [one["operation"] for log, seen in zip((world.grid.log, world.government.log), before, strict=True)
                  for one in log[seen:] if one["operation"] in ("reportEvent", "updateEvent", "createCall", "postAction")]  # fmt: skip
        assert writes == [], title
        world.quiet()
        assert story.told(title) == [story.right], title
    assert world.dead() == []
    world.assert_agreement()


@pytest.mark.parametrize("target", ["government", "grid"])
def test_a_receipt_that_comes_too_late(target: str, world: World, workers: Workers, tmp_path: Path) -> None:
    """A worker that stood still on its way back from the platform, until its successor had found out what became of the
    write: its receipt changes nothing, nothing is sent twice, and the call goes on to its end."""
    story = Story(world, target)
    for operation, time in (("create", 1), ("update", 1), ("update", 2)):
        title = f"{operation}{time}"
        story.happens(title)
        zombie = run(workers, world, tmp_path, "push", target, moment=f"after {operation}", time=time, stop=True)
        assert zombie.state == "stopped"
        world.pass_time(200)
        world.quiet(20)
        workers.go_on(tmp_path, world.ahead[0], zombie.pid)
        world.quiet()
        assert story.told(title) == [story.right], title
        assert story.numbers_told(title) == 1
    assert world.dead() == []
    world.assert_agreement()


def test_killed_while_reading_a_second_of_450(world: World, workers: Workers, tmp_path: Path) -> None:
    """C04: 450 events in one second, killed at each commit of the poll: all 450 in the ledger, each once."""
    world.at("grid", "officials/create", {"stage": "05", "title": "同一秒", "content": "c", "eventType": "03",
                                          "townCode": "371102110", "caller": "李样例", "count": 450})  # fmt: skip
    first = _fresh(tmp_path, "whole")
    whole = run(workers, world, tmp_path, "poll", "grid", ledger=first)
    assert whole.counts["applied"] == 450 and whole.counts["pages"] >= 3
    for time in range(1, whole.reached["before commit"] + 1, 2):  # every other one only looks up what is known already
        name = _fresh(tmp_path, f"kill{time}")
        assert run(workers, world, tmp_path, "poll", "grid", ledger=name, moment="before commit", time=time).state == "killed"
        ledger = Ledger(f"sqlite:///{tmp_path / name}")
        try:
            poll(bridge_at(tmp_path, urls(world), world.bridge.now, ledger=ledger), "grid")
            with ledger.begin() as tx:
                assert tx.execute(select(func.count()).select_from(calls)).scalar_one() == 450, time
                assert tx.execute(select(func.sum(pages.c.applied))).scalar_one() == 450, time
        finally:
            ledger.close()


def _fresh(folder: Path, name: str) -> str:
    ledger = Ledger(f"sqlite:///{folder / name}.sqlite")
    ledger.migrate()
    ledger.close()
    return f"{name}.sqlite"

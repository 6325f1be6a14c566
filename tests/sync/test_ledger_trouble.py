"""The ledger cannot be used: said in words, nothing goes out (G11), and all goes on afterwards."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from bridge.inbound import poll
from bridge.ledger.ledger import Ledger, LedgerError
from bridge.outbound import push
from tests.sync.story import Story
from tests.sync.world import World
from tests.sync.world import world as a_world

WRITES = ("reportEvent", "updateEvent", "createCall", "postAction")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path, wait_seconds=0.2) as made:
        yield made


def writes(world: World) -> int:
    return sum(one["operation"] in WRITES for log in (world.grid.log, world.government.log) for one in log)


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Another process's transaction that does not end."""
    other = sqlite3.connect(folder / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def refused(run: Callable[[], object], words: str) -> None:
    with pytest.raises(LedgerError) as caught:
        run()
    assert words in str(caught.value) and "→" in str(caught.value)


@pytest.mark.parametrize("target", ["grid", "government"])
def test_locked(target: str, world: World, tmp_path: Path) -> None:
    """Another process holds the ledger: neither poll nor push does anything; once it lets go, all is told."""
    story = Story(world, target)
    story.happens("占用")
    with held(tmp_path):
        for slug in ("grid", "government"):
            refused(lambda slug=slug: world.poll(slug), "占用")  # type: ignore[misc]
            refused(lambda slug=slug: world.push(slug), "占用")  # type: ignore[misc]
    assert writes(world) == 0
    world.quiet()
    assert story.told("占用") == [story.right]


@pytest.mark.parametrize("target", ["grid", "government"])
def test_locked_while_the_platform_answers(target: str, world: World, tmp_path: Path) -> None:
    """The ledger is taken while a record is being created: the receipt cannot be kept, that is said, and the record is
    found later instead of made again."""
    story, operation = Story(world, target), {"grid": "reportEvent", "government": "createCall"}[target]
    story.happens("半途")
    world.fault(target, kind="late", operation=operation, seconds=1.5)
    sent, free = threading.Event(), threading.Event()

    def other() -> None:
        server = world.grid if target == "grid" else world.government
        while not any(one["operation"] == operation for one in server.log):
            if free.wait(0.01):
                return
        with held(tmp_path):
            sent.set()
            free.wait(20)

    holder = threading.Thread(target=other)
    holder.start()
    try:
        refused(lambda: world.push(target), "占用")
    finally:
        free.set()
        holder.join()
    assert sent.is_set() and len(story.told("半途")) == 1
    world.quiet()
    assert story.told("半途") == [story.right]
    assert story.numbers_told("半途") == 1


@pytest.mark.parametrize("target", ["grid", "government"])
def test_read_only(target: str, world: World, tmp_path: Path) -> None:
    """A ledger that may only be read: said, nothing is sent."""
    story = Story(world, target)
    story.happens("只读")
    ledger = Ledger(f"sqlite:///file:{tmp_path / 'ledger.sqlite'}?mode=ro&uri=true", wait_seconds=0.2)
    bridge = replace(world.bridge, ledger=ledger)
    refused(lambda: push(bridge, target), "只读")
    refused(lambda: poll(bridge, story.origin), "只读")
    ledger.close()
    assert writes(world) == 0
    world.quiet()
    assert story.told("只读") == [story.right]


@pytest.mark.parametrize("target", ["grid", "government"])
def test_disk_full(target: str, world: World) -> None:
    """No page can be added any more: what cannot be written whole is not written at all, nothing goes out without its
    attempt; once there is room everything is told, once."""
    story = Story(world, target)
    story.happens("之前")
    engine, most = world.bridge.ledger.engine, [0]

    def limit(connection: sqlite3.Connection, _: object) -> None:
        if most[0]:
            connection.execute(f"PRAGMA max_page_count={most[0]}")

    event.listen(engine, "connect", limit)
    with world.bridge.ledger.begin() as tx:
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
    failed = 0
    for room in range(0, 12, 2):
        most[0] = pages + room
        engine.dispose()
        for number in range(3):  # something new to read each time
            title = f"满{room}-{number}"
            make = world.grid_call if story.origin == "grid" else world.government_call
            make(title=title, **({"content": "长" * 2000} if number else {}))
        for run in (lambda: world.poll(story.origin), lambda: world.push(target)):
            before = len(story.told("之前"))
            try:
                run()
            except LedgerError as error:
                failed += 1
                assert "磁盘已满" in str(error) and "→" in str(error)
            assert len(story.told("之前")) >= before
    assert failed > 0
    most[0] = 0
    engine.dispose()
    world.quiet(30)
    assert story.told("之前") == [story.right]
    for copies in world.copies().values():
        assert len(copies) == 1
    assert len(world.copies()) == 19
    world.assert_agreement()
    world.assert_chains()

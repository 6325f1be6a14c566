"""A platform is away, or answers rubbish: the other one goes on, nothing is lost, the bytes are kept (G1, G8)."""

from __future__ import annotations

import base64
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from adapters.errors import BrokenReply, Unavailable
from bridge import dead
from bridge.bridged import Bridge
from bridge.inbound import poll
from bridge.ledger.tables import cursors, platforms, raw_records
from bridge.outbound import push
from tests.sync.story import Story
from tests.sync.world import World, bridge_at
from tests.sync.world import world as a_world

OTHER = {"grid": "government", "government": "grid"}
LIST = {"grid": "queryEvents", "government": "listCalls"}
SMALL = {"page_size": 2}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path, grid_settings=SMALL, government_settings=SMALL) as made:
        yield made


def cursor(world: World, slug: str) -> str | None:
    with world.bridge.ledger.begin() as tx:
        return tx.execute(select(cursors.c.cursor).where(cursors.c.platform == slug)).scalar()


def home(world: World, slug: str, title: str) -> str:
    """A call that goes nowhere."""
    return world.grid_call(town="371102110", title=title) if slug == "grid" \
        else world.government_call(town="371103103", title=title)  # fmt: skip


@contextlib.contextmanager
def cut_off(world: World, slug: str, folder: Path) -> Iterator[Bridge]:
    """The same bridge, but nobody listens where the platform should be."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        urls = {"grid": world.grid.url, "government": world.government.url, slug: f"http://127.0.0.1:{taken.getsockname()[1]}"}
        yield bridge_at(folder, urls, world.bridge.now, ledger=world.bridge.ledger)


@pytest.mark.parametrize("away", ["grid", "government"])
def test_down_at_the_start(away: str, world: World, tmp_path: Path) -> None:
    """G8: one platform is away from the beginning: the other is read and told all the same, and once it is back it
    learns everything, once."""
    there = OTHER[away]
    to_away, to_there = Story(world, away), Story(world, there)
    to_there.happens("断线之前")
    with cut_off(world, away, tmp_path) as bridge:
        to_away.happens("断线之后")
        for run in (poll, push):
            with pytest.raises(Unavailable) as caught:
                run(bridge, away)
            assert caught.value.remedy
        push(bridge, there)
        assert to_there.told("断线之前") == [to_there.right]
        assert "无法连接" in push(bridge, away).blocked  # left alone for a while, and says why
        with bridge.ledger.begin() as tx:
            trouble = {row.platform: row.trouble for row in tx.execute(select(platforms))}
        assert "无法连接" in trouble[away] and trouble[there] == ""
    assert to_away.told("断线之后") == []
    world.quiet(20)
    assert to_away.told("断线之后") == [to_away.right]
    world.assert_agreement()
    assert world.dead() == []


@pytest.mark.parametrize("slug", ["grid", "government"])
def test_down_in_the_middle_of_a_poll(slug: str, world: World) -> None:
    """What was read before the line broke is kept; the rest comes with the next poll; each record once."""
    for number in range(7):
        home(world, slug, f"第{number}件")
        world.pass_time(2)
    world.fault(slug, kind="down", operation=LIST[slug], skip=2, times=6)
    with pytest.raises(Unavailable):
        world.poll(slug)
    kept = len(world.stages())
    assert 0 < kept < 7
    world.at(slug, "faults", method="DELETE")
    assert world.poll(slug).applied == 7 - kept
    assert len(world.stages()) == 7


@pytest.mark.parametrize("target", ["grid", "government"])
def test_down_during_a_push(target: str, world: World) -> None:
    """The platform goes away between two records: what was told stays told, the rest follows, nothing twice."""
    story = Story(world, target)
    for number in range(3):
        story.happens(f"第{number}件")
    world.fault(target, kind="down", skip=4, times=20)
    for _ in range(2):
        world.round()
    world.at(target, "faults", method="DELETE")
    world.quiet(30)
    for number in range(3):
        assert story.told(f"第{number}件") == [story.right]
    assert world.dead() == []
    world.assert_agreement()


def _broken(slug: str) -> list[dict[str, Any]]:
    gbk = "<标题>倾倒污水</标题>" if slug == "grid" else '{"code":"0000","msg":"成功","data":{"total":0,"records":[]}}'
    kind = "text/xml; charset=utf-8" if slug == "grid" else "application/json;charset=UTF-8"
    wrong = {"kind": "wrong", "status": 200, "content_type": kind}
    return [
        {"kind": "cut", "at": 300, "framed": False},
        {**wrong, "body_base64": base64.b64encode(gbk.encode("gbk")).decode()},
        {**wrong, "body": "<a><b></a>" if slug == "grid" else '{"code":"0000",'},
        {**wrong, "body": ""},
        {**wrong, "body": "<html>请登录</html>"},
    ]


@pytest.mark.parametrize("which", range(5), ids=["half a page", "GBK in UTF-8", "invalid", "empty", "log-in page"])
@pytest.mark.parametrize("slug", ["grid", "government"])
def test_a_reply_nobody_understands(slug: str, which: int, world: World) -> None:
    """The bytes are kept as one dead letter, however often they come; the cursor stays; the next poll goes on; the other
    platform never notices."""
    home(world, slug, "之前")
    assert world.poll(slug).applied == 1
    before = cursor(world, slug)
    world.pass_time(60)
    home(world, slug, "之后")
    fault = _broken(slug)[which]
    fixed = "at" not in fault
    for _ in range(2):
        world.fault(slug, operation=LIST[slug], times=1, **fault)
        with pytest.raises(BrokenReply) as caught:
            world.poll(slug)
        assert caught.value.remedy
        assert cursor(world, slug) == before
        world.poll(OTHER[slug])
    letters = world.dead()
    if fixed and fault.get("body") != "":
        (letter,) = letters
        with world.bridge.ledger.begin() as tx:
            raw = tx.execute(select(raw_records.c.raw).where(raw_records.c.id == letter.raw)).scalar_one()
        assert raw == (base64.b64decode(fault["body_base64"]) if "body_base64" in fault else fault["body"].encode())
        with pytest.raises(dead.NotPossible):
            dead.retry(world.bridge, letter.id)
        dead.drop(world.bridge, letter.id, "平台已恢复")
        assert world.dead() == []
    assert world.poll(slug).applied == 1
    assert len(world.stages()) == 2


@pytest.mark.parametrize("slug", ["grid", "government"])
def test_a_page_cut_in_half(slug: str, world: World) -> None:
    """A framed page that ends too early is never taken for a whole one: read again, nothing missed."""
    for number in range(5):
        home(world, slug, f"第{number}件")
    for at in (1, 200, 900):
        world.fault(slug, kind="cut", operation=LIST[slug], at=at, skip=1)
    assert world.poll(slug).applied == 5

"""What a person must look at, outbound: a poisoned call blocks only itself (G4); retried or dropped, it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.errors import ConfigError
from bridge import dead
from bridge.outbound import push
from tests.sync.story import Story
from tests.sync.world import World, bridge_at
from tests.sync.world import world as a_world

OPERATIONS = {"government": ("createCall", "postAction", "4022"), "grid": ("reportEvent", "updateEvent", "fault-Client")}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path) as made:
        yield made


def refuse(world: World, target: str, operation: str) -> None:
    """The next such operation is refused, as for a bad field."""
    if target == "government":
        world.fault(target, kind="code", code="4022", operation=operation)
    else:
        body = ('<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Client'
                "</faultcode><faultstring>[title] 含有敏感词</faultstring></s:Fault></s:Body></s:Envelope>")  # fmt: skip
        world.fault(target, kind="refuse", operation=operation, status=500, body=body, content_type="text/xml; charset=utf-8")


@pytest.mark.parametrize("target", ["government", "grid"])
def test_a_refused_creation_and_retry(target: str, world: World) -> None:
    """The refused call waits for a person, its actions behind it; its neighbours are told; retried, it is created and
    its actions follow in order."""
    story = Story(world, target)
    story.happens("被拒")
    refuse(world, target, OPERATIONS[target][0])
    world.push(target)
    story.happens("邻居")
    world.quiet()
    (letter,) = world.dead()
    assert (letter.direction, letter.platform, letter.state) == ("out", target, "open")
    assert letter.remedy and letter.what
    assert story.told("邻居") == [story.right] and story.told("被拒") == []
    assert "重新排队" in dead.retry(world.bridge, letter.id)
    world.quiet()
    assert story.told("被拒") == [story.right]
    assert world.dead() == []
    with pytest.raises(dead.NotPossible):
        dead.retry(world.bridge, letter.id)
    world.assert_agreement()


@pytest.mark.parametrize("target", ["government", "grid"])
def test_a_refused_action_and_drop(target: str, world: World) -> None:
    """A dropped action is left out, with the reason kept; what waited behind it goes on, and the stage comes right."""
    story = Story(world, target)
    story.happens("被拒")
    refuse(world, target, OPERATIONS[target][1])
    world.push(target)
    world.quiet()
    (letter,) = world.dead()
    assert len(story.told("被拒")) == 1 and story.told("被拒")[0] == story.right[:1]
    dead.drop(world.bridge, letter.id, "对方不收")
    world.quiet()
    (told,) = story.told("被拒")
    assert told[-1] == story.right[-1]
    assert world.dead() == []
    world.assert_agreement()


@pytest.mark.parametrize("target", ["government", "grid"])
def test_a_dropped_creation(target: str, world: World) -> None:
    """A call that is never to exist there: its actions are not told either, and nothing waits for ever."""
    story = Story(world, target)
    story.happens("不建")
    refuse(world, target, OPERATIONS[target][0])
    world.push(target)
    (letter,) = world.dead()
    dead.drop(world.bridge, letter.id, "不属于该区")
    world.quiet()
    assert story.told("不建") == [] and world.waiting() == [] and world.dead() == []


@pytest.mark.parametrize("target", ["government", "grid"])
def test_a_wrong_password_is_nobodys_dead_letter(target: str, world: World, tmp_path: Path) -> None:
    """Credentials are the platform's trouble, not the record's: nothing dies, the reason is on record without the
    secret, and with the right ones all is told."""
    story = Story(world, target)
    story.happens("口令")
    urls = {"grid": world.grid.url, "government": world.government.url}
    (tmp_path / "wrong").mkdir()
    wrong = bridge_at(tmp_path / "wrong", urls, world.bridge.now, ledger=world.bridge.ledger, password="not-the-password-0000")
    with pytest.raises(ConfigError) as caught:
        push(wrong, target)
    assert caught.value.remedy and "not-the-password-0000" not in repr(caught.value) + str(caught.value)
    assert world.dead() == [] and story.told("口令") == []
    world.quiet()
    assert story.told("口令") == [story.right]

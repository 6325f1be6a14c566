"""Who gets a call and why, who does not and why: each platform's case, over real servers and a real ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.explanation import Explanation, explain
from bridge.overview import keys_of
from bridge.routing import Condition, Route
from bridge.routing import Test as Check
from tests.sync.test_dead_letters import OPERATIONS, refuse
from tests.sync.world import World
from tests.sync.world import world as a_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path) as made:
        yield made


def asked(world: World, number: str, *routes: Route) -> Explanation:
    """The explanation of a call by its number; with other routes, if any are given."""
    bridge = replace(world.bridge, routes=routes) if routes else world.bridge
    with bridge.ledger.begin() as tx:
        (key,) = keys_of(tx, number)
        return explain(tx, bridge, key, {"371103": "岚山区", "371102110": "涛雒镇"})


def case(world: World, number: str, *routes: Route) -> tuple[bool, str]:
    """The government platform's case."""
    (one,) = [one for one in asked(world, number, *routes).platforms if one.platform == "government"]
    return one.gets, one.why


def test_a_call_that_went(world: World) -> None:
    """Waiting, then there with its number, for the reason that the route gives; asked by either number."""
    number = world.grid_call()
    world.poll("grid")
    gets, why = case(world, number)
    assert gets and why.startswith("待送") and "岚山属地" in why
    world.quiet()
    (copy,) = world.government_calls()
    for one in (number, copy["callNo"]):
        told = {p.platform: p for p in asked(world, one).platforms}
        assert (told["government"].gets, told["government"].number) == (True, copy["callNo"])
        assert "已送达；路由“岚山属地”符合" in told["government"].why and "371103 岚山区" in told["government"].why
        assert told["grid"].why.startswith("呼叫由它记录")


def test_a_call_that_stays_says_what_is_missing(world: World) -> None:
    """Every route's first failing condition, or that there is no route at all."""
    number = world.grid_call(town="371102110")
    world.quiet()
    gets, why = case(world, number)
    assert not gets and why.startswith("路由“岚山属地”：镇街应以此开头：371103 岚山区") and "371102110 涛雒镇" in why
    elsewhere = Route("别处", ("government",), "grid")
    assert case(world, number, elsewhere) == (False, "没有从 grid 到它的路由 / no route leads there from grid")


def test_routes_that_changed_since(world: World) -> None:
    """A call that went stays there though no route fits today; a route that is new sends with the next change."""
    went, stayed = world.grid_call(), world.grid_call(town="371102110")
    world.quiet()
    never = Route("只要特急", ("grid",), "government", Condition(all=(Check("stage", "is", "RATED"),)))
    gets, why = case(world, went, never)
    assert gets and "已送达" in why and "没有路由符合" in why
    gets, why = case(world, stayed, Route("全部", ("grid",), "government"))
    assert gets and why.startswith("下次读到变化时送出") and "全部" in why


@pytest.mark.parametrize("read_before", [True, False])
def test_a_route_by_lead_goes_by_the_calls_own_platform(world: World, read_before: bool) -> None:
    """Whom a copy's officials dispatch it to changes no route, whether the copy was read before they did or only after."""
    number = world.government_call()
    world.poll("government")
    world.push("grid")
    (event,) = world.grid_events()
    if read_before:
        world.pass_time(60)
        world.poll("grid")
    world.move(event["eventId"], "06")
    world.at("grid", "officials/move", {"eventId": event["eventId"], "stage": "07", "operator": "王测试", "dept": "DG099",
                                        "depts": ["DG008"], "opinion": "派发"})  # fmt: skip
    world.quiet()
    by_lead = Route("市监", ("government",), "grid", Condition(all=(Check("lead.name", "contains", "市场监督"),)))
    (route,) = asked(world, number, by_lead).routes
    assert not route.goes and world.call(number)["status"] == "DISPATCHED", route.reason


def test_a_returned_call_goes_nowhere_new(world: World) -> None:
    """The stage stands in the way, and is named."""
    number = world.grid_call(town="371102110")
    world.move(number, "90", opinion="不属区级")
    world.quiet()
    gets, why = case(world, number, Route("全部", ("grid",), "government"))
    assert not gets and why.startswith("阶段为已退回") and "全部" in why


def test_a_refused_call_waits_for_a_person(world: World) -> None:
    """The platform said no: it does not have the call, and a person must decide."""
    number = world.grid_call()
    world.poll("grid")
    refuse(world, "government", OPERATIONS["government"][0])
    world.push("government")
    gets, why = case(world, number)
    assert len(world.dead()) == 1 and not gets and why.startswith("被拒") and "岚山属地" in why


def test_people_are_struck_out(world: World) -> None:
    """A reason may quote a calling unit or a department; the call's people are no part of it."""
    number = world.grid_call(town="371102110", address="李样例家")
    world.quiet()
    odd = Route("怪", ("grid",), "government", Condition(all=(Check("area.town_name", "is", "李样例"),)))
    told = asked(world, number, odd)
    assert "李样例" not in str(told)

"""Routes: which calls go where, by item, class, township, urgency, department, keyword; and each answer in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.catalogues import read
from bridge.route_checks import OPERATORS, matters_of
from bridge.routing import Condition, Operator, Route, decide, targets
from bridge.routing import Test as Check
from tests.unit.config.ground import LANSHAN, loaded, told

MATTERS = matters_of(read(()))
NAMES = {"371102": "东港区", "371103": "岚山区", "371103103": "高兴镇", "371102110": "涛雒镇"}
CALL: dict[str, Any] = {
    "title": "罐车倾倒污水", "description": "巡查发现罐车向沟渠倾倒污水。", "urgency": "urgent", "area.town": "371102110",
    "item": {"catalogue": "donggang", "code": "03", "name": "污水直排"}, "channel": "grid_inspection",
    "lead": {"code": "DG002", "name": "区综合行政执法局"}, "assists": [{"code": "DG009", "name": "市公安局东港分局"}],
    "place.address": "张三家门前", "caller": {"name": "张三"}, "tags": ["联办"],
}  # fmt: skip


def route(*all_: Check | Condition, any_: tuple[Check | Condition, ...] = (), none: tuple[Check | Condition, ...] = ()) -> Route:
    return Route("路由", ("grid",), "enforcement", Condition(all_, any_, none), MATTERS)


def asked(one: Route, fields: dict[str, Any] = CALL, stage: str | None = "DISPATCHED") -> tuple[bool, str]:
    (decision,) = decide([one], "grid", fields, stage, NAMES)
    return decision.goes, decision.reason


@pytest.mark.parametrize(
    ("field", "operator", "fits", "fails"),
    [
        ("item.code", "in", ("03", "10"), ("04",)),
        ("item.name", "contains", "污水", "扬尘"),
        ("item.class", "is", "生态环境", "交通"),
        ("item.class", "begins", "生态", "市场"),
        ("item.matter", "is", "shared:sewage", "shared:dust"),
        ("item.matter", "in", ("shared:dust", "shared:sewage"), ("shared:dust", "lanshan:LS0101")),
        ("item.matter", "is_not", "shared:dust", "shared:sewage"),
        ("item.matter", "is", "donggang:03", "donggang:04"),
        ("item.catalogue", "is", "donggang", "lanshan"),
        ("area.town", "begins", "371102", "371103"),
        ("urgency", "at_least", "urgent", "critical"),
        ("lead.name", "contains", ("执法", "城管"), ("公安",)),
        ("lead.code", "is", "DG002", "DG001"),
        ("text", "contains", ("偷排", "污水"), ("扬尘",)),
        ("stage", "in", ("DISPATCHED", "RESPONDED"), ("CALLED",)),
        ("origin", "is", "grid", "petition"),
    ],
)
def test_each_field_decides(field: str, operator: Operator, fits: Any, fails: Any) -> None:
    """The condition that holds lets the call go, the one that does not holds it, and both say why."""
    goes, why = asked(route(Check(field, operator, fits)))
    assert goes and why.startswith("符合") and field in why
    goes, why = asked(route(Check(field, operator, fails)))
    assert not goes and field in why and ("实为" in why or "实不如此" in why)


def test_presence_is_asked_without_a_value() -> None:
    """present and absent, of lists and of what catalogues say."""
    assert asked(route(Check("assists", "present"), Check("item.matter", "present"), Check("due", "absent")))[0]
    other = CALL | {"item": {"catalogue": "nowhere", "code": "1", "name": "x"}}
    assert asked(route(Check("item.matter", "present")), other) == (False, "事项应有值（item.matter is given），实为空 / is empty")
    assert not asked(route(Check("item.class", "is", "生态环境")), CALL | {"item": None})[0]


def test_the_reason_is_the_first_that_fails_in_words_of_officials() -> None:
    """Chinese first, the field's key and the operator beside it, area codes with their names."""
    two = route(Check("area.town", "begins", "371103"), Check("urgency", "at_least", "critical"))
    assert asked(two) == (
        False, "镇街应以此开头：371103 岚山区（area.town begins with），实为 / is 371102110 涛雒镇",
    )  # fmt: skip
    assert asked(route(Check("urgency", "at_least", "critical")))[1] == (
        "紧急程度不低于：critical 特急（urgency is at least），实为 / is urgent 紧急"
    )
    _, why = asked(route(any_=(Check("item.code", "is", "04"), Check("urgency", "is", "critical"))))
    assert why.startswith("下列条件无一符合") and "item.code" in why and "urgency" in why
    _, why = asked(route(none=(Check("urgency", "is", "urgent"),)))
    assert why == "属于排除的情形 / excluded：紧急程度应为：urgent 紧急（urgency is）"
    nested = route(Condition(all=(Check("channel", "is", "hotline"),)))
    assert asked(nested)[1].startswith("渠道应为：hotline 热线") and "网格巡查" in asked(nested)[1]


def test_the_reason_of_a_call_that_goes_names_what_held() -> None:
    """Of alternatives only those that held; nothing at all where nothing was asked."""
    one = route(Check("area.town", "begins", "371102"), any_=(Check("item.code", "is", "99"), Check("urgency", "is", "urgent")))
    goes, why = asked(one)
    assert goes and "371102 东港区" in why and "紧急" in why and "99" not in why
    assert asked(route())[1] == "符合 / fits："


@pytest.mark.parametrize("field", ["text", "title", "description", "place.address", "caller"])
def test_a_reason_never_repeats_texts_or_persons(field: str) -> None:
    """Long texts and people are not quoted: that they do not fit is all that is said."""
    operator: Operator = "absent" if "absent" in OPERATORS[field] and field != "text" else "is"
    _, why = asked(route(Check(field, operator, "" if operator == "absent" else "甲")))
    assert why and "张三" not in why and "污水" not in why


def test_a_call_goes_to_each_platform_once_and_never_home() -> None:
    """Two routes to one platform are one target; a route to the origin is none."""
    routes = [Route(str(n), ("grid",), to) for n, to in enumerate(("petition", "grid", "city", "petition"))]
    assert targets(routes, "grid", CALL, "CALLED") == ["petition", "city"]
    assert targets(routes, "city", CALL, "CALLED") == []
    assert [one.reason for one in decide(routes[:2], "grid", CALL, "CALLED")][1].startswith("来源平台自身")


ROUTE = """\
county: "371102"
name: 东港区
platforms: [{slug: grid, title: 网格平台, adapter: grid, mapping: grid, connection: huying_grid}]
routes:
  - name: 去岚山
    from: grid
    to: government
    when: {all: [%s]}
"""


@pytest.mark.parametrize(
    ("test", "near"),
    [
        ("[item.code, is, LS0101]", "01"),
        ('[item.code, begins, "7x"]', "7"),
        ("[item.name, is, 污水直派]", "污水直排"),
        ("[item.class, is, 生态环保]", "生态环境"),
        ("[item.matter, in, [shared:sewage, shared:sewege]]", "shared:sewage"),
        ("[item.catalogue, is, lanshan]", "donggang"),
        ("[item.clas, is, 生态环境]", "item.class"),
        ("[item.matter, contains, 污]", "in"),
    ],
)
def test_an_item_that_the_sources_do_not_have_is_a_mistake(test: str, near: str, tmp_path: Path) -> None:
    """At its line, with what is near; codes and classes of another county's catalogue are no codes of this one."""
    (line,) = [one for one in told(loaded(tmp_path, donggang=ROUTE % test, lanshan=LANSHAN)) if "all[0]" in one]
    assert line.startswith("donggang.yaml:8: routes[0].when.all[0]") and near in line


@pytest.mark.parametrize(
    "test", ['[item.code, in, ["03", "10"]]', '[item.code, begins, "7"]', "[item.class, is, 生态环境]", "[item.name, contains, 污]",
             "[item.matter, is, shared:sewage]", '[item.matter, is, "donggang:03"]', "[item.class, present]"],
)  # fmt: skip
def test_an_item_that_the_sources_have_is_none(test: str, tmp_path: Path) -> None:
    """And the route that comes out of the file decides by it."""
    configuration = loaded(tmp_path, donggang=ROUTE % test, lanshan=LANSHAN)
    call = CALL | {"item": {"catalogue": "donggang", "code": "71" if "begins" in test else "03", "name": "污水直排"}}
    assert configuration.problems == {} and targets(configuration.routes, "grid", call, "CALLED") == ["government"]

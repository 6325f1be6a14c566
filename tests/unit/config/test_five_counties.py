"""The five files of Rizhao together: sound, and every call reaches the county where it happens."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.catalogues import read
from bridge.configuration import Configuration, load_configuration
from bridge.routing import targets
from tests.unit.config.ground import MAPPINGS, ROOT

CATALOGUES = {"grid": "donggang", "government": "lanshan", "petition": "wulian", "city": "juxian", "enforcement": "enforcement",
              "open311": "shared"}  # fmt: skip
TOWNS = {"grid": "371102110", "government": "371103103", "petition": "371121101", "city": "371122101"}


@pytest.fixture(scope="module")
def rizhao() -> Configuration:
    """What is shipped."""
    return load_configuration(ROOT / "config", MAPPINGS)


def goes(rizhao: Configuration, origin: str, town: str, item: str = "", **more: Any) -> set[str]:
    catalogue, _, code = item.partition(":")
    call = {"area.town": town, "urgency": "ordinary", "title": "标题", "description": "内容", **more}
    if item:
        listed = read(()).loaded[catalogue].catalogue.items[code]
        call["item"] = {"catalogue": catalogue, "code": code, "name": listed.name}
    return set(targets(rizhao.routes, origin, call, "CALLED"))


def test_the_five_files_are_right_together(rizhao: Configuration) -> None:
    """No problem anywhere; five counties, six platforms."""
    assert [str(one) for one in rizhao.all_problems()] == []
    assert sorted(one.county for one in rizhao.counties.values()) == ["371100", "371102", "371103", "371121", "371122"]
    assert sorted(rizhao.platforms) == sorted(CATALOGUES)


@pytest.mark.parametrize("origin", [*TOWNS, "enforcement"])
@pytest.mark.parametrize("place", TOWNS)
def test_a_call_reaches_the_county_where_it_happens(rizhao: Configuration, origin: str, place: str) -> None:
    """Over every border, and nowhere else; at home it stays."""
    assert goes(rizhao, origin, TOWNS[place]) == {place} - {origin}


@pytest.mark.parametrize("origin", TOWNS)
def test_enforcement_matters_go_up(rizhao: Configuration, origin: str) -> None:
    """By the shared matter whatever the county's own code: if it is urgent, or an enforcement department leads."""
    shipped = read(())
    item = next(str(link) for link, one in shipped.items()
                if link.catalogue == CATALOGUES[origin] and "shared:street-trading" in map(str, one.same_as))  # fmt: skip
    assert goes(rizhao, origin, TOWNS[origin], item) == set()
    assert goes(rizhao, origin, TOWNS[origin], item, urgency="urgent") == {"enforcement"}
    lead = {"code": "1", "name": "县综合行政执法局"}
    assert goes(rizhao, origin, TOWNS[origin], item, lead=lead) == {"enforcement"}
    assert goes(rizhao, origin, TOWNS[origin], f"{CATALOGUES[origin]}:{shipped.loaded[CATALOGUES[origin]].catalogue.other}",
                urgency="urgent") == set()  # fmt: skip


def test_critical_dumping_goes_up_by_item_or_by_word(rizhao: Configuration) -> None:
    """The keyword does where the item does not; what came from elsewhere is not sent on."""
    home = TOWNS["grid"]
    assert goes(rizhao, "grid", home, "donggang:03", urgency="critical") == {"enforcement"}
    assert goes(rizhao, "grid", home, "donggang:99", urgency="critical", description="有人夜里偷倒废渣") == {"enforcement"}
    assert goes(rizhao, "grid", home, "donggang:99", urgency="critical") == set()
    assert goes(rizhao, "grid", home, "donggang:03", urgency="critical", channel="exchange") == set()


def test_the_public_desk(rizhao: Configuration) -> None:
    """Without a town, to the command centre; road damage is shown to the public, unless it is critical."""
    assert goes(rizhao, "open311", "") == {"enforcement"}
    assert goes(rizhao, "grid", TOWNS["grid"], "donggang:21") == {"open311"}
    assert goes(rizhao, "grid", TOWNS["grid"], "donggang:21", urgency="critical") == set()

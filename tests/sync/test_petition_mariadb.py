"""The exchange database as it really is: MariaDB, gbk, an account with four rights, its own clock and locks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pymysql
import pytest

from adapters.errors import ConfigError
from adapters.petition.adapter import build
from adapters.port import Connection, Surroundings
from tests.sync import test_petition
from tests.sync.mariadb_server import empty_database, mariadb
from tests.sync.petition_world import PetitionWorld, petition_world

C51 = (Path(__file__).parents[1] / "cases/C51-zero-dates.sql").read_text("utf-8")
TRAVELS = (test_petition.test_there_and_back, test_petition.test_what_the_grid_does_reaches_the_work_order,
           test_petition.test_from_the_petition_platform, test_petition.test_a_confidential_person_never_leaves,
           test_petition.test_what_gbk_lacks_comes_back_whole, test_petition.test_a_refused_row_becomes_a_dead_letter)  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with mariadb() as url:
        yield url


@pytest.fixture
def world(server: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[PetitionWorld]:
    name = "t" + re.sub(r"\W", "_", request.node.name)[:50]
    with petition_world(tmp_path, empty_database(server, name)) as made:
        yield made


def owner_of(world: PetitionWorld) -> Any:
    url = re.fullmatch(r"mysql\+pymysql://.*@127\.0\.0\.1:(\d+)/(\w+).*", world.platform.exchange_url)
    assert url
    return pymysql.connect(host="127.0.0.1", port=int(url[1]), user="root", database=url[2], charset="utf8mb4", autocommit=True)


def adapter_of(world: PetitionWorld) -> Any:
    return world.bridge.platforms["petition"].adapter()


@pytest.mark.parametrize("travel", TRAVELS, ids=lambda travel: travel.__name__)
def test_travels(world: PetitionWorld, travel: Any) -> None:
    """The same promises as on SQLite."""
    travel(world)


def test_zero_and_partial_dates(world: PetitionWorld) -> None:
    """C51: one column, one type: text, zero or not; a work order without a readable time is read all the same."""
    with owner_of(world) as owner, owner.cursor() as cursor:
        cursor.execute("SET sql_mode = ''")
        for line in C51.splitlines():
            if match := re.match(r"\((.*)\)[,;]", line):
                number, title, state, begun, limit, changed, _, _, version = match[1].split(",")
                cursor.execute(f"INSERT INTO T_GD (GDBH, BT, NR, LYQD, GDZT, SLSJ, BLSX, GXSJ, BBH) VALUES "
                               f"({number}, {title}, 'n', 1, {state}, {begun}, {limit}, {changed}, {version})")  # fmt: skip
    shown = {one.body["BT"]: one.body for page in adapter_of(world).pull(None) for one in page.records}
    assert set(shown) == {"零日期", "缺日", "游标为零", "二十四点"}
    assert shown["零日期"]["SLSJ"] == shown["游标为零"]["GXSJ"] == "0000-00-00 00:00:00"
    assert shown["缺日"]["SLSJ"] == "2026-03-00 09:00:00" and shown["二十四点"]["BLSX"] == "2026-03-05 23:59:59"


def test_settle_between_the_batchs_commits(world: PetitionWorld) -> None:
    """C52: each reading sees what is committed; ours holds no lock and no snapshot, so an UPDATE waits for nobody."""
    adapter = adapter_of(world)
    adapter.create({"WBBH": "hy-1", "BT": "t", "NR": "n"}, "hy-1")
    with owner_of(world) as owner, owner.cursor() as cursor:
        cursor.execute("SET innodb_lock_wait_timeout = 1")
        for state, told in ((0, False), (3, False), (1, True)):
            walk = adapter.pull(None)
            next(walk, None)
            cursor.execute("UPDATE T_JH_IN SET CLBZ = %s, CLJG = 'WL20261026000001'", (state,))
            assert (adapter.settle("hy-1") is not None) is told
        cursor.execute("SELECT COUNT(*) FROM information_schema.INNODB_TRX")
        assert cursor.fetchone()[0] == 0


def test_references_are_compared_exactly(world: PetitionWorld) -> None:
    """§1: the database takes `HY-1 ` for `hy-1`; we do not."""
    adapter = adapter_of(world)
    adapter.create({"WBBH": "HY-1", "BT": "t", "NR": "n"}, "HY-1")
    world.platform.run_batch()
    assert adapter.settle("hy-1") is None and adapter.find("hy-1", datetime.now(UTC)) is None
    assert adapter.settle("HY-1") is not None and adapter.fetch("wl20261026000001") is None


def test_the_door_and_the_names(world: PetitionWorld, tmp_path: Path) -> None:
    """A wrong password, another database, a name that differs in case: configuration, told without the secret."""
    surroundings = Surroundings(lambda: datetime.now(UTC), os.urandom, lambda _: None, tmp_path)
    right = "Example-Wulian-2026"
    url = re.sub(r"//.*@", "//", world.platform.exchange_url).partition("?")[0]
    for address, password, settings in ((url, "falsch-000", {}), (url.rsplit("/", 1)[0] + "/mysql", right, {}),
                                        (url, right, {"names": {"V_GD": "v_gd"}})):  # fmt: skip
        made = build("petition", settings, Connection("c", address, "jh_huying", password), surroundings)
        with pytest.raises(ConfigError) as told:
            made.fetch("WL20261026000001")
        assert password not in str(told.value) and told.value.remedy
        assert not made.probe().ok
    probe = build("petition", {}, Connection("c", url, "jh_huying", right), surroundings).probe()
    assert probe.ok and probe.skew is not None

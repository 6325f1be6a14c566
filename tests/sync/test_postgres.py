"""The same promises with the ledger on PostgreSQL."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.ledger.ledger import Ledger
from tests.sync import postgres
from tests.sync.test_random_histories import judge
from tests.sync.world import world

pytestmark = pytest.mark.xdist_group("postgres")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    if postgres.binaries() is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL 未安装 / is not installed: apt-get install postgresql")
        pytest.skip("PostgreSQL 未安装，跳过 / not installed, skipped: apt-get install postgresql")
    with postgres.server() as address:
        yield address


def test_a_call_travels_and_the_promises_hold(url: str, tmp_path: Path) -> None:
    """Create, handle, return, call again, close: with the ledger on PostgreSQL as with SQLite."""
    with world(tmp_path, ledger_url=url) as w:
        event = w.grid_call()
        w.government_call()
        w.fault("government", kind="lost", operation="createCall")
        w.quiet()
        number = w.government_calls()[-1]["callNo"]
        deeds = ("ACCEPT", "RETURN", "RECALL", "ACCEPT", "DISPATCH", "RESPOND", "FEEDBACK", "CLOSE")
        for step, action in enumerate(deeds):
            w.at("government", "clerks/act", {"callNo": number, "action": action, "operator": "赵响应", "opinion": f"第{step}步"})
            w.quiet()
        assert w.event(event)["stage"] == "11"
        judge(w)


def test_many_workers_migrate_at_once(url: str) -> None:
    """Workers that start together bring the tables to this version once."""
    troubles: list[BaseException] = []

    def migrate() -> None:
        try:
            Ledger(url).migrate()
        except BaseException as error:
            troubles.append(error)

    threads = [threading.Thread(target=migrate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert troubles == []

"""The list: window, order, masks, pages without a snapshot, rows that become visible late (contract section 5)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.government.store import Store
from sandbox.government.views import mask_name, mask_phone
from tests.sandbox.government_client import Rig, rig


@pytest.fixture
def made() -> Iterator[Rig]:
    with rig() as one:
        yield one


def clerk_calls(made: Rig, count: int, **fields: Any) -> list[str]:
    numbers: list[str] = made.tell("clerks/create", title="题", content="文", count=count, **fields)["callNos"]
    return numbers


def rows(made: Rig, query: str) -> list[str]:
    return [row["callNo"] for row in made.caller.list(query)["records"]]


def test_the_window_is_inclusive_below_and_exclusive_above(made: Rig) -> None:
    """updatedAfter ≤ updateTime < updatedBefore; empty means absent."""
    first, t = clerk_calls(made, 1)[0], made.clock.ms
    made.clock.now += 0.001
    second = clerk_calls(made, 1)[0]
    assert rows(made, "") == rows(made, f"updatedAfter={t}") == [first, second]
    assert rows(made, f"updatedAfter={t + 1}") == [second]
    assert rows(made, f"updatedBefore={t + 1}&updatedAfter=") == [first]
    assert rows(made, f"updatedAfter={t}&updatedBefore={t}") == []
    assert rows(made, f"updatedAfter={t}&updatedBefore={t + 1}&pageNo=&pageSize=&updatedBy=x&updatedBy=y") == [first]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("pageSize=0", "pageSize"),
        ("pageSize=101", "pageSize"),
        ("pageSize=1e1", "pageSize"),
        ("pageSize=%2B5", "pageSize"),
        ("pageSize=5.0", "pageSize"),
        ("pageSize=%EF%BC%95", "pageSize"),
        ("pageNo=0&pageSize=0", "pageNo"),
        ("pageNo=-1", "pageNo"),
        ("pageNo=1&pageNo=1", "pageNo"),
        ("pageNo=&pageNo=", "pageNo"),
        ("updatedAfter=-1", "updatedAfter"),
        ("updatedAfter=9223372036854775808", "updatedAfter"),
        ("updatedAfter=10&updatedBefore=9&pageNo=0", "updatedBefore"),
        ("updatedBefore=x&updatedAfter=y", "updatedAfter"),
    ],
)
def test_bad_parameters_are_named(made: Rig, query: str, field: str) -> None:
    """4022 names the first bad parameter in the contract's order, whatever the order sent."""
    assert made.caller.call("GET", f"/api/calls?{query}").field == field


def test_pages(made: Rig) -> None:
    """20 rows by default, ordered by updateTime and callNo; beyond the end no rows and the right total."""
    numbers = clerk_calls(made, 45)
    assert rows(made, "") == numbers[:20]
    assert rows(made, "pageNo=3") == numbers[40:]
    assert rows(made, "pageSize=100") == numbers
    assert made.caller.list("pageNo=9") == {"total": 45, "pageNo": 9, "records": []}
    assert made.caller.list("pageNo=9223372036854775807")["records"] == []


def test_there_is_no_snapshot(made: Rig) -> None:
    """A call that changes between two pages moves to the end, and the next page skips a row."""
    numbers = clerk_calls(made, 4)
    assert rows(made, "pageNo=1&pageSize=2") == numbers[:2]
    made.clock.now += 1
    made.tell("clerks/act", callNo=numbers[0], action="ACCEPT")
    assert rows(made, "pageNo=2&pageSize=2") == [numbers[3], numbers[0]]
    assert rows(made, "pageNo=1&pageSize=2") == numbers[1:3]


def test_a_batch_of_500_has_one_millisecond(made: Rig) -> None:
    """A clerk's batch stamps all calls alike, in creating and in acting."""
    numbers = clerk_calls(made, 500)
    made.clock.now += 2
    made.tell("clerks/act", callNos=numbers, action="ACCEPT")
    t = made.clock.ms
    assert made.caller.list(f"updatedAfter={t}&updatedBefore={t + 1}&pageSize=1")["total"] == 500
    assert rows(made, f"updatedAfter={t}&pageSize=100&pageNo=5") == numbers[400:]


def test_a_row_is_the_masked_detail(made: Rig) -> None:
    """Row = detail without timeline and files, name and phone masked, outerNo not."""
    contact = {"name": "欧阳修远", "phone": "13900000001", "secret": True}
    call_no = made.caller.create(contact=contact, lng=119.2, lat=35.3).data["callNo"]
    (row,) = made.caller.list()["records"]
    detail = made.caller.detail(call_no)
    assert detail["contact"] == contact
    assert row.pop("contact") == {"name": "欧***", "phone": "139****0001", "secret": True}
    assert {name: value for name, value in detail.items() if name not in ("contact", "timeline", "files")} == row


@pytest.mark.parametrize(("name", "masked"), [("张", "*"), ("张三", "张*"), ("𠮷三四", "𠮷**"), (None, None)])
def test_masked_names(name: str | None, masked: str | None) -> None:
    """First character and one asterisk for each further one."""
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("phone", "masked"),
    [("12345678", "123****5678"), ("1234567", "*******"), ("063326200001", "063****0001"), (None, None)],
)
def test_masked_phones(phone: str | None, masked: str | None) -> None:
    """Eight characters and more keep 3 + 4."""
    assert mask_phone(phone) == masked


def test_rows_become_visible_late_and_out_of_order() -> None:
    """With a lag rows show up to late_seconds after their updateTime; detail and answers are current."""
    with rig(late_seconds=4) as made:
        made.clock.now = float(int(made.clock.now))
        numbers = []
        for _ in range(60):
            numbers.append(made.caller.create().data["callNo"])
            made.clock.now += 0.001
        at_once = rows(made, "pageSize=100")
        made.clock.now += 2
        half = rows(made, "pageSize=100")
        made.clock.now += 2
        assert rows(made, "pageSize=100") == numbers
        assert 0 < len(at_once) < len(half) < 60
        assert at_once != numbers[: len(at_once)]
        assert half == sorted(half)


def test_a_late_version_leaves_the_older_row_in_place() -> None:
    """Until a version shows, the list has the one before; a late older one never replaces a newer one."""
    with rig() as made:
        numbers = clerk_calls(made, 30)
        created = made.clock.ms
        made.tell("settings", late_seconds=4)
        made.clock.now += 10
        made.tell("clerks/act", callNos=numbers, action="ACCEPT")
        seen = made.caller.list("pageSize=100")["records"]
        assert len(seen) == 30
        assert {row["status"] for row in seen if row["updateTime"] == created} == {"PENDING"}
        assert {row["status"] for row in seen} == {"PENDING", "ACCEPTED"}
        assert made.caller.detail(numbers[0])["status"] == "ACCEPTED"
        made.tell("settings", late_seconds=0)
        made.tell("clerks/act", callNos=numbers, action="CANCEL")
        made.clock.now += 10
        assert {row["status"] for row in made.caller.list("pageSize=100")["records"]} == {"CANCELLED"}


def test_everything_outlives_a_restart(tmp_path: Path) -> None:
    """With a database file calls, numbers and nonces are there again."""
    file = tmp_path / "government.sqlite3"
    with rig(database=file) as made:
        body_no = made.caller.create(outerNo="once").data["callNo"]
        headers = made.caller.signature("GET", "/api/calls", b"", None, "nonce-kept-1")
        made.caller.wire("GET", "/api/calls", list(headers.items()))
    with rig(database=file) as made:
        made.caller.nonces = itertools.count(1000)
        assert made.caller.wire("GET", "/api/calls", list(headers.items())).json["msg"] == "nonce重复"
        assert made.caller.create(outerNo="once").data == {"callNo": body_no}
        assert made.caller.create().data["callNo"] == f"{body_no[:-1]}2"


def test_a_failed_change_leaves_nothing(tmp_path: Path) -> None:
    """Transactions are whole: a serial taken in a failed change is given again."""
    store = Store(tmp_path / "store.sqlite3")
    with pytest.raises(RuntimeError), store.change():
        assert store.next_serial("261026") == 1
        raise RuntimeError
    assert store.next_serial("261026") == 1
    store.close()

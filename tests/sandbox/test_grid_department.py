"""The scripted department: which events it handles, that it keeps to the rules, and that it can be stopped."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from sandbox.grid import records
from sandbox.grid.department import Department
from sandbox.grid.records import Moment
from sandbox.grid.store import Store
from tests.sandbox.grid_client import CONTRACT, Grid, running

grid = pytest.fixture(running)

OFFICIALS = json.loads((CONTRACT / "transitions.json").read_text("utf-8"))["officials"]


class Bench:
    """A department worked by hand, round by round, over a store that the test fills."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.moment = Moment(1_792_977_330.0)
        self.department = Department(store, lambda: self.moment)

    def report(self, number: int, stage: str = "05", created_by: str = "huying_dg", event_type: str = "03") -> str:
        document = records.blank(f"DG20261026{number:05d}")
        document.update({"stage": stage, "eventType": event_type})
        records.append(document, records.Entry(stage, "李", "", "外部上报", self.moment.text))
        with self.store.transaction():
            records.save(self.store, document, created_by, self.moment)
        return str(document["eventId"])

    def document(self, event_id: str) -> dict[str, Any]:
        stored = self.store.event(event_id)
        assert stored
        return stored.document

    def run_down(self) -> int:
        """Rounds until nothing awaits a step."""
        rounds = 0
        while self.department.round():
            rounds += 1
            assert rounds < 20
        return rounds


@pytest.fixture
def bench() -> Iterator[Bench]:
    store = Store(None)
    yield Bench(store)
    store.close()


def entries(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["stage"], one["dept"], one["opinion"]) for one in document["processes"]]


def test_one_step_a_round(bench: Bench) -> None:
    """Each round every open event gets one step: accept, dispatch, respond, handle, report, close."""
    ids = [bench.report(number) for number in range(1, 4)]
    for wanted in ("06", "07", "08"):
        assert bench.department.round() == 3
        assert {bench.document(event_id)["stage"] for event_id in ids} == {wanted}
    assert {bench.document(event_id)["mainDept"] for event_id in ids} == {"DG001"}


def test_all_end_closed_by_legal_moves(bench: Bench) -> None:
    """Every event ends at 11 or 12 through moves of the officials' table; all variants occur; a rerun is the same."""
    ids = [bench.report(number) for number in range(1, 61)]
    bench.run_down()
    documents = [bench.document(event_id) for event_id in ids]
    assert {one["stage"] for one in documents} == {"11", "12"}
    for document in documents:
        walked = [stage for stage, _, _ in entries(document)]
        for before, after in pairwise(walked):
            assert after in OFFICIALS[before] or (before == after and after in ("08", "09"))
        assert all(one["operator"] and one["dept"] and one["opinion"] for one in document["processes"][1:])
    opinions = [opinion for document in documents for _, _, opinion in entries(document)]
    assert all(any(one.startswith(mark) for one in opinions) for mark in ("【督办】", "【延期】", "进展：", "回访："))
    assert any(one["assistDepts"] for one in documents) and not all(one["assistDepts"] for one in documents)
    store = Store(None)
    again = Bench(store)
    for number in range(1, 61):
        again.report(number)
    again.run_down()
    assert [entries(again.document(event_id)) for event_id in ids] == [entries(one) for one in documents]
    store.close()


def test_left_alone(bench: Bench) -> None:
    """Officials' own events and those at 01, 90, 91, 11 or 12 are not touched."""
    ids = [bench.report(number, stage) for number, stage in enumerate(("01", "11", "12", "90", "91"), 1)]
    ids.append(bench.report(9, "05", "officials"))
    assert bench.department.round() == 0
    assert all(len(bench.document(event_id)["processes"]) == 1 for event_id in ids)


def test_back_from_returned(bench: Bench) -> None:
    """An event that came back to 05 is handled again, from acceptance to the end."""
    event_id = bench.report(1, "90")
    document = bench.document(event_id)
    document["stage"] = "05"
    records.append(document, records.Entry("05", "李", "", "再次呼叫", bench.moment.text))
    with bench.store.transaction():
        records.save(bench.store, document, "huying_dg", bench.moment)
    bench.run_down()
    assert bench.document(event_id)["stage"] in ("11", "12")


def until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(1000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("the condition did not come true in 10 s")


def test_switched_on_and_off(grid: Grid) -> None:
    """Switched on it works by itself; switched off nothing moves any more; it closes with the server."""
    client = grid.client
    event_id = client.report(stage="05").text("eventId")
    client.act("department", enabled=True, interval_seconds=0.01)
    until(lambda: client.event(event_id)["stage"] in ("11", "12"))
    client.act("department", enabled=False)
    other = client.report(stage="05").text("eventId")
    assert not any(one.name == "grid-department" for one in threading.enumerate())
    assert client.event(other)["stage"] == "05"
    client.act("department", enabled=True, interval_seconds=0.01)
    until(lambda: client.event(other)["stage"] in ("11", "12"))

"""The change feed: gaps, late publication, cursors, and the search that is a walk."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.city.client import Client
from adapters.city.message import Reply
from adapters.errors import BrokenReply, ConfigError, OutcomeUnknown, Refused
from adapters.port import Cursor
from adapters.transport import Answer
from tests.unit.adapters.city_ground import BODY, REFERENCE, ground, pulled


def test_late_changes_are_not_missed(tmp_path: Path) -> None:
    """C03: published up to 30 s late behind higher numbers, pulled every 4 s: every task arrives, most only once."""
    with ground(tmp_path, publish_seconds=30) as there:
        adapter, made, seen = there.adapter(), [], []
        cursor: Cursor | None = None
        for turn in range(40):
            if turn < 25:
                made.append(there.create(title=f"第{turn}件"))
            there.pass_time(4)
            records, cursor = pulled(adapter, cursor)
            seen += [one.native_id for one in records]
        assert sorted(seen) == sorted(made), "each exactly once"
        assert seen != made, "nothing was late: the test shows nothing"


@pytest.mark.parametrize("pause", [5, 31, 90, 4000])
@pytest.mark.parametrize("pages", [1, 50])
def test_a_pause_loses_nothing(tmp_path: Path, pause: float, pages: int) -> None:
    """What filled up below the last number seen while nobody read, for seconds or an hour, arrives with the next reading,
    also if a reading of several pages breaks off after its first."""
    with ground(tmp_path) as there:
        adapter, seen = there.adapter(page_size=pages), set[str | None]()
        there.create(title="早先")
        records, cursor = pulled(adapter)
        there.pass_time(200)
        records, cursor = pulled(adapter, cursor)
        there.at("settings", {"publish_seconds": 30})
        made = [there.create(title=f"第{turn}件") for turn in range(12)]
        records, cursor = pulled(adapter, cursor)
        seen |= {one.native_id for one in records}
        assert 0 < len(seen) < len(made), "some late, some not: else the test shows nothing"
        there.pass_time(pause)
        first = next(iter(adapter.pull(cursor)), None)
        if first is not None:
            seen |= {one.native_id for one in first.records}
            cursor = first.cursor
        for _ in range(2):
            records, cursor = pulled(adapter, cursor)
            seen |= {one.native_id for one in records}
            there.pass_time(31)
        records, cursor = pulled(adapter, cursor)
        assert seen | {one.native_id for one in records} >= set(made)


def test_the_cursor_moves_only_past_what_cannot_fill_up(tmp_path: Path) -> None:
    """seq follows after the overlap, not before; a quiet feed costs one request a pull."""
    with ground(tmp_path) as there:
        adapter = there.adapter()
        there.create()
        _, cursor = pulled(adapter)
        assert cursor is not None and json.loads(cursor)["seq"] == 0
        there.pass_time(80)
        records, cursor = pulled(adapter, cursor)
        assert records == [] and json.loads(str(cursor))["seq"] > 0
        before = len(there.operations())
        assert pulled(adapter, cursor) == ([], cursor)
        assert there.operations()[before:] == ["changes"]


def test_what_nobody_looked_at_is_not_passed(tmp_path: Path) -> None:
    """Published late while nobody pulled for minutes: what lies below the highest number seen before arrives all the same."""
    with ground(tmp_path, publish_seconds=30) as there:
        adapter, made, seen = there.adapter(), [], []
        cursor: Cursor | None = None
        for _ in range(4):
            made += [there.create() for _ in range(10)]
            for pause in (0, 300):
                there.pass_time(pause)
                records, cursor = pulled(adapter, cursor)
                seen += [one.native_id for one in records]
        assert sorted(seen) == sorted(made), "each exactly once"


def test_reading_that_takes_long_passes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts is when the list was asked for: reading its tasks may take longer than the overlap."""
    with ground(tmp_path, publish_seconds=30) as there:
        adapter, made, seen = there.adapter(), [], []
        cursor: Cursor | None = None
        fetch = Client.task

        def slow(client: Client, number: str) -> tuple[Reply, Answer]:
            there.pass_time(40)
            return fetch(client, number)

        monkeypatch.setattr(Client, "task", slow)
        for _ in range(20):
            made += [there.create() for _ in range(4)]
            records, cursor = pulled(adapter, cursor)
            seen += [one.native_id for one in records]
        there.pass_time(300)
        records, cursor = pulled(adapter, cursor)
        assert sorted({*seen, *(one.native_id for one in records)}) == sorted(made)


def test_a_short_overlap_is_refused(tmp_path: Path) -> None:
    """Less than the contract's 60 s would lose changes: a configuration error that names the key."""
    with ground(tmp_path) as there, pytest.raises(ConfigError, match="overlap_seconds"):
        there.adapter(overlap_seconds=30)


def test_one_fetch_for_many_changes(tmp_path: Path) -> None:
    """Not compacted feeds: a task that changed often is fetched once a page, as it is now."""
    with ground(tmp_path) as there:
        number = there.create()
        for step in ("101", "102", "103"):
            there.at("officials/step", {"taskNum": number, "step": step})
        records, _ = pulled(there.adapter())
        assert [one.body["state"] for one in records] == ["103"]


def test_an_answer_that_was_no_task_once(tmp_path: Path) -> None:
    """A page instead of a task: a record with its damage, and the task itself as soon as it can be read, once."""
    with ground(tmp_path) as there:
        adapter, number = there.adapter(), there.create()
        there.at("faults", {"kind": "wrong", "operation": "task", "status": 200, "body": "<html><body>登录</body></html>"})
        (broken,), cursor = pulled(adapter)
        assert broken.native_id == number and broken.damage
        there.pass_time(600)  # out of reach meanwhile
        (record,), cursor = pulled(adapter, cursor)
        assert record.body["taskNum"] == number and not record.damage
        there.pass_time(10)
        assert pulled(adapter, cursor)[0] == []


def test_a_lost_report_is_found(tmp_path: Path) -> None:
    """By outerCode, on a walk that begins before the attempt and not at the beginning of all times."""
    with ground(tmp_path) as there:
        adapter = there.adapter()
        for _ in range(5):
            there.create()
        pulled(adapter)
        there.pass_time(600)
        there.at("faults", {"kind": "lost", "operation": "report", "times": 1})
        with pytest.raises(OutcomeUnknown):
            adapter.create(BODY, REFERENCE)
        began = there.times[0]
        there.pass_time(60)
        before = len(there.operations())
        found = there.adapter().find(REFERENCE, began)
        assert found is not None and found.body["outerCode"] == REFERENCE
        assert there.operations()[before:] == ["changes", "task"]
        assert adapter.find("hy-nothing", began - timedelta(days=1)) is None


def test_a_search_past_an_unreadable_task_does_not_say_no(tmp_path: Path) -> None:
    """A task that cannot be read may be the one looked for: no answer, rather than a second report."""
    with ground(tmp_path) as there:
        adapter = there.adapter()
        there.create()
        there.at("damage", {"operation": "task", "find": b"<task>".hex(), "put": b"<tusk>".hex()})
        with pytest.raises(BrokenReply):
            adapter.find(REFERENCE, there.times[0])


def test_clocks_apart(tmp_path: Path) -> None:
    """102: the head is dated by the platform's clock once its answer showed it; nothing is stored twice."""
    with ground(tmp_path) as there:
        there.at("clock", {"skew_seconds": 900})
        receipt = there.adapter().create(BODY, REFERENCE)
        assert [one["taskNum"] for one in there.at("records", method="GET")] == [receipt.native_id]


def test_a_step_where_the_platforms_clock_is_behind(tmp_path: Path) -> None:
    """§7: a step's time may be 10 min ahead of the platform's clock at most; ours is told as its present time, once."""
    with ground(tmp_path) as there:
        number = there.create()
        there.at("clock", {"skew_seconds": -900})
        there.adapter().update(number, {"step": "101", "operator": "王测试", "time": "20261026120000"}, "r")
        (task,) = there.at("records", method="GET")
        assert [(one["step"], one["time"]) for one in task["steps"]] == [("101", "20261026114500")]
        with pytest.raises(Refused):
            there.adapter().update(number, {"step": "102", "operator": "王测试", "time": "2026"}, "r")

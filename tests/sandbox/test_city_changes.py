"""The change feed (contract section 6): order, gaps, late publication, limits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.city_client import Rig, rig

DAY = 86_400


@pytest.fixture
def made() -> Iterator[Rig]:
    with rig() as one:
        yield one


def test_what_makes_a_change(made: Rig) -> None:
    """One each for report, step (also an entry only), media, official's edit; refused and reading calls make none."""
    task_num = made.caller.reported()
    made.caller.step(task_num, "102")
    made.caller.step(task_num, "102")
    made.caller.step(task_num, "203")
    made.caller.media(task_num, "AAAA")
    made.tell("officials/edit", taskNum=task_num, set={"title": "新题"})
    made.tell("officials/step", taskNum=task_num, step="103")
    made.tell("officials/attach", taskNum=task_num, type="jpg", base64="AAAA")
    made.caller.step(task_num, "108")
    made.caller.report(title="")
    made.caller.task(task_num)
    assert [changed for _, changed in made.caller.changes().rows] == [task_num] * 8


def test_seq_rises_with_gaps(made: Rig) -> None:
    """Strictly ascending, positive, and some numbers never come."""
    made.tell("officials/create", title="题", description="文", count=40)
    seqs = [seq for seq, _ in made.caller.changes().rows]
    assert seqs == sorted(set(seqs))
    assert seqs[-1] - seqs[0] > len(seqs)
    made.clock.now += DAY
    assert [seq for seq, _ in made.caller.changes().rows] == seqs


def test_pages(made: Rig) -> None:
    """`since` is exclusive, `last` the last of the page, `more` whether published ones follow; 50 without a limit."""
    made.tell("officials/create", title="题", description="文", count=120)
    walked, since, sizes = [], 0, []
    while True:
        page = made.caller.changes(since)
        walked += page.rows
        sizes.append(len(page.rows))
        assert page.last == page.rows[-1][0]
        since = page.last
        if not page.more:
            break
    assert sizes == [50, 50, 20]
    assert len({seq for seq, _ in walked}) == 120
    one = made.caller.changes(walked[3][0], 1)
    assert (one.rows, one.more) == ([walked[4]], True)
    assert made.caller.changes(walked[4][0] - 1, 1).rows == [walked[4]]
    assert not made.caller.changes(walked[-2][0], 1).more


def test_nothing_new(made: Rig) -> None:
    """`last` is `since` as sent, also beyond all."""
    for since in (0, 7, 2**63 - 1):
        page = made.caller.changes(since)
        assert (page.rows, page.last, page.more) == ([], since, False)


@pytest.mark.parametrize(
    ("field", "text", "fault"),
    [
        ("since", "", "since:不能为空"),
        ("since", "x", "since:格式不正确"),
        ("since", "+1", "since:格式不正确"),
        ("since", " 1", "since:格式不正确"),
        ("since", "1.0", "since:格式不正确"),
        ("since", "-1", "since:超出范围"),
        ("since", "9223372036854775808", "since:超出范围"),
        ("since", "9" * 5000, "since:超出范围"),
        ("limit", "many", "limit:格式不正确"),
        ("limit", "0", "limit:超出范围"),
        ("limit", "51", "limit:超出范围"),
        ("limit", "-1", "limit:超出范围"),
    ],
)
def test_faults(made: Rig, field: str, text: str, fault: str) -> None:
    """No integer → 格式不正确, out of range → 超出范围."""
    assert made.caller.call("changes", {"since": "0"} | {field: text}).fault == fault


def test_seq_beyond_doubles() -> None:
    """64-bit numbers larger than 2^53 are told exactly."""
    start = 2**53 + 1
    with rig(first_seq=start) as made:
        first, second = made.caller.reported(), made.caller.reported()
        rows = made.caller.changes().rows
        assert rows[0] == (start, first)
        assert made.caller.changes(start).rows == rows[1:] == [(rows[1][0], second)]


def test_late_publication() -> None:
    """Changes overtake one another within publish_seconds, `task` is always the present record, and all are there in
    the end, in order."""
    with rig(publish_seconds=30.0) as made:
        numbers = made.tell("officials/create", title="题", description="文", count=40)["taskNums"]
        at_once = [seq for seq, _ in made.caller.changes().rows]
        made.clock.now += 29.9
        before = [seq for seq, _ in made.caller.changes().rows]
        made.clock.now += 0.1
        page = made.caller.changes()
        assert len(at_once) < len(before) < len(page.rows) == 40
        assert max(at_once) > min({seq for seq, _ in page.rows} - set(at_once))
        assert [task_num for _, task_num in page.rows] == numbers
        assert made.caller.task(numbers[0])["title"] == "题"


def test_a_late_step(made: Rig) -> None:
    """Its change has the lower seq and comes after the higher one; the record has it at once."""
    task_num, other = made.led("102"), made.led()
    since = made.caller.changes().last
    made.tell("officials/late_step", taskNum=task_num, step="103", seconds=20)
    assert made.caller.task(task_num)["state"] == "103"
    made.tell("officials/step", taskNum=other, step="101")
    page = made.caller.changes(since)
    assert [changed for _, changed in page.rows] == [other]
    made.clock.now += 20
    assert made.caller.changes(page.last).rows == []
    late = made.caller.changes(since).rows
    assert [changed for _, changed in late] == [task_num, other]
    assert made.door("POST", "officials/late_step", {"taskNum": task_num, "step": "104", "seconds": 31})[0] == 400


def test_publication_goes_by_the_real_clock(made: Rig) -> None:
    """A frozen or skewed platform clock neither holds nor hurries it."""
    made.tell("settings", publish_seconds=30)
    made.tell("officials/create", title="题", description="文", count=20)
    made.tell("clock", freeze=made.clock.now)
    few = len(made.caller.changes().rows)
    made.clock.now += 30
    made.tell("clock", freeze=None)
    assert few < len(made.caller.changes().rows) == 20


def test_kept_180_days(made: Rig) -> None:
    """An older `since` starts at the oldest kept, without a hint; the task itself stays."""
    old = made.caller.reported()
    made.clock.now += 100 * DAY
    new = made.caller.reported()
    made.clock.now += 80 * DAY
    assert [changed for _, changed in made.caller.changes().rows] == [old, new]
    made.clock.now += 1
    assert [changed for _, changed in made.caller.changes().rows] == [new]
    assert made.caller.task(old)["taskNum"] == old

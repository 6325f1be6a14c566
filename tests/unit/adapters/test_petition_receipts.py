"""What became of a row of T_JH_IN, and that each write is inserted once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import Missing, NotDone, Outdated, Refused
from adapters.petition.receipts import outcome
from tests.unit.adapters.petition_ground import BODY, REFERENCE, Ground, ground


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Ground]:
    with ground(tmp_path) as made:
        yield made


def row(state: Any, words: str | None = None) -> dict[str, Any]:
    return {"CLBZ": state, "CLJG": words}


def test_waiting_is_no_receipt() -> None:
    """0 and 3, or no row at all: None."""
    assert outcome([], "") is None and outcome([row(0)], "") is None and outcome([row(3)], "") is None


def test_success_is_the_agreed_mark_and_a_number() -> None:
    """C19: CLBZ 1 with the number; without one, or with a mark that the contract does not name, it is no success."""
    found = outcome([row(1, "WL20261026000001")], "")
    assert found is not None and found.native_id == "WL20261026000001"
    for odd in (row(1), row(1, ""), row(1, "成功 ok"), row(7, "WL20261026000001"), row(None)):
        with pytest.raises(Refused):
            outcome([odd], "")


def test_a_duplicate_names_the_work_order() -> None:
    """WBBH重复 is the number that exists: already there, success."""
    found = outcome([row(2, "WBBH重复:WL20261026000001")], "")
    assert found is not None and found.already and found.native_id == "WL20261026000001"


@pytest.mark.parametrize(("words", "kind", "field"), [
    ("NR字段不正确:SZXZ", Refused, "SZXZ"), ("NR缺少字段:CZYJ", Refused, "CZYJ"), ("系统错误", NotDone, ""),
    ("附件类型不允许:x", Refused, ""), ("", Refused, ""), ("状态不允许:0->7", Outdated, ""), ("版本冲突:3", Outdated, ""),
    ("GDBH不存在:WL1", Missing, ""), ("WBBH重复:", Refused, ""),
])  # fmt: skip
def test_refusals_carry_the_platforms_words(words: str, kind: type[Refused], field: str) -> None:
    """Each refusal by what to do next, with CLJG and the field it names."""
    with pytest.raises(Refused) as told:
        outcome([row(2, words)], "w")
    assert type(told.value) is kind and told.value.field == field and words in str(told.value) and told.value.remedy


def test_one_that_was_done_counts_and_else_the_newest() -> None:
    """A write refused once and sent again corrected is judged by its newest row; done once is done."""
    assert outcome([row(2, "系统错误"), row(0)], "") is None
    found = outcome([row(1, "WL1"), row(2, "WBBH重复:WL1")], "")
    assert found is not None and found.native_id == "WL1"


def test_a_write_is_inserted_once(there: Ground) -> None:
    """The same write handed over again while it waits, is done, or from another worker: one row; refused: a new one."""
    adapter = there.adapter()
    for _ in range(2):
        assert there.adapter().create({**BODY, "WBBH": REFERENCE}, REFERENCE).late
    assert adapter.settle(REFERENCE) is None and adapter.find(REFERENCE, there.adapter().surroundings.now()) is None
    there.platform.run_batch()
    settled = adapter.settle(REFERENCE)
    again = adapter.create({**BODY, "WBBH": REFERENCE}, REFERENCE)
    assert settled is not None and (again.native_id, again.already, again.late) == (settled.native_id, True, False)
    for _ in range(2):
        adapter.update(settled.native_id, {"DZ": "7", "CZYJ": "x"}, f"{REFERENCE}#1.0")
    assert there.sql("SELECT COUNT(*) FROM T_JH_IN")[0][0] == 2
    there.platform.run_batch()
    with pytest.raises(Outdated):
        adapter.settle(f"{REFERENCE}#1.0")
    assert adapter.update(settled.native_id, {"DZ": "1"}, f"{REFERENCE}#1.0").late
    there.platform.run_batch()
    assert adapter.settle(f"{REFERENCE}#1.0") is not None


def test_settle_sees_what_was_committed(there: Ground) -> None:
    """C52: 0, 3, 1 as the batch commits them, on whatever connection; and no transaction of ours stops the batch."""
    adapter = there.adapter()
    adapter.create({**BODY, "WBBH": REFERENCE}, REFERENCE)
    pages = adapter.pull(None)
    for state in (0, 3):
        there.sql("UPDATE T_JH_IN SET CLBZ = ?", state)
        assert adapter.settle(REFERENCE) is None
    there.create()
    there.create()
    walk = there.adapter(page_size=1).pull(None)
    next(walk)
    there.sql("UPDATE T_JH_IN SET CLBZ = 1, CLJG = 'WL20261026000009', CLSJ = '2026-10-26 12:00:00'")
    settled = adapter.settle(REFERENCE)
    assert settled is not None and settled.native_id == "WL20261026000009"
    assert len(list(walk)) == 1 and list(pages)

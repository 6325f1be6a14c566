"""Rules of changing fields of a record that is there already."""

from __future__ import annotations

from typing import Any, cast

from adapters.errors import Missing, OutcomeUnknown
from adapters.port import Ability
from tests.contract.rules import raises, rule
from tests.contract.stands import EditOfficials, Stand, Stored
from tests.contract.writing_rules import LOST, TEXT, held


def change(stand: Stand, title: str) -> dict[str, Any]:
    return cast(EditOfficials, stand.officials).change(title)


def but_for_the_title(stored: Stored) -> tuple[Any, ...]:
    """What an edit of the title must leave alone; an entry that says nothing may be added to the history."""
    return stored.native_id, stored.reference, stored.text, tuple(words for words in stored.remarks if words)


@rule(Ability.EDIT)
def an_edit_changes_what_it_names(adapter: Any, stand: Stand) -> None:
    """The fields named become what was said, an emptied one empty; everything else, and every other record, stays. The
    same again changes nothing more."""
    text = held(TEXT, stand)
    made, other = (adapter.create(stand.body(name, text=text), name).native_id for name in ("ref-1", "ref-2"))
    before, title = (stand.one("ref-1"), stand.one("ref-2")), held("更正后的标题 <b>&", stand)
    for number in (1, 2):
        assert adapter.edit(made, change(stand, title), f"op-{number}").native_id == made
        assert stand.one("ref-1").title == stand.officials.shown(adapter.fetch(made)).title == title
        assert but_for_the_title(stand.one("ref-1")) == but_for_the_title(before[0])
    body, empty = cast(EditOfficials, stand.officials).emptying()
    assert not empty(adapter.fetch(made))
    adapter.edit(made, body, "op-3")
    assert empty(adapter.fetch(made)) and stand.one("ref-1").title == title
    assert stand.one("ref-2") == before[1] and other != made


@rule(Ability.EDIT)
def a_lost_answer_to_an_edit(adapter: Any, stand: Stand) -> None:
    """Done, but not acknowledged: OutcomeUnknown, sent once, and shown by `fetch`."""
    hasty = stand.adapter(read_seconds=0.5)
    made = adapter.create(stand.body("ref-1"), "ref-1").native_id
    for number, fault in enumerate(LOST):
        title = f"第{number}次更正"
        stand.fault("edit", **fault)
        before, worker = stand.requests("edit"), hasty if fault["kind"] == "hang" else adapter
        raises(OutcomeUnknown, lambda worker=worker, title=title, number=number: worker.edit(made, change(stand, title), f"e-{number}"))  # type: ignore[misc]
        assert stand.requests("edit") == before + 1, fault
        assert stand.officials.shown(adapter.fetch(made)).title == title, fault


@rule(Ability.EDIT)
def an_edit_of_nothing_is_missing(adapter: Any, stand: Stand) -> None:
    """An unknown id, of any form: Missing, and no record is changed."""
    made = adapter.create(stand.body("ref-1"), "ref-1").native_id
    before = stand.one("ref-1")
    for unknown in (made[:-1] + ("1" if made[-1] != "1" else "2"), "X1", "没有这件"):
        raises(Missing, lambda unknown=unknown: adapter.edit(unknown, change(stand, "更正"), "op"))  # type: ignore[misc]
    assert stand.one("ref-1") == before

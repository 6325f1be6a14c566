"""Rules of writing: created once, read back as written, and what becomes of an answer that never came."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from adapters.errors import Missing, OutcomeUnknown, Outdated, Refused
from adapters.port import Ability
from tests.contract.rules import drain, raises, rule
from tests.contract.stands import ABROAD, Stand

LOST: tuple[dict[str, Any], ...] = (
    {"kind": "lost", "how": "fin"}, {"kind": "lost", "how": "rst"}, {"kind": "hang", "seconds": 0.8},
    *({"kind": "cut", "at": at} for at in (0, 1, 17, 100)), {"kind": "cut", "at": 60, "framed": False},
    {"kind": "wrong", "status": 502}, {"kind": "wrong", "status": 504}, {"kind": "wrong", "status": 200},
    {"kind": "wrong", "status": 200, "body": ""},
)  # fmt: skip
"""The work is done, the answer does not arrive whole."""
TEXT = f"第一行：废水。\n\n  第二行 {ABROAD} <b>&amp;\"'</b> ]]> ·—"


def held(text: str, stand: Stand) -> str:
    """The text with rare characters that this platform's charset has."""
    return text.replace(ABROAD, stand.officials.abroad)


@rule()
def what_we_create_is_read_back(adapter: Any, stand: Stand) -> None:
    """Chinese, emoji, supplementary characters, line breaks and markup stand on the platform as written, and are read
    back the same; the receipt names the record."""
    title, text = held(f"标题{ABROAD}", stand), held(TEXT, stand)
    receipt = adapter.create(stand.body("ref-1", title, text), "ref-1")
    stored = stand.one("ref-1")
    assert receipt.native_id == stored.native_id and not receipt.already and receipt.notes == ()
    assert (stored.title, stored.text) == (title, text)
    record = adapter.fetch(receipt.native_id)
    shown = stand.officials.shown(record)
    assert (shown.title, shown.text, shown.reference) == (stored.title, text, "ref-1")
    assert receipt.native_id in [one.native_id for one in drain(adapter)]


@rule()
def control_characters_are_taken_out_and_said(adapter: Any, stand: Stand) -> None:
    """C47: what no platform takes is taken out, everything else stays, and the receipt says so."""
    rare = stand.officials.abroad
    receipt = adapter.create(stand.body("ref-1", "标\x0b题\x00", f"第一行\x1f\n第二行\ud800{rare}"), "ref-1")
    stored = stand.one("ref-1")
    assert (stored.title, stored.text) == ("标题", f"第一行\n第二行{rare}")
    assert len(receipt.notes) >= 2


@rule()
def too_long_is_refused_by_name(adapter: Any, stand: Stand) -> None:
    """A text beyond the platform's limit is refused and the field named (or cut, and said): never lost in silence."""
    for length in getattr(stand.officials, "too_long", (101, 5000)):
        error = raises(Refused, lambda length=length: adapter.create(stand.body(f"r{length}", "长" * length), f"r{length}"))  # type: ignore[misc]
        assert error.field == stand.officials.title_field and error.remedy
    assert stand.stored() == []


@rule()
def refused_names_the_field(adapter: Any, stand: Stand) -> None:
    """A record that the platform does not take: Refused, the wire field named, nothing stored."""
    body, field = stand.officials.refused("ref-1")
    error = raises(Refused, lambda: adapter.create(body, "ref-1"))
    assert error.field == field and error.remedy
    assert stand.stored() == []


@rule()
def a_lost_answer_to_a_creation(adapter: Any, stand: Stand) -> None:
    """Done, but the answer got lost, cut, replaced or came too late: OutcomeUnknown, sent once, stored once."""
    hasty = stand.adapter(read_seconds=0.5)
    for number, fault in enumerate(LOST):
        reference = f"ref-{number}"
        stand.fault("create", **fault)
        before, worker = stand.requests("create"), hasty if fault["kind"] == "hang" else adapter
        raises(OutcomeUnknown, lambda worker=worker, reference=reference: worker.create(stand.body(reference), reference))  # type: ignore[misc]
        assert stand.requests("create") == before + 1, fault
        assert stand.count(reference) == 1, fault


@rule(Ability.FIND)
def a_lost_creation_is_found(adapter: Any, stand: Stand) -> None:
    """What was created and not acknowledged is found by our reference, whole; what never was is not."""
    began = stand.clock.now()
    stand.people_create("别人的", 3)
    adapter.probe()
    text = held(TEXT, stand)
    stand.fault("create", kind="lost")
    raises(OutcomeUnknown, lambda: adapter.create(stand.body("ref-1", text=text), "ref-1"))
    stand.fault("create", kind="refuse", status=502)
    raises(OutcomeUnknown, lambda: adapter.create(stand.body("ref-2"), "ref-2"))
    stand.clock.sleep(adapter.processing.total_seconds())
    found = stand.adapter().find("ref-1", began - timedelta(minutes=2))
    assert found is not None and found.native_id == stand.one("ref-1").native_id
    assert not found.partial and stand.officials.shown(found).text == text
    for unknown in ("ref-2", "ref", "ref-11"):
        assert adapter.find(unknown, began - timedelta(minutes=2)) is None


@rule(Ability.IDEMPOTENT_CREATE)
def created_at_most_once_by_reference(adapter: Any, stand: Stand) -> None:
    """The same reference again, also at the same time by several workers, names the record there is."""
    first = adapter.create(stand.body("ref-1"), "ref-1")
    again = adapter.create(stand.body("ref-1"), "ref-1")
    assert (again.native_id, again.already) == (first.native_id, True)
    with ThreadPoolExecutor(4) as pool:
        receipts = list(pool.map(lambda _: stand.adapter().create(stand.body("ref-2"), "ref-2"), range(4)))
    assert len({receipt.native_id for receipt in receipts}) == 1
    if Ability.LATE_RECEIPT not in adapter.abilities:  # one outcome for all who wrote under one reference
        assert sum(not receipt.already for receipt in receipts) == 1
    assert [stand.count("ref-1"), stand.count("ref-2")] == [1, 1]


@rule(Ability.UPDATE)
def updates_are_stored_in_order(adapter: Any, stand: Stand) -> None:
    """Each update is stored once, in the order sent, as written; another record is not touched."""
    made, other = (adapter.create(stand.body(name), name).native_id for name in ("ref-1", "ref-2"))
    before = stand.one("ref-1").remarks, stand.one("ref-2").remarks
    words = ["到场。", held(TEXT, stand), held(f"处置{ABROAD}", stand)]
    for number, text in enumerate(words):
        receipt = adapter.update(made, stand.officials.remark(stand, text), f"op-{number}")
        assert receipt.native_id == made
    assert stand.one("ref-1").remarks == (*before[0], *words)
    assert stand.one("ref-2").remarks == before[1] and other != made
    shown = stand.officials.shown(adapter.fetch(made))
    assert shown.remarks == (*before[0], *words)


@rule(Ability.UPDATE, Ability.IDEMPOTENT_UPDATE)
def the_same_update_is_stored_once(adapter: Any, stand: Stand) -> None:
    """The same update sent again, also after its answer got lost, leaves one entry."""
    made = adapter.create(stand.body("ref-1"), "ref-1").native_id
    before = stand.one("ref-1").remarks
    body = stand.officials.remark(stand, "到场。")
    first = adapter.update(made, body, "op-1")
    again = adapter.update(made, body, "op-1")
    assert first.entry == again.entry != ""
    lost = stand.officials.remark(stand, "处置。")
    stand.fault("update", kind="lost")
    raises(OutcomeUnknown, lambda: adapter.update(made, lost, "op-2"))
    adapter.update(made, lost, "op-2")
    assert stand.one("ref-1").remarks == (*before, "到场。", "处置。")


@rule(Ability.UPDATE)
def a_lost_answer_to_an_update(adapter: Any, stand: Stand) -> None:
    """Done, but not acknowledged: OutcomeUnknown, sent once, stored once, and seen by `fetch`."""
    hasty = stand.adapter(read_seconds=0.5)
    made = adapter.create(stand.body("ref-1"), "ref-1").native_id
    for number, fault in enumerate(LOST):
        body = stand.officials.remark(stand, f"第{number}次。")
        stand.fault("update", **fault)
        before, worker = stand.requests("update"), hasty if fault["kind"] == "hang" else adapter
        raises(OutcomeUnknown, lambda worker=worker, body=body, number=number: worker.update(made, body, f"op-{number}"))  # type: ignore[misc]
        assert stand.requests("update") == before + 1, fault
        remarks = stand.officials.shown(adapter.fetch(made)).remarks
        assert remarks.count(f"第{number}次。") == 1, fault


@rule(Ability.UPDATE)
def an_illegal_move_is_outdated(adapter: Any, stand: Stand) -> None:
    """What the record's state forbids: Outdated, and the record stays as it is."""
    made = adapter.create(stand.body("ref-1"), "ref-1").native_id
    before = stand.one("ref-1")
    assert raises(Outdated, lambda: adapter.update(made, stand.officials.illegal(stand), "op-1")).remedy
    assert stand.one("ref-1") == before


@rule(Ability.UPDATE)
def an_update_of_nothing_is_missing(adapter: Any, stand: Stand) -> None:
    """An unknown id, of any form: Missing, and nothing is stored."""
    made = adapter.create(stand.body("ref-1"), "ref-1").native_id
    for unknown in (made[:-1] + ("1" if made[-1] != "1" else "2"), "X1", "没有这件"):
        raises(Missing, lambda unknown=unknown: adapter.update(unknown, stand.officials.remark(stand, "到场。"), "op"))  # type: ignore[misc]
    assert stand.one("ref-1").remarks.count("到场。") == 0

"""Rules of platforms that answer later, and of lists that shrink by acknowledgement."""

from __future__ import annotations

from typing import Any, cast

from adapters.errors import ConfigError, OutcomeUnknown, Unavailable
from adapters.port import Ability
from tests.contract.rules import drain, ids, raises, rule
from tests.contract.stands import LateOfficials, Stand


@rule(Ability.LATE_RECEIPT)
def a_late_receipt_is_settled(adapter: Any, stand: Stand) -> None:
    """What is handed over names no record yet; once the platform took it up, any worker settles it by our reference, as
    often as it asks; what was never handed over is never settled."""
    officials = cast(LateOfficials, stand.officials)
    for reference in ("ref-1", "ref-2"):
        receipt = adapter.create(officials.handed_over(stand, reference), reference)
        assert receipt.late and receipt.native_id == ""
        assert adapter.settle(reference) is None
    officials.batch(stand)
    for worker in (stand.adapter(), stand.adapter(), adapter):
        for reference in ("ref-1", "ref-2"):
            settled = worker.settle(reference)
            assert settled is not None and not settled.late and settled.native_id == stand.one(reference).native_id
        for unknown in ("ref-3", "ref", "ref-11"):
            assert worker.settle(unknown) is None
    assert len(stand.stored()) == 2


@rule(Ability.LATE_RECEIPT, Ability.FIND)
def a_lost_hand_over_is_settled(adapter: Any, stand: Stand) -> None:
    """The answer to the handing over got lost: OutcomeUnknown, and settled all the same once the platform took it up."""
    officials = cast(LateOfficials, stand.officials)
    body = officials.handed_over(stand, "ref-1")
    adapter.probe()
    stand.fault("create", kind="lost")
    raises(OutcomeUnknown, lambda: adapter.create(body, "ref-1"))
    officials.batch(stand)
    stand.clock.sleep(adapter.processing.total_seconds())
    settled = stand.adapter().settle("ref-1")
    assert settled is not None and settled.native_id == stand.one("ref-1").native_id


@rule(Ability.ACKNOWLEDGE)
def rows_come_until_they_are_acknowledged(adapter: Any, stand: Stand) -> None:
    """Reading alone takes nothing off the list; acknowledging does, repeating it does no harm; a row that changed after
    that comes again."""
    made = stand.people_create("待取", 3)
    assert sorted(ids(drain(adapter))) == sorted(ids(drain(stand.adapter()))) == sorted(made)
    (page,) = adapter.pull(None)
    for _ in (1, 2):
        adapter.acknowledge(page)
        assert drain(adapter, page.cursor) == drain(stand.adapter()) == []
    stand.clock.sleep(2)
    stand.people_touch(made[1])
    assert ids(drain(adapter, page.cursor)) == [made[1]]


@rule(Ability.ACKNOWLEDGE)
def an_acknowledgement_that_fails_is_told(adapter: Any, stand: Stand) -> None:
    """Down or no answer: Unavailable, for the same may be sent again; an address that is not there: ConfigError. The rows
    stay on the list until it worked."""
    made = stand.people_create("待取", 2)
    (page,) = adapter.pull(None)
    stand.fault("acknowledge", kind="down", times=12)
    assert raises(Unavailable, lambda: adapter.acknowledge(page)).remedy
    stand.heal()
    assert sorted(ids(drain(adapter))) == sorted(made)
    stand.fault("acknowledge", kind="refuse", status=404, body='[{"code": 404, "description": "路径不存在"}]',
                content_type="application/json")  # fmt: skip
    assert raises(ConfigError, lambda: adapter.acknowledge(page)).remedy
    assert sorted(ids(drain(adapter))) == sorted(made)
    stand.fault("acknowledge", kind="lost")
    raises(Unavailable, lambda: adapter.acknowledge(page))
    adapter.acknowledge(page)
    assert drain(adapter) == []

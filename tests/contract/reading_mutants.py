"""Mutants of the rules of reading, late receipts and acknowledgements."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from adapters.errors import ConfigError, OutcomeUnknown, Outdated, Unavailable
from adapters.port import Finding, Page, Probe, Receipt
from tests.contract.mutants import Broken, breaks
from tests.contract.stands import Stand


def cut(page: Page, records: Any) -> Page:
    return dataclasses.replace(page, records=tuple(records))


@breaks("a_pull_is_repeatable")
def forgets_what_it_gave(inner: Any, stand: Stand) -> Any:
    given: set[str] = set()

    def pull(since: Any) -> Iterator[Page]:
        for page in inner.pull(since):
            fresh = [r for r in page.records if r.identity not in given]
            given.update(r.identity for r in fresh)
            yield cut(page, fresh)

    return Broken(inner, pull=pull)


@breaks("nothing_is_missed_when_rows_move")
def counts_rows_instead_of_following_them(inner: Any, stand: Stand) -> Any:
    """Page numbers over a moving list: an edit during the walk makes it jump over the row that slid up."""

    def pull(since: Any) -> Iterator[Page]:
        touched = stand.touched
        for page in inner.pull(since):
            moved, touched = stand.touched > touched, stand.touched
            yield cut(page, page.records[1:]) if moved else page

    return Broken(inner, pull=pull)


@breaks("nothing_is_missed_within_one_moment")
def passes_a_moment_by(inner: Any, stand: Stand) -> Any:
    """The next page begins after the last time seen: the rest of that second is lost."""

    def pull(since: Any) -> Iterator[Page]:
        last: Any = None
        for page in inner.pull(since):
            field = stand.officials.shift_field
            kept = [r for r in page.records if r.body.get(field) != last]
            last = page.records[-1].body.get(field) if page.records else last
            yield cut(page, kept)

    return Broken(inner, pull=pull)


@breaks("nothing_is_missed_that_shows_late")
def reads_nothing_again(inner: Any, stand: Stand) -> Any:
    """No overlap: what was stamped before the newest row ever seen is not looked at any more."""
    newest: list[Any] = []

    def pull(since: Any) -> Iterator[Page]:
        edge = max(newest, default=None)
        for page in inner.pull(since):
            times = [(r.body[stand.officials.shift_field], r.native_id) for r in page.records]
            newest.extend(times)
            yield cut(page, [r for r, time in zip(page.records, times, strict=True) if edge is None or time > edge])

    return Broken(inner, pull=pull)


@breaks("a_pause_loses_nothing_that_shows_late")
def takes_what_is_old_by_now_for_read(inner: Any, stand: Stand) -> Any:
    """After a pause it begins behind everything that it had met before it."""
    pulled: list[datetime] = []

    def pull(since: Any) -> Iterator[Page]:
        now = stand.clock.now()
        rested = bool(pulled) and now - pulled[-1] > timedelta(seconds=30)
        pulled.append(now)
        for page in inner.pull(since):
            yield cut(page, () if rested else page.records)

    return Broken(inner, pull=pull)


@breaks("one_bad_record_costs_no_other")
def throws_the_page_away(inner: Any, stand: Stand) -> Any:
    def pull(since: Any) -> Iterator[Page]:
        for page in inner.pull(since):
            yield cut(page, () if any(r.damage or r.native_id is None for r in page.records) else page.records)

    return Broken(inner, pull=pull)


@breaks("cursors_are_text_and_lose_nothing")
def moves_the_cursor_ahead(inner: Any, stand: Stand) -> Any:
    """The cursor of the last page is given with the first one."""

    def pull(since: Any) -> Iterator[Page]:
        pages = list(inner.pull(since))
        if since is not None:
            yield from pages[-1:]
            return
        for page in pages:
            yield dataclasses.replace(page, cursor=pages[-1].cursor)

    return Broken(inner, pull=pull)


@breaks("a_foreign_cursor_is_told")
def starts_over_quietly(inner: Any, stand: Stand) -> Any:
    def pull(since: Any) -> Iterator[Page]:
        try:
            yield from inner.pull(since)
        except ConfigError:
            yield from inner.pull(None)

    return Broken(inner, pull=pull)


@breaks("down_means_nothing_done")
def says_unknown_when_down(inner: Any, stand: Stand) -> Any:
    def create(body: Any, reference: str) -> Receipt:
        try:
            return inner.create(body, reference)
        except Unavailable as error:
            raise OutcomeUnknown(error.what, remedy="?") from error

    return Broken(inner, create=create)


@breaks("a_wrong_password_is_told_without_it")
def tells_the_password(inner: Any, stand: Stand) -> Any:
    def fetch(native_id: str) -> Any:
        try:
            return inner.fetch(native_id)
        except ConfigError as error:
            raise ConfigError(f"{error.what} not-the-password-000000", remedy=error.remedy) from None

    return Broken(inner, fetch=fetch)


@breaks("busy_means_later")
def hammers(inner: Any, stand: Stand) -> Any:
    def create(body: Any, reference: str) -> Receipt:
        for _ in range(13):
            try:
                return inner.create(body, reference)
            except Unavailable as error:
                last = error
        raise last

    return Broken(inner, create=create)


@breaks("a_record_that_is_not_there")
def finds_it_unavailable(inner: Any, stand: Stand) -> Any:
    def fetch(native_id: str) -> Any:
        found = inner.fetch(native_id)
        if found is None:
            raise AssertionError("404 taken for a failure")
        return found

    return Broken(inner, fetch=fetch)


@breaks("raw_is_what_the_platform_sent")
def writes_the_record_anew(inner: Any, stand: Stand) -> Any:
    def pull(since: Any) -> Iterator[Page]:
        for page in inner.pull(since):
            yield cut(page, [dataclasses.replace(r, raw=repr(r.body).encode()) for r in page.records])

    return Broken(inner, pull=pull)


@breaks("times_carry_a_zone")
def drops_the_zone(inner: Any, stand: Stand) -> Any:
    def fetch(native_id: str) -> Any:
        found = inner.fetch(native_id)
        return dataclasses.replace(found, read_at=found.read_at.replace(tzinfo=None))

    return Broken(inner, fetch=fetch)


@breaks("the_probe_tells")
def looks_at_the_network_only(inner: Any, stand: Stand) -> Any:
    def probe() -> Probe:
        told = inner.probe()
        fine = Finding("网络 reach", told.skew is not None, "…", "" if told.skew is not None else "检查网络")
        return Probe((fine,), told.skew)

    return Broken(inner, probe=probe)


@breaks("a_slow_platform_is_left_in_peace")
def sends_again_when_slow(inner: Any, stand: Stand) -> Any:
    """A reader that grows impatient."""

    def pull(since: Any) -> Iterator[Page]:
        if stand.slowed():
            list(inner.pull(since))
        yield from inner.pull(since)

    return Broken(inner, pull=pull)


@breaks("no_person_stands_in_an_error")
def quotes_the_record(inner: Any, stand: Stand) -> Any:
    def update(native_id: str, body: Any, reference: str) -> Receipt:
        try:
            return inner.update(native_id, body, reference)
        except Outdated as error:
            raise Outdated(f"{error.what} {body}", remedy=error.remedy) from None

    return Broken(inner, update=update)


@breaks("a_late_receipt_is_settled")
def settles_whatever_is_there(inner: Any, stand: Stand) -> Any:
    """The newest record is taken for the one that was handed over."""

    def settle(reference: str) -> Receipt | None:
        found = inner.settle(reference)
        newest = stand.stored()[-1:]
        return found or (Receipt(newest[0].native_id) if newest else None)

    return Broken(inner, settle=settle)


@breaks("a_lost_hand_over_is_settled")
def settles_only_what_was_answered(inner: Any, stand: Stand) -> Any:
    """A worker that remembers what it handed over, and takes what nobody answered for never sent."""
    answered: set[str] = set()

    def create(body: Any, reference: str) -> Receipt:
        receipt = inner.create(body, reference)
        answered.add(reference)
        return receipt

    def settle(reference: str) -> Receipt | None:
        return inner.settle(reference) if reference in answered else None

    return Broken(inner, create=create, settle=settle)


@breaks("rows_come_until_they_are_acknowledged")
def acknowledges_before_it_is_kept(inner: Any, stand: Stand) -> Any:
    def pull(since: Any) -> Iterator[Page]:
        for page in inner.pull(since):
            inner.acknowledge(page)
            yield page

    return Broken(inner, pull=pull)


@breaks("an_acknowledgement_that_fails_is_told")
def acknowledges_into_the_blue(inner: Any, stand: Stand) -> Any:
    def acknowledge(page: Page) -> None:
        with contextlib.suppress(Unavailable, ConfigError):
            inner.acknowledge(page)

    return Broken(inner, acknowledge=acknowledge)

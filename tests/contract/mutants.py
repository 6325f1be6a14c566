"""Adapters with one fault each: for every rule a wrapper that breaks exactly that promise, and the rule must notice.

A mutant is a function `(adapter, stand) -> adapter`; `Broken` passes on all that it does not break.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from adapters.errors import ConfigError, OutcomeUnknown, Outdated, Refused, Unavailable, WireError
from adapters.port import Finding, Page, Probe, Receipt
from tests.contract.stands import Stand

Mutant = Callable[[Any, Stand], Any]
MUTANTS: dict[str, Mutant] = {}


class Broken:
    """The adapter, with some of its operations replaced."""

    def __init__(self, inner: Any, **replaced: Any) -> None:
        self._inner = inner
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __repr__(self) -> str:
        return repr(self._inner)


def breaks(name: str) -> Callable[[Mutant], Mutant]:
    def registered(mutant: Mutant) -> Mutant:
        assert name not in MUTANTS
        MUTANTS[name] = mutant
        return mutant

    return registered


def cut(page: Page, records: Any) -> Page:
    return dataclasses.replace(page, records=tuple(records))


# ---- reading ------------------------------------------------------------------------------------------------------


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


# ---- writing ------------------------------------------------------------------------------------------------------


TEXTS = ("title", "content", "BT", "NR", "address", "description")


def rewritten(inner: Any, change: Callable[[str], str]) -> Any:
    """Texts changed on their way out."""

    def create(body: Any, reference: str) -> Receipt:
        return inner.create({k: change(v) if isinstance(v, str) and k in TEXTS else v for k, v in body.items()},
                            reference)  # fmt: skip

    return Broken(inner, create=create)


@breaks("what_we_create_is_read_back")
def loses_what_gb2312_lacks(inner: Any, stand: Stand) -> Any:
    return rewritten(inner, lambda text: text.encode("gb2312", "replace").decode("gb2312"))


@breaks("control_characters_are_taken_out_and_said")
def takes_them_out_in_silence(inner: Any, stand: Stand) -> Any:
    def create(body: Any, reference: str) -> Receipt:
        return dataclasses.replace(inner.create(body, reference), notes=())

    return Broken(inner, create=create)


@breaks("too_long_is_refused_by_name")
def cuts_in_silence(inner: Any, stand: Stand) -> Any:
    return rewritten(inner, lambda text: text[:60])


@breaks("refused_names_the_field")
def forgets_the_field(inner: Any, stand: Stand) -> Any:
    def create(body: Any, reference: str) -> Receipt:
        try:
            return inner.create(body, reference)
        except Refused as error:
            raise Refused(error.what, remedy=error.remedy) from None

    return Broken(inner, create=create)


@breaks("a_lost_answer_to_a_creation")
def sends_a_creation_again(inner: Any, stand: Stand) -> Any:
    def create(body: Any, reference: str) -> Receipt:
        try:
            return inner.create(body, reference)
        except OutcomeUnknown:
            return inner.create(body, reference)

    return Broken(inner, create=create)


@breaks("a_lost_creation_is_found")
def finds_by_the_beginning(inner: Any, stand: Stand) -> Any:
    """A search that takes any record whose reference begins alike."""

    def find(reference: str, since: Any) -> Any:
        exact = inner.find(reference, since)
        near = [one.reference for one in stand.stored() if one.reference.startswith(reference[:3])]
        return exact or (inner.find(near[0], since) if near else None)

    return Broken(inner, find=find)


@breaks("created_at_most_once_by_reference")
def makes_its_own_reference(inner: Any, stand: Stand) -> Any:
    def create(body: Any, reference: str) -> Receipt:
        own = f"{reference}-{next(stand.counter)}"
        return inner.create({k: own if v == reference else v for k, v in body.items()}, own)

    return Broken(inner, create=create)


@breaks("updates_are_stored_in_order")
def sends_updates_late(inner: Any, stand: Stand) -> Any:
    """One update is kept back and sent with the next."""
    kept: list[Any] = []

    def update(native_id: str, body: Any, reference: str) -> Receipt:
        if reference == "op-0":
            kept.append(body)
            return Receipt(native_id)
        receipt = inner.update(native_id, body, reference)
        while kept:
            inner.update(native_id, kept.pop(), "op-0")
        return receipt

    return Broken(inner, update=update)


@breaks("the_same_update_is_stored_once")
def stamps_anew(inner: Any, stand: Stand) -> Any:
    later = itertools.count(1)

    def update(native_id: str, body: Any, reference: str) -> Receipt:
        stamp = next(later)  # what makes an update the same one: a time in it, or the reference it is sent under
        body = {k: v + stamp if isinstance(v, int) else v for k, v in body.items()}
        return inner.update(native_id, body, f"{reference}-{stamp}")

    return Broken(inner, update=update)


@breaks("a_lost_answer_to_an_update")
def sends_an_update_again(inner: Any, stand: Stand) -> Any:
    def update(native_id: str, body: Any, reference: str) -> Receipt:
        try:
            return inner.update(native_id, body, reference)
        except OutcomeUnknown:
            inner.update(native_id, body, f"{reference}-again")
            raise

    return Broken(inner, update=update)


@breaks("an_illegal_move_is_outdated")
def calls_it_refused(inner: Any, stand: Stand) -> Any:
    def update(native_id: str, body: Any, reference: str) -> Receipt:
        try:
            return inner.update(native_id, body, reference)
        except Outdated as error:
            raise Refused(error.what, remedy=error.remedy) from None

    return Broken(inner, update=update)


@breaks("an_update_of_nothing_is_missing")
def believes_in_it(inner: Any, stand: Stand) -> Any:
    def update(native_id: str, body: Any, reference: str) -> Receipt:
        try:
            return inner.update(native_id, body, reference)
        except Refused:
            return Receipt(native_id)

    return Broken(inner, update=update)


# ---- files --------------------------------------------------------------------------------------------------------


@breaks("files_come_through_byte_for_byte")
def reads_files_as_text(inner: Any, stand: Stand) -> Any:
    def read_file(ref: Any) -> Any:
        return io.BytesIO(inner.read_file(ref).read().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))

    return Broken(inner, read_file=read_file)


@breaks("a_file_that_is_not_there")
def reads_nothing_as_empty(inner: Any, stand: Stand) -> Any:
    def read_file(ref: Any) -> Any:
        try:
            return inner.read_file(ref)
        except WireError:
            return io.BytesIO()

    return Broken(inner, read_file=read_file)


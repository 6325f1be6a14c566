"""Mutants of the rules of writing and files."""

from __future__ import annotations

import dataclasses
import io
import itertools
from collections.abc import Callable
from typing import Any

from adapters.errors import OutcomeUnknown, Outdated, Refused, WireError
from adapters.port import Receipt
from tests.contract.mutants import Broken, breaks, sends_again, takes_refusals_for_done
from tests.contract.stands import Stand

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
    return sends_again(inner, "update")


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
    return takes_refusals_for_done(inner, "update")




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

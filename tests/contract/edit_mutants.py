"""Mutants of the rules of changing fields."""

from __future__ import annotations

from typing import Any

from adapters.port import Receipt
from tests.contract.mutants import Broken, breaks, sends_again, takes_refusals_for_done
from tests.contract.stands import Stand


@breaks("an_edit_changes_what_it_names")
def leaves_emptied_fields_out(inner: Any, stand: Stand) -> Any:
    """As a client does that drops what is empty from its requests."""

    def filled(value: Any) -> Any:
        kept = {k: filled(v) for k, v in value.items()} if isinstance(value, dict) else value
        return {k: v for k, v in kept.items() if v not in (None, "", {})} if isinstance(kept, dict) else kept

    def edit(native_id: str, body: Any, reference: str) -> Receipt:
        body = filled(body)
        return inner.edit(native_id, body, reference) if body else Receipt(native_id)

    return Broken(inner, edit=edit)


@breaks("a_lost_answer_to_an_edit")
def sends_an_edit_again(inner: Any, stand: Stand) -> Any:
    return sends_again(inner, "edit")


@breaks("an_edit_of_nothing_is_missing")
def believes_in_what_is_not_there(inner: Any, stand: Stand) -> Any:
    return takes_refusals_for_done(inner, "edit")

"""Adapters with one fault each: for every rule a wrapper that breaks exactly that promise, and the rule must notice.

A mutant is a function `(adapter, stand) -> adapter`; `Broken` passes on all that it does not break. They stand in
`reading_mutants` and `writing_mutants`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapters.errors import OutcomeUnknown, Refused
from adapters.port import Receipt
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


def sends_again(inner: Any, operation: str) -> Any:
    """Sends a write of unknown outcome once more, before saying that its outcome is unknown."""

    def write(native_id: str, body: Any, reference: str) -> Receipt:
        try:
            return getattr(inner, operation)(native_id, body, reference)
        except OutcomeUnknown:
            getattr(inner, operation)(native_id, body, f"{reference}-again")
            raise

    return Broken(inner, **{operation: write})


def takes_refusals_for_done(inner: Any, operation: str) -> Any:
    def write(native_id: str, body: Any, reference: str) -> Receipt:
        try:
            return getattr(inner, operation)(native_id, body, reference)
        except Refused:
            return Receipt(native_id)

    return Broken(inner, **{operation: write})


def breaks(name: str) -> Callable[[Mutant], Mutant]:
    def registered(mutant: Mutant) -> Mutant:
        assert name not in MUTANTS
        MUTANTS[name] = mutant
        return mutant

    return registered

"""Adapters with one fault each: for every rule a wrapper that breaks exactly that promise, and the rule must notice.

A mutant is a function `(adapter, stand) -> adapter`; `Broken` passes on all that it does not break. They stand in
`reading_mutants` and `writing_mutants`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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

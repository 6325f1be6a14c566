"""The contract's rules: what a rule is, and how one says that something must be refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from adapters.port import Ability
from tests.contract.stands import Stand

Check = Callable[[Any, Stand], None]
E = TypeVar("E", bound=Exception)


@dataclass(frozen=True)
class Rule:
    """A promise of the port. needs: it holds for adapters that have all of these."""

    name: str
    check: Check
    needs: frozenset[Ability]


RULES: dict[str, Rule] = {}


def rule(*needs: Ability) -> Callable[[Check], Check]:
    """Registers a plain function `(adapter, stand)` as a rule; its docstring states the promise."""

    def registered(check: Check) -> Check:
        assert check.__doc__ and check.__name__ not in RULES
        RULES[check.__name__] = Rule(check.__name__, check, frozenset(needs))
        return check

    return registered


def raises(kind: type[E], call: Callable[[], object]) -> E:
    """The error, which must be of exactly this kind and say something; AssertionError otherwise."""
    try:
        result = call()
    except Exception as error:
        assert type(error) is kind, f"{type(error).__name__} instead of {kind.__name__}: {error}"
        assert str(error).strip()
        return error
    raise AssertionError(f"{kind.__name__} expected, got {result!r:.200}")


def drain(adapter: Any, since: Any = None) -> list[Any]:
    """All records of a pull, in order."""
    return [record for page in adapter.pull(since) for record in page.records]


def ids(records: list[Any]) -> list[Any]:
    return [record.native_id for record in records]

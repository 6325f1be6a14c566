"""The rules bite: for every rule an adapter that breaks it, and the rule must fail. A rule that cannot fail is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.errors import ConfigError
from tests.contract import edit_mutants, reading_mutants, writing_mutants
from tests.contract.mutants import MUTANTS
from tests.contract.rules import RULES
from tests.contract.stands import stand
from tests.contract.test_contract import CASES

assert edit_mutants and reading_mutants and writing_mutants  # they are registered by importing them
ELSEWHERE = {"settings_are_checked": "the mutant stands where adapters are built, see below"}


def test_every_rule_has_a_mutant() -> None:
    """No rule without an adapter that breaks it, and no mutant of a rule that is gone."""
    assert set(MUTANTS) | set(ELSEWHERE) == set(RULES)


@pytest.mark.parametrize(
    ("slug", "name"), [case for case in CASES if case[1] in MUTANTS],
    ids=[f"{slug}-{name}" for slug, name in CASES if name in MUTANTS],
)  # fmt: skip
def test_mutant_is_caught(slug: str, name: str, tmp_path: Path) -> None:
    """The broken adapter breaks its own rule, on every platform where the rule holds."""
    with stand(slug, tmp_path) as there:
        there.changed = lambda adapter: MUTANTS[name](adapter, there)
        with pytest.raises(AssertionError):
            RULES[name].check(there.adapter(), there)


@pytest.mark.parametrize("slug", sorted({slug for slug, _ in CASES}))
def test_mutant_of_settings_is_caught(slug: str, tmp_path: Path) -> None:
    """An adapter that swallows unknown keys."""
    with stand(slug, tmp_path) as there:
        make, sound = there.adapter, there.adapter()

        def careless(**settings: object) -> object:
            try:
                return make(**settings)
            except ConfigError:
                return sound

        there.adapter = careless  # type: ignore[method-assign]
        with pytest.raises(AssertionError):
            RULES["settings_are_checked"].check(sound, there)

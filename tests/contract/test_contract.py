"""Every adapter in the registry keeps every rule that its abilities promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.registry import ADAPTERS
from tests.contract import edit_rules, file_rules, late_rules, reading_rules, writing_rules
from tests.contract.rules import RULES
from tests.contract.stands import OFFICIALS, abilities, adapter_of, stand, without_stand

assert edit_rules and file_rules and late_rules and reading_rules and writing_rules  # their rules are registered by importing them
CASES = [(slug, name) for slug in sorted(OFFICIALS) if adapter_of(slug) in ADAPTERS
         for name, one in RULES.items() if one.needs <= abilities(slug) and name not in OFFICIALS[slug].without]  # fmt: skip


@pytest.mark.parametrize(("slug", "name"), CASES, ids=[f"{slug}-{name}" for slug, name in CASES])
def test_rule(slug: str, name: str, tmp_path: Path) -> None:
    """The rule's own docstring states the promise."""
    with stand(slug, tmp_path) as there:
        RULES[name].check(there.adapter(), there)


def test_every_adapter_has_a_stand() -> None:
    """An adapter that nobody can try is not one: the registry and the stands name the same platforms."""
    assert without_stand() == []


def test_every_rule_is_kept_by_somebody() -> None:
    """No rule asks for abilities that no registered adapter has: such a rule would never run."""
    assert {name for _, name in CASES} == set(RULES)


def test_what_is_left_out_is_a_rule_and_says_why() -> None:
    """A rule that cannot be asked of a kind of platform is named with the reason, and is a rule."""
    for officials in OFFICIALS.values():
        assert set(officials.without) <= set(RULES) and all(officials.without.values())

"""docs/rest.md explains every key of the settings with an example, and no key that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter

from adapters.generic import parts, settings

GUIDE = (Path(__file__).parents[3] / "docs" / "rest.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^#{2,3} (\w+)：[^\n]*\n(.*?)(?=^#{2,3} |\Z)", GUIDE, re.MULTILINE | re.DOTALL))


def models(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for part in get_args(kind):
        yield from models(part)


def all_models() -> dict[str, type[BaseModel]]:
    found: dict[str, type[BaseModel]] = {}
    waiting = [settings.Settings]
    while waiting:
        model: Any = waiting.pop()
        found[model.__name__] = model
        waiting += [one for field in model.model_fields.values() for one in models(field.annotation)
                    if one.__name__ not in found]  # fmt: skip
    return found


MODELS = all_models()


def test_every_part_has_a_section() -> None:
    """And every section is a part of the settings."""
    assert set(SECTIONS) == set(MODELS) and parts.Part not in MODELS.values()


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_key_is_explained(name: str) -> None:
    """The first column of the section's table names the keys of the model, all of them and no other."""
    cells = re.findall(r"^\| ([^|]*`[^|]*) \|", SECTIONS[name], re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(cells))) == sorted(MODELS[name].model_fields)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_part_has_an_example_that_holds(name: str) -> None:
    """It is what the model takes, and shows at least a required key or a value that is not the default."""
    (example,) = re.findall(r"```yaml\n(.*?)```", SECTIONS[name], re.DOTALL)
    value = yaml.safe_load(example)
    TypeAdapter(MODELS[name]).validate_python(value)
    assert value

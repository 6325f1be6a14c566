"""docs/mapping.md explains the whole language: every key of the model, every word that may stand there."""

import re
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from bridge.mapping.files import load_mapping
from bridge.mapping.language import CANONICAL, Mapping
from schemas.lifecycle import ActionKind, Stage

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs/mapping.md").read_text("utf-8")
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)]
WORDS = set(re.findall(r"[A-Za-z_][A-Za-z0-9_.]*", " ".join(re.findall(r"`([^`\n]+)`", GUIDE)) + " ".join(BLOCKS)))


def inside(kind: Any) -> Iterator[Any]:
    """The models and literal words in an annotation."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    elif get_origin(kind) is Literal:
        yield from (word for word in get_args(kind) if isinstance(word, str))
    elif get_origin(kind) is Annotated:
        yield from inside(get_args(kind)[0])
    elif get_origin(kind) in (Union, types.UnionType, list, dict):
        for part in get_args(kind):
            yield from inside(part)


def language() -> set[tuple[str, str]]:
    """(model, word) for every key and every literal word of the language."""
    found: set[tuple[str, str]] = set()
    waiting, seen = [Mapping], set()
    while waiting:
        model: type[BaseModel] = waiting.pop()
        seen.add(model)
        for name, field in model.model_fields.items():
            found.add((model.__name__, name))
            for part in inside(field.annotation):
                if isinstance(part, str):
                    found.add((model.__name__, part))
                elif part not in seen:
                    waiting.append(part)
    return found


@pytest.mark.parametrize("model", sorted({model for model, _ in language()}))
def test_every_key_and_word_is_explained(model: str) -> None:
    """A key that the model has and the guide lacks is a key that nobody will use."""
    assert {word for owner, word in language() if owner == model} - WORDS - {"none"} <= set()


@pytest.mark.parametrize("word", [*CANONICAL, *Stage, *ActionKind])
def test_every_canonical_name_stands_in_the_guide(word: str) -> None:
    """Fields, stages and actions are listed by name."""
    assert word in WORDS or (word.endswith("_name") and word.startswith("area."))


def test_the_overlay_of_the_guide_works(tmp_path: Path) -> None:
    """The example of the ten minutes is a sound mapping as it stands, and the others are well-formed."""
    (tmp_path / "grid-donggang.yaml").write_text(BLOCKS[0], "utf-8")
    loaded = load_mapping("grid-donggang", [tmp_path, ROOT / "mappings"])
    assert loaded.mapping.tables["level"].codes["5"] == "ordinary"
    assert all(yaml.safe_load(block) for block in BLOCKS)

"""The JSON Schemas that editors complete YAML from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from adapters.registry import ADAPTERS
from bridge.documents import load
from bridge.schema_files import FOLDER, generate
from tests.unit.config.ground import MAPPINGS, ROOT


def test_the_files_are_what_the_models_say() -> None:
    """Drift fails: run `huying schemas`."""
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert there == generate()


SHIPPED = sorted([*MAPPINGS.glob("*.yaml"), *(ROOT / "config").glob("c*/*.yaml"), *(ROOT / "docs/examples").glob("*.yaml")])


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_shipped_files_fit_and_point_at_their_schema(path: Path) -> None:
    """The first line names the schema by a path that exists; the file validates against it."""
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    schema = (path.parent / first.partition("=")[2]).resolve()
    assert schema.parent == FOLDER
    jsonschema.Draft202012Validator(json.loads(schema.read_text(encoding="utf-8"))).validate(load(path).data)


def test_schemas_are_schemas() -> None:
    """Each is valid by the standard it names."""
    for text in generate().values():
        jsonschema.Draft202012Validator.check_schema(json.loads(text))


def test_a_county_with_a_misspelt_key_does_not_fit() -> None:
    """The editor underlines what `huying check` would refuse."""
    validator = jsonschema.Draft202012Validator(json.loads(generate()["county.schema.json"]))
    data = load(ROOT / "config/counties/donggang.yaml").data
    data["routes"][0]["when"]["all"][0][1] = "starts"
    data["platforms"][0]["pol"] = "10s"
    assert len(list(validator.iter_errors(data))) >= 2


@pytest.mark.parametrize(("adapter", "settings", "fits"), [
    ("rest", {"list": {"request": {"path": "/a"}, "items": "data.rows"}, "record": {"id": "id"}, "page_size": 50}, True),
    ("rest", {"list": {"request": {"path": "/a"}}, "record": {"id": "id"}, "pagesize": 50}, False),
    ("rest", {"list": {"request": {"path": "/a", "send": "yaml"}}, "record": {"id": "id"}}, False),
    ("grid", {"page_size": 100}, True), ("grid", {"list": {}}, False), ("gird", {}, False),
])  # fmt: skip
def test_the_settings_of_each_adapter_are_completed(adapter: str, settings: dict[str, Any], fits: bool) -> None:
    """Under `settings:` an editor offers, and refuses, what that adapter takes."""
    validator = jsonschema.Draft202012Validator(json.loads(generate()["county.schema.json"]))
    data = load(ROOT / "config/counties/donggang.yaml").data
    data["platforms"] = [{**data["platforms"][0], "adapter": adapter, "settings": settings}]
    assert validator.is_valid(data) is fits


def test_every_adapter_has_settings_in_the_schema() -> None:
    """An adapter that joins the registry is completed too, once the files are written anew."""
    assert {f"{slug}.settings" for slug in ADAPTERS} <= json.loads(generate()["county.schema.json"])["$defs"].keys()

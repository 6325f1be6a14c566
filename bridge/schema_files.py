"""The JSON Schemas under schemas/json: from the models, for editors to complete YAML and for others to read calls.

A test fails when a file differs from what `generate` says; `huying schemas` writes them anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from adapters.registry import ADAPTERS, settings_of
from bridge.mapping.language import Mapping as MappingModel
from schemas.call import Call
from schemas.catalogue import Catalogue
from schemas.county import County
from schemas.lifecycle import Action

FOLDER = Path(__file__).resolve().parent.parent / "schemas" / "json"
MODELS: Mapping[str, type[BaseModel]] = MappingProxyType({
    "action": Action, "call": Call, "catalogue": Catalogue, "county": County, "mapping": MappingModel,
})  # fmt: skip


def generate() -> dict[str, str]:
    """File name -> text, for each of MODELS. The same text for the same models, byte for byte."""
    return {f"{name}.schema.json": _text(kind) for name, kind in MODELS.items()}


def write(folder: Path = FOLDER) -> list[Path]:
    """Write them all; the paths, sorted."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in generate().items():
        (folder / name).write_text(text, encoding="utf-8")
        paths.append(folder / name)
    return sorted(paths)


def with_settings(county: dict[str, Any], adapters: Iterable[str]) -> dict[str, Any]:
    """A county's schema with each adapter's own `settings:` where an entry names that adapter."""
    entry, cases = county["$defs"]["PlatformEntry"], []
    for slug in sorted(adapters):
        own = settings_of(slug).model_json_schema(ref_template=f"#/$defs/{slug}.{{model}}")
        county["$defs"] |= {f"{slug}.{name}": part for name, part in own.pop("$defs", {}).items()}
        county["$defs"][f"{slug}.settings"] = own
        cases.append({"if": {"properties": {"adapter": {"const": slug}}, "required": ["adapter"]},
                      "then": {"properties": {"settings": {"$ref": f"#/$defs/{slug}.settings"}}}})  # fmt: skip
    entry["allOf"] = cases
    entry["properties"]["adapter"] |= {"enum": sorted(adapters)}
    return county


def _text(kind: type[BaseModel]) -> str:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **kind.model_json_schema()}
    if kind is MappingModel:
        # An overlay may leave out whatever its base says; `huying check` judges the two laid together.
        schema["required"] = ["mapping"]
        for part in schema["$defs"].values():
            part.pop("required", None)
    if kind is County:
        schema = with_settings(schema, ADAPTERS)
    return json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n"

"""The contract's example services, definitions and discovery document, as this server offers them.

Read from docs/contracts/open311 at run time, so that a changed list needs no change here. Must not know HTTP or XML.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "docs" / "contracts" / "open311"
JURISDICTION = "rizhao.example"
NOTICES: Mapping[str, str | None] = {"realtime": "两个工作日内查看", "batch": None, "blackbox": "已收到"}
"""service_notice of the answer to a create, by the service's type."""


@dataclass(frozen=True)
class Contract:
    """services, definitions: by service_code, in the contract's order. discovery: with the contract's own URLs."""

    services: Mapping[str, Mapping[str, Any]]
    definitions: Mapping[str, Mapping[str, Any]]
    discovery: Mapping[str, Any]

    def required_attributes(self, service_code: str) -> list[str]:
        """Codes of the attributes that a create must carry."""
        attributes = self.definitions.get(service_code, {}).get("attributes", [])
        return [one["code"] for one in attributes if one["required"] and one["variable"]]


def _sample(name: str) -> Any:
    return json.loads((FOLDER / "samples" / f"{name}.json").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def load() -> Contract:
    """The lists of docs/contracts/open311."""
    definition = _sample("service-definition")
    services = {one["service_code"]: one for one in _sample("services")}
    return Contract(services, {definition["service_code"]: definition}, _sample("discovery"))

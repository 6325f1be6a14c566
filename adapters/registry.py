"""Adapters by slug: where each lives, imported only when asked for. A new platform is one line here.

This module must not import a concrete adapter at import time: lxml, zeep and requests cost start-up time.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from adapters.errors import ConfigError
from adapters.port import Adapter, Connection, Surroundings

Build = Callable[[str, Mapping[str, Any], Connection, Surroundings], Adapter]

ADAPTERS: Mapping[str, str] = MappingProxyType({
    "city": "adapters.city",
    "government": "adapters.government",
    "grid": "adapters.grid",
    "petition": "adapters.petition",
    "rest": "adapters.generic",
})  # fmt: skip
"""slug -> package with `settings.py` (class Settings) and `adapter.py` (function build)."""


def settings_of(slug: str) -> type[BaseModel]:
    """The pydantic model of what may stand under `settings:` for this adapter. ConfigError for an unknown slug."""
    settings: type[BaseModel] = importlib.import_module(_package(slug) + ".settings").Settings
    return settings


def build_of(slug: str) -> Build:
    """`build(platform, settings, connection, surroundings) -> Adapter`. ConfigError for an unknown slug."""
    build: Build = importlib.import_module(_package(slug) + ".adapter").build
    return build


def _package(slug: str) -> str:
    if slug not in ADAPTERS:
        known = ", ".join(sorted(ADAPTERS))
        raise ConfigError(f"没有这个适配器 / no adapter {slug!r}", where="adapter", remedy=f"可用 / known: {known}")
    return ADAPTERS[slug]

"""Adapters by slug: where each lives, imported only when asked for. A new platform is one line here.

This module must not import a concrete adapter at import time: lxml, zeep and requests cost start-up time.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from adapters.errors import ConfigError
from adapters.port import Adapter, Connection, Recognised, Surroundings

Recognise = Callable[[str, Mapping[str, Any], Connection, Surroundings], Recognised]
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


def recognise_of(slug: str) -> Recognise:
    """`recognise(platform, asked, connection, surroundings) -> Recognised`, of adapters that are told everything by their
    settings: only reads. asked: the settings known so far. ConfigError for an adapter that has none."""
    package = _package(slug)
    if importlib.util.find_spec(package + ".recognising") is None:
        raise ConfigError(f"适配器 {slug} 不能辨认平台 / the adapter {slug} cannot recognise platforms", where="adapter")
    recognise: Recognise = importlib.import_module(package + ".recognising").recognise
    return recognise


def _package(slug: str) -> str:
    if slug not in ADAPTERS:
        known = ", ".join(sorted(ADAPTERS))
        raise ConfigError(f"没有这个适配器 / no adapter {slug!r}", where="adapter", remedy=f"可用 / known: {known}")
    return ADAPTERS[slug]

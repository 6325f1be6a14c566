"""A platform's settings -> its own model, or all that is wrong with them, for people.

The value of an unknown key may be a secret put into the wrong place, so it is never repeated. This module must not know
a platform.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from adapters.errors import ConfigError

S = TypeVar("S", bound=BaseModel)


def examined(kind: type[S], settings: Mapping[str, Any]) -> tuple[S | None, list[str]]:
    """The settings as their model, and nothing; or None, and what is wrong, one text a key."""
    try:
        return kind.model_validate(dict(settings)), []
    except ValidationError as error:
        return None, [_told(one) for one in error.errors(include_url=False)]


def misconfigured(platform: str, kind: type[BaseModel], wrong: Iterable[str]) -> ConfigError:
    """All of it in one error, with the keys that may stand there."""
    return ConfigError(
        "配置有误 / configuration is wrong: " + "; ".join(wrong), where=platform,
        remedy=f"逐项改正；可用的键 / correct each; keys: {', '.join(kind.model_fields)}",
    )  # fmt: skip


def _told(error: Any) -> str:
    key, found, words = ".".join(("settings", *map(str, error["loc"]))), error["input"], error["msg"].removeprefix("Value error, ")
    if error["type"] in ("extra_forbidden", "missing") or not isinstance(found, str | int | float | bool | None):
        return f"{key}: {words}"
    return f"{key} = {found!r:.80}: {words}"

"""Texts on their way out: the platform refuses control characters other than TAB LF CR, and JSON has no lone
surrogates. Both are taken out, and what was taken out is said. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_UNSENDABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def sendable(body: Any, path: str = "") -> tuple[Any, tuple[str, ...]]:
    """The same body with such characters taken out of every text, and one note a text that lost some."""
    if isinstance(body, str):
        cleaned, count = _UNSENDABLE.subn("", body)
        note = f"{path}：去掉{count}个控制字符或无效字符 / {count} control or invalid characters taken out"
        return cleaned, (note,) if count else ()
    if isinstance(body, Mapping):
        parts = {name: sendable(value, f"{path}.{name}".lstrip(".")) for name, value in body.items()}
        return {name: part[0] for name, part in parts.items()}, tuple(n for part in parts.values() for n in part[1])
    if isinstance(body, list | tuple):
        items = [sendable(value, f"{path}[{index}]") for index, value in enumerate(body)]
        return [item[0] for item in items], tuple(n for item in items for n in item[1])
    return body, ()

"""Texts on their way out: control characters other than TAB LF CR and lone surrogates are taken out, and said; lengths
that the settings know are kept, the field named. Pure; must not know a platform."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from adapters.errors import Refused
from adapters.generic.documents import at

_UNSENDABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def sendable(body: Any, path: str = "") -> tuple[Any, tuple[str, ...]]:
    """The same body without such characters, and one note for each text that lost some."""
    if isinstance(body, str):
        cleaned, count = _UNSENDABLE.subn("", body)
        note = f"{path}：去掉{count}个控制字符或无效字符 / {count} control or invalid characters taken out"
        return cleaned, (note,) if count else ()
    if isinstance(body, Mapping):
        parts = {name: sendable(value, f"{path}.{name}".lstrip(".")) for name, value in body.items()}
        return {name: part[0] for name, part in parts.items()}, tuple(n for part in parts.values() for n in part[1])
    if isinstance(body, list | tuple):
        listed = [sendable(value, f"{path}[{index}]") for index, value in enumerate(body)]
        return [one[0] for one in listed], tuple(n for one in listed for n in one[1])
    return body, ()


def check_lengths(body: Mapping[str, Any], limits: Mapping[str, int], where: str) -> None:
    """Refused, naming the field, for a text longer than `limits` allows (code points)."""
    for path, most in limits.items():
        value = at(body, path)
        if isinstance(value, str) and len(value) > most:
            raise Refused(f"{path} 有{len(value)}字，最多{most} / {path} is longer than {most}", where=where, field=path,
                          remedy="改短原文，或在映射中设 limit / shorten it, or set a `limit` in the mapping")  # fmt: skip

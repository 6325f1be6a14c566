"""Templates of requests: paths and parameters with `{names}` that are filled for each request.

A text that is one placeholder and nothing else keeps the value's type; a parameter whose placeholder has no value now
is left out. Pure. This module must not know a platform, nor what the names mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

NAME = re.compile(r"\{([a-z_0-9]+)\}")
ANY = re.compile(r"\{(\w+)\}")
_GONE = object()


def names(template: Any) -> frozenset[str]:
    """All placeholders in a template of any depth."""
    return frozenset(_names(template, NAME))


def strangers(template: Any, known: frozenset[str]) -> list[str]:
    """What stands in braces in a template and is none of these names, misspelt in any letters."""
    return sorted(set(_names(template, ANY)) - known)


def _names(template: Any, form: re.Pattern[str]) -> Iterator[str]:
    if isinstance(template, str):
        yield from form.findall(template)
    elif isinstance(template, Mapping | list | tuple):
        for part in template.values() if isinstance(template, Mapping) else template:
            yield from _names(part, form)


def fill_path(template: str, values: Mapping[str, Any]) -> str:
    """A path, each value percent-encoded as one segment. KeyError for a name without a value."""
    return NAME.sub(lambda found: quote(str(values[found[1]]), safe=""), template)


def fill_text(template: str, values: Mapping[str, Any]) -> str:
    """A text, values as they are. KeyError for a name without a value."""
    return NAME.sub(lambda found: str(values[found[1]]), template)


def fill(template: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters; those whose placeholder is None or unknown now are left out."""
    filled = _fill(template, values)
    return filled if isinstance(filled, dict) else {}


def _fill(template: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(template, str):
        if whole := NAME.fullmatch(template):
            value = values.get(whole[1])
            return _GONE if value is None else value
        if any(values.get(name) is None for name in NAME.findall(template)):
            return _GONE
        return fill_text(template, values)
    if isinstance(template, Mapping):
        parts = {name: _fill(part, values) for name, part in template.items()}
        return {name: part for name, part in parts.items() if part is not _GONE}
    if isinstance(template, list | tuple):
        return [part for one in template if (part := _fill(one, values)) is not _GONE]
    return template


def query(parameters: Mapping[str, Any]) -> str:
    """As a query or a form: a plus sign is %2B, a list is the name several times, true is `true`. TypeError for objects."""
    pairs = [(name, _plain(one)) for name, value in parameters.items()
             for one in (value if isinstance(value, list | tuple) else [value])]  # fmt: skip
    return urlencode(pairs, quote_via=quote, safe="")


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        raise TypeError("an object has no form here")
    return "" if value is None else str(value)

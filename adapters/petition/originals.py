"""Our own texts, known again when they come back with ? for what the platform's charset lacks (§4).

What we wrote stands in T_JH_IN with all its characters; where a shown text is exactly what the platform makes of one of
ours, ours is given. Kept for 90 days by the platform (§3). This module must not know SQL or the port.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from adapters.petition.outgoing import as_stored

_OF_ORDER = ("BT", "NR", "FSDZ", "SQRXM", "LXDH")
_OF_ENTRY = ("CZR", "CZYJ")


def doubtful(order: Mapping[str, Any], history: Iterable[Mapping[str, Any]]) -> bool:
    """Could one of these texts have lost a character?"""
    texts = [order.get(name) for name in _OF_ORDER] + [row.get(name) for row in history for name in _OF_ENTRY]
    return any("?" in text for text in texts if isinstance(text, str))


def restore(
    order: Mapping[str, Any], history: Iterable[Mapping[str, Any]], written: Iterable[str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The rows with our own texts in place of what the platform kept of them. written: NR of our rows, oldest first."""
    known: dict[tuple[str, str], str] = {}
    for one in written:
        for name, text in _texts(one):
            if (kept := as_stored(text)) != text:
                known[(name, kept)] = text
    return _with(order, _OF_ORDER, known), [_with(row, _OF_ENTRY, known) for row in history]


def _with(row: Mapping[str, Any], names: Iterable[str], known: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    return {**row, **{name: known[(name, row[name])] for name in names if (name, row.get(name)) in known}}


def _texts(written: str) -> list[tuple[str, str]]:
    try:
        values = json.loads(written)
    except ValueError:
        return []  # a row of another writer, refused by the platform as well
    return [(name, text) for name, text in values.items() if isinstance(text, str)] if isinstance(values, dict) else []

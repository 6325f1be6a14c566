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
    """The rows with our own texts in place of what the platform kept of them. written: NR of our rows that were done; both oldest
    first. An entry is ours by its time, operator and text together: two of our texts may be kept as the same one, and a
    ? may be just that."""
    known: dict[tuple[str, str], str] = {}
    entries: dict[tuple[str | None, ...], list[dict[str, str]]] = {}
    for one in written:
        texts = _texts(one)
        known |= {(name, kept): texts[name] for name in _OF_ORDER
                  if name in texts and (kept := as_stored(texts[name])) != texts[name]}  # fmt: skip
        entries.setdefault(_entry(texts), []).append({name: texts[name] for name in _OF_ENTRY if texts.get(name)})
    shown = {**order, **{name: known[(name, order[name])] for name in _OF_ORDER if (name, order.get(name)) in known}}
    return shown, [{**row, **_ours(entries.get(_entry(row)))} for row in history]


def _entry(texts: Mapping[str, Any]) -> tuple[str | None, ...]:
    """What an entry and the write that made it have in common: the time as sent, and the texts as the platform keeps them."""
    kept = (as_stored(texts[name]) if texts.get(name) else None for name in _OF_ENTRY)
    return (texts.get("CZSJ"), *kept)


def _ours(originals: list[dict[str, str]] | None) -> dict[str, str]:
    """The oldest one that is left; the last stays."""
    if not originals:
        return {}
    return originals.pop(0) if len(originals) > 1 else originals[0]


def _texts(written: str) -> dict[str, str]:
    try:
        values = json.loads(written)
    except ValueError:
        return {}  # a row of another writer, refused by the platform as well
    return {name: text for name, text in values.items() if isinstance(text, str)} if isinstance(values, dict) else {}

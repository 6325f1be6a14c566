"""Records out of a sample that somebody saved: JSON or XML, one record or a whole answer.

For trying a mapping by hand; records in service come from adapters. This module must not know a platform: what is a
record, and which elements are lists, the mapping says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lxml import etree

from bridge.mapping.language import Mapping
from bridge.mapping.notes import ABSENT
from bridge.mapping.paths import taker

LARGEST = 64_000_000  # bytes
LISTS = ("departments", "list", "phones", "files", "pairs")
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def records_in(data: bytes, mapping: Mapping) -> list[dict[str, Any]]:
    """The records in a sample: every outermost structure that has the mapping's id and status.

    ValueError, in words for people, for what is neither JSON nor XML and where there is no record.
    """
    if len(data) > LARGEST:
        raise ValueError(f"样例过大 / the sample is too large: {len(data)} > {LARGEST}")
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        tree = plain(data, _lists(mapping))
    else:
        try:
            tree = json.loads(data.decode("utf-8-sig"))
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"既不是 JSON 也不是 XML / neither JSON nor XML: {error}") from None
    found = list(_records(tree, mapping))
    if not found:
        wanted = f"{mapping.record.id}, {mapping.record.status}"
        raise ValueError(f"样例中没有记录 / no record in the sample (with {wanted})")
    return found


def _records(tree: Any, mapping: Mapping) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        if all(taker(path)(tree) is not ABSENT for path in (mapping.record.id, mapping.record.status)):
            yield tree
            return
        for value in tree.values():
            yield from _records(value, mapping)
    elif isinstance(tree, list):
        for value in tree:
            yield from _records(value, mapping)


def _lists(mapping: Mapping) -> frozenset[str]:
    """The wire names whose values are lists."""
    paths = [path for rule in mapping.fields.values() if rule.convert in LISTS for path in rule.wire]
    return frozenset(path.rpartition(".")[2] for path in (*paths, mapping.entries.rows))


def plain(data: bytes, lists: frozenset[str]) -> Any:
    """XML as plain values by local names: text, None for nil, a dict of children, and a list of its members for an
    element named in `lists` or with children of one name only.

    Nothing is resolved or fetched; ValueError for what is not well-formed or has a DOCTYPE.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"XML 有误 / not well-formed: {error}") from None
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise ValueError("XML 不得含 DOCTYPE / a DOCTYPE is not accepted")
    return {etree.QName(root).localname: _value(root, lists)}


def _value(element: etree._Element, lists: frozenset[str]) -> Any:
    if element.get(NIL) in ("true", "1"):
        return None
    children = list(element)
    names = [etree.QName(child).localname for child in children]
    if etree.QName(element).localname in lists or (len(names) > 1 and len(set(names)) == 1):
        return [value for child in children if (value := _value(child, lists)) is not None]
    if not children:
        return element.text or ""
    first: dict[str, Any] = {}
    for name, child in zip(names, children, strict=True):
        first.setdefault(name, _value(child, lists))
    return first

"""A mapping's `items` drawn from the catalogue that it names: codes, names, *other*, lead departments, and what items
of other catalogues are here.

What the mapping says itself has the last word, key by key, as in an overlay; the drawn keys keep the catalogue's file
and line, so that the mapping's check judges and names them like all others. This module must not know a platform.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from bridge.catalogues import Catalogues, LoadedCatalogue
from bridge.documents import Document, KeyPath, Problem, Where, nearest, overlay


def drawn(document: Document, catalogues: Catalogues) -> tuple[Document, list[Problem]]:
    """The mapping with its items filled in, and what stands in the way. Unchanged where it has none, or lists them
    itself (`codes` and `other`) under a name of its own; without `items` where its catalogue cannot be used."""
    items = document.data.get("items")
    if not isinstance(items, dict):
        return document, []
    name, key = str(items.get("catalogue") or ""), ("items", "catalogue")
    if name in catalogues.loaded:
        base, problems = _base(document, items, name, catalogues)
        return overlay(base, document), problems
    if (first := catalogues.faulty(name)) is not None:
        found = f"目录有误 / the catalogue has problems: {first}"
        problem = document.problem(key, found, "", "先改正目录 / mend the catalogue first")
    elif "codes" in items and "other" in items:
        return document, []
    else:
        near = nearest(name, catalogues.names())
        remedy = "改正目录名，或自己写 codes 和 other / correct it, or list `codes` and `other` here"
        problem = document.problem(key, f"没有这个目录 / no catalogue {name!r}", near, remedy)
    return document.without([("items",)]) or document, [problem]


def _base(
    document: Document, said: Mapping[str, Any], name: str, catalogues: Catalogues
) -> tuple[Document, list[Problem]]:
    """The catalogue's part of the mapping: `items`, each key with its place in the catalogue's file."""
    one = catalogues.loaded[name]
    listed, source = one.catalogue.items, one.document
    same_as, places = _same_as(name, catalogues)
    departments = document.data.get("departments")
    codes = departments.get("codes") if isinstance(departments, dict) else None
    leads, problems = _leads(one, said.get("lead") or {}, codes) if isinstance(codes, dict) else ({}, [])
    lines: dict[KeyPath, Where] = {(): source.where(()), ("items",): source.where(("items",))}
    for code in listed:
        lines["items", "codes", code] = source.where(("items", code))
        lines["items", "lead", code] = source.where(("items", code, "lead"))
    lines["items", "other"] = source.where(("other",))
    lines |= {("items", "same_as", word): place for word, place in places.items()}
    data = {
        "catalogue": name, "other": one.catalogue.other, "codes": {code: item.name for code, item in listed.items()},
        "same_as": same_as, "lead": leads,
    }  # fmt: skip
    return Document(source.path, {"items": data}, lines), problems


def _same_as(name: str, catalogues: Catalogues) -> tuple[dict[str, str], dict[str, Where]]:
    """Words of other catalogues -> our code: each item as `catalogue:code`, and its name where all agree on it."""
    same_as: dict[str, str] = {}
    places: dict[str, Where] = {}
    named: dict[str, set[str]] = defaultdict(set)
    own = {item.name for item in catalogues.loaded[name].catalogue.items.values()}
    for link, found in catalogues.towards(name).items():
        other = catalogues.loaded[link.catalogue]
        same_as[str(link)] = found.code
        words = other.catalogue.items[link.code].name
        named[words].add(found.code)
        places[str(link)] = places[words] = other.document.where(("items", link.code))
    same_as |= {words: next(iter(codes)) for words, codes in named.items() if len(codes) == 1 and words not in own}
    return same_as, places


def _leads(
    one: LoadedCatalogue, said: Mapping[str, Any], codes: Mapping[str, Any]
) -> tuple[dict[str, str], list[Problem]]:
    """Item -> code of its lead department, found by exact name among the mapping's departments (`codes`); items whose
    lead the mapping has `said` itself are left to it."""
    by_name = {str(words): str(code) for code, words in codes.items()}
    leads: dict[str, str] = {}
    problems: list[Problem] = []
    for code, item in one.catalogue.items.items():
        if not item.lead or code in said:
            continue
        if item.lead in by_name:
            leads[code] = by_name[item.lead]
        else:
            problems.append(one.document.problem(
                ("items", code, "lead"), f"映射的 departments 中没有 {item.lead!r} / the mapping has no such department",
                nearest(item.lead, by_name), "改正名称，或在映射的 departments 中补上 / correct it, or add it there",
            ))  # fmt: skip
    return leads, problems

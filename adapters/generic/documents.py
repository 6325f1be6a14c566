"""Answers as documents: JSON or XML read into plain values, and the very bytes of each row of a list.

XML becomes values by the convention of GeoReport: an element with children is an object, repeated children are a list,
an empty one is null. No entities, no document types. Pure; must not know a platform.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from adapters.rest import decode

_DECODER = json.JSONDecoder()
_CALLBACK = re.compile(rb"\s*(?:/\*\*/)?[A-Za-z_$][\w$.]*\((.*)\)\s*;?\s*", re.DOTALL)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,8})?", re.ASCII)
_DEEPEST = 60
"""Levels of XML; what is deeper was made to hurt."""


def parse(body: bytes, form: str, *, tidy: bool = False) -> Any:
    """The document. None for an empty body. ValueError for what is not of that form. tidy: a JSON document may stand in
    the brackets of a call (JSONP)."""
    if not body.strip():
        return None
    if form == "xml":
        return _tree(body).value
    if tidy and (found := _CALLBACK.fullmatch(body)):
        body = found[1]
    return decode(body, bom=True)


def at(value: Any, path: str) -> Any:
    """What stands at a dotted path; a number takes an element of a list. None where there is nothing."""
    for name in path.split(".") if path else ():
        if isinstance(value, list) and name.isascii() and name.isdigit():
            value = value[int(name)] if int(name) < len(value) else None
        elif isinstance(value, Mapping):
            value = value.get(name)
        else:
            return None
    return value


def has(body: Mapping[str, Any], path: str) -> bool:
    """Does anything stand at a dotted path, null too?"""
    above, _, last = path.rpartition(".")
    holder = at(body, above)
    return isinstance(holder, Mapping) and last in holder


def first(value: Any, paths: tuple[str, ...]) -> Any:
    """The first thing at one of these paths; the empty path is nowhere."""
    return next((found for path in paths if path and (found := at(value, path)) is not None), None)


def put(body: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at a dotted path, making what is missing above it."""
    *above, last = path.split(".")
    for name in above:
        if not isinstance(body.get(name), dict):
            body[name] = {}
        body = body[name]
    body[last] = value


def without(body: Mapping[str, Any], paths: tuple[str, ...]) -> dict[str, Any]:
    """The same without what stands at these paths."""
    left = dict(body)
    for path in paths:
        name, _, rest = path.partition(".")
        if rest and isinstance(left.get(name), Mapping):
            left[name] = without(left[name], (rest,))
        elif not rest:
            left.pop(name, None)
    return left


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """One over the other, objects member by member."""
    made = dict(below)
    for name, value in above.items():
        held = made.get(name)
        made[name] = merged(held, value) if isinstance(held, Mapping) and isinstance(value, Mapping) else value
    return made


class NotNumber(ValueError):
    """A text where a number must be written; the message is its path."""


def numbered(body: Mapping[str, Any], paths: tuple[str, ...], above: str = "") -> dict[str, Any]:
    """The same with numbers where these paths have texts; what is missing or null stays so. NotNumber for any other text."""
    changed = dict(body)
    for path in paths:
        name, _, rest = path.partition(".")
        held = changed.get(name)
        if rest and isinstance(held, Mapping):
            changed[name] = numbered(held, (rest,), f"{above}{name}.")
        elif not rest and isinstance(held, list):
            changed[name] = [_number(one, above + name) for one in held]
        elif not rest and name in changed:
            changed[name] = _number(held, above + name)
    return changed


def _number(value: Any, path: str) -> Any:
    if not isinstance(value, str):
        return value
    if not _NUMBER.fullmatch(value):
        raise NotNumber(path)
    return float(value) if "." in value else int(value)


def tidied(value: Any) -> Any:
    """`[x]` of a scalar is x, `{}` is nothing; at every depth."""
    if isinstance(value, Mapping):
        return {name: tidied(part) for name, part in value.items()} or None
    if isinstance(value, list):
        if len(value) == 1 and not isinstance(value[0], Mapping | list):
            return value[0]
        return [tidied(part) for part in value]
    return value


def rows(body: bytes, form: str, path: str, *, tidy: bool = False) -> list[bytes]:
    """The bytes of the elements of the list (or of the one object) at a dotted path of a document that can be read."""
    if form == "xml":
        return _tree(body).rows(path)
    if tidy and (found := _CALLBACK.fullmatch(body)):
        body = found[1]
    text = body.decode("utf-8-sig")
    start = _skip(text, 0)
    for name in path.split(".") if path else ():
        start = _member(text, start, name)
    if text[start] == "{":
        return [text[start : _DECODER.raw_decode(text, start)[1]].encode()]
    if text[start] != "[":
        return []
    found_rows: list[bytes] = []
    place = _skip(text, start + 1)
    while text[place] != "]":
        end = _DECODER.raw_decode(text, place)[1]
        found_rows.append(text[place:end].encode())
        place = _skip(text, end)
        if text[place] == ",":
            place = _skip(text, place + 1)
    return found_rows


def _member(text: str, start: int, name: str) -> int:
    """Where the value of a member begins; the last one of that name, as readers of JSON take it."""
    if text[start] != "{":
        raise ValueError(f"no object holds {name}")
    found = -1
    place = _skip(text, start + 1)
    while text[place] != "}":
        key, place = _DECODER.raw_decode(text, place)
        value = _skip(text, _skip(text, place) + 1)
        found = value if key == name else found
        place = _skip(text, _DECODER.raw_decode(text, value)[1])
        if text[place] == ",":
            place = _skip(text, place + 1)
    if found < 0:
        raise ValueError(f"no member {name}")
    return found


def _skip(text: str, place: int) -> int:
    while text[place] in " \t\r\n":
        place += 1
    return place


@dataclass(slots=True)
class _Element:
    name: str
    begin: int
    end: int = 0
    nil: bool = False
    text: list[str] = field(default_factory=list)
    children: list[_Element] = field(default_factory=list)
    source: bytes = b""

    @property
    def value(self) -> Any:
        if not self.children:
            text = "".join(self.text)
            return None if self.nil or not text.strip() else text
        found: dict[str, Any] = {}
        repeated = set()
        for child in self.children:
            if child.name not in found:
                found[child.name] = child.value
            elif child.name in repeated:
                found[child.name].append(child.value)
            else:
                repeated.add(child.name)
                found[child.name] = [found[child.name], child.value]
        return found

    def rows(self, path: str) -> list[bytes]:
        held = [self]
        for name in path.split(".") if path else ():
            held = [child for one in held for child in one.children if child.name == name]
        return [self.source[one.begin : one.end] for one in held]


def _tree(body: bytes) -> _Element:
    """ValueError for what is no XML in UTF-8, has a document type, or is deeper than it may be."""
    source = body.strip()
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.buffer_text = True
    open_ones: list[_Element] = []
    root: list[_Element] = []

    def begin(name: str, attributes: dict[str, str]) -> None:
        nil = any(key.rpartition(" ")[2] == "nil" and value in ("true", "1") for key, value in attributes.items())
        element = _Element(name.rpartition(" ")[2], parser.CurrentByteIndex, nil=nil)
        (open_ones[-1].children if open_ones else root).append(element)
        open_ones.append(element)
        if len(open_ones) > _DEEPEST:
            raise ValueError("XML is nested too deep")

    def finish(name: str) -> None:
        place = parser.CurrentByteIndex  # behind an element without content, at the end tag of any other
        open_ones.pop().end = source.index(b">", place) + 1 if source[place : place + 2] == b"</" else place

    def refuse(*_: Any) -> None:
        raise ValueError("XML with a document type is refused")

    parser.StartElementHandler, parser.EndElementHandler = begin, finish
    parser.CharacterDataHandler = lambda text: open_ones[-1].text.append(text)
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(source, True)
    except expat.ExpatError as error:
        raise ValueError(f"not XML: {error}") from None
    root[0].source = source
    return root[0]

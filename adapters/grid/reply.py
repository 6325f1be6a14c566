"""An answer's bytes as a vetted SOAP document: strict parsing, the verbatim slice of any element, faults as data.

This module must not judge what an answer means for the caller: it says what stands there, or raises `Unreadable`.
Contract §1 (answers), §3 (faults).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from lxml import etree

from adapters.grid.characters import Cleaned, Removed, cleaned
from adapters.grid.description import NAMESPACE
from adapters.grid.wssecurity import SOAP

_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_CODE = re.compile(r"[+-]?\d{1,10}", re.ASCII)
_UTF8 = ("UTF-8", "UTF8", "US-ASCII", "ASCII")


class Unreadable(Exception):
    """The bytes are not what the contract allows; the text says why. Nothing of them may be used."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP fault. namespace, name: the faultcode as a QName, up to its first dot; detail: code, traceId if told."""

    namespace: str
    name: str
    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """The `<operation>Response` element of an answer, with the way back to its bytes."""

    response: etree._Element
    code: int
    message: str
    source: bytes
    clean: Cleaned
    lifted: bytes | None = None

    def children(self, parent: etree._Element, name: str) -> list[etree._Element]:
        return [child for child in elements(parent) if local(child) == name]

    def child(self, name: str) -> etree._Element | None:
        """The child of the response with that name, None if there is none. Unreadable if there are several."""
        found = self.children(self.response, name)
        if len(found) > 1:
            raise Unreadable(f"{name} occurs {len(found)} times")
        return found[0] if found else None

    def value(self, name: str) -> str | None:
        """Text of a child of the response; None if it is absent or nil."""
        found = self.child(name)
        return None if found is None else text(found)


def parser() -> etree.XMLParser:
    """The one way XML from a platform is parsed: nothing repaired, nothing fetched, nothing expanded."""
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False)


def read(source: bytes, operation: str, *, lift: str = "") -> Reply | Fault:
    """What an answer to `operation` says. Unreadable for everything that the contract does not allow.

    lift: name of a child of the response whose (long) text is taken out before the tree is built and given as
    `Reply.lifted`: a tree with strict limits holds no text over 10,000,000 bytes, files are up to 20 MB (§9).
    """
    lifted: bytes | None = None
    clean = Cleaned(source)
    tree_bytes = source
    if lift:
        clean, tree_bytes, lifted = _lift(source, lift)
        root = _parse(tree_bytes)
    else:
        try:
            root = _parse(source)
        except Unreadable:
            clean = cleaned(source)
            if not clean.removed:
                raise
            root = _parse(clean.data)
    if root.tag != f"{{{SOAP}}}Envelope":
        raise Unreadable(f"not a SOAP 1.1 envelope but {root.tag!r}")
    bodies = [child for child in elements(root) if child.tag == f"{{{SOAP}}}Body"]
    inside = list(elements(bodies[0])) if len(bodies) == 1 else []
    if len(inside) != 1:
        raise Unreadable(f"{len(bodies)} Body elements, {len(inside)} elements inside")
    first = inside[0]
    if first.tag == f"{{{SOAP}}}Fault":
        return _fault(first)
    if first.tag != f"{{{NAMESPACE}}}{operation}Response":
        raise Unreadable(f"{operation}Response expected, not {first.tag!r}")
    code = _only(first, "resultCode")
    if not _CODE.fullmatch(code.strip()):
        raise Unreadable("resultCode is not a number")
    return Reply(first, int(code), _only(first, "resultMsg", optional=True), source, clean, lifted)


def elements(parent: etree._Element) -> Iterator[etree._Element]:
    """Child elements; comments and processing instructions are no content."""
    return (child for child in parent if isinstance(child.tag, str))


def local(element: etree._Element) -> str:
    """Local name of an element of the service's namespace (or of none), else ""."""
    name = etree.QName(element)
    return name.localname if name.namespace in (NAMESPACE, None) else ""


def is_nil(element: etree._Element) -> bool:
    return (element.get(_NIL) or "").strip() in ("true", "1")


def text(element: etree._Element) -> str | None:
    """The text as it stands, untrimmed: "" if empty, None if nil. Comments do not cut it. Unreadable if it holds
    elements."""
    if is_nil(element):
        return None
    if any(True for _ in elements(element)):
        raise Unreadable(f"{element.tag!r} holds elements, text was expected")
    return (element.text or "") + "".join(child.tail or "" for child in element)


def spans(data: bytes, root: etree._Element, wanted: list[etree._Element]) -> list[tuple[int, int]]:
    """Byte offsets (start, end) in `data`, from which `root` was parsed, of each wanted element."""
    index = {id(element): number for number, element in enumerate(wanted)}
    numbers = [index.get(id(element)) for element in root.iter("*")]
    found: list[tuple[int, int]] = [(0, 0)] * len(wanted)
    scan = expat.ParserCreate()
    stack: list[tuple[int, int]] = []  # document-order number, start offset
    state = {"next": 0, "bare": False}

    def start(name: str, attributes: dict[str, str]) -> None:
        stack.append((state["next"], scan.CurrentByteIndex))
        state["next"] += 1
        state["bare"] = True

    def end(name: str) -> None:
        number, begin = stack.pop()
        wanted_number = numbers[number]
        if wanted_number is not None:
            at = scan.CurrentByteIndex
            # for <x/> the parser stands behind the tag already, else before the end tag
            empty = state["bare"] and data[at - 2 : at] == b"/>"
            found[wanted_number] = (begin, at if empty else data.index(b">", at) + 1)
        state["bare"] = False

    def characters(_: str) -> None:
        state["bare"] = False

    scan.StartElementHandler, scan.EndElementHandler, scan.CharacterDataHandler = start, end, characters
    _run(scan, data)
    return found


def removed_text(removed: tuple[Removed, ...]) -> str:
    return ", ".join(dict.fromkeys(str(one) for one in removed))


def _parse(data: bytes) -> etree._Element:
    try:
        root = etree.fromstring(data, parser())
    except etree.XMLSyntaxError as error:
        raise Unreadable(f"not well-formed: {error.msg}") from error
    info: Any = root.getroottree().docinfo
    if info.doctype or info.internalDTD is not None:
        raise Unreadable("a DOCTYPE is not allowed")
    if (info.encoding or "UTF-8").upper() not in _UTF8:
        raise Unreadable(f"encoding {info.encoding!r}, UTF-8 was agreed")
    return root


def _only(parent: etree._Element, name: str, *, optional: bool = False) -> str:
    found = [child for child in elements(parent) if child.tag == f"{{{NAMESPACE}}}{name}"]
    if optional and not found:
        return ""
    value = text(found[0]) if len(found) == 1 else None
    if value is None and not (optional and len(found) == 1):
        raise Unreadable(f"exactly one {name} is needed, found {len(found)}")
    return value or ""


def _fault(fault: etree._Element) -> Fault:
    said = {etree.QName(child).localname: child for child in elements(fault)}
    code = said.get("faultcode")
    if code is None:
        raise Unreadable("a fault without faultcode")
    prefix, _, name = (text(code) or "").strip().rpartition(":")
    if prefix and prefix not in code.nsmap:
        raise Unreadable(f"prefix of faultcode {prefix!r} is not declared")
    namespace = code.nsmap.get(prefix or None) or ""
    words = text(said["faultstring"]) if "faultstring" in said else ""
    detail = said.get("detail")
    told = [] if detail is None else [
        f"{etree.QName(one).localname}={(one.text or '').strip()}"
        for one in detail.iter("*") if etree.QName(one).localname in ("code", "traceId")
    ]  # fmt: skip
    return Fault(namespace, name.split(".")[0], (words or "").strip(), " ".join(told))


def _lift(source: bytes, name: str) -> tuple[Cleaned, bytes, bytes | None]:
    """(cleaned bytes, the same without the text of Envelope/Body/*/name, that text). Any encoding other than UTF-8,
    any DOCTYPE and any breach of well-formedness is Unreadable, here as in the tree."""
    clean = Cleaned(source)
    try:
        return clean, *_lifted(source, name)
    except Unreadable:
        clean = cleaned(source)
        if not clean.removed:
            raise
        return clean, *_lifted(clean.data, name)


def _lifted(data: bytes, name: str) -> tuple[bytes, bytes | None]:
    scan = expat.ParserCreate(namespace_separator="}")
    depth = 0
    inside = [-1]
    ends: list[tuple[int, int]] = []
    parts: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth == 4 and tag == f"{NAMESPACE}}}{name}" and not ends:
            inside[0] = scan.CurrentByteIndex
        elif inside[0] >= 0:
            raise Unreadable(f"{name} holds elements, text was expected")

    def end(tag: str) -> None:
        nonlocal depth
        if depth == 4 and inside[0] >= 0:
            ends.append((inside[0], scan.CurrentByteIndex))
            inside[0] = -1
        depth -= 1

    def characters(content: str) -> None:
        if inside[0] >= 0:
            parts.append(content)

    scan.buffer_text = True
    scan.StartElementHandler, scan.EndElementHandler, scan.CharacterDataHandler = start, end, characters
    _run(scan, data)
    content = "".join(parts)
    if not ends or not content:
        return data, None if not ends else b""
    begin, finish = ends[0]
    try:
        after_tag = data.index(b">", begin) + 1  # xsi:nil and xmlns are the only attributes: no ">" inside
        return data[:after_tag] + data[finish:], content.encode("ascii")
    except UnicodeEncodeError as error:
        raise Unreadable(f"{name} holds characters other than ASCII") from error


def _run(scan: expat.XMLParserType, data: bytes) -> None:
    def refuse(*_: object) -> None:
        raise Unreadable("a DOCTYPE is not allowed")

    scan.StartDoctypeDeclHandler = refuse
    try:
        scan.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise Unreadable(f"not well-formed: {error}") from error

"""Requests taken apart: body bytes → head and body elements (contract sections 1 to 3).

Must not know which method wants which element, nor what a right value is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from sandbox.city import charset
from sandbox.city.refusal import bad

_VERSION = r"""\s+version\s*=\s*("1\.[0-9]+"|'1\.[0-9]+')"""
_ENCODING = r"""(\s+encoding\s*=\s*("[A-Za-z][A-Za-z0-9._-]*"|'[A-Za-z][A-Za-z0-9._-]*'))?"""
_STANDALONE = r"""(\s+standalone\s*=\s*("yes"|"no"|'yes'|'no'))?"""
_DECLARATION = re.compile(rf"<\?xml{_VERSION}{_ENCODING}{_STANDALONE}\s*\?>")


@dataclass(frozen=True)
class Envelope:
    """One request: the head's three texts, the body's own elements, and those of its `task`. Absent = empty."""

    user: str
    time: str
    digest: str
    body: Mapping[str, str]
    task: Mapping[str, str]


def parse(body: bytes) -> Envelope:
    """201 xml for bytes that are no GB18030, then for what is not a well-formed request."""
    text = charset.decode(body)
    declaration = _DECLARATION.match(text)
    if declaration is None:
        bad("xml", "格式不正确")
    root = _root(text[declaration.end() :])
    head = _texts(_first(root, "head"))
    content = _first(root, "body")
    return Envelope(
        head.get("user", ""), head.get("time", ""), head.get("digest", ""), _texts(content), _texts(_first(content, "task"))
    )


def _root(text: str) -> etree._Element:
    # huge_tree: the largest upload is one text node of 11 MB. Entities cannot do harm, a DOCTYPE is refused anyway.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError:
        bad("xml", "格式不正确")
    if root.getroottree().docinfo.internalDTD is not None or root.tag != "request":
        bad("xml", "格式不正确")
    return root


def _first(parent: etree._Element | None, name: str) -> etree._Element | None:
    return None if parent is None else next((child for child in parent if child.tag == name), None)


def _texts(parent: etree._Element | None) -> dict[str, str]:
    """Texts of the children by name; the first of a repeated one counts."""
    found: dict[str, str] = {}
    for child in () if parent is None else parent:
        found.setdefault(str(child.tag), _text(child))
    return found


def _text(element: etree._Element) -> str:
    """The element's own text, neither trimmed nor cut; elements inside it are unknown ones and say nothing."""
    return charset.fold((element.text or "") + "".join(child.tail or "" for child in element))

"""Requests as bytes and answers as trees: GB18030, digest, one strict parser (contract §1–§4).

This module must not judge what an answer means for the caller, nor send anything.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape

from lxml import etree

from adapters.charset import decode_gb

CONTENT_TYPE = "text/xml; charset=GB18030"
DECLARATION = '<?xml version="1.0" encoding="GB18030"?>\n'
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_PAIR = re.compile("([\ud800-\udbff])([\udc00-\udfff])")
_DECLARED = re.compile(r"<\?xml\s[^>]*\?>\s*")
_DOCTYPE = re.compile(r"\s*(?:<!--.*?-->\s*|<\?.*?\?>\s*)*<!DOCTYPE", re.DOTALL)
_REFERENCE = re.compile(r"&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,10}));")


class Unreadable(Exception):
    """The bytes are not what the contract allows; the text says why. Nothing of them may be used."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer's parts. damage: what was taken out to make it readable, in words."""

    code: str
    message: str
    body: etree._Element
    damage: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        """Text of the first child of the body with that name. Unreadable if there is none."""
        found = self.body.find(name)
        if found is None:
            raise Unreadable(f"no {name}")
        return text_of(found)


def digest(user: str, time: str, password: str) -> str:
    """§2: upper-case hex of MD5 over the bytes of user, time, password, one after the other."""
    raw = user.encode("gb18030") + time.encode("ascii") + password.encode("gb18030")
    return hashlib.md5(raw, usedforsecurity=False).hexdigest().upper()


def clean(text: str) -> tuple[str, tuple[str, ...]]:
    """The text that XML 1.0 can carry, and the code points taken out, each once. CRLF and CR become LF; two halves of
    a surrogate pair become their character."""
    text = _PAIR.sub(lambda m: (m[1] + m[2]).encode("utf-16-le", "surrogatepass").decode("utf-16-le"), text)
    taken = dict.fromkeys(f"U+{ord(character):04X}" for character in _FORBIDDEN.findall(text))
    return _FORBIDDEN.sub("", text).replace("\r\n", "\n").replace("\r", "\n"), tuple(taken)


def outside_gbk(text: str) -> tuple[str, ...]:
    """The characters that a GBK database turns into `?` (§3), each once, in order."""
    return tuple(dict.fromkeys(one for one in text if not _in_gbk(one)))


def element(name: str, text: str) -> str:
    """One element with already cleaned text."""
    return f"<{name}>{escape(text)}</{name}>"


def request(user: str, time: str, password: str, body: Iterable[str]) -> bytes:
    """A whole request in GB18030. time: yyyyMMddHHmmss, Beijing. body: serialised elements."""
    head = element("user", user) + element("time", time) + element("digest", digest(user, time, password))
    text = f"{DECLARATION}<request><head>{head}</head><body>{''.join(body)}</body></request>"
    return text.encode("gb18030")


def read(source: bytes) -> Reply:
    """What an answer says. The agreed charset wins over header and declaration. Unreadable for everything that the
    contract does not allow."""
    try:
        decoded = decode_gb(source)
    except UnicodeError as error:
        raise Unreadable("not GB18030") from error
    text, damage = _without_forbidden(_DECLARED.sub("", decoded.text.removeprefix("\ufeff"), count=1))
    root = _parse(text)
    if root.tag != "response":
        raise Unreadable(f"not a response but {str(root.tag)[:40]!r}")
    head, body = root.find("head"), root.find("body")
    if head is None or body is None:
        raise Unreadable("no head or no body")
    code, message = head.find("code"), head.find("message")
    if code is None:
        raise Unreadable("no code")
    return Reply(text_of(code), "" if message is None else text_of(message), body, decoded.damage + damage)


def text_of(one: etree._Element) -> str:
    """Text as it stands, untrimmed; comments do not cut it. Unreadable if it holds elements."""
    if any(isinstance(child.tag, str) for child in one):
        raise Unreadable(f"{one.tag} holds elements, text was expected")
    return (one.text or "") + "".join(child.tail or "" for child in one)


def _parse(text: str) -> etree._Element:
    if _DOCTYPE.match(text):  # before the parser sees it: entities are expanded while it reads
        raise Unreadable("a DOCTYPE is not allowed")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False, encoding="UTF-8"
    )
    try:
        return etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable(f"not well-formed ({type(error).__name__})") from error


def _without_forbidden(text: str) -> tuple[str, tuple[str, ...]]:
    taken: dict[str, None] = {}

    def reference(found: re.Match[str]) -> str:
        number = int(found[1], 16) if found[1] else int(found[2])
        if number <= 0x10FFFF and not _FORBIDDEN.match(chr(number)):
            return found[0]
        taken[f"U+{number:04X}"] = None
        return ""

    text = _REFERENCE.sub(reference, text)
    taken |= dict.fromkeys(f"U+{ord(one):04X}" for one in _FORBIDDEN.findall(text))
    told = (f"含不允许的字符，已去除 / characters that XML forbids, removed: {', '.join(taken)}",) if taken else ()
    return _FORBIDDEN.sub("", text), told


def _in_gbk(character: str) -> bool:
    try:
        character.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True

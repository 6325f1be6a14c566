"""Answers put together: elements → GB18030 bytes, laid out as in the contract's samples, or oddly on purpose.

Must not know which elements an answer has.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.city import charset

_DECLARATION = b'<?xml version="1.0" encoding="GB18030"?>\n'


@dataclass(frozen=True)
class Leaf:
    """An element with text only. Text given as bytes goes out as it is: damage on purpose."""

    name: str
    text: str | bytes = ""
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Branch:
    """An element with elements inside; `inline` on one line."""

    name: str
    children: tuple[Leaf | Branch, ...] = ()
    inline: bool = False


Node = Leaf | Branch


@dataclass(frozen=True)
class Style:
    """second_form: the 25 characters in form B. odd: comments, CDATA, references, attributes the other way round."""

    second_form: bool = False
    odd: bool = False


def answer(code: str, message: str, body: Sequence[Node], style: Style) -> bytes:
    """The whole message."""
    head = Branch("head", (Leaf("code", code), Leaf("message", message)))
    response = Branch("response", (head, Branch("body", tuple(body))))
    return _DECLARATION + _written(response, style, 0)


def _written(node: Node, style: Style, depth: int) -> bytes:
    pad = b"  " * depth
    comment = b"<!-- " + node.name.encode() + b" -->" if style.odd and depth else b""
    if isinstance(node, Leaf) or node.inline or not node.children:
        return pad + comment + _on_one_line(node, style) + b"\n"
    inner = b"".join(_written(child, style, depth + 1) for child in node.children)
    name = node.name.encode()
    return pad + comment + b"<" + name + b">\n" + inner + pad + b"</" + name + b">\n"


def _on_one_line(node: Node, style: Style) -> bytes:
    name = node.name.encode()
    attributes = b""
    if isinstance(node, Branch):
        inner = b"".join(_on_one_line(child, style) for child in node.children)
    else:
        ordered = reversed(node.attributes) if style.odd else iter(node.attributes)
        attributes = b"".join(f' {key}="{_escaped(value)}"'.encode() for key, value in ordered)
        inner = node.text if isinstance(node.text, bytes) else _text(node.text, style)
    if not inner:
        return b"<" + name + attributes + (b"></" + name + b">" if style.odd else b"/>")
    return b"<" + name + attributes + b">" + inner + b"</" + name + b">"


def _text(text: str, style: Style) -> bytes:
    if style.odd and text:
        kind = zlib.crc32(text.encode()) % 3
        if kind == 0 and "]]>" not in text and "\r" not in text:
            return charset.encode(f"<![CDATA[{text}]]>", second_form=style.second_form)
        if kind == 1:
            return "".join(f"&#{ord(character)};" for character in text).encode()
    return charset.encode(_escaped(text), second_form=style.second_form)


def _escaped(text: str) -> str:
    """A carriage return can only have come as a reference, and would be lost as anything else."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return plain.replace("\r", "&#13;")

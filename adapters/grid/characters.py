"""Characters that XML 1.0 forbids and bytes that are no UTF-8, found in an answer: taken out, each remembered with its
place.

Text pasted from a word processor or written by another system in GBK brings them in, and one such record would cost a
whole page of events. Exactly those characters, references and bytes are removed; where they stand inside a tag nothing
is touched, so that the parser stays strict about all else. This module must not know SOAP or events.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

# Comments, CDATA and processing instructions first: what looks like a reference in there is plain text.
_TOKEN = re.compile(
    rb"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)|<(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*>"
    rb"|&#(?:x(?P<hex>[0-9A-Fa-f]+)|(?P<dec>[0-9]+));"
    rb"|(?P<raw>[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf])",
    re.DOTALL,
)
_MOST = 100_000  # beyond this it is no text with a few strays in it
_MOST_BYTES = 400  # more bytes that are no UTF-8, and it is another charset: nobody's damage, but a broken reply
_NO_UTF8 = -1
_RAW = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")


@dataclass(frozen=True, slots=True)
class Removed:
    """One forbidden character: where it would stand in the cleaned bytes, how many bytes it took, its code point; or
    bytes that are no UTF-8 (their text is lost, so they are always told)."""

    at: int
    length: int
    code_point: int

    @property
    def lost(self) -> bool:
        return self.code_point == _NO_UTF8

    def __str__(self) -> str:
        return "非 UTF-8 字节 / bytes that are no UTF-8" if self.lost else f"U+{self.code_point:04X}"


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Bytes without forbidden characters, and the way back to the original ones. `removed` is in order of place."""

    data: bytes
    removed: tuple[Removed, ...] = ()

    def original(self, source: bytes, start: int, end: int) -> bytes:
        """The slice of `source`, from which this was cleaned, that became `data[start:end]`."""
        places = [one.at for one in self.removed]
        before = sum(one.length for one in self.removed[: bisect_right(places, start)])
        inside = sum(one.length for one in self.removed[: bisect_left(places, end)])
        return source[start + before : end + inside]

    def between(self, start: int, end: int) -> tuple[Removed, ...]:
        """What was removed inside `data[start:end]`, its edges included."""
        return tuple(one for one in self.removed if start <= one.at <= end)


def cleaned(source: bytes) -> Cleaned:
    """UTF-8 bytes of an XML document without the characters and references that XML 1.0 forbids in text.

    Unchanged, with nothing `removed`, if there are none, or so many that it cannot be text.
    """
    kept: list[bytes] = []
    removed: list[Removed] = []
    copied = size = 0
    strange = _no_utf8(source)
    found = sorted([*_forbidden(source), *strange])
    if len(found) > _MOST or len(strange) > _MOST_BYTES:
        return Cleaned(source)
    for start, end, code_point in found:
        kept.append(source[copied:start])
        size += start - copied
        removed.append(Removed(size, end - start, code_point))
        copied = end
    kept.append(source[copied:])
    return Cleaned(b"".join(kept), tuple(removed))


def _forbidden(source: bytes) -> list[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    for token in _TOKEN.finditer(source):
        if len(found) > _MOST:
            break
        text = token.group()
        if token["hex"] or token["dec"]:
            code_point = _referred(token["hex"], token["dec"])
            if not _allowed(code_point):
                found.append((token.start(), token.end(), code_point))
        elif token["raw"]:
            found.append((token.start(), token.end(), ord(text.decode())))
        elif text.startswith((b"<!--", b"<![CDATA[")):
            for raw in _RAW.finditer(source, token.start(), token.end()):
                found.append((raw.start(), raw.end(), ord(raw.group().decode())))
    return found


def _no_utf8(source: bytes) -> list[tuple[int, int, int]]:
    """Where bytes stand that are no UTF-8; a little more than the most that is forgiven, no further."""
    found: list[tuple[int, int, int]] = []
    start = 0
    while len(found) <= _MOST_BYTES:
        try:
            source[start:].decode()
            break
        except UnicodeDecodeError as error:
            found.append((start + error.start, start + error.end, _NO_UTF8))
            start += error.end
    return found


def _referred(hexadecimal: bytes | None, decimal: bytes | None) -> int:
    """The code point of a reference; a number beyond all of Unicode stands for itself only roughly (0x110000)."""
    digits = (hexadecimal or decimal or b"").lstrip(b"0") or b"0"
    return min(int(digits[:12], 16 if hexadecimal else 10), 0x110000) if len(digits) <= 12 else 0x110000


def _allowed(code_point: int) -> bool:
    """XML 1.0, production Char."""
    return (
        code_point in (0x9, 0xA, 0xD)
        or 0x20 <= code_point <= 0xD7FF
        or 0xE000 <= code_point <= 0xFFFD
        or 0x10000 <= code_point <= 0x10FFFF
    )

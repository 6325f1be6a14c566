"""Texts: folded to half width, measured, cut, cleaned, and held against a charset.

Free text belongs to the person who wrote it: it is cut, cleaned or replaced only where a platform cannot hold it, and
each function says what it took. This module must not know which field or platform a text comes from.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from decimal import Decimal
from typing import Literal

from schemas.characters import PRIVATE_USE

Note = Callable[[str], None]
"""Takes an anomaly in words, 中文 / English: the value found (personal ones masked); the caller adds the field."""

Count = Literal["utf16", "code_points", "gbk_bytes", "utf8_bytes", "gb18030_bytes"]
"""How a platform counts a text: UTF-16 units, code points, or bytes of an encoding."""

_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_MEASURES: dict[str, Callable[[str], int]] = {
    "code_points": len,
    "utf16": lambda text: len(text.encode("utf-16-le", "surrogatepass")) // 2,
    "utf8_bytes": lambda text: len(text.encode("utf-8", "surrogatepass")),
    "gbk_bytes": lambda text: len(text.encode("gbk", "replace")),
    "gb18030_bytes": lambda text: len(text.encode("gb18030", "replace")),
}
_LONGEST_SEQUENCE = 32  # code points; a longer run of marks is no writing, and must not swallow the text before it
_ZERO_WIDTH_JOINER = "\u200d"

# Pairs first: a high and a low surrogate side by side are one character that some decoder left in halves.
_UNFIT = re.compile(
    "[\ud800-\udbff][\udc00-\udfff]|\r\n?|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]"
)
DOTS = "\u00b7\u30fb\uff65\u2022\u2027\u2219\u22c5\uff0e."
"""The characters that stand for the dot in a person's name (C25); the first is the right one."""
_NAME_DOT = re.compile(rf"(?<=[^\W\d_])[ \u3000]*[{re.escape(DOTS)}][ \u3000]*(?=[^\W\d_])")
_SHOWN = 40


def fold(text: str) -> str:
    """Full-width ASCII and the ideographic space in half width (C26). For codes, numbers and times, never free text.

    Every character becomes exactly one character, so that positions stay what they were.
    """
    return text if text.isascii() else text.translate(_HALF_WIDTH)


def name_dots(name: str) -> str:
    """A name with its dot written U+00B7, whichever look-alike stood between its letters (C25).

    A name without a dot stays without: whether it is the same person is for a person to say.
    """
    return name if name.isalpha() else _NAME_DOT.sub("\u00b7", name)


def length(text: str, count: Count) -> int:
    """The length of `text` as `count` says. A character that GBK lacks counts one byte, as the ? stored for it."""
    return _MEASURES[count](text)


def cut(text: str, limit: int, count: Count, ellipsis: str = "") -> str:
    """The longest beginning of `text` within `limit`, with `ellipsis` (counted inside the limit) where one was cut.

    Never ends inside a character, a surrogate pair, or a sequence of a letter and its marks. Cutting again at the same
    limit changes nothing. Where the limit cannot hold the ellipsis and a character, there is none. ValueError for a
    negative limit.
    """
    if limit < 0:
        raise ValueError(f"a limit is 0 or more, not {limit}")
    measure = _MEASURES[count]
    if measure(text) <= limit:
        return text
    room = limit - measure(ellipsis)
    if room <= 0:
        ellipsis, room = "", limit
    # Every character takes at least one unit of any count, so nothing past `room` characters can fit.
    end = bisect_right(range(min(len(text), room) + 1), room, key=lambda size: measure(text[:size])) - 1
    return text[: _whole(text, end)] + ellipsis


def _whole(text: str, end: int) -> int:
    for back in range(min(end, _LONGEST_SEQUENCE) + 1):
        if not _inside(text, end - back):
            return end - back
    return end


def _inside(text: str, at: int) -> bool:
    if at == 0 or at >= len(text):
        return False
    before, after = text[at - 1], text[at]
    return (
        after == _ZERO_WIDTH_JOINER
        or before == _ZERO_WIDTH_JOINER
        or unicodedata.category(after).startswith("M")  # combining marks, variation selectors, the key cap
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= after <= "\U000e007f"  # tags of regional flags
        or ("\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff")
    )


def unrepresentable(text: str, charset: str) -> str:
    """Each character of `text` that `charset` (a Python codec's name) lacks, once, in order of appearance.

    GB2312 is answered as GBK: the platforms that declare the one hold the other, and Python's gb2312 knows another
    dot (C25). LookupError for an unknown charset.
    """
    codec = _codec(charset)
    return "" if _holds(text, codec) else "".join(dict.fromkeys(c for c in text if not _holds(c, codec)))


def replace_unrepresentable(text: str, charset: str, replacement: str = "?") -> str:
    """`text` with `replacement` for each character that `charset` lacks; ValueError where it lacks the replacement."""
    if unrepresentable(replacement, charset):
        raise ValueError(f"{charset} has no {replacement!r} to stand for what it lacks")
    return text.translate({ord(c): replacement for c in unrepresentable(text, charset)})


def _codec(charset: str) -> str:
    return "gbk" if charset.lower().replace("-", "").replace("_", "") == "gb2312" else charset


def _holds(text: str, codec: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def clean(text: str) -> tuple[str, tuple[str, ...]]:
    """`text` as XML and databases can hold it (C47), and the code points taken out ("U+000B"), each once, in order.

    Out go control characters but TAB and LF, lone surrogates, U+FFFE and U+FFFF. CR and CRLF become LF and surrogate
    halves side by side become their character; neither counts as taken out.
    """
    if _UNFIT.search(text) is None:
        return text, ()
    taken: dict[str, None] = {}

    def mend(found: re.Match[str]) -> str:
        unfit = found[0]
        if unfit[0] == "\r":
            return "\n"
        if len(unfit) == 2:
            return unfit.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        taken[f"U+{ord(unfit):04X}"] = None
        return ""

    return _UNFIT.sub(mend, text), tuple(taken)


def show(value: object) -> str:
    """A value in a note: short, printable, never more than its kind for what is no text and no number."""
    match value:
        case str():
            shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in value[:_SHOWN])
            return f"“{shown}{'…' if len(value) > _SHOWN else ''}”"
        case bool() | None | float() | Decimal():
            return f"{value}"[:_SHOWN]
        case int() if value.bit_length() < 128:  # Python refuses to write out the digits of a very long one
            return f"{value}"
        case _:
            return f"<{type(value).__name__}>"


def held(text: str, charset: str | None, note: Note) -> str:
    """The text as a database of that charset keeps it: one `?` for each character that it lacks, told to the notes. gb18030
    lacks none, but has two forms for 25 characters: what older codecs give as private use is the character."""
    if charset is None:
        return text
    text = text.translate(PRIVATE_USE)
    if charset == "gb18030":
        return text
    kept = text.encode(charset, "replace").decode(charset)
    if kept != text:
        lost = dict.fromkeys(f"U+{ord(one):04X}" for one, other in zip(text, kept, strict=True) if one != other)
        note(f"该平台存不下的字写为“?” / characters that the platform lacks, written as `?`: {', '.join(lost)}")
    return kept

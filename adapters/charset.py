"""Text from platforms that speak GBK or GB18030, whatever their headers and declarations say.

The charset agreed with the platform wins over the declaration, a byte order mark wins over both. A byte that is half a
character (fixed-width fields cut in the middle) is left out and told, never replaced by U+FFFD and never allowed to eat
what follows. This module must not know a platform.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from schemas.characters import PRIVATE_USE

MOST_DAMAGE = 16
UTF8_MARK, GB18030_MARK = b"\xef\xbb\xbf", b"\x84\x31\x95\x33"


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text, and what could not be read: in words, with the byte's place."""

    text: str
    damage: tuple[str, ...]


def decode_gb(raw: bytes) -> Decoded:
    """Text of bytes agreed to be GB18030 (GBK and GB2312 are parts of it). UnicodeError if there is more damage than a
    few cut fields explain: then it is another charset, and the caller keeps the bytes."""
    if raw.startswith(UTF8_MARK):
        return Decoded(raw[len(UTF8_MARK) :].decode("utf-8"), ())
    raw = raw.removeprefix(GB18030_MARK)
    decoder = codecs.getincrementaldecoder("gb18030")("strict")
    parts: list[str] = []
    damage: list[str] = []
    start = 0
    while start < len(raw):
        try:
            parts.append(decoder.decode(raw[start:], True))
            break
        except UnicodeDecodeError as error:
            decoder.reset()
            parts.append(raw[start : start + error.start].decode("gb18030"))
            bad = start + error.start
            damage.append(f"第 {bad + 1} 字节 {raw[bad]:02X} 是半个字符，已略去 / byte {bad + 1} is half a character, left out")
            if len(damage) > MOST_DAMAGE:
                raise
            start = bad + 1
    return Decoded("".join(parts).translate(PRIVATE_USE), tuple(damage))

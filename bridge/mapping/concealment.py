"""A confidential person's name and numbers struck out of free text, before it leaves (promise G9).

Better a word too many than one too few: the text stays on its own platform whole. This module must not know why a
person is confidential, nor where the text goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bridge.mapping.phones import read_phones
from bridge.mapping.privacy import is_secret_word
from bridge.mapping.texts import DOTS, fold

CONCEALED = "〔保密〕"
ANY_MOBILE = "〔手机〕"
"""Among the words: every mobile number, of a person whose own number nobody told us."""
_MOBILE = r"(?<!\d)(?:[+＋]?86[ -]?)?[1１][3-9３-９]\d(?:[ \-－]?\d{4}){2}(?!\d)"
_SHORTEST_NAME = 2  # characters
_SHORTEST_PHONE = 5  # digits
_NEEDS_EDGES = 10  # digits; a shorter number is struck out only where no further digit touches it

_NUMERALS = ("〇零○", "一幺壹", "二两贰", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖")
_DIGITS = {str(d): f"[{d}{chr(ord('０') + d)}{han}]" for d, han in enumerate(_NUMERALS)}
# Possessive: separators are never given back, so that the search stays linear in the text.
_APART = r"[\s\-‐-―−ー.．·・_/／()（）－\u200b-\u200f\u202a-\u202e\u2060\ufeff]*+"
_BLANKS = r"[ \t\u00a0\u3000\u200b-\u200f\u2060\ufeff]*+"
_EXTENSION = re.compile(r"(?P<main>.*) ext (?P<extension>[0-9]+)")
_AREA = r"(?:(?:(?:[+＋]|[0０]{2})?+[8８][6６]" + _APART + r")?+[0０]?\d{2,3}" + _APART + ")?"


def conceal(text: str, words: Iterable[str]) -> str:
    """`text` with 〔保密〕 for every occurrence of the names (from 2 characters) and phones (from 5 digits) given.

    Names are found with blanks inside and with any of the dots, phones however separated, in full width and in Chinese
    numerals, with or without country and area code. Idempotent; linear in the text; the rest stays as it is.
    """
    patterns = sorted({p for word in words for p in _patterns(word)}, key=len, reverse=True)
    if not patterns:
        return text
    # The mark comes first, so that a mark already there is passed over whole.
    return re.sub("|".join([re.escape(CONCEALED), *patterns]), CONCEALED, text, flags=re.IGNORECASE)


def _patterns(word: str) -> list[str]:
    if word == ANY_MOBILE:
        return [_MOBILE]
    folded = fold(word).strip()
    digits = "".join(c for c in folded if c in "0123456789")
    if len(digits) >= _SHORTEST_PHONE:
        return [p for phone in read_phones(folded, _unheard) or (digits,) for p in _phone(phone)]
    name = "".join(folded.split())
    if len(name) < _SHORTEST_NAME or name.isdigit() or is_secret_word(name):
        return []
    return [_BLANKS.join(_letter(c) for c in name)]


def _unheard(_: str) -> None:
    """What is odd about the number was noted where it was read; here its digits are enough."""


def _letter(c: str) -> str:
    if c in DOTS:
        return f"[{re.escape(DOTS)}]?+"
    return f"[{re.escape(c)}{chr(ord(c) + 0xFEE0)}]" if "!" <= c <= "~" else re.escape(c)


def _phone(phone: str) -> list[str]:
    parts = _EXTENSION.fullmatch(phone)
    main, tail = (parts["main"], _extension(parts["extension"])) if parts else (phone, "")
    numbers = [main, main.partition("-")[2]] if "-" in main else [main]
    return [_number("".join(c for c in n if c in "0123456789")) + tail for n in numbers]


def _number(digits: str) -> str:
    spelt = _APART.join(_DIGITS[d] for d in digits)
    if len(digits) >= _NEEDS_EDGES:
        return r"(?:(?:[+＋]|[0０]{2})?+[8８][6６]" + _APART + ")?" + spelt
    return rf"(?<!\d){_AREA}{spelt}(?!\d)" if len(digits) >= 7 else rf"(?<!\d){spelt}(?!\d)"


def _extension(digits: str) -> str:
    return rf"(?:\s*+(?:转|分机号?|ext[.．]?|x|[#＃]|[-－])[\s:：]*+{''.join(_DIGITS[d] for d in digits)}(?!\d))?"

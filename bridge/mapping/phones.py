"""Phone numbers out of what people write into a phone field (C26).

The result is for search and dialling; the field's own text is kept by the caller. This module must not know whose
number it is.
"""

from __future__ import annotations

import re

from bridge.mapping.privacy import is_secret_word, mask_phone
from bridge.mapping.texts import Note, fold, show

_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff]")  # come along when a number is copied from a phone
_DASHES = re.compile("[\u2010-\u2015\u2212\u30fc]")
_BETWEEN = r"[\s.()-]{0,3}"
_NUMBER = re.compile(
    rf"""(?<![0-9.])
    (?:(?P<country>(?:\+|00)86|86(?=1[0-9]{{10}}(?![0-9]))|86(?=[\s-])){_BETWEEN})?
    (?:
        0?(?P<mobile>1(?:[\s.-]?[0-9]){{10}})
      | \(?(?P<area>0(?:10|2[0-9]|[3-9][0-9]{{2}})|(?(country)(?:10|2[0-9]|[3-9][0-9]{{2}})|(?!)))
        {_BETWEEN}(?P<local>[2-9][0-9]{{6,7}}|[2-9][0-9]{{2,3}}[\s-][0-9]{{4}})
      | (?P<national>[48]00[\s-]?[0-9]{{3}}[\s-]?[0-9]{{4}}|[48]00[\s-]?[0-9]{{4}}[\s-]?[0-9]{{3}})
      | (?P<near>[2-9][0-9]{{6,7}}|[2-9][0-9]{{2,3}}[ -][0-9]{{4}})
      | (?P<service>11[0-9]|12[0-9]|1[02][0-9]{{3}}|1161[0-9]{{2}}|9[56][0-9]{{3,4}})
      | (?P<abroad>(?:\+|00)(?!86)[1-9](?:[\s-]?[0-9]){{6,14}})
    )
    (?![0-9])(?!\.[0-9])
    (?:\s{{0,3}}(?:转|分机号?|ext\.?|x|\#|-)[\s:]{{0,3}}(?P<extension>[0-9]{{1,6}})(?![0-9]))?""",
    re.VERBOSE | re.IGNORECASE,
)
_PLAIN_MOBILE = re.compile(r"1[0-9]{10}")
_DIGIT = re.compile(r"[0-9]")
_NOT_DIGIT = re.compile(r"[^0-9]+")


def read_phones(value: object, note: Note) -> tuple[str, ...]:
    """The numbers in a phone field, each once, in order, in one form however they were written.

    Forms: ``13800000001`` · ``0633-7900000`` · ``0633-7900000 ext 801`` · ``7900000`` · ``4000000000`` · ``12345`` ·
    ``+85221000000``. Empty values and words that mean secrecy give () without a note. What cannot be a phone is left
    out with a note, masked; words beside a number (家, a name) are left out without one.
    """
    if value is None:
        return ()
    if isinstance(value, str) and _PLAIN_MOBILE.fullmatch(value):
        return (value,)  # what most rows hold
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 64:
        value = str(value)
    if not isinstance(value, str):
        note(f"电话应为文本，不是{_kind(value)} / a phone is a text, not {_kind(value)}")
        return ()
    text = _DASHES.sub("-", _INVISIBLE.sub("", fold(value))).strip()
    if not text or is_secret_word(text):
        return ()
    if "*" in text:
        note(f"电话已被对方平台掩码“{mask_phone(text)}” / the platform masks the phone: {mask_phone(text)!r}")
        return ()
    phones = tuple(dict.fromkeys(_written(found) for found in _NUMBER.finditer(text)))
    if not phones:
        note(f"“{mask_phone(text)}”不是电话号码 / {mask_phone(text)!r} cannot be a phone")
    elif _DIGIT.search(rest := _NUMBER.sub(" ", text).strip()):
        note(f"其中“{mask_phone(rest)}”不是电话号码 / of these, {mask_phone(rest)!r} cannot be a phone")
    return phones


def _kind(value: object) -> str:
    # A number in a phone's place may well be the phone: its kind is enough.
    return show(value) if isinstance(value, bool) else f"<{type(value).__name__}>"


def _written(found: re.Match[str]) -> str:
    digits = {name: _NOT_DIGIT.sub("", text) for name, text in found.groupdict().items() if text}
    if "area" in digits:
        area = digits["area"]
        number = f"{area if area.startswith('0') else '0' + area}-{digits['local']}"
    elif "abroad" in digits:
        number = "+" + digits["abroad"].removeprefix("00")
    else:
        number = next(digits[kind] for kind in ("mobile", "national", "near", "service") if kind in digits)
    return f"{number} ext {digits['extension']}" if "extension" in digits else number

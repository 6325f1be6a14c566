"""GB18030 as the wire has it (contract section 3): strict decoding, two byte forms of 25 characters, the GBK database.

Must not know XML, fields or HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.city.refusal import bad

CODEC = "gb18030"

# Character → the private-use code point whose GB18030 bytes are the character's second form (form B).
SECOND_FORMS: Mapping[str, str] = {
    "\U00020087": "\ue816",
    "\U00020089": "\ue817",
    "\U000200cc": "\ue818",
    "\U000215d7": "\ue831",
    "\U0002298f": "\ue83b",
    "\U000241fe": "\ue855",
    "\u9fb4": "\ue81e",
    "\u9fb5": "\ue826",
    "\u9fb6": "\ue82b",
    "\u9fb7": "\ue82c",
    "\u9fb8": "\ue832",
    "\u9fb9": "\ue843",
    "\u9fba": "\ue854",
    "\u9fbb": "\ue864",
    "\u1e3f": "\ue7c7",
    "\ufe10": "\ue78d",
    "\ufe12": "\ue78e",
    "\ufe11": "\ue78f",
    "\ufe13": "\ue790",
    "\ufe14": "\ue791",
    "\ufe15": "\ue792",
    "\ufe16": "\ue793",
    "\ufe17": "\ue794",
    "\ufe18": "\ue795",
    "\ufe19": "\ue796",
}
_TO_SECOND = str.maketrans(dict(SECOND_FORMS))
_TO_CHARACTER = str.maketrans({private: character for character, private in SECOND_FORMS.items()})


def decode(body: bytes) -> str:
    """The text of a body, whatever its declaration says; 201 xml for bytes that are no GB18030."""
    try:
        return body.decode(CODEC)
    except UnicodeDecodeError:
        bad("xml", "编码不正确")


def fold(text: str) -> str:
    """Private-use code points of the 25 characters replaced by the characters."""
    return text.translate(_TO_CHARACTER)


def encode(text: str, *, second_form: bool = False) -> bytes:
    """GB18030 bytes; the 25 characters in form A, or in form B if `second_form`."""
    folded = fold(text)
    return (folded.translate(_TO_SECOND) if second_form else folded).encode(CODEC)


def as_gbk_keeps(text: str) -> str:
    """What a GBK database gives back: one `?` for each code point it does not have."""
    return text.encode("gbk", "replace").decode("gbk")

"""What keeps a person out of sight: words that mean "secret", and masks for notes and logs.

This module must not know whether a person is confidential: that is the call's to say.
"""

from __future__ import annotations

import re
from typing import Literal

from bridge.mapping.texts import fold

_SECRET = re.compile(
    r"(?:本人|来电人|反映人|市民|姓名|电话|号码|信息|个人信息|身份)?(?:要求|申请|请求|希望|请|需要|需|已)?"
    r"(?P<word>(?:保密|匿名)+)"
    r"(?:者|人|人员|人士|用户|市民|群众|居民|来电|来电人|举报|举报人|反映|反映人|处理|信息|号码|电话)?"
)
_PERSONAL = re.compile(
    r"name|phone|tel|mobile|mail|card|identity|person|contact|operator|handler|caller|report(?:er|man)|user|staff|who$|birth|addr|"
    r"passw|token|^(?:.*[.\]_])?(?:xm|dh|lxr|lxdh|sfz|sfzh|fyr|fyrxm|czr|sjh)$|姓名|电话|手机|联系|身份证|来电人|上报人|经办",
    re.IGNORECASE,
)
_ORNAMENT = re.compile(r"[\W_]+")
_MASKED_LENGTH = 40


def is_secret_word(text: object) -> Literal["confidential", "anonymous"] | None:
    """Which of the two a literal text in a name's or phone's place means: 保密, 匿名 and what people write around them.

    Blanks, brackets, punctuation and full width do not matter; anything else in the text makes it no such word.
    """
    if not isinstance(text, str) or len(text) > _MASKED_LENGTH:
        return None
    found = _SECRET.fullmatch(_ORNAMENT.sub("", fold(text)))
    if found is None:
        return None
    return "anonymous" if "匿名" in found["word"] else "confidential"


def names_a_person(path: str) -> bool:
    """May a wire field of this name hold a person, as far as names tell? Then none of its values is shown or written."""
    return _PERSONAL.search(path) is not None


def mask_name(name: str) -> str:
    """A name for notes and logs: its first character, a star for each other one; a single character is hidden."""
    name = name.strip()[:_MASKED_LENGTH]
    return name[0] + "*" * (len(name) - 1) if len(name) > 1 else "*" * len(name)


def mask_phone(text: str) -> str:
    """A phone for notes and logs: 138****0001; other lengths keep their last two digits, short ones none.

    Whatever is no digit and no separator (a name written beside the number) is hidden too.
    """
    folded = fold(text)[:_MASKED_LENGTH]
    digits = sum(c in "0123456789" for c in folded)
    head, tail = (3, 4) if 11 <= digits <= 13 else (0, 2) if digits >= 7 else (0, 0)
    masked, seen = "", 0
    for c in folded:
        if c in "0123456789":
            masked += c if seen < head or seen >= digits - tail else "*"
            seen += 1
        else:
            masked += c if c in " -+(),;/、" else "*"
    return masked + ("…" if len(text) > _MASKED_LENGTH else "")

"""The file name in a `Content-Disposition` header, as servers write it: RFC 6266, or bare bytes of whatever charset.

It is somebody else's text and no path: who uses it makes it safe first. Pure. This module must not know a platform.
"""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header
from urllib.parse import unquote_to_bytes

_PARAMETER = re.compile(rb';\s*([\w!#$&+.^`|~-]+\*?)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)', re.DOTALL)
_EXTENDED = re.compile(rb"([\w-]+)'[^']*'([!-~]*)")
_LONGEST = 4096


def name_in(header: str) -> str | None:
    """The name, `filename*` before `filename`; None where there is none that can be read. header: as HTTP libraries give
    it, each byte one character."""
    raw = header.encode("latin-1", "replace")[:_LONGEST]
    told: dict[str, bytes] = {}
    for name, value in _PARAMETER.findall(raw):
        quoted = len(value) > 1 and value[:1] == value[-1:] == b'"'
        told.setdefault(name.lower().decode("ascii"), re.sub(rb"\\(.)", rb"\1", value[1:-1]) if quoted else value.strip())
    return _extended(told.get("filename*", b"")) or _plain(told.get("filename", b"")) or None


def _extended(value: bytes) -> str:
    """RFC 8187: charset'language'percent-encoded bytes; other charsets than it allows are met too."""
    found = _EXTENDED.fullmatch(value)
    if found is None:
        return ""
    try:
        return unquote_to_bytes(found[2]).decode(_wider(found[1].decode("ascii")))
    except (LookupError, UnicodeDecodeError):
        return ""


def _plain(value: bytes) -> str:
    """Bare bytes: UTF-8, else a Chinese server's own charset; a mail header's encoded words are read as such."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        try:
            return value.decode("gb18030")
        except UnicodeDecodeError:
            return ""
    if text.startswith("=?") and text.endswith("?="):
        try:
            return "".join(part if isinstance(part, str) else part.decode(_wider(charset or "ascii"))
                           for part, charset in decode_header(text))  # fmt: skip
        except (HeaderParseError, LookupError, UnicodeDecodeError, ValueError):
            return ""
    return text


def _wider(charset: str) -> str:
    """GB2312 and GBK are said where GB18030 is meant, which holds them both."""
    return "gb18030" if charset.lower().replace("-", "") in ("gb2312", "gbk", "cp936") else charset

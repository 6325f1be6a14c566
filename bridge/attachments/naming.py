"""What a file may be called and what it is, before it goes to another platform.

A name is somebody else's text: it may hold paths, control characters, turned writing directions, or nothing. A media
type is a claim: where the first bytes say something else, the bytes are right. This module must not know a platform.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from urllib.parse import unquote, urlsplit

LONGEST = 80
"""UTF-16 units of a name (a rare character is two): what every platform here can hold, with room for its number."""
UNKNOWN = "application/octet-stream"
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])", re.IGNORECASE)
_VERSION = re.compile(r"#[0-9A-Za-z]{32,128}$")
_NUMBERED = re.compile(r" \([0-9]{1,3}\)(?=(\.[^.]*)?$)")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,8}", re.ASCII)
_SIGNS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg", ".jpg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png", ".png"),
    (0, b"GIF8", "image/gif", ".gif"),
    (0, b"BM", "image/bmp", ".bmp"),
    (8, b"WEBP", "image/webp", ".webp"),
    (0, b"%PDF-", "application/pdf", ".pdf"),
    (4, b"ftyp", "video/mp4", ".mp4"),
    (8, b"WAVE", "audio/wav", ".wav"),
    (0, b"ID3", "audio/mpeg", ".mp3"),
    *((0, b"\xff" + frame, "audio/mpeg", ".mp3") for frame in (b"\xfb", b"\xfa", b"\xf3", b"\xf2")),
)
_CONTAINERS = ((b"PK\x03\x04", ("application/vnd.openxmlformats", "application/zip", "application/x-zip")),
               (b"\xd0\xcf\x11\xe0", ("application/msword", "application/vnd.ms-")))  # fmt: skip
_OOXML = "application/vnd.openxmlformats-officedocument."
_BY_NAME = {
    ".docx": _OOXML + "wordprocessingml.document", ".xlsx": _OOXML + "spreadsheetml.sheet",
    ".pptx": _OOXML + "presentationml.presentation", ".doc": "application/msword", ".xls": "application/vnd.ms-excel",
    ".ppt": "application/vnd.ms-powerpoint", ".txt": "text/plain",
}  # fmt: skip
"""What a name tells of kinds that no sign of their own shows."""
_PROGRAMS = (b"mz", b"\x7felf", b"#!", b"<?php", b"<%", b"<script", b"<!doctype html", b"<html")
_SIGNED = frozenset(media_type for _, _, media_type, _ in _SIGNS)


def media_type(declared: str | None, head: bytes, name: str = "") -> str:
    """What a file is, by its first bytes, else as declared, else (nothing was, or merely bytes) by its name. A file that
    claims a kind whose sign it lacks, or is a program, is `application/octet-stream`: platforms that take certain kinds
    only will refuse it."""
    for offset, sign, known, _ in _SIGNS:
        if head[offset : offset + len(sign)] == sign:
            return known
    claimed = (declared or "").partition(";")[0].strip().lower()
    if claimed in ("", UNKNOWN):
        claimed = _BY_NAME.get(split(name)[1].lower(), claimed)
    if head.lower().startswith(_PROGRAMS):
        return UNKNOWN
    for sign, families in _CONTAINERS:
        if head.startswith(sign):
            return claimed if claimed.startswith(families) else UNKNOWN
    if claimed in _SIGNED or not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*", claimed):
        return UNKNOWN
    return claimed


def safe_name(name: str | None, media_type: str, number: int) -> str:
    """A name that any platform and any file system can bear: the last part of a path, no control or direction
    characters, at most 80 UTF-16 units with its extension kept. Where nothing is left: 附件 and its number."""
    text = (name or "").split("?")[0] if "://" in (name or "") else name or ""
    text = re.split(r"[/\\]", text)[-1]
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp", "Cn"))
    text = re.sub(r'[<>:"|?*]', "_", text).strip(" .")
    stem, extension = split(text)
    if not stem or _RESERVED.fullmatch(stem):
        return f"附件{number}{extension or ending(media_type)}"
    room = 2 * (LONGEST - len(extension))
    return stem.encode("utf-16-le")[:room].decode("utf-16-le", "ignore").rstrip(" .") + extension


def ending(media_type: str) -> str:
    """The extension of a kind that is known by its first bytes; "" for any other."""
    return next((ending for _, _, known, ending in _SIGNS if known == media_type), "")


def nameless(name: str, file_id: str) -> bool:
    """Did the record tell no name, so that a part of the id had to serve as one?"""
    return name in ("", file_id, unquote(urlsplit(file_id).path.rpartition("/")[2]))


def unversioned(file_id: str) -> str:
    """The platform's own id, without what a mapping's `files.version` added: what an upload's answer tells, what is asked
    for, and what was kept before there were versions."""
    return _VERSION.sub("", file_id)


def split(name: str) -> tuple[str, str]:
    """A name without and with its extension (dot included; "" if it has none)."""
    found = _EXTENSION.search(name, pos=max(name.rfind("."), 0)) if "." in name else None
    return (name[: found.start()], found[0]) if found and found.end() == len(name) else (name, "")


def distinct(name: str, taken: Container[str]) -> str:
    """The name, or 名 (2).jpg … where that record has a file of this name already: a second file of one name must
    neither replace the first nor be taken for it."""
    stem, extension = split(name)
    number, made = 1, name
    while made in taken:
        number += 1
        made = f"{stem} ({number}){extension}"
    return made


def plain(name: str) -> str:
    """A name without the number that `distinct` gave it."""
    return _NUMBERED.sub("", name)

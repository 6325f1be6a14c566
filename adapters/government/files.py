"""A file on its way to the government platform: read whole, checked, and put into a multipart body by hand, so that
the bytes that are signed are the bytes that are sent. Pure but for reading the content."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import BinaryIO
from urllib.parse import quote

from adapters.errors import Refused
from adapters.port import FileOut

LARGEST = 20_971_520
"""Bytes of one file (contract section 7)."""

LONGEST_NAME = 200
"""Code points of a file name."""

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")
_UNSAFE_IN_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def content_of(file: FileOut, content: BinaryIO, where: str) -> bytes:
    """The file's bytes. Refused if they are none, too many, or not as many as was declared."""
    body = content.read(LARGEST + 1)
    if not 1 <= len(body) <= LARGEST:
        raise Refused(
            f"附件须为1至{LARGEST}字节 / a file has 1 to {LARGEST} bytes", where=where, field="file",
            remedy="压缩或拆分后重发 / compress or split it",
        )  # fmt: skip
    if len(body) != file.size:
        raise Refused(
            f"附件实有{len(body)}字节，声明为{file.size} / file has {len(body)} bytes, declared {file.size}",
            where=where, field="file", remedy="重新取得该附件 / get the file again",
        )  # fmt: skip
    return body


def wire_name(name: str) -> str:
    """The name as the platform will store it: what follows the last / or \\, without what no header can carry."""
    return _UNSAFE_IN_NAME.sub("", re.split(r"[/\\]", name)[-1])


def multipart(name: str, media_type: str, body: bytes, random_bytes: Callable[[int], bytes]) -> tuple[str, bytes]:
    """(Content-Type, whole body) with one part named `file`. name: of `wire_name`. A media type that is no such thing
    becomes application/octet-stream. The name goes exactly as RFC 5987, and as raw UTF-8 for whoever reads no more."""
    boundary = "----huying" + random_bytes(16).hex()
    while boundary.encode() in body:
        boundary = "----huying" + random_bytes(16).hex()
    plain = name.replace('"', "_")  # a quotation mark would end the raw form
    kind = media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{plain}"; '
        f"filename*=UTF-8''{quote(name, safe='')}\r\n"
        f"Content-Type: {kind}\r\n\r\n"
    )
    return f"multipart/form-data; boundary={boundary}", head.encode() + body + f"\r\n--{boundary}--\r\n".encode()

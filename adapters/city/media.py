"""Media files of a city platform: which types it takes, and the one address a file may be read from (contract §8).

This module must not send anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from adapters.errors import ConfigError, Refused
from adapters.port import FileOut

LARGEST = 8_388_608
"""Bytes of one file as sent by us."""
_OFFICE = "application/vnd.openxmlformats-officedocument."
MEDIA_TYPES = {
    "jpg": "image/jpeg", "png": "image/png", "gif": "image/gif", "bmp": "image/bmp", "mp4": "video/mp4", "mp3": "audio/mpeg",
    "wav": "audio/wav", "pdf": "application/pdf", "doc": "application/msword", "docx": f"{_OFFICE}wordprocessingml.document",
    "xls": "application/vnd.ms-excel", "xlsx": f"{_OFFICE}spreadsheetml.sheet",
}  # fmt: skip
"""The platform's types and what they are elsewhere."""
_KINDS = {media_type: kind for kind, media_type in MEDIA_TYPES.items()}


def kind_of(file: FileOut, where: str) -> str:
    """The platform's type: by the name's extension, else by the media type. Refused if it takes no such files."""
    extension = file.name.rpartition(".")[2].lower()
    kind = {"jpeg": "jpg"}.get(extension, extension)
    kind = kind if kind in MEDIA_TYPES else _KINDS.get(file.media_type, "")
    if not kind:
        raise Refused("该平台不收这类文件 / files of this type are not taken", where=where, field="type",
                      remedy=f"可用 / taken: {', '.join(MEDIA_TYPES)}")  # fmt: skip
    return kind


def content_of(file: FileOut, content: BinaryIO, where: str, largest: int) -> bytes:
    """The file's bytes. Refused if they are none, too many, or not as many as was declared."""
    data = content.read(largest + 1)
    if not 1 <= len(data) <= largest:
        raise Refused(f"附件须为1至{largest}字节 / a file has 1 to {largest} bytes", where=where, field="content",
                      remedy="压缩或拆分后重发 / compress or split it")  # fmt: skip
    if len(data) != file.size:
        raise Refused(f"附件实有{len(data)}字节，声明为{file.size} / not of the size told", where=where, field="content",
                      remedy="重新取得该附件 / get the file again")  # fmt: skip
    return data


def address(base: str | None, media: Mapping[str, Any], where: str) -> str:
    """The address of a media item, which must be exactly the one that the configured base gives: a link inside a record
    could lead anywhere, also to inner addresses. ConfigError without a base, Refused for any other link."""
    if base is None:
        raise ConfigError("未配置 media_base，不能读附件 / media_base is not set, files cannot be read", where=where,
                          remedy="在 settings 中填写附件地址的开头 / put the beginning of media addresses into settings")  # fmt: skip
    media_id, kind = str(media.get("mediaId")), str(media.get("type"))
    expected = f"{base}/{media_id[1:9]}/{media_id}.{kind}"
    if kind not in MEDIA_TYPES or media.get("url") != expected:
        raise Refused("附件地址不在约定范围内，已拒绝 / the file's link leads elsewhere, not followed", where=where, field="url",
                      remedy="与平台核对附件地址与 settings.media_base / check the link and settings.media_base")  # fmt: skip
    return expected

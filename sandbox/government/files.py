"""What an upload must look like (contract section 7): the multipart body taken apart by hand, name, type, size.

Must not know the store or who uploads.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from sandbox.government.refusal import bad

MOST_BYTES = 20_971_520
KEPT_MS = 24 * 3_600_000
EXTENSIONS = frozenset(
    {"jpg", "jpeg", "png", "gif", "bmp", "pdf", "ofd", "doc", "docx", "wps", "xls", "xlsx", "ppt", "pptx", "txt"}
    | {"mp3", "amr", "wav", "mp4", "zip", "rar"}
)
NO_TYPE = "application/octet-stream"

_PARAMETER = re.compile(rb';\s*([A-Za-z0-9!#$&+\-.^_`|~*]+)\s*=\s*("(?:\\"|[^"])*"|[^;"\s]*)\s*')
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
_MIME = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,99}")
_PLAIN = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True)
class Upload:
    """One file as it came: display name, stored type, bytes."""

    name: str
    mime: str
    content: bytes


def parse_upload(content_type: str, content_encoding: str, body: bytes) -> Upload:
    """The one part named `file`; 4022 [file] for everything the contract does not take, [body] for a compressed body.

    `content_type` is the header as received (latin-1 text).
    """
    if content_encoding.strip().lower() not in ("", "identity"):
        bad("body", "不接受压缩的请求")
    parts = list(_parts(_boundary(content_type), body))
    if len(parts) != 1:
        bad("file", "必须有且只有一个文件")
    headers, content = parts[0]
    disposition = headers.get(b"content-disposition", b"")
    parameters = _parameters(disposition)
    if disposition.partition(b";")[0].strip().lower() != b"form-data" or parameters.get(b"name") != b"file":
        bad("file", "必须有且只有一个文件")
    name = file_name(parameters)
    check_extension(name)
    if not 1 <= len(content) <= MOST_BYTES:
        bad("file", f"文件大小必须在1到{MOST_BYTES}字节之间")
    return Upload(name, stored_type(headers.get(b"content-type", b"").decode("latin-1")), content)


def file_name(parameters: dict[bytes, bytes]) -> str:
    """The name that counts: filename* before filename, what follows the last / or \\, 1 to 200 code points."""
    try:
        if b"filename*" in parameters:
            charset, _, rest = parameters[b"filename*"].partition(b"'")
            if charset.upper() != b"UTF-8" or b"'" not in rest:
                bad("file", "文件名编码不正确")
            full = unquote_to_bytes(rest.partition(b"'")[2]).decode("utf-8")
        else:
            full = parameters.get(b"filename", b"").decode("utf-8")
    except UnicodeDecodeError:
        bad("file", "文件名编码不正确")
    name = re.split(r"[/\\]", full)[-1]
    if not 1 <= len(name) <= 200:
        bad("file", "文件名长度必须在1到200之间")
    if any(unicodedata.category(character) == "Cc" and character not in "\t\n\r" for character in name):
        bad("file", "文件名含有非法控制字符")
    return name


def check_extension(name: str) -> None:
    """4022 [file] unless the extension is on the contract's list, in any case."""
    _, dot, extension = name.rpartition(".")
    if not dot or extension.lower() not in EXTENSIONS:
        bad("file", f"不支持的文件类型{extension if dot and _PLAIN.fullmatch(extension) else ''}")


def stored_type(declared: str) -> str:
    """The part's Content-Type as stored: application/json and what no header could carry become octet-stream."""
    mime = declared.strip()
    if _MIME.fullmatch(mime) is None or mime.partition(";")[0].strip().lower() == "application/json":
        return NO_TYPE
    return mime


def disposition(name: str) -> str:
    """Content-Disposition of a download."""
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


def _boundary(content_type: str) -> bytes:
    raw = content_type.encode("latin-1")
    boundary = _parameters(raw).get(b"boundary", b"").decode("latin-1")
    if raw.partition(b";")[0].strip().lower() != b"multipart/form-data" or _BOUNDARY.fullmatch(boundary) is None:
        bad("file", "必须是multipart/form-data")
    return boundary.encode("latin-1")


def _parts(boundary: bytes, body: bytes) -> Iterator[tuple[dict[bytes, bytes], bytes]]:
    """(headers by lower-case name, content) of each part. The first delimiter needs no line break before it."""
    text = b"\r\n" + body
    delimiters = re.finditer(rb"\r\n--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r\n|\Z)", text)
    start = None
    for delimiter in delimiters:
        if start is not None:
            head, blank, content = text[start : delimiter.start()].partition(b"\r\n\r\n")
            if not blank:
                bad("file", "multipart格式不正确")
            yield _headers(head), content
        if delimiter[1]:
            return
        # The line break ending the delimiter stays in the text: a part without headers then still has its blank line.
        start = delimiter.end()
    bad("file", "multipart格式不正确")


def _headers(head: bytes) -> dict[bytes, bytes]:
    lines = (line.partition(b":") for line in head.split(b"\r\n") if line)
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _parameters(header: bytes) -> dict[bytes, bytes]:
    _, semicolon, rest = header.partition(b";")
    found = {}
    for match in _PARAMETER.finditer(semicolon + rest):
        value = match[2]
        # Only \" is an escape: browsers send C:\dir\name unescaped, and what follows the last \ counts anyway.
        found[match[1].lower()] = value[1:-1].replace(b'\\"', b'"') if value.startswith(b'"') else value
    return found

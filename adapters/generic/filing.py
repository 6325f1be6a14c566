"""Files to and from a platform, as configured. Read whole, checked by size and digest. Must not know a platform."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Callable
from typing import Any, BinaryIO
from urllib.parse import quote, unquote, urlsplit

from adapters.disposition import name_in
from adapters.errors import ConfigError, Missing, OutcomeUnknown, Refused, Unavailable
from adapters.generic.client import Client, Made
from adapters.generic.documents import at
from adapters.generic.placeholders import fill, fill_path, fill_text, query
from adapters.generic.records import askable
from adapters.generic.settings import Files, Upload
from adapters.port import FileOut, FileRef, Receipt
from adapters.rest import broken
from adapters.transport import Answer

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def digest(data: bytes) -> str:
    """As RFC 9530 writes it."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def read_file(client: Client, files: Files, ref: FileRef) -> BinaryIO:
    """The bytes, and the name that the answer tells. Missing for what is not there and for what no file of the platform can
    be called; ConfigError for an address of a host that is not configured."""
    where = client.where("下载 download", f"{ref.native_id} {ref.file_id}")
    if not askable(ref.file_id):
        raise Missing("不是附件编号 / not a file id", where=where, remedy="核对附件编号 / check the file id")
    answer = _download(client, files, ref, where)
    told = answer.headers.get(files.download.digest_header.lower(), "") if files.download.digest_header else ""
    if told and told != digest(answer.body):
        raise Unavailable("附件内容与摘要不符 / the file does not match its digest", where=where,
                          remedy="将自动重读 / read again")  # fmt: skip
    if ref.size is not None and len(answer.body) != ref.size:
        raise broken(answer, f"附件长度不是{ref.size} / the file is not {ref.size} bytes long", where)
    content = io.BytesIO(answer.body)
    content.name = name_in(answer.headers.get("content-disposition", "")) or ""
    return content


def _download(client: Client, files: Files, ref: FileRef, where: str) -> Answer:
    if files.download.own and (target := _own(client, ref.file_id, where)):
        return _from(client, target, ref, where)
    if files.download.path is None:
        host = urlsplit(ref.file_id).netloc
        if urlsplit(ref.file_id).scheme not in ("http", "https") or host not in files.download.hosts:
            raise ConfigError(f"附件地址的主机未经许可 / this host is not allowed: {host or '?'}", where=where,
                              remedy="确认可信后写入 files.download.hosts / add it there if it is trusted")  # fmt: skip
        return client.download("下载 download", ref.file_id, ref.native_id)
    known = {"id": ref.native_id, "file": ref.file_id}
    more = query(fill(files.download.parameters, known))
    return _from(client, fill_path(files.download.path, known) + (f"?{more}" if more else ""), ref, where)


def _own(client: Client, address: str, where: str) -> str | None:
    """The target of a path, or of an address, of the platform itself; None for another host's. Missing for what is neither."""
    link = urlsplit(address)
    if link.netloc and not client.owns(address):
        return None
    if link.scheme not in ("", "http", "https") or ".." in unquote(link.path).split("/"):
        raise Missing("附件地址不可用 / not an address of a file", where=where, remedy="核对附件编号 / check the file id")
    plain = f"{link.scheme}://{link.netloc}" if link.netloc else ""
    path = quote(link.path if link.path.startswith("/") else f"/{link.path}", safe="/%:@!$&'()*+,;=~-._")
    return client.path_of(plain + path + (f"?{link.query}" if link.query else ""), where)


def _from(client: Client, target: str, ref: FileRef, where: str) -> Answer:
    try:
        return client.send("下载 download", Made("GET", target, dict(client.settings.headers)), record=ref.native_id,
                           file=True).answer  # fmt: skip
    except Refused as refused:
        if isinstance(refused, Missing):
            raise
        raise Missing(refused.what, where=where, code=refused.code, remedy=refused.remedy) from refused


def write_file(
    client: Client, upload: Upload, native_id: str, file: FileOut, content: BinaryIO, random: Callable[[int], bytes]
) -> Receipt:  # fmt: skip
    """One file to a record. Refused before anything is sent if it is empty, too large or not as long as told."""
    where = client.where("附件 file", f"{native_id} {file.name}")
    data, name = _content(upload, file, content, where), _UNSAFE.sub("", re.split(r"[/\\]", file.name)[-1])
    if name in ("", ".", "..") or len(name) > upload.longest_name:
        raise Refused(f"文件名须为1至{upload.longest_name}个字 / a file name has 1 to {upload.longest_name} characters",
                      where=where, field="name", remedy="改名后重发 / rename it")  # fmt: skip
    kind = file.media_type if _MEDIA_TYPE.fullmatch(file.media_type) else "application/octet-stream"
    headers, body = dict(client.settings.headers), data
    if upload.digest_header:
        headers[upload.digest_header] = digest(data)
    if upload.send == "multipart":
        known = {"id": native_id, "name": name, "note": file.note}
        parts = {key: fill_text(text, known) for key, text in upload.parameters.items()}
        kind, body = _multipart(upload, name, kind, data, parts, random)
    made = Made(upload.method, fill_path(upload.path, {"id": native_id, "name": name}),
                {**headers, "Content-Type": kind}, body)  # fmt: skip
    try:
        reading = client.send("附件 file", made, record=native_id, write=True)
    except OutcomeUnknown as error:
        if not upload.repeatable and not upload.into:
            raise
        raise Unavailable(error.what, where=where, code=error.code,
                          remedy="重发同一附件无害，将自动重试 / sending it again does no harm; tried again") from error  # fmt: skip
    told = at(reading.document, upload.file_id) if upload.file_id else None
    return Receipt(native_id, file_id=str(told or ""), raw=reading.answer.body)


def added(held: Any, file_id: str, upload: Upload, where: str) -> Any:
    """What a record's member holds, and one file more; a list stays a list. ConfigError where it is neither list nor text."""
    if isinstance(held, list):
        return [*held, file_id]
    if held is not None and not isinstance(held, str):
        raise ConfigError(f"{upload.into} 不是文字或列表，写入会毁掉原有的 / is neither text nor list", where=where,
                          remedy="核对 files.upload.into / check files.upload.into")  # fmt: skip
    return upload.join.join(part for part in (held, file_id) if part)


def _content(upload: Upload, file: FileOut, content: BinaryIO, where: str) -> bytes:
    data = content.read(upload.max_bytes + 1)
    if not 1 <= len(data) <= upload.max_bytes:
        raise Refused(f"附件须为1至{upload.max_bytes}字节 / a file has 1 to {upload.max_bytes} bytes", where=where, field="file",
                      remedy="压缩或拆分后重发 / compress or split it")  # fmt: skip
    if len(data) != file.size:
        raise Refused(f"附件实有{len(data)}字节，声明为{file.size} / file has {len(data)} bytes, declared {file.size}",
                      where=where, field="file", remedy="重新取得该附件 / get the file again")  # fmt: skip
    return data


def _multipart(
    upload: Upload, name: str, kind: str, data: bytes, parts: dict[str, str], random: Callable[[int], bytes]
) -> tuple[str, bytes]:  # fmt: skip
    boundary = f"----huying{random(16).hex()}"
    texts = "".join(f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
                    for key, value in parts.items())  # fmt: skip
    plain = name.replace('"', "_")  # a quotation mark would end the raw form
    extended = f"; filename*=UTF-8''{quote(name, safe='')}" if upload.charset == "utf-8" else ""
    head = (
        f'{texts}--{boundary}\r\nContent-Disposition: form-data; name="{upload.field}"; filename="'.encode()
        + plain.encode(upload.charset, "replace") + f'"{extended}\r\nContent-Type: {kind}\r\n\r\n'.encode()
    )  # fmt: skip
    return f"multipart/form-data; boundary={boundary}", head + data + f"\r\n--{boundary}--\r\n".encode()

"""Uploads taken apart, kept, named once and downloaded again (contract section 7)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from tests.sandbox.government_client import Answer, Rig, multipart, rig

MIB = 1_048_576


@pytest.fixture(scope="module")
def made() -> Iterator[Rig]:
    with rig() as one:
        yield one


def send(made: Rig, body: bytes, content_type: str = "multipart/form-data; boundary=edge") -> Answer:
    return made.caller.call("POST", "/api/files", body, content_type=content_type)


def part(disposition: str, content: bytes = b"x", extra: str = "") -> bytes:
    return f"--edge\r\nContent-Disposition: {disposition}\r\n{extra}\r\n".encode() + content + b"\r\n"


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('form-data; name="file"; filename="现场照片 1.JPG"', "现场照片 1.JPG"),
        ('form-data; filename="a.txt"; name="file"', "a.txt"),
        ("form-data; name=file; filename=a.txt", "a.txt"),
        ('Form-Data; NAME="file"; FileName="a.txt"', "a.txt"),
        ('form-data; name="file"; filename="x.exe"; filename*=UTF-8\'\'%E7%85%A7%20%E7%89%87.png', "照 片.png"),
        ('form-data; name="file"; filename*=utf-8\'zh\'%e7%85%a7.png; filename="x.exe"', "照.png"),
        ('form-data; name="file"; filename="C:\\dir\\照片.jpg"', "照片.jpg"),
        ('form-data; name="file"; filename="/home/a/照片.jpg"', "照片.jpg"),
        ('form-data; name="file"; filename="说\\"明;1.pdf"', '说"明;1.pdf'),
        (f'form-data; name="file"; filename="{"名" * 196}.jpg"', "名" * 196 + ".jpg"),
    ],
)
def test_file_names(made: Rig, disposition: str, name: str) -> None:
    """Raw UTF-8 or RFC 5987, the latter wins; only what follows the last slash counts."""
    answer = send(made, part(disposition) + b"--edge--\r\n")
    assert answer.data["name"] == name


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--edge--\r\n",
        part('form-data; name="file"; filename="a.txt"'),
        part('form-data; name="file"; filename="a.txt"') * 2 + b"--edge--",
        part('form-data; name="file"; filename="a.txt"') + part('form-data; name="note"') + b"--edge--",
        part('form-data; name="photo"; filename="a.txt"') + b"--edge--",
        part('form-data; name="file"') + b"--edge--",
        part('form-data; name="file"; filename=""') + b"--edge--",
        part('form-data; name="file"; filename="dir/"') + b"--edge--",
        part('form-data; name="file"; filename="run.exe"') + b"--edge--",
        part('form-data; name="file"; filename="jpg"') + b"--edge--",
        part('form-data; name="file"; filename="a.jpg."') + b"--edge--",
        part(f'form-data; name="file"; filename="{"名" * 197}.jpg"') + b"--edge--",
        part('form-data; name="file"; filename="a\x01.jpg"') + b"--edge--",
        part("form-data; name=\"file\"; filename*=GBK''%D5%D5.jpg") + b"--edge--",
        part("form-data; name=\"file\"; filename*=UTF-8''%D5%D5.jpg") + b"--edge--",
        part('attachment; name="file"; filename="a.txt"') + b"--edge--",
        part('form-data; name="file"; filename="a.txt"', b"") + b"--edge--",
        b"--edge\r\n\r\nno headers\r\n--edge--",
        b"--edge\r\nContent-Disposition: form-data\r\n--edge--",
    ],
)
def test_uploads_that_are_refused(made: Rig, body: bytes) -> None:
    """No part, more parts, no name, no known type, no bytes: 4022 [file]."""
    assert send(made, body).field == "file"


def test_what_is_no_multipart(made: Rig) -> None:
    """Another Content-Type or no boundary is 4022 [file], a compressed request 4022 [body]."""
    body = part('form-data; name="file"; filename="a.txt"') + b"--edge--"
    for kind in ("application/octet-stream", "multipart/form-data", 'multipart/form-data; boundary=""'):
        assert send(made, body, kind).field == "file"
    assert send(made, body, 'multipart/form-data; charset=utf-8; boundary="edge"').code == "0000"
    kind, whole = multipart(b"x")
    zipped = made.caller.call("POST", "/api/files", whole, content_type=kind, change={"Content-Encoding": "gzip"})
    assert zipped.field == "body"


def test_lines_that_look_like_boundaries_are_content(made: Rig) -> None:
    """Content comes back byte for byte, whatever it holds; preamble and epilogue are not content."""
    content = b"\r\n--edg\r\n--edgeX\r\n\r\n --edge"
    body = b"preamble\r\n" + part('form-data; name="file"; filename="a.txt"', content) + b"--edge--\r\nepilogue"
    answer = send(made, body)
    assert answer.data["size"] == len(content)
    download = made.caller.call("GET", f"/api/files/{answer.data['fileId']}")
    assert download.body == content


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("image/jpeg", "image/jpeg"),
        (None, "application/octet-stream"),
        ("application/json", "application/octet-stream"),
        ("Application/JSON; charset=utf-8", "application/octet-stream"),
        ("text/plain; charset=gbk", "text/plain; charset=gbk"),
        ("x" * 101, "application/octet-stream"),
    ],
)
def test_stored_types(made: Rig, sent: str | None, stored: str) -> None:
    """The part's type is stored and given back; application/json never is."""
    data = made.caller.upload(b"x", mime=sent).data
    assert data["mime"] == stored
    assert made.caller.call("GET", f"/api/files/{data['fileId']}").headers["Content-Type"] == stored


def test_sizes(made: Rig) -> None:
    """20 MiB of one part is taken, one byte more is not; 25 MiB is the gateway's end."""
    assert made.caller.upload(bytes(20 * MIB)).data["size"] == 20 * MIB
    assert made.caller.upload(bytes(20 * MIB + 1)).field == "file"
    assert made.caller.wire("POST", "/api/files", (), bytes(25 * MIB + 1)).status == 413


def test_a_download(made: Rig) -> None:
    """Bytes, type, length, name and SM3; no Range."""
    data = made.caller.upload(b"some bytes", name="现场 照片'1.jpg").data
    answer = made.caller.call("GET", f"/api/files/{data['fileId']}", change={"Range": "bytes=0-3"})
    assert (answer.status, answer.body) == (200, b"some bytes")
    assert answer.headers["Content-Length"] == "10"
    assert answer.headers["X-Content-SM3"] == data["sm3"] == hashlib.new("sm3", b"some bytes").hexdigest()
    wanted = "attachment; filename*=UTF-8''%E7%8E%B0%E5%9C%BA%20%E7%85%A7%E7%89%87%271.jpg"
    assert answer.headers["Content-Disposition"] == wanted


def test_uploads_are_not_idempotent(made: Rig) -> None:
    """The same bytes again are another file."""
    assert made.caller.upload().data["fileId"] != made.caller.upload().data["fileId"]


def test_a_file_is_named_once(made: Rig) -> None:
    """By a create or an action; then it shows, in the order of attaching, and cannot be named again."""
    first, second, third = (made.caller.upload(name=f"{n}.jpg").data["fileId"] for n in range(3))
    call_no = made.caller.create(fileIds=[second, first]).data["callNo"]
    made.caller.act(call_no, "URGE", fileIds=[third])
    detail = made.caller.detail(call_no)
    assert [(file["fileId"], file["seq"]) for file in detail["files"]] == [(second, 1), (first, 1), (third, 2)]
    assert [entry["fileIds"] for entry in detail["timeline"]] == [[second, first], [third]]
    assert made.caller.act(call_no, "URGE", operator="其他人", fileIds=[third]).field == "fileIds[0]"
    fresh = made.caller.upload().data["fileId"]
    assert made.caller.create(fileIds=[fresh, first]).field == "fileIds[1]"
    assert made.caller.create(fileIds=[fresh]).code == "0000"


def test_unnamed_files_go_after_a_day(made: Rig) -> None:
    """Deleted 24 h after the upload: 4004 on download, 4022 where it is named; named ones stay."""
    lost, kept = made.caller.upload().data["fileId"], made.caller.upload().data["fileId"]
    call_no = made.caller.create(fileIds=[kept]).data["callNo"]
    made.clock.now += 86_399.999
    made.caller.get_token()
    assert made.caller.call("GET", f"/api/files/{lost}").status == 200
    made.clock.now += 0.001
    assert made.caller.call("GET", f"/api/files/{lost}").json["msg"] == "文件不存在"
    assert made.caller.act(call_no, "URGE", fileIds=[lost]).field == "fileIds[0]"
    made.caller.upload()
    assert made.caller.call("GET", f"/api/files/{kept}").body == b"bytes"

"""Medias (contract section 8): upload, the twenty, addresses, the other port."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

import pytest

from tests.sandbox.city_client import Caller, Rig, rig

MOST = 8_388_608
TYPES = {
    "jpg": "image/jpeg", "png": "image/png", "gif": "image/gif", "bmp": "image/bmp", "mp4": "video/mp4",
    "mp3": "audio/mpeg", "wav": "audio/wav", "pdf": "application/pdf", "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip


@pytest.fixture
def made() -> Iterator[Rig]:
    with rig() as one:
        yield one


def packed(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_every_type(made: Rig) -> None:
    """Bytes untouched and not compared with the type; mediaId, url and Content-Type as the contract has them."""
    task_num = made.caller.reported()
    content = bytes(range(256))
    for kind, mime in TYPES.items():
        media_id = made.caller.media(task_num, packed(content), kind).text("mediaId")
        row = made.caller.task(task_num)["medias"][-1]
        assert row == {
            "mediaId": media_id, "type": kind, "url": f"{made.servers.media_url}/media/20261026/{media_id}.{kind}",
        }  # fmt: skip
        answer = made.download(row["url"], {"Range": "bytes=0-9"})
        assert (answer.status, answer.raw, answer.headers["Content-Type"]) == (200, content, mime)
        assert answer.headers["Content-Length"] == "256"
    assert made.servers.media.port != made.servers.exchange.port


@pytest.mark.parametrize(
    ("kind", "content", "fault"),
    [
        ("", "AAAA", "type:不能为空"),
        ("PNG", "AAAA", "type:取值不正确"),
        ("zip", "AAAA", "type:取值不正确"),
        ("png", "", "content:不能为空"),
        ("png", " \n ", "content:不能为空"),
        ("png", "AAA", "content:格式不正确"),
        ("png", "A===", "content:格式不正确"),
        ("png", "AA-_", "content:格式不正确"),
        ("png", "====", "content:格式不正确"),
        ("png", "图片", "content:格式不正确"),
    ],
)
def test_faults(made: Rig, kind: str, content: str, fault: str) -> None:
    """The field and the reason, exactly; the form before the task (202)."""
    assert made.caller.media("202610269999999", content, kind).fault == fault


def test_white_space_in_base64(made: Rig) -> None:
    """Allowed anywhere."""
    task_num = made.caller.reported()
    assert made.caller.media(task_num, "\n AA\tEC\r\n Aw== ").code == "0"
    assert made.download(made.caller.task(task_num)["medias"][0]["url"]).raw == b"\x00\x01\x02\x03"


def test_the_largest(made: Rig) -> None:
    """8,388,608 bytes are taken, one more is not."""
    task_num = made.caller.reported()
    content = bytes(MOST)
    assert made.caller.media(task_num, packed(content)).code == "0"
    raw = made.download(made.caller.task(task_num)["medias"][0]["url"]).raw
    assert hashlib.sha256(raw).digest() == hashlib.sha256(content).digest()
    assert made.caller.media(task_num, packed(content + b"1")).fault == f"content:大小超过{MOST}"
    assert made.caller.media(task_num, packed(content + b"1234")).fault == f"content:大小超过{MOST}"


def test_twenty_a_task(made: Rig) -> None:
    """Twice the same is two mediaIds; the 21st is refused, after 202, at whatever state."""
    task_num = made.led("299")
    ids = {made.caller.media(task_num, "AAAA").text("mediaId") for _ in range(20)}
    assert len(ids) == 20
    assert made.caller.media(task_num, "AAAA").fault == "content:数量超过20"
    assert made.caller.media("x", "AAAA").said == ("202", "记录不存在:x")
    assert made.tell("officials/attach", taskNum=task_num, type="png", base64="AAAA")["mediaId"] not in ids


def test_officials_files_may_be_larger(made: Rig) -> None:
    """Up to 20 MB."""
    task_num = made.caller.reported()
    made.tell("officials/attach", taskNum=task_num, type="mp4", base64=packed(bytes(MOST + 1)))
    assert len(made.download(made.caller.task(task_num)["medias"][0]["url"]).raw) == MOST + 1


def test_what_the_media_server_does_not_have(made: Rig) -> None:
    """404 with HTML: another type, another day, no such number, no media path, the exchange's path."""
    task_num = made.caller.reported()
    media_id = made.caller.media(task_num, "AAAA").text("mediaId")
    base = made.servers.media_url
    for path in (
        f"/media/20261026/{media_id}.jpg", f"/media/20261027/{media_id}.png", "/media/20261026/M202610269999999.png",
        f"/media/20261026/{media_id}", "/", "/dcms/service.do",
    ):  # fmt: skip
        answer = made.download(base + path)
        assert answer.status == 404
        assert answer.headers["Content-Type"].startswith("text/html")
    assert made.download(f"{base}/media/20261026/{media_id}.png", method="POST").status == 405
    assert made.caller.wire("GET", f"/media/20261026/{media_id}.png").status == 404


def test_an_address_as_the_platform_sees_itself(made: Rig) -> None:
    """Host and port may be ones that nobody else can reach."""
    task_num = made.caller.reported()
    media_id = made.caller.media(task_num, "AAAA").text("mediaId")
    made.tell("settings", media_base="http://10.0.0.8:8081/")
    url = made.caller.task(task_num)["medias"][0]["url"]
    assert url == f"http://10.0.0.8:8081/media/20261026/{media_id}.png"


def test_faults_of_the_media_server(made: Rig) -> None:
    """They are asked for at its own back door and leave the exchange alone."""
    task_num = made.caller.reported()
    made.caller.media(task_num, "AAAA")
    url = made.caller.task(task_num)["medias"][0]["url"]
    port = made.servers.media.port
    asked = Caller(port, made.clock).wire("POST", "/_sandbox/faults", b'{"kind": "refuse", "operation": "download", "status": 503}')
    assert asked.status == 200
    assert made.caller.task(task_num)["medias"][0]["url"] == url
    assert made.download(url).status == 503
    assert made.download(url).status == 200
    assert made.download(f"{made.servers.media_url}/_sandbox/records").status == 404

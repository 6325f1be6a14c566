"""Media files: bytes, types, sizes, and links that lead elsewhere."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from adapters.city.media import address
from adapters.errors import BrokenReply, ConfigError, Refused
from adapters.port import FileOut, FileRef
from sandbox.httpd import Fault
from tests.unit.adapters.city_ground import BODY, REFERENCE, ground

BASE = "http://10.1.2.3:8082/media"
GOOD = f"{BASE}/20261026/M202610260000012.png"


def test_bytes_come_through(tmp_path: Path) -> None:
    """One byte, all values, a megabyte: the same bytes back; the type by name, else by media type; the id is told."""
    with ground(tmp_path) as there:
        adapter = there.adapter()
        made = adapter.create(BODY, REFERENCE).native_id
        for name, kind, data in (("a.jpg", "image/jpeg", b"\0"), ("现场.JPEG", "", bytes(range(256)) * 4000), ("x", "image/png", b"png")):
            receipt = adapter.write_file(made, FileOut(name, kind, len(data)), io.BytesIO(data), "r")
            assert adapter.read_file(FileRef(made, receipt.file_id)).read() == data
        found = adapter.fetch(made)
        assert found is not None and [one["type"] for one in found.body["medias"]] == ["jpg", "jpg", "png"]


def test_what_a_file_is(tmp_path: Path) -> None:
    """§8: its type says it: a docx is told as what it is, since its first bytes could be any archive's; and back."""
    with ground(tmp_path) as there:
        adapter, made = there.adapter(), there.create()
        word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
        adapter.write_file(made, FileOut("附件3", word, 2), io.BytesIO(b"PK"), "r")
        found = adapter.fetch(made)
        assert found is not None
        (media,) = found.body["medias"]
        assert (media["type"], media["mediaType"]) == ("docx", word)


def test_a_page_is_no_file(tmp_path: Path) -> None:
    """A log-in page answered with 200 is not taken for the file (§8: each type has its Content-Type)."""
    with ground(tmp_path) as there:
        adapter, made = there.adapter(), there.create()
        media_id = adapter.write_file(made, FileOut("a.png", "", 3), io.BytesIO(b"png"), "r").file_id
        there.servers.media.platform.faults.add(Fault("wrong", status=200, body="<html><body>登录</body></html>"))
        with pytest.raises(BrokenReply):
            adapter.read_file(FileRef(made, media_id))
        assert adapter.read_file(FileRef(made, media_id)).read() == b"png"


@pytest.mark.parametrize(("name", "data"), [("a.exe", b"x"), ("a.jpg", b""), ("a.jpg", b"x" * 8_388_609)], ids=["type", "empty", "large"])
def test_refused_before_anything_is_sent(tmp_path: Path, name: str, data: bytes) -> None:
    """What the contract does not take is told without a request."""
    with ground(tmp_path) as there:
        adapter = there.adapter()
        with pytest.raises(Refused):
            adapter.write_file("202610260000031", FileOut(name, "", len(data)), io.BytesIO(data), "r")
        assert there.operations() == []


@pytest.mark.parametrize("url", [
    "http://127.0.0.1:8082/media/20261026/M202610260000012.png", "http://10.1.2.3/media/20261026/M202610260000012.png",
    "https://10.1.2.3:8082/media/20261026/M202610260000012.png", "http://10.1.2.3:8082@evil/media/20261026/M202610260000012.png",
    "http://10.1.2.3:8082/media/../admin", "http://10.1.2.3:8082/media/20261026/M202610260000013.png", "file:///etc/passwd",
    "http://169.254.169.254/latest", GOOD + "?x", GOOD + "#x", GOOD.upper(), " " + GOOD, "", "//10.1.2.3:8082/media/x",
    "http://10.1.2.3:8082/media/20261026/M202610260000012.png.", "gopher://10.1.2.3:8082/media/20261026/M202610260000012.png",
])  # fmt: skip
def test_links_that_lead_elsewhere(url: str) -> None:
    """C68: only the configured scheme, host, port and path; any other link is refused, nothing is asked there."""
    with pytest.raises(Refused):
        address(BASE, {"mediaId": "M202610260000012", "type": "png", "url": url}, "w")


def test_the_right_link() -> None:
    """The one that the base gives; without a base files are not read at all."""
    media = {"mediaId": "M202610260000012", "type": "png", "url": GOOD}
    assert address(BASE, media, "w") == GOOD
    with pytest.raises(ConfigError):
        address(None, media, "w")

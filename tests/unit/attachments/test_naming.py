"""What a file is called and what it is, before it goes to another platform (C64)."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.attachments.naming import LONGEST, UNKNOWN, distinct, media_type, plain, safe_name, split

CASES = Path(__file__).parents[2] / "cases"


def test_every_name_of_the_field_becomes_a_plain_one() -> None:
    """C64: what can be known stays; paths, control characters, turned directions and nothing become something plain."""
    names = json.loads((CASES / "C64-names.json").read_text(encoding="utf-8"))
    made = [safe_name(name, "image/jpeg", 7) for name in names]
    assert made[0] == "污水现场1.jpg"
    assert made[1:7] == ["x.py", "x.jsp", "1.jpg", "passwd", "附件7.jpg", "htaccess"]
    assert made[7:9] == ["a.jpg", "ab.jpg"]
    assert len(made[9]) == LONGEST and made[9].endswith("现场.jpg")
    assert made[11] == made[12] == "同名.jpg"
    assert made[13] == "gpj.exe"
    assert made[14] == made[15] == "附件7.jpg"
    assert made[16:] == ["b.jpg", "y.jpg"]


@given(st.none() | st.text(max_size=300))
def test_a_name_is_always_safe(name: str | None) -> None:
    """Any text gives a name of 1 to 80 characters without separators, control or direction characters, and the name of
    a name is that name."""
    made = safe_name(name, "", 3)
    assert 1 <= len(made) <= LONGEST
    assert not any(c in '/\\<>:"|?*' or unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in made)
    assert made.strip(" .") == made
    assert safe_name(made, "", 3) == made


def test_numbers_of_equal_names() -> None:
    """A second file of a name gets a number before its extension; taking it off gives the name back."""
    assert distinct("同名.jpg", {"同名.jpg", "同名 (2).jpg"}) == "同名 (3).jpg"
    assert distinct("无后缀", {"无后缀"}) == "无后缀 (2)"
    assert [plain(one) for one in ("同名 (3).jpg", "无后缀 (2)", "a (b).jpg")] == ["同名.jpg", "无后缀", "a (b).jpg"]
    assert split("2026.10.26 现场") == ("2026.10.26 现场", "")


@pytest.mark.parametrize(("declared", "head", "right"), [
    ("image/jpeg", b"\xff\xd8\xff\xe0", "image/jpeg"), ("image/jpeg", b"\x89PNG\r\n\x1a\n", "image/png"),
    ("image/jpeg", b"MZ\x90\x00", UNKNOWN), ("image/jpeg", b"hello", UNKNOWN), (None, b"%PDF-1.7", "application/pdf"),
    ("text/plain; charset=gbk", b"\xce\xdb", "text/plain"), ("text/html", b"<!DOCTYPE html>", UNKNOWN),
    ("application/zip", b"PK\x03\x04", "application/zip"), ("text/plain", b"PK\x03\x04", UNKNOWN), ("", b"x", UNKNOWN),
    ("text/plain", b"MZ\x90", UNKNOWN), ("text/plain", b"\x7fELF", UNKNOWN),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK\x03\x04",
     "application/vnd.openxmlformats-officedocument.wordprocessingml.document"), ("图片", b"x", UNKNOWN),
])  # fmt: skip
def test_the_bytes_are_right(declared: str | None, head: bytes, right: str) -> None:
    """A media type is a claim: known signs win, a claim without its sign and programs count as unknown."""
    assert media_type(declared, head) == right


@pytest.mark.parametrize(("declared", "head", "name", "right"), [
    (UNKNOWN, b"PK\x03\x04", "请示.DOCX", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (None, b"\xd0\xcf\x11\xe0", "台账.xls", "application/vnd.ms-excel"), ("", b"\xce\xdb", "说明.txt", "text/plain"),
    (UNKNOWN, b"hello", "请示.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (UNKNOWN, b"PK\x03\x04", "说明.txt", UNKNOWN), (UNKNOWN, b"MZ", "说明.txt", UNKNOWN), (UNKNOWN, b"x", "录音.amr", UNKNOWN),
    ("text/plain", b"x", "a.docx", "text/plain"), ("audio/mpeg", b"\xff\xf3\x40", "录音.mp3", "audio/mpeg"),
])  # fmt: skip
def test_a_name_tells_what_nobody_declared(declared: str | None, head: bytes, name: str, right: str) -> None:
    """A platform that keeps no media type, or `application/octet-stream` for one that was not told, loses no document: the
    extension says it, unless the bytes say otherwise."""
    assert media_type(declared, head, name) == right

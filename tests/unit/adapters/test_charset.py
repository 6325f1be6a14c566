"""GBK and GB18030 from the wire (cases C23, C25, C49 and the contract's vectors)."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from lxml import etree

from adapters.charset import decode_gb

ROOT = Path(__file__).parents[3]
CASES = ROOT / "tests" / "cases"
VECTORS = json.loads((ROOT / "docs" / "contracts" / "vectors.json").read_text())["gb18030"]


def test_a_field_cut_inside_a_character_loses_only_that_half() -> None:
    """C23: the orphan byte is left out and told; nothing becomes U+FFFD."""
    decoded = decode_gb((CASES / "C23-fixed-width-gbk.bin").read_bytes())
    assert decoded.text == "红利小区50号楼化粪池南侧路面塌"
    assert len(decoded.damage) == 1
    assert "B7" in decoded.damage[0]


def test_the_orphan_byte_does_not_eat_the_end_tag() -> None:
    """C23: the record lives, its other fields intact."""
    decoded = decode_gb((CASES / "C23-task.xml").read_bytes())
    body = decoded.text.split("?>", 1)[1]
    task = etree.fromstring(body.encode())
    assert task.findtext(".//title") == "红利小区50号楼化粪池南侧路面塌"
    assert task.findtext(".//address") == "日照市莒县城阳街道示例路1号"
    assert len(decoded.damage) == 1


def test_second_bytes_that_look_like_ascii() -> None:
    """C23: characters whose second byte is a backslash or a brace are read as themselves."""
    with (CASES / "C23-trail-bytes.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            assert decode_gb(bytes.fromhex(row["gbk bytes"])).text == row["character"]


def test_the_dot_in_a_name_whatever_the_declaration() -> None:
    """C25: A1 A4 is U+00B7 and A1 AA U+2014 though the declaration says GB2312."""
    decoded = decode_gb((CASES / "C25-declared-gb2312.xml").read_bytes())
    assert "买买提·艾力" in decoded.text
    assert "高兴镇—示例村" in decoded.text


@pytest.mark.parametrize("name", sorted(p.name for p in CASES.glob("C49-*.xml")))
def test_six_declarations(name: str) -> None:
    """C49: 陈玥 and 张𬭎 are right in all that can be read; no replacement characters."""
    decoded = decode_gb((CASES / name).read_bytes())
    assert "陈玥" in decoded.text or "张𬭎" in decoded.text
    assert "\ufffd" not in decoded.text
    assert decoded.damage == ()


def test_vectors() -> None:
    """The contract's byte sequences, both byte forms of a character among them."""
    for one in VECTORS["sequences"]:
        assert decode_gb(bytes.fromhex(one["gb18030_hex"])).text == one["text"]
    for code_point, form_a, form_b, _ in VECTORS["two_forms"]["rows"]:
        character = chr(int(code_point[2:], 16))
        assert decode_gb(bytes.fromhex(form_a)).text == character
        assert decode_gb(bytes.fromhex(form_b)).text == character


def test_another_charset_is_not_guessed() -> None:
    """Bytes that are no GB18030 at all are an error; the caller keeps them."""
    with pytest.raises(UnicodeError):
        decode_gb(b"\xff" * 64)

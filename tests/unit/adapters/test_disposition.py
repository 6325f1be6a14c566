"""File names in headers, as servers write them (C64)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.disposition import name_in

CASES = Path(__file__).parents[2] / "cases"
WANTED = ["污水现场1.jpg", "污水现场1.jpg", "污水现场1.jpg", "污水1.jpg", "污水.jpg", "../../../etc/cron.d/x", None]


def test_the_headers_of_the_case() -> None:
    """Raw GBK, raw UTF-8, filename*, its GBK form, an encoded word, a path (made safe by who uses it), and none at all."""
    lines = (CASES / "C64-headers.bin").read_bytes().splitlines()
    assert [name_in(line.partition(b": ")[2].decode("latin-1")) for line in lines if line] == WANTED


@pytest.mark.parametrize(("header", "name"), [
    ('attachment; filename="a; b\\"c.jpg"; size=3', 'a; b"c.jpg'), ("attachment;FILENAME = x.png ;y=z", "x.png"),
    ("attachment; filename*=UTF-8''", None), ("attachment; filename*=UTF-8''%FF; filename=b.jpg", "b.jpg"),
    ("attachment; filename*=nonsense''x; filename=b.jpg", "b.jpg"), ('attachment; filename=""', None),
    ('attachment; filename="=?x?q?=FF?="', None), ("", None), ('attachment; filename="\xff\xff"', None),
])  # fmt: skip
def test_odd_ones(header: str, name: str | None) -> None:
    """What cannot be read is no name; the other form serves then."""
    assert name_in(header) == name


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=200))
def test_nothing_breaks_it(text: str) -> None:
    """Any bytes after the word `filename`."""
    for header in (text, f"attachment; filename={text}", f'attachment; filename="{text}"', f"attachment; filename*={text}"):
        found = name_in(header)
        assert found is None or found

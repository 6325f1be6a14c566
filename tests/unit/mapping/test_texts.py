"""Texts are cut, cleaned and replaced only where they must be, and never inside a character."""

import csv
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping import converters
from bridge.mapping.texts import Count

CASES = Path(__file__).parents[2] / "cases"
VECTORS = json.loads((Path(__file__).parents[3] / "docs/contracts/vectors.json").read_text("utf-8"))["gb18030"]
COUNTS: tuple[Count, ...] = ("utf16", "code_points", "gbk_bytes", "utf8_bytes", "gb18030_bytes")


def test_folding_keeps_every_position() -> None:
    """Codes are folded; each character stays one character."""
    assert converters.fold("３７１１０３００２　Ａ（－）") == "371103002 A(-)"
    assert converters.fold("。、·号") == "。、·号"


@given(st.text())
def test_folding_is_settled_at_once(text: str) -> None:
    """Folding twice changes nothing, and no length changes."""
    folded = converters.fold(text)
    assert len(folded) == len(text) and converters.fold(folded) == folded


def test_name_dots_of_the_field() -> None:
    """C25: the six dots are one name; a name without a dot or with a blank is left for a person."""
    with (CASES / "C25-dots.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    right = next(row["text"] for row in rows if row["code point"] == "U+00B7")
    for row in rows:
        same = row["same person as 买买提·艾力?"] == "yes"
        assert (converters.name_dots(row["text"]) == right) is same, row
        if not same:
            assert converters.name_dots(row["text"]) == row["text"]
    assert converters.name_dots("·张三·") == "·张三·"


@pytest.mark.parametrize("row", VECTORS["sequences"], ids=lambda row: row["what"])
def test_gb18030_vectors(row: dict[str, str]) -> None:
    """Bytes and GBK's gaps are counted as the platforms' own code counts them."""
    assert converters.length(row["text"], "gb18030_bytes") == len(bytes.fromhex(row["gb18030_hex"]))
    assert converters.replace_unrepresentable(row["text"], "gbk", "?") == row["stored_when_gbk_inside"]
    assert converters.length(row["text"], "gbk_bytes") == len(row["stored_when_gbk_inside"].encode("gbk"))


def test_what_gbk_holds() -> None:
    """The listed characters are in or out of GBK as MariaDB has them; GB2312 is answered as GBK."""
    gbk = VECTORS["gbk_storable"]
    assert converters.unrepresentable("".join(gbk["in"]), "gbk") == ""
    assert converters.unrepresentable("".join(gbk["in"]), "GB2312") == ""
    assert converters.unrepresentable("".join(gbk["out"]), "gbk") == "".join(gbk["out"])
    text = json.loads((CASES / "C53-not-in-gbk.json").read_text("utf-8"))["NR_text"]
    assert converters.unrepresentable(text, "gbk") == "𬭎😀€•"
    assert converters.unrepresentable(text, "gb18030") == ""
    assert converters.unrepresentable("a\ud800", "utf-8") == "\ud800"


def test_a_replacement_must_be_in_the_charset() -> None:
    """What stands for missing characters must not be missing itself."""
    with pytest.raises(ValueError, match="to stand for"):
        converters.replace_unrepresentable("€", "gbk", "€")
    with pytest.raises(LookupError):
        converters.unrepresentable("x", "no-such-charset")


def test_trail_bytes_do_not_disturb_a_cut() -> None:
    """C23: characters whose second GBK byte is ASCII are cut whole like any other."""
    with (CASES / "C23-trail-bytes.csv").open(encoding="utf-8", newline="") as file:
        characters = [line.split(",")[0] for line in file.read().splitlines()[1:] if line]
    for character in characters:
        assert converters.cut(character * 3, 5, "gbk_bytes") == character * 2


@pytest.mark.parametrize(
    ("text", "limit", "count", "ellipsis", "expected"),
    [
        ("红利小区50号楼", 5, "gbk_bytes", "", "红利"),
        ("红利小区50号楼", 6, "gbk_bytes", "…", "红利…"),
        ("红利小区", 8, "gbk_bytes", "…", "红利小区"),
        ("污水😀", 3, "utf16", "", "污水"),
        ("污水😀", 4, "utf16", "", "污水😀"),
        ("a👨‍👩‍👧b", 3, "code_points", "", "a"),
        ("é" + "e\u0301x", 2, "code_points", "", "é"),
        ("莒县\U000e0100村", 2, "code_points", "", "莒"),
        ("1👍🏽", 2, "code_points", "", "1"),
        ("x" + "\u0301" * 100, 50, "code_points", "", "x" + "\u0301" * 49),
        ("ab\ud83d\ude00", 3, "code_points", "", "ab"),
        ("莒县", 1, "gbk_bytes", "", ""),
        ("莒县莒县", 2, "gbk_bytes", "…", "莒"),
        ("abc", 0, "utf8_bytes", "…", ""),
    ],
)
def test_cuts(text: str, limit: int, count: Count, ellipsis: str, expected: str) -> None:
    """A cut text fits, ends with a whole character or sequence, and counts its ellipsis."""
    assert converters.cut(text, limit, count, ellipsis=ellipsis) == expected


def test_a_negative_limit_is_refused() -> None:
    """A limit below nothing is a configuration error."""
    with pytest.raises(ValueError, match="0 or more"):
        converters.cut("x", -1, "utf16")


@pytest.mark.parametrize("count", COUNTS)
@given(text=st.text(), limit=st.integers(0, 40), ellipsis=st.sampled_from(["", "…", "..."]))
def test_a_cut_fits_and_is_settled(count: Count, text: str, limit: int, ellipsis: str) -> None:
    """Within the limit, a beginning of the text, the same when cut again, and no more lost than one sequence."""
    short = converters.cut(text, limit, count, ellipsis=ellipsis)
    assert converters.length(short, count) <= limit
    assert converters.cut(short, limit, count, ellipsis=ellipsis) == short
    if short != text:
        kept = short.removesuffix(ellipsis) if ellipsis else short
        assert text.startswith(kept)
        following = text[len(kept) :]
        if limit >= 10 and not any(unicodedata.category(c).startswith("M") or c == "\u200d" for c in following):
            assert converters.length(kept + following[:5], count) > limit - converters.length(ellipsis, count) - 20


def test_control_characters_go_and_are_named() -> None:
    """C47: what neither XML nor a database takes is taken out and said; line ends are one kind."""
    case = json.loads((CASES / "C47-outbound.json").read_text("utf-8"))
    assert converters.clean(case["title"]) == ("贴自Word的标题", ("U+000B",))
    assert converters.clean(case["opinion"]) == ("第一行\n第二行", ("U+0000", "U+001F"))
    assert converters.clean("a\rb\tc\u0085\ud800\uffff\ufffe") == ("a\nb\tc", ("U+0085", "U+D800", "U+FFFF", "U+FFFE"))
    assert converters.clean("\ud83d\ude00") == ("😀", ())
    assert converters.clean("\ud83d\x00\ude00") == ("", ("U+D83D", "U+0000", "U+DE00"))


@given(st.text(st.characters(codec=None) | st.sampled_from("\x00\x0b\r\n\x1f\ud83d\ude00\ufffe")))
def test_cleaned_text_can_be_written(text: str) -> None:
    """Cleaned text needs no second cleaning, encodes, and keeps every character it may keep."""
    cleaned, taken = converters.clean(text)
    cleaned.encode("utf-8")
    assert converters.clean(cleaned) == (cleaned, ())
    assert bool(taken) <= (cleaned != text)


def test_values_in_notes_are_short() -> None:
    """A note shows text readably and everything else by its kind."""
    assert converters.show("a\x00\n" + "x" * 100).startswith("“a\\u0000\\u000a")
    assert len(converters.show("x" * 10_000)) < 50
    assert converters.show({"a": 1}) == "<dict>" and converters.show(10**5000) == "<int>"

"""Phones in one form, secret words recognised, and nothing of a confidential person left in a text."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping import converters
from bridge.mapping.concealment import ANY_MOBILE

CASES = Path(__file__).parents[2] / "cases"


def silent(words: str) -> None:
    pytest.fail(f"nothing odd here, yet: {words}")


def test_phones_of_the_field() -> None:
    """C26: full width, separators, several numbers and extensions; ten digits and ² are no phone, and said, masked."""
    for row in json.loads((CASES / "C26-fullwidth.json").read_text("utf-8")):
        if row["field"] != "phone":
            continue
        notes: list[str] = []
        phones = converters.read_phones(row["wire"], notes.append)
        if "note" in row:
            assert phones == () and len(notes) == 1 and row["wire"] not in notes[0], row
        else:
            expected = row["canonical_for_index"]
            assert phones == (tuple(expected) if isinstance(expected, list) else (expected,)) and not notes, row


@pytest.mark.parametrize(
    ("value", "phones"),
    [
        ("13800000001", ("13800000001",)),
        (13800000001, ("13800000001",)),
        ("013800000001", ("13800000001",)),
        ("8613800000001", ("13800000001",)),
        ("0086-138 0000 0001", ("13800000001",)),
        ("\u202d13800000001\u202c", ("13800000001",)),
        ("13800000001 13800000002", ("13800000001", "13800000002")),
        ("13800000001/7900000", ("13800000001", "7900000")),
        ("13800000001，１３８００００００01", ("13800000001",)),
        ("家:0633-7900000，手机13800000001（李四）", ("0633-7900000", "13800000001")),
        ("06337900000", ("0633-7900000",)),
        ("（0633）7900000", ("0633-7900000",)),
        ("+86 633 7900000", ("0633-7900000",)),
        ("010-62345678", ("010-62345678",)),
        ("0633-7900000-801", ("0633-7900000 ext 801",)),
        ("7900000分机801", ("7900000 ext 801",)),
        ("0633-7900000 ext 801", ("0633-7900000 ext 801",)),
        ("2622345", ("2622345",)),
        ("7900000", ("7900000",)),
        ("62345678", ("62345678",)),
        ("12345", ("12345",)),
        ("110", ("110",)),
        ("400-000-0000", ("4000000000",)),
        ("+852 2100 0000", ("+85221000000",)),
        ("", ()),
        ("　", ()),
        (None, ()),
        ("保密", ()),
        ("【匿名】", ()),
    ],
)
def test_phones(value: object, phones: tuple[str, ...]) -> None:
    """However a number is written, it has one form; reading that form again gives the same."""
    assert converters.read_phones(value, silent) == phones
    for phone in phones:
        assert converters.read_phones(phone, silent) == (phone,)


@pytest.mark.parametrize(
    "value", ["1380000001", "371102199001011234", "无", "119.334500", "0", "²", "138****0001", 1.5, True, b"1", [1], {}]
)
def test_what_cannot_be_a_phone(value: object) -> None:
    """No number is made up; the note does not show the one found."""
    notes: list[str] = []
    assert converters.read_phones(value, notes.append) == ()
    assert len(notes) == 1 and " / " in notes[0]
    assert isinstance(value, bool) or str(value) == "0" or str(value) not in notes[0]


def test_a_broken_number_beside_a_good_one_is_said() -> None:
    """The good number is taken, the broken one noted, masked."""
    notes: list[str] = []
    assert converters.read_phones("13800000001、1380000002", notes.append) == ("13800000001",)
    assert len(notes) == 1 and "1380000002" not in notes[0]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("保密", "confidential"),
        (" 保　密 ", "confidential"),
        ("（保密）", "confidential"),
        ("【要求保密】", "confidential"),
        ("保密人", "confidential"),
        ("信息保密", "confidential"),
        ("匿名", "anonymous"),
        ("匿名者", "anonymous"),
        ("〔匿名〕", "anonymous"),
        ("匿 名 用 户", "anonymous"),
        ("匿名（保密）", "anonymous"),
        ("要求匿名", "anonymous"),
        ("保密局张三", None),
        ("张保密", None),
        ("", None),
        (None, None),
        (1, None),
        ("不保密", None),
        ("保密" * 1000, None),
    ],
)
def test_secret_words(text: object, word: str | None) -> None:
    """Words of secrecy in a name's place are recognised with their ornaments; names are not."""
    assert converters.is_secret_word(text) == word


def test_masks() -> None:
    """A mask shows enough to compare and not enough to call."""
    assert [converters.mask_name(name) for name in ("张三", "欧阳娜娜", "王", "")] == ["张*", "欧***", "*", ""]
    assert converters.mask_phone("13800000001") == "138****0001"
    assert converters.mask_phone("１３８００００００01") == "138****0001"
    assert converters.mask_phone("0633-7900000") == "063*-***0000"
    assert converters.mask_phone("7900012") == "*****12" and converters.mask_phone("12345") == "*****"
    assert converters.mask_phone("张三7900012") == "*******12"


@pytest.mark.parametrize(
    "written",
    [
        "13800000001",
        "138-0000-0001",
        "１３８００００００01",
        "１３８－００００－０００１",
        "138 0000 0001",
        "138.0000.0001",
        "1 3 8 0 0 0 0 0 0 0 1",
        "+86 13800000001",
        "8613800000001",
        "138\u200b00000001",
        "138----0000----0001",
        "一三八零零零零零零零一",
        "幺三八〇〇〇〇〇〇〇一",
        "138（0000）0001",
    ],
)
def test_a_phone_is_struck_out_however_written(written: str) -> None:
    """Separators, full width, Chinese numerals and the country code hide no number."""
    assert converters.conceal(f"请回电{written}，谢谢1号楼", ["13800000001"]) == "请回电〔保密〕，谢谢1号楼"


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("张三说，张　三 和张三丰", ["张三"], "〔保密〕说，〔保密〕 和〔保密〕丰"),
        ("买买提・艾力、买买提艾力", ["买买提·艾力"], "〔保密〕、〔保密〕"),
        ("打0633-7900000转801，或7900000、06337900000", ["0633-7900000 ext 801"], "打〔保密〕，或〔保密〕、〔保密〕"),
        ("打0633-7900000或7900000", ["7900000"], "打〔保密〕或〔保密〕"),
        ("单号279000001和79000001", ["7900000"], "单号279000001和79000001"),
        ("13800000001、13800000002", ["13800000001、13800000002"], "〔保密〕、〔保密〕"),
        ("号码1380000001", ["1380000001"], "号码〔保密〕"),
        ("王说", ["王", "", " ", "保密"], "王说"),
        ("〔保密〕和匿名", ["保密", "匿名"], "〔保密〕和匿名"),
        ("JOHN SMITH，ｊｏｈｎ", ["John", "Smith"], "〔保密〕 〔保密〕，〔保密〕"),
        ("a(b.*c", ["(b.*"], "a〔保密〕c"),
        ("什么也没有", ["张三", "13800000001"], "什么也没有"),
        ("打139 0000 0088或１３８-1234-5678，编号DG2026112500035、13900000088123", [ANY_MOBILE],
         "打〔保密〕或〔保密〕，编号DG2026112500035、13900000088123"),
        ("张三", [], "张三"),
    ],
)
def test_concealment(text: str, words: list[str], expected: str) -> None:
    """Names and numbers go, neighbours stay, words of secrecy are no names."""
    assert converters.conceal(text, words) == expected


@given(
    st.text("张三 　138０1-〔保密〕一零", max_size=60),
    st.lists(st.sampled_from(["张三", "13800000001", "8001381", "密〕"])),
)
def test_concealment_is_settled_at_once(text: str, words: list[str]) -> None:
    """What was concealed is not concealed again, and no plain form is left."""
    concealed = converters.conceal(text, words)
    assert converters.conceal(concealed, words) == concealed
    assert not {"张三", "13800000001"}.intersection(words) & {w for w in ("张三", "13800000001") if w in concealed}


@pytest.mark.parametrize("hostile", ["1 ", "-", "0633 ", "8 6", "张 ", "13800000000 ", "+86 ", "1" * 10 + "-"])
def test_no_text_is_slow(hostile: str) -> None:
    """Twice the text takes about twice the time at most: a megabyte stays within seconds."""
    text = hostile * (1_000_000 // len(hostile))
    began = time.perf_counter()
    converters.conceal(text, ["张三", "13800000001", "0633-7900000 ext 801", "11111111111"])
    converters.read_phones(text, lambda words: None)
    assert time.perf_counter() - began < 10

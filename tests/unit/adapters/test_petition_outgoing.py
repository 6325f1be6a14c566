"""What the petition adapter writes: NR within the platform's charset, lengths and types; and what it says it changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import ConfigError, Refused
from adapters.petition.originals import restore
from adapters.petition.outgoing import (
    NR_BYTES,
    Outgoing,
    as_stored,
    json_text,
    storable,
    write_reference,
)

ROOT = Path(__file__).parents[3]
C53 = json.loads((ROOT / "tests/cases/C53-not-in-gbk.json").read_text("utf-8"))
VECTORS = json.loads((ROOT / "docs/contracts/vectors.json").read_text("utf-8"))["gb18030"]["gbk_storable"]


def outgoing() -> Outgoing:
    return Outgoing("petition XZ", "呼应平台")


def test_what_gbk_lacks_travels_as_escapes() -> None:
    """C53: the case's own text is written as the case says, and reads as it was."""
    written = json_text({"BT": C53["NR_text"][:33]})
    assert storable(written) and json.loads(written) == {"BT": C53["NR_text"][:33]}
    assert "\\ud872\\udf4e" in written and "\\u20ac" in written and "\\u2022" in written and "反映" in written


@given(st.dictionaries(st.sampled_from(["BT", "NR"]), st.text(st.characters(exclude_categories=["Cs"]))))
def test_any_text_is_written_in_gbk_and_read_as_it_was(values: dict[str, str]) -> None:
    """Every NR can be stored in a gbk column and is the same JSON."""
    written = json_text(values)
    assert storable(written) and json.loads(written) == values


def test_the_charset_is_the_contracts() -> None:
    """The characters that the vectors name as storable, and those that are not."""
    assert all(storable(one) for one in VECTORS["in"])
    assert not any(storable(one) for one in VECTORS["out"])


def test_what_will_show_as_a_question_mark_is_said() -> None:
    """The receipt's notes name the field and the characters that the platform cannot show."""
    one = outgoing()
    one.creation({"BT": "张𬭎", "NR": "x"})
    (note,) = one.notes
    assert "BT" in note and "U+2CB4E" in note


def test_types_are_the_platforms() -> None:
    """§4: integers without quotes, coordinates as numbers of six decimals, DZ as the state to move to or none at all."""
    made = json.loads(outgoing().creation({"BT": "t", "NR": "n", "JJCD": "2", "SFBM": "1", "JD": 119.12345678, "WBBH": "x"}))
    assert made == {"BT": "t", "NR": "n", "JJCD": 2, "SFBM": 1, "JD": 119.123457}
    assert json.loads(outgoing().update({"DZ": "5", "CZYJ": "o"})) == {"CZR": "呼应平台", "CZYJ": "o", "GDZT": 5}
    assert json.loads(outgoing().update({"DZ": "批注", "CZR": "王", "CZYJ": "o"})) == {"CZR": "王", "CZYJ": "o"}


@pytest.mark.parametrize(("name", "most"), [("BT", 100), ("NR", 4000), ("CZYJ", 1000), ("SQRXM", 50), ("FSDZ", 200)])
def test_the_platform_would_cut_in_silence(name: str, most: int) -> None:
    """A text longer than the platform keeps is refused before it is sent, the field named; one that fits is not."""
    outgoing().update({name: "😀" * most})
    with pytest.raises(Refused) as told:
        outgoing().update({name: "长" * (most + 1)})
    assert told.value.field == name


def test_size_is_counted_after_escaping() -> None:
    """C53: 12 bytes for each character outside the basic plane: 4000 of NR and 1000 of CZYJ fit, with more they do not."""
    body = {"NR": "😀" * 4000, "CZYJ": "😀" * 1000}
    assert len(outgoing().update(body).encode("gbk")) < NR_BYTES
    with pytest.raises(Refused) as told:
        outgoing().update({**body, "FSDZ": "😀" * 200, "BT": "😀" * 100, "SQRXM": "😀" * 50, "CZR": "😀" * 50,
                           "XBDW": "😀" * 200})  # fmt: skip
    assert told.value.field == "NR"


def test_a_mapping_that_writes_what_is_not_there_is_told() -> None:
    """An unknown key, or an operation that is none, is a configuration error: the platform would ignore it in silence."""
    for body in ({"TITLE": "x"}, {"DZ": "受理"}):
        with pytest.raises(ConfigError):
            outgoing().update(body)


@pytest.mark.parametrize(("name", "kind", "size"), [
    ("a/b.jpg", "image/jpeg", 1), ("", "image/jpeg", 1), ("长" * 101, "image/jpeg", 1), ("😀.jpg", "image/jpeg", 1),
    ("a.exe", "application/x-dosexec", 1), ("a.jpg", "image/jpeg", 0), ("a.jpg", "image/jpeg", 10_485_761),
])  # fmt: skip
def test_files_that_the_platform_would_refuse(name: str, kind: str, size: int) -> None:
    """Name, type and size of §4, refused before any byte is sent."""
    with pytest.raises(Refused):
        outgoing().file(name, kind, size)


def test_references_fit_the_column() -> None:
    """A reference of the engine stands as it is; one that the column cannot hold or tell apart becomes a digest."""
    mine = "hy-7f9c24e8-3b12-5fef-8b2c-1a2b3c4d5e6f#1234567.12"
    assert write_reference(mine) == mine
    for odd in ("x" * 65, "中", "a ", ""):
        assert len(write_reference(odd)) <= 64 and write_reference(odd) != odd


def test_our_words_are_known_again() -> None:
    """A text that is exactly what the platform makes of ours is ours; any other ? stays what officials wrote."""
    written = [json_text({"BT": "张𬭎", "CZYJ": "好😀"}), "no JSON", "[1]"]
    order, history = restore(
        {"BT": "张?", "NR": "谁?"}, [{"CZYJ": "好?", "CZR": None}, {"CZYJ": "好??", "CZR": "张?"}], written
    )  # fmt: skip
    assert order == {"BT": "张𬭎", "NR": "谁?"}
    assert history == [{"CZYJ": "好😀", "CZR": None}, {"CZYJ": "好??", "CZR": "张?"}]
    assert as_stored("张𬭎€A") == "张??A"


def test_two_texts_that_the_platform_keeps_as_one() -> None:
    """Each entry gets the text that made it: by its time, then by its turn; a ? that we wrote stays one, as an official's."""
    at, later = "2026-10-26 12:00:00", "2026-10-26 12:00:05"
    sent = [("好€", at), ("好•", at), ("好😀", later), ("好?", "2026-10-26 12:00:09")]
    written = [json_text({"CZR": "王", "CZYJ": words, "CZSJ": when}) for words, when in sent]
    shown = [{"CZYJ": as_stored(words), "CZR": "王", "CZSJ": when} for words, when in sent]
    other = {"CZYJ": "好?", "CZR": "李", "CZSJ": at}
    _, history = restore({"BT": "题"}, [*shown, other], written)
    assert [one["CZYJ"] for one in history] == ["好€", "好•", "好😀", "好?", "好?"]

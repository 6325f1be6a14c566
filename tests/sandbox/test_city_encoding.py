"""GB18030 on the wire: exact bytes, two forms, the GBK database, what is no GB18030 or no XML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.city import charset
from tests.sandbox.city_client import DECLARATION, Answer, Rig, new_task, read, rig, vectors

GB = vectors()["gb18030"]
ROWS = [(chr(int(row[0][2:], 16)), bytes.fromhex(row[1]), bytes.fromhex(row[2])) for row in GB["two_forms"]["rows"]]


@pytest.fixture
def made() -> Iterator[Rig]:
    with rig() as one:
        yield one


def request(made: Rig, title: bytes, **fields: str) -> bytes:
    """A report whose title is these bytes."""
    text = made.caller.raw({"task": new_task(title="标题在此", **fields)})
    return text.encode("gb18030").replace("标题在此".encode("gb18030"), title)


def answered_title(made: Rig, task_num: str) -> bytes:
    raw = made.caller.call("task", {"taskNum": task_num}).raw
    return raw.partition(b"<title>")[2].partition(b"</title>")[0]


@pytest.mark.parametrize("gbk_inside", [False, True])
def test_sequences_of_the_vectors(gbk_inside: bool) -> None:
    """Each sequence is stored and answered with exactly its bytes; a GBK database gives its own text back."""
    with rig(gbk_inside=gbk_inside) as made:
        for sequence in GB["sequences"]:
            raw = bytes.fromhex(sequence["gb18030_hex"])
            task_num = made.caller.post("report", request(made, raw)).text("taskNum")
            wanted = sequence["stored_when_gbk_inside"] if gbk_inside else sequence["text"]
            assert made.caller.task(task_num)["title"] == wanted, sequence["what"]
            if not gbk_inside:
                assert answered_title(made, task_num) == raw


@pytest.mark.parametrize("second_form", [False, True])
def test_both_forms_are_one_character(second_form: bool) -> None:
    """All 50 byte forms are understood as the 25 characters; the platform writes the form it is set to."""
    form_a, form_b = b"".join(row[1] for row in ROWS), b"".join(row[2] for row in ROWS)
    with rig(second_form=second_form) as made:
        for sent in (form_a, form_b):
            task_num = made.caller.post("report", request(made, sent)).text("taskNum")
            assert answered_title(made, task_num) == (form_b if second_form else form_a)
            characters = "".join(row[0] for row in ROWS)
            assert made.caller.task(task_num)["title"] == characters
            assert made.door("GET", f"record/{task_num}")[1]["title"] == characters


def test_a_reference_to_a_private_code_point(made: Rig) -> None:
    """A reference to what a codec gives for form B is the same character."""
    task_num = made.caller.post("report", request(made, b"&#xE816;&#x20087;")).text("taskNum")
    assert made.caller.task(task_num)["title"] == "\U00020087\U00020087"


def test_the_gbk_repertoire() -> None:
    """21,919 code points stay, the vectors' examples in and out among them; all others become one question mark."""
    stay = [point for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    kept = charset.as_gbk_keeps("".join(map(chr, stay)))
    assert sum(chr(point) == letter for point, letter in zip(stay, kept, strict=True)) == 21_919
    listed = GB["gbk_storable"]
    assert charset.as_gbk_keeps("".join(listed["in"])) == "".join(listed["in"])
    assert charset.as_gbk_keeps("".join(listed["out"])) == "?" * len(listed["out"])


def test_the_gbk_database_loses_in_steps_too() -> None:
    """Opinion and operator lose the same way, with code 0 and no hint; lengths count before the loss."""
    with rig(gbk_inside=True) as made:
        task_num = made.caller.reported(reporter="冯𠂇", phone="1😀", address="€路")
        assert made.caller.step(task_num, "102", opinion="𠂇" * 300, operator="李䶮").code == "0"
        task = made.caller.task(task_num)
        assert (task["reporter"], task["phone"], task["address"]) == ("冯?", "1?", "?路")
        assert (task["steps"][0]["opinion"], task["steps"][0]["operator"]) == ("?" * 300, "李?")
        assert made.caller.step(task_num, "103", opinion="见" * 301).fault == "opinion:长度超过300"


def test_the_gbk_database_can_be_turned_on(made: Rig) -> None:
    """As an installation would be found: what was stored before stays."""
    before = made.caller.reported(title="𠂇")
    made.tell("settings", gbk_inside=True)
    assert made.caller.task(before)["title"] == "𠂇"
    assert made.caller.task(made.caller.reported(title="𠂇"))["title"] == "?"


def test_a_four_byte_character_counts_one(made: Rig) -> None:
    """Lengths are code points."""
    assert made.caller.report(title="𠂇" * 60, reporter="😀" * 20).code == "0"
    assert made.caller.report(title="𠂇" * 61).fault == "title:长度超过60"


@pytest.mark.parametrize(
    "odd", [b"\x80", b"\xff", b"\xd5", b"\x81\x30\x81", b"\xe3\x32\x9a\x36", "题".encode()]
)
def test_no_gb18030(made: Rig, odd: bytes) -> None:
    """201 xml 编码不正确, whatever else is wrong."""
    assert made.caller.post("nonsense", request(made, odd)).fault == "xml:编码不正确"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<request/>",
        " " + DECLARATION + "<request/>",
        "\ufeff" + DECLARATION + "<request/>",
        DECLARATION,
        DECLARATION + "<request>",
        DECLARATION + "<query/>",
        DECLARATION + "<!DOCTYPE request><request/>",
        DECLARATION + '<!DOCTYPE request [<!ENTITY a "b">]><request><head><user>&a;</user></head></request>',
        DECLARATION + "<request>&nbsp;</request>",
        DECLARATION + "<request>\x01</request>",
        DECLARATION + "<request>&#0;</request>",
        '<?xml encoding="GB18030"?><request/>',
    ],
)
def test_not_well_formed(made: Rig, text: str) -> None:
    """201 xml 格式不正确: also without a declaration, with a byte order mark, with a DOCTYPE."""
    assert made.caller.post("task", text.encode("gb18030")).fault == "xml:格式不正确"


def test_a_utf8_byte_order_mark(made: Rig) -> None:
    """It is no declaration."""
    raw = b"\xef\xbb\xbf" + made.caller.raw({"since": 0}).encode("gb18030")
    assert made.caller.post("changes", raw).fault.startswith("xml:")


@pytest.mark.parametrize("declared", ["UTF-8", "GBK", "ISO-8859-1", "utf-16"])
def test_whatever_is_declared(made: Rig, declared: str) -> None:
    """Declaration and header say nothing: the body is GB18030."""
    raw = request(made, "岚山𠂇".encode("gb18030")).replace(b'"GB18030"', f'"{declared}"'.encode())
    answer = made.caller.wire("POST", "/dcms/service.do?method=report", raw, {"Content-Type": f"text/xml;charset={declared}"})
    assert made.caller.task(answer.text("taskNum"))["title"] == "岚山𠂇"


def test_text_is_kept_as_received(made: Rig) -> None:
    """Neither trimmed nor cut; CRLF becomes LF, a reference to CR stays, markup comes back as text."""
    raw = request(made, b" \r\n<![CDATA[<a>&]]>&amp;&#13;&#9;<!-- c -->'\" ")
    task_num = made.caller.post("report", raw).text("taskNum")
    assert made.caller.task(task_num)["title"] == " \n<a>&&\r\t'\" "


def test_elements_by_name(made: Rig) -> None:
    """Any order, unknown ones ignored, the first of a repeated one counts, absent = empty."""
    head = made.caller.head()
    text = (
        f"{DECLARATION}<request x='1'><odd/><body><task><streetCode>371122104</streetCode><odd>1</odd>"
        "<description>文</description><title>一</title><title>二</title><source>5</source><subType>02</subType>"
        f"<mainType>01</mainType><recType>2</recType><address></address></task></body><body/>"
        f"<head><digest>{head['digest']}</digest><time>{head['time']}</time><user>{head['user']}</user></head>"
        "<head><user/></head></request>"
    )
    task_num = made.caller.post("report", text.encode("gb18030")).text("taskNum")
    assert made.caller.task(task_num)["title"] == "一"


def plain(answer: Answer) -> object:
    return [(element.tag, dict(element.attrib), (element.text or "").strip()) for element in read(answer.raw).iter("*")]


def test_odd_style_says_the_same(made: Rig) -> None:
    """Comments, CDATA, references and another attribute order change the bytes, not the answer."""
    task_num = made.led("102", "103", reporter="冯𠂇", address="<a>&]]> \r路", description="第一\n第二")
    calls: list[tuple[str, dict[str, Any]]] = [("changes", {"since": 0}), ("task", {"taskNum": task_num}), ("task", {"taskNum": "1"})]
    for second_form in (False, True):
        made.tell("settings", odd_style=False, second_form=second_form)
        before = [made.caller.call(*call) for call in calls]
        made.tell("settings", odd_style=True)
        after = [made.caller.call(*call) for call in calls]
        for one, other in zip(before, after, strict=True):
            assert one.raw != other.raw
            assert plain(one) == plain(other)
    assert all(mark in after[1].raw for mark in (b"<!--", b"<![CDATA[", b"&#"))

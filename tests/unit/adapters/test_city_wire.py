"""Bytes of the city platform: digest, the samples of its contract, charsets, damage, and what is refused as XML."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lxml import etree

from adapters.city.message import Unreadable, digest, element, outside_gbk, read, request
from adapters.city.tasks import REPORT, Outgoing, body_of
from adapters.city.verdict import Asked, judge
from adapters.errors import BrokenReply, ConfigError, Missing, OutcomeUnknown, Outdated, Refused, Unavailable
from adapters.transport import Answer
from tests.unit.adapters.city_ground import CASES, CONTRACT, PASSWORD, USER, ground

VECTORS = json.loads((CONTRACT.parent / "vectors.json").read_text(encoding="utf-8"))
SAMPLES = CONTRACT / "samples"


def answer(body: bytes, status: int = 200) -> Answer:
    return Answer(status, {}, body, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("vector", VECTORS["city_digest"]["vectors"], ids=lambda v: v["digest"][:8])
def test_digest(vector: dict[str, str]) -> None:
    """§2: MD5 over GB18030 bytes, upper case, as the contract computes it."""
    assert digest(vector["user"], vector["time"], vector["password"]) == vector["digest"]


@pytest.mark.parametrize("name", ["report.request", "report.minimal.request"])
def test_a_report_says_what_the_sample_says(name: str) -> None:
    """The same fields give the sample's elements, its head and its digest; GB18030 bytes, nothing before the declaration."""
    sample = etree.fromstring((SAMPLES / f"{name}.xml").read_bytes().decode("gb18030").partition("\n")[2].encode())
    fields = {str(one.tag): one.text or "" for one in sample.find("body/task")}  # type: ignore[union-attr]
    time = sample.findtext("head/time")
    assert time
    ours = request(USER, time, PASSWORD, ["<task>", *Outgoing("w", gbk_inside=False).elements(fields, REPORT), "</task>"])
    assert ours.startswith(b'<?xml version="1.0" encoding="GB18030"?>')
    made = etree.fromstring(ours.decode("gb18030").partition("\n")[2].encode())
    assert {str(one.tag): one.text or "" for one in made.find("body/task")} == fields  # type: ignore[union-attr]
    assert made.findtext("head/digest") == sample.findtext("head/digest")


def test_the_sample_task_is_read_whole() -> None:
    """Every element, steps and medias in order, a four-byte character right; no damage."""
    body, damage = body_of(read((SAMPLES / "task.response.xml").read_bytes()))
    assert damage == ()
    assert (body["taskNum"], body["reporter"], body["x"], body["state"]) == ("202610260000031", "冯𠂇", "40390224.071", "105")
    assert [one["step"] for one in body["steps"]] == ["101", "102", "103", "104", "203", "105"]
    assert body["steps"][0]["opinion"] == "" and body["medias"][0]["name"] == "M202610260000012.png"


def test_elements_that_the_contract_does_not_name() -> None:
    """§1: unknown ones are ignored, whatever stands in them, in a task, an item, a media; they damage nothing."""
    sample = (SAMPLES / "task.response.xml").read_bytes().decode("gb18030")
    audit = "<audit><state>299</state><taskNum>1</taskNum><item><step>299</step></item></audit>"
    for place in ("<taskNum>", "<step>104</step>", "<mediaId>"):
        sample = sample.replace(place, audit + place)
    body, damage = body_of(read(sample.encode("gb18030")))
    assert damage == () and (body["taskNum"], body["state"]) == ("202610260000031", "105")
    assert [one["step"] for one in body["steps"]] == ["101", "102", "103", "104", "203", "105"]
    assert body["medias"][0]["mediaId"] == "M202610260000012"
    assert body["audit"] == {"state": "299", "taskNum": "1", "item": {"step": "299"}}, "kept all the same"
    known = body_of(read(sample.replace("<title>", "<title><b>1</b>").encode("gb18030")))[1]
    assert len(known) == 2, "a text element that holds elements is damage"


@pytest.mark.parametrize("row", VECTORS["gb18030"]["sequences"], ids=lambda r: r["code_points"][:20])
def test_sequences(row: dict[str, str]) -> None:
    """§3: the bytes of the vectors mean their text, and our bytes are theirs; what GBK lacks is known beforehand."""
    raw = b"<response><head><code>0</code></head><body><a>" + bytes.fromhex(row["gb18030_hex"]) + b"</a></body></response>"
    assert read(raw).text("a") == row["text"]
    assert bool(outside_gbk(row["text"])) == (row["stored_when_gbk_inside"] != row["text"])


@pytest.mark.parametrize(("name", "reporter"), [
    ("a-declared-gb2312-is-gbk", "陈玥"), ("b-declared-gb2312-is-gb18030", "张𬭎"), ("c-declared-utf8-is-gb18030", "陈玥"),
    ("d-utf8-bom-declared-gb18030", "陈玥"), ("e-gb18030-bom", "陈玥"), ("f-no-declaration-gbk", "陈玥"),
])  # fmt: skip
def test_three_charsets(name: str, reporter: str) -> None:
    """C49: header, declaration and bytes may name three charsets; names are right all the same."""
    body, _ = body_of(read((CASES / f"C49-{name}.xml").read_bytes()))
    assert body["reporter"] == reporter


def test_half_a_character() -> None:
    """C23: the orphan byte is left out and told; it eats nothing and becomes no replacement character."""
    body, damage = body_of(read((CASES / "C23-task.xml").read_bytes()))
    assert "\ufffd" not in str(body) and damage and body["title"]


def test_a_declaration_of_gb2312_is_not_believed() -> None:
    """C25: the dot and the dash of GBK come through."""
    declared = b'<?xml version="1.0" encoding="GB2312"?>'
    reply = read(declared + b"<response><head><code>0</code></head><body><a>\xa1\xa4\xa1\xaa</a></body></response>")
    assert reply.text("a") == "·—"


@pytest.mark.parametrize("text", [
    '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><response><head><code>0</code></head><body>&b;</body></response>',
    '<!-- x --><!DOCTYPE r SYSTEM "file:///etc/passwd"><response><head><code>0</code></head><body/></response>',
    "<html><body>登录</body></html>", "", "<response><head/><body/></response>", "<response><head><code>0</code>",
    "<response><head><code>0</code></head><body>&nothing;</body></response>",
])  # fmt: skip
def test_what_is_refused(text: str) -> None:
    """No DTD, no entities, no page of somebody else, nothing cut: unreadable, and nothing of it is used."""
    with pytest.raises(Unreadable):
        read(text.encode("gb18030"))


@pytest.mark.parametrize(("code", "message", "kind", "field"), [
    ("101", "摘要校验失败", ConfigError, None), ("102", "时钟偏差超过10分钟", ConfigError, None),
    ("201", "字段错误:streetCode:格式不正确", Refused, "streetCode"), ("201", "字段错误:head.user:不能为空", ConfigError, None),
    ("202", "记录不存在:1", Missing, None), ("203", "步骤不允许:到103", Outdated, None), ("301", "系统繁忙", Unavailable, None),
    ("999", "?", OutcomeUnknown, None), ("00", "", OutcomeUnknown, None),
])  # fmt: skip
def test_codes(code: str, message: str, kind: type[Exception], field: str | None) -> None:
    """§4, C19: only code 0 is success; each code is the error that says what to do next; an unknown one is unknown."""
    raw = f"<response><head><code>{code}</code><message>{message}</message></head><body/></response>".encode("gb18030")
    with pytest.raises(kind) as caught:
        judge(answer(raw), Asked("report", "city report", True, USER), None)
    assert type(caught.value) is kind and caught.value.remedy  # type: ignore[attr-defined]
    if field:
        assert caught.value.field == field  # type: ignore[attr-defined]


@pytest.mark.parametrize(("status", "write", "read_"), [
    (500, OutcomeUnknown, Unavailable), (502, OutcomeUnknown, Unavailable), (504, OutcomeUnknown, Unavailable),
    (503, Unavailable, Unavailable), (413, Refused, Refused), (404, ConfigError, ConfigError), (418, OutcomeUnknown, BrokenReply),
])  # fmt: skip
def test_statuses(status: int, write: Any, read_: Any) -> None:
    """§1: 500, 502, 504 leave a write unknown; 503 and 413 were certainly not carried out."""
    for kind, writes in ((write, True), (read_, False)):
        with pytest.raises(kind) as caught:
            judge(answer(b"<html/>", status), Asked("report", "w", writes, USER), None)
        assert type(caught.value) is kind


def test_markup_is_escaped() -> None:
    """What a citizen writes is text, not elements."""
    assert element("a", "<b>&]]>") == "<a>&lt;b&gt;&amp;]]&gt;</a>"


def test_what_gbk_lacks_is_told(tmp_path: Any) -> None:
    """An installation with GBK behind: stored as ?, and every write says which characters."""
    with ground(tmp_path, gbk_inside=True) as there:
        adapter = there.adapter(gbk_inside=True)
        body = {"recType": "2", "mainType": "01", "subType": "05", "title": "张𬭎反映😀", "description": "文", "source": "5",
                "streetCode": "371122104"}  # fmt: skip
        receipt = adapter.create(body, "hy-1")
        assert any("title" in note and "U+1F600" in note for note in receipt.notes)
        found = adapter.fetch(receipt.native_id)
        assert found is not None and found.body["title"] == "张?反映?"

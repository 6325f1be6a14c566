"""What the grid adapter makes of answers: every sample, nil and empty, control characters, every breach of the form."""

from __future__ import annotations

import base64
import re

import pytest

from adapters.grid.characters import cleaned
from adapters.grid.events import Event, events_of
from adapters.grid.reply import Fault, Reply, Unreadable, read
from adapters.grid.wssecurity import SOAP, WSSE
from tests.unit.adapters.grid_server import CASES, NS, SAMPLES, answer, event, sample

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mM4YWQEAALyAS2Sl/RHAAAAAElFTkSuQmCC"
)


def got(source: bytes, operation: str = "queryEvents", *, report: bool = True) -> list[Event]:
    reply = read(source, operation)
    assert isinstance(reply, Reply)
    parent = reply.child("events")
    return events_of(reply, reply.response if parent is None else parent, report=report)


def page(*events: str) -> bytes:
    return answer("queryEvents", f"<ev:total>{len(events)}</ev:total><ev:events>{''.join(events)}</ev:events>")


def test_sample_event_whole() -> None:
    """getEvent's sample: every element, lists as lists, texts untrimmed, raw verbatim."""
    source = sample("getEvent.response.xml")
    (one,) = got(source, "getEvent")
    assert one.native_id == "DG2026102600017" and one.damage == ()
    assert one.body["assistDepts"] == ["DG002", "DG009"]
    assert one.body["sourceId"] == "" and one.body["lng"] == "119.375766"
    assert "驶离。\n      镇里" in one.body["content"]
    assert len(one.body["processes"]) == 7
    assert one.body["processes"][1] == {
        "seq": "2", "stage": "02", "operator": "李样例", "dept": "371102110", "opinion": "",
        "time": "2026-10-26 08:50:40",
    }  # fmt: skip
    assert one.body["attachments"] == [{"attachId": "AT20261026000031", "name": "现场照片1.png", "size": "69"}]
    assert one.body["extend"] == [{"key": "车辆颜色", "value": "蓝色"}]
    assert len(one.body) == 28
    assert one.raw.startswith(b"<ev:event>") and one.raw.endswith(b"</ev:event>") and one.raw in source


def test_sample_page_and_nil_numbers() -> None:
    """queryEvents' sample: two events in order, nil coordinates are None, empty wrappers are []."""
    source = sample("queryEvents.response.xml")
    first, second = got(source)
    assert (first.native_id, second.native_id) == ("DG2026102600017", "DG2026102600018")
    assert second.body["lng"] is None and second.body["lat"] is None
    assert second.body["assistDepts"] == second.body["attachments"] == second.body["extend"] == []
    assert second.body["caller"] == "陈𬱖"
    assert source.count(first.raw) == source.count(second.raw) == 1


def test_c46_each_form_has_one_meaning() -> None:
    """C46: nil -> None, empty -> "", blanks and the word null stay text, nil list -> None, nil member left out."""
    inner = (CASES / "C46-nil.xml").read_text().replace("<event ", f'<event xmlns="{NS}" ')
    (one,) = got(page(inner))
    assert one.native_id == "DG2026030200041" and one.damage == ()
    assert one.body == {
        "eventId": "DG2026030200041", "title": "", "address": "", "caller": None, "callerTel": None, "lng": None,
        "lat": "", "content": "   ", "happenTime": "", "limitTime": None, "mainDept": "null", "assistDepts": [],
        "processes": None, "attachments": [], "extend": [{"key": "来源", "value": ""}],
    }  # fmt: skip


def test_c47_one_damaged_event_among_200() -> None:
    """C47: 199 events without a mark, one that says which field held what; its raw bytes are the platform's own."""
    case = re.search(rb"<event>.*</event>", (CASES / "C47-control.xml").read_bytes(), re.DOTALL)
    assert case
    bad = case[0].replace(b"<event>", f'<event xmlns="{NS}">'.encode())
    good = [event(f"DG20260302{n:05d}", "2026-03-02 09:00:00").encode() for n in range(199)]
    source = page("@").replace(b"@", b"".join([*good[:120], bad, *good[120:]]))
    found = got(source)
    assert len(found) == 200
    assert [one.native_id for one in found if one.damage] == ["DG2026030200051"]
    assert found[120].body["title"] == "贴自Word的标题" and found[120].body["content"] == "正文"
    assert found[120].raw == bad
    assert [one.raw for one in found[:120] + found[121:]] == good
    title, content = found[120].damage
    assert title.startswith("title") and "U+000B" in title
    assert content.startswith("content") and all(point in content for point in ("U+001B", "U+0000", "U+FFFE"))
    assert not any(one.damage for one in got(source, report=False))


@pytest.mark.parametrize(
    ("inner", "title"),
    [
        ("<![CDATA[a&#x1B;b]]>\x0b", "a&#x1B;b"),
        ("<![CDATA[a\x0bb]]>", "ab"),
        ("<!-- \x01 -->a", "a"),
        ("a&#11;b&#x0000D;c&#xD83D;&#xDE00;&#x110000;&#99999999999999999999;d", "ab\rcd"),
        ("a\uffffb\ufffe", "ab"),
        ("&amp;#x1B;\x0b", "&#x1B;"),
    ],
)
def test_only_forbidden_characters_are_taken_out(inner: str, title: str) -> None:
    """What merely looks like a reference, in CDATA or escaped, is text and stays."""
    markup = event("DG1", "x", f"<ev:title>{inner}</ev:title>")
    (one,) = got(page(markup))
    assert one.body["title"] == title
    assert len(one.damage) == 1 and one.damage[0].startswith("title")
    assert one.raw == markup.encode()


@pytest.mark.parametrize(
    "inner",
    [
        "<ev:ti\x0btle>x</ev:title>", "<ev:title\x0b>x</ev:title>", "<ev:title>\x0b", "<ev:title>&nbsp;\x0b</ev:title>",
        "<ev:title>&#x1B</ev:title>", "<ev:title>a & b\x0b</ev:title>", "<ev:title a=1>\x0b</ev:title>",
    ],
)  # fmt: skip
def test_everything_else_that_is_broken_stays_broken(inner: str) -> None:
    """The parser is strict about all else, also beside a forbidden character."""
    with pytest.raises(Unreadable):
        got(page(event("DG1", "x", inner)))


def test_cleaning_of_a_clean_document_changes_nothing() -> None:
    """No sample holds a forbidden character."""
    for path in SAMPLES.glob("*.xml"):
        assert cleaned(path.read_bytes()).removed == ()


def test_markup_that_the_contract_allows() -> None:
    """Any prefixes, CDATA, character references, comments and processing instructions (§11)."""
    source = (
        '<?xml version="1.0" encoding="utf-8"?><!-- x -->'
        f'<S:Envelope xmlns:S="{SOAP}"><S:Header/><!-- x --><S:Body><?pi?>'
        f'<queryEventsResponse xmlns="{NS}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
        "<resultCode> 0 </resultCode><resultMsg><![CDATA[成功]]></resultMsg><total>&#49;</total><events><!-- e -->"
        '<x:event xmlns:x="' + NS + '" ><eventId>DG<!-- c -->20261<![CDATA[02600017]]></eventId>'
        "<title>a<!-- b -->&lt;<![CDATA[<b>&]]>&#x2CC56;<?p ?> c</title><lng i:nil=' 1 '/><content>\r\nx&#13;</content>"
        "<assistDepts><!-- n --><dept><![CDATA[DG001]]></dept></assistDepts></x:event ></events>"
        "</queryEventsResponse></S:Body></S:Envelope>\n"
    ).encode()
    (one,) = got(source)
    assert one.body == {
        "eventId": "DG2026102600017", "title": "a<<b>&𬱖 c", "lng": None, "content": "\nx\r", "assistDepts": ["DG001"],
    }  # fmt: skip
    assert one.raw.startswith(b'<x:event xmlns:x="') and one.raw.endswith(b"</x:event >")
    assert got(b"\xef\xbb\xbf" + source)[0].raw == one.raw


@pytest.mark.parametrize("form", ["<ev:event/>", "<ev:event></ev:event>", "<ev:event>/></ev:event>", "<ev:event />"])
def test_slices_of_odd_elements(form: str) -> None:
    """The slice of an event is exact in every form of it; without eventId there is no native id."""
    good = event("DG1", "x")
    found = got(page(form, good, form))
    assert [one.raw.decode() for one in found] == [form, good, form]
    assert [one.native_id for one in found] == [None, "DG1", None]


def test_blank_and_nil_event_ids_are_none() -> None:
    """A blank number is no number; a nil event is no event."""
    shown = ["<ev:eventId> \u3000</ev:eventId>", '<ev:eventId xsi:nil="true"/>']
    found = got(page(*[f"<ev:event>{one}</ev:event>" for one in shown], '<ev:event xsi:nil="true"/>'))
    assert [one.native_id for one in found] == [None, None]


def test_odd_fields_damage_only_their_event() -> None:
    """A field twice, or with a structure nobody agreed on, is said on the event; foreign elements are skipped."""
    (one,) = got(page(event("DG1", "x", "<ev:title>a</ev:title><ev:title>b</ev:title><ev:level><ev:y/></ev:level>"
                                        '<o:z xmlns:o="urn:o"><o:eventId>9</o:eventId></o:z>')))  # fmt: skip
    assert one.body == {"eventId": "DG1", "title": "a", "updateTime": "x"}
    assert [text.split("：")[0] for text in one.damage] == ["title", "level"]


@pytest.mark.parametrize(
    ("name", "namespace", "code"),
    [
        ("Client", SOAP, "Client"), ("Server", SOAP, "Server"), ("VersionMismatch", SOAP, "VersionMismatch"),
        ("MustUnderstand", SOAP, "MustUnderstand"), ("FailedAuthentication", WSSE, "FailedAuthentication"),
        ("InvalidSecurity", WSSE, "InvalidSecurity"),
    ],
)  # fmt: skip
def test_faults_of_the_samples(name: str, namespace: str, code: str) -> None:
    """faultcode is read as a QName."""
    fault = read(sample(f"fault-{name}.xml"), "getEvent")
    assert isinstance(fault, Fault)
    assert (fault.namespace, fault.name) == (namespace, code)
    if name == "Server":
        assert fault.detail == "code=9999 traceId=7f3c0a9be1d24c55"


def test_faultcode_under_another_prefix() -> None:
    """The prefix does not count, the namespace does."""
    source = sample("fault-FailedAuthentication.xml").replace(b"wsse:", b"q1:").replace(b"xmlns:wsse", b"xmlns:q1")
    fault = read(source, "getEvent")
    assert isinstance(fault, Fault) and (fault.namespace, fault.name) == (WSSE, "FailedAuthentication")
    with pytest.raises(Unreadable, match="not declared"):
        read(source.replace(b">q1:", b">q2:"), "getEvent")


@pytest.mark.parametrize(
    "source",
    [
        b"", b" ", b"<html><body>login</body></html>",
        b"<reportEventResponse><resultCode>0</resultCode></reportEventResponse>",
        answer("getEvent", ""), answer("reportEvent", "").replace(b"schemas.xmlsoap.org/soap/envelope", b"x"),
        answer("reportEvent", "").replace(NS.encode(), b"urn:other"), answer("reportEvent", "")[:-1],
        answer("reportEvent", "").replace(b"<soap:Body>", b"<soap:Body><x/>"),
        answer("reportEvent", "").replace(b">0<", b">null<"), answer("reportEvent", "").replace(b">0<", b"><"),
        answer("reportEvent", "").replace(b"<ev:resultCode>", b"<ev:resultCode>0</ev:resultCode><ev:resultCode>"),
        b"<!DOCTYPE a>" + answer("reportEvent", "").partition(b"?>")[2],
        b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + answer("reportEvent", "", message="&b;").partition(b"?>")[2],
        answer("reportEvent", "", message="&b;"), answer("reportEvent", "") + b"<x/>",
        answer("reportEvent", "").replace(b"UTF-8", b"GB18030"), answer("reportEvent", "").decode().encode("utf-16"),
        answer("reportEvent", "").replace(b"ev:resultM", b"e:resultM"),
        answer("reportEvent", "").replace("成功".encode(), b"\xff" * 500),
    ],
)  # fmt: skip
@pytest.mark.parametrize("lift", ["", "eventId"])
def test_what_is_not_the_agreed_answer_is_unreadable(source: bytes, lift: str) -> None:
    """No envelope, another operation's answer, DOCTYPE, other encodings, cut or doubled parts: never a success."""
    with pytest.raises(Unreadable):
        read(source, "reportEvent", lift=lift)


def test_every_cut_of_a_sample_is_unreadable() -> None:
    """No prefix of an answer passes for the whole of it."""
    source = sample("reportEvent.response.xml").rstrip()
    for length in range(len(source)):
        with pytest.raises(Unreadable):
            read(source[:length], "reportEvent")


@pytest.mark.parametrize("form", ["{}", "<![CDATA[{}]]>"])
def test_attachment_beyond_the_limit_of_a_tree(form: str) -> None:
    """Officials' files are up to 20 MB: their Base64 passes the parser's 10 MB limit for one text, unexpanded."""
    content = base64.b64encode(bytes(range(256)) * 60_000)
    text = form.format(content.decode())
    inner = f"<ev:name>a&#11;</ev:name><ev:mime>image/png</ev:mime><ev:base64>{text}</ev:base64>"
    for source in (answer("getAttachment", inner), answer("getAttachment", inner.replace("&#11;", ""))):
        reply = read(source, "getAttachment", lift="base64")
        assert isinstance(reply, Reply) and reply.lifted == content
        assert reply.value("name") == "a" and reply.value("base64") == ""


def test_lifted_text_of_the_sample_and_odd_ones() -> None:
    """The sample's picture; an empty element is empty, an absent one is None, foreign characters are unreadable."""
    reply = read(sample("getAttachment.response.xml"), "getAttachment", lift="base64")
    assert isinstance(reply, Reply) and base64.b64decode(reply.lifted or b"") == PNG
    for inner, wanted in (("<ev:base64/>", b""), ("<ev:base64></ev:base64>", b""), ("", None)):
        reply = read(answer("getAttachment", inner), "getAttachment", lift="base64")
        assert isinstance(reply, Reply) and reply.lifted == wanted
    for inner in ("<ev:base64>é</ev:base64>", "<ev:base64><ev:x/></ev:base64>"):
        with pytest.raises(Unreadable):
            read(answer("getAttachment", inner), "getAttachment", lift="base64")

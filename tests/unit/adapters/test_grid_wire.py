"""What the grid adapter sends: digests, tokens, requests that the vendor's schema accepts, the pinned description."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from lxml import etree

from adapters.errors import ConfigError, Refused
from adapters.grid import description
from adapters.grid.outgoing import Outgoing, clean
from adapters.grid.wssecurity import DIGEST_TYPE, NONCE_ENCODING, WSSE, WSU, created_text, digest
from tests.unit.adapters.grid_server import (
    CASES,
    CONTRACT,
    LOGIN,
    PASSWORD,
    SAMPLES,
    Clock,
    Door,
    Listing,
    Said,
    adapter,
    answer,
    sample,
)  # fmt: skip

VECTORS = json.loads((CONTRACT.parent / "vectors.json").read_text())["grid_password_digest"]["vectors"]
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
SCHEMA = etree.XMLSchema(etree.parse(CONTRACT / "GridEvent.xsd"))
DONE = {"reportEvent": sample("reportEvent.response.xml"), "updateEvent": sample("updateEvent.response.xml")}


def body_of(request: bytes) -> etree._Element:
    found = etree.fromstring(request).find(f"{SOAP}Body")
    assert found is not None and len(found) == 1
    return found[0]


def plain(element: etree._Element) -> object:
    """Names and texts, without prefixes and the white space between elements."""
    if len(element):
        return (etree.QName(element).localname, [plain(child) for child in element])
    return (etree.QName(element).localname, element.text or "")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["password"]))
def test_digest_vectors(vector: dict[str, str]) -> None:
    """The nonce is digested as its decoded bytes, texts as UTF-8."""
    nonce = bytes.fromhex(vector["nonce_hex"])
    assert base64.b64encode(nonce).decode() == vector["nonce_base64"]
    assert digest(nonce, vector["created"], vector["password"]) == vector["digest"]


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.request.xml")), ids=lambda path: str(path.name))
def test_digest_of_every_sample_request(path: object) -> None:
    """The digests in the contract's samples come out with the account's password."""
    root = etree.fromstring((SAMPLES / str(path)).read_bytes())
    nonce, created = root.findtext(f".//{{{WSSE}}}Nonce"), root.findtext(f".//{{{WSU}}}Created")
    assert nonce and created
    assert digest(base64.b64decode(nonce), created, PASSWORD) == root.findtext(f".//{{{WSSE}}}Password")


def test_created_is_utc_with_three_decimals() -> None:
    """Only `yyyy-MM-ddTHH:mm:ss.SSSZ` is sent, whatever the zone of our clock; decimals are cut."""
    beijing = datetime(2026, 10, 26, 9, 15, 30, 123999, tzinfo=timezone(timedelta(hours=8)))
    assert created_text(beijing) == "2026-10-26T01:15:30.123Z"
    assert created_text(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000Z"


def test_vendored_files_are_the_contract_and_nothing_else_loads() -> None:
    """The pinned description is the contract's, byte for byte; zeep's loader refuses every other name."""
    for name in (description.WSDL, description.XSD):
        assert description.vendored(name) == (CONTRACT / name).read_bytes()
    for other in ("file:///etc/passwd", "file:///vendored/../x.xsd", "http://grid.example.gov.cn/x.xsd", "settings.py"):
        with pytest.raises(ConfigError):
            description.Vendored().load(other)


def test_altered_description_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A vendored file whose hash is not the pinned one is not used."""
    monkeypatch.setattr(description, "PINNED", {description.WSDL: "0" * 64})
    with pytest.raises(ConfigError, match="被改动"):
        description.vendored(description.WSDL)


def test_headers_token_and_endpoint() -> None:
    """Endpoint from the connection, SOAPAction, one mustUnderstand token with a fresh nonce in each request."""
    with Door(Listing({})) as door:
        grid = adapter(door.url + "/gate/", path="/services/GridEventService")
        assert list(grid.pull(None)) == list(grid.pull(None)) == []
    nonces = set()
    for _, body, headers, path in door.asked:
        assert path == "/gate/services/GridEventService"
        assert headers["content-type"] == "text/xml; charset=utf-8"
        assert headers["soapaction"] == '"http://grid.example.gov.cn/event/v1/queryEvents"'
        root = etree.fromstring(body)
        security = root.findall(f"{SOAP}Header/*")
        assert [one.tag for one in security] == [f"{{{WSSE}}}Security"]
        assert security[0].get(f"{SOAP}mustUnderstand") == "1"
        token = security[0][0]
        password, nonce = token.find(f"{{{WSSE}}}Password"), token.find(f"{{{WSSE}}}Nonce")
        assert password is not None and nonce is not None and nonce.text
        assert (password.get("Type"), nonce.get("EncodingType")) == (DIGEST_TYPE, NONCE_ENCODING)
        assert token.findtext(f"{{{WSSE}}}Username") == LOGIN
        raw = base64.b64decode(nonce.text)
        assert len(raw) == 16
        assert password.text == digest(raw, token.findtext(f"{{{WSU}}}Created") or "", PASSWORD)
        nonces.add(raw)
    assert len(nonces) == len(door.asked) == 2


@pytest.mark.parametrize("name", ["reportEvent", "reportEvent.full", "updateEvent", "updateEvent.same-stage"])
def test_writes_say_what_the_samples_say(name: str) -> None:
    """The body dict of a sample leads to the sample's body, element for element, and is valid against the XSD."""
    wanted = body_of(sample(f"{name}.request.xml"))
    fields = wanted[0] if name.startswith("report") else wanted
    lists = {"assistDepts", "attachments", "extend"}

    def value(element: etree._Element) -> object:
        key = etree.QName(element).localname
        if key == "assistDepts":
            return [child.text for child in element]
        if key in lists:
            return [{etree.QName(part).localname: part.text or "" for part in child} for child in element]
        return element.text or ""

    body = {etree.QName(one).localname: value(one) for one in fields}
    with Door(lambda operation, _: Said(DONE[operation])) as door:
        grid = adapter(door.url)
        if name.startswith("report"):
            receipt = grid.create(body, str(body["sourceId"]))
            assert receipt.native_id == "DG2026102600018"
        else:
            receipt = grid.update(str(body.pop("eventId")), body, "ref")
            assert receipt.native_id == "DG2026102600017"
    sent = body_of(door.asked[0][1])
    SCHEMA.assertValid(sent)
    for element in wanted.iter("*"):
        if len(element):
            element.text = None
    assert plain(sent) == plain(wanted)
    assert (receipt.notes, receipt.raw) == ((), DONE[name.split(".")[0]])


def test_read_requests_are_valid() -> None:
    """The four read operations send what the schema allows."""
    answers = {name: sample(f"{name}.response.xml") for name in
               ("queryEvents", "getEvent", "findBySourceId", "getAttachment")}  # fmt: skip
    with Door(lambda operation, _: Said(answers[operation])) as door:
        client = adapter(door.url).client
        client.query("2026-10-26 09:00:00", "2026-10-26 09:14:59", 1, 200)
        client.get("DG2026102600017")
        client.find("5b0f3a52-6a0e-5c1b-9a57-0c6f6b1d2e11")
        client.attachment("AT20261026000031")
    for operation, body, _, _ in door.asked:
        SCHEMA.assertValid(body_of(body))
        wanted = body_of(sample(f"{operation}.request.xml"))
        assert plain(body_of(body)) == plain(wanted)


def test_outbound_control_characters_are_cleaned_and_said() -> None:
    """C47 outbound: sent cleaned, with the same stage, and the receipt names what was taken out."""
    case = json.loads((CASES / "C47-outbound.json").read_text())
    with Door(lambda operation, _: Said(DONE[operation])) as door:
        grid = adapter(door.url)
        report = grid.create({"title": case["title"], "content": "x", "stage": "05"}, "ref-1")
        update = grid.update("DG2026102600017", {"stage": "09", "opinion": case["opinion"], "handler": "赵"}, "ref-2")
    first, second = (body_of(body) for _, body, _, _ in door.asked)
    assert first.findtext(".//{*}title") == "贴自Word的标题"
    assert (second.findtext("{*}opinion"), second.findtext("{*}stage")) == ("第一行\n第二行", "09")
    assert "U+000B" in report.notes[0] and report.notes[0].startswith("title")
    assert "U+0000" in update.notes[0] and "U+001F" in update.notes[0]


@pytest.mark.parametrize(
    ("text", "wanted", "taken"),
    [
        ("a\r\nb\rc\td", "a\nb\nc\td", ()),
        ("\ud83d\ude00", "😀", ()),
        ("x\ud83dy", "xy", ("U+D83D",)),
        ("\ufffe\uffff\x7f\x85", "\x7f\x85", ("U+FFFE", "U+FFFF")),
        ("陈𬱖 　", "陈𬱖 　", ()),
    ],
)
def test_clean(text: str, wanted: str, taken: tuple[str, ...]) -> None:
    """Only what XML 1.0 forbids goes; white space and every other character stay."""
    assert clean(text) == (wanted, taken)


def test_numbers_go_as_given_and_empty_ones_not_at_all() -> None:
    """lng and lat keep their digits; an empty number would break the schema and is left out (§4)."""
    report = Outgoing("w").report({"lng": "119.3", "lat": 35.25, "level": 2, "title": ""})
    assert report == {"event": {"lng": "119.3", "lat": "35.25", "level": "2", "title": ""}}
    assert Outgoing("w").report({"lng": "", "lat": None, "level": "", "mainDept": None}) == {"event": {}}
    assert Outgoing("w").report({"lng": 1e-7}) == {"event": {"lng": "0.0000001"}}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"lng": "east"}, "lng"), ({"level": "2.5"}, "level"), ({"title": 5}, "title"),
        ({"level": True}, "level"),
        ({"assistDepts": "DG001"}, "assistDepts"), ({"extend": [{"key": "k"}]}, "extend"),
        ({"lat": float("nan")}, "lat"),
        ({"attachments": [{"name": "n", "mime": "m", "base64": "***"}]}, "base64"),
    ],
)  # fmt: skip
def test_values_of_the_wrong_shape_are_refused_before_sending(body: dict[str, object], field: str) -> None:
    """A value that would break the schema blocks its own record only, and is named."""
    with pytest.raises(Refused) as caught:
        Outgoing("w").report(body)
    assert caught.value.field == field


def test_fields_that_the_interface_lacks_are_a_configuration_error() -> None:
    """All unknown fields are named at once, with what is allowed."""
    with pytest.raises(ConfigError, match="eventId, colour") as caught:
        Outgoing("w").update("DG1", {"eventId": "x", "colour": "red", "stage": "05"})
    assert "handleTime" in caught.value.remedy


def test_reference_goes_into_source_id() -> None:
    """Without sourceId nothing could be found again: it is put in, and another value is refused."""
    with Door(lambda operation, _: Said(DONE[operation])) as door:
        adapter(door.url).create({"title": "t"}, "ref-9")
        with pytest.raises(ConfigError, match="sourceId"):
            adapter(door.url).create({"title": "t", "sourceId": "other"}, "ref-9")
    assert door.operations() == ["reportEvent"]
    assert re.search(rb"sourceId>ref-9<", door.asked[0][1])


def test_token_follows_the_platforms_clock() -> None:
    """A platform ten minutes ahead refuses the first token; its Date dates the next ones, also for a write."""
    clock = Clock()
    ahead = timedelta(minutes=10)

    def script(operation: str, body: bytes) -> Said:
        created = re.search(rb"Created>([^<]+)<", body)
        assert created
        at = datetime.fromisoformat(created[1].decode().replace("Z", "+00:00"))
        if abs(clock.at + ahead - at) > timedelta(seconds=60):
            return Said(sample("fault-FailedAuthentication.xml"), 500)
        return Said(DONE[operation])

    with Door(script, clock=lambda: clock.at + ahead) as door:
        grid = adapter(door.url, clock)
        assert grid.create({"title": "t"}, "r").native_id == "DG2026102600018"
        grid.update("DG2026102600017", {"stage": "09", "handler": "x"}, "r")
    assert door.operations() == ["reportEvent", "reportEvent", "updateEvent"]
    assert grid.client.skew == ahead


@pytest.mark.parametrize("behind", [11, 24 * 60])
def test_handle_time_follows_a_slow_platform(behind: int) -> None:
    """§8 refuses a handleTime over 10 min ahead of the platform's clock: a slow platform's own present is sent, also when
    nothing told its clock before. One that it takes is sent as it is."""
    clock = Clock()
    slow = timedelta(minutes=behind)

    def script(operation: str, body: bytes) -> Said:
        created, handled = (re.search(rb"%s>([^<]+)<" % name, body) for name in (b"Created", b"handleTime"))
        assert created and handled
        present = clock.at - slow
        if datetime.fromisoformat(created[1].decode().replace("Z", "+00:00")) - present > timedelta(seconds=60):
            return Said(sample("fault-FailedAuthentication.xml"), 500)
        at = datetime.fromisoformat(handled[1].decode() + "+08:00")
        if at > present + timedelta(minutes=10):
            return Said(answer("updateEvent", "", 2001, "参数错误[handleTime]：超出范围"))
        return Said(DONE[operation])

    with Door(script, clock=lambda: clock.at - slow) as door:
        grid = adapter(door.url, clock)
        for at in ("2026-03-02 09:29:00", "2026-03-02 09:29:00", "2026-03-01 09:00:00"):
            body = {"stage": "09", "handler": "x", "handleTime": at}
            assert grid.update("DG2026102600017", body, "r").native_id == "DG2026102600017"
    sent = [found[1].decode() for _, asked, *_ in door.asked if (found := re.search(rb"handleTime>([^<]+)<", asked))]
    assert sent[-1] == "2026-03-01 09:00:00"


def test_small_skew_is_left_alone() -> None:
    """`Date` is exact to a second only: below 30 s our own clock dates the token."""
    clock = Clock()
    with Door(lambda *_: Said(answer("updateEvent", "")), clock=lambda: clock.at - timedelta(seconds=20)) as door:
        grid = adapter(door.url, clock)
        for _ in range(2):
            grid.update("DG2026102600017", {"stage": "09", "handler": "x"}, "r")
    for _, body, _, _ in door.asked:
        assert b"2026-03-02T01:30:00.000Z" in body

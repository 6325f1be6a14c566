"""HTTP and SOAP transport of the stand-in (contract §1, §3): descriptions, media types, sizes, parsing."""

from __future__ import annotations

import threading

import pytest
import requests

from sandbox.grid import GridPlatform
from sandbox.httpd import Server
from tests.sandbox.grid_client import (
    CONTRACT,
    XML,
    Answer,
    Grid,
    GridClient,
    envelope,
    operation_xml,
    running,
    security,
)

grid = pytest.fixture(running)
# For tests that leave nothing behind.
shared = pytest.fixture(running, scope="module")

ENDPOINT = "/services/GridEventService"


def body(grid: Grid, inner: str, prolog: str = '<?xml version="1.0" encoding="UTF-8"?>') -> bytes:
    return envelope(security(grid.client.token().xml()), inner, prolog=prolog)


def test_descriptions(shared: Grid) -> None:
    """WSDL and XSD are given without authentication, the XSD at both addresses with the same bytes."""
    url = shared.server.url
    assert requests.get(f"{url}{ENDPOINT}?wsdl").content == (CONTRACT / "GridEventService.wsdl").read_bytes()
    schema = (CONTRACT / "GridEvent.xsd").read_bytes()
    assert requests.get(f"{url}/services/GridEvent.xsd").content == schema
    described = requests.get(f"{url}{ENDPOINT}?xsd=GridEvent.xsd")
    assert (described.status_code, described.content) == (200, schema)


def test_methods_and_paths(shared: Grid) -> None:
    """GET without ?wsdl or ?xsd and other methods are 405; elsewhere there is nothing."""
    url = shared.server.url
    assert requests.get(url + ENDPOINT).status_code == 405
    assert requests.put(url + ENDPOINT, data=b"x").status_code == 405
    assert requests.post(f"{url}/services/GridEvent.xsd", data=b"x").status_code == 405
    assert requests.get(f"{url}/services/Other").status_code == 404


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("text/xml", 200), ("text/xml; charset=utf-8", 200), ('text/xml;charset="UTF-8"', 200), ("TEXT/XML", 200),
        ("text/xml; charset=gbk", 415), ("application/soap+xml", 415), ("application/xml", 415), (None, 415),
        ("text/plain", 415),
    ],
)
def test_media_types(shared: Grid, content_type: str | None, status: int) -> None:
    """Only text/xml in utf-8; an absent charset is utf-8."""
    assert shared.client.post(body(shared, operation_xml("getEvent", {"eventId": "x"})), content_type).status == status


def test_gateway_size(shared: Grid) -> None:
    """40,000,000 bytes pass the gateway, one more is answered 413 with a page."""
    assert shared.client.post(b" " * 40_000_000).status == 500
    refused = shared.client.post(b" " * 40_000_001)
    assert refused.status == 413 and refused.headers["Content-Type"] == "text/html"


def test_soap_action_is_not_looked_at(grid: Grid) -> None:
    """The first element in Body decides, whatever SOAPAction says."""
    got = requests.post(
        grid.server.url + ENDPOINT, data=body(grid, operation_xml("findBySourceId", {"sourceId": "x"})),
        headers={"Content-Type": XML, "SOAPAction": '"http://grid.example.gov.cn/event/v1/reportEvent"'},
    )
    answer = Answer(got.status_code, dict(got.headers), got.content)
    assert answer.payload.tag.endswith("}findBySourceIdResponse")
    assert answer.headers["Content-Type"] == "text/xml;charset=UTF-8"
    assert int(answer.headers["Content-Length"]) == len(answer.body) and "Content-Encoding" not in answer.headers
    assert answer.body.startswith(b"<?xml ")


@pytest.mark.parametrize(
    "inner",
    [
        "", "<ev:nothing/>", "<ev:getEventResponse/>", "<ev:getEvent><ev:other/></ev:getEvent>",
        "<ev:getEvent>text</ev:getEvent>", "<getEvent/>",
        "<ev:queryEvents><ev:pageSize>1</ev:pageSize></ev:queryEvents>",
        "<ev:queryEvents><ev:pageNo>1</ev:pageNo></ev:queryEvents>",
        "<ev:queryEvents><ev:pageNo/><ev:pageSize>1</ev:pageSize></ev:queryEvents>", "<ev:reportEvent/>",
        "<ev:reportEvent><ev:event><ev:level/></ev:event></ev:reportEvent>",
        "<ev:reportEvent><ev:event><ev:lng/></ev:event></ev:reportEvent>",
        "<ev:reportEvent><ev:event><ev:title/><ev:sourceId/></ev:event></ev:reportEvent>",
        "<ev:getEvent/><ev:getEvent/>", "<ev:getEvent><ev:eventId>\x01</ev:eventId></ev:getEvent>",
    ],
)
def test_client_faults(shared: Grid, inner: str) -> None:
    """Unknown operations and what is not valid against the XSD: soap:Client."""
    answer = shared.client.post(body(shared, inner))
    assert answer.status == 500
    assert b"<faultcode>soap:Client</faultcode><faultstring>Unmarshalling Error: " in answer.body


@pytest.mark.parametrize("encoded", ["YQ", "Y*Q=", "YR==", "====", "中", "YQ==YQ=="])
def test_base64_is_strict(shared: Grid, encoded: str) -> None:
    """Base64 with other characters than white space breaks the schema."""
    inner = (
        "<ev:updateEvent><ev:attachments><ev:attachment><ev:name>a</ev:name><ev:mime>text/plain</ev:mime>"
        f"<ev:base64>{encoded}</ev:base64></ev:attachment></ev:attachments></ev:updateEvent>"
    )
    assert b"soap:Client" in shared.client.post(body(shared, inner)).body


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE a [<!ENTITY b "c">]>', "<!DOCTYPE soapenv:Envelope>",
        '<?xml version="1.0"?><!-- x --><?p i?>\n<!DOCTYPE a SYSTEM "file:///etc/passwd">',
    ],
)
def test_doctype_is_refused(shared: Grid, prolog: str) -> None:
    """A DOCTYPE is refused before anything in it is looked at."""
    assert b"soap:Client" in shared.client.post(body(shared, operation_xml("getEvent", {"eventId": "x"}), prolog)).body


def test_writing_of_xml_is_free(grid: Grid) -> None:
    """Prefixes, CDATA, comments, character references and a byte order mark do not change what is read."""
    inner = (
        '<q:getEvent xmlns:q="http://grid.example.gov.cn/event/v1"><q:eventId>D<!-- x --><![CDATA[<&]]>&#x20000;'
        "</q:eventId></q:getEvent>"
    )
    assert grid.client.post(b"\xef\xbb\xbf" + body(grid, inner)).message == "事件不存在：D<&\U00020000"
    assert b"soap:Client" in grid.client.post(body(grid, inner).replace(b"D<!", b"\xff<!")).body


def test_lost_answer_was_carried_out(grid: Grid) -> None:
    """A write whose answer is lost is found by its sourceId; one cut off before the platform is not."""
    client = grid.client
    client.act("faults", kind="lost", operation="reportEvent")
    with pytest.raises(requests.ConnectionError):
        client.report(sourceId="lost")
    client.act("faults", kind="down", operation="reportEvent")
    with pytest.raises(requests.ConnectionError):
        client.report(sourceId="down")
    assert len(client.call("findBySourceId", {"sourceId": "lost"}).ids()) == 1
    assert client.call("findBySourceId", {"sourceId": "down"}).ids() == []
    _, log = client.door("requests")
    assert [one["operation"] for one in log] == ["reportEvent", "reportEvent", "findBySourceId", "findBySourceId"]


def test_more_than_eight_at_once() -> None:
    """Of nine requests of one account running at once one is refused with 9001; another account is not concerned."""
    with Server(GridPlatform(accounts={"one": "p", "two": "p"}, processing_seconds=1.0)) as server:
        results: list[str] = []

        def ask(user: str) -> None:
            answer = GridClient(server.url, user, "p").call("findBySourceId", {"sourceId": "x"})
            results.append(f"{user} {answer.code}")

        threads = [threading.Thread(target=ask, args=("one",)) for _ in range(9)]
        threads.append(threading.Thread(target=ask, args=("two",)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(results) == ["one 0"] * 8 + ["one 9001"] + ["two 0"]

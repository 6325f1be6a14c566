"""The contract's sample messages against the running stand-in: sent as they are, answered to the byte."""

from __future__ import annotations

import base64
import re
from datetime import datetime

import pytest
from lxml import etree

from tests.sandbox.grid_client import (
    CONTRACT,
    EV,
    SAMPLES,
    WSU,
    Answer,
    Grid,
    created_text,
    envelope,
    operation_xml,
    running,
    security,
)

grid = pytest.fixture(running)

EVENT = "DG2026102600017"
CONTENT = (
    "巡查时发现一辆无牌罐车向村北排水沟倾倒黑色污水，气味刺鼻，车辆已向东驶离。\n"
    "      镇里已设围挡，请区里协调处置。"
)


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def picture() -> str:
    found = etree.fromstring(sample("getAttachment.response.xml")).find(f".//{{{EV}}}base64")
    assert found is not None and found.text
    return found.text


def clock_to(grid: Grid, beijing: str) -> None:
    grid.hands.at = datetime.fromisoformat(f"{beijing}+08:00").timestamp()


def send(grid: Grid, name: str) -> Answer:
    """Sends a sample as it is, at the moment its token was made."""
    body = sample(name)
    created = etree.fromstring(body).find(f".//{{{WSU}}}Created")
    assert created is not None and created.text
    grid.hands.at = datetime.fromisoformat(created.text).timestamp()
    return grid.client.post(body)


def prepare(grid: Grid) -> None:
    """The samples' first event, as the officials made it, up to its second-last entry."""
    client = grid.client
    client.act("counters", DG20261026=16, AT20261026=30)
    clock_to(grid, "2026-10-26 08:47:12")
    client.act(
        "officials/create", title="不明罐车在村北河沟倾倒污水", eventType="03", level=2, gridCode="371102110202003",
        townCode="371102110", villageCode="371102110202", reporter="张示例", reporterTel="13900000001", caller="李样例",
        callerTel="13900000002", address="涛雒镇涛雒二村村北生产路与排水沟交叉口往东约200米", lng=119.375766079,
        lat=35.279828948, content=CONTENT, happenTime="2026-10-26 08:40:00", limitTime="2026-10-26 18:00:00",
        extend={"车辆颜色": "蓝色"}, stage="01", dept="371102110",
    )
    client.act("officials/attach", eventId=EVENT, name="现场照片1.png", mime="image/png", base64=picture())
    for at, stage, operator, dept, opinion in (
        ("08:50:40", "02", "李样例", "371102110", ""),
        ("08:55:03", "05", "李样例", "371102110", "镇级无执法权限，呼叫区级。"),
        ("08:58:31", "06", "王测试", "DG099", "受理。"),
        ("09:01:00", "07", "王测试", "DG001,DG002,DG009", "派发：请牵头核查，执法、公安协助。"),
        ("09:10:44", "08", "赵响应", "DG001", "已响应，人员出发。"),
    ):
        clock_to(grid, f"2026-10-26 {at}")
        client.act("officials/move", eventId=EVENT, stage=stage, operator=operator, dept=dept, opinion=opinion)


def test_the_samples_tell_one_story(grid: Grid) -> None:
    """Every request sample, sent as printed, gets the answer that its response sample shows, byte for byte."""
    prepare(grid)
    assert send(grid, "reportEvent.request.xml").body == sample("reportEvent.response.xml")
    assert send(grid, "updateEvent.same-stage.request.xml").body == sample("updateEvent.response.xml")
    # The continuation line's indentation is part of the printed text; the two samples print it differently.
    expected = sample("queryEvents.response.xml").replace("\n        镇里".encode(), "\n      镇里".encode())
    assert send(grid, "queryEvents.request.xml").body == expected
    assert send(grid, "getEvent.request.xml").body == sample("getEvent.response.xml")
    assert send(grid, "findBySourceId.request.xml").body == sample("findBySourceId.response.xml")
    assert send(grid, "getAttachment.request.xml").body == sample("getAttachment.response.xml")
    full = send(grid, "reportEvent.full.request.xml")
    assert full.body == sample("reportEvent.response.xml").replace(b"00018", b"00019")
    assert send(grid, "updateEvent.request.xml").body == sample("updateEvent.response.xml")
    assert grid.client.query("2026-10-26 09:00:00", "2026-10-26 09:14:59", 2).text("total") == "1"
    grown = grid.client.event(EVENT)
    assert (grown["stage"], grown["mainDept"], grown["updateTime"]) == ("09", "DG001", "2026-10-26 09:41:22")
    assert grown["processes"][-1] == {
        "seq": "8", "stage": "09", "operator": "赵响应", "dept": "DG001",
        "opinion": "已到现场，封堵排口并取样，车辆信息移交公安。", "time": "2026-10-26 09:41:20",
    }
    assert grown["attachments"][-1] == {"attachId": "AT20261026000033", "name": "取样记录.png", "size": "69"}


def test_full_report_comes_back_as_sent(grid: Grid) -> None:
    """getEvent gives every field of the full report sample, the platform's own ones filled in."""
    event_id = send(grid, "reportEvent.full.request.xml").text("eventId")
    event = grid.client.event(event_id)
    sent = etree.fromstring(sample("reportEvent.full.request.xml")).find(f".//{{{EV}}}event")
    assert sent is not None
    for child in sent:
        name = etree.QName(child).localname
        if name not in ("assistDepts", "attachments", "extend"):
            assert event[name] == child.text
    assert (event["townName"], event["gridName"]) == ("西湖镇", "响水新村第一网格")
    assert event["assistDepts"] == ["DG009"] and event["extend"] == [{"key": "桥长", "value": "18米"}]
    attach_id = event["attachments"][0]["attachId"]
    got = grid.client.call("getAttachment", {"attachId": attach_id})
    assert (got.text("name"), got.text("mime"), got.text("base64")) == ("护栏断口.png", "image/png", picture())


def test_empty_answers(grid: Grid) -> None:
    """Past the last page: the true total and no events; an unknown sourceId: 0 and no events."""
    grid.client.act("officials/create", count=2)
    past = grid.client.query("2026-10-26 09:00:00", "2026-10-26 09:59:59", 3)
    assert past.body == sample("queryEvents.empty.response.xml")
    assert grid.client.call("findBySourceId", {"sourceId": "x"}).body == sample("findBySourceId.none.response.xml")


def test_error_samples(grid: Grid) -> None:
    """Every resultCode sample, byte for byte."""
    client = grid.client
    disabled, reader = grid.other("old", "p1", "disabled"), grid.other("reader", "p2", "readonly")
    assert disabled.call("getEvent", {"eventId": EVENT}).body == sample("error-1001.getEvent.response.xml")
    assert reader.report().body == sample("error-1002.reportEvent.response.xml")
    event_id = client.act("officials/create", stage="05")["eventId"]
    assert client.update(event_id, "06", opinion="意" * 501).body == sample("error-2001.updateEvent.response.xml")
    assert client.call("getEvent", {"eventId": "DG2026102699999"}).body == sample("error-2002.getEvent.response.xml")
    assert client.update(event_id, "11").body == sample("error-2003.updateEvent.response.xml")
    client.act("faults", kind="code", code="9001", operation="queryEvents")
    busy = client.query("2026-10-26 09:00:00", "2026-10-26 09:00:00")
    assert busy.body == sample("error-9001.queryEvents.response.xml")
    client.act("faults", kind="code", code="9999", operation="reportEvent")
    assert client.report().body == sample("error-9999.reportEvent.response.xml")


def test_fault_samples(grid: Grid) -> None:
    """Every fault sample, byte for byte except the parser's text and the traceId, with HTTP 500."""
    client = grid.client
    query = operation_xml("queryEvents", {"updatedFrom": "", "updatedTo": "", "pageNo": "abc", "pageSize": 1})
    read = operation_xml("getEvent", {"eventId": EVENT})
    stranger = '<x:Token xmlns:x="urn:example:other" soapenv:mustUnderstand="1"/>'
    broken = client.post(envelope(security(client.token().xml()), query))
    frame = re.fullmatch(rb"(.*Unmarshalling Error: ).*(</faultstring>.*)", sample("fault-Client.xml"))
    assert frame and broken.body.startswith(frame[1]) and broken.body.endswith(frame[2]) and b"abc" in broken.body
    answers = {
        "fault-VersionMismatch.xml": client.post(
            envelope(security(client.token().xml()), read, "http://www.w3.org/2003/05/soap-envelope")
        ),
        "fault-InvalidSecurity.xml": client.post(envelope("", read)),
        "fault-FailedAuthentication.xml": client.post(envelope(security(client.token(password="no").xml()), read)),
        "fault-MustUnderstand.xml": client.post(envelope(security(client.token().xml()) + stranger, read)),
    }
    for name, answer in answers.items():
        assert answer.body == sample(name)
        assert (answer.status, answer.headers["Content-Type"]) == (500, "text/xml;charset=UTF-8")
    client.act("faults", kind="code", code="fault-Server")
    failed = client.call("getEvent", {"eventId": EVENT})
    trace = re.compile(rb"<ev:traceId>[0-9a-f]{16}</ev:traceId>")
    assert failed.status == 500 and trace.search(failed.body)
    assert trace.sub(b"", failed.body) == trace.sub(b"", sample("fault-Server.xml"))


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("*.response.xml")))
def test_samples_are_valid(name: str) -> None:
    """The response samples themselves are valid against the XSD: what is compared with them is, too."""
    schema = etree.XMLSchema(etree.parse(str(CONTRACT / "GridEvent.xsd")))
    schema.assertValid(etree.fromstring(sample(name))[0][0])


def test_times_of_the_samples_are_beijing(grid: Grid) -> None:
    """The platform writes Beijing time for an instant given in UTC; its Date header is its own clock."""
    answer = grid.client.report()
    event = grid.client.event(answer.text("eventId"))
    assert created_text(grid.hands.at) == "2026-10-26T01:15:30.000Z"
    assert event["reportTime"] == event["happenTime"] == event["updateTime"] == "2026-10-26 09:15:30"
    assert answer.headers["Date"] == "Mon, 26 Oct 2026 01:15:30 GMT"
    assert base64.b64decode(picture())[:4] == b"\x89PNG"

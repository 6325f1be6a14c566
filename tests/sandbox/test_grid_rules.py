"""Argument checks (contract §4, §7, §8, §9): exact texts, order, UTF-16 lengths, what is stored."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.sandbox.grid_client import Grid, running

grid = pytest.fixture(running)
# For tests that leave nothing behind.
shared = pytest.fixture(running, scope="module")
# For tests that make their own event among those of others.
updates = pytest.fixture(running, scope="module")

EMOJI = "😀"
FILE = {"name": "a.txt", "mime": "text/plain", "base64": b"x"}


def item(key: str, value: str) -> dict[str, str]:
    return {"key": key, "value": value}


@pytest.mark.parametrize(
    ("members", "field", "reason"),
    [
        ({"sourceId": "s" * 65}, "sourceId", "长度超过64"),
        ({"title": None}, "title", "不能为空"), ({"title": ""}, "title", "不能为空"),
        ({"title": " \t\n\u3000"}, "title", "不能为空"), ({"title": "长" * 101}, "title", "长度超过100"),
        ({"title": EMOJI * 51}, "title", "长度超过100"),
        ({"eventType": None}, "eventType", "不能为空"), ({"eventType": "100"}, "eventType", "长度超过2"),
        ({"eventType": "74"}, "eventType", "取值不正确"), ({"eventType": "1"}, "eventType", "取值不正确"),
        ({"level": 0}, "level", "取值不正确"), ({"level": 5}, "level", "取值不正确"),
        ({"stage": "13"}, "stage", "取值不正确"), ({"stage": "005"}, "stage", "长度超过2"),
        ({"gridCode": "1" * 16}, "gridCode", "长度超过15"), ({"gridCode": "37110211020200"}, "gridCode", "格式不正确"),
        ({"gridCode": "371102110202003", "villageCode": "371102110203"}, "gridCode", "格式不正确"),
        ({"gridCode": "37110211020200３"}, "gridCode", "格式不正确"),
        ({"townCode": None}, "townCode", "不能为空"), ({"townCode": "3711021100"}, "townCode", "长度超过9"),
        ({"townCode": "37110211"}, "townCode", "格式不正确"), ({"townCode": "370102110"}, "townCode", "格式不正确"),
        ({"villageCode": "3711021102020"}, "villageCode", "长度超过12"),
        ({"villageCode": "371102106244"}, "villageCode", "格式不正确"),
        ({"villageCode": "37110211020"}, "villageCode", "格式不正确"),
        ({"reporter": "名" * 31}, "reporter", "长度超过30"), ({"reporterTel": "1" * 21}, "reporterTel", "长度超过20"),
        ({"caller": EMOJI * 15 + "a"}, "caller", "长度超过30"), ({"callerTel": "1" * 21}, "callerTel", "长度超过20"),
        ({"address": "址" * 201}, "address", "长度超过200"),
        ({"lng": "72.999999", "lat": "35"}, "lng", "超出范围"),
        ({"lng": "136.0000001", "lat": "35"}, "lng", "超出范围"),
        ({"lng": "119", "lat": "2.9"}, "lat", "超出范围"), ({"lng": "119", "lat": "54.1"}, "lat", "超出范围"),
        ({"lng": "119"}, "lat", "不能为空"), ({"lat": "35"}, "lng", "不能为空"),
        ({"lng": "200"}, "lng", "超出范围"),
        ({"content": None}, "content", "不能为空"), ({"content": "内" * 2001}, "content", "长度超过2000"),
        ({"happenTime": "2026-02-30 08:00:00"}, "happenTime", "格式不正确"),
        ({"happenTime": "2026-10-26T08:00:00"}, "happenTime", "格式不正确"),
        ({"happenTime": "2026-10-26 24:00:00"}, "happenTime", "格式不正确"),
        ({"happenTime": "2026-10-26 08:00"}, "happenTime", "格式不正确"),
        ({"happenTime": "2026-10-26 08:00:00 "}, "happenTime", "长度超过19"),
        ({"mainDept": "DG019"}, "mainDept", "取值不正确"), ({"mainDept": "dg001"}, "mainDept", "取值不正确"),
        ({"mainDept": "DG00000001"}, "mainDept", "长度超过9"),
        ({"assistDepts": ["DG001"] * 11}, "assistDepts", "数量超过10"),
        ({"assistDepts": ["DG001", "DG020"]}, "dept", "取值不正确"),
        ({"limitTime": "2026-13-01 00:00:00"}, "limitTime", "格式不正确"),
        ({"attachments": [FILE] * 10}, "attachments", "数量超过9"),
        ({"attachments": [FILE, FILE | {"name": " "}]}, "name", "不能为空"),
        ({"attachments": [FILE | {"name": "n" * 101}]}, "name", "长度超过100"),
        ({"attachments": [FILE | {"name": "a/b"}]}, "name", "格式不正确"),
        ({"attachments": [FILE | {"name": "a\\b"}]}, "name", "格式不正确"),
        ({"attachments": [FILE | {"name": "a\tb"}]}, "name", "格式不正确"),
        ({"attachments": [FILE | {"mime": "image/tiff"}]}, "mime", "取值不正确"),
        ({"attachments": [FILE | {"mime": "Image/PNG"}]}, "mime", "取值不正确"),
        ({"attachments": [FILE | {"base64": ""}]}, "base64", "不能为空"),
        ({"extend": [item("k", "v")] * 21}, "extend", "数量超过20"),
        ({"extend": [item("", "v")]}, "key", "不能为空"), ({"extend": [item("k" * 51, "v")]}, "key", "长度超过50"),
        ({"extend": [item("k", "v" * 501)]}, "value", "长度超过500"),
    ],
)
def test_report_breaches(shared: Grid, members: dict[str, Any], field: str, reason: str) -> None:
    """Each bad field of reportEvent is named with its reason, and nothing is stored."""
    assert shared.client.report(**members).result == (2001, f"参数错误[{field}]：{reason}")
    assert shared.client.door("records") == (200, [])


@pytest.mark.parametrize(
    "members",
    [
        {"title": EMOJI * 50, "content": "内" * 2000, "caller": EMOJI * 15, "address": EMOJI * 100},
        {"sourceId": "s" * 64, "level": 1, "stage": "05", "reporterTel": "转 8001#（值班室）"},
        {"townCode": "371122206", "villageCode": "371122206243", "gridCode": "371122206243001"},
        {"lng": 73, "lat": 54}, {"lng": "136.0", "lat": "3"},
        {"gridCode": " ", "villageCode": "", "mainDept": "\u3000", "happenTime": "", "limitTime": " ", "stage": ""},
        {"mainDept": "371102110", "assistDepts": ["DG001"] * 10},
        {"attachments": [FILE] * 9}, {"extend": [item("k" * 50, "v" * 500)] * 20},
        {"attachments": [FILE | {"name": "名" * 100, "base64": " e\nA ==\t"}]},
        {"happenTime": "2024-02-29 23:59:59", "limitTime": "2030-01-01 00:00:00"},
    ],
)
def test_report_accepts_the_limits(updates: Grid, members: dict[str, Any]) -> None:
    """The longest, the nearest and the emptiest that is allowed is taken."""
    answer = updates.client.report(**members)
    assert answer.result == (0, "成功")
    assert len(updates.client.event(answer.text("eventId"))) == 28


def test_first_breach_in_schema_order(grid: Grid) -> None:
    """Of several breaches the first in XSD order is named; a 2003 comes after all of them."""
    bad: dict[str, Any] = {
        "sourceId": "s" * 65, "title": "", "eventType": "xx", "level": 9, "townCode": "1", "lng": "1", "content": "",
        "mainDept": "x", "attachments": [FILE | {"mime": ""}], "extend": [item("", "")], "stage": "06",
    }
    cures: tuple[tuple[str, Any], ...] = (
        ("sourceId", ""), ("title", "t"), ("eventType", "01"), ("level", 1), ("townCode", "371102110"), ("lng", None),
        ("content", "c"), ("mainDept", ""), ("attachments", []), ("extend", []),
    )
    shown = []
    for field, cure in cures:
        shown.append(grid.client.report(**bad).message.split("]")[0].removeprefix("参数错误["))
        bad[field] = cure
    assert shown == ["sourceId", "title", "eventType", "level", "townCode", "lng", "content", "mainDept", "mime", "key"]
    assert grid.client.report(**bad).result == (2003, "阶段不允许：新建→06")


@pytest.mark.parametrize("stage", ["02", "04", "06", "12", "90", "91"])
def test_report_stage(shared: Grid, stage: str) -> None:
    """Only 01 and 05 may be reported."""
    assert shared.client.report(stage=stage).result == (2003, f"阶段不允许：新建→{stage}")


def test_stored_as_received(grid: Grid) -> None:
    """Text is neither trimmed nor cut, CR survives as a reference, coordinates are rounded half up to 6 decimals."""
    text = "  <a> & \"b\"\t]]>\n𬱖 \u3000\ue000 "
    report = grid.client.report(
        title=text, content=text, sourceId=" ", address=" \u3000", lng="119.3757665", lat="35.2798284999",
        extend=[item("b", "2"), item("a", ""), item("b", " 1 ")],
    )
    event = grid.client.event(report.text("eventId"))
    assert (event["title"], event["content"], event["sourceId"], event["address"]) == (text, text, " ", " \u3000")
    assert (event["lng"], event["lat"]) == ("119.375767", "35.279828")
    assert event["extend"] == [item("b", "2"), item("a", ""), item("b", " 1 ")]
    assert (event["level"], event["stage"]) == ("4", "01")
    raw = (
        "<ev:event><ev:title>a\r\nb&#13;c</ev:title><ev:eventType>99</ev:eventType>"
        "<ev:townCode>371102110</ev:townCode><ev:content>x</ev:content></ev:event>"
    )
    made = grid.client.call("reportEvent", raw).text("eventId")
    assert grid.client.event(made)["title"] == "a\nb\rc"
    short = grid.client.event(grid.client.report(lng=119, lat="35.5").text("eventId"))
    assert (short["lng"], short["lat"]) == ("119.000000", "35.500000")


@pytest.mark.parametrize(
    ("people", "operator"),
    [
        ({"caller": "李", "reporter": "张"}, "李"), ({"caller": " ", "reporter": "张"}, "张"),
        ({"reporter": "张"}, "张"), ({}, "huying_dg"),
    ],
)
def test_first_entry(grid: Grid, people: dict[str, str], operator: str) -> None:
    """Entry 1: caller, else reporter, else the account's name; opinion 外部上报, no department."""
    event = grid.client.event(grid.client.report(stage="05", **people).text("eventId"))
    assert event["processes"] == [{
        "seq": "1", "stage": "05", "operator": operator, "dept": "", "opinion": "外部上报",
        "time": "2026-10-26 09:15:30",
    }]


@pytest.mark.parametrize(
    ("arguments", "field", "reason"),
    [
        ({"eventId": None}, "eventId", "不能为空"), ({"eventId": " "}, "eventId", "不能为空"),
        ({"stage": None}, "stage", "不能为空"), ({"stage": "13"}, "stage", "取值不正确"),
        ({"stage": "006"}, "stage", "取值不正确"),
        ({"opinion": "意" * 501}, "opinion", "长度超过500"), ({"opinion": EMOJI * 251}, "opinion", "长度超过500"),
        ({"stage": "90"}, "opinion", "不能为空"), ({"stage": "91", "opinion": "\u3000"}, "opinion", "不能为空"),
        ({"handleDept": "DG001,DG002"}, "handleDept", "数量超过1"), ({"handleDept": "DG1"}, "handleDept", "取值不正确"),
        ({"stage": "07", "handleDept": ",".join(["DG001"] * 12)}, "handleDept", "数量超过11"),
        ({"stage": "07", "handleDept": "DG001,,DG002"}, "handleDept", "取值不正确"),
        ({"stage": "07", "handleDept": "DG001, DG002"}, "handleDept", "取值不正确"),
        ({"handler": None}, "handler", "不能为空"), ({"handler": "名" * 31}, "handler", "长度超过30"),
        ({"handleTime": "2026-10-26"}, "handleTime", "格式不正确"),
        ({"handleTime": "2026-10-26 09:25:31"}, "handleTime", "超出范围"),
        ({"attachments": [FILE | {"name": ""}]}, "name", "不能为空"),
        ({"stage": "07"}, "handleDept", "不能为空"), ({"stage": "05"}, "opinion", "不能为空"),
    ],
)
def test_update_breaches(updates: Grid, arguments: dict[str, Any], field: str, reason: str) -> None:
    """Each bad argument of updateEvent is named with its reason, and the event stays as it was."""
    event_id = updates.client.report(stage="05").text("eventId")
    before = updates.client.event(event_id)
    answer = updates.client.update(**{"event_id": event_id, "stage": "06"} | {
        "event_id" if key == "eventId" else key: value for key, value in arguments.items()
    })
    assert answer.result == (2001, f"参数错误[{field}]：{reason}")
    assert updates.client.event(event_id) == before


def test_read_arguments_are_required(grid: Grid) -> None:
    """The read operations' arguments: empty is 不能为空, a malformed id is simply unknown."""
    call = grid.client.call
    for operation, field in (("getEvent", "eventId"), ("findBySourceId", "sourceId"), ("getAttachment", "attachId")):
        for members in ({}, {field: ""}, {field: " \u3000"}):
            assert call(operation, members).result == (2001, f"参数错误[{field}]：不能为空")
    assert call("getEvent", {"eventId": "乱" * 99}).result == (2002, "事件不存在：" + "乱" * 99)
    assert call("getAttachment", {"attachId": "AT1"}).result == (2002, "附件不存在：AT1")
    assert call("findBySourceId", {"sourceId": "s" * 65}).result == (2001, "参数错误[sourceId]：长度超过64")
    assert grid.client.update("DG2026102600001", "06").result == (2002, "事件不存在：DG2026102600001")


def test_find_by_source_id(grid: Grid) -> None:
    """sourceId is not unique: all events that carry it, by eventId; comparison is exact and case-sensitive."""
    ids = [grid.client.report(sourceId=one).text("eventId") for one in ("Ab", "Ab", "ab", "Ab ")]
    assert ids == [f"DG20261026{number:05d}" for number in range(1, 5)]
    assert grid.client.call("findBySourceId", {"sourceId": "Ab"}).ids() == ids[:2]
    assert grid.client.call("findBySourceId", {"sourceId": "Ab "}).ids() == ids[3:]
    grid.client.act("officials/edit", eventId=ids[0], set={"stage": "91"})
    assert grid.client.call("findBySourceId", {"sourceId": "Ab"}).ids() == ids[:2]


def test_file_limits_and_bytes(grid: Grid) -> None:
    """10,485,760 bytes are taken and given back, one more is refused together with everything sent with it."""
    client = grid.client
    full = bytes(range(256)) * 40960
    event_id = client.report(stage="05", attachments=[FILE | {"base64": full}]).text("eventId")
    attached = client.event(event_id)["attachments"]
    assert attached == [{"attachId": "AT20261026000001", "name": "a.txt", "size": "10485760"}]
    got = client.call("getAttachment", {"attachId": "AT20261026000001"}).text("base64")
    assert base64.b64decode(got) == full and "\n" not in got
    over = client.update(event_id, "05", opinion="【附件】", attachments=[FILE, FILE | {"base64": full + b"x"}])
    assert over.result == (2001, "参数错误[base64]：大小超过10485760")
    assert client.event(event_id)["attachments"] == attached
    assert client.update(event_id, "05", opinion="【附件】", attachments=[FILE, FILE]).code == 0
    assert [one["attachId"][-1] for one in client.event(event_id)["attachments"]] == ["1", "2", "3"]


def test_number_of_the_day(grid: Grid) -> None:
    """Ids carry the Beijing day of reporting and start anew each day."""
    grid.hands.at += 14 * 3600 + 44 * 60  # 23:59:30
    assert grid.client.report().text("eventId") == "DG2026102600001"
    grid.hands.at += 30
    assert grid.client.report().text("eventId") == "DG2026102700001"

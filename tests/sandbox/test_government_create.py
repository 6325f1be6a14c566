"""What a CallCreate must look like, field by field in schema order, and how it is stored (sections 1 and 5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.government_client import Answer, Rig, compact, new_call, rig


@pytest.fixture(scope="module")
def made() -> Iterator[Rig]:
    with rig() as one:
        yield one


def post(made: Rig, **fields: Any) -> Answer:
    """A create with `fields` set as they are, None included."""
    return made.caller.call("POST", "/api/calls", new_call() | fields)


REQUIRED = ("outerNo", "title", "content", "itemCode", "channel", "urgency", "townCode", "callUnit")
NO_TEXTS: tuple[Any, ...] = (None, "", 1, True, ["x"], {})
BAD: list[tuple[str, dict[str, Any]]] = [
    *((name, {name: value}) for name in REQUIRED for value in NO_TEXTS),
    ("outerNo", {"outerNo": "a b"}),
    ("outerNo", {"outerNo": "编号1"}),
    ("outerNo", {"outerNo": "x" * 65}),
    ("title", {"title": "题" * 101}),
    ("title", {"title": "a\x00b"}),
    ("title", {"title": "a\x7fb"}),
    ("content", {"content": "𠮷" * 4001}),
    ("content", {"content": "a\x0bb"}),
    ("itemCode", {"itemCode": "LS7777"}),
    ("itemCode", {"itemCode": "ls0101"}),
    ("channel", {"channel": "caller"}),
    ("urgency", {"urgency": "HIGH"}),
    ("townCode", {"townCode": "37110310"}),
    ("townCode", {"townCode": "３７１１０３１０３"}),
    ("villageCode", {"villageCode": "371103102205"}),
    ("villageCode", {"villageCode": "37110310320"}),
    ("villageCode", {"villageCode": 371103103205}),
    ("address", {"address": "址" * 201}),
    ("lng", {"lat": 35.3}),
    ("lat", {"lng": 119.2}),
    ("lng", {"lng": "119.2", "lat": 35.3}),
    ("lng", {"lng": 72.9999999, "lat": 35.3}),
    ("lng", {"lng": True, "lat": 35.3}),
    ("lat", {"lng": 119, "lat": 54.0000001}),
    ("contact", {"contact": "张三"}),
    ("contact", {"contact": []}),
    ("contact.name", {"contact": {"name": "名" * 51}}),
    ("contact.phone", {"contact": {"phone": "139****0001"}}),
    ("contact.phone", {"contact": {"phone": "1234"}}),
    ("contact.phone", {"contact": {"phone": 13900000001}}),
    ("contact.secret", {"contact": {"secret": "false"}}),
    ("contact.secret", {"contact": {"secret": 0}}),
    ("callUnit", {"callUnit": "位" * 101}),
    ("fileIds", {"fileIds": "x"}),
    ("fileIds", {"fileIds": [f"{n:032x}" for n in range(21)]}),
    ("fileIds[1]", {"fileIds": ["0" * 32, "0" * 31]}),
    ("fileIds[1]", {"fileIds": ["0" * 32, "0" * 32]}),
    ("fileIds[0]", {"fileIds": ["0" * 32]}),
    ("fileIds[0]", {"fileIds": [None]}),
]  # fmt: skip


@pytest.mark.parametrize(("field", "fields"), BAD)
def test_a_bad_field_is_named(made: Rig, field: str, fields: dict[str, Any]) -> None:
    """4022 names the field, and nothing is stored."""
    before = made.caller.list()["total"]
    assert post(made, **fields).field == field
    assert made.caller.list()["total"] == before


def test_the_first_bad_field_in_schema_order(made: Rig) -> None:
    """Whatever the order in the body, the schema's order decides."""
    order = ["outerNo", "title", "content", "itemCode", "channel", "urgency", "townCode", "villageCode", "address"]
    order += ["lng", "lat", "contact.name", "callUnit", "fileIds"]
    bad: dict[str, Any] = {name.partition(".")[0]: 1 for name in reversed(order)}
    good = new_call(villageCode="371103103205", address="x", lng=119.2, lat=35.3, contact={}, fileIds=[])
    bad |= {"contact": {"name": 1, "phone": 1, "secret": 1}, "lng": "x", "lat": "x"}
    for name in order:
        answer = made.caller.call("POST", "/api/calls", bad)
        assert answer.field == name
        whole = name.partition(".")[0]
        bad[whole] = good[whole]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b'"x"', b"{", b"\xef\xbb\xbf{}", '{"title":"高"}'.encode("gbk"), b'{"lng":NaN}', b"{}x",
     b"[" * 100_000, b'{"lng":1e99999999999999999999}', b'{"a":' + b"9" * 5000 + b"}"],
)  # fmt: skip
def test_what_is_no_json_object_is_body(made: Rig, body: bytes) -> None:
    """4022 [body]."""
    assert made.caller.call("POST", "/api/calls", body).field == "body"


def test_content_type_and_compression(made: Rig) -> None:
    """Any parameters, no other type, no compressed request."""
    for kind, code in [
        ("application/json", "0000"),
        ("Application/JSON; charset=gbk; x=y", "0000"),
        ("text/plain", "4022"),
    ]:
        assert made.caller.call("POST", "/api/calls", new_call(), content_type=kind).code == code
    zipped = made.caller.call("POST", "/api/calls", new_call(), change={"Content-Encoding": "gzip"})
    assert zipped.field == "body"


def test_the_longest_texts_are_kept_whole(made: Rig) -> None:
    """Lengths count code points: 4000 characters outside the BMP fit, nothing is trimmed or escaped."""
    fields: dict[str, Any] = {
        "title": " " + "𠮷" * 98 + " ",
        "content": "👍" * 3990 + "<b>&\t\r\n\u2028\ufeff",
        "address": "址" * 200,
        "callUnit": "位" * 100,
        "contact": {"name": "名" * 50, "phone": "+86-139-0000-0001-00", "secret": True},
        "villageCode": "371103103205",
    }
    detail = made.caller.detail(post(made, **fields).data["callNo"])
    assert {name: detail[name] for name in fields} == fields


def test_empty_optionals_are_stored_as_null(made: Rig) -> None:
    """ "" and null in an optional member are null; unknown members are ignored; secret defaults to false."""
    answer = post(
        made, villageCode="", address="", contact={"name": "", "phone": "", "secret": None, "x": 1}, lng=None, lat=None,
        fileIds=None, unknown=["anything"],
    )  # fmt: skip
    detail = made.caller.detail(answer.data["callNo"])
    assert detail["contact"] == {"name": None, "phone": None, "secret": False}
    assert [detail[name] for name in ("villageCode", "address", "lng", "lat")] == [None] * 4
    absent = made.caller.detail(post(made, contact=None).data["callNo"])
    assert absent["contact"] == detail["contact"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("119.2345675", 119.234568),
        ("119.2345674999", 119.234567),
        ("119", 119),
        ("1.1923456749e2", 119.234567),
        ("136.0", 136),
    ],
)
def test_degrees_are_rounded_half_up(made: Rig, sent: str, kept: float) -> None:
    """To 6 decimals, on the digits sent, not on their binary image."""
    body = compact(new_call(lat=35)).replace(b'"lat":35', b'"lat":35,"lng":' + sent.encode())
    call_no = made.caller.call("POST", "/api/calls", body).data["callNo"]
    assert made.caller.detail(call_no)["lng"] == kept


def test_towns_are_checked_for_form_only(made: Rig) -> None:
    """Any county's town is taken; its name is null where the platform's lists know none."""
    far = made.caller.detail(post(made, townCode="371121001", villageCode="371121001999").data["callNo"])
    near = made.caller.detail(post(made, townCode="371103102").data["callNo"])
    assert (far["townName"], near["townName"]) == (None, "巨峰镇")


def test_call_numbers_follow_the_local_day(made: Rig) -> None:
    """LS + yyMMdd + serial of the day, in Rizhao's zone; a refused create takes no number."""
    made.clock.now = 1793116799.999  # 2026-10-27 23:59:59.999
    made.caller.get_token()
    last = post(made).data["callNo"]
    assert last.startswith("LS261027")
    made.clock.now += 0.001
    post(made, title="")
    first = post(made).data
    assert (first["callNo"], first["createTime"], first["updateTime"]) == (
        "LS261028000001",
        made.clock.ms,
        made.clock.ms,
    )
    assert post(made).data["callNo"] == "LS261028000002"


def test_outer_numbers_are_unique_per_app_for_ever(made: Rig) -> None:
    """Also after CANCEL; nothing is changed; another app may use the same."""
    body = new_call()
    call_no = made.caller.call("POST", "/api/calls", body).data["callNo"]
    made.tell("clerks/act", callNo=call_no, action="CANCEL")
    before = made.caller.detail(call_no)
    answer = made.caller.call("POST", "/api/calls", body | {"title": "另一个题目"})
    assert (answer.code, answer.data) == ("4009", {"callNo": call_no})
    assert made.caller.detail(call_no) == before
    made.tell("apps", appKey="LSAPP0007", appSecret="another-secret-00000")
    other = made.worker("LSAPP0007", "another-secret-00000")
    other.get_token()
    assert other.call("POST", "/api/calls", body).data["callNo"] != call_no


def test_the_first_entry(made: Rig) -> None:
    """CREATE by the app key, without department, at createTime."""
    data = post(made).data
    (entry,) = made.caller.detail(data["callNo"])["timeline"]
    wanted = {"seq": 1, "action": "CREATE", "fromStatus": None, "toStatus": "PENDING", "opinion": None}
    wanted |= {"operator": "LSAPP0001", "deptCode": None, "operateTime": data["createTime"]}
    assert entry.items() >= wanted.items()

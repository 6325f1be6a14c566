"""The error table of the grid adapter: each sample and each HTTP answer, for reads and for writes."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest

from adapters.errors import (
    BrokenReply,
    ConfigError,
    Missing,
    OutcomeUnknown,
    Outdated,
    Refused,
    Unavailable,
    WireError,
)  # fmt: skip
from adapters.grid.adapter import build
from adapters.port import Ability, Connection, FileOut, FileRef, Files, Findable, Surroundings, Updatable
from tests.unit.adapters.grid_server import (
    CASES,
    PASSWORD,
    Clock,
    Door,
    Said,
    adapter,
    answer,
    sample,
)  # fmt: skip

HTML = b"<html><head><title>502 Bad Gateway</title></head></html>"
UPDATE = {"stage": "09", "handler": "x", "opinion": "o"}


def fails(said: Said, operation: str, clock: Clock | None = None) -> WireError:
    """The error of one operation whose every answer is `said`."""
    clock = clock or Clock()
    with Door(lambda *_: said, clock=clock.now) as door:
        grid = adapter(door.url, clock, attempts=3)
        with pytest.raises(WireError) as caught:
            match operation:
                case "reportEvent":
                    grid.create({"title": "t"}, "ref-1")
                case "updateEvent":
                    grid.update("DG2026102600017", UPDATE, "ref-1")
                case "getEvent":
                    grid.client.get("DG2026102600017")
                case "findBySourceId":
                    grid.find("ref-1", clock.at)
                case "getAttachment":
                    grid.read_file(FileRef("DG2026102600017", "AT1"))
                case _:
                    list(grid.pull(None))
    error = caught.value
    assert PASSWORD not in str(error) and f"donggang {operation}" in str(error)
    assert error.remedy and any("\u4e00" <= character <= "\u9fff" for character in error.what)
    again = type(error) is Unavailable
    assert len(door.asked) == (3 if again else 1) and len(clock.slept) == (2 if again else 0)
    return error


def coded(operation: str, code: int, message: str) -> Said:
    return Said(answer(operation, "", code, message))


@pytest.mark.parametrize(
    ("said", "operation", "kind", "code"),
    [
        (Said(sample("error-1001.getEvent.response.xml")), "getEvent", ConfigError, "1001"),
        (Said(sample("error-1002.reportEvent.response.xml")), "reportEvent", ConfigError, "1002"),
        (Said(sample("error-2001.updateEvent.response.xml")), "updateEvent", Refused, "2001"),
        (Said(sample("error-2002.getEvent.response.xml")), "getEvent", Missing, "2002"),
        (coded("updateEvent", 2002, "事件不存在：x"), "updateEvent", Missing, "2002"),
        (coded("getAttachment", 2002, "附件不存在：x"), "getAttachment", Missing, "2002"),
        (Said(sample("error-2003.updateEvent.response.xml")), "updateEvent", Outdated, "2003"),
        (Said(sample("error-9001.queryEvents.response.xml")), "queryEvents", Unavailable, "9001"),
        (coded("reportEvent", 9001, "系统繁忙，请稍后再试"), "reportEvent", Unavailable, "9001"),
        (Said(sample("error-9999.reportEvent.response.xml")), "reportEvent", OutcomeUnknown, "9999"),
        (coded("queryEvents", 9999, "系统内部错误"), "queryEvents", Unavailable, "9999"),
        (coded("queryEvents", 2001, "参数错误[pageSize]：超出范围"), "queryEvents", ConfigError, "2001"),
        (coded("findBySourceId", 2001, "参数错误[sourceId]：长度超过64"), "findBySourceId", Refused, "2001"),
        (coded("queryEvents", 7, "?"), "queryEvents", BrokenReply, "7"),
        (coded("updateEvent", -1, "?"), "updateEvent", OutcomeUnknown, "-1"),
        *[(Said(sample("fault-Client.xml"), 500), operation, kind, "Client")
          for operation, kind in (("reportEvent", Refused), ("queryEvents", BrokenReply))],
        *[(Said(sample("fault-Server.xml"), 500), operation, kind, "Server")
          for operation, kind in (("updateEvent", OutcomeUnknown), ("getEvent", Unavailable))],
        *[(Said(sample(f"fault-{name}.xml"), 500), operation, ConfigError, name)
          for name in ("FailedAuthentication", "InvalidSecurity", "MustUnderstand", "VersionMismatch")
          for operation in ("reportEvent", "queryEvents")],
    ],
)  # fmt: skip
def test_codes_and_faults(said: Said, operation: str, kind: type[WireError], code: str) -> None:
    """Each code and fault of the contract leads to what is to be done next; only what is certainly not done repeats."""
    error = fails(said, operation)
    assert type(error) is kind and error.code == code


@pytest.mark.parametrize(
    ("status", "read", "write"),
    [
        (200, BrokenReply, OutcomeUnknown), (500, BrokenReply, OutcomeUnknown), (502, Unavailable, OutcomeUnknown),
        (504, Unavailable, OutcomeUnknown), (503, Unavailable, Unavailable), (413, Refused, Refused),
        (404, ConfigError, ConfigError), (405, ConfigError, ConfigError), (415, ConfigError, ConfigError),
        (400, BrokenReply, OutcomeUnknown), (403, BrokenReply, OutcomeUnknown), (204, BrokenReply, OutcomeUnknown),
        (429, BrokenReply, OutcomeUnknown),
    ],
)  # fmt: skip
def test_http_answers(status: int, read: type[WireError], write: type[WireError]) -> None:
    """Only 413 and 503 of a gateway say that nothing was done; a page instead of an answer says nothing at all."""
    said = Said(b"" if status == 204 else HTML, status, {"Content-Type": "text/html"})
    assert type(fails(said, "queryEvents")) is read
    assert type(fails(said, "reportEvent")) is write
    assert type(fails(said, "updateEvent")) is write
    error = fails(said, "getEvent")
    if isinstance(error, BrokenReply):
        assert error.raw == said.body


def test_a_success_under_http_500_is_not_believed() -> None:
    """HTTP 500 belongs to faults: with a resultCode the two parts contradict each other."""
    assert type(fails(Said(sample("reportEvent.response.xml"), 500), "reportEvent")) is OutcomeUnknown


def test_refused_names_the_field() -> None:
    """2001: the field stands in resultMsg."""
    error = fails(Said(sample("error-2001.updateEvent.response.xml")), "updateEvent")
    assert isinstance(error, Refused) and error.field == "opinion" and "长度超过500" in str(error)


def test_authentication_names_login_and_clock() -> None:
    """A refused token may be the clock's fault: login and measured skew are told, the password never."""
    error = fails(Said(sample("fault-FailedAuthentication.xml"), 500), "queryEvents")
    assert "huying_dg" in str(error) and "+0 s" in str(error)


def test_retry_after_of_503_is_kept() -> None:
    """The platform's own wish is waited for."""
    clock = Clock()
    error = fails(Said(HTML, 503, {"Retry-After": "3"}), "reportEvent", clock)
    assert isinstance(error, Unavailable) and error.retry_after == 3.0 and clock.slept == [3.0, 3.0]


def test_busy_once_then_done() -> None:
    """9001 is certainly not carried out: the write is sent again, with another token."""
    answers = [Said(answer("reportEvent", "", 9001, "系统繁忙，请稍后再试")), Said(sample("reportEvent.response.xml"))]
    with Door(lambda *_: answers.pop(0)) as door:
        assert adapter(door.url).create({"title": "t"}, "r").native_id == "DG2026102600018"
    assert len({body for _, body, _, _ in door.asked}) == 2


@pytest.mark.parametrize(
    "inner",
    ["", "<ev:eventId/>", '<ev:eventId xsi:nil="true"/>', "<ev:eventId> </ev:eventId>", "<ev:eventId>DG1</ev:eventId>",
     "<ev:eventId>DG2026102600018x</ev:eventId>", "<ev:eventId>DG２０２６１０２６０００１８</ev:eventId>",
     "<ev:eventId>DG2026102600018</ev:eventId><ev:eventId>DG2026102600019</ev:eventId>"],
)  # fmt: skip
def test_accepted_without_a_proper_number_is_unknown(inner: str) -> None:
    """resultCode 0 is a success only with an eventId of the agreed form."""
    assert type(fails(Said(answer("reportEvent", inner)), "reportEvent")) is OutcomeUnknown


def test_c19_grid_body() -> None:
    """C19: HTTP 200 with a bare response and no eventId is no success."""
    rows = json.loads((CASES / "C19-200-bodies.json").read_text())
    bodies = [row["body"] for row in rows if row["platform"] == "grid"]
    assert len(bodies) == 1
    for body in bodies:
        assert type(fails(Said(body.encode()), "reportEvent")) is OutcomeUnknown


def test_foreign_answers_are_never_ours() -> None:
    """C15: an answer about another event, source or operation is not taken."""
    assert type(fails(Said(sample("getEvent.response.xml").replace(b"00017", b"00018")), "getEvent")) is BrokenReply
    assert type(fails(Said(sample("findBySourceId.response.xml")), "findBySourceId")) is BrokenReply
    assert type(fails(Said(sample("reportEvent.response.xml")), "updateEvent")) is OutcomeUnknown
    assert type(fails(Said(sample("updateEvent.response.xml")), "reportEvent")) is OutcomeUnknown


def test_a_lost_wrapper_is_not_none() -> None:
    """findBySourceId without its events element is broken: taken for "none" it would lead to a second create."""
    assert type(fails(Said(answer("findBySourceId", "")), "findBySourceId")) is BrokenReply


def test_nobody_listens() -> None:
    """A connection that was never made is Unavailable for a write too, and was tried again."""
    with Door(lambda *_: Said(b"")) as door:
        pass
    clock = Clock()
    with pytest.raises(Unavailable):
        adapter(door.url, clock, attempts=3).create({"title": "t"}, "r")
    assert len(clock.slept) == 2


def test_find_none_one_several() -> None:
    """None, the event, or the first by eventId with the others named."""
    one = "<ev:event><ev:eventId>DG202610260000{}</ev:eventId><ev:sourceId>r</ev:sourceId></ev:event>"
    several = answer("findBySourceId", f"<ev:events>{''.join(one.format(n) for n in (3, 1, 2))}</ev:events>")
    replies = [sample("findBySourceId.none.response.xml"), several]
    with Door(lambda *_: Said(replies.pop(0))) as door:
        grid, since = adapter(door.url), Clock().at
        assert grid.find("r", since) is None
        found = grid.find("r", since)
    assert found and found.native_id == "DG2026102600001"
    assert "DG2026102600002, DG2026102600003" in found.damage[0]
    with Door(lambda *_: Said(sample("findBySourceId.response.xml"))) as door:
        found = adapter(door.url).find("5b0f3a52-6a0e-5c1b-9a57-0c6f6b1d2e11", since)
    assert found and found.native_id == "DG2026102600018" and found.damage == ()


def test_fetch_and_files() -> None:
    """2002 is None; a file is decoded, its size compared; a file alone goes as a same-stage entry."""
    replies = {
        "getEvent": sample("getEvent.response.xml"), "getAttachment": sample("getAttachment.response.xml"),
        "updateEvent": sample("updateEvent.response.xml"),
    }  # fmt: skip
    with Door(lambda operation, _: Said(replies[operation])) as door:
        grid = adapter(door.url, file_handler="呼应")
        record = grid.fetch("DG2026102600017")
        assert record and record.version == "" and not record.partial and record.digest == ""
        content = grid.read_file(FileRef("DG2026102600017", "AT1", size=69))
        data = content.read()
        assert getattr(content, "media_type", "") == "image/png"
        assert len(data) == 69 and data.startswith(b"\x89PNG")
        with pytest.raises(BrokenReply):
            grid.read_file(FileRef("DG2026102600017", "AT1", size=70))
        file = FileOut("现场.png", "image/png", 69)
        receipt = grid.write_file("DG2026102600017", file, io.BytesIO(data), "hy-1#1.0")
        assert receipt.native_id == "DG2026102600017"
        with pytest.raises(Refused):
            grid.write_file("DG2026102600017", file, io.BytesIO(data + b"x"), "hy-1#1.0")
        replies["getEvent"] = sample("error-2002.getEvent.response.xml")
        assert grid.fetch("DG2026102600017") is None
        with pytest.raises(Missing):
            grid.write_file("DG2026102600017", file, io.BytesIO(data), "hy-1#1.0")
    (sent,) = [body.decode() for operation, body, _, _ in door.asked if operation == "updateEvent"]
    for part in (":stage>08<", ":opinion>【附件】现场.png<", ":handler>呼应<", ":name>现场.png<", ":mime>image/png<"):
        assert part in sent


def test_bad_settings_are_listed_all_at_once() -> None:
    """Every wrong key with what was found and what is allowed; a connection without login too."""
    world = Surroundings(now=Clock().now, random_bytes=bytes, sleep=lambda _: None, state=CASES)
    with pytest.raises(ConfigError) as caught:
        build("dg", {"page_size": 500, "colour": 1, "start": "2026-03-02T09:00:00", "event_id_pattern": "("},
              Connection("c", "http://x", "a", "b"), world)  # fmt: skip
    for part in ("page_size = 500", "colour", "start", "event_id_pattern", "less than or equal to 200"):
        assert part in str(caught.value)
    with pytest.raises(ConfigError):
        build("dg", {}, Connection("c", "http://x", "", "b"), world)


def test_protocols_and_abilities() -> None:
    """The abilities are those of the protocols that are fulfilled, and those of the manifest."""
    import tomllib

    from tests.unit.adapters.grid_server import ROOT

    grid = adapter("http://127.0.0.1:1", processing_seconds=12)
    assert isinstance(grid, Updatable) and isinstance(grid, Findable) and isinstance(grid, Files)
    assert grid.processing == timedelta(seconds=12)
    manifest = tomllib.loads((ROOT / "adapters" / "grid" / "manifest.toml").read_text())
    assert {Ability(name) for name in manifest["abilities"]} == grid.abilities

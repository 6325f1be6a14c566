"""Writes and single reads of the government adapter: what each answer proves, and no more."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import BrokenReply, ConfigError, Missing, OutcomeUnknown, Outdated, Refused, Unavailable
from adapters.port import Ability, Files, Findable, Updatable
from tests.unit.adapters.government_ground import (
    BASE,
    CASES,
    CONTRACT,
    Asked,
    World,
    adapter,
    envelope,
    reply,
    running,
)  # fmt: skip

BODIES = json.loads((CASES / "C19-200-bodies.json").read_text("utf-8"))
C19 = [case for case in BODIES if case["platform"] == "government"]
CALL = "LS261026000017"
ACTION = {"action": "ACCEPT", "opinion": None, "operator": "受理员02", "deptCode": "LS001", "operateTime": BASE}


def sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CONTRACT / f"samples/{name}.json").read_text("utf-8"))["exchanges"][-1]
    return found


def answering(given: Any) -> Any:
    return lambda asked: None if asked.path == "/api/auth/token" else given


def replayed(name: str) -> Any:
    """The sample's answer, to whatever is asked."""
    response = sample(name)["response"]
    text = json.dumps(response["body"], ensure_ascii=False) if "body" in response else response["bodyText"]
    return answering(reply(response["status"], text.encode(), response["headers"].get("Content-Type", "")))


def sent_body(name: str) -> dict[str, Any]:
    body: dict[str, Any] = sample(name)["request"]["body"]
    return body


def test_abilities(tmp_path: Path) -> None:
    """The protocols it claims are the ones it has."""
    government = adapter("http://127.0.0.1:9", World(), tmp_path)
    assert isinstance(government, Updatable) and isinstance(government, Findable) and isinstance(government, Files)
    assert government.abilities == {
        Ability.FIND, Ability.IDEMPOTENT_CREATE, Ability.IDEMPOTENT_UPDATE, Ability.UPDATE, Ability.FILES, Ability.LIST,
    }  # fmt: skip
    assert government.processing.total_seconds() == 30


def test_create(tmp_path: Path) -> None:
    """0000 with a number is a receipt; what was sent is the body, to the byte, and once."""
    world, body = World(), sent_body("create")
    with running(replayed("create"), lambda: world.now) as tiny:
        receipt = adapter(tiny.url, world, tmp_path).create(body, body["outerNo"])
        (asked,) = [asked for asked in tiny.log if asked.path == "/api/calls"]
    assert (receipt.native_id, receipt.already, receipt.status, receipt.notes) == (CALL, False, "PENDING", ())
    assert asked.body == json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def test_create_again(tmp_path: Path) -> None:
    """4009 is success: the existing number is adopted."""
    world, body = World(), sent_body("create-duplicate")
    with running(replayed("create-duplicate"), lambda: world.now) as tiny:
        receipt = adapter(tiny.url, world, tmp_path).create(body, body["outerNo"])
    assert (receipt.native_id, receipt.already) == (CALL, True)


@pytest.mark.parametrize("case", C19, ids=[case["expect"][:24] for case in C19])
def test_success_only_with_code_and_number(tmp_path: Path, case: dict[str, Any]) -> None:
    """C19: HTTP 200 with a success that is none, sent once: the outcome is unknown. The same to a read is broken."""
    world = World()
    given = reply(case["http"], case["body"].encode(), case["content_type"])
    with running(answering(given), lambda: world.now) as tiny:
        government = adapter(tiny.url, world, tmp_path)
        with pytest.raises(OutcomeUnknown):
            government.create({"outerNo": "r"}, "r")
        with pytest.raises(OutcomeUnknown):
            government.update(CALL, ACTION, "r")
        assert tiny.count("/api/calls") == 2
        with pytest.raises((BrokenReply, Unavailable)):
            government.fetch(CALL)


@pytest.mark.parametrize(
    "given",
    [
        envelope("9999"), envelope("0000", None), envelope("0000", []), envelope("0000", {"callNo": 7}),
        envelope("0000", {"callNo": "LS/../x"}), envelope("4009", None), envelope("0"), envelope(None), envelope(True),
        reply(502, b"<html>", "text/html"), reply(503), reply(504), reply(500, b'{"code":"0000"}'), reply(404, b"x"),
        reply(200, b'{"code":"0000","msg":"ok","data":{"callNo":"LS2610260'), reply(200, b"[]"), reply(200, b"1"),
    ],
)  # fmt: skip
def test_answers_that_settle_nothing(tmp_path: Path, given: Any) -> None:
    """Unknown codes, gateways, cut bodies, a success without a number: unknown, and sent once."""
    world = World()
    with running(answering(given), lambda: world.now) as tiny:
        with pytest.raises(OutcomeUnknown) as caught:
            adapter(tiny.url, world, tmp_path).create({"outerNo": "r"}, "r")
        assert tiny.count("/api/calls") == 1
    assert "create r" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "named"),
    [("create-unknown-item", "itemCode"), ("create-masked-phone", "contact.phone"), ("create-file-used", "fileIds[0]")],
)
def test_refused(tmp_path: Path, name: str, named: str) -> None:
    """4022 names the field; a person must look."""
    world, body = World(), sent_body(name)
    with running(replayed(name), lambda: world.now) as tiny, pytest.raises(Refused) as caught:
        adapter(tiny.url, world, tmp_path).create(body, body["outerNo"])
    assert (caught.value.field, caught.value.code) == (named, "4022")
    assert not isinstance(caught.value, Outdated | Missing)


def test_too_large(tmp_path: Path) -> None:
    """413 was not processed: refused."""
    world = World()
    with running(replayed("gateway-413"), lambda: world.now) as tiny, pytest.raises(Refused):
        adapter(tiny.url, world, tmp_path).create({"outerNo": "r"}, "r")


def test_the_reference_must_be_in_the_body(tmp_path: Path) -> None:
    """Without our outerNo a repeated create would not be recognised: nothing is sent."""
    world = World()
    with running(answering(None), lambda: world.now) as tiny:
        for body, reference in (({}, "r"), ({"outerNo": "other"}, "r"), ({"outerNo": "r\x00"}, "r\x00")):
            with pytest.raises(ConfigError, match="outerNo"):
                adapter(tiny.url, world, tmp_path).create(body, reference)
        assert not tiny.log


def test_control_characters_are_taken_out_and_told(tmp_path: Path) -> None:
    """C47: texts lose control characters and lone surrogates, keep TAB LF CR and emoji; each loss is in the notes."""
    given = json.loads((CASES / "C47-outbound.json").read_text("utf-8"))
    body = {"outerNo": "r", "title": given["title"], "content": given["opinion"] + "\t\U0001f6a8\ud800",
            "contact": {"name": "张\x07三", "secret": False}, "tags": ["a\x85"]}  # fmt: skip
    world = World()
    with running(replayed("create"), lambda: world.now) as tiny:
        receipt = adapter(tiny.url, world, tmp_path).create(body, "r")
        sent = json.loads(tiny.log[-1].body)
    assert sent["title"] == "贴自Word的标题" and sent["content"] == "第一行\r\n第二行\t\U0001f6a8"
    assert sent["contact"] == {"name": "张三", "secret": False} and sent["tags"] == ["a"]
    assert [note.split("：")[0] for note in receipt.notes] == ["title", "content", "contact.name", "tags[0]"]


@pytest.mark.parametrize("value", [datetime(2026, 3, 2), object(), {1, 2}, 2**70])
def test_what_json_cannot_say(tmp_path: Path, value: Any) -> None:
    """A value of no JSON form is refused here, not guessed."""
    with pytest.raises(Refused, match="JSON"):
        adapter("http://127.0.0.1:9", World(), tmp_path).create({"outerNo": "r", "lng": value}, "r")


def test_update(tmp_path: Path) -> None:
    """The entry's seq and the status now; again the same is the same entry."""
    world = World()
    with running(replayed("action-repeat"), lambda: world.now) as tiny:
        receipt = adapter(tiny.url, world, tmp_path).update(CALL, sent_body("action-repeat"), "r")
        assert tiny.log[-1].target == f"/api/calls/{CALL}/actions"
    assert (receipt.native_id, receipt.entry, receipt.status) == (CALL, "3", "RATED")


@pytest.mark.parametrize(
    ("name", "error", "named"),
    [("action-illegal", Outdated, "action"), ("action-bad-limit", Outdated, "limitTime"),
     ("action-unknown-dept", Refused, "deptCode"), ("call-not-found", Missing, ""), ("internal", OutcomeUnknown, ""),
     ("gateway-502", OutcomeUnknown, ""), ("forbidden", ConfigError, "")],
)  # fmt: skip
def test_update_refused(tmp_path: Path, name: str, error: type[Exception], named: str) -> None:
    """A status or a limit that forbids it is outdated; a field is refused; no such call is missing; 5000 and 502 are unknown."""
    world = World()
    with running(replayed(name), lambda: world.now) as tiny:
        with pytest.raises(error) as caught:
            adapter(tiny.url, world, tmp_path).update(CALL, ACTION, "ref-7")
        assert tiny.count("/api/calls") == 1
    assert type(caught.value) is error and CALL in str(caught.value)
    assert getattr(caught.value, "field", "") == named


def test_no_such_action_is_not_outdated(tmp_path: Path) -> None:
    """4022 [action] on a word that is no action of the contract is the mapping's fault, not the status's."""
    world = World()
    given = envelope("4022", msg="参数错误[action]：取值不正确")
    with running(answering(given), lambda: world.now) as tiny, pytest.raises(Refused) as caught:
        adapter(tiny.url, world, tmp_path).update(CALL, {**ACTION, "action": "RECALL"}, "r")
    assert type(caught.value) is Refused and caught.value.field == "action"


@pytest.mark.parametrize("behind", [310, 400, 86_400])
def test_an_operation_waits_for_a_slow_platform(tmp_path: Path, behind: int) -> None:
    """An operateTime over 5 min ahead of the platform's clock (section 6) is nobody's mistake: it is put off, never
    refused for good, and told unchanged later, since (action, operateTime, operator) names it."""
    world = World()

    def clock() -> datetime:
        return world.now - timedelta(seconds=behind)

    def respond(asked: Asked) -> Any:
        if asked.path == "/api/auth/token":
            return None
        if abs(int(asked.headers["x-timestamp"]) - clock().timestamp() * 1000) > 300_000:
            return reply(401, json.dumps(envelope("4012", msg="时间戳超出允许范围")).encode())
        if json.loads(asked.body)["operateTime"] > clock().timestamp() * 1000 + 300_000:
            return envelope("4022", msg="参数错误[operateTime]：不得晚于平台时间5分钟以上")
        return envelope(data={"callNo": CALL, "status": "ACCEPTED", "updateTime": BASE, "seq": 2})

    action = {**ACTION, "operateTime": int(world.now.timestamp() * 1000)}
    with running(respond, clock) as tiny:
        government = adapter(tiny.url, world, tmp_path)
        with pytest.raises(Unavailable, match="时钟") as caught:
            government.update(CALL, action, "r")
        assert caught.value.retry_after == min(300, behind - 298)
        world.sleep(behind - 298)
        assert government.update(CALL, action, "r").entry == "2"
        assert json.loads(tiny.log[-1].body) == action


@pytest.mark.parametrize(("name", "typed", "sent"), [
    ("operateTime", "2016-11-30T08:00:00.001+08:00", "2020-01-01T08:00:00.001+08:00"),
    ("limitTime", "2999-12-31T23:59:59+08:00", "2099-12-31T23:59:59+08:00"),
])  # fmt: skip
def test_a_year_typed_wrong(tmp_path: Path, name: str, typed: str, sent: str) -> None:
    """The schema takes times of 2020 to 2100: one that a clerk elsewhere typed otherwise is told on the nearest day, with
    a note, always alike; a millisecond later stays a millisecond later."""
    world = World()
    at, expected = (round(datetime.fromisoformat(one).timestamp() * 1000) for one in (typed, sent))
    with running(replayed("action-repeat"), lambda: world.now) as tiny:
        government = adapter(tiny.url, world, tmp_path)
        for more in (0, 0, 1):
            receipt = government.update(CALL, {**ACTION, name: at + more}, "r")
            assert json.loads(tiny.log[-1].body)[name] == expected + more
            assert name in receipt.notes[0]


@pytest.mark.parametrize(
    "data",
    [{"callNo": "LS261026000018", "status": "RATED", "seq": 3}, {"callNo": CALL, "status": "RATED"},
     {"callNo": CALL, "status": "RATED", "seq": "3"}, {"callNo": CALL, "seq": 3}, None],
)  # fmt: skip
def test_an_answer_about_something_else(tmp_path: Path, data: Any) -> None:
    """C15: an answer that names another call, or no entry, is not taken for ours."""
    world = World()
    with running(answering(envelope(data=data)), lambda: world.now) as tiny, pytest.raises(OutcomeUnknown):
        adapter(tiny.url, world, tmp_path).update(CALL, ACTION, "r")


def test_fetch(tmp_path: Path) -> None:
    """The whole call: its bytes, version, and a digest that the answer's traceId does not change."""
    world, digests = World(), set()
    for trace in ("a" * 32, "b" * 32):
        given = {**sample("detail")["response"]["body"], "traceId": trace}
        with running(answering(given), lambda: world.now) as tiny:
            record = adapter(tiny.url, world, tmp_path / trace).fetch(CALL)
        assert record is not None and record.native_id == CALL and not record.partial and not record.damage
        assert json.loads(record.raw) == given and record.body == given["data"]
        assert record.version == str(given["data"]["updateTime"])
        digests.add(record.identity)
    given["data"]["title"] += "。"
    with running(answering(given), lambda: world.now) as tiny:
        changed = adapter(tiny.url, world, tmp_path).fetch(CALL)
    assert len(digests) == 1 and changed is not None and changed.identity not in digests


def test_fetch_of_nothing(tmp_path: Path) -> None:
    """4004 is None; what can be no callNo is None without asking, however it is written."""
    world = World()
    with running(replayed("call-not-found"), lambda: world.now) as tiny:
        government = adapter(tiny.url, world, tmp_path)
        assert government.fetch("LS261026999999") is None
        asked = len(tiny.log)
        for odd in ("", "..", "a/b", "LS?x=1", "编号", "x" * 65):
            assert government.fetch(odd) is None
            with pytest.raises(Missing):
                government.update(odd, ACTION, "r")
        assert len(tiny.log) == asked


def test_fetch_of_another(tmp_path: Path) -> None:
    """C15: the answer to another question is a broken reply."""
    world = World()
    given = sample("detail")["response"]["body"]
    with running(answering(given), lambda: world.now) as tiny, pytest.raises(BrokenReply) as caught:
        adapter(tiny.url, world, tmp_path).fetch("LS261026000018")
    assert caught.value.raw


@pytest.mark.parametrize("given", [envelope("5000"), reply(502, b"<html>", "text/html"), reply(503), reply(504)])
def test_reads_are_tried_again(tmp_path: Path, given: Any) -> None:
    """5000, 502, 503, 504 to a read: asked again, then unavailable."""
    world = World()
    answers = [given, given, sample("detail")["response"]["body"], *[given] * 4]

    def respond(asked: Asked) -> Any:
        return None if asked.path == "/api/auth/token" else answers.pop(0)

    with running(respond, lambda: world.now) as tiny:
        government = adapter(tiny.url, world, tmp_path)
        assert government.fetch(CALL) is not None
        with pytest.raises(Unavailable):
            government.fetch(CALL)
    assert not answers

"""The order of checks, tokens, nonces, limits and what the gateway answers (contract sections 1 to 4)."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.sandbox.government_client import SECRET, Rig, compact, new_call, rig


@pytest.fixture
def made() -> Iterator[Rig]:
    with rig() as one:
        yield one


@pytest.mark.parametrize("header", ["X-App-Key", "X-Timestamp", "X-Nonce", "X-Sign"])
@pytest.mark.parametrize("value", [None, "", "坏", "short"])
def test_each_signature_header_is_needed(made: Rig, header: str, value: str | None) -> None:
    """A missing or misshapen signature header is 4012, before the token is looked at."""
    made.caller.token = "0" * 64
    assert made.caller.call("GET", "/api/calls", change={header: value}).status == 401


def test_a_header_twice_is_refused(made: Rig) -> None:
    """Each header comes once."""
    headers = list(made.caller.signature("GET", "/api/calls", b"").items())
    assert made.caller.wire("GET", "/api/calls", [*headers, headers[3]]).code == "4012"
    assert made.caller.wire("GET", "/api/calls", [*headers, headers[1]]).code == "4010"


def test_header_names_are_case_insensitive(made: Rig) -> None:
    """x-sign is X-Sign."""
    headers = made.caller.signature("GET", "/api/calls", b"")
    assert (
        made.caller.wire("GET", "/api/calls", [(name.lower(), value) for name, value in headers.items()]).code == "0000"
    )


@pytest.mark.parametrize(
    ("ahead_ms", "passes"), [(300_000, True), (300_001, False), (-300_000, True), (-300_001, False)]
)
def test_the_clock_window(made: Rig, ahead_ms: int, passes: bool) -> None:
    """Exactly 300 000 ms passes, to both sides."""
    headers = made.caller.signature("GET", "/api/calls", b"", str(made.clock.ms + ahead_ms))
    answer = made.caller.wire("GET", "/api/calls", list(headers.items()))
    assert answer.code == ("0000" if passes else "4012")


def test_4012_comes_before_4010_and_4010_before_everything_else(made: Rig) -> None:
    """Unknown key and bad signature before token; token before unknown path, function and body."""
    made.caller.token = "0" * 64
    assert made.caller.call("GET", "/api/calls", change={"X-App-Key": "LSAPP9999"}).code == "4012"
    assert made.caller.call("GET", "/api/nowhere", change={"X-Sign": "0" * 64}).code == "4012"
    assert made.caller.call("GET", "/api/nowhere").code == "4010"
    assert made.caller.call("POST", "/api/calls", b"no json").code == "4010"
    assert made.caller.call("GET", "/api/calls", change={"X-Token": None}).code == "4010"
    made.tell("settings", burst=0)
    assert made.caller.call("GET", "/api/calls").code == "4010"


def test_limit_then_function_then_body_then_call(made: Rig) -> None:
    """4029, 4003, 4022, 4004 in this order."""
    made.tell("settings", burst=0)
    made.tell("apps", appKey="LSAPP0001", functions=[])
    target = "/api/calls/LS261026999999/actions"
    assert made.caller.call("POST", target, b"no json").code == "4029"
    made.tell("settings", burst=100)
    answer = made.caller.call("POST", target, b"no json")
    assert (answer.code, answer.json["msg"]) == ("4003", "应用无权调用call:action")
    made.tell("apps", appKey="LSAPP0001", functions=["call:action"])
    assert made.caller.call("POST", target, b"no json").field == "body"
    assert made.caller.act("LS261026999999", "ACCEPT", operator=None).field == "operator"
    assert made.caller.act("LS261026999999", "ACCEPT").code == "4004"


def test_a_repeat_comes_before_status_and_files(made: Rig) -> None:
    """A repeated create is 4009 although its file is used up, but a bad body is 4022 even then."""
    file_id = made.caller.upload().data["fileId"]
    body = new_call(fileIds=[file_id])
    call_no = made.caller.call("POST", "/api/calls", body).data["callNo"]
    again = made.caller.call("POST", "/api/calls", body)
    assert (again.code, again.data) == ("4009", {"callNo": call_no})
    assert made.caller.call("POST", "/api/calls", body | {"title": ""}).field == "title"
    assert made.caller.call("POST", "/api/calls", body | {"outerNo": "other"}).field == "fileIds[0]"


def test_status_then_limit_then_files(made: Rig) -> None:
    """A status that forbids the action is named before its limitTime, that before its files."""
    pending, accepted = made.in_status("PENDING"), made.in_status("ACCEPTED")
    bad = {"deptCode": "LS101", "limitTime": made.clock.ms - 1, "fileIds": ["0" * 32]}
    assert made.caller.act(pending, "DISPATCH", **bad).field == "action"
    assert made.caller.act(accepted, "DISPATCH", **bad).field == "limitTime"
    assert made.caller.act(accepted, "DISPATCH", **bad | {"limitTime": None}).field == "fileIds[0]"
    assert len(made.caller.detail(accepted)["timeline"]) == 2


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET", "/api/nowhere"), ("PUT", "/api/calls"), ("DELETE", "/api/calls/LS1"), ("GET", "/api/calls/"),
     ("GET", "/api/auth/token"), ("POST", "/api/files/x"), ("GET", "/elsewhere")],
)  # fmt: skip
def test_unknown_paths_and_methods(made: Rig, method: str, target: str) -> None:
    """HTTP 200, 4004 接口不存在, for a request that is otherwise right."""
    answer = made.caller.call(method, target)
    assert (answer.status, answer.code, answer.json["msg"]) == (200, "4004", "接口不存在")


def test_a_new_token_voids_the_old_one(made: Rig) -> None:
    """Newest wins, at once; another app's token is no token; use does not prolong."""
    other = made.worker()
    assert made.caller.call("GET", "/api/calls").code == "0000"
    other.get_token()
    assert made.caller.call("GET", "/api/calls").code == "4010"
    assert other.call("GET", "/api/calls").code == "0000"
    made.tell("apps", appKey="LSAPP0003", appSecret=SECRET)
    stranger = made.worker("LSAPP0003")
    stranger.get_token()
    assert other.call("GET", "/api/calls").code == "0000"
    stranger.token = other.token
    assert stranger.call("GET", "/api/calls").code == "4010"
    made.clock.now += 7199.999
    assert other.call("GET", "/api/calls").code == "0000"
    made.clock.now += 0.001
    assert other.call("GET", "/api/calls").code == "4010"


def test_a_token_lost_on_the_way_voids_too(made: Rig) -> None:
    """The old token is void although the new one never arrived."""
    made.fault("lost", operation="createToken")
    worker = made.worker()
    with pytest.raises(OSError):
        worker.get_token()
    assert made.caller.call("GET", "/api/calls").code == "4010"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[]", "4022"),
        (b"", "4022"),
        (b'{"appKey":"LSAPP0001"}', "4022"),
        (b'{"appKey":1,"appSecret":"0123456789abcdef"}', "4022"),
        (b'{"appKey":"abc","appSecret":"0123456789abcdef"}', "4022"),
        (b'{"appKey":"LSAPP0001","appSecret":"short"}', "4022"),
        (b'{"appKey":"NOBODY","appSecret":"0123456789abcdef"}', "4012"),
        (b'{"appKey":"LSAPP0009","appSecret":"0123456789abcdef"}', "4012"),
        (b'{"appKey":"LSAPP0009","appSecret":"fedcba9876543210"}', "4003"),
    ],
)
def test_the_token_call_checks_form_then_secret_then_disabled(made: Rig, body: bytes, code: str) -> None:
    """4022, 4012, 4003; wrong signature headers do not matter."""
    made.tell("apps", appKey="LSAPP0009", appSecret="fedcba9876543210", disabled=True)
    headers = [("Content-Type", "application/json"), ("X-Sign", "nonsense")]
    answer = made.caller.wire("POST", "/api/auth/token", headers, body)
    assert (answer.status, answer.code) == (401 if code == "4012" else 200, code)


def test_a_disabled_app_loses_its_functions(made: Rig) -> None:
    """A token got before does not help."""
    made.tell("apps", appKey="LSAPP0001", disabled=True)
    answer = made.caller.call("GET", "/api/calls")
    assert (answer.code, answer.json["msg"]) == ("4003", "应用已停用")


def test_nonces_are_remembered_ten_minutes_per_app(made: Rig) -> None:
    """The same nonce passes for another app, and again after ten minutes."""
    made.tell("apps", appKey="LSAPP0003", appSecret=SECRET)
    other = made.worker("LSAPP0003")
    other.get_token()

    def once(caller: Any, nonce: str) -> str:
        headers = caller.signature("GET", "/api/calls", b"", None, nonce)
        return str(caller.wire("GET", "/api/calls", list(headers.items())).code)

    assert [once(made.caller, "nonce-0001"), once(made.caller, "nonce-0001")] == ["0000", "4012"]
    assert [once(other, "nonce-0001"), once(made.caller, "NONCE-0001")] == ["0000", "0000"]
    made.clock.now += 599.999
    assert once(made.caller, "nonce-0001") == "4012"
    made.clock.now += 0.001
    assert once(made.caller, "nonce-0001") == "0000"


def test_a_nonce_is_used_whatever_follows(made: Rig) -> None:
    """4010, 4029 and 5000 use it up; 4012 does not."""
    for spoil in ({"token": "0" * 64}, {"fault": "4029"}, {"fault": "5000"}):
        if "fault" in spoil:
            made.fault("code", code=spoil["fault"])
        headers = made.caller.signature("GET", "/api/calls", b"")
        first = made.caller.wire(
            "GET", "/api/calls", list((headers | {"X-Token": spoil.get("token", made.caller.token)}).items())
        )
        assert first.code in ("4010", "4029", "5000")
        assert made.caller.wire("GET", "/api/calls", list(headers.items())).json["msg"] == "nonce重复"


def test_the_token_bucket() -> None:
    """40 deep, 20 a second back; refused signatures and tokens are free; retryAfter is whole seconds."""
    with rig(rate=20, burst=40) as made:
        caller = made.caller  # its token call took the first of the 40
        for _ in range(39):
            assert caller.call("GET", "/api/calls").code == "0000"
        assert caller.call("GET", "/api/calls").data == {"retryAfter": 1}
        assert caller.call("GET", "/api/calls", change={"X-Sign": "0" * 64}).code == "4012"
        assert caller.call("GET", "/api/calls", change={"X-Token": "0" * 64}).code == "4010"
        made.clock.now += 0.125
        codes = [caller.call("GET", "/api/calls").code for _ in range(3)]
        assert codes == ["0000", "0000", "4029"]
        assert caller.get_token().code == "4029"
        caller.secret = "wrong-secret-000000"
        assert caller.get_token().code == "4012"
        caller.secret = SECRET
        made.clock.now += 100
        codes = [caller.call("GET", "/api/calls").code for _ in range(41)]
        assert codes == ["0000"] * 40 + ["4029"]
        made.tell("settings", rate=0.1, burst=1)
        assert [caller.call("GET", "/api/calls").code for _ in range(2)] == ["0000", "4029"]
        assert caller.call("GET", "/api/calls").data == {"retryAfter": 10}


def test_the_gateway_counts_by_app_key() -> None:
    """More than 60 within one second: bare 429, and the nonce is not used up."""
    with rig(gateway_rate=60) as made:
        made.clock.now = float(int(made.clock.now) + 1)
        for _ in range(60):
            assert made.caller.call("GET", "/api/calls", change={"X-Sign": "0" * 64}).status == 401
        headers = made.caller.signature("GET", "/api/calls", b"")
        bare = made.caller.wire("GET", "/api/calls", list(headers.items()))
        assert (bare.status, bare.body, bare.headers.get("Content-Type")) == (429, b"", None)
        made.clock.now += 1
        assert made.caller.wire("GET", "/api/calls", list(headers.items())).code == "0000"


def test_faults_with_a_code(made: Rig) -> None:
    """done false: nothing happened; done true: it did, and the repeat shows it."""
    body = new_call()
    made.fault("code", code="5000", operation="createCall", done=False)
    assert made.caller.call("POST", "/api/calls", body).code == "5000"
    assert made.caller.list()["total"] == 0
    made.fault("code", code="5000", operation="createCall", done=True)
    assert made.caller.call("POST", "/api/calls", body).code == "5000"
    assert made.caller.list()["total"] == 1
    assert made.caller.call("POST", "/api/calls", body).code == "4009"
    for code in ("4003", "4010", "4029", "5000"):
        made.fault("code", code=code)
        assert made.caller.call("GET", "/api/calls").code == code


def test_every_answer_tells_the_platforms_clock(made: Rig) -> None:
    """Date follows skew and freeze."""
    made.tell("clock", skew_seconds=90)
    date = made.caller.call("GET", "/api/nowhere").headers["Date"]
    assert parsedate_to_datetime(date).timestamp() == int(made.clock.now + 90)
    made.tell("clock", freeze=1792980000.5)
    date = made.caller.call("GET", "/api/calls").headers["Date"]
    assert parsedate_to_datetime(date).timestamp() == 1792980000


def test_gzip_only_if_asked(made: Rig) -> None:
    """A long JSON answer is compressed for who takes gzip, and only for them."""
    call_no = made.in_status("RATED")
    plain = made.caller.call("GET", f"/api/calls/{call_no}")
    assert "Content-Encoding" not in plain.headers
    packed = made.caller.wire(
        "GET",
        f"/api/calls/{call_no}",
        [
            *made.caller.signature("GET", f"/api/calls/{call_no}", b"").items(),
            ("Accept-Encoding", "deflate, gzip;q=0.5"),
        ],
    )
    assert packed.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.body))["data"] == plain.data


def test_chunked_bodies_are_signed_without_framing(made: Rig) -> None:
    """The signature covers the body after removing chunked framing."""
    body = compact(new_call())
    headers = [*made.caller.signature("POST", "/api/calls", body).items(), ("Content-Type", "application/json")]
    framed = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    connection = made.worker()
    connection.wire("GET", "/_sandbox/health")
    inner = connection._connection
    assert inner is not None
    inner.putrequest("POST", "/api/calls", skip_accept_encoding=True)
    for name, value in [*headers, ("Transfer-Encoding", "chunked")]:
        inner.putheader(name, value)
    inner.endheaders(framed)
    assert json.loads(inner.getresponse().read())["code"] == "0000"
    connection.close()


def test_two_creates_at_once(made: Rig) -> None:
    """One of them creates, all others get 4009 with its callNo."""
    body, codes, numbers = new_call(), [], set()
    lock = threading.Lock()

    def create() -> None:
        worker = made.worker()
        worker.token = made.caller.token
        answer = worker.call("POST", "/api/calls", body)
        worker.close()
        with lock:
            codes.append(answer.code)
            numbers.add(answer.data["callNo"])

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["0000"] + ["4009"] * 7
    assert len(numbers) == 1

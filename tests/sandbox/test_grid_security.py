"""WS-Security, SOAP headers and the order of checks (contract §2, §3, §4)."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import pytest

from tests.sandbox.grid_client import (
    BASE64_TYPE,
    CONTRACT,
    Answer,
    Grid,
    GridClient,
    Token,
    created_text,
    digest,
    envelope,
    operation_xml,
    running,
    security,
)

grid = pytest.fixture(running)
# For tests that leave nothing behind.
shared = pytest.fixture(running, scope="module")

READ = operation_xml("getEvent", {"eventId": "DG2026102600001"})
VECTORS = json.loads((CONTRACT.parent / "vectors.json").read_text("utf-8"))["grid_password_digest"]["vectors"]


def outcome(answer: Answer) -> str:
    """The faultcode's local name, or the resultCode."""
    if answer.status == 500:
        found = re.search(rb":(\w+)</faultcode>", answer.body)
        assert found
        return found[1].decode()
    return str(answer.code)


def with_token(grid: Grid, token: Token | str, attributes: str = ' soapenv:mustUnderstand="1"') -> str:
    inner = token if isinstance(token, str) else token.xml()
    return outcome(grid.client.post(envelope(security(inner, attributes), READ)))


@pytest.mark.parametrize("vector", VECTORS)
def test_digest_vectors(grid: Grid, vector: dict[str, str]) -> None:
    """The vectors' digests are accepted; a digest over the undecoded nonce is not."""
    grid.other("vector", vector["password"], "exchange")
    grid.client.act("clock", freeze=datetime.fromisoformat(vector["created"]).timestamp())
    assert digest(bytes.fromhex(vector["nonce_hex"]), vector["created"], vector["password"]) == vector["digest"]
    good = Token(vector["created"], "vector", nonce_text=vector["nonce_base64"], digest_text=vector["digest"])
    if wrong := vector.get("wrong_if_nonce_is_not_decoded"):
        other = Token(vector["created"], "vector", nonce_text=vector["nonce_base64"], digest_text=wrong)
        assert with_token(grid, other) == "FailedAuthentication"
        return
    assert with_token(grid, good) == "2002"
    assert with_token(grid, good) == "FailedAuthentication"


def test_first_vector_is_accepted(grid: Grid) -> None:
    """The vector with the sample password opens the default account's door."""
    grid.hands.at += 0.123
    vector = VECTORS[0]
    token = Token(vector["created"], nonce_text=vector["nonce_base64"], digest_text=vector["digest"])
    assert with_token(grid, token) == "2002"


@pytest.mark.parametrize(
    ("bent", "expected"),
    [
        ({"type_attribute": ' Type="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0'
                            '#PasswordText"'}, "InvalidSecurity"),
        ({"type_attribute": ""}, "InvalidSecurity"),
        ({"encoding_attribute": ""}, "2002"),
        ({"encoding_attribute": f' EncodingType="{BASE64_TYPE}x"'}, "InvalidSecurity"),
        ({"nonce": b"1234567"}, "InvalidSecurity"),
        ({"nonce": b"12345678"}, "2002"),
        ({"nonce": b"n" * 64}, "2002"),
        ({"nonce": b"n" * 65}, "InvalidSecurity"),
        ({"nonce_text": "***"}, "InvalidSecurity"),
        ({"extra": "<wsse:Username>huying_dg</wsse:Username>"}, "InvalidSecurity"),
        ({"extra": "<wsse:Other/>"}, "InvalidSecurity"),
        ({"user": "HUYING_DG"}, "FailedAuthentication"),
        ({"user": "nobody"}, "FailedAuthentication"),
        ({"password": "example-grid-2026"}, "FailedAuthentication"),
    ],
)
def test_token_structure(shared: Grid, bent: dict[str, Any], expected: str) -> None:
    """§2's table: what breaks structure or format is InvalidSecurity, what is merely wrong FailedAuthentication."""
    assert with_token(shared, shared.client.token(**bent)) == expected


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("2026-10-26T01:15:30Z", "2002"), ("2026-10-26T01:15:30.1Z", "2002"), ("2026-10-26T01:15:30.12Z", "2002"),
        ("2026-10-26T01:15:30.1234Z", "InvalidSecurity"), ("2026-10-26T01:15:30.Z", "InvalidSecurity"),
        ("2026-10-26T01:15:30+00:00", "InvalidSecurity"), ("2026-10-26T09:15:30+08:00", "InvalidSecurity"),
        ("2026-10-26T01:15:30", "InvalidSecurity"), ("2026-02-30T01:15:30Z", "InvalidSecurity"),
        (" 2026-10-26T01:15:30Z", "InvalidSecurity"), ("2026-10-26 01:15:30Z", "InvalidSecurity"),
        ("2026-10-26T01:10:30.000Z", "2002"), ("2026-10-26T01:10:29.999Z", "FailedAuthentication"),
        ("2026-10-26T01:16:30.000Z", "2002"), ("2026-10-26T01:16:30.001Z", "FailedAuthentication"),
    ],
)
def test_created(shared: Grid, created: str, expected: str) -> None:
    """Formats 0-3 decimals and Z; 300 s old and 60 s ahead are still accepted, beyond not."""
    assert with_token(shared, shared.client.token(created=created)) == expected


def test_header_structure(grid: Grid) -> None:
    """Exactly one Security with one UsernameToken; a Timestamp is ignored; mustUnderstand 1 or absent."""
    client = grid.client
    stamp = "<wsu:Timestamp><wsu:Created>2001-01-01T00:00:00Z</wsu:Created></wsu:Timestamp>"
    assert with_token(grid, stamp + client.token().xml()) == "2002"
    assert with_token(grid, client.token(), "") == "2002"
    assert with_token(grid, client.token(), ' soapenv:mustUnderstand="0"') == "InvalidSecurity"
    assert with_token(grid, client.token().xml() + client.token().xml()) == "InvalidSecurity"
    assert with_token(grid, "") == "InvalidSecurity"
    twice = security(client.token().xml()) + security(client.token().xml())
    assert outcome(client.post(envelope(twice, READ))) == "InvalidSecurity"
    partial = client.token().xml().replace("<wsu:Created>", "<wsu:Nothing>").replace("</wsu:Created>", "</wsu:Nothing>")
    assert with_token(grid, partial) == "InvalidSecurity"


def test_nonce_is_remembered_even_if_refused(grid: Grid) -> None:
    """A nonce counts as used once its token passed the created check, over all users, for at least 10 minutes."""
    client = grid.client
    other = grid.other("second", "pw", "exchange")
    assert with_token(grid, client.token(nonce=b"nonce-one", password="wrong")) == "FailedAuthentication"
    assert with_token(grid, client.token(nonce=b"nonce-one")) == "FailedAuthentication"
    assert with_token(grid, client.token(nonce=b"nonce-two")) == "2002"
    assert with_token(grid, other.token(nonce=b"nonce-two")) == "FailedAuthentication"
    old = created_text(grid.hands.at - 301)
    assert with_token(grid, client.token(nonce=b"nonce-three", created=old)) == "FailedAuthentication"
    assert with_token(grid, client.token(nonce=b"nonce-three")) == "2002"
    grid.hands.at += 600
    assert with_token(grid, client.token(nonce=b"nonce-three")) == "FailedAuthentication"


def test_order_of_checks(grid: Grid) -> None:
    """A request wrong in every way shows one breach after the other, in the order of §4."""
    client = grid.client
    event_id = client.act("officials/create", stage="06")["eventId"]
    other_ns = "http://www.w3.org/2003/05/soap-envelope"
    stranger = '<x:T xmlns:x="urn:x" soapenv:mustUnderstand="1"/>'
    schema_breach = "<ev:updateEvent><ev:level/></ev:updateEvent>"

    def send(headers: str, body: str, **rest: str) -> str:
        return outcome(client.post(envelope(headers, body, **rest)))

    def update(who: GridClient, members: dict[str, Any]) -> str:
        return outcome(who.call("updateEvent", members))

    assert outcome(client.post(envelope(stranger, schema_breach, other_ns)[:-3])) == "Client"
    assert send(stranger, schema_breach, soap=other_ns) == "VersionMismatch"
    assert send(stranger, schema_breach) == "InvalidSecurity"
    assert send(stranger + security(client.token(password="x").xml()), schema_breach) == "FailedAuthentication"
    assert send(stranger + security(client.token().xml()), schema_breach) == "MustUnderstand"
    assert send(security(client.token().xml()), schema_breach) == "Client"
    disabled = grid.other("disabled", "pw", "disabled")
    client.act("faults", kind="code", code="9001")
    assert update(disabled, {}) == "9001"
    assert update(disabled, {}) == "1001"
    assert grid.other("expired", "pw", "expired").update(event_id, "06").result == (1001, "认证失败：账号已过期")
    reader = grid.other("reader", "pw", "readonly")
    assert reader.call("updateEvent", {}).result == (1002, "没有权限：updateEvent")
    assert outcome(reader.call("getEvent", {"eventId": event_id})) == "0"
    assert update(client, {"eventId": "DG1", "stage": "12"}) == "2001"
    assert update(client, {"eventId": "DG1", "stage": "12", "handler": "王"}) == "2002"
    assert update(client, {"eventId": event_id, "stage": "12", "handler": "王"}) == "2003"
    assert client.call("updateEvent", {"eventId": event_id, "stage": "06", "handler": "王"}).result == (
        2001, "参数错误[opinion]：不能为空")


def test_fault_code_after_the_work(grid: Grid) -> None:
    """Fault kind code with done: the work is carried out, the answer denies it; without done nothing was stored."""
    client = grid.client
    client.act("faults", kind="code", code="9999", operation="reportEvent", done=True)
    assert client.report(sourceId="s1").result == (9999, "系统内部错误")
    client.act("faults", kind="code", code="9999", operation="reportEvent")
    assert client.report(sourceId="s2").result == (9999, "系统内部错误")
    client.act("faults", kind="code", code="fault-Server", operation="reportEvent", done=True)
    assert outcome(client.report(sourceId="s3")) == "Server"
    found = [len(client.call("findBySourceId", {"sourceId": one}).ids()) for one in ("s1", "s2", "s3")]
    assert found == [1, 0, 1]

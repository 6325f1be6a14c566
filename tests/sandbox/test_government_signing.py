"""The stand-in signs as the vectors say, and refuses every known mistake."""

from __future__ import annotations

import base64
import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.government import signing
from tests.sandbox.government_client import CONTRACT, KEY, SECRET, Answer, Rig, rig, sign

VECTORS = json.loads((CONTRACT / "vectors.json").read_text(encoding="utf-8"))
BY_ID = {vector["id"]: vector for vector in VECTORS["signing"]}


def body_of(vector: dict[str, Any]) -> bytes:
    if "bodyBase64" in vector:
        return base64.b64decode(vector["bodyBase64"])
    return str(vector["bodyText"]).encode()


@pytest.fixture(scope="module", params=["", "/lszw"])
def made(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with rig(prefix=request.param) as one:
        yield one


@pytest.fixture(scope="module")
def plain() -> Iterator[Rig]:
    with rig() as one:
        yield one


def send(made: Rig, vector: dict[str, Any], signature: str) -> Answer:
    """The vector's request with `signature`, at its own time, under its own secret and a valid token."""
    made.clock.now = int(vector["timestamp"]) / 1000
    made.tell("apps", appKey=vector["appKey"], appSecret=vector["appSecret"])
    target = vector["target"].removeprefix(vector["basePath"])
    made.caller.secret = vector["appSecret"]
    token = made.caller.wire(
        "POST",
        "/api/auth/token",
        [("Content-Type", "application/json")],
        json.dumps({"appKey": vector["appKey"], "appSecret": vector["appSecret"]}).encode(),
    ).data["token"]
    headers = [("X-App-Key", vector["appKey"]), ("X-Token", token), ("X-Timestamp", vector["timestamp"])]
    headers += [("X-Nonce", vector["nonce"]), ("X-Sign", signature)]
    if vector["contentType"]:
        headers.append(("Content-Type", vector["contentType"]))
    body = body_of(vector)
    return made.caller.wire(vector["method"], target, headers, body if vector["method"] == "POST" else None)


@pytest.mark.parametrize("vector", VECTORS["sm3"], ids=lambda v: v["source"])
def test_sm3(vector: dict[str, str]) -> None:
    """SM3 gives the standard's values."""
    assert signing.sm3_hex(vector["text"].encode()) == vector["sm3"]


@pytest.mark.parametrize("vector", VECTORS["hmacSm3"], ids=lambda v: v["keyHex"][:8])
def test_hmac_sm3(vector: dict[str, str]) -> None:
    """HMAC-SM3 gives the standard's values, keys longer and shorter than a block included."""
    assert signing.hmac_sm3_hex(bytes.fromhex(vector["keyHex"]), bytes.fromhex(vector["dataHex"])) == vector["hmac"]


@pytest.mark.parametrize("vector", VECTORS["signing"], ids=lambda v: v["id"])
def test_the_string_to_sign(vector: dict[str, Any]) -> None:
    """Canonical query, string to sign and signature are the vector's, to the byte."""
    target = vector["target"].removeprefix(vector["basePath"]).encode()
    text = signing.string_to_sign(vector["method"], target, vector["timestamp"], vector["nonce"], body_of(vector))
    assert signing.canonical_query(target.partition(b"?")[2]) == vector["canonicalQuery"]
    assert text == vector["stringToSign"]
    assert signing.sign(vector["appSecret"], text) == vector["sign"]


@pytest.mark.parametrize("vector", VECTORS["signing"], ids=lambda v: v["id"])
def test_a_right_signature_passes(made: Rig, vector: dict[str, Any]) -> None:
    """The server lets each vector through; a second time it is the nonce that is refused."""
    first = send(made, vector, vector["sign"])
    assert first.code not in ("4012", "4010")
    again = send(made, vector, vector["sign"])
    assert (again.status, again.code, again.json["msg"]) == (401, "4012", "nonce重复")


@pytest.mark.parametrize("mistake", VECTORS["mistakes"], ids=lambda m: m["mistake"])
def test_a_mistake_is_refused(plain: Rig, mistake: dict[str, str]) -> None:
    """Signatures made by each known mistake get HTTP 401 and 4012, and their nonce is not remembered."""
    vector = BY_ID[mistake["of"]]
    refused = send(plain, vector, mistake["sign"])
    assert (refused.status, refused.code, refused.json["msg"]) == (401, "4012", "签名校验失败")
    assert send(plain, vector | {"nonce": vector["nonce"] + "x"}, mistake["sign"]).status == 401


def test_a_refused_signature_leaves_its_nonce_free(plain: Rig) -> None:
    """A nonce counts as used only when timestamp and signature were right."""
    plain.tell("apps", appKey=KEY, appSecret=SECRET)
    plain.caller.secret = SECRET
    plain.caller.get_token()
    headers = plain.caller.signature("GET", "/api/calls", b"")
    wrong = plain.caller.wire("GET", "/api/calls", list((headers | {"X-Sign": "0" * 64}).items()))
    assert wrong.code == "4012"
    stale = dict(headers)
    plain.clock.now += 301
    assert plain.caller.wire("GET", "/api/calls", list(stale.items())).json["msg"] == "时间戳超出允许范围"
    plain.clock.now -= 301
    assert plain.caller.wire("GET", "/api/calls", list(headers.items())).code == "0000"
    assert plain.caller.wire("GET", "/api/calls", list(headers.items())).json["msg"] == "nonce重复"


@pytest.mark.parametrize("target", ["/api/calls?a=%zz", "/api/calls?a=%4", "/api/cal%ls", "/api/calls?a=%"])
def test_a_broken_percent_is_refused(plain: Rig, target: str) -> None:
    """A broken % sequence anywhere in the target is 4012, however it was signed."""
    assert plain.caller.call("GET", target).status == 401


def test_raw_bytes_in_the_target_are_refused(plain: Rig) -> None:
    """Raw non-ASCII bytes are 4012, even if their bytes were signed."""
    target = "/api/calls?q=高".encode()
    timestamp, nonce = str(plain.clock.ms), "raw-bytes-1"
    signature = signing.sign(SECRET, signing.string_to_sign("GET", target, timestamp, nonce, b""))
    head = f"X-App-Key: {KEY}\r\nX-Timestamp: {timestamp}\r\nX-Nonce: {nonce}\r\nX-Sign: {signature}\r\n"
    with socket.create_connection(("127.0.0.1", plain.server.port), timeout=10) as raw:
        raw.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + head.encode() + b"\r\n")
        reply = http.client.HTTPResponse(raw)
        reply.begin()
        assert (reply.status, json.loads(reply.read())["code"]) == (401, "4012")
    assert not signing.is_sound("/api/calls?q=高".encode())
    assert signing.is_sound(b"/api/calls?q=%E9%AB%98")


def test_multipart_is_signed_whole(plain: Rig) -> None:
    """The client's own signing agrees with the server's on an upload."""
    plain.caller.secret = SECRET
    plain.tell("apps", appKey=KEY, appSecret=SECRET)
    plain.caller.get_token()
    assert plain.caller.upload(b"\r\n--edg\r\n").code == "0000"
    assert sign(SECRET, "GET", "/api/calls?", "1", "2", b"") == sign(SECRET, "GET", "/api/calls", "1", "2", b"")


def test_a_target_without_the_prefix_never_reaches_the_platform() -> None:
    """Behind a deployment prefix, other paths meet the gateway's own page."""
    with rig(prefix="/lszw") as one:
        answer = one.worker().wire("GET", "/api/calls")
        assert (answer.status, answer.headers["Content-Type"]) == (404, "text/html")

"""Signing, to the byte, against the contract's vectors and its samples."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from adapters.government import signing
from tests.unit.adapters.government_ground import CONTRACT, SECRET

VECTORS = json.loads((CONTRACT / "vectors.json").read_text("utf-8"))
BY_ID = {vector["id"]: vector for vector in VECTORS["signing"]}
ALGORITHMS = {"portable": signing.portable(), "chosen": signing.ALGORITHM}


def body_of(vector: dict[str, Any]) -> bytes:
    if "bodyBase64" in vector:
        return base64.b64decode(vector["bodyBase64"])
    return str(vector["bodyText"]).encode()


def target_of(vector: dict[str, Any]) -> str:
    return str(vector["target"]).removeprefix(vector["basePath"])


@pytest.fixture(params=ALGORITHMS)
def algorithm(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "ALGORITHM", ALGORITHMS[request.param])


@pytest.mark.usefixtures("algorithm")
class TestEachSourceOfSm3:
    @pytest.mark.parametrize("vector", VECTORS["sm3"], ids=lambda v: v["source"])
    def test_sm3(self, vector: dict[str, str]) -> None:
        """SM3 as in GM/T 0004."""
        assert signing.sm3(vector["text"].encode()) == vector["sm3"]

    @pytest.mark.parametrize("vector", VECTORS["hmacSm3"], ids=lambda v: v["keyHex"][:8])
    def test_hmac(self, vector: dict[str, str]) -> None:
        """HMAC-SM3 as in GM/T 0042."""
        mac = signing.ALGORITHM.mac(bytes.fromhex(vector["keyHex"]), bytes.fromhex(vector["dataHex"]))
        assert mac.hex() == vector["hmac"]

    @pytest.mark.parametrize("name", BY_ID)
    def test_vector(self, name: str) -> None:
        """String to sign and signature of every vector, to the byte."""
        vector = BY_ID[name]
        parts = (vector["method"], target_of(vector), vector["timestamp"], vector["nonce"], body_of(vector))
        assert signing.canonical_query(target_of(vector).partition("?")[2].encode()) == vector["canonicalQuery"]
        assert signing.string_to_sign(*parts) == vector["stringToSign"]
        assert signing.sign(vector["appSecret"], *parts) == vector["sign"]


@pytest.mark.parametrize("mistake", VECTORS["mistakes"], ids=lambda m: m["mistake"])
def test_mistakes_are_not_ours(mistake: dict[str, str]) -> None:
    """None of the signatures a server must refuse is what we send."""
    vector = BY_ID[mistake["of"]]
    ours = signing.sign(
        vector["appSecret"], vector["method"], target_of(vector), vector["timestamp"], vector["nonce"], body_of(vector)
    )
    assert ours != mistake["sign"]


def signed_samples() -> list[Any]:
    found = []
    for path in sorted((CONTRACT / "samples").glob("*.json")):
        for number, exchange in enumerate(json.loads(path.read_text("utf-8"))["exchanges"]):
            request = exchange["request"]
            if "X-Sign" in request["headers"] and path.stem != "sign-wrong":
                found.append(pytest.param(request, id=f"{path.stem}-{number}"))
    return found


@pytest.mark.parametrize("request_", signed_samples())
def test_samples(request_: dict[str, Any]) -> None:
    """The samples' signatures are real: we would have sent the same."""
    headers = request_["headers"]
    body = base64.b64decode(request_.get("bodyBase64", ""))
    if "body" in request_:
        body = json.dumps(request_["body"], ensure_ascii=False, separators=(",", ":")).encode()
    ours = signing.sign(
        SECRET, request_["method"], request_["target"], headers["X-Timestamp"], headers["X-Nonce"], body
    )
    assert ours == headers["X-Sign"]

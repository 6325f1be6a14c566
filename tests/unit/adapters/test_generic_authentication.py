"""Every kind of authentication, what is said when it fails, and that no secret is ever said."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import ConfigError, Unavailable
from tests.unit.adapters.rest_server import NOW, Asked, Said, drained, serving

SECRET = "s3cret-示例"
BASE: dict[str, Any] = {"list": {"request": {"path": "/rows"}}, "record": {"id": "id"}}
BASIC = "Basic " + base64.b64encode(f"huying:{SECRET}".encode()).decode()


def fine(_: Asked) -> Said:
    return Said([])


def test_basic_and_header(tmp_path: Path) -> None:
    """The connection's login and password; the password alone in a header of any name."""
    with serving(tmp_path, fine) as there:
        drained(there.adapter({**BASE, "auth": {"kind": "basic"}}))
        assert there.asked[-1].headers["authorization"] == BASIC
        drained(there.adapter({**BASE, "auth": {"kind": "header", "name": "X-Key", "prefix": "k "}}, password="abc"))
        assert there.asked[-1].headers["x-key"] == "k abc"


@pytest.mark.parametrize("send", ["json", "form"])
def test_bearer(tmp_path: Path, send: str) -> None:
    """A token call of the platform's own; the token is kept, shared, and renewed once it is refused."""
    good = ["t1"]

    def answer(asked: Asked) -> Said:
        if asked.path == "/login":
            body = asked.json if send == "json" else asked.form
            assert body == {"user": "huying", "pass": SECRET}
            return Said({"code": 200, "data": {"token": good[-1], "ttl": 7200}})
        return Said([]) if asked.headers["authorization"] == f"Bearer {good[-1]}" else Said({"code": 401}, 401)

    auth = {"kind": "bearer", "lifetime": "data.ttl", "request": {
        "method": "POST", "path": "/login", "send": send, "parameters": {"user": "{login}", "pass": "{password}"}}}  # fmt: skip
    with serving(tmp_path, answer) as there:
        drained(there.adapter({**BASE, "auth": auth}))
        drained(there.adapter({**BASE, "auth": auth}))
        assert there.paths() == ["POST /login", "GET /rows", "GET /rows"]
        good.append("t2")
        drained(there.adapter({**BASE, "auth": auth}))
        assert there.paths()[3:] == ["GET /rows", "POST /login", "GET /rows"]


@pytest.mark.parametrize("client", ["basic", "form"])
def test_oauth2(tmp_path: Path, client: str) -> None:
    """Client credentials, the client in the header or in the form, never in both."""

    def answer(asked: Asked) -> Said:
        if asked.path == "/oauth2/token":
            form = {"grant_type": "client_credentials", "scope": "read"}
            if client == "form":
                assert "authorization" not in asked.headers
                form |= {"client_id": "huying", "client_secret": SECRET}
            else:
                assert asked.headers["authorization"] == BASIC
            assert asked.form == form
            return Said({"access_token": "abc", "token_type": "Bearer", "expires_in": 900})
        assert asked.headers["authorization"] == "Bearer abc"
        return Said([])

    with serving(tmp_path, answer) as there:
        drained(there.adapter({**BASE, "auth": {"kind": "oauth2", "path": "/oauth2/token", "client": client, "scope": "read"}}))
        assert len(there.asked) == 2


def test_signed(tmp_path: Path) -> None:
    """HMAC over a template, to the byte: method, target, time, nonce, body; SHA-256 in hex and SM3 in Base64."""
    auth = {"kind": "signed", "algorithm": "hmac-sha256", "template": "{method}\n{target}\n{timestamp}\n{nonce}\n{body}",
            "headers": {"X-Key": "{login}", "X-Time": "{timestamp}", "X-Nonce": "{nonce}"}, "time": "epoch_s"}  # fmt: skip
    settings = {**BASE, "list": {"request": {"method": "POST", "path": "/rows", "send": "json", "parameters": {"a": "甲"}}}}
    with serving(tmp_path, fine) as there:
        drained(there.adapter({**settings, "auth": auth}))
        one = there.asked[-1]
        nonce, time = bytes(range(16)).hex(), str(int(NOW.timestamp()))
        assert (one.headers["x-key"], one.headers["x-time"], one.headers["x-nonce"]) == ("huying", time, nonce)
        message = f"POST\n/rows\n{time}\n{nonce}\n".encode() + one.body
        assert one.headers["x-sign"] == hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest()
        drained(there.adapter({**BASE, "auth": {"kind": "signed", "algorithm": "hmac-sm3", "template": "{path}|{body_sha256}",
                                                "encoding": "base64", "header": "X-Mac"}}, password="key"))  # fmt: skip
        message = f"/rows|{hashlib.sha256(b'').hexdigest()}".encode()
        # made with OpenSSL's own SM3, where it has it
        expected = hmac.new(b"key", message, "sm3").digest() if "sm3" in hashlib.algorithms_available else None
        shown = base64.b64decode(there.asked[-1].headers["x-mac"])
        assert len(shown) == 32 and expected in (None, shown)


@pytest.mark.parametrize(("algorithm", "template"), [
    ("hmac-sha256", "{sorted}"), ("md5", "{filled}&key={password}"), ("sm3", "{password}{sorted}{password}"),
])  # fmt: skip
def test_a_signature_among_the_parameters(tmp_path: Path, algorithm: str, template: str) -> None:
    """Over all parameters of the address and of the form in the order of their names, before encoding; empty ones where the
    platform counts them. Only the time of each try, and the signature, are added."""
    auth = {"kind": "signed", "algorithm": algorithm, "template": template, "encoding": "HEX", "parameter": "sign",
            "parameters": {"appId": "{login}", "timestamp": "{timestamp}"}}  # fmt: skip
    request = {"method": "POST", "path": "/rows", "send": "form", "parameters": {"b": "甲 &", "a": "", "Z": "{size}"}}
    with serving(tmp_path, fine) as there:
        drained(there.adapter({**BASE, "list": {"request": request}, "auth": auth}))
        one = there.asked[-1]
        assert set(one.query) == {"appId", "timestamp", "sign"} and "x-sign" not in one.headers
        held = {**one.form, "appId": "huying", "timestamp": str(int(NOW.timestamp() * 1000))}
        text = "&".join(f"{name}={held[name]}" for name in sorted(held) if held[name] or algorithm != "md5")
        if algorithm == "hmac-sha256":
            expected = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        elif algorithm == "md5":
            expected = hashlib.md5(f"{text}&key={SECRET}".encode(), usedforsecurity=False).hexdigest()
        elif algorithm in hashlib.algorithms_available:
            expected = hashlib.new("sm3", f"{SECRET}{text}{SECRET}".encode()).hexdigest()
        else:
            expected = one.query["sign"]
        assert one.query["sign"] == expected.upper()


@pytest.mark.parametrize("wrong", [
    {"algorithm": "md5", "template": "{sorted}"}, {"template": "{sortd}"}, {"headers": {"X-Key": "{password}"}},
])  # fmt: skip
def test_signatures_that_prove_nothing(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """A digest without the secret, a placeholder that is none, the secret itself on the wire: refused before anything is sent."""
    auth = {"kind": "signed", "algorithm": "hmac-sha256", "template": "{path}", **wrong}
    with serving(tmp_path, fine) as there, pytest.raises(ConfigError, match="auth"):
        there.adapter({**BASE, "auth": auth})


@pytest.mark.parametrize("auth", [
    {"kind": "basic"}, {"kind": "header", "name": "X-Key"}, {"kind": "oauth2", "path": "/token"},
    {"kind": "bearer", "request": {"method": "POST", "path": "/token", "parameters": {"p": "{password}"}}},
    {"kind": "signed", "algorithm": "hmac-sha256", "template": "{path}"},
])  # fmt: skip
def test_a_wrong_secret_is_told_without_it(tmp_path: Path, auth: dict[str, Any]) -> None:
    """ConfigError with a remedy, and the secret is not in it even if the platform repeats it."""
    said = Said({"message": f"bad secret {SECRET}-x", "error": "invalid_client"}, 401)
    with serving(tmp_path, lambda _: said) as there:
        password = "abc-secret-示例" if auth["kind"] != "header" else "abc-secret"
        said.body["message"] = f"bad {password}"
        with pytest.raises(ConfigError) as raised:
            drained(there.adapter({**BASE, "auth": auth, "envelope": {"message": "message"}}, password=password))
        assert raised.value.remedy and password not in f"{raised.value} {raised.value!r} {vars(raised.value)}"


def test_a_token_that_is_void_at_once(tmp_path: Path) -> None:
    """Not a loop: two tries, then Unavailable, nothing carried out."""

    def answer(asked: Asked) -> Said:
        return Said({"access_token": "abc", "expires_in": 900}) if asked.path == "/token" else Said({}, 401)

    with serving(tmp_path, answer) as there:
        with pytest.raises(Unavailable):
            drained(there.adapter({**BASE, "auth": {"kind": "oauth2", "path": "/token"}}))
        assert len(there.asked) == 4


def test_settings_are_told_at_once(tmp_path: Path) -> None:
    """Every wrong key with what was found; secrets that are missing, too."""
    wrong = {**BASE, "auth": {"kind": "basic"}, "pagesize": 3, "page_size": "many",
             "list": {"request": {"path": "rows"}, "paging": {"kind": "page"}},
             "create": {"request": {"path": "/x"}, "id_pattern": "("}}  # fmt: skip
    with serving(tmp_path, fine) as there, pytest.raises(ConfigError) as raised:
        there.adapter(wrong, login="", password="")
    for key in ("pagesize", "page_size", "list.request.path", "create.id_pattern"):
        assert key in str(raised.value)

"""Token, clock, limit and configuration of the government adapter."""

from __future__ import annotations

import json
import re
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import ConfigError, Unavailable
from adapters.government import signing
from adapters.government.adapter import build
from adapters.port import Connection, Receipt
from tests.unit.adapters.government_ground import (
    BASE,
    CONTRACT,
    KEY,
    SECRET,
    Asked,
    Calls,
    Tiny,
    World,
    adapter,
    envelope,
    pulled,
    reply,
    running,
)  # fmt: skip

BODY = {"outerNo": "r1", "title": "标题"}
MADE = envelope(data={"callNo": "LS261026000017", "status": "PENDING", "createTime": BASE, "updateTime": BASE})


def refused(msg: str = "签名校验失败") -> Any:
    return reply(401, json.dumps(envelope("4012", msg=msg)).encode())


class OneToken:
    """As the contract has it: each new token voids the one before at once."""

    def __init__(self, ok: Any) -> None:
        self.tiny: Tiny | None = None
        self.ok = ok

    def __call__(self, asked: Asked) -> Any:
        if asked.path == "/api/auth/token":
            return None
        assert self.tiny
        return self.ok if asked.headers["x-token"] == self.tiny.token else envelope("4010", msg="令牌无效或已过期")


EMPTY = envelope(data={"total": 0, "pageNo": 1, "records": []})


def test_the_five_headers(tmp_path: Path) -> None:
    """Key, token, 13-digit time, nonce and signature over the target without the deployment prefix, fresh each time."""
    world = World()

    def respond(asked: Asked) -> Any:
        if asked.path == "/lszw/api/auth/token":
            return envelope(data={"token": "ab" * 32, "expiresIn": 7200})
        return EMPTY if asked.method == "GET" else MADE

    with running(respond, lambda: world.now) as tiny:
        government = adapter(tiny.url + "/lszw/", world, tmp_path)
        pulled(government)
        pulled(government)
        government.create(BODY, "r1")
        token, *signed = tiny.log
    assert json.loads(token.body) == {"appKey": KEY, "appSecret": SECRET} and "x-sign" not in token.headers
    for asked in signed:
        headers = asked.headers
        assert (headers["x-app-key"], headers["x-token"]) == (KEY, "ab" * 32)
        assert headers["x-timestamp"] == str(int(world.now.timestamp() * 1000))
        assert re.fullmatch(r"[A-Za-z0-9_-]{8,64}", headers["x-nonce"])
        target = asked.target.removeprefix("/lszw")
        expected = signing.sign(SECRET, asked.method, target, headers["x-timestamp"], headers["x-nonce"], asked.body)
        assert headers["x-sign"] == expected
    assert len({asked.headers["x-nonce"] for asked in signed}) == 3
    assert signed[-1].headers["content-type"].startswith("application/json")


def test_a_void_token_is_renewed_once_and_the_request_repeated(tmp_path: Path) -> None:
    """4010: a new token, the same request with a new nonce; nothing is lost, one token call more."""
    world, respond = World(), OneToken(EMPTY)
    with running(respond, lambda: world.now) as tiny:
        respond.tiny = tiny
        government = adapter(tiny.url, world, tmp_path)
        pulled(government)
        tiny.token = "somebody else's"
        pulled(government)
        assert tiny.count("/api/auth/token") == 2
        nonces = [asked.headers["x-nonce"] for asked in tiny.log if asked.path == "/api/calls"]
        assert len(nonces) == len(set(nonces)) == 3


def test_a_token_about_to_end_is_not_used(tmp_path: Path) -> None:
    """Within 60 s of its end a token is renewed before anybody refuses it."""
    world, respond = World(), OneToken(EMPTY)
    with running(respond, lambda: world.now) as tiny:
        respond.tiny = tiny
        government = adapter(tiny.url, world, tmp_path)
        pulled(government)
        world.now += timedelta(seconds=7200 - 61)
        pulled(government)
        assert tiny.count("/api/auth/token") == 1
        world.now += timedelta(seconds=2)
        pulled(government)
        assert tiny.count("/api/auth/token") == 2 and tiny.count("/api/calls") == 3


def test_two_workers_share_one_token(tmp_path: Path) -> None:
    """Two adapters of one key, at once and again and again: one token, not one each for ever."""
    world, respond = World(), OneToken(EMPTY)
    with running(respond, lambda: world.now) as tiny:
        respond.tiny = tiny
        workers = [adapter(tiny.url, world, tmp_path, burst=40) for _ in range(2)]
        threads = [threading.Thread(target=lambda w=w: [pulled(w) for _ in range(10)]) for w in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert tiny.count("/api/auth/token") == 1 and tiny.count("/api/calls") == 20
        tiny.token = "void"
        for worker in workers * 3:
            pulled(worker)
        assert tiny.count("/api/auth/token") == 2


def test_a_key_used_by_somebody_else(tmp_path: Path) -> None:
    """A token that is void as soon as it is fetched: certainly not carried out, and no storm of tokens."""
    world = World()

    def respond(asked: Asked) -> Any:
        return None if asked.path == "/api/auth/token" else envelope("4010")

    with running(respond, lambda: world.now) as tiny:
        government = adapter(tiny.url, world, tmp_path)
        with pytest.raises(Unavailable, match="appKey"):
            government.create(BODY, "r1")
        assert tiny.count("/api/auth/token") == 2


@pytest.mark.parametrize("minutes", [-20, -1, 1, 20])
def test_a_clock_that_is_off(tmp_path: Path, minutes: int) -> None:
    """The platform's Date is measured; more than 30 s and requests carry the platform's time."""
    world = World()

    def platform_clock() -> datetime:
        return world.now + timedelta(minutes=minutes)

    def respond(asked: Asked) -> Any:
        if asked.path == "/api/auth/token":
            return None
        late = abs(int(asked.headers["x-timestamp"]) - platform_clock().timestamp() * 1000)
        return refused("时间戳超出允许范围") if late > 30_000 else EMPTY

    with running(respond, platform_clock) as tiny:
        pulled(adapter(tiny.url, world, tmp_path))
        assert tiny.count("/api/calls") == 1, "measured by the token's answer"
        pulled(adapter(tiny.url, world, tmp_path))  # another worker: token from the file, clock not measured yet
        assert tiny.count("/api/calls") == 3


def test_a_repeated_nonce_is_not_the_end(tmp_path: Path) -> None:
    """4012 is tried once more with another nonce; then it is a configuration error that names key and clock."""
    world, answers = World(), [refused("nonce重复"), MADE, refused(), refused()]

    def respond(asked: Asked) -> Any:
        return None if asked.path == "/api/auth/token" else answers.pop(0)

    with running(respond, lambda: world.now) as tiny:
        government = adapter(tiny.url, world, tmp_path)
        assert government.create(BODY, "r1").native_id == "LS261026000017"
        with pytest.raises(ConfigError) as caught:
            government.create(BODY, "r1")
    assert KEY in str(caught.value) and "+0 s" in str(caught.value) and SECRET not in str(caught.value)


@pytest.mark.parametrize("sample", ["token-wrong-secret", "token-disabled"])
def test_wrong_secret_and_disabled_key(tmp_path: Path, sample: str) -> None:
    """The token call refuses: a configuration error without the secret, even if the platform repeats it."""
    answer = json.loads((CONTRACT / f"samples/{sample}.json").read_text("utf-8"))["exchanges"][0]["response"]
    answer["body"]["msg"] += " " + SECRET
    world = World()

    def respond(asked: Asked) -> Any:
        return reply(answer["status"], json.dumps(answer["body"]).encode())

    with running(respond, lambda: world.now) as tiny:
        government = adapter(tiny.url, world, tmp_path)
        for call in (lambda: pulled(government), lambda: government.create(BODY, "r1")):
            with pytest.raises(ConfigError) as caught:
                call()
            assert SECRET not in str(caught.value) and SECRET not in repr(caught.value)
        probed = government.probe()
    assert not probed.ok and SECRET not in repr(probed)


@pytest.mark.parametrize("wait", [1, 7])
def test_the_platform_asks_to_wait(tmp_path: Path, wait: int) -> None:
    """4029 and a bare 429 are waited out as long as asked, then the same write goes through: once."""
    world = World()
    answers = [envelope("4029", {"retryAfter": wait}), reply(429, b"", Retry_After=str(wait)), reply(429), MADE]

    def respond(asked: Asked) -> Any:
        return None if asked.path == "/api/auth/token" else answers.pop(0)

    with running(respond, lambda: world.now) as tiny:
        assert isinstance(adapter(tiny.url, world, tmp_path).create(BODY, "r1"), Receipt)
        signed = [asked for asked in tiny.log if asked.path == "/api/calls"]
    assert world.slept == [wait, wait, 1]
    for header in ("x-sign", "x-nonce"):
        assert len({asked.headers[header] for asked in signed}) == 4


def test_a_long_wait_is_told_not_slept(tmp_path: Path) -> None:
    """Asked to wait for an hour (maintenance), the adapter says so instead of sleeping."""
    world = World()

    def respond(asked: Asked) -> Any:
        return None if asked.path == "/api/auth/token" else envelope("4029", {"retryAfter": 3600})

    with running(respond, lambda: world.now) as tiny, pytest.raises(Unavailable) as caught:
        adapter(tiny.url, world, tmp_path).create(BODY, "r1")
    assert caught.value.retry_after == 3600 and not world.slept


def test_our_own_limit(tmp_path: Path) -> None:
    """No more than burst at once and requests_per_second after that."""
    world, calls = World(), Calls({})
    with running(calls, lambda: world.now) as tiny:
        government = adapter(tiny.url, world, tmp_path, requests_per_second=2, burst=5)
        began = world.now
        for _ in range(14):
            pulled(government)
    assert (world.now - began).total_seconds() == pytest.approx(5.0)  # 15 requests with the token's


@pytest.mark.parametrize("call", ["list", "create"])
def test_missing_permission(tmp_path: Path, call: str) -> None:
    """4003 is a configuration error that repeats what the platform lacks."""
    world = World()

    def respond(asked: Asked) -> Any:
        return None if asked.path == "/api/auth/token" else envelope("4003", msg=f"应用无权调用call:{call}")

    with running(respond, lambda: world.now) as tiny, pytest.raises(ConfigError, match=f"call:{call}"):
        government = adapter(tiny.url, world, tmp_path)
        pulled(government) if call == "list" else government.create(BODY, "r1")


def test_another_interface(tmp_path: Path) -> None:
    """4004 where a path is fixed means the address leads elsewhere: configuration, not a missing record."""
    world = World()

    def respond(asked: Asked) -> Any:
        return None if asked.path == "/api/auth/token" else envelope("4004", msg="接口不存在")

    with running(respond, lambda: world.now) as tiny:
        government = adapter(tiny.url, world, tmp_path)
        for call in (lambda: pulled(government), lambda: government.create(BODY, "r1")):
            with pytest.raises(ConfigError, match="接口不存在"):
                call()


@pytest.mark.parametrize("given", [reply(502, b"<html>", "text/html"), reply(503), envelope("5000"), reply(200, b"")])
def test_a_token_call_that_fails_leaves_the_write_unsent(tmp_path: Path, given: Any) -> None:
    """While no token can be had, a create was certainly not sent."""
    world = World()
    with running(lambda asked: given, lambda: world.now) as tiny:
        with pytest.raises(Unavailable):
            adapter(tiny.url, world, tmp_path).create(BODY, "r1")
        assert tiny.count("/api/calls") == 0


def test_probe(tmp_path: Path) -> None:
    """A sound platform: all findings fine, the skew told, and it is said what was not tried."""
    world, calls = World(), Calls({})
    with running(calls, lambda: world.now + timedelta(seconds=90)) as tiny:
        probed = adapter(tiny.url, world, tmp_path).probe()
    names = [finding.name for finding in probed.findings]
    assert [name.split()[0] for name in names] == ["网络", "令牌与签名", "时钟", "权限", "其他权限", "附件"]
    assert probed.skew == timedelta(seconds=90)
    assert [finding.ok for finding in probed.findings] == [True, True, False, True, True, True]
    assert "NTP" in probed.findings[2].remedy


def test_probe_of_nobody(tmp_path: Path) -> None:
    """Nobody at that address: not reached, no exception."""
    probed = adapter("http://127.0.0.1:9", World(), tmp_path).probe()
    assert not probed.ok and not probed.findings[0].ok and probed.skew is None


def test_wrong_configuration_is_listed_whole(tmp_path: Path) -> None:
    """Every bad key at once, with what was found and what is allowed; never the secret."""
    with pytest.raises(ConfigError) as caught:
        build("lanshan", {"page_size": 500, "overlap_seconds": 1, "start": "20260302", "pagesize": 3},
              Connection("c", "ftp://x", "", ""), World().surroundings(tmp_path))  # fmt: skip
    text = str(caught.value)
    for part in ("page_size", "500", "overlap_seconds", "start", "20260302", "pagesize", "url", "login", "password"):
        assert part in text


def test_every_setting_is_described() -> None:
    """Each key says what it is, Chinese first, English beside."""
    from adapters.registry import settings_of

    for name, key in settings_of("government").model_fields.items():
        assert key.description and " / " in key.description, name
        assert "一" <= key.description[0] <= "鿿", name

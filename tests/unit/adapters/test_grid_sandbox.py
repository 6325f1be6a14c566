"""The grid adapter against the stand-in platform as a black box: both sides built from the contract alone."""

from __future__ import annotations

import io
import json
import os
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import ConfigError, Missing, OutcomeUnknown, Outdated, Refused, Unavailable
from adapters.grid.adapter import GridAdapter, build
from adapters.port import Connection, FileOut, FileRef, Surroundings, WireRecord
from sandbox.grid.platform import GridPlatform
from sandbox.httpd import Server

LOGIN, PASSWORD = "huying_test", "口令 & <test>"
BODY = {
    "title": "村口桥梁护栏被撞断", "eventType": "26", "level": "2", "stage": "05", "townCode": "371102106",
    "caller": "陈𬱖", "callerTel": "13900000005", "lng": "119.306853", "lat": "35.457965",
    "content": "第一行\n  第二行 😀 <b>&amp;]]>", "mainDept": "DG004", "assistDepts": ["DG009"],
    "extend": [{"key": "桥长", "value": ""}],
}  # fmt: skip


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(GridPlatform(accounts={LOGIN: PASSWORD})) as running:
        yield running


def grid(server: Server, password: str = PASSWORD, **settings: Any) -> GridAdapter:
    world = Surroundings(
        now=lambda: datetime.now(UTC), random_bytes=os.urandom, sleep=lambda _: None, state=Path()
    )  # fmt: skip
    built = build("donggang", settings, Connection("grid", server.url, LOGIN, password), world)
    assert isinstance(built, GridAdapter)
    return built


def fault(server: Server, **one: Any) -> None:
    request = urllib.request.Request(f"{server.url}/_sandbox/faults", json.dumps(one).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=10) as answered:
        assert answered.status == 200


def records(adapter: GridAdapter) -> list[WireRecord]:
    return [record for page in adapter.pull(None) for record in page.records]


def test_created_found_fetched_pulled(server: Server) -> None:
    """What was reported comes back the same by every way of reading, byte for byte the same event."""
    adapter = grid(server)
    receipt = adapter.create(BODY, "ref-1")
    by_id = adapter.fetch(receipt.native_id)
    by_reference = adapter.find("ref-1", datetime.now(UTC))
    (by_list,) = records(adapter)
    assert by_id and by_reference
    assert by_id.body == by_reference.body == by_list.body
    assert {name: by_id.body[name] for name in BODY} == BODY and by_id.body["sourceId"] == "ref-1"
    assert len(by_id.body) == 28 and by_id.damage == ()
    assert adapter.fetch("DG2026102699999") is None and adapter.find("ref-2", datetime.now(UTC)) is None


def test_updates_and_their_refusals(server: Server) -> None:
    """A move and a same-stage entry are kept as sent; an illegal move is Outdated, a bad field is named."""
    adapter = grid(server)
    native_id = adapter.create(BODY, "ref-1").native_id
    adapter.update(native_id, {"stage": "06", "handler": "王测试", "opinion": ""}, "u1")
    adapter.update(native_id, {"stage": "06", "handler": "王测试", "opinion": "【督办】\r\n速办\x0b"}, "u2")
    record = adapter.fetch(native_id)
    assert record and [one["opinion"] for one in record.body["processes"]] == ["外部上报", "", "【督办】\n速办"]
    with pytest.raises(Outdated):
        adapter.update(native_id, {"stage": "12", "handler": "x"}, "u3")
    with pytest.raises(Refused) as caught:
        adapter.update(native_id, {"stage": "07", "handler": "x", "opinion": "长" * 501}, "u4")
    assert caught.value.field == "opinion"
    with pytest.raises(Missing):
        adapter.update("DG2026102699999", {"stage": "06", "handler": "x", "opinion": "o"}, "u5")
    with pytest.raises(Refused) as caught:
        adapter.create({**BODY, "eventType": "98"}, "ref-2")
    assert caught.value.field == "eventType"


def test_files_byte_for_byte(server: Server) -> None:
    """A file written alone, and one sent with the report, come back as they were."""
    adapter = grid(server)
    content = bytes(range(256)) * 50_000
    native_id = adapter.create(
        {**BODY, "attachments": [{"name": "a.txt", "mime": "text/plain", "base64": b"\x00x"}]}, "r"
    ).native_id
    adapter.write_file(native_id, FileOut("现场照片.png", "image/png", 500_000), io.BytesIO(content[:500_000]), "hy-1#1.0")
    adapter.write_file(native_id, FileOut("大.png", "image/png", 10_485_760), io.BytesIO(content[:10_485_760]), "hy-1#1.0")
    record = adapter.fetch(native_id)
    assert record
    read = [
        adapter.read_file(FileRef(native_id, one["attachId"], one["name"], int(one["size"]))).read()
        for one in record.body["attachments"]
    ]
    assert read == [b"\x00x", content[:500_000], content[:10_485_760]]
    assert record.body["processes"][-1]["opinion"] == "【附件】大.png" and record.body["stage"] == "05"
    with pytest.raises(Missing):
        adapter.read_file(FileRef(native_id, "AT20261026999999"))


def test_wrong_password_is_a_configuration_error(server: Server) -> None:
    """The message names the login and the clocks; neither password is in it. The probe says the same."""
    adapter = grid(server, password="not-this-one")
    with pytest.raises(ConfigError) as caught:
        records(adapter)
    assert LOGIN in str(caught.value) and "not-this-one" not in str(caught.value) and PASSWORD not in str(caught.value)
    assert [finding.ok for finding in adapter.probe().findings] == [True, False, True, True]
    assert grid(server).probe().ok


@pytest.mark.parametrize(
    "how", [{"kind": "lost", "how": "fin"}, {"kind": "lost", "how": "rst"}, {"kind": "wrong"},
            {"kind": "cut", "at": 200}, {"kind": "cut", "at": 200, "framed": False},
            {"kind": "code", "code": "9999", "done": True}],
)  # fmt: skip
def test_done_but_not_told(server: Server, how: dict[str, Any]) -> None:
    """Whatever becomes of the answer: outcome unknown, sent once, and then found by the reference."""
    adapter = grid(server)
    fault(server, operation="reportEvent", **how)
    with pytest.raises(OutcomeUnknown):
        adapter.create(BODY, "ref-1")
    found = adapter.find("ref-1", datetime.now(UTC))
    assert found and found.damage == () and len(records(adapter)) == 1


def test_busy_is_waited_out_and_gives_up(server: Server) -> None:
    """9001 a few times leads to one event; for ever, to Unavailable and no event."""
    adapter = grid(server)
    fault(server, kind="code", code="9001", operation="reportEvent", times=3)
    adapter.create(BODY, "ref-1")
    fault(server, kind="code", code="9001", operation="reportEvent", times=4)
    with pytest.raises(Unavailable):
        adapter.create(BODY, "ref-2")
    assert [record.body["sourceId"] for record in records(adapter)] == ["ref-1"]


def test_pull_while_others_write(server: Server) -> None:
    """Small pages over rows that share seconds and move while they are read: every event in its last state."""
    adapter = grid(server, page_size=3)
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda n: grid(server).create(BODY, f"ref-{n}").native_id, range(24)))
    done = threading.Event()

    def move() -> None:
        for native_id in ids[::3]:
            grid(server).update(native_id, {"stage": "06", "handler": "x", "opinion": "o"}, "u")
        done.set()

    mover = threading.Thread(target=move)
    mover.start()
    seen = {record.native_id for record in records(adapter)}
    mover.join(20)
    assert done.is_set() and seen == set(ids)
    last = {record.native_id: record.body["stage"] for record in records(adapter)}
    assert last == {native_id: "06" if number % 3 == 0 else "05" for number, native_id in enumerate(ids)}

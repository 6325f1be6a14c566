"""The government adapter against the stand-in platform as a black box: real signatures, real faults on the line."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from adapters.errors import BrokenReply, ConfigError, OutcomeUnknown, Outdated, Refused, Unavailable, WireError
from adapters.government.adapter import Government
from adapters.port import FileOut, FileRef, Surroundings
from sandbox.government.platform import GovernmentPlatform
from sandbox.httpd import Server
from tests.unit.adapters.government_ground import CONTRACT, KEY, SECRET, build_with

SAMPLE = json.loads((CONTRACT / "samples/create.json").read_text("utf-8"))["exchanges"][0]
BODY: dict[str, Any] = {**SAMPLE["request"]["body"], "fileIds": []}


class Ours:
    """A stand-in and an adapter for it."""

    def __init__(self, server: Server, state: Path) -> None:
        self.server, self.state, self.slept = server, state, [0.0]
        self.government = self.worker()

    def worker(self, **settings: Any) -> Government:
        surroundings = Surroundings(lambda: datetime.now(UTC), os.urandom, self.slept.append, self.state)
        return build_with(self.server.url, surroundings, file_note_dept="371103103", burst=40, **settings)

    def fault(self, kind: str, operation: str = "", **more: Any) -> None:
        answer = requests.post(
            self.server.url + "/_sandbox/faults", json={"kind": kind, "operation": operation, **more}, timeout=5
        )
        assert answer.status_code == 200, answer.text

    def asked(self, operation: str) -> int:
        return sum(entry["operation"] == operation for entry in self.server.log)

    def create(self, reference: str, **more: Any) -> str:
        return self.government.create({**BODY, "outerNo": reference, **more}, reference).native_id


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Ours]:
    with Server(GovernmentPlatform()) as server:
        yield Ours(server, tmp_path)


def now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)


def action(name: str = "ACCEPT", **more: Any) -> dict[str, Any]:
    return {"action": name, "operator": "受理员02", "deptCode": "LS001", "operateTime": now_ms(), **more}


def test_a_call_and_its_actions(ours: Ours) -> None:
    """Created once, listed, fetched, acted on; a repeated action is one entry; a status that forbids is outdated."""
    number = ours.create("ref-1")
    again = ours.government.create({**BODY, "outerNo": "ref-1"}, "ref-1")
    assert (again.native_id, again.already) == (number, True)
    accept = action()
    first = ours.government.update(number, accept, "op-1")
    assert (first.status, first.entry) == ("ACCEPTED", "2")
    assert ours.government.update(number, accept, "op-1").entry == "2"
    with pytest.raises(Outdated):
        ours.government.update(number, action(), "op-2")
    with pytest.raises(Refused) as caught:
        ours.government.create({**BODY, "outerNo": "ref-2", "itemCode": "LS7777"}, "ref-2")
    assert caught.value.field == "itemCode"
    (row,) = [one for page in ours.government.pull(None) for one in page.records]
    whole = ours.government.fetch(number)
    assert whole is not None and row.native_id == number and row.version == whole.version
    assert row.body["contact"]["phone"] != BODY["contact"]["phone"] == whole.body["contact"]["phone"]


def test_control_characters_pass(ours: Ours) -> None:
    """What the platform would refuse is taken out before."""
    number = ours.create("ref-1", title="贴自Word\u000b的标题", content="第一行\r\n第二行\u0000\u001f \U0001f6a8")
    whole = ours.government.fetch(number)
    assert whole is not None and whole.body["title"] == "贴自Word的标题"
    assert whole.body["content"] == "第一行\r\n第二行 \U0001f6a8"


@pytest.mark.parametrize(
    "fault",
    [{"kind": "lost", "how": "fin"}, {"kind": "lost", "how": "rst"}, {"kind": "wrong"}, {"kind": "cut", "at": 40},
     {"kind": "cut", "at": 40, "framed": False}, {"kind": "wrong", "status": 200, "body": "", "content_type": "a/b"},
     {"kind": "code", "code": "5000", "done": True}],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)  # fmt: skip
def test_a_lost_answer_is_found(ours: Ours, fault: dict[str, Any]) -> None:
    """Done, but the answer got lost, cut or replaced: unknown, sent once, then found by our reference."""
    began = datetime.now(UTC)
    ours.government.probe()
    ours.fault(fault.pop("kind"), "createCall", **fault)
    with pytest.raises(OutcomeUnknown):
        ours.create("ref-1")
    assert ours.asked("createCall") == 1
    found = ours.government.find("ref-1", began)
    assert found is not None and found.body["outerNo"] == "ref-1"
    assert ours.create("ref-1") == found.native_id


@pytest.mark.parametrize("fault", [{"kind": "refuse"}, {"kind": "code", "code": "5000"}])
def test_an_answer_that_proves_nothing_was_done(ours: Ours, fault: dict[str, Any]) -> None:
    """Not done and not told so: unknown, not found, and a second try creates one."""
    began = datetime.now(UTC)
    ours.fault(fault.pop("kind"), "createCall", **fault)
    with pytest.raises(OutcomeUnknown):
        ours.create("ref-1")
    assert ours.government.find("ref-1", began) is None
    assert ours.create("ref-1")


def test_cut_replies(ours: Ours) -> None:
    """A create's and a read's answer that ends early, wherever: never taken for a whole one."""
    made = ours.government.create({**BODY, "outerNo": "ref-0"}, "ref-0")
    number, whole = made.native_id, len(made.raw)
    for length in (0, 1, whole // 2, whole - 40, whole - 1):
        for framed in (True, False):
            ours.fault("cut", "createCall", at=length, framed=framed)
            with pytest.raises(OutcomeUnknown):
                ours.create(f"ref-{length}-{framed}")
    for length in (0, 1, 30, 300, 600, 900):
        ours.fault("cut", "getCall", at=length, framed=False)
        with pytest.raises((BrokenReply, Unavailable)):
            ours.government.fetch(number)


def test_reads_outlive_a_bad_line(ours: Ours) -> None:
    """Lost, cut, 502 and refused connections to reads: asked again."""
    number = ours.create("ref-1")
    for kind, more in (("lost", {}), ("down", {}), ("wrong", {}), ("cut", {"at": 30}), ("code", {"code": "5000"})):
        ours.fault(kind, "getCall", **more)
        assert ours.government.fetch(number) is not None
        ours.fault(kind, "listCalls", **more)
        assert [one.native_id for page in ours.government.pull(None) for one in page.records] == [number]


def test_workers_share_the_token(ours: Ours) -> None:
    """Two workers with one folder need one token; a third with a folder of its own voids it, and all go on."""
    second = ours.worker()
    number = ours.create("ref-1")
    assert second.fetch(number) is not None and ours.asked("createToken") == 1
    stranger = Ours(ours.server, ours.state / "elsewhere").government
    assert stranger.fetch(number) is not None and ours.asked("createToken") == 2
    for worker in (ours.government, second) * 2:
        assert worker.fetch(number) is not None
    assert ours.asked("createToken") == 3


def test_a_wrong_secret(ours: Ours) -> None:
    """A configuration error that names the key and not the secret; the sound worker's token is left alone."""
    number = ours.create("ref-1")
    wrong = "wrong-secret-000000"
    surroundings = Surroundings(lambda: datetime.now(UTC), os.urandom, ours.slept.append, ours.state)
    with pytest.raises(ConfigError) as caught:
        build_with(ours.server.url, surroundings, password=wrong).fetch(number)
    assert KEY in str(caught.value) and wrong not in repr(caught.value) and SECRET not in repr(caught.value)
    assert ours.government.fetch(number) is not None and ours.asked("createToken") == 2


def test_a_clock_that_is_off(ours: Ours) -> None:
    """Twenty minutes off: measured, corrected, and told by the probe."""
    for minutes in (-20, 20):
        surroundings = Surroundings(
            lambda minutes=minutes: datetime.now(UTC) + timedelta(minutes=minutes),  # type: ignore[misc]
            os.urandom, ours.slept.append, ours.state,
        )  # fmt: skip
        probed = build_with(ours.server.url, surroundings).probe()
        assert probed.skew is not None and abs(probed.skew + timedelta(minutes=minutes)) < timedelta(seconds=3)
        assert [finding.name for finding in probed.findings if not finding.ok] == ["时钟 clock"]


def test_many_calls_in_small_pages(ours: Ours) -> None:
    """Every page size shows every call."""
    made = {ours.create(f"ref-{index}") for index in range(8)}  # few: the platform's own limit is 40 requests
    for size in (2, 5, 100):
        shown = [one.native_id for page in ours.worker(page_size=size).pull(None) for one in page.records]
        assert len(shown) == len(made) and set(shown) == made


def test_files(ours: Ours) -> None:
    """Written, found again, read back byte for byte; a refused type names the field."""
    number, content = ours.create("ref-1"), os.urandom(70_000)
    name = '现场 "1"\U0001f6a8.jpg'
    receipt = ours.government.write_file(number, FileOut(name, "image/jpeg", len(content)), io.BytesIO(content), "hy-1#1.0")
    assert receipt.entry == "2"
    assert ours.government.write_file(number, FileOut(name, "image/jpeg", len(content)), io.BytesIO(content), "hy-1#1.0").already
    whole = ours.government.fetch(number)
    assert whole is not None
    (file,) = whole.body["files"]
    assert file["name"] == name
    assert ours.government.read_file(FileRef(number, file["fileId"], size=file["size"])).read() == content
    with pytest.raises(Refused) as caught:
        ours.government.write_file(number, FileOut("run.exe", "x/y", 1), io.BytesIO(b"x"), "hy-1#1.0")
    assert caught.value.field == "file"


def test_down(tmp_path: Path) -> None:
    """Nobody listens: unavailable for reads and writes alike, nothing was sent."""
    with Server(GovernmentPlatform()) as server:
        url = server.url
    surroundings = Surroundings(lambda: datetime.now(UTC), os.urandom, lambda seconds: None, tmp_path)
    down = build_with(url, surroundings)
    calls: list[Callable[[], object]] = [
        lambda: list(down.pull(None)), lambda: down.fetch("LS261026000017"), lambda: down.create(BODY, BODY["outerNo"]),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(WireError) as caught:
            call()
        assert type(caught.value) is Unavailable

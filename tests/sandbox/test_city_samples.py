"""The contract's samples and vectors, byte for byte."""

from __future__ import annotations

import base64
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from sandbox.city.platform import digest as platform_digest
from tests.sandbox.city_client import SAMPLES, START, Answer, Rig, digest, rig, vectors, wire_time

EPOCH = START  # 20261026091500


def at(made: Rig, said: str) -> None:
    """Sets the clock to a time of 2026-10-26."""
    hours, minutes, seconds = int(said[8:10]), int(said[10:12]), int(said[12:14])
    made.clock.now = EPOCH + (hours - 9) * 3600 + (minutes - 15) * 60 + seconds
    assert wire_time(made.clock.now) == said


def send(made: Rig, name: str, said: str, method: str) -> Answer:
    at(made, said)
    return made.caller.post(method, (SAMPLES / f"{name}.request.xml").read_bytes())


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.response.xml").read_bytes()


@pytest.mark.parametrize(("gbk_inside", "name"), [(False, "task"), (True, "task.gbk-inside")])
def test_the_samples_in_their_order(gbk_inside: bool, name: str) -> None:
    """The sample requests, played at their times, give the sample answers byte for byte."""
    numbers = {1: 31}
    options: dict[str, Any] = {"gbk_inside": gbk_inside, "media_base": "http://dcms.example.gov.cn:8081"}
    with rig(number=lambda serial: numbers.pop(serial, 12), **options) as made:
        task_num = "202610260000031"
        assert send(made, "report", "20261026082755", "report").raw == sample("report")
        assert send(made, "media", "20261026082810", "media").raw == sample("media")
        for step, said, opinion, dept, operator in (
            ("101", "20261026083012", None, "JX099", "吴示例"),
            ("102", "20261026083340", "属实，立案。", "JX099", "吴示例"),
        ):
            at(made, said)
            answer = made.caller.step(task_num, step, opinion=opinion, dept=dept, operator=operator)
            assert answer.raw == sample("step")
        assert send(made, "step.dispatch", "20261026083516", "step").raw == sample("step")
        at(made, "20261026084102")
        assert made.caller.step(task_num, "104", opinion=None, dept="JX002", operator="郑响应").code == "0"
        assert send(made, "step.urge", "20261026090001", "step").raw == sample("step")
        assert send(made, "step", "20261026090958", "step").raw == sample("step")
        assert send(made, "task", "20261026091501", "task").raw == sample(name)
        assert send(made, "step.extend", "20261026101500", "step").raw == sample("step")
        assert made.caller.task(task_num)["deadline"] == "20261028180000"


def test_a_new_task(numbered_32: Rig) -> None:
    """Every element is there, empty when unknown, as in the sample."""
    at(numbered_32, "20261026091240")
    wish = {"recType": "1", "mainType": "01", "subType": "03", "title": "雨水井盖缺失", "source": "4"}
    wish |= {"description": "集市路口雨水井盖缺失。", "streetCode": "371122102"}
    numbered_32.tell("officials/create", **wish)
    assert send(numbered_32, "task", "20261026091501", "task").said == ("202", "记录不存在:202610260000031")
    assert numbered_32.caller.call("task", {"taskNum": "202610260000032"}).raw == sample("task.new")


@pytest.fixture
def numbered_32() -> Any:
    with rig(number=lambda _: 32) as made:
        yield made


def test_the_minimal_report() -> None:
    """Only the required fields, another county's town."""
    with rig() as made:
        task_num = send(made, "report.minimal", "20261026091603", "report").text("taskNum")
        task = made.caller.task(task_num)
        assert (task["districtCode"], task["urgency"], task["state"]) == ("371103", "1", "")


def test_no_changes() -> None:
    """An empty page gives `since` back; the request of the sample is understood."""
    with rig() as made:
        assert made.caller.call("changes", {"since": 884131}).raw == sample("changes.empty")
        assert send(made, "changes", "20261026091500", "changes").text("last") == "884120"


def test_the_error_samples() -> None:
    """Each code's answer, byte for byte."""
    with rig() as made:
        caller = made.caller
        assert caller.call("task", {}, caller.head(digest="0" * 32)).raw == sample("error-101")
        said = wire_time(made.clock.now - 601)
        head = caller.head(time=said, digest=digest(caller.user, said, caller.password))
        assert caller.call("task", {}, head).raw == sample("error-102")
        assert caller.post("task", b"<request>").raw == sample("error-201-xml")
        task_num = made.led("102", "103")
        assert caller.step(task_num, "104", opinion="见" * 301).raw == sample("error-201")
        assert caller.step(task_num, "108").raw == sample("error-203")
        assert caller.call("task", {"taskNum": "202610269999999"}).raw == sample("error-202")
        made.fault("code", code="301")
        assert caller.report().raw == sample("error-301")


@pytest.mark.parametrize("vector", vectors()["city_digest"]["vectors"], ids=lambda vector: vector["user"])
def test_digest_vectors(vector: dict[str, str]) -> None:
    """MD5 over GB18030 bytes: the platform's own and the caller's code agree with the vectors."""
    assert platform_digest(vector["user"], vector["time"], vector["password"]) == vector["digest"]
    assert digest(vector["user"], vector["time"], vector["password"]) == vector["digest"]


def test_a_user_outside_ascii() -> None:
    """The third vector's user comes in with it."""
    vector = vectors()["city_digest"]["vectors"][2]
    with rig(users={vector["user"]: vector["password"]}, now=1798732799.0) as made:
        assert wire_time(made.clock.now) == vector["time"]
        head = {"user": vector["user"], "time": vector["time"], "digest": vector["digest"]}
        assert made.caller.call("changes", {"since": 0}, head).code == "0"


def test_coordinates_of_the_vectors() -> None:
    """Every place of the vectors lies within the platform's bounds and comes back with 3 decimals, half up."""
    with rig() as made:
        for place in vectors()["coordinates"]["rizhao"]:
            x, y = place["epsg4528"]["x_easting"], place["epsg4528"]["y_northing"]
            task = made.caller.task(made.caller.reported(x=x, y=y))
            thousandth = Decimal("0.001")
            assert task["x"] == str(Decimal(str(x)).quantize(thousandth, ROUND_HALF_UP))
            assert task["y"] == str(Decimal(str(y)).quantize(thousandth, ROUND_HALF_UP))


def test_media_of_the_sample() -> None:
    """The sample's bytes come back untouched over the media server."""
    with rig(number=lambda _: 31) as made:
        made.tell("officials/create", title="题", description="文")
        assert send(made, "media", "20261026082810", "media").code == "0"
        url = made.caller.task("202610260000031")["medias"][0]["url"]
        text = (SAMPLES / "media.request.xml").read_text(encoding="gb18030")
        packed = text.partition("<content>")[2].partition("</content>")[0]
        assert made.download(url).raw == base64.b64decode(packed)

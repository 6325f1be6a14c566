"""A GeoReport v2 server beside the grid: calls are created on it and read from it, and nothing else is ever sent to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from bridge.attachments.carrying import READS
from bridge.ledger.history import actions_of
from bridge.ledger.tables import calls
from bridge.routing import Condition, Route
from bridge.routing import Test as One
from schemas.lifecycle import ActionKind
from schemas.moment import SHANGHAI
from tests.sync.pairs import Pair, Time, paired
from tests.unit.adapters.rest_server import Asked, Said, serving

ROOT = Path(__file__).parents[2]
ROUTES = (
    Route("随手拍", ("grid",), "open311", Condition(all=(One("area.town", "begins", "371103"),))),
    Route("转网格", ("open311",), "grid", Condition(all=(One("text", "contains", "村内"),))),
)
TOWN = {"area.town": {"value": "371102110", "way": "read"}}
"""GeoReport knows no divisions; a platform that needs a town is told one by an overlay."""
PHOTO = b"\xff\xd8\xff" + bytes(range(256))
C17 = json.loads('["open 已派发", "open 已派发", "closed 已处理", "open 群众反映未解决", "closed 已处理", "closed 已处理"]')


@dataclass
class GeoReport:
    """What the standard says of list, one request, create and tokens. late: seconds until a token has its id."""

    time: Time = field(default_factory=Time)
    requests: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    late: float | None = None
    lose: int = 0
    dispositions: dict[str, str] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> Said:
        if asked.method == "POST":
            return self._create(asked.form)
        if asked.path.startswith("/media/"):
            told = self.dispositions.get(asked.path)
            return Said(PHOTO, 200, {"Content-Disposition": told} if told else {}, content_type="image/jpeg")
        if asked.path.startswith("/tokens/"):
            token = asked.path.removeprefix("/tokens/").removesuffix(".json")
            number, ready = self.tokens[token]
            return Said([{"token": token, **({"service_request_id": number} if self.time.now() >= ready else {})}])
        if "service_request_id" in asked.query:
            ids = asked.query["service_request_id"].split(",")
            return Said([one for one in self.requests if one["service_request_id"] in ids])
        if asked.path != "/requests.json":
            one = [r for r in self.requests if f"/requests/{r['service_request_id']}.json" == asked.path]
            return Said(one, 200 if one else 404)
        first, last = (datetime.fromisoformat(asked.query[key]) for key in ("start_date", "end_date"))
        return Said([one for one in reversed(self.requests)
                     if first <= datetime.fromisoformat(one["requested_datetime"]) <= last])  # fmt: skip

    def _create(self, form: dict[str, str]) -> Said:
        assert form["api_key"] == "example-key"
        one = self.add(form["description"], form["service_code"], form.get("address_string"))
        if self.lose:
            self.lose -= 1
            return Said(b"bad gateway", 502)
        if self.late is None:
            return Said([{"service_request_id": one["service_request_id"], "service_notice": None, "account_id": None}])
        token = f"T-{len(self.tokens) + 1}"
        self.tokens[token] = (one["service_request_id"], datetime.fromtimestamp(self.time.seconds() + self.late, SHANGHAI))
        return Said([{"token": token}])

    def add(self, description: str, code: str = "006", address: str | None = "村口") -> dict[str, Any]:
        now = self.time.now().astimezone(SHANGHAI).isoformat(timespec="seconds")
        self.requests.append({
            "service_request_id": f"SR-{len(self.requests) + 1}", "status": "open", "status_notes": None,
            "service_name": {"006": "道路与人行道破损"}.get(code, "污水倾倒"), "service_code": code, "description": description,
            "requested_datetime": now, "updated_datetime": now, "expected_datetime": None, "address": address,
            "lat": 35.23, "long": 119.17, "media_url": None})  # fmt: skip
        return self.requests[-1]


@dataclass
class There:
    url: str
    pair: Pair
    server: GeoReport
    asked: list[Asked]

    def posts(self) -> int:
        return sum(one.method != "GET" for one in self.asked)

    def say(self, one: dict[str, Any], status: str, words: str) -> None:
        """What the server shows now; its time of change is the time of the answer."""
        shown = self.server.time.now().astimezone(SHANGHAI).isoformat(timespec="seconds")
        one |= {"status": status, "status_notes": words, "updated_datetime": shown}

    def kinds(self) -> list[str]:
        with self.pair.bridge.ledger.begin() as tx:
            (call,) = tx.execute(select(calls.c.id)).scalars()
            return [str(one.kind) for one in actions_of(tx, call) if one.platform == "open311"]


@pytest.fixture
def there(tmp_path: Path) -> Iterator[There]:
    (platform,) = yaml.safe_load((ROOT / "docs/examples/open311.yaml").read_text(encoding="utf-8"))["platforms"]
    server = GeoReport()
    with ExitStack() as stack:
        ground = stack.enter_context(serving(tmp_path, server))

        def url(time: Time) -> str:
            server.time = ground.clock = time  # type: ignore[assignment]
            return ground.url

        settings = {**platform["settings"], "requests_per_second": 1000, "burst": 1000,
                    "files": {"download": {"hosts": [ground.url.removeprefix("http://")]}}}  # fmt: skip
        pair = stack.enter_context(paired(tmp_path, "open311", url, settings, ("", "example-key"), ROUTES, TOWN))
        yield There(ground.url, pair, server, ground.asked)


def test_a_citizens_photo_travels(there: There) -> None:
    """The picture behind a public address arrives on the grid byte for byte; an address of another host is never asked
    for, and officials are told."""
    for address in (f"{there.url}/media/%E8%B7%AF%E9%9D%A2.jpg", "http://127.0.0.1:1/inner.jpg"):
        there.server.add("村内道路塌陷。")["media_url"] = address
    for _ in range(2 * READS + 4):  # whoever mends the configuration meanwhile still gets the photo
        there.pair.quiet()
    events = there.pair.events()
    assert len(events) == 2
    held = [(file["name"], file["sha256"]) for event in events for file in event["attachments"]]
    assert held == [("路面.jpg", hashlib.sha256(PHOTO).hexdigest())]
    assert sum("附件未送达" in p["opinion"] and "inner.jpg" in p["opinion"] for e in events for p in e["processes"]) == 1
    assert there.posts() == 0


def test_a_photo_is_called_what_its_header_says(there: There) -> None:
    """C64: an address tells no name, the answer does, in whatever charset its server speaks; a path in it reaches nothing,
    and without a name the end of the address serves; its kind is told by its bytes where no extension tells it."""
    lines = [line for line in (ROOT / "tests/cases/C64-headers.bin").read_bytes().splitlines() if line]
    for number, line in enumerate(lines):
        path = f"/media/{number}"
        there.server.dispositions[path] = line.partition(b": ")[2].decode("latin-1")
        there.server.add("村内道路塌陷。")["media_url"] = there.url + path
    there.pair.quiet()
    named = [file["name"] for event in there.pair.events() for file in event["attachments"]]
    assert sorted(named) == sorted(["污水现场1.jpg"] * 3 + ["污水1.jpg", "污水.jpg", "x.jpg", "6.jpg"])
    assert there.pair.dead() == []


def test_what_has_its_number_later_is_not_lost(there: There) -> None:
    """A server lists a request while it still processes it, without an id: nobody is bothered, and once it has one it
    travels, hours after the list was read past it."""
    one = there.server.add("村内道路塌陷。")
    number, one["service_request_id"] = one["service_request_id"], None
    for _ in range(3):
        there.pair.quiet()
        there.pair.time.sleep(3600)
    assert there.pair.events() == [] and there.pair.dead() == []
    one["service_request_id"] = number
    there.pair.quiet()
    assert len(there.pair.events()) == 1 and there.pair.dead() == []


@pytest.mark.parametrize("words", [None, "", " ", "\n"])
def test_a_request_without_words_travels(there: There, words: str | None) -> None:
    """A description, and the service's name, may be left out: the platform that needs them is told where to look, and what
    is added later is an edit."""
    there.pair.bridge = replace(there.pair.bridge, routes=(Route("转网格", ("open311",), "grid", Condition()),))
    one = there.server.add("x")
    one |= {"description": words, "service_name": None}
    there.pair.quiet()
    (event,) = there.pair.events()
    assert event["title"] and event["content"] and there.pair.dead() == []
    one["description"] = "村内道路塌陷。"
    there.pair.quiet()
    assert [p["opinion"] for p in there.pair.events()[0]["processes"]][1:] == ["（更正）内容：村内道路塌陷。"]


def test_no_html_goes_out(there: There) -> None:
    """The standard takes no HTML in a description: a tag is told as text, all else as it is, and nothing of it comes back."""
    words = "路坏了 <b>坑</b> <!-- x --> a < b, 深<3米, 1>0 & <张三>"
    event = there.pair.event(content=words)
    there.pair.quiet()
    (one,) = there.server.requests
    assert one["description"].startswith("路坏了 ＜b>坑＜/b> ＜!-- x --> a < b, 深<3米, 1>0 & <张三>\n〔来源编号")
    there.say(one, "open", "已派人")
    there.pair.quiet()
    (shown,) = there.pair.events()
    assert shown["eventId"] == event and not any("更正" in p["opinion"] for p in shown["processes"])


def test_created_on_and_nothing_else(there: There) -> None:
    """One POST; every later step of the grid stays here, and that is no difference; the server's own end comes back."""
    event = there.pair.event()
    there.pair.quiet()
    (one,) = there.server.requests
    assert one["service_code"] == "ENV66" and one["description"].startswith("巡查发现罐车向沟渠倾倒污水。\n〔来源编号 hy-")
    assert one["address"] == "村北沟渠"
    there.pair.move(event, "06")
    there.pair.move(event, "07")
    there.pair.quiet()
    assert there.posts() == 1 and there.pair.dead() == []
    assert all(not row.difference for row in there.pair.links()) and len(there.pair.links()) == 2
    there.say(one, "closed", "已清理。")
    there.pair.quiet()
    (shown,) = there.pair.events()
    assert shown["stage"] == "11" and any("已清理。" in step["opinion"] for step in shown["processes"])
    assert there.posts() == 1 and len(there.server.requests) == 1 and there.pair.dead() == []
    there.pair.assert_agreement({one["service_request_id"]: one["status"]})


def test_a_lost_answer_makes_no_second_request(there: There) -> None:
    """Created, the answer lost: found by the reference in its description, not sent again."""
    there.server.lose = 1
    there.pair.event()
    there.pair.quiet()
    there.pair.quiet()
    assert there.posts() == 1 and len(there.pair.links()) == 2 and there.pair.dead() == []


def test_the_latest_state_alone(there: There) -> None:
    """C17: four changes out of six answers, told by what is shown, not by its time; closed again with the same words is
    a change of its own; the grid follows each."""
    one = there.server.add("村内主路塌陷约两平方米")
    applied = 0
    for said in C17:
        status, words = said.split()
        there.say(one, status, words)
        there.pair.time.sleep(300)
        applied += there.pair.poll().applied
        there.pair.round()
    assert applied == 4
    assert there.kinds() == [ActionKind.CALL, ActionKind.CLOSE, ActionKind.REOPEN, ActionKind.CLOSE]
    there.pair.quiet()
    (event,) = there.pair.events()
    assert event["stage"] == "11" and there.posts() == 0 and there.pair.dead() == []
    told = [step["opinion"] for step in event["processes"]]
    assert sum("已处理" in words for words in told) == 2 and any("群众反映未解决" in words for words in told)


def test_a_token_and_the_list_that_was_faster(there: There) -> None:
    """C18: one POST; the request in the list is known as ours before its token settles; no second call, no second link."""
    there.server.late = 600
    there.pair.event()
    there.pair.round()
    there.pair.time.sleep(30)
    there.pair.round()
    assert there.posts() == 1
    there.pair.quiet()
    there.pair.quiet()
    links = there.pair.links()
    assert sorted(row.platform for row in links) == ["grid", "open311"] and there.posts() == 1
    assert {row.native_id for row in links} >= {"SR-1"} and there.pair.dead() == []


def test_a_token_settles(there: There) -> None:
    """Not shown in the list yet: the token alone brings the id."""
    there.server.late = 20
    there.pair.event()
    hidden: list[dict[str, Any]] = []
    there.pair.round()
    hidden, there.server.requests = there.server.requests, hidden
    there.pair.quiet()
    there.pair.quiet()
    assert [row.native_id for row in there.pair.links() if row.platform == "open311"] == ["SR-1"]
    assert there.posts() == 1 and len(hidden) == 1

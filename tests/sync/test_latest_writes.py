"""A platform that shows its latest state alone and takes operations: our own writes are not somebody's, lost answers included."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from sandbox.standins import StandIns
from schemas.lifecycle import ActionKind, Stage
from tests.unit.adapters.rest_server import Asked, Said, serving
from tests.unit.cli.ground import ROOT, House, house

COUNTY = """
county: "371103"
name: 岚山区
platforms:
  - slug: tiny
    title: 小平台
    adapter: rest
    mapping: tiny
    connection: huying_tiny
    lag: 0s
    settings:
      list: {request: {path: /rows}}
      record: {id: id, reference: ref}
      detail: {request: {path: "/rows/{id}"}}
      create: {request: {method: POST, path: /rows, send: json}, id: id}
      update: {request: {method: POST, path: "/rows/{id}", send: json}}
      find: {by: query, request: {path: /rows, parameters: {ref: "{reference}"}}}
      processing_seconds: 1
routes:
  - {name: 岚山的事, from: grid, to: tiny, when: {all: [[area.town, begins, "371103"]]}}
"""
MAPPING = """
mapping: tiny
title: 小平台
record: {id: id, reference: ref, status: status}
time: yyyy-MM-dd HH:mm:ss
stages: {open: CALLED, taken: ACCEPTED, done: CLOSED}
fields:
  title: {wire: title, required: true}
  reply_internal: {wire: words, way: read}
latest: {words: reply_internal}
create: {status: open}
operation: {code: status, opinion: {to: words}, operator: {to: who, default: 呼应}, remark: same}
workflow: {open: {open: open, taken: taken}, taken: {taken: taken, done: done}, done: {done: done}}
moves:
  ACCEPT: {operation: taken}
  CLOSE: {operation: done}
"""


class Tiny:
    """Keeps a status and the last words. lost: so many writes are carried out and answered by an error."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.writes: list[tuple[str, str]] = []
        self.lost = 0

    def __call__(self, asked: Asked) -> Said:
        number = asked.path.removeprefix("/rows").strip("/")
        if asked.method == "GET" and number:
            return Said(self.rows.get(number) or {}, 200 if number in self.rows else 404)
        if asked.method == "GET":
            return Said([one for one in self.rows.values() if asked.query.get("ref") in (None, one["ref"])])
        if not number:
            number = str(len(self.rows) + 1)
            self.rows[number] = {"id": number, "status": "open", "words": "", **asked.json}
            return Said(self.rows[number])
        self.rows[number] |= asked.json
        self.writes.append((asked.json["status"], asked.json.get("words", "")))
        if self.lost:
            self.lost -= 1
            return Said({}, 500)
        return Said({})


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    counties, mappings = tmp_path / "config" / "counties", tmp_path / "mappings"
    counties.mkdir(parents=True)
    mappings.mkdir()
    told = "".join(f"\n  {one}: {{remark: 【其他】}}" for one in ActionKind if one not in ("ACCEPT", "CLOSE"))
    cannot = ", ".join(f"{one}: 没有" for one in Stage if one not in ("CALLED", "ACCEPTED", "CLOSED"))
    (counties / "lanshan.yaml").write_text(COUNTY, encoding="utf-8")
    (counties / "donggang.yaml").write_text(
        'county: "371102"\nname: 东港区\nplatforms:\n  - {slug: grid, title: 网格, adapter: grid, mapping: grid, '
        "connection: huying_grid, lag: 0s}\n", encoding="utf-8")  # fmt: skip
    (mappings / "tiny.yaml").write_text(f"{MAPPING.rstrip()}{told}\ncannot: {{{cannot}}}\n", encoding="utf-8")
    (tmp_path / "config" / "divisions.csv").write_bytes((ROOT / "config" / "divisions.csv").read_bytes())
    return tmp_path


def waiting(one: House, number: str) -> list[Any]:
    """What the platform is still to be told of the call."""
    return [row for row in one.data("show", number)["waiting"] if "tiny" in row]


def until(one: House, condition: Any) -> None:
    deadline, said = time.monotonic() + 30, ""
    while not condition():
        assert time.monotonic() < deadline, said
        said = one.huying("push", "tiny").output


@pytest.mark.parametrize("lost", [0, 1])
def test_our_write_is_known_again(configured: Path, lost: int) -> None:
    """One operation, one action: sent once, read back as ours, and nothing of it goes back to where it came from."""
    tiny = Tiny()
    with serving(configured / "s", tiny) as ground, StandIns(["grid"]) as standins:
        one = house(configured, HUYING_CONFIG=str(configured / "config"), HUYING_MAPPINGS=str(configured / "mappings"),
                    AIRFLOW_CONN_HUYING_TINY=ground.url, **standins.connections())  # fmt: skip
        one.doors = standins.doors
        assert one.data("check")["ok"], one.huying("check").output
        number = one.event()
        assert one.huying("poll", "grid").exit_code == 0
        until(one, lambda: tiny.rows)
        one.huying("poll", "tiny")
        move = {"eventId": number, "stage": "06", "opinion": "东港受理", "operator": "赵主任"}
        standins.doors.tell("grid", "officials/move", move)
        assert one.huying("poll", "grid").exit_code == 0
        tiny.lost = lost
        until(one, lambda: tiny.writes and not waiting(one, number))
        one.huying("poll", "tiny")
        shown = one.data("show", number)
        assert tiny.writes == [("taken", "东港受理")]
        assert [(step["platform"], step["action"]) for step in shown["timeline"]] == [("grid", "CALL"), ("grid", "ACCEPT")]
        assert not [row for row in shown["waiting"] if "action" in row] and one.data("dead", "list") == []


def test_several_writes_before_one_reading(configured: Path) -> None:
    """Only the last of them is shown: the others are not missed, and hold up nothing that people changed as well."""
    tiny = Tiny()
    with serving(configured / "s", tiny) as ground, StandIns(["grid"]) as standins:
        one = house(configured, HUYING_CONFIG=str(configured / "config"), HUYING_MAPPINGS=str(configured / "mappings"),
                    AIRFLOW_CONN_HUYING_TINY=ground.url, **standins.connections())  # fmt: skip
        one.doors = standins.doors
        number = one.event()
        one.huying("poll", "grid")
        until(one, lambda: tiny.rows)
        one.huying("poll", "tiny")
        for stage, words in (("06", "受理"), ("07", "派发"), ("10", "反馈"), ("11", "办结")):
            move = {"eventId": number, "stage": stage, "opinion": words, "operator": "赵主任", "dept": "DG099"}
            standins.doors.tell("grid", "officials/move", move)
        one.huying("poll", "grid")
        until(one, lambda: tiny.writes and not waiting(one, number))
        one.huying("poll", "tiny")
        shown = one.data("show", number)
        assert [status for status, _ in tiny.writes] == ["taken", "taken", "taken", "done"]
        assert "未见回显" not in str(shown) and {step["platform"] for step in shown["timeline"]} == {"grid"}


def test_an_official_acts_within_the_lag_after_our_write(configured: Path) -> None:
    """Such a reading may be an old one. It is looked at again, and what the official did is not lost."""
    county = configured / "config" / "counties" / "lanshan.yaml"
    county.write_text(county.read_text(encoding="utf-8").replace("lag: 0s", "lag: 4s"), encoding="utf-8")
    tiny = Tiny()
    with serving(configured / "s", tiny) as ground, StandIns(["grid"]) as standins:
        one = house(configured, HUYING_CONFIG=str(configured / "config"), HUYING_MAPPINGS=str(configured / "mappings"),
                    AIRFLOW_CONN_HUYING_TINY=ground.url, **standins.connections())  # fmt: skip
        one.doors = standins.doors
        number = one.event()
        one.huying("poll", "grid")
        until(one, lambda: tiny.rows)
        one.huying("poll", "tiny")
        standins.doors.tell("grid", "officials/move", {"eventId": number, "stage": "06", "opinion": "受理", "operator": "赵主任"})
        one.huying("poll", "grid")
        until(one, lambda: tiny.writes and not waiting(one, number))
        next(iter(tiny.rows.values())).update(status="done", words="已办结")
        one.huying("poll", "tiny")
        time.sleep(5)
        one.huying("poll", "tiny")
        assert [step["action"] for step in one.data("show", number)["timeline"]] == ["CALL", "ACCEPT", "CLOSE"]

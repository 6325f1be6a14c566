"""Records as they are found: one object where a list was meant, an empty text for nothing, addresses of files in one text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.documents import Problems
from bridge.mapping.files import LoadedMapping, load_mapping
from bridge.mapping.planning import Situation, plan, remark
from schemas.lifecycle import Action, ActionKind, Stage
from schemas.moment import moment

MAPPING = """
mapping: rough
title: 粗糙的平台
record: {{id: id, status: status}}
time: yyyy-MM-dd HH:mm:ss
stages: {{open: CALLED, done: CLOSED}}
fields:
  title: {{wire: title}}
  files: {{wire: pics, convert: files, way: read, files: {files}}}
entries:
  rows: logs
  key: no
  at: time
  status: status
  opinion: words
  order: sequence
  read: [{{when: {{status: done, moved: true}}, action: CLOSE}}, {{action: COMMENT}}]
"""


def mapping(folder: Path, files: str = "{id: url, name: name}") -> LoadedMapping:
    (folder / "rough.yaml").write_text(MAPPING.format(files=files), encoding="utf-8")
    return load_mapping("rough", [folder])


def record(**more: Any) -> dict[str, Any]:
    return {"id": "1", "status": "done", "title": "井盖", "logs": [], "pics": None, **more}


@pytest.mark.parametrize("listed", [True, False])
def test_one_entry_without_its_list(tmp_path: Path, listed: bool) -> None:
    """The same action and the same entry, whether the platform writes a list of one or the object alone."""
    one = {"no": 7, "time": "2026-10-26 09:00:00", "status": "done", "words": "修好了"}
    understood = mapping(tmp_path).translator.understand("rough", record(logs=[one] if listed else one))
    (entry,) = understood.entries
    assert [(str(action.kind), action.opinion) for action in entry.actions] == [("CLOSE", "修好了")]
    assert understood.notes == () and entry.key == mapping(tmp_path).translator.understand("rough", record(logs=[one])).entries[0].key


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_no_history_in_several_ways(tmp_path: Path, nothing: Any) -> None:
    """Nothing is nothing, and no remark about it."""
    understood = mapping(tmp_path).translator.understand("rough", record(logs=nothing, pics=nothing or None))
    assert understood.entries == () and understood.notes == ()


@pytest.mark.parametrize(("files", "pics", "ids"), [
    ("{id: pics}", "/up/a.jpg,b.jpg", ["/up/a.jpg,b.jpg"]),
    ('{id: pics, split: ","}', "/up/照片.jpg, http://h/b%20c.jpg,,", ["/up/照片.jpg", "http://h/b%20c.jpg"]),
    ("{id: pics}", ["/up/照片.jpg", "", "http://h/b%20c.jpg"], ["/up/照片.jpg", "http://h/b%20c.jpg"]),
    ("{id: url, name: name}", {"url": "u1", "name": "甲.jpg"}, ["u1"]),
])  # fmt: skip
def test_addresses_of_files(tmp_path: Path, files: str, pics: Any, ids: list[str]) -> None:
    """One, several in one text, a list of them, one object without its list; the name is what stands last in an address."""
    understood = mapping(tmp_path, files).translator.understand("rough", record(pics=pics))
    found = understood.fields["files"]
    assert [one["native_id"] for one in found] == ids and understood.notes == ()
    if len(ids) == 2:
        assert [one["name"] for one in found] == ["照片.jpg", "b c.jpg"]


NO_REMARKS = """
operation:
  code: op
  opinion: {{to: words}}
  operator: {{to: who}}
create: {{status: open}}
workflow: {{open: {{close: done}}, done: {{}}}}
moves:
  CLOSE: {{operation: close}}{moves}
cannot: {{{cannot}}}
shows: {{}}{edits}
"""


def without_remarks(folder: Path, moves: str = "", edits: str = "") -> LoadedMapping:
    told = [str(kind) for kind in ActionKind if kind is not ActionKind.CLOSE and str(kind) not in moves]
    stages = [str(stage) for stage in Stage if stage not in (Stage.CALLED, Stage.CLOSED)]
    cannot = ", ".join(f"{key}: 平台没有这个操作" for key in dict.fromkeys([*told, *stages]))
    text = MAPPING.format(files="{id: pics}") + NO_REMARKS.format(moves=moves, cannot=cannot, edits=edits)
    (folder / "rough.yaml").write_text(text, encoding="utf-8")
    return load_mapping("rough", [folder])


def test_a_platform_that_takes_no_remarks(tmp_path: Path) -> None:
    """Operations are told, nothing else is, and the reason is said; no time is written where the platform takes its own."""
    mapping = without_remarks(tmp_path).mapping
    at = moment("2026-10-26T12:00:00+08:00")
    seen = Situation("open", "", {}, at)
    closed = Action(kind=ActionKind.CLOSE, at=at, platform="grid", entry="1", opinion="修好了", actor="王五")
    (step,) = plan(mapping, closed, Stage.CLOSED, seen).steps
    assert step.body == {"op": "close", "words": "修好了", "who": "王五"}
    for told in (plan(mapping, closed, Stage.CLOSED, Situation("done", "", {}, at)), remark(mapping, "对方编号", seen),
                 plan(mapping, closed.model_copy(update={"kind": ActionKind.EXTEND, "phase": "requested"}), None, seen)):
        assert told.steps == () and told.reason and "备注告知" not in told.reason


@pytest.mark.parametrize(("moves", "edits"), [("\n  URGE: {remark: 【督办】}", ""), ("", "\nedits: remark")])
def test_remarks_that_there_are_none_of(tmp_path: Path, moves: str, edits: str) -> None:
    """What would be told as a remark is a mistake of the mapping, told with what to write instead."""
    with pytest.raises(Problems) as raised:
        without_remarks(tmp_path, moves, edits)
    assert "operation 未写 remark" in str(raised.value) and "cannot" in str(raised.value)


def operated(folder: Path, code: str = "code: op", rule: str = "code: DONE", entries: str = "") -> LoadedMapping:
    """Operations `close` and `again`; the history calls the first one DONE."""
    text = MAPPING.format(files="{id: pics}").replace("  opinion: words", f"  opinion: words\n  {code}")
    text = text.replace("{when: {status: done, moved: true}, action: CLOSE}", f"{{when: {{{rule}}}, action: CLOSE}}")
    cannot = ", ".join(f"{one}: 没有" for one in [*ActionKind, *Stage] if one not in ("CLOSE", "REOPEN", "CALLED", "CLOSED"))
    text += NO_REMARKS.format(moves="\n  REOPEN: {operation: again}", cannot=cannot, edits="")
    text = text.replace("done: {}}", "done: {again: open}}").replace("  code: op\n  opinion: {to", f"  code: op{entries}\n  opinion: {{to")
    (folder / "rough.yaml").write_text(text, encoding="utf-8")
    return load_mapping("rough", [folder])


@pytest.mark.parametrize(("code", "rule", "entries", "shown"), [
    ("code: op", "code: DONE", "\n  entries: {close: DONE, again: DONE}", "DONE"),
    ("code: op", "code: [close, again]", "", "close"),
    ("code: op", "status: done", "", "close"),
    ("operator: who", "status: done", "", "done"),
])  # fmt: skip
def test_how_the_history_calls_our_operations(tmp_path: Path, code: str, rule: str, entries: str, shown: str) -> None:
    """As declared; else by the operation's own code; by the status afterwards where the history tells statuses alone."""
    mapping = operated(tmp_path, code, rule, entries).mapping
    at = moment("2026-10-26T12:00:00+08:00")
    closed = Action(kind=ActionKind.CLOSE, at=at, platform="grid", entry="1", opinion="修好了")
    (step,) = plan(mapping, closed, Stage.CLOSED, Situation("open", "", {}, at)).steps
    assert (step.code, step.body["op"], step.status) == (shown, "close", "done")


def test_a_remark_that_is_the_status_again(tmp_path: Path) -> None:
    """It is known again by what the history calls such a remark, whatever the status itself is called as an operation."""
    text = MAPPING.format(files="{id: pics}").replace("  opinion: words", "  opinion: words\n  code: op")
    cannot = ", ".join(f"{one}: 没有" for one in [*ActionKind, *Stage] if one not in ("CLOSE", "COMMENT", "CALLED", "CLOSED"))
    text += NO_REMARKS.format(moves="\n  COMMENT: {remark: ''}", cannot=cannot, edits="").replace("{close: done}", "{done: done}")
    text = text.replace("operation: close", "operation: done").replace("done: {}", "done: {done: done}")
    text = text.replace("  code: op\n  opinion: {to", "  code: op\n  remark: same\n  entries: {done: 办结, same: 备注}\n  opinion: {to")
    (tmp_path / "rough.yaml").write_text(text, encoding="utf-8")
    mapping, at = load_mapping("rough", [tmp_path]).mapping, moment("2026-10-26T12:00:00+08:00")
    closed = Action(kind=ActionKind.CLOSE, at=at, platform="grid", entry="1", opinion="修好了")
    assert [one.code for one in plan(mapping, closed, Stage.CLOSED, Situation("open", "", {}, at)).steps] == ["办结"]
    assert [one.code for one in remark(mapping, "对方编号", Situation("done", "", {}, at)).steps] == ["备注"]
    (tmp_path / "rough.yaml").write_text(text.replace("done: {done: done}", "done: {}"), encoding="utf-8")
    with pytest.raises(Problems, match="remark_at"):
        load_mapping("rough", [tmp_path])


@pytest.mark.parametrize("entries", ["", "\n  entries: {close: DONE}", "\n  entries: {close: DONE, again: DONE, x: y}"])
def test_operations_that_would_not_be_known_again(tmp_path: Path, entries: str) -> None:
    """A history whose rules never name the codes of our operations: told with what to write, before one of them echoes."""
    with pytest.raises(Problems, match="entries"):
        operated(tmp_path, entries=entries)

"""Random people, faults and runs between a grid and a database whose batch acknowledges late (G1, G3, G4, G6, G9).

The judge is what the platforms hold.
"""

from __future__ import annotations

import base64
import contextlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from adapters.errors import BrokenReply, OutcomeUnknown, Unavailable
from adapters.petition.adapter import PetitionAdapter
from bridge.ledger.tables import calls, history, links
from bridge.mapping.planning import shown
from schemas.lifecycle import Stage
from tests.sync.petition_world import TRANSLATORS, PetitionWorld, petition_world

CONTRACTS = Path(__file__).parents[2] / "docs" / "contracts"
GRID_MOVES = json.loads((CONTRACTS / "grid" / "transitions.json").read_text())["officials"]
_MOVES = json.loads((CONTRACTS / "petition" / "transitions.json").read_text())
ORDER_MOVES = {at: [*to, *_MOVES["officialsBesides"][at]] for at, to in _MOVES["exchange"].items()}
FIELDS = {
    "grid": ("title", "content", "address", "level", "caller"),
    "petition": ("BT", "NR", "FSDZ", "JJCD", "SQRXM"),
}
AS_SHOWN = {"title": "BT", "content": "NR", "address": "FSDZ", "level": "JJCD", "caller": "SQRXM"}
URGENT = {"1": 2, "2": 1, "3": 1, "4": 0}
SIDES = ("grid", "petition")
LONG = 86_400
"""Days pass a few times at most: after two weeks without a receipt people are asked, rightly."""

SIDE, WHICH = st.sampled_from(SIDES), st.integers(0, 2)
STEPS = st.lists(st.one_of(
    st.tuples(st.just("new"), SIDE, st.booleans()),
    st.tuples(st.just("edit"), SIDE, st.tuples(WHICH, st.integers(0, 4), st.sampled_from(("text", "text", "text", "empty")))),
    st.tuples(st.just("edit"), SIDE, st.tuples(WHICH, st.integers(0, 4), st.sampled_from(("text", "text", "text", "empty")))),
    st.tuples(st.just("secret"), SIDE, WHICH),
    st.tuples(st.just("move"), SIDE, st.tuples(WHICH, st.integers(0, 7))),
    st.tuples(st.just("move"), SIDE, st.tuples(WHICH, st.integers(0, 7))),
    st.tuples(st.just("file"), SIDE, WHICH),
    st.tuples(st.just("poll"), SIDE, st.none()),
    st.tuples(st.just("poll"), SIDE, st.none()),
    st.tuples(st.just("push"), SIDE, st.none()),
    st.tuples(st.just("push"), SIDE, st.none()),
    st.tuples(st.just("batch"), st.none(), st.none()),
    st.tuples(st.just("time"), st.none(), st.sampled_from((2, 10, 40, 200, 3600, LONG))),
    st.tuples(st.just("wire"), st.none(), st.sampled_from(("lost", "slow", "rolled back", "away", "reading"))),
    st.tuples(st.just("fault"), st.just("petition"), st.sampled_from([
        {"kind": "code", "operation": operation, "code": "系统错误"} for operation in ("XZ", "GX", "FJ")])),
    st.tuples(st.just("fault"), st.just("grid"), st.sampled_from([
        {"kind": "lost", "operation": "reportEvent"},
        {"kind": "lost", "operation": "updateEvent", "how": "rst"},
        {"kind": "wrong", "operation": "updateEvent", "status": 502},
        {"kind": "code", "code": "9001", "operation": "updateEvent"},
        {"kind": "code", "code": "9999", "operation": "updateEvent", "done": True},
        {"kind": "cut", "operation": "queryEvents", "at": 300},
        {"kind": "down", "operation": "getAttachment"},
    ])),
), min_size=6, max_size=30)  # fmt: skip


@dataclass
class People:
    """What was done, as far as the judge needs it. Records are (platform, number)."""

    wire: list[str] = field(default_factory=list)
    """Troubles of the database that wait: for the next insert, or the next reading."""
    slow: list[Any] = field(default_factory=list)
    """Inserts whose answer was lost, and which the database commits some seconds later."""
    edits: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """Per record the last value of each field that its people edited."""
    words: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """Per record what its people wrote: none of it may be told back to them."""
    secret: set[tuple[str, str]] = field(default_factory=set)
    names: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """Per record: of the grid, whom a poll may have shown; of the petition platform, whom its people wrote."""
    days: int = 0
    rolled_back: bool = False


@contextlib.contextmanager
def shaken(people: People) -> Iterator[None]:
    """The database's wire: an INSERT whose answer is lost, with or without its row, or that never went out; no reading."""
    insert, pull = PetitionAdapter._hand_over, PetitionAdapter.pull

    def hand_over(self: PetitionAdapter, row: Any) -> Any:
        trouble = next((one for one in people.wire if one != "reading"), None)
        if trouble is None:
            return insert(self, row)
        people.wire.remove(trouble)
        if trouble == "away":
            raise Unavailable("无法连接 / not reached")
        if trouble == "lost":
            insert(self, row)
        if trouble == "slow":
            people.slow.append((3, lambda: insert(self, row)))
        raise OutcomeUnknown("答复丢失 / the answer is lost")

    def read(self: PetitionAdapter, since: Any) -> Any:
        if "reading" in people.wire:
            people.wire.remove("reading")
            raise Unavailable("无法连接 / not reached")
        return pull(self, since)

    with mock.patch.object(PetitionAdapter, "_hand_over", hand_over), mock.patch.object(PetitionAdapter, "pull", read):
        yield


def committed(people: People, *, all_of_them: bool = False) -> None:
    """One step on: what the database takes its time with is committed after three, before the time (§2) is over."""
    waiting, people.slow = people.slow, []
    for steps, insert in waiting:
        if steps == 0 or all_of_them:
            insert()
        else:
            people.slow.append((steps - 1, insert))


def records(w: PetitionWorld, slug: str) -> list[dict[str, Any]]:
    return w.events() if slug == "grid" else w.orders()


def number_of(slug: str, record: dict[str, Any]) -> str:
    return str(record["eventId" if slug == "grid" else "GDBH"])


def may(w: PetitionWorld, slug: str, name: str, body: Any) -> bool:
    """Try something as an official: False where the platform forbids it."""
    return bool((w.grid if slug == "grid" else w.petition).entrance("POST", f"officials/{name}", body)[0] == 200)


def late(slug: str, step: int) -> dict[str, int]:
    """Some transactions of the petition platform's people stay open for a while (§2)."""
    return {"late_seconds": 40} if slug == "petition" and step % 4 == 0 else {}


def new(w: PetitionWorld, people: People, slug: str, step: int, travels: bool) -> None:
    name, phone = f"甲乙丙{'零一二三四五六七八九'[step // 10]}{'零一二三四五六七八九'[step % 10]}", f"139000{step:05}"
    text = f"{name}来电{phone}，反映第{step}件事。"
    if slug == "grid":
        number = w.grid_call("371121106" if travels else "371102110", title=f"网格呼叫{step}", content=text, caller=name,
                             callerTel=phone, address=f"村口{step}号")  # fmt: skip
    else:
        number = w.at("petition", "officials/create", {
            "BT": f"问政工单{step}", "NR": text, "SQLB": "0201", "SZXZ": "371102110" if travels else "371121106", "SQRXM": name,
            "LXDH": phone, "SFBM": 0, "JJCD": 1, "FSDZ": f"县城{step}号"})["GDBH"]  # fmt: skip
    people.names[(slug, number)] = {name, phone} if slug == "petition" else set()


def edit(w: PetitionWorld, people: People, slug: str, record: dict[str, Any], step: int, which: int, how: str) -> None:
    number, wire = number_of(slug, record), FIELDS[slug][which]
    if which == 4 and (slug, number) in people.secret:
        return
    value: Any = f"{slug}的{wire}第{step}改"
    if which == 3:
        value = str(step % 4 + 1) if slug == "grid" else step % 3
    elif how == "empty" and which in (2, 4):
        value = "" if slug == "grid" else None
    if not may(w, slug, "edit", {"eventId" if slug == "grid" else "GDBH": number, "set": {wire: value},
                                  **late(slug, step)}):  # fmt: skip
        return
    people.edits.setdefault((slug, number), {})[wire] = value
    if which != 3 and value:
        people.words.setdefault((slug, number), []).append(value)
        if which == 4 and slug == "petition":
            people.names[(slug, number)] = people.names.get((slug, number), set()) | {value}


def secret(w: PetitionWorld, people: People, slug: str, record: dict[str, Any]) -> None:
    number = number_of(slug, record)
    if slug == "grid":
        done = may(w, slug, "edit", {"eventId": number, "set": {"caller": "匿名", "callerTel": ""}})
        people.edits.setdefault((slug, number), {})["caller"] = "匿名"
    else:
        done = may(w, slug, "edit", {"GDBH": number, "CZR": "秦受理", "set": {"SFBM": 1}})
    if done:
        people.secret.add((slug, number))


def move(w: PetitionWorld, people: People, slug: str, record: dict[str, Any], step: int, which: int) -> None:
    number, words = number_of(slug, record), f"{slug}第{step}步"
    if slug == "grid":
        legal = [*GRID_MOVES[record["stage"]], record["stage"]]
        stage = legal[which % len(legal)]
        done = may(w, slug, "move", {"eventId": number, "stage": stage, "operator": "王测试",
                                     "dept": "DG001" if stage == "07" else "DG099", "opinion": words})  # fmt: skip
    else:
        legal = [*ORDER_MOVES[str(record["GDZT"])], str(record["GDZT"])]
        state = int(legal[which % len(legal)])
        done = may(w, slug, "act", {"GDBH": number, "GDZT": state, "CZR": "秦受理", "CZYJ": words, **late(slug, step),
                                    **({"ZBDW": "WL005"} if state == 2 else {})})  # fmt: skip
    if done:
        people.words.setdefault((slug, number), []).append(words)


def attach(w: PetitionWorld, slug: str, record: dict[str, Any], step: int) -> None:
    number, content = number_of(slug, record), base64.b64encode(b"\xff\xd8\xff" + bytes([step])).decode()
    if slug == "grid":
        may(w, slug, "attach", {"eventId": number, "name": f"照片{step}.jpg", "mime": "image/jpeg", "base64": content})
    else:
        may(w, slug, "attach", {"GDBH": number, "WJM": f"照片{step}.jpg", "WJLX": "image/jpeg", "base64": content})


def play(w: PetitionWorld, people: People, steps: list[Any]) -> None:
    """The steps, one after another; what a platform forbids its officials is left out."""
    new(w, people, "grid", 90, True)
    new(w, people, "petition", 91, True)
    w.quiet()
    _noted(w, people, "poll", "grid")
    for step, (kind, slug, what) in enumerate(steps):
        w.pass_time(1)
        committed(people, all_of_them=kind == "time" and what > 2)
        found = records(w, slug) if slug else []
        match kind:
            case "new":
                new(w, people, slug, step, what)
            case "edit":
                edit(w, people, slug, found[what[0] % len(found)], step, what[1], what[2])
            case "secret":
                secret(w, people, slug, found[what % len(found)])
            case "move":
                move(w, people, slug, found[what[0] % len(found)], step, what[1])
            case "file":
                attach(w, slug, found[what % len(found)], step)
            case "poll" | "push":
                with contextlib.suppress(Unavailable, BrokenReply):
                    getattr(w, kind)(slug)
                    _noted(w, people, kind, slug)
            case "batch":
                w.platform.run_batch()
            case "time":
                people.days += what == LONG
                if what != LONG or people.days <= 5:
                    w.pass_time(what)
            case "wire" if what != "rolled back" or not people.rolled_back:  # twice for one write is a person's, rightly
                people.rolled_back |= what == "rolled back"
                people.wire.append(what)
            case "fault":
                w.at(slug, "faults", what)


def _noted(w: PetitionWorld, people: People, kind: str, slug: str) -> None:
    """The people whom this poll of the grid has shown."""
    for event in w.events() if (kind, slug) == ("poll", "grid") else ():
        if event["caller"] not in ("匿名", "保密"):
            seen = {str(event[key]) for key in ("caller", "callerTel") if event[key]}
            people.names[("grid", event["eventId"])] = people.names.get(("grid", event["eventId"]), set()) | seen


def judge(w: PetitionWorld, people: People) -> None:
    """The promises, by what the platforms hold."""
    people.wire.clear()
    committed(people, all_of_them=True)
    for slug in SIDES:
        w.at(slug, "faults", method="DELETE")
    w.pass_time(400)
    w.quiet(60)
    assert [(letter.platform, letter.what) for letter in w.dead()] == []
    own = {(slug, number_of(slug, one)): one for slug in SIDES for one in records(w, slug)}
    references = Counter(str(one.get("sourceId") or one.get("WBBH") or "") for one in own.values())
    assert [one for one, times in references.items() if one and times > 1] == [], "a call stands twice"
    with w.bridge.ledger.begin() as tx:
        found = list(tx.execute(select(calls.c.id, calls.c.stage, calls.c.fields)))
        stages = {row.id: row.stage for row in found}
        held = {row.id: row.fields for row in found}
        rows = list(tx.execute(select(links)))
        missing = Counter(tx.execute(select(history.c.call).where(
            history.c.kind == "note", history.c.body["words"].as_string().startswith("附件未送达"))).scalars())  # fmt: skip
    assert {(row.platform, row.native_id) for row in rows} == set(own), "a record of no call"
    pairs: dict[int, dict[str, Any]] = {}
    for row in rows:
        pairs.setdefault(row.call, {})[row.platform] = row
        status = str(own[(row.platform, row.native_id)]["stage" if row.platform == "grid" else "GDZT"])
        if not row.difference:
            assert shown(TRANSLATORS[row.platform].mapping, status, Stage(stages[row.call])), (status, stages[row.call])
    for call, both in pairs.items():
        origin = next(row for row in both.values() if row.role == "origin")
        if len(both) == 1:
            town = own[(origin.platform, origin.native_id)]["townCode" if origin.platform == "grid" else "SZXZ"]
            assert stages[call] in ("RETURNED", "CANCELLED") or not town.startswith(
                "371121" if origin.platform == "grid" else "371102"), f"never arrived: {origin.native_id}"  # fmt: skip
            continue
        event, order = (own[(slug, both[slug].native_id)] for slug in SIDES)
        files(event, order, missing[call])
        fields(people, event, order, origin.platform)
        if order["GDZT"] != 9 and not {("grid", event["eventId"]), ("petition", order["GDBH"])} & people.secret:
            assert (order["BT"], order["FSDZ"] or "") == (held[call]["title"], held[call].get("place.address") or "")
        personal(people, event, order, origin.platform)
        echoes(people, event, order)
    written = len(w.at("petition", "exchange", method="GET"))
    for _ in range(2):
        w.pass_time(400)
        assert w.round() == 0, "writes go on after people have stopped"
    assert len(w.at("petition", "exchange", method="GET")) == written


def files(event: dict[str, Any], order: dict[str, Any], missing: int) -> None:
    """Each file stands on both, once, or is said to be missing."""
    here, there = (Counter(one["sha256"] for one in found or ()) for found in (event["attachments"], order["FJ"]))
    assert max([0, *here.values(), *there.values()]) <= 1, (here, there)
    assert sum(((here - there) + (there - here)).values()) == missing, (here, there, missing)


def fields(people: People, event: dict[str, Any], order: dict[str, Any], origin: str) -> None:
    """The work order shows what the origin edited last, where nobody edited the work order; the grid is told in words."""
    ours, theirs = ("grid", event["eventId"]), ("petition", order["GDBH"])
    hidden = ours in people.secret or theirs in people.secret
    for wire, value in people.edits.get(ours, {}).items():
        same = AS_SHOWN[wire]
        if same not in people.edits.get(theirs, {}) and order["GDZT"] != 9 and not hidden:
            shows = URGENT[value] if wire == "level" else value or None
            assert order[same] == shows, (wire, value, order)
    for wire, value in people.edits.get(theirs, {}).items():
        if origin == "petition" and wire in ("BT", "NR", "FSDZ") and value and not hidden:
            name = next(key for key, one in AS_SHOWN.items() if one == wire)
            if name not in people.edits.get(ours, {}):
                assert value in str(event), (wire, value, event)


def personal(people: People, event: dict[str, Any], order: dict[str, Any], origin: str) -> None:
    """Nobody who asked for secrecy on the grid is named in the row of the work order, but by its own people;
    where these know of the secrecy themselves, what they have is theirs."""
    ours, theirs = ("grid", event["eventId"]), ("petition", order["GDBH"])
    if ours in people.secret and theirs not in people.secret and origin == "grid" and order["GDZT"] != 9:
        named = people.names.get(ours, set()) - people.names.get(theirs, set())
        row = json.dumps({key: value for key, value in order.items() if key != "LZ"}, ensure_ascii=False)
        assert [one for one in named if one in row] == [], row
    if theirs in people.secret and origin == "petition" and event["caller"] != "保密" and ours not in people.secret:
        assert sum("要求保密" in str(one["opinion"]) for one in event["processes"]) == 1, event["processes"]


def echoes(people: People, event: dict[str, Any], order: dict[str, Any]) -> None:
    """What people wrote stands in their own history at most once, and what they edited not at all in our words."""
    for slug, said in (("grid", [str(one["opinion"]) for one in event["processes"]]),
                       ("petition", [str(one["CZYJ"]) for one in order["LZ"]])):  # fmt: skip
        for words in people.words.get((slug, event["eventId"] if slug == "grid" else order["GDBH"]), ()):
            told = [one for one in said if words in one and one != words]
            assert told == [] and said.count(words) <= 1, (words, said)


@settings(max_examples=10, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_the_promises_hold(steps: list[Any]) -> None:
    """Whatever people do on both sides, whatever goes wrong, whenever the batch runs."""
    people = People()
    with tempfile.TemporaryDirectory() as folder, petition_world(Path(folder)) as w, shaken(people):
        play(w, people, steps)
        judge(w, people)

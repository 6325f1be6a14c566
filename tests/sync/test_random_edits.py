"""Random steps, edits and requests for secrecy on a grid and an enforcement platform, random faults and runs.

The judge is what the platforms hold: each call once, stages and fields agree, nothing is told back to who made it, nobody
who asked for secrecy is named.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from adapters.errors import BrokenReply, Unavailable
from bridge.inbound import poll
from bridge.ledger import queue
from bridge.ledger.ledger import micros
from bridge.ledger.tables import calls, links, outbox
from bridge.mapping.concealment import CONCEALED
from bridge.outbound import push
from sandbox.enforcement.platform import EnforcementPlatform
from sandbox.enforcement.times import Settings
from sandbox.httpd import Server
from tests.contract.enforcement_stand import SETTINGS, Enforcement
from tests.sync.pairs import Time, paired
from tests.sync.settling import settle
from tests.sync.test_enforcement import ROUTES, There

CONTRACTS = Path(__file__).parents[2] / "docs" / "contracts"
GRID_MOVES = json.loads((CONTRACTS / "grid" / "transitions.json").read_text())["officials"]
EVENTS = json.loads((CONTRACTS / "enforcement" / "transitions.json").read_text())["events"]
SLUGS = st.sampled_from(["grid", "enforcement"])
FIELDS = ("title", "description", "address", "urgency", "person")
PRIORITY = {"1": "critical", "2": "high", "3": "high", "4": "normal"}
PEOPLE = (("李样例", "13900000002"), ("韩示例", "13900000007"), ("", ""))

NEW = st.tuples(st.just("new"), SLUGS, st.just(0))
EDITS = st.tuples(st.just("edit"), SLUGS, st.tuples(st.integers(0, 2), st.sampled_from(FIELDS), st.integers(0, 3)))
SECRETS = st.tuples(st.just("secret"), SLUGS, st.integers(0, 2))
STAGES = st.tuples(st.just("act"), SLUGS, st.tuples(st.integers(0, 2), st.integers(0, 12)))
RUNS = st.tuples(st.just("run"), SLUGS, st.sampled_from(["poll", "push"]))
WAITS = st.tuples(st.just("wait"), st.just(""), st.sampled_from([5, 30, 120, 600, 3600, 86_400]))
FAULTS = st.tuples(st.just("fault"), st.just("grid"), st.sampled_from([
    {"kind": "lost", "operation": "reportEvent"},
    {"kind": "lost", "operation": "updateEvent", "how": "rst"},
    {"kind": "wrong", "operation": "updateEvent", "status": 502},
    {"kind": "wrong", "operation": "reportEvent", "status": 503},
    {"kind": "code", "code": "9999", "operation": "reportEvent", "done": True},
    {"kind": "code", "code": "9999", "operation": "updateEvent", "done": False},
    {"kind": "code", "code": "9001", "operation": "updateEvent"},
    {"kind": "down", "operation": "queryEvents"},
])) | st.tuples(st.just("fault"), st.just("enforcement"), st.sampled_from([
    {"kind": kind, "operation": operation, **more} for operation in ("createCase", "patchCase", "postEvent")
    for kind, more in (("lost", {}), ("wrong", {"status": 502}), ("wrong", {"status": 503}),
                       ("code", {"code": "internal"}), ("code", {"code": "internal", "done": True}),
                       ("code", {"code": "rate-limited"}))
] + [
    {"kind": kind, "operation": operation, **more} for operation in ("listCases", "getCase")
    for kind, more in (("lost", {}), ("wrong", {"status": 503}), ("code", {"code": "internal"}))
]))  # fmt: skip
STEPS = st.lists(st.one_of(NEW, EDITS, EDITS, EDITS, SECRETS, STAGES, RUNS, RUNS, RUNS, RUNS, WAITS, FAULTS),
                 min_size=6, max_size=30)  # fmt: skip


@dataclass
class Play:
    """Both platforms, and what people did there: (platform, number) -> field -> values in order."""

    there: There
    edits: dict[tuple[str, str], dict[str, list[Any]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    seen: dict[str, tuple[str, str]] = field(default_factory=dict)
    hidden: dict[str, tuple[str, str]] = field(default_factory=dict)
    asked: set[tuple[str, str]] = field(default_factory=set)

    def records(self, slug: str) -> list[dict[str, Any]]:
        found = self.there.pair.events() if slug == "grid" else self.there.cases()
        return sorted(found, key=lambda one: str(one.get("reportTime") or one.get("createdAt")))

    def door(self, slug: str, name: str, body: Any, method: str = "POST") -> bool:
        server = self.there.pair.grid if slug == "grid" else self.there.server
        return bool(server.entrance(method, name, body)[0] == 200)

    def new(self, slug: str) -> None:
        if slug == "grid":
            self.there.pair.event()
        else:
            contact = {"name": PEOPLE[0][0], "phone": PEOPLE[0][1], "confidential": False}
            self.there.at("officials/create", {"title": "路面塌陷", "description": "主路塌陷。", "category": {"code": "TRA-01"},
                                               "location": {"areaCode": "371102110"}, "contact": contact})  # fmt: skip

    def edit(self, slug: str, which: int, name: str, how: int, number: int) -> None:
        found = self.records(slug)
        one = found[which % len(found)]
        key = (slug, one["eventId" if slug == "grid" else "id"])
        if name == "person" and key in self.asked:
            return
        words = f"{'来源' if slug == 'grid' else '官员'}第{number}步。"
        if slug == "grid" and how == 1:
            words += f"{one['caller']}家" if one["caller"] not in ("匿名", "") and key not in self.asked else ""
        value: Any = "" if how == 0 and name in ("description", "address") else words
        if name == "urgency":
            value = "1234"[how] if slug == "grid" else ("low", "normal", "high", "critical")[how]
        if name == "person":
            value = PEOPLE[how % 3]
        if slug == "grid":
            wire = {"title": "title", "description": "content", "address": "address", "urgency": "level"}
            change = {"caller": value[0], "callerTel": value[1]} if name == "person" else {wire[name]: value}
            done = self.door(slug, "officials/edit", {"eventId": key[1], "set": change})
        else:
            contact = {"name": value[0] or None, "phone": value[1] or None} if name == "person" else {}
            change = {"title": {"title": value}, "description": {"description": value or None},
                      "address": {"location": {"address": value or None}}, "urgency": {"priority": value},
                      "person": {"contact": contact}}[name]  # fmt: skip
            done = self.door(slug, "officials/edit", {"id": key[1], "set": change})
        if done:
            self.edits[key][name].append(value)

    def secret(self, slug: str, which: int) -> None:
        found = self.records(slug)
        one = found[which % len(found)]
        if slug == "grid":
            key = (slug, one["eventId"])
            person = (one["caller"] or "", one["callerTel"] or "")
            if key not in self.asked and self.seen.get(one["eventId"]) == person and person[0]:
                self.hidden[one["eventId"]] = person
            self.door(slug, "officials/edit", {"eventId": one["eventId"], "set": {"caller": "匿名", "callerTel": ""}})
        else:
            key = (slug, one["id"])
            if not self.door(slug, "officials/edit", {"id": one["id"], "set": {"contact": {"confidential": True}}}):
                return
        self.asked.add(key)
        self.edits[key]["person"].append(None)

    def act(self, slug: str, which: int, choice: int, number: int) -> None:
        found = self.records(slug)
        one = found[which % len(found)]
        if slug == "grid":
            legal = [*GRID_MOVES[one["stage"]], one["stage"]]
            stage = legal[choice % len(legal)]
            self.door(slug, "officials/move", {"eventId": one["eventId"], "stage": stage, "operator": "王测试",
                                               "dept": "DG001" if stage == "07" else "DG099", "opinion": f"第{number}步"})  # fmt: skip
            return
        legal = [name for name, row in EVENTS.items() if row[one["state"]] != "x"]
        if not legal:
            return
        kind = legal[choice % len(legal)]
        due = (self.there.pair.time.now() + timedelta(days=30 + number)).isoformat()
        data = {"assign": {"agency": "STHJ-LS"}, "transfer": {"agency": "ZHZF-LS"}, "assist": {"agency": "SLJ-LS"},
                "extend": {"dueAt": due}, "rate": {"satisfied": True, "score": 4}, "close": {"resolved": True}}.get(kind, {})  # fmt: skip
        self.door(slug, "officials/act", {"id": one["id"], "type": kind, "text": f"第{number}步", "operator": "赵响应",
                                          "data": data})  # fmt: skip

    def run(self, slug: str, what: str) -> None:
        try:
            (poll if what == "poll" else push)(self.there.pair.bridge, slug)
        except (Unavailable, BrokenReply):
            return  # the platform's own trouble; later runs go on
        if what == "poll" and slug == "grid":
            self.seen = {one["eventId"]: (one["caller"] or "", one["callerTel"] or "") for one in self.records("grid")}

    def waiting(self) -> list[str]:
        pair = self.there.pair
        with pair.bridge.ledger.begin() as tx:
            return queue.ready(tx, micros(pair.bridge.now()) + 10**12)

    def quiet(self) -> None:
        pair = self.there.pair

        def later() -> int:
            pair.time.sleep(400)
            return pair.round()

        settle(later, self.waiting, pair.troubles, 40)
        self.seen = {one["eventId"]: (one["caller"] or "", one["callerTel"] or "") for one in self.records("grid")}


def play(p: Play, steps: list[Any]) -> None:
    """The steps, one after another; what a platform forbids its officials is left out."""
    p.new("grid")
    p.new("enforcement")
    p.quiet()
    for number, (kind, slug, more) in enumerate(steps):
        p.there.pair.time.sleep(1)
        match kind:
            case "new":
                p.new(slug)
            case "edit":
                p.edit(slug, *more, number)
            case "secret":
                p.secret(slug, more)
            case "act":
                p.act(slug, *more, number)
            case "run":
                p.run(slug, more)
            case "wait":
                p.there.pair.time.sleep(more)
            case "fault":
                assert p.door(slug, "faults", more)


def judge(p: Play) -> None:
    """The promises, by what the platforms hold."""
    pair = p.there.pair
    for slug in ("grid", "enforcement"):
        p.door(slug, "faults", None, "DELETE")
    p.quiet()
    assert [(letter.direction, letter.what) for letter in pair.dead()] == []
    pair.assert_agreement({one["id"]: one["state"] for one in p.records("enforcement")})
    events = {one["eventId"]: one for one in p.records("grid")}
    cases = {one["id"]: one for one in p.records("enforcement")}
    copies = Counter(ref for one in (*events.values(), *cases.values())
                     if str(ref := one.get("sourceId") or one.get("externalRef")).startswith("hy-"))  # fmt: skip
    assert set(copies.values()) <= {1}, copies
    with pair.bridge.ledger.begin() as tx:
        on: dict[int, dict[str, str]] = defaultdict(dict)
        for row in tx.execute(select(links.c.call, links.c.platform, links.c.native_id)):
            on[row.call][row.platform] = row.native_id
        stands = {row.id: row for row in tx.execute(select(calls))}
        skipped = set(tx.execute(select(outbox.c.call).where(outbox.c.kind == "create", outbox.c.state == "skipped")).scalars())
    for call, numbers in on.items():
        if len(numbers) == 2:
            _pair(p, stands[call], events[numbers["grid"]], cases[numbers["enforcement"]])
        else:
            assert call in skipped or stands[call].stage in ("RETURNED", "CANCELLED"), stands[call]
    assert {number for one in on.values() for number in one.values()} == {*events, *cases}
    for _ in range(2):
        pair.time.sleep(400)
        assert pair.round() == 0, "writes go on after people have stopped"


def _pair(p: Play, call: Any, event: dict[str, Any], case: dict[str, Any]) -> None:
    """One call on both platforms: its fields, what was told of them, and whom nobody may find there."""
    ours, theirs = p.edits[("grid", event["eventId"])], p.edits[("enforcement", case["id"])]
    told = "\n".join(one["opinion"] for one in event["processes"] if "（更正）" in one["opinion"])
    comments = "\n".join(str(one["text"]) for one in case["events"] if "（更正）" in str(one["text"]))
    assert "来源" not in told, told
    assert "官员" not in comments, comments
    own = [one["text"] for one in case["events"] if one["actor"]["name"] == "赵响应"]
    assert len(own) == len(set(own)), case["events"]
    cancelled = case["state"] == "cancelled"
    asked = [slug for slug, key in (("grid", event["eventId"]), ("enforcement", case["id"])) if (slug, key) in p.asked]
    changed = [one["data"]["fields"] for one in case["events"] if one["type"] == "edited" and one["actor"]["name"] == Enforcement.login]
    names = {"address": "location", "urgency": "priority", "person": "contact"}
    assert asked or {name for one in changed for name in one} <= {names.get(name, name) for name in FIELDS if ours[name]}, changed
    assert len(changed) <= sum(len(values) for values in ours.values()), changed
    assert "grid" not in asked or cancelled or case["contact"]["confidential"], case["contact"]
    hidden = event["caller"] in ("保密", "匿名", "") or any("（保密）" in one["opinion"] for one in event["processes"])
    assert "enforcement" not in asked or hidden, event
    contact = {"name": "", "phone": ""} if case["contact"]["confidential"] else case["contact"]  # as every reply shows it (§6)
    shown = {"title": case["title"], "description": case["description"], "address": case["location"]["address"],
             "urgency": case["priority"], "person": (contact["name"] or "", contact["phone"] or "")}  # fmt: skip
    for name in FIELDS:
        if cancelled or (name == "person" and asked):
            continue
        if ours[name] and not theirs[name]:
            value = ours[name][-1]
            wanted = PRIORITY[value] if name == "urgency" else value
            assert (shown[name] or "") == wanted or CONCEALED in str(shown[name]), (name, shown[name], wanted)
        if theirs[name] and not ours[name]:
            assert (shown[name] or "") == theirs[name][-1], (name, shown[name], theirs[name])
            if name in ("title", "address") and theirs[name][-1]:
                assert theirs[name][-1] in f"{told}{event[name]}", (theirs[name], told)
    if not cancelled:
        for name, path in (("title", "title"), ("description", "description"), ("address", "place.address")):
            value = str(shown[name] or "")
            assert value == (call.fields.get(path) or "") or CONCEALED in value, (name, value, call.fields.get(path))
        for word in p.hidden.get(event["eventId"], ()):
            assert not word or word not in str(shown), (word, shown)


@contextmanager
def played(folder: Path) -> Iterator[Play]:
    servers: list[Server] = []

    def url(time: Time) -> str:
        limits = Settings(rate=10_000, burst=10_000, token_rate=10_000, token_burst=10_000)
        servers.append(Server(EnforcementPlatform(clock=time.seconds, settings=limits)))
        return servers[0].url

    with paired(folder, "enforcement", url, SETTINGS, (Enforcement.login, Enforcement.password), ROUTES) as pair:
        yield Play(There(pair, servers[0]))
    servers[0].close()


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_edits_and_secrecy_end_alike_on_both_sides(steps: list[Any]) -> None:
    """Whatever people change and ask for on both sides, whatever goes wrong on the wire, in whatever order the runs come."""
    with tempfile.TemporaryDirectory() as folder, played(Path(folder)) as p:
        play(p, steps)
        judge(p)

"""The rehearsal: its data, its player and its judge, played with the real engine on loopback, without Airflow."""

from __future__ import annotations

import contextlib
import csv
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import WireError
from bridge import dead, inbound, outbound, overview
from bridge.assembly import assemble
from bridge.bridged import Bridge
from sandbox.demo_folder import DemoFolder, Pace
from sandbox.rehearsal import NotSettled, Surroundings, rehearse
from sandbox.scenario.records import Entry, Record, Watch
from sandbox.scenario.script import BadScript, Script, ScriptedCall, faster, load, only
from sandbox.scenario.stages import agree
from sandbox.scenario.verdict import Verdict, judge
from sandbox.standins import GOVERNMENT, GRID, DoorShut, StandIns

ROOT = Path(__file__).parents[2]
SCRIPT = load()


def steps(do: str) -> Iterator[tuple[ScriptedCall, dict[str, Any]]]:
    for call in SCRIPT.calls:
        yield from ((call, dict(step.wish)) for step in call.steps if step.do == do)


# The data ------------------------------------------------------------------------------------------------------------


def test_the_scenario_is_large_and_goes_both_ways() -> None:
    """At least 40 calls over both counties; each way many, and some stay at home."""
    assert len(SCRIPT.calls) >= 40
    routes = [(call.on, call.goes_to) for call in SCRIPT.calls]
    assert routes.count((GRID, GOVERNMENT)) >= 10
    assert routes.count((GOVERNMENT, GRID)) >= 10
    assert routes.count((GRID, None)) >= 1
    assert routes.count((GOVERNMENT, None)) >= 1
    assert SCRIPT.seconds <= 75


def test_the_reported_case_comes_first() -> None:
    """Gaoxing town's staff see a vehicle dump sewage; the ecology bureau's Lanshan branch closes it within two hours."""
    first = SCRIPT.calls[0]
    assert (first.on, first.goes_to, first.record["townCode"], first.record["level"]) == (
        GRID, GOVERNMENT, "371103103", 1
    )  # fmt: skip
    acts = [step for step in first.steps if step.do == "act"]
    assert [step.wish["action"] for step in acts] == [
        "ACCEPT", "DISPATCH", "RESPOND", "PROGRESS", "PROGRESS", "FEEDBACK", "CLOSE"
    ]  # fmt: skip
    assert {step.wish.get("deptCode") for step in acts[1:-1]} == {"LS101"}
    ago = [step.minutes_ago for step in acts if step.minutes_ago is not None]
    assert ago == sorted(ago, reverse=True) and first.record["minutes_ago"] - ago[-1] < 120


def test_every_action_of_the_lifecycle_is_played() -> None:
    """All actions of the government platform and all moves of the grid's officials, returns and reopenings included."""
    actions = {wish["action"] for _, wish in steps("act")}
    assert actions >= {
        "ACCEPT", "RETURN", "DISPATCH", "RESPOND", "PROGRESS", "EXTEND", "URGE", "FEEDBACK", "CLOSE", "RATE",
        "CANCEL", "RECALL",
    }  # fmt: skip
    stages = {wish["stage"] for _, wish in steps("move")}
    assert stages == {"04", "05", "06", "07", "08", "09", "10", "11", "12", "90", "91"}
    assert any(len(wish.get("depts", ())) > 1 for _, wish in steps("move"))
    assert any(str(wish["opinion"]).startswith("【督办】") for _, wish in steps("move"))
    assert any(str(wish["opinion"]).startswith("【延期】") for _, wish in steps("move"))
    assert list(steps("late_entry")) and list(steps("mend"))
    assert {call.on for call, _ in steps("edit")} == {GRID, GOVERNMENT}


def test_every_awkward_call_is_there() -> None:
    """A hotline call, secrets on both sides, codes nobody knows, several calls in one second, and all kinds of faults."""
    calls = {call.key: call for call in SCRIPT.calls}
    assert any(call.record.get("channel") == "HOTLINE" and "2622345" in call.record["callUnit"] for call in calls.values())
    assert {call.on for call in calls.values() if call.secrets} == {GRID, GOVERNMENT}
    assert {tuple(call.shows.items()) for call in calls.values() if call.shows} == {
        (("itemCode", "LS9999"),), (("eventType", "99"),)
    }  # fmt: skip
    together = [call.together for call in calls.values() if call.together]
    assert {together.count(name) for name in set(together)} == {3, 4}
    assert {(fault.on, fault.fault["kind"]) for fault in SCRIPT.faults} >= {
        (GOVERNMENT, "lost"), (GRID, "lost"), (GOVERNMENT, "wrong"), (GRID, "wrong"), (GRID, "code")
    }  # fmt: skip


def test_places_exist() -> None:
    """Every town, village and grid code lies in the division list; routed calls lie in the other county."""
    with (ROOT / "config" / "divisions.csv").open(encoding="utf-8") as file:
        known = {row["code"] for row in csv.DictReader(line for line in file if not line.startswith("#"))}
    county = {GRID: "371102", GOVERNMENT: "371103"}
    for call in SCRIPT.calls:
        town = call.record["townCode"]
        assert town in known, call.key
        assert str(call.record.get("villageCode", town)) in known, call.key
        assert str(call.record.get("gridCode", ""))[:12] in {*known, ""}, call.key
        if call.goes_to:
            assert town.startswith(county[call.goes_to]), call.key


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("calls: [{key: a, where: grid, at: 0, title: t, gose_to: x}]", "gose_to"),
        ("calls: [{key: a, where: grid, at: 0}]", "title"),
        ("calls: [{key: a, where: moon, at: 0, title: t}]", "where and goes_to"),
        ("calls: [{key: a, where: grid, at: 0, title: t, ends: [DONE]}]", "ends"),
        ("calls: [{key: a, where: grid, at: 0, title: t, steps: [{at: 1, do: act}]}]", "'act' cannot be done on 'grid'"),
        ("calls: [{key: a, where: grid, at: 0, title: t, steps: [{at: 1, do: move, when: {grid: '13'}}]}]", "status 13"),
        ("calls: [{key: a, where: grid, at: 0, title: t}, {key: b, where: grid, at: 0, title: t}]", "stands twice"),
        ("cals: []", "cals"),
    ],
)
def test_a_badly_written_scenario_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    """Whoever changes the rehearsal is told what is wrong, and where."""
    (tmp_path / "own.yaml").write_text(text, "utf-8")
    with pytest.raises(BadScript) as refused:
        load(tmp_path)
    assert said in str(refused.value)


def test_only_some_calls() -> None:
    """A short rehearsal has these calls and no faults; a key that nobody wrote is refused."""
    assert [call.key for call in only(SCRIPT, ["dust", "sewage"]).calls] == ["sewage", "dust"]
    assert only(SCRIPT, ["dust"]).faults == ()
    with pytest.raises(BadScript, match="nobody"):
        only(SCRIPT, ["nobody"])


# The judge -----------------------------------------------------------------------------------------------------------


def test_stages_agree_across_platforms_with_the_declared_exceptions() -> None:
    """Equal stages agree; so does what the government platform cannot show otherwise; nothing else does."""
    assert agree("11", "CLOSED") and agree("05", "PENDING") and agree("04", "RETURNED")
    assert agree("05", "ACCEPTED") and agree("07", "HANDLING") and agree("08", "HANDLING")
    assert not agree("11", "FEEDBACK") and not agree("09", "DISPATCHED") and not agree("06", "HANDLING")
    assert not agree("77", "CLOSED")


def record(slug: str, native_id: str, reference: str = "", *, title: str = "t", status: str = "11",
           entries: tuple[Entry, ...] = (), **document: Any) -> Record:  # fmt: skip
    first = Entry(1, "05" if slug == GRID else "CREATE", "05" if slug == GRID else "PENDING", "甲", "", "呼叫", 100)
    return Record(slug, native_id, reference, title, status, (first, *entries), document)


def judged(*records: Record, **call: Any) -> Verdict:
    """The judge's word on one call recorded on the grid under the number G1."""
    script = Script((ScriptedCall(**{
        "key": "a", "on": GRID, "at": 0.0, "title": "t", "goes_to": GOVERNMENT, "ends": ("CLOSED",), "record": {}, **call,
    }),), (), 1.0, 1.0)  # fmt: skip
    with StandIns() as standins:
        watch = Watch(standins.doors)
    for one in records:
        watch.records[one.slug][one.native_id] = one
        watch.entry_seen.update({(one.slug, one.native_id, entry.seq): 10.0 * len(watch.entry_seen) for entry in one.entries})
    return judge(script, {"a": "G1"}, watch)


def test_a_clean_call_is_clean() -> None:
    """One record on each platform, the same stage: nothing to say but how long it took."""
    verdict = judged(record(GRID, "G1"), record(GOVERNMENT, "V1", "hy-1", status="CLOSED"))
    assert verdict.clean
    assert verdict.latencies[0] == (10.0, "a", "created")


def test_the_judge_sees_what_is_lost_doubled_and_astray() -> None:
    """A call without a copy is lost, two copies of one reference are duplicates, a copy nobody wanted is a stray."""
    assert judged(record(GRID, "G1")).lost == ("a",)
    twice = judged(*(record(GOVERNMENT, number, "hy-1", status="CLOSED") for number in ("V1", "V2")), record(GRID, "G1"))
    assert twice.duplicates == ("government hy-1: 2",)
    assert judged(record(GRID, "G1"), record(GOVERNMENT, "V1", "hy-1", status="CLOSED"), goes_to=None).strays == ("a",)


def test_the_judge_sees_echoes() -> None:
    """An official's entry that comes back to its own platform, with a mark before its words, is an echo."""
    own = Entry(2, "09", "09", "乙", "DG001", "已到场", 200)
    echo = replace(own, seq=3, dept="", opinion="【备注】（市生态环境局东港分局）已到场")
    found = judged(record(GRID, "G1", entries=(own, echo)), record(GOVERNMENT, "V1", "hy-1", status="CLOSED"))
    assert len(found.echoes) == 1
    later = replace(own, seq=3, second=260)
    assert not judged(record(GRID, "G1", entries=(own, later)), record(GOVERNMENT, "V1", "hy-1", status="CLOSED")).echoes


def test_the_judge_sees_leaks_and_differences() -> None:
    """A secret anywhere in the other platform's database is a leak; a stage that differs is told with both words."""
    leaky = record(GOVERNMENT, "V9", "", title="other", status="CLOSED", content="薛桂兰来电")
    copy = record(GOVERNMENT, "V1", "hy-1", status="FEEDBACK")
    verdict = judged(record(GRID, "G1"), copy, leaky, secrets=("薛桂兰",))
    assert verdict.leaks == ["a: government V9"]
    assert verdict.differences == ["a"]
    assert "grid 11, government FEEDBACK" in verdict.calls[0].open
    assert not verdict.clean


# The play ------------------------------------------------------------------------------------------------------------


class Engine:
    """The real engine, polling and pushing in a thread, as the DAGs would."""

    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Engine:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._ended.wait(0.3):
            for slug in (GRID, GOVERNMENT):
                for act in (inbound.poll, outbound.push):
                    try:
                        act(self.bridge, slug)
                    except WireError as error:
                        # A platform's trouble ends this round for it; the DAG's next run tries again.
                        print(slug, error)

    def idle(self) -> bool:
        with self.bridge.ledger.begin() as tx:
            return all(one.waiting == 0 and one.dead == 0 for one in overview.statuses(tx, self.bridge))

    def mend(self, slug: str, native_id: str, heal: Callable[[], None]) -> bool:
        with self.bridge.ledger.begin() as tx:
            letters = [one.id for one in overview.letters(tx) if (one.platform, one.native_id) == (slug, native_id)]
        if letters:
            heal()
        for letter in letters:
            # The thread's next reading may be faster: then there is nothing left to retry.
            with contextlib.suppress(dead.NotPossible):
                dead.retry(self.bridge, letter)
        return bool(letters)


@pytest.fixture
def standins() -> Iterator[StandIns]:
    with StandIns() as both:
        yield both


def engine(standins: StandIns, folder: DemoFolder) -> Engine:
    folder.furnish(Pace(poll_seconds=1, lag_seconds=1))
    return Engine(assemble(folder.settings(standins)))


@pytest.mark.timeout(180)
def test_the_whole_scenario_is_played_to_its_end(standins: StandIns, tmp_path: Path) -> None:
    """All calls arrive once, all stages agree, every call ends where it should, nothing leaks, the letter is mended."""
    seen: list[Verdict] = []
    with DemoFolder(ROOT, tmp_path / "demo") as folder, engine(standins, folder) as running:
        around = Surroundings(standins.doors, running.mend, running.idle, lambda _, verdict: seen.append(verdict))
        outcome = rehearse(faster(SCRIPT, 3), around, quiet_seconds=4, timeout=150)
        with running.bridge.ledger.begin() as tx:
            letters = overview.letters(tx, every=True)
    assert outcome.verdict.clean
    assert [one.state for one in letters] in (["retried"], ["mended"])
    assert any(one.differences for one in seen), "it was watched while it went on"
    batch = {outcome.watch.records[GRID][outcome.numbers[f"storm-{n}"]].document["reportTime"] for n in (1, 2, 3, 4)}
    assert len(batch) == 1, "recorded in one second"
    copies = {one.call.key: one.copies[0] for one in outcome.verdict.calls if one.copies}
    assert [entry.step for entry in copies["transferred"].entries] == [
        "CREATE", "ACCEPT", "DISPATCH", "DISPATCH", "RESPOND", "PROGRESS", "FEEDBACK", "CLOSE"
    ], "the scripted officials leave alone what the scenario answers by hand"  # fmt: skip
    assert [entry.step for entry in copies["joint-grid"].entries] == [
        "05", "06", "07", "08", "09", "09", "10", "11", "12"
    ]  # fmt: skip


def test_nothing_carried_is_said_call_by_call(standins: StandIns) -> None:
    """Without a bridge the rehearsal ends in time and names what is stuck where."""
    around = Surroundings(standins.doors, lambda *_: False, lambda: True, lambda *_: None)
    with pytest.raises(NotSettled) as failed:
        rehearse(only(faster(SCRIPT, 10), ["sewage", "dust"]), around, quiet_seconds=0, timeout=1.5)
    words = str(failed.value)
    assert "sewage 高兴镇巡查发现车辆倾倒污水: not on government yet" in words
    assert "剧本 / scenario: sewage: 1/7 act" in words and "not on government yet" in words
    assert failed.value.verdict.lost == ("sewage", "dust")


def test_the_departments_option_is_checked(standins: StandIns) -> None:
    """Both back doors take the titles that somebody else answers; a misspelt option is refused in words."""
    for slug in (GRID, GOVERNMENT):
        standins.doors.tell(slug, "department", {"enabled": False, "except": ["t"]})
    with pytest.raises(DoorShut, match="grid /_sandbox/department: 400"):
        standins.doors.tell(GRID, "department", {"enabled": False, "exept": ["t"]})


def test_the_demo_folder_is_emptied_and_nobody_elses(tmp_path: Path) -> None:
    """Every demo begins fresh; a folder that was not made by a demo is left alone."""
    with DemoFolder(ROOT, tmp_path / "demo") as folder:
        folder.furnish(Pace(poll_seconds=3))
        county = (folder.path / "config" / "counties" / "lanshan.yaml").read_text("utf-8")
        assert "    poll: 3s\n    lag: 2s\n" in county
    with DemoFolder(ROOT, tmp_path / "demo") as folder:
        assert not (folder.path / "config").exists()
    own = tmp_path / "own"
    own.mkdir()
    (own / "thesis.txt").write_text("mine", "utf-8")
    with pytest.raises(RuntimeError, match="left alone"), DemoFolder(ROOT, own):
        pytest.fail("a folder of somebody's own was taken")
    assert (own / "thesis.txt").read_text("utf-8") == "mine"

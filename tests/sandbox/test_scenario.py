"""The rehearsal: its data, its player and its judge, played with the real engine on loopback, without Airflow."""

from __future__ import annotations

import base64
import contextlib
import csv
import hashlib
import re
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
from sandbox.forms import FORMS
from sandbox.forms.form import CHINESE, Entry, Record
from sandbox.rehearsal import NotSettled, Surroundings, rehearse
from sandbox.scenario.photos import photo
from sandbox.scenario.records import Watch, agree
from sandbox.scenario.script import BadScript, Script, ScriptedCall, faster, load, only
from sandbox.scenario.verdict import Verdict, judge
from sandbox.standins import DoorShut, StandIns

ROOT = Path(__file__).parents[2]
SCRIPT = load()
GRID, GOVERNMENT = "grid", "government"


def steps(do: str) -> Iterator[tuple[ScriptedCall, dict[str, Any]]]:
    for call in SCRIPT.calls:
        yield from ((call, dict(step.wish)) for step in call.steps if step.do == do)


# The data ------------------------------------------------------------------------------------------------------------


def test_the_scenario_is_large_and_goes_every_way() -> None:
    """At least 120 calls; every platform sends and gets some, some calls go to two platforms, some stay at home."""
    assert len(SCRIPT.calls) >= 120
    for slug, form in FORMS.items():
        assert any(call.on == slug and call.goes_to for call in SCRIPT.calls), slug
        assert any(slug in call.goes_to for call in SCRIPT.calls), slug
        assert not form.keeps_up or any(call.on == slug and not call.goes_to for call in SCRIPT.calls), slug
    assert sum(len(call.goes_to) > 1 for call in SCRIPT.calls) >= 10
    assert SCRIPT.seconds <= 75


def test_a_dozen_calls_have_photos_and_every_platform_faults() -> None:
    """Photos of a few KB to 1 MB under Chinese names, from every platform that takes files; faults on every platform."""
    photos = [(step.on, call, step.wish) for call in SCRIPT.calls for step in call.steps if step.do == "attach"]
    assert len({call.key for _, call, _ in photos}) >= 12
    assert {on for on, _, _ in photos} == {slug for slug, form in FORMS.items() if form.attach}
    sizes = [wish["kb"] for _, _, wish in photos]
    assert min(sizes) < 100 and 1000 <= max(sizes) <= 1024
    assert all(re.search(r"[\u4e00-\u9fff]", wish["name"]) for _, _, wish in photos)
    assert {fault.on for fault in SCRIPT.faults} | {slug for slug, one in SCRIPT.settings.items() if one["late_seconds"]} \
        == set(FORMS)  # fmt: skip


def test_the_reported_case_comes_first() -> None:
    """Gaoxing town's staff see a vehicle dump sewage; the ecology bureau's Lanshan branch closes it within two hours."""
    first = SCRIPT.calls[0]
    assert (first.on, first.goes_to, first.record["townCode"], first.record["level"]) == (
        GRID, (GOVERNMENT, "enforcement"), "371103103", 1
    )  # fmt: skip
    acts = [step for step in first.steps if step.on == GOVERNMENT]
    assert [step.wish["action"] for step in acts] == [
        "ACCEPT", "DISPATCH", "RESPOND", "PROGRESS", "PROGRESS", "FEEDBACK", "CLOSE"
    ]  # fmt: skip
    assert {step.wish.get("deptCode") for step in acts[1:-1]} == {"LS101"}
    ago = [step.minutes_ago for step in acts if step.minutes_ago is not None]
    assert ago == sorted(ago, reverse=True) and first.record["minutes_ago"] - ago[-1] < 120


def test_every_action_of_the_lifecycle_is_played() -> None:
    """All actions of the government platform and all moves of the grid's officials, returns and reopenings included."""
    actions = {wish.get("action") for _, wish in steps("act")}
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
    assert {call.on for call, _ in steps("edit")} == {GRID, GOVERNMENT, "open311"}
    assert {wish.get("GDZT") for _, wish in steps("act")} >= {1, 2, 3, 4, 5, 6, 7, 8}
    assert {wish["step"] for _, wish in steps("step")} >= {"101", "102", "103", "104", "105", "106", "107", "108", "109", "203"}


def test_every_awkward_call_is_there() -> None:
    """A hotline call, secrets on both sides, codes nobody knows, several calls in one second, and all kinds of faults."""
    calls = {call.key: call for call in SCRIPT.calls}
    assert any(call.record.get("channel") == "HOTLINE" and "2622345" in call.record["callUnit"] for call in calls.values())
    assert {call.on for call in calls.values() if call.secrets} == {slug for slug, form in FORMS.items() if form.keeps_up}
    shown = {name: value for call in calls.values() for name, value in call.shows.items()}
    assert shown.items() >= {("itemCode", "LS9999"), ("eventType", "99")} and shown.keys() >= {"FSDZ", "description"}
    together = [call.together for call in calls.values() if call.together]
    assert {together.count(name) for name in set(together)} == {3, 4}
    assert {(fault.on, fault.fault["kind"]) for fault in SCRIPT.faults} >= {
        (GOVERNMENT, "lost"), (GRID, "lost"), (GOVERNMENT, "wrong"), (GRID, "wrong"), (GRID, "code")
    }  # fmt: skip


def test_a_call_is_cancelled_only_once_it_has_arrived() -> None:
    """What is cancelled before its copy was created is rightly created nowhere: a cancelling step waits for all copies."""
    cancelled = [call for call in SCRIPT.calls if call.ends == ("CANCELLED",)]
    assert cancelled
    for call in cancelled:
        waited = {slug for step in call.steps for slug in (step.on, *step.when)}
        assert {*call.goes_to} <= waited, call.key


def test_places_exist() -> None:
    """Every town, village and grid code lies in the division list; routed calls lie in the other county."""
    with (ROOT / "config" / "divisions.csv").open(encoding="utf-8") as file:
        known = {row["code"] for row in csv.DictReader(line for line in file if not line.startswith("#"))}
    county = {GRID: "371102", GOVERNMENT: "371103", "petition": "371121", "city": "371122"}
    for call in SCRIPT.calls:
        record = {**call.record, **call.record.get("location", {})}
        town = next((record[name] for name in ("townCode", "SZXZ", "streetCode", "areaCode") if name in record), None)
        if town is None:
            assert not FORMS[call.on].keeps_up, call.key
            continue
        assert town in known, call.key
        assert str(record.get("villageCode", town)) in known, call.key
        assert str(record.get("gridCode", ""))[:12] in {*known, ""}, call.key
        for slug in {*call.goes_to} & county.keys():
            assert town.startswith(county[slug]), call.key


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


def test_only_its_form_names_a_platform() -> None:
    """Rehearsal, demo and `make sandbox` know platforms from their forms: a new one is written in one place."""
    for path in (*(ROOT / "sandbox").glob("*.py"), *(ROOT / "sandbox" / "scenario").glob("*.py")):
        named = [slug for slug in FORMS if f'"{slug}"' in path.read_text("utf-8")]
        assert named == [], path


def test_only_some_calls() -> None:
    """A short rehearsal has these calls and no faults; a key that nobody wrote is refused."""
    assert [call.key for call in only(SCRIPT, ["dust", "sewage"]).calls] == ["sewage", "dust"]
    assert only(SCRIPT, ["dust"]).faults == ()
    with pytest.raises(BadScript, match="nobody"):
        only(SCRIPT, ["nobody"])


# The judge -----------------------------------------------------------------------------------------------------------


def test_stages_agree_across_platforms_with_the_declared_exceptions() -> None:
    """Equal stages agree; so does what a platform cannot show otherwise; nothing else does."""

    def same(grid: str, slug: str, status: str) -> bool:
        return agree(record(GRID, "G1", status=grid), record(slug, "V1", status=status))

    assert same("11", GOVERNMENT, "CLOSED") and same("05", GOVERNMENT, "PENDING") and same("04", GOVERNMENT, "RETURNED")
    assert same("05", GOVERNMENT, "ACCEPTED") and same("07", GOVERNMENT, "HANDLING") and same("08", GOVERNMENT, "HANDLING")
    assert same("11", "petition", "6") and same("05", "city", "") and same("10", "city", "107")
    assert same("12", "enforcement", "rated") and same("05", "open311", "open")
    assert not same("11", GOVERNMENT, "FEEDBACK") and not same("09", GOVERNMENT, "DISPATCHED")
    assert not same("77", GOVERNMENT, "CLOSED") and not same("11", "petition", "5") and not same("11", "city", "107")


@pytest.mark.parametrize("slug", FORMS)
def test_forms_know_every_status_of_their_contract(slug: str) -> None:
    """A record made by officials is read, and its status is a stage of the trade; the file they attach is in it."""
    form = FORMS[slug]
    examples = {GOVERNMENT: {"content": "内容"}, "petition": {"NR": "内容"}, "city": {"description": "内容"}}
    with StandIns([slug]) as standins:
        doors = standins.doors
        number = doors.tell(slug, form.create, form.creation("路面塌陷", examples.get(slug, {})))[form.number]
        if form.attach:
            doors.tell(slug, *form.attach(number, photo("现场照片.jpg", 3)))
        (found,) = map(form.read, doors.records(slug))
    assert (found.native_id, found.reference, form.stage(found.status)) == (number, "", "CALLED")
    assert found.tells_of("路面塌陷") and found.entries
    content = base64.b64decode(photo("现场照片.jpg", 3).packed)
    assert found.files == ((hashlib.sha256(content).hexdigest(),) if form.attach else ())
    assert set(form.stages.values()) <= CHINESE.keys()


def record(slug: str, native_id: str, reference: str = "", *, title: str = "t", status: str = "11",
           entries: tuple[Entry, ...] = (), files: tuple[str, ...] = (), **document: Any) -> Record:  # fmt: skip
    first = Entry(1, "05" if slug == GRID else "CREATE", "05" if slug == GRID else "PENDING", "甲", "", "呼叫", 100)
    return Record(slug, native_id, reference, title, status, (first, *entries), document, files=files)


def judged(*records: Record, **call: Any) -> Verdict:
    """The judge's word on one call recorded on the grid under the number G1."""
    script = Script((ScriptedCall(**{
        "key": "a", "on": GRID, "at": 0.0, "title": "t", "goes_to": (GOVERNMENT,), "ends": ("CLOSED",), "record": {}, **call,
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
    assert verdict.latencies[0] == (10.0, "a", "created on government")


def test_the_judge_sees_what_is_lost_doubled_and_astray() -> None:
    """A call without a copy is lost, two copies of one reference are duplicates, a copy nobody wanted is a stray."""
    assert judged(record(GRID, "G1")).lost == ("a",)
    twice = judged(*(record(GOVERNMENT, number, "hy-1", status="CLOSED") for number in ("V1", "V2")), record(GRID, "G1"))
    assert twice.duplicates == ("government hy-1: 2",)
    assert judged(record(GRID, "G1"), record(GOVERNMENT, "V1", "hy-1", status="CLOSED"), goes_to=()).strays == ("a",)


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


def test_the_judge_sees_what_is_missing_on_one_of_two_platforms() -> None:
    """A call for two platforms is lost while one of them lacks it; what cannot be kept up there is no difference."""
    both = (GOVERNMENT, "open311")
    own, copy = record(GRID, "G1"), record(GOVERNMENT, "V1", "hy-1", status="CLOSED")
    assert judged(own, copy, goes_to=both).lost == ("a",)
    assert judged(own, copy, record("open311", "O1", "hy-1", status="open"), goes_to=both).clean


def test_the_judge_compares_files_by_their_content() -> None:
    """Another file, or none, is a difference; the same bytes under another name are not."""
    own = record(GRID, "G1", files=("aa", "bb"))
    assert judged(own, record(GOVERNMENT, "V1", "hy-1", status="CLOSED", files=("bb", "aa"))).clean
    for files in ((), ("aa", "cc")):
        assert judged(own, record(GOVERNMENT, "V1", "hy-1", status="CLOSED", files=files)).file_differences == ["a"]


# The play ------------------------------------------------------------------------------------------------------------


class Engine:
    """The real engine, polling and pushing each platform in a thread of its own, as the DAGs would."""

    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(slug,), daemon=True) for slug in bridge.platforms]

    def __enter__(self) -> Engine:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _work(self, slug: str) -> None:
        while not self._ended.wait(0.5):
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
    folder.furnish(Pace(poll_seconds=1, lag_seconds=1), standins)
    return Engine(assemble(folder.settings(standins)))


@pytest.mark.timeout(280)
def test_the_whole_scenario_is_played_to_its_end(standins: StandIns, tmp_path: Path) -> None:
    """All calls arrive once, all stages agree, every call ends where it should, nothing leaks, the letter is mended."""
    seen: list[Verdict] = []
    with DemoFolder(ROOT, tmp_path / "demo") as folder, engine(standins, folder) as running:
        around = Surroundings(standins.doors, running.mend, running.idle, lambda _, verdict: seen.append(verdict))
        outcome = rehearse(faster(SCRIPT, 2), around, quiet_seconds=4, timeout=220)
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
    steps_there = ["05", "06", "07", "08", "09", "09", "10", "11", "12"]
    assert [entry.step for entry in copies["joint-grid"].entries] == steps_there


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
        with StandIns(["city"]) as standins:
            folder.furnish(Pace(poll_seconds=3), standins)
            media = standins["city"].settings["media_base"]
        counties = folder.path / "config" / "counties"
        assert "    poll: 3s\n    lag: 2s\n" in (counties / "lanshan.yaml").read_text("utf-8")
        assert "    poll: 9s\n" in (counties / "rizhao.yaml").read_text("utf-8"), "slower than the others as shipped"
        assert {path.name for path in folder.dags.iterdir()} == {"poll.py", "push.py"}
        assert f"      media_base: {media} " in (counties / "juxian.yaml").read_text("utf-8")
    with DemoFolder(ROOT, tmp_path / "demo") as folder:
        assert not (folder.path / "config").exists()
    own = tmp_path / "own"
    own.mkdir()
    (own / "thesis.txt").write_text("mine", "utf-8")
    with pytest.raises(RuntimeError, match="left alone"), DemoFolder(ROOT, own):
        pytest.fail("a folder of somebody's own was taken")
    assert (own / "thesis.txt").read_text("utf-8") == "mine"

"""Rules of reading: pulls, cursors, records, the probe, errors. For every adapter."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from adapters.errors import ConfigError, Missing, Outdated, Refused, Unavailable
from adapters.port import Ability, Cursor
from tests.contract.rules import drain, ids, raises, rule
from tests.contract.stands import PERSON, Stand, nobody

SMALL = {"page_size": 2}
WRONG = "not-the-password-000000"


def spread(stand: Stand, number: int) -> list[str]:
    """Records with times of their own."""
    made = []
    for index in range(number):
        made += stand.people_create(f"第{index}件")
        stand.clock.sleep(2)
    return made


@rule()
def a_pull_is_repeatable(adapter: Any, stand: Stand) -> None:
    """The same list twice gives the same records, states and cursor."""
    made = spread(stand, 5)
    first = [[(r.native_id, r.version or r.identity) for r in page.records] for page in adapter.pull(None)]
    again = [[(r.native_id, r.version or r.identity) for r in page.records] for page in adapter.pull(None)]
    assert first == again and [one for page in first for one, _ in page] == made


@rule()
def nothing_is_missed_when_rows_move(adapter: Any, stand: Stand) -> None:
    """C01: an edit of any row between any two pages costs no other row; the edited one is shown as it is now."""
    adapter = stand.adapter(**SMALL)
    made = spread(stand, 5)
    for victim in made:
        for after in (1, 2):
            shown = set()
            for number, page in enumerate(adapter.pull(None), start=1):
                shown |= {r.native_id for r in page.records}
                if number == after:
                    stand.clock.sleep(2)
                    stand.people_touch(victim)
            assert shown == set(made), f"{victim} moved after page {after}"


@rule()
def nothing_is_missed_within_one_moment(adapter: Any, stand: Stand) -> None:
    """C04: more rows than a page in one second (or millisecond): all shown, the first time and from every cursor."""
    adapter = stand.adapter(**SMALL)
    made = set(stand.people_create("同时", 9))
    shown: set[Any] = set()
    for page in adapter.pull(None):
        shown |= {r.native_id for r in page.records}
        rest = set(ids(drain(stand.adapter(**SMALL), page.cursor)))
        assert shown | rest == made
    assert shown == made


@rule()
def nothing_is_missed_that_shows_late(adapter: Any, stand: Stand) -> None:
    """C03: a row that becomes visible after newer ones were read still arrives."""
    stand.officials.late(stand, 5)
    made: list[str] = []
    seen: dict[Any, None] = {}
    cursor = None
    for turn in range(24):
        made += stand.people_create(f"第{turn}件") if turn < 16 else []
        stand.clock.sleep(1)
        for page in adapter.pull(cursor):
            seen |= dict.fromkeys(ids(list(page.records)))
            cursor = page.cursor
    assert set(seen) == set(made)
    assert list(seen) != made, "no row was late: the rule shows nothing"


@rule()
def one_bad_record_costs_no_other(adapter: Any, stand: Stand) -> None:
    """A record that cannot be read right is shown with its damage or its bytes; the rest of the page is whole."""
    made = spread(stand, 3)
    stand.officials.spoil(stand, made[1])
    shown = drain(adapter)
    assert sorted(one or "" for one in ids(shown)) == sorted(made)
    sound = [r for r in shown if r.native_id in (made[0], made[2])]
    assert all(not r.damage for r in sound)
    assert any(r.damage or r.native_id is None for r in shown)


@rule()
def cursors_are_text_and_lose_nothing(adapter: Any, stand: Stand) -> None:
    """A cursor is opaque text; from the cursor of any page a fresh worker reads all that was not shown before it."""
    made = set(spread(stand, 7))
    worker = stand.adapter(**SMALL)
    shown: set[Any] = set()
    for page in worker.pull(None):
        shown |= {r.native_id for r in page.records}
        assert isinstance(page.cursor, str) and page.cursor
        rest = set(ids(drain(stand.adapter(**SMALL), Cursor(str(page.cursor)))))
        assert shown | rest == made, page.cursor


@rule()
def a_foreign_cursor_is_told(adapter: Any, stand: Stand) -> None:
    """A cursor of something else is a configuration error, never a silent start from the beginning."""
    for cursor in ("nonsense", "{}", "42x", '{"updated":"gestern"}'):
        assert raises(ConfigError, lambda cursor=cursor: drain(adapter, Cursor(cursor))).remedy  # type: ignore[misc]


@rule()
def down_means_nothing_done(adapter: Any, stand: Stand) -> None:
    """Nobody listens: Unavailable for reads and writes, with a remedy, and nothing is stored."""
    with nobody() as url:
        away = stand.adapter(url=url)
        for call in (lambda: drain(away), lambda: away.fetch("X1"), lambda: away.create(stand.body("ref-1"), "ref-1")):
            assert raises(Unavailable, call).remedy
    assert stand.stored() == []


@rule()
def a_wrong_password_is_told_without_it(adapter: Any, stand: Stand) -> None:
    """ConfigError with a remedy; neither the wrong nor the right secret is in any text of it; nothing is stored."""
    wrong = stand.adapter(password=WRONG)
    for call in (lambda: drain(wrong), lambda: wrong.fetch("X1"), lambda: wrong.create(stand.body("ref-1"), "ref-1")):
        error = raises(ConfigError, call)
        assert error.remedy
        told = f"{error} {error!r} {error.args} {vars(error)} {error.__cause__!r}"
        assert WRONG not in told and stand.officials.password not in told
    assert stand.officials.password not in repr(adapter)
    assert stand.stored() == []


@rule()
def a_pause_loses_nothing_that_shows_late(adapter: Any, stand: Stand) -> None:
    """C03: what became visible while nobody read, for a while or for long, arrives with the next reading."""
    stand.officials.late(stand, 5)
    seen: set[Any] = set()
    cursor, hidden = None, False
    for turn, pause in enumerate((7, 60, 500, 90_000)):
        made = [one for number in range(6) for one in stand.people_create(f"第{turn}次第{number}件")]
        for page in adapter.pull(cursor):
            seen |= set(ids(list(page.records)))
            cursor = page.cursor
        hidden = hidden or not set(made) <= seen
        stand.clock.sleep(pause)
        for page in adapter.pull(cursor):
            seen |= set(ids(list(page.records)))
            cursor = page.cursor
        assert set(made) <= seen, pause
    assert hidden, "no row was late: the rule shows nothing"


@rule()
def busy_means_later(adapter: Any, stand: Stand) -> None:
    """A platform that says it is busy has done nothing: Unavailable, after a few tries at most."""
    stand.fault("", times=0, **stand.officials.busy)
    for call in (lambda: drain(adapter), lambda: adapter.create(stand.body("ref-1"), "ref-1")):
        before = stand.requests()
        raises(Unavailable, call)
        assert stand.requests() - before <= 12
    stand.heal()
    assert stand.stored() == []


@rule()
def a_record_that_is_not_there(adapter: Any, stand: Stand) -> None:
    """`fetch` of an unknown id is None, whatever the id looks like."""
    made = stand.people_create()[0]
    for unknown in (made[:-1] + ("1" if made[-1] != "1" else "2"), "X", "../" + made, "没有", ""):
        assert adapter.fetch(unknown) is None, unknown
    found = adapter.fetch(made)
    assert found is not None and found.native_id == made


@rule()
def raw_is_what_the_platform_sent(adapter: Any, stand: Stand) -> None:
    """G5: a record's raw bytes are a verbatim part of an answer."""
    made = spread(stand, 3)
    records = [*drain(adapter), adapter.fetch(made[0])]
    for record in records:
        assert record.raw and any(record.raw in answer for answer in stand.answers), record.native_id
    assert any(len(record.raw) < len(answer) for record in records for answer in stand.answers)


@rule()
def times_carry_a_zone(adapter: Any, stand: Stand) -> None:
    """Every time of the port is aware, and read_at is when we asked."""
    (made,) = stand.people_create()
    asked = stand.clock.now()
    pages = list(adapter.pull(None))
    records = [record for page in pages for record in page.records] + [adapter.fetch(made)]
    assert records and all(record.read_at.tzinfo is not None and record.read_at == asked for record in records)
    assert all(page.platform_time is None or page.platform_time.tzinfo is not None for page in pages)


@rule()
def the_probe_tells(adapter: Any, stand: Stand) -> None:
    """Fine, not reached, not let in, clocks apart: each told with a remedy, and nothing is changed."""
    before = stand.people_create()
    fine = adapter.probe()
    assert fine.ok and fine.skew is not None and abs(fine.skew) <= timedelta(seconds=1)
    assert all(finding.name and finding.detail for finding in fine.findings)
    with nobody() as url:
        bad = [stand.adapter(url=url).probe(), stand.adapter(password=WRONG).probe()]
    for told in bad:
        assert not told.ok and all(finding.remedy for finding in told.findings if not finding.ok)
        assert WRONG not in repr(told)
    stand.at("clock", {"skew_seconds": 100})
    skewed = stand.adapter().probe()
    assert skewed.skew is not None and abs(skewed.skew - timedelta(seconds=100)) <= timedelta(seconds=2)
    assert any("钟" in finding.name + finding.detail for finding in skewed.findings if not finding.ok)
    assert [one.native_id for one in stand.stored()] == before


@rule()
def settings_are_checked(adapter: Any, stand: Stand) -> None:
    """An unknown key, or a value that cannot be, is a configuration error that names it."""
    assert "pagesize" in str(raises(ConfigError, lambda: stand.adapter(pagesize=5)))
    assert "page_size" in str(raises(ConfigError, lambda: stand.adapter(page_size=100_000)))
    both = str(raises(ConfigError, lambda: stand.adapter(page_size="many", read_seconds=-1)))
    assert "page_size" in both and "read_seconds" in both  # all problems at once


@rule()
def a_slow_platform_is_left_in_peace(adapter: Any, stand: Stand) -> None:
    """C15: the same work costs a slow platform no more requests than a fast one."""
    counts = []
    adapter.create(stand.body("ref-first"), "ref-first")  # what every first contact costs
    cursor = [page.cursor for page in adapter.pull(None)][-1]
    for seconds in (0.0, 0.05):
        if seconds:
            stand.fault("", kind="late", seconds=seconds, times=0)
        before = stand.requests()
        worker = stand.adapter()
        worker.create(stand.body(f"ref-{seconds}"), f"ref-{seconds}")
        cursor = [page.cursor for page in worker.pull(cursor)][-1]
        counts.append(stand.requests() - before)
    assert counts[1] == counts[0]


@rule(Ability.UPDATE)
def no_person_stands_in_an_error(adapter: Any, stand: Stand) -> None:
    """Whatever goes wrong, no name, number or text of a record is in the error, and no secret."""
    made = adapter.create(stand.body("ref-1", text=f"{PERSON[0]} {PERSON[1]}"), "ref-1").native_id
    body, _ = stand.officials.refused("ref-2")
    hasty = stand.adapter(read_seconds=0.5)
    errors = [
        raises(Refused, lambda: adapter.create(body, "ref-2")),
        raises(Outdated, lambda: adapter.update(made, stand.officials.illegal(stand), "op-1")),
        raises(Missing, lambda: adapter.update(made[:-1] + "x", stand.officials.remark(stand, PERSON[1]), "op-2")),
    ]
    stand.fault("create", kind="hang", seconds=0.8)
    errors.append(_any(lambda: hasty.create(stand.body("ref-3"), "ref-3")))
    stand.fault("fetch", kind="wrong", status=200, body=f"<p>{PERSON[1]}", times=8)
    errors.append(_any(lambda: adapter.fetch(made)))
    for error in errors:
        told = f"{error} {error!r} {error.args}"
        assert not any(secret in told for secret in (*PERSON, stand.officials.password)), told


def _any(call: Any) -> Exception:
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("an error was expected")

"""The grid adapter against small servers on loopback: a list that moves while it is read, lost and cut answers."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.errors import BrokenReply, ConfigError, OutcomeUnknown, Unavailable
from adapters.grid.adapter import GridAdapter
from adapters.port import Cursor, Page
from tests.unit.adapters.grid_server import CASES, Clock, Door, Listing, Said, adapter, answer, event, sample

C01 = json.loads((CASES / "C01-drift.json").read_text())
DAY = "2026-03-02 "


def cursor(at: str) -> Cursor:
    return Cursor(json.dumps({"updated": at}))


def states(pages: list[Page]) -> list[tuple[str | None, str]]:
    return [(record.native_id, record.body["updateTime"]) for page in pages for record in page.records]


def pulled(grid: GridAdapter, since: Cursor | None = None) -> list[Page]:
    pages = list(grid.pull(since))
    assert all(page.records for page in pages)
    given = states(pages)
    assert len(given) == len(set(given)), "a state was given twice in one pull"
    return pages


def rows(times: dict[str, str] | None = None) -> dict[str, str]:
    return times if times is not None else {one: DAY + at for one, at in C01["start"]}


@pytest.mark.parametrize("request_number", [2, 3, 4])
@pytest.mark.parametrize("edited", range(7))
def test_c01_edit_while_paging(edited: int, request_number: int) -> None:
    """C01, for every row edited before every request: nothing shown by the list is missed in the same pull."""
    listing = Listing(rows())
    start = dict(listing.rows)
    name = sorted(start)[edited]

    def edit(number: int) -> None:
        if number == request_number:
            listing.rows[name] = DAY + "09:10:30"

    listing.before = edit
    with Door(listing) as door:
        pages = pulled(adapter(door.url, page_size=3))
    given = set(states(pages))
    for one, at in start.items():
        assert one == name or (one, at) in given
    assert (name, listing.rows[name]) in given
    assert json.loads(pages[-1].cursor) == {"updated": max(listing.rows.values())}


@pytest.mark.parametrize("total", [1, 3, 5, 6, 7, 8, 9, 10])
@pytest.mark.parametrize("repeats", [False, True])
def test_one_second_longer_than_a_page(total: int, repeats: bool) -> None:
    """Every row of a crowded second, and of those around it, exactly once; a repeated last page changes nothing."""
    names = {f"DG20260302{n:05d}": DAY + "09:00:05" for n in range(total)}
    names |= {"DG2026030290001": DAY + "09:00:04", "DG2026030290002": DAY + "09:00:06"}
    with Door(Listing(names, repeats=repeats)) as door:
        pages = pulled(adapter(door.url, page_size=3))
    assert sorted(states(pages)) == sorted(names.items())


def test_c04_450_events_in_one_second() -> None:
    """C04: all 450; a restart from the cursor of any page loses none, so no cursor passes the second too early."""
    names = {f"DG20260302{n:05d}": DAY + "09:00:05" for n in range(450)}
    names |= {"DG2026030290001": DAY + "09:00:04", "DG2026030290002": DAY + "09:00:06"}
    with Door(Listing(names)) as door:
        grid = adapter(door.url)
        pages = pulled(grid)
        assert dict(states(pages)) == names
        for number in range(1, len(pages) + 1):
            before = states(pages[:number])
            after = states(pulled(grid, pages[number - 1].cursor))
            assert dict(before) | dict(after) == names


@pytest.mark.parametrize("request_number", range(2, 9))
@pytest.mark.parametrize("edited", range(0, 11))
def test_rows_leave_a_crowded_second(edited: int, request_number: int) -> None:
    """Pages of one second are read from the last to the first: a row that leaves hides no other."""
    listing = Listing({f"DG20260302{n:05d}": DAY + "09:00:05" for n in range(11)})
    start = dict(listing.rows)
    name = sorted(start)[edited]

    def edit(number: int) -> None:
        if number == request_number:
            listing.rows[name] = DAY + "09:10:30"

    listing.before = edit
    with Door(listing) as door:
        given = set(states(pulled(adapter(door.url, page_size=3))))
    assert all((one, at) in given for one, at in start.items() if one != name)
    assert (name, DAY + "09:10:30") in given


@pytest.mark.parametrize("request_number", range(2, 9))
@pytest.mark.parametrize("new", ["DG2026030200000", "DG2026030200003x", "DG2026030299999"])
def test_rows_join_a_crowded_second(new: str, request_number: int) -> None:
    """A row that commits late into a second while its pages are read pushes none out of sight."""
    listing = Listing({f"DG20260302{n:05d}": DAY + "09:00:05" for n in range(1, 12)})

    def join(number: int) -> None:
        if number == request_number:
            listing.rows[new] = DAY + "09:00:05"

    listing.before = join
    with Door(listing) as door:
        given = dict(states(pulled(adapter(door.url, page_size=3))))
    in_second = [number for number, (low, high, _) in enumerate(listing.asked, 1) if low == high]
    assert in_second and request_number <= in_second[-1]
    assert given == listing.rows


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seconds=st.lists(st.integers(0, 5), min_size=1, max_size=16),
    changes=st.lists(st.tuples(st.integers(2, 14), st.integers(0, 15)), max_size=4),
    page_size=st.integers(1, 4), repeats=st.booleans(),
)  # fmt: skip
def test_any_list_under_any_edits(
    seconds: list[int], changes: list[tuple[int, int]], page_size: int, repeats: bool
) -> None:
    """For any spread over seconds, any page size and any edits: every row arrives, in its last state."""
    listing = Listing({f"DG20260302{n:05d}": f"{DAY}09:00:{at:02d}" for n, at in enumerate(seconds)}, repeats=repeats)
    names = sorted(listing.rows)

    def edit(number: int) -> None:
        for at, index in changes:
            if at == number and index < len(names):
                listing.rows[names[index]] = f"{DAY}09:01:{number:02d}"

    listing.before = edit
    with Door(listing) as door:
        given = states(pulled(adapter(door.url, page_size=page_size)))
    assert {one for one, _ in given} == set(names)
    assert set(listing.rows.items()) <= set(given)


def test_a_platform_with_shorter_pages_than_asked() -> None:
    """A page shorter than asked is not the end if `total` says there is more."""
    names = {f"DG20260302{n:05d}": f"{DAY}09:00:{n // 20:02d}" for n in range(130)}
    with Door(Listing(names, cap=7)) as door:
        assert dict(states(pulled(adapter(door.url)))) == names


def test_window_overlap_and_cursor() -> None:
    """First pull from `start`; later ones from cursor minus overlap; both end a day ahead; nothing new, no page."""
    listing = Listing({"DG2026030200001": DAY + "09:00:00"})
    with Door(listing) as door:
        grid = adapter(door.url, start="2026-01-01", overlap_seconds=60)
        (page,) = pulled(grid)
        pulled(grid, page.cursor)
        assert pulled(grid, cursor(DAY + "09:20:00")) == []
        pulled(adapter(door.url, start="2026-02-01T00:00:00Z"))
    assert listing.asked == [
        ("2026-01-01 00:00:00", "2026-03-03 09:30:00", 1), (DAY + "08:59:00", "2026-03-03 09:30:00", 1),
        (DAY + "09:19:00", "2026-03-03 09:30:00", 1), ("2026-02-01 08:00:00", "2026-03-03 09:30:00", 1),
    ]  # fmt: skip


def test_cursor_never_goes_back_nor_into_the_future() -> None:
    """Rows of the overlap do not draw the cursor back; a row dated after our now does not carry it along."""
    listing = Listing({"DG2026030200001": DAY + "09:00:00"})
    with Door(listing) as door:
        grid = adapter(door.url)
        (page,) = pulled(grid, cursor(DAY + "09:00:20"))
        assert page.cursor == cursor(DAY + "09:00:20")
        listing.rows["DG2026030200002"] = DAY + "21:00:00"
        pages = pulled(grid, cursor(DAY + "09:00:20"))
        assert len(states(pages)) == 2 and pages[-1].cursor == cursor(DAY + "09:30:00")
        assert len(states(pulled(grid, cursor("2027-01-01 00:00:00")))) == 1


def test_late_commit_is_read_by_the_next_pull() -> None:
    """A row that becomes visible up to 5 s after its updateTime is met in the overlap."""
    listing = Listing({"DG2026030200001": DAY + "09:00:07"})
    with Door(listing) as door:
        grid = adapter(door.url, overlap_seconds=5)
        (page,) = pulled(grid)
        listing.rows["DG2026030200002"] = DAY + "09:00:02"
        assert ("DG2026030200002", DAY + "09:00:02") in states(pulled(grid, page.cursor))


def test_a_platform_days_away_from_our_clock() -> None:
    """Rows dated by a clock weeks ahead are in the window once its Date is known, within the same pull."""
    clock = Clock()
    ahead = timedelta(days=40)
    with Door(Listing({"DG2026041100001": "2026-04-11 09:00:00"}), clock=lambda: clock.at + ahead) as door:
        pages = pulled(adapter(door.url, clock))
    assert states(pages) == [("DG2026041100001", "2026-04-11 09:00:00")]
    assert pages[0].platform_time == clock.at + ahead


def test_events_without_number_or_time_do_not_sink_the_page() -> None:
    """Odd rows come through as they are and do not move the cursor."""
    shown = event("", DAY + "09:00:01") + event("DG1", "soon") + "<ev:event/>" + event("DG2", DAY + "09:00:02")
    with Door(lambda *_: Said(answer("queryEvents", f"<ev:total>4</ev:total><ev:events>{shown}</ev:events>"))) as door:
        (page,) = adapter(door.url).pull(None)
    assert [record.native_id for record in page.records] == [None, "DG1", None, "DG2"]
    assert page.cursor == cursor(DAY + "09:00:02")


def test_an_empty_list_without_wrapper() -> None:
    """total 0 says it all; without it a missing events element is broken."""
    replies = [answer("queryEvents", "<ev:total>0</ev:total>"), answer("queryEvents", ""),
               answer("queryEvents", "<ev:total>2</ev:total><ev:events/>")]  # fmt: skip
    with Door(lambda *_: Said(replies.pop(0))) as door:
        grid = adapter(door.url)
        assert list(grid.pull(None)) == []
        for _ in range(2):
            with pytest.raises(BrokenReply):
                list(grid.pull(None))


@pytest.mark.parametrize(
    "shown",
    [
        [("DG1", DAY + "09:00:02"), ("DG2", DAY + "09:00:01")], [("DG1", ""), ("DG2", "x")],
        [("DG1", "2019-01-01 00:00:00"), ("DG2", "2019-01-01 00:00:01")],
    ],
)  # fmt: skip
def test_full_pages_that_lead_nowhere_are_broken(shown: list[tuple[str, str]]) -> None:
    """Out of order, without times, or older than asked for: told with the bytes, never an endless loop."""
    rows_shown = "".join(event(*one) for one in shown)
    body = answer("queryEvents", f"<ev:total>9</ev:total><ev:events>{rows_shown}</ev:events>")
    with Door(lambda *_: Said(body)) as door, pytest.raises(BrokenReply) as caught:
        list(adapter(door.url, page_size=2).pull(None))
    assert caught.value.raw == body and len(door.asked) <= 2


def test_a_list_that_ignores_its_window_ends() -> None:
    """One full page for ever: its rows are given once, then the walk stops as broken."""
    shown = "".join(event(f"DG{n}", f"{DAY}09:00:0{n}") for n in range(3))
    body = answer("queryEvents", f"<ev:total>50</ev:total><ev:events>{shown}</ev:events>")
    given: list[str | None] = []
    with Door(lambda *_: Said(body)) as door, pytest.raises(BrokenReply):
        for page in adapter(door.url, page_size=3).pull(None):
            given += [record.native_id for record in page.records]
    assert given == ["DG0", "DG1", "DG2"] and len(door.asked) < 120


@pytest.mark.parametrize("bad", ["", "7", "{}", '{"updated": "2026-03-02"}', '{"updated": null}', "[1]"])
def test_a_foreign_cursor_is_a_configuration_error(bad: str) -> None:
    """Another platform's cursor is never guessed at."""
    with pytest.raises(ConfigError, match="游标"):
        list(adapter("http://127.0.0.1:1").pull(Cursor(bad)))


@pytest.mark.parametrize("framed", [True, False])
def test_cut_answers(framed: bool) -> None:
    """An answer cut anywhere, with or without Content-Length: a read fails cleanly, a write is unknown, sent once."""
    shown = {"queryEvents": sample("queryEvents.response.xml"), "reportEvent": sample("reportEvent.response.xml")}
    cut = {"at": 0}

    def script(operation: str, _: bytes) -> Said:
        return Said(shown[operation], cut=cut["at"], framed=framed)

    with Door(script) as door:
        grid = adapter(door.url, attempts=1)
        for operation, whole in shown.items():
            for at in [*range(0, len(whole) - 1, max(1, len(whole) // 40)), len(whole.rstrip()) - 1]:
                cut["at"] = at
                if operation == "reportEvent":
                    with pytest.raises(OutcomeUnknown):
                        grid.create({"title": "t"}, "r")
                else:
                    with pytest.raises((Unavailable, BrokenReply)):
                        list(grid.pull(None))
    counts = Counter(door.operations())
    assert counts["reportEvent"] == len([*range(0, len(shown["reportEvent"]) - 1, len(shown["reportEvent"]) // 40)]) + 1


def test_lost_answer_of_a_write_then_found() -> None:
    """Carried out, but no answer: unknown, not sent again; the reference finds it."""
    kept: list[bytes] = []

    def script(operation: str, body: bytes) -> Said:
        if operation == "reportEvent":
            kept.append(body)
            return Said(b"", cut=0)
        return Said(sample("findBySourceId.response.xml").replace(b"5b0f3a52-6a0e-5c1b-9a57-0c6f6b1d2e11", b"ref-1"))

    with Door(script) as door:
        grid = adapter(door.url)
        with pytest.raises(OutcomeUnknown):
            grid.create({"title": "t"}, "ref-1")
        found = grid.find("ref-1", datetime(2026, 3, 2, tzinfo=UTC))
    assert len(kept) == 1 and found and found.native_id == "DG2026102600018"


def test_busy_in_the_middle_of_a_walk() -> None:
    """9001 on any page is waited out; nothing is lost or doubled."""
    listing = Listing(rows())
    turns = {"n": 0}

    def script(operation: str, body: bytes) -> Said:
        turns["n"] += 1
        return listing(operation, body) if turns["n"] % 2 else Said(sample("error-9001.queryEvents.response.xml"))

    with Door(script) as door:
        assert dict(states(pulled(adapter(door.url, page_size=3)))) == listing.rows


def test_probe_says_what_it_saw() -> None:
    """All well; another description is a note; a wrong clock and a refused log-in are findings with remedies."""
    from adapters.grid import description

    clock = Clock()
    wsdl = [description.vendored(description.WSDL)]
    query = [Said(sample("queryEvents.empty.response.xml"))]
    ahead = [timedelta()]

    def script(operation: str, _: bytes) -> Said:
        return Said(wsdl[0]) if operation == "?wsdl" else query[0]

    with Door(script, clock=lambda: clock.at + ahead[0]) as door:
        grid = adapter(door.url, clock)
        probe = grid.probe()
        assert probe.ok and probe.skew == timedelta()
        assert [finding.name for finding in probe.findings] == ["description", "authentication", "clock", "permission"]
        assert "未试" in probe.findings[3].detail
        wsdl[0] += b"\n"
        assert grid.probe().ok and "不同" in grid.probe().findings[0].detail
        ahead[0] = timedelta(seconds=90)
        query[0] = Said(sample("fault-FailedAuthentication.xml"), 500)
        probe = grid.probe()
        assert [finding.ok for finding in probe.findings] == [True, False, False, True]
        assert all(finding.remedy for finding in probe.findings if not finding.ok)
    probe = adapter(door.url, clock).probe()
    assert not probe.findings[0].ok and not probe.findings[1].ok


def test_control_characters_setting() -> None:
    """`report` marks the damaged record, `strip` does not; both give the cleaned text."""
    shown = event("DG1", DAY + "09:00:00", "<ev:title>a&#x1B;b</ev:title>")
    body = answer("queryEvents", f"<ev:total>1</ev:total><ev:events>{shown}</ev:events>")
    with Door(lambda *_: Said(body)) as door:
        (marked,) = pulled(adapter(door.url))[0].records
        (plain,) = pulled(adapter(door.url, control_characters="strip"))[0].records
    assert marked.body["title"] == plain.body["title"] == "ab"
    assert marked.damage and not plain.damage and marked.raw == plain.raw == shown.encode()

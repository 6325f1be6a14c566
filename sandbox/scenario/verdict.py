"""What came of the scenario, judged by the platforms' own databases alone: lost, doubled, echoed, leaked, different.

This module must not ask the bridge anything.
"""

from __future__ import annotations

import json
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sandbox.scenario.records import Entry, Record, Watch
from sandbox.scenario.script import Script, ScriptedCall
from sandbox.scenario.stages import agree
from sandbox.standins import GOVERNMENT, GRID

_MARKS = re.compile(r"^(?:【[^】]*】|（[^（）]*(?:（[^（）]*）[^（）]*)*）)+")
_OTHER = {GRID: GOVERNMENT, GOVERNMENT: GRID}


@dataclass(frozen=True)
class CallVerdict:
    """One call. own: its record where it was recorded, copies: its records elsewhere. open: what is not as it must be
    in the end, in words."""

    call: ScriptedCall
    own: Record | None
    copies: tuple[Record, ...]
    differs: bool
    leaked: tuple[str, ...]
    open: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """The whole scenario. strays: copies of calls that had to stay at home. latencies: (seconds, call's key, what)."""

    calls: tuple[CallVerdict, ...]
    lost: tuple[str, ...]
    duplicates: tuple[str, ...]
    strays: tuple[str, ...]
    echoes: tuple[str, ...]
    latencies: tuple[tuple[float, str, str], ...]

    @property
    def differences(self) -> list[str]:
        return [one.call.key for one in self.calls if one.differs]

    @property
    def leaks(self) -> list[str]:
        return [f"{one.call.key}: {where}" for one in self.calls for where in one.leaked]

    @property
    def clean(self) -> bool:
        """Nothing lost, doubled, echoed, leaked or different, and every call where the scenario wants it."""
        wrong = [*self.lost, *self.duplicates, *self.strays, *self.echoes, *self.leaks, *self.differences]
        return not wrong and not any(one.open for one in self.calls)

    def latency(self) -> dict[str, float | int | str | None]:
        """Median and greatest, in seconds, and which call had the greatest."""
        if not self.latencies:
            return {"median": None, "max": None, "max_of": None, "measured": 0}
        greatest = max(self.latencies)
        return {
            "median": round(statistics.median(one[0] for one in self.latencies), 1), "max": round(greatest[0], 1),
            "max_of": f"{greatest[1]} {greatest[2]}", "measured": len(self.latencies),
        }  # fmt: skip


def judge(script: Script, numbers: Mapping[str, str], watch: Watch) -> Verdict:
    """numbers: the key of each recorded call and its number on its own platform."""
    calls = tuple(_judge(call, numbers.get(call.key, ""), watch) for call in script.calls)
    return Verdict(
        calls=calls,
        lost=tuple(one.call.key for one in calls if one.call.goes_to and one.own and not one.copies),
        duplicates=tuple(_duplicates(watch)),
        strays=tuple(one.call.key for one in calls if one.copies and not one.call.goes_to),
        echoes=tuple(_echoes(watch)),
        latencies=tuple(measured for one in calls if one.own for measured in _latencies(one, watch)),
    )


def _judge(call: ScriptedCall, native_id: str, watch: Watch) -> CallVerdict:
    own = watch.records[call.on].get(native_id)
    copies = tuple(watch.titled(_OTHER[call.on], call.title))
    if own is None:
        return CallVerdict(call, None, copies, False, (), ("not recorded yet",))
    open_: list[str] = []
    differs = False
    if call.goes_to and not copies:
        open_.append(f"not on {call.goes_to} yet")
    for copy in copies[:1]:
        grid, government = (own, copy) if call.on == GRID else (copy, own)
        differs = not agree(grid.status, government.status)
        if differs:
            open_.append(f"grid {grid.status}, government {government.status}")
        open_ += [f"{copy.slug} shows {name} {copy.document.get(name)!r}, not {value!r}"
                  for name, value in call.shows.items() if copy.document.get(name) != value]  # fmt: skip
    open_ += [f"{one.slug} is {one.stage}, not {'/'.join(call.ends)}"
              for one in (own, *copies[:1]) if one.stage not in call.ends]  # fmt: skip
    return CallVerdict(call, own, copies, differs, tuple(_leaks(call, watch)), tuple(open_))


def _leaks(call: ScriptedCall, watch: Watch) -> Iterator[str]:
    """Secrets that stand anywhere in the other platform's database: in no record there, not only in the copy."""
    if call.secrets:
        for record in watch.records[_OTHER[call.on]].values():
            text = json.dumps(record.document, ensure_ascii=False)
            yield from (f"{record.slug} {record.native_id}" for secret in call.secrets if secret in text)


def _duplicates(watch: Watch) -> Iterator[str]:
    for slug, records in watch.records.items():
        for reference, count in Counter(one.reference for one in records.values() if one.reference).items():
            if count > 1:
                yield f"{slug} {reference}: {count}"


def _mark(entry: Entry) -> tuple[str, int, str, str]:
    """What makes two entries of one record the same act told twice: who, when, what, in which words."""
    return (entry.operator, entry.second, entry.step, _MARKS.sub("", entry.opinion))


def _echoes(watch: Watch) -> Iterator[str]:
    """Entries of officials that stand a second time on their own platform: told there by the exchange."""
    for slug, records in watch.records.items():
        for record in records.values():
            for mark, count in Counter(_mark(entry) for entry in record.entries).items():
                if count > 1:
                    yield f"{slug} {record.native_id}: {mark[0]} {mark[2]} {mark[3]}"


def _latencies(verdict: CallVerdict, watch: Watch) -> Iterator[tuple[float, str, str]]:
    """Seconds from the moment an act was seen on one platform to the moment it was seen on the other.

    An act is known again by who did it and the second that was typed. Calls whose delay is the scenario's own doing
    (a dead letter on purpose) are not measured.
    """
    call, own = verdict.call, verdict.own
    if own is None or any(step.do == "mend" for step in call.steps):
        return
    for copy in verdict.copies[:1]:
        called = next((e for e in own.entries if e.status in ("05", "PENDING")), own.entries[0])
        first = watch.entry_seen[(own.slug, own.native_id, called.seq)]
        yield watch.entry_seen[(copy.slug, copy.native_id, copy.entries[0].seq)] - first, call.key, "created"
        there = {(e.operator, e.second): e for e in reversed(copy.entries[1:])}
        for entry in own.entries:
            twin = there.get((entry.operator, entry.second))
            if twin is not None:
                here = watch.entry_seen[(own.slug, own.native_id, entry.seq)]
                yield abs(watch.entry_seen[(copy.slug, copy.native_id, twin.seq)] - here), call.key, entry.step

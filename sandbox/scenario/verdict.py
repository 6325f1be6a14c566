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

from sandbox.forms import FORMS
from sandbox.forms.form import Entry, Record
from sandbox.scenario.records import Watch, agree, called, keeps_up
from sandbox.scenario.script import Script, ScriptedCall

_MARKS = re.compile(r"^(?:【[^】]*】|（[^（）]*(?:（[^（）]*）[^（）]*)*）)+")


@dataclass(frozen=True)
class CallVerdict:
    """One call. own: its record where it was recorded, copies: its records elsewhere. differs: in the stage; files: in
    the files. open: what is not as it must be in the end, in words."""

    call: ScriptedCall
    own: Record | None
    copies: tuple[Record, ...]
    differs: bool
    files_differ: bool
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
    def file_differences(self) -> list[str]:
        return [one.call.key for one in self.calls if one.files_differ]

    @property
    def leaks(self) -> list[str]:
        return [f"{one.call.key}: {where}" for one in self.calls for where in one.leaked]

    @property
    def clean(self) -> bool:
        """Nothing lost, doubled, echoed, leaked or different, and every call where the scenario wants it."""
        wrong = [*self.lost, *self.duplicates, *self.strays, *self.echoes, *self.leaks, *self.differences, *self.file_differences]
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
        lost=tuple(one.call.key for one in calls if one.own and _missing(one)),
        duplicates=tuple(_duplicates(watch)),
        strays=tuple(one.call.key for one in calls if any(c.slug not in one.call.goes_to for c in one.copies)),
        echoes=tuple(_echoes(watch)),
        latencies=tuple(measured for one in calls if one.own for measured in _latencies(one, watch)),
    )


def _missing(one: CallVerdict) -> list[str]:
    """The platforms where the call should be and is not."""
    return [slug for slug in one.call.goes_to if all(copy.slug != slug for copy in one.copies)]


def _judge(call: ScriptedCall, native_id: str, watch: Watch) -> CallVerdict:
    own = watch.records[call.on].get(native_id)
    found = {slug: watch.titled(slug, call.title) for slug in watch.records if slug != call.on}
    copies = tuple(copy for slug in found for copy in found[slug])
    if own is None:
        return CallVerdict(call, None, copies, False, False, (), ("not recorded yet",))
    open_ = [f"not on {slug} yet" for slug in call.goes_to if not found[slug]]
    differs = files_differ = False
    for copy in (found[slug][0] for slug in call.goes_to if found[slug]):
        if set(own.files) - set(copy.files) and keeps_up(copy.slug):
            files_differ = True
            open_.append(f"{copy.slug} lacks files of {own.slug}: {len(own.files)}, {len(copy.files)}")
        if not keeps_up(own.slug, copy.slug):
            continue  # declared: it was created, and shows neither later stages nor files
        if not agree(own, copy):
            differs = True
            open_.append(f"{own.slug} {own.status}, {copy.slug} {copy.status}")
        if set(copy.files) - set(own.files):
            files_differ = True
            open_.append(f"{own.slug} lacks files of {copy.slug}: {len(own.files)}, {len(copy.files)}")
    for first in (found[slug][0] for slug in call.goes_to[:1] if found[slug]):
        open_ += [f"{first.slug} shows {name} {first.document.get(name)!r}, not {value!r}"
                  for name, value in call.shows.items() if first.document.get(name) != value]  # fmt: skip
    ending = [own, *(found[slug][0] for slug in call.goes_to if found[slug] and keeps_up(slug))]
    for one in ending if keeps_up(own.slug) or not call.goes_to else ending[1:]:
        stage = FORMS[one.slug].stage(one.status)
        if stage not in call.ends:
            open_.append(f"{one.slug} is {stage}, not {'/'.join(call.ends)}")
    return CallVerdict(call, own, copies, differs, files_differ, tuple(_leaks(call, watch)), tuple(open_))


def _leaks(call: ScriptedCall, watch: Watch) -> Iterator[str]:
    """Secrets that stand anywhere in the other platforms' databases: in no record there, not only in the copies."""
    if call.secrets:
        for record in (one for slug, found in watch.records.items() if slug != call.on for one in found.values()):
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
    first = watch.entry_seen[(own.slug, own.native_id, called(own))]
    for copy in verdict.copies:
        created = watch.entry_seen[(copy.slug, copy.native_id, copy.entries[0].seq)]
        yield created - first, call.key, f"created on {copy.slug}"
        there = {(e.operator, e.second): e for e in reversed(copy.entries[1:])}
        for entry in own.entries:
            twin = there.get((entry.operator, entry.second))
            if twin is not None:
                here = watch.entry_seen[(own.slug, own.native_id, entry.seq)]
                yield abs(watch.entry_seen[(copy.slug, copy.native_id, twin.seq)] - here), call.key, entry.step

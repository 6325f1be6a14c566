"""Both platforms' records in one form, read through the back doors, and when each part of them was first seen.

What a record says is kept in the platform's own words. This module must not know the scenario.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from sandbox.scenario.stages import stage_of
from sandbox.standins import GOVERNMENT, GRID, Doors

BEIJING = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Entry:
    """One line of a record's history. step: the grid's stage or the government's action. second: the time that was
    typed, epoch seconds, whole. status: what the record showed after it."""

    seq: int
    step: str
    status: str
    operator: str
    dept: str
    opinion: str
    second: int


@dataclass(frozen=True)
class Record:
    """One record as its platform's database holds it now. reference: the exchange's own number, "" if officials made
    it. document: all of it, in the platform's own form."""

    slug: str
    native_id: str
    reference: str
    title: str
    status: str
    entries: tuple[Entry, ...]
    document: Mapping[str, Any]

    @property
    def stage(self) -> str:
        return stage_of(self.slug, self.status)


def read(doors: Doors, slug: str) -> dict[str, Record]:
    """A platform's records by native id."""
    form = {GRID: _of_grid, GOVERNMENT: _of_government}[slug]
    return {record.native_id: record for record in map(form, doors.records(slug))}


def _of_grid(document: Mapping[str, Any]) -> Record:
    entries = tuple(
        Entry(one["seq"], one["stage"], one["stage"], one["operator"], one["dept"], one["opinion"],
              _second(one["time"]))
        for one in document["processes"]
    )  # fmt: skip
    by_exchange = document["created_by"] != "officials"
    return Record(
        GRID, document["eventId"], document["sourceId"] if by_exchange else "", document["title"], document["stage"],
        entries, document,
    )  # fmt: skip


def _of_government(document: Mapping[str, Any]) -> Record:
    entries = tuple(
        Entry(one["seq"], one["action"], one["toStatus"], one["operator"] or "", one["deptCode"] or "",
              one["opinion"] or "", one["operateTime"] // 1000)
        for one in document["timeline"]
    )  # fmt: skip
    return Record(
        GOVERNMENT, document["callNo"], document["outerNo"] or "", document["title"], document["status"], entries,
        document,
    )  # fmt: skip


def _second(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING).timestamp())


class Watch:
    """Looks at both databases again and again, and remembers when each record and each entry was first seen."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self.records: dict[str, dict[str, Record]] = {GRID: {}, GOVERNMENT: {}}
        self.entry_seen: dict[tuple[str, str, int], float] = {}
        self.changes = 0

    def look(self, now: float) -> None:
        """One look; `now` in epoch seconds."""
        for slug in (GRID, GOVERNMENT):
            found = read(self._doors, slug)
            if found != self.records[slug]:
                self.changes += 1
            self.records[slug] = found
            for record in found.values():
                for entry in record.entries:
                    self.entry_seen.setdefault((slug, record.native_id, entry.seq), now)

    def titled(self, slug: str, title: str) -> list[Record]:
        """The records of a platform that the exchange made under this title, oldest number first."""
        return [one for _, one in sorted(self.records[slug].items()) if one.reference and one.title == title]

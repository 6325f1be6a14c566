"""All platforms' records in one form, read through the back doors, and when each part of them was first seen.

What a record says is kept in the platform's own words. This module must not know the scenario, nor a platform.
"""

from __future__ import annotations

from sandbox.forms import FORMS
from sandbox.forms.form import Record
from sandbox.standins import Doors


def read(doors: Doors, slug: str) -> dict[str, Record]:
    """A platform's records by native id."""
    return {record.native_id: record for record in map(FORMS[slug].read, doors.records(slug))}


class Watch:
    """Looks at all databases again and again, and remembers when each record and each entry was first seen."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self.records: dict[str, dict[str, Record]] = {slug: {} for slug in doors.slugs}
        self.entry_seen: dict[tuple[str, str, int], float] = {}
        self.changes = 0

    def look(self, now: float) -> None:
        """One look; `now` in epoch seconds."""
        for slug in self.records:
            found = read(self._doors, slug)
            if found != self.records[slug]:
                self.changes += 1
            self.records[slug] = found
            for record in found.values():
                for entry in record.entries:
                    self.entry_seen.setdefault((slug, record.native_id, entry.seq), now)

    def titled(self, slug: str, title: str) -> list[Record]:
        """The records of a platform that the exchange made of this call, oldest number first."""
        found = [one for one in self.records[slug].values() if one.reference and one.tells_of(title)]
        return sorted(found, key=lambda one: one.native_id)


def agree(one: Record, other: Record) -> bool:
    """Do both show the same stage, or one of them a declared stand-in for the other's?"""
    here, there = FORMS[one.slug], FORMS[other.slug]
    return there.shows(other.status, here.stage(one.status)) or here.shows(one.status, there.stage(other.status))


def keeps_up(*slugs: str) -> bool:
    """Can all of these show later stages and files at all?"""
    return all(FORMS[slug].keeps_up for slug in slugs)


def called(record: Record) -> int:
    """The number of the entry with which the record became a call."""
    stages = FORMS[record.slug].stages
    return next((one.seq for one in record.entries if stages.get(one.status) == "CALLED"), record.entries[0].seq)

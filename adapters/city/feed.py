"""Where reading the change feed goes on: the cursor, and the notes from which a search begins (contract §6).

A change may be published up to 30 s after one with a higher seq. So a number counts as passed only once everything up
to it was read a while after it was first seen; what lies above is read again, and the numbers met there are remembered
so that no task is fetched twice for one change. This module must not send anything.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from adapters.errors import ConfigError
from adapters.port import Cursor

MOST_MET = 5000
"""Numbers kept in a cursor; beyond that the lowest are left out: their tasks are only read once more."""
MOST_NOTES = 512
_APART = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Place:
    """seq: everything up to it was read and can no longer fill up. marks: (highest number seen, when), ascending, our
    clock in epoch seconds. met: numbers above `seq` whose tasks were read."""

    seq: int
    marks: tuple[tuple[int, float], ...] = ()
    met: frozenset[int] = frozenset()

    def after(
        self, rows: Iterable[int], last: int, *, whole: bool, asked: datetime, seen: datetime, overlap: timedelta
    ) -> Place:
        """The place once these numbers were read as well: an answer asked for at `asked` and seen at `seen` that reaches
        to `last`, or to the end (`whole`). A number is passed once an answer over everything up to it was asked for long
        enough after it was first seen: that time alone went by is not enough, nobody may have looked in between."""
        marks = self.marks
        if last > max([self.seq, *(seq for seq, _ in marks)]):
            marks = (*marks, (last, seen.timestamp()))
        edge = (asked - overlap).timestamp()
        passed = max([self.seq, *(seq for seq, at in marks if at <= edge and (whole or seq <= last))])
        met = frozenset(sorted(seq for seq in self.met | set(rows) if seq > passed)[-MOST_MET:])
        return Place(passed, tuple((seq, at) for seq, at in marks if seq > passed), met)

    def cursor(self) -> Cursor:
        return Cursor(json.dumps({"seq": self.seq, "marks": self.marks, "met": sorted(self.met)}, separators=(",", ":")))


def place_of(cursor: Cursor, where: str) -> Place:
    """ConfigError for what is no cursor of this platform."""
    try:
        told = json.loads(cursor)
        place = Place(
            int(told["seq"]), tuple((int(seq), float(at)) for seq, at in told["marks"]),
            frozenset(int(seq) for seq in told["met"]),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"游标不是本平台的 / not a cursor of this platform: {str(cursor)[:80]!r}", where=where,
            remedy="核对平台名称，或清除该平台的游标 / check the platform's name, or clear its cursor",
        ) from error  # fmt: skip
    return place


@dataclass(frozen=True, slots=True)
class Notes:
    """(when, highest number seen) in a file that all workers of a platform share: where a search may begin. Losing a
    note makes a search longer, never wrong."""

    file: Path

    def add(self, seq: int, now: datetime) -> None:
        """Keep a note a minute. The file is replaced whole, so that nobody reads half of it."""
        notes = self._read()
        at = now.timestamp()
        if notes and (notes[-1][0] > at - _APART.total_seconds() or notes[-1][1] >= seq):
            return
        notes.append((at, seq))
        if len(notes) > MOST_NOTES:
            half = MOST_NOTES // 2
            notes = notes[:half:2] + notes[half:]  # older ones further apart
        draft = self.file.with_suffix(f".{os.getpid()}.new")
        draft.write_text(json.dumps(notes))
        draft.replace(self.file)

    def before(self, since: datetime, overlap: timedelta) -> int:
        """A number below every change made since then; 0 = the beginning."""
        edge = (since - overlap).timestamp()
        return max((seq for at, seq in self._read() if at <= edge), default=0)

    def _read(self) -> list[tuple[float, int]]:
        try:
            return [(float(at), int(seq)) for at, seq in json.loads(self.file.read_text())]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError):  # damaged by hand or by a full disk: begin anew, searches start at the beginning
            return []

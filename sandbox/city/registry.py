"""The platform's tasks and what may be done to them, whether over the exchange or by its own people.

One place for reporting, stepping, editing, attaching and reading, so that officials and the exchange meet the same
rules; each stored thing makes one change of the feed. Must not know HTTP, XML or digests.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.city import charset, times
from sandbox.city.contract import TASK_FIELDS, Contract
from sandbox.city.refusal import bad, missing
from sandbox.city.settings import Settings
from sandbox.city.store import Change, Media, Store
from sandbox.city.workflow import Step, decide

MOST_MEDIAS = 20
KEPT_SECONDS = 180 * 86_400
_WIDEST_GAP = 6


def shuffled(serial: int) -> int:
    """The number for the day's `serial`-th task (from 1): unique and from 1, but numbers do not rise in time."""
    return ((serial - 1) ^ 5) + 1


@dataclass(frozen=True)
class Found:
    """A task as stored: single-valued elements, items of `steps` (with seq), files."""

    fields: dict[str, str]
    steps: list[dict[str, str]]
    medias: list[Media]


class Registry:
    """`clock`: the real one, which publication goes by. `now`: the platform's. Epoch seconds both.

    first_seq: seq of the very first change. number: the 7 digits of a task or media, from its serial of the day.
    """

    def __init__(
        self,
        store: Store,
        contract: Contract,
        settings: Settings,
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
        first_seq: int,
        number: Callable[[int], int],
    ) -> None:
        self._store = store
        self.contract = contract
        self._settings = settings
        self._clock = clock
        self._now = now
        self._first_seq = first_seq
        self._number = number

    # Writing ----------------------------------------------------------------------------------------------------------

    def report(self, fields: Mapping[str, str], maker: str, *, user: str | None) -> str:
        """A new task; its number. `fields` as `rules.report` gives them, `user` None for an official's."""
        with self._store.change():
            reported = times.written(self._now())
            blank = dict.fromkeys(TASK_FIELDS, "")
            doc = blank | dict(fields) | {"taskNum": self._new_number("task", reported[:8]), "reportTime": reported}
            self._store.add_task(self._kept(doc), user, maker)
            self._tell(doc["taskNum"])
            return doc["taskNum"]

    def step(self, task_num: str, step: Step) -> int:
        """A step over the exchange; the seq of its item. 202, 203, then what depends on the task."""
        with self._store.change():
            return self._step(self._existing(task_num), step, by_official=False, late=None)

    def step_by_official(
        self, task_nums: Sequence[str], step: Callable[[Mapping[str, str]], Step], late: float | None = None
    ) -> list[int]:
        """The same step on each task; one refusal leaves all as they were.

        `step` makes it for a task as it stands, under the same lock that stores it. `late`: seconds until its change
        is published, None as for every other.
        """
        with self._store.change():
            found = [self._existing(task_num) for task_num in task_nums]
            return [self._step(task, step(task), by_official=True, late=late) for task in found]

    def _step(self, task: dict[str, str], step: Step, *, by_official: bool, late: float | None) -> int:
        changes = decide(self.contract, task, step, by_official=by_official)
        if changes:
            self._store.save_task(task | changes)
        seq = self._store.add_step(task["taskNum"], self._kept(step.entry()))
        self._tell(task["taskNum"], late)
        return seq

    def edit(self, task_num: str, change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
        """An official's edit: a change of the feed, no step. `change` gives the new fields for the task as it stands."""
        with self._store.change():
            task = self._existing(task_num)
            self._store.save_task(self._kept(task | dict(change(task))))
            self._tell(task_num)

    def attach(self, task_num: str, kind: str, content: bytes, *, most: int | None = MOST_MEDIAS) -> str:
        """A file; its mediaId. `most` files a task, None for no limit."""
        with self._store.change():
            self._existing(task_num)
            if most is not None and len(self._store.medias(task_num)) >= most:
                bad("content", f"数量超过{most}")
            media_id = "M" + self._new_number("media", times.written(self._now())[:8])
            self._store.add_media(task_num, Media(media_id, kind, len(content)), content)
            self._tell(task_num)
            return media_id

    # Reading ----------------------------------------------------------------------------------------------------------

    def changes(self, since: int, limit: int) -> tuple[list[Change], bool]:
        """(changes published now above `since`, whether more are)."""
        return self._store.changes(since, limit, self._clock(), self._now() - KEPT_SECONDS)

    def find(self, task_num: str) -> Found:
        """The present record; 202 if there is none."""
        with self._store.change():
            fields = self._existing(task_num)
            return Found(fields, self._store.steps(task_num), self._store.medias(task_num))

    def content(self, media_id: str, kind: str) -> bytes | None:
        return self._store.content(media_id, kind)

    def media_url(self, media: Media) -> str:
        day = media.media_id[1:9]
        return f"{self._settings.media_base.rstrip('/')}/media/{day}/{media.media_id}.{media.type}"

    def record(self, task_num: str) -> dict[str, Any]:
        """The task in the platform's own form, with `createdBy` (exchange user or official) and files' sha256."""
        with self._store.change():
            found = self.find(task_num)
            medias = [
                {
                    "mediaId": media.media_id, "type": media.type, "url": self.media_url(media), "size": media.size,
                    "sha256": hashlib.sha256(self._store.content(media.media_id, media.type) or b"").hexdigest(),
                }
                for media in found.medias
            ]  # fmt: skip
            maker = self._store.maker(task_num)
            return {**found.fields, "steps": found.steps, "medias": medias, "createdBy": maker}

    def records(self) -> list[dict[str, Any]]:
        with self._store.change():
            return [self.record(task_num) for task_num in self._store.task_nums()]

    # Shared steps -----------------------------------------------------------------------------------------------------

    def _existing(self, task_num: str) -> dict[str, str]:
        task = self._store.task(task_num)
        return missing(task_num) if task is None else task

    def _new_number(self, kind: str, day: str) -> str:
        return f"{day}{self._number(self._store.next_serial(kind, day)):07d}"

    def _kept(self, doc: dict[str, str]) -> dict[str, str]:
        """The texts as the database behind keeps them."""
        if not self._settings.gbk_inside:
            return doc
        return {name: charset.as_gbk_keeps(text) for name, text in doc.items()}

    def _tell(self, task_num: str, late: float | None = None) -> None:
        last = self._store.last_seq()
        mix = zlib.crc32(f"{last}:{task_num}".encode())
        seq = self._first_seq if last is None else last + 1 + mix % _WIDEST_GAP
        # A third of the changes come at once, after half the lag, after all of it: so they also overtake one another.
        lag = self._settings.publish_seconds * (mix // _WIDEST_GAP % 3) / 2 if late is None else late
        self._store.add_change(seq, task_num, self._now(), self._clock() + lag)

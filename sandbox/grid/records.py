"""How a document changes: new events, process entries, files, the updateTime that never goes back.

Shared by the exchange operations and the officials. Every function runs inside a store transaction. Must not know who
may do what.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.grid.answers import Document
from sandbox.grid.contract import day_text, time_text, time_value
from sandbox.grid.places import grid_name, town_name
from sandbox.grid.rules import Upload
from sandbox.grid.store import Store, StoredFile

_LATENESS = (0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Moment:
    """The platform's clock in epoch seconds, and how many seconds late a row may come to light in queryEvents (§6)."""

    now: float
    late_seconds: float = 0.0

    @property
    def text(self) -> str:
        return time_text(self.now)


@dataclass(frozen=True)
class Entry:
    """A process entry before it has its seq; `time` is a Beijing text."""

    stage: str
    operator: str
    dept: str
    opinion: str
    time: str


def blank(event_id: str) -> Document:
    """An event with nothing in it but its id."""
    texts = (
        "sourceId", "title", "eventType", "stage", "gridCode", "gridName", "townCode", "townName", "villageCode",
        "reporter", "reporterTel", "caller", "callerTel", "address", "content", "happenTime", "reportTime",
        "updateTime", "mainDept", "limitTime",
    )
    return {
        "eventId": event_id, **dict.fromkeys(texts, ""), "level": 4, "lng": None, "lat": None,
        "assistDepts": [], "processes": [], "attachments": [], "extend": [],
    }


def new_event_id(store: Store, moment: Moment) -> str:
    return store.next_id("DG", day_text(moment.now), 5)


def name_places(document: Document) -> None:
    """gridName and townName from the platform's own lists; empty if unknown (§7)."""
    document["gridName"] = grid_name(document["gridCode"])
    document["townName"] = town_name(document["townCode"])


def append(document: Document, entry: Entry) -> None:
    """The next process entry. The event's own stage is not touched."""
    document["processes"].append({
        "seq": len(document["processes"]) + 1, "stage": entry.stage, "operator": entry.operator, "dept": entry.dept,
        "opinion": entry.opinion, "time": entry.time,
    })


def set_departments(document: Document, codes: Sequence[str]) -> None:
    """Stage 07: the first code leads, the rest replace the assisting ones; no codes leave both (§8)."""
    if codes:
        document["mainDept"] = codes[0]
        document["assistDepts"] = list(codes[1:])


def attach(store: Store, document: Document, uploads: Sequence[Upload], moment: Moment) -> list[str]:
    """Stores the files and lists them in the document; gives their ids."""
    ids = []
    for upload in uploads:
        attach_id = store.next_id("AT", day_text(moment.now), 6)
        store.add_file(attach_id, document["eventId"], StoredFile(upload.name, upload.mime, upload.content))
        document["attachments"].append({"attachId": attach_id, "name": upload.name, "size": len(upload.content)})
        ids.append(attach_id)
    return ids


def save(store: Store, document: Document, created_by: str, moment: Moment) -> None:
    """Sets updateTime to now, never back, and stores the event; its row may come to light late."""
    document["updateTime"] = max(str(document["updateTime"]), moment.text)
    store.save(document, created_by, moment.now, _visible_at(document, moment))


def _visible_at(document: Document, moment: Moment) -> float:
    # Different delays for different rows, so that a later row may show before an earlier one; always the same for
    # the same row, and never beyond late_seconds after updateTime.
    seed = zlib.crc32(f"{document['eventId']} {document['updateTime']}".encode())
    delay = moment.late_seconds * _LATENESS[seed % len(_LATENESS)]
    updated = time_value(document["updateTime"])
    bound = moment.now if updated is None else min(updated, moment.now) + moment.late_seconds
    return min(moment.now + delay, bound)

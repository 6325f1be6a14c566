"""The enforcement platform as the rehearsal sees it. Must not know the scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.enforcement.platform import EXAMPLE_CLIENTS, EnforcementPlatform
from sandbox.forms.form import BEIJING, Entry, File, Form, Record, StandIn, http, titled

SLUG = "enforcement"


def read(document: Mapping[str, Any]) -> Record:
    entries = tuple(
        Entry(one["seq"], one["type"], one["stateAfter"], one["actor"]["name"] or "", one["actor"]["agency"] or "",
              one["text"] or "", int(datetime.fromisoformat(one["at"]).timestamp()))
        for one in document["events"]
    )  # fmt: skip
    return Record(
        SLUG, document["id"], document["externalRef"] or "", document["title"], document["state"], entries, document,
        document["description"] or "", tuple(one["sha256"] for one in document["files"]),
    )  # fmt: skip


def opened(folder: Path | None, clock: Callable[[], float] | None, port: int) -> StandIn:
    database = folder / "enforcement.sqlite" if folder else None
    platform = EnforcementPlatform(database) if clock is None else EnforcementPlatform(database, clock=clock)
    return http(SLUG, "日照市综合执法指挥平台", EXAMPLE_CLIENTS, platform, port, "/v1/cases")


def _attach(number: str, file: File) -> tuple[str, dict[str, Any]]:
    body = {"id": number, "name": file.name, "contentType": file.media_type, "base64": file.packed}
    return "officials/attach", body


FORM = Form(
    SLUG, "日照 enforcement",
    {
        "open": "CALLED", "accepted": "ACCEPTED", "assigned": "DISPATCHED", "responded": "RESPONDED",
        "in_progress": "IN_PROGRESS", "reported": "REPORTED", "closed": "CLOSED", "rated": "RATED",
        "rejected": "RETURNED", "cancelled": "CANCELLED",
    },
    read, opened,
    number="id", create="officials/create", creation=titled("title"),
    acts={"act": "officials/act", "edit": "officials/edit"},
    answering="act", typed="at", written=lambda epoch: datetime.fromtimestamp(epoch, BEIJING).isoformat("T", "milliseconds"),
    attach=_attach,
    stands_for={
        "ACCEPTED": frozenset({"assigned", "responded", "in_progress"}),  # returned to the centre
        "DISPATCHED": frozenset({"responded", "in_progress"}),  # a transfer keeps the state
        "RESPONDED": frozenset({"in_progress"}),
        "RATED": frozenset({"closed"}),  # a rating must say satisfied or not; one in other words can only be noted
    },
)  # fmt: skip

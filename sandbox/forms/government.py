"""The government platform as the rehearsal sees it. Must not know the scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox.forms.form import Entry, File, Form, Record, StandIn, http, titled
from sandbox.government.platform import EXAMPLE_APPS, GovernmentPlatform

SLUG = "government"


def read(document: Mapping[str, Any]) -> Record:
    entries = tuple(
        Entry(one["seq"], one["action"], one["toStatus"], one["operator"] or "", one["deptCode"] or "",
              one["opinion"] or "", one["operateTime"] // 1000)
        for one in document["timeline"]
    )  # fmt: skip
    return Record(
        SLUG, document["callNo"], document["outerNo"] or "", document["title"], document["status"], entries, document,
        document["content"] or "", tuple(one["sha256"] for one in document["files"]),
    )  # fmt: skip


def opened(folder: Path | None, clock: Callable[[], float] | None, port: int) -> StandIn:
    database = folder / "government.sqlite" if folder else None
    platform = GovernmentPlatform(database) if clock is None else GovernmentPlatform(database, clock=clock)
    return http(SLUG, "智慧岚山政务服务平台", EXAMPLE_APPS, platform, port, "/api/calls")


def _attach(number: str, file: File) -> tuple[str, dict[str, Any]]:
    return "clerks/attach", {"callNo": number, "name": file.name, "mime": file.media_type, "base64": file.packed}


FORM = Form(
    SLUG, "岚山 government",
    {
        "PENDING": "CALLED", "ACCEPTED": "ACCEPTED", "DISPATCHED": "DISPATCHED", "RESPONDED": "RESPONDED",
        "HANDLING": "IN_PROGRESS", "FEEDBACK": "REPORTED", "CLOSED": "CLOSED", "RATED": "RATED",
        "RETURNED": "RETURNED", "CANCELLED": "CANCELLED",
    },
    read, opened,
    number="callNo", create="clerks/create", creation=titled("title"),
    acts={"act": "clerks/act", "edit": "clerks/edit"},
    answering="act", typed="operateTime", written=lambda epoch: int(epoch * 1000), limit="limitTime", attach=_attach,
    stands_for={
        "CALLED": frozenset({"ACCEPTED"}),  # called again over the interface is accepted at once
        "ACCEPTED": frozenset({"DISPATCHED", "RESPONDED", "HANDLING"}),  # returned to the centre
        "DISPATCHED": frozenset({"RESPONDED", "HANDLING"}),  # a transfer keeps the status
        "RESPONDED": frozenset({"HANDLING"}),
    },
)  # fmt: skip

"""The grid platform as the rehearsal sees it. Must not know the scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox.forms.form import Entry, File, Form, Record, StandIn, beijing, http, second, titled
from sandbox.grid.platform import DEFAULT_ACCOUNTS, GridPlatform

SLUG = "grid"
_TIME = "%Y-%m-%d %H:%M:%S"


def read(document: Mapping[str, Any]) -> Record:
    entries = tuple(
        Entry(one["seq"], one["stage"], one["stage"], one["operator"], one["dept"], one["opinion"],
              second(one["time"], _TIME))
        for one in document["processes"]
    )  # fmt: skip
    by_exchange = document["created_by"] != "officials"
    return Record(
        SLUG, document["eventId"], document["sourceId"] if by_exchange else "", document["title"], document["stage"],
        entries, document, document["content"], tuple(one["sha256"] for one in document["attachments"]),
    )  # fmt: skip


def opened(folder: Path | None, clock: Callable[[], float] | None, port: int) -> StandIn:
    database = folder / "grid.sqlite" if folder else None
    platform = GridPlatform(database) if clock is None else GridPlatform(database, clock=clock)
    return http(
        SLUG, "东港区社会治安综合治理网格平台", DEFAULT_ACCOUNTS, platform, port, "/services/GridEventService?wsdl"
    )


def _attach(number: str, file: File) -> tuple[str, dict[str, Any]]:
    return "officials/attach", {"eventId": number, "name": file.name, "mime": file.media_type, "base64": file.packed}


FORM = Form(
    SLUG, "东港 grid",
    {
        "05": "CALLED", "06": "ACCEPTED", "07": "DISPATCHED", "08": "RESPONDED", "09": "IN_PROGRESS",
        "10": "REPORTED", "11": "CLOSED", "12": "RATED", "90": "RETURNED", "91": "CANCELLED",
        # Withdrawn by the town: no call any more, until it calls again.
        "01": "RETURNED", "02": "RETURNED", "03": "RETURNED", "04": "RETURNED",
    },
    read, opened,
    number="eventId", create="officials/create", creation=titled("title", stage="05"),
    acts={"move": "officials/move", "late_entry": "officials/late_entry", "edit": "officials/edit", "damage": "raw"},
    answering="move", typed="time", written=beijing(_TIME), limit="limitTime", attach=_attach,
    # returned to the centre: no way back to 06
    stands_for={"ACCEPTED": frozenset({"07", "08", "09", "10"})},
    heal=("settings", {"damage": {}}),
)  # fmt: skip

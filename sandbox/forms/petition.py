"""The petition platform as the rehearsal sees it: an exchange database is its only entrance. Must not know the scenario."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox.forms.form import Entry, File, Form, Record, StandIn, beijing, second, titled
from sandbox.httpd import Server
from sandbox.petition.platform import PetitionPlatform

SLUG = "petition"
_TIME = "%Y-%m-%d %H:%M:%S"
_MOVES: Mapping[str, str] = {
    "登记": "0", "重新提交": "0", "受理": "1", "转办": "2", "签收": "3", "办理": "4", "答复": "5", "办结": "6", "评价": "7",
    "退单": "8", "作废": "9",
}  # fmt: skip


def read(document: Mapping[str, Any]) -> Record:
    entries, status = [], "0"
    for one in document["LZ"]:
        status = _MOVES.get(one["CZLX"], status)
        entries.append(Entry(one["ID"], one["CZLX"], status, one["CZR"] or "", one["CZDW"] or "", one["CZYJ"] or "",
                             second(one["CZSJ"], _TIME)))  # fmt: skip
    return Record(
        SLUG, document["GDBH"], document["WBBH"] or "", document["BT"], str(document["GDZT"]), tuple(entries), document,
        document["NR"], tuple(one["sha256"] for one in document["FJ"]),
    )  # fmt: skip


def opened(folder: Path | None, clock: Callable[[], float] | None, port: int) -> StandIn:
    database = folder / "petition.sqlite" if folder else None
    platform = PetitionPlatform(database) if clock is None else PetitionPlatform(database, clock=clock)
    server = Server(platform, port=port)
    file = platform.exchange_url.removeprefix("sqlite:///")
    connection = json.dumps({"conn_type": "sqlite", "host": file})
    # A batch that runs every few seconds is worth looking for its receipts as often.
    return StandIn(SLUG, "五莲县7900000问政投诉平台", "", "", server, platform.exchange_url, connection, {"push": "8s"})


def _attach(number: str, file: File) -> tuple[str, dict[str, Any]]:
    return "officials/attach", {"GDBH": number, "WJM": file.name, "WJLX": file.media_type, "base64": file.packed}


FORM = Form(
    SLUG, "五莲 petition",
    {
        "0": "CALLED", "1": "ACCEPTED", "2": "DISPATCHED", "3": "RESPONDED", "4": "IN_PROGRESS", "5": "REPORTED",
        "6": "CLOSED", "7": "RATED", "8": "RETURNED", "9": "CANCELLED",
    },
    read, opened,
    number="GDBH", create="officials/create", creation=titled("BT"),
    acts={"act": "officials/act", "late_entry": "officials/late_entry", "edit": "officials/edit"},
    answering="act", typed="CZSJ", written=beijing(_TIME), limit="BLSX", attach=_attach,
    stands_for={
        "ACCEPTED": frozenset({"2", "3", "4", "5"}),  # returned to the centre: the exchange has no way back to 1
        "IN_PROGRESS": frozenset({"2"}),  # sent back, until the department takes it up again
    },
)  # fmt: skip

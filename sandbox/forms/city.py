"""The city-management platform as the rehearsal sees it: two servers, no file names. Must not know the scenario."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox.city.platform import EXAMPLE_USERS, PATH, CityPlatform
from sandbox.city.serving import serve
from sandbox.forms.form import Entry, File, Form, Record, StandIn, beijing, second, titled

SLUG = "city"
_TIME = "%Y%m%d%H%M%S"
_KEEPING = ("202", "203")  # entries that leave the state as it was


def read(document: Mapping[str, Any]) -> Record:
    reported = second(document["reportTime"], _TIME)
    entries, status = [Entry(0, "report", "", document["createdBy"], "", "", reported)], ""
    for one in document["steps"]:
        status = status if one["step"] in _KEEPING else one["step"]
        entries.append(Entry(int(one["seq"]), one["step"], status, one["operator"], one["dept"], one["opinion"],
                             second(one["time"], _TIME)))  # fmt: skip
    return Record(
        SLUG, document["taskNum"], document["outerCode"], document["title"], document["state"], tuple(entries), document,
        document["description"], tuple(one["sha256"] for one in document["medias"]),
    )  # fmt: skip


def opened(folder: Path | None, clock: Callable[[], float] | None, port: int) -> StandIn:
    database = folder / "city.sqlite" if folder else None
    platform = CityPlatform(database) if clock is None else CityPlatform(database, clock=clock)
    servers = serve(platform, port=port)
    (account, password), *_ = EXAMPLE_USERS.items()
    host, _, number = servers.url.removeprefix("http://").partition(":")
    connection = {"conn_type": "http", "host": host, "port": int(number), "login": account, "password": password}
    return StandIn(
        SLUG, "莒县数字化城市管理平台", account, password, servers.exchange, PATH,
        json.dumps(connection, ensure_ascii=False), {"media_base": f"{servers.media_url}/media"}, servers.media.close,
    )  # fmt: skip


def _attach(number: str, file: File) -> tuple[str, dict[str, Any]]:
    return "officials/attach", {"taskNum": number, "type": file.name.rpartition(".")[2], "base64": file.packed}


FORM = Form(
    SLUG, "莒县 city",
    {
        "": "CALLED", "101": "ACCEPTED", "102": "ACCEPTED", "103": "DISPATCHED", "104": "RESPONDED",
        "105": "IN_PROGRESS", "106": "REPORTED", "107": "REPORTED", "108": "CLOSED", "109": "RATED",
        "201": "RETURNED", "299": "CANCELLED",
    },
    read, opened,
    number="taskNum", create="officials/create", creation=titled("title"),
    acts={"step": "officials/step", "late_step": "officials/late_step", "edit": "officials/edit"},
    answering="step", typed="time", written=beijing(_TIME), attach=_attach,
    stands_for={
        "CALLED": frozenset({"201"}),  # called again, before its own 101
        "ACCEPTED": frozenset({"103", "104", "105", "106", "107"}),  # returned to the centre
    },
)  # fmt: skip

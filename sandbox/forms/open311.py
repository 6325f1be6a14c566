"""The GeoReport v2 server as the rehearsal sees it: created on, read from, never kept up to date. Must not know the
scenario."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox.forms.form import Entry, File, Form, Record, StandIn
from sandbox.httpd import Server
from sandbox.open311.platform import EXAMPLE_KEYS, Open311Platform

SLUG = "open311"
_REFERENCE = re.compile(r"〔来源编号 ([^〕]+)〕")


def read(document: Mapping[str, Any]) -> Record:
    """A request has no title and no history: its text begins with what would be the title."""
    text = document["description"] or ""
    found = _REFERENCE.search(text)
    agency = document["agency_responsible"] or ""
    first = Entry(0, "created", "open", "", "", "", document["requested"])
    last = Entry(1, "changed", document["status"], agency, "", document["status_notes"] or "", document["updated"])
    return Record(
        SLUG, document["service_request_id"], found[1] if found else "", "", document["status"], (first, last), document,
        text, (document["media_sha256"],) if document["media_sha256"] else (),
    )  # fmt: skip


def opened(folder: Path | None, clock: Callable[[], float] | None, port: int) -> StandIn:
    database = folder / "open311.sqlite" if folder else None
    platform = Open311Platform(database) if clock is None else Open311Platform(database, clock=clock)
    server, key = Server(platform, port=port), EXAMPLE_KEYS[0]
    host, _, number = server.url.removeprefix("http://").partition(":")
    connection = {"conn_type": "http", "host": host, "port": int(number), "password": key, "extra": {"base_path": "/v2"}}
    settings = {"hosts": json.dumps([f"{host}:{number}"])}  # pictures come from the stand-in's own address
    return StandIn(SLUG, "日照市公众诉求接口", "api_key", key, server, "/v2/requests.json", json.dumps(connection), settings)


def _created(title: str, record: Mapping[str, Any]) -> dict[str, Any]:
    return {**record, "description": f"{title}。{record.get('description', '')}"}


def _pictured(picture: File) -> dict[str, Any]:
    return {"media": {"base64": picture.packed, "content_type": picture.media_type}}


FORM = Form(
    SLUG, "日照 open311", {"open": "CALLED", "closed": "CLOSED"}, read, opened,
    number="id", create="officials/create", creation=_created,
    acts={"act": "officials/act", "edit": "officials/edit"},
    answering="act", typed="", written=lambda epoch: epoch, pictured=_pictured, keeps_up=False,
)  # fmt: skip

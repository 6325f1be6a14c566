"""The officials' side of the stand-in as JSON: /_sandbox/<name>. Not part of the contract, never reached by a bridge.

Must not know SOAP. A missing or odd member raises KeyError, TypeError or ValueError; the server answers these with 400.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, get_args

from sandbox.grid import officials
from sandbox.grid.answers import FIELDS, Document
from sandbox.grid.controls import Controls
from sandbox.grid.department import Department
from sandbox.grid.officials import Denied, Step
from sandbox.grid.records import Entry
from sandbox.grid.rules import Upload
from sandbox.grid.security import Account, Kind
from sandbox.grid.store import Store, Stored

Answer = tuple[int, Any]
_OK: Answer = (200, {"ok": True})


class BackDoor:
    """Dispatches one back-door request; `handle` gives HTTP status and JSON body."""

    def __init__(self, store: Store, controls: Controls, department: Department) -> None:
        self._store = store
        self._controls = controls
        self._department = department

    def handle(self, method: str, name: str, body: Any) -> Answer:
        if method == "GET":
            return self._read(name)
        if method != "POST":
            return 405, {"error": f"{method} /_sandbox/{name}"}
        if not isinstance(body, dict):
            raise ValueError("a JSON object is expected")
        match name:
            case "officials/create":
                return self._create(dict(body))
            case "officials/move":
                return self._event_or_denied(officials.move(
                    self._store, str(body["eventId"]), _step(body), self._controls.moment()
                ))
            case "officials/edit":
                return self._event_or_denied(officials.edit(
                    self._store, str(body["eventId"]), body["set"], self._controls.moment()
                ))
            case "officials/attach":
                return self._attach(body)
            case "officials/late_entry":
                entry = Entry(
                    str(body["stage"]), str(body["operator"]), str(body.get("dept", "")), str(body.get("opinion", "")),
                    str(body["time"]),
                )
                return self._event_or_denied(officials.late_entry(
                    self._store, str(body["eventId"]), entry, self._controls.moment()
                ))
            case _:
                return self._turn(name, body)

    def _turn(self, name: str, body: dict[str, Any]) -> Answer:
        controls = self._controls
        match name:
            case "clock":
                _only(body, "skew_seconds", "freeze")
                if "skew_seconds" in body:
                    controls.skew_seconds = float(body["skew_seconds"])
                if "freeze" in body:
                    controls.freeze = None if body["freeze"] is None else float(body["freeze"])
                return 200, {"now": controls.now()}
            case "settings":
                return self._settings(body)
            case "accounts":
                kind: Kind = body.get("kind", "exchange")
                if kind not in get_args(Kind):
                    raise ValueError(f"kind is one of {', '.join(get_args(Kind))}")
                controls.put_account(Account(str(body["username"]), str(body["password"]), kind))
                return _OK
            case "raw":
                fields = {key: value for key, value in body.items() if key != "eventId"}
                controls.add_damage(str(body["eventId"]), _damage(fields))
                return _OK
            case "counters":
                with self._store.transaction():
                    for prefix, value in body.items():
                        self._store.taken(f"{prefix}{int(value)}", len(prefix))
                return _OK
            case "department":
                return self._department_switch(body)
        return 404, {"error": f"POST /_sandbox/{name}"}

    def _read(self, name: str) -> Answer:
        listed = self._store.visible_times(self._controls.now())
        if name == "records":
            return 200, [self._whole(one, listed) for one in self._store.every()]
        if name.startswith("record/"):
            stored = self._store.event(name.removeprefix("record/"))
            return (200, self._whole(stored, listed)) if stored else (404, {"error": f"事件不存在：{name[7:]}"})
        return 404, {"error": f"GET /_sandbox/{name}"}

    def _whole(self, stored: Stored, listed: dict[str, str]) -> Document:
        document = dict(stored.document)
        document["attachments"] = [self._described(one) for one in document["attachments"]]
        return document | {
            "created_by": stored.created_by, "visible_updateTime": listed.get(str(document["eventId"])),
        }

    def _described(self, attachment: Document) -> Document:
        file = self._store.file(str(attachment["attachId"]))
        if file is None:
            return attachment
        return attachment | {"mime": file.mime, "sha256": hashlib.sha256(file.content).hexdigest()}

    def _create(self, body: dict[str, Any]) -> Answer:
        count = int(body.pop("count", 1))
        ids = officials.create(self._store, body, self._controls.moment(), count)
        return 200, {"eventId": ids[0] if ids else None, "eventIds": ids}

    def _attach(self, body: dict[str, Any]) -> Answer:
        upload = Upload(str(body["name"]), str(body["mime"]), base64.b64decode(body["base64"]))
        outcome = officials.attach(self._store, str(body["eventId"]), upload, self._controls.moment())
        return _denied(outcome) if isinstance(outcome, Denied) else (200, {"attachId": outcome})

    def _settings(self, body: dict[str, Any]) -> Answer:
        _only(body, "processing_seconds", "late_seconds", "gate", "damage")
        controls = self._controls
        controls.processing_seconds = float(body.get("processing_seconds", controls.processing_seconds))
        controls.late_seconds = float(body.get("late_seconds", controls.late_seconds))
        controls.gate = int(body.get("gate", controls.gate))
        if "damage" in body:
            controls.set_damage({event_id: _damage(fields) for event_id, fields in body["damage"].items()})
        return _OK

    def _department_switch(self, body: dict[str, Any]) -> Answer:
        _only(body, "enabled", "interval_seconds", "script", "except")
        if body.get("script", "default") != "default":
            raise ValueError("script: only 'default' is known")
        interval = float(body.get("interval_seconds", 2.0))
        if interval <= 0:
            raise ValueError("interval_seconds must be above 0")
        if "except" in body:
            self._department.leave_alone([str(title) for title in body["except"]])
        if body["enabled"]:
            self._department.office.start(interval)
        else:
            self._department.office.stop()
        return _OK

    def _event_or_denied(self, outcome: Document | Denied) -> Answer:
        if isinstance(outcome, Denied):
            return _denied(outcome)
        return 200, {"eventId": outcome["eventId"], "stage": outcome["stage"], "updateTime": outcome["updateTime"]}


def _denied(outcome: Denied) -> Answer:
    return outcome.status, {"error": outcome.reason}


def _only(body: dict[str, Any], *names: str) -> None:
    if unknown := set(body) - set(names):
        raise ValueError(f"unknown members: {', '.join(sorted(unknown))}")


def _step(body: dict[str, Any]) -> Step:
    stage, dept = str(body["stage"]), str(body.get("dept", ""))
    depts = tuple(map(str, body.get("depts") or ()))
    if stage == "07":
        depts = depts or tuple(filter(None, dept.split(",")))
        dept = ",".join(depts)
    return Step(stage, str(body["operator"]), dept, str(body.get("opinion", "")), depts, str(body.get("time") or ""))


def _damage(fields: dict[str, Any]) -> dict[str, bytes | None]:
    """Raw inner markup by element name: text, {"base64": bytes}, or null for leaving the element out."""
    if unknown := set(fields) - set(FIELDS):
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
    return {name: _raw(value) for name, value in fields.items()}


def _raw(value: Any) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, dict):
        return base64.b64decode(value["base64"])
    return str(value).encode("utf-8", "surrogatepass")

"""The platform's register: cases are created, patched, moved by events and given files, and stand in the feed.

Must not know HTTP, tokens or keys. Every change is one transaction of the store.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sandbox.enforcement import rules
from sandbox.enforcement.contract import AGENCY_REQUIRED, Contract
from sandbox.enforcement.problems import Problem
from sandbox.enforcement.store import Store
from sandbox.enforcement.times import PlatformClock, Settings, read_time, write_time

_CURSOR = re.compile(r"e(\d{1,9})\.(\d{1,15})")
Actor = Mapping[str, str | None]


class Registry:
    """mint: a lower-case UUID of version 4, each time another."""

    def __init__(
        self, store: Store, contract: Contract, clock: PlatformClock, settings: Settings, mint: Callable[[], str]
    ) -> None:
        self.store, self.contract, self._clock, self._settings, self._mint = store, contract, clock, settings, mint

    def case(self, case_id: str) -> dict[str, Any]:
        """The case as stored. Problem 404."""
        self.store.commit_due(self._clock.now())
        found = self.store.case(case_id)
        if found is None:
            raise Problem("not-found", "案件不存在")
        return found

    def create(self, body: Any, actor: Actor, client: str | None, *, late: bool = False) -> dict[str, Any]:
        """A new case. late: an official's, committed up to `commit_seconds` after it was typed."""
        fields = rules.new_case(self.contract, body)
        now = self._stamp()
        case: dict[str, Any] = {"id": self._mint(), **fields, "state": "open", "createdAt": now, "updatedAt": now,
                                "events": [], "files": []}  # fmt: skip
        self._written(case, "created", actor, {}, now)
        lag = zlib.crc32(case["id"].encode()) % 1000 / 1000 * self._settings.commit_seconds if late else 0.0
        if lag > 0:
            self.store.commit_later(case, self._clock.now() + lag)
        else:
            self.store.save_case(case, client)
        return case

    def patch(self, case_id: str, body: Any, actor: Actor) -> dict[str, Any]:
        """The case afterwards, unchanged if nothing changes. Problem 409, 422."""
        case = self.case(case_id)
        after = rules.patch(self.contract, body, case)
        if case["state"] == "cancelled":
            raise Problem("illegal-state", "已作废", state="cancelled")
        changed = [name for name in rules.FIELDS[1:] if after[name] != case[name]]
        if changed:
            case.update({name: after[name] for name in changed})
            self._written(case, "edited", actor, {"fields": changed}, self._stamp())
            self.store.save_case(case)
        return case

    def event(self, case_id: str, body: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """(the stored event, the case). Problem 409, 422."""
        case = self.case(case_id)
        event = rules.event(self.contract, body, case, self._clock.moment())
        state, kind = case["state"], event["type"]
        after = self.contract.transitions[kind][state]
        if after == "x":
            raise Problem("illegal-transition", f"{state}状态不允许{kind}", state=state, eventType=kind,
                          allowed=self.contract.allowed(state))  # fmt: skip
        data = event["data"]
        if kind in ("assign", "transfer"):
            case["leadAgency"] = data["agency"]
        if kind == "assist" and data["agency"] not in case["supportAgencies"]:
            case["supportAgencies"].append(data["agency"])
        due = read_time(data.get("dueAt"))
        if due is not None and kind in ({*AGENCY_REQUIRED, "extend"} - {"assist"}):
            case["dueAt"] = write_time(due)
        stored = self._append(case, event, self._stamp(), state if after == "=" else after)
        self.store.save_case(case)
        return stored, case

    def put_file(
        self, case_id: str, name: str, media_type: str, content: bytes, actor: Actor, *, only_new: bool
    ) -> tuple[dict[str, Any], dict[str, Any], bool]:
        """(the file, the case, is it a new name). Problem 409, 412."""
        case = self.case(case_id)
        digest = hashlib.sha256(content).hexdigest()
        present = next((one for one in case["files"] if one["name"] == name), None)
        if present is not None and only_new:
            raise Problem("precondition-failed", "文件已存在")
        if case["state"] == "cancelled":
            raise Problem("illegal-state", "已作废", state="cancelled")
        if present is not None and (present["sha256"], present["contentType"]) == (digest, media_type):
            return present, case, False
        now = self._stamp()
        file = {"name": name, "contentType": media_type, "size": len(content), "sha256": digest, "uploadedAt": now}
        case["files"] = sorted([one for one in case["files"] if one["name"] != name] + [file], key=lambda one: one["name"])
        self.store.save_file(case_id, name, content)
        self._written(case, "file-added", actor, {"name": name, "replaced": present is not None}, now)
        self.store.save_case(case)
        return file, case, present is None

    def file(self, case_id: str, name: str) -> tuple[dict[str, Any], bytes]:
        """(what is known of it, its bytes). Problem 404."""
        case = self.case(case_id)
        content = self.store.file(case_id, name)
        found = next((one for one in case["files"] if one["name"] == name), None)
        if content is None or found is None:
            raise Problem("not-found", "文件不存在")
        return found, content

    # The feed ---------------------------------------------------------------------------------------------------------

    def page(self, cursor: str | None, since: str | None, limit: int) -> tuple[list[dict[str, Any]], str]:
        """(cases as stored, nextCursor). Problem 400, 410."""
        self.store.commit_due(self._clock.now())
        generation, compacted = self.store.generation()
        place = 0
        if cursor is not None:
            made, place = _opened(cursor)
            if made > generation or place > self.store.last_place():
                raise Problem("invalid-cursor", cursor)
            if made < generation:
                raise Problem("cursor-compacted", "请用since从最近一次成功读取的时间重新开始", compactedAt=compacted)
        elif since is not None:
            moment = read_time(since)
            if moment is None:
                raise Problem("invalid-parameter", "since必须是带时区的RFC 3339时间", parameter="since")
            place = self.store.place_since(write_time(moment))
        rows = self.store.page(place, limit)
        return [case for _, case in rows], _closed(generation, rows[-1][0] if rows else place)

    # Events -----------------------------------------------------------------------------------------------------------

    def _written(self, case: dict[str, Any], kind: str, actor: Actor, data: dict[str, Any], at: str) -> None:
        """What only the platform writes: created, edited, file-added."""
        event = {"type": kind, "at": at, "actor": dict(actor), "text": None, "data": data}
        self._append(case, event, at, case["state"])

    def _append(self, case: dict[str, Any], event: dict[str, Any], now: str, state: str) -> dict[str, Any]:
        before = case["state"] if case["events"] else None
        stored = {
            "id": self._mint(), "seq": len(case["events"]) + 1, "type": event["type"], "at": event["at"], "recordedAt": now,
            "actor": event["actor"], "text": event["text"], "data": event["data"], "stateBefore": before, "stateAfter": state,
        }  # fmt: skip
        case["events"].append(stored)
        case["state"], case["updatedAt"] = state, now
        return stored

    def _stamp(self) -> str:
        moment = self._clock.moment()
        if self._settings.jitter_seconds > 0:
            part = zlib.crc32(moment.isoformat().encode()) % 1000 / 1000
            moment -= timedelta(seconds=part * self._settings.jitter_seconds)
        return write_time(moment)


def etag(case: Mapping[str, Any]) -> str:
    """Of the case: every change adds an event."""
    return f'"{case["id"][:8]}-{len(case["events"])}"'


def shown(case: Mapping[str, Any]) -> dict[str, Any]:
    """As every reply shows it: a confidential contact without name and phone, members in the contract's order."""
    contact = dict(case["contact"])
    if contact["confidential"]:
        contact |= {"name": None, "phone": None}
    order = ("id", "externalRef", "title", "description", "category", "priority", "state", "location", "contact",
             "leadAgency", "supportAgencies", "dueAt", "createdAt", "updatedAt", "events", "files", "attributes")  # fmt: skip
    return {name: contact if name == "contact" else case[name] for name in order}


def _closed(generation: int, place: int) -> str:
    return base64.urlsafe_b64encode(f"e{generation}.{place}".encode()).decode().rstrip("=")


def _opened(cursor: str) -> tuple[int, int]:
    """(generation, place). Problem 400 for what was never handed out."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    found = _CURSOR.fullmatch(text)
    if found is None or _closed(int(found[1]), int(found[2])) != cursor:
        raise Problem("invalid-cursor", cursor)
    return int(found[1]), int(found[2])

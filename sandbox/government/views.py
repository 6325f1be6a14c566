"""How a stored call looks in answers: list row (masked), detail (whole), and damage done to either on purpose.

Must not know the store's tables, HTTP, or who asks.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.government.contract import TOWNS, Contract
from sandbox.government.store import StoredFile


def whole(contract: Contract, doc: Mapping[str, Any]) -> dict[str, Any]:
    """All members of a CallRow, unmasked; names come from the platform's lists, null where they know none."""
    return {
        "callNo": doc["callNo"],
        "outerNo": doc["outerNo"],
        "status": doc["status"],
        "title": doc["title"],
        "content": doc["content"],
        "itemCode": doc["itemCode"],
        "itemName": contract.items.get(doc["itemCode"]),
        "channel": doc["channel"],
        "urgency": doc["urgency"],
        "townCode": doc["townCode"],
        "townName": TOWNS.get(doc["townCode"]),
        "villageCode": doc["villageCode"],
        "address": doc["address"],
        "lng": doc["lng"],
        "lat": doc["lat"],
        "contact": dict(doc["contact"]),
        "callUnit": doc["callUnit"],
        "deptCode": doc["deptCode"],
        "deptName": contract.department_name(doc["deptCode"]),
        "limitTime": doc["limitTime"],
        "createTime": doc["createTime"],
        "updateTime": doc["updateTime"],
    }


def row(contract: Contract, doc: Mapping[str, Any]) -> dict[str, Any]:
    """A list row: as the detail, but contact.name and contact.phone masked."""
    view = whole(contract, doc)
    contact = view["contact"]
    view["contact"] = contact | {"name": mask_name(contact["name"]), "phone": mask_phone(contact["phone"])}
    return view


def detail(
    contract: Contract, doc: Mapping[str, Any], entries: Iterable[Mapping[str, Any]], files: Iterable[StoredFile]
) -> dict[str, Any]:
    """The whole call with `timeline` (by seq) and `files` (by order of attaching)."""
    return whole(contract, doc) | {
        "timeline": [_entry(contract, entry) for entry in entries],
        "files": [file_entry(file) | {"uploadTime": file.upload_time, "seq": file.seq} for file in files],
    }


def file_entry(file: StoredFile) -> dict[str, Any]:
    """What the answer to an upload says of the file."""
    return {"fileId": file.file_id, "name": file.name, "mime": file.mime, "size": file.size, "sm3": file.sm3}


def mask_name(name: str | None) -> str | None:
    """张三四 → 张**; a single character → *."""
    if not name:
        return name
    return "*" if len(name) == 1 else name[0] + "*" * (len(name) - 1)


def mask_phone(phone: str | None) -> str | None:
    """First 3 and last 4 of at least 8 characters, shorter ones all asterisks."""
    if not phone:
        return phone
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 8 else "*" * len(phone)


def _entry(contract: Contract, entry: Mapping[str, Any]) -> dict[str, Any]:
    view: dict[str, Any] = {}
    for name, value in entry.items():
        view[name] = value
        if name == "deptCode":
            view["deptName"] = contract.department_name(value)
    return view


@dataclass
class _Wound:
    values: dict[str, Any] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)


class Damage:
    """Members of answers overridden or left out on purpose, by callNo. Paths may be dotted (contact.phone)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wounds: dict[str, _Wound] = {}

    def inflict(self, call_no: str, values: Mapping[str, Any], missing: Iterable[str]) -> None:
        with self._lock:
            wound = self._wounds.setdefault(call_no, _Wound())
            wound.values.update(values)
            wound.missing.update(missing)

    def heal(self, call_no: str | None) -> None:
        """Forgets the damage of one call, or of all."""
        with self._lock:
            if call_no is None:
                self._wounds.clear()
            else:
                self._wounds.pop(call_no, None)

    def done_to(self, view: dict[str, Any]) -> dict[str, Any]:
        """`view` as it is answered. Members a list row does not have (timeline, files) are damaged in details only."""
        with self._lock:
            wound = self._wounds.get(view["callNo"])
            if wound is None:
                return view
            broken = copy.deepcopy(view)
            for path, value in wound.values.items():
                _put(broken, path, copy.deepcopy(value), "timeline" in view)
            for path in wound.missing:
                _remove(broken, path)
            return broken


def _put(view: dict[str, Any], path: str, value: Any, is_detail: bool) -> None:
    first, *rest = path.split(".")
    if first in ("timeline", "files") and not is_detail:
        return
    holder: Any = view
    for step in [first, *rest][:-1]:
        holder = holder[int(step)] if isinstance(holder, list) else holder[step]
    last = [first, *rest][-1]
    if isinstance(holder, list):
        holder[int(last)] = value
    else:
        holder[last] = value


def _remove(view: dict[str, Any], path: str) -> None:
    holder: Any = view
    *steps, last = path.split(".")
    for step in steps:
        if isinstance(holder, list) and int(step) < len(holder):
            holder = holder[int(step)]
        elif isinstance(holder, dict) and step in holder:
            holder = holder[step]
        else:
            return
    if isinstance(holder, dict):
        holder.pop(last, None)

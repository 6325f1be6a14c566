"""The rehearsal's back door: plays citizens and officials, turns clock and switches, damages answers.

No part of the contract. JSON over /_sandbox/<name>; errors are {"error": text} with 400 (form) or 404 (no such request).
Must not know formats or HTTP.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from sandbox.open311.damage import Damage
from sandbox.open311.department import Department
from sandbox.open311.deviations import NAMES
from sandbox.open311.refusal import Refused
from sandbox.open311.registry import EDITABLE, Registry
from sandbox.open311.times import Bucket, ServerClock, Settings, read_time

Answer = tuple[int, Any]
_NEW: Mapping[str, Any] = {
    "service_code": "006", "description": "村内主路塌陷约两平方米", "address": "巨峰镇某村主路", "address_id": None,
    "lat": 35.23, "long": 119.17, "media_url": None, "attributes": {}, "personal": {},
}  # fmt: skip
_ACTS = {"status": "status", "status_notes": "status_notes", "agency": "agency_responsible",
         "expected": "expected_datetime", "notice": "service_notice"}  # fmt: skip


class BackDoor:
    """`enter` is the platform's `back_door`."""

    def __init__(
        self, registry: Registry, clock: ServerClock, settings: Settings, bucket: Bucket, damage: Damage,
        department: Department,
    ) -> None:  # fmt: skip
        self._registry, self._clock, self._settings, self._bucket = registry, clock, settings, bucket
        self._damage, self._department = damage, department

    def enter(self, method: str, name: str, body: Any) -> Answer:
        wish: dict[str, Any] = {} if body is None else body
        if not isinstance(wish, dict):
            return 400, {"error": "必须是JSON对象"}
        try:
            return self._enter(method, name, wish)
        except Refused as refused:
            return refused.status, {"error": refused.errors[0]["description"]}

    def _enter(self, method: str, name: str, wish: dict[str, Any]) -> Answer:
        match method, name.partition("/"):
            case "POST", ("officials", _, "create"):
                return self._create(wish)
            case "POST", ("officials", _, "act"):
                _only(wish, "id", *_ACTS)
                if wish.get("expected") is not None and read_time(wish["expected"]) is None:
                    raise ValueError("expected is a time with its offset, whole seconds")
                changes = {member: wish[key] for key, member in _ACTS.items() if key in wish}
                return 200, self._registry.change(str(wish["id"]), changes)
            case "POST", ("officials", _, "edit"):
                return 200, self._registry.change(str(wish["id"]), wish["set"])
            case "GET", ("records", "", ""):
                return 200, [self._told(one) for one in self._registry.store.all()]
            case "GET", ("record", _, request_id):
                found = self._registry.store.by("id", request_id)
                return (200, self._told(found)) if found else (404, {"error": f"service_request_id不存在：{request_id}"})
            case "POST", ("clock", "", ""):
                _only(wish, "skew_seconds", "freeze")
                self._clock.skew = float(wish.get("skew_seconds", self._clock.skew))
                frozen = wish.get("freeze", self._clock.frozen)
                self._clock.frozen = None if frozen is None else float(frozen)
                return 200, {"now": self._clock.now()}
            case "POST", ("settings", "", ""):
                return self._set(wish)
            case "POST", ("damage", "", ""):
                self._damage.inflict(str(wish["id"]), wish.get("set") or {}, wish.get("remove") or [])
                return 200, {"ok": True}
            case "DELETE", ("damage", "", ""):
                self._damage.heal()
                return 200, {"ok": True}
            case "POST", ("department", "", ""):
                return self._set_department(wish)
        return 404, {"error": f"没有这个后门：{method} {name}"}

    def _told(self, document: dict[str, Any]) -> dict[str, Any]:
        """A request as it is kept, and the sha256 of its own picture, None if it has none."""
        media = self._registry.store.media((document["media_url"] or "").removeprefix("/media/"))
        return document | {"media_sha256": hashlib.sha256(media[1]).hexdigest() if media else None}

    def _create(self, wish: dict[str, Any]) -> Answer:
        """A citizen's report: members of `_NEW`, zipcode, `count`, `media` {base64, content_type}, `number` to go on from."""
        _only(wish, *EDITABLE, "attributes", "personal", "count", "media", "number")
        self._registry.store.go_on_from(int(wish.get("number", 1)))
        count = wish.get("count", 1)
        if not isinstance(count, int) or not 1 <= count <= 5000:
            return 400, {"error": "count必须在1到5000之间"}
        members = dict(_NEW) | {name: value for name, value in wish.items() if name not in ("count", "media", "number")}
        if members["service_code"] not in self._registry.contract.services:
            return 400, {"error": "service_code不存在"}
        content = base64.b64decode(wish["media"]["base64"], validate=True) if "media" in wish else None
        made: list[str] = []
        with self._registry.store.lock:
            for _ in range(count):
                if content is not None:
                    name = f"{self._registry.store.next_number()}.jpg"
                    self._registry.store.save_media(name, wish["media"].get("content_type", "image/jpeg"), content)
                    members["media_url"] = f"/media/{name}"
                made.append(self._registry.create(members, None)["service_request_id"])
        return 200, {"id": made[0], "ids": made}

    def _set(self, wish: Mapping[str, Any]) -> Answer:
        settings = self._settings
        known = vars(settings)
        for name in wish:
            if name not in known:
                return 400, {"error": f"没有这个设置：{name}"}
        check_switches(wish.get("deviations", ()), wish.get("jurisdiction", settings.jurisdiction))
        for name, value in wish.items():
            setattr(settings, name, tuple(value) if name == "deviations" else type(known[name])(value))
        self._bucket.refill()
        return 200, dict(vars(settings))

    def _set_department(self, wish: Mapping[str, Any]) -> Answer:
        _only(wish, "enabled", "interval_seconds", "rounds", "except")
        if "except" in wish:
            self._department.leave_alone([str(text) for text in wish["except"]])
        return 200, self._department.office.turned(wish)


def check_switches(deviations: Any, jurisdiction: str) -> None:
    """ValueError names what is unknown and what is known."""
    if unknown := set(deviations) - NAMES:
        raise ValueError(f"no such deviation: {', '.join(sorted(unknown))}; known: {', '.join(sorted(NAMES))}")
    if jurisdiction not in ("required", "ignored"):
        raise ValueError("jurisdiction is required or ignored")


def _only(wish: Mapping[str, Any], *names: str) -> None:
    if unknown := wish.keys() - set(names):
        raise ValueError(f"unknown members: {', '.join(sorted(unknown))}")

"""The rehearsal's back door: plays officials, turns clock and limits, damages answers. No part of the contract.

JSON over /_sandbox/<name>; errors are {"error": text} with 400 (form), 404 (no such case) or 409 (the state forbids it).
Must not know the API's tokens or keys.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from sandbox.enforcement.contract import CENTRE, SCOPES, TEXT_REQUIRED
from sandbox.enforcement.damage import Damage
from sandbox.enforcement.department import Department
from sandbox.enforcement.problems import Problem
from sandbox.enforcement.registry import Registry
from sandbox.enforcement.times import Buckets, PlatformClock, Settings, write_time

Answer = tuple[int, Any]
CLERK = "指挥中心1号席"
_NEW = {"title": "某路段渣土车撒漏", "category": {"code": "CTY-03"}}


class BackDoor:
    """`enter` is the platform's `back_door`."""

    def __init__(
        self, registry: Registry, clock: PlatformClock, settings: Settings, buckets: Buckets, damage: Damage,
        department: Department,
    ) -> None:  # fmt: skip
        self._registry, self._clock, self._settings = registry, clock, settings
        self._buckets, self._damage, self._department = buckets, damage, department

    def enter(self, method: str, name: str, body: Any) -> Answer:
        wish: dict[str, Any] = {} if body is None else body
        if not isinstance(wish, dict):
            return 400, {"error": "必须是JSON对象"}
        try:
            return self._enter(method, name, wish)
        except Problem as problem:
            status = problem.status if problem.status in (404, 409) else 400
            return status, {"error": problem.detail, **problem.members}

    def _enter(self, method: str, name: str, wish: dict[str, Any]) -> Answer:
        registry = self._registry
        match method, name.partition("/"):
            case "POST", ("officials", _, "create"):
                return self._create(wish)
            case "POST", ("officials", _, "act"):
                return self._act(wish)
            case "POST", ("officials", _, "edit"):
                return 200, registry.patch(str(wish["id"]), wish["set"], _actor(wish))
            case "POST", ("officials", _, "attach"):
                content = base64.b64decode(wish["base64"], validate=True)
                kind = wish.get("contentType", "image/jpeg")
                file, _, _ = registry.put_file(str(wish["id"]), wish["name"], kind, content, _actor(wish), only_new=False)
                return 200, file
            case "POST", ("officials", _, "remove"):
                registry.case(str(wish["id"]))
                registry.store.remove_case(str(wish["id"]))
                return 200, {"ok": True}
            case "GET", ("records", "", ""):
                registry.store.commit_due(self._clock.now())
                return 200, registry.store.cases()
            case "GET", ("record", _, case_id):
                return 200, registry.case(case_id)
            case "POST", ("clock", "", ""):
                self._clock.skew = float(wish.get("skew_seconds", self._clock.skew))
                self._clock.frozen = wish.get("freeze", self._clock.frozen)
                return 200, {"now": self._clock.now()}
            case "POST", ("settings", "", ""):
                return self._set(wish)
            case "POST", ("clients", "", ""):
                return self._set_client(wish)
            case "POST", ("tokens", _, "expire"):
                registry.store.void_tokens()
                return 200, {"ok": True}
            case "POST", ("compact", "", ""):
                registry.store.compact(write_time(self._clock.moment()))
                return 200, {"ok": True}
            case "POST", ("damage", "", ""):
                self._damage.inflict(str(wish["id"]), wish.get("set") or {}, wish.get("remove") or [])
                return 200, {"ok": True}
            case "DELETE", ("damage", "", ""):
                self._damage.heal()
                return 200, {"ok": True}
            case "POST", ("department", "", ""):
                return self._set_department(wish)
        return 404, {"error": f"没有这个后门：{method} {name}"}

    def _create(self, wish: dict[str, Any]) -> Answer:
        count = wish.pop("count", 1)
        if not isinstance(count, int) or not 1 <= count <= 5000:
            return 400, {"error": "count必须在1到5000之间"}
        actor = _actor(wish)
        fields = {name: value for name, value in wish.items() if name not in ("operator", "agency")}
        with self._registry.store.change():
            made = [self._registry.create(_NEW | fields, actor, None, late=True)["id"] for _ in range(count)]
        return 200, {"id": made[0], "ids": made}

    def _act(self, wish: dict[str, Any]) -> Answer:
        kind = wish["type"]
        text = wish.get("text") or ("经核查，按规定办理。" if kind in TEXT_REQUIRED else None)
        data = dict(wish.get("data") or {})
        if kind in ("assign", "transfer", "assist"):
            data.setdefault("agency", "ZHZF-LS")
        if kind == "rate":
            data.setdefault("satisfied", True)
        at = wish.get("at") or write_time(self._clock.moment())
        body = {"type": kind, "at": at, "actor": _actor(wish), "text": text, "data": data}
        with self._registry.store.change():
            event, case = self._registry.event(str(wish["id"]), body)
        return 200, {"event": event, "state": case["state"]}

    def _set(self, wish: Mapping[str, Any]) -> Answer:
        for name, value in wish.items():
            if name not in vars(self._settings):
                return 400, {"error": f"没有这个设置：{name}"}
            setattr(self._settings, name, float(value))
        self._buckets.refill()
        return 200, dict(vars(self._settings))

    def _set_client(self, wish: Mapping[str, Any]) -> Answer:
        name = str(wish["client_id"])
        known = self._registry.store.client(name) or {"secret": "", "disabled": False, "scopes": list(SCOPES)}
        known |= {part: wish[part] for part in ("secret", "disabled", "scopes") if part in wish}
        self._registry.store.save_client(name, known)
        return 200, {"ok": True}

    def _set_department(self, wish: Mapping[str, Any]) -> Answer:
        if "except" in wish:
            self._department.leave_alone([str(title) for title in wish["except"]])
        return 200, self._department.office.turned(wish)


def _actor(wish: Mapping[str, Any]) -> dict[str, str | None]:
    return {"name": wish.get("operator") or CLERK, "agency": wish.get("agency", CENTRE)}

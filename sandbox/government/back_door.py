"""The rehearsal's back door: plays clerks, turns clock and limits, damages answers. No part of the contract.

JSON over /_sandbox/<name>; errors are {"error": text} with 400 (form), 404 (no such call) or 409 (the status table or
the limit forbids it). Must not know the API's signatures or envelopes.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from sandbox.government import rules
from sandbox.government.actions import Step, body_of, step_of
from sandbox.government.clerks import CLERK, clerk_step
from sandbox.government.contract import ACTIONS, CENTRE, FUNCTIONS
from sandbox.government.department import Department
from sandbox.government.files import Upload, check_extension, stored_type
from sandbox.government.limits import Buckets
from sandbox.government.refusal import Refusal, field_of
from sandbox.government.registry import Editor, Registry
from sandbox.government.settings import PlatformClock, Settings
from sandbox.government.store import Store
from sandbox.government.views import Damage

Answer = tuple[int, Any]

_NEW_CALL = {
    "itemCode": "LS9999",
    "channel": "HOTLINE",
    "urgency": "NORMAL",
    "townCode": "371103002",
    "callUnit": "热线2622345",
}
_CONTACT = ("name", "phone", "secret")
_APP_MEMBERS = {
    "appSecret": "secret",
    "disabled": "disabled",
    "functions": "functions",
    "rate": "rate",
    "burst": "burst",
}


class BackDoor:
    """`enter` is the platform's `back_door`."""

    def __init__(
        self,
        registry: Registry,
        store: Store,
        clock: PlatformClock,
        settings: Settings,
        buckets: Buckets,
        damage: Damage,
        department: Department,
    ) -> None:
        self._registry = registry
        self._store = store
        self._clock = clock
        self._settings = settings
        self._buckets = buckets
        self._damage = damage
        self._department = department

    def enter(self, method: str, name: str, body: Any) -> Answer:
        wish: dict[str, Any] = {} if body is None else body
        if not isinstance(wish, dict):
            return 400, {"error": "必须是JSON对象"}
        try:
            return self._enter(method, name, wish)
        except Refusal as refusal:
            forbidden = field_of(refusal) in ("action", "limitTime")
            status = 404 if refusal.code == "4004" else 409 if forbidden else 400
            return status, {"error": refusal.msg}

    def _enter(self, method: str, name: str, wish: dict[str, Any]) -> Answer:
        match method, name.partition("/"):
            case "POST", ("clerks", _, "create"):
                return self._create(wish)
            case "POST", ("clerks", _, "act"):
                return self._act(wish)
            case "POST", ("clerks", _, "edit"):
                return self._edit(wish)
            case "POST", ("clerks", _, "attach"):
                return self._attach(wish)
            case "GET", ("records", "", ""):
                return 200, self._registry.records()
            case "GET", ("record", _, call_no):
                return 200, self._registry.record(call_no)
            case "POST", ("clock", "", ""):
                return self._set_clock(wish)
            case "POST", ("settings", "", ""):
                return self._set_limits(wish)
            case "POST", ("apps", "", ""):
                return self._set_app(wish)
            case "POST", ("tokens", _, "expire"):
                self._store.void_tokens()
                return 200, {"ok": True}
            case "POST", ("damage", "", ""):
                self._damage.inflict(str(wish["callNo"]), wish.get("set") or {}, wish.get("remove") or [])
                return 200, {"ok": True}
            case "DELETE", ("damage", "", ""):
                self._damage.heal(wish.get("callNo"))
                return 200, {"ok": True}
            case "POST", ("department", "", ""):
                return self._set_department(wish)
        return 404, {"error": f"没有这个后门：{method} {name}"}

    # Clerks -----------------------------------------------------------------------------------------------------------

    def _create(self, wish: dict[str, Any]) -> Answer:
        count = wish.get("count", 1)
        if not isinstance(count, int) or not 1 <= count <= 5000:
            return 400, {"error": "count必须在1到5000之间"}
        fields = rules.call_fields(_NEW_CALL | rules.exact_numbers(wish), None)
        numbers = self._registry.create_by_clerk(fields, _editor(wish), count)
        return 200, {"callNo": numbers[0], "callNos": numbers}

    def _act(self, wish: dict[str, Any]) -> Answer:
        numbers = wish.get("callNos") or [wish["callNo"]]
        if wish.get("action") not in (*ACTIONS, "RECALL"):
            return 400, {"error": f"没有这个动作：{wish.get('action')}"}
        contract, now_ms = self._registry.contract, self._clock.now_ms()

        def step(call: Mapping[str, Any]) -> Step:
            made = clerk_step(contract, call, wish, now_ms)
            if made.action == "RECALL":
                return made
            # The form holds for clerks too; only their department may be one that is in no list any more.
            return step_of(rules.action_create(body_of(made), None, now_ms))

        states = self._registry.act_by_clerk(numbers, step)
        return 200, states[0] | {"callNos": numbers}

    def _edit(self, wish: dict[str, Any]) -> Answer:
        call_no = str(wish["callNo"])
        present = self._registry.record(call_no)
        changes: dict[str, Any] = {}
        for path, value in wish["set"].items():
            whole, _, part = path.rpartition("contact.") if "." in path else ("", "", path)
            if not whole and part in _CONTACT:
                known = changes.get("contact", present["contact"])
                changes["contact"] = rules.clerk_field("contact", known | {part: value})
            elif path == "contact":
                merged = None if value is None else changes.get("contact", present["contact"]) | value
                changes["contact"] = rules.clerk_field("contact", merged)
            else:
                changes[path] = rules.clerk_field(path, value)
        return 200, self._registry.edit(call_no, changes, wish["set"], _editor(wish))

    def _attach(self, wish: dict[str, Any]) -> Answer:
        name = str(wish["name"])
        check_extension(name)
        upload = Upload(name, stored_type(wish.get("mime") or ""), base64.b64decode(wish["base64"], validate=True))
        return 200, self._registry.attach(str(wish["callNo"]), upload, _editor(wish))

    # Clock, limits, apps, officials -----------------------------------------------------------------------------------

    def _set_clock(self, wish: Mapping[str, Any]) -> Answer:
        if "skew_seconds" in wish:
            self._clock.skew(float(wish["skew_seconds"]))
        if "freeze" in wish:
            self._clock.freeze(None if wish["freeze"] is None else float(wish["freeze"]))
        return 200, {"now": self._clock.now()}

    def _set_limits(self, wish: Mapping[str, Any]) -> Answer:
        settings = self._settings
        settings.late_seconds = float(wish.get("late_seconds", settings.late_seconds))
        settings.rate = float(wish.get("rate", settings.rate))
        settings.burst = int(wish.get("burst", settings.burst))
        settings.gateway_rate = int(wish.get("gateway_rate", settings.gateway_rate))
        settings.token_seconds = float(wish.get("token_seconds", settings.token_seconds))
        if "rate" in wish or "burst" in wish:
            self._buckets.refill()
        return 200, dict(vars(settings))

    def _set_app(self, wish: Mapping[str, Any]) -> Answer:
        key = str(wish["appKey"])
        known = self._store.app(key) or {"secret": None, "disabled": False, "functions": list(FUNCTIONS)}
        app = known | {inner: wish[outer] for outer, inner in _APP_MEMBERS.items() if outer in wish}
        if not isinstance(app["secret"], str):
            return 400, {"error": "新应用必须有appSecret"}
        if unknown := set(app["functions"]) - set(FUNCTIONS):
            return 400, {"error": f"没有这个功能：{'、'.join(sorted(unknown))}"}
        self._store.save_app(key, app)
        self._buckets.refill()
        return 200, {"ok": True}

    def _set_department(self, wish: Mapping[str, Any]) -> Answer:
        if "except" in wish:
            self._department.leave_alone([str(title) for title in wish["except"]])
        return 200, self._department.office.turned(wish)


def _editor(wish: Mapping[str, Any]) -> Editor:
    return Editor(wish.get("operator") or CLERK, wish.get("deptCode", CENTRE), wish.get("operateTime"))

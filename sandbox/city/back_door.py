"""The rehearsal's back door: plays officials, turns clock and settings, damages answers. No part of the contract.

JSON over /_sandbox/<name>; errors are {"error": text} with 400 (form), 404 (no such task) or 409 (the step table
forbids it). Must not know the exchange's digests or XML.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from sandbox.city import rules
from sandbox.city.contract import REPORT_FIELDS
from sandbox.city.department import Department
from sandbox.city.officials import COMMANDER, official_step
from sandbox.city.refusal import Refusal
from sandbox.city.registry import Registry
from sandbox.city.settings import MOST_PUBLISH_SECONDS, PlatformClock, Settings, checked_lag
from sandbox.city.store import Store
from sandbox.city.views import Damage
from sandbox.city.workflow import Step

Answer = tuple[int, Any]

MOST_OFFICIAL_BYTES = 20 * 1024 * 1024
_MOST_TASKS = 5000
_NEW_TASK = {
    "recType": "2",
    "mainType": "06",
    "subType": "99",
    "source": "1",
    "streetCode": "371122104",
}
_EDITABLE = (*REPORT_FIELDS, "deadline", "dept", "assistDepts")
_STATUS = {"202": 404, "203": 409}


class BackDoor:
    """`enter` is the platform's `back_door`."""

    def __init__(
        self,
        registry: Registry,
        store: Store,
        clock: PlatformClock,
        settings: Settings,
        damage: Damage,
        department: Department,
    ) -> None:
        self._registry = registry
        self._store = store
        self._clock = clock
        self._settings = settings
        self._damage = damage
        self._department = department

    def enter(self, method: str, name: str, body: Any) -> Answer:
        wish: dict[str, Any] = {} if body is None else body
        if not isinstance(wish, dict):
            return 400, {"error": "必须是JSON对象"}
        try:
            return self._enter(method, name, wish)
        except Refusal as refusal:
            return _STATUS.get(refusal.code, 400), {"error": refusal.message}

    def _enter(self, method: str, name: str, wish: dict[str, Any]) -> Answer:
        match method, name.partition("/"):
            case "POST", ("officials", _, "create"):
                return self._create(wish)
            case "POST", ("officials", _, "step"):
                return self._step(wish, None)
            case "POST", ("officials", _, "late_step"):
                return self._step(wish, checked_lag(float(wish.get("seconds", MOST_PUBLISH_SECONDS))))
            case "POST", ("officials", _, "edit"):
                return self._edit(wish)
            case "POST", ("officials", _, "attach"):
                return self._attach(wish)
            case "GET", ("records", "", ""):
                return 200, self._registry.records()
            case "GET", ("record", _, task_num):
                return 200, self._registry.record(task_num)
            case "POST", ("clock", "", ""):
                return self._set_clock(wish)
            case "POST", ("settings", "", ""):
                return self._set_ways(wish)
            case "POST", ("users", "", ""):
                return self._set_user(wish)
            case "POST", ("damage", "", ""):
                return self._inflict(wish)
            case "DELETE", ("damage", "", ""):
                self._damage.heal(wish.get("taskNum"))
                return 200, {"ok": True}
            case "POST", ("department", "", ""):
                return self._set_department(wish)
        return 404, {"error": f"没有这个后门：{method} {name}"}

    # Officials --------------------------------------------------------------------------------------------------------

    def _create(self, wish: dict[str, Any]) -> Answer:
        count = wish.get("count", 1)
        if not isinstance(count, int) or not 1 <= count <= _MOST_TASKS:
            return 400, {"error": f"count必须在1到{_MOST_TASKS}之间"}
        fields = rules.report(_NEW_TASK | _texts(wish, REPORT_FIELDS, ("count", "operator")), None)
        operator = str(wish.get("operator") or COMMANDER)
        with self._store.change():
            numbers = [self._registry.report(fields, operator, user=None) for _ in range(count)]
        return 200, {"taskNum": numbers[0], "taskNums": numbers}

    def _step(self, wish: dict[str, Any], late: float | None) -> Answer:
        numbers = [str(number) for number in wish.get("taskNums") or [wish["taskNum"]]]
        contract, now = self._registry.contract, self._clock.now()

        def step(task: Mapping[str, str]) -> Step:
            # The form holds for officials too; only their department may be one that is in no list any more.
            return rules.step(official_step(task, wish, now), contract, now, any_dept=True)

        places = self._registry.step_by_official(numbers, step, late)
        return 200, {"taskNums": numbers, "seqs": places, "state": self._registry.find(numbers[0]).fields["state"]}

    def _edit(self, wish: dict[str, Any]) -> Answer:
        named = _texts(wish["set"], _EDITABLE)

        def change(task: Mapping[str, str]) -> dict[str, str]:
            merged = {**task, **named}
            # Another town takes its district along, unless that is named too.
            if "streetCode" in named and "districtCode" not in named:
                merged["districtCode"] = ""
            changed = rules.report(merged, None)
            return changed | {
                "deadline": rules.time_or_empty("deadline", merged["deadline"]),
                "dept": merged["dept"],
                "assistDepts": merged["assistDepts"],
            }

        task_num = str(wish["taskNum"])
        self._registry.edit(task_num, change)
        return 200, {"taskNum": task_num}

    def _attach(self, wish: dict[str, Any]) -> Answer:
        packed = str(wish["base64"])
        base64.b64decode(packed, validate=True)
        kind, content = rules.media({"type": str(wish["type"]), "content": packed}, MOST_OFFICIAL_BYTES)
        return 200, {"mediaId": self._registry.attach(str(wish["taskNum"]), kind, content, most=None)}

    # Clock, settings, users, damage, department -----------------------------------------------------------------------

    def _set_clock(self, wish: Mapping[str, Any]) -> Answer:
        if "skew_seconds" in wish:
            self._clock.skew(float(wish["skew_seconds"]))
        if "freeze" in wish:
            self._clock.freeze(None if wish["freeze"] is None else float(wish["freeze"]))
        return 200, {"now": self._clock.now()}

    def _set_ways(self, wish: Mapping[str, Any]) -> Answer:
        settings = self._settings
        if unknown := set(wish) - set(vars(settings)):
            return 400, {"error": f"没有这个设置：{'、'.join(sorted(unknown))}"}
        settings.publish_seconds = checked_lag(float(wish.get("publish_seconds", settings.publish_seconds)))
        settings.gbk_inside = bool(wish.get("gbk_inside", settings.gbk_inside))
        settings.second_form = bool(wish.get("second_form", settings.second_form))
        settings.odd_style = bool(wish.get("odd_style", settings.odd_style))
        settings.media_base = str(wish.get("media_base", settings.media_base))
        return 200, dict(vars(settings))

    def _set_user(self, wish: Mapping[str, Any]) -> Answer:
        user, password = str(wish["user"]), wish["password"]
        if password is None:
            self._store.drop_user(user)
        else:
            self._store.save_user(user, str(password))
        return 200, {"ok": True}

    def _inflict(self, wish: Mapping[str, Any]) -> Answer:
        """`taskNum` with set (texts), bytes (hex), remove; or find and put (hex) in answers of `operation`."""
        if "taskNum" in wish:
            values: dict[str, str | bytes] = {path: str(text) for path, text in (wish.get("set") or {}).items()}
            values |= {path: bytes.fromhex(text) for path, text in (wish.get("bytes") or {}).items()}
            self._damage.inflict(str(wish["taskNum"]), values, wish.get("remove") or [])
        else:
            find, put = bytes.fromhex(wish["find"]), bytes.fromhex(wish["put"])
            self._damage.swap(str(wish.get("operation", "")), find, put)
        return 200, {"ok": True}

    def _set_department(self, wish: Mapping[str, Any]) -> Answer:
        if "except" in wish:
            self._department.leave_alone([str(title) for title in wish["except"]])
        return 200, self._department.office.turned(wish)


def _texts(wish: Mapping[str, Any], names: tuple[str, ...], others: tuple[str, ...] = ()) -> dict[str, str]:
    """The wish's fields as element texts; a name that is none is an error, null is empty."""
    if unknown := set(wish) - set(names) - set(others):
        raise ValueError(f"no such field: {', '.join(sorted(unknown))}")
    return {name: "" if wish[name] is None else str(wish[name]) for name in names if name in wish}

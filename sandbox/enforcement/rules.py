"""What the platform takes: the checks of new cases, patches and events, all errors at once (contract 1, 5, 6, 8).

Pure. Must not know HTTP, the store or who asks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.enforcement.contract import AGENCY_REQUIRED, PRIORITIES, TEXT_REQUIRED, Contract
from sandbox.enforcement.problems import invalid
from sandbox.enforcement.times import read_time, write_time

FIELDS = ("externalRef", "title", "description", "category", "priority", "location", "contact", "leadAgency",
          "supportAgencies", "dueAt", "attributes")  # fmt: skip
READ_ONLY = ("id", "state", "createdAt", "updatedAt", "events", "files")
LOCATION = ("lat", "lon", "address", "areaCode")
CONTACT = ("name", "phone", "confidential")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_AREA = re.compile(r"[0-9]{6}|[0-9]{9}|[0-9]{12}")
_PHONE = re.compile(r"[0-9+() -]{5,30}")
_CATEGORY = re.compile(r"[A-Z]{3}-[0-9]{2}")


class Errors:
    """Collects errors[{pointer, code, detail}] in the order they are found."""

    def __init__(self) -> None:
        self.found: list[dict[str, str]] = []

    def add(self, pointer: str, code: str, detail: str) -> None:
        self.found.append({"pointer": "#" + pointer, "code": code, "detail": detail})

    def unless_none(self) -> None:
        if self.found:
            raise invalid(self.found)

    def text(self, value: Any, pointer: str, least: int, most: int, form: re.Pattern[str] | None = None) -> None:
        if not isinstance(value, str):
            self.add(pointer, "type", "必须是文本")
        elif len(value) < least:
            self.add(pointer, "too_short", "不能为空")
        elif len(value) > most:
            self.add(pointer, "too_long", f"最多{most}个字")
        elif _CONTROL.search(value) or (form and not form.fullmatch(value)):
            self.add(pointer, "format", "格式不正确")

    def time(self, value: Any, pointer: str) -> None:
        if not isinstance(value, str):
            self.add(pointer, "type", "必须是文本")
        elif read_time(value) is None:
            self.add(pointer, "format", "必须是带时区的RFC 3339时间")

    def unknown(self, body: Mapping[str, Any], known: tuple[str, ...], read_only: tuple[str, ...], path: str = "") -> None:
        for name in body:
            if name in read_only:
                self.add(f"{path}/{name}", "read_only", "状态只随事件变化" if name == "state" else "由平台写入")
            elif name not in known:
                self.add(f"{path}/{name}", "unknown_member", "未知成员，请放入attributes")


def new_case(contract: Contract, body: Any) -> dict[str, Any]:
    """The fields of a new case, defaults filled in. Problem 422."""
    errors = Errors()
    if not isinstance(body, dict):
        errors.add("", "type", "必须是对象")
        errors.unless_none()
    for name in ("title", "category"):
        if body.get(name) is None:
            errors.add(f"/{name}", "required", "必须填写")
    _check(contract, body, FIELDS, errors)
    errors.found.sort(key=lambda one: _place(one["pointer"]))
    errors.unknown(body, FIELDS, READ_ONLY)
    errors.unless_none()
    blank = {name: None for name in FIELDS} | {
        "priority": "normal", "location": dict.fromkeys(LOCATION), "supportAgencies": [], "attributes": {},
        "contact": {"name": None, "phone": None, "confidential": False},
    }  # fmt: skip
    return merged(contract, blank, {name: value for name, value in body.items() if value is not None})


def patch(contract: Contract, body: Any, present: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the case after a merge patch. Problem 422."""
    errors, known = Errors(), FIELDS[1:]
    if not isinstance(body, dict):
        errors.add("", "type", "必须是对象")
        errors.unless_none()
    for name in ("title", "category", "priority"):
        if name in body and body[name] is None:
            errors.add(f"/{name}", "type", "不能为null")
    _check(contract, body, known, errors)
    after = present
    if not errors.found:
        after = merged(contract, present, body)
        place = after["location"]
        if (place["lat"] is None) != (place["lon"] is None):
            errors.add("/location/" + ("lat" if place["lat"] is None else "lon"), "required", "经纬度须同时给出")
    errors.found.sort(key=lambda one: _place(one["pointer"]))
    errors.unknown(body, known, (*READ_ONLY, "externalRef"))
    errors.unless_none()
    return dict(after)


def merged(contract: Contract, present: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7396 over the members a case has; names, times and decimals as the platform stores them."""
    after = {name: present[name] for name in FIELDS}
    for name, value in body.items():
        if name not in FIELDS:
            continue
        match name:
            case "location":
                after[name] = {**after[name], **(value or dict.fromkeys(LOCATION))}
                for axis in ("lat", "lon"):
                    after[name][axis] = _decimals(after[name][axis])
            case "contact":
                after[name] = {**after[name], **(value or dict.fromkeys(CONTACT))}
                after[name]["confidential"] = bool(after[name]["confidential"])
            case "attributes":
                after[name] = _merge(after[name], value) if value is not None else {}
            case "category":
                after[name] = {"code": value["code"], "name": contract.categories[value["code"]]}
            case "dueAt":
                after[name] = None if value is None else _written(value)
            case "supportAgencies":
                after[name] = list(value or [])
            case _:
                after[name] = value
    return after


def event(contract: Contract, body: Any, case: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """An event as it is stored, without id, seq and states. Problem 422."""
    errors = Errors()
    if not isinstance(body, dict):
        errors.add("", "type", "必须是对象")
        errors.unless_none()
    kind = body.get("type")
    if kind is None:
        errors.add("/type", "required", "必须填写")
    elif kind not in contract.events:
        errors.add("/type", "not_allowed" if isinstance(kind, str) else "type", "没有这种事件")
    _event_time(errors, body.get("at"), now)
    _event_actor(errors, body.get("actor"))
    text = body.get("text")
    if text is None and kind in TEXT_REQUIRED:
        errors.add("/text", "required", f"{kind}必须有文字")
    elif text is not None:
        errors.text(text, "/text", 1 if kind in TEXT_REQUIRED else 0, 4000)
    _event_data(errors, str(kind), body.get("data"), read_time(body.get("at")), case)
    errors.unknown(body, ("type", "at", "actor", "text", "data"), ())
    errors.unless_none()
    actor = body.get("actor") or {}
    at = read_time(body["at"])
    assert at is not None
    return {"type": kind, "at": write_time(at), "actor": {"name": actor.get("name"), "agency": actor.get("agency")},
            "text": text, "data": body.get("data") or {}}  # fmt: skip


def _event_time(errors: Errors, at: Any, now: datetime) -> None:
    if at is None:
        errors.add("/at", "required", "必须填写")
        return
    errors.time(at, "/at")
    moment = read_time(at)
    if moment is not None and moment > now + timedelta(minutes=5):
        errors.add("/at", "out_of_range", "不得晚于平台时间5分钟以上")


def _event_actor(errors: Errors, actor: Any) -> None:
    if actor is None:
        return
    if not isinstance(actor, dict):
        errors.add("/actor", "type", "必须是对象")
        return
    for name, most in (("name", 100), ("agency", 64)):
        if actor.get(name) is not None:
            errors.text(actor[name], f"/actor/{name}", 0, most)
    errors.unknown(actor, ("name", "agency"), (), "/actor")


def _event_data(errors: Errors, kind: str, data: Any, at: datetime | None, case: Mapping[str, Any]) -> None:
    if data is not None and not isinstance(data, dict):
        errors.add("/data", "type", "必须是对象")
        return
    told = data or {}
    if len(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")) > 16_384:
        errors.add("/data", "too_long", "最多16384字节")
    if kind in AGENCY_REQUIRED:
        if told.get("agency") is None:
            errors.add("/data/agency", "required", f"{kind}必须给出agency")
        else:
            errors.text(told["agency"], "/data/agency", 1, 64)
    due = told.get("dueAt")
    if kind == "extend" and due is None:
        errors.add("/data/dueAt", "required", "extend必须给出dueAt")
    if due is not None and kind in (*AGENCY_REQUIRED, "extend"):
        errors.time(due, "/data/dueAt")
        moment, present = read_time(due), read_time(case["dueAt"])
        if kind == "extend" and moment and ((at and moment <= at) or (present and moment <= present)):
            errors.add("/data/dueAt", "out_of_range", "必须晚于事件时间与现时限")
    if kind == "close" and told.get("resolved") is not None and not isinstance(told["resolved"], bool):
        errors.add("/data/resolved", "type", "必须是true、false或null")
    if kind == "rate":
        satisfied, score = told.get("satisfied"), told.get("score")
        if satisfied is None:
            errors.add("/data/satisfied", "required", "rate必须给出satisfied")
        elif not isinstance(satisfied, bool):
            errors.add("/data/satisfied", "type", "必须是true或false")
        if score is not None and (isinstance(score, bool) or not isinstance(score, int)):
            errors.add("/data/score", "type", "必须是整数")
        elif score is not None and not 1 <= score <= 5:
            errors.add("/data/score", "out_of_range", "必须在1到5之间")


def _check(contract: Contract, body: Mapping[str, Any], names: tuple[str, ...], errors: Errors) -> None:
    checks: Mapping[str, Callable[[Any], None]] = {
        "externalRef": lambda v: errors.text(v, "/externalRef", 0, 128),
        "title": lambda v: errors.text(v, "/title", 1, 200),
        "description": lambda v: errors.text(v, "/description", 0, 10_000),
        "category": lambda v: _category(contract, v, errors),
        "priority": lambda v: None if v in PRIORITIES else errors.add("/priority", "not_allowed", "没有这个级别"),
        "location": lambda v: _location(v, errors, whole="externalRef" in names),
        "contact": lambda v: _contact(v, errors),
        "leadAgency": lambda v: errors.text(v, "/leadAgency", 1, 64),
        "supportAgencies": lambda v: _agencies(v, errors),
        "dueAt": lambda v: errors.time(v, "/dueAt"),
        "attributes": lambda v: _attributes(v, errors),
    }
    for name in names:
        if body.get(name) is not None:
            checks[name](body[name])


def _category(contract: Contract, value: Any, errors: Errors) -> None:
    if not isinstance(value, dict):
        errors.add("/category", "type", "必须是对象")
        return
    code = value.get("code")
    if code is None:
        errors.add("/category/code", "required", "必须填写")
    elif not isinstance(code, str):
        errors.add("/category/code", "type", "必须是文本")
    elif not _CATEGORY.fullmatch(code):
        errors.add("/category/code", "format", "格式不正确")
    elif code not in contract.categories:
        errors.add("/category/code", "unknown_code", f"{code}不存在")
    if value.get("name") is not None:
        errors.text(value["name"], "/category/name", 0, 100)
    errors.unknown(value, ("code", "name"), (), "/category")


def _location(value: Any, errors: Errors, *, whole: bool) -> None:
    if not isinstance(value, dict):
        errors.add("/location", "type", "必须是对象")
        return
    for axis, most in (("lat", 90), ("lon", 180)):
        number = value.get(axis)
        if number is None:
            continue
        if isinstance(number, bool) or not isinstance(number, int | float):
            errors.add(f"/location/{axis}", "type", "必须是数字")
        elif not -most <= number <= most:
            errors.add(f"/location/{axis}", "out_of_range", f"必须在-{most}到{most}之间")
    if whole and (value.get("lat") is None) != (value.get("lon") is None):
        errors.add("/location/" + ("lat" if value.get("lat") is None else "lon"), "required", "经纬度须同时给出")
    if value.get("address") is not None:
        errors.text(value["address"], "/location/address", 0, 300)
    if value.get("areaCode") is not None:
        errors.text(value["areaCode"], "/location/areaCode", 0, 12, _AREA)
    errors.unknown(value, LOCATION, (), "/location")


def _contact(value: Any, errors: Errors) -> None:
    if not isinstance(value, dict):
        errors.add("/contact", "type", "必须是对象")
        return
    if value.get("name") is not None:
        errors.text(value["name"], "/contact/name", 0, 100)
    if value.get("phone") is not None:
        errors.text(value["phone"], "/contact/phone", 0, 30, _PHONE)
    if value.get("confidential") is not None and not isinstance(value["confidential"], bool):
        errors.add("/contact/confidential", "type", "必须是true或false")
    errors.unknown(value, CONTACT, (), "/contact")


def _agencies(value: Any, errors: Errors) -> None:
    if not isinstance(value, list):
        errors.add("/supportAgencies", "type", "必须是数组")
        return
    if len(value) > 20:
        errors.add("/supportAgencies", "too_long", "最多20个")
    for index, one in enumerate(value):
        if one in value[:index]:
            errors.add(f"/supportAgencies/{index}", "duplicate", "重复")
        else:
            errors.text(one, f"/supportAgencies/{index}", 1, 64)


def _attributes(value: Any, errors: Errors) -> None:
    if not isinstance(value, dict):
        errors.add("/attributes", "type", "必须是对象")
    elif any(not 1 <= len(name) <= 64 for name in value):
        errors.add("/attributes", "format", "成员名须为1至64个字")
    elif len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")) > 16_384:
        errors.add("/attributes", "too_long", "最多16384字节")


def _place(pointer: str) -> int:
    name = pointer.removeprefix("#/").partition("/")[0]
    return FIELDS.index(name) if name in FIELDS else len(FIELDS)


def _decimals(number: Any) -> Any:
    if number is None:
        return None
    kept = Decimal(str(number)).quantize(Decimal("0.000001"), ROUND_HALF_UP)
    return float(kept)


def _written(text: str) -> str:
    moment = read_time(text)
    assert moment is not None
    return write_time(moment)


def _merge(present: Any, change: Any) -> Any:
    if not isinstance(change, dict):
        return change
    after = dict(present) if isinstance(present, dict) else {}
    for name, value in change.items():
        if value is None:
            after.pop(name, None)
        else:
            after[name] = _merge(after.get(name), value)
    return after

"""Between the flat canonical fields and the `Call` model, and what of a change may be told in words.

This module must not know a platform.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bridge.mapping.notes import Fields
from schemas.call import Call, Number

LABELS = {
    "title": "标题", "description": "内容", "item": "事项", "urgency": "紧急程度", "area.town": "镇街", "area.village": "村居",
    "area.grid": "网格", "place.address": "地址", "place.point": "坐标", "happened_at": "发生时间", "due": "办理时限",
    "calling_unit": "呼叫单位", "kind": "诉求类别", "channel": "渠道",
}  # fmt: skip
URGENCY = {"ordinary": "一般", "urgent": "紧急", "critical": "特急"}


def call_of(platform: str, native_id: str, fields: Fields, numbers: Iterable[Number]) -> Call:
    """The validated call; pydantic.ValidationError where the fields do not fit the model."""

    def area(level: str) -> Any:
        code = fields.get(f"area.{level}")
        return {"code": code, "name": fields.get(f"area.{level}_name")} if code else None

    def target(value: Any) -> Any:
        return {"code": value.get("code"), "name": value.get("name")}

    assignments = [{"role": "lead", "target": target(fields["lead"])}] if fields.get("lead") else []
    assignments += [{"role": "assist", "target": target(one)} for one in fields.get("assists") or []]
    simple = ("channel", "hotline", "kind", "title", "description", "item", "urgency", "calling_unit", "reporter", "caller",
              "approved_by", "approved_at", "happened_at", "reported_at", "reply_internal", "reply_public", "tags")  # fmt: skip
    data: Fields = {name: fields[name] for name in simple if fields.get(name) is not None}
    data |= {
        "origin": {"platform": platform, "native_id": native_id},
        "numbers": [number.model_dump() for number in numbers],
        "area": {level: found for level in ("county", "town", "village", "grid") if (found := area(level))},
        "place": {"address": fields.get("place.address"), "point": fields.get("place.point")},
        "assignments": assignments,
        "deadlines": [{"milestone": "close", "current": fields["due"]}] if fields.get("due") else [],
        "files": [{"platform": platform, **one} for one in fields.get("files") or []],
        "extras": fields.get("extras") or {},
    }
    return Call.model_validate(data, strict=False)


def told(changes: Fields) -> list[list[str]]:
    """A change of fields in words for another platform's officials: (label, value). Persons are never told."""
    return [[LABELS[field], _words(field, value)] for field, value in changes.items() if field in LABELS]


def _words(field: str, value: Any) -> str:
    if value in (None, "", [], {}):
        return ""
    if field == "item":
        return str(value.get("name") or value.get("code") or "")
    if field == "place.point":
        return f"{value['lon']:.6f}, {value['lat']:.6f} (WGS 84)"
    if field == "urgency":
        return URGENCY.get(str(value), str(value))
    if field in ("happened_at", "due"):
        return str(value)[:16].replace("T", " ")
    return str(value)

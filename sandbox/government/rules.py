"""What a request's body and query must look like: every field check of the contract, in the order of its schema.

Each function returns the checked values as the platform stores them, or raises the 4022 of the first bad field.
Must not know calls, files or the status table: whatever needs the store is checked elsewhere, later.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.government.contract import ACTIONS, CHANNELS, OPINION_REQUIRED, URGENCIES, Contract
from sandbox.government.refusal import bad

EARLIEST_MS = 1_577_808_000_000
LATEST_MS = 4_102_444_800_000
AHEAD_MS = 300_000
MOST_FILES = 20
_INT64 = 2**63 - 1

_OUTER_NO = re.compile(r"[\x21-\x7e]+")
_ITEM = re.compile(r"LS[0-9]{4}")
_TOWN = re.compile(r"[0-9]{9}")
_VILLAGE = re.compile(r"[0-9]{12}")
_PHONE = re.compile(r"[0-9+-]{5,20}")
_FILE_ID = re.compile(r"[0-9a-f]{32}")
_DIGITS = re.compile(r"-?[0-9]{1,25}")
_PLAIN = re.compile(r"[A-Za-z0-9]+")


def parse_object(body: bytes, content_type: str, content_encoding: str) -> dict[str, Any]:
    """The body as a JSON object, fractions as Decimal; 4022 [body] for anything else."""
    if content_encoding.strip().lower() not in ("", "identity"):
        bad("body", "不接受压缩的请求")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        bad("body", "Content-Type必须是application/json")
    try:
        value = json.loads(body.decode("utf-8"), parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, ArithmeticError, RecursionError):
        bad("body", "不是有效的JSON")
    if not isinstance(value, dict):
        bad("body", "必须是JSON对象")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


# Single fields -------------------------------------------------------------------------------------------------------


def _as_text(path: str, value: Any, most: int, least: int) -> str:
    if not isinstance(value, str):
        bad(path, "必须是字符串")
    if len(value) > most:
        bad(path, f"长度不能超过{most}")
    if len(value) < least:
        bad(path, f"长度不能小于{least}")
    for character in value:
        if character in "\t\n\r":
            continue
        if unicodedata.category(character) in ("Cc", "Cs"):
            bad(path, "含有非法控制字符")
    return value


def required_text(path: str, value: Any, most: int, least: int = 1) -> str:
    """A text that must be there; null and "" are 4022. Lengths in code points."""
    if value is None or value == "":
        bad(path, "不能为空")
    return _as_text(path, value, most, least)


def optional_text(path: str, value: Any, most: int) -> str | None:
    """A text that may be missing; "" is stored as null."""
    return None if value is None or value == "" else _as_text(path, value, most, 1)


def one_of(path: str, value: Any, allowed: Collection[str]) -> str:
    if value is None or value == "":
        bad(path, "不能为空")
    if not isinstance(value, str) or value not in allowed:
        bad(path, "取值不在允许范围内")
    return value


def _integer(path: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        bad(path, "必须是整数")
    return value


def optional_time(path: str, value: Any) -> int | None:
    """Epoch milliseconds within the contract's TimeMs."""
    if value is None:
        return None
    if not EARLIEST_MS <= _integer(path, value) <= LATEST_MS:
        bad(path, "时间超出允许范围")
    return int(value)


def coordinate(path: str, value: Any, least: int, most: int) -> float | None:
    """Degrees, rounded half up to 6 decimals; the range is checked before rounding."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        bad(path, "必须是数字")
    if not least <= value <= most:
        bad(path, f"必须在{least}到{most}之间")
    return float(Decimal(value).quantize(Decimal("0.000001"), ROUND_HALF_UP))


def _item_code(path: str, value: Any, known: Collection[str] | None) -> str:
    code = required_text(path, value, 6)
    if _ITEM.fullmatch(code) is None:
        bad(path, "事项编码格式不正确")
    if known is not None and code not in known:
        bad(path, f"事项编码{code}不存在")
    return code


def _town_code(path: str, value: Any) -> str:
    code = required_text(path, value, 9)
    if _TOWN.fullmatch(code) is None:
        bad(path, "乡镇编码必须是9位数字")
    return code


def _village_code(path: str, value: Any, town: str | None) -> str | None:
    code = optional_text(path, value, 12)
    if code is None:
        return None
    if _VILLAGE.fullmatch(code) is None:
        bad(path, "村居编码必须是12位数字")
    if town is not None and not code.startswith(town):
        bad(path, "村居编码与乡镇编码不一致")
    return code


def contact(path: str, value: Any) -> dict[str, Any]:
    """name, phone, secret; a missing contact is one without name and phone."""
    if value is None:
        value = {}
    if not isinstance(value, dict):
        bad(path, "必须是对象")
    name = optional_text(f"{path}.name", value.get("name"), 50)
    phone = value.get("phone")
    if phone is not None and not isinstance(phone, str):
        bad(f"{path}.phone", "必须是字符串")
    if phone and _PHONE.fullmatch(phone) is None:
        bad(f"{path}.phone", "手机号格式不正确")
    secret = value.get("secret")
    if secret is not None and not isinstance(secret, bool):
        bad(f"{path}.secret", "必须是布尔值")
    return {"name": name, "phone": phone or None, "secret": bool(secret)}


def file_ids(path: str, value: Any) -> list[str]:
    """The form only: at most 20 ids of 32 hex digits, none twice."""
    if value is None:
        return []
    if not isinstance(value, list):
        bad(path, "必须是数组")
    if len(value) > MOST_FILES:
        bad(path, f"附件不能超过{MOST_FILES}个")
    for position, one in enumerate(value):
        if not isinstance(one, str) or _FILE_ID.fullmatch(one) is None:
            bad(f"{path}[{position}]", "附件编号格式不正确")
        if one in value[:position]:
            bad(f"{path}[{position}]", "附件编号重复")
    return list(value)


# Bodies --------------------------------------------------------------------------------------------------------------


def token_request(body: Mapping[str, Any]) -> tuple[str, str]:
    """(appKey, appSecret), checked for form only."""
    key = required_text("appKey", body.get("appKey"), 64, 4)
    return key, required_text("appSecret", body.get("appSecret"), 128, 16)


def call_create(body: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
    """A CallCreate, checked in schema order: outerNo first, then the call's fields, then fileIds."""
    outer_no = required_text("outerNo", body.get("outerNo"), 64)
    if _OUTER_NO.fullmatch(outer_no) is None:
        bad("outerNo", "只能由可见的ASCII字符组成")
    fields = call_fields(body, contract.items)
    return {"outerNo": outer_no, **fields, "fileIds": file_ids("fileIds", body.get("fileIds"))}


def call_fields(body: Mapping[str, Any], known_items: Collection[str] | None) -> dict[str, Any]:
    """title … callUnit in schema order. `known_items` None: item codes are checked for form only."""
    fields: dict[str, Any] = {
        "title": required_text("title", body.get("title"), 100),
        "content": required_text("content", body.get("content"), 4000),
        "itemCode": _item_code("itemCode", body.get("itemCode"), known_items),
        "channel": one_of("channel", body.get("channel"), CHANNELS),
        "urgency": one_of("urgency", body.get("urgency"), URGENCIES),
        "townCode": _town_code("townCode", body.get("townCode")),
    }
    fields["villageCode"] = _village_code("villageCode", body.get("villageCode"), fields["townCode"])
    fields["address"] = optional_text("address", body.get("address"), 200)
    for name, other, least, most in (("lng", "lat", 73, 136), ("lat", "lng", 3, 54)):
        if body.get(name) is None and body.get(other) is not None:
            bad(name, "经纬度必须同时填写")
        fields[name] = coordinate(name, body.get(name), least, most)
    fields["contact"] = contact("contact", body.get("contact"))
    fields["callUnit"] = required_text("callUnit", body.get("callUnit"), 100)
    return fields


def clerk_field(name: str, value: Any) -> Any:
    """One field as a clerk's edit may leave it: form checked, lists and neighbours not."""
    match name:
        case "title" | "callUnit":
            return required_text(name, value, 100)
        case "content":
            return required_text(name, value, 4000)
        case "itemCode":
            return _item_code(name, value, None)
        case "channel":
            return one_of(name, value, CHANNELS)
        case "urgency":
            return one_of(name, value, URGENCIES)
        case "townCode":
            return _town_code(name, value)
        case "villageCode":
            return _village_code(name, value, None)
        case "address":
            return optional_text(name, value, 200)
        case "lng":
            return coordinate(name, _exact(value), 73, 136)
        case "lat":
            return coordinate(name, _exact(value), 3, 54)
        case "contact":
            return contact(name, value)
        case "deptCode":
            return optional_text(name, value, 32)
        case "limitTime":
            return optional_time(name, value)
    raise ValueError(f"no field a clerk can edit: {name}")


def exact_numbers(body: Mapping[str, Any]) -> dict[str, Any]:
    """`body` with lng and lat as Decimal, as `parse_object` would have given them."""
    return {name: _exact(value) if name in ("lng", "lat") else value for name, value in body.items()}


def _exact(value: Any) -> Any:
    return Decimal(repr(value)) if isinstance(value, float) else value


def action_create(body: Mapping[str, Any], contract: Contract | None, now_ms: int) -> dict[str, Any]:
    """An ActionCreate, checked in schema order. `contract` None: deptCode is not looked up (a clerk's old code)."""
    action = one_of("action", body.get("action"), ACTIONS)
    opinion = optional_text("opinion", body.get("opinion"), 1000)
    if opinion is None and action in OPINION_REQUIRED:
        bad("opinion", "不能为空")
    operator = required_text("operator", body.get("operator"), 50)
    dept = required_text("deptCode", body.get("deptCode"), 32)
    if contract is not None and not contract.knows_department(dept):
        bad("deptCode", f"单位编码{dept if _PLAIN.fullmatch(dept) else ''}不存在")
    operate_time = optional_time("operateTime", body.get("operateTime"))
    if operate_time is None:
        bad("operateTime", "不能为空")
    if operate_time > now_ms + AHEAD_MS:
        bad("operateTime", "不能晚于平台时间5分钟以上")
    limit_time = optional_time("limitTime", body.get("limitTime"))
    if limit_time is None and action == "EXTEND":
        bad("limitTime", "不能为空")
    return {
        "action": action,
        "opinion": opinion,
        "operator": operator,
        "deptCode": dept,
        "operateTime": operate_time,
        "limitTime": limit_time,
        "fileIds": file_ids("fileIds", body.get("fileIds")),
    }


# Query ---------------------------------------------------------------------------------------------------------------


def list_query(pairs: Sequence[tuple[bytes, bytes]]) -> tuple[int, int | None, int, int]:
    """(updatedAfter ms, updatedBefore ms or None, pageNo, pageSize) of a list request."""
    after = _parameter(pairs, "updatedAfter", 0, _INT64, "必须是不小于0的整数")
    before = _parameter(pairs, "updatedBefore", 0, _INT64, "必须是不小于0的整数")
    if before is not None and after is not None and before < after:
        bad("updatedBefore", "不能小于updatedAfter")
    page_no = _parameter(pairs, "pageNo", 1, _INT64, "必须是不小于1的整数")
    page_size = _parameter(pairs, "pageSize", 1, 100, "必须在1到100之间")
    return after or 0, before, page_no or 1, page_size or 20


def _parameter(pairs: Sequence[tuple[bytes, bytes]], name: str, least: int, most: int, reason: str) -> int | None:
    values = [value for key, value in pairs if key == name.encode()]
    if len(values) > 1:
        bad(name, "参数重复")
    if not values or not values[0]:
        return None
    text = values[0].decode("latin-1")
    if _DIGITS.fullmatch(text) is None or not least <= int(text) <= most:
        bad(name, reason)
    return int(text)

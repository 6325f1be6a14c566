"""What the form of a request's fields must be (contract sections 4 to 8), checked in XSD order.

Every check raises 201 with the contract's wording. Pure: no store; the clock comes as a value. A `contract` of None
leaves codes unchecked: officials may use classes and departments that have left the lists.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Mapping
from decimal import ROUND_HALF_UP, Decimal

from sandbox.city import times
from sandbox.city.contract import MEDIA_TYPES, OPINION_REQUIRED, Contract
from sandbox.city.refusal import bad
from sandbox.city.workflow import Step

MOST_CHANGES = 50
MOST_SEQ = 2**63 - 1
MOST_MEDIA_BYTES = 8_388_608
MOST_DEPTS = 11
AHEAD_SECONDS = 600

_INTEGER = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_TWO_DIGITS = re.compile(r"[0-9]{2}")
_BOUNDS = {"x": (Decimal(40_300_000), Decimal(40_700_000)), "y": (Decimal(3_000_000), Decimal(4_500_000))}
_MILLIMETRE = Decimal("0.001")
_SPACE = str.maketrans("", "", " \t\r\n")


# Reading --------------------------------------------------------------------------------------------------------------


def changes_query(body: Mapping[str, str]) -> tuple[int, int]:
    """(since, limit)."""
    since = _integer("since", _required("since", body), 0, MOST_SEQ)
    limit = body.get("limit", "")
    return since, _integer("limit", limit, 1, MOST_CHANGES) if limit else MOST_CHANGES


def task_num(body: Mapping[str, str]) -> str:
    """taskNum as sent: a malformed one is no fault of form, it is found by nobody (202)."""
    return _required("taskNum", body)


# Reporting ------------------------------------------------------------------------------------------------------------


def report(task: Mapping[str, str], contract: Contract | None) -> dict[str, str]:
    """The fields of REPORT_FIELDS as stored: defaults put in, coordinates with 3 decimals."""
    checked = {"outerCode": _text("outerCode", task, 50)}
    checked |= _class(task, contract)
    checked["title"] = _text("title", task, 60, required=True)
    checked["description"] = _text("description", task, 1000, required=True)
    sources = frozenset("123459") if contract is None else contract.sources
    checked["source"] = _one_of("source", _text("source", task, 1, required=True), sources)
    checked |= _place(task)
    checked["address"] = _text("address", task, 120)
    checked |= _coordinates(task)
    checked["reporter"] = _text("reporter", task, 20)
    checked["phone"] = _text("phone", task, 20)
    urgencies = frozenset("123") if contract is None else contract.urgencies
    checked["urgency"] = _one_of("urgency", _text("urgency", task, 1) or "1", urgencies)
    return checked


def _class(task: Mapping[str, str], contract: Contract | None) -> dict[str, str]:
    rec_type = _one_of("recType", _text("recType", task, 1, required=True), ("1", "2"))
    main_type = _matching("mainType", _text("mainType", task, 2, required=True), _TWO_DIGITS)
    if contract is not None and not contract.knows_main_type(rec_type, main_type):
        bad("mainType", "取值不正确")
    sub_type = _matching("subType", _text("subType", task, 2, required=True), _TWO_DIGITS)
    if contract is not None and not contract.knows_class(rec_type, main_type, sub_type):
        bad("subType", "取值不正确")
    return {"recType": rec_type, "mainType": main_type, "subType": sub_type}


def _place(task: Mapping[str, str]) -> dict[str, str]:
    """The four division codes, each beginning with the nearest given one above it."""
    above = ""
    places = {}
    for name, length in (("districtCode", 6), ("streetCode", 9), ("communityCode", 12), ("cellCode", 15)):
        code = _text(name, task, length, required=name == "streetCode")
        if code:
            digits = re.compile(rf"3711[0-9]{{{length - 4}}}" if length <= 9 else rf"[0-9]{{{length}}}")
            if not _matching(name, code, digits).startswith(above):
                bad(name, "取值不正确")
            above = code
        places[name] = code
    places["districtCode"] = places["districtCode"] or places["streetCode"][:6]
    return places


def _coordinates(task: Mapping[str, str]) -> dict[str, str]:
    if not task.get("x") and not task.get("y"):
        return {"x": "", "y": ""}
    return {name: _coordinate(name, _required(name, task)) for name in ("x", "y")}


def _coordinate(name: str, text: str) -> str:
    value = Decimal(_matching(name, text, _DECIMAL))
    least, most = _BOUNDS[name]
    if not least <= value <= most:
        bad(name, "超出范围")
    return str(value.quantize(_MILLIMETRE, ROUND_HALF_UP))


# Steps ----------------------------------------------------------------------------------------------------------------


def step(body: Mapping[str, str], contract: Contract, now: float, *, any_dept: bool = False) -> Step:
    """A step whose form is right, at `now` (epoch seconds). `any_dept`: also departments in no list."""
    code = _one_of("step", _required("step", body), contract.steps)
    opinion = _text("opinion", body, 300, required=code in OPINION_REQUIRED)
    depts = _depts(body, code)
    if not any_dept and not all(contract.knows_department(dept) for dept in depts):
        bad("dept", "取值不正确")
    operator = _text("operator", body, 20, required=True)
    return Step(code, opinion, depts, operator, _time_of_step(_required("time", body), now))


def _depts(body: Mapping[str, str], code: str) -> tuple[str, ...]:
    given = body.get("dept", "")
    if not given:
        if code == "103":
            bad("dept", "不能为空")
        return ()
    depts = tuple(given.split(","))
    most = MOST_DEPTS if code == "103" else 1
    if len(depts) > most:
        bad("dept", f"数量超过{most}")
    if "" in depts:
        bad("dept", "格式不正确")
    return depts


def _time_of_step(text: str, now: float) -> str:
    instant = times.read(text)
    if instant is None:
        bad("time", "格式不正确")
    if instant.timestamp() > now + AHEAD_SECONDS:
        bad("time", "超出范围")
    return text


def time_or_empty(name: str, text: str) -> str:
    """For officials' edits."""
    if text and times.read(text) is None:
        bad(name, "格式不正确")
    return text


# Media ----------------------------------------------------------------------------------------------------------------


def media(body: Mapping[str, str], most_bytes: int = MOST_MEDIA_BYTES) -> tuple[str, bytes]:
    """(type, bytes): 1 to `most_bytes` of them."""
    kind = _one_of("type", _required("type", body), MEDIA_TYPES)
    packed = body.get("content", "").translate(_SPACE)
    if not packed:
        bad("content", "不能为空")
    # Four characters hold three bytes, of which padding leaves at least one.
    if len(packed) > 4 * -(-most_bytes // 3):
        bad("content", f"大小超过{most_bytes}")
    try:
        content = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        bad("content", "格式不正确")
    if not content:
        bad("content", "不能为空")
    if len(content) > most_bytes:
        bad("content", f"大小超过{most_bytes}")
    return kind, content


# One field ------------------------------------------------------------------------------------------------------------


def _required(name: str, fields: Mapping[str, str]) -> str:
    return fields.get(name) or bad(name, "不能为空")


def _text(name: str, fields: Mapping[str, str], most: int, *, required: bool = False) -> str:
    """At most so many code points."""
    text = _required(name, fields) if required else fields.get(name, "")
    if len(text) > most:
        bad(name, f"长度超过{most}")
    return text


def _matching(name: str, text: str, form: re.Pattern[str]) -> str:
    if form.fullmatch(text) is None:
        bad(name, "格式不正确")
    return text


def _one_of(name: str, text: str, values: Collection[str]) -> str:
    if text not in values:
        bad(name, "取值不正确")
    return text


def _integer(name: str, text: str, least: int, most: int) -> int:
    digits = _matching(name, text, _INTEGER)
    # Longer than any 64-bit number: int() itself would refuse thousands of digits.
    if len(digits.lstrip("-0")) > len(str(MOST_SEQ)) or not least <= int(digits) <= most:
        bad(name, "超出范围")
    return int(digits)

"""NR of a T_JH_IN row: the JSON of contract section 4, read, found incomplete or wrong, and made into column values.

Pure: what is present in V_GD is passed in. Must not know the database, the batch or officials.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from math import isfinite
from typing import Any

from sandbox.petition.contract import CANCELLED, OTHER_CLASS, RETURNED, Contract, is_town, storable
from sandbox.petition.refusal import Refused

KEYS = (
    "BT", "NR", "SQLB", "SZXZ", "FSDZ", "JD", "WD", "JJCD", "LYQD", "SQRXM", "LXDH", "SFBM", "ZBDW", "XBDW", "BLSX",
    "GDZT", "BBH", "CZR", "CZDW", "CZSJ", "CZYJ", "WJM", "WJLX",
)  # fmt: skip
"""In the order of section 4: the first missing, the first wrong one is named."""

FIELDS = frozenset(KEYS[: KEYS.index("GDZT")])
"""The keys that are columns of V_GD."""

CLEARABLE = frozenset({"SZXZ", "FSDZ", "SQRXM", "LXDH", "ZBDW", "XBDW", "BLSX"})
_EMPTY_IS_ABSENT = frozenset({"CZDW", "CZSJ", "CZYJ"})
_ENTRY = frozenset({"CZR", "CZDW", "CZSJ"})
_TAKEN: Mapping[str, frozenset[str]] = {
    "XZ": FIELDS | _ENTRY,
    "GX": (FIELDS - {"LYQD"}) | _ENTRY | {"GDZT", "BBH", "CZYJ"},
    "FJ": _ENTRY | {"WJM", "WJLX"},
}
_REQUIRED = {"XZ": ("BT", "NR"), "GX": ("CZR",), "FJ": ("CZR", "WJM", "WJLX")}
_OPINION_REQUIRED = (5, RETURNED, CANCELLED)
_DISPATCHED = 2
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_MICRODEGREE = Decimal("0.000001")


def parse(text: str) -> dict[str, Any]:
    """One JSON object; integers as int, all other numbers as Decimal. Refused: anything else."""
    try:
        value = json.loads(text, parse_int=_integer, parse_float=_decimal, parse_constant=_no_constant)
    except ValueError as error:
        raise Refused("NR不是有效的JSON") from error
    if not isinstance(value, dict):
        raise Refused("NR不是有效的JSON")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _integer(digits: str) -> int | Decimal:
    # No range of the contract holds a number this long, and int() has its own limit of digits.
    return int(digits) if len(digits) <= 20 else Decimal(digits)


def _decimal(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:
        return Decimal("Infinity")  # an exponent beyond all bounds: outside of every range


def exact(value: Any) -> Any:
    """A JSON number that was read as a float, as the decimal it was written as; all else as it is.

    ValueError: NaN, Infinity."""
    if isinstance(value, float):
        if not isfinite(value):
            raise ValueError("a finite number")
        return Decimal(repr(value))
    return value


def given(cz: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The keys this operation looks at and that are not absent, in the order of section 4."""
    found = {key: document[key] for key in KEYS if key in _TAKEN[cz] and document.get(key) is not None}
    absent = _EMPTY_IS_ABSENT if cz == "GX" else _TAKEN[cz]
    return {key: value for key, value in found.items() if not (value == "" and key in absent)}


def asks_move(wish: Mapping[str, Any], present: Mapping[str, Any]) -> bool:
    """Is another GDZT asked for? A wrong one asks too: it is found wrong later."""
    return "GDZT" in wish and not (type(wish["GDZT"]) is int and wish["GDZT"] == present["GDZT"])


def require(cz: str, wish: Mapping[str, Any], present: Mapping[str, Any] | None) -> None:
    """Refused NR缺少字段 with the first key that is missing. `present`: the V_GD row, for GX and FJ."""
    missing = {key for key in _REQUIRED[cz] if key not in wish}
    if "JD" in wish or "WD" in wish:
        missing |= {"JD", "WD"} - wish.keys()
    if cz == "GX" and present is not None:
        missing |= _missing_for_update(wish, present)
    for key in KEYS:
        if key in missing:
            raise Refused(f"NR缺少字段:{key}")


def _missing_for_update(wish: Mapping[str, Any], present: Mapping[str, Any]) -> set[str]:
    if not asks_move(wish, present):
        return set() if "CZYJ" in wish or FIELDS & wish.keys() else {"GDZT"}
    target = wish["GDZT"] if type(wish["GDZT"]) is int else None
    missing = set()
    taken_up_again = present["GDZT"] == RETURNED and target == 0
    if (target in _OPINION_REQUIRED or taken_up_again) and "CZYJ" not in wish:
        missing.add("CZYJ")
    if target == _DISPATCHED and wish.get("ZBDW", present["ZBDW"]) in (None, ""):
        missing.add("ZBDW")
    return missing


def values(
    cz: str, wish: Mapping[str, Any], present: Mapping[str, Any] | None, contract: Contract
) -> dict[str, Any]:
    """What is stored for each key, None for a column to clear. Refused NR字段不正确 with the first wrong key."""
    stored: dict[str, Any] = {}
    for key, value in wish.items():
        if cz == "GX" and value == "" and key in CLEARABLE:
            stored[key] = None
            continue
        try:
            stored[key] = checked(key, value, contract)
        except ValueError as error:
            raise Refused(f"NR字段不正确:{key}") from error
        if key == "SFBM" and value == 0 and present is not None and present["SFBM"] == 1:
            raise Refused("NR字段不正确:SFBM")
    return stored


def checked(key: str, value: Any, contract: Contract) -> Any:
    """One value as it is stored. ValueError: type, form, range or code is wrong."""
    return _CHECKS[key](value, contract)


_Check = Callable[[Any, Contract], Any]


def _string(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a string that is not empty")
    return value


def _text(most: int) -> _Check:
    return lambda value, _: storable(_string(value)[:most])


def _between(least: int, most: int) -> _Check:
    def check(value: Any, _: Contract) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError(f"an integer, {least} to {most}")
        return value

    return check


def _degrees(least: int, most: int) -> _Check:
    def check(value: Any, _: Contract) -> str:
        # Text of the exact decimal: both databases make their own DECIMAL of it, without a float in between.
        if type(value) not in (int, Decimal) or not least <= value <= most:
            raise ValueError(f"a number, {least} to {most}")
        return str(Decimal(value).quantize(_MICRODEGREE, ROUND_HALF_UP))

    return check


def _class(value: Any, contract: Contract) -> str:
    return value if _string(value) in contract.classes else OTHER_CLASS


def _town(value: Any, _: Contract) -> str:
    if not is_town(_string(value)):
        raise ValueError("3711 and 5 digits")
    return str(value)


def _unit(value: Any, contract: Contract) -> str:
    if not contract.knows_unit(_string(value)):
        raise ValueError("a department or town code")
    return str(value)


def _units(value: Any, contract: Contract) -> str:
    codes = _string(value).split(",")
    if len(codes) > 10 or not all(map(contract.knows_unit, codes)):
        raise ValueError("1 to 10 department or town codes")
    return str(value)


def _time(value: Any, _: Contract) -> str:
    if _TIME.fullmatch(_string(value)) is None or value < "1000":
        raise ValueError("yyyy-MM-dd HH:mm:ss")
    datetime.strptime(value, "%Y-%m-%d %H:%M:%S")
    return str(value)


def _version(value: Any, _: Contract) -> int:
    if type(value) is not int:
        raise ValueError("an integer")
    return value


def _file_name(value: Any, _: Contract) -> str:
    name = _string(value)
    if len(name) > 100 or re.search(r"[/\\\x00-\x1f\x7f-\x9f]", name):
        raise ValueError("a file name of at most 100 characters")
    return storable(name)


_CHECKS: Mapping[str, _Check] = {
    "BT": _text(100),
    "NR": _text(4000),
    "SQLB": _class,
    "SZXZ": _town,
    "FSDZ": _text(200),
    "JD": _degrees(73, 136),
    "WD": _degrees(3, 54),
    "JJCD": _between(0, 2),
    "LYQD": _between(1, 5),
    "SQRXM": _text(50),
    "LXDH": _text(30),
    "SFBM": _between(0, 1),
    "ZBDW": _unit,
    "XBDW": _units,
    "BLSX": _time,
    "GDZT": _between(0, 9),
    "BBH": _version,
    "CZR": _text(50),
    "CZDW": _unit,
    "CZSJ": _time,
    "CZYJ": _text(1000),
    "WJM": _file_name,
    "WJLX": lambda value, _: _string(value),
}

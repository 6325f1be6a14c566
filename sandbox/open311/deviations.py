"""How servers in the field deviate: each file of samples/deviations as a change of an answer, switched on by its name.

Changes of members hold in JSON and XML; changes of form in the format they are about. Must not know requests or HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.open311.contract import FOLDER

Object = dict[str, Any]
_FEW = ("service_request_id", "status", "service_code", "description", "requested_datetime", "updated_datetime")
_WORDS = {"open": "OPEN", "closed": "fixed - council"}
_TIMES = ("requested_datetime", "updated_datetime", "expected_datetime")
HTML = b"<html><head><title>Error</title></head><body>Service temporarily unavailable</body></html>\n"
DUPLICATE = [{"code": 400, "description": "Invalid service request: base is a duplicate."}]


def number(text: str) -> int | str:
    """What is left of an id or code when it is written as a number: 2026-000638349 → 638349, 006 → 6."""
    last = text.rsplit("-", 1)[-1]
    return int(last) if last.isascii() and last.isdigit() else text


def _numbers(one: Object) -> Object:
    ids = ("service_request_id", "service_code", "address_id", "zipcode")
    return {name: number(value) if name in ids and isinstance(value, str) else value for name, value in one.items()}


def _nowhere(one: Object) -> Object:
    """By the last digit of the id: null, or 0, 0 where it is even."""
    if "lat" not in one:
        return one
    even = str(one.get("service_request_id", "1"))[-1] in "02468"
    return one | {"lat": 0 if even else None, "long": 0 if even else None}


def _naive(one: Object) -> Object:
    return {name: value[:19] if name in _TIMES and value else value for name, value in one.items()}


def _extended(one: Object) -> Object:
    if "requested_datetime" not in one:
        return one
    notes = [{"datetime": one["requested_datetime"], "type": "opened", "summary": "受理"}]
    if one["status"] == "closed":
        notes.append({"datetime": one["updated_datetime"], "type": "closed", "summary": one["status_notes"] or "办结"})
    detailed = {"channel": "phone", "detailed_status": "CLOSED" if one["status"] == "closed" else "IN_PROCESS",
                "media_urls": [one["media_url"]] if one["media_url"] else []}  # fmt: skip
    value = {"label": "污水来源", "code": "SOURCE", "value": "1"}
    return one | {"extended_attributes": detailed, "notes": notes, "attributes": [value]}


def _idless(one: Object) -> Object:
    """A request that nobody has taken up has no id yet."""
    untouched = one.get("status") == "open" and one.get("updated_datetime") == one.get("requested_datetime")
    return {name: value for name, value in one.items() if not (untouched and name == "service_request_id")}


def _recipient(one: Object) -> Object:
    agency = one.get("agency_responsible")
    return one | {"agency_responsible": {"recipient": [agency]}} if agency else one


def _renamed(old: str, new: str) -> Callable[[Object], Object]:
    return lambda one: {new if name == old else name: value for name, value in one.items()}


MEMBERS: Mapping[str, Callable[[Object], Object]] = {
    "members-missing": lambda one: {name: one[name] for name in _FEW if name in one} if "status" in one else one,
    "location-missing": _nowhere,
    "naive-times": _naive,
    "extended": _extended,
    "no-id-yet": _idless,
    "other-status-words": lambda one: one | {"status": _WORDS[one["status"]]} if "status" in one else one,
    "zip_code": _renamed("zipcode", "zip_code"),
    "agency-as-object": _recipient,
}
"""What becomes of one request."""

JSON_MEMBERS: Mapping[str, Callable[[Object], Object]] = {
    "ids-and-codes-as-numbers": _numbers,
    "coordinates-as-strings": lambda one: {
        name: str(value) if name in ("lat", "long") and value is not None else value for name, value in one.items()
    },
    "empty-strings-for-null": lambda one: {name: "" if value is None else value for name, value in one.items()},
    "empty-objects-for-null": lambda one: {name: {} if value is None else value for name, value in one.items()},
    "arrays-for-scalars": lambda one: {name: [value] for name, value in one.items() if value is not None},
}

JSON_FORM: Mapping[str, Callable[[Any], Any]] = {
    "single-object": lambda found: found[0] if len(found) == 1 else found,
    "wrapped": lambda found: {"service_requests": found},
    "wrapped-request": lambda found: {"service_requests": {"request": found}},
    "wrapped-meta": lambda found: {
        "requests": found, "meta": {"total": len(found), "limit": max(20, len(found)), "offset": 0}
    },
}  # fmt: skip
"""What becomes of a list of requests."""

NAMES = frozenset(path.stem for path in (FOLDER / "samples" / "deviations").iterdir())


def members(root: str, value: Any, on: tuple[str, ...], form: str) -> Any:
    """The answer's members as the switched-on deviations leave them. root: the XML root's name."""
    if root == "service_requests":
        for name in on:
            change = MEMBERS.get(name) or (JSON_MEMBERS.get(name) if form == "json" else None)
            if name == "type-array" and form == "xml":
                change = _renamed("address_id", "adress_id")
            value = [change(one) for one in value] if change else value
    if root == "services" and "wrapped-services" in on:
        value = [{"service_code": one["service_name"], "service_name": one["service_name"],
                  "description": one["service_name"], "metadata": "true" if one["metadata"] else "false",
                  "type": one["type"]} for one in value]  # fmt: skip
    return value


def json_form(root: str, value: Any, on: tuple[str, ...]) -> Any:
    """The JSON value as a whole."""
    if root == "service_requests":
        for name in on:
            value = JSON_FORM[name](value) if name in JSON_FORM else value
    elif root == "services" and "wrapped-services" in on:
        value = {"services": value}
    elif root == "errors" and "error-as-object" in on:
        value = {"errors": [one | {"code": int(str(one["code"]).split("-")[0])} for one in value]}
    return value

"""What the server takes: the checks of a create and of a list's parameters (contract sections 1, 3, 4).

Pure. Must not know HTTP, formats or the store.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.open311.contract import Contract
from sandbox.open311.refusal import Refused, refuse
from sandbox.open311.times import Settings, read_time

SPAN = 90 * 86_400
MOST_PAGE = 500
MOST_DESCRIPTION = 4000
PERSONAL = ("email", "device_id", "account_id", "first_name", "last_name", "phone")
_ATTRIBUTE = re.compile(r"attribute\[([^\]]+)\](?:\[\])?")
_DEGREES = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,15})?", re.ASCII)
Form = Sequence[tuple[str, str]]


def plain(form: Form) -> dict[str, str]:
    """Members by name, the first of a repeated one; empty ones are absent."""
    found: dict[str, str] = {}
    for name, value in form:
        if value:
            found.setdefault(name, value)
    return found


def new_request(contract: Contract, form: Form) -> dict[str, Any]:
    """The members of a new request as they are kept. Refused 404, or 400 with all errors at once."""
    members = plain(form)
    code = members.get("service_code")
    if code is not None and code not in contract.services:
        raise refuse(404, "service_code不存在")
    attributes: dict[str, list[str]] = {}
    for name, value in form:
        if (found := _ATTRIBUTE.fullmatch(name)) and value:
            attributes.setdefault(found[1], []).append(value)
    errors: list[tuple[str, str]] = []
    if code is None:
        errors.append(("400", "缺少service_code"))
    lat, long = (_degrees(members.get(name), most) for name, most in (("lat", 90), ("long", 180)))
    for name, read in (("lat", lat), ("long", long)):
        if name in members and read is None:
            errors.append(("400", f"{name}不是有效的度数"))
    located = {"lat", "long"} <= members.keys() or {"address_string", "address_id"} & members.keys()
    if not located:
        errors.append(("400", "缺少位置：须给出lat与long、address_string或address_id"))
    required = contract.required_attributes(code) if code else []
    errors += [("400-1", f"缺少attribute[{name}]") for name in required if name not in attributes]
    if len(members.get("description", "")) > MOST_DESCRIPTION:
        errors.append(("400", f"description最多{MOST_DESCRIPTION}个字"))
    if errors:
        raise Refused(400, errors)
    both = lat is not None and long is not None
    return {
        "service_code": code, "description": members.get("description"), "address": members.get("address_string"),
        "address_id": members.get("address_id"), "lat": lat if both else None, "long": long if both else None,
        "media_url": members.get("media_url"), "attributes": attributes,
        "personal": {name: members[name] for name in PERSONAL if name in members},
    }  # fmt: skip


def _degrees(text: str | None, most: int) -> float | None:
    if text is None or not _DEGREES.fullmatch(text) or abs(float(text)) > most:
        return None
    return float(text)


@dataclass(frozen=True)
class Wish:
    """What a list is asked for. ids: these and nothing else counts. Bounds in epoch seconds, both inclusive."""

    ids: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    requested: tuple[int | None, int | None] = (None, None)
    updated: tuple[int | None, int | None] = (None, None)
    most: int = 1000
    skip: int = 0

    @property
    def by_update(self) -> bool:
        return self.updated != (None, None)


def wish(query: Mapping[str, str], settings: Settings, now: float) -> Wish:
    """The parameters of GET /requests, empty ones already left out. Refused 400."""
    if "service_request_id" in query:
        return Wish(ids=_listed(query["service_request_id"]), most=settings.most)
    statuses = _listed(query.get("status", ""))
    if set(statuses) - {"open", "closed"}:
        raise refuse(400, "status只能是open、closed")
    start, end = _time(query, "start_date"), _time(query, "end_date")
    after = _time(query, "updated_after") if settings.extensions else None
    before = _time(query, "updated_before") if settings.extensions else None
    if start is not None and end is not None and end - start > SPAN:
        raise refuse(400, "start_date与end_date最多相距90天")
    if start is None and end is None:
        if after is None and before is None:
            start = int(now) - SPAN
    elif start is None:
        start = (end or 0) - SPAN
    elif end is None:
        end = start + SPAN
    most, skip = _page(query, settings)
    codes = _listed(query.get("service_code", ""))
    return Wish((), codes, statuses, (start, end), (after, before), most, skip)


def _page(query: Mapping[str, str], settings: Settings) -> tuple[int, int]:
    """(how many, after how many)."""
    if not settings.extensions or not {"page", "page_size"} & query.keys():
        return settings.most, 0
    page, size = query.get("page", "1"), query.get("page_size", str(MOST_PAGE))
    for name, text, most in (("page", page, 10**6), ("page_size", size, MOST_PAGE)):
        if not re.fullmatch(r"[0-9]{1,7}", text, re.ASCII) or not 1 <= int(text) <= most:
            raise refuse(400, f"{name}必须在1到{most}之间")
    return int(size), (int(page) - 1) * int(size)


def _time(query: Mapping[str, str], name: str) -> int | None:
    if name not in query:
        return None
    read = read_time(query[name])
    if read is None:
        raise refuse(400, f"{name}必须是带时区的时间，精确到秒")
    return read


def _listed(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for part in text.split(",") if part))

"""The checks of an operation's arguments (contract §4 to §9), in the order in which the platform makes them.

Every function yields breaches lazily, first failing field first; the caller takes the first one. Must not know stored
events: what depends on the event itself is checked in `operations`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from sandbox.grid.contract import EVENT_TYPES, STAGES, Refusal, bad, is_department, is_town, time_value

FILES_PER_REQUEST = 9
FILE_BYTES = 10_485_760
ASSIST_LIMIT = 10
EXTEND_LIMIT = 20
HANDLE_DEPT_LIMIT = 11
PAGE_LIMIT = 200
AHEAD_SECONDS = 600

MIMES = frozenset({
    "image/jpeg", "image/png", "image/gif", "image/bmp", "video/mp4", "audio/mpeg", "audio/wav", "application/pdf",
    "application/msword", "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "text/plain",
})

_BLANK = " \t\r\n\u3000"
_GRID = re.compile(r"[0-9]{15}")
_VILLAGE = re.compile(r"[0-9]{12}")
_NAME_FORBIDDEN = re.compile(r"[/\\\x00-\x1f\x7f-\x9f]")
_MICRO = Decimal("0.000001")


@dataclass(frozen=True)
class Upload:
    """One file as sent, base64 already decoded."""

    name: str
    mime: str
    content: bytes


@dataclass(frozen=True)
class Arguments:
    """An operation's arguments: `text` holds every simple element that was sent, empty ones too."""

    text: Mapping[str, str]
    assist: tuple[str, ...] = ()
    uploads: tuple[Upload, ...] = ()
    extend: tuple[tuple[str, str], ...] = ()

    def get(self, field: str) -> str:
        """The text as sent; an absent element reads as empty."""
        return self.text.get(field, "")

    def given(self, field: str) -> str:
        """The text of an optional code or time: empty (§4) counts as not given."""
        text = self.get(field)
        return "" if is_empty(text) else text


def is_empty(text: str) -> bool:
    """§4: zero length or only space, TAB, CR, LF, U+3000."""
    return not text.strip(_BLANK)


def units(text: str) -> int:
    """Length in UTF-16 code units: a supplementary character counts 2."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def first(breaches: Iterator[Refusal]) -> Refusal | None:
    return next(breaches, None)


def micro_degrees(text: str) -> str:
    """Degrees rounded half up to 6 decimals and written with exactly 6 (§1)."""
    return str(Decimal(text.strip()).quantize(_MICRO, ROUND_HALF_UP))


def query_breaches(arguments: Arguments) -> Iterator[Refusal]:
    for field in ("updatedFrom", "updatedTo"):
        yield from _required(arguments, field)
        yield from _time(arguments, field, 0)
        if field == "updatedTo" and arguments.get("updatedFrom") > arguments.get("updatedTo"):
            yield bad(field, "超出范围")
    if int(arguments.get("pageNo")) < 1:
        yield bad("pageNo", "超出范围")
    if not 1 <= int(arguments.get("pageSize")) <= PAGE_LIMIT:
        yield bad("pageSize", "超出范围")


def id_breaches(arguments: Arguments, field: str, limit: int = 0) -> Iterator[Refusal]:
    """The one required argument of getEvent, findBySourceId, getAttachment; `limit` 0 = no limit."""
    yield from _required(arguments, field)
    yield from _length(arguments, field, limit)


def report_breaches(event: Arguments) -> Iterator[Refusal]:
    """reportEvent's 2001 checks, in the order of the XSD's EventReport."""
    yield from _length(event, "sourceId", 64)
    yield from _required(event, "title")
    yield from _length(event, "title", 100)
    yield from _required(event, "eventType")
    yield from _length(event, "eventType", 2)
    if event.get("eventType") not in EVENT_TYPES:
        yield bad("eventType", "取值不正确")
    if "level" in event.text and not 1 <= int(event.get("level")) <= 4:
        yield bad("level", "取值不正确")
    yield from _code(event, "stage", 2)
    if event.given("stage") and event.get("stage") not in STAGES:
        yield bad("stage", "取值不正确")
    yield from _places(event)
    for field, limit in (("reporter", 30), ("reporterTel", 20), ("caller", 30), ("callerTel", 20), ("address", 200)):
        yield from _length(event, field, limit)
    yield from _coordinates(event)
    yield from _required(event, "content")
    yield from _length(event, "content", 2000)
    yield from _time(event, "happenTime", 19)
    yield from _code(event, "mainDept", 9)
    if event.given("mainDept") and not is_department(event.get("mainDept")):
        yield bad("mainDept", "取值不正确")
    if len(event.assist) > ASSIST_LIMIT:
        yield bad("assistDepts", f"数量超过{ASSIST_LIMIT}")
    for code in event.assist:
        if is_empty(code):
            continue
        if units(code) > 9:
            yield bad("dept", "长度超过9")
        if not is_department(code):
            yield bad("dept", "取值不正确")
    yield from _time(event, "limitTime", 19)
    yield from upload_breaches(event.uploads)
    yield from _extend(event)


def update_breaches(arguments: Arguments, now: float) -> Iterator[Refusal]:
    """updateEvent's 2001 checks that need no stored event. `now`: the platform's clock, epoch seconds."""
    yield from _required(arguments, "eventId")
    yield from _required(arguments, "stage")
    stage = arguments.get("stage")
    if stage not in STAGES:
        yield bad("stage", "取值不正确")
    if stage in ("90", "91"):
        yield from _required(arguments, "opinion")
    yield from _length(arguments, "opinion", 500)
    if arguments.given("handleDept"):
        codes = arguments.get("handleDept").split(",")
        limit = HANDLE_DEPT_LIMIT if stage == "07" else 1
        if len(codes) > limit:
            yield bad("handleDept", f"数量超过{limit}")
        if not all(is_department(code) for code in codes):
            yield bad("handleDept", "取值不正确")
    yield from _required(arguments, "handler")
    yield from _length(arguments, "handler", 30)
    yield from _time(arguments, "handleTime", 0)
    at = time_value(arguments.get("handleTime"))
    if at is not None and at > now + AHEAD_SECONDS:
        yield bad("handleTime", "超出范围")
    yield from upload_breaches(arguments.uploads)


def upload_breaches(uploads: tuple[Upload, ...]) -> Iterator[Refusal]:
    """§9; the count first, then file by file."""
    if len(uploads) > FILES_PER_REQUEST:
        yield bad("attachments", f"数量超过{FILES_PER_REQUEST}")
    for upload in uploads:
        if is_empty(upload.name):
            yield bad("name", "不能为空")
        if units(upload.name) > 100:
            yield bad("name", "长度超过100")
        if _NAME_FORBIDDEN.search(upload.name):
            yield bad("name", "格式不正确")
        if upload.mime not in MIMES:
            yield bad("mime", "取值不正确")
        if not upload.content:
            yield bad("base64", "不能为空")
        if len(upload.content) > FILE_BYTES:
            yield bad("base64", f"大小超过{FILE_BYTES}")


def _places(event: Arguments) -> Iterator[Refusal]:
    grid, town, village = event.given("gridCode"), event.get("townCode"), event.given("villageCode")
    yield from _code(event, "gridCode", 15)
    # §11: gridCode begins with villageCode if both are given; gridCode is the first of the two in XSD order.
    if grid and (not _GRID.fullmatch(grid) or not grid.startswith(village)):
        yield bad("gridCode", "格式不正确")
    yield from _required(event, "townCode")
    yield from _length(event, "townCode", 9)
    if not is_town(town):
        yield bad("townCode", "格式不正确")
    yield from _code(event, "villageCode", 12)
    if village and not (_VILLAGE.fullmatch(village) and village.startswith(town)):
        yield bad("villageCode", "格式不正确")


def _coordinates(event: Arguments) -> Iterator[Refusal]:
    bounds = (("lng", "lat", Decimal(73), Decimal(136)), ("lat", "lng", Decimal(3), Decimal(54)))
    for field, other, low, high in bounds:
        if field not in event.text:
            if other in event.text:
                yield bad(field, "不能为空")
        elif not low <= Decimal(event.get(field).strip()) <= high:
            yield bad(field, "超出范围")


def _extend(event: Arguments) -> Iterator[Refusal]:
    if len(event.extend) > EXTEND_LIMIT:
        yield bad("extend", f"数量超过{EXTEND_LIMIT}")
    for key, value in event.extend:
        if is_empty(key):
            yield bad("key", "不能为空")
        if units(key) > 50:
            yield bad("key", "长度超过50")
        if units(value) > 500:
            yield bad("value", "长度超过500")


def _required(arguments: Arguments, field: str) -> Iterator[Refusal]:
    if is_empty(arguments.get(field)):
        yield bad(field, "不能为空")


def _length(arguments: Arguments, field: str, limit: int) -> Iterator[Refusal]:
    if limit and units(arguments.get(field)) > limit:
        yield bad(field, f"长度超过{limit}")


def _code(arguments: Arguments, field: str, limit: int) -> Iterator[Refusal]:
    """An optional code's length: an empty one (§4) is not given, however much white space it is."""
    if limit and units(arguments.given(field)) > limit:
        yield bad(field, f"长度超过{limit}")


def _time(arguments: Arguments, field: str, limit: int) -> Iterator[Refusal]:
    text = arguments.given(field)
    yield from _code(arguments, field, limit)
    if text and time_value(text) is None:
        yield bad(field, "格式不正确")

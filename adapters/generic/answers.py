"""Reading one answer by the settings' tables: what it says, where its parts stand, and the error that follows.

The code inside an answer decides where the table holds it; else the HTTP status says whether the answer can be a success
at all, and then the agreed success code, if there is one. What is in no table was not said by the platform. This module
must not know a platform; it sends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from adapters.errors import BrokenReply, Outdated
from adapters.generic.documents import at, first, parse
from adapters.generic.parts import Envelope
from adapters.rest import Envelope as Table
from adapters.rest import Meaning, Opened, judge, retry_after
from adapters.transport import Answer

HTTP: Mapping[int, str] = MappingProxyType({
    400: "refused", 401: "expired", 403: "forbidden", 404: "missing", 409: "outdated", 410: "restart",
    412: "outdated", 413: "refused", 415: "refused", 422: "refused", 429: "busy", 500: "failed", 502: "failed",
    503: "failed", 504: "failed",
})  # fmt: skip
"""What a bare status means unless the settings say otherwise."""

WORDS = ("msg", "message", "errMsg", "errmsg", "error_description")
"""Where a platform's own words may stand if the settings do not say it."""
_NOTHING = Table(codes=MappingProxyType({}))
_UNREADABLE = object()


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer, read. verdict: a word of `parts.Verdict`, or "strange". document: all of it; data: the part agreed."""

    answer: Answer
    verdict: str
    code: str
    message: str = ""
    document: Any = None
    data: Any = None
    field: str = ""


def read(answer: Answer, envelope: Envelope, form: str, *, tidy: bool = False) -> Reading:
    """Read one answer. Raises nothing: what cannot be read is strange, unless its status says what it means."""
    try:
        document = parse(answer.body, form, tidy=tidy)
    except (ValueError, RecursionError):
        document = _UNREADABLE
    fine = answer.status in envelope.statuses
    if document is _UNREADABLE or (answer.status == 200 and not answer.body.strip()):
        return Reading(answer, "strange" if fine else _bare(answer.status, envelope), f"HTTP {answer.status}")
    code, said = first(document, envelope.code), first(document, envelope.message)
    named = first(document, envelope.field)
    found = re.search(envelope.field_pattern, named) if isinstance(named, str) else None
    return Reading(
        answer, _verdict(code, answer.status, envelope, fine=fine),
        str(code) if isinstance(code, str | int) else f"HTTP {answer.status}", said if isinstance(said, str) else "",
        document, at(document, envelope.data), (found[1] or "").replace("/", ".") if found else "",
    )  # fmt: skip


def whole(answer: Answer, envelope: Envelope) -> Reading:
    """An answer that is a file: its bytes are not looked at if the status is fine."""
    if answer.status in envelope.statuses:
        return Reading(answer, "success", f"HTTP {answer.status}")
    return read(answer, envelope, "json")


def _verdict(code: Any, status: int, envelope: Envelope, *, fine: bool) -> str:
    if isinstance(code, str | int):
        for known, meaning in envelope.codes.items():
            if _written(code) == _written(known):  # the keys of a YAML file are text, whatever the answer's codes are
                return str(meaning)
    if not fine:
        return _bare(status, envelope)
    if not envelope.success:
        return "success"
    return "success" if any(code == one and type(code) is type(one) for one in envelope.success) else "strange"


def _written(code: str | int) -> str:
    return str(code).lower() if isinstance(code, bool) else str(code)


def _bare(status: int, envelope: Envelope) -> str:
    return str(envelope.http.get(status) or HTTP.get(status, "strange"))


def judged(
    reading: Reading, envelope: Envelope, *, write: bool, where: str, accept: frozenset[str] = frozenset()
) -> Reading:  # fmt: skip
    """The same if it is a success (or accepted), else the error that says what to do next (adapters.rest.judge)."""
    if reading.verdict == "success" or reading.verdict in accept:
        return reading
    if reading.verdict == "outdated":
        raise Outdated(
            f"当前状态不允许 / the record's state forbids it ({reading.code} {reading.message[:200]})".rstrip(), where=where,
            code=reading.code, field=reading.field, remedy="重新读取后再定 / read it again, then decide",
        )  # fmt: skip
    meaning = Meaning.STRANGE if reading.verdict in ("strange", "restart") else Meaning(reading.verdict)
    wait = max(envelope.least_wait, retry_after(reading.answer) or 0.0) if meaning is Meaning.BUSY else None
    opened = Opened(reading.answer, meaning, reading.code, reading.message, reading.data, reading.field, wait)
    try:
        judge(opened, _NOTHING, write=write, where=where)
    except BrokenReply as error:
        if isinstance(reading.document, Mapping):
            error.remedy = (f"答复读得懂：把代码 {reading.code} 的意思写进 settings.envelope（codes、success 或 http），或核对地址 "
                            "/ it can be read: say in settings.envelope what this code means, or check the address")  # fmt: skip
        raise
    raise AssertionError("unreachable: judge raises for whatever is not a success")


def listed(reading: Reading, paths: tuple[str, ...], id_path: str, prefix: str) -> tuple[str, list[Any]] | None:
    """Where the rows of a list answer stand, from its root, and the rows. One object where a list was meant is a list
    of one; null and an empty text are none. None: no rows there."""
    for path in paths:
        found = at(reading.data, path)
        if isinstance(found, list):
            return path, found
        if isinstance(found, Mapping) and (len(paths) == 1 or at(found, id_path) is not None):
            return path, [found]
    for path in paths:
        if _nothing(reading.document, ".".join(part for part in (prefix, path) if part)):
            return path, []
    return None


def shown(reading: Reading, paths: tuple[str, ...], prefix: str) -> str:
    """Where something was looked for and what the answer holds instead, for a person: names of members and kinds of values,
    never a value; and the platform's own words."""
    places = [".".join(part for part in (prefix, path) if part) or "(根 root)" for path in paths]
    document = reading.document
    held = ", ".join(f"{name}: {_kind(value)}" for name, value in list(document.items())[:12]) \
        if isinstance(document, Mapping) else _kind(document)  # fmt: skip
    told = reading.message or first(document, WORDS)
    words = f"；平台说 / it says: {told[:200]}" if isinstance(told, str) and told else ""
    return f"{', '.join(places)}；答复中有 / the answer holds: {held or '{}'}{words}"


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true/false"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return f"list of {len(value)}"
    return "object"


def _nothing(value: Any, path: str) -> bool:
    """Does null or an empty text stand there, or on the way there? What is not there at all is neither."""
    for name in path.split(".") if path else ():
        if not isinstance(value, Mapping):
            break
        if name not in value:
            return False
        value = value[name]
    return value is None or value == ""

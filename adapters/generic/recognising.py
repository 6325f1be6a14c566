"""A platform's own answers -> a proposal for its settings: envelope, where the rows stand, pages, id, time of change.

Only reads, a few rows at a time. What answers proved is told apart from what a name suggests: a person confirms it. Must
not know a platform, nor put a value of a record into its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.checking import examined, misconfigured
from adapters.errors import ConfigError, Missing, WireError
from adapters.generic.answers import Reading
from adapters.generic.client import Client
from adapters.generic.documents import at
from adapters.generic.moments import written
from adapters.generic.parts import Request, Time
from adapters.generic.settings import Settings
from adapters.port import Connection, Recognised, Surroundings
from adapters.transport import Answer

FEW = 2
"""Rows a page while pages are tried out."""
SIZE = 100
"""Rows a page that are asked for if the platform gives so many."""
CODES = ("code", "errcode", "errorcode", "resultcode", "retcode", "result", "ret", "status", "state")
WORDS = ("msg", "message", "errmsg", "errormessage", "info", "reason", "detail")
TOTALS = ("total", "totalcount", "totalelements", "totalnum", "totalsize", "sum", "records", "count")
NEXTS = ("nextcursor", "next_cursor", "next", "cursor", "nexttoken", "next_page_token")
PAGED = (
    ("offset", "offset", "limit"), ("offset", "start", "limit"), ("offset", "skip", "limit"), ("offset", "from", "size"),
    ("page", "page", "limit"), ("page", "page", "size"), ("page", "page", "pageSize"), ("page", "page", "per_page"),
    ("page", "pageNo", "pageSize"), ("page", "pageNum", "pageSize"), ("page", "pageIndex", "pageSize"), ("page", "current", "size"),
)  # fmt: skip
"""Kind, the parameter that says where, the parameter that says how many; as commonly met."""
CHANGED = re.compile(r"updat|modif|chang|last|gx|xg|更新|修改|变更", re.IGNORECASE)
IDENTITY = re.compile(r"(^|_|[a-z])(id|no|number|code|bh|编号|单号)$", re.IGNORECASE)
PATTERNS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y%m%d%H%M%S")


@dataclass(frozen=True, slots=True)
class Rows:
    """An answer's document and the list in it."""

    answer: Answer
    document: Any
    path: str
    rows: tuple[Mapping[str, Any], ...]


def recognise(platform: str, asked: Mapping[str, Any], connection: Connection, surroundings: Surroundings) -> Recognised:
    """From the settings known so far (`list.request` at least, `auth`, `detail.request`, `list.paging` …) to all that are
    needed to read. What `asked` says is never changed. ConfigError, Unavailable, BrokenReply."""
    looking = _Looking(platform, dict(asked), connection, surroundings)
    first = looking.rows({})
    listing, envelope = looking.envelope(first)
    record = dict(asked.get("record", {}))
    record.setdefault("id", _identity(first.rows))
    listing, sure = looking.paged(first, {**listing, **asked.get("list", {})}, record["id"])
    times = _times(first.rows)
    changed = record.setdefault("changed", next((name for name in times if CHANGED.search(name)), ""))
    moments = [at(row, changed) for row in first.rows] if changed else []
    time = time_of([one for one in moments if one not in (None, "")])
    if time:
        record.setdefault("time", time)
    notes = [f"列表有 {len(first.rows)} 条 / rows in the list, {first.path or '(根 root)'}"]
    if name := looking.since_parameter():
        if not time:
            raise ConfigError(
                f"{name} 是哪个字段的时间 / which member's time is {name} about? {', '.join(times) or '没有时间 / no times'}",
                where=platform, remedy="用 --field changed=字段名 指出，或不写 --since / name it, or leave --since out",
            )  # fmt: skip
        listing |= {"since": changed, "time": time, "order": _order(moments)}
        proved = looking.proves_since(name, time, first)
        sure |= {"list.since"} if proved else set()
        notes.append(f"{name}={{since}}：{'有效 works' if proved else '看不出是否有效 not proved'}")
    if not changed:
        del record["changed"]
    settings: dict[str, Any] = {**asked, "list": listing, "record": record}
    if listing["paging"]["kind"] in ("page", "offset"):
        settings["page_size"], capped = looking.most(listing, record["id"])
        sure |= {"page_size"} if capped else set()
        if not listing["paging"].get("total"):
            listing["paging"] = {**listing["paging"], "end": "empty"}  # a short page proves nothing where the cap is unknown
    elif listing["paging"]["kind"] == "none" and (more := _total(first.document, len(first.rows) + 1)):
        notes.append(f"平台说有 {at(first.document, more)} 条，翻页没有认出来 / pages not recognised → --paging")
    if envelope and "envelope" not in asked:
        settings["envelope"] = envelope
    if "detail" in asked:
        settings["detail"], partial, found = looking.detail(first, record["id"], envelope.get("data", ""))
        if not found and envelope.get("data"):  # lists and single records stand in different places
            settings["detail"], partial, found = looking.detail(first, record["id"], "")
            if found:
                listing["items"] = first.path
                del envelope["data"]
        if partial:
            listing["partial"] = True
        sure |= {"detail"} if found else set()
    return Recognised(settings, frozenset(sure), tuple(notes))


class _Looking:
    """The questions asked of one platform."""

    def __init__(self, platform: str, asked: dict[str, Any], connection: Connection, surroundings: Surroundings) -> None:
        self.platform, self.asked = platform, asked
        self._now, self._seen = surroundings.now, ""
        request = dict(asked.get("list", {}).get("request", {}))
        self._parameters: dict[str, Any] = dict(request.get("parameters", {}))
        self._request = {**request, "parameters": {}}
        known: dict[str, Any] = {key: asked[key] for key in ("auth", "headers", "format") if key in asked}
        checked, wrong = examined(Settings, {
            **known, "list": {"request": self._request}, "record": {"id": "-"},
            **({"detail": asked["detail"]} if "detail" in asked else {}),
        })  # fmt: skip
        if checked is None:
            raise misconfigured(platform, Settings, wrong)
        self._settings = checked
        self._client = Client(platform, self._settings, connection, surroundings)

    def rows(self, values: Mapping[str, Any], **more: Any) -> Rows:
        """The list, asked for with these placeholders and further parameters."""
        template = {**self._parameters, **more}
        request = self._settings.list.request.model_copy(update={"parameters": template})
        reading = self._asked(request, values, "--list")
        path, found = _list_in(reading.document, self._told())
        if found is None and self._seen and at(reading.document, self._seen) in (None, ""):
            path, found = self._seen, []  # behind the last page some say nothing instead of an empty list
        if found is None:
            words = self._client.covered(_said(reading.document))
            raise ConfigError(
                "答复中没有列表 / no list in the answer: "
                + (", ".join(_keys(reading.document)) or type(reading.document).__name__)
                + (f"；平台说 / it says: {words}" if words else ""),
                where=self.platform, remedy="核对列表地址、参数与 --auth / check the list's path, parameters and --auth",
            )  # fmt: skip
        self._seen = self._seen or path
        return Rows(reading.answer, reading.document, path, tuple(one for one in found if isinstance(one, Mapping)))

    def _asked(self, request: Request, values: Mapping[str, Any], option: str) -> Reading:
        """An answer. ConfigError that names the option, for an address that is not there."""
        try:
            return self._client.send("辨认 recognise", self._client.made(request, values))
        except Missing as missing:
            raise ConfigError(missing.what, where=missing.where, code=missing.code,
                              remedy=f"核对 {option} 的地址 / check the path of {option}") from missing  # fmt: skip

    def _told(self) -> str | None:
        items = self.asked.get("list", {}).get("items")
        data = self.asked.get("envelope", {}).get("data", "")
        return None if items is None else ".".join(part for part in (data, str(items)) if part)

    def envelope(self, first: Rows) -> tuple[dict[str, Any], dict[str, Any]]:
        """Where rows and codes stand. An answer that is the bare list has no envelope."""
        outer, _, inner = first.path.partition(".")
        if not isinstance(first.document, Mapping):
            return {"items": ""}, {}
        if self._told() is not None:
            outer = ""  # what a person said of the list stays as it was said, from the root
        code = _named(first.document, CODES, lambda value: isinstance(value, str | int) and not isinstance(value, bool))
        words = _named(first.document, WORDS, lambda value: isinstance(value, str) or value is None)
        envelope: dict[str, Any] = {}
        if code:
            envelope |= {"code": code, "success": first.document[code]}
        if words:
            envelope["message"] = words
        if not envelope and not inner:
            return {"items": outer}, {}
        return {"items": inner}, {**envelope, **({"data": outer} if outer else {})}

    def paged(self, first: Rows, listing: dict[str, Any], id: str) -> tuple[dict[str, Any], set[str]]:
        """The kind of pages, tried out with two rows each where there are enough of them."""
        total = _total(first.document, len(first.rows))
        more = {"total": total} if total else {}
        if told := self.asked.get("list", {}).get("paging"):
            if told["kind"] == "cursor":
                return self._cursors(first, listing, dict(told), id)
            counted = told["kind"] in ("page", "offset")
            turned = counted and self._turns({"page": 1, "offset": 0, "size": FEW}, {"page": 2, "offset": FEW, "size": FEW}, id)
            return {**listing, "paging": {**(more if counted else {}), **told}}, {"list.paging"} if turned else set()
        for kind, place, size in PAGED:
            known = {**self._parameters, size: "{size}", place: "{page}" if kind == "page" else "{offset}"}
            named = self._parameters | {place: "{at}", size: "{size}"}
            one, two = (1, 2) if kind == "page" else (0, FEW)
            if self._turns({"at": one, "size": FEW}, {"at": two, "size": FEW}, id, **named):
                paging = {"kind": kind, **more}
                return {**listing, "request": {**self._request, "parameters": known}, "paging": paging}, {"list.paging"}
        if isinstance(at(first.document, _next(first.document)), str):
            known = {**self._parameters, "cursor": "{cursor}"}
            self._parameters = known
            return self._cursors(first, {**listing, "request": {**self._request, "parameters": known}}, {"kind": "cursor"}, id)
        if 'rel="next"' in first.answer.headers.get("link", ""):
            return {**listing, "request": {**self._request, "parameters": self._parameters}, "paging": {"kind": "link"}}, {"list.paging"}
        return {**listing, "request": {**self._request, "parameters": self._parameters}, "paging": {"kind": "none"}}, set()

    def _cursors(
        self, first: Rows, listing: dict[str, Any], told: dict[str, Any], id: str
    ) -> tuple[dict[str, Any], set[str]]:  # fmt: skip
        """Where the next cursor stands; proved where the second page is another one."""
        told.setdefault("next", _next(first.document))
        if not told["next"]:
            raise ConfigError(
                f"看不出下一个游标在哪里 / where does the next cursor stand? {', '.join(_keys(first.document))}",
                where=self.platform, remedy="--paging cursor,位置,条数,下一个游标的路径 / name its path as the fourth",
            )  # fmt: skip
        there: tuple[Mapping[str, Any], ...] = ()
        if isinstance(cursor := at(first.document, told["next"]), str):
            with suppress(WireError):  # a parameter that this platform refuses is not its own
                there = self.rows({"cursor": cursor}).rows
        turned = bool(there) and not {str(at(row, id)) for row in there} & {str(at(row, id)) for row in first.rows}
        return {**listing, "paging": told}, {"list.paging"} if turned else set()

    def _turns(self, one: Mapping[str, Any], two: Mapping[str, Any], id: str, **named: str) -> bool:
        """Do these parameters turn a page? Two rows at most each, and none of the second among the first."""
        try:
            here, there = self.rows(one, **named).rows, self.rows(two, **named).rows
        except WireError:
            return False  # parameters that this platform refuses are not its own
        seen = [{str(at(row, id)) for row in rows} for rows in (here, there)]
        return len(here) == FEW and 0 < len(there) <= FEW and not seen[0] & seen[1]

    def most(self, listing: Mapping[str, Any], id: str) -> tuple[int, bool]:
        """How many rows a page may be asked for, and whether answers proved it: fewer came than were asked for, and more
        were there."""
        kind = listing["paging"]["kind"]
        named = listing["request"]["parameters"]
        here = self.rows({"page": 1, "offset": 0, "size": SIZE}, **named).rows
        if not 0 < len(here) < SIZE:
            return SIZE, False
        there = self.rows({"page": 2, "offset": len(here), "size": SIZE if kind == "page" else len(here)}, **named).rows
        more = bool(there) and not {str(at(row, id)) for row in there} & {str(at(row, id)) for row in here}
        return (len(here), True) if more else (SIZE, False)

    def since_parameter(self) -> str:
        """The parameter that is said to take the time of change."""
        return next((name for name, value in self._parameters.items() if value == "{since}"), "")

    def proves_since(self, name: str, time: Mapping[str, Any], first: Rows) -> bool:
        """Nothing changed after tomorrow: a list that is empty then heeds the parameter."""
        moment = written(self._now() + timedelta(days=1), Time.model_validate(time))
        try:
            return bool(first.rows) and not self.rows({}, **{name: moment}).rows
        except WireError:
            return False

    def detail(self, first: Rows, id: str, data: str) -> tuple[dict[str, Any], bool, bool]:
        """One row's whole record: where it stands, whether it holds more than the row, whether it was found."""
        asked, detail = self.asked["detail"], self._settings.detail
        if not first.rows or detail is None:
            return asked, False, False
        native = str(at(first.rows[0], id))
        reading = self._asked(detail.request, {"id": native}, "--detail")
        known = {**asked}
        for path in ["", *_paths(at(reading.document, data))]:
            found = at(at(reading.document, data), path)
            found = found[0] if isinstance(found, list) and found else found
            if isinstance(found, Mapping) and str(at(found, id)) == native:
                if path:
                    known.setdefault("item", path)
                return known, bool(set(found) - set(first.rows[0])), True
        return known, False, False


def _list_in(document: Any, told: str | None) -> tuple[str, list[Any] | None]:
    """The longest list of objects, the nearest to the root among equals; a list that is empty only if there is no other."""
    if told is not None:
        found = at(document, told)
        return told, found if isinstance(found, list) else None
    best: tuple[str, list[Any]] | None = None
    for path in ["", *_paths(document)]:
        found = at(document, path)
        if isinstance(found, list) and all(isinstance(one, Mapping) for one in found) and (best is None or len(found) > len(best[1])):
            best = path, found
    return best or ("", None)


def _paths(document: Any, above: str = "", deep: int = 3) -> Iterator[str]:
    """Dotted paths of the members of objects, level by level; rows of lists are not entered."""
    if isinstance(document, Mapping) and deep:
        names = [(f"{above}.{name}" if above else name, value) for name, value in document.items()
                 if isinstance(name, str) and name and not re.search(r"[\s.]", name)]  # fmt: skip
        yield from (path for path, _ in names)
        for path, value in names:
            yield from _paths(value, path, deep - 1)


def _said(document: Any) -> str:
    """The platform's own words, if there are any."""
    words = document.get(_named(document, WORDS, lambda value: isinstance(value, str)) or "") if isinstance(document, Mapping) else ""
    return str(words or "")[:200]


def _keys(document: Any) -> list[str]:
    return list(_paths(document, deep=2))[:20]


def _named(document: Mapping[str, Any], names: tuple[str, ...], fits: Any) -> str:
    lowered = {str(key).lower(): key for key in document}
    return next((str(lowered[name]) for name in names if name in lowered and fits(document[lowered[name]])), "")


def _next(document: Any) -> str:
    """Where a cursor can stand, by its name, filled or not."""
    return next((path for path in _paths(document) if path.rpartition(".")[2].lower() in NEXTS
                 and isinstance(at(document, path), str | None)), "")  # fmt: skip


def _total(document: Any, rows: int) -> str:
    """Where a number stands that can be how many there are."""
    for path in _paths(document, deep=2):
        value = at(document, path)
        if path.rpartition(".")[2].lower() in TOTALS and isinstance(value, int) and not isinstance(value, bool) and value >= rows:
            return path
    return ""


def _identity(rows: tuple[Mapping[str, Any], ...]) -> str:
    """The member that is there in every row, differs in every row, and is called like a number; the first of equals."""
    if not rows:
        return "id"
    fits = [name for name in rows[0] if _differs([row.get(name) for row in rows])]
    ranked = sorted(fits, key=lambda name: (name.lower() != "id", not IDENTITY.search(name), list(rows[0]).index(name)))
    return ranked[0] if ranked else "id"


def _differs(values: list[Any]) -> bool:
    whole = all(isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip() for value in values)
    return whole and len({str(value) for value in values}) == len(values)


def _order(values: list[Any]) -> str:
    """How the rows stand by their time of change; unknown where too few would tell."""
    if len(set(map(str, values))) < 3 or None in values:
        return "unknown"
    return "ascending" if values == sorted(values) else "descending" if values == sorted(values, reverse=True) else "unknown"


def _times(rows: tuple[Mapping[str, Any], ...]) -> dict[str, dict[str, Any]]:
    """Members that hold times in every row that has them, and how they are written."""
    found = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row[name] for row in rows if row.get(name) not in (None, "")]
        if values and (time := time_of(values)):
            found[name] = time
    return found


def time_of(values: list[Any]) -> dict[str, Any] | None:
    """How these times are written, as `time:` says it; None if they are none. A whole number is a time only of the years
    2001 to 2286."""
    if not values:
        return None
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        for form, unit in (("epoch_s", 1), ("epoch_ms", 1000)):
            if all(1_000_000_000 <= value / unit < 10_000_000_000 for value in values):
                return {"form": form}
        return None
    if not all(isinstance(value, str) for value in values):
        return None
    if all(re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)", value) for value in values):
        return {"form": "rfc3339", "decimals": 3 if any("." in value for value in values) else 0}
    for pattern in PATTERNS:
        if all(_reads(value, pattern) for value in values):
            return {"form": "local", "pattern": pattern}
    return None


def _reads(text: str, pattern: str) -> bool:
    try:
        datetime.strptime(text, pattern)
    except ValueError:
        return False
    return True

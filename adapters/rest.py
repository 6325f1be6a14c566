"""What any REST platform shares, sayable as data: where an envelope keeps its code, what each code and HTTP status
means and which of our errors that is, a client-side rate limit, `Retry-After`, and page numbers.

This module must not know a platform: a platform is an `Envelope` and a few settings. Nothing here sends anything.

How an answer is judged (`open_reply`, then `judge`): the HTTP status says whether an envelope may stand in it at all
(`Envelope.statuses`); if so, the code inside decides and nothing else; if not, `Envelope.http` says what the bare
status means. Whatever is in neither table was not said by the platform: a read raises `BrokenReply`, a write
`OutcomeUnknown`. Success is only the agreed code, of the agreed type.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import orjson

from adapters.errors import BrokenReply, ConfigError, Missing, OutcomeUnknown, Outdated, Refused, Unavailable
from adapters.transport import Answer

_BOM = b"\xef\xbb\xbf"
_SHOWN = 200  # characters of a platform's own words that an error repeats


class Meaning(StrEnum):
    """What an answer says. The error each one becomes: see `judge`."""

    SUCCESS = "success"
    DUPLICATE = "duplicate"  # existed before
    EXPIRED = "expired"  # session token gone, not carried out: the client renews it
    UNSIGNED = "unsigned"  # signature, clock or credentials wrong, not carried out
    FORBIDDEN = "forbidden"  # a permission is missing, not carried out
    MISSING = "missing"
    REFUSED = "refused"  # a field is wrong, or the record's state forbids it
    BUSY = "busy"  # too many requests, certainly not carried out
    FAILED = "failed"  # internal error or lost gateway: a write may have been carried out
    STRANGE = "strange"  # not an answer this platform gives


@dataclass(frozen=True, slots=True)
class Envelope:
    """Where the parts of an answer stand (dotted paths) and what its codes mean.

    codes: code -> meaning; a code must have the table's own type ("0" is not 0). statuses: HTTP statuses whose body is
    an envelope. http: what any other status means when it comes bare. field: a pattern whose first group is the wire
    field a refusal names, in the message. outdated: the named fields that mean "the record's state forbids it".
    wait: dotted path to the seconds to wait when busy. least_wait: seconds when the platform named none.
    bom: tolerate a UTF-8 byte order mark before the JSON.
    """

    codes: Mapping[str | int, Meaning]
    code: str = "code"
    message: str = "msg"
    data: str = "data"
    statuses: frozenset[int] = frozenset({200})
    http: Mapping[int, Meaning] = field(
        default_factory=lambda: MappingProxyType({
            413: Meaning.REFUSED, 429: Meaning.BUSY, 500: Meaning.FAILED, 502: Meaning.FAILED, 503: Meaning.FAILED,
            504: Meaning.FAILED,
        })
    )  # fmt: skip
    field: re.Pattern[str] | None = None
    outdated: frozenset[str] = frozenset()
    wait: str = ""
    least_wait: float = 1.0
    bom: bool = False

    def meaning(self, code: object) -> Meaning:
        """What a code means; STRANGE for one the table does not hold, or holds as another type."""
        if isinstance(code, bool) or not isinstance(code, str | int):
            return Meaning.STRANGE
        return self.codes.get(code, Meaning.STRANGE)


@dataclass(frozen=True, slots=True)
class Opened:
    """An answer, read but not yet judged. code: as text, the HTTP status if there is no envelope. field: the wire
    field that was named. retry_after: seconds, only when busy."""

    answer: Answer
    meaning: Meaning
    code: str
    message: str = ""
    data: Any = None
    field: str = ""
    retry_after: float | None = None


def decode(body: bytes, *, bom: bool = False) -> Any:
    """JSON from strict UTF-8. ValueError for anything else; a byte order mark is refused unless `bom`."""
    if bom:
        body = body.removeprefix(_BOM)
    return orjson.loads(body)


def at(value: Any, path: str) -> Any:
    """What stands at a dotted path of nested dicts, None where there is nothing."""
    for name in path.split(".") if path else ():
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def open_reply(answer: Answer, envelope: Envelope) -> Opened:
    """Read one answer by the envelope's tables. Raises nothing: what cannot be read is STRANGE."""
    status = answer.status
    if status not in envelope.statuses:
        meaning = envelope.http.get(status, Meaning.STRANGE)
        wait = _waiting(answer, None, envelope) if meaning is Meaning.BUSY else None
        return Opened(answer, meaning, f"HTTP {status}", retry_after=wait)
    try:
        document = decode(answer.body, bom=envelope.bom)
    except ValueError:
        return Opened(answer, Meaning.STRANGE, f"HTTP {status}")
    code = at(document, envelope.code)
    meaning = envelope.meaning(code)
    said = at(document, envelope.message)
    message = said if isinstance(said, str) else ""
    named = envelope.field.search(message) if envelope.field and meaning is Meaning.REFUSED else None
    return Opened(
        answer, meaning, str(code), message, at(document, envelope.data), named.group(1) if named else "",
        _waiting(answer, document, envelope) if meaning is Meaning.BUSY else None,
    )  # fmt: skip


def judge(
    opened: Opened, envelope: Envelope, *, write: bool, where: str = "", accept: frozenset[Meaning] = frozenset()
) -> Opened:
    """The same, if it says success (or one of `accept`); else the error that says what to do next.

    | meaning | read | write |
    |---|---|---|
    | EXPIRED, BUSY | Unavailable | Unavailable |
    | UNSIGNED, FORBIDDEN | ConfigError | ConfigError |
    | MISSING | Missing | Missing |
    | REFUSED | Refused, Outdated | Refused, Outdated |
    | FAILED | Unavailable | OutcomeUnknown |
    | STRANGE, DUPLICATE | BrokenReply | OutcomeUnknown |
    """
    if opened.meaning is Meaning.SUCCESS or opened.meaning in accept:
        return opened
    said = f"{opened.code} {opened.message[:_SHOWN]}".rstrip()
    outdated = opened.meaning is Meaning.REFUSED and opened.field in envelope.outdated
    what, remedy = _OUTDATED if outdated else _WORDS.get(opened.meaning, ("", ""))
    known: dict[str, Any] = {"where": where, "code": opened.code, "remedy": remedy}
    what = f"{what} ({said})"
    match opened.meaning:
        case Meaning.BUSY | Meaning.EXPIRED:
            raise Unavailable(what, retry_after=opened.retry_after, **known)
        case Meaning.UNSIGNED | Meaning.FORBIDDEN:
            raise ConfigError(what, **known)
        case Meaning.MISSING:
            raise Missing(what, **known)
        case Meaning.REFUSED:
            raise (Outdated if outdated else Refused)(what, field=opened.field, **known)
        case Meaning.FAILED if not write:
            raise Unavailable(what, **known)
    if write:
        raise unknown(f"答复不能说明是否已办理 / the answer does not tell if it was done ({said})", where, opened.code)
    raise broken(opened.answer, f"不是约定的答复 / not an answer that was agreed ({said})", where, opened.code)


_WORDS: Mapping[Meaning, tuple[str, str]] = MappingProxyType({
    Meaning.BUSY: ("平台限流，未处理 / too many requests, not carried out", "将自动重试 / tried again later"),
    Meaning.EXPIRED: ("会话令牌失效，未处理 / session token void, not carried out", "将自动重试 / tried again later"),
    Meaning.UNSIGNED: ("平台不认可签名或凭据 / signature or credentials refused",
                       "检查连接的账号、密钥与本机时钟 / check login, secret and this server's clock"),
    Meaning.FORBIDDEN: ("平台未授予权限 / permission missing",
                        "请平台方开通该功能 / the platform's owner must grant it"),
    Meaning.MISSING: ("平台上没有 / not on the platform", "核对编号 / check the number"),
    Meaning.REFUSED: ("平台拒收 / refused", "人工核对所指字段 / a person must look at the field named"),
    Meaning.FAILED: ("平台内部错误或网关故障 / platform or gateway failed", "将自动重试 / tried again later"),
})  # fmt: skip
"""What is said, and the remedy, for each meaning whose error is certain."""

_OUTDATED = ("当前状态不允许 / the record's state forbids it", "重新读取后再定 / read it again, then decide")


def unknown(what: str, where: str, code: str = "") -> OutcomeUnknown:
    """A write whose answer does not settle it."""
    return OutcomeUnknown(what, where=where, code=code, remedy="先查证再决定，不会盲目重发 / will be looked for first")


def broken(answer: Answer, what: str, where: str, code: str = "") -> BrokenReply:
    """A read whose answer cannot be understood; the bytes are kept."""
    kind = answer.content_type or "no content type"
    return BrokenReply(f"{what}; {kind}, {len(answer.body)} bytes", where=where, code=code, raw=answer.body,
                       remedy="核对地址是否指向该平台 / check that the address is this platform's")  # fmt: skip


def retry_after(answer: Answer) -> float | None:
    """Seconds that a `Retry-After` header asks for: a number, or a date measured against the same answer's `Date` (our
    clock without one). None if there is none or it is neither."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    until = _date(value)
    if until is None:
        return None
    since = _date(answer.headers.get("date", "")) or answer.sent_at
    return max(0.0, (until - since).total_seconds())


def _date(value: str) -> datetime | None:
    try:
        return parsedate_to_datetime(value).astimezone(UTC) if value else None
    except (TypeError, ValueError):
        return None


def _waiting(answer: Answer, document: Any, envelope: Envelope) -> float:
    named = at(document, envelope.wait) if envelope.wait else None
    if isinstance(named, int | float) and not isinstance(named, bool) and named >= 0:
        return float(named)
    asked = retry_after(answer)
    return envelope.least_wait if asked is None else max(envelope.least_wait, asked)


class Bucket:
    """A token bucket: `rate` requests a second, `burst` at once; `take` waits for its turn. For many threads.

    clock: seconds, of any origin; a clock that stands still or steps back costs nothing, since time slept counts too.
    """

    def __init__(self, rate: float, burst: float, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._rate, self._burst, self._clock, self._sleep = rate, burst, clock, sleep
        self._lock = threading.Lock()
        self._level = float(burst)
        self._seen = clock()

    def take(self) -> None:
        """Return when one more request may be sent."""
        with self._lock:
            self._refill(self._clock())
            self._level -= 1
            wait = max(0.0, -self._level / self._rate)
            until = self._seen + wait
        if wait > 0:
            self._sleep(wait)
            with self._lock:
                self._refill(until)

    def _refill(self, now: float) -> None:
        if now > self._seen:
            self._level = min(self._burst, self._level + (now - self._seen) * self._rate)
            self._seen = now


def last_page(rows: Callable[[int], list[Any]], total: int, size: int, *, spare: int = 1000) -> int:
    """The number of the last page that holds rows, pages from 1, 0 if none does.

    rows(n): the rows of page n. total: what the platform says, a guess and no more: too small, too large and absurd
    ones are seen through; so is a platform that answers the page past the end with the last page again.
    ValueError after `spare` full pages more than `total` promised.
    """
    guess = max(1, -(-total // size))
    low, high = 0, guess
    page = rows(guess)
    if not page:
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if rows(middle) else (low, middle)
        return low
    number = guess
    for _ in range(spare):
        if len(page) < size:
            return number
        following = rows(number + 1)
        if not following or following == page:
            return number
        number, page = number + 1, following
    raise ValueError(f"more than {spare} pages after the last one promised")

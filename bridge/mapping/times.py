"""Times as platforms write them: texts by a pattern, and counts since 1970.

Nothing is guessed: a value that does not fit what is declared is no time, and the note says what it looks like. Zero
and partial dates are no times (C51), nothing ever lands in 1970 (C28). This module must not know whose clock it reads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal

from bridge.mapping.texts import Note, fold, show
from schemas.moment import SHANGHAI

FIRST_YEAR, LAST_YEAR = 2000, 2099
"""Years outside are typing errors or stand for "none" (1900, 9999)."""
_OUTSIDE = f"不在{FIRST_YEAR}–{LAST_YEAR}年之间", f" is outside {FIRST_YEAR} to {LAST_YEAR}"

_COMPACT = 14  # characters of yyyyMMddHHmmss
_PLAIN = {"yyyyMMddHHmmss": _COMPACT, "yyyy-MM-dd HH:mm:ss": 19, "yyyy-MM-ddTHH:mm:ss": 19, "yyyy-MM-dd'T'HH:mm:ss": 19}
_ORDER = ("year", "month", "day", "hour", "minute", "second")
_LETTERS = dict(zip("yMdHms", _ORDER, strict=True)) | {"S": "fraction", "X": "offset"}
_WIDTHS = {"year": (4,), "fraction": tuple(range(1, 10)), "offset": (2, 3)}
_ALLOWED = (
    "允许的字母 / allowed letters: yyyy MM M dd d HH H mm m ss s S…(1–9) XXX XX T；"
    "其他字母请用单引号括起 / quote other letters with '…'"
)
_TOKEN = re.compile(r"'(?P<quoted>(?:[^']|'')*)'|(?P<letter>[A-Za-z])(?P=letter)*|(?P<other>.)", re.DOTALL)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WINDOW = (946_656_000, 4_102_416_000)  # seconds: 2000-01-01 and 2100-01-01, both 00:00 in Asia/Shanghai
_UNITS = (
    ("秒", "seconds", 1),
    ("毫秒", "milliseconds", 10**3),
    ("微秒", "microseconds", 10**6),
    ("纳秒", "nanoseconds", 10**9),
)
_WHOLE = re.compile(r"[+-]?[0-9]{1,25}")
_WRITTEN_DATE = re.compile(r"20[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[0-9]{2}){0,3}(?:[0-9]{3})?")


@dataclass(frozen=True, slots=True)
class TimePattern:
    """A pattern made ready by `time_pattern`.

    `regex` matches folded text; `fields` are the groups of year, month, day and what follows of hour, minute, second,
    `midnight` a 0 for each of these that the pattern leaves out; `fraction` and `offset` are groups, 0 for none;
    `template` takes (datetime, fraction, offset); `digits` of the fraction are written, and a `colon` in the offset.
    `plain` is the length of a text that `datetime` itself reads, faster, and 0 for other patterns.
    """

    text: str
    regex: re.Pattern[str]
    fields: tuple[int, ...]
    midnight: tuple[int, ...]
    fraction: int
    offset: int
    template: str
    plain: int
    digits: int
    colon: bool


def time_pattern(pattern: str) -> TimePattern:
    """The pattern as county IT staff write it: ``yyyy-MM-dd HH:mm:ss``, ``yyyyMMddHHmmss``, ``yyyy-MM-ddTHH:mm:ssXXX``.

    One letter (M d H m s) is a number without leading zero; S as often as the fraction has digits; XXX an offset like
    +08:00, XX like +0800, Z for UTC in both; T and all that is no letter stand for themselves, other letters in single
    quotes. ValueError says what is wrong and which letters are allowed.
    """
    regex, template, groups, digits, colon = "", "", dict[str, int](), 0, False
    beside = ""  # the run just before, if it was a number: two of them touching need fixed widths
    for token in _TOKEN.finditer(pattern):
        run = token[0]
        part = _LETTERS.get(token["letter"] or "")
        if part is None:
            literal = _literal(token, pattern)
            regex += re.escape(fold(literal))
            template += literal.replace("{", "{{").replace("}", "}}")
            beside = ""
            continue
        width = len(run)
        if width not in _WIDTHS.get(part, (1, 2)):
            raise _wrong(pattern, f"“{run}”写法不对 / {run!r} is not a way to write the {part}")
        if part in groups:
            raise _wrong(pattern, f"“{run}”重复 / the {part} stands twice")
        if beside and 1 in (width, len(beside)) and part != "offset" and not (part == "fraction" and len(beside) > 1):
            raise _wrong(pattern, f"“{beside}{run}”无法分开 / no telling {beside!r} from {run!r}")
        groups[part] = len(groups) + 1
        beside = run
        if part == "offset":
            colon, template = width == 3, template + "{2}"
            regex += f"(Z|[+-][0-9]{{2}}{':' if colon else ''}[0-9]{{2}})"
        elif part == "fraction":
            digits, template, regex = width, template + "{1}", regex + f"([0-9]{{{width}}})"
        else:
            template += f"{{0.{part}:0{width}d}}"
            regex += "([0-9]{1,2})" if width == 1 else f"([0-9]{{{width}}})"
    fields = _fields(pattern, groups)
    return TimePattern(
        text=pattern,
        regex=re.compile(regex, re.ASCII),
        fields=fields,
        midnight=(0,) * (len(_ORDER) - len(fields)),
        fraction=groups.get("fraction", 0),
        offset=groups.get("offset", 0),
        template=template,
        plain=_PLAIN.get(pattern, 0),
        digits=digits,
        colon=colon,
    )


def _wrong(pattern: str, why: str) -> ValueError:
    return ValueError(f"时间格式“{pattern}”：{why}。{_ALLOWED}")


def _literal(token: re.Match[str], pattern: str) -> str:
    if token["quoted"] is not None:
        return token["quoted"].replace("''", "'") or "'"
    if (token["letter"] and token[0] != "T") or token["other"] == "'":
        hint = "；时区请写 XXX / an offset is written XXX" if token[0] in {"Z", "z"} else ""
        raise _wrong(pattern, f"不认识“{token[0]}” / {token[0]!r} is unknown{hint}")
    return token[0]


def _fields(pattern: str, groups: dict[str, int]) -> tuple[int, ...]:
    present = [part for part in _ORDER if part in groups]
    if len(present) < 3 or present != list(_ORDER[: len(present)]) or ("fraction" in groups and len(present) < 6):
        rule = "须有年月日，时分秒由大到小不得跳过 / year, month and day, then hour, minute, second without a gap"
        raise _wrong(pattern, rule)
    return tuple(groups[part] for part in present)


def read_time(value: object, note: Note, pattern: TimePattern, zone: tzinfo = SHANGHAI) -> datetime | None:
    """The moment that a text written by `pattern` means, in `zone`; None, with a note, for what is no such moment.

    A pattern without offset is read as wall time of `zone`. Full-width digits and marks and blanks around are
    tolerated. None and "" are absent without a note; an aware datetime passes through.
    """
    if isinstance(value, str):
        found = pattern.regex.fullmatch(value) or pattern.regex.fullmatch(fold(value).strip())
        if found is not None:
            try:
                moment = _moment(found, pattern, zone)
                if FIRST_YEAR <= moment.year <= LAST_YEAR:
                    return _at_offset(moment, found[pattern.offset], zone) if pattern.offset else moment
            except ValueError:
                note(_no_such_time(value, found.group(*pattern.fields)))
                return None
            note(f"时间{show(value)}{_OUTSIDE[0]} / time {show(value)}{_OUTSIDE[1]}")
        elif value.strip():
            note(f"时间{show(value)}不符合格式“{pattern.text}” / {show(value)} is not written {pattern.text!r}")
        return None
    if value is None or (isinstance(value, datetime) and value.tzinfo is not None):
        return value
    note(f"时间应为“{pattern.text}”格式的文本 / a text written {pattern.text!r} is needed: {show(value)}")
    return None


def _moment(found: re.Match[str], pattern: TimePattern, zone: tzinfo) -> datetime:
    if pattern.plain:
        text = found[0]
        naive = datetime.fromisoformat(f"{text[:8]}T{text[8:]}" if pattern.plain == _COMPACT else text)
        return datetime.combine(naive.date(), naive.time(), zone)  # several times faster than `replace`
    year, month, day, hour, minute, second = (*map(int, found.group(*pattern.fields)), *pattern.midnight)
    micro = int(found[pattern.fraction][:6].ljust(6, "0")) if pattern.fraction else 0
    return datetime(year, month, day, hour, minute, second, micro, zone)


def _at_offset(moment: datetime, offset: str, zone: tzinfo) -> datetime:
    if offset == "Z":
        return moment.replace(tzinfo=UTC).astimezone(zone)
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if hours > 14 or minutes > 59:
        raise ValueError(f"no place on earth is {offset} from UTC")
    ahead = timedelta(hours=hours, minutes=minutes)
    return moment.replace(tzinfo=timezone(-ahead if offset[0] == "-" else ahead)).astimezone(zone)


def _no_such_time(value: str, fields: tuple[str, ...]) -> str:
    year, month, day = (int(field) for field in fields[:3])
    if not (year or month or day):
        return f"零日期{show(value)}，按无时间处理 / zero date {show(value)}, taken as absent"
    if not (year and month and day):
        return f"日期不完整{show(value)}，按无时间处理 / partial date {show(value)}, taken as absent"
    return f"没有这个时间{show(value)} / there is no such time as {show(value)}"


def write_time(moment: datetime, pattern: TimePattern, zone: tzinfo = SHANGHAI) -> str:
    """An aware moment as wall time of `zone`, written by `pattern`; what is finer than the pattern is dropped."""
    if moment.tzinfo is None:
        raise ValueError(f"an aware time is needed, not {moment!r}")
    local = moment.astimezone(zone)
    if pattern.plain > _COMPACT:
        return local.isoformat(" " if " " in pattern.text else "T", "seconds")[:19]
    fraction = f"{local.microsecond:06d}000"[: pattern.digits]
    return pattern.template.format(local, fraction, _offset(local, pattern.colon) if pattern.offset else "")


def _offset(local: datetime, colon: bool) -> str:
    minutes = (local.utcoffset() or timedelta()) // timedelta(minutes=1)
    if minutes == 0:
        return "Z"
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}{':' if colon else ''}{rest:02d}"


def read_epoch_ms(value: object, note: Note) -> datetime | None:
    """The moment, in Asia/Shanghai, of milliseconds since 1970 given as number or digits; a fraction is dropped.

    0, "" and None are absent without a note (C28). Whatever lies outside 2000 to 2099 is None with a note that says
    what it looks like: seconds, microseconds, a written date.
    """
    return _read_epoch(value, note, 10**3)


def read_epoch_s(value: object, note: Note) -> datetime | None:
    """The same of seconds since 1970."""
    return _read_epoch(value, note, 1)


def write_epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware moment; what is finer is dropped."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def write_epoch_s(moment: datetime) -> int:
    """Seconds since 1970 of an aware moment; what is finer is dropped."""
    return (moment - _EPOCH) // timedelta(seconds=1)


def _read_epoch(value: object, note: Note, per_second: int) -> datetime | None:
    count = value if type(value) is int else _count(value)
    if count is not None and _WINDOW[0] * per_second <= count < _WINDOW[1] * per_second:
        return datetime.fromtimestamp(count / per_second, SHANGHAI)  # exact: a double holds microseconds to 2106
    if not (count == 0 or value is None or (isinstance(value, str) and not value.strip())):
        unit, english_unit, _ = next(known for known in _UNITS if known[2] == per_second)
        chinese, english = ("写法不对", " is not that") if count is None else _looks_like(count)
        note(
            f"应为1970年以来的{unit}数，{show(value)}{chinese} / "
            f"{english_unit} since 1970 are declared, {show(value)}{english}"
        )
    return None


def _count(value: object) -> int | None:
    match value:
        case bool():
            return None
        case int():
            return value
        case float() | Decimal():
            # 1e300 is as unreadable as infinity, and writing out its digits helps nobody.
            return int(value) if -1e25 < value < 1e25 else None
        case str() if _WHOLE.fullmatch(text := fold(value).strip()):
            return int(text)
        case _:
            return None


def _looks_like(count: int) -> tuple[str, str]:
    if count.bit_length() < 96 and _WRITTEN_DATE.fullmatch(str(count)):
        return "像是直接写出的日期", " looks like a date written in digits"
    for chinese, english, per_second in _UNITS:
        if _WINDOW[0] * per_second <= count < _WINDOW[1] * per_second:
            return f"像是{chinese}", f" looks like {english}"
    return _OUTSIDE

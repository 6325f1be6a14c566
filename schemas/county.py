"""What a county's file (config/counties/*.yaml) may say: its platforms, how often they are read, which calls go where.

Only the form is judged here. Whether a slug, an adapter, a mapping or a town exists is `bridge.configuration`'s to
say; nothing here reads a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from schemas.moment import first_moment

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
_UNITS = {"s": SECOND, "m": MINUTE, "h": timedelta(hours=1), "d": DAY}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+", re.ASCII)


def duration(text: Any) -> timedelta:
    """A length of time from `10s`, `1m`, `1h30m`, `2d`. ValueError in words for everything else, bare numbers too:
    nobody could say whether 10 meant seconds or minutes."""
    if isinstance(text, timedelta):
        return text
    if not isinstance(text, str) or not _DURATION.fullmatch(text):
        raise ValueError("时长要写数字和单位，如 10s、1m、2h / a duration is a number with its unit: 10s, 1m, 2h")
    try:
        return sum((float(n) * _UNITS[unit] for n, unit in re.findall(r"([\d.]+)([smhd])", text)), timedelta())
    except OverflowError:
        raise ValueError("时长过长 / the duration is too long") from None


def written(length: timedelta) -> str:
    """A length of time as it would be typed: `90s` for ninety seconds, `5m` for five minutes."""
    for unit in ("d", "h", "m"):
        if length and length % _UNITS[unit] == timedelta():
            return f"{length // _UNITS[unit]}{unit}"
    return f"{length.total_seconds():g}s"


def _between(least: timedelta, most: timedelta) -> Callable[[Any], timedelta]:
    def check(value: Any) -> timedelta:
        try:
            length = duration(value)
        except ValueError as error:
            raise PydanticCustomError("duration", "{words}", {"words": str(error)}) from None
        if not least <= length <= most:
            raise PydanticCustomError("duration_range", "应在 {least} 与 {most} 之间 / must be from {least} to {most}",
                                      {"least": written(least), "most": written(most)})  # fmt: skip
        return length

    return check


def _start(value: Any) -> datetime:
    try:
        return first_moment(value)
    except ValueError:
        raise PydanticCustomError(
            "start", "应为日期（如 2026-03-01）或带时区的时间（如 2026-03-01T08:00:00+08:00） / "
            "a date, or a time with its offset") from None  # fmt: skip


def _form(pattern: str, words: str) -> BeforeValidator:
    """Text of a form, said in words rather than as a pattern. Numbers are taken as the text that was typed."""
    form = re.compile(pattern, re.ASCII)

    def check(value: Any) -> str:
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not form.fullmatch(text):
            raise PydanticCustomError("form", "{words}", {"words": words})
        return text

    return BeforeValidator(check)


_LENGTH = {"type": "string", "pattern": r"^(\d+(\.\d+)?[smhd])+$"}
_SLUG = r"[a-z][a-z0-9_-]{1,30}"
_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"

_SLUG_WORDS = "应为小写字母开头的 2–31 个小写字母、数字、- 或 _ / 2 to 31 of a-z 0-9 - _, a letter first"
_COUNTY_WORDS = "应为 6 位县区代码（GB/T 2260），如 371102 / a county code has 6 digits"
_START = r"^\d{4}-\d\d-\d\d(T.+(Z|[+-]\d\d:\d\d))?$"

Slug = Annotated[str, _form(_SLUG, _SLUG_WORDS), WithJsonSchema({"type": "string", "pattern": f"^{_SLUG}$"})]
Name = Annotated[
    str, _form(_NAME, "应为字母、数字、- 或 _ / letters, digits, - and _ only"),
    WithJsonSchema({"type": "string", "pattern": f"^{_NAME}$"}),
]  # fmt: skip
CountyCode = Annotated[
    str, _form(r"[1-9]\d{5}", _COUNTY_WORDS),
    WithJsonSchema({"type": ["string", "integer"], "pattern": r"^[1-9]\d{5}$"}),
]  # fmt: skip
Poll = Annotated[timedelta, BeforeValidator(_between(SECOND, DAY)), WithJsonSchema(_LENGTH)]
Wait = Annotated[timedelta, BeforeValidator(_between(timedelta(), DAY)), WithJsonSchema(_LENGTH)]
Start = Annotated[datetime, BeforeValidator(_start), WithJsonSchema({"type": "string", "pattern": _START})]


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


class Entry(BaseModel):
    """Ground of a county's file: unknown keys are errors, codes typed as numbers are read as their text."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class PlatformEntry(Entry):
    """One platform of the county. Durations are texts such as `10s`, `5m`."""

    slug: Slug = Field(description="平台的唯一短名，启用后不可更改 / its one short name; never change it once in use")
    title: str = Field(min_length=1, max_length=60, description="平台的名称 / what officials call it")
    adapter: Name = Field(description="接口类型 / the adapter that speaks to it")
    mapping: Name = Field(description="映射文件名（不含 .yaml） / file of mappings/, without .yaml")
    connection: Name = Field(description="连接编号，地址和密码在连接中 / connection id; address and secrets are there")
    poll: Poll = Field(default=timedelta(seconds=60), description="读取间隔 / how often it is read, 1s to 1d")
    push: Poll = Field(default=timedelta(minutes=5), description="推送兜底间隔 / safety net for writing, 1s to 1d")
    start: Start | None = Field(
        default=None, description="此前上报的呼叫不处理 / calls reported before this day or moment are left alone"
    )
    tell_numbers: bool = Field(
        default=True, description="呼叫在他处的编号回告本平台 / this platform is told a call's number elsewhere"
    )
    lag: Wait = Field(
        default=timedelta(seconds=10), description="写入后多久内可能读到旧状态 / how long reads may lag behind a write"
    )
    lease: Poll = Field(
        default=timedelta(seconds=120), description="一次推送最长占用时间 / how long a worker may hold an outbox row"
    )
    settings: dict[str, Any] = Field(default={}, description="该接口类型自己的设置 / the adapter's own settings")


class FieldTest(Entry):
    """One condition, written as a list: [field, operator, value]."""

    field: str = Field(min_length=1)
    operator: str = Field(min_length=1)
    value: str | tuple[str, ...] = ""

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        if len(value) not in (2, 3):
            raise PydanticCustomError("test", "条件应写作 [字段, 运算, 值] / a condition is [field, operator, value]")
        return dict(zip(("field", "operator", "value"), value, strict=False))


Operator = Literal["is", "is_not", "in", "begins", "contains", "present", "absent", "at_least"]
"""What a condition may ask. at_least is for urgency only; contains takes one word or a list of them."""


def _kind(value: Any) -> str:
    return "condition" if isinstance(value, dict | ConditionEntry) else "test"


_TEST_SCHEMA: dict[str, Any] = {
    "type": "array", "minItems": 2, "maxItems": 3,
    "prefixItems": [{"type": "string"}, {"type": "string", "enum": list(get_args(Operator))}],
}  # fmt: skip

Part = Annotated[
    Annotated[FieldTest, Tag("test"), WithJsonSchema(_TEST_SCHEMA)]
    | Annotated["ConditionEntry", Tag("condition")],
    Discriminator(_kind),
]  # fmt: skip


class ConditionEntry(Entry):
    """all: every one holds; any: at least one holds; none: none holds. What is not said does not matter."""

    all: tuple[Part, ...] = ()
    any: tuple[Part, ...] = ()
    none: tuple[Part, ...] = ()


class RouteEntry(Entry):
    """Calls recorded on `from` that fit `when` go to `to`."""

    name: str = Field(min_length=1, max_length=60)
    sources: Annotated[
        tuple[Slug, ...], BeforeValidator(_listed),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
    ] = Field(alias="from", min_length=1)  # fmt: skip
    to: Slug
    when: ConditionEntry = ConditionEntry()


class County(Entry):
    """One county's file, whole."""

    county: CountyCode = Field(description="6 位县区代码 / GB/T 2260 county code")
    name: str = Field(min_length=1, max_length=30, description="县区名称 / the county's name")
    title: str = Field(default="", max_length=80, description="显示用的标题 / shown to operators")
    platforms: tuple[PlatformEntry, ...] = ()
    routes: tuple[RouteEntry, ...] = ()

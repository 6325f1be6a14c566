"""What an item catalogue (config/catalogues/*.yaml) may say: a county's matters, who leads each, by when, and which
matters of other catalogues are the same.

Only the form is judged here. Whether a linked item, a department or a county exists is `bridge.catalogues`' and the
mapping check's to say; nothing here reads a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.call import Unit
from schemas.county import CountyCode, Entry, Name

UNITS: Mapping[str, Unit] = MappingProxyType({
    "分钟": "minute", "工作小时": "working_hour", "工作日": "working_day", "自然日": "calendar_day",
})  # fmt: skip
"""The words of a limit and the unit that each means: working hours and days follow the calendar of working time."""

_LIMIT = re.compile(rf"([1-9]\d{{0,4}})\s*({'|'.join(UNITS)})", re.ASCII)
_LINK = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]{0,63}):(\S+)", re.ASCII)


class Limit(NamedTuple):
    """How long a step may take: an amount of one of the canonical call's units."""

    amount: int
    unit: Unit


class Link(NamedTuple):
    """An item of another catalogue, written `catalogue:code`."""

    catalogue: str
    code: str

    def __str__(self) -> str:
        return f"{self.catalogue}:{self.code}"


def _limit(value: Any) -> Limit:
    if isinstance(value, Limit):
        return value
    found = _LIMIT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("limit", "应写作数字和单位（{units}），如 5工作日 / a number and its unit",
                                  {"units": "、".join(UNITS)})  # fmt: skip
    return Limit(int(found[1]), UNITS[found[2]])


def _link(value: Any) -> Link:
    if isinstance(value, Link):
        return value
    found = _LINK.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("link", "应写作 目录:代码，如 shared:sewage / write it as catalogue:code")
    return Link(found[1], found[2])


Duration = Annotated[
    Limit, BeforeValidator(_limit),
    WithJsonSchema({"type": "string", "pattern": rf"^[1-9]\d{{0,4}}\s*({'|'.join(UNITS)})$"}),
]  # fmt: skip
LinkText = Annotated[
    Link, BeforeValidator(_link),
    WithJsonSchema({"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}:\S+$"}),
]  # fmt: skip


class Limits(Entry):
    """How long acceptance, response and settlement may take, each from the step before; absent: the platform's own."""

    accept: Duration | None = Field(default=None, description="受理时限，如 30分钟 / until it is accepted")
    respond: Duration | None = Field(default=None, description="响应时限，如 2工作小时 / until the department responds")
    finish: Duration | None = Field(default=None, description="办结时限，如 5工作日 / until it is closed")


class CatalogueItem(Entry):
    """One matter. Limits that it leaves out are the catalogue's."""

    name: str = Field(min_length=1, max_length=60, description="事项名称 / its name")
    group: str = Field(
        default="", max_length=40, alias="class", description="大类，路由可按它判断 / its class, for routes too"
    )
    lead: str = Field(
        default="", max_length=60, description="牵头部门的名称，与映射 departments 中的一致 / name of the lead department"
    )
    same_as: tuple[LinkText, ...] = Field(
        default=(), description="与别的目录的哪些事项相同，双向 / the same matter elsewhere, both ways"
    )
    covers: tuple[LinkText, ...] = Field(
        default=(), description="别的目录中更细的哪些事项归入本项，单向 / finer matters elsewhere, towards this one only"
    )
    limits: Limits = Field(default=Limits(), description="本项自己的时限 / limits of its own")
    example: bool | None = Field(default=None, description="示例，非真实事项 / invented, not a real entry")


class Catalogue(Entry):
    """One catalogue, whole. example: what its items are unless they say otherwise."""

    catalogue: Name = Field(description="目录名，与文件名相同 / its name, the file's")
    title: str = Field(min_length=1, max_length=80, description="给人看的名称 / what officials call it")
    county: CountyCode | None = Field(default=None, description="6 位县区代码 / GB/T 2260 county code")
    source: str = Field(min_length=1, description="出处 / where the entries come from")
    example: bool = Field(default=False, description="其中的事项是示例 / its entries are invented")
    other: str = Field(min_length=1, description="兜底事项的代码 / code of the item where nothing fits")
    limits: Limits = Field(default=Limits(), description="未另写的事项的时限 / limits of items without their own")
    items: dict[str, CatalogueItem] = Field(min_length=1, description="代码 → 事项 / code -> item")

    def limits_of(self, code: str) -> Limits:
        """An item's limits, the catalogue's where it has none of its own. KeyError for an unknown code."""
        own = self.items[code].limits
        return Limits(
            accept=own.accept or self.limits.accept, respond=own.respond or self.limits.respond,
            finish=own.finish or self.limits.finish,
        )  # fmt: skip

    def is_example(self, code: str) -> bool:
        """Is this entry invented? KeyError for an unknown code."""
        said = self.items[code].example
        return self.example if said is None else said

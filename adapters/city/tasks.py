"""A `task` answer as a plain dict, and a dict as the elements of a request (contract §7, §8).

Absent -> no key, empty -> "", the first of a repeated element counts, unknown ones are kept. This module must not know
what a field means.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lxml import etree

from adapters.city.media import MEDIA_TYPES
from adapters.city.message import Reply, Unreadable, clean, element, outside_gbk, text_of
from adapters.errors import ConfigError, Refused
from adapters.port import WireBody

REPORT = (
    "outerCode", "recType", "mainType", "subType", "title", "description", "source", "districtCode", "streetCode",
    "communityCode", "cellCode", "address", "x", "y", "reporter", "phone", "urgency",
)  # fmt: skip
STEP = ("step", "opinion", "dept", "operator", "time")
_LISTS = {"steps": "item", "medias": "media"}
_KNOWN = {
    *REPORT, *STEP, "taskNum", "reportTime", "deadline", "dept", "assistDepts", "state", "seq", "mediaId", "type", "url",
}  # fmt: skip
"""Elements of a task, an item, a media that hold text. Whatever else comes may have any form (§1: unknown ones ignored)."""


def body_of(reply: Reply) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The fields of the task that a reply holds, and what could not be read right. Unreadable if it holds none."""
    task = reply.body.find("task")
    if task is None:
        raise Unreadable("no task")
    body: dict[str, Any] = {}
    damage = list(reply.damage)
    for child in task:
        name = child.tag
        if not isinstance(name, str) or name in body:
            continue
        try:
            body[name] = _members(child, _LISTS[name]) if name in _LISTS else _value(child)
        except Unreadable as error:
            damage.append(f"{name}：结构不符，未读取 / not of the agreed structure, left out ({error})")
    for media in body.get("medias", ()):  # a file's own name is not kept there (§8): its address ends in one
        kind = str(media.get("type", ""))
        media |= {"name": f"{media.get('mediaId', '')}.{kind}", "mediaType": MEDIA_TYPES.get(kind, "")}
    damage += [f"{name}：缺失 / is missing" for name in ("taskNum", "title", "state", *_LISTS) if name not in body]
    return body, tuple(damage)


def _members(parent: etree._Element, member: str) -> list[dict[str, Any]]:
    return [_parts(one) for one in parent.findall(member)]


def _parts(parent: etree._Element) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for part in parent:
        if isinstance(part.tag, str) and part.tag not in row:
            row[part.tag] = _value(part)
    return row


def _value(one: etree._Element) -> Any:
    """Its text; of an element that the contract does not know also its parts."""
    if one.tag not in _KNOWN and any(isinstance(part.tag, str) for part in one):
        return _parts(one)
    return text_of(one)


class Outgoing:
    """Builds elements and keeps in `notes` what was taken out of their texts, or will be stored otherwise."""

    def __init__(self, where: str, *, gbk_inside: bool) -> None:
        self.where, self.gbk_inside = where, gbk_inside
        self.notes: list[str] = []

    def elements(self, body: WireBody, allowed: Sequence[str]) -> list[str]:
        """The elements in the interface's order; None is not given. ConfigError for a field that it does not take."""
        if unknown := [str(name) for name in body if name not in allowed]:
            raise ConfigError(
                f"映射给出了接口没有的字段 / fields that the interface does not take: {', '.join(unknown)}",
                where=self.where, remedy=f"可用字段 / fields taken: {', '.join(allowed)}",
            )  # fmt: skip
        return [self.one(name, body[name]) for name in allowed if body.get(name) is not None]

    def one(self, name: str, value: Any) -> str:
        """One element. Refused for what is no text."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise Refused(
                f"字段 {name} 应为文字 / text is needed, not {type(value).__name__}", where=self.where, field=name,
                remedy="检查映射与该记录的内容 / check the mapping and this record",
            )  # fmt: skip
        text, taken = clean(value)
        if taken:
            self.notes.append(f"{name}：已去除 XML 不允许的字符 / characters that XML forbids removed: {', '.join(taken)}")
        if self.gbk_inside and (lost := outside_gbk(text)):
            points = ", ".join(f"U+{ord(one):04X}" for one in lost)
            self.notes.append(f"{name}：该平台存不下的字显示为“?” / stored there as `?`: {points}")
        return element(name, text)

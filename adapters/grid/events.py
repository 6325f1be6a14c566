"""Events of an answer as plain dicts, each with the verbatim bytes of its element.

nil -> None, empty -> "", absent -> no key; text is not trimmed, numbers stay text. A nil list is None, a nil member of
a list is left out. This module must not know what a field means. Contract §7.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lxml import etree

from adapters.grid.characters import Removed
from adapters.grid.reply import Reply, Unreadable, elements, is_nil, local, removed_text, spans, text

_LISTS = {"assistDepts": "dept", "processes": "process", "attachments": "attachment", "extend": "item"}
_BLANK = " \t\r\n\u3000"


@dataclass(frozen=True, slots=True)
class Event:
    """One event. native_id: None if eventId is missing or blank. damage: what could not be read right, in words."""

    native_id: str | None
    body: dict[str, Any]
    raw: bytes
    damage: tuple[str, ...] = ()

    @property
    def updated(self) -> str:
        return str(self.body.get("updateTime") or "")


def events_of(reply: Reply, parent: etree._Element, *, report: bool = True) -> list[Event]:
    """The events that stand in `parent` (`events`, or the response itself), nil ones left out.

    report: say on each event which forbidden characters were taken out of it.
    """
    found = [child for child in reply.children(parent, "event") if not is_nil(child)]
    if not found:
        return []
    root = reply.response.getroottree().getroot()
    # fields are located only where something was taken out: it costs a second pass over the page
    inner = [field for event in found for field in elements(event)] if reply.clean.removed else []
    places = spans(reply.clean.data, root, found + inner)
    inside = dict(zip((id(field) for field in inner), places[len(found) :], strict=True))
    return [_event(reply, event, place, inside, report) for event, place in zip(found, places, strict=False)]


def _event(
    reply: Reply, event: etree._Element, place: tuple[int, int], inside: dict[int, tuple[int, int]], report: bool
) -> Event:
    body, damage = _fields(event)
    removed = tuple(one for one in reply.clean.between(*place) if place[0] < one.at < place[1])
    if worth_telling := tuple(one for one in removed if report or one.lost):
        damage += _told(event, worth_telling, inside)
    native_id = body.get("eventId")
    if not isinstance(native_id, str) or not native_id.strip(_BLANK):
        native_id = None
    return Event(native_id, body, reply.clean.original(reply.source, *place), tuple(damage))


def _told(event: etree._Element, removed: tuple[Removed, ...], inside: dict[int, tuple[int, int]]) -> list[str]:
    told = []
    rest = list(removed)
    for field in elements(event):
        start, end = inside[id(field)]
        if here := tuple(one for one in rest if start < one.at < end):
            told.append(_forbidden(etree.QName(field).localname, here))
            rest = [one for one in rest if one not in here]
    if rest:
        told.append(_forbidden("event", tuple(rest)))
    return told


def _forbidden(name: str, removed: tuple[Removed, ...]) -> str:
    return f"{name}：含不允许的字符，已去除 / characters that do not belong there, removed: {removed_text(removed)}"


def _fields(event: etree._Element) -> tuple[dict[str, Any], list[str]]:
    body: dict[str, Any] = {}
    damage: list[str] = []
    for field in elements(event):
        name = local(field)
        if not name:
            continue  # another namespace: an extension of the installation, not of this interface
        if name in body:
            damage.append(f"{name}：出现多次，取第一个 / occurs more than once, the first is used")
            continue
        read: Callable[[etree._Element], Any] = _list if name in _LISTS else text
        try:
            body[name] = read(field)
        except Unreadable as error:
            damage.append(f"{name}：结构不符，未读取 / not of the agreed structure, left out ({error})")
    return body, damage


def _list(field: etree._Element) -> list[Any] | None:
    if is_nil(field):
        return None
    member = _LISTS[local(field)]
    members = [child for child in elements(field) if local(child) == member and not is_nil(child)]
    if member == "dept":
        return [text(one) for one in members]
    return [{local(part): text(part) for part in elements(one) if local(part)} for one in members]

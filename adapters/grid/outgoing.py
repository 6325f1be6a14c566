"""Requests as bytes: texts cleaned of what XML cannot carry, arguments in the shapes zeep wants.

This module must not know meanings: it takes wire fields as the mapping made them and never changes a value beyond
what the wire forbids. Tokens are added by `wssecurity`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from adapters.errors import ConfigError, Refused
from adapters.grid import description
from adapters.port import WireBody

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_PAIR = re.compile("([\ud800-\udbff])([\udc00-\udfff])")
_NUMBERS = {
    "level": re.compile(r"[+-]?\d+", re.ASCII),
    "lng": re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII),
    "lat": re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII),
}
_LISTS = {"assistDepts": "dept", "attachments": "attachment", "extend": "item"}
_MEMBERS = {"attachments": ("name", "mime", "base64"), "extend": ("key", "value")}


def clean(text: str) -> tuple[str, tuple[str, ...]]:
    """The text that XML 1.0 can carry, and the code points taken out (`U+000B` …), each once, in order.

    CRLF and CR become LF, as any XML reader would make them; two halves of a surrogate pair become their character.
    """
    text = _PAIR.sub(lambda m: (m[1] + m[2]).encode("utf-16-le", "surrogatepass").decode("utf-16-le"), text)
    taken = dict.fromkeys(f"U+{ord(character):04X}" for character in _FORBIDDEN.findall(text))
    return _FORBIDDEN.sub("", text).replace("\r\n", "\n").replace("\r", "\n"), tuple(taken)


class Outgoing:
    """Builds the arguments of one request and keeps in `notes` what was taken out of its texts."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.notes: list[str] = []

    def report(self, body: WireBody) -> dict[str, Any]:
        """reportEvent's arguments from `{element: value}` of EventReport."""
        return {"event": self._fields(body, description.report_names())}

    def update(self, native_id: str, body: WireBody) -> dict[str, Any]:
        """updateEvent's arguments from `{argument: value}` without eventId."""
        names = tuple(name for name in description.argument_names("updateEvent") if name != "eventId")
        return {"eventId": self.text("eventId", native_id), **self._fields(body, names)}

    def text(self, name: str, value: str) -> str:
        """One text, cleaned; what was taken out is noted."""
        cleaned, taken = clean(value)
        if taken:
            self.notes.append(
                f"{name}：已去除 XML 不允许的字符 / characters that XML forbids removed: {', '.join(taken)}"
            )
        return cleaned

    def _fields(self, body: WireBody, allowed: tuple[str, ...]) -> dict[str, Any]:
        if unknown := [str(name) for name in body if name not in allowed]:
            raise ConfigError(
                f"映射给出了接口没有的字段 / the mapping gives fields that the interface does not take: "
                f"{', '.join(unknown)}",
                where=self.where, remedy=f"可用字段 / fields taken: {', '.join(allowed)}",
            )  # fmt: skip
        # None and an empty number are "not given" (an empty number would break the schema); an empty text is sent.
        return {
            name: self._list(name, value) if name in _LISTS else self._scalar(name, value)
            for name, value in body.items()
            if value is not None and not (name in _NUMBERS and value == "")
        }

    def _scalar(self, name: str, value: Any) -> str:
        if name in _NUMBERS and isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
            value = str(value) if isinstance(value, int) else format(Decimal(str(value)), "f")  # never 1E-5
        if not isinstance(value, str):
            raise self._refused(name, f"应为文字 / text is needed, not {type(value).__name__}")
        if name in _NUMBERS and not _NUMBERS[name].fullmatch(value):
            raise self._refused(name, "不是数字 / not a number")
        return self.text(name, value)

    def _list(self, name: str, value: Any) -> dict[str, list[Any]]:
        if not isinstance(value, (list, tuple)):
            raise self._refused(name, f"应为列表 / a list is needed, not {type(value).__name__}")
        if name == "assistDepts":
            return {_LISTS[name]: [self._scalar("dept", member) for member in value]}
        return {_LISTS[name]: [self._member(name, member) for member in value]}

    def _member(self, name: str, member: Any) -> dict[str, Any]:
        keys = _MEMBERS[name]
        if not isinstance(member, Mapping) or set(member) != set(keys):
            raise self._refused(name, f"每项应恰有 / each member has exactly: {', '.join(keys)}")
        return {key: self._bytes(member[key]) if key == "base64" else self._scalar(key, member[key]) for key in keys}

    def _bytes(self, value: Any) -> bytes:
        """File bytes as they are, or Base64 text."""
        if isinstance(value, (bytes, bytearray, memoryview)):
            return bytes(value)
        try:
            return base64.b64decode("".join(str(value).split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise self._refused("base64", "不是 Base64 / not Base64") from error

    def _refused(self, name: str, why: str) -> Refused:
        return Refused(
            f"字段 {name} 无法发送：{why} / field {name} cannot be sent", where=self.where, field=name,
            remedy="检查映射与该记录的内容 / check the mapping and this record",
        )  # fmt: skip

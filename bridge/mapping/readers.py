"""From one wire value to its canonical value: the converters that a rule names, made ready for that rule.

A reader takes any value at all: it answers a JSON value, tells anomalies to its notes, and raises Unreadable only for
a code that no table covers. This module must not know a platform, entries or operations.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping as Map
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from bridge.documents import nearest
from bridge.mapping import converters, coordinates
from bridge.mapping.language import Mapping, Named, PersonParts, Rule, Table
from bridge.mapping.notes import ABSENT, Fields, Notes, Unreadable
from bridge.mapping.paths import get

Read = Callable[[Any, Notes], Any]


def reader_of(mapping: Mapping, field: str, rule: Rule) -> Read:
    """The converter of one field: (wire value, notes) -> canonical JSON value. Unreadable for an unlisted code."""
    if rule.table:
        return _table_reader(mapping.tables[rule.table], field, ".".join(rule.wire), f"tables.{rule.table}.codes")
    match rule.convert:
        case "time" | "epoch_ms" | "epoch_s":
            return time_reader(mapping, rule.convert, rule.time, rule.zone)
        case "point":
            return _point_reader(rule.crs or mapping.crs or "WGS 84", mapping.box)
        case "person":
            assert rule.person
            return _person_reader(mapping, field, rule.person)
        case "code":
            return lambda v, n: code_of(v, n) or None
        case "item":
            assert mapping.items
            return _item_reader(mapping.items)
        case "department":
            assert mapping.departments
            named = mapping.departments
            return lambda v, n: target_of(named, text_of(v, n))
        case "departments":
            assert mapping.departments
            names = mapping.departments
            return lambda v, n: [target_of(names, code) for code in codes_of(v)]
        case "phones":
            return lambda v, n: list(converters.read_phones(v, n))
        case "list":
            return lambda v, n: codes_of(v)
        case "pairs":
            return _pairs_reader(rule.pairs)
        case "files":
            return _files_reader(rule.files)
        case "flag":
            return lambda v, n: v in (True, "true", "1", 1, "是")
        case "number":
            return lambda v, n: v if isinstance(v, int | float) and not isinstance(v, bool) else text_of(v, n)
        case _:
            return text_of


def text_of(value: Any, note: Notes) -> str:
    """Text as it stands, numbers as they are written; anything else is told and shown as its JSON-like form."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:  # JSON can carry halves of a character; no store, no other platform can
            value, taken = converters.clean(value)
            if taken:
                note(f"去除无效字符 / invalid characters taken out: {', '.join(taken)}")
        return str(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    note(f"应为文字，得到 / text expected, found {type(value).__name__}")
    return str(value)


def code_of(value: Any, note: Notes) -> str:
    """A code as text in half width, without blanks around it."""
    if type(value) is str and value.isascii():
        return value.strip()
    return converters.fold(text_of(value, note)).strip()


def coded(value: Any) -> str:
    """A wire value as a code is written in a mapping: text without blanks and full width, `true` and `false`."""
    if isinstance(value, str):
        return converters.fold(value).strip()
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def codes_of(value: Any) -> list[str]:
    """Codes from a list, or from one text with commas, without blanks."""
    parts = value if isinstance(value, list) else re.split(r"[,，;；]", str(value))
    return [code for part in parts if part is not None and (code := str(part).strip())]


def time_reader(mapping: Mapping, form: str, pattern: str | None, zone: str | None) -> Read:
    where = ZoneInfo(zone or mapping.zone)
    if form == "time":
        compiled = converters.time_pattern(pattern or mapping.time or "yyyy-MM-dd HH:mm:ss")

        def read_text(value: Any, note: Notes) -> str | None:
            moment = converters.read_time(value, note, compiled, where)
            return moment.isoformat() if moment else None

        return read_text
    read_epoch = converters.read_epoch_ms if form == "epoch_ms" else converters.read_epoch_s

    def read_number(value: Any, note: Notes) -> str | None:
        moment = read_epoch(value, note)
        return moment.isoformat() if moment else None

    return read_number


def _table_reader(table: Table, field: str, wire: str, key: str) -> Read:
    codes = table.codes

    def read(value: Any, note: Notes) -> Any:
        code = coded(value)
        if code in codes:
            return codes[code]
        if table.otherwise and table.otherwise.read is not None:
            note(f"未列出的代码 {code!r}，按 {table.otherwise.read} 处理 / unlisted code, taken as that")
            return table.otherwise.read
        raise Unreadable(field, wire, f"未列出的代码 / unlisted code {code!r}", nearest(code, codes), key,
                         "在代码表中补上，或写明 otherwise / add it to the table or declare `otherwise`")  # fmt: skip

    return read


def _point_reader(crs: str, box: list[float] | None) -> Read:
    bounds = (box[0], box[1], box[2], box[3]) if box else None

    def read(value: Any, note: Notes) -> Any:
        x, y = (None if one is ABSENT else one for one in value)
        point = coordinates.read_point(x, y, crs, bounds, note)
        return point.model_dump(mode="json") if point else None

    return read


def _item_reader(named: Named) -> Read:
    def read(value: Any, note: Notes) -> Any:
        code = code_of(value, note)
        if code not in named.codes:
            other = named.codes.get(named.other, named.other)
            note(f"未列出的事项代码 {code!r}，按“{other}”处理 / unlisted item code, treated as that")
        return {"catalogue": named.catalogue, "code": code, "name": named.codes.get(code)}

    return read


def target_of(named: Named, code: str) -> Fields:
    """A department by its code: with the name, if the list has it."""
    folded = converters.fold(code).strip()
    return {"code": folded, "name": named.codes.get(folded)}


def _person_reader(mapping: Mapping, field: str, parts: PersonParts) -> Read:
    nothing = frozenset(mapping.nothing)
    flag = _table_reader(mapping.tables[parts.table], field, parts.secret or "", f"tables.{parts.table}.codes") \
        if parts.table else (lambda v, n: v is True or v in ("1", "true", 1))  # fmt: skip
    scope: dict[str, Any] = {"ABSENT": ABSENT}
    paths = [parts.name, parts.phone, parts.secret]
    exec("def take(w): return (" + ", ".join(get(p) if p else "ABSENT" for p in paths) + ",)", scope)
    take = scope["take"]

    def given(value: Any) -> Any:
        if value is ABSENT or value is None or (isinstance(value, str) and (not value.strip() or value in nothing)):
            return None
        return value

    def read(w: Any, note: Notes) -> Any:
        name, phone, secret = take(w)
        if name is ABSENT and phone is ABSENT and secret is ABSENT:
            return ABSENT
        person: Fields = {}
        secrecy = {"confidential"} if secret is not ABSENT and secret is not None and flag(secret, note) else set()
        if (text := given(name)) is not None:
            text = text_of(text, note)
            if word := converters.is_secret_word(text):
                secrecy.add(word)
            else:
                person["name"] = text
        if (text := given(phone)) is not None:
            text = text_of(text, note)
            if word := converters.is_secret_word(text):
                secrecy.add(word)
            else:
                person["phone_text"] = text
                person["phones"] = list(converters.read_phones(text, note))
        person |= dict.fromkeys(secrecy, True)
        return person or None

    return read


def _pairs_reader(keys: list[str]) -> Read:
    key, value = keys

    def read(rows: Any, note: Notes) -> Any:
        pairs = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return {str(row.get(key)): row.get(value) for row in pairs if row.get(key)} or None

    return read


def _files_reader(names: Map[Any, str]) -> Read:
    def read(rows: Any, note: Notes) -> Any:
        if isinstance(rows, str):  # one address alone, or several in one text
            parts = rows.split(names["split"]) if names.get("split") else [rows]
            return [_address(part.strip()) for part in parts if part.strip()] or None
        if isinstance(rows, dict):  # one object where a list was meant
            rows = [rows]
        if not isinstance(rows, list):
            note(f"应为附件列表，得到 / list of files expected, found {type(rows).__name__}")
            return None
        files = []
        for row in rows:
            if isinstance(row, str) and row.strip():
                files.append(_address(row.strip()))
            elif isinstance(row, dict) and (file_id := row.get(names["id"])):
                size = str(row.get(names.get("size", ""), "") or "")
                version = row.get(names.get("version", ""))
                files.append({
                    "native_id": f"{file_id}#{version}" if version else str(file_id),
                    "name": str(row.get(names.get("name", ""), "") or file_id),
                    "media_type": row.get(names.get("media_type", "")) or None,
                    "size": int(size) if len(size) < 19 and size.isascii() and size.isdigit() else None,
                })  # fmt: skip
        return files or None

    return read


def _address(text: str) -> Fields:
    """A file whose id is its address; its name is what stands last in it."""
    return {"native_id": text, "name": unquote(urlsplit(text).path.rpartition("/")[2]), "media_type": None, "size": None}

"""What holds of canonical fields whatever the platform: areas that contain each other, persons kept secret, equal values.

This module must not know a platform, a mapping or the ledger.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from bridge.mapping import converters
from bridge.mapping.concealment import ANY_MOBILE
from bridge.mapping.notes import Fields, Notes

TEXTS = ("title", "description", "place.address", "calling_unit", "reply_internal", "reply_public")
PERSONS = ("reporter", "caller")


def finest_area(fields: Fields) -> Any:
    """The code of the village, else the town, else the county; None if there is none."""
    return next((code for level in ("village", "town", "county") if (code := fields.get(f"area.{level}"))), None)


def derive_areas(fields: Fields) -> None:
    """Coarser area codes from finer ones: the first 12, 9 and 6 digits. What was given is left as it is. A code of any
    level (`division`) is of the level that its length tells; of no such length, it is kept in the extras."""
    finest = ""
    levels = (("grid", 15), ("village", 12), ("town", 9), ("county", 6))
    if any_level := fields.pop("division", None):
        level = next((name for name, digits in levels if len(str(any_level)) == digits), None)
        if level:
            fields.setdefault(f"area.{level}", any_level)
        else:
            fields["extras"] = {**(fields.get("extras") or {}), "division": any_level}
    for level, digits in levels:
        code = fields.get(f"area.{level}")
        if code:
            finest = str(code)
        elif len(finest) > digits and finest.isascii() and finest.isdigit():
            fields[f"area.{level}"] = finest[:digits]


def nested(fields: Fields, notes: Notes) -> Fields:
    """The fields without a village or grid that does not lie in their town: no platform takes these codes together."""
    within, kept = str(fields.get("area.town") or ""), dict(fields)
    for finer in ("area.village", "area.grid"):
        code = str(fields.get(finer) or "")
        if code and not code.startswith(within):
            notes.field = finer
            notes(f"{code} 不在 {within} 之内，未写 / does not lie in it, left out")
            kept[finer] = None
        else:
            within = code or within
    return kept


def safe(fields: Fields, secrets: tuple[str, ...], notes: Notes) -> Fields:
    """The fields as they may leave: confidential persons' names and numbers concealed in every text, control
    characters taken out."""
    leaving = dict(fields)
    for field in TEXTS:
        if isinstance(text := leaving.get(field), str):
            notes.field = field
            clean, taken = converters.clean(converters.conceal(text, secrets))
            if taken:
                notes(f"去除控制字符 / control characters taken out: {', '.join(taken)}")
            leaving[field] = clean
    return leaving


def secrets_of(fields: Fields) -> tuple[str, ...]:
    """Names and numbers of the call's confidential and anonymous persons, also those they had before they asked for it:
    they never leave. Every mobile number, where a person's own is not known."""
    words = [*(fields.get("secrets") or ())]
    for role in PERSONS:
        person: Fields = fields.get(role) or {}
        if is_secret(person):
            words += words_of(person)
            if not (person.get("phones") or person.get("phone_text")):
                words.append(ANY_MOBILE)  # a platform that keeps the number to itself
    return tuple(words)


def is_secret(person: Fields | None) -> bool:
    return bool(person and (person.get("confidential") or person.get("anonymous")))


def words_of(person: Fields | None) -> list[str]:
    """A person's name and numbers."""
    shown = person or {}
    return [w for w in (shown.get("name"), shown.get("phone_text"), *(shown.get("phones") or ())) if w]


def differing(shown: Fields, snapshot: Fields) -> Fields:
    """What the platform now shows otherwise than it did: path -> new value. Paths it never showed before are not
    differences, nor are paths it does not show now."""
    return {field: value for field, value in shown.items() if field in snapshot and not same(value, snapshot[field])}


def same(one: Any, other: Any) -> bool:
    """Equal values; points by their original numbers where both are of one reference system; items by their code: a
    catalogue's name and its items' names are our configuration, and mending those edits no call."""
    if isinstance(one, dict) and isinstance(other, dict) and "catalogue" in one and one.get("code"):
        return bool(one["code"] == other.get("code"))
    if isinstance(one, dict) and isinstance(other, dict) and one.get("crs", "") == other.get("crs"):
        try:
            return all(Decimal(one[axis]) == Decimal(other[axis]) for axis in ("x", "y"))
        except InvalidOperation:
            return bool(one == other)
    return bool(one == other) or (one in (None, [], {}) and other in (None, [], {}))

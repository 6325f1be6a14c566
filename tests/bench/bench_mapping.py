"""What the mapping language costs: the compiled reading of a grid event beside the same thing written by hand.

Prints microseconds a record and their ratio; it judges nothing but that both give the same result.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bridge.mapping import converters, coordinates
from bridge.mapping.compiler import compile_fields
from bridge.mapping.files import load_mapping
from bridge.mapping.notes import Notes
from bridge.mapping.samples import records_in
from schemas.moment import SHANGHAI

ROOT = Path(__file__).parents[2]
PATTERN = converters.time_pattern("yyyy-MM-dd HH:mm:ss")
LEVELS = {"1": "critical", "2": "urgent", "3": "urgent", "4": "ordinary"}
BOX = (118.3, 34.9, 120.1, 36.2)
NOTHING = ("无", "null", "NULL")
ROUNDS, REPEATS = 50, 200


def by_hand(items: dict[str, str], departments: dict[str, str]) -> Callable[[dict[str, Any], Notes], dict[str, Any]]:
    """The reading of a grid event as one would write it without a language, all forms of empty included."""

    def text(value: Any) -> Any:
        return None if value is None or not value or value.isspace() or value in NOTHING else value

    def code(value: Any) -> Any:
        return None if text(value) is None else converters.fold(value).strip() or None

    def time(value: Any, note: Notes) -> Any:
        moment = None if text(value) is None else converters.read_time(value, note, PATTERN, SHANGHAI)
        return moment.isoformat() if moment else None

    def department(value: str) -> dict[str, Any]:
        folded = converters.fold(value).strip()
        return {"code": folded, "name": departments.get(folded)}

    def person(name: Any, phone: Any, note: Notes) -> Any:
        found: dict[str, Any] = {}
        if (name := text(name)) is not None:
            if word := converters.is_secret_word(name):
                found[word] = True
            else:
                found["name"] = name
        if (phone := text(phone)) is not None:
            if word := converters.is_secret_word(phone):
                found[word] = True
            else:
                found["phone_text"] = phone
                found["phones"] = list(converters.read_phones(phone, note))
        return found or None

    def read(w: dict[str, Any], n: Notes) -> dict[str, Any]:
        kind = code(w["eventType"])
        level = text(w["level"])
        point = coordinates.read_point(w["lng"], w["lat"], "GCJ-02", BOX, n)
        files = [
            {"native_id": f["attachId"], "name": f["name"], "media_type": None, "size": int(f["size"])}
            for f in w["attachments"] or ()
        ]
        return {
            "title": text(w["title"]),
            "description": text(w["content"]),
            "item": None if kind is None else {"catalogue": "donggang", "code": kind, "name": items.get(kind)},
            "urgency": None if level is None else LEVELS[level],
            "channel": "grid_inspection",
            "area.grid": code(w["gridCode"]),
            "area.grid_name": text(w["gridName"]),
            "area.town": code(w["townCode"]),
            "area.town_name": text(w["townName"]),
            "area.village": code(w["villageCode"]),
            "calling_unit": text(w["townName"]),
            "reporter": person(w["reporter"], w["reporterTel"], n),
            "caller": person(w["caller"], w["callerTel"], n),
            "place.address": text(w["address"]),
            "place.point": point.model_dump(mode="json") if point else None,
            "happened_at": time(w["happenTime"], n),
            "reported_at": time(w["reportTime"], n),
            "due": time(w["limitTime"], n),
            "lead": department(w["mainDept"]) if text(w["mainDept"]) else None,
            "assists": [department(one) for one in w["assistDepts"]] if w["assistDepts"] else None,
            "files": files or None,
            "extras": {pair["key"]: pair["value"] for pair in w["extend"]} if w["extend"] else None,
        }

    return read


def test_the_language_costs_little_beside_code_written_by_hand(capsys: Any) -> None:
    """Compiled and written by hand give the same fields; the ratio of their times is printed."""
    loaded = load_mapping("grid", [ROOT / "mappings"])
    assert loaded.mapping.items and loaded.mapping.departments
    sample = ROOT / "docs/contracts/grid/samples/queryEvents.response.xml"
    compiled = compile_fields(loaded.mapping).read
    hand = by_hand(loaded.mapping.items.codes, loaded.mapping.departments.codes)
    with capsys.disabled():
        for event in records_in(sample.read_bytes(), loaded.mapping):
            assert compiled(event, Notes()) == hand(event, Notes())
            fast, slow = best(hand, compiled, event)
            said = f"手写 / by hand {fast:.1f} µs · 编译 / compiled {slow:.1f} µs"
            print(f"\n{event['eventId']}: {said} · {slow / fast:.2f}×")


def best(
    one: Callable[[dict[str, Any], Notes], Any], other: Callable[[dict[str, Any], Notes], Any], event: dict[str, Any]
) -> tuple[float, float]:
    """Microseconds a record of both, measured in turns: the best of many, which other work disturbs least."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(REPEATS):
        for read, taken in ((one, times[0]), (other, times[1])):
            taken.append(timeit.timeit(partial(read, event, Notes()), number=ROUNDS))
    return min(times[0]) / ROUNDS * 1e6, min(times[1]) / ROUNDS * 1e6

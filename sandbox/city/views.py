"""How a stored task looks in answers, and damage done to answers on purpose.

Must not know the store's tables, HTTP, or who asks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.city.contract import TASK_FIELDS
from sandbox.city.registry import Found
from sandbox.city.store import Change, Media
from sandbox.city.writing import Branch, Leaf, Node

_ITEM_FIELDS = ("seq", "step", "opinion", "dept", "operator", "time")
_INSIDE = {"steps": "item", "medias": "media"}


def feed(changes: Iterable[Change], last: int, more: bool) -> list[Node]:
    """The body of `changes`."""
    lines: list[Node] = [
        Leaf("change", "", (("seq", str(change.seq)), ("taskNum", change.task_num))) for change in changes
    ]
    return [*lines, Leaf("last", str(last)), Leaf("more", "true" if more else "false")]


def whole(found: Found, url: Callable[[Media], str]) -> dict[str, Any]:
    """The task by element name, in XSD order; steps and medias as lists of the same."""
    view: dict[str, Any] = {name: found.fields[name] for name in TASK_FIELDS}
    view["steps"] = [{name: item[name] for name in _ITEM_FIELDS} for item in found.steps]
    view["medias"] = [{"mediaId": one.media_id, "type": one.type, "url": url(one)} for one in found.medias]
    return view


def task(view: Mapping[str, Any]) -> Branch:
    """The `task` element of a view."""
    children: list[Node] = []
    for name, value in view.items():
        if isinstance(value, list):
            inside = _INSIDE[name]
            rows = (Branch(inside, tuple(Leaf(*pair) for pair in row.items()), inline=True) for row in value)
            children.append(Branch(name, tuple(rows)))
        else:
            children.append(Leaf(name, value))
    return Branch("task", tuple(children))


@dataclass
class _Wound:
    values: dict[str, str | bytes] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Swap:
    operation: str
    find: bytes
    put: bytes


class Damage:
    """Elements of task answers overridden (text, or bytes as they are) or left out, and bytes of any answer replaced.

    Paths: `reporter`, or `steps.0.opinion` (counted from 0).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wounds: dict[str, _Wound] = {}
        self._swaps: list[_Swap] = []

    def inflict(self, task_num: str, values: Mapping[str, str | bytes], missing: Iterable[str]) -> None:
        with self._lock:
            wound = self._wounds.setdefault(task_num, _Wound())
            wound.values.update(values)
            wound.missing.update(missing)

    def swap(self, operation: str, find: bytes, put: bytes) -> None:
        """In every answer of `operation` ("" = all), `find` becomes `put`; an empty `find` puts before everything."""
        with self._lock:
            self._swaps.append(_Swap(operation, find, put))

    def heal(self, task_num: str | None) -> None:
        """Forgets the damage of one task, or all damage."""
        with self._lock:
            if task_num is None:
                self._wounds.clear()
                self._swaps.clear()
            else:
                self._wounds.pop(task_num, None)

    def done_to(self, view: dict[str, Any]) -> dict[str, Any]:
        """`view` as it is answered; paths that this task does not have are passed over."""
        with self._lock:
            wound = self._wounds.get(view["taskNum"])
            if wound is None:
                return view
            broken = view | {name: [dict(row) for row in view[name]] for name in _INSIDE}
            for path, value in wound.values.items():
                holder, last = _holder(broken, path)
                if holder is not None:
                    holder[last] = value
            for path in wound.missing:
                holder, last = _holder(broken, path)
                if holder is not None:
                    holder.pop(last, None)
            return broken

    def done_to_bytes(self, operation: str, answer: bytes) -> bytes:
        with self._lock:
            for swap in self._swaps:
                if swap.operation in ("", operation):
                    answer = answer.replace(swap.find, swap.put) if swap.find else swap.put + answer
            return answer


def _holder(view: dict[str, Any], path: str) -> tuple[dict[str, Any] | None, str]:
    """(what holds the element of this path, its name there)."""
    match path.split("."):
        case [name]:
            return view, name
        case [("steps" | "medias") as name, place, last]:
            rows = view.get(name, [])
            return (rows[int(place)], last) if int(place) < len(rows) else (None, last)
    raise ValueError(f"no such path in a task: {path}")

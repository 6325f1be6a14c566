"""Members of answers overridden or left out on purpose, by case id; paths may be dotted. No part of the contract."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Mapping
from typing import Any


class Damage:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wounds: dict[str, tuple[dict[str, Any], set[str]]] = {}

    def inflict(self, case_id: str, values: Mapping[str, Any], missing: Iterable[str]) -> None:
        with self._lock:
            present, gone = self._wounds.setdefault(case_id, ({}, set()))
            present.update(values)
            gone.update(missing)

    def heal(self) -> None:
        with self._lock:
            self._wounds.clear()

    def done_to(self, view: dict[str, Any]) -> dict[str, Any]:
        """`view` as it is answered."""
        with self._lock:
            wound = self._wounds.get(view["id"])
            if wound is None:
                return view
            broken = copy.deepcopy(view)
            for path, value in wound[0].items():
                holder, last = _holder(broken, path)
                holder[last] = copy.deepcopy(value)
            for path in wound[1]:
                holder, last = _holder(broken, path)
                holder.pop(last, None)
            return broken


def _holder(view: dict[str, Any], path: str) -> tuple[Any, str]:
    *steps, last = path.split(".")
    holder: Any = view
    for step in steps:
        holder = holder[step]
    return holder, last

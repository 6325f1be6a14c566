"""Members of answers overridden or left out on purpose, by service_request_id. No part of the contract."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any


class Damage:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wounds: dict[str, tuple[dict[str, Any], set[str]]] = {}

    def inflict(self, request_id: str, values: Mapping[str, Any], missing: Iterable[str]) -> None:
        with self._lock:
            present, gone = self._wounds.setdefault(request_id, ({}, set()))
            present.update(values)
            gone.update(missing)

    def heal(self) -> None:
        with self._lock:
            self._wounds.clear()

    def done_to(self, view: dict[str, Any]) -> dict[str, Any]:
        """`view` as it is answered."""
        with self._lock:
            values, missing = self._wounds.get(view["service_request_id"], ({}, set()))
            return {name: value for name, value in (view | values).items() if name not in missing}

"""Some hundred records as a platform shows them now, read beside the bridge: its own position stays where it is.

Nothing is written or acknowledged. This module must not know what the records mean, nor what they are wanted for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.port import Adapter, Cursor


@dataclass(frozen=True, slots=True)
class Sample:
    """Bodies of whole records in the platform's order; cursor: behind the last page that was read to its end (None: not
    even one). damaged: how many could not be read. whole: nothing more is there."""

    bodies: tuple[Mapping[str, Any], ...]
    cursor: Cursor | None
    damaged: int
    whole: bool


def sample(adapter: Adapter, since: Cursor | None, most: int) -> Sample:
    """At most `most` records changed from `since` on (None: from the beginning). WireError as the adapter raises it."""
    bodies: list[Mapping[str, Any]] = []
    damaged, cursor = 0, since
    for page in adapter.pull(since):
        for record in page.records:
            if len(bodies) >= most:
                return Sample(tuple(bodies), cursor, damaged, whole=False)
            full = adapter.fetch(record.native_id) if record.partial and record.native_id is not None else record
            if full is None:  # it left the platform meanwhile
                continue
            if full.damage:
                damaged += 1
            else:
                bodies.append(full.body)
        cursor = page.cursor
    return Sample(tuple(bodies), cursor, damaged, whole=True)

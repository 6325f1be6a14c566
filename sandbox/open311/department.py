"""Scripted clerks: they take up, note and close the requests that came over the API, one step a request and round.

What comes next is read off the request as it stands, so the script survives restarts and other people's steps. Must
not know HTTP.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping
from typing import Any

from sandbox.office import Office
from sandbox.open311.registry import CLOSED, OPEN, Registry
from sandbox.open311.times import ServerClock, write_time

_AGENCIES: Mapping[str, str] = {"006": "岚山区交通运输局", "ENV66": "市生态环境局岚山分局"}
_OTHER = "岚山区综合行政执法局"
_ON_SITE = ("已到现场核查，正在处置。", "已与镇街对接，正在处置。", "已责令立即整改，正在跟进。")
_DONE = ("已处置完毕，现场恢复正常。", "已整改到位，并安排日常巡查。", "问题已解决，已向反映人说明情况。")


def next_step(document: Mapping[str, Any], now: float) -> dict[str, Any] | None:
    """The clerks' next change of this request, None where they leave it alone."""
    script = zlib.crc32(document["service_request_id"].encode())
    if document["status"] != OPEN:
        return None
    if document["agency_responsible"] is None:
        agency = _AGENCIES.get(document["service_code"], _OTHER)
        due = write_time(now + 86_400 * (1 + script % 3))
        return {"agency_responsible": agency, "expected_datetime": due, "status_notes": f"已受理，转{agency}办理。"}
    if document["status_notes"] not in _ON_SITE:
        return {"status_notes": _ON_SITE[script % 3]}
    return {"status": CLOSED, "status_notes": _DONE[script % 3]}


class Department:
    """The clerks' office: works in the background while started, or round by round on demand."""

    def __init__(self, registry: Registry, clock: ServerClock) -> None:
        self._registry, self._clock = registry, clock
        self.office = Office("open311", self.round)
        self._left_alone: tuple[str, ...] = ()

    def leave_alone(self, beginnings: Collection[str]) -> None:
        """Requests whose description begins so, and no others, are somebody else's to handle."""
        self._left_alone = tuple(beginnings)

    def round(self) -> int:
        """One step on every request that has one; how many steps were taken."""
        taken = 0
        with self._registry.store.lock:
            for document in self._registry.store.all():
                theirs = document["fingerprint"] is not None and document["shown_from"] is not None
                if not theirs or document["shown_from"] > self._clock.now():
                    continue
                if self._left_alone and (document["description"] or "").startswith(self._left_alone):
                    continue
                step = next_step(document, self._clock.now())
                if step is not None:
                    self._registry.change(document["service_request_id"], step)
                    taken += 1
        return taken

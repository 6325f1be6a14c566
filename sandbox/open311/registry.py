"""The server's register: requests are made, found and changed by officials. Must not know HTTP or formats."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sandbox.open311.contract import Contract
from sandbox.open311.refusal import refuse
from sandbox.open311.rules import Wish
from sandbox.open311.store import Document, Store
from sandbox.open311.times import ZONE, ServerClock, Settings, write_time

OPEN, CLOSED = "open", "closed"
EDITABLE = frozenset({"service_code", "description", "address", "address_id", "zipcode", "lat", "long", "media_url",
                      "status_notes", "agency_responsible", "service_notice", "expected_datetime"})  # fmt: skip


class Registry:
    """mint: a new token, each time another."""

    def __init__(
        self, store: Store, contract: Contract, clock: ServerClock, settings: Settings, mint: Callable[[], str]
    ) -> None:
        self.store, self.contract, self._clock, self._settings, self._mint = store, contract, clock, settings, mint

    def create(self, members: Mapping[str, Any], fingerprint: str | None) -> Document:
        """A new request. fingerprint: what it was sent as; None = a citizen's own report, which has its id at once."""
        service = self.contract.services[members["service_code"]]
        kind = "realtime" if fingerprint is None else service["type"]
        now = int(self._clock.now())
        with self.store.lock:
            number = self.store.next_number()
            token = self._mint() if kind == "batch" else None
            wait = self._wait(token) if token else 0.0
            document: Document = {
                "zipcode": None, "status_notes": None, "agency_responsible": None, "service_notice": None,
                "expected_datetime": None, **members, "number": number, "token": token, "status": OPEN, "requested": now,
                "updated": now, "fingerprint": fingerprint, "known_from": None if kind == "blackbox" else now + wait,
                "service_request_id": f"{datetime.fromtimestamp(now, ZONE).year}-{number:09d}",
            }  # fmt: skip
            document["shown_from"] = None if kind == "blackbox" else now + max(0.0, wait - self._settings.feed_lead_seconds)
            self.store.save(document)
        return document

    def _wait(self, token: str) -> float:
        least, most = self._settings.token_min_seconds, self._settings.token_max_seconds
        return least + zlib.crc32(token.encode()) % 1001 / 1000 * (most - least)

    def of_token(self, token: str) -> tuple[Document, bool]:
        """(the request, has it its id by now). Refused 404."""
        document = self.store.by("token", token)
        if document is None:
            raise refuse(404, "token不存在")
        return document, document["known_from"] <= self._clock.now()

    def one(self, request_id: str) -> Document:
        """As anybody may see it. Refused 404."""
        document = self.store.by("id", request_id)
        if document is None or document["shown_from"] is None or document["shown_from"] > self._clock.now():
            raise refuse(404, "service_request_id不存在")
        return document

    def list(self, wish: Wish) -> list[Document]:
        where: list[tuple[str, list[object]]] = [("shown_from <= ?", [self._clock.now()])]
        for column, wanted in (("id", wish.ids), ("service_code", wish.codes), ("status", wish.statuses)):
            if wanted:
                where.append((f"{column} IN ({', '.join('?' * len(wanted))})", list(wanted)))
        for column, (least, most) in (("requested", wish.requested), ("updated", wish.updated)):
            if least is not None:
                where.append((f"{column} >= ?", [least]))
            if most is not None:
                where.append((f"{column} <= ?", [most]))
        return self.store.select(where, "updated" if wish.by_update else "requested", wish.most, wish.skip)

    def change(self, request_id: str, members: Mapping[str, Any]) -> Document:
        """Officials' own: status, notes, agency, … now. Refused 404 for an unknown id; ValueError for a wrong member."""
        if wrong := members.keys() - EDITABLE - {"status"}:
            raise ValueError(f"no such member: {', '.join(sorted(wrong))}; known: {', '.join(sorted(EDITABLE))}, status")
        if members.get("status", OPEN) not in (OPEN, CLOSED):
            raise ValueError("status is open or closed")
        if members.get("service_code", next(iter(self.contract.services))) not in self.contract.services:
            raise ValueError("no such service_code")
        with self.store.lock:
            document = self.store.by("id", request_id)
            if document is None:
                raise refuse(404, "service_request_id不存在")
            document |= members
            document["updated"] = max(int(self._clock.now()), document["updated"])
            self.store.save(document)
        return document

    def view(self, document: Document, public_url: str) -> dict[str, Any]:
        """As answers show it. public_url: where the server's own media are found."""
        media = document["media_url"]
        return {
            "service_request_id": document["service_request_id"], "status": document["status"],
            "status_notes": document["status_notes"],
            "service_name": self.contract.services[document["service_code"]]["service_name"],
            "service_code": document["service_code"], "description": document["description"],
            "agency_responsible": document["agency_responsible"], "service_notice": document["service_notice"],
            "requested_datetime": write_time(document["requested"]), "updated_datetime": write_time(document["updated"]),
            "expected_datetime": document["expected_datetime"], "address": document["address"],
            "address_id": document["address_id"], "zipcode": document["zipcode"], "lat": document["lat"],
            "long": document["long"], "media_url": public_url + media if (media or "").startswith("/") else media,
        }  # fmt: skip

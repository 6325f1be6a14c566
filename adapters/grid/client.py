"""The wire of a grid platform: the six operations as requests and vetted replies (contract §1, §2, §5).

This module must not know the port's records or receipts, nor the meaning of a field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from lxml import etree

from adapters import retry
from adapters.errors import ConfigError, OutcomeUnknown, Refused, WireError
from adapters.grid import description
from adapters.grid.events import Event, events_of
from adapters.grid.reply import Reply, Unreadable, is_nil
from adapters.grid.settings import Settings
from adapters.grid.verdict import FAILED_AUTHENTICATION, Asked, judge, unclear
from adapters.grid.wssecurity import NONCE_BYTES, add_token
from adapters.port import Connection, Surroundings
from adapters.transport import Answer, Transport

_TOLERATED = timedelta(seconds=30)
"""A token may be 300 s old and 60 s ahead; `Date` says whole seconds. Below this our own clock serves."""


@dataclass(frozen=True, slots=True)
class Rows:
    """One answer of queryEvents. count: rows that stood in it, nil ones too. total: as told, None if it was not."""

    events: tuple[Event, ...]
    count: int
    total: int | None
    answer: Answer


@dataclass(slots=True)
class Client:
    """One platform's operations. `skew`: the platform's clock minus ours as last measured, None before that."""

    platform: str
    settings: Settings
    connection: Connection
    surroundings: Surroundings
    transport: Transport
    skew: timedelta | None = field(default=None)

    @property
    def endpoint(self) -> str:
        return self.connection.url.rstrip("/") + self.settings.path

    def where(self, operation: str, record: str = "") -> str:
        return " ".join(part for part in (self.platform, operation, record) if part)

    def query(self, updated_from: str, updated_to: str, page_no: int, page_size: int, *, attempts: int = 0) -> Rows:
        """queryEvents, §6. Both times `yyyy-MM-dd HH:mm:ss`, Beijing, inclusive; page_no from 1."""
        asked = self._asked("queryEvents", f"{updated_from}…{updated_to} #{page_no}")
        arguments = {"updatedFrom": updated_from, "updatedTo": updated_to, "pageNo": page_no, "pageSize": page_size}
        reply, answer = self._call(asked, arguments, attempts)
        try:
            told = (reply.value("total") or "").strip()
            total = int(told) if told.isascii() and told.isdigit() else None
            events = reply.child("events")
            if events is None and total != 0:
                raise Unreadable("no events element")
            found = [] if events is None else events_of(reply, events, report=self._reported)
            count = 0 if events is None else len(reply.children(events, "event"))
        except Unreadable as error:
            raise self._broken(asked, answer, error) from error
        return Rows(tuple(found), count, total, answer)

    def get(self, event_id: str) -> tuple[Event, Answer]:
        """getEvent. Missing (2002) if there is none of that id; an answer about another event is broken."""
        asked = self._asked("getEvent", event_id)
        reply, answer = self._call(asked, {"eventId": event_id})
        try:
            found = events_of(reply, reply.response, report=self._reported)
            if len(found) != 1:
                raise Unreadable(f"one event was expected, found {len(found)}")
            if found[0].native_id != event_id:
                raise Unreadable(f"answer about another event: {found[0].native_id}")
        except Unreadable as error:
            raise self._broken(asked, answer, error) from error
        return found[0], answer

    def find(self, source_id: str) -> tuple[list[Event], Answer]:
        """findBySourceId: the events that carry it, by eventId; none is []."""
        asked = self._asked("findBySourceId", source_id)
        reply, answer = self._call(asked, {"sourceId": source_id})
        try:
            events = reply.child("events")
            if events is None or is_nil(events):  # taken for "none", a lost wrapper would lead to a second create
                raise Unreadable("no events element")
            found = events_of(reply, events, report=self._reported)
            if foreign := [event.native_id for event in found if event.body.get("sourceId") != source_id]:
                raise Unreadable(f"answer about another sourceId: {foreign}")
            if not all(event.native_id for event in found):
                raise Unreadable("an event without eventId carries our sourceId")
        except Unreadable as error:
            raise self._broken(asked, answer, error) from error
        return sorted(found, key=lambda event: (event.native_id or "").encode()), answer

    def attachment(self, file_id: str) -> tuple[bytes, str, Asked, Answer]:
        """getAttachment: the text of `base64` as it stands, and `mime`. Missing (2002) if there is none of that id."""
        asked = self._asked("getAttachment", file_id, lift="base64")
        reply, answer = self._call(asked, {"attachId": file_id})
        if reply.lifted is None:
            raise self._broken(asked, answer, Unreadable("no base64 element"))
        return reply.lifted, reply.value("mime") or "", asked, answer

    def report(self, arguments: Mapping[str, Any], reference: str) -> tuple[Reply, Asked, Answer]:
        """reportEvent. Not idempotent."""
        asked = self._asked("reportEvent", reference, write=True)
        reply, answer = self._call(asked, arguments)
        return reply, asked, answer

    def update(self, arguments: Mapping[str, Any], event_id: str) -> tuple[Reply, Asked, Answer]:
        """updateEvent. Not idempotent."""
        asked = self._asked("updateEvent", event_id, write=True)
        reply, answer = self._call(asked, arguments)
        return reply, asked, answer

    def describe(self) -> Answer:
        """GET ?wsdl, no authentication. The answer is compared, never loaded."""
        where = self.where("?wsdl")
        try:
            answer = self.transport.read("GET", self.endpoint + "?wsdl", {})
        except WireError as error:
            error.where = where
            raise
        self._measure(answer)
        return answer

    @property
    def _reported(self) -> bool:
        return self.settings.control_characters == "report"

    def _asked(self, operation: str, record: str, *, write: bool = False, lift: str = "") -> Asked:
        return Asked(
            operation, self.where(operation, record), write, self.connection.login, self.settings.path, lift
        )  # fmt: skip

    def _broken(self, asked: Asked, answer: Answer, error: Unreadable) -> WireError:
        return unclear(f"答复无法理解 / the answer cannot be understood ({error})", asked, answer.body)

    def _call(self, asked: Asked, arguments: Mapping[str, Any], attempts: int = 0) -> tuple[Reply, Answer]:
        """What was certainly not carried out is sent again, each time with a token of its own."""
        return retry.again(
            partial(self._once, asked, arguments), sleep=self.surroundings.sleep,
            attempts=attempts or self.settings.attempts,
        )  # fmt: skip

    def _once(self, asked: Asked, arguments: Mapping[str, Any]) -> tuple[Reply, Answer]:
        shift = self._shift()
        try:
            return self._send(asked, arguments, shift)
        except ConfigError as error:
            # A refused token stored nothing (§4: security comes first). If its answer shows that the clocks differ,
            # the platform's own time is tried once before the credentials are blamed.
            if error.code != FAILED_AUTHENTICATION or abs(self._shift() - shift) <= _TOLERATED:
                raise
        return self._send(asked, arguments, self._shift())

    def _send(self, asked: Asked, arguments: Mapping[str, Any], shift: timedelta) -> tuple[Reply, Answer]:
        body = self._bytes(asked, arguments, self.surroundings.now() + shift)
        headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"{description.NAMESPACE}/{asked.operation}"',
        }
        send = self.transport.write if asked.write else self.transport.read
        try:
            answer = send("POST", self.endpoint, headers, body)
        except WireError as error:
            error.where = asked.where
            raise
        self._measure(answer)
        return judge(answer, asked, self.skew), answer

    def _bytes(self, asked: Asked, arguments: Mapping[str, Any], at: datetime) -> bytes:
        import zeep.exceptions

        try:
            envelope = description.envelope(asked.operation, arguments)
        except (zeep.exceptions.Error, TypeError, ValueError) as error:
            raise Refused(
                f"无法按接口组成请求 / the request cannot be built ({type(error).__name__})", where=asked.where,
                remedy="检查该记录的内容与映射 / check this record and the mapping",
            ) from error  # fmt: skip
        add_token(
            envelope, login=self.connection.login, password=self.connection.password,
            nonce=self.surroundings.random_bytes(NONCE_BYTES), at=at,
        )  # fmt: skip
        return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")

    def _measure(self, answer: Answer) -> None:
        if answer.skew is not None:
            self.skew = answer.skew

    def _shift(self) -> timedelta:
        return self.skew if self.skew is not None and abs(self.skew) > _TOLERATED else timedelta()


def outcome_unknown(asked: Asked, what: str) -> OutcomeUnknown:
    """A write that was answered as done, without what would prove it."""
    return OutcomeUnknown(
        what, where=asked.where, remedy="按来源编号查找 / will be looked for by our reference", code="0"
    )  # fmt: skip

"""The six operations of GridEventService: from checked schema and account to resultCode, resultMsg and result.

Order of checks 2001 → 2002 → 2003 → what depends on the event (contract §4). Must not know HTTP, SOAP envelopes or
security.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.grid import answers, records, rules
from sandbox.grid.answers import Damage, Document
from sandbox.grid.contract import EXCHANGE_MOVES, Refusal, bad
from sandbox.grid.records import Entry, Moment
from sandbox.grid.rules import Arguments
from sandbox.grid.store import Store


@dataclass(frozen=True)
class Done:
    """resultCode 0; `lines` follow resultMsg in the answer."""

    lines: tuple[str, ...] = ()


Outcome = Refusal | Done


@dataclass(frozen=True)
class Call:
    """One operation as an account asks for it; `account` is the account's name."""

    operation: str
    arguments: Arguments
    account: str


def carry_out(call: Call, store: Store, moment: Moment, damage: Mapping[str, Damage]) -> Outcome:
    arguments = call.arguments
    match call.operation:
        case "queryEvents":
            return _query(arguments, store, moment, damage)
        case "getEvent":
            return _get(arguments, store, damage)
        case "findBySourceId":
            return _find(arguments, store, damage)
        case "getAttachment":
            return _file(arguments, store)
        case "reportEvent":
            return _report(call, store, moment)
        case "updateEvent":
            return _update(arguments, store, moment)
    raise ValueError(f"no operation {call.operation}")


def _query(arguments: Arguments, store: Store, moment: Moment, damage: Mapping[str, Damage]) -> Outcome:
    if breach := rules.first(rules.query_breaches(arguments)):
        return breach
    size = int(arguments.get("pageSize"))
    offset = (int(arguments.get("pageNo")) - 1) * size
    total, found = store.page(
        arguments.get("updatedFrom"), arguments.get("updatedTo"), offset, size, moment.now
    )
    return Done((answers.element("total", total), *answers.events(found, damage)))


def _get(arguments: Arguments, store: Store, damage: Mapping[str, Damage]) -> Outcome:
    if breach := rules.first(rules.id_breaches(arguments, "eventId")):
        return breach
    event_id = arguments.get("eventId")
    stored = store.event(event_id)
    if stored is None:
        return _no_event(event_id)
    return Done(tuple(answers.event(stored.document, damage.get(event_id, {}))))


def _find(arguments: Arguments, store: Store, damage: Mapping[str, Damage]) -> Outcome:
    if breach := rules.first(rules.id_breaches(arguments, "sourceId", 64)):
        return breach
    return Done(tuple(answers.events(store.by_source(arguments.get("sourceId")), damage)))


def _file(arguments: Arguments, store: Store) -> Outcome:
    if breach := rules.first(rules.id_breaches(arguments, "attachId")):
        return breach
    attach_id = arguments.get("attachId")
    file = store.file(attach_id)
    if file is None:
        return Refusal(2002, f"附件不存在：{attach_id}")
    return Done((
        answers.element("name", file.name), answers.element("mime", file.mime),
        answers.element("base64", base64.b64encode(file.content).decode()),
    ))


def _report(call: Call, store: Store, moment: Moment) -> Outcome:
    sent = call.arguments
    if breach := rules.first(rules.report_breaches(sent)):
        return breach
    stage = sent.given("stage") or "01"
    if stage not in EXCHANGE_MOVES["new"]:
        return Refusal(2003, f"阶段不允许：新建→{stage}")
    with store.transaction():
        document = _reported(sent, stage, records.new_event_id(store, moment), moment)
        named = (one for one in (sent.get("caller"), sent.get("reporter")) if not rules.is_empty(one))
        operator = next(named, call.account)
        records.append(document, Entry(stage, operator, "", "外部上报", moment.text))
        records.attach(store, document, sent.uploads, moment)
        records.save(store, document, call.account, moment)
    return Done((answers.element("eventId", document["eventId"]),))


def _reported(sent: Arguments, stage: str, event_id: str, moment: Moment) -> Document:
    document = records.blank(event_id)
    # Free text is stored as sent, white space and all; empty codes and times count as not given.
    for field in ("sourceId", "title", "eventType", "townCode", "reporter", "reporterTel", "caller", "callerTel",
                  "address", "content"):
        document[field] = sent.get(field)
    for field in ("gridCode", "villageCode", "mainDept", "limitTime"):
        document[field] = sent.given(field)
    document["level"] = int(sent.get("level") or 4)
    document["stage"] = stage
    if "lng" in sent.text:
        document["lng"], document["lat"] = (rules.micro_degrees(sent.get(axis)) for axis in ("lng", "lat"))
    document["reportTime"] = moment.text
    document["happenTime"] = sent.given("happenTime") or moment.text
    document["assistDepts"] = [code for code in sent.assist if not rules.is_empty(code)]
    document["extend"] = [{"key": key, "value": value} for key, value in sent.extend]
    records.name_places(document)
    return document


def _update(sent: Arguments, store: Store, moment: Moment) -> Outcome:
    if breach := rules.first(rules.update_breaches(sent, moment.now)):
        return breach
    event_id, stage = sent.get("eventId"), sent.get("stage")
    codes = sent.given("handleDept").split(",") if sent.given("handleDept") else []
    with store.transaction():
        stored = store.event(event_id)
        if stored is None:
            return _no_event(event_id)
        document = stored.document
        present = str(document["stage"])
        if stage not in EXCHANGE_MOVES.get(present, frozenset()):
            return Refusal(2003, f"阶段不允许：{present}→{stage}")
        if stage == present and rules.is_empty(sent.get("opinion")):
            return bad("opinion", "不能为空")
        if stage == "07" and not codes and not document["mainDept"]:
            return bad("handleDept", "不能为空")
        if stage == "07":
            records.set_departments(document, codes)
        document["stage"] = stage
        records.append(document, Entry(
            stage, sent.get("handler"), sent.given("handleDept"), sent.get("opinion"),
            sent.given("handleTime") or moment.text,
        ))
        records.attach(store, document, sent.uploads, moment)
        records.save(store, document, stored.created_by, moment)
    return Done()


def _no_event(event_id: str) -> Refusal:
    return Refusal(2002, f"事件不存在：{event_id}")

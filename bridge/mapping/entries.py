"""A record's history entries and what each one means.

`order: sequence`: the platform stored its entries one by one, so that order counts and times are only what clerks
typed; `order: time`: entries may be typed in afterwards, so their own times count. This module must not know a
platform; its rules come from the mapping's `entries`.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Map
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.mapping.language import Doing, EntryRule, EntryWhen, Mapping, Verdicts
from bridge.mapping.notes import ABSENT, Notes, Unreadable
from bridge.mapping.paths import taker
from bridge.mapping.readers import codes_of, target_of, text_of, time_reader
from bridge.mapping.verdicts import Result, stated
from schemas.call import Target, Verdict
from schemas.lifecycle import Action, ActionKind
from schemas.moment import moment


@dataclass(frozen=True, slots=True)
class Entry:
    """One history entry as the platform shows it, and the actions it means (none: `ignored` says why)."""

    key: str
    sequence: int
    code: str
    status: str
    opinion: str
    operator: str | None
    at: datetime
    actions: tuple[Action, ...]
    ignored: str = ""


def entry_reader(mapping: Mapping) -> Callable[[str, Map[str, Any], str | None, Notes], tuple[Entry, ...]]:
    """`read(platform, record body, changed ISO time, notes) -> entries` in the platform's order."""
    spec = mapping.entries
    rows_of, key_of, at_of, recorded_of = map(taker, (spec.rows, spec.key, spec.at, spec.recorded))
    status_of, before_of, code_of = map(taker, (spec.status, spec.before, spec.code))
    operator_of, department_of = taker(spec.operator), taker(spec.department)
    opinion_of, files_of = taker(spec.opinion), taker(spec.files)
    read_time = time_reader(mapping, spec.as_time, None, None)
    head = len(mapping.time or "")  # of an opinion that begins with a limit
    rules = [(rule, _doings(rule)) for rule in spec.read]
    paths = {path for _, doings in rules for doing in doings for path in (doing.lead, doing.due) if path}
    wires = {path: taker(path) for path in paths}
    satisfied_of, score_of = taker(mapping.verdicts.satisfied), taker(mapping.verdicts.score)

    def time_at(value: Any, note: Notes) -> datetime | None:
        text = None if value is ABSENT or value is None or value == "" else read_time(value, note)
        return moment(text) if text else None

    def read(platform: str, body: Map[str, Any], changed: str | None, note: Notes) -> tuple[Entry, ...]:
        rows = rows_of(body)
        note.field = spec.rows
        if rows is ABSENT or rows is None or rows == "" or rows == {}:
            return ()
        if isinstance(rows, dict) and at_of(rows) not in (ABSENT, None, ""):  # one entry where a list was meant
            rows = [rows]
        if not isinstance(rows, list):
            note(f"应为过程列表，得到 / history list expected, found {type(rows).__name__}")
            return ()
        ceiling = moment(changed) if changed else None
        last: datetime | None = None
        before, called, lead = "", False, ""
        entries: list[Entry] = []
        for index, row in enumerate(r for r in rows if isinstance(r, dict)):
            note.field = f"{spec.rows}[{index}]"
            key = _text(key_of(row)) or f"#{index + 1}"
            status, code = _text(status_of(row)), _text(code_of(row))
            if spec.keeps and status in spec.keeps:
                status = before
            if spec.before is not None:
                before = _text(before_of(row))
            opinion, operator = _text(opinion_of(row)), _text(operator_of(row)) or None
            typed, recorded = time_at(at_of(row), note), time_at(recorded_of(row), note)
            at = typed or recorded or last or ceiling
            if at is None:
                raise Unreadable(spec.rows, spec.at, "过程没有可读的时间 / a history entry without a readable time", "",
                                 "entries.at", "检查时间格式 / check the time form")  # fmt: skip
            if spec.order == "time":
                effective = at
            else:
                effective = recorded or max(at, last or at)
                if ceiling and effective > ceiling:
                    effective = max(ceiling, last or ceiling)
            last = effective
            department = _text(department_of(row))
            seen = _Seen(status, before, code, status != before, called, department == lead != "", opinion, index == 0)
            rule, doings = next(((r, d) for r, d in rules if fits(r.when, seen)), (None, ()))
            if rule is None:
                found = "没有规则解释这条过程 / no rule explains this entry"
                where = f"(status {status!r}, code {code!r}, before {before!r})"
                raise Unreadable(spec.rows, spec.code or spec.status or "", f"{found} {where}", "", "entries.read",
                                 "补一条规则，或以 ignore 声明 / add a rule, or declare it with `ignore`")  # fmt: skip
            words = opinion.removeprefix(rule.when.mark or "")
            limit = None
            if any(doing.due == spec.opinion for doing in doings if doing.due):
                limit, words = words[:head], words[head:].lstrip("，,。；; ")
            actions = []
            for part, doing in enumerate(doings):
                named = wires[doing.lead](row) if doing.lead else None
                leaders = [] if named is None or named is ABSENT else codes_of(named)
                shown = limit if doing.due == spec.opinion else wires[doing.due](row) if doing.due else None
                due = time_at(shown, note)
                if leaders:
                    lead = leaders[0]
                actions.append(_action(mapping, doing, platform=platform, entry=key, part=part, sequence=index, at=at,
                                       effective=effective, operator=operator, opinion=words, leaders=leaders, due=due,
                                       department=department, files=_files(files_of(row)),
                                       result=stated(satisfied_of(row), score_of(row))))  # fmt: skip
                called = called or doing.kind is ActionKind.CALL
            entries.append(Entry(key, index, code, status, opinion, operator, at, tuple(actions), rule.ignore or ""))
            before = status or before
        return tuple(entries)

    return read


@dataclass(frozen=True, slots=True)
class _Seen:
    status: str
    before: str
    code: str
    moved: bool
    called: bool
    by_lead: bool
    opinion: str
    first: bool


def fits(when: EntryWhen, seen: _Seen) -> bool:
    """Does everything that the condition names hold for this entry?"""
    return (
        (when.status is None or seen.status in when.status)
        and (when.before is None or seen.before in when.before)
        and (when.code is None or seen.code in when.code)
        and (when.moved is None or seen.moved == when.moved)
        and (when.called is None or seen.called == when.called)
        and (when.by_lead is None or seen.by_lead == when.by_lead)
        and (when.first is None or seen.first == when.first)
        and (when.mark is None or seen.opinion.startswith(when.mark))
    )


def _doings(rule: EntryRule) -> tuple[Doing, ...]:
    return (Doing(kind=rule.action),) if rule.action else tuple(rule.actions)


def _text(value: Any) -> str:
    return "" if value is ABSENT or value is None else value if isinstance(value, str) else text_of(value, Notes())


def _files(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


def _action(
    mapping: Mapping, doing: Doing, *, platform: str, entry: str, part: int, sequence: int, at: datetime,
    effective: datetime, operator: str | None, opinion: str, leaders: list[str], due: datetime | None, department: str,
    files: tuple[str, ...], result: Result | None,
) -> Action:  # fmt: skip
    targets = [_target(mapping, code) for code in leaders]
    actor = codes_of(department)[:1] if department else []
    return Action(
        kind=doing.kind, at=at, effective=effective, platform=platform, entry=entry, part=part, sequence=sequence,
        actor=operator, department=_target(mapping, actor[0]) if actor else None, opinion=opinion, to=doing.to,
        phase=doing.phase, lead=targets[0] if targets else None, assists=tuple(targets[1:]), due=due, card=doing.card,
        leader=doing.leader, verdict=verdict_of(mapping.verdicts, opinion, result) if doing.verdict else None, files=files,
        reason=doing.reason,
    )  # fmt: skip


def _target(mapping: Mapping, code: str) -> Target:
    return Target(**target_of(mapping.departments, code)) if mapping.departments else Target(code=code)


def verdict_of(words: Verdicts, opinion: str, given: Result | None = None) -> Verdict | None:
    """The verdict as the entry's own fields state it, else as its opinion does by the platform's convention:
    satisfaction at its head; solved anywhere in it."""
    result = given or next((score for word, score in words.result.items() if opinion.lstrip().startswith(word)), None)
    solved = next((value for word, value in words.solved.items() if word in opinion), None)
    return Verdict(result=result, solved=solved) if result or solved else None

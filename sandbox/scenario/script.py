"""The scenario as data: calls, who does what to them and when, what goes wrong meanwhile.

YAML files hold it, so that officials can read and change a rehearsal. Times are seconds after the scenario's start.
This module must not know servers; it only says what is written, and what is written wrongly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from sandbox.forms import FORMS
from sandbox.forms.form import CHINESE

FOLDER = Path(__file__).with_name("calls")
SETTLED = ("CLOSED", "RATED", "CANCELLED")
ATTACH, MEND = "attach", "mend"  # mend: once the record is a dead letter: heal the damage, and have it tried again
_SCRIPT_KEYS = {"calls", "faults", "department_seconds", "gap_seconds", "settings"}
_CALL_KEYS = {
    "key", "where", "at", "title", "goes_to", "answers", "ends", "shows", "together", "secrets", "record", "steps",
}  # fmt: skip
_STEP_KEYS = {"where", "at", "when", "do", "with", "minutes_ago"}


def acts(slug: str) -> tuple[str, ...]:
    """What can be done to a record of a platform."""
    form = FORMS[slug]
    return (*form.acts, *([ATTACH] if form.attach else ()), *([MEND] if form.heal else ()))


class BadScript(ValueError):
    """A scenario file that cannot be played, with the place."""


@dataclass(frozen=True)
class Step:
    """One thing an official does. at: not before that many seconds. when: platform to the status its record must show
    first. minutes_ago: the time the official types lies so far back. wish: the back door's own members."""

    on: str
    at: float
    do: str
    wish: Mapping[str, Any] = field(default_factory=dict)
    when: Mapping[str, str] = field(default_factory=dict)
    minutes_ago: float | None = None


@dataclass(frozen=True)
class ScriptedCall:
    """One call. on: where it is recorded; goes_to: where it must arrive, nowhere if it stays at home. answers: which
    of these has the call answered by its scripted officials, unless a step does it by hand; on the others they leave it
    alone. ends: stages that it may have in the end, on every platform that has it and can show them. together: calls of
    one name are recorded in one instant. secrets: what must appear on no other platform. shows: what must be written on
    the first other platform's record."""

    key: str
    on: str
    at: float
    title: str
    goes_to: tuple[str, ...]
    ends: tuple[str, ...]
    record: Mapping[str, Any]
    steps: tuple[Step, ...] = ()
    together: str = ""
    secrets: tuple[str, ...] = ()
    shows: Mapping[str, Any] = field(default_factory=dict)
    answers: str = ""

    def left_alone_on(self, slug: str) -> bool:
        """Must the scripted officials of a platform leave it alone? So if the scenario's own steps answer it anywhere,
        or others' officials do."""
        by_hand = any(step.on in self.goes_to and step.do == FORMS[step.on].answering for step in self.steps)
        return slug in self.goes_to and (by_hand or slug != self.answers)


@dataclass(frozen=True)
class ScriptedFault:
    """Something that goes wrong on a platform from `at` seconds on; `fault` as the back door takes it."""

    on: str
    at: float
    fault: Mapping[str, Any]


@dataclass(frozen=True)
class Script:
    """The whole scenario. department_seconds: how often the scripted officials of all platforms act. gap_seconds:
    how long at least one call's next step comes after the one before. settings: platform → its back door's settings
    for the rehearsal, such as a batch that runs more often than in an office."""

    calls: tuple[ScriptedCall, ...]
    faults: tuple[ScriptedFault, ...]
    department_seconds: float
    gap_seconds: float
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """When the last step may be taken, in seconds after the start."""
        moments = [call.at for call in self.calls] + [step.at for call in self.calls for step in call.steps]
        return max([*moments, *(fault.at for fault in self.faults)], default=0.0)

    def left_alone(self, slug: str) -> list[str]:
        """Titles of the calls that the scripted officials of a platform must leave alone."""
        return [call.title for call in self.calls if call.left_alone_on(slug)]


def load(folder: Path = FOLDER) -> Script:
    """The scenario of a folder, its files in order of name. BadScript names the file and the call."""
    calls: list[ScriptedCall] = []
    faults: list[ScriptedFault] = []
    settings: dict[str, Mapping[str, Any]] = {}
    department, gap = 2.0, 1.0
    for path in sorted(folder.glob("*.yaml")):
        data = yaml.safe_load(path.read_text("utf-8"))
        if unknown := set(data) - _SCRIPT_KEYS:
            raise BadScript(f"{path}: unknown {', '.join(sorted(map(str, unknown)))}")
        department = float(data.get("department_seconds", department))
        gap = float(data.get("gap_seconds", gap))
        settings |= data.get("settings") or {}
        calls += [_call(path, entry) for entry in data.get("calls") or ()]
        faults += [
            ScriptedFault(entry["where"], float(entry["at"]), {k: v for k, v in entry.items() if k not in ("where", "at")})
            for entry in data.get("faults") or ()
        ]
    _check_unique(calls)
    return Script(tuple(sorted(calls, key=lambda call: call.at)), tuple(faults), department, gap, settings)


def only(script: Script, keys: Iterable[str], *, faults: bool = False) -> Script:
    """The same scenario with these calls alone, for a short rehearsal."""
    wanted = set(keys)
    calls = tuple(call for call in script.calls if call.key in wanted)
    if missing := wanted - {call.key for call in calls}:
        raise BadScript(f"no such calls: {', '.join(sorted(missing))}")
    return replace(script, calls=calls, faults=script.faults if faults else ())


def faster(script: Script, factor: float) -> Script:
    """The same scenario in a fraction of the time. What officials type (minutes_ago) stays."""
    return Script(
        calls=tuple(
            replace(call, at=call.at / factor, steps=tuple(replace(step, at=step.at / factor) for step in call.steps))
            for call in script.calls
        ),
        faults=tuple(replace(fault, at=fault.at / factor) for fault in script.faults),
        department_seconds=script.department_seconds / factor,
        gap_seconds=script.gap_seconds / factor,
        settings=script.settings,
    )


def _call(path: Path, entry: Mapping[str, Any]) -> ScriptedCall:
    where = f"{path.name}: {entry.get('key', entry.get('title', '?'))}"
    if unknown := set(entry) - _CALL_KEYS:
        raise BadScript(f"{where}: unknown {', '.join(sorted(map(str, unknown)))}")
    named = entry.get("goes_to") or ()
    goes_to = (named,) if isinstance(named, str) else tuple(named)
    try:
        call = ScriptedCall(
            key=str(entry["key"]), on=entry["where"], at=float(entry["at"]), title=str(entry["title"]),
            goes_to=goes_to, answers=entry.get("answers") or next(iter(goes_to), ""), ends=tuple(entry.get("ends") or ("CLOSED", "RATED")),
            record=dict(entry.get("record") or {}), together=str(entry.get("together") or ""),
            secrets=tuple(map(str, entry.get("secrets") or ())), shows=dict(entry.get("shows") or {}),
            steps=tuple(_step(where, entry, step) for step in entry.get("steps") or ()),
        )  # fmt: skip
    except KeyError as error:
        raise BadScript(f"{where}: {error} is missing") from None
    if not {call.on, *goes_to} <= FORMS.keys() or call.on in goes_to or len(set(goes_to)) < len(goes_to):
        raise BadScript(f"{where}: where and goes_to must be different ones of {', '.join(FORMS)}")
    if call.answers and call.answers not in goes_to:
        raise BadScript(f"{where}: answers must be one of goes_to, not {call.answers!r}")
    if "picture" in call.record and FORMS[call.on].pictured is None:
        raise BadScript(f"{where}: no picture comes with a record of {call.on}")
    if not set(call.ends) <= CHINESE.keys():
        raise BadScript(f"{where}: ends must be among {', '.join(sorted(CHINESE))}")
    return call


def _step(where: str, call: Mapping[str, Any], entry: Mapping[str, Any]) -> Step:
    if unknown := set(entry) - _STEP_KEYS:
        raise BadScript(f"{where}: unknown in a step: {', '.join(sorted(map(str, unknown)))}")
    on, do = entry.get("where", call["where"]), entry["do"]
    if on not in FORMS or do not in acts(on):
        raise BadScript(f"{where}: {do!r} cannot be done on {on!r}")
    when = {slug: str(status) for slug, status in (entry.get("when") or {}).items()}
    for slug, status in when.items():
        if slug not in FORMS or status not in FORMS[slug].stages:
            raise BadScript(f"{where}: {slug} has no status {status}")
    ago = entry.get("minutes_ago")
    return Step(on, float(entry["at"]), do, dict(entry.get("with") or {}), when, None if ago is None else float(ago))


def _check_unique(calls: Iterable[ScriptedCall]) -> None:
    seen: set[str] = set()
    for call in calls:
        for mark in (call.key, call.title):
            if mark in seen:
                raise BadScript(f"{call.key}: {mark!r} stands twice; records are told apart by their titles")
            seen.add(mark)

"""Plays the scenario: the officials of all platforms at their own screens, each step when its time has come.

Everything goes through the back doors. A step is not taken before the one before it in the same call, nor before the
records show what it waits for. This module must not know the bridge nor a platform; dead letters are mended by whoever is handed in.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from types import TracebackType
from typing import Any, Self

from sandbox.forms import FORMS
from sandbox.forms.form import Form, Record
from sandbox.scenario.photos import photo
from sandbox.scenario.records import Watch
from sandbox.scenario.script import ATTACH, MEND, Script, ScriptedCall, Step
from sandbox.standins import Doors, DoorShut

PATIENCE_SECONDS = 150.0

Mender = Callable[[str, str, Callable[[], None]], bool]
"""(platform, native id, heal) → was it a dead letter, healed by calling `heal`, and tried again with success?"""


class StepStuck(RuntimeError):
    """A step of the scenario that could not be taken in time: call, step, and why."""


@dataclass
class _Part:
    """One call in play: its own number once recorded, and the number of its next step."""

    call: ScriptedCall
    native_id: str = ""
    next: int = 0
    waiting_since: float | None = None
    not_before: float = 0.0
    mending: Future[bool] | None = None
    words: str = ""


class Player:
    """`tick` takes every step whose time has come. started: when the scenario began, epoch seconds."""

    def __init__(self, script: Script, doors: Doors, watch: Watch, mender: Mender, started: float) -> None:
        self._script, self._doors, self._watch, self._mender = script, doors, watch, mender
        self.started = started
        self._parts = [_Part(call) for call in script.calls]
        self._faults = sorted(script.faults, key=lambda fault: fault.at)
        self._hands = ThreadPoolExecutor(1, thread_name_prefix="mending")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hands.shutdown(wait=False, cancel_futures=True)

    def open_offices(self) -> None:
        """The scripted officials of all platforms begin, and leave alone what is answered by hand or elsewhere."""
        for slug in self._doors.slugs:
            if settings := self._script.settings.get(slug):
                self._doors.tell(slug, "settings", dict(settings))
            self._doors.tell(slug, "department", {
                "enabled": True, "interval_seconds": self._script.department_seconds,
                "except": self._script.left_alone(slug),
            })  # fmt: skip

    @property
    def finished(self) -> bool:
        return not self._faults and all(part.native_id and part.next == len(part.call.steps) for part in self._parts)

    def numbers(self) -> dict[str, str]:
        """The key of each call that has been recorded, and its number on its own platform."""
        return {part.call.key: part.native_id for part in self._parts if part.native_id}

    def waiting(self) -> list[str]:
        """The calls with steps still to be taken, and which one is next, in words."""
        return [
            f"{part.call.key}: {part.next + 1}/{len(part.call.steps)} {step.do} {dict(step.wish)} {part.words}"
            for part in self._parts
            for step in part.call.steps[part.next : part.next + 1]
        ]

    def tick(self, now: float) -> None:
        """Everything that is due `now` (epoch seconds). StepStuck after PATIENCE_SECONDS for one step."""
        elapsed = now - self.started
        while self._faults and self._faults[0].at <= elapsed:
            fault = self._faults.pop(0)
            self._doors.tell(fault.on, "faults", dict(fault.fault))
        due = [part for part in self._parts if not part.native_id and part.call.at <= elapsed]
        for together, parts in groupby(due, key=lambda part: part.call.together):
            self._record(list(parts), now, at_once=bool(together))
        for part in self._parts:
            while part.native_id and part.next < len(part.call.steps):
                if max(part.call.steps[part.next].at, part.not_before) > elapsed or not self._take(part, now):
                    break
                part.next, part.waiting_since, part.mending, part.words = part.next + 1, None, None, ""
                part.not_before = elapsed + self._script.gap_seconds

    def _record(self, parts: list[_Part], now: float, *, at_once: bool) -> None:
        """Records calls; `at_once`: with the platforms' clocks standing still, all in one instant."""
        slugs = sorted({part.call.on for part in parts})
        if at_once:
            for slug in slugs:
                self._doors.tell(slug, "clock", {"freeze": now})
        for part in parts:
            form = FORMS[part.call.on]
            body = form.creation(part.call.title, part.call.record)
            if (picture := body.pop("picture", None)) and form.pictured is not None:
                body |= form.pictured(photo(**picture))
            _typed_time(form, body, body.pop("minutes_ago", None), now)
            part.native_id = self._doors.tell(part.call.on, form.create, body)[form.number]
        if at_once:
            for slug in slugs:
                self._doors.tell(slug, "clock", {"freeze": None})

    def _take(self, part: _Part, now: float) -> bool:
        step = part.call.steps[part.next]
        since = part.waiting_since = now if part.waiting_since is None else part.waiting_since
        try:
            taken = self._try(part, step, now)
        except DoorShut as refused:
            if refused.status != 409:
                raise
            # Somebody was faster and the screen is out of date: as people do, look again and try again.
            taken, part.words = False, refused.words
        if not taken and now - since > PATIENCE_SECONDS:
            raise StepStuck(f"{part.call.key}: {step.do} {dict(step.wish)} on {step.on}: {part.words}")
        return taken

    def _try(self, part: _Part, step: Step, now: float) -> bool:
        for slug, status in step.when.items():
            shown = self._of(part, slug)
            if shown is None or shown.status != status:
                part.words = f"waits for {slug} {status}, shows {shown.status if shown else 'nothing'}"
                return False
        record = self._of(part, step.on)
        if record is None:
            part.words = f"not on {step.on} yet"
            return False
        form = FORMS[step.on]
        if step.do == MEND:
            return self._mend(part, step, form)
        if step.do == ATTACH and form.attach is not None:
            self._doors.tell(step.on, *form.attach(record.native_id, photo(**step.wish)))
            return True
        wish = {"set": dict(step.wish)} if step.do == "edit" else dict(step.wish)
        body: dict[str, Any] = {form.number: record.native_id, **wish}
        typed = 0.0 if step.do == "late_entry" and step.minutes_ago is None else step.minutes_ago
        _typed_time(form, body, typed, now)
        if "limit_hours" in body:
            body[form.limit] = form.written(now + float(body.pop("limit_hours")) * 3600)
        self._doors.tell(step.on, form.acts[step.do], body)
        return True

    def _mend(self, part: _Part, step: Step, form: Form) -> bool:
        """The mender works beside the play: it has to ask another program, which takes seconds."""
        if part.mending is None:
            assert form.heal is not None  # the script was checked
            door, body = form.heal

            def heal() -> None:
                self._doors.tell(step.on, door, dict(body))

            part.mending = self._hands.submit(self._mender, step.on, part.native_id, heal)
        if not part.mending.done():
            part.words = "waits for the mending"
            return False
        if not part.mending.result():
            part.mending, part.words = None, "no dead letter yet, or not retried with success"
            return False
        return True

    def _of(self, part: _Part, slug: str) -> Record | None:
        """The call's record on a platform: its own, or the one that arrived there."""
        if slug == part.call.on:
            return self._watch.records[slug].get(part.native_id)
        return next(iter(self._watch.titled(slug, part.call.title)), None)


def _typed_time(form: Form, body: dict[str, Any], minutes_ago: float | None, now: float) -> None:
    """The time that the official types, where it is not the platform's own now."""
    if minutes_ago is not None:
        body[form.typed] = form.written(now - minutes_ago * 60)

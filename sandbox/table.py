"""What people see of a running rehearsal: each call's stage on each platform, as a live table or as plain lines.

This module must not know how a verdict is reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from sandbox.forms import FORMS
from sandbox.forms.form import CHINESE, Record
from sandbox.scenario.script import SETTLED
from sandbox.scenario.verdict import CallVerdict, Verdict

_LINE_SECONDS = 10.0
_MARGIN = 7  # lines of the terminal that the table's frame and what stands above it need


class Display:
    """`show` is called at every look. On a terminal a table that changes in place, else lines every ten seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._said: dict[str, str] = {}
        self._next_lines = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, refresh_per_second=2, transient=True) as self._live:
            yield
        self._live = None

    def show(self, seconds: float, verdict: Verdict) -> None:
        if self._live is not None:
            self._live.update(table(seconds, verdict, self._console.height - _MARGIN))
        elif seconds >= self._next_lines:
            self._next_lines = seconds + _LINE_SECONDS
            self.lines(seconds, verdict)

    def lines(self, seconds: float, verdict: Verdict) -> None:
        """A summary, and a line for each call that changed since the lines before."""
        self._print(summary(seconds, verdict))
        for one in verdict.calls:
            line = " | ".join(_cells(one))
            if one.own is not None and self._said.get(one.call.key) != line:
                self._said[one.call.key] = line
                self._print(f"    {line}")

    def _print(self, words: str) -> None:
        self._console.print(words, markup=False, highlight=False, soft_wrap=True)


def summary(seconds: float, verdict: Verdict) -> str:
    """One line: how many calls are recorded, on their target, settled, and on how many the platforms differ."""
    recorded = [one for one in verdict.calls if one.own]
    routed = [one for one in recorded if one.call.goes_to]
    settled = [one for one in routed if not one.open and _settled(one)]
    return (
        f"[{seconds:5.1f} s] 呼叫 {len(recorded)}/{len(verdict.calls)} · 已送达 {sum(bool(o.copies) for o in routed)}"
        f"/{len(routed)} · 已办结 {len(settled)} · 各平台不一致 {len(verdict.differences)}"
    )


def table(seconds: float, verdict: Verdict, height: int) -> Table:
    """All calls if they fit into `height` lines, else the unsettled ones first."""
    drawn = Table(title=summary(seconds, verdict), title_justify="left", header_style="bold", pad_edge=False)
    for name in ("呼叫 call", "上报平台 recorded on", "送往 sent to", "状态"):
        drawn.add_column(name, no_wrap=True, overflow="ellipsis")
    recorded = [one for one in verdict.calls if one.own]
    unsettled = [one for one in recorded if one.open]
    rest = [one for one in reversed(recorded) if not one.open]
    chosen = recorded if len(recorded) <= height else (unsettled + rest)[: max(height, 5)]
    for one in chosen:
        drawn.add_row(*_cells(one), style="yellow" if one.open else "green")
    return drawn


def _settled(one: CallVerdict) -> bool:
    """Is the call settled on every platform that can show it?"""
    shown = [record for record in (one.own, *one.copies) if record and FORMS[record.slug].keeps_up]
    return all(_stage(record) in SETTLED for record in shown)


def _stage(record: Record) -> str:
    return FORMS[record.slug].stage(record.status)


def _cells(one: CallVerdict) -> tuple[str, ...]:
    def shown(record: Record) -> str:
        stage = _stage(record)
        return f"{FORMS[record.slug].name} {CHINESE.get(stage, stage)} {record.native_id[:18]}"

    arrived = {copy.slug: shown(copy) for copy in reversed(one.copies)}
    targets = [arrived.get(slug, f"{FORMS[slug].name} …") for slug in one.call.goes_to]
    own = shown(one.own) if one.own else FORMS[one.call.on].name
    return (one.call.title, own, "；".join(targets) or "—", "…" if one.open else "✓")

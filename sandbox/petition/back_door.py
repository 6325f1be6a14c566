"""The rehearsal's back door: plays officials, turns clock and batch, damages rows. No part of the contract.

JSON over /_sandbox/<name>; errors are {"error": text} with 400 (form), 404 (no such work order) or 409 (the moves
forbid it). Members carry the platform's own column names. Must not know SQL.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sandbox.petition.batch import Batch
from sandbox.petition.changes import File
from sandbox.petition.damage import Damage
from sandbox.petition.database import Database
from sandbox.petition.department import Department
from sandbox.petition.late import LateCommits
from sandbox.petition.officials import Officials
from sandbox.petition.records import record, records, written_rows
from sandbox.petition.refusal import Denied
from sandbox.petition.settings import PlatformClock, Settings

Answer = tuple[int, Any]

MOST_AT_ONCE = 100_000
_NOT_COLUMNS = frozenset({"GDBH", "GDBHs", "count", "late_seconds"})


class BackDoor:
    """`enter` is the platform's `back_door`."""

    def __init__(
        self,
        database: Database,
        officials: Officials,
        late: LateCommits,
        batch: Batch,
        department: Department,
        damage: Damage,
        clock: PlatformClock,
        settings: Settings,
    ) -> None:
        self._database = database
        self._officials = officials
        self._late = late
        self._batch = batch
        self._department = department
        self._damage = damage
        self._clock = clock
        self._settings = settings

    def enter(self, method: str, name: str, body: Any) -> Answer:
        wish: dict[str, Any] = {} if body is None else body
        if not isinstance(wish, dict):
            return 400, {"error": "必须是JSON对象"}
        try:
            if method == "POST" and name.startswith("officials/"):
                return self._official(name.removeprefix("officials/"), wish)
            return self._turn(method, name, wish)
        except Denied as denied:
            return denied.status, {"error": denied.words}

    # Officials --------------------------------------------------------------------------------------------------------

    def _official(self, name: str, wish: Mapping[str, Any]) -> Answer:
        late = None if wish.get("late_seconds") is None else float(wish["late_seconds"])
        columns = {key: value for key, value in wish.items() if key not in _NOT_COLUMNS}
        match name:
            case "create":
                count = wish.get("count", 1)
                if type(count) is not int or not 1 <= count <= MOST_AT_ONCE:
                    return 400, {"error": f"count必须在1到{MOST_AT_ONCE}之间"}
                numbers = self._officials.create(columns, count, late)
                return 200, {"GDBH": numbers[0], "GDBHs": numbers}
            case "act":
                numbers = wish.get("GDBHs") or [wish["GDBH"]]
                answers = [self._officials.act(str(gdbh), columns, late) for gdbh in numbers]
                return 200, answers[0] | {"GDBHs": numbers}
            case "edit":
                return 200, self._officials.edit(str(wish["GDBH"]), dict(wish["set"]), columns, late)
            case "attach":
                content = base64.b64decode(wish["base64"], validate=True)
                mime = str(wish.get("WJLX") or "application/octet-stream")
                file = File(str(wish["WJM"]), mime, content)
                return 200, self._officials.attach(str(wish["GDBH"]), file, columns, late)
            case "late_entry":
                return 200, self._officials.late_entry(str(wish["GDBH"]), str(wish["CZLX"]), columns, late)
        return 404, {"error": f"没有这个后门：officials/{name}"}

    # Everything else --------------------------------------------------------------------------------------------------

    def _turn(self, method: str, name: str, wish: Mapping[str, Any]) -> Answer:
        match method, name.partition("/"):
            case "GET", ("records", "", ""):
                return 200, records(self._database)
            case "GET", ("record", _, gdbh):
                found = record(self._database, gdbh)
                return (200, found) if found else (404, {"error": f"GDBH不存在:{gdbh}"})
            case "GET", ("exchange", "", ""):
                return 200, written_rows(self._database)
            case "POST", ("clock", "", ""):
                return self._set_clock(wish)
            case "POST", ("settings", "", ""):
                return self._set_pace(wish)
            case "POST", ("batch", _, "run"):
                die_after = wish.get("die_after")
                return 200, asdict(self._batch.run(None if die_after is None else int(die_after)))
            case "POST", ("batch", _, "pause"):
                self._batch.pause(bool(wish.get("paused", True)))
                return 200, {"paused": self._batch.paused}
            case "POST", ("commits", "", ""):
                self._late.commit_all()
                return 200, {"ok": True}
            case "POST", ("damage", "", ""):
                return self._inflict(wish)
            case "DELETE", ("damage", "", ""):
                self._damage.heal(wish.get("GDBH"), self._clock.text())
                return 200, {"ok": True}
            case "POST", ("department", "", ""):
                return self._set_department(wish)
        return 404, {"error": f"没有这个后门：{method} {name}"}

    def _set_clock(self, wish: Mapping[str, Any]) -> Answer:
        _only(wish, "skew_seconds", "freeze")
        skew = float(wish.get("skew_seconds", self._clock.skew_seconds))
        frozen = wish.get("freeze", self._clock.frozen)
        frozen = None if frozen is None else float(frozen)
        self._database.set_server_clock(skew, frozen)
        self._clock.set(skew, frozen)
        self._late.commit_due()
        return 200, {"now": self._clock.now()}

    def _set_pace(self, wish: Mapping[str, Any]) -> Answer:
        _only(wish, "batch_seconds", "late_seconds")
        if "batch_seconds" in wish:
            pace = None if wish["batch_seconds"] is None else float(wish["batch_seconds"])
            if pace is not None and pace <= 0:
                raise ValueError("batch_seconds is above 0, or null for runs by hand only")
            self._settings.batch_seconds = pace
            self._batch.retime()
        self._settings.late_seconds = float(wish.get("late_seconds", self._settings.late_seconds))
        return 200, asdict(self._settings)

    def _inflict(self, wish: Mapping[str, Any]) -> Answer:
        _only(wish, "view", "GDBH", "ID", "FJID", "set", "touch")
        view = wish.get("view", "V_GD")
        key = wish[{"V_GD": "GDBH", "V_GD_LZ": "ID", "V_GD_FJ": "FJID"}[view]]
        columns = {name: _raw(value) for name, value in wish["set"].items()}
        touch = wish.get("touch", "GXSJ" not in columns)
        self._damage.inflict(view, key, columns, self._clock.text() if touch else None)
        return 200, {"ok": True}

    def _set_department(self, wish: Mapping[str, Any]) -> Answer:
        _only(wish, "enabled", "interval_seconds", "rounds", "except", "callers")
        department = self._department
        if "except" in wish:
            department.leave_alone([str(title) for title in wish["except"]])
        if "callers" in wish:
            department.let_call(int(wish["callers"]))
        return 200, department.office.turned(wish)


def _only(wish: Mapping[str, Any], *names: str) -> None:
    if unknown := wish.keys() - set(names):
        raise ValueError(f"unknown members: {', '.join(sorted(unknown))}")


def _raw(value: Any) -> Any:
    """A damaged value: as it is, or {"base64": bytes} for a file's content."""
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value

"""A scripted county: clerks and responders handle the work orders that came over the exchange, and those of callers.

What comes next is read off the work order as it stands (GDZT, history, hash of its GDBH), so the script survives a
restart and steps that others have taken meanwhile. Callers ring in by hotline, web and app, when asked to. Must not
know HTTP or T_JH_IN.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from sandbox.office import Office
from sandbox.petition.changes import File, history
from sandbox.petition.contract import CENTRE, FILE, REGISTERED, Contract
from sandbox.petition.database import T_GD, T_GD_LZ, Database, rows
from sandbox.petition.duties import ASSISTANT, CLERKS, RESPONDERS, SURVEYOR, lead_department, seed_of
from sandbox.petition.late import LateCommits
from sandbox.petition.officials import Officials
from sandbox.petition.refusal import Denied

_WORKED_ON = (0, 1, 2, 3, 4, 5, 6)
_CALLER_VOICES = {1: "12345转接坐席", 2: "网民留言", 3: "掌上问政"}
_CALLS = (
    (1, "0202", "村里自来水停水两天", "村里停水两天，水管破裂处无人维修。", "371121106", "汪湖镇驻地"),
    (2, "0102", "工地扬尘严重", "工地未盖防尘网，大风天扬尘严重。", "371121001", "洪凝街道沿河路"),
    (3, "0402", "消防通道被占用停车", "小区消防通道长期停满车辆。", "371121001", "洪凝街道示例小区"),
    (1, "0601", "拖欠工资", "干活三个月没有结清工资。", "371121104", "许孟镇许孟村"),
    (2, "0105", "养殖场夜间排污", "养殖场夜间向沟渠排污，气味大。", "371121104", "许孟镇西河沟"),
)
_PHOTO = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mM4ZmQEAALyAS2Sl/TEAAAAAElFTkSuQmCC"
)

_ACCEPTED = ("情况属实，予以受理。", "经核实属县级职责，受理。", "受理，转有关部门办理。")
_SIGNED = ("已签收，安排专人负责。", "已签收，30分钟内联系反映人。", "已签收，工作人员正赶赴现场。")
_HANDLING = ("已到现场核查，情况属实，正在处置。", "已与镇街对接，制定处置方案。", "已责令立即整改，正在跟进。")
_ANSWERED = ("已处置完毕，现场恢复正常。", "整改到位，已向反映人说明情况。", "问题已解决，并安排日常巡查防止反弹。")
_RATED = ("非常满意", "满意", "基本满意")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """What an official does next: `wish` as for `Officials.act`; `photo`: a file is attached instead."""

    wish: Mapping[str, Any] = field(default_factory=dict)
    photo: bool = False


def next_step(
    work_order: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], contract: Contract, now: str
) -> Step | None:
    """The next step on this work order, None where it is left alone. `now`: Beijing text."""
    seed = seed_of(work_order["GDBH"])
    lead = work_order["ZBDW"] or lead_department(work_order["SQLB"])
    round_ = _since_taken_up(entries)
    clerk = {"CZR": CLERKS[seed % len(CLERKS)], "CZDW": CENTRE}
    responder = {"CZR": RESPONDERS[seed % len(RESPONDERS)], "CZDW": lead}

    def marked(mark: str) -> bool:
        return any((entry["CZYJ"] or "").startswith(mark) for entry in round_)

    match work_order["GDZT"]:
        case 0:
            return Step(clerk | {"GDZT": 1, "CZYJ": _ACCEPTED[seed % 3]})
        case 1:
            limit = work_order["BLSX"] or _later(now, 24 if work_order["JJCD"] else 72)
            sent: dict[str, Any] = {"GDZT": 2, "ZBDW": lead, "BLSX": limit, "CZYJ": _sent(contract, lead)}
            if seed % 4 == 3 and not work_order["XBDW"]:
                sent["XBDW"] = _other(contract, lead, seed)
            return Step(clerk | sent)
        case 2 if seed % 5 == 0 and not marked("【督办】"):
            return Step(clerk | {"CZYJ": "【督办】群众反映强烈，请尽快签收办理。"})
        case 2 if seed % 7 == 1 and not marked("【改派】"):
            other = _other(contract, lead, seed)
            return Step(clerk | {"ZBDW": other, "CZYJ": f"【改派】经研判改派{contract.departments[other]}办理。"})
        case 2:
            return Step(responder | {"GDZT": 3, "CZYJ": _SIGNED[seed % 3]})
        case 3:
            return Step(responder | {"GDZT": 4, "CZYJ": _HANDLING[seed % 3]})
        case 4 if seed % 6 == 2 and not marked("【延期】"):
            limit = _later(max(work_order["BLSX"] or now, now), 24)
            return Step(responder | {"BLSX": limit, "CZYJ": "【延期】需协调产权单位，申请延期一天。"})
        case 4 if work_order["XBDW"] and not marked("【协办】"):
            assisting = work_order["XBDW"].split(",")[0]
            return Step({"CZR": ASSISTANT, "CZDW": assisting, "CZYJ": "【协办】已派员到场协助处置。"})
        case 4 if seed % 3 == 1 and not any(entry["CZLX"] == FILE and entry["CZDW"] == lead for entry in round_):
            return Step(responder, photo=True)
        case 4:
            return Step(responder | {"GDZT": 5, "CZYJ": _ANSWERED[seed % 3]})
        case 5:
            return Step(clerk | {"GDZT": 6, "CZYJ": "经核实已解决，同意办结。"})
        case 6 if seed % 3 == 0:
            return Step({"CZR": SURVEYOR, "CZDW": CENTRE, "GDZT": 7, "CZYJ": _RATED[seed // 3 % 3]})
    return None


def _since_taken_up(entries: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    starts = [at for at, entry in enumerate(entries) if entry["CZLX"] in (REGISTERED, "重新提交")]
    return entries[starts[-1] :] if starts else entries


def _sent(contract: Contract, lead: str) -> str:
    return f"请{contract.departments.get(lead, lead)}依法核查处置，按时答复。"


def _other(contract: Contract, lead: str, seed: int) -> str:
    others = [code for code in sorted(contract.departments) if code not in (CENTRE, lead)]
    return others[seed // 11 % len(others)]


def _later(moment: str, hours: int) -> str:
    try:
        start = datetime.fromisoformat(moment)
    except ValueError as error:  # a migrated or damaged 0000-00-00
        raise Denied(409, f"时间不正确:{moment}") from error
    return (start + timedelta(hours=hours)).isoformat(" ", "seconds")


class Department:
    """The county at work: in the background while started, or round by round on demand."""

    def __init__(
        self,
        database: Database,
        officials: Officials,
        late: LateCommits,
        contract: Contract,
        now: Callable[[], str],
    ) -> None:
        self._database = database
        self._officials = officials
        self._late = late
        self._contract = contract
        self._now = now
        self.office = Office("petition", self.round, (SQLAlchemyError,))  # locked or restarting
        self._left_alone: frozenset[str] = frozenset()
        self._callers = 0
        self._calls_made = 0

    def leave_alone(self, titles: Collection[str]) -> None:
        """Work orders of these titles, and no others, are somebody else's to handle."""
        self._left_alone = frozenset(titles)

    def let_call(self, callers: int) -> None:
        """So many new calls a round, by hotline, web and app in turn."""
        self._callers = callers

    def round(self) -> int:
        """New calls, then one step on every work order that has one; how many calls and steps."""
        taken = 0
        for _ in range(self._callers):
            self._call()
            taken += 1
        for gdbh in self._at_work():
            if self.office.closing:
                break
            try:
                taken += self._step(gdbh)
            except (Denied, ValueError) as refusal:
                # A script that breaks the moves, or a row damaged on purpose: the other work orders must go on.
                _log.error("scripted step on %s refused: %s", gdbh, refusal)
        return taken

    def _at_work(self) -> list[str]:
        called = select(T_GD_LZ.c.GDBH).where(
            (T_GD_LZ.c.CZLX == REGISTERED) & T_GD_LZ.c.CZR.in_(tuple(_CALLER_VOICES.values()))
        )
        theirs = T_GD.c.WBBH.is_not(None) | T_GD.c.GDBH.in_(called)
        wanted = select(T_GD.c.GDBH).where(T_GD.c.GDZT.in_(_WORKED_ON) & theirs).order_by(T_GD.c.GDBH)
        with self._database.read() as connection:
            return [str(gdbh) for gdbh in connection.execute(wanted).scalars()]

    def _step(self, gdbh: str) -> int:
        with self._database.alone():
            if self._late.is_open(gdbh):
                return 0  # its last step is not committed yet: a second one would wait for it
            with self._database.read() as connection:
                work_order = rows(connection, select(T_GD).where(T_GD.c["GDBH"] == gdbh))[0]
                entries = history(connection, gdbh)
            if work_order["BT"] in self._left_alone:
                return 0
            step = next_step(work_order, entries, self._contract, self._now())
            if step is None:
                return 0
            if step.photo:
                self._officials.attach(gdbh, File("现场处置照片.png", "image/png", _PHOTO), step.wish)
            else:
                self._officials.act(gdbh, step.wish)
            return 1

    def _call(self) -> None:
        channel, class_code, title, text, town, address = _CALLS[self._calls_made % len(_CALLS)]
        self._calls_made += 1
        self._officials.create({
            "LYQD": channel, "SQLB": class_code, "BT": title, "NR": text, "SZXZ": town, "FSDZ": address,
            "SQRXM": f"示例{self._calls_made:03d}", "LXDH": f"1390001{self._calls_made % 10000:04d}",
            "SFBM": 1 if self._calls_made % len(_CALLS) == 0 else 0, "CZR": _CALLER_VOICES[channel],
        })  # fmt: skip

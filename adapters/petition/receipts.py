"""What became of a write: the rows of T_JH_IN under its reference -> a receipt, a refusal, or still waiting (§3, §5).

This module must not know SQL: it is given the rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.errors import Missing, NotDone, Outdated, Refused
from adapters.port import Receipt

WAITING, DONE, REFUSED, PROCESSING = 0, 1, 2, 3
_ORDER = re.compile(r"[A-Za-z0-9]{1,16}")
_FIELD = re.compile(r"NR(?:缺少字段|字段不正确):([A-Z]+)")
_AGAIN = "改正后 retry / correct it, then retry"


def open_or_done(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Is this write with the platform already, so that it must not be inserted again? A refused row does not count."""
    return any(row["CLBZ"] != REFUSED for row in rows)


def outcome(rows: Sequence[Mapping[str, Any]], where: str) -> Receipt | None:
    """rows: all rows of one reference, oldest first. One that was done counts, else the newest: a write refused once
    may have been corrected and sent again. Refused, Outdated, Missing, NotDone with the platform's words."""
    done = [row for row in rows if row["CLBZ"] == DONE]
    if done:
        return _done(done[0], where)
    if not rows or rows[-1]["CLBZ"] in (WAITING, PROCESSING):
        return None
    said = str(rows[-1]["CLJG"] or "")
    kind, _, detail = said.partition(":")
    if rows[-1]["CLBZ"] != REFUSED:
        raise Refused(f"CLBZ {rows[-1]['CLBZ']!r:.20}：接口没有的处理标志 / an outcome that the contract does not name",
                      where=where, code="CLBZ", remedy="请平台核对该行 / have the platform look at the row")  # fmt: skip
    if kind == "WBBH重复" and _ORDER.fullmatch(detail):
        return Receipt(detail, already=True)
    # SFBM never goes back from 1 to 0 (§4): the platform's people have kept the person secret meanwhile.
    if kind in ("状态不允许", "版本冲突") or said == "NR字段不正确:SFBM":
        raise Outdated(f"{said} / the work order's state does not allow this now", where=where, code=kind,
                       remedy="重新读取该工单后再定 / read it again")  # fmt: skip
    if kind == "GDBH不存在":
        raise Missing(f"{said} / there is no such work order", where=where, code=kind, remedy="核对编号 / check the number")
    if kind == "系统错误":
        raise NotDone(f"平台内部错误：{said} / the platform failed inside, nothing was stored", where=where, code=kind,
                      remedy="将自动重新交付 / handed over again")  # fmt: skip
    named = _FIELD.match(said)
    raise Refused(f"平台退回：{said or '未说明原因'} / refused by the platform", where=where, code=kind[:40],
                  field=named[1] if named else "", remedy=_AGAIN)  # fmt: skip


def _done(row: Mapping[str, Any], where: str) -> Receipt:
    number = str(row["CLJG"] or "")
    if not _ORDER.fullmatch(number):
        raise Refused(
            "平台标记已处理，却没有工单编号 / done by CLBZ, but CLJG names no work order", where=where, code="CLBZ=1",
            remedy="请平台核对该行，勿重发 / have the platform look at the row, do not send again",
        )  # fmt: skip
    return Receipt(number)

"""Who at the county usually does what: default names, departments and words of clerks, responders and callers.

The back door and the scripted department speak with these voices. Must not know rows, transactions or HTTP.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from sandbox.petition.contract import CENTRE

CLERKS = ("秦受理", "单受理", "厉受理")
RESPONDERS = ("朱响应", "尤响应", "郑响应", "申响应", "葛响应")
ASSISTANT = "协办员01"
SURVEYOR = "回访员01"

_CLERKS_DO = frozenset({"受理", "转办", "办结", "退单", "作废", "重新提交", "批注", "附件", "改单", "登记"})
_OPINIONS: Mapping[str, str] = {
    "受理": "情况属实，予以受理。",
    "转办": "请按职责办理，按时限答复。",
    "签收": "已签收。",
    "办理": "已安排人员到现场处置。",
    "答复": "已处置完毕，现场恢复正常。",
    "办结": "经核实已解决，同意办结。",
    "评价": "满意",
    "退单": "不属本级职责，退回。",
    "作废": "重复工单，作废。",
    "重新提交": "补充材料后重新提交。",
    "批注": "请关注办理进展。",
}
_LEADS: Mapping[str, str] = {
    "0201": "WL004", "0205": "WL016", "0207": "WL002", "0301": "WL005", "0304": "WL010", "0403": "WL004",
    "0503": "WL011", "0603": "WL014", "0604": "WL012", "0703": "WL009", "01": "WL001", "02": "WL003", "03": "WL006",
    "04": "WL002", "05": "WL008", "06": "WL013", "07": "WL007", "08": "WL015",
}  # fmt: skip


def seed_of(gdbh: str) -> int:
    """A work order's own number for choosing variants."""
    return zlib.crc32(gdbh.encode("utf-8"))


def lead_department(class_code: str) -> str:
    """The department that usually leads in a class (SQLB), the centre for what is nobody's."""
    return _LEADS.get(class_code) or _LEADS.get(class_code[:2], CENTRE)


def default_person(kind: str, gdbh: str) -> str:
    """CZR by CZLX: clerks, responders, and the one who asks for a rating."""
    if kind == "评价":
        return SURVEYOR
    voices = CLERKS if kind in _CLERKS_DO else RESPONDERS
    return voices[seed_of(gdbh) % len(voices)]


def default_unit(kind: str, work_order: Mapping[str, Any]) -> str:
    """CZDW by CZLX: the centre for the clerks and ratings, the lead department for all else."""
    return CENTRE if kind in _CLERKS_DO or kind == "评价" else work_order["ZBDW"] or CENTRE


def default_opinion(kind: str) -> str | None:
    """CZYJ by CZLX."""
    return _OPINIONS.get(kind)

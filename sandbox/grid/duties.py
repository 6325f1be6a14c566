"""Who answers for what on the stand-in's side: lead departments by event type, invented officials' names.

Must not know events in flight; choices are functions of a code or a seed.
"""

from __future__ import annotations

import zlib

CENTRE = "DG099"

_DUTIES = {
    "DG001": "03 05 06 07 08 09 10",
    "DG002": "01 02 11 12 13 14 15 19",
    "DG003": "22 28 29 30 31 33 34 39 48 60",
    "DG004": "21 26 27",
    "DG005": "04 16 42 43",
    "DG006": "71",
    "DG007": "41 44 45 46",
    "DG008": "47 49 50 51 52 53",
    "DG009": "24 25 54 55 65",
    "DG010": "17 18 20 40 59 62",
    "DG011": "61 70",
    "DG012": "57 64 67 68 69",
    "DG013": "58",
    "DG014": "66",
    "DG015": "63",
    "DG016": "72 73",
    "DG017": "35 36 37 38",
    "DG018": "23 32",
}
_LEADS = {kind: code for code, kinds in _DUTIES.items() for kind in kinds.split()}
_OFFICIALS = (
    "王示例", "李样例", "张海宁", "刘晓东", "陈国梁", "孙立群", "周文静", "吴建军", "郑秀芳",
    "赵志远", "徐明月", "马春雷",
)


def lead_department(event_type: str) -> str:
    """The department that leads for an event type; the district centre for 99 and everything else."""
    return _LEADS.get(event_type, CENTRE)


def assistant_department(lead: str) -> str:
    """One that usually goes along: city management, or the police with city management."""
    return "DG009" if lead == "DG002" else "DG002"


def official(dept: str, seed: int) -> str:
    """The same name for the same department and seed."""
    return _OFFICIALS[(zlib.crc32(dept.encode()) + seed) % len(_OFFICIALS)]


def seed_of(event_id: str) -> int:
    return zlib.crc32(event_id.encode())

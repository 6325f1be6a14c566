"""The contract's own lists and status table, as the platform knows them.

Items, departments and default limits come from codes.json, the status table from transitions.json. Must not know
requests, calls or the store.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "contracts" / "government"

CENTRE = "LS001"
FUNCTIONS = ("call:read", "call:create", "call:action", "file:write", "file:read")
ACTIONS = (
    "ACCEPT",
    "RETURN",
    "DISPATCH",
    "RESPOND",
    "PROGRESS",
    "EXTEND",
    "URGE",
    "FEEDBACK",
    "CLOSE",
    "RATE",
    "CANCEL",
)
CHANNELS = ("HOTLINE", "WEB", "APP", "WINDOW", "CALLER")
URGENCIES = ("NORMAL", "URGENT", "CRITICAL")
OPINION_REQUIRED = frozenset({"RETURN", "PROGRESS", "EXTEND", "FEEDBACK", "CLOSE", "RATE", "CANCEL"})

# The district's own towns: the only town names the platform's lists hold. Every other county's town has no name here.
TOWNS: Mapping[str, str] = {
    "371103001": "岚山头街道",
    "371103002": "安东卫街道",
    "371103100": "碑廓镇",
    "371103101": "虎山镇",
    "371103102": "巨峰镇",
    "371103103": "高兴镇",
    "371103105": "黄墩镇",
    "371103108": "中楼镇",
    "371103200": "前三岛乡",
}

_TOWN_CODE = re.compile(r"[0-9]{9}")


@dataclass(frozen=True)
class Contract:
    """Code lists by code, and `moves[action][status]` as in transitions.json (RECALL included)."""

    items: Mapping[str, str]
    item_departments: Mapping[str, str]
    departments: Mapping[str, str]
    moves: Mapping[str, Mapping[str, str]]
    limit_hours: Mapping[str, int]

    def knows_department(self, code: str) -> bool:
        """Section 6: a listed department, or any 9-digit town code."""
        return code in self.departments or _TOWN_CODE.fullmatch(code) is not None

    def department_name(self, code: str | None) -> str | None:
        if code is None:
            return None
        return self.departments.get(code) or TOWNS.get(code)


@lru_cache(maxsize=1)
def load() -> Contract:
    """The lists of docs/contracts/government."""
    codes = json.loads((FOLDER / "codes.json").read_text(encoding="utf-8"))
    table = json.loads((FOLDER / "transitions.json").read_text(encoding="utf-8"))
    recall = {status: "x" for status in table["statuses"]} | table["platformOnly"]["RECALL"]
    return Contract(
        items={row["itemCode"]: row["itemName"] for row in codes["items"]},
        item_departments={row["itemCode"]: row["deptCode"] for row in codes["items"]},
        departments={row["deptCode"]: row["deptName"] for row in codes["departments"]},
        moves=table["actions"] | {"RECALL": recall},
        limit_hours=codes["defaultLimitHours"],
    )

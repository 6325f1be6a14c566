"""The contract's lists as the stand-in uses them: classes, departments, step table, field names, media types.

Read from docs/contracts/city at run time, so that a changed list needs no change here. Must not know HTTP or XML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "contracts" / "city"

CENTRE = "JX099"
METHODS = ("changes", "task", "report", "step", "media")
OPINION_REQUIRED = frozenset({"201", "202", "203", "299"})
# README §7, example: hours until the deadline that a first dispatch sets, by urgency.
LIMIT_HOURS: Mapping[str, int] = {"1": 120, "2": 24, "3": 2}

REPORT_FIELDS = (
    "outerCode", "recType", "mainType", "subType", "title", "description", "source", "districtCode", "streetCode",
    "communityCode", "cellCode", "address", "x", "y", "reporter", "phone", "urgency",
)  # fmt: skip
# A task's single-valued elements, in XSD order; steps and medias follow.
TASK_FIELDS = (
    "taskNum", *REPORT_FIELDS[:-1], "reportTime", "deadline", "dept", "assistDepts", "urgency", "state",
)  # fmt: skip

MEDIA_TYPES: Mapping[str, str] = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "mp4": "video/mp4",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "pdf": "application/pdf",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

_TOWN_CODE = re.compile(r"3711[0-9]{5}")


@dataclass(frozen=True)
class Contract:
    """Code lists by code, and the step table of transitions.json. `classes` keys: recType/mainType/subType."""

    classes: Mapping[str, str]
    departments: Mapping[str, str]
    sources: Collection[str]
    urgencies: Collection[str]
    steps: Mapping[str, str]
    moves: Mapping[str, Collection[str]]
    repeats: Collection[str]
    extends: Collection[str]
    urges: Collection[str]
    officials_besides: Mapping[str, Collection[str]]

    def knows_main_type(self, rec_type: str, main_type: str) -> bool:
        prefix = f"{rec_type}/{main_type}/"
        return any(key.startswith(prefix) for key in self.classes)

    def knows_class(self, rec_type: str, main_type: str, sub_type: str) -> bool:
        return f"{rec_type}/{main_type}/{sub_type}" in self.classes

    def knows_department(self, code: str) -> bool:
        """§9: a listed department, or a town code (`3711` + 5 digits)."""
        return code in self.departments or _TOWN_CODE.fullmatch(code) is not None


@lru_cache(maxsize=1)
def load() -> Contract:
    """The lists of docs/contracts/city."""
    codes = json.loads((FOLDER / "codes.json").read_text(encoding="utf-8"))
    table = json.loads((FOLDER / "transitions.json").read_text(encoding="utf-8"))
    return Contract(
        classes=codes["classes"],
        departments=codes["departments"],
        sources=frozenset(codes["source"]),
        urgencies=frozenset(codes["urgency"]),
        steps=table["steps"],
        moves=table["moves"],
        repeats=frozenset(table["repeat"]),
        extends=frozenset(table["extend202"]),
        urges=frozenset(table["urge203"]),
        officials_besides=table["officialsBesides"],
    )

"""The areas that exist: county (6), town (9) and village codes (12 digits) of config/divisions.csv.

This module must not know who asks for a code.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bridge.documents import Problem, Problems

DIGITS: Mapping[str, int] = {"county": 6, "town": 9, "village": 12, "grid": 15}
LEVELS = ("city", *DIGITS)  # a city's code has 6 digits, like a county's: a file may be for the whole city
COLUMNS = ("code", "name", "parent", "level")


@dataclass(frozen=True, slots=True)
class Divisions:
    """Codes with their names. The list holds no grids: a grid's code begins with its village's."""

    names: Mapping[str, str]

    def exists(self, level: str, code: str) -> bool:
        """Is this the code of a county, town, village; or, for a grid, does its village exist?"""
        if not (code.isascii() and code.isdigit()) or len(code) != DIGITS[level]:
            return False
        return code[:12] in self.names

    def begins(self, level: str, head: str) -> bool:
        """Does any code of that level begin so?"""
        if not (head.isascii() and head.isdigit()) or len(head) > DIGITS[level]:
            return False
        length = min(DIGITS[level], 12)
        return any(len(code) == length and code.startswith(head[:12]) for code in self.names)

    def of(self, level: str) -> list[str]:
        """All codes of a level, with their names: `371103103 高兴镇`."""
        return [f"{code} {name}" for code, name in self.names.items() if len(code) == DIGITS[level]]

    def near(self, level: str, code: str) -> str:
        """The codes that share most leading digits with one that does not exist, for messages."""
        known = self.of("village" if level == "grid" else level)
        return ", ".join(sorted(known, key=lambda one: (-_shared(one, code), _distance(one, code), one))[:4])


def read(path: Path) -> Divisions:
    """The list of a file; Problems where it cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                found = "缺少这一列 / this column is missing"
                raise Problems([Problem(str(path), 1, missing[0], found, ", ".join(COLUMNS), "补上 / add it")])
            return Divisions({row["code"]: row["name"] for row in rows if row["level"] in LEVELS})
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        found = f"行政区划表无法读取 / the list of areas cannot be read ({type(error).__name__})"
        raise Problems([Problem(str(path), 1, "", found, remedy="恢复该文件 / restore the file, in UTF-8")]) from None


def _shared(one: str, code: str) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, code, strict=False)) if a != b), min(len(one), len(code)))


def _distance(one: str, code: str) -> int:
    head = one.split()[0]
    return abs(int(head) - int(code)) if code.isascii() and code.isdigit() and len(code) == len(head) else 0

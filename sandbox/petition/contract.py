"""The contract's own lists and moves, as the platform knows them (codes.json, transitions.json), and what gbk can hold.

Must not know rows, transactions or the back door.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "contracts" / "petition"

CENTRE = "WL099"
OTHER_CLASS = "9900"
RETURNED = 8
CANCELLED = 9
REGISTERED, NOTE, FILE, EDIT = "登记", "批注", "附件", "改单"

_TOWN = re.compile(r"3711[0-9]{5}")


@dataclass(frozen=True)
class Contract:
    """Code lists by code. `exchange_moves`, `official_moves`: GDZT → the GDZT it may go to. `entry_names`: GDZT → CZLX."""

    departments: Mapping[str, str]
    classes: Mapping[str, str]
    exchange_moves: Mapping[int, frozenset[int]]
    official_moves: Mapping[int, frozenset[int]]
    entry_names: Mapping[int, str]

    def knows_unit(self, code: str) -> bool:
        """A department of section 7 or a town code (3711 + 5 digits)."""
        return code in self.departments or is_town(code)


def is_town(code: str) -> bool:
    return _TOWN.fullmatch(code) is not None


def storable(text: str) -> str:
    """The text as a gbk column keeps it: one `?` for each code point that gbk lacks (section 4)."""
    return text.encode("gbk", "replace").decode("gbk")


def size_in_gbk(text: str) -> int:
    """Bytes in gbk, code points outside it as 4 (section 5, NR超过65535字节)."""
    outside = sum(text.count(character) for character in set(text) if not _in_gbk(character))
    return len(text.encode("gbk", "replace")) + 3 * outside


def _in_gbk(character: str) -> bool:
    try:
        character.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=1)
def load() -> Contract:
    """The lists of docs/contracts/petition."""
    codes = json.loads((FOLDER / "codes.json").read_text(encoding="utf-8"))
    moves = json.loads((FOLDER / "transitions.json").read_text(encoding="utf-8"))
    exchange = {int(state): frozenset(map(int, to)) for state, to in moves["exchange"].items()}
    besides = {int(state): frozenset(map(int, to)) for state, to in moves["officialsBesides"].items()}
    return Contract(
        departments=codes["departments"],
        classes=codes["classes"],
        exchange_moves=exchange,
        official_moves={state: to | besides[state] for state, to in exchange.items()},
        entry_names={int(state): name for name, state in codes["CZLX"].items() if state.isdigit()},
    )

"""What the stand-in grid platform knows from its published contract: codes, stages, moves, names, schema files.

Must not know HTTP, storage, or anyone who calls the platform.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

DIRECTORY = Path(__file__).parents[2] / "docs" / "contracts" / "grid"

EVENT_NS = "http://grid.example.gov.cn/event/v1"
SOAP_NS = "http://schemas.xmlsoap.org/soap/envelope/"
SECEXT_NS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
UTILITY_NS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
PASSWORD_DIGEST = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
BASE64_BINARY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"

ENDPOINT = "/services/GridEventService"
SCHEMA_PATH = "/services/GridEvent.xsd"

OPERATIONS = ("queryEvents", "getEvent", "findBySourceId", "getAttachment", "reportEvent", "updateEvent")
WRITES = ("reportEvent", "updateEvent")

BEIJING = timezone(timedelta(hours=8))
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_TOWN = re.compile(r"3711[0-9]{5}")


def _read(name: str) -> dict[str, dict[str, object]]:
    parsed: dict[str, dict[str, object]] = json.loads((DIRECTORY / name).read_text(encoding="utf-8"))
    return parsed


def _texts(table: Mapping[str, object]) -> dict[str, str]:
    return {key: str(value) for key, value in table.items()}


def _moves(table: Mapping[str, object]) -> dict[str, frozenset[str]]:
    return {key: frozenset(map(str, value)) for key, value in table.items() if isinstance(value, list)}


_CODES = _read("codes.json")
_TRANSITIONS = _read("transitions.json")

DEPARTMENTS = _texts(_CODES["departments"])
EVENT_TYPES = _texts(_CODES["eventTypes"])
STAGES = _texts(_TRANSITIONS["stages"])
EXCHANGE_MOVES = _moves(_TRANSITIONS["exchange"])
OFFICIAL_MOVES = _moves(_TRANSITIONS["officials"])
# README §11: officials, too, may repeat the present stage there; transitions.json lists their moves only.
OFFICIAL_REPEATS = frozenset({"06", "07", "08", "09", "10", "11", "12"})

WSDL = (DIRECTORY / "GridEventService.wsdl").read_bytes()
XSD = (DIRECTORY / "GridEvent.xsd").read_bytes()


@dataclass(frozen=True)
class Refusal:
    """An answer other than 0: contract §4, code and exact text."""

    code: int
    message: str


def bad(field: str, reason: str) -> Refusal:
    """resultCode 2001; `field` is the local name of the innermost element."""
    return Refusal(2001, f"参数错误[{field}]：{reason}")


def is_department(code: str) -> bool:
    """§10: a listed code, or a town code of the city (`3711` + 5 digits)."""
    return code in DEPARTMENTS or is_town(code)


def is_town(code: str) -> bool:
    return _TOWN.fullmatch(code) is not None


def time_text(at: float) -> str:
    """Epoch seconds as the platform writes times: `yyyy-MM-dd HH:mm:ss`, Beijing, fractions dropped."""
    return datetime.fromtimestamp(int(at // 1), BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def day_text(at: float) -> str:
    """Epoch seconds as the `yyyyMMdd` of ids, Beijing."""
    return datetime.fromtimestamp(int(at // 1), BEIJING).strftime("%Y%m%d")


def time_value(text: str) -> float | None:
    """Epoch seconds of a `yyyy-MM-dd HH:mm:ss` Beijing text; None when it is no real calendar time."""
    if not _TIME.fullmatch(text):
        return None
    try:
        at = datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None
    return at.replace(tzinfo=BEIJING).timestamp()

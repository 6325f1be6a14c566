"""WS-Security UsernameToken as the platform checks it (contract §2): structure, created, nonce, user, digest.

Must not know operations or storage. A check's outcome is an Account or the name of the fault to answer.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from lxml import etree

from sandbox.grid.contract import BASE64_BINARY, PASSWORD_DIGEST, SECEXT_NS, SOAP_NS, UTILITY_NS

OLD_SECONDS = 300
AHEAD_SECONDS = 60
REMEMBER_SECONDS = 900

Kind = Literal["exchange", "readonly", "disabled", "expired"]
SecurityFault = Literal["InvalidSecurity", "FailedAuthentication"]

_CREATED = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,3}))?Z")
_SECURITY = f"{{{SECEXT_NS}}}Security"
_TOKEN = f"{{{SECEXT_NS}}}UsernameToken"
_PARTS = {
    f"{{{SECEXT_NS}}}Username": "username",
    f"{{{SECEXT_NS}}}Password": "digest",
    f"{{{SECEXT_NS}}}Nonce": "nonce",
    f"{{{UTILITY_NS}}}Created": "created",
}


@dataclass(frozen=True)
class Account:
    """An account of the exchange interface; all kinds but `exchange` are limited (§4: 1001, 1002)."""

    username: str
    password: str
    kind: Kind = "exchange"


@dataclass(frozen=True)
class Token:
    """A well-formed UsernameToken; `created_at` in epoch seconds."""

    username: str
    digest: str
    nonce: bytes
    created: str
    created_at: float


class NonceMemory:
    """Nonces seen, over all users, for at least 10 minutes of the platform's clock. A restart forgets them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[bytes, float] = {}
        self._swept = 0.0

    def first_use(self, nonce: bytes, now: float) -> bool:
        """Remembers the nonce; False if it was known."""
        with self._lock:
            if abs(now - self._swept) > 60:
                self._seen = {one: at for one, at in self._seen.items() if now - at <= REMEMBER_SECONDS}
                self._swept = now
            if nonce in self._seen:
                return False
            self._seen[nonce] = now
            return True


def password_digest(nonce: bytes, created: str, password: str) -> str:
    """Base64(SHA-1(decoded nonce + created as UTF-8 + password as UTF-8))."""
    return base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode()).digest()).decode()


def authenticate(
    header: etree._Element | None, accounts: Mapping[str, Account], nonces: NonceMemory, now: float
) -> Account | SecurityFault:
    """The checks of §2 in their order. `now`: the platform's clock, epoch seconds."""
    token = read_token(header)
    if token is None:
        return "InvalidSecurity"
    if now - token.created_at > OLD_SECONDS or token.created_at - now > AHEAD_SECONDS:
        return "FailedAuthentication"
    if not nonces.first_use(token.nonce, now):
        return "FailedAuthentication"
    account = accounts.get(token.username)
    if account is None:
        return "FailedAuthentication"
    right = password_digest(token.nonce, token.created, account.password)
    if not hmac.compare_digest(right.encode(), token.digest.encode()):
        return "FailedAuthentication"
    return account


def read_token(header: etree._Element | None) -> Token | None:
    """The header's one token; None for whatever breaks structure or formats."""
    found = [] if header is None else header.findall(_SECURITY)
    if len(found) != 1 or found[0].get(f"{{{SOAP_NS}}}mustUnderstand", "1") != "1":
        return None
    children = [child for child in found[0] if child.tag != f"{{{UTILITY_NS}}}Timestamp"]
    if len(children) != 1 or children[0].tag != _TOKEN:
        return None
    parts: dict[str, str] = {}
    for part in children[0]:
        name = _PARTS.get(str(part.tag))
        if name is None or name in parts or len(part):
            return None
        if name == "digest" and part.get("Type") != PASSWORD_DIGEST:
            return None
        if name == "nonce" and part.get("EncodingType", BASE64_BINARY) != BASE64_BINARY:
            return None
        parts[name] = part.text or ""
    if len(parts) != len(_PARTS) or not parts["username"]:
        return None
    nonce, created_at = _nonce(parts["nonce"]), _created(parts["created"])
    if nonce is None or created_at is None:
        return None
    return Token(parts["username"], parts["digest"], nonce, parts["created"], created_at)


def _nonce(text: str) -> bytes | None:
    try:
        nonce = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    return nonce if 8 <= len(nonce) <= 64 else None


def _created(text: str) -> float | None:
    match = _CREATED.fullmatch(text)
    if match is None:
        return None
    try:
        at = datetime.strptime(match[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return (at + timedelta(milliseconds=int((match[2] or "0").ljust(3, "0")))).timestamp()

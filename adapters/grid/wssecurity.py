"""The WS-Security UsernameToken with a password digest (contract §2).

This module must not know operations or connections: nonce and time are passed in, one token a request.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE = _OASIS + "wssecurity-secext-1.0.xsd"
WSU = _OASIS + "wssecurity-utility-1.0.xsd"
DIGEST_TYPE = _OASIS + "username-token-profile-1.0#PasswordDigest"
NONCE_ENCODING = _OASIS + "soap-message-security-1.0#Base64Binary"
NONCE_BYTES = 16


def created_text(at: datetime) -> str:
    """An aware time as `yyyy-MM-ddTHH:mm:ss.SSSZ`, UTC, three decimals (cut, not rounded)."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def digest(nonce: bytes, created: str, password: str) -> str:
    """Base64(SHA-1(nonce bytes + created + password)), the texts as UTF-8. SHA-1 is what the profile prescribes."""
    return base64.b64encode(
        hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False).digest()
    ).decode()


def add_token(envelope: etree._Element, *, login: str, password: str, nonce: bytes, at: datetime) -> None:
    """Put the only `wsse:Security` of the message into its header, which comes before the body."""
    header = envelope.find(f"{{{SOAP}}}Header")
    if header is None:
        header = etree.Element(f"{{{SOAP}}}Header")
        envelope.insert(0, header)
    created = created_text(at)
    security = etree.SubElement(header, f"{{{WSSE}}}Security", nsmap={"wsse": WSSE, "wsu": WSU})
    security.set(f"{{{SOAP}}}mustUnderstand", "1")
    token = etree.SubElement(security, f"{{{WSSE}}}UsernameToken")
    etree.SubElement(token, f"{{{WSSE}}}Username").text = login
    secret = etree.SubElement(token, f"{{{WSSE}}}Password", Type=DIGEST_TYPE)
    secret.text = digest(nonce, created, password)
    once = etree.SubElement(token, f"{{{WSSE}}}Nonce", EncodingType=NONCE_ENCODING)
    once.text = base64.b64encode(nonce).decode()
    etree.SubElement(token, f"{{{WSU}}}Created").text = created

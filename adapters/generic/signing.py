"""Signatures over a template, with the connection's secret. Pure: no clock, no randomness. Must not know a platform."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

from adapters.generic.parts import SignedAuth
from adapters.generic.placeholders import NAME


def signature(auth: SignedAuth, secret: str, values: Mapping[str, str], body: bytes) -> str:
    """The signature of one request. `{body}` in the template: its bytes; `{body_sha256}`: their digest in hex. KeyError
    for a placeholder without a value."""
    message = b""
    place = 0
    for found in NAME.finditer(auth.template):
        message += auth.template[place : found.start()].encode()
        place = found.end()
        message += body if found[1] == "body" else values[found[1]].encode()
    message += auth.template[place:].encode()
    key = secret.encode()
    if auth.algorithm == "hmac-sha256":
        made = hmac.new(key, message, hashlib.sha256).digest()
    else:
        mac = HMAC(key, SM3())
        mac.update(message)
        made = mac.finalize()
    match auth.encoding:
        case "hex":
            return made.hex()
        case "HEX":
            return made.hex().upper()
    return base64.b64encode(made).decode()

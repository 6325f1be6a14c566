"""Signatures over a template, with the connection's secret; parameters in the order that they are signed in. Pure: no clock,
no randomness. Must not know a platform."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.hashes import SM3, Hash
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
    made = _digest(auth.algorithm, secret.encode(), message)
    match auth.encoding:
        case "hex":
            return made.hex()
        case "HEX":
            return made.hex().upper()
    return base64.b64encode(made).decode()


def in_order(query: str, form: bytes = b"") -> tuple[str, str]:
    """The parameters of an address and of a form as name=value, by name, joined by &, as they are before any encoding: all
    of them, and those that hold something."""
    held = sorted([*parse_qsl(query, keep_blank_values=True), *parse_qsl(form.decode(), keep_blank_values=True)])
    return "&".join(f"{name}={value}" for name, value in held), "&".join(f"{name}={value}" for name, value in held if value)


def _digest(algorithm: str, key: bytes, message: bytes) -> bytes:
    match algorithm:
        case "hmac-sha256":
            return hmac.new(key, message, hashlib.sha256).digest()
        case "hmac-sm3":
            mac = HMAC(key, SM3())
            mac.update(message)
            return mac.finalize()
        case "sm3":
            plain = Hash(SM3())
            plain.update(message)
            return plain.finalize()
        case "sha256":
            return hashlib.sha256(message).digest()
    return hashlib.md5(message, usedforsecurity=False).digest()  # the platform's choice, not ours

"""Signatures of the government platform, to the byte (contract section 2).

Pure: no clock, no randomness, no network. SM3 comes from OpenSSL by way of hashlib, or from `cryptography` where
hashlib's OpenSSL was built without it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

from cryptography.hazmat.primitives.hashes import SM3, Hash
from cryptography.hazmat.primitives.hmac import HMAC


class Algorithm(NamedTuple):
    """digest(data) and mac(key, data), both 32 bytes."""

    digest: Callable[[bytes], bytes]
    mac: Callable[[bytes, bytes], bytes]


def native() -> Algorithm | None:
    """hashlib's SM3, None where its OpenSSL lacks it."""
    if "sm3" not in hashlib.algorithms_available:
        return None
    return Algorithm(
        lambda data: hashlib.new("sm3", data).digest(),
        lambda key, data: hmac.new(key, data, "sm3").digest(),
    )


def portable() -> Algorithm:
    """SM3 of the `cryptography` package."""

    def digest(data: bytes) -> bytes:
        state = Hash(SM3())
        state.update(data)
        return state.finalize()

    def mac(key: bytes, data: bytes) -> bytes:
        state = HMAC(key, SM3())
        state.update(data)
        return state.finalize()

    return Algorithm(digest, mac)


ALGORITHM = native() or portable()


def sm3(data: bytes) -> str:
    """SM3 as 64 lower-case hex digits."""
    return ALGORITHM.digest(data).hex()


def canonical_query(raw: bytes) -> str:
    """The query as it is signed: decoded, re-encoded, sorted by encoded name, then by encoded value."""
    pairs = []
    for piece in raw.split(b"&"):
        if piece:
            name, _, value = piece.partition(b"=")
            pairs.append((_encoded(name), _encoded(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _encoded(part: bytes) -> str:
    return quote_from_bytes(unquote_to_bytes(part.replace(b"+", b" ")), safe="")


def string_to_sign(method: str, target: str, timestamp: str, nonce: str, body: bytes) -> str:
    """Five lines, no line feed at the end. target: path from /api/ on (no deployment prefix) and raw query."""
    path, _, query = target.partition("?")
    canonical = canonical_query(query.encode())
    signed = f"{path}?{canonical}" if canonical else path
    return "\n".join((method, signed, timestamp, nonce, sm3(body)))


def sign(secret: str, method: str, target: str, timestamp: str, nonce: str, body: bytes) -> str:
    """X-Sign: HMAC-SM3 as 64 lower-case hex digits."""
    message = string_to_sign(method, target, timestamp, nonce, body)
    return ALGORITHM.mac(secret.encode(), message.encode()).hex()

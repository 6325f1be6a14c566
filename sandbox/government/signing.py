"""Signatures as the platform checks them, to the byte (contract section 2).

Must not know apps, tokens, nonces or the clock: it turns a request into the string that is signed, and signs it.
"""

from __future__ import annotations

import hashlib
import hmac
import re

_BROKEN_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_RESERVED = re.compile(rb"[^A-Za-z0-9\-._~]")


def sm3_hex(data: bytes) -> str:
    """SM3 (GM/T 0004) of `data`, lower-case hex."""
    return hashlib.new("sm3", data).hexdigest()


def hmac_sm3_hex(key: bytes, message: bytes) -> str:
    """HMAC (RFC 2104) with SM3, block 64 bytes, lower-case hex."""
    return hmac.new(key, message, "sm3").hexdigest()


def is_sound(target: bytes) -> bool:
    """False for raw non-ASCII bytes or a broken % sequence anywhere in the target."""
    return target.isascii() and _BROKEN_PERCENT.search(target) is None


def query_pairs(raw: bytes) -> list[tuple[bytes, bytes]]:
    """The raw query's decoded (name, value) pairs in the order sent; empty pieces between & are dropped."""
    pairs = []
    for piece in raw.split(b"&"):
        if piece:
            name, _, value = piece.partition(b"=")
            pairs.append((_decode(name), _decode(value)))
    return pairs


def canonical_query(raw: bytes) -> str:
    """The query as it is signed: decoded, re-encoded, sorted by encoded name, then by encoded value."""
    pairs = sorted((_encode(name), _encode(value)) for name, value in query_pairs(raw))
    return b"&".join(name + b"=" + value for name, value in pairs).decode("ascii")


def string_to_sign(method: str, target: bytes, timestamp: str, nonce: str, body: bytes) -> str:
    """What is signed. `target` begins at /api/: the gateway has taken the deployment prefix off. ASCII only."""
    path, _, raw = target.partition(b"?")
    query = canonical_query(raw)
    resource = path.decode("ascii") + (f"?{query}" if query else "")
    return f"{method}\n{resource}\n{timestamp}\n{nonce}\n{sm3_hex(body)}"


def sign(secret: str, text: str) -> str:
    """X-Sign for `text` under the app's secret."""
    return hmac_sm3_hex(secret.encode(), text.encode())


def _decode(piece: bytes) -> bytes:
    return _PERCENT.sub(lambda match: bytes([int(match[1], 16)]), piece.replace(b"+", b" "))


def _encode(piece: bytes) -> bytes:
    return _RESERVED.sub(lambda match: b"%%%02X" % match[0][0], piece)

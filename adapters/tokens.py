"""One session token for all workers of one platform. Where a new token voids the old one, workers that each fetched
their own would void each other for ever; here the first one fetches, the others find its token in a shared folder.

The file is sealed with a key derived from the platform's secret: a copied file is worthless without it. This module
must not know a platform, nor how a token is fetched.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import orjson
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from adapters.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Token:
    """A session token and the (aware) moment at which it ends."""

    value: str
    expires: datetime

    def __repr__(self) -> str:
        return f"Token(expires={self.expires.isoformat()})"


class SessionTokens:
    """The shared token of one account.

    folder: private to the workers of this platform, made 0700. account: names the file (platform, address, login).
    secret: seals it. margin: a token that ends within it counts as ended.
    """

    def __init__(
        self, folder: Path, account: str, secret: str, now: Callable[[], datetime],
        margin: timedelta = timedelta(seconds=60),
    ) -> None:  # fmt: skip
        name = "token-" + hashlib.sha256(account.encode()).hexdigest()[:24]
        self._file, self._lock = folder / f"{name}.sealed", folder / f"{name}.lock"
        key = HKDF(SHA256(), 32, salt=account.encode(), info=b"session token").derive(secret.encode())
        self._seal = Fernet(base64.urlsafe_b64encode(key))
        self._now, self._margin = now, margin

    def current(self) -> str | None:
        """The stored token, None if there is none that still holds. ConfigError if the folder cannot be used."""
        try:
            sealed = self._file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error
        token = self._opened(sealed)
        return token.value if token and token.expires - self._margin > self._now() else None

    def renew(self, seen: str | None, fetch: Callable[[], Token]) -> str:
        """The token to use instead of `seen`, which the platform no longer accepts (None: there was none).

        Another worker's, if it stored one meanwhile; else what `fetch` brings, called with the lock held so that one
        worker at a time asks. What `fetch` raises is raised, and nothing is stored.
        """
        with self._locked():
            stored = self.current()
            if stored is not None and stored != seen:
                return stored
            token = fetch()
            self._store(token)
            return token.value

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file.parent.chmod(0o700)
            handle = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unusable(error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)  # each opening has a lock of its own: threads are kept apart too
            yield
        finally:
            os.close(handle)

    def _store(self, token: Token) -> None:
        sealed = self._seal.encrypt(orjson.dumps({"value": token.value, "expires": token.expires.isoformat()}))
        fresh = self._file.with_suffix(".fresh")  # one writer at a time: the lock is held
        try:
            fresh.unlink(missing_ok=True)
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(sealed)
            fresh.replace(self._file)  # readers need no lock: they see the old file or the new one
        except OSError as error:
            raise self._unusable(error) from error

    def _opened(self, sealed: bytes) -> Token | None:
        """None for a file sealed with another secret (it was changed since) or damaged: a new token replaces it."""
        try:
            content = orjson.loads(self._seal.decrypt(sealed))
            return Token(content["value"], datetime.fromisoformat(content["expires"]))
        except (InvalidToken, ValueError, KeyError, TypeError):
            return None

    def _unusable(self, error: OSError) -> ConfigError:
        return ConfigError(
            f"令牌文件夹不可用 / token folder cannot be used: {self._file.parent} ({type(error).__name__})",
            where="tokens", remedy="授予运行账号对该文件夹的读写权 / let the service's account read and write it",
        )  # fmt: skip

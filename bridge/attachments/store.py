"""The attachment store: files by the SHA-256 of their content, in a folder beside the ledger.

A name from a platform never becomes a path. What is missing here can be read again from the platform it stands on, so
the store may be cleaned by age at any time. This module must not know a platform.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

LARGEST = 52_428_800
"""Bytes of one file: beyond that nothing is kept or carried, whatever the platforms allow."""
_CHUNK = 1 << 20


class TooLarge(Exception):
    """More bytes than `LARGEST`."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file in the store. size: bytes; head: its first 64 bytes."""

    sha256: str
    size: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Store:
    folder: Path

    def keep(self, content: BinaryIO) -> Kept:
        """The content read to its end and stored under its digest, whole or not at all. TooLarge, OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        digest, size, head = hashlib.sha256(), 0, b""
        descriptor, name = tempfile.mkstemp(dir=self.folder, prefix=".incoming-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                while block := content.read(_CHUNK):
                    size += len(block)
                    if size > LARGEST:
                        raise TooLarge
                    head = head or block[:64]
                    digest.update(block)
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
            path = self._path(digest.hexdigest())
            path.parent.mkdir(mode=0o700, exist_ok=True)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return Kept(digest.hexdigest(), size, head)

    def open(self, sha256: str) -> BinaryIO | None:
        """The file of that digest from its beginning; None if it is not here, or is no longer what it was."""
        path = self._path(sha256)
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return None
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            file.close()
            path.unlink(missing_ok=True)
            return None
        os.utime(path)
        file.seek(0)
        return file

    def clean(self, before: datetime) -> int:
        """Removes files not used since then (aware), half-written ones too; how many."""
        found = [path for path in self.folder.rglob("*") if path.is_file() and path.stat().st_mtime < before.timestamp()]
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)

    def _path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256

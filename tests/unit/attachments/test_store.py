"""The attachment store: content by digest, whole or not at all, cleaned by age."""

from __future__ import annotations

import hashlib
import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.attachments.store import LARGEST, Store, TooLarge

CONTENT = b"\xff\xd8\xff" + bytes(3_000_000)


def files(store: Store) -> list[Path]:
    return [path for path in store.folder.rglob("*") if path.is_file()]


def test_content_is_kept_by_its_digest(tmp_path: Path) -> None:
    """What went in comes out byte for byte; the same content again is the same file."""
    store = Store(tmp_path / "files")
    kept = store.keep(io.BytesIO(CONTENT))
    assert kept == store.keep(io.BytesIO(CONTENT))
    assert (kept.sha256, kept.size, kept.head[:3]) == (hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), CONTENT[:3])
    with store.open(kept.sha256) as found:  # type: ignore[union-attr]
        assert found.read() == CONTENT
    assert len(files(store)) == 1


class Broken(io.BytesIO):
    """A stream that ends in an error half-way."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > 1_000_000:
            raise OSError("reset")
        return super().read(size)


class Endless(io.RawIOBase):
    def read(self, size: int = -1) -> bytes:
        return bytes(size)


@pytest.mark.parametrize(("content", "error"), [(Broken(CONTENT), OSError), (Endless(), TooLarge)])
def test_half_a_file_is_none(tmp_path: Path, content: Any, error: type[Exception]) -> None:
    """A stream that breaks off, or goes beyond the limit, leaves nothing behind."""
    store = Store(tmp_path / "files")
    with pytest.raises(error):
        store.keep(content)
    assert files(store) == []
    assert LARGEST > 20 * 1024 * 1024


def test_damaged_content_is_none(tmp_path: Path) -> None:
    """A file that is no longer what its name says is not given out, and makes room for the right one."""
    store = Store(tmp_path / "files")
    kept = store.keep(io.BytesIO(CONTENT))
    files(store)[0].write_bytes(b"other")
    assert store.open(kept.sha256) is None
    assert files(store) == []
    assert store.open("0" * 64) is None


def test_cleaning_by_age(tmp_path: Path) -> None:
    """Files that were not used since then go; one that was opened since stays."""
    store, now = Store(tmp_path / "files"), datetime.now(UTC)
    old, used = store.keep(io.BytesIO(b"old")), store.keep(io.BytesIO(b"used"))
    for path in files(store):
        os.utime(path, ((now - timedelta(days=40)).timestamp(),) * 2)
    store.open(used.sha256).close()  # type: ignore[union-attr]
    assert store.clean(now - timedelta(days=30)) == 1
    assert store.open(old.sha256) is None
    assert Store(tmp_path / "never").clean(now) == 0

"""Rules of files, for adapters that have them."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from adapters.errors import Missing, Refused
from adapters.port import Ability, FileOut, FileRef
from tests.contract.rules import raises, rule
from tests.contract.stands import Stand


def content(size: int) -> bytes:
    """Bytes of every value, the same in every run."""
    block = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(1 + min(size, 65536) // 32))
    return (block * (1 + size // len(block)))[:size]


def write(adapter: Any, native_id: str, name: str, data: bytes) -> None:
    adapter.write_file(native_id, FileOut(name, "image/jpeg", len(data)), io.BytesIO(data), f"{native_id}#{name}")


@rule(Ability.FILES)
def files_come_through_byte_for_byte(adapter: Any, stand: Stand) -> None:
    """One byte, a megabyte, a Chinese name: the same bytes, size and name come back."""
    made = adapter.create(stand.body("ref-1"), "ref-1").native_id
    written = {"a.jpg": content(1), "污水现场（一）.jpg": content(1_000_003), "b c.jpg": content(70_000)}
    for name, data in written.items():
        write(adapter, made, name, data)
    listed = stand.officials.files(adapter.fetch(made))
    assert sorted(one["name"] for one in listed) == sorted(written)
    for one in listed:
        ref = FileRef(made, one["id"], one["name"], int(one["size"]))
        assert adapter.read_file(ref).read() == written[one["name"]], one["name"]


@rule(Ability.FILES)
def a_file_that_is_not_there(adapter: Any, stand: Stand) -> None:
    """An unknown file is Missing; a file that is shorter than told is refused before anything is sent."""
    made = adapter.create(stand.body("ref-1"), "ref-1").native_id
    write(adapter, made, "a.jpg", content(10))
    (listed,) = stand.officials.files(adapter.fetch(made))
    unknown = listed["id"][:-1] + ("1" if listed["id"][-1] != "1" else "2")
    for file_id in (unknown, "../etc/passwd", "没有"):
        raises(Missing, lambda file_id=file_id: adapter.read_file(FileRef(made, file_id)).read())  # type: ignore[misc]
    before = stand.one("ref-1")
    raises(Refused, lambda: adapter.write_file(made, FileOut("b.jpg", "image/jpeg", 20), io.BytesIO(content(10)), "r"))
    assert stand.one("ref-1") == before

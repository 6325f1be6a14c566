"""The port: what the bridge asks of a platform, and the values that pass through it.

Wire records and bodies are plain dicts of a platform's own field names; what they mean is the mapping's business.
Cursors are opaque to the engine. All times are aware. Errors are those of `adapters.errors`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, NewType, Protocol, runtime_checkable

Cursor = NewType("Cursor", str)
WireBody = Mapping[str, Any]


class Ability(StrEnum):
    """What a platform can do, as configured. Rules of the engine and of the contract suite ask for these only."""

    FIND = "find"  # searchable by our reference
    IDEMPOTENT_CREATE = "idempotent_create"  # the same reference again names the existing record
    IDEMPOTENT_UPDATE = "idempotent_update"  # the same update again is stored once
    UPDATE = "update"  # records can be updated at all
    EDIT = "edit"  # fields of a record can be changed after its creation
    LATE_RECEIPT = "late_receipt"  # acknowledged by a later batch: `settle`
    ACKNOWLEDGE = "acknowledge"  # pending lists
    FILES = "files"
    LIST = "list"  # every record can be listed (reconcile)


@dataclass(frozen=True, slots=True)
class WireRecord:
    """One record as the platform showed it.

    native_id: None if the record has none (a dead letter). body: wire field -> value: text, numbers, lists, dicts;
    an absent field has no key, a null one is None, an empty one is "". raw: its bytes, verbatim. version: names this
    state of the record where the platform has such a thing (else the digest serves). partial: a list row that `fetch`
    completes. read_at: when the request for it was sent, our clock. damage: what could not be read right, in words.
    digest: sha256 hex of what identifies the content (of `raw` unless the adapter knows better).
    """

    native_id: str | None
    body: Mapping[str, Any]
    raw: bytes
    read_at: datetime
    version: str = ""
    partial: bool = False
    damage: tuple[str, ...] = ()
    digest: str = ""

    @property
    def identity(self) -> str:
        return self.digest or hashlib.sha256(self.raw).hexdigest()


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, oldest change first, and the cursor that holds once they are kept."""

    records: tuple[WireRecord, ...]
    cursor: Cursor
    platform_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a write led to. native_id: never empty, unless `late`. already: it existed before (success all the same).
    entry: the key of the history entry that the write made, file_id: the id of the file, if the platform tells them.
    status: the wire status now, if told. late: it is handed over, and what became of it will be told by `settle` (LATE_RECEIPT)."""

    native_id: str
    already: bool = False
    late: bool = False
    entry: str = ""
    file_id: str = ""
    status: str = ""
    raw: bytes = b""
    notes: tuple[str, ...] = ()
    """What was changed on the way out, in words (for example control characters taken out of a text)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `probe` looked at: fine or not, and the remedy if not."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """Reach, authentication, clock skew (platform minus us), permission."""

    findings: tuple[Finding, ...]
    skew: timedelta | None = None

    @property
    def ok(self) -> bool:
        return all(finding.ok for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a platform's answers show before there are settings for it. settings: a proposal for `settings:`. sure: dotted
    keys of those that answers proved. notes: what was seen, in words, without values of records."""

    settings: Mapping[str, Any]
    sure: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file on a platform: the record it belongs to and its id there."""

    native_id: str
    file_id: str
    name: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class FileOut:
    """A file to be written: its name, media type and size in bytes. note: the words of the history entry that brings
    it, where the platform needs one."""

    name: str
    media_type: str
    size: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Connection:
    """Host and secrets of one platform, looked up by connection id; its repr shows no secret.

    url: scheme://host[:port][/prefix] without a trailing slash. extra: what else the connection holds (ca_file …).
    """

    id: str
    url: str
    login: str = ""
    password: str = field(default="", repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an adapter may use of the world: the clock, randomness, waiting, and a private folder that all workers of
    this platform share (session tokens)."""

    now: Callable[[], datetime]
    random_bytes: Callable[[int], bytes]
    sleep: Callable[[float], None]
    state: Path


class Adapter(Protocol):
    """The core every platform has. `abilities` says which of the further protocols it satisfies."""

    platform: str
    abilities: frozenset[Ability]
    processing: timedelta
    """After this long, a write of unknown outcome is visible to `find`/`fetch` or never will be."""

    def probe(self) -> Probe: ...

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """Pages of changed records, oldest change first, from a little before `since` (overlap: late commits and equal
        times lose nothing). ConfigError, Unavailable, BrokenReply."""
        ...

    def fetch(self, native_id: str) -> WireRecord | None:
        """The whole record, None if the platform has none of that id. ConfigError, Unavailable, BrokenReply."""
        ...

    def create(self, body: WireBody, reference: str) -> Receipt:
        """One new record. `reference` is also in the body, where the mapping put it. Sends at most once.
        ConfigError, Unavailable (certainly not done), Refused, OutcomeUnknown."""
        ...


@runtime_checkable
class Updatable(Protocol):
    """UPDATE."""

    def update(self, native_id: str, body: WireBody, reference: str) -> Receipt:
        """One operation on a record. Sends at most once. As `create`, and Outdated, Missing."""
        ...


@runtime_checkable
class Editable(Protocol):
    """EDIT."""

    def edit(self, native_id: str, body: WireBody, reference: str) -> Receipt:
        """The fields in `body`, and no others, become what it says; None or a blank text empties one. The same again
        changes nothing. Sends at most once. As `update`."""
        ...


@runtime_checkable
class Clocked(Protocol):
    """Any adapter whose platform tells its time with every answer."""

    @property
    def skew(self) -> timedelta | None:
        """The platform's clock minus ours; None before the first answer."""
        ...


@runtime_checkable
class Findable(Protocol):
    """FIND."""

    def find(self, reference: str, since: datetime) -> WireRecord | None:
        """The whole record that carries our reference (the oldest one if there are several), or None."""
        ...


@runtime_checkable
class Acknowledging(Protocol):
    """ACKNOWLEDGE."""

    def acknowledge(self, page: Page) -> None:
        """Called only after the page's transaction committed."""
        ...


@runtime_checkable
class LateReceipts(Protocol):
    """LATE_RECEIPT: `create` and `update` hand over and answer with a late receipt."""

    def settle(self, reference: str) -> Receipt | None:
        """What became of the write with this reference: its receipt, None while the platform has not taken it up (or
        knows nothing of it). Refused with the platform's words, NotDone where the same may be handed over again.
        ConfigError, Unavailable."""
        ...


@runtime_checkable
class Files(Protocol):
    """FILES."""

    def read_file(self, ref: FileRef) -> BinaryIO:
        """The whole file from its beginning, its size checked where the platform tells one. Its `name` is what the answer
        calls the file, where it does, its `media_type` what it is said to be. Missing, ConfigError, Unavailable, BrokenReply."""
        ...

    def write_file(self, native_id: str, file: FileOut, content: BinaryIO, reference: str) -> Receipt:
        """One file more. `reference` names this write (`settle`). Refused where the platform takes no such file, before
        anything is sent if its contract says so; otherwise as `update`."""
        ...

"""The ledger's tables. Integer keys inside; `call_id` (uuid5) is a unique column. Moments are integers: microseconds
since 1970-01-01 UTC. JSON columns hold canonical values. Changes here need a migration (a test compares).

This module must not know a platform.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)  # fmt: skip

metadata = MetaData(naming_convention={
    "ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s", "pk": "pk_%(table_name)s",
})  # fmt: skip

Key = BigInteger().with_variant(Integer, "sqlite")


def _id() -> Column[int]:
    return Column("id", Key, primary_key=True, autoincrement=True)


def _call(nullable: bool = False) -> Column[int]:
    return Column("call", Key, ForeignKey("calls.id"), nullable=nullable)


raw_records = Table(
    "raw_records", metadata, _id(),
    Column("platform", String(64), nullable=False),
    Column("native_id", String(128)),
    Column("digest", String(64), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("read_at", BigInteger, nullable=False),
    Column("mapping", String(64), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Index(None, "platform", "native_id"),
)  # fmt: skip
"""Every record as it was shown, verbatim; outcome: applied | ignored | dead | orphan | duplicate."""

records = Table(
    "records", metadata, _id(),
    Column("platform", String(64), nullable=False),
    Column("native_id", String(128), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("version", String(128), nullable=False),
    Column("reference", String(128)),
    Column("raw", Key, ForeignKey("raw_records.id"), nullable=False),
    UniqueConstraint("platform", "native_id"),
    Index(None, "platform", "reference"),
)  # fmt: skip
"""The latest state of each record: what `seen before` is compared with."""

calls = Table(
    "calls", metadata, _id(),
    Column("call_id", String(36), nullable=False, unique=True),
    Column("origin_platform", String(64), nullable=False),
    Column("origin_id", String(128), nullable=False),
    Column("fields", JSON, nullable=False),
    Column("stage", String(16)),
    Column("suspended", Boolean, nullable=False, default=False),
    Column("anomalies", Integer, nullable=False, default=0),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Index(None, "changed_at"),
)  # fmt: skip

numbers = Table(
    "numbers", metadata, _id(), _call(),
    Column("platform", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("value", String(128), nullable=False),
    UniqueConstraint("platform", "kind", "value", "call"),
    Index(None, "value"),
)  # fmt: skip

history = Table(
    "history", metadata, _id(), _call(),
    Column("sequence", Integer, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("platform", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("body", JSON, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    UniqueConstraint("call", "sequence"),
)  # fmt: skip
"""Append-only and hash-chained per call. kind: action | fields | linked | note | file."""

links = Table(
    "links", metadata, _id(), _call(),
    Column("platform", String(64), nullable=False),
    Column("native_id", String(128), nullable=False),
    Column("role", String(8), nullable=False),
    Column("reference", String(64), nullable=False),
    Column("status", String(64), nullable=False),
    Column("snapshot", JSON, nullable=False),
    Column("entries", JSON, nullable=False),
    Column("rebase", JSON, nullable=False),
    Column("notes", JSON, nullable=False),
    Column("aligned", String(128), nullable=False, default=""),
    Column("difference", Text, nullable=False, default=""),
    Column("shown_at", BigInteger, nullable=False),
    Column("compared_at", BigInteger, nullable=False, default=0, server_default="0"),
    Column("gone_at", BigInteger),
    UniqueConstraint("platform", "native_id"),
    UniqueConstraint("call", "platform"),
)  # fmt: skip
"""A call on a platform. snapshot: what it last showed (or will show after our write); entries: history keys seen;
rebase: fields it changes by itself after our write; aligned: the last status>stage that alignment was tried for.
compared_at: when reconcile last asked for it; gone_at: since when the platform says that it has no such record."""

echoes = Table(
    "echoes", metadata, _id(),
    Column("link", Key, ForeignKey("links.id"), nullable=False),
    Column("outbox", Key),
    Column("step", Integer, nullable=False, default=0),
    Column("code", String(64), nullable=False),
    Column("opinion", Text, nullable=False),
    Column("operator", String(128), nullable=False, default=""),
    Column("entry", String(64), nullable=False, default=""),
    Column("acknowledged_at", BigInteger),
    Column("state", String(8), nullable=False),
    Index(None, "link", "state"),
)  # fmt: skip
"""History entries that our writes leave behind; state: waiting | consumed | expired."""

outbox = Table(
    "outbox", metadata, _id(), _call(),
    Column("platform", String(64), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("body", JSON, nullable=False),
    Column("plan", JSON),
    Column("done", Integer, nullable=False, default=0),
    Column("state", String(8), nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("available_at", BigInteger, nullable=False),
    Column("token", Integer, nullable=False, default=0),
    Column("leased_until", BigInteger, nullable=False, default=0),
    Column("reason", Text, nullable=False, default=""),
    Column("created_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Index("ix_outbox_open", "platform", "id", sqlite_where=text("state IN ('waiting', 'dead')"),
          postgresql_where=text("state IN ('waiting', 'dead')")),
    Index(None, "call", "platform"),
)  # fmt: skip
"""What a platform must learn, in order per call and platform. kind: create | action | edit | remark | align |
file; state: waiting | done | skipped | dead. A dead row holds up what is behind it for the same call
and platform; files hold up nothing."""

attempts = Table(
    "attempts", metadata, _id(),
    Column("outbox", Key, ForeignKey("outbox.id"), nullable=False),
    Column("step", Integer, nullable=False),
    Column("token", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("deadline", BigInteger, nullable=False),
    Column("outcome", String(12), nullable=False),
    Column("absent", Integer, nullable=False, default=0),
    Column("detail", Text, nullable=False, default=""),
    Column("finished_at", BigInteger),
    Index(None, "outbox", "step"),
)  # fmt: skip
"""Committed before the first byte goes out. outcome: open | late | done | refused | unavailable |
unknown | found | absent."""

files = Table(
    "files", metadata, _id(), _call(),
    Column("platform", String(64), nullable=False),
    Column("file_id", String(1024), nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", String(128), nullable=False, default=""),
    Column("size", BigInteger),
    Column("sha256", String(64), nullable=False, default=""),
    Column("seen_at", BigInteger, nullable=False),
    UniqueConstraint("call", "platform", "file_id"),
)  # fmt: skip
"""What a person attached to a call, and on which platform it was seen. sha256: "" until it was read."""

file_copies = Table(
    "file_copies", metadata, _id(),
    Column("file", Key, ForeignKey("files.id"), nullable=False),
    Column("platform", String(64), nullable=False),
    Column("file_id", String(1024), nullable=False, default=""),
    Column("name", Text, nullable=False),
    UniqueConstraint("file", "platform"),
)  # fmt: skip
"""Where else a file stands because we wrote it. file_id: "" until the platform shows or tells it: this link is what a
copy is known by, not its name or bytes."""

cursors = Table(
    "cursors", metadata,
    Column("platform", String(64), primary_key=True),
    Column("cursor", Text, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)  # fmt: skip

dead_letters = Table(
    "dead_letters", metadata, _id(), _call(nullable=True),
    Column("platform", String(64), nullable=False),
    Column("direction", String(3), nullable=False),
    Column("native_id", String(128)),
    Column("raw", Key, ForeignKey("raw_records.id")),
    Column("outbox", Key, ForeignKey("outbox.id")),
    Column("what", Text, nullable=False),
    Column("key", String(256), nullable=False, default=""),
    Column("remedy", Text, nullable=False, default=""),
    Column("state", String(8), nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("why", Text, nullable=False, default=""),
    Index(None, "state", "platform"),
    Index(None, "platform", "native_id"),
)  # fmt: skip
"""What a person must look at; state: open | mended | retried | dropped (with the reason in `why`)."""

pages = Table(
    "pages", metadata, _id(),
    Column("platform", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("read", Integer, nullable=False),
    Column("applied", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("dead", Integer, nullable=False),
    Column("ignored", Integer, nullable=False),
    Index(None, "platform"),
)  # fmt: skip
"""The account of every page that held something new: read = applied + seen + dead + ignored (promise G1)."""

platforms = Table(
    "platforms", metadata,
    Column("platform", String(64), primary_key=True),
    Column("polled_at", BigInteger),
    Column("pushed_at", BigInteger),
    Column("failures", Integer, nullable=False, default=0),
    Column("blocked_until", BigInteger, nullable=False, default=0),
    Column("trouble", Text, nullable=False, default=""),
)  # fmt: skip
"""How each platform is doing: last success of either direction, back-off, the last trouble in words."""

"""Errors of the wire, grouped by what to do next. Each says what happened, where, and the remedy; never a secret.

This module must not know a platform: clients turn their libraries' exceptions and their platform's codes into these.
"""

from __future__ import annotations


class WireError(Exception):
    """What happened (Chinese first, English beside), where (platform, operation, record, key) and what to do."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "", code: str = "") -> None:
        self.what, self.where, self.remedy, self.code = what, where, remedy, code
        super().__init__(str(self))

    def __str__(self) -> str:
        where = f"[{self.where}] " if self.where else ""
        remedy = f" → {self.remedy}" if self.remedy else ""
        return f"{where}{self.what}{remedy}"


class ConfigError(WireError):
    """Stop and tell the IT staff: configuration, credentials, permissions, certificates. Retrying cannot help."""


class Unavailable(WireError):
    """Certainly not carried out; try later. `retry_after`: seconds the platform asked for, if it did."""

    def __init__(
        self, what: str, *, where: str = "", remedy: str = "", code: str = "", retry_after: float | None = None
    ) -> None:
        self.retry_after = retry_after
        super().__init__(what, where=where, remedy=remedy, code=code)


class Refused(WireError):
    """The platform said no to this record: a person must look. `field` is the wire field it named, if it did."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "", code: str = "", field: str = "") -> None:
        self.field = field
        super().__init__(what, where=where, remedy=remedy, code=code)


class Outdated(Refused):
    """Refused because the record's state has moved on (or went back): read it again and plan anew."""


class Missing(Refused):
    """The record, or the file, does not exist on the platform."""


class NotDone(Refused):
    """A write that was handed over failed inside the platform, and certainly left nothing behind: the same may be handed
    over again."""


class OutcomeUnknown(WireError):
    """It may or may not have been carried out: find out first, never send again blindly."""


class BrokenReply(WireError):
    """An answer that cannot be understood: keep the bytes, stop this platform. Only for reads; a write whose answer
    is broken is `OutcomeUnknown`."""

    def __init__(
        self, what: str, *, where: str = "", remedy: str = "", code: str = "", raw: bytes = b""
    ) -> None:
        self.raw = raw
        super().__init__(what, where=where, remedy=remedy, code=code)

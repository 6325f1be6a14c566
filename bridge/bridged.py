"""One platform as the engine sees it: who it is, how to talk to it, what its words mean, how patient to be.

Values only; `assembly` builds them. This module must not know how configuration is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from adapters.port import Adapter
from bridge.ledger.ledger import Ledger
from bridge.mapping.translator import Translator
from bridge.routing import Route


@dataclass(frozen=True, slots=True)
class Bridged:
    """A platform in the bridge.

    slug: its one name everywhere. title: what officials call it (Chinese). adapter: built on first use (asking it may
    raise ConfigError). start: calls reported before it are left alone. lease: how long a worker may hold an outbox row.
    lag: how long after a write a reading may still show the state before it.
    """

    slug: str
    title: str
    county: str
    translator: Translator
    adapter: Callable[[], Adapter]
    tell_numbers: bool = True
    start: datetime | None = None
    lease: timedelta = timedelta(seconds=120)
    lag: timedelta = timedelta(seconds=10)

    @property
    def only_created(self) -> bool:
        """It takes nothing after a creation, as its mapping declares: nothing more is queued for it."""
        return self.translator.mapping.created_only is not None


@dataclass(frozen=True, slots=True)
class Bridge:
    """Everything a run needs: the ledger, the platforms by slug, the routes, the clock, the attachment store's folder."""

    ledger: Ledger
    platforms: Mapping[str, Bridged]
    routes: tuple[Route, ...]
    now: Callable[[], datetime]
    files: Path
    trouble: Mapping[str, str] = field(default_factory=dict)
    """Counties or platforms that could not be configured: name -> what is wrong (they are left out)."""

"""Configuration and connections -> adapters, mappings, ledger: a `Bridge`. The only place that builds them.

Where things are is said by the environment, all of it optional: HUYING_CONFIG (folder), HUYING_MAPPINGS (folder),
HUYING_LEDGER (SQLAlchemy URL), HUYING_FILES (attachment store), HUYING_CONNECTIONS or AIRFLOW_CONN_*.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from adapters.errors import ConfigError
from adapters.port import Adapter, Connection, Surroundings
from adapters.registry import build_of
from bridge import redaction
from bridge.bridged import Bridge, Bridged
from bridge.configuration import (
    CHECKOUT,
    SHIPPED_CONFIG,
    SHIPPED_MAPPINGS,
    Configuration,
    ConfiguredPlatform,
    load_configuration,
)  # fmt: skip
from bridge.connections import connection, tell_airflow
from bridge.documents import nearest
from bridge.ledger.ledger import Ledger

HOME = CHECKOUT / ".huying"
_SECRET_WORDS = ("secret", "password", "passwd", "token", "key")


def configuration_of(environ: Mapping[str, str]) -> Configuration:
    """The configuration that the environment names. Touches neither ledger nor network; never raises for a file."""
    config, mappings = folders_of(environ)
    return load_configuration(config, mappings)


def folders_of(environ: Mapping[str, str]) -> tuple[Path, Path]:
    """The folders of configuration and mappings."""
    config, mappings = environ.get("HUYING_CONFIG"), environ.get("HUYING_MAPPINGS")
    return Path(config or SHIPPED_CONFIG), Path(mappings or SHIPPED_MAPPINGS)


def ledger_url(environ: Mapping[str, str]) -> str:
    """The ledger's address: HUYING_LEDGER, else a SQLite file in the checkout's .huying folder."""
    return environ.get("HUYING_LEDGER") or f"sqlite:///{HOME / 'ledger.sqlite'}"


def ledger_file(environ: Mapping[str, str]) -> Path | None:
    """The file of a SQLite ledger; None for another database (or for an address that `Ledger` will refuse)."""
    try:
        url = make_url(ledger_url(environ))
    except ArgumentError:
        return None
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return Path(url.database).absolute()


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where workers share session tokens: beside a SQLite ledger, else in .huying."""
    file = ledger_file(environ)
    return (file.parent if file else HOME) / "state"


def assemble(
    environ: Mapping[str, str], *, now: Callable[[], datetime] | None = None, only: set[str] | None = None,
    wait_seconds: float = 30.0,
) -> Bridge:  # fmt: skip
    """A bridge ready to run, its ledger brought to this version. now: the clock, aware (default: the system's, UTC).
    wait_seconds: how long to wait for a ledger that another process holds.

    only: the platforms that this run is about. The others that calls can reach from them are there too, all else is
    left out, and one of `only` that cannot run is a ConfigError with file, line and remedy. LedgerError if the ledger
    cannot be used. Adapters are built when first asked for, once.
    """
    redaction.install()
    clock = now or (lambda: datetime.now(UTC))
    configuration = configuration_of(environ)
    slugs = set(configuration.platforms) if only is None else _reachable(configuration, only)
    if not environ.get("HUYING_LEDGER"):
        HOME.mkdir(mode=0o700, exist_ok=True)
    ledger = Ledger(ledger_url(environ), wait_seconds=wait_seconds)
    ledger.migrate()
    platforms = {
        slug: _bridged(one, configuration, environ, clock)
        for slug, one in configuration.platforms.items() if slug in slugs
    }  # fmt: skip
    routes = tuple(route for route in configuration.routes if set(route.sources) & slugs)
    trouble = {
        str(path): "\n".join(str(problem) for problem in found) for path, found in configuration.problems.items()
    }  # fmt: skip
    files = Path(environ.get("HUYING_FILES") or state_folder(environ).parent / "files").absolute()
    return Bridge(ledger, platforms, routes, clock, files, trouble)


def adapter_of(
    one: ConfiguredPlatform, environ: Mapping[str, str], now: Callable[[], datetime]
) -> Callable[[], Adapter]:
    """The adapter, built with its connection when first asked for. ConfigError is told each time anew: the IT staff
    may have mended the connection meanwhile."""
    lock = threading.Lock()
    built: list[Adapter] = []

    def adapter() -> Adapter:
        with lock:
            if not built:
                found = connection(one.connection, environ)
                _keep_secret(found)
                surroundings = Surroundings(now, os.urandom, time.sleep, _private(state_folder(environ) / one.slug))
                built.append(build_of(one.adapter)(one.slug, one.settings, found, surroundings))
            return built[0]

    return adapter


def _bridged(
    one: ConfiguredPlatform, configuration: Configuration, environ: Mapping[str, str], now: Callable[[], datetime]
) -> Bridged:
    return Bridged(
        slug=one.slug, title=one.title, county=one.county, translator=configuration.mappings[one.mapping].translator,
        adapter=adapter_of(one, environ, now), tell_numbers=one.tell_numbers, start=one.start, lease=one.lease,
        lag=one.lag,
    )  # fmt: skip


def _reachable(configuration: Configuration, only: set[str]) -> set[str]:
    """`only` and every platform that a call can come from or go to, over any number of routes."""
    for slug in sorted(only - set(configuration.platforms)):
        problems = "\n".join(str(problem) for problem in configuration.all_problems())
        raise ConfigError(
            f"平台 {slug} 没有配置或配置有误 / not configured, or its file has problems\n{problems}".rstrip(),
            where=slug, remedy=f"运行 / run huying check；可用 / known: {nearest(slug, configuration.platforms)}",
        )  # fmt: skip
    reached, more = set(only), True
    while more:
        ends = [{route.to, *route.sources} for route in configuration.routes]
        near = set().union(*(both for both in ends if both & reached))
        more = not near <= reached
        reached |= near
    return reached


def _keep_secret(found: Connection) -> None:
    values = [found.password]
    values += [str(v) for k, v in found.extra.items() if any(word in k.lower() for word in _SECRET_WORDS)]
    for value in values:
        if value:
            redaction.register(value)
            tell_airflow(value)


def _private(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        found = f"状态目录无法使用 / state folder cannot be used: {folder} ({type(error).__name__})"
        raise ConfigError(found, where=folder.name, remedy="检查权限与磁盘 / check permission and disk") from None
    return folder

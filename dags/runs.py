"""What every DAG file shares: the configuration at parse time, names, and errors turned into what Airflow should do.

No DAG stands here (`.airflowignore`). This module must not know a platform, nor how the bridge does its work.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, get_parsing_context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from adapters.errors import ConfigError, WireError
from bridge.assembly import configuration_of
from bridge.configuration import Configuration, ConfiguredPlatform
from bridge.documents import Problems
from bridge.ledger.ledger import LedgerError

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
RETRIES = {"retries": 2, "retry_delay": timedelta(seconds=3)}
"""For a blip only: the schedule and the outbox are the real retries."""


def pool(slug: str) -> str:
    """A platform's pool: what limits how many tasks talk to it at once."""
    return f"huying_{slug}"


def outbox(slug: str) -> Asset:
    """The asset that says: this platform has something to learn."""
    return Asset(name=f"huying_outbox_{slug}", uri=f"huying://outbox/{slug}")


def generate(kind: str, build: Callable[[str, ConfiguredPlatform], DAG]) -> dict[str, DAG]:
    """A DAG a platform, by id. A worker builds only its own. A county file that is broken costs its own DAGs only:
    one more DAG stands for it, which Airflow cannot take and shows as an import error with file, line and key."""
    configuration = configuration_of(os.environ)
    wanted = get_parsing_context().dag_id
    ids = {f"huying_{kind}_{slug}": platform for slug, platform in configuration.platforms.items()}
    dags = {dag_id: build(dag_id, one) for dag_id, one in ids.items() if wanted in (None, dag_id)}
    if wanted is None and configuration.problems:
        dags[f"huying_{kind}_problems"] = _unloadable(f"huying_{kind}_problems", configuration)
    return dags


def _unloadable(dag_id: str, configuration: Configuration) -> DAG:
    dag = DAG(dag_id=dag_id, schedule=None, start_date=BEGINNING)

    def refuse() -> None:
        raise Problems(configuration.all_problems())

    object.__setattr__(dag, "validate", refuse)  # called when the DAG is taken in, after its neighbours
    return dag


def describe(platform: ConfiguredPlatform, kind: str) -> dict[str, Any]:
    """What all DAGs of a platform have alike."""
    return {
        "start_date": BEGINNING, "catchup": False, "max_active_runs": 1,
        "tags": ["huying", kind, platform.county_name, platform.slug],
        "default_args": {"pool": pool(platform.slug), **RETRIES},
    }  # fmt: skip


@contextlib.contextmanager
def for_operators() -> Iterator[None]:
    """Errors as what Airflow should do: a mistake in the configuration fails at once, all else is tried again. The
    message, its remedy last, ends the task's log; no traceback stands behind it."""
    try:
        yield
    except ConfigError as error:
        raise AirflowFailException(str(error)) from None
    except (WireError, LedgerError) as error:
        raise AirflowException(str(error)) from None
    except OSError as error:
        what = f"{error.filename or ''}: {error.strerror or type(error).__name__}"
        raise AirflowException(f"文件或目录无法使用 / cannot be used: {what} → 检查权限与磁盘 / check permission and disk") from None

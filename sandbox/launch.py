"""Starts a real Airflow on this machine by itself: its four processes, watched, asked over its REST API, and ended.

SQLite, LocalExecutor, one administrator with a random password, a free port, everything under one home folder. This
module must not know what the DAGs do, and imports nothing of the bridge.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from sandbox.airflow_home import (
    USER,
    HomeInUse,
    HomeRefused,
    environment_of,
    lock_home,
    mark_ready,
    prepare_home,
)
from sandbox.processes import (
    Child,
    ProcessDied,
    Processes,
    ProcessTimeout,
    ended_by_signals,
    free_port,
    tail,
)

__all__ = [
    "Airflow",
    "AirflowUnhealthy",
    "ApiError",
    "Child",
    "DagRuns",
    "HomeInUse",
    "HomeRefused",
    "ImportProblem",
    "ProcessDied",
    "ProcessTimeout",
    "Processes",
    "ended_by_signals",
    "free_port",
    "tail",
]

_API_SERVER = "api-server"
_SCHEDULER = "scheduler"
# The api-server comes last when ending: tasks report their end to it.
_BACKGROUND = (_SCHEDULER, "dag-processor", "triggerer")
# Logs are read from their files by the api-server itself; log servers would need two fixed ports.
_OPTIONS = {_SCHEDULER: ("--skip-serve-logs",), "triggerer": ("--skip-serve-logs",)}
# Seconds each may take to end by itself. The triggerer waits ten for its runner, which needs a second signal.
_GRACE = {"triggerer": 1.0}
_HEALTH = ("metadatabase", "scheduler", "triggerer", "dag_processor")
_MIGRATE_SECONDS = 180.0
_API_SECONDS = 120.0
_PAGE = 1000
_AIRFLOW = (sys.executable, "-m", "airflow")


class ApiError(RuntimeError):
    """Airflow's REST API answered with an error: method, path, status and the answer's text."""

    def __init__(self, method: str, path: str, status: int, text: str) -> None:
        self.method, self.path, self.status, self.text = method, path, status, text
        super().__init__(f"Airflow API：{method} {path} → {status} {text[:500]}")


class AirflowUnhealthy(RuntimeError):
    """Airflow did not become healthy in time."""


@dataclass(frozen=True)
class DagRuns:
    """All DAG runs Airflow knows: how many, how many failed, and per DAG id how many in each state."""

    total: int
    failed: int
    per_dag: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class ImportProblem:
    """A DAG file that Airflow could not import, with the text that an operator sees in the UI."""

    file: str
    text: str


class Airflow:
    """One Airflow in `home` with the DAG files of `dags`.

    env: laid over the caller's environment and over all settings (AIRFLOW__*, HUYING_*, AIRFLOW_CONN_*). Airflow also
    gets everything of the caller's environment but its AIRFLOW settings. A connections file named in
    HUYING_CONNECTIONS becomes Airflow's secrets backend.
    pools: pool names and slots, made before the first task can start.
    caller: the environment of the caller. random_bytes: where passwords and keys come from.
    A home is reused when its stamp fits, else made anew (`sandbox.airflow_home`).
    """

    def __init__(
        self,
        home: Path,
        dags: Path,
        env: Mapping[str, str] | None = None,
        *,
        pools: Mapping[str, int] | None = None,
        caller: Mapping[str, str] | None = None,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.home = home.resolve()
        self.dags = dags.resolve()
        self._extra = dict(env or {})
        self._pools = dict(pools or {})
        self._caller = dict(os.environ if caller is None else caller)
        self._random_bytes = random_bytes
        self._lock: int | None = None
        self._processes: Processes | None = None
        self._session = requests.Session()
        self._session.trust_env = False  # loopback: no proxy, no netrc
        self.user = USER
        self.password = ""
        self.port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Address of the UI and the API, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def logs(self) -> Path:
        """Folder of all logs: `processes/` for Airflow's own processes, a folder a DAG for tasks."""
        return self.home / "logs"

    def start(self) -> None:
        """Prepares the home and its database and starts the four processes; returns before all are healthy."""
        if self._processes is not None:
            raise RuntimeError("already started")
        self._lock = lock_home(self.home)
        try:
            own = prepare_home(self.home, self._random_bytes)
            self.password = own.password
            self.port = free_port()
            environment = environment_of(self.home, self.dags, self.port, own, self._caller, self._extra)
            self._processes = Processes(self.logs / "processes", hold=(self._lock,))
            # Building the API takes it longer than the migration takes; it needs tables only once it is asked.
            self._launch(_API_SERVER, {**environment, "AIRFLOW__DATABASE__CHECK_MIGRATIONS": "False"})
            self._processes.run(
                "db-migrate", [*_AIRFLOW, "db", "migrate"], env=environment, cwd=self.home, timeout=_MIGRATE_SECONDS
            )
            mark_ready(self.home)
            for name in _BACKGROUND:
                if name != _SCHEDULER:
                    self._launch(name, environment)
            # A scheduler that is quicker than the api-server starts tasks that find nobody to report to.
            self._wait_for_api()
            self.ensure_pools(self._pools)
            self._launch(_SCHEDULER, environment)
        except BaseException:
            self.stop()
            raise

    def check(self) -> None:
        """Raises ProcessDied if one of Airflow's processes ended by itself."""
        self._started().check()

    def wait_healthy(self, timeout: float = 120.0) -> None:
        """Waits until metadata database, scheduler, triggerer and dag-processor all report healthy.

        Raises ProcessDied when a process ends meanwhile, AirflowUnhealthy after `timeout` seconds, naming what is
        missing and where the logs are.
        """
        deadline = time.monotonic() + timeout
        while True:
            self.check()
            state = self._health()
            missing = [part for part in _HEALTH if ((state or {}).get(part) or {}).get("status") != "healthy"]
            if not missing:
                return
            if time.monotonic() >= deadline:
                raise self._unhealthy([_API_SERVER] if state is None else missing, timeout)
            time.sleep(0.25)

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the REST API v2, path from `/api/v2` on (`/dags`); gives the answer's JSON, None if empty.

        Raises ApiError for any status of 400 or more.
        """
        if "Authorization" not in self._session.headers:
            self._log_in()
        answer = self._request(method, path, body)
        if answer.status_code == 401:
            self._log_in()
            answer = self._request(method, path, body)
        if answer.status_code >= 400:
            raise ApiError(method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def ensure_pools(self, slots: Mapping[str, int]) -> None:
        """Makes the named pools, or sets their number of slots where they exist; nothing to make asks nothing."""
        if not slots:
            return
        present = {pool["name"]: pool["slots"] for pool in self.api("GET", f"/pools?limit={_PAGE}")["pools"]}
        for name, number in slots.items():
            if name not in present:
                self.api("POST", "/pools", {"name": name, "slots": number, "include_deferred": False})
            elif present[name] != number:
                change = {"pool": name, "slots": number, "include_deferred": False}
                self.api("PATCH", f"/pools/{name}?update_mask=slots", change)

    def dag_runs(self) -> DagRuns:
        """Counts all DAG runs as Airflow's own API reports them."""
        per_dag: dict[str, Counter[str]] = {}
        seen = 0
        while True:
            page = self.api("GET", f"/dags/~/dagRuns?order_by=id&limit={_PAGE}&offset={seen}")
            for run in page["dag_runs"]:
                per_dag.setdefault(run["dag_id"], Counter())[run["state"]] += 1
            seen += len(page["dag_runs"])
            if not page["dag_runs"] or seen >= page["total_entries"]:
                break
        return DagRuns(
            total=seen,
            failed=sum(states["failed"] for states in per_dag.values()),
            per_dag={dag: dict(states) for dag, states in sorted(per_dag.items())},
        )

    def import_errors(self) -> tuple[ImportProblem, ...]:
        """The DAG files that could not be imported, as the UI shows them."""
        answer = self.api("GET", f"/importErrors?limit={_PAGE}")
        return tuple(ImportProblem(error["filename"], error["stack_trace"]) for error in answer["import_errors"])

    def wait(self) -> None:
        """Watches the processes until one ends by itself (ProcessDied) or a signal interrupts."""
        self._started().wait()

    def stop(self) -> None:
        """Ends all processes and gives the home free. May be called at any time and more than once."""
        try:
            if self._processes is not None:
                self._processes.stop(*_BACKGROUND)
                self._processes.close()
        finally:
            self._processes = None
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def _started(self) -> Processes:
        if self._processes is None:
            raise RuntimeError("not started")
        return self._processes

    def _launch(self, name: str, environment: Mapping[str, str]) -> None:
        command = [*_AIRFLOW, name, *_OPTIONS.get(name, ())]
        self._started().start(name, command, env=environment, cwd=self.home, grace=_GRACE.get(name))

    def _health(self) -> Mapping[str, Any] | None:
        """What Airflow says of its parts, None while its api-server does not answer."""
        try:
            answer = self._session.get(f"{self.url}/api/v2/monitor/health", timeout=10)
        except (requests.ConnectionError, requests.Timeout):
            return None
        return dict(answer.json()) if answer.ok else None

    def _wait_for_api(self) -> None:
        deadline = time.monotonic() + _API_SECONDS
        while self._health() is None:
            self.check()
            if time.monotonic() >= deadline:
                raise self._unhealthy([_API_SERVER], _API_SECONDS)
            time.sleep(0.2)

    def _unhealthy(self, missing: Sequence[str], seconds: float) -> AirflowUnhealthy:
        folder = self.logs / "processes"
        return AirflowUnhealthy(
            f"Airflow 在 {seconds:g} 秒内未就绪：{'、'.join(missing)}。日志：{folder}\n"
            f"Airflow is not healthy after {seconds:g} s: {', '.join(missing)}. Logs: {folder}\n"
            f"{tail(folder / (missing[-1].replace('_', '-') + '.log'))}"
        )

    def _request(self, method: str, path: str, body: Any) -> requests.Response:
        return self._session.request(method, f"{self.url}/api/v2{path}", json=body, timeout=30)

    def _log_in(self) -> None:
        self._session.headers.pop("Authorization", None)
        answer = self._session.post(
            f"{self.url}/auth/token", json={"username": self.user, "password": self.password}, timeout=30
        )
        if answer.status_code >= 400:
            raise ApiError("POST", "/auth/token", answer.status_code, answer.text)
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

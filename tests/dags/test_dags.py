"""The DAG files in a real Airflow: what the scheduler sees of them, what a broken county costs, and one run of each kind.

All in one group: they share one metadata database.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.government.platform import GovernmentPlatform
from sandbox.grid.platform import GridPlatform
from sandbox.httpd import Server

ROOT = Path(__file__).parents[2]
LOGINS = {"grid": ("huying_dg", "Example-Grid-2026"), "government": ("LSAPP0001", "example-secret-0f9e8d7c6b5a4938")}
WRONG = "wrong-password-000000"
HOUSEKEEPING = "huying_housekeeping"
KINDS = ("poll", "push", "drift", "reconcile")
TASKS = {"poll": "poll", "push": "push", "drift": "look", "reconcile": "compare"}
REMEDIES = {"poll": "huying dead list", "push": "huying dead list", "drift": "huying map learn", "reconcile": "huying show"}
COUNTIES = {"grid": "东港区", "government": "岚山区", "petition": "五莲县", "city": "莒县", "enforcement": "日照市",
            "open311": "日照市"}  # fmt: skip
pytestmark = pytest.mark.xdist_group("dags")


def dags_of(*slugs: str) -> set[str]:
    return {f"huying_{kind}_{slug}" for kind in KINDS for slug in slugs}


@dataclass(frozen=True)
class Seen:
    """What an Airflow process told, and its log."""

    told: dict[str, Any]
    log: str


@dataclass(frozen=True)
class AirflowHome:
    """An Airflow of the tests' own: its home, and the environment its processes get."""

    home: Path
    environment: Mapping[str, str]

    def ask(self, *words: str, **more: str) -> Seen:
        """A process of its own; its environment may be changed by `more`."""
        told = self.home / "told.json"
        done = subprocess.run([sys.executable, "-m", "tests.dags.airflow_process", str(told), *words], cwd=ROOT, timeout=200,
                              env={**self.environment, **more}, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
        assert done.returncode == 0, done.stdout[-4000:]
        return Seen(json.loads(told.read_text(encoding="utf-8")), done.stdout)


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> AirflowHome:
    home = tmp_path_factory.mktemp("airflow")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "HUYING"))} | {
        "AIRFLOW_HOME": str(home), "PYTHONPATH": str(ROOT), "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"), "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"), "COLUMNS": "500", "NO_COLOR": "1",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}", "no_proxy": "127.0.0.1,localhost",
        "HUYING_LEDGER": f"sqlite:///{home / 'ledger.sqlite'}",
    }  # fmt: skip
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    done = subprocess.run(command, env=environment, cwd=home, text=True, capture_output=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return AirflowHome(home, environment)


@dataclass(frozen=True)
class Platforms:
    grid: Server
    government: Server

    def connections(self, **passwords: str) -> dict[str, str]:
        found = {}
        for slug, server in (("grid", self.grid), ("government", self.government)):
            login, password = LOGINS[slug]
            found[f"AIRFLOW_CONN_HUYING_{slug.upper()}"] = \
                f"http://{login}:{passwords.get(slug, password)}@127.0.0.1:{server.port}"  # fmt: skip
        return found


@pytest.fixture
def platforms() -> Iterator[Platforms]:
    with Server(GridPlatform()) as grid, Server(GovernmentPlatform()) as government:
        yield Platforms(grid, government)


@pytest.fixture(scope="module")
def shipped(airflow: AirflowHome) -> Seen:
    return airflow.ask("inspect")


def test_every_dag_file_imports(shipped: Seen) -> None:
    """With the configuration that is shipped: a poll, a push, a look for drift and a comparison for each platform,
    the daily housekeeping, and no import error."""
    assert shipped.told["errors"] == {}
    assert set(shipped.told["dags"]) == dags_of(*COUNTIES) | {HOUSEKEEPING}
    assert {dag["file"] for dag in shipped.told["dags"].values()} == {*(f"{kind}.py" for kind in KINDS), "housekeeping.py"}


def test_what_the_scheduler_sees(shipped: Seen) -> None:
    """Short schedules for polls; pushes by asset and by a slower schedule; one run at a time, a pool a platform, tags by
    county and platform, nothing caught up."""
    for dag_id, dag in shipped.told["dags"].items():
        if dag_id == HOUSEKEEPING:
            continue
        _, kind, slug = dag_id.split("_")
        assert dag["max_active_runs"] == 1 and dag["catchup"] is False
        assert dag["pools"] == [f"huying_{slug}"] and dag["retries"] == [2]
        assert set(dag["tags"]) == {"huying", kind, slug, COUNTIES[slug]}
        assert dag["tasks"] == [TASKS[kind]]
        assert dag["assets"] == ([f"huying_outbox_{slug}"] if kind == "push" else [])
        assert dag["outlets"] == ([f"huying_wakes_{slug}"] if kind == "poll" else [])
        assert dag["every"] == {"poll": 30.0 if slug == "open311" else 10.0, "push": 60.0}.get(kind)


def test_operators_are_told_what_to_do(shipped: Seen) -> None:
    """Each DAG's page says, in Chinese first, what a run does and what to do when it is red."""
    for dag_id, dag in shipped.told["dags"].items():
        assert "红色" in dag["doc"] and "Red:" in dag["doc"]
        assert dag_id == HOUSEKEEPING or REMEDIES[dag_id.split("_")[1]] in dag["doc"]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [("    adapter: government", "    adaptor: government", "adaptor"), ("county: \"371103\"", "county:\t\"371103\"", "")],
    ids=["unknown key", "tab"],
)  # fmt: skip
def test_a_broken_county_costs_only_itself(old: str, new: str, named: str, airflow: AirflowHome, tmp_path: Path) -> None:
    """C40: the other counties' DAGs are all there; the broken one is an import error that names file, line and key."""
    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config)
    file = config / "counties" / "lanshan.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    line = next(number for number, words in enumerate(text.splitlines(), start=1) if old in words)
    seen = airflow.ask("inspect", HUYING_CONFIG=str(config))
    assert set(seen.told["dags"]) == dags_of(*COUNTIES.keys() - {"government"}) | {HOUSEKEEPING}
    assert set(seen.told["errors"]) == {f"{kind}.py" for kind in KINDS}
    for error in seen.told["errors"].values():
        assert f"lanshan.yaml:{line}" in error and named in error and "→" in error


def test_a_call_travels_by_dags(airflow: AirflowHome, platforms: Platforms) -> None:
    """Poll and push, both ways, as Airflow runs them: counts and platforms in XCom, never a person."""
    event = {"stage": "05", "title": "罐车倾倒污水", "content": "向沟渠倾倒。", "eventType": "03", "townCode": "371103103",
             "caller": "李样例", "callerTel": "13900000002"}  # fmt: skip
    assert platforms.grid.entrance("POST", "officials/create", event)[0] == 200
    seen = airflow.ask("run", "huying_poll_grid", "huying_push_government", "huying_poll_government", "huying_push_grid",
                       **platforms.connections(), HUYING_LEDGER=f"sqlite:///{airflow.home / 'travel.sqlite'}")  # fmt: skip
    assert {one["state"] for one in seen.told.values()} == {"success"}
    assert seen.told["huying_poll_grid"]["result"] | {"pages": 1} == \
        {"read": 1, "applied": 1, "seen": 0, "dead": 0, "ignored": 0, "pages": 1, "wakes": ["government"]}  # fmt: skip
    assert seen.told["huying_push_government"]["result"]["sent"] == 1
    (call,) = platforms.government.entrance("GET", "records", None)[1]
    assert call["title"] == event["title"]
    (shown,) = platforms.grid.entrance("GET", "records", None)[1]
    assert call["callNo"] in shown["processes"][-1]["opinion"]
    assert "13900000002" not in seen.log and "李样例" not in seen.log


def test_a_change_of_a_platform_is_told_once_a_day(airflow: AirflowHome, platforms: Platforms) -> None:
    """The first look is green and only remembers; a new code then turns the next one red at once, with the code and the
    remedy at the log's end; an unchanged platform stays green."""
    def report(**more: str) -> str:
        event = {"stage": "05", "title": "罐车倾倒污水", "content": "向沟渠倾倒。", "eventType": "03", "townCode": "371103103",
                 "caller": "李样例", "callerTel": "13900000002", "level": "1"}  # fmt: skip
        return str(platforms.grid.entrance("POST", "officials/create", event | more)[1]["eventId"])

    report()
    environment = {**platforms.connections(), "HUYING_LEDGER": f"sqlite:///{airflow.home / 'drift' / 'ledger.sqlite'}"}
    first = airflow.ask("run", "huying_drift_grid", **environment)
    assert first.told["huying_drift_grid"]["result"] == {"read": 1, "first": True, "changes": 0}
    platforms.grid.entrance("POST", "raw", {"eventId": report(), "level": "9"})
    seen = airflow.ask("run", "huying_drift_grid", **environment)
    assert seen.told["huying_drift_grid"] | {"tries": 1} == {"state": "failed", "task": "failed", "tries": 1, "result": None}
    assert "level = 9" in last_words(seen.log) and "→ huying map learn grid" in last_words(seen.log)
    assert "13900000002" not in seen.log and "李样例" not in seen.log


def test_what_is_gone_turns_the_comparison_red(airflow: AirflowHome, platforms: Platforms) -> None:
    """Green while the platform has what the ledger has; red, with the numbers alone and what to do, once it has not."""
    event = {"stage": "05", "title": "罐车倾倒污水", "content": "向沟渠倾倒。", "eventType": "03", "townCode": "371103103",
             "caller": "李样例", "callerTel": "13900000002"}  # fmt: skip
    assert platforms.grid.entrance("POST", "officials/create", event)[0] == 200
    ledger = airflow.home / "reconcile.sqlite"
    environment = {**platforms.connections(), "HUYING_LEDGER": f"sqlite:///{ledger}"}
    first = airflow.ask("run", "huying_poll_grid", "huying_reconcile_grid", **environment)
    result = first.told["huying_reconcile_grid"]["result"]
    assert (result["gone"], result["healed"], result["dead"]) == (0, 0, 0) and result["read"] > 0
    with contextlib.closing(sqlite3.connect(ledger)) as database, database:
        database.execute("UPDATE links SET native_id = 'DG404' WHERE id = (SELECT min(id) FROM links)")
    seen = airflow.ask("run", "huying_reconcile_grid", **environment)
    assert seen.told["huying_reconcile_grid"] == {"state": "failed", "task": "failed", "tries": 1, "result": None}
    assert "DG404" in last_words(seen.log) and "→ huying show" in last_words(seen.log)
    assert "13900000002" not in seen.log and "李样例" not in seen.log


def test_housekeeping_clears_old_files_only(airflow: AirflowHome, tmp_path: Path) -> None:
    """A run removes what nobody used for 30 days from the attachment store, and nothing else."""
    old, fresh = tmp_path / "ab" / "ab1", tmp_path / "cd" / "cd2"
    for path in (old, fresh):
        path.parent.mkdir()
        path.write_bytes(b"x")
    os.utime(old, (1.7e9, 1.7e9))
    seen = airflow.ask("run", HOUSEKEEPING, HUYING_FILES=str(tmp_path))
    assert seen.told[HOUSEKEEPING]["result"] == {"removed": 1}
    assert not old.exists() and fresh.exists()


def test_retried_only_where_that_helps(airflow: AirflowHome, platforms: Platforms) -> None:
    """A wrong password: one try. A platform that is away: tried again twice, then red. The last line of each log says
    why and what to do; the password stands nowhere."""
    away = "http://LSAPP0001:example-secret-0f9e8d7c6b5a4938@127.0.0.1:1"
    environment = {**platforms.connections(grid=WRONG), "AIRFLOW_CONN_HUYING_GOVERNMENT": away}
    seen = airflow.ask("run", "huying_poll_grid", "huying_poll_government", **environment,
                       HUYING_LEDGER=f"sqlite:///{airflow.home / 'trouble.sqlite'}")  # fmt: skip
    assert seen.told["huying_poll_grid"] == {"state": "failed", "task": "failed", "tries": 1, "result": None}
    assert seen.told["huying_poll_government"] == {"state": "failed", "task": "failed", "tries": 3, "result": None}
    wrong, _, gone = seen.log.partition("---- huying_poll_grid ended")
    assert "→ 核对连接" in last_words(wrong)
    assert "无法连接" in last_words(gone) and "→" in last_words(gone)
    assert WRONG not in seen.log and "example-secret" not in seen.log


def last_words(log: str) -> str:
    """The last line of the last exception that a task ended with."""
    return [line for line in log.splitlines() if "AirflowFailException: " in line or "AirflowException: " in line][-1]

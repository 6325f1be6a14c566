"""The machine room: child processes end whatever happens, ports are nobody else's, the lock leaks nothing, and a real
Airflow starts, works on a schedule and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from sandbox.airflow_home import lock_home
from sandbox.launch import (
    Airflow,
    HomeInUse,
    ProcessDied,
    Processes,
    ProcessTimeout,
    ended_by_signals,
    free_port,
    tail,
)

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[3]

# A server that starts a child in a session of its own, as task runners do, and says both process ids. With `deaf` in
# its arguments both ignore TERM.
FAMILY = textwrap.dedent(
    """
    import os, signal, sys
    if "deaf" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = os.fork()
    if child == 0:
        os.setsid()
        while True:
            signal.pause()
    print(os.getpid(), child, flush=True)
    while True:
        signal.pause()
    """
)


def until(condition: Callable[[], T], seconds: float = 20.0) -> T:
    """What the condition gives once it is true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "the awaited condition did not come"
        os.sched_yield()
    return value


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def family(log: Path) -> list[int]:
    """The process ids that FAMILY printed, once its whole line is there."""
    line = until(lambda: text if log.exists() and (text := log.read_text()).endswith("\n") else "")
    return [int(word) for word in line.split()]


def test_children_and_their_children_end_on_an_exception(tmp_path: Path) -> None:
    """Leaving the block by an exception ends the child and what it started, even in a session of its own."""
    members: list[int] = []
    with pytest.raises(RuntimeError, match="broken"), Processes(tmp_path) as processes:
        members = family(processes.start("server", [sys.executable, "-c", FAMILY]).log)
        assert all(alive(pid) for pid in members)
        raise RuntimeError("broken")
    assert len(members) == 2
    assert not any(alive(pid) for pid in members)


def test_ctrl_c_while_a_child_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted between the fork and the moment the child is known: the interrupt comes through, the child is gone before
    the block is left."""
    begun: list[int] = []

    def popen(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        process: subprocess.Popen[bytes] = subprocess.Popen(*arguments, **options)
        begun.append(process.pid)
        os.kill(os.getpid(), signal.SIGINT)
        return process

    monkeypatch.setattr("sandbox.processes.subprocess", SimpleNamespace(**{**vars(subprocess), "Popen": popen}))
    with pytest.raises(KeyboardInterrupt), ended_by_signals(), Processes(tmp_path) as processes:
        processes.start("server", [sys.executable, "-c", FAMILY])
    assert len(begun) == 1 and not any(alive(pid) for pid in begun)


def test_children_that_ignore_the_signal_are_killed_after_the_grace(tmp_path: Path) -> None:
    """A child that does not listen to TERM is ended by force, and so is its child."""
    with Processes(tmp_path, grace=0.2) as processes:
        members = family(processes.start("deaf", [sys.executable, "-c", FAMILY, "deaf"]).log)
        processes.stop("deaf")
        assert not any(alive(pid) for pid in members)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_children_end_when_the_starter_does(tmp_path: Path, number: signal.Signals) -> None:
    """However the starting process ends, SIGKILL and Ctrl-C included, nothing that it started stays."""
    starter = textwrap.dedent(
        f"""
        import sys
        from pathlib import Path
        from sandbox.processes import Processes, ended_by_signals
        with ended_by_signals(), Processes(Path({str(tmp_path)!r})) as processes:
            processes.start("server", [sys.executable, "-c", {FAMILY!r}])
            processes.wait()
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", starter], env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL
    )
    members = family(tmp_path / "server.log")
    process.send_signal(number)
    process.wait(20)
    until(lambda: not any(alive(pid) for pid in members))


def test_the_child_goes_with_its_keeper(tmp_path: Path) -> None:
    """Even a killed keeper takes its command along, and the group reports the death."""
    with Processes(tmp_path) as processes:
        child = processes.start("server", [sys.executable, "-c", FAMILY])
        server = family(child.log)[0]
        other = family(child.log)[1]
        os.kill(child.pid, signal.SIGKILL)
        until(lambda: not alive(server))
        with pytest.raises(ProcessDied):
            processes.wait(0.01)
        os.kill(other, signal.SIGKILL)


def test_an_early_death_names_the_process_its_log_and_its_last_words(tmp_path: Path) -> None:
    """A child that ends by itself is an error with name, exit code, log and the log's last lines."""
    with Processes(tmp_path) as processes:
        processes.start("quitter", [sys.executable, "-c", "print('the last words'); raise SystemExit(7)"])
        with pytest.raises(ProcessDied) as caught:
            processes.wait(0.01)
    assert (caught.value.name, caught.value.code, caught.value.log) == ("quitter", 7, tmp_path / "quitter.log")
    assert "the last words" in str(caught.value) and str(tmp_path / "quitter.log") in str(caught.value)


def test_a_command_run_to_its_end(tmp_path: Path) -> None:
    """`run` gives the log, and raises for a failure, a missing program and a command that takes too long."""
    with Processes(tmp_path) as processes:
        log = processes.run("fine", [sys.executable, "-c", "print('done')"], timeout=20)
        assert tail(log) == "done"
        with pytest.raises(ProcessDied, match="code 127"):
            processes.run("missing", ["/no/such/program"], timeout=20)
        with pytest.raises(ProcessTimeout, match="slow"):
            processes.run("slow", [sys.executable, "-c", FAMILY], timeout=0.3)
        assert not any(alive(pid) for pid in family(tmp_path / "slow.log"))
        # A name may be used again; the log before is kept.
        processes.run("fine", [sys.executable, "-c", "print('again')"], timeout=20)
        assert (tail(log), tail(tmp_path / "fine.log.1")) == ("again", "done")


def test_signals_become_an_interrupt_only_within_the_block() -> None:
    """SIGTERM leaves the block as Ctrl-C does, and the handlers from before come back."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), ended_by_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        until(lambda: False)
    assert signal.getsignal(signal.SIGTERM) is before


def test_free_ports_are_reserved_and_usable() -> None:
    """Ports are given once, to nobody else who asks for any port, and a server of ours can listen on them."""
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50
    others = [socket.socket() for _ in range(200)]
    for other in others:
        other.bind(("127.0.0.1", 0))
    assert not {other.getsockname()[1] for other in others} & set(ports)
    for other in others:
        other.close()
    address = ("127.0.0.1", ports[0])
    with socket.create_server(address) as server, socket.create_connection(address) as client:
        accepted, caller = server.accept()
        assert caller == client.getsockname()
        accepted.close()


def test_the_lock_is_exact_and_leaks_nothing() -> None:
    """Every locked package has one version and hashes; no registry host, no path of any machine, no extra option."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text and "--find-links" not in text and "index-url" not in text
    assert not re.search(r"(^|\s)(/|~)\w", text), "a path of a machine"
    entries = re.split(r"\n(?=[a-z0-9])", "\n" + re.sub(r"(?m)^#.*\n", "", text))
    entries = [entry for entry in entries if entry.strip()]
    assert len(entries) > 100
    for entry in entries:
        assert re.match(r"[a-z0-9][a-z0-9._-]*==\S+( ;.*)? \\\n +--hash=sha256:[0-9a-f]{64}", entry), entry[:120]


def test_the_lock_fits_the_project() -> None:
    """Every dependency that pyproject.toml names, and what builds the project, is in the lock."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["dev"],
        *project["build-system"]["requires"],
    ]
    names = {re.split(r"[<>=!~\[ ;]", requirement)[0].lower().replace(".", "-") for requirement in wanted}
    locked = set(re.findall(r"(?m)^([a-z0-9._-]+)==", (ROOT / "requirements.lock").read_text(encoding="utf-8")))
    assert names <= {name.replace(".", "-") for name in locked}


DAG_FILE = """
from datetime import datetime, timedelta
from airflow.sdk import DAG, Asset, task

made = Asset("huying://test/made")
with DAG("producer", schedule=timedelta(seconds=5), start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1):
    @task(outlets=[made], pool="huying_test")
    def produce():
        import os
        import sandbox
        from airflow.sdk import Connection
        return [Connection.get("platform").host, os.environ["HUYING_TEST"]]
    produce()
with DAG("consumer", schedule=[made], start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1):
    @task
    def consume(): ...
    consume()
"""


def in_group_of(home: Path) -> list[int]:
    """All living processes that were started with this Airflow home."""
    mark = f"AIRFLOW_HOME={home}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0") and alive(int(entry.name)):
                    found.append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
    return found


@pytest.mark.airflow
@pytest.mark.timeout(240)
def test_a_real_airflow_works_on_a_schedule_and_ends_whole(tmp_path: Path) -> None:
    """Schedules run, an asset starts its consumer, a broken file shows, connections and pools are there, all ends."""
    home, dags = tmp_path / "home", tmp_path / "dags"
    dags.mkdir()
    (dags / "works.py").write_text(DAG_FILE)
    (dags / "broken.py").write_text("from airflow.sdk import DAG\nraise ValueError('a broken county')\n")
    connections = tmp_path / "connections.json"
    connections.write_text(json.dumps({"platform": {"conn_type": "http", "host": "platform.example"}}))
    settings = {"HUYING_CONNECTIONS": str(connections), "HUYING_TEST": "handed on", "PYTHONPATH": str(ROOT)}
    with Airflow(home, dags, settings, pools={"huying_test": 1}) as airflow:
        airflow.wait_healthy()
        airflow.ensure_pools({"huying_test": 2})
        assert airflow.api("GET", "/pools/huying_test")["slots"] == 2

        def both_done() -> bool:
            airflow.check()
            runs = airflow.dag_runs().per_dag
            return all(runs.get(dag, {}).get("success", 0) >= 2 for dag in ("producer", "consumer"))

        until(both_done, 90)
        assert airflow.dag_runs().failed == 0
        problems = until(airflow.import_errors, 60)
        assert [Path(problem.file).name for problem in problems] == ["broken.py"]
        assert "a broken county" in problems[0].text
        run = airflow.api("GET", "/dags/producer/dagRuns?limit=1&state=success")["dag_runs"][0]["dag_run_id"]
        entry = f"/dags/producer/dagRuns/{run}/taskInstances/produce/xcomEntries/return_value?deserialize=true"
        assert airflow.api("GET", entry)["value"] == ["platform.example", "handed on"]
        with pytest.raises(HomeInUse):
            lock_home(home, timeout=0)
        assert in_group_of(home)
    assert in_group_of(home) == []

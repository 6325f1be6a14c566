"""An Airflow home is reused or made anew safely, keeps its secrets, and hands the right environment on."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from sandbox.airflow_home import (
    HomeInUse,
    HomeRefused,
    Secrets,
    connections_settings,
    environment_of,
    lock_home,
    mark_ready,
    prepare_home,
)
from sandbox.run import own_environment


def counted(size: int) -> bytes:
    return bytes(range(size))


def test_a_home_is_reused_only_when_its_stamp_fits(tmp_path: Path) -> None:
    """A finished home keeps its secrets; one of another version, of a broken set-up or moved is made anew."""
    home = tmp_path / "home"
    first = prepare_home(home, os.urandom)
    assert prepare_home(home, os.urandom) != first, "an unfinished set-up is not reused"
    second = prepare_home(home, os.urandom)
    mark_ready(home)
    (home / "airflow.db").write_text("kept")
    assert prepare_home(home, os.urandom) == second
    assert (home / "airflow.db").exists()
    stamp = json.loads((home / "huying-home.json").read_text())
    (home / "huying-home.json").write_text(json.dumps({**stamp, "airflow": "3.2.0"}))
    assert prepare_home(home, os.urandom) != second
    assert not (home / "airflow.db").exists()
    (home / "huying-home.json").write_text('{"layout": 1, "air')
    assert prepare_home(home, os.urandom) != second


def test_a_strange_folder_is_left_alone(tmp_path: Path) -> None:
    """A folder that is not a home of ours is refused, and nothing in it is touched."""
    (tmp_path / "letter.txt").write_text("dear county")
    with pytest.raises(HomeRefused):
        prepare_home(tmp_path, counted)
    assert [entry.name for entry in tmp_path.iterdir()] == ["letter.txt"]


def test_secrets_are_for_the_owner_only(tmp_path: Path) -> None:
    """Passwords and keys lie in files with mode 0600 in a folder with mode 0700."""
    home = tmp_path / "home"
    own = prepare_home(home, counted)
    for name in ("secrets.json", "passwords.json"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert json.loads((home / "passwords.json").read_text()) == {"admin": own.password}


def test_one_airflow_a_home(tmp_path: Path) -> None:
    """A home in use is refused until it is given free; taking it over later works."""
    held = lock_home(tmp_path)
    with pytest.raises(HomeInUse):
        lock_home(tmp_path, timeout=0)
    os.close(held)
    os.close(lock_home(tmp_path, timeout=0))


def test_what_airflow_gets_of_the_callers_environment(tmp_path: Path) -> None:
    """HUYING_* and connections pass, the caller's own Airflow settings do not, loopback avoids every proxy."""
    connections = tmp_path / "connections.yaml"
    connections.write_text("{}")
    caller = {
        "PATH": "/usr/bin",
        "AIRFLOW_HOME": "/another/home",
        "AIRFLOW__CORE__EXECUTOR": "SequentialExecutor",
        "AIRFLOW_CONN_GRID_DONGGANG": "http://host",
        "HUYING_LEDGER": "sqlite:///l",
        "HUYING_CONNECTIONS": str(connections),
        "https_proxy": "http://proxy:1",
        "no_proxy": "intranet",
    }
    own = Secrets("p", "f", "j", "a")
    made = environment_of(
        tmp_path, tmp_path / "dags", 4711, own, caller, {"AIRFLOW__CORE__PARALLELISM": "3", "HUYING_X": "1"}
    )
    assert made["AIRFLOW_HOME"] == str(tmp_path)
    assert made["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert made["AIRFLOW__CORE__PARALLELISM"] == "3"
    assert (made["HUYING_LEDGER"], made["HUYING_X"]) == ("sqlite:///l", "1")
    assert made["AIRFLOW_CONN_GRID_DONGGANG"] == "http://host"
    assert made["no_proxy"] == made["NO_PROXY"] == "intranet,127.0.0.1,localhost"
    assert json.loads(made["AIRFLOW__SECRETS__BACKEND_KWARGS"]) == {"connections_file_path": str(connections)}


def test_a_connections_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A missing file and a kind that Airflow cannot read are said by name before anything starts."""
    with pytest.raises(FileNotFoundError, match=r"none\.json"):
        connections_settings({"HUYING_CONNECTIONS": str(tmp_path / "none.json")})
    with pytest.raises(ValueError, match=r"\.toml"):
        connections_settings({"HUYING_CONNECTIONS": "connections.toml"})
    assert connections_settings({}) == {}


def test_paths_of_a_users_own_folder_become_absolute() -> None:
    """`make run` works on relative paths as the caller means them, and keeps the ledger out of Airflow's home."""
    root, folder = Path("/checkout"), Path("/county")
    assert own_environment({}, root, folder) == {
        "HUYING_CONFIG": "/checkout/config",
        "HUYING_MAPPINGS": "/checkout/mappings",
        "HUYING_FILES": "/checkout/.huying/files",
        "HUYING_LEDGER": "sqlite:////checkout/.huying/ledger.sqlite",
    }
    said = {
        "HUYING_CONFIG": "conf",
        "HUYING_MAPPINGS": "/m",
        "HUYING_CONNECTIONS": "c.json",
        "HUYING_LEDGER": "sqlite:///l.db",
    }
    made = own_environment(said, root, folder)
    assert (made["HUYING_CONFIG"], made["HUYING_MAPPINGS"]) == ("/county/conf", "/m")
    assert (made["HUYING_CONNECTIONS"], made["HUYING_LEDGER"]) == ("/county/c.json", "sqlite:////county/l.db")
    database = "postgresql+psycopg://u:p@host/huying"
    assert own_environment({"HUYING_LEDGER": database}, root, folder)["HUYING_LEDGER"] == database

"""An Airflow home folder: made anew or reused, its secrets, and the settings that Airflow is started with.

The settings are tuned for quick schedules on two cores. This module starts nothing and must not know what the DAGs do.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

USER = "admin"
_STAMP = "huying-home.json"
_SECRETS = "secrets.json"
_LOCK = "huying-home.lock"
_LAYOUT = 1  # raised when a home of an older layout cannot be reused
_PRIVATE = 0o600


class HomeInUse(RuntimeError):
    """Another Airflow uses this home."""


class HomeRefused(RuntimeError):
    """The folder holds something that is not an Airflow home of ours and is therefore not touched."""


@dataclass(frozen=True)
class Secrets:
    """What one home keeps to itself, in `secrets.json` readable by its owner only."""

    password: str
    fernet_key: str
    jwt_secret: str
    api_secret_key: str


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), _PRIVATE)
        file.write(text)


def lock_home(home: Path, timeout: float = 20.0) -> int:
    """Takes the home for one Airflow and gives the descriptor that holds it; HomeInUse after `timeout` seconds.

    Processes of a supervisor that was just killed keep the lock until they have ended, hence the wait.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(home / _LOCK, os.O_RDWR | os.O_CREAT, _PRIVATE)
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise HomeInUse(
                    f"{home} 正被另一个 Airflow 使用，请先停止它。\n"
                    f"{home} is used by another Airflow; stop that one first."
                ) from None
            time.sleep(0.2)


def _stamp_of_now(home: Path) -> dict[str, object]:
    return {
        "layout": _LAYOUT,
        "airflow": version("apache-airflow-core"),
        "python": ".".join(map(str, sys.version_info[:2])),
        "home": str(home),
    }


def _read_stamp(home: Path) -> dict[str, object] | None:
    try:
        stamp = json.loads((home / _STAMP).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return {}  # cut off by a crash: ours, but not reusable
    return stamp if isinstance(stamp, dict) else {}


def prepare_home(home: Path, random_bytes: Callable[[int], bytes]) -> Secrets:
    """Reuses the home if its stamp fits this Airflow, Python and place; otherwise empties it and makes it anew.

    A home whose set-up never finished carries a stamp without `ready` and is made anew too. A folder that holds
    anything but a home of ours is refused, not emptied.
    """
    stamp = _read_stamp(home)
    if stamp is not None and stamp == {**_stamp_of_now(home), "ready": True} and (home / _SECRETS).exists():
        return Secrets(**json.loads((home / _SECRETS).read_text(encoding="utf-8")))
    present = [entry for entry in home.iterdir() if entry.name != _LOCK] if home.exists() else []
    if present:
        if stamp is None:
            raise HomeRefused(
                f"{home} 不是呼应建立的 Airflow 目录，未作任何改动；请删除它或换一个目录。\n"
                f"{home} is not an Airflow home made by huying and was left alone; remove it or choose another folder."
            )
        # The lock's file stays: it is held while this is done.
        for entry in present:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    home.chmod(0o700)
    (home / _STAMP).write_text(json.dumps(_stamp_of_now(home)), encoding="utf-8")

    def token(size: int) -> str:
        return base64.urlsafe_b64encode(random_bytes(size)).decode("ascii")

    secrets = Secrets(
        password=token(12).rstrip("="), fernet_key=token(32), jwt_secret=token(48), api_secret_key=token(48)
    )
    _write_private(home / _SECRETS, json.dumps(vars(secrets)))
    _write_private(home / "passwords.json", json.dumps({USER: secrets.password}))
    return secrets


def mark_ready(home: Path) -> None:
    """Says that the home's database is set up, so that the next start may reuse it."""
    (home / _STAMP).write_text(json.dumps({**_stamp_of_now(home), "ready": True}), encoding="utf-8")


def connections_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Airflow's settings for the connections file that HUYING_CONNECTIONS names (JSON, YAML or env), none without."""
    named = environment.get("HUYING_CONNECTIONS")
    if not named:
        return {}
    path = Path(named).resolve()
    if path.suffix not in {".json", ".yaml", ".yml", ".env"}:
        raise ValueError(
            f"HUYING_CONNECTIONS={named}：应为 .json、.yaml、.yml 或 .env 文件 · must end in .json, .yaml, .yml or .env"
        )
    if not path.is_file():
        raise FileNotFoundError(f"HUYING_CONNECTIONS={named}：文件不存在 · no such file")
    return {
        "HUYING_CONNECTIONS": str(path),
        "AIRFLOW__SECRETS__BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
        "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"connections_file_path": str(path)}),
    }


def _without_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    """Loopback must never go through a proxy that the machine has for the outside."""
    local = "127.0.0.1,localhost"
    present = environment.get("no_proxy") or environment.get("NO_PROXY")
    value = f"{present},{local}" if present else local
    return {"no_proxy": value, "NO_PROXY": value}


def environment_of(
    home: Path, dags: Path, port: int, secrets: Secrets, caller: Mapping[str, str], extra: Mapping[str, str]
) -> dict[str, str]:
    """The whole environment of Airflow's processes.

    From the caller's environment Airflow gets everything but the caller's own AIRFLOW settings; AIRFLOW_CONN_* and
    AIRFLOW_VAR_* stay. `extra` is laid over the result last, so that it can change any setting.
    """
    kept = {
        name: value
        for name, value in caller.items()
        if not name.startswith("AIRFLOW") or name.startswith(("AIRFLOW_CONN_", "AIRFLOW_VAR_"))
    }
    url = f"http://127.0.0.1:{port}"
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__FERNET_KEY": secrets.fernet_key,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:ADMIN",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        # The host's full name may need a name server that is slow or not there.
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__SECRET_KEY": secrets.api_secret_key,
        "AIRFLOW__API__MAXIMUM_PAGE_LIMIT": "1000",
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.jwt_secret,
        "AIRFLOW__API_AUTH__JWT_ISSUER": url,
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(home / "logs" / "dag_processor"),
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
        **TUNING,
    }
    return {
        **kept,
        **_without_proxy(kept),
        "PYTHONUNBUFFERED": "1",
        **settings,
        **connections_settings({**kept, **extra}),
        **extra,
    }


# Two cores, schedules of a few seconds: little waiting between the scheduler's rounds, few worker processes (each is
# forked at start and costs memory), files looked at often, and work orphaned by a crash taken up within a minute.
TUNING: Mapping[str, str] = {
    "AIRFLOW__CORE__PARALLELISM": "8",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.25",
    "AIRFLOW__SCHEDULER__MAX_DAGRUNS_TO_CREATE_PER_LOOP": "20",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "5",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "15",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "20",
    "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "2",
    "AIRFLOW__TRIGGERER__CAPACITY": "100",
}

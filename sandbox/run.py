"""`make run`: a real Airflow on the user's own configuration, mappings and connections; no stand-in platform.

The configuration is checked first by the `huying` command, as any user would check it. Airflow's home is `.airflow/`
and may be made anew at any time; the ledger lies beside it in `.huying/` and is never touched. This module must not
know what a configuration says: what it needs of it, it asks the `huying` command for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from sandbox.launch import (
    Airflow,
    AirflowUnhealthy,
    ApiError,
    HomeInUse,
    HomeRefused,
    ProcessDied,
    ProcessTimeout,
    ended_by_signals,
)

ROOT = Path(__file__).resolve().parents[1]
_SLOTS = 2  # one poll and one push of a platform at a time
_COMMAND_SECONDS = 120
_SQLITE = "sqlite:///"


class NotReady(RuntimeError):
    """The configuration has problems, or the `huying` command could not be asked."""


def own_environment(caller: Mapping[str, str], root: Path, folder: Path) -> dict[str, str]:
    """The HUYING_* settings with their defaults filled in and every path absolute.

    root: the checkout, for defaults. folder: what relative paths of the caller are relative to. Airflow's processes
    work in another folder, so a relative path would mean something else there.
    """
    places = {
        "HUYING_CONFIG": root / "config",
        "HUYING_MAPPINGS": root / "mappings",
        "HUYING_FILES": root / ".huying" / "files",
    }
    found = {name: str(folder / caller[name] if caller.get(name) else place) for name, place in places.items()}
    if caller.get("HUYING_CONNECTIONS"):
        found["HUYING_CONNECTIONS"] = str(folder / caller["HUYING_CONNECTIONS"])
    ledger = caller.get("HUYING_LEDGER") or f"{_SQLITE}{root / '.huying' / 'ledger.sqlite'}"
    if ledger.startswith(_SQLITE):
        file, mark, options = ledger.removeprefix(_SQLITE).partition("?")
        if file and not file.startswith(("file:", ":memory:")):
            ledger = f"{_SQLITE}{folder / file}{mark}{options}"
    return {**found, "HUYING_LEDGER": ledger}


def _huying(arguments: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("huying")
    try:
        return subprocess.run(
            [str(command), *arguments],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise NotReady(
            f"没有找到 {command}，请先执行 make env。\n{command} is missing; run `make env` first."
        ) from None
    except subprocess.TimeoutExpired:
        words = " ".join(arguments)
        raise NotReady(
            f"huying {words} 超过 {_COMMAND_SECONDS} 秒未完成。\nhuying {words} took over {_COMMAND_SECONDS} s."
        ) from None


def check_configuration(environment: Mapping[str, str]) -> None:
    """Runs `huying check`; raises NotReady with everything it said unless it found nothing wrong."""
    result = _huying(["check"], environment)
    if result.returncode != 0:
        raise NotReady(
            f"{result.stdout}{result.stderr}\n"
            "配置检查未通过，Airflow 未启动。改正后再次执行 make run。\n"
            "The configuration has problems; Airflow was not started. Mend them and run `make run` again."
        )


def pools(environment: Mapping[str, str]) -> dict[str, int]:
    """A pool a platform, from the slugs that `huying platforms --json` prints: pool name to number of slots."""
    result = _huying(["platforms", "--json"], environment)
    try:
        if result.returncode != 0:
            raise ValueError(f"exit code {result.returncode}")
        return {f"huying_{platform['slug']}": _SLOTS for platform in json.loads(result.stdout)}
    except (ValueError, KeyError, TypeError) as error:
        raise NotReady(
            f"无法取得平台清单（huying platforms --json）：{error}\n"
            f"The list of platforms could not be read: {error}\n{result.stdout}{result.stderr}"
        ) from None


def _shown(ledger: str) -> str:
    """The ledger's address without the user and password that a database server's address may hold."""
    scheme, mark, rest = ledger.partition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"


def main() -> int:
    """Checks, starts, prints where to log in, and stays until Ctrl-C or SIGTERM. Exit code 0 when ended so, else 1."""
    try:
        with ended_by_signals():
            own = own_environment(os.environ, ROOT, Path.cwd())
            environment = {**os.environ, **own}
            check_configuration(environment)
            slots = pools(environment)
            print("正在启动 Airflow，约需半分钟 … · starting Airflow, about half a minute …", flush=True)
            with Airflow(ROOT / ".airflow", ROOT / "dags", own, pools=slots) as airflow:
                airflow.wait_healthy()
                print(
                    f"\n  网址 address   {airflow.url}\n  用户 user      {airflow.user}\n"
                    f"  密码 password  {airflow.password}\n  日志 logs      {airflow.logs}\n"
                    f"  台账 ledger    {_shown(own['HUYING_LEDGER'])}\n\n按 Ctrl-C 停止 · Ctrl-C stops it\n",
                    flush=True,
                )
                airflow.wait()
    except KeyboardInterrupt:
        print("已停止 · stopped", flush=True)
        return 0
    except (
        AirflowUnhealthy, ApiError, HomeInUse, HomeRefused, NotReady, ProcessDied, ProcessTimeout, OSError, ValueError,
    ) as error:  # fmt: skip
        print(error, file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

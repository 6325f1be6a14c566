"""`make sandbox`: the stand-in platforms alone, for trying an adapter or another bridge against them.

Prints addresses, accounts and back doors, and stays until Ctrl-C. This module must not know the scenario.
"""

from __future__ import annotations

import argparse
import sys
import threading

from sandbox.forms import FORMS
from sandbox.processes import ended_by_signals
from sandbox.standins import StandIns


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 when ended by Ctrl-C or SIGTERM, 1 if a port is taken."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="仿真平台 / the stand-in platforms")
    for slug in FORMS:
        parser.add_argument(f"--{slug}-port", type=int, default=0, help="端口，0 为任意空闲端口 / port, 0 = any free one")
    parser.add_argument("--department", type=float, default=0.0, metavar="SECONDS",
                        help="部门自动办理的间隔秒数，0 为不办 / scripted officials act; 0 = never")  # fmt: skip
    wish = parser.parse_args(arguments)
    ports = {slug: getattr(wish, f"{slug}_port") for slug in FORMS}
    try:
        with ended_by_signals(), StandIns(ports=ports) as standins:
            for standin in standins:
                if wish.department > 0:
                    body = {"enabled": True, "interval_seconds": wish.department}
                    standins.doors.tell(standin.slug, "department", body)
                account = f"  账号 account     {standin.account}\n  密码 password    {standin.password}\n"
                settings = "".join(f"  设置 settings    {name}: {value}\n" for name, value in standin.settings.items())
                print(
                    f"\n{standin.slug}  {standin.title}\n"
                    f"  地址 address     {standin.address}\n{account if standin.account else ''}"
                    f"  连接 connection  AIRFLOW_CONN_HUYING_{standin.slug.upper()}='{standin.connection}'\n{settings}"
                    f"  后门 back door   {standin.url}/_sandbox/records",
                    flush=True,
                )
            print("\n按 Ctrl-C 停止 · Ctrl-C stops them", flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        print("已停止 · stopped", flush=True)
    except OSError as error:
        print(f"端口不可用 / port not available: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

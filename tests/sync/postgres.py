"""A PostgreSQL server of the tests' own on loopback: started in a fresh folder, stopped at the end, durable nothing.

Needs Debian's `postgresql` package, which `make test` installs where it may.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path


def binaries() -> Path | None:
    """The folder with initdb and pg_ctl: the newest of Debian's, or the one on the path."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).parent if found else None


@contextlib.contextmanager
def server() -> Iterator[str]:
    """SQLAlchemy URL of an empty database. PostgreSQL refuses to run as root: then Debian's user `postgres` runs it."""
    bin_folder = binaries()
    assert bin_folder is not None
    home = Path(tempfile.mkdtemp(prefix="huying-postgres-"))  # pytest's own folders are private to root
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(home, "postgres", "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(name: str, *arguments: str) -> None:
        subprocess.run([*as_user, str(bin_folder / name), *arguments], check=True, stdout=subprocess.DEVNULL, timeout=60)

    run("initdb", "-D", str(home / "data"), "-A", "trust", "-U", "huying", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
    options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off"
    run("pg_ctl", "-D", str(home / "data"), "-o", options, "-l", str(home / "log"), "-w", "start")
    try:
        yield f"postgresql+psycopg://huying@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-D", str(home / "data"), "-m", "immediate", "stop")
        shutil.rmtree(home, ignore_errors=True)

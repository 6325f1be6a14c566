"""A real MariaDB for tests, in a folder of its own, on a port of its own; skipped aloud where none is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
import pytest


@contextmanager
def mariadb() -> Iterator[str]:
    """The owner's URL but for the database's name: mysql+pymysql://root@127.0.0.1:port. Skips without a server, fails
    in CI."""
    server, install = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin"), shutil.which("mariadb-install-db")
    if not server or not install:
        if os.environ.get("CI"):
            pytest.fail("MariaDB 未安装 / is not installed: apt-get install mariadb-server")
        pytest.skip("MariaDB 未安装，仅以 SQLite 测试 / not installed, tried on SQLite only: apt-get install mariadb-server")
    with tempfile.TemporaryDirectory(prefix="mariadb-") as name:
        folder, user = Path(name), "mysql" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if user == "mysql":
            folder.chmod(0o755)
            os.chown(folder, pwd.getpwnam("mysql").pw_uid, -1)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        # A folder for temporary tables of its own: a server that starts clears those of all others out of a shared one.
        environment = {**os.environ, "TMPDIR": str(folder)}
        common = ["--no-defaults", f"--datadir={folder / 'data'}", f"--user={user}"]
        made = subprocess.run([install, *common, "--auth-root-authentication-method=normal", "--skip-test-db"],
                              env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")  # fmt: skip
        assert made.returncode == 0, f"mariadb-install-db: {made.returncode}\n{made.stdout}"
        process = subprocess.Popen(
            [server, *common, f"--socket={folder / 's.sock'}", f"--port={port}", "--bind-address=127.0.0.1",
             "--skip-name-resolve", "--default-time-zone=+08:00", "--max-allowed-packet=64M", "--sql-mode=STRICT_TRANS_TABLES"],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _prepared(folder / "s.sock", process)
            yield f"mysql+pymysql://root@127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(60)


def _prepared(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Waits until the server answers, lets root in over TCP, and takes the nameless accounts out."""
    pause = threading.Event()
    for _ in range(300):
        assert process.poll() is None, "MariaDB did not start"
        try:
            owner = pymysql.connect(unix_socket=str(path), user="root", autocommit=True)
            break
        except pymysql.err.OperationalError:
            pause.wait(0.1)
    else:
        raise AssertionError("MariaDB did not answer within 30 s")
    with owner, owner.cursor() as cursor:
        cursor.execute("DELETE FROM mysql.global_priv WHERE User = ''")
        cursor.execute("FLUSH PRIVILEGES")
        cursor.execute("CREATE USER IF NOT EXISTS 'root'@'127.0.0.1'")
        cursor.execute("GRANT ALL ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION")


def empty_database(url: str, name: str) -> str:
    """A new GBK database; its owner's URL."""
    port = int(url.rsplit(":", 1)[1])
    with pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True) as owner, owner.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET gbk")
    return f"{url}/{name}"

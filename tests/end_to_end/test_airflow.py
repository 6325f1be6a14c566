"""The demo through a real Airflow: a call goes there and back, and nothing is left behind, however it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.forms import FORMS

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.airflow, pytest.mark.timeout(290)]


def alive(folder: Path) -> list[str]:
    """Every process that works in `folder`: what it started in, or has in its environment or command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            words = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue  # ended while we looked, or another user's
        if str(folder).encode() in words:
            found.append((process / "cmdline").read_text("utf-8", "replace").replace("\0", " "))
    return found


class Demo:
    """`python -m sandbox.demo` as a child, as make starts it."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.log = folder.with_suffix(".log")
        command = [sys.executable, "-m", "sandbox.demo", "--folder", str(folder), *arguments]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def said(self) -> str:
        return self.log.read_text("utf-8")

    def wait_for(self, words: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while words not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.1)

    def report(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "report.json").read_text("utf-8")))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "demo"
    yield place
    assert alive(place) == []


def test_a_call_goes_there_and_back(folder: Path) -> None:
    """Recorded on the grid, answered on the government platform, closed on both; the DAGs all import and none fails."""
    demo = Demo(folder, "--only", "sewage", "--only", "cancelled-by-clerk")
    assert demo.process.wait(270) == 0, demo.said
    report = demo.report()
    assert report["import_errors"] == []
    names = ("lost", "duplicates", "strays", "echoes_pushed", "dead_letters", "stage_differences", "file_differences",
             "secrets_leaked")  # fmt: skip
    assert {name: report[name] for name in names} == dict.fromkeys(names, 0)
    sewage, cancelled = report["calls"]
    assert {on["stage"] for on in sewage["platforms"].values()} == {"CLOSED"}
    assert {on["stage"] for on in cancelled["platforms"].values()} == {"CANCELLED"}
    assert set(sewage["platforms"]) == {"grid", "government", "enforcement"} and sewage["origin"] == "grid"
    assert re.fullmatch(r"[0-9a-f-]{36}", sewage["call_id"])
    told = [line["opinion"] for line in sewage["timeline"] if line["platform"] == "grid"]
    assert any("情况属实，已对车辆依法查封扣押" in opinion for opinion in told)
    number = sewage["platforms"]["government"]["native_id"]
    assert any(number in opinion for opinion in told), "the town is told the number"
    assert report["latency_s"]["measured"] >= 8 and report["latency_s"]["median"] > 0
    runs = report["dag_runs"]
    assert runs["failed"] == 0
    wanted = {f"huying_{kind}_{slug}" for kind in ("poll", "push") for slug in FORMS}
    daily = {"huying_housekeeping", *(f"huying_drift_{slug}" for slug in FORMS)}
    assert set(runs["per_dag"]) - daily == wanted
    assert runs["total"] == sum(sum(states.values()) for states in runs["per_dag"].values())


def test_ctrl_c_leaves_nothing_behind(folder: Path) -> None:
    """Interrupted while Airflow is starting: exit code 130, every process ended, the ports free."""
    demo = Demo(folder, "--only", "dust")
    demo.wait_for("正在启动 Airflow", 60)
    deadline = time.monotonic() + 60
    while not any("airflow" in command and "api-server" in command for command in alive(folder)):
        assert time.monotonic() < deadline, demo.said
        time.sleep(0.1)
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(60) == 130, demo.said
    assert "已停止" in demo.said
    assert "Traceback" not in demo.said


def test_too_little_time_is_a_failure_with_the_place_of_the_logs(folder: Path) -> None:
    """A demo that cannot end in time exits 1 in words, names the logs, and leaves nothing behind."""
    demo = Demo(folder, "--only", "joint-grid", "--timeout", "1")
    assert demo.process.wait(200) == 1, demo.said
    assert f"日志 / logs: {folder / 'airflow' / 'logs'}" in demo.said
    assert "Traceback" not in demo.said

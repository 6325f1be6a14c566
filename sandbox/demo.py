"""`make demo` and `make up`: all stand-in platforms, a real Airflow, the whole scenario, and a verdict.

The DAGs run on their schedules; nothing here runs the engine. The bridge is asked through its own command line, and
Airflow through its REST API. This module must not know how the bridge works.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from sandbox import report
from sandbox.command_line import CommandFailed, Huying
from sandbox.demo_folder import DemoFolder, Pace, without_own_settings
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
from sandbox.rehearsal import NotSettled, Outcome, Surroundings, rehearse
from sandbox.scenario.player import StepStuck
from sandbox.scenario.script import BadScript, Script, load, only
from sandbox.scenario.verdict import Verdict
from sandbox.standins import DoorShut, StandIns
from sandbox.table import Display, summary

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT_SECONDS = 600.0
_SLOTS = 2  # one poll and one push of a platform at a time
_CHECK_SECONDS = 2.0
_EXPECTED = (
    AirflowUnhealthy, ApiError, BadScript, CommandFailed, DoorShut, HomeInUse, HomeRefused, NotSettled, ProcessDied,
    ProcessTimeout, StepStuck, OSError,
)  # fmt: skip


@dataclass(frozen=True)
class Staged:
    """A finished demo: what the rehearsal came to, and the report that was written."""

    outcome: Outcome
    report: dict[str, Any]


class Demo:
    """One demo in one folder. say: where words for people go. `stage` plays; the caller then ends it or stays."""

    def __init__(
        self, folder: DemoFolder, standins: StandIns, script: Script, console: Console, *, pace: Pace, timeout: float
    ) -> None:
        self._folder, self._standins, self._script, self._console = folder, standins, script, console
        self._pace = pace
        self._began = time.monotonic()
        self._deadline = self._began + timeout
        self._took: dict[str, float] = {}
        folder.furnish(pace, standins)
        self._settings = folder.settings(standins)
        caller = without_own_settings(os.environ)
        self.huying = Huying({**caller, **self._settings})
        self._caller = caller

    def airflow(self) -> Airflow:
        """Checks configuration and platforms as an operator would, then makes (not starts) the Airflow for them."""
        with ThreadPoolExecutor(3) as aside:
            checks = [aside.submit(self.huying.run, "check"), aside.submit(self.huying.run, "probe")]
            platforms = aside.submit(self.huying.data, "platforms")
            for check in checks:
                self.say(check.result().strip())
            pools = {f"huying_{one['slug']}": _SLOTS for one in platforms.result()}
        home, dags = self._folder.airflow_home, self._folder.dags
        return Airflow(home, dags, self._settings, pools=pools, caller=self._caller)

    def stage(self, airflow: Airflow) -> Staged:
        """Waits for the DAGs, plays the scenario until all is settled, writes the report."""
        airflow.wait_healthy(max(1.0, self._deadline - time.monotonic()))
        self._wait_for_dags(airflow)
        self._took["start"] = time.monotonic() - self._began
        self.say(f"Airflow 就绪，用时 {self._took['start']:.0f} 秒；剧本开始 / ready; the scenario begins")
        display = Display(self._console)
        checked = 0.0

        def beat(seconds: float, verdict: Verdict) -> None:
            nonlocal checked
            display.show(seconds, verdict)
            if seconds >= checked:
                checked = seconds + _CHECK_SECONDS
                airflow.check()

        around = Surroundings(self._standins.doors, self.huying.mend, self._idle, beat)
        # Two readings of each platform and three steps of the scripted officials: after that nothing more comes.
        quiet = max(2 * self._pace.poll_seconds, 3 * self._script.department_seconds)
        with display.running():
            left = self._deadline - time.monotonic()
            outcome = rehearse(self._script, around, quiet_seconds=quiet, timeout=left)
        self._took["scenario"] = outcome.seconds
        self._took["total"] = time.monotonic() - self._began
        display.lines(outcome.seconds, outcome.verdict)
        return Staged(outcome, self._report(airflow, outcome.verdict))

    def _report(self, airflow: Airflow, verdict: Verdict) -> dict[str, Any]:
        letters = self.huying.data("dead", "list")
        ids = {on["native_id"]: call["call_id"] for call in self.huying.data("calls") for on in call["platforms"]}
        made = report.compose(verdict, airflow.dag_runs(), letters, ids, self._took)
        made["import_errors"] = [vars(problem) for problem in airflow.import_errors()]
        report.write(self._folder.report, made)
        return made

    def failed(self, airflow: Airflow | None, error: BaseException) -> str:
        """What went wrong, with the log that tells more; writes the report where there is a verdict."""
        words = [str(error)]
        if airflow is None:
            return words[0]
        try:
            if isinstance(error, NotSettled):
                self._report(airflow, error.verdict)
                words.append(f"报告 / report: {self._folder.report}")
            words += last_failures(airflow)
        except (ApiError, CommandFailed, OSError) as further:
            words.append(f"另外 / besides: {further}")
        words.append(f"日志 / logs: {airflow.logs}")
        return "\n".join(words)

    def _idle(self) -> bool:
        """Does the bridge itself say that nothing waits and nothing is dead?"""
        return all(one["waiting"] == 0 and one["dead"] == 0 for one in self.huying.data("status")["platforms"])

    def _wait_for_dags(self, airflow: Airflow) -> None:
        """Until each platform has been read once: what officials do from then on is news."""
        wanted = {f"huying_poll_{standin.slug}" for standin in self._standins}
        while True:
            runs = airflow.dag_runs()
            if all(runs.per_dag.get(dag, {}).get("success") for dag in wanted):
                return
            if problems := airflow.import_errors():
                raise AirflowUnhealthy("\n".join(f"{one.file}\n{one.text}" for one in problems))
            if time.monotonic() > self._deadline:
                raise AirflowUnhealthy(f"DAG 未运行 / did not run: {wanted}; {dict(runs.per_dag)}")
            airflow.check()
            time.sleep(0.5)

    def say(self, words: str) -> None:
        self._console.print(words, markup=False, highlight=False, soft_wrap=True)


def last_failures(airflow: Airflow) -> list[str]:
    """Each DAG's last failed run, with the log of its last attempt."""
    found: dict[str, str] = {}
    for run in airflow.api("GET", "/dags/~/dagRuns?state=failed&order_by=id&limit=1000")["dag_runs"]:
        folder = airflow.logs / f"dag_id={run['dag_id']}" / f"run_id={run['dag_run_id']}"
        logs = sorted(folder.glob("task_id=*/attempt=*.log"), key=lambda log: log.stat().st_mtime)
        place = logs[-1] if logs else folder
        found[run["dag_id"]] = f"失败的运行 / failed run: {run['dag_id']} {run['dag_run_id']} {place}"
    return list(found.values())


def _conclusion(staged: Staged, folder: DemoFolder) -> str:
    made = staged.report
    latency, runs = made["latency_s"], made["dag_runs"]
    return (
        f"\n{summary(staged.outcome.seconds, staged.outcome.verdict)}\n"
        f"  丢失 lost {made['lost']} · 重复 duplicates {made['duplicates']} · 回声 echoes {made['echoes_pushed']} · "
        f"死信 dead letters {made['dead_letters']} · 阶段不一致 differences {made['stage_differences']} · "
        f"附件不一致 files {made['file_differences']} · "
        f"泄露 leaked {made['secrets_leaked']}\n"
        f"  时延 latency: 中位 median {latency['median']} s，最大 max {latency['max']} s（{latency['max_of']}）\n"
        f"  DAG 运行 runs: {runs['total']}，失败 failed {runs['failed']}\n"
        f"  用时 took: {made['seconds']['total']} s（启动 start {made['seconds']['start']} s）\n"
        f"  报告 report: {folder.report}"
    )


def _stay(airflow: Airflow, standins: StandIns, demo: Demo) -> None:
    doors = "\n".join(f"  后门 back door {one.slug:<11} {one.url}/_sandbox/records" for one in standins)
    demo.say(
        f"\n  网址 address   {airflow.url}\n  用户 user      {airflow.user}\n  密码 password  {airflow.password}\n"
        f"  日志 logs      {airflow.logs}\n{doors}\n\n按 Ctrl-C 停止 · Ctrl-C stops it"
    )
    airflow.wait()


def run(
    script: Script, console: Console, *, stay: bool, timeout: float, pace: Pace, place: Path = Path(".demo")
) -> int:
    """Plays in the folder `place`, relative to the checkout. Exit code: 0 when everything is settled and clean, else 1.

    timeout: seconds from now to the end of the scenario. `stay`: afterwards until a signal interrupts.
    """
    airflow: Airflow | None = None
    demo: Demo | None = None
    with DemoFolder(ROOT, place) as folder, StandIns() as standins:
        try:
            demo = Demo(folder, standins, script, console, pace=pace, timeout=timeout)
            airflow = demo.airflow()
            demo.say("正在启动 Airflow，约需半分钟 … · starting Airflow, about half a minute …")
            airflow.start()
            staged = demo.stage(airflow)
            demo.say(_conclusion(staged, folder))
            wrong = last_failures(airflow) if staged.report["dag_runs"]["failed"] else []
            wrong += [f"{one['file']}: {one['text']}" for one in staged.report["import_errors"]]
            for words in wrong:
                demo.say(words)
            if stay:
                _stay(airflow, standins, demo)
            return 1 if wrong or staged.report["dead_letters"] else 0
        except _EXPECTED as error:
            print(demo.failed(airflow, error) if demo else error, file=sys.stderr, flush=True)
            return 1
        finally:
            if airflow is not None:
                airflow.stop()


def main(arguments: list[str] | None = None) -> int:
    """The command line of `make demo` and `make up`. Ctrl-C ends everything: 130, or 0 when it was left running."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description="演示 / the demo")
    parser.add_argument("--stay", action="store_true", help="剧本结束后不停止 / leave it running afterwards")
    parser.add_argument("--timeout", type=float, default=TIMEOUT_SECONDS, help="最长秒数 / most seconds")
    parser.add_argument("--poll", type=int, default=Pace.poll_seconds, help="读取间隔秒数 / seconds between readings")
    parser.add_argument("--only", action="append", default=[], metavar="KEY", help="只演这些呼叫 / only these calls")
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="演示目录，会被清空 / emptied first")
    wish = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 200)
    try:
        with ended_by_signals():
            script = load()
            script = only(script, wish.only) if wish.only else script
            return run(
                script, console, stay=wish.stay, timeout=wish.timeout, pace=Pace(poll_seconds=wish.poll),
                place=wish.folder,
            )  # fmt: skip
    except KeyboardInterrupt:
        print("已停止 · stopped", flush=True)
        return 0 if wish.stay else 130
    except _EXPECTED as error:
        print(error, file=sys.stderr, flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())

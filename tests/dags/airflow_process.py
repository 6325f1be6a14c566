"""A process of its own with Airflow in it: looks at the DAGs, or runs some with `dag.test()`, and tells what it saw.

`python -m tests.dags.airflow_process <file for what was seen> inspect | run <dag id> …`; where things are is said by the
environment, as for any Airflow.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def inspect() -> dict[str, Any]:
    """Every DAG with what operators and scheduler see of it, and the import errors by file."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(ROOT / "dags"))
    return {
        "errors": {Path(file).name: text for file, text in bag.import_errors.items()},
        "dags": {dag.dag_id: _seen(dag) for dag in bag.dags.values()},
    }


def _seen(dag: Any) -> dict[str, Any]:
    timetable, condition = dag.timetable, dag.timetable.asset_condition
    timed = getattr(timetable, "timetable", timetable)
    return {
        "file": Path(dag.fileloc).name, "tags": sorted(dag.tags), "doc": dag.doc_md,
        "every": timed.delta.total_seconds() if hasattr(timed, "delta") else None,
        "assets": sorted(asset.name for asset in getattr(condition, "objects", ())),
        "max_active_runs": dag.max_active_runs, "catchup": dag.catchup, "tasks": [task.task_id for task in dag.tasks],
        "pools": sorted({task.pool for task in dag.tasks}), "retries": sorted({task.retries for task in dag.tasks}),
        "outlets": [outlet.name for task in dag.tasks for outlet in task.outlets],
    }  # fmt: skip


def run(dag_ids: list[str]) -> dict[str, Any]:
    """Each DAG once with `dag.test()`: state, tries and the result of its task. Retries do not wait."""
    from airflow.dag_processing.dagbag import DagBag

    bag, seen = DagBag(str(ROOT / "dags")), {}
    for dag_id in dag_ids:
        dag = bag.dags[dag_id]
        for task in dag.tasks:
            task.retry_delay = timedelta(0)
        done = dag.test()
        (one,) = done.get_task_instances()
        seen[dag_id] = {"state": str(done.state), "task": str(one.state), "tries": one.try_number,
                        "result": one.xcom_pull(task_ids=one.task_id) if str(done.state) == "success" else None}  # fmt: skip
        print(f"---- {dag_id} ended", flush=True)
    return seen


if __name__ == "__main__":
    told = inspect() if sys.argv[2] == "inspect" else run(sys.argv[3:])
    Path(sys.argv[1]).write_text(json.dumps(told, ensure_ascii=False, default=str), encoding="utf-8")

"""Airflow DAGs `huying_push_<platform>`: tell a platform what waits for it. Started by the asset that a poll emits, and by a
slow schedule as a safety net: the outbox decides what is done, never the event."""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import DAG, AssetOrTimeSchedule, DeltaTriggerTimetable, task

from adapters.errors import Unavailable
from bridge.configuration import ConfiguredPlatform
from dags.runs import describe, for_operators, generate, outbox

DOC = """**把待告知的事项推送到 {title}**，按呼叫逐条有序。 / Tells the platform what waits for it, in order per call.
- 红色表示平台不可达或凭据错误，见任务日志最后一行；恢复后自动继续。被拒绝的进入死信，只挡住该呼叫：`huying dead list`。
- Red: unreachable or wrong credentials, see the log's end; it goes on by itself. What was refused is a dead letter.
"""


def build(dag_id: str, platform: ConfiguredPlatform) -> DAG:
    schedule = AssetOrTimeSchedule(timetable=DeltaTriggerTimetable(platform.push), assets=[outbox(platform.slug)])
    with DAG(dag_id, schedule=schedule, doc_md=DOC.format(title=platform.title), **describe(platform, "push")) as dag:

        @task
        def push(slug: str) -> dict[str, Any]:
            from bridge import assembly, outbound

            with for_operators():
                counts = outbound.push(assembly.assemble(os.environ, only={slug}), slug)
                if counts.blocked:  # left alone for a while after trouble: still not told, so not green
                    raise Unavailable(counts.blocked)
                return outbound.summary(counts)

        push(platform.slug)
    return dag


globals().update(generate("push", build))

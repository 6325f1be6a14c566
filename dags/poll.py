"""Airflow DAGs `huying_poll_<platform>`: read what changed on a platform, on its own short schedule."""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import DAG, AssetAlias, DeltaTriggerTimetable, task

from bridge.configuration import ConfiguredPlatform
from dags.runs import describe, for_operators, generate, outbox

DOC = """**读取 {title} 的变更**，写入台账，唤醒需要获知的平台。 / Reads what changed, keeps it, wakes whoever must learn.
- 红色表示平台不可达、凭据错误或答复无法识别，原因与办法在任务日志最后一行。单条记录有问题不会变红，见 `huying dead list`。
- Red: unreachable, wrong credentials, or an answer nobody understands: why and what to do ends the task's log. A single
  bad record does not turn it red: `huying dead list`. 手工补跑总是安全的 / running it by hand is always safe.
"""


def build(dag_id: str, platform: ConfiguredPlatform) -> DAG:
    wakes = AssetAlias(f"huying_wakes_{platform.slug}")
    schedule = DeltaTriggerTimetable(platform.poll)
    with DAG(dag_id, schedule=schedule, doc_md=DOC.format(title=platform.title), **describe(platform, "poll")) as dag:

        @task(outlets=[wakes])
        def poll(slug: str, *, outlet_events: Any = None) -> dict[str, Any]:
            from bridge import assembly, inbound

            with for_operators():
                counts = inbound.poll(assembly.assemble(os.environ, only={slug}), slug)
            for target in counts.wakes:
                outlet_events[wakes].add(outbox(target))
            return inbound.summary(counts)

        poll(platform.slug)
    return dag


globals().update(generate("poll", build))

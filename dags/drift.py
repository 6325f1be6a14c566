"""Airflow DAGs `huying_drift_<platform>`: once a day, what a platform shows that it never showed before."""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, task

from adapters.errors import ConfigError
from bridge.configuration import ConfiguredPlatform
from dags.runs import describe, for_operators, generate

DOC = """**{title} 有没有悄悄变了**：新字段、新代码、换了形式的值，赶在出错之前提醒。只读，不动台账的读取位置。
Did {title} change without a word: new fields, new codes, values of another form. It only reads; nothing is moved.
- 红色：有变化（日志最后一行逐项列出），或平台不可达。运行 `huying map learn {slug}`，把给出的行写进映射 `{mapping}`；不要的字段写进
  `ignored`。写好后手工重跑即变绿；什么都不做，七天后不再提醒。读取与推送照常，不受影响。
- Red: something changed (the log's last line lists it), or the platform is away. Run `huying map learn {slug}` and write
  the lines that it gives into the mapping `{mapping}`, then run this again. Left alone, it is told for seven days.
"""


def build(dag_id: str, platform: ConfiguredPlatform) -> DAG:
    doc = DOC.format(title=platform.title, slug=platform.slug, mapping=platform.mapping)
    schedule = CronTriggerTimetable("30 5 * * *", timezone="Asia/Shanghai")
    with DAG(dag_id, schedule=schedule, doc_md=doc, **describe(platform, "drift")) as dag:

        @task
        def look(slug: str, mapping: str) -> dict[str, Any]:
            from bridge import assembly, drift

            with for_operators():
                seen = drift.look_at(assembly.assemble(os.environ, only={slug}), slug, assembly.state_folder(os.environ))
                if seen.changes:
                    raise ConfigError(drift.told(seen), where=slug, remedy=f"huying map learn {slug} → mappings/{mapping}.yaml")
                return drift.summary(seen)

        look(platform.slug, platform.mapping)
    return dag


globals().update(generate("drift", build))

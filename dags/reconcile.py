"""Airflow DAGs `huying_reconcile_<platform>`: once a day, what a platform holds against the ledger."""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, task

from adapters.errors import ConfigError
from bridge.configuration import ConfiguredPlatform
from dags.runs import describe, for_operators, generate

DOC = """**{title} 与台账对账**：从头读一遍，未办结的逐件按编号询问；漏读的、平台悄悄改过的补上，推送随后送出。
Everything that {title} holds is compared with the ledger; what was missed or changed without a word is read and told on.
- 红色：有记录在平台上已不存在（日志最后一行列出编号），或平台不可达。呼叫在别处照旧，不会自动作废；用 `huying show 编号`
  查看，向平台核实，需要作废的由人在其他平台上作废。提醒七天。
- Red: records are gone from the platform (the log's last line lists them), or it is away. Nothing is cancelled elsewhere:
  look with `huying show <number>`, ask the platform's owner, cancel by hand where that is right. Told for seven days.
"""


def build(dag_id: str, platform: ConfiguredPlatform) -> DAG:
    schedule = CronTriggerTimetable("30 4 * * *", timezone="Asia/Shanghai")
    with DAG(dag_id, schedule=schedule, doc_md=DOC.format(title=platform.title), **describe(platform, "reconcile")) as dag:

        @task
        def compare(slug: str) -> dict[str, Any]:
            from bridge import assembly, reconcile

            with for_operators():
                found = reconcile.reconcile(assembly.assemble(os.environ, only={slug}), slug)
                if found.gone:
                    said = f"平台上已不存在 / gone from the platform: {reconcile.told(found)}"
                    raise ConfigError(said, where=slug, remedy="huying show 编号，向平台核实 / ask the platform's owner")
                return reconcile.summary(found)

        compare(platform.slug)
    return dag


globals().update(generate("reconcile", build))

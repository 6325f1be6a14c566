"""Airflow DAG `huying_housekeeping`: what must be cleared away once a day. No platform is asked."""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable, task

from dags.runs import BEGINNING, RETRIES, for_operators

DOC = """**清理附件库**：删除 30 天未用的附件副本（平台上的附件不动；再需要时会重新读取）。
Clears the attachment store of what nobody needed for 30 days; files on the platforms stay, and are read again if needed.
红色：附件目录无法读写，检查 HUYING_FILES 所指目录的权限与磁盘。 / Red: the folder cannot be used; check permission and disk.
"""
UNUSED = timedelta(days=30)

with DAG(
    "huying_housekeeping", schedule=CronTriggerTimetable("30 3 * * *", timezone="Asia/Shanghai"), start_date=BEGINNING,
    catchup=False, max_active_runs=1, tags=["huying", "housekeeping"], default_args=RETRIES, doc_md=DOC,
) as dag:  # fmt: skip

    @task
    def clean() -> dict[str, int]:
        from bridge import assembly
        from bridge.attachments.store import Store

        with for_operators():
            bridge = assembly.assemble(os.environ, only=set())
            return {"removed": Store(bridge.files).clean(bridge.now() - UNUSED)}

    clean()

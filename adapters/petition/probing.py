"""Looking a petition platform over: reach and log-in, the names, reading, the clocks. Writes nothing.

The right to INSERT shows itself at the first write alone: trying it would leave a row that nothing can take back. This
module must not know records.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from adapters.errors import WireError
from adapters.petition.database import Database, skew_of
from adapters.petition.names import INBOX
from adapters.port import Finding, Probe

ALLOWED = timedelta(seconds=90)


def probe(database: Database) -> Probe:
    """What was found, one finding a question; the first failure ends the questions that depend on it."""
    try:
        with database.open("probe") as connection:
            skew = skew_of(database.clock(connection), database.now())
            inbox = database.relations[INBOX]
            database.rows(connection, select(inbox["ID"]).order_by(inbox["ID"].desc()).limit(1), "T_JH_IN")
    except WireError as error:
        return Probe((Finding("连接 / connection", False, error.what, error.remedy or "检查连接 / check the connection"),))
    apart = f"平台时钟比本机 / platform minus us: {skew.total_seconds():+.0f} s"
    return Probe(
        (
            Finding("连接 / connection", True, "可以登录 / let in"),
            Finding("名称与读取 / names and reading", True, "三个视图与交换表都在 / the three views and the table are there"),
            Finding("时钟 / clocks", abs(skew) <= ALLOWED, apart,
                    "" if abs(skew) <= ALLOWED else "校准时钟 / set the clocks"),
        ),
        skew,
    )  # fmt: skip

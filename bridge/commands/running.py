"""`huying poll`, `push`, `route explain`: one run by hand, and why a call goes where it goes."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Annotated

import typer
from sqlalchemy import select

from bridge.assembly import configuration_of
from bridge.commands.console import Json, emit, known, reading, running, said, say, table
from bridge.dead import NotPossible
from bridge.inbound import PollCounts
from bridge.inbound import poll as poll_platform
from bridge.ledger.tables import calls
from bridge.outbound import push as push_platform
from bridge.overview import keys_of, without_persons
from bridge.routing import decide
from bridge.sending import PushCounts

routes = typer.Typer(no_args_is_help=True, help="路由：呼叫送往哪里 / routes: where calls go")
Slug = Annotated[str, typer.Argument(help="平台短名 / slug")]


@said
def poll(platform: Slug, json: Json = False) -> None:
    """手工读取一次平台的变化 / read a platform's changes once, by hand."""
    known(platform, configuration_of(os.environ).platforms, "这个平台")
    counts: PollCounts = poll_platform(running({platform}), platform)
    if json:
        emit(counts)
    else:
        say(f"读 read {counts.read}，采用 applied {counts.applied}，已见 seen {counts.seen}，"
            f"死信 dead {counts.dead}，不处理 ignored {counts.ignored}；"
            f"待推送 to be pushed: {', '.join(counts.wakes) or '无 none'}")  # fmt: skip
    if counts.dead:
        raise typer.Exit(1)


@said
def push(platform: Slug, json: Json = False) -> None:
    """手工推送一次 / tell a platform what waits for it, once, by hand."""
    known(platform, configuration_of(os.environ).platforms, "这个平台")
    counts: PushCounts = push_platform(running({platform}), platform)
    if json:
        emit(counts)
    else:
        say(f"完成 done {counts.done}，无需 skipped {counts.skipped}，死信 dead {counts.dead}，"
            f"稍后 later {counts.later}，请求 sent {counts.sent}")  # fmt: skip
    if counts.dead:
        raise typer.Exit(1)


@routes.command("explain")
@said
def explain(
    call: Annotated[str, typer.Argument(help="呼叫编号或任一平台的编号 / call id or any platform's number")],
    json: Json = False,
) -> None:
    """逐条说明每个路由对一件呼叫的判断 / what every route says of one call, and why."""
    bridge = reading()
    with bridge.ledger.begin() as tx:
        keys = keys_of(tx, call)
        rows = tx.execute(select(calls).where(calls.c.id.in_(keys)).order_by(calls.c.id)).all()
    if not rows:
        raise NotPossible(f"没有这件呼叫 / no such call: {call}")
    said_of = {
        row.call_id: [replace(one, reason=without_persons(one.reason, row.fields))
                      for one in decide(bridge.routes, row.origin_platform, row.fields, row.stage)]
        for row in rows
    }  # fmt: skip
    if json:
        emit(said_of)
        return
    for identity, decisions in said_of.items():
        say(identity)
        table(("路由 route", "到 to", "送 goes", "原因 why"), [(d.route, d.to, d.goes, d.reason) for d in decisions],
              "没有路由 / no routes")  # fmt: skip

"""`huying poll`, `push`, `reconcile`, `route explain`: one run by hand, and why a call goes where it goes."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from bridge.assembly import configuration_of, folders_of
from bridge.commands.console import Json, emit, platform_in, reading, running, said, say, table, warn
from bridge.configuration import divisions_of
from bridge.dead import NotPossible
from bridge.divisions import read
from bridge.explanation import explain as explained
from bridge.inbound import PollCounts
from bridge.inbound import poll as poll_platform
from bridge.outbound import push as push_platform
from bridge.overview import keys_of
from bridge.reconcile import reconcile as reconcile_platform
from bridge.sending import PushCounts

routes = typer.Typer(no_args_is_help=True, help="路由：呼叫送往哪里 / routes: where calls go")
Slug = Annotated[str, typer.Argument(help="平台短名 / slug")]


@said
def poll(platform: Slug, json: Json = False) -> None:
    """手工读取一次平台的变化 / read a platform's changes once, by hand."""
    platform_in(configuration_of(os.environ), platform)
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
    platform_in(configuration_of(os.environ), platform)
    counts: PushCounts = push_platform(running({platform}), platform)
    if json:
        emit(counts)
    else:
        say(f"完成 done {counts.done}，无需 skipped {counts.skipped}，死信 dead {counts.dead}，"
            f"稍后 later {counts.later}，请求 sent {counts.sent}")  # fmt: skip
    if counts.dead:
        raise typer.Exit(1)


@said
def reconcile(platform: Slug, json: Json = False) -> None:
    """把平台上的与台账对一遍账 / compare what a platform holds with the ledger."""
    platform_in(configuration_of(os.environ), platform)
    found = reconcile_platform(running({platform}), platform)
    if json:
        emit(found)
    else:
        say(f"读 read {found.read}，按编号问 asked {found.asked}，补上 healed {found.healed}，死信 dead {found.dead}，"
            f"阶段不一致 differing {found.differing}，已不存在 gone {len(found.gone)}"
            + (f"；{found.left} 件下次再问 / left for the next time" if found.left else ""))  # fmt: skip
        if found.unasked:
            warn(f"未能按编号询问 / could not be asked by number: {found.unasked}")
        table(("编号 number", "呼叫 call"), [(one.native_id, one.call_id) for one in found.gone], "")
    if found.gone or found.dead:
        raise typer.Exit(1)


@routes.command("explain")
@said
def explain(
    call: Annotated[str, typer.Argument(help="呼叫编号或任一平台的编号 / call id or any platform's number")],
    json: Json = False,
) -> None:
    """一件呼叫谁收到、谁收不到，各为什么 / who gets a call and who does not, and why."""
    bridge = reading()
    names = read(divisions_of(folders_of(os.environ)[0])).names
    with bridge.ledger.begin() as tx:
        found = [explained(tx, bridge, key, names) for key in keys_of(tx, call)]
    if not found:
        raise NotPossible(f"没有这件呼叫 / no such call: {call}（huying calls 可列出全部 / lists all）")
    if json:
        emit({one.call_id: {"title": one.title, "origin": one.origin, "platforms": one.platforms, "routes": one.routes}
              for one in found})  # fmt: skip
        return
    for one in found:
        say(f"{one.call_id}  {one.title}（来源 origin: {one.origin}）")
        table(
            ("平台 platform", "名称 title", "收到 gets it", "编号 number", "原因 why"),
            [(p.platform, p.title, p.gets, p.number, p.why) for p in one.platforms],
        )  # fmt: skip
        say("")
        table(("路由 route", "到 to", "送 goes", "原因 why"), [(d.route, d.to, d.goes, d.reason) for d in one.routes],
              "没有路由 / no routes")  # fmt: skip

"""`huying status`, `calls`, `show`: how platforms are doing and where calls stand. Nothing here changes anything."""

from __future__ import annotations

from typing import Annotated

import typer

from bridge.commands.console import Json, emit, reading, said, say, table, warn
from bridge.dead import NotPossible
from bridge.overview import STAGES, CallLine, CallView, OnPlatform, keys_of, lines, statuses, view
from schemas.lifecycle import Stage


@said
def status(json: Json = False) -> None:
    """各平台：多久前读过、收、发、待发、死信、故障 / per platform: freshness, in, out, waiting, dead, trouble."""
    bridge = reading()
    with bridge.ledger.begin() as tx:
        found = statuses(tx, bridge)
    if json:
        emit({"platforms": found, "trouble": bridge.trouble})
        return
    table(
        ("平台 platform", "名称 title", "上次读取 read", "收 in", "发 out", "待发 waiting", "死信 dead",
         "故障 trouble"),
        [(p.slug, p.title, _ago(p.stale_seconds), p.came_in, p.went_out, p.waiting, p.dead,
          f"{p.trouble}{f'（{p.blocked_until:%H:%M:%S} 再试 / again）' if p.blocked_until else ''}") for p in found],
        "没有可用的平台，运行 huying check / no platform can be used: huying check",
    )  # fmt: skip
    for where in bridge.trouble:
        warn(f"配置有误 / configuration problem: {where}（huying check）")


def _ago(seconds: int | None) -> str:
    if seconds is None:
        return "从未 never"
    for length, words in ((86_400, "天 d"), (3_600, "小时 h"), (60, "分钟 min")):
        if seconds >= 2 * length:
            return f"{seconds // length} {words}"
    return f"{seconds} 秒 s"


@said
def calls(json: Json = False) -> None:
    """全部呼叫及其在各平台的编号与阶段 / all calls with their number and stage on each platform."""
    bridge = reading()
    with bridge.ledger.begin() as tx:
        found = lines(tx, bridge)
    if json:
        emit(found)
        return
    table(
        ("呼叫 call", "来源 origin", "标题 title", "阶段 stage", "各平台 on platforms", "差异 difference"),
        [(c.call_id[:8], c.origin, c.title, _stage(c), "\n".join(_on(p) for p in c.platforms),
          "\n".join(p.difference for p in c.platforms if p.difference)) for c in found],
        "还没有呼叫 / no calls yet",
    )  # fmt: skip


def stage_words(stage: str | None) -> str:
    """The stage in Chinese beside its name: 已派发 DISPATCHED."""
    return f"{STAGES[Stage(stage)]} {stage}" if stage else "—"


def _stage(call: CallLine) -> str:
    return stage_words(call.stage) + ("（挂账 suspended）" if call.suspended else "")


def _on(one: OnPlatform) -> str:
    return f"{one.platform} {one.native_id}: {one.status} {STAGES[Stage(one.shown)] if one.shown else ''}".rstrip()


@said
def show(
    call: Annotated[str, typer.Argument(help="呼叫编号（前 8 位即可）或任一平台的编号 / call id or any number of it")],
    json: Json = False,
) -> None:
    """一件呼叫在所有平台上的情况与全过程 / one call on all platforms, with its timeline."""
    bridge = reading()
    with bridge.ledger.begin() as tx:
        keys = keys_of(tx, call)
        views = [view(tx, bridge, key) for key in keys]
    if not views:
        raise NotPossible(f"没有这件呼叫 / no such call: {call}（huying calls 可列出全部 / lists all）")
    if json:
        emit(views[0] if len(views) == 1 else views)
        return
    if len(views) > 1:
        say(f"{len(views)} 件呼叫有这个编号 / calls carry that number")
    for one in views:
        _print(one)


def _print(one: CallView) -> None:
    say(f"{one.call.call_id}  {one.call.title}")
    say(f"阶段 stage: {_stage(one.call)}   来源 origin: {one.call.origin}")
    for label, words in one.facts.items():
        say(f"{label}: {words}")
    say("")
    table(
        ("平台 platform", "编号 number", "", "状态 status", "所示阶段 shows", "差异 difference"),
        [(p.platform, p.native_id, "来源 origin" if p.role == "origin" else "送达 copy", p.status, stage_words(p.shown),
          p.difference) for p in one.call.platforms],
    )  # fmt: skip
    for platform, kind, value in one.numbers:
        say(f"编号 {kind} ({platform}): {value}")
    say("")
    table(
        ("时间 time", "平台 platform", "动作 action", "经办 actor", "单位 department", "意见 opinion", "阶段 stage",
         "采用 applied"),
        [(f"{t.at:%Y-%m-%d %H:%M:%S}", t.platform, f"{t.action_zh} {t.action}", t.actor, t.department, t.opinion,
          stage_words(t.stage), "✓" if t.applied else f"✗ {t.anomaly}") for t in one.timeline],
    )  # fmt: skip
    for file in one.files:
        size = f"，{file.size} 字节 bytes" if file.size is not None else ""
        there = "；".join(f"{platform}: {words}" for platform, words in file.elsewhere)
        say(f"附件 file ({file.platform}): {file.name}{size}{' → ' if there else ''}{there}")
    for at, platform, words in one.notes:
        say(f"备注 note {at:%Y-%m-%d %H:%M:%S} ({platform}): {words}")
    for platform, what, reason in one.waiting:
        say(f"未发出 waiting: {platform} {what} {reason}".rstrip())
    say("")

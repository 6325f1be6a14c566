"""`huying dead list|show|retry|drop`: what a person must look at."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from bridge import dead as mending
from bridge.commands.console import Json, emit, reading, said, say, table
from bridge.dead import NotPossible
from bridge.overview import Letter, letters, raw_of

app = typer.Typer(no_args_is_help=True, help="死信：需要人处理的记录 / dead letters: what a person must look at")
Id = Annotated[int, typer.Argument(help="死信编号 / number of the letter")]


@app.command("list")
@said
def list_letters(
    every: Annotated[bool, typer.Option("--all", help="包括已处理的 / the closed ones too")] = False, json: Json = False
) -> None:
    """列出死信 / list them."""
    bridge = reading()
    with bridge.ledger.begin() as tx:
        found = letters(tx, every=every)
    if json:
        emit(found)
        return
    table(
        ("编号 id", "平台 platform", "方向", "记录 record", "原因 what", "改哪里 key", "怎么办 remedy", "状态 state"),
        [(d.id, d.platform, "收 in" if d.direction == "in" else "发 out", d.native_id or d.call_id[:8], d.what, d.key,
          d.remedy, f"{d.state} {d.why}".strip()) for d in found],
        "没有死信 / no dead letters",
    )  # fmt: skip


@app.command("show")
@said
def show_letter(
    letter: Id,
    raw: Annotated[Path | None, typer.Option(help="把原始字节写入此文件 / write the raw bytes to this file")] = None,
    json: Json = False,
) -> None:
    """一封死信的原因、要改的键、处理办法、原始字节 / what, which key, what to do, and where the bytes are."""
    bridge = reading()
    with bridge.ledger.begin() as tx:
        found = letters(tx, only=letter)
        if not found:
            raise NotPossible(f"没有编号为 {letter} 的死信 / no dead letter {letter}")
        one = found[0]
        content = raw_of(tx, one.raw_id) if raw is not None and one.raw_id is not None else None
    if raw is not None:
        if content is None:
            raise NotPossible("这封死信没有原始字节（是发出的） / this letter has no raw bytes: it is an outbound one")
        _write_private(raw, content)
    if json:
        emit(one)
    else:
        _print(one, raw)


def _print(one: Letter, raw: Path | None) -> None:
    direction = "收 in" if one.direction == "in" else "发 out"
    for label, words in (
        ("编号 id", one.id), ("平台 platform", one.platform), ("方向 direction", direction),
        ("记录 record", one.native_id), ("呼叫 call", one.call_id), ("原因 what", one.what), ("改哪里 key", one.key),
        ("怎么办 remedy", one.remedy), ("状态 state", one.state), ("时间 opened", one.opened_at),
        ("处理时间 closed", one.closed_at), ("说明 why", one.why),
    ):  # fmt: skip
        if words not in ("", None):
            say(f"{label}: {words}")
    if one.raw_id is not None:
        say(f"原始字节 raw bytes: raw_records {one.raw_id}, {one.raw_size} bytes, sha256 {one.raw_sha256}")
        say(f"已写入 written to: {raw}" if raw else f"取出 to have them: huying dead show {one.id} --raw 文件")


def _write_private(path: Path, content: bytes) -> None:
    """A record may hold personal data: for its owner's eyes only, and never over something else."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise NotPossible(f"无法写入 / cannot be written: {path} ({error.strerror})") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


@app.command("retry")
@said
def retry_letter(letter: Id, json: Json = False) -> None:
    """改好之后再试 / try again after mending."""
    words = mending.retry(reading(), letter)
    if json:
        emit({"id": letter, "result": words})
    else:
        say(words)


@app.command("drop")
@said
def drop_letter(
    letter: Id,
    why: Annotated[str, typer.Option(help="放弃的原因，会保存 / why it is given up; kept")] = "",
    json: Json = False,
) -> None:
    """放弃，并保存原因 / give it up, keeping the reason."""
    if not why.strip() and sys.stdin.isatty():
        why = typer.prompt("放弃的原因 / why")
    if not why.strip():
        raise typer.BadParameter("请用 --why 说明原因 / say why with --why")
    words = mending.drop(reading(), letter, why)
    if json:
        emit({"id": letter, "result": words})
    else:
        say(words)

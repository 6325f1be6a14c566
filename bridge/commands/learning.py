"""`huying map learn`: what a platform's live records show and its mapping does not cover."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from bridge.assembly import adapter_of, configuration_of, state_folder
from bridge.commands.console import Json, emit, platform_in, said, say, table, warn
from bridge.drift import Change, changes, grown, load, profile_file
from bridge.mapping.files import LoadedMapping
from bridge.mapping.learning import Kind, Lesson, learn, leave_aside
from bridge.sampling import sample
from schemas.moment import SHANGHAI

HEADINGS: dict[Kind, str] = {
    "unmapped": "没有规则的字段，原样保存、无人使用 / fields without a rule: kept, used by nobody",
    "code": "映射未列出的代码 / codes that the mapping does not list",
    "type": "值的形式与规则不符 / values of another form than their rule reads",
    "unseen": "映射要读、记录中从未出现的字段 / fields that the mapping reads and no record has",
}
GUESSES: dict[Kind, str] = {
    "unmapped": "像是 looks like", "code": "相近 nearest", "type": "应为 ≠ 实为 expected ≠ found", "unseen": "相近 nearest",
}  # fmt: skip


@said
def learn_mapping(
    platform: Annotated[str, typer.Argument(help="平台短名 / slug")],
    records: Annotated[int, typer.Option(min=1, help="最多读多少条 / how many records at most")] = 300,
    json: Json = False,
) -> None:
    """读一批真实记录，报告映射没有覆盖的 / read live records and report what the mapping does not cover."""
    configuration = configuration_of(os.environ)
    one = configuration.platforms[platform_in(configuration, platform)]
    loaded = configuration.mappings[one.mapping]
    taken = sample(adapter_of(one, os.environ, lambda: datetime.now(UTC))(), None, records)
    lessons = learn(loaded.mapping, taken.bodies)
    since = _changes(platform, loaded, taken.bodies)
    aside = leave_aside(loaded.mapping, lessons)
    if json:
        emit({"platform": platform, "mapping": one.mapping, "records": len(taken.bodies), "damaged": taken.damaged,
              "whole": taken.whole, "findings": lessons, "leave_aside": aside, "changes": since})  # fmt: skip
    else:
        for kind in HEADINGS:
            _print(kind, [lesson for lesson in lessons if lesson.kind == kind])
            if kind == "unmapped" and aside:
                say(f"有意不读的，写成一行 / to leave them aside on purpose: {aside}\n")
        for change in since:
            say(f"与以前不同 / otherwise than before: {change}")
        more = "" if taken.whole else "，还有更多 / more are there: --records"
        say(f"{'✗' if lessons else '✓'} {len(lessons)} 处未覆盖 / not covered；{platform} {len(taken.bodies)} 条记录 / records，"
            f"损坏 damaged {taken.damaged}{more}")  # fmt: skip
        if lessons:
            say(f"写入映射或它的覆盖文件（extends）/ write it in the mapping or an overlay of it: {loaded.files[0]}")
    if not taken.bodies:
        warn("没有读到记录，无从比较 / no records were read: nothing can be said")
    if lessons or since or not taken.bodies:
        raise typer.Exit(1)


def _changes(slug: str, loaded: LoadedMapping, bodies: Sequence[Mapping[str, Any]]) -> list[Change]:
    """What these records show otherwise than the platform did at the daily looks; the profile stays as it is."""
    before, today = load(profile_file(state_folder(os.environ), slug)), datetime.now(SHANGHAI).date()
    if before is None:
        return []
    return list(changes(grown(before, loaded.mapping, loaded.version, bodies, today), loaded.mapping, today))


def _print(kind: Kind, lessons: list[Lesson]) -> None:
    if not lessons:
        return
    say(HEADINGS[kind])
    table(
        ("平台字段 wire", "次数 count", GUESSES[kind], "代码 codes", "写上 YAML"),
        [(one.path, f"{one.count}/{one.of}", one.guess, ", ".join(f"{code} × {n}" for code, n in one.codes.items()), one.yaml)
         for one in lessons],
    )  # fmt: skip
    say("")

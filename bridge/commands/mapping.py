"""`huying map check|try|show`: what a mapping says, whether it holds, what it makes of a sample."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bridge.assembly import folders_of
from bridge.catalogues import Catalogues, read
from bridge.commands.console import Json, as_data, emit, known, said, say, shown, table
from bridge.configuration import SHIPPED_MAPPINGS
from bridge.documents import Problem, Problems
from bridge.mapping.files import LoadedMapping, load_mapping, names_in
from bridge.mapping.proving import prove
from bridge.mapping.samples import records_in
from bridge.mapping.tracing import TraceRow, show, trace
from bridge.redaction import redact

app = typer.Typer(no_args_is_help=True, help="映射：平台的词各是什么意思 / mappings: what a platform's words mean")


def folders() -> tuple[Path, ...]:
    """The environment's folder of mappings, then the one that comes with the product."""
    own = folders_of(os.environ)[1]
    return (own,) if own.resolve() == SHIPPED_MAPPINGS else (own, SHIPPED_MAPPINGS)


def catalogues() -> Catalogues:
    """The environment's catalogues, then those that come with the product."""
    return read((folders_of(os.environ)[0] / "catalogues",))


@app.command("check")
@said
def check_mappings(
    name: Annotated[str | None, typer.Argument(help="映射名，不填则全部 / name; all if left out")] = None,
    json: Json = False,
) -> None:
    """检查映射，一次列出所有问题 / check mappings, every problem at once."""
    there = names_in(folders())
    names = there if name is None else [known(name, there, "这个映射")]
    listed = catalogues()
    found: list[Problem] = []
    unproved: list[str] = []
    for one in names:
        try:
            unproved += [f"{one}: {words}" for words in prove(load_mapping(one, folders(), listed).translator)]
        except Problems as error:
            found += error.problems
    problems = sorted(set(found))
    if json:
        emit({"ok": not (problems or unproved), "mappings": names,
              "problems": [as_data(problem) for problem in problems], "not_proved": unproved})  # fmt: skip
    else:
        for problem in problems:
            say(shown(problem))
        for words in unproved:
            say(f"往返不一致 / does not come back the same: {words}")
        mark = "✗" if problems or unproved else "✓"
        say(f"{mark} {len(problems) + len(unproved)} 个问题 / problems；"
            f"{len(names)} 个映射 / mappings: {', '.join(names)}")  # fmt: skip
    if problems or unproved:
        raise typer.Exit(1)


@app.command("try")
@said
def try_mapping(
    name: Annotated[str, typer.Argument(help="映射名 / name of the mapping")],
    sample: Annotated[Path, typer.Argument(help="样例文件：JSON 或 XML / a sample: JSON or XML")],
    json: Json = False,
) -> None:
    """把映射用在样例上，逐字段说明 / run a mapping on a sample and explain it field by field."""
    loaded = _loaded(name)
    try:
        records = records_in(sample.read_bytes(), loaded.mapping)
    except OSError as error:
        raise typer.BadParameter(f"无法读取样例 / cannot be read: {sample} ({error.strerror})") from None
    except ValueError as error:
        raise typer.BadParameter(f"{sample}: {error}") from None
    listed = catalogues()
    traces = [
        [_redacted(row) for row in trace(loaded.translator, name, one, loaded.document, listed)] for one in records
    ]
    if json:
        emit(traces)
    else:
        for rows in traces:
            table(
                ("", "平台字段 wire", "平台的值 found", "规范字段 field", "规范的值 value", "说明 note", "行 line"),
                [(r.section, r.wire, r.found, r.field, r.value, r.note, r.line or "") for r in rows],
                styles=[_style(row) for row in rows],
            )  # fmt: skip
            say("")
    if any(row.section == "wrong" for rows in traces for row in rows):
        raise typer.Exit(1)


def _redacted(row: TraceRow) -> TraceRow:
    """Phones and identity numbers stand in free texts too."""
    return replace(row, found=redact(row.found), value=redact(row.value), note=redact(row.note))


def _style(row: TraceRow) -> str:
    return {"wrong": "red", "unmapped": "yellow", "stage": "bold green"}.get(row.section, "yellow" if row.note else "")


@app.command("show")
@said
def show_mapping(
    name: Annotated[str, typer.Argument(help="映射名 / name of the mapping")], json: Json = False
) -> None:
    """说明一个映射，各自出自哪个文件哪一行 / what a mapping says, and which file and line says it."""
    loaded = _loaded(name)
    rows = show(loaded.document, loaded.mapping)
    if json:
        emit(rows)
        return
    say(f"{loaded.mapping.title} — {' → '.join(str(file) for file in loaded.files)}")
    for section in dict.fromkeys(row.section for row in rows):
        say(f"\n[{section}]")
        table(
            ("平台 wire", "含义 meaning", "方式 how", "出处 where"),
            [(r.wire, r.meaning, r.how, f"{Path(r.file).name}:{r.line}") for r in rows if r.section == section],
        )  # fmt: skip


def _loaded(name: str) -> LoadedMapping:
    return load_mapping(known(name, names_in(folders()), "这个映射"), folders(), catalogues())

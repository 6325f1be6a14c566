"""How the command line speaks: Chinese first, JSON on request, errors in words, exit codes 0 fine, 1 problems, 2 usage.

This module must not know what a command does.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import timedelta
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapters.errors import WireError
from bridge.assembly import assemble, ledger_file
from bridge.bridged import Bridge
from bridge.configuration import Configuration
from bridge.dead import NotPossible
from bridge.documents import Problem, Problems, nearest
from bridge.ledger.ledger import LedgerError
from bridge.redaction import redact
from schemas.county import written

P = ParamSpec("P")
R = TypeVar("R")
PLAIN_WIDTH = 240  # columns where no terminal says otherwise: a line a row for grep
FEW = 12  # names that a message lists whole
WAIT_SECONDS = 5.0  # for a ledger that another process holds; people do not wait half a minute

Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出 / print JSON")]


def said(command: Callable[P, R]) -> Callable[P, R]:
    """A command whose known errors are told in words, with exit code 1, never as a traceback."""

    @functools.wraps(command)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except Problems as error:
            _failed([shown(problem) for problem in error.problems], as_json=bool(kwargs.get("json")))
        except (WireError, LedgerError, NotPossible) as error:
            _failed([redact(str(error))], as_json=bool(kwargs.get("json")))
        except BrokenPipeError:
            raise  # `| head` has read enough: typer ends quietly
        except OSError as error:
            _failed([f"无法读写 / cannot be read or written: {error.filename or ''} ({error.strerror})"],
                    as_json=bool(kwargs.get("json")))  # fmt: skip
        raise typer.Exit(1)

    return told


def _failed(words: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        emit({"error": "\n".join(words)})
    for line in words:
        warn(line)


def emit(data: Any) -> None:
    """JSON on standard output."""
    text = orjson.dumps(data, default=_plain, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()
    _out().print(text, markup=False, highlight=False, soft_wrap=True)


def say(words: str) -> None:
    """A line on standard output, never broken by us."""
    _out().print(words, markup=False, highlight=False, soft_wrap=True)


def warn(words: str) -> None:
    """A line on standard error."""
    Console(file=sys.stderr).print(words, markup=False, highlight=False, soft_wrap=True)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str = "没有 / none", styles: Sequence[str] = ()
) -> None:
    """Rows under headings, or the words for none. styles: rich's, one a row."""
    # Text, not str: a value with square brackets is no markup.
    shown_rows = [[Text(_cell(cell)) for cell in row] for row in rows]
    if not shown_rows:
        say(empty)
        return
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(Text(column), overflow="fold")
    for row, style in zip_longest(shown_rows, styles, fillvalue=""):
        drawn.add_row(*row, style=str(style))
    _out().print(drawn, markup=False, highlight=False)


def shown(problem: Problem) -> str:
    """A problem as one line, its file relative to where the command runs if it lies below."""
    path, here = Path(problem.file), Path.cwd()
    line = str(problem)
    return line.replace(problem.file, str(path.relative_to(here)), 1) if path.is_relative_to(here) else line


def as_data(problem: Problem) -> dict[str, Any]:
    return asdict(problem)


def reading(only: set[str] | None = None) -> Bridge:
    """The bridge over a ledger that exists. LedgerError in words if there is none yet: looking must not make one."""
    file = ledger_file(os.environ)
    if file is not None and not file.exists():
        raise LedgerError(
            f"还没有台账 / there is no ledger yet: {file} → 先运行一次 huying poll，或启动 Airflow，"
            "或检查 HUYING_LEDGER / poll a platform once, start Airflow, or check HUYING_LEDGER"
        )
    return running(only)


def running(only: set[str] | None = None) -> Bridge:
    """The bridge, its ledger made if need be."""
    return assemble(os.environ, only=only, wait_seconds=WAIT_SECONDS)


def platform_in(configuration: Configuration, slug: str) -> str:
    """The slug, if that platform runs. Problems of the files if it may be one that they left out; else as `known`."""
    if slug not in configuration.platforms and (problems := configuration.all_problems()):
        warn(f"没有运行平台 {slug}：没有配置，或因下列问题停用 / {slug} does not run: it is not configured, or left out for these problems")
        raise Problems(problems)
    return known(slug, configuration.platforms, "这个平台")


def known(word: str, names: Iterable[str], what: str) -> str:
    """The word, if it is one of the names; a usage error (exit code 2) with all of them, or the nearest of many, if not."""
    names = sorted(names)
    if word not in names:
        near = (", ".join(names) if len(names) <= FEW else nearest(word, names)) or "—"
        raise typer.BadParameter(f"没有{what} / unknown: {word}；可用 / known: {near}")
    return word


def _out() -> Console:
    """Made anew each time: tests and pipes exchange standard output."""
    terminal = sys.stdout.isatty()
    return Console(file=sys.stdout, width=None if terminal else PLAIN_WIDTH)


def _cell(value: object) -> str:
    return "" if value is None else ("是 yes" if value else "否 no") if isinstance(value, bool) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return written(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)

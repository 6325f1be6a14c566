"""The `huying` command. What each command does is in `bridge.commands`; here they are put together.

Exit codes: 0 fine, 1 problems found, 2 wrong usage.
"""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import Annotated

import typer

from bridge import redaction
from bridge.commands import configuration, dead, learning, mapping, new, running, watching

app = typer.Typer(
    name="huying", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="呼应 huying：在各县区已有的平台之间传送呼叫 / carries calls between the platforms that counties already run",
)  # fmt: skip

for command in (
    configuration.check, configuration.probe, configuration.platforms, watching.status, watching.calls, watching.show,
    running.poll, running.push, running.reconcile, configuration.schemas,
):  # fmt: skip
    app.command()(command)
mapping.app.command("learn")(learning.learn_mapping)
app.add_typer(dead.app, name="dead")
app.add_typer(mapping.app, name="map")
app.add_typer(new.app, name="new")
app.add_typer(running.routes, name="route")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"huying {version('huying')}")
        raise typer.Exit


@app.callback()
def main(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="版本 / version")
    ] = False,
) -> None:
    redaction.install()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")


if __name__ == "__main__":
    app()

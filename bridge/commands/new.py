"""`huying new adapter`, `new platform`: the files that a new platform begins with."""

from __future__ import annotations

from typing import Annotated

import typer

from bridge.commands.console import Json, emit, said, say
from bridge.configuration import CHECKOUT
from bridge.scaffolding import adapter as adapters
from bridge.scaffolding.drafts import place

app = typer.Typer(no_args_is_help=True, help="接入新平台：先写好要填的文件 / new platforms: the files to begin with")


@app.command("adapter")
@said
def new_adapter(
    slug: Annotated[str, typer.Argument(help="短名，小写英文 / slug: small letters, digits, _")],
    title: Annotated[str, typer.Option(help="平台名称 / what officials call the platform")] = "",
    json: Json = False,
) -> None:
    """用 Python 写的新接口：目录、登记、契约测试 / a new adapter in Python: folder, registry, contract tests."""
    written = place(adapters.drafts(CHECKOUT, slug, title or slug))
    if json:
        emit([str(path) for path in written])
        return
    for path in written:
        say(str(path.relative_to(CHECKOUT)))
    say(f"接下来 / next: (1) 接口文档放到 docs/contracts/{slug}/，写 docs/platforms/{slug}.md "
        f"/ put the interface document there, write that page; (2) 照文档写 sandbox/{slug}/，不看适配器 "
        f"/ write the stand-in from the document, without looking at the adapter; (3) 编写 tests/contract/{slug}_stand.py "
        f"与 adapters/{slug}/ / write these two; (4) pytest tests/contract -k {slug} "
        f"直到全部通过 / until all rules hold")  # fmt: skip

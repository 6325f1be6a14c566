"""`huying new adapter`, `new platform`: the files that a new platform begins with."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
import yaml
from pydantic import TypeAdapter, ValidationError

from adapters.port import Surroundings
from bridge.assembly import configuration_of, folders_of
from bridge.commands.console import Json, as_data, emit, said, say, shown
from bridge.configuration import CHECKOUT, divisions_of
from bridge.connections import connection as connection_of
from bridge.divisions import Divisions, read
from bridge.documents import Problems
from bridge.redaction import redact, register
from bridge.scaffolding import adapter as adapters
from bridge.scaffolding.drafts import place
from bridge.scaffolding.drawing import Named
from bridge.scaffolding.platform import Places, Proposal, in_the_way, propose
from schemas.county import CountyCode, Slug
from schemas.county import Name as ConnectionId

TOKENS = ("data.token", "token", "data.access_token", "access_token", "data.accessToken", "accessToken", "data")
"""Where the tokens of common platforms stand."""

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


@app.command("platform")
@said
def new_platform(
    context: typer.Context,
    county: Annotated[str, typer.Option(prompt="县区代码（6 位） / county, 6 digits", help="县区代码 / county code")],
    slug: Annotated[str, typer.Option(prompt="短名（小写英文，启用后不改） / slug", help="短名，也是映射名 / the mapping's name too")],
    title: Annotated[str, typer.Option(prompt="平台名称 / title", help="平台名称 / what officials call it")],
    connection: Annotated[str, typer.Option(prompt="连接编号（地址与账号已写在其中） / connection id", help="连接编号 / connection id")],
    list_path: Annotated[str, typer.Option("--list", prompt="列表地址，如 /api/orders / path of the list", help="列表地址 / its path")],
    auth: Annotated[str, typer.Option(
        prompt="认证 / authentication: none, basic, header:请求头, bearer:令牌地址, oauth2:令牌地址",
        help="none, basic, header:NAME, bearer:PATH, oauth2:PATH，或 docs/rest.md 里 auth 的一行 YAML / or a line of YAML")] = "basic",
    method: Annotated[str, typer.Option(help="列表用 GET 还是 POST / of the list")] = "GET",
    send: Annotated[str, typer.Option(help="列表的参数放在 query、json 还是 form / where parameters go")] = "query",
    parameter: Annotated[list[str] | None, typer.Option(help="列表的固定参数 名=值，可多次 / fixed parameters, name=value")] = None,
    paging: Annotated[str, typer.Option(
        help="翻页：种类,位置参数,条数参数，如 offset,from,count；不写则试出来 / kind,where,how-many; tried out if left out")] = "",
    since: Annotated[str, typer.Option(help="按变更时间过滤的参数名 / the parameter for the time of change")] = "",
    detail: Annotated[str, typer.Option(help="详情地址，用 {id}，可带 ?id={id} / path of one record, with {id}")] = "",
    field: Annotated[list[str] | None, typer.Option(help="指出字段 用途=字段，如 status=step，可多次 / name a field, role=path")] = None,
    items: Annotated[str, typer.Option(help="列表在答复的哪里，如 data.rows；不写则自己找 / where the list stands")] = "",
    show: Annotated[bool, typer.Option("--show", help="只显示，不写文件 / show only, write nothing")] = False,
    json: Json = False,
) -> None:  # fmt: skip
    """用配置接入 REST 平台：试连、辨认、写县区文件和映射 / a REST platform by configuration: probe, recognise, write both files."""
    if _asked(context, "list_path"):
        paging = paging or _more("翻页的参数，如 offset,from,count（不知道就回车，试出来） / pages: kind,where,how-many")
        since = since or _more("按变更时间过滤的参数名（没有就回车） / the parameter for the time of change")
        detail = detail or _more("详情地址，用 {id}（没有就回车） / path of one record, with {id}")
    config, mappings = folders_of(os.environ)
    configuration = configuration_of(os.environ)
    named = Named(_form(CountyCode, "--county", county), _county_name(read(divisions_of(config)), county), _form(Slug, "--slug", slug),
                  title.strip(), _form(ConnectionId, "--connection", connection))  # fmt: skip
    places = Places(config, mappings, configuration)
    if taken := in_the_way(named, places):
        raise Problems(taken)
    path, told_there = _address("--list", list_path)
    request: dict[str, Any] = {"path": path, "parameters": {**told_there, **dict(_pairs("--parameter", parameter))}}
    request |= {"method": method.upper()} if method.upper() != "GET" else {}
    request |= {"send": send} if send != "query" else {}
    asked: dict[str, Any] = {"auth": _auth(auth), "list": {"request": request}}
    if paging:
        asked["list"]["paging"], more = _paging(paging)
        request["parameters"] |= more
    if since:
        request["parameters"][since] = "{since}"
    if items:
        asked["list"]["items"] = items
    if detail:
        path, told_there = _address("--detail", detail)
        asked["detail"] = {"request": {"path": path, **({"parameters": told_there} if told_there else {})}}
    told = dict(_pairs("--field", field))
    asked["record"] = {role: told.pop(role) for role in ("id", "changed") if role in told}
    known = connection_of(connection, os.environ)
    register(known.password)
    with TemporaryDirectory() as state:
        around = Surroundings(lambda: datetime.now(UTC), os.urandom, time.sleep, Path(state))
        proposal = propose(named, asked, told, places, known, around)
    written = () if show else place(proposal.drafts)
    _told(named, proposal, written, as_json=json)


def _told(named: Named, proposal: Proposal, written: Sequence[Path], *, as_json: bool) -> None:
    if as_json:
        emit({"written": [str(path) for path in written], "drafts": {str(one.path): one.text for one in proposal.drafts},
              "file": proposal.file, "lines": proposal.lines, "notes": proposal.notes, "confirm": proposal.confirm,
              "left": [as_data(problem) for problem in proposal.left]})  # fmt: skip
        return
    for note in proposal.notes:
        say(redact(note))
    for path in written:
        say(f"已写 / written: {path}")
    if not written:
        for draft in proposal.drafts:
            say(f"\n==> {draft.path}\n{draft.text}")
    if proposal.file:
        say(f"\n把下面几行加到 {proposal.file} 的 platforms: 之下 / add these lines there, under platforms:\n\n{proposal.lines}")
    for problem in proposal.left:
        say(shown(problem))
    say(f"还有 {proposal.confirm} 行标着“待确认” / lines marked to confirm；然后 / then: huying check，"
        f"huying probe {named.slug}，huying map show {named.slug}（docs/onboarding.md）")  # fmt: skip


def _asked(context: typer.Context, name: str) -> bool:
    """Did a person answer for this one, rather than a flag?"""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "PROMPT"


def _more(question: str) -> str:
    return str(typer.prompt(question, default="", show_default=False)).strip()


def _form(kind: Any, option: str, value: str) -> str:
    try:
        return str(TypeAdapter(kind).validate_python(value))
    except ValidationError as error:
        raise typer.BadParameter(f"{value!r}: {error.errors()[0]['msg']}", param_hint=option) from None


def _county_name(divisions: Divisions, code: str) -> str:
    name = divisions.names.get(code)
    if name is None or len(code) != 6:
        raise typer.BadParameter(f"{code!r}: 行政区划代码表中没有 / not among the divisions", param_hint="--county")
    return name


def _pairs(option: str, texts: Sequence[str] | None) -> list[tuple[str, str]]:
    found = [text.partition("=") for text in texts or ()]
    for name, sign, value in found:
        if not (name and sign and value):
            raise typer.BadParameter(f"{name}{sign}{value}: 应写作 名=值 / name=value", param_hint=option)
    return [(name, value) for name, _, value in found]


def _address(option: str, text: str) -> tuple[str, dict[str, str]]:
    """A path, and the parameters that a person wrote behind it."""
    path, _, more = text.partition("?")
    return path, dict(_pairs(option, more.split("&") if more else []))


def _paging(text: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The kind of pages, and the parameters that carry it."""
    kind, *names = text.split(",")
    if all(names) and (kind, len(names)) in (("page", 2), ("offset", 2), ("cursor", 2), ("cursor", 3)):
        following = {"next": names[2]} if len(names) == 3 else {}
        return {"kind": kind, **following}, {names[0]: f"{{{kind}}}", names[1]: "{size}"}
    if kind in ("none", "link") and not names:
        return {"kind": kind}, {}
    raise typer.BadParameter(f"{text!r}：应写作 / one of: page,位置,条数 · offset,位置,条数 · cursor,位置,条数[,下一个] · link · none",
                             param_hint="--paging")  # fmt: skip


def _auth(text: str) -> dict[str, Any]:
    """A word, a word with the header or path that it needs, or the whole as one line of YAML."""
    if text.startswith("{"):
        try:
            found = yaml.safe_load(text)
        except yaml.YAMLError:
            found = None
        if isinstance(found, dict):
            return found
    kind, _, value = text.partition(":")
    match kind, bool(value):
        case ("none" | "basic"), False:
            return {"kind": kind}
        case "header", True:
            return {"kind": kind, "name": value}
        case "oauth2", True:
            return {"kind": kind, "path": value}
        case "bearer", True:
            login = {"username": "{login}", "password": "{password}"}
            return {"kind": kind, "request": {"method": "POST", "path": value, "send": "json", "parameters": login},
                    "token": list(TOKENS)}  # fmt: skip
    raise typer.BadParameter(
        f"{text!r}：应写作 / one of: none · basic · header:X-Api-Key · bearer:/login · oauth2:/oauth2/token · {{kind: …}}",
        param_hint="--auth",
    )

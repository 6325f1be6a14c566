"""`huying new platform` against interfaces of several makes: what it recognises, asks for, refuses and never writes."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from adapters.errors import ConfigError
from adapters.registry import recognise_of, settings_of
from bridge.cli import app
from tests.unit.adapters.rest_server import Asked, Said, serving
from tests.unit.cli.ground import ROOT, House, house

PERSONAL = ("李样例", "13900000002", "王守密", "371102199001011234", "张网格")


def rows(count: int) -> list[dict[str, Any]]:
    """Orders as a common platform shows them; people in several places, one named like a code."""
    return [{"orderId": f"DH{n:04d}", "title": "井盖缺失", "content": f"李样例（13900000002）反映第{n}处", "orderType": "02",
             "urgentLevel": str(n % 3), "status": ["待受理", "处理中", "已办结"][n % 3], "townCode": "371102110",
             "gridMember": "张网格", "contact": {"name": "王守密", "phone": "13900000002", "cert": "371102199001011234"},
             "createTime": f"2026-10-26 08:{n:02d}:00", "updateTime": f"2026-10-26 09:{n:02d}:00"}
            for n in range(count)]  # fmt: skip


def basic(one: Asked) -> bool:
    return one.headers.get("authorization") == "Basic " + base64.b64encode(b"huying:s3cret-word").decode()


def paged(one: Asked) -> Said:
    """{code, msg, data: {rows, total}}, page numbers, HTTP Basic."""
    if not basic(one):
        return Said({"code": 401, "msg": "未登录", "data": None}, status=401)
    page, size = int(one.query.get("pageNo", 1)), int(one.query.get("pageSize", 10))
    some = rows(7)[(page - 1) * size : page * size]
    return Said({"code": 0, "msg": "成功", "data": {"rows": some, "total": 7}})


def command(folder: Path, url: str) -> House:
    address = url.replace("//", "//huying:s3cret-word@")
    return house(folder, HUYING_CONFIG=str(folder / "config"), HUYING_MAPPINGS=str(folder / "mappings"),
                 AIRFLOW_CONN_HUYING_ORDERS=address)  # fmt: skip


def asked(*more: str) -> tuple[str, ...]:
    return ("new", "platform", "--county", "371102", "--slug", "orders", "--title", "网格工单", "--connection", "huying_orders",
            "--list", "/api/orders", *more)  # fmt: skip


def settings(folder: Path) -> dict[str, Any]:
    (platform,) = yaml.safe_load((folder / "config/counties/371102.yaml").read_text(encoding="utf-8"))["platforms"]
    settings_of("rest").model_validate(platform["settings"])
    return dict(platform["settings"])


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and "ledger" not in path.parts}


def test_the_common_case(tmp_path: Path) -> None:
    """Envelope, rows, total, page numbers tried out, id, time of change; codes of status, urgency and item, and nothing
    about people; both files fit and the check passes."""
    with serving(tmp_path / "s", paged) as ground:
        one = command(tmp_path, ground.url)
        made = one.huying(*asked("--auth", "basic"))
        assert made.exit_code == 0, made.output
        assert one.data("check")["ok"] and one.huying("map", "check", "orders").exit_code == 0
    said = settings(tmp_path)
    assert said["envelope"] == {"code": "code", "success": 0, "message": "msg", "data": "data"}
    assert said["list"]["items"] == "rows" and said["list"]["paging"] == {"kind": "page", "total": "data.total"}
    assert said["list"]["request"]["parameters"] == {"pageNo": "{page}", "pageSize": "{size}"}
    assert (said["record"]["id"], said["record"]["changed"]) == ("orderId", "updateTime")
    text = (tmp_path / "mappings/orders.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=")
    mapping = yaml.safe_load(text)
    assert mapping["stages"] == {"待受理": "CALLED", "处理中": "IN_PROGRESS", "已办结": "CLOSED"}
    assert set(mapping["tables"]["urgency"]["codes"]) == {"0", "1", "2"} and set(mapping["items"]["codes"]) == {"02"}
    assert mapping["fields"]["caller"]["person"] == {"name": "contact.name", "phone": "contact.phone"}
    assert mapping["time"] == "yyyy-MM-dd HH:mm:ss" and mapping["latest"] == {}
    everything = text + (tmp_path / "config/counties/371102.yaml").read_text(encoding="utf-8") + made.output
    assert not [word for word in (*PERSONAL, "s3cret-word") if word in everything]
    assert "待确认 / confirm" in text


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    """The remedy names the option that a person typed wrong, not the number of a record."""
    with serving(tmp_path / "s", lambda _: Said({}, 404)) as ground:
        made = command(tmp_path, ground.url).huying(*asked("--auth", "none"))
    assert made.exit_code == 1 and "--list" in made.output and "编号" not in made.output
    lists = lambda one: Said({}, 404) if one.path != "/api/orders" else Said(rows(3))  # noqa: E731
    with serving(tmp_path / "t", lists) as ground:
        made = command(tmp_path, ground.url).huying(*asked("--auth", "none", "--detail", "/api/odrers/{id}"))
    assert made.exit_code == 1 and "--detail" in made.output and not files(tmp_path)


def test_a_field_that_no_record_has(tmp_path: Path) -> None:
    """May be right, and is written; it is said. Where no status is left, all fields are listed."""
    with serving(tmp_path / "s", lambda _: Said(rows(3))) as ground:
        made = command(tmp_path, ground.url).huying(*asked("--auth", "none", "--show", "--field", "title=titel"))
        assert made.exit_code == 0 and re.search(r"no record has.*: titel$", made.output, re.MULTILINE), made.output
        made = command(tmp_path, ground.url).huying(*asked("--auth", "none", "--show", "--field", "stats=status"))
        assert made.exit_code == 1 and "status, " in made.output.partition("which field")[2], made.output


@pytest.mark.parametrize("counted", [True, False])
def test_a_platform_that_caps_its_pages(tmp_path: Path, counted: bool) -> None:
    """Three rows a page, whatever is asked for: the size is found, and no row is missed."""

    def capped(one: Asked) -> Said:
        start, count = int(one.query.get("from", 0)), min(int(one.query.get("count", 3)), 3)
        return Said({"list": rows(8)[start : start + count], **({"total": 8} if counted else {})})

    with serving(tmp_path / "s", capped) as ground:
        made = command(tmp_path, ground.url).huying(*asked("--auth", "none", "--paging", "offset,from,count"))
    assert made.exit_code == 0 and "读了 8 条" in made.output, made.output
    assert settings(tmp_path)["page_size"] == 3


@pytest.mark.parametrize(("flag", "read"), [(True, True), (1, False), ("Y", False)])
def test_people_whose_secrecy_is_unclear_are_not_read(tmp_path: Path, flag: Any, read: bool) -> None:
    """A flag that is plainly true or false is used; of a code nobody knows which means secret: the person waits."""

    def told(one: Asked) -> Said:
        return Said([{"id": n, "state": "open", "contactName": "王守密", "secret": flag} for n in range(2)])

    with serving(tmp_path / "s", told) as ground:
        one = command(tmp_path, ground.url)
        made = one.huying(*asked("--auth", "none"))
        assert one.data("check")["ok"]
    assert made.exit_code == 0, made.output
    fields = yaml.safe_load((tmp_path / "mappings/orders.yaml").read_text(encoding="utf-8"))["fields"]
    assert fields.get("caller") == ({"convert": "person", "person": {"name": "contactName", "secret": "secret"}} if read else None)


def test_rows_that_are_parts(tmp_path: Path) -> None:
    """A list that shows parts only: the whole records are read one by one, and so it is written down."""

    def told(one: Asked) -> Said:
        whole = {row["orderId"]: row for row in rows(3)}
        if number := one.path.removeprefix("/api/orders").strip("/"):
            return Said({"code": 0, "msg": "", "data": {"order": whole[number]}})
        return Said({"code": 0, "msg": "", "data": [{"orderId": n, "status": row["status"]} for n, row in whole.items()]})

    with serving(tmp_path / "s", told) as ground:
        made = command(tmp_path, ground.url).huying(*asked("--auth", "none", "--detail", "/api/orders/{id}"))
    assert made.exit_code == 0, made.output
    said = settings(tmp_path)
    assert said["list"]["partial"] is True and said["detail"]["item"] == "order"
    assert "title" in yaml.safe_load((tmp_path / "mappings/orders.yaml").read_text(encoding="utf-8"))["fields"]


def test_a_county_whose_file_is_broken(tmp_path: Path) -> None:
    """Nobody can tell whose file it is: it is mended first, and nothing is written beside it."""
    (tmp_path / "config" / "counties").mkdir(parents=True)
    (tmp_path / "config" / "counties" / "donggang.yaml").write_text("county: [", encoding="utf-8")
    with serving(tmp_path / "s", paged) as ground:
        made = command(tmp_path, ground.url).huying(*asked("--auth", "basic"))
        assert made.exit_code == 1 and "donggang.yaml:" in made.output and ground.asked == []
    assert files(tmp_path) == {"config/counties/donggang.yaml"}


def bare(one: Asked) -> Said:
    """A bare list, pages by Link headers, milliseconds."""
    page = int(one.query.get("p", 1))
    some = [{"id": n, "state": "open", "subject": "道路破损", "lng": 119.2, "lat": 35.4, "modified": 1_790_000_000_000 + n}
            for n in range(4)][(page - 1) * 2 : page * 2]  # fmt: skip
    return Said(some, headers={"Link": '</api/orders?p=2>; rel="next"'} if page == 1 else {})


def cursor(one: Asked) -> Said:
    """`next` in the answer, a key in a header."""
    if one.headers.get("x-api-key") != "s3cret-word":
        return Said({"error": "key"}, status=403)
    first = one.query.get("cursor") is None
    some = [{"id": f"C{n}", "state": "open", "title": "道路破损", "updated_at": f"2026-10-26T09:00:0{n}+08:00"}
            for n in ((0, 1, 2) if first else (3, 4))]  # fmt: skip
    return Said({"items": some, "next_cursor": "c2" if first else None})


def posted(one: Asked) -> Said:
    """A token call; the list by POST with a form; success is a text code."""
    if one.path == "/login":
        fine = one.json == {"username": "huying", "password": "s3cret-word"}
        return Said({"code": "00" if fine else "99", "msg": "", "data": {"token": "t1"}})
    if one.headers.get("authorization") != "Bearer t1":
        return Said({"code": "98", "msg": "令牌", "data": None}, status=401)
    return Said({"code": "00", "msg": "", "data": rows(2) if one.form.get("type") == "call" else []})


@pytest.mark.parametrize(("answer", "auth", "more", "kind", "count", "envelope"), [
    (bare, "none", (), {"kind": "link"}, 4, None),
    (cursor, "header:X-Api-Key", (), {"kind": "cursor", "next": "next_cursor"}, 5, None),
    (cursor, "{kind: header, name: X-Api-Key}", (), {"kind": "cursor", "next": "next_cursor"}, 5, None),
    (cursor, "header:X-Api-Key", ("--paging", "cursor,cursor,limit"), {"kind": "cursor", "next": "next_cursor"}, 5, None),
    (posted, "bearer:/login", ("--method", "post", "--send", "form", "--parameter", "type=call"), {"kind": "none"}, 2,
     {"code": "code", "success": "00", "message": "msg", "data": "data"}),
])  # fmt: skip
def test_other_makes(
    tmp_path: Path, answer: Callable[[Asked], Said], auth: str, more: tuple[str, ...], kind: dict[str, Any], count: int,
    envelope: dict[str, Any] | None,
) -> None:  # fmt: skip
    """Links, cursors, a token call and a list by POST: recognised, all records read, the files pass the check."""
    with serving(tmp_path / "s", answer) as ground:
        (tmp_path / "s").mkdir(exist_ok=True)
        one = command(tmp_path, ground.url)
        made = one.huying(*asked("--auth", auth, *more))
        assert made.exit_code == 0, made.output
        assert f"读了 {count} 条" in made.output
        assert one.data("check")["ok"]
    said = settings(tmp_path)
    assert said["list"]["paging"] == kind and said.get("envelope") == envelope


def test_questions_are_asked(tmp_path: Path) -> None:
    """Without flags it asks, in the order of the interface document."""
    with serving(tmp_path / "s", paged) as ground:
        answers = "\n".join(["371102", "orders", "网格工单", "huying_orders", "/api/orders", "basic", "page,pageNo,pageSize", "", "", ""])
        made = command(tmp_path, ground.url).huying("new", "platform", stdin=answers)
    assert made.exit_code == 0, made.output
    assert settings(tmp_path)["list"]["paging"]["kind"] == "page"
    assert "县区代码" in made.output and "翻页的参数" in made.output
    assert files(tmp_path) == {"config/counties/371102.yaml", "mappings/orders.yaml"}


def test_a_county_that_has_a_file(tmp_path: Path) -> None:
    """Its file is not touched: the lines to add are shown, and fit when they are added."""
    counties = tmp_path / "config" / "counties"
    counties.mkdir(parents=True)
    text = (ROOT / "config/counties/donggang.yaml").read_text(encoding="utf-8").partition("\n# 本平台上的")[0] + "\n"
    (counties / "donggang.yaml").write_text(text, encoding="utf-8")
    with serving(tmp_path / "s", paged) as ground:
        one = command(tmp_path, ground.url)
        made = one.data(*asked("--auth", "basic"))
        assert (counties / "donggang.yaml").read_text(encoding="utf-8") == text
        assert [Path(path).name for path in made["written"]] == ["orders.yaml"] and made["file"].endswith("donggang.yaml")
        (counties / "donggang.yaml").write_text(text + made["lines"], encoding="utf-8")
        assert one.data("check")["platforms"] == ["grid", "orders"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A second time, and for a slug that is taken: told before the platform is asked anything."""
    with serving(tmp_path / "s", paged) as ground:
        one = command(tmp_path, ground.url)
        shown = one.huying(*asked("--auth", "basic", "--show"))
        assert shown.exit_code == 0 and files(tmp_path) == set() and "mapping: orders" in shown.output
        assert one.huying(*asked("--auth", "basic")).exit_code == 0
        before, count = {path: (tmp_path / path).read_bytes() for path in files(tmp_path)}, len(ground.asked)
        again = one.huying(*asked("--auth", "basic"))
        assert again.exit_code == 1 and "已有平台" in again.output and "已有映射" in again.output
        assert {path: (tmp_path / path).read_bytes() for path in files(tmp_path)} == before and len(ground.asked) == count


@pytest.mark.parametrize(("answer", "more", "code", "words"), [
    (paged, ("--auth", "none"), 1, "账号或签名|凭据"),
    (lambda one: Said({"code": 0, "data": {"count": 3}}), ("--auth", "basic"), 1, "没有列表"),
    (lambda one: Said({"list": [{"id": 1, "a": "x"}]}), ("--auth", "basic"), 1, "--field status="),
    (lambda one: Said(b"<html>", content_type="text/html"), ("--auth", "basic"), 1, "不是约定的答复"),
    (lambda one: Said({"list": []}), ("--auth", "none"), 1, "列表是空的"),
    (lambda one: Said({"list": [{"id": 1, "state": "open"}]}), ("--auth", "none", "--since", "after"), 1, "--field changed="),
    (paged, ("--auth", "kerberos"), 2, "bearer:/login"),
    (paged, ("--auth", "{kind: header, nam: X}"), 1, "auth.header.nam"),
    (paged, ("--auth", "basic", "--paging", "leaps"), 2, "offset,位置,条数"),
    (paged, ("--auth", "basic", "--paging", "cursor,after,limit"), 1, "下一个游标"),
    (paged, ("--auth", "basic", "--parameter", "x"), 2, "名=值"),
    (paged, ("--auth", "basic", "--county", "999999"), 2, "行政区划"),
    (paged, ("--auth", "basic", "--slug", "Or ders"), 2, "小写字母"),
    (paged, ("--auth", "basic", "--connection", "huying_elsewhere"), 1, "没有连接"),
])  # fmt: skip
def test_what_goes_wrong_is_told_and_leaves_nothing(
    tmp_path: Path, answer: Callable[[Asked], Said], more: tuple[str, ...], code: int, words: str
) -> None:
    """Wrong credentials, an address that is no list, a status that cannot be guessed, flags that cannot be: in words, with
    what to do; no file, no folder, no secret."""
    with serving(tmp_path / "s", answer) as ground:
        made = command(tmp_path, ground.url).huying(*asked(*more))
    assert made.exit_code == code, made.output
    assert any(word in made.output for word in words.split("|")), made.output
    assert "s3cret-word" not in made.output and files(tmp_path) == set()
    assert not (tmp_path / "config").exists() and not (tmp_path / "mappings").exists()


def test_a_field_that_is_named(tmp_path: Path) -> None:
    """--field has the last word over every guess."""
    with serving(tmp_path / "s", lambda one: Said({"list": [{"id": 1, "a": "x", "b": "甲"}, {"id": 2, "a": "y", "b": "乙"}]})) as ground:
        made = command(tmp_path, ground.url).huying(*asked("--auth", "none", "--field", "status=a", "--field", "title=b", "--field",
                                                                    "id=b"))
    assert made.exit_code == 0, made.output
    mapping = yaml.safe_load((tmp_path / "mappings/orders.yaml").read_text(encoding="utf-8"))
    assert (mapping["record"]["id"], settings(tmp_path)["record"]) == ("b", {"id": "b"})
    assert mapping["record"]["status"] == "a" and mapping["fields"]["title"]["wire"] == "b"
    assert mapping["stages"] == {"x": None, "y": None}


def test_only_adapters_that_are_told_everything_recognise() -> None:
    """The others know their platform already: told in words."""
    assert callable(recognise_of("rest"))
    with pytest.raises(ConfigError, match="不能辨认平台"):
        recognise_of("grid")


def test_the_guide_names_flags_that_exist() -> None:
    """Each flag in docs/onboarding.md is one of the command's, and each of the command's own is told there."""
    group: Any = typer.main.get_command(app)
    there = {flag for one in group.commands["new"].commands["platform"].params for flag in one.opts}
    told = set(re.findall(r"(?<![\w-])--[a-z]+", (ROOT / "docs" / "onboarding.md").read_text(encoding="utf-8")))
    assert told <= there and there - told <= {"--help", "--json"}

"""`huying new platform` against interfaces as they are found: lists and single records in different places, tokens at the root,
nothing said as an empty text, a person's own words about where the list is, refusals under HTTP 200."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.adapters.rest_server import Asked, Said, serving
from tests.unit.cli.test_new_platform import asked, command, rows, settings


def framework(one: Asked) -> Said:
    """A common administration framework: token at the root, {total, rows} for lists, {data} for one record, always HTTP 200."""
    if one.path == "/login":
        right = one.json == {"username": "huying", "password": "s3cret-word"}
        return Said({"code": 200, "msg": "操作成功", "token": "tok"} if right else {"code": 500, "msg": "密码错误"})
    if one.headers.get("authorization") != "Bearer tok":
        return Said({"code": 401, "msg": "认证失败，无法访问系统资源"})
    if number := one.path.removeprefix("/api/orders").strip("/"):
        (row,) = [row for row in rows(5) if row["orderId"] == number]
        return Said({"code": 200, "msg": "", "data": row})
    page, size = int(one.query.get("pageNum", 1)), int(one.query.get("pageSize", 10))
    return Said({"total": 5, "rows": rows(5)[(page - 1) * size : page * size], "code": 200, "msg": "查询成功"})


def test_lists_and_records_in_different_places(tmp_path: Path) -> None:
    """No common place is written down, each has its own; the token is found without being told where."""
    with serving(tmp_path / "s", framework) as ground:
        one = command(tmp_path, ground.url)
        made = one.huying(*asked("--auth", "bearer:/login", "--detail", "/api/orders/{id}"))
        assert made.exit_code == 0, made.output
        assert one.data("check")["ok"] and one.huying("poll", "orders").exit_code == 0
    said = settings(tmp_path)
    assert "data" not in said["envelope"] and said["list"]["items"] == "rows" and said["detail"]["item"] == "data"


def test_a_platform_left_out_for_its_file(tmp_path: Path) -> None:
    """Asked for by name, it is not called unknown: the file, the line and the key that stop it are told."""
    with serving(tmp_path / "s", framework) as ground:
        one = command(tmp_path, ground.url)
        assert one.huying(*asked("--auth", "bearer:/login")).exit_code == 0
        path = tmp_path / "config/counties/371102.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace("envelope:", "envelop:"), encoding="utf-8")
        for line in (["poll", "orders"], ["push", "orders"], ["probe", "orders"], ["map", "learn", "orders"]):
            made = one.huying(*line)
            assert made.exit_code == 1 and "371102.yaml:" in made.output and "envelop" in made.output, made.output


def test_a_refusal_is_told_in_its_words(tmp_path: Path) -> None:
    """HTTP 200 and no list: what the platform said of it is shown."""
    with serving(tmp_path / "s", framework) as ground:
        made = command(tmp_path, ground.url).huying(*asked("--auth", "none"))
    assert made.exit_code == 1 and "认证失败" in made.output and "--auth" in made.output


@pytest.mark.parametrize("where", ["data.rows", "result"])
def test_where_the_list_stands_as_it_was_told(tmp_path: Path, where: str) -> None:
    """The path that a person gives counts from the answer's root, and reading finds the list there."""

    def told(one: Asked) -> Said:
        held: Any = rows(3)
        for name in reversed(where.split(".")):
            held = {name: held}
        return Said({"code": 0, "msg": "", "other": rows(9), **held})

    with serving(tmp_path / "s", told) as ground:
        one = command(tmp_path, ground.url)
        made = one.huying(*asked("--auth", "none", "--items", where))
        assert made.exit_code == 0 and "读了 3 条" in made.output, made.output
        assert one.data("check")["ok"]
    assert settings(tmp_path)["list"]["items"] == where


def test_nothing_behind_the_last_page(tmp_path: Path) -> None:
    """An empty text where the list was: the end of it."""

    def told(one: Asked) -> Said:
        page, size = int(one.form.get("page", 1)), int(one.form.get("limit", 10))
        return Said({"code": 0, "msg": "", "data": rows(5)[(page - 1) * size : page * size] or "", "total": 5})

    with serving(tmp_path / "s", told) as ground:
        made = command(tmp_path, ground.url).huying(*asked("--auth", "none", "--method", "post", "--send", "form"))
    assert made.exit_code == 0 and "读了 5 条" in made.output, made.output


def test_parameters_behind_a_path(tmp_path: Path) -> None:
    """`?name=value` behind the address of the list or of one record is a parameter of its request."""

    def told(one: Asked) -> Said:
        if one.path == "/api/one":
            return Said({"data": [row for row in rows(3) if row["orderId"] == one.query["id"]]})
        return Said({"data": rows(3)} if one.query.get("kind") == "7" else {"data": None})

    with serving(tmp_path / "s", told) as ground:
        line = [*asked("--auth", "none", "--detail", "/api/one?id={id}")]
        line[line.index("/api/orders")] = "/api/orders?kind=7"
        made = command(tmp_path, ground.url).huying(*line)
    assert made.exit_code == 0, made.output
    said = settings(tmp_path)
    assert said["list"]["request"]["parameters"]["kind"] == "7"
    assert said["detail"]["request"] == {"path": "/api/one", "parameters": {"id": "{id}"}}

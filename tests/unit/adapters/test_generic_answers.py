"""Answers as they are met: codes as a YAML file can write them, nothing said in several ways, and what a person is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.errors import BrokenReply, ConfigError, Refused
from bridge.documents import load
from tests.unit.adapters.rest_server import Asked, Said, drained, serving

BASE: dict[str, Any] = {"list": {"request": {"path": "/rows"}}, "record": {"id": "id"}}


def envelope_of(tmp_path: Path, text: str) -> dict[str, Any]:
    """As a county's file is read: keys are text."""
    path = tmp_path / "envelope.yaml"
    path.write_text(text, encoding="utf-8")
    found: dict[str, Any] = load(path).data
    return found


@pytest.mark.parametrize(("code", "error"), [(401, ConfigError), ("401", ConfigError), (500, Refused), (-1, ConfigError), (0, None),
                                             ("0", BrokenReply), (77, BrokenReply)])  # fmt: skip
def test_codes_of_a_file_match_numbers(tmp_path: Path, code: Any, error: type[Exception] | None) -> None:
    """The keys of a YAML file are text, and the answer's codes are numbers or text: both are the same code. What is a
    success keeps its type."""
    told = envelope_of(tmp_path, "code: code\nsuccess: 0\nmessage: msg\ndata: data\n"
                                 "codes: {401: unsigned, 500: refused, -1: forbidden}\n")  # fmt: skip
    create = {"request": {"method": "POST", "path": "/rows", "send": "json"}, "id": "data.id"}
    with serving(tmp_path, lambda _: Said({"code": code, "msg": "不行", "data": {"id": "7"}})) as there:
        adapter = there.adapter({**BASE, "envelope": told, "create": create})
        if error is Refused:
            with pytest.raises(Refused):
                adapter.create({}, "hy-1")
        elif error is None:
            assert adapter.create({}, "hy-1").native_id == "7"
        else:
            with pytest.raises(error):
                drained(adapter)


def test_success_as_true(tmp_path: Path) -> None:
    """{success: true}, and a code beside it that is there for errors only."""
    told = envelope_of(tmp_path, "code: [errCode, success]\nsuccess: true\nmessage: errMsg\ndata: result.list\n"
                                 "codes: {E401: unsigned, false: forbidden}\n")  # fmt: skip
    said = Said({"success": True, "errCode": None, "result": {"list": [{"id": "1"}]}})
    with serving(tmp_path, lambda _: said) as there:
        adapter = there.adapter({**BASE, "envelope": told})
        assert [one.native_id for one in drained(adapter)[0]] == ["1"]
        for code in ("E401", None):
            said.body = {"success": False, "errCode": code, "errMsg": "签名错误"}
            with pytest.raises(ConfigError, match="签名错误"):
                drained(adapter)
        said.body = {"success": 1, "result": {"list": []}}
        with pytest.raises(BrokenReply):
            drained(adapter)


@pytest.mark.parametrize("data", [None, "", [], {"rows": None}, {"rows": ""}])
def test_nothing_is_said_in_several_ways(tmp_path: Path, data: Any) -> None:
    """null, an empty text, an empty list: no rows."""
    told = {"code": "code", "success": 0, "data": "data"}
    with serving(tmp_path, lambda _: Said({"code": 0, "data": data})) as there:
        items = ["rows"] if isinstance(data, dict) else [""]
        adapter = there.adapter({**BASE, "envelope": told, "list": {"request": {"path": "/rows"}, "items": items}})
        assert drained(adapter)[0] == []


def test_what_stands_where_the_list_should(tmp_path: Path) -> None:
    """Where it was looked for, what the answer holds (never a value), and the platform's own words."""
    said = {"code": 0, "msg": "参数缺失", "data": {"records": [{"phone": "13906330001"}]}, "total": 1}
    with serving(tmp_path, lambda _: Said(said)) as there:
        adapter = there.adapter({**BASE, "envelope": {"message": "msg"}, "list": {"request": {"path": "/rows"}, "items": ["data.rows"]}})
        with pytest.raises(BrokenReply) as raised:
            drained(adapter)
    told = str(raised.value)
    assert "data.rows" in told and "data: object, total: number" in told and "参数缺失" in told and "139" not in told


def test_a_code_that_nobody_explained(tmp_path: Path) -> None:
    """An answer that can be read names its code; the remedy is a line of the envelope. One that cannot, the address."""
    answers = [Said({"code": 9, "msg": "系统维护"}), Said(b"<html>login</html>", content_type="text/html")]

    def answer(_: Asked) -> Said:
        return answers.pop(0)

    with serving(tmp_path, answer) as there:
        adapter = there.adapter({**BASE, "envelope": {"code": "code", "success": 0, "message": "msg"}})
        for remedy in ("settings.envelope", "核对地址是否指向该平台"):
            with pytest.raises(BrokenReply) as raised:
                drained(adapter)
            assert remedy in raised.value.remedy


def test_probing_looks_at_the_rows(tmp_path: Path) -> None:
    """An id or a time of change that no row has as the settings say is told before anything runs; one bad row among others is
    no fault of the settings."""
    rows = [{"id": "1", "changed": "2026-10-26 12:00:00"}, {"id": None, "changed": ""}]
    listing = {"request": {"path": "/rows", "parameters": {"since": "{since}"}}, "since": "changed"}
    local = {"form": "local"}
    with serving(tmp_path, lambda _: Said(rows)) as there:
        for record, time, fine in (
            ({"id": "id", "changed": "changed", "time": local}, local, True), ({"id": "no"}, local, False),
            ({"id": "id"}, {"form": "rfc3339"}, False), ({"id": "id", "changed": "changed"}, local, False),
        ):  # fmt: skip
            probe = there.adapter({**BASE, "list": {**listing, "time": time}, "record": record}).probe()
            (finding,) = [one for one in probe.findings if one.name.endswith("records")]
            assert finding.ok is fine and bool(finding.remedy) is not fine
        rows.clear()
        assert not [one for one in there.adapter({**BASE, "list": listing}).probe().findings if one.name.endswith("records")]

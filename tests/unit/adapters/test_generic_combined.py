"""Settings of a REST platform that meet each other: whole objects with ETags and keys, changes of fields that are called
otherwise, references in texts, searches in lists of short rows, signatures and links, words that repeat our secret."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import BrokenReply, ConfigError, OutcomeUnknown, Refused
from adapters.port import FileOut
from tests.unit.adapters.rest_server import NOW, Asked, Said, drained, serving
from tests.unit.adapters.test_generic_rough import FRAMEWORK, Framework

PUT: dict[str, Any] = FRAMEWORK["update"]


def test_a_whole_object_that_others_changed_meanwhile(tmp_path: Path) -> None:
    """The second try goes out over what they made of it, not over what stood there before."""
    held: dict[str, Any] = {"caseId": 10, "title": "old", "status": "0"}
    version = 1

    def answer(asked: Asked) -> Said:
        nonlocal held, version
        if asked.method == "GET":
            return Said({"code": 200, "data": held}, headers={"ETag": f'"{version}"'})
        if version == 1:
            held, version = {**held, "title": "theirs"}, 2
        if asked.headers["if-match"] != f'"{version}"':
            return Said({"code": 409}, 412)
        held = asked.json
        return Said({"code": 200})

    plain = {"detail": {"request": {"path": "/case/{id}"}, "item": "data"}, "update": {**PUT, "if_match": True}}
    with serving(tmp_path, answer) as there:
        there.adapter({**FRAMEWORK, **plain}).update("10", {"status": "1"}, "op-1")
        assert held == {"caseId": 10, "title": "theirs", "status": "1"}


def test_the_key_of_a_whole_object(tmp_path: Path) -> None:
    """The same operation has the same key, whatever else changed on the record in between."""
    office = Framework()
    office.cases[10] = {"caseId": 10, "status": "0"}
    with serving(tmp_path, office) as there:
        adapter = there.adapter({**FRAMEWORK, "update": {**PUT, "idempotency": {}}})
        for status in ("1", "1", "2"):
            office.cases[10]["updateTime"] = f"{len(there.asked)}"
            adapter.update("10", {"status": status}, "op-1")
        one, two, other = (asked.headers["idempotency-key"] for asked in there.asked if asked.method == "PUT")
        assert one == two != other


def test_what_is_emptied_under_another_name(tmp_path: Path) -> None:
    """A person who asks for secrecy is blanked where the field is called otherwise, too."""
    with serving(tmp_path, lambda _: Said({"code": 200})) as there:
        edit = {"request": {"method": "PATCH", "path": "/case/{id}", "send": "json"}, "rename": {"caller": "who.name", "x": "y"}}
        there.adapter({**FRAMEWORK, "edit": edit}).edit("10", {"caller": None, "title": "t"}, "hy-1#1")
        assert there.asked[-1].json == {"who": {"name": None}, "title": "t"}


def test_a_change_of_fields_is_no_operation(tmp_path: Path) -> None:
    """Its body names none: each change would be refused, one by one."""
    edit = {"operation": "act", "operations": {"a": {"request": {"path": "/a"}}}}
    with serving(tmp_path, lambda _: Said({})) as there, pytest.raises(ConfigError, match="edit has a request alone"):
        there.adapter({**FRAMEWORK, "edit": edit})


def test_a_text_that_holds_our_reference_is_changed(tmp_path: Path) -> None:
    """The reference stays behind the new text; a record without one gets none."""
    office = Framework()
    office.cases[10] = {"caseId": 10, "text": "旧 〔来源编号 hy-1〕"}
    office.cases[11] = {"caseId": 11, "text": "旧"}
    record = {**FRAMEWORK["record"], "embedded": {"member": "text", "template": "\n〔来源编号 {reference}〕"}}
    with serving(tmp_path, office) as there:
        adapter = there.adapter({**FRAMEWORK, "record": record, "edit": PUT})
        for number, text, stands in (("10", "新", "新\n〔来源编号 hy-1〕"), ("10", None, "\n〔来源编号 hy-1〕"), ("11", "新", "新")):
            adapter.edit(number, {"text": text}, "hy-9#1")
            assert office.cases[int(number)]["text"] == stands
        assert adapter.fetch("10").body["outerNo"] == "hy-1"


def test_a_list_of_short_rows_is_searched(tmp_path: Path) -> None:
    """Rows without our reference are looked up; a record that is there must never look as if it were not."""
    office = Framework()
    office.cases[9], office.cases[10] = {"caseId": 9, "outerNo": ""}, {"caseId": 10, "outerNo": "hy-1"}
    short = Said({"code": 200, "rows": [{"caseId": 8, "outerNo": None}, {"caseId": 9}, {"caseId": 10}]})
    with serving(tmp_path, office) as there:
        office.after = short
        adapter = there.adapter(FRAMEWORK)
        assert adapter.find("hy-1", NOW).native_id == "10" and "GET /case/8" not in there.paths()
        assert adapter.find("hy-2", NOW) is None
        with pytest.raises(ConfigError, match=r"record\.reference"):  # else any row would be taken for what was made
            there.adapter({**FRAMEWORK, "record": {"id": "caseId"}})


def test_a_file_whose_last_answer_got_lost(tmp_path: Path) -> None:
    """It is there if the record shows it; else the outcome is unknown."""
    office = Framework()
    office.cases[10] = {"caseId": 10, "attachments": None}

    def losing(keeps: bool) -> Callable[[Asked], Said]:
        def answer(asked: Asked) -> Said:
            if asked.method != "PUT":
                return office(asked)
            if keeps:
                office(asked)
            return Said(b"", 502)
        return answer

    for keeps in (True, False):
        with serving(tmp_path, losing(keeps)) as there:
            adapter = there.adapter(FRAMEWORK)
            def write(adapter: Any = adapter) -> Any:
                return adapter.write_file("10", FileOut("a.jpg", "image/jpeg", 1), io.BytesIO(b"x"), "hy-1#1.0")
            if keeps:
                assert write().file_id == office.cases[10]["attachments"]
            else:
                with pytest.raises(OutcomeUnknown):
                    write()


def test_a_link_that_repeats_a_signature(tmp_path: Path) -> None:
    """What was signed for the request before does not go out a second time beside the new."""
    auth = {"kind": "signed", "algorithm": "md5", "template": "{sorted}&key={password}", "parameter": "sign",
            "parameters": {"app": "{login}", "t": "{timestamp}"}}  # fmt: skip
    seen: list[str] = []

    def answer(asked: Asked) -> Said:
        seen.append("&".join(sorted(asked.query)))
        more = {"Link": '</l?page=2&sign=OLD&app=old&t=1>; rel="next"'} if "page" not in asked.query else {}
        signed = "&".join(sorted(f"{name}={value}" for name, value in asked.query.items() if name != "sign"))
        assert asked.query["sign"] == md5(f"{signed}&key=s3cret-示例".encode()).hexdigest()
        return Said([{"id": len(asked.query)}], headers=more)

    with serving(tmp_path, answer) as there:
        records, _ = drained(there.adapter({"auth": auth, "list": {"request": {"path": "/l"}, "paging": {"kind": "link"}},
                                            "record": {"id": "id"}}))  # fmt: skip
        assert len(records) == 2 and set(seen) == {"app&sign&t", "app&page&sign&t"}


def test_a_mapped_body_goes_where_the_parameters_go(tmp_path: Path) -> None:
    """In the address too, which is where they go if nothing is said: it must not be left behind."""
    with serving(tmp_path, lambda _: Said({"code": 200, "data": {"id": 7}})) as there:
        create = {"request": {"method": "POST", "path": "/c", "parameters": {"kind": "1"}}, "id": "data.id"}
        assert there.adapter({**FRAMEWORK, "create": create}).create({"outerNo": "hy-1", "title": "井盖 +"}, "hy-1").native_id == "7"
        assert there.asked[-1].query == {"kind": "1", "outerNo": "hy-1", "title": "井盖 +"}
        for send in ("query", "form"):  # an object is no text: it would arrive as Python writes it
            request = {**create["request"], "send": send}
            with pytest.raises(Refused, match="written"):
                there.adapter({**FRAMEWORK, "create": {**create, "request": request}}).create({"outerNo": "x", "a": {"b": 1}}, "x")
        assert len(there.asked) == 1


@pytest.mark.parametrize(("key", "value"), [
    ("detail", {"request": {"path": "/case/{caseId}"}}), ("detail", {"request": {"path": "/case", "parameters": {"id": "{ID}"}}}),
    ("find", {"by": "query", "request": {"path": "/l", "parameters": {"no": "{refrence}"}}}),
    ("update", {"request": {"method": "PUT", "path": "/case/{reference}/{status}"}}),
    ("update", {"operation": "act", "operations": {"a": {"request": {"path": "/a", "headers": {"X-A": "{nr}"}}}}}),
    ("create", {"request": {"path": "/case/{id}"}, "id": "id"}),
    ("files", {"download": {"path": "/f/{file_id}"}}),
    ("files", {"download": {"path": "/f/{file}"}, "upload": {"path": "/f", "parameters": {"case": "{case}"}}}),
])  # fmt: skip
def test_a_placeholder_that_is_misspelt(tmp_path: Path, key: str, value: dict[str, Any]) -> None:
    """It is told before anything is asked: a parameter would be left out without a word, a path would go out as it is."""
    with serving(tmp_path, lambda _: Said({})) as there, pytest.raises(ConfigError, match=rf"{key}.*no such placeholder"):
        there.adapter({**{name: part for name, part in FRAMEWORK.items() if name != "files"}, key: value})


def test_words_that_repeat_our_secret(tmp_path: Path) -> None:
    """Are told without it, where the settings do not say that they are words, too."""
    with serving(tmp_path, lambda _: Said({"message": "no such key: s3cret-示例"})) as there:
        with pytest.raises(BrokenReply, match=r"no such key: \*\*\*") as broken:
            drained(there.adapter({**FRAMEWORK, "envelope": {}}))
        assert "s3cret" not in str(broken.value)


@pytest.mark.parametrize("auth", [
    {"kind": "basic"}, {"kind": "header", "name": "Authorization", "prefix": "Key "},
    {"kind": "bearer", "request": {"method": "POST", "path": "/login"}, "token": "token"},
])  # fmt: skip
def test_words_that_repeat_our_credentials(tmp_path: Path, auth: dict[str, Any]) -> None:
    """As they went out: encoded, or as a token."""

    def answer(asked: Asked) -> Said:
        if asked.path == "/login":
            return Said({"code": 200, "token": "tok-12345"})
        return Said({"code": 500, "msg": f"not allowed: {asked.headers['authorization']}"})

    with serving(tmp_path, answer) as there, pytest.raises(ConfigError, match=r"not allowed: \w+ \*\*\*") as refused:
        drained(there.adapter({**FRAMEWORK, "auth": auth}, password="s3cret-word"))
    assert "tok-12345" not in str(refused.value) and "s3cret" not in str(refused.value)


@pytest.mark.parametrize("headers", [{}, {"content-type": "application/x-www-form-urlencoded"}])
def test_a_form_is_signed_whatever_its_header(tmp_path: Path, headers: dict[str, str]) -> None:
    """Its parameters are among those that are signed, where the settings write its content type otherwise too."""
    auth = {"kind": "signed", "algorithm": "md5", "template": "{filled}&key={password}", "parameter": "sign"}
    create = {"request": {"method": "POST", "path": "/c", "send": "form"}, "id": "id"}
    with serving(tmp_path, lambda _: Said({"code": 200, "id": "9"})) as there:
        there.adapter({**FRAMEWORK, "auth": auth, "headers": headers, "create": create}).create({"outerNo": "a+&=", "x": ""}, "a+&=")
        assert there.asked[-1].query["sign"] == md5("outerNo=a+&=&key=s3cret-示例".encode()).hexdigest()


def test_a_token_that_cannot_be_kept(tmp_path: Path) -> None:
    """The record was handed over all the same: an error of ours must not make it look as if it had not been."""
    settings = {
        "list": {"request": {"path": "/l"}}, "record": {"id": "id", "reference": "ref"},
        "create": {"request": {"method": "POST", "path": "/c", "send": "json"}, "id": "0.id",
                   "late": {"token": "0.token", "request": {"path": "/t/{token}"}, "id": "0.id"}},
    }  # fmt: skip
    with serving(tmp_path, lambda _: Said([{"token": "T"}])) as there:
        (tmp_path / "file").write_text("")
        adapter = there.adapter(settings)
        adapter._around = replace(adapter._around, state=tmp_path / "file" / "none")
        assert adapter.create({"ref": "hy-1"}, "hy-1").late

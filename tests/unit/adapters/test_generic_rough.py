"""Platforms as counties have them: creations that tell no id, whole objects sent back, a history with an address of its own, an
address for each operation, files that are uploaded beside the record and then written into it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import BrokenReply, ConfigError, Missing, OutcomeUnknown, Refused, Unavailable
from adapters.port import FileOut, FileRef
from bridge.documents import load
from tests.unit.adapters.rest_server import Asked, Said, drained, serving

(_PLATFORM,) = load(Path(__file__).parents[3] / "docs" / "examples" / "ruoyi.yaml").data["platforms"]
FRAMEWORK: dict[str, Any] = {**_PLATFORM["settings"], "auth": {"kind": "none"}}
"""The example, as a county's file is read."""


class Framework:
    """{code, msg, rows|data}, always HTTP 200; a creation says that it is done and no more."""

    def __init__(self) -> None:
        self.cases: dict[int, dict[str, Any]] = {}
        self.next: Said | None = None
        self.after: Said | None = None
        """What every search says from now on."""
        self.forgets = False

    def __call__(self, asked: Asked) -> Said:
        if self.next is not None:
            said, self.next = self.next, None
            return said
        match asked.method, asked.path.strip("/").split("/"):
            case "GET", ["case", "list"] if self.after is not None:
                return self.after
            case "GET", ["case", "list"]:
                wanted = asked.query.get("outerNo")
                found = [one for one in self.cases.values() if wanted in (None, one["outerNo"])]
                return Said({"code": 200, "msg": "", "rows": found, "total": len(found)})
            case "GET", ["case", number]:
                one = self.cases.get(int(number))
                return Said({"code": 200, "msg": "", **({"data": one} if one else {})})
            case "GET", ["case", number, "logs"]:
                return Said({"code": 200, "msg": "", "rows": [{"logId": 1, "words": f"of {number}"}]})
            case "POST", ["case"]:
                if not self.forgets:
                    number = 10 + len(self.cases)
                    self.cases[number] = {"caseId": number, "extra": {"a": 1, "b": None}, "attachments": None, **asked.json}
                return Said({"code": 200, "msg": "操作成功"})
            case "PUT", ["case"]:
                self.cases[asked.json["caseId"]] = asked.json
                return Said({"code": 200, "msg": "操作成功"})
            case "POST", ["common", "upload"]:
                return Said({"code": 200, "msg": "", "fileName": f"/profile/照 片{len(asked.body) % 7}.jpg"})
            case "GET", ["profile", *_]:
                return Said(b"bytes", content_type="image/jpeg")
        return Said({"code": 404, "msg": "不存在"})


def test_a_creation_that_tells_no_id(tmp_path: Path) -> None:
    """It is searched for by our reference at once; what cannot be found then is unknown, never sent again blindly."""
    office = Framework()
    with serving(tmp_path, office) as there:
        adapter = there.adapter(FRAMEWORK)
        made = adapter.create({"outerNo": "hy-1"}, "hy-1")
        assert (made.native_id, made.already) == ("10", False)
        assert there.paths()[:2] == ["POST /case", "GET /case/list"]
        office.forgets, sent = True, len(there.asked)
        with pytest.raises(OutcomeUnknown):
            adapter.create({"outerNo": "hy-2"}, "hy-2")
        assert there.paths()[sent:] == ["POST /case", "GET /case/list"]
        for trouble in (Said({}, 503), Said({"code": 500}), Said({}, 403), Said({"code": 77}), Said({"code": 404})):
            office.after = trouble
            with pytest.raises(OutcomeUnknown):
                adapter.create({"outerNo": "hy-3"}, "hy-3")
            office.after = None
        with pytest.raises(ConfigError, match="find"):
            there.adapter({**FRAMEWORK, "find": {"by": "walk"}})


def test_a_record_and_its_history(tmp_path: Path) -> None:
    """The history has an address of its own and becomes a member of the record; nothing at all where the record should be is
    no record, and a bad answer unless that was agreed."""
    office = Framework()
    office.cases[10] = {"caseId": 10, "outerNo": ""}
    with serving(tmp_path, office) as there:
        adapter = there.adapter(FRAMEWORK)
        one = adapter.fetch("10")
        assert one.body["logs"] == [{"logId": 1, "words": "of 10"}] and b'"outerNo"' in one.raw and b"of 10" in one.raw
        assert not one.partial and adapter.fetch("11") is None
        assert [row.partial for row in drained(adapter)[0]] == [True]
        strict = there.adapter({**FRAMEWORK, "detail": {**FRAMEWORK["detail"], "optional": False}})
        with pytest.raises(BrokenReply, match="data"):
            strict.fetch("11")
        with pytest.raises(ConfigError, match="partial"):
            there.adapter({**FRAMEWORK, "list": {**FRAMEWORK["list"], "partial": False}})


def test_the_whole_object_goes_back(tmp_path: Path) -> None:
    """As the platform shows it now, with what we say in it; its own members and types stay, what was joined to it does not go."""
    office = Framework()
    office.cases[10] = {"caseId": 10, "outerNo": "hy-1", "status": "0", "extra": {"a": 1, "b": None}, "attachments": None}
    with serving(tmp_path, office) as there:
        adapter = there.adapter(FRAMEWORK)
        assert adapter.update("10", {"status": "1", "extra": {"b": "x"}}, "op-1").native_id == "10"
        assert office.cases[10] == {"caseId": 10, "outerNo": "hy-1", "status": "1", "extra": {"a": 1, "b": "x"}, "attachments": None}
        left = {**FRAMEWORK["update"], "leave": ["status", "extra.a"], "rename": {"time": ""}}
        there.adapter({**FRAMEWORK, "update": left}).update("10", {"words": "x", "time": "t"}, "op-2")
        assert office.cases[10] == {"caseId": 10, "outerNo": "hy-1", "words": "x", "extra": {"b": "x"}, "attachments": None}
        with pytest.raises(Missing):
            adapter.update("11", {"status": "1"}, "op-2")
        assert len([path for path in there.paths() if path.startswith("PUT")]) == 2


def test_a_file_that_is_written_into_its_record(tmp_path: Path) -> None:
    """Uploaded beside it, then added to the addresses in the record; an upload that failed is an orphan, and tried again."""
    office = Framework()
    office.cases[10] = {"caseId": 10, "outerNo": "hy-1", "attachments": "/profile/a.jpg"}
    with serving(tmp_path, office) as there:
        adapter = there.adapter(FRAMEWORK)
        receipt = adapter.write_file("10", FileOut("照片.jpg", "image/jpeg", 5), io.BytesIO(b"bytes"), "hy-1#1.0")
        assert office.cases[10]["attachments"] == f"/profile/a.jpg,{receipt.file_id}" and "照 片" in receipt.file_id
        assert adapter.read_file(FileRef("10", receipt.file_id, "照片.jpg", 5)).read() == b"bytes"
        assert adapter.read_file(FileRef("10", f"{there.url}/profile/b.jpg", "", None)).read() == b"bytes"
        for wrong, error in (("http://other.example/a.jpg", ConfigError), ("/profile/../case/10", Missing), ("file:///etc", Missing)):
            with pytest.raises(error):
                adapter.read_file(FileRef("10", wrong, "", None))
        office.cases[10]["attachments"] = ["/profile/a.jpg"]  # a list stays one
        receipt = adapter.write_file("10", FileOut("b.jpg", "image/jpeg", 1), io.BytesIO(b"x"), "hy-1#3.0")
        assert office.cases[10]["attachments"] == ["/profile/a.jpg", receipt.file_id]
        office.cases[10]["attachments"] = {"a": 1}
        with pytest.raises(ConfigError, match="attachments"):
            adapter.write_file("10", FileOut("b.jpg", "image/jpeg", 1), io.BytesIO(b"x"), "hy-1#4.0")
        for said in (Said(b"", 502), Said({"code": 200, "msg": ""})):
            office.next = said
            with pytest.raises(Unavailable):
                adapter.write_file("10", FileOut("b.jpg", "image/jpeg", 1), io.BytesIO(b"x"), "hy-1#2.0")


def test_a_file_by_parameters(tmp_path: Path) -> None:
    """Its id stands in the query, encoded."""
    with serving(tmp_path, lambda _: Said(b"bytes", content_type="image/jpeg")) as there:
        adapter = there.adapter({**FRAMEWORK, "files": {"download": {"path": "/file/get", "parameters": {"fid": "{file}", "v": "1"}}}})
        assert adapter.read_file(FileRef("10", "a&b=照", "", None)).read() == b"bytes"
        assert (there.asked[-1].path, there.asked[-1].query) == ("/file/get", {"fid": "a&b=照", "v": "1"})


def test_names_in_gbk(tmp_path: Path) -> None:
    """A form whose file names are read as GBK."""
    with serving(tmp_path, lambda _: Said({"code": 200})) as there:
        settings = {**FRAMEWORK, "files": {"upload": {"method": "POST", "path": "/up", "send": "multipart", "charset": "gbk"},
                                           "download": {"path": "/f/{file}"}}}  # fmt: skip
        there.adapter(settings).write_file("10", FileOut("照片.jpg", "image/jpeg", 1), io.BytesIO(b"x"), "hy-1#1.0")
        sent = there.asked[-1].body
        assert 'filename="照片.jpg"'.encode("gbk") in sent and b"filename*" not in sent


OPERATIONS: dict[str, Any] = {
    "request": {"method": "POST", "path": "/case/{operation}", "send": "json", "parameters": {"id": "{id}"}},
    "operation": "action",
    "operations": {"reply": {"request": {"method": "PUT", "path": "/answers", "send": "json", "parameters": {"case": "{id}"}},
                             "rename": {"opinion": "reply.content", "time": ""}}},
}  # fmt: skip


def test_an_address_for_each_operation(tmp_path: Path) -> None:
    """By the operation's name in the path, or by a request of its own with other names; the name is not in the body. One that
    has no request is refused before anything is sent."""
    with serving(tmp_path, lambda _: Said({"code": 200})) as there:
        adapter = there.adapter({**FRAMEWORK, "files": None, "update": OPERATIONS})
        adapter.update("10", {"action": "accept", "opinion": "好", "time": "t"}, "op-1")
        assert there.paths() == ["POST /case/accept"] and there.asked[-1].json == {"id": "10", "opinion": "好", "time": "t"}
        adapter.update("10", {"action": "reply", "opinion": "完", "time": "t"}, "op-2")
        assert there.paths()[1:] == ["PUT /answers"] and there.asked[-1].json == {"case": "10", "reply": {"content": "完"}}
        alone = there.adapter({**FRAMEWORK, "files": None, "update": {**OPERATIONS, "request": None}})
        for one, nameless in ((alone, {"action": "close"}), (adapter, {"opinion": "x"})):
            with pytest.raises(Refused) as refused:
                one.update("10", nameless, "op-3")
            assert refused.value.field == "action" and "operations" in refused.value.remedy
        assert len(there.asked) == 2
        for wrong in ({}, {"operations": OPERATIONS["operations"]}):
            with pytest.raises(ConfigError, match="update"):
                there.adapter({**FRAMEWORK, "files": None, "update": wrong})
        with pytest.raises(ConfigError, match="into"):  # a file is no operation: its request must not need one
            there.adapter({**FRAMEWORK, "update": OPERATIONS})

"""Writing by configuration: where a new id stands, what proves what, ids that come later, files; and the common case."""

from __future__ import annotations

import base64
import hashlib
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import ConfigError, Missing, OutcomeUnknown, Outdated, Refused, Unavailable
from adapters.port import Ability, FileOut, FileRef
from tests.unit.adapters.rest_server import NOW, Asked, Said, drained, serving

COMMON: dict[str, Any] = {
    # reality.md: {code, msg, data, total, page, limit}, Bearer, page numbers, lists by POST, form bodies, id in the message
    "auth": {"kind": "bearer", "request": {"method": "POST", "path": "/login", "send": "form",
             "parameters": {"username": "{login}", "password": "{password}"}}, "token": "data.token"},
    "envelope": {"code": "code", "success": [0], "message": "msg", "data": "data",
                 "codes": {401: "expired", 409: "duplicate", 422: "refused", 4093: "outdated", 503: "busy"}},
    "list": {"request": {"method": "POST", "path": "/order/list", "send": "form",
                         "parameters": {"page": "{page}", "limit": "{size}"}},
             "paging": {"kind": "page", "total": "total"}, "since": "updateTime", "time": {"form": "local"}},
    "record": {"id": "orderId", "reference": "outerNo", "changed": "updateTime", "time": {"form": "local"}},
    "detail": {"request": {"method": "POST", "path": "/order/detail", "send": "form", "parameters": {"orderId": "{id}"}}},
    "create": {"request": {"method": "POST", "path": "/order/add", "send": "form"}, "id": ["data.orderId", "msg"],
               "id_pattern": r"([0-9]{4,})"},
    "update": {"request": {"method": "POST", "path": "/order/step", "send": "form", "parameters": {"orderId": "{id}"}}},
    "find": {"by": "query", "request": {"path": "/order/list", "parameters": {"outerNo": "{reference}"}}},
    "page_size": 2,
}  # fmt: skip


class Office:
    """The common case, as a server."""

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []
        self.steps: list[dict[str, str]] = []
        self.next: Said | None = None
        self.stays = False

    def __call__(self, asked: Asked) -> Said:
        if self.next is not None and asked.path != "/login":
            said, self.next = self.next, self.next if self.stays else None
            return said
        if asked.path == "/login":
            return Said({"code": 0, "data": {"token": "tok"}})
        if asked.headers.get("authorization") != "Bearer tok":
            return Said({"code": 401, "msg": "未登录"})
        match asked.path:
            case "/order/list" if asked.method == "GET":
                found = [one for one in self.orders if one["outerNo"] == asked.query["outerNo"]]
                return Said({"code": 0, "data": found[0] if len(found) == 1 else found})
            case "/order/list":
                page, limit = int(asked.form["page"]), int(asked.form["limit"])
                shown = self.orders[(page - 1) * limit : page * limit]
                return Said({"code": 0, "msg": "ok", "data": shown, "total": len(self.orders), "page": page, "limit": limit})
            case "/order/detail":
                found = [one for one in self.orders if one["orderId"] == asked.form["orderId"]]
                return Said({"code": 0, "data": found[0] if found else None})
            case "/order/add":
                number = f"2026{len(self.orders):04d}"
                if any(one["outerNo"] == asked.form["outerNo"] for one in self.orders):
                    return Said({"code": 409, "msg": "重复上报"})
                if not asked.form.get("title"):
                    return Said({"code": 422, "msg": "title不能为空"})
                self.orders.append({"orderId": number, "updateTime": "2026-10-26 12:00:00", **asked.form})
                return Said({"code": 0, "msg": f"操作成功，编号{number}"})
        self.steps.append(asked.form)
        return Said({"code": 0, "msg": "ok"})


def body(reference: str, **more: Any) -> dict[str, Any]:
    return {"outerNo": reference, "title": "污水", **more}


def test_the_common_case(tmp_path: Path) -> None:
    """All of it: token, lists by POST, forms, the id inside the message, search, details, steps, what cannot be done."""
    office = Office()
    with serving(tmp_path, office) as there:
        adapter = there.adapter(COMMON)
        assert adapter.abilities == {Ability.FIND, Ability.UPDATE, Ability.LIST}
        made = [adapter.create(body(f"hy-{n}"), f"hy-{n}").native_id for n in range(5)]
        assert made == [f"2026{n:04d}" for n in range(5)]
        assert [one.native_id for one in drained(adapter)[0]] == made
        found = adapter.find("hy-3", NOW)
        assert found is not None and found.native_id == "20260003" and adapter.find("hy-9", NOW) is None
        assert adapter.fetch("20260001").body["outerNo"] == "hy-1" and adapter.fetch("99") is None
        assert adapter.update("20260001", {"step": "受理", "opinion": "好+的&"}, "op-1").native_id == "20260001"
        assert office.steps == [{"step": "受理", "opinion": "好+的&", "orderId": "20260001"}]
        again = adapter.create(body("hy-2"), "hy-2")
        assert (again.native_id, again.already) == ("20260002", True), "refused as a duplicate without naming it: searched"
        with pytest.raises(Refused) as refused:
            adapter.create({"outerNo": "hy-8", "title": ""}, "hy-8")
        assert refused.value.code == "422" and refused.value.remedy
        with pytest.raises(ConfigError):
            adapter.create(body("other"), "hy-7")
        with pytest.raises(Refused):
            adapter.write_file("20260001", FileOut("a.jpg", "image/jpeg", 1), io.BytesIO(b"x"), "hy-1#1.0")


@pytest.mark.parametrize(("said", "error"), [
    (Said({"code": "0", "msg": "编号20269999"}), OutcomeUnknown),  # not the agreed code: "0" is not 0
    (Said({"code": 0, "msg": "成功"}), OutcomeUnknown),
    (Said({"code": 5000, "data": {"orderId": "20269999"}}), OutcomeUnknown),
    (Said(b"<html><title>login", content_type="text/html"), OutcomeUnknown),
    (Said(b""), OutcomeUnknown), (Said([{"status": 201}, {"status": 422}]), OutcomeUnknown),
    (Said({}, 500), OutcomeUnknown), (Said(b"bad gateway", 502), OutcomeUnknown),
    (Said({"code": 503}), Unavailable), (Said({"code": 422, "msg": "x"}), Refused),
])  # fmt: skip
def test_what_an_answer_to_a_creation_proves(tmp_path: Path, said: Said, error: type[Exception]) -> None:
    """C19: success is the agreed code with an id; everything else is unknown or refused as the table says."""
    office = Office()
    with serving(tmp_path, office) as there:
        adapter = there.adapter(COMMON)
        drained(adapter)
        sent = len(there.asked)
        office.next, office.stays = said, error is Unavailable
        with pytest.raises(error):
            adapter.create(body("hy-1"), "hy-1")
        assert len(there.asked) - sent == (4 if error is Unavailable else 1)


def test_codes_that_go_out_as_numbers(tmp_path: Path) -> None:
    """Members that the configuration names are JSON numbers, at any depth, in lists too; nothing else changes its type, and
    a text that is no number is refused by its name before anything is sent."""
    request = {"method": "POST", "path": "/order/add", "send": "json", "numbers": ["type", "area.level", "tags", "gone"]}
    settings = {**COMMON, "auth": {"kind": "none"}, "create": {"request": request, "wrap": "order", "id": ["data.orderId"]}}
    written = {"type": "3", "area": {"level": "-1.50", "town": "371102"}, "tags": ["1", "20"], "ward": "7", "outerNo": "hy-1"}
    with serving(tmp_path, lambda _: Said({"code": 0, "data": {"orderId": 17}})) as there:
        adapter = there.adapter(settings)
        assert adapter.create(written, "hy-1").native_id == "17"
        sent = there.asked[-1].json["order"]
        assert sent == {"type": 3, "area": {"level": -1.5, "town": "371102"}, "tags": [1, 20], "ward": "7", "outerNo": "hy-1"}
        for wrong in ("", "07", "三", "1e3", "0x1", " 1", "NaN"):
            with pytest.raises(Refused) as refused:
                adapter.create({**written, "area": {"level": wrong}}, "hy-1")
            assert refused.value.field == "area.level"
        assert len(there.asked) == 1
        with pytest.raises(ConfigError, match="numbers"):
            there.adapter({**COMMON, "create": {"request": {**request, "send": "form"}, "id": ["msg"]}})


def test_the_id_in_a_header(tmp_path: Path) -> None:
    """Location holds the address of the new record; the pattern takes the id out."""
    request = {"method": "POST", "path": "/cases", "send": "json"}
    settings = {**COMMON, "auth": {"kind": "none"}, "envelope": {},
                "create": {"request": request, "id_header": "Location", "id_pattern": "/cases/([^/]+)$"}}  # fmt: skip
    said = [Said(None, 201, {"Location": "/v1/cases/ab%20c"}), Said({}, 201), Said({}, 201, {"Location": "/v1/other/abc"})]
    with serving(tmp_path, lambda _: said.pop(0)) as there:
        adapter = there.adapter(settings)
        assert adapter.create(body("hy-1"), "hy-1").native_id == "ab c"
        for _ in (1, 2):
            with pytest.raises(OutcomeUnknown):
                adapter.create(body("hy-1"), "hy-1")


def test_etags(tmp_path: Path) -> None:
    """If-Match from the detail; 412 is read again and sent anew, three times at most, then Outdated."""
    tags, refusals, seen = iter("abcdef"), [1], []

    def answer(asked: Asked) -> Said:
        if asked.method == "GET":
            return Said({"id": "X"}, headers={"ETag": f'"{next(tags)}"'})
        seen.append(asked.headers["if-match"])
        refusals[0] -= 1
        return Said({"t": "late"}, 412) if refusals[0] >= 0 else Said({"id": "X", "entry": 7})

    settings = {
        "list": {"request": {"path": "/c"}}, "record": {"id": "id"}, "detail": {"request": {"path": "/c/{id}"}},
        "update": {"request": {"method": "PATCH", "path": "/c/{id}", "send": "json"}, "if_match": True, "entry": "entry"},
    }  # fmt: skip
    with serving(tmp_path, answer) as there:
        adapter = there.adapter(settings)
        assert adapter.update("X", {"a": 1}, "op").entry == "7" and seen == ['"a"', '"b"']
        refusals[0] = 9
        with pytest.raises(Outdated):
            adapter.update("X", {"a": 1}, "op")
        assert len(seen) == 5


def test_ids_that_come_later(tmp_path: Path) -> None:
    """C18: one POST answered by a token; nothing, a 404 and the token alone mean not yet; then the id. Known to every
    worker of the platform."""
    answers = [Said([{"token": "T-1"}]), Said([], 404), Said([{"token": "T-1", "id": "SR-77"}])]

    def answer(asked: Asked) -> Said:
        return Said([{"token": "T-1"}]) if asked.method == "POST" else answers.pop(0)

    settings = {
        "list": {"request": {"path": "/c"}}, "record": {"id": "id"},
        "create": {"request": {"method": "POST", "path": "/c", "send": "form"}, "id": "0.id",
                   "late": {"token": "0.token", "request": {"path": "/tokens/{token}"}, "id": "0.id"}},
    }  # fmt: skip
    with serving(tmp_path, answer) as there:
        adapter = there.adapter(settings)
        receipt = adapter.create({"a": "1"}, "hy-1")
        assert receipt.late and receipt.native_id == "" and Ability.LATE_RECEIPT in adapter.abilities
        assert there.adapter(settings).settle("hy-2") is None
        assert [adapter.settle("hy-1"), there.adapter(settings).settle("hy-1")] == [None, None]
        assert adapter.settle("hy-1").native_id == "SR-77"
        assert [one.method for one in there.asked].count("POST") == 1


def test_our_reference_inside_a_text(tmp_path: Path) -> None:
    """Put into the description and taken out again, whatever white space became of; other texts are left alone."""
    held: list[dict[str, Any]] = []

    def answer(asked: Asked) -> Said:
        if asked.method == "POST":
            held.append({"id": f"N{len(held)}", "text": asked.form["text"].replace("\n", "  ")})
            return Said({"id": held[-1]["id"]})
        return Said(held)

    settings = {
        "list": {"request": {"path": "/c"}}, "find": {"by": "walk"},
        "record": {"id": "id", "reference": "ours", "embedded": {"member": "text"}},
        "create": {"request": {"method": "POST", "path": "/c", "send": "form"}, "id": "id"},
    }  # fmt: skip
    with serving(tmp_path, answer) as there:
        adapter = there.adapter(settings)
        adapter.create({"text": "污水倾倒", "ours": "hy-1"}, "hy-1")
        held.append({"id": "N9", "text": "〔来源编号 〕 别的"})
        assert held[0]["text"] == "污水倾倒  〔来源编号 hy-1〕"
        records, _ = drained(adapter)
        assert [(one.body["text"], one.body.get("ours")) for one in records] == [("污水倾倒", "hy-1"), ("〔来源编号 〕 别的", None)]
        found = adapter.find("hy-1", NOW - timedelta(minutes=2))
        assert found is not None and found.native_id == "N0" and adapter.find("hy-2", NOW) is None


def test_files(tmp_path: Path) -> None:
    """Raw with a digest, or multipart; byte for byte; a wrong size, a wrong digest, a host that is not allowed."""
    stored: dict[str, bytes] = {}

    def answer(asked: Asked) -> Said:
        if asked.method in ("PUT", "POST"):
            stored[asked.path] = asked.body
            stored["type"], stored["digest"] = asked.headers["content-type"].encode(), asked.headers.get("content-digest", "").encode()
            return Said({"ok": 1}, 201)
        if asked.path not in stored:
            return Said({}, 404)
        return Said(stored[asked.path], content_type="image/jpeg")

    base = {"list": {"request": {"path": "/c"}}, "record": {"id": "id"}}
    path = "/c/{id}/files/{name}"
    raw = {**base, "files": {"upload": {"path": path, "digest_header": "Content-Digest"},
                             "download": {"path": "/c/{id}/files/{file}"}}}  # fmt: skip
    data = bytes(range(256)) * 40
    with serving(tmp_path, answer) as there:
        adapter = there.adapter(raw)
        adapter.write_file("X", FileOut("a/污水 (1).jpg", "image/jpeg", len(data)), io.BytesIO(data), "hy-1#1.0")
        assert stored["/c/X/files/污水 (1).jpg"] == data and stored["type"] == b"image/jpeg"
        expected = base64.b64encode(hashlib.sha256(data).digest())
        assert stored["digest"] == b"sha-256=:" + expected + b":"
        assert adapter.read_file(FileRef("X", "污水 (1).jpg", size=len(data))).read() == data
        for wrong in ("nothing.jpg", "..", ""):
            with pytest.raises(Missing):
                adapter.read_file(FileRef("X", wrong))
        sent = len(there.asked)
        for out in (FileOut("a.jpg", "image/jpeg", 7), FileOut("..", "image/jpeg", len(data))):
            with pytest.raises(Refused):
                adapter.write_file("X", out, io.BytesIO(data), "hy-1#1.0")
        assert len(there.asked) == sent
        form = {**base, "files": {"upload": {"method": "POST", "path": "/up", "send": "multipart", "parameters": {"id": "{id}"}},
                                  "download": {"hosts": [there.url.removeprefix("http://")]}}}  # fmt: skip
        adapter = there.adapter(form)
        adapter.write_file("X", FileOut("b.jpg", "no type", len(data)), io.BytesIO(data), "hy-1#1.0")
        assert data in stored["/up"] and b'name="id"\r\n\r\nX\r\n' in stored["/up"] and b"application/octet-stream" in stored["/up"]
        assert adapter.read_file(FileRef("X", f"{there.url}/c/X/files/%E6%B1%A1%E6%B0%B4%20(1).jpg")).read() == data
        with pytest.raises(ConfigError, match=r"192\.0\.2\.1"):
            adapter.read_file(FileRef("X", "http://192.0.2.1/x.jpg"))


def test_damage_costs_the_record_alone(tmp_path: Path) -> None:
    """C28: an implausible time, a row without an id, a row that is no object: told, and the others are whole."""
    rows = [{"id": 1, "changed": 1793000000000}, {"id": "b", "changed": 1793000000}, {"id": "c", "changed": None},
            {"changed": 1793000000000}, "text"]  # fmt: skip
    settings = {"list": {"request": {"path": "/c"}}, "record": {"id": "id", "changed": "changed", "time": {"form": "epoch_ms"}}}
    with serving(tmp_path, lambda _: Said(rows)) as there:
        records, _ = drained(there.adapter(settings))
        assert [one.native_id for one in records] == ["1", "b", "c", None, None]
        assert [bool(one.damage) for one in records] == [False, True, False, True, True]
        assert "changed" in records[1].damage[0] and "1793000000" in records[1].damage[0]

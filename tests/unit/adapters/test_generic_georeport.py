"""GeoReport v2 servers that nobody here wrote: the contract's samples in both formats, and every deviation met in the
field, read with the settings of docs/examples/open311.yaml and understood by the shipped mapping."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.errors import BrokenReply, Refused, WireError
from bridge.documents import load, model
from bridge.mapping.language import Mapping as Language
from bridge.mapping.translator import Translator
from tests.unit.adapters.rest_server import Asked, Said, drained, serving

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "docs" / "contracts" / "open311" / "samples"
DEVIATIONS = sorted((SAMPLES / "deviations").iterdir())
KNOWN = "2026-000638349"
OURS = "hy-0f9b2f5e-7c1d-5c53-9d3c-6b1f0c7a3711"
NO_LIST = {"duplicate-refused.json", "error-200-html.html", "error-as-object.json", "wrapped-services.json"}
"""Deviations of other calls than the list of requests: tested below."""


def settings(form: str = "json", **more: Any) -> dict[str, Any]:
    (platform,) = yaml.safe_load((ROOT / "docs" / "examples" / "open311.yaml").read_text(encoding="utf-8"))["platforms"]
    found = json.loads(json.dumps(platform["settings"], default=lambda value: value.isoformat()))
    if form == "xml":  # as docs/platforms/open311.md says for servers with XML only
        text = json.dumps(found).replace(".json", ".xml").replace('"0.', '"request.')
        found = {**json.loads(text), "format": "xml"}
    return {**found, **more}


def translator(**more: Any) -> Translator:
    found = model(load(ROOT / "mappings" / "open311.yaml"), Language)
    return Translator(found.model_copy(update=more), "1")


def file(name: str, form: str = "") -> Said:
    path = SAMPLES / name
    return Said(path.read_bytes(), content_type=form or {"json": "application/json", "xml": "text/xml"}.get(path.suffix[1:], "text/html"))


@pytest.mark.parametrize("form", ["json", "xml"])
def test_the_standard_itself(tmp_path: Path, form: str) -> None:
    """Both formats mean the same: ids and codes as text, our reference out of the description, position, times."""
    with serving(tmp_path, lambda asked: file(f"requests.{form}")) as there:
        records, _ = drained(there.adapter(settings(form)))
        assert [one.native_id for one in records] == ["2026-000638349", "2026-000638344"]  # oldest first
        understood = [translator().understand("open311", one.body) for one in records]
        first, second = understood
        assert second.fields["description"] == "罐车向路边沟渠倾倒污水" and second.reference == "371103-20261026-000017"
        assert (second.status, second.fields["reply_public"]) == ("closed", "已清理沟渠，车辆暂扣。")
        assert first.fields["item"]["code"] == "006" and float(first.fields["place.point"]["lat"]) == 35.23
        assert first.fields["reported_at"] == "2026-10-26T08:40:00+08:00"
        assert not any(one.notes for one in understood)
        asked = there.asked[0].query
        assert asked["start_date"] == "2026-10-01T00:00:00+08:00" and asked["jurisdiction_id"] == "rizhao.example"
        raw = (SAMPLES / f"requests.{form}").read_bytes()
        assert all(one.raw in raw and len(one.raw) < len(raw) for one in records)


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("name", ["requests-empty", "request"])
def test_none_and_one(tmp_path: Path, form: str, name: str) -> None:
    """An empty answer is none; one request alone is read by its id."""
    with serving(tmp_path, lambda asked: file(f"{name}.{form}")) as there:
        adapter = there.adapter(settings(form))
        assert len(drained(adapter)[0]) == (name == "request")
        if name == "request":
            assert adapter.fetch("2026-000638344").native_id == "2026-000638344"
        else:
            assert adapter.fetch("2026-000638344") is None


@pytest.mark.parametrize("path", [one for one in DEVIATIONS if one.name not in NO_LIST], ids=lambda one: one.name)
def test_a_deviation_survives(tmp_path: Path, path: Path) -> None:
    """Read, understood, with what matters: the id as text, open or closed, the description, the place if there is one."""
    form = "xml" if path.suffix == ".xml" else "json"
    with serving(tmp_path, lambda asked: file(f"deviations/{path.name}")) as there:
        records, _ = drained(there.adapter(settings(form)))
    more = {"time": "yyyy-MM-ddTHH:mm:ss"} if path.name == "naive-times.json" else {}
    sound = [one for one in records if one.native_id is not None]
    understood = {one.native_id: translator(**more).understand("open311", one.body) for one in sound}
    assert sound and all(not one.damage for one in sound)
    number = {"ids-and-codes-as-numbers.json": "638349", "no-id-yet.json": "2026-000638344"}.get(path.name, KNOWN)
    one = understood[number]
    assert one.stage is not None and one.fields["description"]
    assert one.fields["reported_at"].startswith("2026-10-26T0")
    has_place = path.name not in ("location-missing.json", "members-missing.json")
    assert bool(one.fields.get("place.point")) == has_place
    if path.name == "no-id-yet.json":
        assert len(records) == 1
    if path.name == "location-missing.json":
        assert all(not other.fields.get("place.point") for other in understood.values())
    if path.name == "other-status-words.json":
        assert [str(other.stage) for other in understood.values()] == ["CALLED", "CLOSED"]
    if path.name == "empty-objects-for-null.json":
        assert one.fields.get("reply_public") is None


def test_what_has_no_id_yet_is_read_again(tmp_path: Path) -> None:
    """The list is read from it on until it has one; after `unnumbered_days` it is a person's."""
    with serving(tmp_path, lambda asked: file("deviations/no-id-yet.json")) as there:
        _, cursor = drained(there.adapter(settings()))
        assert json.loads(cursor)["reached"].startswith("2026-10-26T00:40:00")  # its requested_datetime
        there.clock.sleep(8 * 86_400)
        records, cursor = drained(there.adapter(settings()), cursor)
        assert [bool(one.damage) for one in records if one.native_id is None] == [True]
        assert json.loads(cursor)["reached"] > "2026-11-01"


def test_deviations_of_other_calls(tmp_path: Path) -> None:
    """Errors as an object, a page with 200, a duplicate that is refused without its number, a list of services."""
    said: list[Said] = []
    with serving(tmp_path, lambda asked: said[0]) as there:
        adapter = there.adapter(settings())
        said[:] = [Said((SAMPLES / "deviations/error-as-object.json").read_bytes(), 404)]
        assert adapter.fetch("X") is None
        with pytest.raises(Refused, match="未找到") as refused:
            adapter.create({"description": "x", "reference": "hy-1"}, "hy-1")
        assert type(refused.value) is Refused
        for name in ("error-200-html.html", "wrapped-services.json"):
            said[:] = [file(f"deviations/{name}")]
            with pytest.raises(BrokenReply):
                drained(adapter)
        said[:] = [Said((SAMPLES / "deviations/duplicate-refused.json").read_bytes(), 400)]
        with pytest.raises(Refused, match="duplicate"):
            adapter.create({"description": "x", "reference": "hy-1"}, "hy-1")


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("kind", ["response", "response-token", "response-blackbox"])
def test_create(tmp_path: Path, form: str, kind: str) -> None:
    """The form of the standard; an id, a token, or nothing: a receipt, or a late one that is looked for and never sent
    again."""

    def answer(asked: Asked) -> Said:
        if asked.method == "POST":
            return file(f"post-{kind}.{form}")
        return file(f"{'token' if asked.path.startswith('/tokens') else 'requests-empty'}.{form}")

    with serving(tmp_path, answer) as there:
        adapter = there.adapter(settings(form), password="example-key")
        creation = translator().creation(
            {"description": "罐车倾倒污水", "item": {"catalogue": "open311", "code": "ENV66", "name": None},
             "place.address": "村北", "caller": {"name": "张三", "phones": ["13900000001"]}}, OURS, ())  # fmt: skip
        receipt = adapter.create(creation.body, OURS)
        sent = there.asked[0].form
        assert sent["description"] == f"罐车倾倒污水\n〔来源编号 {OURS}〕" and sent["service_code"] == "ENV66"
        assert (sent["api_key"], sent["address_string"], sent["last_name"]) == ("example-key", "村北", "张三")
        assert "reference" not in sent and "address" not in sent
        if kind == "response":
            assert receipt.native_id == "2026-000638350" and not receipt.late
            return
        assert receipt.late
        settled = adapter.settle(OURS)
        assert (settled.native_id if settled else None) == ("2026-000638344" if kind == "response-token" else None)
        assert [one.method for one in there.asked].count("POST") == 1


@pytest.mark.parametrize("wrap", [
    lambda one: {"service_requests": [one]}, lambda one: {"service_requests": {"request": [one]}},
    lambda one: {"service_requests": {"request": one}}, lambda one: {"requests": [one], "meta": {}}, lambda one: one,
])  # fmt: skip
@pytest.mark.parametrize("token", [False, True])
def test_create_where_the_answer_keeps_a_name(tmp_path: Path, wrap: Any, token: bool) -> None:
    """The id or the token is found wherever the deviations put a list: it need not be searched for."""

    def answer(asked: Asked) -> Said:
        if asked.method == "POST":
            return Said(wrap({"token": "T1"} if token else {"service_request_id": "S1", "token": None}))
        return Said(wrap({"token": "T1", "service_request_id": "S1"}) if asked.path == "/tokens/T1.json" else [])

    with serving(tmp_path, answer) as there:
        adapter = there.adapter(settings(), password="example-key")
        receipt = adapter.create({"description": "x", "reference": "hy-1"}, "hy-1")
        found = adapter.settle("hy-1") if token else receipt
        assert receipt.late is token and found is not None and found.native_id == "S1"


def test_hostile_xml(tmp_path: Path) -> None:
    """A document type, a bomb, nesting without end: a broken reply, at once."""
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><service_requests>&b;</service_requests>'
    for body in (bomb, b"<a>" * 50_000, b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', b"<a><b></a>"):
        said = Said(body, content_type="text/xml")
        with serving(tmp_path, lambda asked, said=said: said) as there, pytest.raises(BrokenReply):  # type: ignore[misc]
            drained(there.adapter(settings("xml")))


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    """403 is the key, 400 the record: each with the server's words."""
    for form in ("json", "xml"):
        for status, words in ((403, "api_key"), (400, "位置")):
            said = Said((SAMPLES / f"error-{status}.{form}").read_bytes(), status)
            with serving(tmp_path, lambda asked, said=said: said) as there:  # type: ignore[misc]
                with pytest.raises(WireError) as raised:
                    there.adapter(settings(form)).create({"description": "x", "reference": "hy-1"}, "hy-1")
                assert raised.value.remedy and (status == 403 or words in str(raised.value)), form

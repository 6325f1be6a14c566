"""Every sample of the contract, asked of the stand-in in both formats."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from lxml import etree

from tests.sandbox.open311_client import SAMPLES, Client, client, fits, sample

OWN = "https://open311.rizhao.example"
FORM = parse_qsl((SAMPLES / "post-request.txt").read_text(encoding="utf-8").split("\n\n")[1].strip())
SCHEMAS = {"post-response-token": "post-response", "post-response-blackbox": "post-response", "token-pending": "token",
           "requests-empty": "requests", "error-400": "errors", "error-403": "errors", "error-404": "errors"}  # fmt: skip
ROUGH = {"api_key": "example-key", "service_code": "006", "address_string": "某路"}


def story(there: Client) -> None:
    """The two requests of the samples: one that came as post-request.txt, one that a citizen made."""
    there.freeze("2026-10-26T09:12:05+08:00")
    assert there.post(FORM).status_code == 200
    there.citizen(number=638349, address_id="545483", zipcode="276800", media_url=f"{OWN}/media/638349.jpg")
    there.freeze("2026-10-26T11:05:00+08:00")
    there.at("officials/act", {
        "id": "2026-000638344", "status": "closed", "status_notes": "已清理沟渠，车辆暂扣。", "agency": "市生态环境局岚山分局",
        "notice": "2小时内到场", "expected": "2026-10-26T11:18:00+08:00",
    })  # fmt: skip


def plain(element: Any) -> Any:
    """An XML tree, comparable: names, text and children; blanks between elements do not count."""
    return (element.tag, (element.text or "").strip(), dict(element.attrib), [plain(one) for one in element])


def same(answer: Any, name: str, form: str) -> None:
    """The answer is the sample, but for the server's own address."""
    text = answer.text.replace(answer.url.split("/v2")[0].split("/discovery")[0], OWN)
    told = (SAMPLES / f"{name}.{form}").read_text(encoding="utf-8")
    if form == "json":
        assert json.loads(text) == json.loads(told)
        fits(SCHEMAS.get(name, name), answer.json())
        assert answer.headers["Content-Type"].startswith("application/json")
    else:
        assert plain(etree.fromstring(text.encode())) == plain(etree.fromstring(told.encode()))
        assert answer.headers["Content-Type"].startswith("text/xml")


@pytest.mark.parametrize("form", ["json", "xml"])
class TestSamples:
    def test_what_the_server_offers(self, form: str) -> None:
        """Discovery stands beside the endpoint, services and their definition below it."""
        with client() as there:
            same(there.get(f"/discovery.{form}"), "discovery", form)
            same(there.get(f"/v2/services.{form}"), "services", form)
            same(there.get(f"/v2/services/ENV66.{form}"), "service-definition", form)

    def test_creates_of_the_three_types(self, form: str) -> None:
        """A realtime service answers an id, a batch one a token, a blackbox one neither."""
        with client(first_number=638350) as there:
            same(there.post(ROUGH, form), "post-response", form)
            same(there.post(FORM, form), "post-response-token", form)
            same(there.post(ROUGH | {"service_code": "TIP9"}, form), "post-response-blackbox", form)

    def test_a_token_and_its_id(self, form: str) -> None:
        """The token alone at first, the id beside it a minute later."""
        with client(first_number=638344) as there:
            there.post(FORM)
            same(there.get(f"/v2/tokens/503fc0459018.{form}"), "token-pending", form)
            there.freeze("2026-10-26T12:01:00+08:00")
            same(there.get(f"/v2/tokens/503fc0459018.{form}"), "token", form)

    def test_requests(self, form: str) -> None:
        """The list, an empty list, and one request, which is an array of one."""
        with client(first_number=638344) as there:
            same(there.get(f"/v2/requests.{form}"), "requests-empty", form)
            story(there)
            same(there.get(f"/v2/requests/2026-000638344.{form}"), "request", form)
            same(there.get(f"/v2/requests.{form}"), "requests", form)

    def test_errors(self, form: str) -> None:
        """400 with all errors at once, 403 for the key, 404 for a service that is not there."""
        with client() as there:
            for status, members, name in (
                (400, {"api_key": "example-key", "service_code": "ENV66"}, "error-400"),
                (403, ROUGH | {"api_key": "wrong"}, "error-403"),
                (404, ROUGH | {"service_code": "NONE"}, "error-404"),
            ):
                answer = there.post(members, form)
                assert answer.status_code == status
                same(answer, name, form)


def test_every_sample_is_in_use() -> None:
    """A sample that is added is asked for here too."""
    known = {"discovery", "services", "service-definition", "post-request", "post-response", "post-response-token",
             "post-response-blackbox", "token", "token-pending", "requests", "requests-empty", "request", "error-400",
             "error-403", "error-404"}  # fmt: skip
    assert {path.stem for path in SAMPLES.iterdir() if path.is_file()} == known
    assert sample("requests-empty") == []

"""Each file of samples/deviations, switched on by its name, is what the server answers then."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lxml import etree

from sandbox.open311.deviations import NAMES
from tests.sandbox.open311_client import FORM, SAMPLES, Client, client, sample
from tests.sandbox.test_open311_samples import OWN, plain

FOLDER = SAMPLES / "deviations"
OWN_WAY = {"wrapped-services", "duplicate-refused", "error-200-html", "error-as-object", "jsonp", "location-missing",
           "namespace", "type-array"}  # fmt: skip
BOTH = {"wrapped", "wrapped-request", "other-status-words", "no-id-yet"}


def seeded(there: Client, name: str) -> None:
    """The samples' requests 2026-000638344 and 638349, as far as the deviation's sample shows them."""
    if name in BOTH:
        there.citizen(
            at="2026-10-26T09:12:05+08:00", service_code="ENV66", lat=35.299876, long=119.229012, address_id=None,
            description="罐车向路边沟渠倾倒污水\n〔来源编号 371103-20261026-000017〕", address="高兴镇高兴岭村北500米路西",
        )  # fmt: skip
        there.freeze("2026-10-26T11:05:00+08:00")
        there.at("officials/act", {
            "id": "2026-000638344", "status": "closed", "status_notes": "已清理沟渠，车辆暂扣。",
            "agency": "市生态环境局岚山分局", "notice": "2小时内到场", "expected": "2026-10-26T11:18:00+08:00",
        })  # fmt: skip
    there.citizen(number=638349, address_id="545483", zipcode="276800", media_url=f"{OWN}/media/638349.jpg")
    if name == "agency-as-object":
        there.at("officials/act", {"id": "2026-000638349", "agency": "岚山区交通运输局"})
    there.freeze("2026-10-26T12:00:00+08:00")


def by_id(found: Any) -> Any:
    """Samples list their requests in an order of their own."""
    if isinstance(found, list):
        return sorted(found, key=lambda one: str(one.get("service_request_id", "")))
    if isinstance(found, dict):
        return {name: by_id(part) for name, part in found.items()} if "status" not in found else found
    return found


@pytest.mark.parametrize("name", sorted(NAMES - OWN_WAY))
def test_json_of_lists(name: str) -> None:
    """The list of requests as the sample shows it."""
    with client(first_number=638344, deviations=(name,)) as there:
        seeded(there, name)
        answer = there.get("/v2/requests.json")
        assert answer.status_code == 200 and by_id(answer.json()) == by_id(sample(f"deviations/{name}"))


def test_no_place() -> None:
    """Null for an odd id, 0 and 0 for an even one."""
    with client(first_number=638349, deviations=("location-missing",)) as there:
        made = [there.citizen() for _ in range(4)]
        places = {one["service_request_id"]: (one["lat"], one["long"]) for one in there.get("/v2/requests.json").json()}
        told = [(one["lat"], one["long"]) for one in sample("deviations/location-missing")]
        assert [places[made[0]], places[made[3]]] == told == [(None, None), (0, 0)]


@pytest.mark.parametrize("name", ["namespace", "type-array"])
def test_xml(name: str) -> None:
    """Attributes and namespaces, in XML alone."""
    with client(first_number=638349, deviations=(name,)) as there:
        media = None if name == "namespace" else f"{OWN}/media/638349.jpg"
        there.citizen(address_id="545483", zipcode="276800", media_url=media)
        told = etree.fromstring((FOLDER / f"{name}.xml").read_bytes())
        assert plain(etree.fromstring(there.get("/v2/requests.xml").content)) == plain(told)
        assert isinstance(there.get("/v2/requests.json").json(), list)


def test_jsonp() -> None:
    """A script, under the name that was asked for."""
    with client(first_number=638349, deviations=("jsonp",)) as there:
        there.citizen(address_id="545483", zipcode="276800", media_url=f"{OWN}/media/638349.jpg")
        assert there.get("/v2/requests.json").text == (FOLDER / "jsonp.txt").read_text(encoding="utf-8").strip()
        assert there.get("/v2/requests.json", callback="there").text.startswith("there([")


def test_services_of_another_kind() -> None:
    """Wrapped, without some members, metadata as text, the name as the code, which is then understood too."""
    with client(deviations=("wrapped-services",)) as there:
        there.citizen()
        shown = there.get("/v2/services.json").json()["services"][0]
        told = sample("deviations/wrapped-services")["services"][0]
        assert shown == told | dict.fromkeys(("service_code", "service_name", "description"), "道路与人行道破损")
        assert there.post(FORM | {"service_code": "道路与人行道破损"}).status_code == 200
        assert len(there.get("/v2/requests.json", service_code="道路与人行道破损").json()) == 2


def test_a_duplicate_is_refused() -> None:
    """The same form twice: 400; another form is taken."""
    with client(deviations=("duplicate-refused",)) as there:
        assert there.post(FORM).status_code == 200
        answer = there.post(FORM)
        assert (answer.status_code, answer.json()) == (400, sample("deviations/duplicate-refused"))
        assert there.post(FORM | {"description": "另一处"}).status_code == 200


def test_errors_of_another_kind() -> None:
    """An object with numbers for codes; or a page of HTML with 200, whatever was asked, and nothing is done."""
    with client(deviations=("error-as-object",)) as there:
        answer = there.get("/v2/requests/none.json")
        assert answer.status_code == 404 and answer.json()["errors"][0]["code"] == 404
        assert json.loads(answer.text).keys() == sample("deviations/error-as-object").keys()
        there.at("settings", {"deviations": ["error-200-html"]})
        answer = there.post(FORM)
        assert answer.status_code == 200 and answer.content.strip() == (FOLDER / "error-200-html.html").read_bytes().strip()
        there.at("settings", {"deviations": []})
        assert there.ids() == []


def test_numbers_are_understood() -> None:
    """Who is shown 638349 may ask for 638349."""
    with client(first_number=638349, deviations=("ids-and-codes-as-numbers",)) as there:
        there.citizen()
        assert there.get("/v2/requests/638349.json").json()[0]["service_code"] == 6
        assert len(there.get("/v2/requests.json", service_request_id="638349", service_code="6").json()) == 1

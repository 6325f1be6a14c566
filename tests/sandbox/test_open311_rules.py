"""What the contract fixes for the stand-in (section 4), and its back door."""

from __future__ import annotations

import base64
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from sandbox.httpd import Server
from sandbox.open311.platform import Open311Platform
from tests.sandbox.open311_client import FORM, NOW, Client, client, fits

DAY = datetime.fromisoformat(NOW)


def back(days: float, seconds: float = 0) -> str:
    return (DAY - timedelta(days=days, seconds=seconds)).isoformat()


def test_a_create_is_not_idempotent() -> None:
    """Twice sent, two requests; names, phone, mail and device do not come back."""
    with client() as there:
        personal = {"first_name": "三", "last_name": "张", "phone": "13900000001", "email": "a@rizhao.example",
                    "device_id": "d-1"}  # fmt: skip
        first, second = (there.post(FORM | personal).json()[0]["service_request_id"] for _ in range(2))
        assert first != second and there.ids() == [second, first]
        shown = there.get(f"/v2/requests/{first}.json").text
        assert not [value for value in personal.values() if len(value) > 1 and value in shown]
        assert there.at(f"record/{first}", method="GET")["personal"]["phone"] == "13900000001"


def test_what_a_create_must_carry() -> None:
    """Empty members are absent; one of three locations; 4000 code points, all errors in one array."""
    with client() as there:
        assert there.post(FORM | {"description": "字" * 4000}).status_code == 200
        for members in (
            FORM | {"description": "字" * 4001}, FORM | {"lat": ""}, FORM | {"lat": "北"}, FORM | {"lat": "91"},
            FORM | {"service_code": ""},
        ):  # fmt: skip
            answer = there.post(members)
            assert answer.status_code == 400, members
            fits("errors", answer.json())
        assert len(there.post({"api_key": "example-key", "service_code": "ENV66", "description": "字" * 4001}).json()) == 3
        assert there.post({"api_key": "example-key", "service_code": "006", "address_id": "545483"}).status_code == 200
        json_body = there.send("POST", "/v2/requests.json", json=FORM)
        assert json_body.status_code == 400
        assert len(there.ids()) == 2, "a refused create leaves nothing"


@pytest.mark.parametrize("key", ["", "wrong"])
def test_a_create_needs_its_key(key: str) -> None:
    """403, before anything else is looked at; reading needs none."""
    with client() as there:
        assert there.post({"api_key": key}).status_code == 403
        assert there.get("/v2/requests.json", api_key=key).status_code == 200


def test_a_token_becomes_an_id_within_a_minute() -> None:
    """Not before 30 s, at 60 s at the latest; the request stands in the lists from then on; unknown tokens are 404."""
    with client() as there:
        token = there.post(FORM | {"service_code": "ENV66", "attribute[SOURCE]": "1"}).json()[0]["token"]
        for seconds, known in ((0, False), (29, False), (60, True)):
            there.freeze((DAY + timedelta(seconds=seconds)).isoformat())
            told = there.get(f"/v2/tokens/{token}.json").json()[0]
            assert ("service_request_id" in told) == known and told["token"] == token
            assert bool(there.ids()) == known
        assert there.get("/v2/tokens/none.json").status_code == 404


def test_the_feed_may_be_ahead_of_the_token() -> None:
    """By a switch: the list shows the request while its token is still empty."""
    with client(token_min_seconds=600, token_max_seconds=600, feed_lead_seconds=590) as there:
        token = there.post(FORM | {"service_code": "ENV66", "attribute[SOURCE]": "1"}).json()[0]["token"]
        there.freeze((DAY + timedelta(seconds=10)).isoformat())
        assert there.get(f"/v2/tokens/{token}.json").json() == [{"token": token}] and len(there.ids()) == 1


def test_a_blackbox_is_never_seen_again() -> None:
    """Neither in lists nor by its id; the officials have it."""
    with client() as there:
        there.post(FORM | {"service_code": "TIP9"})
        kept = there.at("records", method="GET")[0]["service_request_id"]
        assert there.ids() == [] and there.get(f"/v2/requests/{kept}.json").status_code == 404


def test_windows() -> None:
    """90 days by default, both bounds inclusive, one bound reaches 90 days, more than 90 is refused."""
    with client() as there:
        old, edge, new = (there.citizen(back(*when)) for when in ((90, 1), (90,), (1,)))
        there.freeze(NOW)
        assert there.ids() == [new, edge]
        assert there.ids(start_date=back(90, 1)) == [new, edge, old]
        assert there.ids(end_date=back(90)) == [edge, old]
        assert there.ids(start_date=back(90), end_date=back(90)) == [edge]
        assert there.ids(start_date="", end_date="") == [new, edge]
        assert there.ids(service_request_id=f"{old},none,{new}", status="closed", start_date="x") == [new, old]
        for query in (
            {"start_date": back(90, 1), "end_date": NOW}, {"start_date": "2026-10-01T00:00:00"}, {"end_date": "2026-10-01"},
            {"start_date": "2026-10-01T00:00:00.5+08:00"}, {"status": "OPEN"}, {"status": "open,shut"},
        ):  # fmt: skip
            answer = there.get("/v2/requests.json", **query)
            assert answer.status_code == 400, query
            fits("errors", answer.json())
        raw = there.get("/v2/requests.json?start_date=2026-10-01T00:00:00+08:00")
        assert raw.status_code == 400, "a raw + is a blank"


def test_filters() -> None:
    """service_code and status, one or several; unknown parameters are ignored; updated_* too, without the extension."""
    with client() as there:
        first, second = there.citizen(), there.citizen(service_code="ENV66", at="2026-10-26T09:00:00+08:00")
        there.at("officials/act", {"id": first, "status": "closed", "status_notes": "已处理"})
        there.freeze(NOW)
        assert there.ids(service_code="006") == [first] and there.ids(service_code="006,ENV66") == [second, first]
        assert there.ids(service_code="NONE") == []
        assert there.ids(status="closed") == [first] and there.ids(status="open,closed") == [second, first]
        assert there.ids(whatever="1", updated_after=NOW, page="7", page_size="0") == [second, first]


def test_a_list_is_cut_without_a_word() -> None:
    """The newest 1000."""
    with client() as there:
        made = there.at("officials/create", {"count": 1001})["ids"]
        assert there.ids() == list(reversed(made))[:1000]


def test_the_extensions() -> None:
    """updated_* inclusive, without the 90 days, oldest change first; pages of at most 500."""
    with client(extensions=True) as there:
        old, new = there.citizen(back(200)), there.citizen(back(2))
        there.freeze(back(1))
        there.at("officials/act", {"id": old, "status_notes": "正在处置"})
        there.freeze(NOW)
        assert there.ids(updated_after=back(2)) == [new, old]
        assert there.ids(updated_after=back(2), updated_before=back(2)) == [new]
        assert there.ids(updated_after=back(1), status="open") == [old]
        assert there.ids(updated_after=back(3), page="2", page_size="1") == [old]
        assert there.ids(updated_after=back(3), page="3", page_size="1") == []
        for query in ({"page": "0"}, {"page_size": "501"}, {"page_size": "x"}, {"updated_after": "2026-10-01T00:00:00"}):
            assert there.get("/v2/requests.json", **query).status_code == 400, query


def test_a_jurisdiction_that_is_required() -> None:
    """Missing 400, unknown 404; discovery needs none."""
    with client(jurisdiction="required") as there:
        assert there.get("/v2/services.json").status_code == 400
        assert there.get("/v2/services.json", jurisdiction_id="").status_code == 400
        assert there.get("/v2/services.json", jurisdiction_id="other.example").status_code == 404
        assert there.get("/v2/services.json", jurisdiction_id="rizhao.example").status_code == 200
        assert there.get("/discovery.json").status_code == 200
        assert there.post(FORM).status_code == 400
        assert there.post(FORM | {"jurisdiction_id": "rizhao.example"}).status_code == 200


def test_the_limit_says_when() -> None:
    """429 with Retry-After in seconds, by a switch."""
    with client(rate=0.5, burst=2) as there:
        answers = [there.get("/v2/services.json") for _ in range(3)]
        assert [one.status_code for one in answers] == [200, 200, 429]
        assert 1 <= int(answers[2].headers["Retry-After"]) <= 3
        fits("errors", answers[2].json())


def test_paths_that_are_not_there() -> None:
    """404 without a format, for unknown ids and for services without a definition; in XML where XML was asked for."""
    with client() as there:
        for target in ("/v2/services", "/v2/services.yaml", "/v2/requests/none.json", "/v2/services/NONE.json",
                       "/v2/nothing.json", "/requests.json", "/media/none.jpg"):  # fmt: skip
            assert there.get(target).status_code == 404, target
        answer = there.get("/v2/requests/none.xml")
        assert etree.fromstring(answer.content).findtext("error/code") == "404"


def test_text_comes_back_in_both_formats() -> None:
    """Chinese outside the basic plane, line breaks, markup; what XML cannot hold is left out of XML alone."""
    with client() as there:
        text = "𠂇 <b>&\n第二行\x01"
        made = there.post(FORM | {"description": text}).json()[0]["service_request_id"]
        assert there.get(f"/v2/requests/{made}.json").json()[0]["description"] == text
        read = etree.fromstring(there.get(f"/v2/requests/{made}.xml").content)
        assert read.findtext("request/description") == text.replace("\x01", "")


def test_media_stand_at_a_public_address() -> None:
    """A citizen's picture: media_url leads to its bytes without a key."""
    with client() as there:
        made = there.citizen(media={"base64": base64.b64encode(b"jpeg").decode()})
        url = there.get(f"/v2/requests/{made}.json").json()[0]["media_url"]
        answer = there.get(url.removeprefix(there.server.url))
        assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (200, b"jpeg", "image/jpeg")


def test_officials_turn_and_turn_again() -> None:
    """Closed, opened and closed with the same words: updated_datetime follows each time."""
    with client() as there:
        made = there.citizen()
        seen = []
        for minute, status in enumerate(("closed", "open", "closed")):
            there.freeze(f"2026-10-26T10:0{minute}:00+08:00")
            there.at("officials/act", {"id": made, "status": status, "status_notes": "已处理"})
            shown = there.get(f"/v2/requests/{made}.json").json()[0]
            seen.append((shown["status"], shown["updated_datetime"][14:16]))
        assert seen == [("closed", "00"), ("open", "01"), ("closed", "02")]
        there.at("officials/edit", {"id": made, "set": {"address": "新址", "zipcode": "276800"}})
        assert fits("request", there.get(f"/v2/requests/{made}.json").json())[0]["address"] == "新址"


def test_the_back_door_says_what_is_wrong() -> None:
    """404 for an unknown request or door, ValueError (400 over HTTP) for a wrong member, switch or deviation."""
    with client() as there:
        door = there.server.entrance
        assert door("POST", "officials/act", {"id": "none", "status": "open"})[0] == 404
        assert door("POST", "nothing", {})[0] == 404 and door("GET", "record/none", None)[0] == 404
        made = there.citizen()
        for name, body in (("officials/act", {"id": made, "status": "shut"}), ("officials/act", {"id": made, "x": 1}),
                           ("officials/edit", {"id": made, "set": {"number": 1}}), ("settings", {"deviations": ["none"]}),
                           ("officials/act", {"id": made, "expected": "morgen"})):  # fmt: skip
            answer = there.send("POST", f"/_sandbox/{name}", json=body)
            assert answer.status_code == 400 and answer.json()["error"], body


def test_damage_and_faults() -> None:
    """Members overridden or left out until they are healed; a status of one's choice, before or after the work."""
    with client() as there:
        made = there.citizen()
        there.at("damage", {"id": made, "set": {"updated_datetime": "昨天"}, "remove": ["status"]})
        shown = there.get(f"/v2/requests/{made}.json").json()[0]
        assert shown["updated_datetime"] == "昨天" and "status" not in shown
        there.at("damage", method="DELETE")
        fits("request", there.get(f"/v2/requests/{made}.json").json())
        there.at("faults", {"kind": "code", "operation": "create", "code": "500", "done": True})
        assert there.post(FORM).status_code == 500 and len(there.ids()) == 2
        there.at("faults", {"kind": "code", "operation": "services", "code": "503", "seconds": 7})
        answer = there.get("/v2/services.json")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")


def test_the_clerks_bring_every_request_to_its_end() -> None:
    """Taken up, noted, closed, each step with its words and time; citizens' reports and excepted ones are left alone."""
    with client() as there:
        own, citizens = there.post(FORM).json()[0]["service_request_id"], there.citizen()
        excepted = there.post(FORM | {"description": "留给别人"}).json()[0]["service_request_id"]
        there.freeze(NOW)
        there.at("department", {"except": ["留给"]})
        notes = []
        for _ in range(3):
            assert there.at("department", {"rounds": 1})["steps"] == 1
            notes.append(there.get(f"/v2/requests/{own}.json").json()[0]["status_notes"])
        shown = fits("request", there.get(f"/v2/requests/{own}.json").json())[0]
        assert len(set(notes)) == 3 and shown["status"] == "closed" and shown["agency_responsible"]
        assert there.at("department", {"rounds": 1})["steps"] == 0
        assert set(there.ids(status="open")) == {citizens, excepted}


def test_the_clerks_work_by_themselves() -> None:
    """Enabled with an interval, they need nobody to ask them; disabled they stop."""
    with client() as there:
        there.post(FORM)
        there.at("department", {"enabled": True, "interval_seconds": 0.01})
        pause = threading.Event()
        for _ in range(500):
            if there.ids(status="closed"):
                break
            pause.wait(0.01)
        assert there.ids(status="closed") and there.at("department", {"enabled": False})["enabled"] is False


def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    """A server on the same file has the same requests and media, and gives no number twice."""
    made = []
    for _ in range(2):
        with Server(Open311Platform(tmp_path / "open311.sqlite")) as server:
            there = Client(server)
            made.append(there.post(FORM).json()[0]["service_request_id"])
            assert set(there.ids()) == set(made)
    assert len(set(made)) == 2

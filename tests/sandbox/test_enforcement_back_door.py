"""The enforcement stand-in's rules beyond the samples: the table, the feed, keys, limits, and its back door."""

from __future__ import annotations

import base64

import pytest

from sandbox.enforcement.contract import load
from tests.sandbox.enforcement_client import CLIENT, SECRET, Client, client, fits

NOW = "2026-10-26T09:00:00+08:00"
DATA = {"assign": {"agency": "A"}, "transfer": {"agency": "A"}, "assist": {"agency": "A"}, "rate": {"satisfied": True},
        "extend": {"dueAt": "2027-01-01T00:00:00+08:00"}}  # fmt: skip
WAYS = {"open": [], "accepted": ["accept"], "assigned": ["assign"], "responded": ["respond"], "in_progress": ["start"],
        "reported": ["report"], "closed": ["close"], "rated": ["close", "rate"], "rejected": ["reject"],
        "cancelled": ["cancel"]}  # fmt: skip


def act(there: Client, case: str, kind: str) -> int:
    answer = there.event(case, kind, text="说明", data=DATA.get(kind, {}))
    fits("Event" if answer.status_code == 201 else "ConflictProblem", answer.json())
    return answer.status_code


@pytest.mark.parametrize("state", list(WAYS))
def test_every_event_at_every_state(state: str) -> None:
    """transitions.json decides: stored and moved, stored and kept, or 409."""
    table = load()
    with client() as there:
        there.freeze(NOW)
        for kind in table.events:
            case = there.create()["id"]
            for step in WAYS[state]:
                assert act(there, case, step) == 201
            after = table.transitions[kind][state]
            assert act(there, case, kind) == (409 if after == "x" else 201), kind
            shown = there.send("GET", f"/v1/cases/{case}").json()
            fits("Case", shown)
            assert shown["state"] == (state if after in "x=" else after), kind


def test_the_feed_follows_the_latest_change() -> None:
    """A changed case leaves its place and stands at the end; the empty page's cursor is the request's place."""
    with client() as there:
        made = there.at("officials/create", {"count": 5})["ids"]
        page = there.send("GET", "/v1/cases?limit=2").json()
        fits("CasePage", page)
        there.at("officials/act", {"id": made[0], "type": "accept"})
        seen = [one["id"] for one in page["items"]]
        while page["items"]:
            page = there.send("GET", f"/v1/cases?limit=2&cursor={page['nextCursor']}").json()
            seen += [one["id"] for one in page["items"]]
        assert seen == [*made, made[0]]
        again = there.send("GET", f"/v1/cases?cursor={page['nextCursor']}").json()
        assert again == page


def test_late_commits_take_their_place_at_the_end() -> None:
    """A case that is committed late stands behind those that were committed before, with its earlier updatedAt."""
    with client(commit_seconds=2) as there:
        there.freeze(NOW)
        made = there.at("officials/create", {"count": 40})["ids"]
        there.at("clock", {"freeze": 1792976400 + 3})
        shown = [one["id"] for one in there.send("GET", "/v1/cases").json()["items"]]
        assert sorted(shown) == sorted(made) and shown != made


def test_a_compaction_voids_older_cursors() -> None:
    """410 for a cursor from before, and `since` finds what changed."""
    with client() as there:
        there.freeze(NOW)
        made = there.at("officials/create", {"count": 3})["ids"]
        cursor = there.send("GET", "/v1/cases").json()["nextCursor"]
        there.at("compact")
        answer = there.send("GET", f"/v1/cases?cursor={cursor}")
        assert answer.status_code == 410
        fits("CursorProblem", answer.json())
        again = there.send("GET", "/v1/cases?since=2026-10-26T00:00:00Z").json()
        assert [one["id"] for one in again["items"]] == made


def test_a_key_lives_seven_days() -> None:
    """Within them a replay of the first answer, afterwards a new case."""
    with client() as there:
        there.freeze(NOW)
        first = there.create(key="huying-key-0000001")
        assert act(there, first["id"], "accept") == 201
        assert there.create(key="huying-key-0000001") == first
        there.at("clock", {"freeze": 1792976400 + 8 * 86_400})
        assert there.create(key="huying-key-0000001")["id"] != first["id"]


def test_a_confidential_contact_is_null_in_replies() -> None:
    """Stored, and null in every reply."""
    with client() as there:
        case = there.create(contact={"name": "张三", "phone": "13900000001", "confidential": True})
        assert case["contact"] == {"name": None, "phone": None, "confidential": True}
        assert there.at(f"record/{case['id']}", method="GET")["contact"]["name"] == "张三"


def test_both_ways_of_client_authentication() -> None:
    """HTTP Basic and form members; a token of either opens the feed."""
    basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
    with client() as there:
        answer = there.send("POST", "/oauth2/token", b"grant_type=client_credentials",
                            {"Authorization": f"Basic {basic}"})  # fmt: skip
        fits("TokenReply", answer.json())
        there.at("tokens/expire")
        assert there.send("GET", "/v1/cases").status_code == 401
        there.token()
        assert there.send("GET", "/v1/cases").status_code == 200


def test_the_limit_says_when() -> None:
    """20 at once, then 429 with Retry-After in seconds."""
    with client(rate=10, burst=20) as there:
        statuses = [there.send("GET", "/v1/cases/x").status_code for _ in range(40)]
        assert statuses[:20] == [404] * 20 and 429 in statuses


def test_unknown_paths_and_methods() -> None:
    """404, and 405 with Allow."""
    with client() as there:
        assert there.send("GET", "/v1/nothing").status_code == 404
        answer = there.send("DELETE", "/v1/cases")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")


def test_officials_and_their_office() -> None:
    """The back door creates, edits, attaches and removes; the office brings every API case to its end."""
    with client() as there:
        case = there.create()["id"]
        own = there.at("officials/create", {"title": "官方"})["id"]
        there.at("officials/edit", {"id": own, "set": {"location": {"address": "新址"}}})
        there.at("officials/attach", {"id": own, "name": "图.jpg", "base64": base64.b64encode(b"x").decode()})
        there.at("department", {"rounds": 12})
        by_id = {one["id"]: one for one in there.at("records", method="GET")}
        assert by_id[case]["state"] in ("closed", "rated") and by_id[own]["state"] == "open"
        there.at("officials/remove", {"id": own})
        assert there.send("GET", f"/v1/cases/{own}").status_code == 404
        assert there.server.entrance("POST", "officials/act", {"id": case, "type": "accept"})[0] == 409
        assert there.server.entrance("POST", "officials/act", {"id": own, "type": "accept"})[0] == 404
        there.at("damage", {"id": case, "set": {"updatedAt": "昨天"}, "remove": ["state"]})
        shown = there.send("GET", f"/v1/cases/{case}").json()
        assert shown["updatedAt"] == "昨天" and "state" not in shown


def test_the_limit_is_told_in_seconds() -> None:
    """429 rate-limited carries delta-seconds, 503 an HTTP date, both as problems."""
    with client(rate=0.5, burst=2) as there:
        answer = [there.send("GET", "/v1/cases") for _ in range(4)][-1]
        fits("Problem", answer.json())
        assert answer.status_code == 429 and 1 <= int(answer.headers["Retry-After"]) <= 3
        there.at("settings", {"rate": 1000, "burst": 1000})
        there.at("faults", {"kind": "code", "operation": "listCases", "code": "unavailable", "seconds": 5})
        late = there.send("GET", "/v1/cases")
        assert late.status_code == 503 and late.headers["Retry-After"].endswith("GMT")


def test_a_patch_changes_what_it_names() -> None:
    """Merged member by member; no change keeps ETag and feed; a lost answer's repetition is 412, a missing tag 428."""
    with client() as there:
        case = there.create(location={"address": "旧址", "areaCode": "371103"})["id"]
        tag = there.send("GET", f"/v1/cases/{case}").headers["ETag"]
        cursor = there.send("GET", "/v1/cases").json()["nextCursor"]
        assert there.send("PATCH", f"/v1/cases/{case}", {"title": "新"}).status_code == 428
        same = there.send("PATCH", f"/v1/cases/{case}", {}, {"If-Match": tag})
        assert (same.status_code, same.headers["ETag"]) == (200, tag)
        assert there.send("GET", f"/v1/cases?cursor={cursor}").json()["items"] == []
        done = there.send("PATCH", f"/v1/cases/{case}", {"location": {"address": "新址"}}, {"If-Match": tag})
        assert done.json()["location"] == {"lat": None, "lon": None, "address": "新址", "areaCode": "371103"}
        assert done.json()["events"][-1]["data"] == {"fields": ["location"]} and done.headers["ETag"] != tag
        again = there.send("PATCH", f"/v1/cases/{case}", {"location": {"address": "新址"}}, {"If-Match": tag})
        assert (again.status_code, again.headers["ETag"]) == (412, done.headers["ETag"])
        assert len(there.send("GET", f"/v1/cases?cursor={cursor}").json()["items"]) == 1


def test_files_come_back_as_they_were_put() -> None:
    """New 201, the same 200 without a change, other bytes 200 and replaced; names are decoded, never normalised."""
    with client() as there:
        case = there.create()["id"]
        target = f"/v1/cases/{case}/files/%E7%8E%B0%E5%9C%BA%20%E7%85%A7.jpg"
        kind = {"Content-Type": "image/jpeg"}
        tags = []
        for content, status in ((b"one", 201), (b"one", 200), (b"two", 200)):
            answer = there.send("PUT", target, content, kind)
            fits("File", answer.json())
            assert answer.status_code == status
            tags.append(answer.headers["ETag"])
        assert tags[0] == tags[1] != tags[2]
        back = there.send("GET", target)
        assert (back.content, back.headers["Content-Type"]) == (b"two", "image/jpeg")
        shown = there.send("GET", f"/v1/cases/{case}").json()
        assert [one["name"] for one in shown["files"]] == ["现场 照.jpg"]
        assert [one["data"]["replaced"] for one in shown["events"] if one["type"] == "file-added"] == [False, True]

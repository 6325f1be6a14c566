"""Every sample exchange of the contract, replayed with its real signatures, gets the sample's answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.sandbox.government_client import CONTRACT, Answer, Rig, check_schema, compact, rig

SAMPLES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (CONTRACT / "samples").glob("*.json")}
PHOTO = base64.b64decode("/9j/4AAQSkZJRgABAQAAAQABAAD/2Q==")
EARLIER = 1792972800.0  # before every window the samples ask for

REFUSALS = {
    "token-expired",
    "nonce-repeated",
    "sign-stale",
    "sign-wrong",
    "call-not-found",
    "forbidden",
    "internal",
    "gateway-502",
    "throttled-4029",
    "throttled-429",
}
APART = {"gateway-413"}


def answered_at(response: dict[str, Any]) -> float:
    """The platform's clock when it answered, as far as the answer tells. Epoch seconds."""
    data = (response.get("body") or {}).get("data") or {}
    if "updateTime" in data and "timeline" not in data and "createTime" in data:
        return float(data["createTime"] / 1000)
    return parsedate_to_datetime(response["headers"]["Date"]).timestamp()


def send(made: Rig, exchange: dict[str, Any], body: bytes | None = None) -> Answer:
    request = exchange["request"]
    if "body" in request:
        body = compact(request["body"])
    elif "bodyBase64" in request:
        body = base64.b64decode(request["bodyBase64"])
    return made.caller.wire(request["method"], request["target"], list(request["headers"].items()), body)


def compare(sample: dict[str, Any], answer: Answer, response: dict[str, Any]) -> None:
    assert answer.status == response["status"]
    for name, value in response["headers"].items():
        assert answer.headers[name] == value
    if "body" in response:
        assert answer.json == response["body"]
        check_schema(sample["operation"], answer.status, answer.json)
    elif "bodyBase64" in response:
        assert answer.body == base64.b64decode(response["bodyBase64"])
    else:
        assert answer.body.decode() == response["bodyText"]


def replay(made: Rig, name: str, *, only: int | None = None, at: float | None = None) -> str:
    """One sample (or one of its exchanges) at the time it tells, with the ids it tells."""
    sample = SAMPLES[name]
    exchanges = sample["exchanges"] if only is None else [sample["exchanges"][only]]
    for exchange in exchanges:
        response = exchange["response"]
        envelope = response.get("body") or {}
        data = envelope.get("data") or {}
        if "traceId" in envelope:
            made.ids.ahead["trace"] = [envelope["traceId"]]
        for kind, member in (("token", "token"), ("file", "fileId")):
            made.ids.ahead[kind] = [data[member]] if member in data else []
        stamp = data.get("updateTime") if sample["operation"] == "postAction" and name == "actions-story" else None
        made.clock.now = at or (stamp / 1000 if stamp else answered_at(response))
        compare(sample, send(made, exchange), response)
        made.ids.ahead["trace"] = []
    return name


@pytest.fixture
def made() -> Iterator[Rig]:
    with rig() as one:
        # The samples go on with their first token after its two hours.
        one.tell("settings", token_seconds=86_400)
        one.tell("apps", appKey="LSAPP0002", appSecret="example-secret-of-another-app", disabled=True)
        yield one


def test_the_samples_of_one_morning(made: Rig) -> None:
    """A call's whole story, from the token to the list, is answered as the samples show."""
    done: set[str] = set()
    made.clock.now = EARLIER
    made.tell("clerks/create", title="早前呼叫", content="早前呼叫", count=16)
    for name in ("token-disabled", "token-wrong-secret", "token", "file-upload-bad-type"):
        done.add(replay(made, name))
    made.caller.token = SAMPLES["token"]["exchanges"][0]["response"]["body"]["data"]["token"]
    done.add(replay(made, "file-upload", at=1792977120.8))
    for name in ("create", "create-duplicate", "create-masked-phone", "create-unknown-item", "create-file-used"):
        done.add(replay(made, name))
    done.add(replay(made, "actions-story", only=0))
    done.add(replay(made, "action-unknown-dept"))
    for step in range(1, 6):
        done.add(replay(made, "actions-story", only=step))
    done.add(replay(made, "file-download"))
    done.add(replay(made, "file-not-found"))
    done.add(replay(made, "action-bad-limit"))
    done.add(replay(made, "actions-story", only=6))
    made.clock.now = 1792983325.328
    made.ids.ahead["file"] = ["1c1c96fd2cf8330db0bfa936ce82f3b9"]
    made.caller.upload(PHOTO, name="处置反馈.jpg")
    for step in range(7, len(SAMPLES["actions-story"]["exchanges"])):
        done.add(replay(made, "actions-story", only=step))
    done.add(replay(made, "action-repeat"))
    done.add(replay(made, "action-illegal"))
    done.add(replay(made, "detail"))

    made.clock.now = EARLIER
    made.tell("clerks/create", title="早前呼叫", content="早前呼叫", count=3)
    add_the_other_rows(made)
    for name in ("detail-secret", "list", "list-beyond", "list-page-size"):
        done.add(replay(made, name))
    assert done == set(SAMPLES) - REFUSALS - APART


def add_the_other_rows(made: Rig) -> None:
    """The list sample's second and third row."""
    second, third = SAMPLES["list"]["exchanges"][0]["response"]["body"]["data"]["records"][1:]
    made.clock.now = second["createTime"] / 1000
    fields = {
        name: second[name] for name in ("title", "content", "channel", "urgency", "townCode", "address", "callUnit")
    }
    contact = SAMPLES["detail-secret"]["exchanges"][0]["response"]["body"]["data"]["contact"]
    made.tell("clerks/create", **fields, itemCode="LS0102", contact=contact)
    made.clock.now = second["updateTime"] / 1000
    made.tell("clerks/edit", callNo=second["callNo"], set={"itemCode": "LS0103"})
    names = ("outerNo", "title", "content", "itemCode", "channel", "urgency", "townCode", "lng", "lat", "callUnit")
    made.caller.create(**{name: third[name] for name in names})


def test_refusals_before_the_work(made: Rig) -> None:
    """Signature, token, function, limits and gateway refuse as the samples show."""
    made.caller.token = SAMPLES["token"]["exchanges"][0]["response"]["body"]["data"]["token"]
    replay(made, "token")
    done: set[str] = set()
    for name in ("token-expired", "nonce-repeated", "sign-stale", "sign-wrong", "call-not-found"):
        done.add(replay(made, name))
    made.tell("apps", appKey="LSAPP0001", functions=["call:read"])
    done.add(replay(made, "forbidden"))
    made.tell("apps", appKey="LSAPP0001", functions=["call:read", "call:create", "call:action"])
    made.fault("code", code="5000", operation="postAction")
    done.add(replay(made, "internal"))
    page = SAMPLES["gateway-502"]["exchanges"][0]["response"]
    made.fault("refuse", status=502, body=page["bodyText"], headers={"Connection": "close"})
    done.add(replay(made, "gateway-502"))
    made.tell("settings", burst=0)
    done.add(replay(made, "throttled-4029"))
    made.tell("settings", gateway_rate=0)
    done.add(replay(made, "throttled-429"))
    assert done == REFUSALS


def test_a_body_over_25_mib_meets_the_gateway(made: Rig) -> None:
    """26 214 401 bytes get the gateway's HTML page."""
    sample = SAMPLES["gateway-413"]
    made.clock.now = answered_at(sample["exchanges"][0]["response"])
    answer = send(made, sample["exchanges"][0], bytes(26_214_401))
    compare(sample, answer, sample["exchanges"][0]["response"])

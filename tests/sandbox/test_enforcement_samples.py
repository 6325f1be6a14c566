"""Every sample of the contract, replayed against the stand-in."""

from __future__ import annotations

import base64
import json
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from sandbox.enforcement.contract import FOLDER
from tests.sandbox.enforcement_client import Client, client, fits

SAMPLES = sorted((FOLDER / "samples").glob("*.json"))
FIRST, SECOND, THIRD = ("2d20f1cd-235a-4c95-b820-2b25f2e68428", "0419d830-ceef-46b7-9d2e-7141ec0229e4",
                        "95b20777-6f40-4c88-b80c-dd383f284e39")  # fmt: skip
DAY = "Mon, 26 Oct 2026 01:00:00 GMT"
AFTER_CREATE = ("create-replay", "create-key-reused", "list-next", "list-empty", "events-story")
AFTER_STORY = ("get", "get-not-modified", "event-illegal", "event-precondition", "event-validation")
AFTER_PATCH = ("patch-precondition-failed", "patch-read-only", "patch-media-type", "file-put")
AFTER_FILE = ("file-get", "file-put-same", "file-put-exists")
SCHEMAS = {"createCase": "Case", "getCase": "Case", "patchCase": "Case", "listCases": "CasePage", "postEvent": "Event",
           "putFile": "File", "token": "TokenReply"}  # fmt: skip


def sample(name: str) -> dict[str, Any]:
    return dict(json.loads((FOLDER / "samples" / f"{name}.json").read_text(encoding="utf-8")))


def second(there: Client, *, cancelled: bool = False) -> None:
    """The case that the command centre typed in, as list-since shows it."""
    there.freeze("2026-10-26T09:05:00.001+08:00")
    there.minted += [THIRD if cancelled else SECOND, "7e089bab-aa64-466a-b16f-09f12714b59f"]
    there.at("officials/create", {"title": "某路段渣土车撒漏", "category": {"code": "CTY-03"},
             "location": {"address": "某路与某路交叉口", "areaCode": "371103"}, "contact": {"confidential": True}})  # fmt: skip


def replay(there: Client, name: str) -> None:
    for exchange in sample(name)["exchanges"]:
        told, body = exchange["response"], exchange["response"].get("body") or {}
        events = body.get("events") or []
        moment = body.get("recordedAt") or body.get("uploadedAt") or body.get("updatedAt")
        at = moment if (moment and told["status"] == 201) or (moment and name == "patch") else ""
        there.freeze(at or parsedate_to_datetime(told["headers"].get("Date", DAY)).isoformat())
        there.minted[:] = [body["id"]] if "id" in body else []
        there.minted += [events[-1]["id"]] if events and told["status"] in (200, 201) else []
        if name == "patch-cancelled":  # the sample's "x-3" is no ETag that this platform makes
            exchange["request"]["headers"]["If-Match"] = f'"{THIRD[:8]}-2"'
        answer = send(there, exchange["request"])
        check(answer, told, sample(name)["operation"])


def send(there: Client, request: dict[str, Any]) -> Any:
    headers = {"Authorization": "", "Content-Type": "", **request["headers"]}
    body: Any = request.get("body")
    if "bodyBase64" in request:
        body = base64.b64decode(request["bodyBase64"])
    elif "bodyText" in request:
        body = request["bodyText"].encode()
    elif isinstance(body, dict) and "form" in headers["Content-Type"]:
        body = urlencode(body).encode()
    return there.send(request["method"], request["target"], body, headers)


def check(answer: Any, told: dict[str, Any], operation: str) -> None:
    assert answer.status_code == told["status"], answer.text
    for header, value in told["headers"].items():
        if header not in ("Date", "X-Request-Id"):
            assert answer.headers[header] == value, header
    if "bodyBase64" in told:
        assert answer.content == base64.b64decode(told["bodyBase64"])
    elif "body" in told:
        shown = answer.json()
        if "instance" in shown:
            assert shown["instance"] == f"urn:uuid:{answer.headers['X-Request-Id']}"
            fits({409: "ConflictProblem", 410: "CursorProblem", 422: "ValidationProblem"}.get(told["status"], "Problem"), shown)
        elif told["status"] < 300:
            fits(SCHEMAS[operation], shown)
        assert without_new_ids(shown) == without_new_ids(told["body"])


def without_new_ids(body: Any) -> Any:
    """All of it, but for what is random: the request's id, ids of events that other steps wrote."""
    if isinstance(body, dict):
        return {name: without_new_ids([{**one, "id": ""} for one in value] if name == "events" else value)
                for name, value in body.items() if name not in ("instance", "access_token")}  # fmt: skip
    return [without_new_ids(one) for one in body] if isinstance(body, list) else body


@pytest.mark.parametrize("name", [path.stem for path in SAMPLES])
def test_sample(name: str) -> None:
    """The stand-in answers as the sample says: status, headers, body."""
    with client() as there:
        if name in ("payload-too-large", "file-put-too-large"):
            second(there)
            too_large(there, name)
            return
        if name in ("rate-limited", "unavailable", "internal", "create-in-progress"):
            there.freeze("2026-10-26T01:00:00+08:00")
            operation = {"listCases": "listCases", "createCase": "createCase"}[sample(name)["operation"]]
            code = {"create-in-progress": "idempotency-in-progress"}.get(name, name)
            seconds = {"rate-limited": 2, "unavailable": 5400}.get(name, 1)
            there.at("faults", {"kind": "code", "code": code, "operation": operation, "seconds": seconds})
            answer, told = send(there, sample(name)["exchanges"][0]["request"]), sample(name)["exchanges"][0]["response"]
            assert (answer.status_code, answer.json()["type"]) == (told["status"], told["body"]["type"])
            assert answer.headers.get("Retry-After") == told["headers"].get("Retry-After")
            return
        prepare(there, name)
        replay(there, name)


def prepare(there: Client, name: str) -> None:
    if name == "token-not-allowed":
        there.at("clients", {"client_id": "huying-lanshan", "disabled": True})
    if name == "unauthorized":
        ended = sample(name)["exchanges"][0]["request"]["headers"]["Authorization"].removeprefix("Bearer ")
        there.server.platform._store.save_token(ended, "huying-lanshan", "", 0)  # type: ignore[attr-defined]
    if name == "forbidden":
        there.at("clients", {"client_id": "huying-lanshan", "scopes": ["cases.read"]})
        there.token()
    if name == "list-compacted":
        there.freeze("2026-10-25T02:00:00+08:00")
        there.server.platform._store._set("generation", 0)  # type: ignore[attr-defined]
        there.at("compact")
    if name == "patch-cancelled":
        second(there, cancelled=True)
        there.at("officials/act", {"id": THIRD, "type": "cancel"})
    if name == "list-next":
        there.server.platform._store._set("place", 1024)  # type: ignore[attr-defined]
    if name == "list-since":
        there.server.platform._store._set("place", 1023)  # type: ignore[attr-defined]
    if name == "list-empty":
        there.server.platform._store._set("place", 1024)  # type: ignore[attr-defined]
    if name == "list-since" or (name.startswith(("patch", "file")) and name != "patch-cancelled"):
        second(there)
    if name in AFTER_CREATE or name in AFTER_STORY:
        replay(there, "create")
    if name in AFTER_STORY:
        replay(there, "events-story")
    if name in AFTER_PATCH or name in AFTER_FILE:
        replay(there, "patch")
    if name in AFTER_FILE:
        replay(there, "file-put")


def too_large(there: Client, name: str) -> None:
    exchange = sample(name)["exchanges"][0]
    size, headers = (1_048_577, exchange["request"]["headers"]) if name == "payload-too-large" else (
        52_428_801, exchange["request"]["headers"])
    answer = there.send(exchange["request"]["method"], exchange["request"]["target"], b" " * size, headers)
    check(answer, exchange["response"], "putFile")


def test_the_samples_are_there() -> None:
    """Nobody moved the contract away."""
    assert len(SAMPLES) == 54

"""Files travel with their call, once, byte for byte; what cannot travel stops nothing. The judge: the platforms' own
databases."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from adapters.errors import Unavailable
from bridge.ledger.tables import history, outbox
from tests.sync.petition_world import petition_world
from tests.sync.world import World, world

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8
SIZES = (4, 5_000, 1_000_003)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def jpeg(size: int) -> bytes:
    return (JPEG * (1 + size // len(JPEG)))[:size]


def to_grid(two: World, event: str, name: str, data: bytes) -> None:
    assert two.attach("grid", event, name, data)


def to_government(two: World, number: str, name: str, data: bytes) -> None:
    assert two.attach("government", number, name, data)


def on_grid(two: World) -> list[tuple[str, str]]:
    (event,) = two.grid_events()
    return [(one["name"], one["sha256"]) for one in event["attachments"] or ()]


def on_government(two: World) -> list[tuple[str, str]]:
    (call,) = two.government_calls()
    return [(one["name"], one["sm3"]) for one in call["files"]]


def sm3(data: bytes) -> str:
    return hashlib.new("sm3", data).hexdigest()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def notes(two: Any) -> list[str]:
    with two.bridge.ledger.begin() as tx:
        found = tx.execute(select(history.c.body).where(history.c.kind == "note").order_by(history.c.id)).scalars()
        return [str(body.get("words")) for body in found]


def test_files_travel_both_ways_once(two: World) -> None:
    """Files attached before and after the call travelled, on either side, of 4 bytes to a megabyte: each is on both
    platforms once, byte for byte, and nothing is written any more."""
    event = two.grid_call()
    to_grid(two, event, "污水现场1.jpg", jpeg(SIZES[0]))
    two.quiet()
    to_grid(two, event, "污水现场2.jpg", jpeg(SIZES[1]))
    (call,) = two.government_calls()
    to_government(two, call["callNo"], "处置后.jpg", jpeg(SIZES[2]))
    two.quiet()
    names = ["污水现场1.jpg", "污水现场2.jpg", "处置后.jpg"]
    assert sorted(on_grid(two)) == sorted((name, sha256(jpeg(size))) for name, size in zip(names, SIZES, strict=True))
    assert sorted(on_government(two)) == sorted((name, sm3(jpeg(size))) for name, size in zip(names, SIZES, strict=True))
    (event_shown,) = two.grid_events()
    assert [p["opinion"] for p in event_shown["processes"]].count("【附件】处置后.jpg") == 1
    assert not two.dead()


def test_two_files_of_one_name_both_arrive(two: World) -> None:
    """C63, C64: two files of one name, and one photo added twice by a person, stay two on the other side too."""
    event = two.grid_call()
    to_grid(two, event, "同名.jpg", jpeg(100))
    to_grid(two, event, "同名.jpg", jpeg(200))
    two.quiet()
    to_grid(two, event, "同名.jpg", jpeg(100))
    two.quiet()
    assert on_government(two) == [("同名.jpg", sm3(jpeg(100))), ("同名 (2).jpg", sm3(jpeg(200))), ("同名 (3).jpg", sm3(jpeg(100)))]
    assert len(on_grid(two)) == 3


@pytest.mark.parametrize("slug", ["government", "grid"])
def test_a_lost_answer_makes_no_second_copy(two: World, slug: str) -> None:
    """The answer to a file's write is lost: it is found where it stands, not sent again."""
    if slug == "government":
        to_grid(two, two.grid_call(), "现场.jpg", jpeg(900))
    else:
        to_government(two, two.government_call(), "现场.jpg", jpeg(900))
    origin = "grid" if slug == "government" else "government"
    two.poll(origin)
    with two.bridge.ledger.begin() as tx:  # the call alone first: the fault shall meet the file
        tx.execute(outbox.update().where(outbox.c.kind == "file").values(available_at=2**60))
    two.push(slug)
    with two.bridge.ledger.begin() as tx:
        tx.execute(outbox.update().where(outbox.c.kind == "file").values(available_at=0))
    two.fault(slug, operation="updateEvent" if slug == "grid" else "postAction", kind="lost")
    two.push(slug)
    two.quiet()
    held = on_government(two) if slug == "government" else on_grid(two)
    assert len(held) == 1 and len(on_grid(two)) == len(on_government(two)) == 1


def test_what_is_too_large_is_left_behind_and_said(two: World) -> None:
    """A file that the target refuses stops nothing: the call and its answers travel, officials and history are told."""
    number = two.government_call()
    to_government(two, number, "大.jpg", jpeg(15_000_000))
    to_government(two, number, "小.jpg", jpeg(10))
    two.act(number, "ACCEPT", dept="LS001")
    two.quiet()
    (event,) = two.grid_events()
    assert [name for name, _ in on_grid(two)] == ["小.jpg"]
    assert event["stage"] == "06"
    assert sum("附件未送达" in p["opinion"] and "大.jpg" in p["opinion"] for p in event["processes"]) == 1
    assert sum("附件未送达" in words and "大.jpg" in words for words in notes(two)) == 1
    assert not two.dead()


def test_a_source_that_is_down_holds_up_no_answer(two: World) -> None:
    """While the file cannot be read where it stands, what officials do travels on; then the file follows."""
    event = two.grid_call()
    to_grid(two, event, "现场.jpg", jpeg(50))
    two.poll("grid")
    two.move(event, "06")
    two.poll("grid")
    two.fault("grid", operation="getAttachment", kind="down", times=4)
    two.push("government")
    (call,) = two.government_calls()
    assert call["status"] == "ACCEPTED" and not call["files"]
    two.at("grid", "faults", method="DELETE")
    two.quiet()
    assert on_government(two) == [("现场.jpg", sm3(jpeg(50)))]


def test_lying_types_and_hostile_names(two: World) -> None:
    """A program called photo is not passed on as a photo; a name that is a path arrives as a plain name."""
    number = two.government_call()
    png = b"\x89PNG\r\n\x1a\n" + bytes(100)
    to_government(two, number, "照片.jpg", png)
    to_government(two, number, "程序.jpg", b"MZ\x90\x00" + bytes(100))
    to_government(two, number, "..\\..\\x.jpg", jpeg(64))
    two.quiet()
    (event,) = two.grid_events()
    assert {(one["name"], one["mime"]) for one in event["attachments"]} >= {("照片.jpg", "image/png"), ("x.jpg", "image/jpeg")}
    assert [one["mime"] for one in event["attachments"] if one["name"] == "程序.jpg"] in ([], ["application/octet-stream"])
    assert sum("附件类型与内容不符" in words for words in notes(two)) == 2


def test_names_that_the_other_side_would_refuse(two: World) -> None:
    """A photo without an extension gets the one of its content where a kind is known by that alone; a name of rare
    characters is cut as the grid counts (UTF-16 units)."""
    event = two.grid_call()
    two.quiet()
    (call,) = two.government_calls()
    to_grid(two, event, "现场照片", jpeg(5_000))
    to_government(two, call["callNo"], "\U0002cc56" * 120 + ".jpg", jpeg(6_000))
    two.quiet()
    assert ("现场照片.jpg", sm3(jpeg(5_000))) in on_government(two)
    assert (("\U0002cc56" * 38 + ".jpg"), sha256(jpeg(6_000))) in on_grid(two)
    assert len(on_grid(two)) == len(on_government(two)) == 2 and two.dead() == []


def test_a_file_moves_no_call_where_the_centre_leads(two: World) -> None:
    """A file's note by the call's lead would count as progress (government, section 6): it is another's then."""
    event = two.grid_call()
    two.quiet()
    (call,) = two.government_calls()
    for action in ("ACCEPT", "DISPATCH", "RESPOND"):
        two.pass_time(2)
        two.act(call["callNo"], action, dept="LS001")
    two.quiet()
    to_grid(two, event, "现场.jpg", jpeg(5_000))
    two.quiet()
    (call,) = two.government_calls()
    assert (call["status"], len(call["files"])) == ("RESPONDED", 1)


def test_a_secret_name_does_not_leave_in_a_file_name(two: World) -> None:
    """A confidential caller's name in the name of a file is struck out before it leaves (promise G9)."""
    number = two.government_call(contact={"name": "王守密", "phone": "13912345678", "secret": True})
    to_government(two, number, "王守密家门口13912345678.jpg", jpeg(30))
    two.quiet()
    assert on_grid(two) == [("〔保密〕家门口〔保密〕.jpg", sha256(jpeg(30)))]
    assert "王守密" not in str(two.grid_events())


def test_the_store_is_not_the_only_place(two: World) -> None:
    """A store that was cleaned, or damaged, between reading and writing is filled again from the platform."""
    event = two.grid_call()
    to_grid(two, event, "现场.jpg", jpeg(77))
    two.poll("grid")
    two.fault("government", operation="uploadFile", kind="refuse", status=503)
    with pytest.raises(Unavailable):
        two.push("government")
    kept = [path for path in two.bridge.files.rglob("*") if path.is_file()]
    for path in kept:
        path.write_bytes(b"damaged")
    two.quiet()
    assert kept and on_government(two) == [("现场.jpg", sm3(jpeg(77)))]


def test_files_on_a_platform_that_acknowledges_later(tmp_path: Path) -> None:
    """Grid and petition: the batch takes files up later; each stands once on both sides, under a name GBK can hold."""
    with petition_world(tmp_path) as two:
        event = two.grid_call()
        body = {"eventId": event, "name": "现场😀.jpg", "mime": "image/jpeg", "base64": base64.b64encode(jpeg(500)).decode()}
        two.at("grid", "officials/attach", body)
        two.quiet()
        (order,) = two.orders()
        data = base64.b64encode(jpeg(600)).decode()
        two.at("petition", "officials/attach", {"GDBH": order["GDBH"], "WJM": "答复.jpg", "WJLX": "image/jpeg", "base64": data,
                                                "CZR": "秦受理"})  # fmt: skip
        two.quiet()
        (order,), (shown,) = two.orders(), two.events()
        assert sorted(one["WJM"] for one in order["FJ"]) == ["现场_.jpg", "答复.jpg"]
        assert sorted(one["name"] for one in shown["attachments"]) == ["现场😀.jpg", "答复.jpg"]
        assert not two.dead()


def test_documents_are_told_as_what_they_are(tmp_path: Path) -> None:
    """The grid tells a file's type with its content alone; a docx's first bytes are any archive's, a text has no sign."""
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    files = {"说明.docx": (word, b"PK\x03\x04" + bytes(range(256))), "记录.txt": ("text/plain", b"abc")}
    with petition_world(tmp_path) as two:
        event = two.grid_call()
        for name, (mime, data) in files.items():
            body = {"eventId": event, "name": name, "mime": mime, "base64": base64.b64encode(data).decode()}
            two.at("grid", "officials/attach", body)
        two.quiet()
        (order,) = two.orders()
        assert {one["WJM"]: one["WJLX"] for one in order["FJ"]} == {name: mime for name, (mime, _) in files.items()}


def test_yesterdays_backup_doubles_no_file(two: World) -> None:
    """G12: a ledger restored to before a file was carried finds the copy, and sends it neither again nor back."""
    event = two.grid_call()
    two.quiet()
    to_grid(two, event, "现场.jpg", jpeg(40))
    two.poll("grid")
    ledger = Path(two.bridge.ledger.url.removeprefix("sqlite:///"))
    two.bridge.ledger.close()
    backup = {part: part.read_bytes() for part in ledger.parent.glob("ledger.sqlite*")}
    two.push("government")
    two.bridge.ledger.close()
    for part in ledger.parent.glob("ledger.sqlite*"):
        part.unlink()
    for part, content in backup.items():
        part.write_bytes(content)
    two.poll("government")
    two.quiet()
    assert (len(on_grid(two)), len(on_government(two))) == (1, 1)


def test_equal_names_and_sizes_are_not_equal_files(two: World) -> None:
    """Two people attach different photos of one name and size, one on each side at the same time: both arrive."""
    event = two.grid_call()
    two.quiet()
    (call,) = two.government_calls()
    to_grid(two, event, "照片.jpg", b"\xff\xd8\xff1")
    to_government(two, call["callNo"], "照片.jpg", b"\xff\xd8\xff2")
    two.quiet()
    assert {digest for _, digest in on_grid(two)} == {sha256(b"\xff\xd8\xff1"), sha256(b"\xff\xd8\xff2")}
    assert {digest for _, digest in on_government(two)} == {sm3(b"\xff\xd8\xff1"), sm3(b"\xff\xd8\xff2")}


@pytest.mark.parametrize("size", [60, 70])
@pytest.mark.parametrize("target", ["grid", "government"])
@pytest.mark.parametrize("fault", [None, False, True])
def test_equal_names_within_one_poll(two: World, size: int, target: str, fault: bool | None) -> None:
    """A photo waits for the other side, where somebody attaches another one of that name before ours is written, and the
    answer may get lost: both stand on both, each once. fault: None, or whether a write that failed was carried out."""
    event = two.grid_call()
    two.quiet()
    (call,) = two.government_calls()
    ours, theirs = jpeg(60), b"\xff\xd8\xffB" + bytes(size - 4)
    if target == "grid":
        to_government(two, call["callNo"], "照片.jpg", ours)
        two.poll("government")
        to_grid(two, event, "照片.jpg", theirs)
        lost = {"code": "9999", "operation": "updateEvent"}
    else:
        to_grid(two, event, "照片.jpg", ours)
        two.poll("grid")
        to_government(two, call["callNo"], "照片.jpg", theirs)
        lost = {"code": "5000", "operation": "postAction"}
    if fault is not None:
        two.fault(target, kind="code", done=fault, **lost)
    two.push(target)
    two.quiet()
    assert sorted(digest for _, digest in on_grid(two)) == sorted([sha256(ours), sha256(theirs)])
    assert sorted(digest for _, digest in on_government(two)) == sorted([sm3(ours), sm3(theirs)])


def test_people_move_the_record_while_a_file_is_on_its_way(two: World) -> None:
    """A stage that was right when it was read and refused when it was written: the file is written again, not left behind."""
    number = two.government_call()
    two.quiet()
    to_government(two, number, "现场.jpg", jpeg(60))
    two.poll("government")
    two.fault("grid", kind="code", code="2003", operation="updateEvent", times=2)
    two.quiet()
    assert on_grid(two) == [("现场.jpg", sha256(jpeg(60)))]
    assert not any("附件未送达" in words for words in notes(two))

"""Files of the government adapter: byte for byte, checked, attached by a note, and safe to repeat."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from adapters.errors import BrokenReply, ConfigError, Missing, OutcomeUnknown, Outdated, Refused, Unavailable
from adapters.government import signing
from adapters.government.adapter import Government
from adapters.government.files import LARGEST
from adapters.port import FileOut, FileRef
from tests.unit.adapters.government_ground import CONTRACT, Asked, Tiny, World, adapter, envelope, reply, running

CALL, FILE_ID = "LS261026000017", "826e8142e6baabe8af779f5f490cf5f5"
DOWNLOAD = json.loads((CONTRACT / "samples/file-download.json").read_text("utf-8"))["exchanges"][0]["response"]
CONTENT = base64.b64decode(DOWNLOAD["bodyBase64"])
REF = FileRef(CALL, FILE_ID)


def answering(*given: Any) -> Any:
    answers = list(given)

    def respond(asked: Asked) -> Any:
        if asked.path == "/api/auth/token":
            return None
        return answers.pop(0) if len(answers) > 1 else answers[0]

    return respond


def downloaded(body: bytes = CONTENT, kind: str = "image/jpeg", **more: str) -> Any:
    return reply(200, body, kind, **{"X_Content_SM3": signing.sm3(CONTENT), **more})


def test_read(tmp_path: Path) -> None:
    """The sample's file, byte for byte."""
    world = World()
    with running(answering(downloaded()), lambda: world.now) as tiny:
        assert adapter(tiny.url, world, tmp_path).read_file(REF).read() == CONTENT
        assert tiny.log[-1].target == f"/api/files/{FILE_ID}"


@pytest.mark.parametrize(
    ("given", "error"),
    [(envelope("4004", msg="文件不存在"), Missing), (envelope("4003"), ConfigError), (envelope("5000"), Unavailable),
     (reply(502, b"<html>", "text/html"), Unavailable), (reply(200, b"<html>", "text/html"), BrokenReply),
     (reply(200, b"", "image/jpeg"), BrokenReply), (envelope("0000", {}), BrokenReply),
     (downloaded(CONTENT[:-1]), Unavailable)],
)  # fmt: skip
def test_read_refused(tmp_path: Path, given: Any, error: type[Exception]) -> None:
    """An envelope, a page or damaged bytes are never handed out as a file."""
    world = World()
    with running(answering(given), lambda: world.now) as tiny, pytest.raises(error):
        adapter(tiny.url, world, tmp_path).read_file(REF)


def test_read_again_after_damage(tmp_path: Path) -> None:
    """Damaged once on the way: read again."""
    world = World()
    with running(answering(downloaded(CONTENT[:-1]), downloaded()), lambda: world.now) as tiny:
        assert adapter(tiny.url, world, tmp_path).read_file(REF).read() == CONTENT


def test_read_of_no_file(tmp_path: Path) -> None:
    """What can be no file id is missing; another length than promised is a broken reply."""
    world = World()
    with running(answering(downloaded()), lambda: world.now) as tiny:
        government = adapter(tiny.url, world, tmp_path)
        with pytest.raises(Missing):
            government.read_file(FileRef(CALL, "../calls"))
        with pytest.raises(BrokenReply):
            government.read_file(FileRef(CALL, FILE_ID, size=5))


class Holder:
    """One call that takes files as the contract says; `answers` come first where given for a path's end."""

    def __init__(self) -> None:
        self.uploads: dict[str, dict[str, Any]] = {}
        self.timeline: list[dict[str, Any]] = [{"seq": 1}]
        self.files: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.answers: dict[str, list[Any]] = {}

    def __call__(self, asked: Asked) -> Any:
        end = asked.path.rsplit("/", 1)[1]
        if self.answers.get(end):
            given = self.answers[end].pop(0)
            return given(self, asked) if callable(given) else given
        return self.proper(asked)

    def proper(self, asked: Asked) -> Any:
        if asked.path == "/api/auth/token":
            return None
        if asked.path == "/api/files":
            self.bodies.append(asked.body)
            boundary = asked.headers["content-type"].partition("boundary=")[2].encode()
            head, _, rest = asked.body.removeprefix(b"--" + boundary + b"\r\n").partition(b"\r\n\r\n")
            content, _, end = rest.rpartition(b"\r\n--" + boundary + b"--\r\n")
            assert not end
            found = re.search(rb"filename\*=UTF-8''([^\r\n;]*)", head)
            assert found
            file_id = f"{len(self.uploads) + 1:032x}"
            stored = {"fileId": file_id, "name": unquote(found[1].decode()), "mime": "x/y", "size": len(content),
                      "sm3": signing.sm3(content)}  # fmt: skip
            self.uploads[file_id] = stored
            return envelope(data=stored)
        if asked.method == "POST":
            action = json.loads(asked.body)
            entry = {"seq": len(self.timeline) + 1, **action}
            for one in self.timeline:
                if one.get("operateTime") == action["operateTime"]:
                    entry = one
            if entry not in self.timeline:
                self.timeline.append(entry)
                self.files += [{**self.uploads[one], "seq": entry["seq"]} for one in action["fileIds"]]
            return envelope(data={"callNo": CALL, "status": "PENDING", "updateTime": 1, "seq": entry["seq"]})
        return envelope(data={"callNo": CALL, "updateTime": 1, "timeline": self.timeline, "files": self.files})


def writing(tiny: Tiny, world: World, state: Path) -> Government:
    return adapter(tiny.url, world, state, file_note_dept="371103103")


def out(name: str = "现场照片 1.jpg", content: bytes = CONTENT, kind: str = "image/jpeg") -> tuple[FileOut, io.BytesIO]:
    return FileOut(name, kind, len(content)), io.BytesIO(content)


def test_write_and_write_again(tmp_path: Path) -> None:
    """Uploaded, attached by a note, and the second time recognised by name and SM3."""
    world, holder = World(), Holder()
    with running(holder, lambda: world.now) as tiny:
        government = writing(tiny, world, tmp_path)
        receipt = government.write_file(CALL, *out(), "hy-1#1.0")
        again = government.write_file(CALL, *out(), "hy-1#1.0")
    assert (receipt.native_id, receipt.entry, receipt.already) == (CALL, "2", False)
    assert (again.entry, again.already) == ("2", True)
    assert len(holder.uploads) == 1 and holder.files[0]["name"] == "现场照片 1.jpg"
    note = holder.timeline[1]
    assert (note["action"], note["deptCode"], note["operator"]) == ("PROGRESS", "371103103", "呼应平台")


@pytest.mark.parametrize(
    ("name", "stored"),
    [('a"b.jpg', 'a"b.jpg'), ("C:\\temp\\图.jpg", "图.jpg"), ("../../x.txt", "x.txt"), ("x\r\ny\x00.txt", "xy.txt"),
     ("\U0001f6a8 %41;.pdf", "\U0001f6a8 %41;.pdf")],
)  # fmt: skip
def test_names(tmp_path: Path, name: str, stored: str) -> None:
    """Quotation marks, paths, line ends, per cent signs and emoji neither break the part nor get lost."""
    world, holder = World(), Holder()
    with running(holder, lambda: world.now) as tiny:
        writing(tiny, world, tmp_path).write_file(CALL, *out(name, kind="a/b\r\nX: y"), "hy-1#1.0")
    assert holder.files[0]["name"] == stored
    assert b"application/octet-stream" in holder.bodies[0] and b"X: y" not in holder.bodies[0]


def test_content_that_holds_the_boundary(tmp_path: Path) -> None:
    """A boundary that occurs in the file is not used."""
    world, holder = World(), Holder()
    content = b"\r\n".join(b"--" + b"----huying" + n.to_bytes(16, "big").hex().encode() for n in range(9))
    with running(holder, lambda: world.now) as tiny:
        writing(tiny, world, tmp_path).write_file(CALL, *out(content=content), "hy-1#1.0")
    assert holder.files[0]["sm3"] == signing.sm3(content)


def test_two_notes_of_one_millisecond(tmp_path: Path) -> None:
    """Another note of the same operator and millisecond would swallow ours: it is noticed and sent with the next."""
    world, holder = World(), Holder()
    holder.timeline.append({"seq": 2, "operateTime": int(world.now.timestamp() * 1000)})
    with running(holder, lambda: world.now) as tiny:
        government = writing(tiny, world, tmp_path)
        assert government.write_file(CALL, *out(), "hy-1#1.0").entry == "3"
        assert government.write_file(CALL, *out("2.jpg"), "hy-1#1.0").entry == "4"
    assert len({entry["operateTime"] for entry in holder.timeline[1:]}) == 3


def test_an_upload_that_got_lost(tmp_path: Path) -> None:
    """A lost upload attached nothing: certainly not done, may be tried again."""
    world, holder = World(), Holder()
    lost = lambda holder, asked: (holder.proper(asked), reply(502, b"<html>", "text/html"))[1]  # noqa: E731
    holder.answers["files"] = [lost, envelope("0000", {}), envelope("0000", {"fileId": FILE_ID, "sm3": "0" * 64})]
    with running(holder, lambda: world.now) as tiny:
        government = writing(tiny, world, tmp_path)
        for _ in range(3):
            with pytest.raises(Unavailable):
                government.write_file(CALL, *out(), "hy-1#1.0")
        assert len(holder.timeline) == 1
        assert government.write_file(CALL, *out(), "hy-1#1.0").entry == "2"


def test_a_note_that_got_lost(tmp_path: Path) -> None:
    """A lost note is of unknown outcome; repeated, the file is found attached and not attached twice."""
    world, holder = World(), Holder()
    holder.answers["actions"] = [lambda holder, asked: (holder.proper(asked), reply(502))[1]]
    with running(holder, lambda: world.now) as tiny:
        government = writing(tiny, world, tmp_path)
        with pytest.raises(OutcomeUnknown):
            government.write_file(CALL, *out(), "hy-1#1.0")
        assert government.write_file(CALL, *out(), "hy-1#1.0").already
    assert len(holder.files) == 1


@pytest.mark.parametrize(
    ("path", "given", "error"),
    [("files", envelope("4022", msg="参数错误[file]：不支持的文件类型exe"), Refused), ("files", reply(413), Refused),
     ("actions", envelope("4022", msg="参数错误[action]：状态CANCELLED不允许操作PROGRESS"), Outdated),
     (CALL, envelope("4004", msg="呼叫不存在"), Missing)],
)  # fmt: skip
def test_write_refused(tmp_path: Path, path: str, given: Any, error: type[Exception]) -> None:
    """A wrong type, a body too large, a cancelled call, no such call."""
    world, holder = World(), Holder()
    holder.answers[path] = [given]
    with running(holder, lambda: world.now) as tiny, pytest.raises(error) as caught:
        writing(tiny, world, tmp_path).write_file(CALL, *out(), "hy-1#1.0")
    assert type(caught.value) is error and not holder.files


def test_what_cannot_be_a_file_is_not_sent(tmp_path: Path) -> None:
    """Empty, too large, another length than declared, no name: refused here."""
    world = World()
    with running(answering(None), lambda: world.now) as tiny:
        government = writing(tiny, world, tmp_path)
        whole = b"x" * (LARGEST + 1)
        for file, content in (out(content=b""), out(content=whole), (FileOut("a.txt", "", 3), io.BytesIO(b"ab")),
                              out("a/"), out("x" * 201)):  # fmt: skip
            with pytest.raises(Refused) as caught:
                government.write_file(CALL, file, content, "hy-1#1.0")
            assert caught.value.field == "file"
        assert not tiny.log


def test_notes_need_a_department(tmp_path: Path) -> None:
    """Without file_note_dept nothing is uploaded; the error names the key."""
    with pytest.raises(Refused, match="file_note_dept"):
        adapter("http://127.0.0.1:9", World(), tmp_path).write_file(CALL, *out(), "hy-1#1.0")

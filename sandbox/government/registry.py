"""The platform's calls and what may be done to them, whether over the API or by its own people.

One place for creating, acting, editing, attaching, paging and reading, so that clerks and API callers meet the same
rules. Must not know HTTP, signatures or tokens.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from sandbox.government import views
from sandbox.government.actions import Step, decide
from sandbox.government.contract import Contract
from sandbox.government.files import KEPT_MS, Upload
from sandbox.government.refusal import Refusal, bad
from sandbox.government.signing import sm3_hex
from sandbox.government.store import Store, StoredFile

LOCAL = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Editor:
    """One of the platform's own people at work: name, department, and the time they say (epoch ms, None = now)."""

    operator: str
    dept: str | None
    operate_time: int | None = None


class Registry:
    """`now_ms`: the platform's clock, epoch ms. `mint(kind)`: a new id in hex. `late_ms`: the list's lag, ms."""

    def __init__(
        self,
        store: Store,
        contract: Contract,
        *,
        now_ms: Callable[[], int],
        mint: Callable[[str], str],
        late_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self.contract = contract
        self._now_ms = now_ms
        self._mint = mint
        self._late_ms = late_ms

    # Creating ---------------------------------------------------------------------------------------------------------

    def create_by_app(self, app_key: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """A call over the API; 4009 with the existing callNo, then 4022 [fileIds[n]]."""
        with self._store.change():
            existing = self._store.call_no_of(app_key, fields["outerNo"])
            if existing is not None:
                raise Refusal("4009", "outerNo重复", {"callNo": existing})
            file_ids = fields["fileIds"]
            self._check_files(file_ids)
            now = self._now_ms()
            doc = self._new_call(fields, fields["outerNo"], now)
            self._store.add_call(doc, app_key, app_key)
            self._write(doc, None, Step("CREATE", None, app_key, "", now, None, tuple(file_ids)), now, dept=None)
            self._publish(doc)
            return {name: doc[name] for name in ("callNo", "status", "createTime", "updateTime")}

    def create_by_clerk(self, fields: Mapping[str, Any], editor: Editor, count: int) -> list[str]:
        """`count` calls alike, all of one millisecond; outerNo null, the timeline names the person."""
        with self._store.change():
            now = self._now_ms()
            numbers = []
            for _ in range(count):
                doc = self._new_call(fields, None, now)
                self._store.add_call(doc, None, editor.operator)
                said = now if editor.operate_time is None else editor.operate_time
                self._write(doc, None, Step("CREATE", None, editor.operator, "", said), now, dept=editor.dept)
                self._publish(doc)
                numbers.append(doc["callNo"])
            return numbers

    def _new_call(self, fields: Mapping[str, Any], outer_no: str | None, now: int) -> dict[str, Any]:
        day = datetime.fromtimestamp(now / 1000, UTC).astimezone(LOCAL).strftime("%y%m%d")
        kept = {name: value for name, value in fields.items() if name not in ("outerNo", "fileIds")}
        return {
            "callNo": f"LS{day}{self._store.next_serial(day):06d}",
            "outerNo": outer_no,
            "status": "PENDING",
            **kept,
            "deptCode": None,
            "limitTime": None,
            "createTime": now,
            "updateTime": now,
        }

    # Acting -----------------------------------------------------------------------------------------------------------

    def act_by_app(self, call_no: str, step: Step) -> dict[str, Any]:
        """An action over the API: 4004, then a repeat (0000, nothing stored), then status, limit and files."""
        with self._store.change():
            call = self._existing(call_no)
            seq = self._store.seq_of(call_no, step.action, step.operate_time, step.operator)
            if seq is None:
                return self._act(call, step, self._stamp([call]))
            return _state(call, seq)

    def act_by_clerk(self, call_nos: Sequence[str], step: Callable[[Mapping[str, Any]], Step]) -> list[dict[str, Any]]:
        """The same step on each call, all stamped with one millisecond; one refusal leaves all as they were.

        `step` makes the step for a call as it stands, under the same lock that stores it.
        """
        with self._store.change():
            calls = [self._existing(call_no) for call_no in call_nos]
            stamp = self._stamp(calls)
            return [self._act(call, step(call), stamp) for call in calls]

    def _act(self, call: dict[str, Any], step: Step, stamp: int) -> dict[str, Any]:
        outcome = decide(self.contract, call, step)
        self._check_files(step.file_ids)
        before = call["status"]
        changed = {"status": outcome.status, "deptCode": outcome.dept, "limitTime": outcome.limit, "updateTime": stamp}
        doc = call | changed
        self._store.save_call(doc)
        seq = self._write(doc, before, step, stamp, dept=step.dept, limit=outcome.entry_limit)
        self._publish(doc)
        return _state(doc, seq)

    # Clerks' edits and files ------------------------------------------------------------------------------------------

    def edit(self, call_no: str, changes: Mapping[str, Any], named: Iterable[str], editor: Editor) -> dict[str, Any]:
        """Overwrites members (already checked) and writes one MODIFY entry naming the fields of `named`."""
        with self._store.change():
            call = self._existing(call_no)
            return self._modify(call | dict(changes), "、".join(named), editor, ())

    def attach(self, call_no: str, upload: Upload, editor: Editor) -> dict[str, Any]:
        """A clerk's file: a MODIFY entry 修改：files. The answer carries the new fileId."""
        with self._store.change():
            call = self._existing(call_no)
            file = self.keep_file(upload)
            return self._modify(call, "files", editor, (file.file_id,)) | {"fileId": file.file_id}

    def _modify(self, call: dict[str, Any], named: str, editor: Editor, files: tuple[str, ...]) -> dict[str, Any]:
        stamp = self._stamp([call])
        said = self._now_ms() if editor.operate_time is None else editor.operate_time
        doc = call | {"updateTime": stamp}
        self._store.save_call(doc)
        step = Step("MODIFY", f"修改：{named}", editor.operator, "", said, None, files)
        seq = self._write(doc, doc["status"], step, stamp, dept=editor.dept)
        self._publish(doc)
        return _state(doc, seq)

    def keep_file(self, upload: Upload) -> StoredFile:
        """Stores an upload that no call names yet; files that nobody named for 24 h go away."""
        now = self._now_ms()
        size, digest = len(upload.content), sm3_hex(upload.content)
        file = StoredFile(self._mint("file"), upload.name, upload.mime, size, digest, now)
        with self._store.change():
            self._store.drop_unnamed_files(now - KEPT_MS)
            self._store.add_file(file, upload.content)
        return file

    # Reading ----------------------------------------------------------------------------------------------------------

    def page(self, after: int, before: int | None, page_no: int, size: int) -> tuple[int, list[dict[str, Any]]]:
        """(total, masked rows) of the list as visible now."""
        total, docs = self._store.page(after, before, (page_no - 1) * size, size, self._now_ms())
        return total, [views.row(self.contract, doc) for doc in docs]

    def detail(self, call_no: str) -> dict[str, Any]:
        """The whole call, unmasked, with timeline and files; 4004 if there is none."""
        with self._store.change():
            doc = self._existing(call_no)
            return views.detail(self.contract, doc, self._store.entries(call_no), self._store.files_of(call_no))

    def record(self, call_no: str) -> dict[str, Any]:
        """As `detail`, with `createdBy` (app key or person) and the sha256 of each file."""
        with self._store.change():
            detail = self.detail(call_no)
            files = [one | {"sha256": self._sha256(one["fileId"])} for one in detail["files"]]
            return detail | {"files": files, "createdBy": self._store.maker(call_no)}

    def _sha256(self, file_id: str) -> str:
        return hashlib.sha256(self._store.content(file_id)).hexdigest()

    def records(self) -> list[dict[str, Any]]:
        with self._store.change():
            return [self.record(call_no) for call_no in self._store.call_numbers()]

    def file(self, file_id: str) -> tuple[StoredFile, bytes]:
        """A file that is still there, with its bytes; else 4004."""
        with self._store.change():
            file = self._store.file(file_id)
            if file is None or not self._is_kept(file):
                raise Refusal("4004", "文件不存在")
            return file, self._store.content(file_id)

    # Shared steps -----------------------------------------------------------------------------------------------------

    def _existing(self, call_no: str) -> dict[str, Any]:
        call = self._store.call(call_no)
        if call is None:
            raise Refusal("4004", "呼叫不存在")
        return call

    def _stamp(self, calls: Iterable[Mapping[str, Any]]) -> int:
        """updateTime of what is stored now: strictly rising per call, even if the clock stands still or goes back."""
        return max([self._now_ms(), *(int(call["updateTime"]) + 1 for call in calls)])

    def _is_kept(self, file: StoredFile) -> bool:
        return file.call_no is not None or self._now_ms() < file.upload_time + KEPT_MS

    def _check_files(self, file_ids: Iterable[str]) -> None:
        for position, file_id in enumerate(file_ids):
            file = self._store.file(file_id)
            if file is None or file.call_no is not None or not self._is_kept(file):
                bad(f"fileIds[{position}]", "文件不存在或已被使用")

    def _write(
        self,
        doc: Mapping[str, Any],
        before: str | None,
        step: Step,
        stamp: int,
        *,
        dept: str | None,
        limit: int | None = None,
    ) -> int:
        entry = {
            "action": step.action,
            "fromStatus": before,
            "toStatus": doc["status"],
            "opinion": step.opinion,
            "operator": step.operator,
            "deptCode": dept,
            "operateTime": step.operate_time,
            "recordTime": stamp,
            "limitTime": limit,
            "fileIds": list(step.file_ids),
        }
        seq = self._store.add_entry(doc["callNo"], entry)
        for file_id in step.file_ids:
            self._store.attach(file_id, doc["callNo"], seq)
        return seq

    def _publish(self, doc: Mapping[str, Any]) -> None:
        late = self._late_ms()
        # Thirds of the versions come at once, after half the lag, after all of it: so they also overtake one another.
        delay = late * (zlib.crc32(f"{doc['callNo']}:{doc['updateTime']}".encode()) % 3) // 2
        self._store.show(dict(doc), self._now_ms() + delay if delay else None)


def _state(doc: Mapping[str, Any], seq: int) -> dict[str, Any]:
    return {"callNo": doc["callNo"], "status": doc["status"], "updateTime": doc["updateTime"], "seq": seq}

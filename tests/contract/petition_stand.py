"""The petition platform's stand: an exchange database, its officials, its batch run between a write and its receipt, and
what may happen between the driver and the database.
"""

from __future__ import annotations

import dataclasses
import hashlib
import socket
import sqlite3
import struct
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO

from sqlalchemy import event

from adapters.errors import OutcomeUnknown
from adapters.port import FileOut, Receipt, WireRecord
from sandbox.petition import PetitionPlatform
from schemas.moment import SHANGHAI

if TYPE_CHECKING:
    from tests.contract.stands import Stand, Stored

PERSON = ("王守密", "13912345678")
"""As in `stands`."""


class Petition:
    login, password = "jh_huying", "Example-Wulian-2026"
    operations = MappingProxyType({"create": "XZ", "update": "GX", "edit": "GX", "list": "V_GD", "fetch": "V_GD", "find": "V_GD"})
    busy = MappingProxyType({"kind": "busy"})
    shift_field = "GXSJ"
    abroad = "镕①㎡"
    title_field = "BT"
    address = "mysql+pymysql://127.0.0.1:9/wl_qzk"
    without = MappingProxyType({"raw_is_what_the_platform_sent": "a driver hands over rows, not bytes"})

    def platform(self, clock: Callable[[], float]) -> Any:
        return PetitionPlatform(clock=clock, batch_seconds=None)

    def wire(self, platform: Any) -> Wire:
        return Wire(platform)

    def create(self, stand: Stand, title: str, count: int = 1) -> list[str]:
        order = {"BT": title, "NR": "内容", "SQLB": "0101", "SZXZ": "371121106", "count": count}
        return list(stand.at("officials/create", order)["GDBHs"])

    def touch(self, stand: Stand, native_id: str) -> None:
        stand.at("officials/edit", {"GDBH": native_id, "set": {"FSDZ": f"新址{next(stand.counter)}"}, "CZR": "王测试"})

    def spoil(self, stand: Stand, native_id: str) -> None:
        stand.at("damage", {"GDBH": native_id, "set": {"SFBM": 7, "SLSJ": "0000-00-00 00:00:00"}})

    def late(self, stand: Stand, seconds: float) -> None:
        stand.at("settings", {"late_seconds": seconds})

    def stored(self, stand: Stand) -> list[Stored]:
        return [self._stored(one) for one in stand.at("records", method="GET")]

    def _stored(self, order: Mapping[str, Any]) -> Stored:
        from tests.contract.stands import Stored

        remarks = tuple(str(row["CZYJ"] or "") for row in order["LZ"])
        return Stored(order["GDBH"], order["WBBH"] or "", order["BT"], order["NR"], remarks)

    def body(self, reference: str, title: str, text: str) -> dict[str, Any]:
        return {"WBBH": reference, "BT": title, "NR": text, "SQLB": "0101", "SZXZ": "371121106", "JJCD": "0", "LYQD": "5",
                "SQRXM": PERSON[0], "LXDH": PERSON[1], "SFBM": "0"}  # fmt: skip

    def handed_over(self, stand: Stand, reference: str) -> dict[str, Any]:
        """From now on receipts come late."""
        stand.wire.held = True
        return self.body(reference, "标题", "内容")

    def batch(self, stand: Stand) -> None:
        stand.wire.platform.run_batch()

    def change(self, title: str) -> dict[str, Any]:
        return {"BT": title}

    def emptying(self) -> tuple[dict[str, Any], Callable[[WireRecord], bool]]:
        return {"LXDH": ""}, lambda record: record.body["LXDH"] is None

    def remark(self, stand: Stand, text: str) -> dict[str, Any]:
        return {"DZ": "批注", "CZR": "王测试", "CZYJ": text}

    def illegal(self, stand: Stand) -> dict[str, Any]:
        return {"DZ": "7", "CZR": PERSON[0], "CZYJ": f"非法 {PERSON[1]}"}

    def refused(self, reference: str) -> tuple[dict[str, Any], str]:
        return {**self.body(reference, "标题", f"内容 {PERSON[1]}"), "SZXZ": "12"}, "SZXZ"

    def shown(self, record: WireRecord) -> Stored:
        return self._stored(record.body)

    def files(self, record: WireRecord) -> list[Mapping[str, str]]:
        return [{"id": str(one["FJID"]), "name": one["WJM"], "size": one["WJDX"]} for one in record.body["FJ"]]


class Settled:
    """The adapter, with the platform's batch run between a write and its receipt: what most rules see of a late one."""

    def __init__(self, inner: Any, wire: Wire) -> None:
        self._inner, self._wire = inner, wire

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __repr__(self) -> str:
        return repr(self._inner)

    def create(self, body: Any, reference: str) -> Receipt:
        return self._after(lambda: self._inner.create(body, reference), reference)

    def update(self, native_id: str, body: Any, reference: str) -> Receipt:
        return self._after(lambda: self._inner.update(native_id, body, reference), reference)

    def edit(self, native_id: str, body: Any, reference: str) -> Receipt:
        return self._after(lambda: self._inner.edit(native_id, body, reference), reference)

    def write_file(self, native_id: str, file: FileOut, content: BinaryIO, reference: str) -> Receipt:
        return self._after(lambda: self._inner.write_file(native_id, file, content, reference), reference)

    def _after(self, write: Callable[[], Receipt], reference: str) -> Receipt:
        try:
            receipt = write()
        except OutcomeUnknown:
            self._batch()
            raise
        if not receipt.late or self._wire.held:
            return receipt
        self._batch()
        settled = self._inner.settle(reference)
        assert settled is not None, "the batch has run"
        return dataclasses.replace(settled, notes=receipt.notes)

    def _batch(self) -> None:
        if not self._wire.held:
            self._wire.platform.run_batch()


class Wire:
    """Between the driver and the database: counts statements, loses answers, and has a door that lets nobody in. held: the batch
    runs when a rule says so only."""

    def __init__(self, platform: Any) -> None:
        self.platform = platform
        self.lock = threading.Lock()
        self.log: list[str] = []
        self.faults: list[dict[str, Any]] = []
        self.slowed = False
        self.held = False
        self.door = _Door()

    def close(self) -> None:
        self.door.close()

    def address(self, url: str, right: bool) -> str:
        if url:
            return url.replace("http://", "mysql+pymysql://") + "/wl_qzk"
        return str(self.platform.exchange_url) if right else self.door.url

    def attach(self, adapter: Any) -> Any:
        engine = adapter.database.engine
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", lambda connection, _: connection.create_function("datetime", 2, self._time))
            event.listen(engine, "do_execute", self._execute)
        return Settled(adapter, self)

    def fault(self, operation: str, times: int = 1, **fault: Any) -> None:
        with self.lock:
            self.faults.append({"operation": operation, "left": times or 10**9, **fault})

    def heal(self) -> None:
        self.faults.clear()

    def requests(self, operation: str) -> int:
        return sum(operation in ("", one) for one in self.log)

    def _time(self, *_: object) -> str:
        return datetime.fromtimestamp(self.platform.now(), SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")

    def _execute(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        self.platform.commit_due()
        name = ""
        if statement.startswith("INSERT"):
            name = next(one for one in ("XZ", "GX", "FJ") if one in tuple(parameters))
        elif "FROM \"V_GD\"" in statement:
            name = "V_GD"
        with self.lock:
            self.log.append(name or "other")
            fault = next((one for one in self.faults if one["operation"] in ("", name) and one["left"]), None)
            if fault:
                fault["left"] -= 1
        if fault is None:
            return False
        match fault["kind"]:
            case "busy":
                raise sqlite3.OperationalError("database is locked")
            case "refuse":
                raise sqlite3.OperationalError("disk I/O error")
            case "late":
                self.slowed = True
                threading.Event().wait(fault["seconds"])
                return False
            case _ if name == "V_GD":
                raise sqlite3.DatabaseError(f"database disk image is malformed {fault.get('body', '')}")
        cursor.execute(statement, parameters)
        raise sqlite3.OperationalError("disk I/O error")


class _Door:
    """Speaks enough of the MariaDB protocol to turn everybody away: greeting, then error 1045."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"mysql+pymysql://127.0.0.1:{self.socket.getsockname()[1]}/wl_qzk"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self.socket.close()

    def _serve(self) -> None:
        salt = hashlib.sha256(b"door").digest().replace(b"\0", b"1")[:20]
        greeting = (b"\x0a10.11.6-MariaDB\0" + struct.pack("<I", 7) + salt[:8] + b"\0" + struct.pack("<H", 0xF7FF) + b"\x2d"
                    + struct.pack("<H", 2) + struct.pack("<H", 0x0008) + bytes([21]) + bytes(10) + salt[8:] + b"\0"
                    + b"mysql_native_password\0")  # fmt: skip
        refusal = b"\xff" + struct.pack("<H", 1045) + b"#28000Access denied for user 'jh_huying'@'127.0.0.1'"
        while True:
            try:
                guest, _ = self.socket.accept()
            except OSError:
                return
            with guest:
                guest.sendall(len(greeting).to_bytes(3, "little") + b"\0" + greeting)
                guest.recv(4096)
                guest.sendall(len(refusal).to_bytes(3, "little") + b"\x02" + refusal)

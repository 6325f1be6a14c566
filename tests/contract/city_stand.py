"""The city platform's stand: its officials, and its media server beside the exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from adapters.port import WireRecord
from sandbox.city import CityPlatform
from schemas.moment import SHANGHAI

if TYPE_CHECKING:
    from tests.contract.stands import Stand, Stored

PERSON = ("王守密", "13912345678")
"""As in `stands`."""


class City:
    login, password = "huying_jx", "莒县示例2026"
    operations = MappingProxyType({"create": "report", "update": "step", "list": "changes", "fetch": "task",
                                   "find": "changes"})  # fmt: skip
    busy = MappingProxyType({"kind": "code", "code": "301"})
    shift_field = "reportTime"
    abroad = "😀𬭎𠮷"
    title_field = "title"
    address = "http://127.0.0.1:9"
    without = MappingProxyType({
        "files_come_through_byte_for_byte": "names and sizes are not kept there; bytes: tests/unit/adapters/test_city_media.py",
    })  # fmt: skip

    def wire(self, platform: Any) -> Any:
        return None

    def platform(self, clock: Callable[[], float]) -> Any:
        return CityPlatform(clock=clock)

    def create(self, stand: Stand, title: str, count: int = 1) -> list[str]:
        task = {"title": title, "description": "内容" + "。" * next(stand.counter), "streetCode": "371122104"}
        numbers = stand.at("officials/create", task | ({"count": count} if count > 1 else {}))
        return list(numbers.get("taskNums") or [numbers["taskNum"]])

    def touch(self, stand: Stand, native_id: str) -> None:
        stand.at("officials/edit", {"taskNum": native_id, "set": {"address": f"新址{next(stand.counter)}"}})

    def spoil(self, stand: Stand, native_id: str) -> None:
        stand.at("damage", {"taskNum": native_id, "bytes": {"address": "B4E5B1", "reporter": "1B"}, "remove": ["state"]})

    def late(self, stand: Stand, seconds: float) -> None:
        stand.at("settings", {"publish_seconds": seconds})

    def stored(self, stand: Stand) -> list[Stored]:
        return [self._stored(one) for one in stand.at("records", method="GET")]

    def _stored(self, task: Mapping[str, Any]) -> Stored:
        from tests.contract.stands import Stored

        remarks = tuple(str(item["opinion"]) for item in task["steps"])
        return Stored(task["taskNum"], task["outerCode"], task["title"], task["description"], remarks)

    def body(self, reference: str, title: str, text: str) -> dict[str, Any]:
        return {"outerCode": reference, "recType": "2", "mainType": "01", "subType": "05", "title": title,
                "description": text, "source": "5", "streetCode": "371122104", "reporter": PERSON[0],
                "phone": PERSON[1]}  # fmt: skip

    def remark(self, stand: Stand, text: str) -> dict[str, Any]:
        at = datetime.fromtimestamp(stand.clock.seconds(), SHANGHAI).strftime("%Y%m%d%H%M%S")
        return {"step": "101", "opinion": text, "operator": "王测试", "time": at}

    def illegal(self, stand: Stand) -> dict[str, Any]:
        return {**self.remark(stand, f"非法 {PERSON[1]}"), "step": "109", "operator": PERSON[0]}

    def refused(self, reference: str) -> tuple[dict[str, Any], str]:
        return {**self.body(reference, "标题", f"内容 {PERSON[1]}"), "subType": "77"}, "subType"

    def shown(self, record: WireRecord) -> Stored:
        return self._stored(record.body)

    def files(self, record: WireRecord) -> list[Mapping[str, str]]:
        return [{"id": one["mediaId"], "name": one["name"], "size": ""} for one in record.body["medias"]]

"""The enforcement platform's stand: the REST adapter with the settings of docs/examples/enforcement.yaml."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import yaml

from adapters.port import WireRecord
from sandbox.enforcement.platform import EnforcementPlatform
from sandbox.enforcement.times import Settings

if TYPE_CHECKING:
    from tests.contract.stands import Stand, Stored

PERSON = ("王守密", "13912345678")
"""As in `stands`."""
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "enforcement.yaml"


def settings_of(example: Path) -> dict[str, Any]:
    """The `settings:` of an example's only platform."""
    (platform,) = yaml.safe_load(example.read_text(encoding="utf-8"))["platforms"]
    return dict(platform["settings"])


SETTINGS = {**settings_of(EXAMPLE), "requests_per_second": 1000, "burst": 1000}


class Enforcement:
    login, password = "huying-lanshan", "example-client-secret"
    operations = MappingProxyType({"create": "createCase", "update": "postEvent", "edit": "patchCase", "list": "listCases",
                                   "fetch": "getCase", "find": "listCases"})  # fmt: skip
    busy = MappingProxyType({"kind": "code", "code": "rate-limited"})
    shift_field = "updatedAt"
    abroad, title_field, address = "😀𬭎𠮷", "title", "http://127.0.0.1:9"
    without: Mapping[str, str] = MappingProxyType({})
    too_long = (201, 5000)

    def platform(self, clock: Callable[[], float]) -> Any:
        limits = Settings(rate=10_000, burst=10_000, token_rate=10_000, token_burst=10_000)
        return EnforcementPlatform(clock=clock, settings=limits)

    def wire(self, platform: Any) -> Any:
        return None

    def create(self, stand: Stand, title: str, count: int = 1) -> list[str]:
        case = {"title": title, "description": "内容", "category": {"code": "ENV-01"}, "count": count}
        return list(stand.at("officials/create", case)["ids"])

    def touch(self, stand: Stand, native_id: str) -> None:
        stand.at("officials/edit", {"id": native_id, "set": {"location": {"address": f"新址{next(stand.counter)}"}}})

    def spoil(self, stand: Stand, native_id: str) -> None:
        stand.at("damage", {"id": native_id, "set": {"updatedAt": "昨天", "title": None}, "remove": ["state"]})

    def late(self, stand: Stand, seconds: float) -> None:
        stand.at("settings", {"commit_seconds": seconds})

    def stored(self, stand: Stand) -> list[Stored]:
        return [self._stored(one) for one in stand.at("records", method="GET")]

    def _stored(self, case: Mapping[str, Any]) -> Stored:
        from tests.contract.stands import Stored

        remarks = tuple(str(one["text"] or "") for one in case["events"])
        return Stored(case["id"], case["externalRef"] or "", case["title"], case["description"] or "", remarks)

    def body(self, reference: str, title: str, text: str) -> dict[str, Any]:
        return {"externalRef": reference, "title": title, "description": text, "category": {"code": "ENV-01"},
                "priority": "normal", "location": {"areaCode": "371103103"},
                "contact": {"name": PERSON[0], "phone": PERSON[1], "confidential": False}}  # fmt: skip

    def change(self, title: str) -> dict[str, Any]:
        return {"title": title}

    def emptying(self) -> tuple[dict[str, Any], Callable[[WireRecord], bool]]:
        return {"contact": {"phone": None}}, lambda record: record.body["contact"]["phone"] is None

    def remark(self, stand: Stand, text: str) -> dict[str, Any]:
        at = stand.clock.now() + timedelta(milliseconds=next(stand.counter))
        return {"type": "comment", "at": at.isoformat(), "text": text, "actor": {"name": "王测试"}}

    def illegal(self, stand: Stand) -> dict[str, Any]:
        return {**self.remark(stand, f"非法 {PERSON[1]}"), "type": "rate", "data": {"satisfied": True}}

    def refused(self, reference: str) -> tuple[dict[str, Any], str]:
        body = self.body(reference, "标题", f"内容 {PERSON[1]}")
        return {**body, "category": {"code": "ZZZ-99"}}, "category.code"

    def shown(self, record: WireRecord) -> Stored:
        return self._stored(record.body)

    def files(self, record: WireRecord) -> list[Mapping[str, str]]:
        listed = record.body["files"]
        return [{"id": one["name"], "name": one["name"], "size": str(one["size"])} for one in listed]

"""Stands of a GeoReport v2 server, both the REST adapter with the settings of docs/examples/open311.yaml: as the standard
has it (windows of creation, known requests again by id), and with the extensions of some servers (updated_after, pages).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from adapters.port import WireRecord
from sandbox.open311.platform import Open311Platform
from sandbox.open311.times import Settings
from tests.contract.enforcement_stand import EXAMPLE, settings_of

if TYPE_CHECKING:
    from tests.contract.stands import Stand, Stored

PERSON = ("王守密", "13912345678")
"""As in `stands`."""
MARK = re.compile(r"\n〔来源编号 (\S+)〕")
STANDARD = {**settings_of(EXAMPLE.with_name("open311.yaml")), "requests_per_second": 1000, "burst": 1000,
            "limits": {"description": 4000, "address": 100}}  # fmt: skip
EXTENDED = {
    **STANDARD, "page_size": 500,
    "list": {
        "request": {"path": "/requests.json", "parameters": {
            "jurisdiction_id": "rizhao.example", "updated_after": "{since}", "page": "{page}", "page_size": "{size}"}},
        "items": STANDARD["list"]["items"], "since": "updated_datetime", "time": STANDARD["list"]["time"],
        "paging": {"kind": "page", "end": "short"},
    },
}  # fmt: skip
OPEN_TO_ALL = "reading needs no key: a wrong one shows itself at the first creation"
AT_ONCE = "what is recorded is shown at once"
NO_UPLOAD = "the standard has no upload; pictures behind public addresses are read in tests/sync/test_open311.py"
NO_PAGES = "the standard has no pages: an answer is whole, or its window is halved"


class Open311:
    """extensions: the switch of the server. The title of the rules stands in the address, the only other text there is."""

    login, password = "", "example-key"
    operations = MappingProxyType({"create": "create", "list": "requests", "fetch": "request", "find": "requests"})
    busy = MappingProxyType({"kind": "code", "code": "429"})
    shift_field = "updated_datetime"
    abroad, title_field, address = "😀𬭎𠮷", "address", "http://127.0.0.1:9"

    def __init__(self, *, extensions: bool) -> None:
        self._extensions = extensions
        without = {"a_wrong_password_is_told_without_it": OPEN_TO_ALL, "the_probe_tells": OPEN_TO_ALL,
                   "nothing_is_missed_that_shows_late": AT_ONCE, "a_pause_loses_nothing_that_shows_late": AT_ONCE,
                   **dict.fromkeys(("files_come_through_byte_for_byte", "a_file_that_is_not_there"), NO_UPLOAD)}  # fmt: skip
        if not extensions:
            pages = ("nothing_is_missed_when_rows_move", "nothing_is_missed_within_one_moment",
                     "cursors_are_text_and_lose_nothing")  # fmt: skip
            without |= dict.fromkeys(pages, NO_PAGES)
        self.without: Mapping[str, str] = MappingProxyType(without)

    def platform(self, clock: Callable[[], float]) -> Any:
        return Open311Platform(clock=clock, prefix="", settings=Settings(extensions=self._extensions))

    def wire(self, platform: Any) -> Any:
        return None

    def create(self, stand: Stand, title: str, count: int = 1) -> list[str]:
        return list(stand.at("officials/create", {"address": title, "description": "内容", "count": count})["ids"])

    def touch(self, stand: Stand, native_id: str) -> None:
        stand.at("officials/edit", {"id": native_id, "set": {"address": f"新址{next(stand.counter)}"}})

    def spoil(self, stand: Stand, native_id: str) -> None:
        stand.at("damage", {"id": native_id, "set": {"updated_datetime": "昨天", "description": None}, "remove": ["status"]})

    def late(self, stand: Stand, seconds: float) -> None:
        raise AssertionError(AT_ONCE)

    def stored(self, stand: Stand) -> list[Stored]:
        return [self._stored(one) for one in stand.at("records", method="GET")]

    def _stored(self, request: Mapping[str, Any]) -> Stored:
        from tests.contract.stands import Stored

        text = request["description"] or ""
        found = MARK.search(text)
        return Stored(str(request["service_request_id"]), found[1] if found else request.get("reference") or "",
                      request["address"] or "", MARK.sub("", text), ())  # fmt: skip

    def body(self, reference: str, title: str, text: str) -> dict[str, Any]:
        return {"reference": reference, "address": title, "description": text, "service_code": "006", "lat": 35.3, "long": 119.2,
                "last_name": PERSON[0], "phone": PERSON[1]}  # fmt: skip

    def handed_over(self, stand: Stand, reference: str) -> dict[str, Any]:
        """A service whose requests get a token first, and a number within a minute."""
        return {**self.body(reference, "标题", "内容"), "service_code": "ENV66", "attribute[SOURCE]": "sewer"}

    def batch(self, stand: Stand) -> None:
        stand.clock.sleep(61)

    def remark(self, stand: Stand, text: str) -> dict[str, Any]:
        raise AssertionError("nothing can be told after creation")

    def illegal(self, stand: Stand) -> dict[str, Any]:
        raise AssertionError("nothing can be told after creation")

    def refused(self, reference: str) -> tuple[dict[str, Any], str]:
        return {**self.body(reference, "标题", f"内容 {PERSON[1]}"), "service_code": ""}, "service_code"

    def shown(self, record: WireRecord) -> Stored:
        return self._stored(record.body)

    def files(self, record: WireRecord) -> list[Mapping[str, str]]:
        raise AssertionError("GeoReport takes no files")

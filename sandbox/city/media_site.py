"""The media server on the other port (contract section 8): plain GET of files, nothing else.

Must not know who uploaded what, nor the exchange's digests.
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.city.contract import MEDIA_TYPES
from sandbox.city.platform import CityPlatform, page
from sandbox.httpd import Faults, Request, Response

_PATH = re.compile(r"/media/([0-9]{8})/(M([0-9]{8})[0-9]{7})\.([a-z0-9]+)")


class MediaSite:
    """The files of a `CityPlatform`: satisfies `sandbox.httpd.Platform`. Its faults are its own ("download")."""

    def __init__(self, city: CityPlatform) -> None:
        self.faults = Faults()
        self._city = city

    def now(self) -> float:
        return self._city.now()

    def close(self) -> None:
        """The files belong to the platform, which is closed by its own server."""

    def back_door(self, method: str, name: str, body: Any) -> tuple[int, Any]:
        return 404, {"error": f"媒体服务器没有这个后门：{method} {name}"}

    def operation(self, request: Request) -> str:
        return "download" if _PATH.fullmatch(request.path) else "unknown"

    def answer(self, request: Request) -> Response:
        """The whole file, whatever range is asked for; 404 (HTML) for every other address."""
        if request.method not in ("GET", "HEAD"):
            return page(405, "405 Method Not Allowed", (("Allow", "GET, HEAD"),))
        match = _PATH.fullmatch(request.path)
        # The day of the address is the day of the number.
        if match is None or match[1] != match[3]:
            return page(404, "404 Not Found")
        content = self._city.registry.content(match[2], match[4])
        if content is None:
            return page(404, "404 Not Found")
        return Response(200, (("Content-Type", MEDIA_TYPES[match[4]]),), content)

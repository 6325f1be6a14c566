"""The platform and its media server listening on two ports. Must not know what either answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from sandbox.city.media_site import MediaSite
from sandbox.city.platform import CityPlatform
from sandbox.httpd import Server


@dataclass(frozen=True)
class CityServers:
    """Both servers of one platform. `with serve(platform) as servers: servers.url`."""

    platform: CityPlatform
    exchange: Server
    media: Server

    @property
    def url(self) -> str:
        """The exchange's address, without a slash at the end."""
        return self.exchange.url

    @property
    def media_url(self) -> str:
        """The media server's real address, without a slash at the end."""
        return self.media.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The media server first: its files are the platform's."""
        self.media.close()
        self.exchange.close()


def serve(platform: CityPlatform, host: str = "127.0.0.1", port: int = 0, media_port: int = 0) -> CityServers:
    """Both listening; ports 0 = free ones. The platform names the media server's real address unless it was given one.

    Closing the servers closes the platform.
    """
    media = Server(MediaSite(platform), host, media_port)
    platform.settings.media_base = platform.settings.media_base or media.url
    try:
        exchange = Server(platform, host, port)
    except OSError:
        media.close()
        raise
    return CityServers(platform, exchange, media)

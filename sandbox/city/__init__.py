"""The stand-in for 莒县数字化城市管理平台 (data exchange), written from its interface contract alone.

Contract: docs/contracts/city. This package imports nothing of huying's other rooms.
"""

from sandbox.city.media_site import MediaSite
from sandbox.city.platform import CityPlatform
from sandbox.city.serving import CityServers, serve

__all__ = ["CityPlatform", "CityServers", "MediaSite", "serve"]

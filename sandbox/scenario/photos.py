"""Photos that officials attach: bytes of any size, the same for the same name, no two names alike.

They begin and end as a file of their kind does; in between is noise, as no platform looks into them. This module must
not know who takes them.
"""

from __future__ import annotations

import base64
import mimetypes
import random

from sandbox.forms.form import File

_BEGINNINGS = {"image/jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/png": b"\x89PNG\r\n\x1a\n"}
_ENDINGS = {"image/jpeg": b"\xff\xd9", "image/png": b"\x00\x00\x00\x00IEND\xaeB`\x82"}


def photo(name: str, kb: float) -> File:
    """A file of about so many kilobytes under this name; its media type is the name's."""
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    noise = random.Random(name).randbytes(int(kb * 1024))
    content = _BEGINNINGS.get(kind, b"") + noise + _ENDINGS.get(kind, b"")
    return File(name, kind, base64.b64encode(content).decode("ascii"))

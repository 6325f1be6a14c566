"""An answer in its two formats: JSON by the Spark convention, XML without attributes (contract section 2).

Must not know what the answer says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from lxml import etree

TYPES: Mapping[str, str] = {"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8"}
NAMESPACE = "http://wiki.open311.org/GeoReport_v2"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_SINGULAR: Mapping[str, str] = {
    "services": "service", "service_requests": "request", "errors": "error", "attributes": "attribute", "values": "value",
    "endpoints": "endpoint", "formats": "format", "notes": "note", "media_urls": "media_url",
}  # fmt: skip
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def write_xml(root: str, value: Any, *, typed: bool = False, spaced: bool = False) -> bytes:
    """typed: `type="array"` at a plural root. spaced: a namespace, and a null media_url marked `nil`."""
    element = _element(root, value, NAMESPACE if spaced else None, {None: NAMESPACE, "i": INSTANCE} if spaced else None)
    if typed and isinstance(value, list):
        element.set("type", "array")
    if spaced:
        for media in element.iter(f"{{{NAMESPACE}}}media_url"):
            if media.text is None:
                media.set(f"{{{INSTANCE}}}nil", "true")
    return bytes(etree.tostring(element, xml_declaration=True, encoding="utf-8", pretty_print=True))


def _element(name: str, value: Any, space: str | None, spaces: Any = None) -> Any:
    element = etree.Element(f"{{{space}}}{name}" if space else name, nsmap=spaces)
    if isinstance(value, dict):
        for member, part in value.items():
            element.append(_element(member, part, space))
    elif isinstance(value, list):
        for part in value:
            element.append(_element(_SINGULAR.get(name, "item"), part, space))
    elif isinstance(value, bool):
        element.text = "true" if value else "false"
    elif value is not None:
        element.text = _NO_XML.sub("", str(value))
    return element

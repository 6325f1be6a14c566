"""The service description: two vendored files, pinned by SHA-256, that zeep builds requests from.

This module must not reach the network: a description fetched from a platform could name other files and hosts, so
nothing but the two pinned files can be loaded. zeep only builds; it neither sends nor reads answers.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import Any

from lxml import etree

from adapters.errors import ConfigError

NAMESPACE = "http://grid.example.gov.cn/event/v1"
WSDL, XSD = "GridEventService.wsdl", "GridEvent.xsd"
PINNED: Mapping[str, str] = MappingProxyType({
    WSDL: "b34e28b14976dbe22fcc0b3099ea7a0c491bdc1615d6e4c2045670cd787305a8",
    XSD: "78691568cd4123846e081fa0460e84c38a10aae79011d28d8932dc5c8319ac71",
})  # fmt: skip
"""File name -> SHA-256 hex of its bytes, as the platform's vendor handed them over."""

_ROOM = "file:///vendored/"  # no place on any disk: the loader below knows the two names only
_lock = threading.Lock()
_client: Any = None


def vendored(name: str) -> bytes:
    """The bytes of one vendored file. ConfigError if it is not one of the two, or is not the pinned one."""
    if name not in PINNED:
        raise ConfigError(
            f"接口描述只允许随附的两个文件 / only the two vendored description files are read, not {name!r}",
            where="grid",
            remedy="不要修改接口描述中的引用 / leave the references of the description as they are",
        )
    content = (resources.files(__package__) / "wsdl" / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != PINNED[name]:
        raise ConfigError(
            f"随附的接口描述 {name} 被改动 / the vendored description {name} was altered",
            where="grid",
            remedy="重新安装软件包 / install the package again",
        )
    return content


class Vendored:
    """zeep's transport, as far as loading goes: the two files and nothing else."""

    def load(self, url: str) -> bytes:
        return vendored(url.removeprefix(_ROOM))


def envelope(operation: str, arguments: Mapping[str, Any]) -> etree._Element:
    """A SOAP envelope with `operation` in its body, elements in XSD order. zeep's exceptions are the caller's."""
    client = _built()
    message: etree._Element = client.create_message(client.service, operation, **arguments)
    return message


def argument_names(operation: str) -> tuple[str, ...]:
    """The argument names of an operation, in XSD order."""
    return _names(_built().get_element(f"{{{NAMESPACE}}}{operation}").type)


def report_names() -> tuple[str, ...]:
    """The elements that reportEvent takes inside `event`, in XSD order."""
    return _names(_built().get_type(f"{{{NAMESPACE}}}EventReport"))


def _names(kind: Any) -> tuple[str, ...]:
    return tuple(name for name, _ in kind.elements)


def _built() -> Any:
    """The one zeep client of the process. Imported late: zeep costs start-up time that a DAG parse must not pay."""
    global _client
    with _lock:
        if _client is None:
            import zeep

            strict = zeep.Settings(
                strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True, xml_huge_tree=False
            )
            build: Any = zeep.Client
            _client = build(_ROOM + WSDL, transport=Vendored(), settings=strict)
        return _client

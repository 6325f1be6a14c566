"""Writing the platform's answers and faults: layout of the contract's samples, faults to the byte.

Must not know where events come from. `damage` replaces an element's inner markup by raw bytes, unescaped, so that a
reader can be tested against answers that no correct platform would give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.grid.contract import EVENT_NS, SECEXT_NS, SOAP_NS, Refusal

XML_TYPE = ("Content-Type", "text/xml;charset=UTF-8")
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
OK_TEXT = "成功"

FIELDS = (
    "eventId", "sourceId", "title", "eventType", "level", "stage", "gridCode", "gridName", "townCode", "townName",
    "villageCode", "reporter", "reporterTel", "caller", "callerTel", "address", "lng", "lat", "content", "happenTime",
    "reportTime", "updateTime", "mainDept", "assistDepts", "limitTime", "processes", "attachments", "extend",
)
PROCESS_FIELDS = ("seq", "stage", "operator", "dept", "opinion", "time")
_NIL_XMLNS = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'

Document = dict[str, Any]
Damage = Mapping[str, bytes | None]

_FAULTS = {
    "InvalidSecurity": "An error was discovered processing the <wsse:Security> header.",
    "FailedAuthentication": "The security token could not be authenticated or authorized",
    "VersionMismatch": "A SOAP 1.2 message is not valid when sent to a SOAP 1.1 only endpoint.",
    "Server": "Fault occurred while processing.",
}


def escape(text: str) -> str:
    """Character data. CR becomes a reference: a parser would turn it into LF."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def element(name: str, text: object) -> str:
    inner = escape(str(text))
    return f"<ev:{name}>{inner}</ev:{name}>" if inner else f"<ev:{name}/>"


def answer(operation: str, refusal: Refusal | None = None, inner: Sequence[str] = ()) -> bytes:
    """An answer with a resultCode. `inner`: lines after resultMsg, indented relative to the response element."""
    code, message = (refusal.code, refusal.message) if refusal else (0, OK_TEXT)
    # The schema instance prefix is declared only where a nil needs it, as the samples do.
    nil = _NIL_XMLNS if any("xsi:nil" in line for line in inner) else ""
    lines = [
        DECLARATION,
        f'<soap:Envelope xmlns:soap="{SOAP_NS}">',
        "  <soap:Body>",
        f'    <ev:{operation}Response xmlns:ev="{EVENT_NS}"{nil}>',
        f"      {element('resultCode', code)}",
        f"      {element('resultMsg', message)}",
        *(f"      {line}" for line in inner),
        f"    </ev:{operation}Response>",
        "  </soap:Body>",
        "</soap:Envelope>",
        "",
    ]
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def events(documents: Sequence[Document], damage: Mapping[str, Damage]) -> list[str]:
    """The `events` wrapper as lines."""
    if not documents:
        return ["<ev:events/>"]
    inner = [f"  {line}" for one in documents for line in event(one, damage.get(str(one["eventId"]), {}))]
    return ["<ev:events>", *inner, "</ev:events>"]


def event(document: Document, damage: Damage) -> list[str]:
    """One `event` as lines, every element of the XSD in its order. A None in `damage` leaves the element out."""
    lines = ["<ev:event>"]
    for name in FIELDS:
        if name in damage:
            raw = damage[name]
            if raw is not None:
                lines.append(f"  <ev:{name}>{raw.decode('utf-8', 'surrogateescape')}</ev:{name}>")
        else:
            lines += [f"  {line}" for line in _field(name, document[name])]
    lines.append("</ev:event>")
    return lines


def _field(name: str, value: Any) -> list[str]:
    match name:
        case "lng" | "lat" if value is None:
            return [f'<ev:{name} xsi:nil="true"/>']
        case "assistDepts":
            return _wrapper(name, [element("dept", code) for code in value])
        case "processes":
            return _wrapper(name, [_parts("process", one, PROCESS_FIELDS) for one in value])
        case "attachments":
            return _wrapper(name, [_parts("attachment", one, ("attachId", "name", "size")) for one in value])
        case "extend":
            return _wrapper(name, [_parts("item", one, ("key", "value")) for one in value])
    return [element(name, "" if value is None else value)]


def _wrapper(name: str, inner: list[str]) -> list[str]:
    return [f"<ev:{name}>", *(f"  {line}" for line in inner), f"</ev:{name}>"] if inner else [f"<ev:{name}/>"]


def _parts(name: str, values: Mapping[str, Any], fields: Sequence[str]) -> str:
    return f"<ev:{name}>" + "".join(element(one, values[one]) for one in fields) + f"</ev:{name}>"


def client_fault(parser_text: str) -> bytes:
    return _fault("soap:Client", "Unmarshalling Error: " + _printable(parser_text))


def must_understand_fault(names: Sequence[str]) -> bytes:
    return _fault("soap:MustUnderstand", f"MustUnderstand headers: [{', '.join(names)}] are not understood.")


def version_fault() -> bytes:
    return _fault("soap:VersionMismatch", _FAULTS["VersionMismatch"])


def security_fault(name: str) -> bytes:
    """`name`: InvalidSecurity or FailedAuthentication."""
    return _fault(f"wsse:{name}", _FAULTS[name], f' xmlns:wsse="{SECEXT_NS}"')


def server_fault(trace_id: str) -> bytes:
    """`trace_id`: 16 hexadecimal digits."""
    detail = (
        f'<detail><ev:gridFault xmlns:ev="{EVENT_NS}"><ev:code>9999</ev:code><ev:message>系统内部错误</ev:message>'
        f"<ev:traceId>{trace_id}</ev:traceId></ev:gridFault></detail>"
    )
    return _fault("soap:Server", _FAULTS["Server"], detail=detail)


def _fault(code: str, text: str, xmlns: str = "", detail: str = "") -> bytes:
    return (
        f'{DECLARATION}<soap:Envelope xmlns:soap="{SOAP_NS}"><soap:Body><soap:Fault>'
        f"<faultcode{xmlns}>{code}</faultcode><faultstring>{escape(text)}</faultstring>{detail}"
        "</soap:Fault></soap:Body></soap:Envelope>"
    ).encode()


def _printable(text: str) -> str:
    """A parser may quote bytes that must not stand in XML: they are shown as U+FFFD."""
    return "".join(one if one >= " " and one not in "\ufffe\uffff" and not "\ud800" <= one <= "\udfff" else "\ufffd"
                   for one in text.replace("\n", " "))

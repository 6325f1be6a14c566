"""Reading SOAP 1.1 requests: safe parsing, version, headers, schema, arguments.

Every reader gives either what was asked for or the text of the soap:Client fault. Must not know rules or storage.
"""

from __future__ import annotations

import binascii
import re
import threading

from lxml import etree

from sandbox.grid.contract import EVENT_NS, OPERATIONS, SOAP_NS, XSD
from sandbox.grid.rules import Arguments, Upload

_ENVELOPE = f"{{{SOAP_NS}}}Envelope"
_HEADER = f"{{{SOAP_NS}}}Header"
_BODY = f"{{{SOAP_NS}}}Body"
_MUST_UNDERSTAND = f"{{{SOAP_NS}}}mustUnderstand"
_OPERATION_TAGS = {f"{{{EVENT_NS}}}{name}": name for name in OPERATIONS}

_DOCTYPE = re.compile(rb"(?:\xef\xbb\xbf)?(?:[ \t\r\n]++|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL)
_PIECE = 8192

# One validator for all threads: lxml keeps its error log on the validator itself.
_SCHEMA = etree.XMLSchema(etree.fromstring(XSD))
_SCHEMA_LOCK = threading.Lock()


def operation_name(body: bytes) -> str:
    """The operation a request asks for, read from its first bytes only; `unknown` when that cannot be told."""
    if _DOCTYPE.match(body):
        return "unknown"
    parser = etree.XMLPullParser(events=("start",), encoding="utf-8", resolve_entities=False, no_network=True)
    inside = False
    try:
        for at in range(0, len(body), _PIECE):
            parser.feed(body[at:at + _PIECE])
            for _, element in parser.read_events():
                tag = str(getattr(element, "tag", ""))
                if inside:
                    return _OPERATION_TAGS.get(tag, "unknown")
                inside = tag == _BODY
    except etree.XMLSyntaxError:
        return "unknown"
    return "unknown"


def parse(body: bytes) -> etree._Element | str:
    """The root element, or the parser's text. The charset of the Content-Type is utf-8 and outranks a declaration."""
    if _DOCTYPE.match(body):
        return "DOCTYPE is disallowed when the feature \"disallow-doctype-decl\" set to true."
    # huge_tree: a file of 10 MB is a text node of 14 MB, over libxml2's cautious default.
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True,
        remove_comments=True, remove_pis=True,
    )
    try:
        return etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        return str(error) or "Premature end of file."


def is_envelope(root: etree._Element) -> bool:
    return etree.QName(root).localname == "Envelope"


def is_soap_11(root: etree._Element) -> bool:
    return root.tag == _ENVELOPE


def header(root: etree._Element) -> etree._Element | None:
    return root.find(_HEADER)


def not_understood(head: etree._Element | None, known: str) -> list[str]:
    """`{ns}name` of every header with mustUnderstand=1 other than `known`."""
    found = [] if head is None else list(head)
    return [str(one.tag) for one in found if one.tag != known and one.get(_MUST_UNDERSTAND, "").strip() == "1"]


def operation_element(root: etree._Element) -> etree._Element | str:
    """The operation's element, valid against the XSD; else the parser's text."""
    parts = [str(child.tag) for child in root]
    if parts not in ([_BODY], [_HEADER, _BODY]):
        return "the envelope must hold one Header and one Body"
    children = list(root[-1])
    if not children:
        return "the Body holds no operation"
    element = children[0]
    if str(element.tag) not in _OPERATION_TAGS:
        return f"unexpected element {element.tag}"
    if len(children) > 1:
        return f"unexpected element {children[1].tag} after the operation"
    with _SCHEMA_LOCK:
        if not _SCHEMA.validate(element):
            last = getattr(_SCHEMA.error_log, "last_error", None)
            return str(getattr(last, "message", "the Body is not valid"))
    return element


def local_name(element: etree._Element) -> str:
    return etree.QName(element).localname


def read_arguments(operation: etree._Element) -> Arguments | str:
    """The arguments of a schema-valid operation element; the parser's text if base64 holds other characters."""
    holder = operation[0] if local_name(operation) == "reportEvent" else operation
    text: dict[str, str] = {}
    assist: list[str] = []
    uploads: list[Upload] = []
    extend: list[tuple[str, str]] = []
    for child in holder:
        match local_name(child):
            case "assistDepts":
                assist = [dept.text or "" for dept in child]
            case "attachments":
                for one in child:
                    upload = _upload(one)
                    if upload is None:
                        return "cvc-datatype-valid.1.2.1: the text is not a valid value for 'base64Binary'."
                    uploads.append(upload)
            case "extend":
                extend = [(item[0].text or "", item[1].text or "") for item in child]
            case name:
                text[name] = child.text or ""
    return Arguments(text, tuple(assist), tuple(uploads), tuple(extend))


def _upload(attachment: etree._Element) -> Upload | None:
    name, mime, encoded = (part.text or "" for part in attachment)
    try:
        # libxml2's base64Binary lets stray characters pass, hence the strict decoding here.
        packed = encoded.encode("ascii").translate(None, b" \t\r\n")
        return Upload(name, mime, binascii.a2b_base64(packed, strict_mode=True))
    except (UnicodeEncodeError, binascii.Error):
        return None

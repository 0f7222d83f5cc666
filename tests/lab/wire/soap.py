# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WS-Man envelopes: reading requests, writing replies and faults (MS-WSMV, DSP0226)."""

from __future__ import annotations

import re
import uuid
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from typing import Iterable

NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "p": "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",
    "x": "http://schemas.xmlsoap.org/ws/2004/09/transfer",
    "rsp": "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
    "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
    "e": "http://schemas.xmlsoap.org/ws/2004/08/eventing",
    "pwsh": "http://schemas.microsoft.com/powershell",
}
for _prefix, _uri in NAMESPACES.items():
    ET.register_namespace(_prefix, _uri)

ANONYMOUS = NAMESPACES["a"] + "/role/anonymous"
CONTENT_TYPE = "application/soap+xml;charset=UTF-8"

# codes of wsmerror.h and winerror.h
ACCESS_DENIED = 5
INVALID_PARAMETER = 87
ABORTED = 995
INTERNAL_ERROR = 1359
RESOURCE_NOT_FOUND = 2150858752
ACTION_NOT_SUPPORTED = 2150858771
OPERATION_TIMEOUT = 2150858793
SCHEMA_INVALID = 2150858817
XML_INVALID = 2150858819
RESPONSE_TOO_LARGE = 2150858824
SHELL_NOT_FOUND = 2150858843
TOO_MANY_SHELLS = 2150859173

#: fault code -> (SOAP code, WS-Man subcode, text)
_FAULTS = {
    ACCESS_DENIED: ("s:Sender", "w:AccessDenied", "Access is denied. "),
    INVALID_PARAMETER: ("s:Sender", "w:InvalidParameter", "The parameter is incorrect. "),
    ABORTED: (
        "s:Receiver",
        "w:InternalError",
        "The I/O operation has been aborted because of either a thread exit or an application request. ",
    ),
    INTERNAL_ERROR: ("s:Receiver", "w:InternalError", "An internal error occurred. "),
    RESOURCE_NOT_FOUND: (
        "s:Sender",
        "a:DestinationUnreachable",
        "The WS-Management service cannot process the request. The service cannot find the resource identified by the "
        "resource URI and selectors. ",
    ),
    ACTION_NOT_SUPPORTED: (
        "s:Sender",
        "a:ActionNotSupported",
        "The WS-Management service does not support the action. ",
    ),
    OPERATION_TIMEOUT: (
        "s:Receiver",
        "w:TimedOut",
        "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.  ",
    ),
    SHELL_NOT_FOUND: (
        "s:Sender",
        "w:InvalidSelectors",
        "The request for the Windows Remote Shell failed because the shell was not found on the server. Possible causes "
        "are: the specified ShellId is incorrect or the shell no longer exists on the server. Provide the correct ShellId "
        "or create a new shell and retry the operation. ",
    ),
    RESPONSE_TOO_LARGE: (
        "s:Receiver",
        "w:EncodingLimit",
        "The response that the WS-Management service computed exceeds the maximum envelope size in the request. ",
    ),
    TOO_MANY_SHELLS: (
        "s:Receiver",
        "w:QuotaLimit",
        "The WS-Management service cannot process the request. This user has too many shells. ",
    ),
    XML_INVALID: ("s:Sender", "w:SchemaValidationError", "The request is not well-formed XML. "),
    SCHEMA_INVALID: ("s:Sender", "w:SchemaValidationError", "The request does not match its XML schema. "),
}


class WsmanFault(Exception):
    """The server's refusal of a request.

    :param code: the WSManFault code, an unsigned 32-bit number.
    :param message: what went wrong; by default the text that Windows has for the code.
    """

    def __init__(self, code: int, message: str | None = None) -> None:
        self.soap_code, self.subcode, text = _FAULTS.get(
            code, ("s:Receiver", "w:InternalError", "WSManFault %d. " % code)
        )
        self.code = code
        super().__init__(message or text)


@dataclass(frozen=True)
class Request:
    """One WS-Man request.

    :param timeout: OperationTimeout in seconds; 60 where the client names none.
    :param envelope_limit: MaxEnvelopeSize in bytes: no answer may be longer.
    :param cmdlets: names of the cmdlets that the request makes the server call, as it calls them; for the log.
    """

    action: str
    message_id: str
    resource: str = ""
    selectors: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    timeout: float = 60.0
    envelope_limit: int = 153600
    body: ET.Element = field(default_factory=lambda: ET.Element("empty"))
    cmdlets: list[str] = field(default_factory=list)

    @property
    def verb(self) -> str:
        """The last word of the action, such as Create."""
        return self.action.rpartition("/")[2]

    @property
    def shell_id(self) -> str:
        """The ShellId selector in capitals; empty where there is none."""
        return self.selectors.get("ShellId", "").upper()


def tag(name: str) -> str:
    """C(prefix:name) as ElementTree writes it."""
    prefix, local = name.split(":")
    return "{%s}%s" % (NAMESPACES[prefix], local)


def element(name: str, text: str | None = None, children: Iterable[ET.Element] = (), **attributes: str) -> ET.Element:
    """An element C(prefix:name) with text, attributes and children; what XML cannot carry becomes a question mark."""
    node = ET.Element(tag(name), attributes)
    node.text = text and re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)
    node.extend(children)
    return node


def text_of(node: ET.Element, path: str) -> str:
    """The trimmed text of the first descendant at a prefixed path; empty where there is none."""
    return (node.findtext(path, "", NAMESPACES) or "").strip()


def seconds(duration: str) -> float:
    """An XML duration of days, hours, minutes and seconds, in seconds. :raises WsmanFault: it is none."""
    parts = re.fullmatch(r"P(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", duration)
    if not parts or not any(parts.groups()):
        raise WsmanFault(SCHEMA_INVALID, "The duration %r is not an XML duration. " % duration)
    return sum(float(part or 0) * factor for part, factor in zip(parts.groups(), (86400, 3600, 60, 1), strict=True))


def parse_request(data: bytes) -> Request:
    """Read an envelope.

    :raises WsmanFault: it is not XML, has a document type, or lacks its action or message id.
    """
    if b"<!DOCTYPE" in data:
        raise WsmanFault(XML_INVALID, "The request has a document type declaration. ")
    try:
        root = ET.fromstring(data)
    except ET.ParseError as error:
        raise WsmanFault(XML_INVALID, "The request is not XML: %s. " % error) from None
    header, body = root.find("s:Header", NAMESPACES), root.find("s:Body", NAMESPACES)
    if root.tag != tag("s:Envelope") or header is None or body is None:
        raise WsmanFault(SCHEMA_INVALID, "The request is not a SOAP 1.2 envelope with a header and a body. ")
    action, message_id = text_of(header, "a:Action"), text_of(header, "a:MessageID")
    if not action or not message_id:
        raise WsmanFault(SCHEMA_INVALID, "The request lacks its Action or MessageID. ")
    duration = text_of(header, "w:OperationTimeout")
    return Request(
        action=action,
        message_id=message_id,
        resource=text_of(header, "w:ResourceURI"),
        selectors=_named(header, "w:SelectorSet/w:Selector"),
        options=_named(header, "w:OptionSet/w:Option"),
        timeout=seconds(duration) if duration else 60.0,
        envelope_limit=_number(text_of(header, "w:MaxEnvelopeSize") or "153600"),
        body=body,
    )


def _number(text: str) -> int:
    if not re.fullmatch(r"\d{1,10}", text):
        raise WsmanFault(SCHEMA_INVALID, "%r is not a number. " % text)
    return int(text)


def _named(header: ET.Element, path: str) -> dict[str, str]:
    return {node.get("Name", ""): (node.text or "").strip() for node in header.findall(path, NAMESPACES)}


def build_reply(request: Request, body: Iterable[ET.Element]) -> bytes:
    """The envelope that answers a request."""
    return _envelope(request.action + "Response", request.message_id, body)


def build_fault(fault: WsmanFault, machine: str, request: Request | None = None) -> bytes:
    """The envelope of a fault, with the WSManFault detail that clients read the code from."""
    text = str(fault)
    detail = element("f:WSManFault", None, [element("f:Message", text)], Code=str(fault.code), Machine=machine)
    subcode = element("s:Subcode", None, [element("s:Value", fault.subcode)])
    subcode.set("xmlns:w", NAMESPACES["w"])  # for the value, which is a qualified name
    reason = element("s:Text", text)
    reason.set("{http://www.w3.org/XML/1998/namespace}lang", "en-US")
    parts = [
        element("s:Code", None, [element("s:Value", fault.soap_code), subcode]),
        element("s:Reason", None, [reason]),
        element("s:Detail", None, [detail]),
    ]
    action = (
        NAMESPACES["w"].replace("wsman.xsd", "fault") if fault.subcode.startswith("w:") else NAMESPACES["a"] + "/fault"
    )
    return _envelope(action, request.message_id if request else None, [element("s:Fault", None, parts)])


def _envelope(action: str, relates_to: str | None, body: Iterable[ET.Element]) -> bytes:
    header = [
        element("a:Action", action),
        element("a:MessageID", "uuid:%s" % str(uuid.uuid4()).upper()),
        element("a:To", ANONYMOUS),
    ]
    if relates_to:
        header.append(element("a:RelatesTo", relates_to))
    envelope = element("s:Envelope", None, [element("s:Header", None, header), element("s:Body", None, body)])
    return ET.tostring(envelope, encoding="utf-8")

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Message encryption of WinRM over HTTP (MS-WSMV, section 2.2.9.1): envelopes sealed by the connection's security context."""

from __future__ import annotations

import re
import struct
from typing import Any

BOUNDARY = b"--Encrypted Boundary"
_ORIGINAL = re.compile(rb"OriginalContent:\s*type=[^;\r\n]+;\s*charset=[^;\r\n]+;\s*Length=(\d+)", re.IGNORECASE)
_OCTETS = b"\tContent-Type: application/octet-stream\r\n"
#: what the client may write; the answer repeats it
CREDSSP = "application/HTTP-CredSSP-session-encrypted"
PROTOCOLS = ("application/HTTP-SPNEGO-session-encrypted", "application/HTTP-Kerberos-session-encrypted", CREDSSP)
PART = 16384  # the most that CredSSP seals at a time: a TLS record


class SealError(Exception):
    """A message is not what the connection's context can open."""


def sealed_protocol(content_type: str) -> str | None:
    """The encryption protocol of a Content-Type; None for a message that is not encrypted.

    :raises SealError: a protocol that the lab does not know.
    """
    if not re.match(r"multipart/(x-multi-)?encrypted\b", content_type, re.IGNORECASE):
        return None
    named = re.search(r'protocol="([^"]+)"', content_type)
    for known in PROTOCOLS:
        if named and named.group(1).lower() == known.lower():
            return known
    raise SealError("unknown encryption protocol in %r" % content_type)


def unseal(context: Any, body: bytes) -> bytes:
    """Open a sealed message.

    :param context: a complete spnego context.
    :raises SealError: it was not sealed for this context, or it is not whole.
    """
    parts = [part for part in body.split(BOUNDARY + b"\r\n") if part]
    if not parts or len(parts) % 2:
        raise SealError("the multipart message is not whole")
    opened = b""
    for header, payload in zip(parts[::2], parts[1::2], strict=True):
        length = _ORIGINAL.search(header)
        payload = payload.removesuffix(BOUNDARY + b"--\r\n")
        if not length or not payload.startswith(_OCTETS):
            raise SealError("a part's headers are missing")
        piece = _open(context, payload[len(_OCTETS) :])
        if len(piece) != int(length.group(1)):
            raise SealError("a part has another length than it says")
        opened += piece
    return opened


def _open(context: Any, payload: bytes) -> bytes:
    size = struct.unpack("<I", payload[:4])[0] if len(payload) >= 4 else len(payload)
    if size > len(payload) - 4:
        raise SealError("a part is too short")
    try:
        return context.unwrap_winrm(payload[4 : 4 + size], payload[4 + size :])
    except Exception as error:  # the libraries raise several unrelated kinds
        raise SealError("the context cannot decrypt it: %s" % error) from error


def seal(context: Any, protocol: str, data: bytes) -> tuple[str, bytes]:
    """Seal an answer; returns its Content-Type and the message."""
    size = PART if protocol == CREDSSP else max(len(data), 1)
    pieces = [data[start : start + size] for start in range(0, max(len(data), 1), size)]
    message = b"".join(_sealed_part(context, protocol.encode(), piece) for piece in pieces) + BOUNDARY + b"--\r\n"
    kind = "multipart/encrypted" if len(pieces) == 1 else "multipart/x-multi-encrypted"
    return '%s;protocol="%s";boundary="Encrypted Boundary"' % (kind, protocol), message


def _sealed_part(context: Any, protocol: bytes, data: bytes) -> bytes:
    sealed = context.wrap_winrm(data)
    length = str(len(data) + sealed.padding_length).encode()
    return b"".join(
        (
            BOUNDARY + b"\r\n\tContent-Type: " + protocol + b"\r\n",
            b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=" + length + b"\r\n",
            BOUNDARY + b"\r\n" + _OCTETS,
            struct.pack("<I", len(sealed.header)) + sealed.header + sealed.data,
        )
    )

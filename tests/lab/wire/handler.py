# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One client connection: HTTP, authentication, message encryption, and the faults of those layers.

WinRM authenticates and encrypts per TCP connection; one handler object serves one connection, so it holds that state.
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

from .faults import Act, Drop, HttpFailure
from .sealing import SealError, seal, sealed_protocol, unseal
from .service import Answer
from .soap import CONTENT_TYPE
from .tls import Channel

#: the largest request that is read at all, in bytes
BODY_LIMIT = 8 * 1024 * 1024
HTML = "text/html; charset=us-ascii"
TEXTS = {
    400: "the message could not be decrypted",
    401: "who are you",
    404: "no such path",
    411: "the request has no Content-Length",
    413: "the request is too large",
    500: "the request was refused",
    502: "the gateway got no answer that it understands",
    503: "the service is unavailable",
    504: "the gateway got no answer in time",
}


class Handler(BaseHTTPRequestHandler):
    """Serves one connection. The listener that made it is C(self.server)."""

    protocol_version = "HTTP/1.1"
    server_version = "Microsoft-HTTPAPI/2.0"
    sys_version = ""
    wbufsize = -1  # one segment for headers and body; unbuffered writes meet Nagle's algorithm
    disable_nagle_algorithm = True
    timeout = 120  # seconds that an idle connection is kept
    server: Any

    def setup(self) -> None:
        """Finish TLS and prepare the connection's state."""
        self.host, self.service = self.server.place_of(self.request)
        if self.server.is_silent(self.host):
            self._ignore()
        self.channel = Channel()
        if isinstance(self.request, ssl.SSLSocket):
            self.request.settimeout(30)
            self.request.do_handshake()
            self.channel = self.server.wire.tls.channel(self.host, self.request)
        self.authenticator = self.server.wire.authenticator(self.host, self.channel)
        super().setup()

    def _ignore(self) -> None:
        """Wait until the client gives up, which ends the connection. :raises OSError: it did, or too much time went by."""
        self.request.settimeout(self.timeout)
        while socket.socket.recv(self.request, 65536):  # below TLS, which would answer
            pass
        raise ConnectionAbortedError

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: counters and faults tell what happened."""

    def do_POST(self) -> None:
        """Answer one request."""
        try:
            body = self._read_body()
            if body is None:
                return
            self._meet("http-before", self.path)
            self._place = self.path.partition("?")[0].strip("/").lower()
            if not self.server.serves(self.host, self._place):
                self._send_text(404)
                return
            self._authenticate(body)
        except Drop as order:
            self._drop(order)
        except HttpFailure as order:
            self._challenges = self.authenticator.offers() if order.status == 401 else ()
            self._send_text(order.status, order.body)
        except (ConnectionError, TimeoutError):
            self.close_connection = True  # the client has gone

    def do_GET(self) -> None:
        """WS-Man knows POST only."""
        self._send(405, b"", HTML, Allow="POST")

    def _read_body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > BODY_LIMIT:
            self.close_connection = True
            self._send_text(413 if length.isdigit() else 411)
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionResetError
        return body

    def _authenticate(self, body: bytes) -> None:
        verdict = self.authenticator.judge(self.headers.get("Authorization"))
        self._challenges = verdict.challenges
        if verdict.user is None:
            self.service.counters.count(self.host.fqdn, "authentication")
            self._send(401, b"", HTML)
        elif not body:
            self.service.counters.count(self.host.fqdn, "authentication")
            self._send(200, b"", CONTENT_TYPE)
        else:
            self._dispatch(verdict.user, body)

    def _dispatch(self, user: Any, body: bytes) -> None:
        """Open the message, answer it, and seal the answer if the message was sealed."""
        context = self.authenticator.context
        try:
            protocol = sealed_protocol(self.headers.get("Content-Type", ""))
            data = body if protocol is None else unseal(context, body)
        except SealError:
            self._send_text(400)
            return
        if protocol is None and not self.channel.tls:
            self._send_text(500)  # AllowUnencrypted is false: clients get no envelope that says so
            return
        answer = self.service.handle(user, data, self._place)
        self._finish(answer, protocol)

    def _finish(self, answer: Answer, protocol: str | None) -> None:
        ordered: set[str] = set()
        acts = {do: lambda fields, do=do: ordered.add(do) for do in ("close", "expire-auth", "clear")}
        dropped = None
        try:
            self._meet("http-after", answer.verb, acts)
        except Drop as order:
            dropped = order
        content_type, message = CONTENT_TYPE, answer.envelope
        if protocol is not None and "clear" not in ordered:
            content_type, message = seal(self.authenticator.context, protocol, message)
        if dropped:
            if dropped.size:
                self._head(answer.status, len(message), content_type)
                self.wfile.write(message[: dropped.size])
                self.wfile.flush()
            raise dropped
        self._send(answer.status, message, content_type)
        if "expire-auth" in ordered:
            self.authenticator.expire()
        if "close" in ordered:
            self.close_connection = True  # only now: no header announces it

    def _meet(self, point: str, what: str, acts: Mapping[str, Act] | None = None) -> None:
        self.server.faults.meet(point, "%s %s" % (self.host.fqdn, what), acts)

    # Writing

    _challenges: tuple[str, ...] = ()

    def _send_text(self, status: int, text: str | None = None) -> None:
        page = "<h2>%d: %s</h2>\r\n" % (status, TEXTS[status]) if text is None else text
        self._send(status, page.encode(), HTML)

    def _send(self, status: int, body: bytes, content_type: str, **headers: str) -> None:
        self._head(status, len(body), content_type, **headers)
        self.wfile.write(body)
        self.wfile.flush()

    def _head(self, status: int, length: int, content_type: str, **headers: str) -> None:
        self.send_response(status)
        for challenge in self._challenges:
            self.send_header("WWW-Authenticate", challenge)
        self._challenges = ()
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _drop(self, order: Drop) -> None:
        """End the connection: FIN, or RST where asked."""
        self.close_connection = True
        if order.reset:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.request.detach())

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One client connection: HTTP, authentication, message encryption, and the faults of those layers.

WinRM authenticates and encrypts per TCP connection; one handler object serves one connection, so it holds that state.
"""

from __future__ import annotations

import os
import socket
import struct
from http.server import BaseHTTPRequestHandler
from typing import Any

from .faults import Drop, HttpFailure
from .sealing import SealError, seal, sealed_protocol, unseal
from .service import Answer
from .soap import CONTENT_TYPE

#: the largest request that is read at all, in bytes
BODY_LIMIT = 8 * 1024 * 1024
HTML = "text/html; charset=us-ascii"
TEXTS = {
    400: "the message could not be decrypted",
    404: "no such path",
    411: "the request has no Content-Length",
    413: "the request is too large",
    500: "the request was refused",
    503: "the service is unavailable",
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
        self.binding = None
        if self.server.tls:
            self.request.settimeout(30)
            self.request.do_handshake()
            self.binding = self.server.binding_of(self.host)
        self.authenticator = self.server.authenticator(self.host, self.binding)
        super().setup()

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
            self._send_text(order.status)
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
        if protocol is None and not self.server.tls:
            self._send_text(500)  # AllowUnencrypted is false: clients get no envelope that says so
            return
        answer = self.service.handle(user, data, self._place)
        content_type, message = CONTENT_TYPE, answer.envelope
        if protocol is not None:
            content_type, message = seal(context, protocol, message)
        self._finish(answer, content_type, message)

    def _finish(self, answer: Answer, content_type: str, message: bytes) -> None:
        try:
            self._meet("http-after", answer.verb)
        except Drop as order:
            if order.size:
                self._head(answer.status, len(message), content_type)
                self.wfile.write(message[: order.size])
                self.wfile.flush()
            raise
        self._send(answer.status, message, content_type)

    def _meet(self, point: str, what: str) -> None:
        self.server.faults.meet(point, "%s %s" % (self.host.fqdn, what))

    # Writing

    _challenges: tuple[str, ...] = ()

    def _send_text(self, status: int) -> None:
        self._send(status, ("<h2>%d: %s</h2>\r\n" % (status, TEXTS[status])).encode(), HTML)

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

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection below WinRS: pywinrm with one way to authenticate, and the Receive that can be repeated.

Private to this collection. A connection that failed is dropped and made anew, never mended: with message encryption it
cannot be. Shell and command outlive it, because the server knows them by their ids.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import xml.etree.ElementTree as ET
from typing import Any, NamedTuple

from ansible_collections.lync.persistent_chat.plugins.module_utils._kerberos import TicketCache
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.failures import (
    SessionExpired,
    UnprotectedAnswer,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.libraries import require
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions

POLL = 20  # seconds that one request may wait at the server (WS-Man OperationTimeout)
NETWORK = 10  # seconds that an answer may take beyond that
_SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
_ENCRYPTED = ("multipart/encrypted", "multipart/x-multi-encrypted")


class Output(NamedTuple):
    """What one Receive brought; the exit code is None while the process runs."""

    stdout: bytes
    stderr: bytes
    exit_code: int | None


class WinRmSession:
    """One connection to a server at a time, over which pywinrm's C(protocol) speaks.

    :raises MissingLibrary: pywinrm, or what it needs for this authentication, is not installed.
    """

    def __init__(self, options: RemotingOptions) -> None:
        self._options = options
        self.protocol = _protocol(options)
        self._tickets: TicketCache | None = None

    def connect(self) -> None:
        """Have a connection; where messages are encrypted, an authenticated one.

        :raises Exception: whatever the libraries raise; see failures.py.
        """
        options, new = self._options, self.protocol.transport.session is None
        if new:
            # before Kerberos: of a mistyped name it would only say that the KDC does not know it
            socket.getaddrinfo(options.server.strip("[]"), options.port, type=socket.SOCK_STREAM)
        self._use_tickets()
        if new:
            try:
                self._log_on()
            except BaseException:
                self.disconnect()  # nothing may be sent over what is half a session
                raise

    def limit(self, remaining: float) -> None:
        """Give the next request no more than so many seconds."""
        self.protocol.operation_timeout_sec = max(1, min(POLL, int(remaining)))
        answer = min(self.protocol.operation_timeout_sec + NETWORK, remaining + 2)
        self.protocol.transport.read_timeout_sec = (min(self._options.connection_timeout, remaining), answer)

    def disconnect(self) -> None:
        """Drop the connection without a good-bye; the ticket stays for the next one. Never raises."""
        with contextlib.suppress(Exception):
            self.protocol.transport.close_session()
        self.protocol.transport.session = self.protocol.transport.encryption = None

    def close(self) -> None:
        """Drop the connection and the ticket. Never raises."""
        self.disconnect()
        tickets, self._tickets = self._tickets, None
        if tickets is not None:
            tickets.close()

    def receive_request(self, shell: str, command: str) -> str:
        """The envelope that asks for a command's output; sent again, it brings the same answer again."""
        import xmltodict

        envelope = self.protocol.build_wsman_header(_SHELL + "/Receive", _SHELL + "/cmd", shell)
        stream = {"@CommandId": command, "#text": "stdout stderr"}
        envelope["env:Body"] = {"rsp:Receive": {"rsp:DesiredStream": stream}}
        text: str = xmltodict.unparse({"env:Envelope": envelope})
        return text

    def _log_on(self) -> None:
        transport, options = self.protocol.transport, self._options
        sealed = options.scheme == "http"
        session = transport.build_session()
        session.max_redirects = 0
        guard(session.get_adapter(options.url), sealed)
        if sealed:
            if not getattr(session.auth, "winrm_encryption_available", True):
                raise UnprotectedAnswer("this pykerberos cannot encrypt messages")
            transport.setup_encryption(session)
        elif options.auth == "credssp":
            # requests_credssp takes any answer to its last step but 200 for a failure of its own, so that step carries nothing
            transport.setup_encryption(session)
            transport.encryption = None

    def _use_tickets(self) -> None:
        if self._options.auth != "kerberos":
            return
        if self._tickets is None:
            options = self._options
            self._tickets = TicketCache(
                options.user,
                options.password,
                options.realm,
                options.kdc,
                options.delegation,
                options.connection_timeout,
            )
        self._tickets.open()


def output_of(answer: bytes) -> Output:
    """What the answer to a Receive holds.

    :raises ValueError: it is no such answer; ParseError: it is no XML.
    """
    body = ET.fromstring(answer).find(".//{%s}ReceiveResponse" % _SHELL)
    if body is None:
        raise ValueError("the answer to Receive has no ReceiveResponse")
    streams: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
    for stream in body.iterfind("{%s}Stream" % _SHELL):
        streams[stream.get("Name", "")].append(base64.b64decode(stream.text or ""))
    state = body.find("{%s}CommandState" % _SHELL)
    exit_code = None
    if state is not None and state.get("State", "").endswith("/Done"):
        exit_code = int(state.findtext("{%s}ExitCode" % _SHELL) or -1)
    return Output(b"".join(streams["stdout"]), b"".join(streams["stderr"]), exit_code)


def guard(adapter: Any, sealed: bool) -> None:
    """Look at each answer before the handlers of the authentication do.

    They would send a message again that was encrypted for a session that is over, take an answer in clear text for one to it,
    and stumble over an error page in the middle of their exchange.
    """
    send = adapter.send

    def guarded(request: Any, *args: Any, **kwargs: Any) -> Any:
        response = send(request, *args, **kwargs)
        if sealed and request.body:
            return _sealed(response)
        if response.status_code >= 400 and response.status_code != 401 and "soap+xml" not in _content_type(response):
            response.raise_for_status()
        return response

    adapter.send = guarded


def _sealed(response: Any) -> Any:
    """Accept only encrypted answers; of a refusal in clear text only the status is believed."""
    if not _content_type(response).startswith(_ENCRYPTED):
        if response.status_code == 401:
            raise SessionExpired("HTTP 401")
        if response.ok:
            raise UnprotectedAnswer("HTTP %d in clear text" % response.status_code)
        response._content = b""
    return response


def _content_type(response: Any) -> str:
    return str(response.headers.get("Content-Type", "")).lower()


def _protocol(options: RemotingOptions) -> Any:
    require(options)
    import winrm.protocol

    private_ticket = options.auth == "kerberos" and options.password is not None
    return winrm.protocol.Protocol(
        endpoint=options.url,
        transport=options.auth,
        # the private cache holds one ticket, and its name may be written in another way than remote_user
        username=None if private_ticket else options.user,
        password=None if options.auth in ("kerberos", "certificate") else options.password,
        cert_pem=options.certificate,
        cert_key_pem=options.certificate_key,
        ca_trust_path=options.ca_cert or "legacy_requests",
        server_cert_validation="validate" if options.validate else "ignore",
        kerberos_hostname_override=options.hostname_override,
        kerberos_delegation=options.delegation,
        service=options.service,
        send_cbt=options.channel_binding,
        message_encryption="never",  # connect() sets it up, once answers are looked at
        proxy=None,
        operation_timeout_sec=POLL,
        read_timeout_sec=POLL + NETWORK,
    )

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP connection below pypsrp: its time limits, and requests that are sent once more. Private to this collection."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from typing import Any

from ansible_collections.lync.persistent_chat.plugins.module_utils._kerberos import TicketCache, principal
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.attempts import Attempts, Deadline
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.evidence import Evidence
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.libraries import require
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.winrm_session import NETWORK, POLL, guard

_RECEIVE = b"http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Receive<"
_UNREAD_PAUSE = 0.2  # seconds before a request that the server could not read is sent again

_log = logging.getLogger(__name__)


class Wire:
    """Stands in the place of pypsrp's own HTTP transport, and uses that for all that has to do with HTTP.

    :ivar deadline: when the work in hand must be finished.
    """

    def __init__(self, options: RemotingOptions, attempts: Attempts, tickets: TicketCache, deadline: Deadline) -> None:
        self.deadline = deadline
        self._options = options
        self._attempts = attempts
        self._tickets = tickets
        self.wsman = _new_wsman(options)
        self._http = self.wsman.transport
        self._build_session, self._http._build_session = self._http._build_session, self._new_session
        self.wsman.transport = self
        self.endpoint: str = self._http.endpoint

    def limit(self) -> None:
        """Let the server hold the next request no longer than there is time.

        :raises DeadlineReached: there is none.
        """
        self.wsman.operation_timeout = max(1, min(POLL, int(self.deadline.check())))

    def send(self, message: bytes, **ignored: Any) -> bytes:
        """The answer to a request.

        :raises WSManFaultError: the answer is a fault.
        """
        if _RECEIVE in message:
            return self._attempts.insist(lambda: self._send_once(message), self.close, self.deadline)
        try:
            return self._send_once(message)
        except Exception as error:
            if not _is_unread(error) or self.deadline.remaining < _UNREAD_PAUSE:
                raise
            _log.debug("%s could not read a request, which is sent again: %s", self._options.server, error)
        self.close()
        time.sleep(_UNREAD_PAUSE)
        return self._send_once(message)

    def close(self) -> None:
        """Drop the connection; the next request makes a new one. Never raises."""
        session, self._http.session = self._http.session, None
        self._http.encryption = None
        if session is not None:
            with contextlib.suppress(Exception):
                session.close()

    def _send_once(self, message: bytes) -> bytes:
        remaining = self.deadline.check()
        self._http.connection_timeout = min(self._options.connection_timeout, remaining)
        self._http.read_timeout = min(self.wsman.operation_timeout + NETWORK, remaining + 2)
        try:
            answer: bytes = self._http.send(message)
        except Exception as error:
            if type(error).__name__ != "WinRMTransportError":
                raise
            raise self._fault(error) from error
        return answer

    def _new_session(self) -> Any:
        """A session of HTTP for pypsrp, which calls this when it has none."""
        # before Kerberos: of a mistyped name it would only say that the KDC does not know it
        socket.getaddrinfo(self._options.server.strip("[]"), self._options.port, type=socket.SOCK_STREAM)
        self._tickets.open()
        session = self._build_session()
        session.max_redirects = 0
        session.trust_env = False
        guard(session.get_adapter(self.endpoint), self._options.scheme == "http")
        if self._options.auth == "credssp" and self._options.scheme == "https":
            # requests_credssp takes any answer to its last step but 200 for a failure of its own, so that step carries nothing
            limits = (self._http.connection_timeout, self._http.read_timeout)
            session.post(self.endpoint, timeout=limits).raise_for_status()
        return session

    def _fault(self, error: Any) -> Exception:
        """The fault in an answer with an error's status, or the error without a text that is none."""
        with contextlib.suppress(Exception):
            fault: Exception = self.wsman._parse_wsman_fault(error.response_text)
            if fault.args[0] is not None:
                return fault
        unexplained: Exception = type(error)(error.args[0], error.args[1], "")
        return unexplained


def _is_unread(error: Exception) -> bool:
    """Whether the server answered that it could not even read the request, as when encryption has lost its thread."""
    return type(error).__name__ == "SessionExpired" or Evidence(error).status == 400


def ticket_cache(options: RemotingOptions) -> TicketCache:
    """The Kerberos configuration and ticket for a connection.

    Only auth=kerberos gets a ticket beforehand; negotiate may fall back to NTLM and therefore keeps its password.
    """
    uses_kerberos = options.auth in ("kerberos", "negotiate", "credssp")
    with_password = options.auth == "kerberos" and options.password is not None
    return TicketCache(
        options.user if with_password else None,
        options.password if with_password else None,
        options.realm if uses_kerberos else None,
        options.kdc,
        options.delegation,
        options.connection_timeout,
    )


def _new_wsman(options: RemotingOptions) -> Any:
    """pypsrp's connection, which opens at its first request.

    :raises MissingLibrary: pypsrp, or what the way to authenticate needs beyond it, is not installed.
    """
    require(options)
    import pypsrp.wsman

    user, password = options.user, options.password
    if options.auth == "kerberos":
        # with a password the private ticket cache has the account's ticket, and no other
        user = principal(user, options.realm) if user and password is None else None
        password = None
    return pypsrp.wsman.WSMan(
        options.server,
        port=options.port,
        username=user,
        password=password,
        ssl=options.scheme == "https",
        path=options.path,
        auth=options.auth,
        cert_validation=(options.ca_cert or True) if options.validate else False,
        encryption="always" if options.scheme == "http" else "never",
        no_proxy=True,
        certificate_pem=options.certificate,
        certificate_key_pem=options.certificate_key,
        negotiate_send_cbt=options.channel_binding,
        negotiate_service=options.service,
        negotiate_hostname_override=options.hostname_override,
        negotiate_delegate=options.delegation,
    )

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failure of a connection means and what a person can do about it: one table. Private to this collection.

The stages of one exchange, in order:

connect
    name, TCP, TLS, authentication, and the creation of the shell
open
    the program is started and reads its input; nothing happens before the end of that input
send
    the commit point: the request that carries the end of the input (of a program without input: that starts it)
receive
    the program runs; its output is fetched

The exceptions of the libraries are known by their class names, so that this file imports none of them.
"""

from __future__ import annotations

import errno
import re
import socket
from dataclasses import dataclass
from typing import Any, Callable, Iterator, NamedTuple

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import (
    AMBIGUOUS,
    FATAL,
    NOT_APPLIED,
    RETRYABLE,
    RemotingError,
)

STAGES = ("connect", "open", "send", "receive")

# The kinds of a failure at each of the stages, under a name that says what they rest on.
_LATER = (AMBIGUOUS,)
#: the request never left this machine, or the server refused it before it looked inside
_NEVER_SENT = (RETRYABLE, RETRYABLE, RETRYABLE) + _LATER
#: the same, but it will be refused again
_REFUSED = (FATAL, FATAL, NOT_APPLIED) + _LATER
#: the request may have arrived
_LOST = (RETRYABLE, RETRYABLE, AMBIGUOUS) + _LATER
#: the request may have arrived, and asking again gives the same answer
_MISUNDERSTOOD = (FATAL, FATAL, AMBIGUOUS) + _LATER
#: the first request says that it can never work, a later one that the session is over
_SESSION = (FATAL, RETRYABLE, RETRYABLE) + _LATER

#: fault codes of WS-Management (MS-WSMV, winerror.h)
_QUOTA_FAULTS = {2150859173, 2150859174, 2150859175, 2150859176}
_SHELL_GONE = 2150858843
_ACCESS_DENIED = 5
_BUSY = 170

#: minor codes of MIT Kerberos (krb5_err.et)
_NO_TICKET = {-1765328243, -1765328189}
_SPN_UNKNOWN = {-1765328377}
_EXPIRED = {-1765328352}
_CLOCK_SKEW = {-1765328347}
_NO_KDC = {-1765328228, -1765328230, -1765328164}

_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL}
_MISMATCHES = {62, 64}  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_NOT_IN_TIME = {9, 10}  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED


class DeadlineReached(Exception):
    """The time that the caller gave is used up."""


class UnprotectedAnswer(Exception):
    """An answer came in clear text over a connection whose messages are encrypted."""


@dataclass(frozen=True)
class Target:
    """Where a connection goes, for messages; it never holds a password."""

    server: str
    url: str
    auth: str
    user: str | None = None
    service: str = ""


class Evidence:
    """What an exception and everything that it was raised from say."""

    def __init__(self, exception: BaseException) -> None:
        self.exceptions = list(_chain(exception))
        self.classes = {base.__name__ for item in self.exceptions for base in type(item).__mro__}
        self.own_classes = {base.__name__ for base in type(exception).__mro__}
        self.errnos = {
            item.errno for item in self.exceptions if isinstance(item, OSError) and not self._is_lookup(item)
        }
        self.fault: int | None = getattr(exception, "wsman_fault_code", None)
        self.status = self._status()
        self.kerberos = {int(code) for item in self.exceptions for code in re.findall(r"-17653\d{5}\b", str(item))}
        self.tls = " ".join(str(getattr(item, "reason", "")) for item in self.exceptions if isinstance(item, OSError))
        self.verify_code: int | None = self._first("verify_code")

    @staticmethod
    def _is_lookup(item: BaseException) -> bool:
        return isinstance(item, socket.gaierror)

    def _first(self, name: str) -> Any:
        return next((getattr(item, name) for item in self.exceptions if getattr(item, name, None) is not None), None)

    def _status(self) -> int | None:
        """The HTTP status of an answer without a SOAP fault."""
        response = self._first("response")
        status = getattr(response, "status_code", None)
        if status is None and "WinRMTransportError" in self.own_classes:
            status = self._first("code")
        return status if isinstance(status, int) and self.fault is None else None

    @property
    def offered(self) -> str:
        """The authentication schemes that the server named in its refusal."""
        headers = getattr(self._first("response"), "headers", None) or {}
        return headers.get("WWW-Authenticate", "")

    @property
    def lookup_error(self) -> int | None:
        """The EAI_* code of a failed name resolution."""
        return next((item.errno for item in self.exceptions if self._is_lookup(item)), None)

    @property
    def said(self) -> str:
        """What the other side or the library said, short."""
        reasons = [item.reason for item in self.exceptions if isinstance(getattr(item, "reason", None), str)]
        system = [str(item) for item in self.exceptions if isinstance(item, OSError) and str(item)]
        text = self._first("verify_message") or (reasons or system[-1:] or [str(self.exceptions[0])])[0]
        return re.sub(r"\s+", " ", text).strip()[:400].rstrip(".")


def _chain(exception: BaseException | None, seen: set[int] | None = None) -> Iterator[BaseException]:
    """The exception and those that it was made from: by cause, context, urllib3's reason, or as an argument."""
    seen = set() if seen is None else seen
    if not isinstance(exception, BaseException) or id(exception) in seen:
        return
    seen.add(id(exception))
    yield exception
    for item in (exception.__cause__, exception.__context__, getattr(exception, "reason", None)) + exception.args:
        if isinstance(item, BaseException):
            yield from _chain(item, seen)


class Row(NamedTuple):
    """One kind of failure: how it is known, what it means at each stage, what is said about it."""

    code: str
    matches: Callable[[Evidence], bool]
    kinds: tuple[str, ...]
    text: str


def _class(*names: str) -> Callable[[Evidence], bool]:
    return lambda evidence: bool(evidence.classes.intersection(names))


def _kerberos(codes: set[int]) -> Callable[[Evidence], bool]:
    return lambda evidence: "KerberosExchangeError" in evidence.own_classes and bool(evidence.kerberos & codes)


def _tls(*reasons: str) -> Callable[[Evidence], bool]:
    return lambda evidence: "SSLError" in evidence.classes and any(reason in evidence.tls for reason in reasons)


def _status(low: int, high: int | None = None) -> Callable[[Evidence], bool]:
    return lambda evidence: evidence.status is not None and low <= evidence.status <= (high or low)


#: read from the top; the first row that matches decides
TABLE: tuple[Row, ...] = (
    Row("operation_timeout", _class("DeadlineReached"), _LOST,
        "it was not finished in time. Raise operation_timeout if the server needs longer."),
    Row("unprotected_answer", _class("UnprotectedAnswer"), _MISUNDERSTOOD,
        "the answer was not encrypted although the connection is; something between here and the server answers for it. "
        "Use scheme https."),
    # TLS before anything else of the network: its errors are also connection errors
    Row("certificate_name_mismatch", lambda e: e.verify_code in _MISMATCHES, _REFUSED,
        "the server's certificate was issued for another name ({said}). Give remote_addr as the name in the certificate."),
    Row("certificate_not_in_time", lambda e: e.verify_code in _NOT_IN_TIME, _REFUSED,
        "the server's certificate is not valid now ({said}). Renew it, or correct the clock of this machine."),
    Row("certificate_untrusted", lambda e: e.verify_code is not None, _REFUSED,
        "CERTIFICATE_VERIFY_FAILED, the server's certificate is not trusted here ({said}). Give the file of the authority that "
        "issued it in ca_cert."),
    Row("tls_version", _tls("UNSUPPORTED_PROTOCOL", "PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE", "HANDSHAKE_FAILURE",
                            "DH_KEY_TOO_SMALL", "UNSAFE_LEGACY"), _REFUSED,
        "the server only speaks a version or a cipher of TLS that is refused here as too old ({said}). Such hosts, Windows "
        "Server 2008 R2 for example, are reached with scheme http and auth kerberos, where the messages are encrypted."),
    Row("tls_not_spoken", _tls("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL"), _REFUSED,
        "what answers on this port does not speak TLS ({said}). Check scheme and port: WinRM uses 5986 for https, 5985 for http."),
    # name and network
    Row("host_unknown", lambda e: e.lookup_error == socket.EAI_NONAME, _REFUSED,
        "no such host is known to this machine's name resolution ({said}). Check remote_addr."),
    Row("name_resolution", lambda e: e.lookup_error is not None, _NEVER_SENT,
        "the name could not be resolved ({said}). Check remote_addr, and the DNS servers of this machine."),
    Row("connection_refused", lambda e: errno.ECONNREFUSED in e.errnos, _NEVER_SENT,
        "the connection was refused. Is WinRM running there (winrm quickconfig), and is the port right?"),
    Row("host_unreachable", lambda e: bool(e.errnos & _UNREACHABLE), _NEVER_SENT,
        "there is no way to that address ({said})."),
    Row("connection_timeout", _class("ConnectTimeout"), _NEVER_SENT,
        "nobody answered in time. Check the address, the port and the firewalls in between."),
    # authentication
    Row("kerberos_no_ticket", _kerberos(_NO_TICKET), _REFUSED,
        "there is no Kerberos ticket to use ({kerberos_said}). Run kinit for the account first, or point KRB5CCNAME to its "
        "ticket cache."),
    Row("kerberos_ticket_expired", _kerberos(_EXPIRED), _REFUSED,
        "the Kerberos ticket has expired. Run kinit again."),
    Row("kerberos_spn_unknown", _kerberos(_SPN_UNKNOWN), _REFUSED,
        "the KDC knows no service {service} ({kerberos_said}). Give remote_addr as the server's full name in Active "
        "Directory, or set kerberos_hostname_override to it."),
    Row("kerberos_clock_skew", _kerberos(_CLOCK_SKEW), _REFUSED,
        "the clocks of this machine and of the KDC differ too much. Synchronise them."),
    Row("kerberos_no_kdc", _kerberos(_NO_KDC), _REFUSED,
        "no KDC of the realm could be reached ({kerberos_said}). Check krb5.conf and the network to the domain controllers."),
    Row("kerberos_failed", lambda e: "KerberosExchangeError" in e.own_classes, _REFUSED,
        "Kerberos refused ({kerberos_said})."),
    Row("server_not_authentic", _class("MutualAuthenticationError"), _MISUNDERSTOOD,
        "the server did not prove that it is the one of the Kerberos ticket ({said}). Check that remote_addr is its real name."),
    Row("authentication_failed", _class("InvalidCredentialsError"), _SESSION, "{refusal}"),
    # what the server said about the request
    Row("access_denied", lambda e: e.fault == _ACCESS_DENIED or e.status == 403, _REFUSED,
        "access denied: {account} was recognised, but may not use WinRM there ({said}). It must be a member of the server's "
        "Administrators or of its Remote Management Users."),
    Row("server_busy", lambda e: e.fault in _QUOTA_FAULTS or e.fault == _BUSY, _NEVER_SENT,
        "the server has no room for a further session of {account} ({said}). Try again later, or close other sessions."),
    Row("session_lost", lambda e: e.fault == _SHELL_GONE, _NEVER_SENT,
        "the server has closed the session ({said})."),
    Row("server_fault", lambda e: e.fault is not None or "WSManFaultError" in e.own_classes, _MISUNDERSTOOD,
        "the server answered with the fault {fault}: {said}."),
    Row("endpoint_not_found", lambda e: e.status in (404, 405), _REFUSED,
        "the server has nothing at that path (HTTP {status}). Check path and port."),
    Row("bad_request", _status(400), _NEVER_SENT,
        "the server could not read the message (HTTP 400)."),
    Row("server_unavailable", _status(500, 599), _LOST,
        "the server is not available (HTTP {status})."),
    Row("http_status", _status(300, 499), _REFUSED,
        "the server answered with HTTP {status}, which WinRM never does. Check address and port."),
    Row("redirected", _class("TooManyRedirects"), _REFUSED,
        "the server sent this request elsewhere, and requests that may change something are not redirected. Check the address."),
    # the connection broke
    Row("answer_timeout", _class("ReadTimeout", "WinRMOperationTimeoutError", "TimeoutError"), _LOST,
        "the server did not answer in time."),
    Row("connection_lost", _class("ConnectionError", "ChunkedEncodingError", "ContentDecodingError", "OSError", "ProtocolError"), _LOST,
        "the connection broke ({said})."),
    Row("protocol_error", lambda e: True, _MISUNDERSTOOD,
        "the answer could not be understood ({classname}: {said})."),
)  # fmt: skip


def classify(
    exception: BaseException, stage: str, target: Target, reads: bool = False, doing: str = ""
) -> RemotingError:
    """The error to raise for an exception that a library raised.

    :param stage: connect, open, send or receive.
    :param reads: whether everything that was sent only reads: then a lost answer can simply be asked for again.
    :param doing: the changing commands, as a person names them.
    """
    evidence = Evidence(exception)
    row = next(row for row in TABLE if row.matches(evidence))
    kind = row.kinds[STAGES.index(stage)]
    if kind == AMBIGUOUS and reads:
        kind = RETRYABLE
    return failed(row.code, row.text.format(**_facts(evidence, target)), kind, stage, target, doing)


def failed(code: str, what: str, kind: str, stage: str, target: Target, doing: str = "") -> RemotingError:
    """The error with its whole text: what was tried, on what, what happened, and what is known about the commands."""
    tried = "Connecting to" if stage == "connect" else "Running commands on"
    text = "%s %s (%s) failed: %s" % (tried, target.server, target.url, what)
    if kind == AMBIGUOUS:
        text += " It is not known whether this was done: %s. Look at the actual state before you try again." % (
            doing or "the commands"
        )
    elif stage != "connect":
        text += " Nothing was changed."
    return RemotingError(text, kind, stage, code, server=target.server)


def _facts(evidence: Evidence, target: Target) -> dict[str, Any]:
    account = target.user or ("the owner of the Kerberos ticket" if target.auth == "kerberos" else "the account")
    return {
        "said": evidence.said,
        "kerberos_said": _kerberos_said(evidence),
        "refusal": _refusal(evidence, target, account),
        "account": account,
        "service": target.service,
        "fault": evidence.fault,
        "status": evidence.status,
        "classname": type(evidence.exceptions[0]).__name__,
    }


def _kerberos_said(evidence: Evidence) -> str:
    """The minor message of a GSS error: pykerberos hands over C(((major, code), (minor, code)))."""
    texts = re.findall(r"""\((?:'([^']*)'|"([^"]*)"), -?\d+\)""", str(evidence.exceptions[0]))
    return (texts[-1][0] or texts[-1][1]) if texts else evidence.said


def _refusal(evidence: Evidence, target: Target, account: str) -> str:
    offered = {part.split()[0].lower() for part in evidence.offered.split(",") if part.strip()}
    wanted = {"basic"} if target.auth == "basic" else {"kerberos", "negotiate"}
    if offered and not offered & wanted:
        return "the server does not accept auth %s, only %s." % (target.auth, ", ".join(sorted(offered)))
    if target.auth == "basic":
        return (
            "the server refused the user name or the password of %s (HTTP 401). Basic authentication knows local accounts of "
            "the server only, and must be allowed there." % account
        )
    return (
        "the server refused the Kerberos ticket of %s (HTTP 401). Check that the service name belongs to the computer account "
        "of this server (setspn -Q %s), and that the account may log on there." % (account, target.service)
    )

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failure of a connection means and what a person can do about it: one table. Private to this collection.

The stages of one exchange, in order:

connect
    name, TCP, TLS, authentication, and the creation of the shell or runspace pool
open
    what is to be done is sent; nothing happens before the end of it
send
    the commit point: the request that carries that end (of a program without input: that starts it)
receive
    it runs; its output is fetched

docs/dev/failures.md shows the table; a test compares the two.
"""

from __future__ import annotations

import errno
import socket
from typing import Any, Callable, NamedTuple

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import (
    AMBIGUOUS,
    FATAL,
    NOT_APPLIED,
    RETRYABLE,
    RemotingError,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.evidence import Evidence
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.refusals import Target, admission, refusal

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

# Fault codes of WS-Management (wsmerror.h, winerror.h)
_ACCESS_DENIED = {5, 2150859180}  # ERROR_WSMAN_REMOTESHELLS_NOT_ALLOWED
_BUSY = 170
_CANCELLED = {995, 1223}
#: an internal error, or a Receive with this MessageID still waits for output
PENDING = 1359
_OPERATION_TIMEOUT = 2150858793
_SHELL_GONE = 2150858843
_QUOTA = {2150858815, *range(2150859173, 2150859177), 2150859179, *range(2150859236, 2150859243)}
_ENVELOPE = {2150858823, 2150858824, 2150858825, 2150859025}

# Minor codes of MIT Kerberos (krb5_err.et)
_NO_TICKET = {-1765328243, -1765328189}
_SPN_UNKNOWN = {-1765328377}
_EXPIRED = {-1765328352}
_CLOCK_SKEW = {-1765328347}
_NO_KDC = {-1765328228, -1765328230, -1765328164}
_WRONG_PASSWORD = {-1765328360, -1765328353, -1765328174}
_ACCOUNT_UNKNOWN = {-1765328378}
#: revoked, its entry has expired, not yet valid, and what else the KDC's policy does not allow
_ACCOUNT_LOCKED = {-1765328366, -1765328383, -1765328363, -1765328372}
_PASSWORD_EXPIRED = {-1765328361}
_ENCRYPTION_TYPE = {-1765328370}
_NO_CREDENTIALS = 458752  # GSS_S_NO_CRED

# The same as a server says it in NTSTATUS (MS-ERREF, section 2.3.1)
_NT_WRONG_PASSWORD = {0xC000006D, 0xC000006A, 0x8009030C}  # the last is SEC_E_LOGON_DENIED
_NT_ACCOUNT_UNKNOWN = {0xC0000064}
_NT_ACCOUNT_LOCKED = {0xC0000234, 0xC0000072, 0xC0000193, 0xC000006E, 0xC000006F, 0xC0000070, 0xC000015B}
_NT_PASSWORD_EXPIRED = {0xC0000071, 0xC0000224}

_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL}
_MISMATCHES = {62, 64}  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_NOT_IN_TIME = {9, 10}  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED

#: after these the same Receive can be sent again, over a new connection
_RECEIVE_AGAIN = {
    "answer_timeout", "authentication_failed", "bad_request", "connection_lost", "connection_refused",
    "connection_timeout", "host_unreachable", "name_resolution", "server_busy", "server_unavailable", "session_expired",
}  # fmt: skip


class DeadlineReached(Exception):
    """The time that the caller gave is used up."""


class UnprotectedAnswer(Exception):
    """An answer came in clear text over a connection whose messages are encrypted."""


class SessionExpired(Exception):
    """The server no longer knows who is at the other end of an authenticated connection (HTTP 401)."""


class Row(NamedTuple):
    """One kind of failure: how it is known, what it means at each stage, what is said about it."""

    code: str
    matches: Callable[[Evidence], bool]
    kinds: tuple[str, ...]
    text: str


def _class(*names: str) -> Callable[[Evidence], bool]:
    return lambda evidence: bool(evidence.classes.intersection(names))


def _kerberos(codes: set[int]) -> Callable[[Evidence], bool]:
    return lambda evidence: bool(evidence.kerberos & codes)


def _account(kerberos: set[int], nt: set[int]) -> Callable[[Evidence], bool]:
    return lambda evidence: bool(evidence.kerberos & kerberos) or evidence.nt_status in nt


def _tls(*reasons: str) -> Callable[[Evidence], bool]:
    return lambda evidence: "SSLError" in evidence.classes and any(reason in evidence.tls for reason in reasons)


def _status(low: int, high: int | None = None) -> Callable[[Evidence], bool]:
    return lambda evidence: evidence.status is not None and low <= evidence.status <= (high or low)


def _fault(*codes: int) -> Callable[[Evidence], bool]:
    return lambda evidence: evidence.fault in codes


def _refused(evidence: Evidence) -> bool:
    names = {"AuthenticationError", "AuthenticationException", "NTStatusException"}
    # requests_ntlm has no class of its own for a server that answers no challenge
    first = evidence.exceptions[0]
    ntlm = isinstance(first, PermissionError) and first.errno is None
    return bool(evidence.own_classes & names) or evidence.status == 401 or ntlm


#: read from the top; the first row that matches decides
TABLE: tuple[Row, ...] = (
    Row("operation_timeout", _class("DeadlineReached"), _LOST,
        "it was not finished in time. Raise operation_timeout if the server needs longer."),
    Row("unprotected_answer", _class("UnprotectedAnswer"), _MISUNDERSTOOD,
        "the answer was not encrypted although the connection is; something between here and the server answers for it. "
        "Use scheme https."),
    Row("session_expired", _class("SessionExpired"), _NEVER_SENT,
        "the server no longer knows the session (HTTP 401)."),
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
    Row("client_certificate_refused", _tls("ALERT_CERTIFICATE", "ALERT_BAD_CERTIFICATE", "ALERT_UNSUPPORTED_CERTIFICATE",
                                           "ALERT_UNKNOWN_CA", "ALERT_ACCESS_DENIED"), _REFUSED,
        "the server refused the client certificate, or demands one ({said}). Use auth certificate with a certificate whose "
        "authority the server trusts."),
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
    # the account, as a domain controller or the server itself judges it
    Row("wrong_password", _account(_WRONG_PASSWORD, _NT_WRONG_PASSWORD), _REFUSED,
        "the password does not belong to {account} ({negotiation_said}). Check remote_user and remote_password; after a few wrong "
        "ones the domain locks the account."),
    Row("account_unknown", _account(_ACCOUNT_UNKNOWN, _NT_ACCOUNT_UNKNOWN), _REFUSED,
        "the domain has no account {account} ({negotiation_said}). Check remote_user; for Kerberos it is name@REALM, such as "
        "admin@CONTOSO.COM."),
    Row("account_locked", _account(_ACCOUNT_LOCKED, _NT_ACCOUNT_LOCKED), _REFUSED,
        "the account {account} is locked, disabled or expired, or may not log on at this time or from here ({negotiation_said}). "
        "Have it looked at in Active Directory."),
    Row("password_expired", _account(_PASSWORD_EXPIRED, _NT_PASSWORD_EXPIRED), _REFUSED,
        "the password of {account} has expired or must be changed first ({negotiation_said}). Change it, then try again."),
    # Kerberos
    Row("kerberos_no_ticket", lambda e: bool(e.kerberos & _NO_TICKET) or e.gss == _NO_CREDENTIALS, _REFUSED,
        "there is no Kerberos ticket to use ({negotiation_said}). Run kinit for the account first, or point KRB5CCNAME to its "
        "ticket cache, or give remote_user and remote_password."),
    Row("kerberos_ticket_expired", _kerberos(_EXPIRED), _REFUSED,
        "the Kerberos ticket has expired. Run kinit again."),
    Row("kerberos_spn_unknown", _kerberos(_SPN_UNKNOWN), _REFUSED,
        "the KDC knows no service {service} ({negotiation_said}). Give remote_addr as the server's full name in Active "
        "Directory, or set kerberos_hostname_override to it."),
    Row("kerberos_clock_skew", _kerberos(_CLOCK_SKEW), _REFUSED,
        "the clocks of this machine and of the KDC differ too much. Synchronise them."),
    Row("kerberos_no_kdc", lambda e: bool(e.kerberos & _NO_KDC) or "KdcTimeout" in e.own_classes, _REFUSED,
        "no KDC of the realm could be reached ({negotiation_said}). Check the network to the domain controllers, and krb5.conf or "
        "the options realm and kdc."),
    Row("kerberos_encryption_type", _kerberos(_ENCRYPTION_TYPE), _REFUSED,
        "the KDC and this machine, or the account of {service}, have no encryption type in common ({negotiation_said}). Allow AES "
        "for the account (msDS-SupportedEncryptionTypes) and set its password anew, which makes the keys."),
    Row("kerberos_failed", lambda e: e.negotiation and any(code < 0 for code in e.kerberos), _REFUSED,
        "Kerberos refused ({negotiation_said})."),
    Row("server_not_authentic", _class("MutualAuthenticationError", "BadBindingsError"), _MISUNDERSTOOD,
        "the server did not prove that it is the one that it claims to be ({said}). Check that remote_addr is its real name."),
    Row("authentication_failed", _refused, _SESSION, "{refusal}"),
    # what the server said about the request
    Row("access_denied", lambda e: e.fault in _ACCESS_DENIED or e.status == 403, _REFUSED,
        "access denied: {account} was recognised, but may not use this endpoint ({said}). It must be a member of {admission}."),
    Row("server_busy", _fault(_BUSY, *_QUOTA), _NEVER_SENT,
        "the server has no room for a further session of {account} ({said}). Try again later, or close other sessions."),
    Row("session_lost", _fault(_SHELL_GONE), _NEVER_SENT,
        "the server has closed the session ({said})."),
    Row("request_too_large", lambda e: e.fault in _ENVELOPE or e.status == 413, _REFUSED,
        "the message is larger than the server allows ({said}). Raise it there: winrm set winrm/config "
        '@{{MaxEnvelopeSizekb="500"}}.'),
    Row("operation_cancelled", _fault(*_CANCELLED), _LOST,
        "the server gave the operation up (fault {fault}: {said}); its WinRM service was stopped, or the program was ended."),
    Row("internal_error", _fault(PENDING), _LOST,
        "the server had an internal error (fault {fault}: {said})."),
    Row("server_timeout", lambda e: e.fault == _OPERATION_TIMEOUT or "WinRMOperationTimeoutError" in e.own_classes, _LOST,
        "the server did not finish the request in the time that it was given."),
    Row("server_fault", _class("WSManFaultError"), _MISUNDERSTOOD,
        "the server answered with the fault {fault}: {said}."),
    Row("endpoint_not_found", lambda e: e.status in (404, 405), _REFUSED,
        "the server has nothing at that path (HTTP {status}). Check path and port."),
    Row("bad_request", _status(400), _NEVER_SENT,
        "the server could not read the message (HTTP 400)."),
    # also 503: what stands between may have passed the request on before it says so
    Row("server_unavailable", _status(500, 599), _LOST,
        "the server is not available (HTTP {status})."),
    Row("http_status", _status(300, 499), _REFUSED,
        "the server answered with HTTP {status}, which WinRM never does. Check address and port."),
    Row("redirected", _class("TooManyRedirects"), _REFUSED,
        "the server sent this request elsewhere, and requests that may change something are not redirected. Check the address."),
    # the connection broke
    Row("answer_timeout", _class("ReadTimeout", "TimeoutError"), _LOST,
        "the server did not answer in time."),
    Row("connection_lost", _class("ConnectionError", "ChunkedEncodingError", "ContentDecodingError", "OSError", "ProtocolError"), _LOST,
        "the connection broke ({said})."),
    Row("negotiation_failed", lambda e: e.negotiation, _MISUNDERSTOOD,
        "the authentication {auth} did not come to an end ({negotiation_said})."),
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


def receive_again(exception: BaseException) -> bool:
    """Whether a Receive that failed so may bring its answer when the same envelope is sent again.

    WinRM keeps the answer for each MessageID; while the first request still waits, it gives the fault C(PENDING). A session
    that is gone, or a refusal to log on again, is final.
    """
    evidence = Evidence(exception)
    row = next(row for row in TABLE if row.matches(evidence))
    return row.code in _RECEIVE_AGAIN or evidence.fault == PENDING


def failed(code: str, what: str, kind: str, stage: str, target: Target, doing: str = "") -> RemotingError:
    """The error with its whole text: what was tried, on what, what happened, and what is known about the commands."""
    tried = "Connecting to" if stage == "connect" else "Running commands on"
    text = "%s %s (%s) failed: %s" % (tried, target.server, target.url, what)
    if kind == AMBIGUOUS:
        text += " It is not known whether this was done: %s. Look at the actual state before you try again." % (
            doing or "the commands"
        )
    elif doing and stage != "connect":
        text += " This was not carried out: %s." % doing
    return RemotingError(text, kind, stage, code, server=target.server)


def _facts(evidence: Evidence, target: Target) -> dict[str, Any]:
    account = target.user or ("the owner of the Kerberos ticket" if target.auth == "kerberos" else "the account")
    return {
        "said": evidence.said,
        "negotiation_said": evidence.negotiation_said,
        "refusal": refusal(evidence, target, account),
        "account": account,
        "admission": admission(target),
        "auth": target.auth,
        "service": target.service,
        "fault": evidence.fault,
        "status": evidence.status,
        "classname": type(evidence.exceptions[0]).__name__,
    }

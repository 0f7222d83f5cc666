# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The classification of failures: every row of the table with the exception that the libraries really raise."""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import replace

import gssapi
import krb5
import pypsrp.exceptions as psrp
import pytest
import requests
import requests_credssp.exceptions as credssp
import spnego.exceptions as spnego
from winrm.exceptions import (
    InvalidCredentialsError,
    WinRMOperationTimeoutError,
    WinRMTransportError,
    WSManFaultError,
)
from winrm.vendor.requests_kerberos.exceptions import KerberosExchangeError, MutualAuthenticationError

from ansible_collections.lync.persistent_chat.plugins.module_utils._kerberos import KdcTimeout
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.failures import (
    STAGES,
    TABLE,
    DeadlineReached,
    SessionExpired,
    Target,
    UnprotectedAnswer,
    classify,
    receive_again,
)

TARGET = Target(
    "lync01.contoso.com",
    "https://lync01.contoso.com:5986/wsman",
    "kerberos",
    "csadmin@CONTOSO.COM",
    "HTTP/lync01.contoso.com",
)

R, N, A, F = "retryable", "not_applied", "ambiguous", "fatal"
NEVER_SENT, REFUSED, LOST, MISUNDERSTOOD, SESSION = (R, R, R, A), (F, F, N, A), (R, R, A, A), (F, F, A, A), (F, R, R, A)


def kerberos(text, code):
    return KerberosExchangeError(
        "authGSSClientStep() failed: (('Unspecified GSS failure', 851968), (%r, %d))" % (text, code)
    )


def krb5_error(code):
    return krb5.Krb5Error(krb5.init_context(), code)


def gss(minor, major=851968):
    return gssapi.exceptions.GSSError(major, minor % 2**32)


def negotiation(minor, major=851968):
    return spnego.SpnegoError(base_error=gss(minor, major), context_msg="Processing security token")


def of_psrp(code):
    return psrp.WSManFaultError(code, "lync01", "The reason.", None, None, None)


def nt_status(code):
    return credssp.NTStatusException(code, "of the server")


def fault(code):
    return WSManFaultError(500, "Bad HTTP response", "<xml/>", "The reason.", wsman_fault_code=code)


def status(code):
    return WinRMTransportError("http", code, "")


def tls(reason):
    error = ssl.SSLError(1, "[SSL: %s] text (_ssl.c:1)" % reason)
    error.reason = reason
    return requests.exceptions.SSLError(error)


def verification(code, message):
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: %s" % message)
    error.verify_code, error.verify_message, error.reason = code, message, "CERTIFICATE_VERIFY_FAILED"
    return requests.exceptions.SSLError(error)


def raised_from(outer, inner):
    outer.__context__ = inner
    return outer


def refusal(*schemes):
    response = requests.Response()
    response.status_code = 401
    response.headers["WWW-Authenticate"] = ", ".join(schemes)
    return raised_from(InvalidCredentialsError("rejected"), requests.HTTPError(response=response))


CASES = [
    (DeadlineReached("600 seconds"), "operation_timeout", LOST, "operation_timeout"),
    (UnprotectedAnswer("HTTP 200 in clear text"), "unprotected_answer", MISUNDERSTOOD, "scheme https"),
    (verification(62, "Hostname mismatch"), "certificate_name_mismatch", REFUSED, "Hostname mismatch"),
    (verification(64, "IP address mismatch"), "certificate_name_mismatch", REFUSED, "another name"),
    (verification(10, "certificate has expired"), "certificate_not_in_time", REFUSED, "expired"),
    (verification(20, "unable to get local issuer certificate"), "certificate_untrusted", REFUSED, "ca_cert"),
    (verification(18, "self-signed certificate"), "certificate_untrusted", REFUSED, "CERTIFICATE_VERIFY_FAILED"),
    (tls("UNSUPPORTED_PROTOCOL"), "tls_version", REFUSED, "scheme http"),
    (tls("TLSV1_ALERT_PROTOCOL_VERSION"), "tls_version", REFUSED, "scheme http"),
    (tls("WRONG_VERSION_NUMBER"), "tls_not_spoken", REFUSED, "5985"),
    (tls("TLSV13_ALERT_CERTIFICATE_REQUIRED"), "client_certificate_refused", REFUSED, "auth certificate"),
    (tls("TLSV1_ALERT_UNKNOWN_CA"), "client_certificate_refused", REFUSED, "trusts"),
    (tls("UNEXPECTED_EOF_WHILE_READING"), "connection_lost", LOST, "broke"),
    (kerberos("No Kerberos credentials available (default cache: FILE:/tmp/x)", -1765328243), "kerberos_no_ticket", REFUSED, "kinit"),
    (kerberos("Ticket expired", -1765328352), "kerberos_ticket_expired", REFUSED, "kinit"),
    (kerberos("Server HTTP/x@Y not found in Kerberos database", -1765328377), "kerberos_spn_unknown", REFUSED, "HTTP/lync01.contoso.com"),
    (kerberos("Clock skew too great", -1765328347), "kerberos_clock_skew", REFUSED, "clocks"),
    (kerberos("Cannot contact any KDC for realm 'X'", -1765328228), "kerberos_no_kdc", REFUSED, "krb5.conf"),
    (kerberos("KDC has no support for encryption type", -1765328370), "kerberos_encryption_type", REFUSED, "AES"),
    (kerberos("Something new", -1765328999), "kerberos_failed", REFUSED, "(Something new)"),
    (krb5_error(-1765328360), "wrong_password", REFUSED, "remote_password"),
    (krb5_error(-1765328353), "wrong_password", REFUSED, "remote_password"),
    (krb5_error(-1765328378), "account_unknown", REFUSED, "name@REALM"),
    (krb5_error(-1765328366), "account_locked", REFUSED, "csadmin@CONTOSO.COM is locked"),
    (krb5_error(-1765328361), "password_expired", REFUSED, "has expired"),
    (krb5_error(-1765328230), "kerberos_no_kdc", REFUSED, "realm and kdc"),
    (KdcTimeout("No KDC answered for x within 30 seconds"), "kerberos_no_kdc", REFUSED, "No KDC answered for x"),
    (gss(-1765328243), "kerberos_no_ticket", REFUSED, "kinit"),
    (negotiation(0, 458752), "kerberos_no_ticket", REFUSED, "(No credentials were supplied"),
    (negotiation(-1765328377), "kerberos_spn_unknown", REFUSED, "HTTP/lync01.contoso.com"),
    (negotiation(-1765328347), "kerberos_clock_skew", REFUSED, "clocks"),
    (spnego.NoCredentialError(context_msg="nothing to use"), "negotiation_failed", MISUNDERSTOOD, "nothing to use"),
    (spnego.BadMICError(context_msg="Invalid MIC"), "negotiation_failed", MISUNDERSTOOD, "Invalid MIC"),
    (spnego.BadBindingsError(context_msg="Public key verification failed"), "server_not_authentic", MISUNDERSTOOD, "Public key"),
    (spnego.BadMechanismError(base_error=negotiation(-1765328352), context_msg="none"), "kerberos_ticket_expired", REFUSED, "kinit"),
    (raised_from(credssp.AuthenticationException("x"), negotiation(-1765328360)), "wrong_password", REFUSED, "remote_password"),
    (credssp.AuthenticationException("Server did not response with a CredSSP token"), "authentication_failed", SESSION, "401"),
    (nt_status(0xC000006D), "wrong_password", REFUSED, "(status 0xC000006D)"),
    (nt_status(0x8009030C), "wrong_password", REFUSED, "remote_password"),
    (nt_status(0xC0000234), "account_locked", REFUSED, "Active Directory"),
    (nt_status(0xC0000224), "password_expired", REFUSED, "changed first"),
    (nt_status(0xC00000BB), "authentication_failed", SESSION, "401"),
    (PermissionError("Access denied: Server did not respond with NTLM challenge token"), "authentication_failed", SESSION, "401"),
    (MutualAuthenticationError("Unable to authenticate"), "server_not_authentic", MISUNDERSTOOD, "real name"),
    (refusal("Negotiate", "Kerberos"), "authentication_failed", SESSION, "setspn -Q HTTP/lync01.contoso.com"),
    (InvalidCredentialsError("rejected"), "authentication_failed", SESSION, "HTTP 401"),
    (fault(5), "access_denied", REFUSED, "csadmin@CONTOSO.COM"),
    (status(403), "access_denied", REFUSED, "Administrators"),
    (fault(2150859173), "server_busy", NEVER_SENT, "The reason"),
    (fault(2150859176), "server_busy", NEVER_SENT, "Try again later"),
    (fault(170), "server_busy", NEVER_SENT, "The reason"),
    (fault(2150858843), "session_lost", NEVER_SENT, "closed the session"),
    (fault(995), "operation_cancelled", LOST, "fault 995: The reason)"),
    (fault(1223), "operation_cancelled", LOST, "gave the operation up"),
    (fault(1359), "internal_error", LOST, "fault 1359"),
    (fault(2150858793), "server_timeout", LOST, "was given"),
    (fault(2150859025), "request_too_large", REFUSED, "MaxEnvelopeSizekb"),
    (fault(2150858752), "server_fault", MISUNDERSTOOD, "fault 2150858752: The reason."),
    (fault(None), "server_fault", MISUNDERSTOOD, "The reason"),
    (of_psrp(5), "access_denied", REFUSED, "Administrators"),
    (of_psrp(2150859174), "server_busy", NEVER_SENT, "The reason"),
    (of_psrp(2150858843), "session_lost", NEVER_SENT, "The reason"),
    (of_psrp(1223), "operation_cancelled", LOST, "The reason"),
    (of_psrp(2150858793), "server_timeout", LOST, "was given"),
    (of_psrp("s:Sender"), "server_fault", MISUNDERSTOOD, "The reason"),
    (psrp.WinRMTransportError("http", 503, ""), "server_unavailable", LOST, "HTTP 503"),
    (psrp.WinRMTransportError("http", 400, ""), "bad_request", NEVER_SENT, "HTTP 400"),
    (psrp.AuthenticationError("Failed to authenticate the user x with negotiate"), "authentication_failed", SESSION, "HTTP 401"),
    (status(413), "request_too_large", REFUSED, "MaxEnvelopeSizekb"),
    (SessionExpired("HTTP 401"), "session_expired", NEVER_SENT, "no longer knows"),
    (status(404), "endpoint_not_found", REFUSED, "path"),
    (status(405), "endpoint_not_found", REFUSED, "path"),
    (status(400), "bad_request", NEVER_SENT, "HTTP 400"),
    (status(500), "server_unavailable", LOST, "HTTP 500"),
    (status(503), "server_unavailable", LOST, "HTTP 503"),
    (status(504), "server_unavailable", LOST, "HTTP 504"),
    (status(418), "http_status", REFUSED, "HTTP 418"),
    (requests.TooManyRedirects("Exceeded 0 redirects."), "redirected", REFUSED, "not redirected"),
    (requests.exceptions.ConnectTimeout("timed out"), "connection_timeout", NEVER_SENT, "firewalls"),
    (requests.exceptions.ReadTimeout("timed out"), "answer_timeout", LOST, "in time"),
    (WinRMOperationTimeoutError(), "server_timeout", LOST, "was given"),
    (requests.exceptions.ChunkedEncodingError("IncompleteRead"), "connection_lost", LOST, "IncompleteRead"),
    (requests.exceptions.ConnectionError(ConnectionResetError(104, "Connection reset by peer")), "connection_lost", LOST, "reset"),
    (requests.exceptions.ConnectionError(OSError(113, "No route to host")), "host_unreachable", NEVER_SENT, "No route"),
    (requests.exceptions.ConnectionError(socket.gaierror(-3, "Temporary failure")), "name_resolution", NEVER_SENT, "DNS"),
    (AssertionError(), "protocol_error", MISUNDERSTOOD, "AssertionError"),
    (StopIteration(), "protocol_error", MISUNDERSTOOD, "StopIteration"),
    (SyntaxError("not well-formed"), "protocol_error", MISUNDERSTOOD, "not well-formed"),
]  # fmt: skip


@pytest.mark.parametrize(
    "exception, code, kinds, words", CASES, ids=["%s-%d" % (case[1], n) for n, case in enumerate(CASES)]
)
def test_each_failure_has_its_meaning_at_each_stage(exception, code, kinds, words):
    for stage, kind in zip(STAGES, kinds):
        error = classify(exception, stage, TARGET, doing="New-CsPersistentChatEndpoint -SipAddress sip:a@contoso.com")
        assert (error.code, error.kind, error.stage) == (code, kind, stage)
        assert words in str(error) and TARGET.server in str(error) and TARGET.url in str(error)
        assert ("not known whether this was done: New-CsPersistentChatEndpoint -SipAddress" in str(error)) == (
            kind == A
        )
        assert ("not carried out: New-CsPersistentChatEndpoint" in str(error)) == (kind != A and stage != "connect")
        reading = classify(exception, stage, TARGET, reads=True)
        assert "carried out" not in str(reading)
        assert reading.kind == (R if kind == A else kind)


def test_every_row_is_tested():
    tested = {case[1] for case in CASES} | {"host_unknown", "connection_refused"}
    assert {row.code for row in TABLE} == tested


def test_after_the_commit_point_nothing_is_ever_certain():
    for row in TABLE:
        assert row.kinds[STAGES.index("receive")] == A


def test_each_code_stands_in_the_table_once():
    codes = [row.code for row in TABLE]
    assert len(codes) == len(set(codes))


def test_access_to_a_restricted_endpoint_is_a_matter_of_roles():
    assert "Remote Management Users" in str(classify(fault(5), "connect", TARGET))
    assert "CsPersistentChatAdministrator" in str(classify(of_psrp(5), "connect", replace(TARGET, restricted=True)))


REFUSALS = [
    ("basic", ("Basic realm=x", "Negotiate"), "local accounts"),
    ("basic", ("Negotiate", "Kerberos"), "does not accept auth basic, only kerberos, negotiate"),
    ("kerberos", ("Negotiate",), "setspn -Q HTTP/lync01.contoso.com"),
    ("kerberos", ("Basic realm=x",), "does not accept auth kerberos, only basic"),
    ("negotiate", ("Negotiate",), "by NTLM"),
    ("ntlm", ("Negotiate",), "DOMAIN\\name"),
    ("ntlm", ("Kerberos",), "only kerberos"),
    ("credssp", ("CredSSP",), "DOMAIN\\name"),
    ("credssp", ("Negotiate",), "Enable-WSManCredSSP"),
    ("certificate", ("Negotiate",), "certmapping"),
]


@pytest.mark.parametrize("auth, offers, words", REFUSALS)
def test_a_refusal_names_what_can_be_wrong_with_this_authentication(auth, offers, words):
    error = classify(refusal(*offers), "connect", replace(TARGET, auth=auth))
    assert error.code == "authentication_failed" and words in str(error)
    assert "clock" not in str(error)


def test_a_refusal_by_pypsrp_also_names_what_the_server_offers():
    text = "The server did not response with one of the following authentication methods Negotiate, NTLM - actual: 'Basic realm=\"x\"'"
    error = classify(psrp.AuthenticationError(text), "connect", replace(TARGET, auth="negotiate"))
    assert "does not accept auth negotiate, only basic" in str(error)


@pytest.mark.parametrize("auth", ["kerberos", "negotiate", "ntlm"])
def test_a_refusal_without_channel_binding_mentions_it(auth):
    target = replace(TARGET, auth=auth)
    without = replace(target, channel_binding=False)
    assert "send_cbt=false" in str(classify(refusal("Negotiate"), "connect", without))
    assert "send_cbt" not in str(classify(refusal("Negotiate"), "connect", target))
    over_http = replace(without, url="http://lync01.contoso.com:5985/wsman")
    assert "channel binding" not in str(classify(refusal("Negotiate"), "connect", over_http))


AGAIN = [
    requests.exceptions.ConnectionError("reset"), requests.exceptions.ChunkedEncodingError("cut"), requests.exceptions.ReadTimeout("x"),
    status(503), status(502), status(400), psrp.WinRMTransportError("http", 500, ""), refusal("Negotiate"), SessionExpired("401"),
    fault(1359), of_psrp(1359), requests.exceptions.ConnectTimeout("x"), fault(2150859174),
]  # fmt: skip
FINAL = [
    fault(995), fault(1223), fault(2150858843), of_psrp(2150858843), fault(5), DeadlineReached("1 second"), WinRMOperationTimeoutError(),
    of_psrp(2150858793), kerberos("Ticket expired", -1765328352), UnprotectedAnswer("x"), tls("UNSUPPORTED_PROTOCOL"),
]  # fmt: skip


@pytest.mark.parametrize("exception", AGAIN, ids=repr)
def test_a_receive_that_may_still_be_answered_is_sent_again(exception):
    assert receive_again(exception)


@pytest.mark.parametrize("exception", FINAL, ids=repr)
def test_a_receive_whose_answer_is_gone_is_not(exception):
    assert not receive_again(exception)


def caught(url):
    with pytest.raises(requests.RequestException) as info:
        requests.post(url, timeout=5)
    return info.value


def test_a_refused_connection_as_the_library_raises_it():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        error = classify(caught("http://127.0.0.1:%d/" % closed.getsockname()[1]), "connect", TARGET)
    assert (error.code, error.kind) == ("connection_refused", R)


def test_an_unknown_host_as_the_library_raises_it(monkeypatch):
    def no_such_name(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    error = classify(caught("http://nobody.invalid/"), "connect", TARGET)
    assert (error.code, error.kind) == ("host_unknown", F)
    assert "Name or service not known" in str(error)


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"])
def test_a_cut_answer_as_the_library_raises_it(reply):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _address = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        exception = caught("http://127.0.0.1:%d/" % server.getsockname()[1])
        thread.join(5)
    assert classify(exception, "receive", TARGET).code == "connection_lost"
    assert classify(exception, "send", TARGET).kind == A


def test_https_to_a_port_without_tls_as_the_library_raises_it():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _address = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        exception = caught("https://127.0.0.1:%d/" % server.getsockname()[1])
        thread.join(5)
    assert classify(exception, "connect", TARGET).code == "tls_not_spoken"

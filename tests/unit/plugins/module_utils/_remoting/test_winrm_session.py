# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is believed of an answer, what a Receive's answer holds, and how pywinrm is set up."""

from __future__ import annotations

import base64
import socket
import types

import pytest
import requests

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting import winrm_session
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.failures import (
    SessionExpired,
    UnprotectedAnswer,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions

SEALED = 'multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"'
CREDSSP = (
    'multipart/x-multi-encrypted;protocol="application/HTTP-CredSSP-session-encrypted";boundary="Encrypted Boundary"'
)
SOAP = "application/soap+xml;charset=UTF-8"


def answered(status, content_type, sealed, body=b"message"):
    response = requests.Response()
    response.status_code, response._content = status, b"x"
    response.headers["Content-Type"] = content_type
    adapter = types.SimpleNamespace(send=lambda request: response)
    winrm_session.guard(adapter, sealed)
    return adapter.send(types.SimpleNamespace(body=body))


@pytest.mark.parametrize(
    "status, content_type, left",
    [(200, SEALED, b"x"), (500, SEALED, b"x"), (200, CREDSSP, b"x"), (500, SOAP, b""), (400, "text/html", b"")],
)
def test_of_a_clear_answer_on_an_encrypted_connection_only_a_refusal_is_believed(status, content_type, left):
    assert answered(status, content_type, sealed=True).content == left


def test_a_clear_success_on_an_encrypted_connection_is_refused():
    with pytest.raises(UnprotectedAnswer):
        answered(200, SOAP, sealed=True)


def test_a_message_encrypted_for_a_session_that_is_over_is_not_sent_for_another():
    with pytest.raises(SessionExpired):
        answered(401, "text/html", sealed=True)


@pytest.mark.parametrize("sealed, body", [(False, b"message"), (True, None)], ids=["https", "handshake"])
def test_an_error_page_never_reaches_the_authentication(sealed, body):
    for status in (400, 404, 500, 503):
        with pytest.raises(requests.HTTPError):
            answered(status, "text/html", sealed, body)
    assert answered(401, "text/html", sealed, body).status_code == 401
    assert answered(500, SOAP, sealed, body).content == b"x"


RECEIVED = """<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>
<rsp:ReceiveResponse xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell">%s
<rsp:CommandState CommandId="C" State="http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/%s">%s
</rsp:CommandState></rsp:ReceiveResponse></s:Body></s:Envelope>"""


def stream(name, data):
    return '<rsp:Stream Name="%s" CommandId="C">%s</rsp:Stream>' % (name, base64.b64encode(data).decode())


def test_the_streams_and_the_exit_code_of_a_receive():
    streams = stream("stdout", b"a\xff") + stream("stderr", b"e") + stream("stdout", b"b")
    running = winrm_session.output_of((RECEIVED % (streams, "Running", "")).encode())
    assert running == (b"a\xffb", b"e", None)
    done = winrm_session.output_of((RECEIVED % ("", "Done", "<rsp:ExitCode>1060</rsp:ExitCode>")).encode())
    assert done == (b"", b"", 1060)


def test_an_answer_that_is_none_to_receive_is_an_error():
    with pytest.raises(ValueError):
        winrm_session.output_of(b"<a/>")


OPTIONS = RemotingOptions("lync01.contoso.com", user="CONTOSO\\csadmin", password="pw", validate=False)


def changed(**values):
    return RemotingOptions(**{**OPTIONS.__dict__, **values})


@pytest.mark.parametrize("auth", ["kerberos", "ntlm", "credssp", "basic"])
def test_each_authentication_is_set_up_as_the_options_say(auth):
    session = winrm_session.WinRmSession(changed(auth=auth, channel_binding=False, delegation=True, service="HOST"))
    built = session.protocol.transport.build_session()
    if auth == "kerberos":
        assert (built.auth.service, built.auth.delegate, built.auth.send_cbt) == ("HOST", True, False)
        assert built.auth.principal is None  # the private cache has but one ticket
    elif auth == "ntlm":
        assert not built.auth.send_cbt
    assert built.verify is False
    assert (session.protocol.password is None) == (auth == "kerberos")


def test_the_name_is_looked_up_before_any_ticket_is_asked_for(monkeypatch):
    def no_such_name(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    monkeypatch.setattr(winrm_session, "TicketCache", lambda *args: pytest.fail("a ticket was asked for"))
    with pytest.raises(socket.gaierror):
        winrm_session.WinRmSession(changed(auth="kerberos")).connect()


def test_half_a_session_is_dropped(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: [])
    session = winrm_session.WinRmSession(changed(auth="ntlm", scheme="http", port=5985))
    transport = session.protocol.transport

    def fails(built):
        raise ConnectionResetError

    monkeypatch.setattr(transport, "setup_encryption", fails)
    with pytest.raises(ConnectionResetError):
        session.connect()
    assert transport.session is None and transport.encryption is None


def test_the_same_receive_can_be_sent_twice():
    session = winrm_session.WinRmSession(changed(auth="basic"))
    first, second = (session.receive_request("SHELL", "COMMAND") for _number in range(2))
    assert first != second  # each has a MessageID of its own
    assert all(part in first for part in ("SHELL", 'CommandId="COMMAND"', "stdout stderr", "/shell/Receive"))

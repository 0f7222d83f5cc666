# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PSRP transport without a server: what is refused, what a failure at each point of a batch means, how pypsrp is set up."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from typing import Any, Callable

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput, MissingLibrary
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting import psrp, wsman_psrp
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.attempts import Deadline
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import (
    CmdletError,
    Command,
    Outcome,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import (
    AMBIGUOUS,
    FATAL,
    NOT_APPLIED,
    RETRYABLE,
    RemotingError,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions

importlib.import_module("pypsrp.wsman")  # whole, before a test hides a part of it

OPTIONS = RemotingOptions("lync01.contoso.com", transport="psrp", retry_pauses=())
GET = Command("Get-CsPool", reads=True)
SET = Command("Set-Thing")
NEW = Command("New-Thing")


class Refused(Exception):
    """A failure that no row of the table knows better."""


class FakeSession:
    """Goes through the stages of each command, and fails where it is told to."""

    failures: dict[tuple[str, str], Exception] = {}
    errors: dict[str, CmdletError] = {}
    ran: list[str] = []
    opened = 0
    about: dict[str, Any] = {}
    dead_after: str = ""

    def __init__(self, *given: Any) -> None:
        type(self).opened += 1
        self.last = ""

    def run(self, command: Command, reach: Callable[[str], None]) -> Outcome:
        for stage in ("open", "send", "receive"):
            reach(stage)
            failure = self.failures.get((command.name, stage))
            if failure is not None:
                raise failure
        self.ran.append(command.name)
        self.last = command.name
        return Outcome(command, error=self.errors.get(command.name))

    def is_ready(self, deadline: Deadline) -> bool:
        return self.last != self.dead_after

    def drop(self) -> None:
        self.ran.append("drop")

    close = drop


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> type[FakeSession]:
    class Sessions(FakeSession):
        failures: dict[tuple[str, str], Exception] = {}
        errors: dict[str, CmdletError] = {}
        ran: list[str] = []

    monkeypatch.setattr(psrp, "PsrpSession", Sessions)
    monkeypatch.setattr(psrp, "Wire", lambda *given: None)
    return Sessions


def failure(
    sessions: type[FakeSession], at: tuple[str, str], commands: list[Command], error: Exception
) -> RemotingError:
    sessions.failures[at] = error
    with pytest.raises(RemotingError) as raised:
        psrp.PsrpTransport(OPTIONS).run(commands)
    return raised.value


@pytest.mark.parametrize(
    "commands, at, lost, refused",
    [
        # alone, the stages mean what they mean for a program over WinRS
        ([SET], ("Set-Thing", "open"), RETRYABLE, FATAL),
        ([SET], ("Set-Thing", "send"), AMBIGUOUS, AMBIGUOUS),
        ([SET], ("Set-Thing", "receive"), AMBIGUOUS, AMBIGUOUS),
        ([GET], ("Get-CsPool", "receive"), RETRYABLE, RETRYABLE),
        # what reads is no commit point of a batch that changes
        ([GET, SET], ("Get-CsPool", "send"), RETRYABLE, FATAL),
        ([GET, SET], ("Get-CsPool", "receive"), RETRYABLE, FATAL),
        ([GET, SET], ("Set-Thing", "open"), RETRYABLE, FATAL),
        ([GET, SET], ("Set-Thing", "send"), AMBIGUOUS, AMBIGUOUS),
        # once something was changed, nothing before the next commit point is harmless
        ([SET, GET], ("Get-CsPool", "open"), AMBIGUOUS, AMBIGUOUS),
        ([SET, GET], ("Get-CsPool", "receive"), AMBIGUOUS, AMBIGUOUS),
        ([SET, NEW], ("New-Thing", "open"), AMBIGUOUS, AMBIGUOUS),
        ([SET, GET, NEW], ("New-Thing", "send"), AMBIGUOUS, AMBIGUOUS),
    ],
)
def test_a_failure_means_for_the_batch_what_it_means_for_its_commands(sessions, commands, at, lost, refused):
    assert failure(sessions, at, commands, ConnectionError("gone")).kind == lost
    assert failure(sessions, at, commands, Refused("no")).kind == refused


def test_a_refusal_at_the_commit_point_is_not_applied_unless_something_was_changed_before(sessions):
    class WSManFaultError(Exception):
        code = 5

    assert failure(sessions, ("New-Thing", "send"), [GET, NEW], WSManFaultError()).kind == NOT_APPLIED
    assert failure(sessions, ("New-Thing", "send"), [SET, NEW], WSManFaultError()).kind == AMBIGUOUS


def test_a_new_connection_after_a_change_that_fails_is_ambiguous(sessions, monkeypatch):
    class Dying(sessions):
        dead_after = "Set-Thing"

        def __init__(self, *given):
            super().__init__()
            if self.ran:
                raise ConnectionError("gone")

    monkeypatch.setattr(psrp, "PsrpSession", Dying)
    with pytest.raises(RemotingError) as raised:
        psrp.PsrpTransport(OPTIONS).run([SET, NEW])
    assert raised.value.kind == AMBIGUOUS and "Set-Thing" in str(raised.value)


def test_a_session_that_is_of_no_use_is_replaced_between_two_commands(sessions):
    sessions.dead_after = "Set-Thing"
    outcomes = psrp.PsrpTransport(OPTIONS).run([SET, NEW])
    assert sessions.ran == ["Set-Thing", "drop", "New-Thing"] and len(outcomes) == 2


def test_a_batch_stops_at_the_first_error_unless_told_otherwise(sessions):
    sessions.errors["Set-Thing"] = CmdletError("no")
    transport = psrp.PsrpTransport(OPTIONS)
    assert [outcome.skipped for outcome in transport.run([GET, SET, NEW])] == [False, False, True]
    assert [outcome.skipped for outcome in transport.run([GET, SET, NEW], stop_on_error=False)] == [False] * 3
    assert sessions.ran == ["Get-CsPool", "Set-Thing", "Get-CsPool", "Set-Thing", "New-Thing"]


def test_calls_share_a_session_until_it_is_closed(sessions):
    transport = psrp.PsrpTransport(OPTIONS)
    assert transport.run([]) == [] and not sessions.opened
    transport.run([GET])
    transport.run([GET])
    assert sessions.opened == 1
    transport.close()
    transport.close()
    transport.run([GET])
    assert sessions.opened == 2


def test_errors_are_explained(sessions):
    sessions.errors["Get-CsPool"] = CmdletError("what?", "CommandNotFoundException", "ObjectNotFound")
    (outcome,) = psrp.PsrpTransport(OPTIONS).run([GET])
    assert "lync01.contoso.com" in outcome.error.hint


@pytest.mark.parametrize("text", ["\ufffe", "\uffff", "\ufdd0", "\U0001ffff", "\x01", "\ud800", "ok\x00"])
def test_what_xml_cannot_carry_is_refused_before_anything_is_sent(sessions, text):
    with pytest.raises(InvalidInput, match=r"U\+"):
        psrp.PsrpTransport(OPTIONS).run([Command("Set-Thing", {"Name": ["x", {"a": text}]})])
    assert not sessions.opened


def test_programs_need_the_other_transport(sessions):
    with pytest.raises(InvalidInput, match="transport winrm"):
        psrp.PsrpTransport(OPTIONS).execute("sc.exe", ["query", "X"])
    assert not sessions.opened


@pytest.mark.parametrize(
    "auth, missing, named",
    [
        ("ntlm", "pypsrp.wsman", "pypsrp"),
        ("credssp", "requests_credssp", "credssp"),
        ("kerberos", "gssapi", "kerberos"),
    ],
)
def test_a_library_that_is_missing_is_named(monkeypatch, auth, missing, named):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingLibrary, match=named):
        psrp.PsrpTransport(RemotingOptions("localhost", transport="psrp", auth=auth)).run([GET])


class NoTickets:
    def open(self) -> None:
        pass


def connection(**changed: Any) -> tuple[Any, Any]:
    """pypsrp's HTTP transport and a session of it, as they are set up for options."""
    options = RemotingOptions(**{"server": "localhost", "transport": "psrp", "service": "HTTP", **changed})
    wire = wsman_psrp.Wire(options, psrp.Attempts(options), NoTickets(), Deadline(5))
    wire._options = replace(options, auth="")  # of CredSSP, no first request
    return wire._http, wire._new_session()


PASSWORD = {"user": "CONTOSO\\csadmin", "password": "s3cr3t-Value"}


@pytest.mark.parametrize("auth", ["kerberos", "negotiate", "ntlm", "credssp", "basic"])
def test_each_way_to_authenticate_reaches_pypsrp(auth, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    account = {} if auth == "kerberos" else PASSWORD
    http, session = connection(auth=auth, port=444, path="OcsPowershell", **account)
    assert http.endpoint == "https://localhost:444/OcsPowershell" and http.auth == auth
    assert (http.username, http.password) == (account.get("user"), account.get("password"))
    assert not http.wrap_required and session.verify is True and session.auth is not None
    assert session.max_redirects == 0 and not session.trust_env
    assert not any(session.proxies.values())


@pytest.mark.parametrize("auth", ["kerberos", "negotiate", "ntlm", "credssp"])
def test_over_http_messages_are_encrypted(auth):
    http, _session = connection(auth=auth, scheme="http", port=5985, **({} if auth == "kerberos" else PASSWORD))
    assert http.wrap_required and http.endpoint == "http://localhost:5985/wsman"


def test_kerberos_gets_no_password_and_the_options_of_its_service_name():
    http, session = connection(
        user="csadmin@contoso.com",
        password="s3cr3t-Value",
        hostname_override="lync01.contoso.com",
        service="HOST",
        delegation=True,
        channel_binding=False,
    )
    assert (http.username, http.password) == (None, None)
    auth = session.auth
    assert (auth.hostname_override, auth.service, auth.delegate, auth.send_cbt) == (
        "lync01.contoso.com",
        "HOST",
        True,
        False,
    )
    # without a password the ticket cache may hold tickets of several accounts
    assert connection(user="csadmin@contoso.com")[0].username == "csadmin@CONTOSO.COM"


def test_certificates_are_checked_and_shown_as_the_options_say(tmp_path):
    assert connection(validate=False)[1].verify is False
    assert connection(validate=False, ca_cert="/a/ca.pem")[1].verify is False
    assert connection(ca_cert="/a/ca.pem")[1].verify == "/a/ca.pem"
    session = connection(auth="certificate", certificate="/a/cert.pem", certificate_key="/a/key.pem")[1]
    assert session.cert == ("/a/cert.pem", "/a/key.pem") and session.auth is None


@pytest.mark.parametrize(
    "auth, given, with_password",
    [("kerberos", PASSWORD, True), ("kerberos", {}, False), ("negotiate", PASSWORD, False), ("ntlm", PASSWORD, False)],
)
def test_only_kerberos_takes_its_ticket_beforehand(auth, given, with_password):
    tickets = wsman_psrp.ticket_cache(RemotingOptions("a", auth=auth, realm="CONTOSO.COM", **given))
    assert (tickets._password is not None) == with_password
    assert (tickets._realm is not None) == (auth != "ntlm")

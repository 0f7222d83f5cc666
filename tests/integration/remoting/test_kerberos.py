# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kerberos with a password, without a krb5.conf, and handed on to a second server."""

from __future__ import annotations

import os
import socket
import tempfile
import time

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import CmdletFailed, Command
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import RemotingError
from tests.lab import settings

READ = Command("Get-CsSipDomain", {}, ("Name",), reads=True)
FURTHER = Command("Get-CsPool", {"Identity": settings.CHAT_POOLS[0]}, ("Identity",), reads=True)
DC = settings.DOMAIN_CONTROLLERS[0].fqdn
WRONG = "Wr0ng-Secret"


@pytest.fixture(params=["winrm", "psrp"])
def transport(request):
    return request.param


@pytest.fixture
def password(transport, lab):
    """Options that need nothing of this machine's Kerberos; the tickets that were there stay as they are."""
    tickets = lab.paths.ccache().read_bytes()
    yield {
        "transport": transport,
        "remote_user": settings.OPERATOR,
        "remote_password": settings.PASSWORD,
        "realm": settings.REALM.lower(),
        "kdc": [DC],
    }
    assert lab.paths.ccache().read_bytes() == tickets


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """A temporary folder of the test's own, where nothing may be left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def no_system(monkeypatch, tmp_path):
    """A machine without krb5.conf and without a ticket."""
    monkeypatch.setenv("KRB5_CONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("KRB5CCNAME", "FILE:%s" % (tmp_path / "no-ticket"))


@pytest.fixture
def run(connect, folder):
    """Run one command, close the connection, and return the command's outcome; the environment is as before then."""

    def call(command, **options):
        before = dict(os.environ)
        opened = connect(**options)
        try:
            return opened.run([command])[0]
        finally:
            opened.close()
            assert dict(os.environ) == before and list(folder.iterdir()) == []

    return call


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_password_is_enough(run, no_system, password, scheme):
    assert run(READ, **password, scheme=scheme).objects()


@pytest.mark.parametrize("transport", ["psrp"], indirect=True)
def test_a_password_is_enough_for_negotiate(run, no_system, password):
    assert run(READ, **password, auth="negotiate").objects()


def test_the_systems_configuration_is_used_where_no_realm_is_given(run, password, monkeypatch, tmp_path):
    monkeypatch.setenv("KRB5CCNAME", "FILE:%s" % (tmp_path / "no-ticket"))
    assert run(READ, **{**password, "realm": None, "kdc": None}).objects()


def test_the_password_goes_before_the_ticket_that_is_there(run, password):
    error = refused(run, **{**password, "remote_user": "plainuser"})  # the ticket is the operator's
    assert error.code == "access_denied" and "plainuser" in str(error)


def test_with_a_realm_alone_the_ticket_that_is_there_is_used(run, transport, monkeypatch, tmp_path):
    monkeypatch.setenv("KRB5_CONFIG", str(tmp_path / "none"))
    assert run(READ, transport=transport, realm=settings.REALM, kdc=[DC]).objects()


def refused(run, **options):
    with pytest.raises(RemotingError) as caught:
        run(READ, **options)
    error = caught.value
    assert error.stage == "connect" and error.kind == "fatal", str(error)
    for secret in (settings.PASSWORD, WRONG):
        assert secret not in str(error) + repr(error) + repr(error.facts)
    return error


@pytest.mark.parametrize(
    "changed, code, words",
    [
        ({"remote_password": WRONG}, "wrong_password", settings.OPERATOR),
        ({"remote_user": "nobody"}, "account_unknown", "nobody"),
        ({"kdc": ["lync01.contoso.com"]}, "kerberos_no_kdc", "KDC"),
        ({"kdc": ["10.99.77.99"]}, "kerberos_no_kdc", "KDC"),
        ({"realm": "FABRIKAM.EXAMPLE"}, "account_unknown", "csadmin@FABRIKAM.EXAMPLE"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_work_is_refused_at_once_and_explained(run, lab, no_system, password, changed, code, words):
    before, began = lab.writes(), time.monotonic()
    error = refused(run, **{**password, **changed})
    assert error.code == code and words in str(error), str(error)
    assert time.monotonic() - began < 3 and lab.writes() == before


def test_a_name_of_the_old_kind_is_refused_with_what_to_write(run, no_system, password):
    with pytest.raises(InvalidInput, match="csadmin@CONTOSO.COM"):
        run(READ, **{**password, "remote_user": "CONTOSO\\csadmin"})


def test_a_kdc_that_never_answers_is_given_up_in_time(run, no_system, password):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        changed = {"kdc": ["127.0.0.1:%d" % silent.getsockname()[1]], "connection_timeout": 2}
        error = refused(run, **{**password, **changed})
        assert error.code == "kerberos_no_kdc" and time.monotonic() - began < 5


def test_two_connections_keep_their_own_tickets(connect, no_system, password, lab):
    first = connect(**password)
    assert first.run([READ])[0].objects()
    second = connect(**{**password, "remote_user": "plainuser"})
    with pytest.raises(RemotingError, match="plainuser"):
        second.run([READ])
    lab.call("faults.set", rules=[{"at": "wsman-before", "match": "lync01", "do": "drop"}])
    assert first.run([READ])[0].objects()  # over a new connection
    second.close()
    first.close()


class TestSecondHop:
    """The lab's cmdlets reach directory and database with the session's own credentials only."""

    @pytest.fixture(autouse=True)
    def needs_delegation(self, lab):
        lab.call("switch.set", name="second_hop", value="needs_delegation")
        yield
        lab.call("switch.set", name="second_hop", value="works")

    @pytest.mark.parametrize("scheme", ["https", "http"])
    def test_a_delegated_ticket_reaches_it(self, run, no_system, password, scheme):
        outcome = run(FURTHER, **password, scheme=scheme, kerberos_delegation=True)
        assert outcome.objects() == [{"Identity": settings.CHAT_POOLS[0]}]

    def test_without_delegation_the_message_explains_it(self, run, no_system, password):
        outcome = run(FURTHER, **password)
        with pytest.raises(CmdletFailed) as caught:
            outcome.objects()
        for words in ("ANONYMOUS LOGON", "second hop", "kerberos_delegation=true", "credssp", "OcsPowershell"):
            assert words in str(caught.value)

    def test_ntlm_never_reaches_it_and_says_so(self, run, transport):
        account = {"auth": "ntlm", "remote_user": "CONTOSO\\csadmin", "remote_password": settings.PASSWORD}
        outcome = run(FURTHER, transport=transport, **account)
        assert outcome.error and "second hop" in outcome.error.hint and "auth=ntlm" in outcome.error.hint

    @pytest.mark.parametrize("auth", ["basic", "credssp"])
    def test_with_the_password_itself_the_server_reaches_it(self, run, transport, auth):
        account = {"auth": auth, "remote_user": "CONTOSO\\csadmin", "remote_password": settings.PASSWORD}
        assert run(FURTHER, transport=transport, **account).objects()

    @pytest.mark.parametrize("transport", ["psrp"], indirect=True)
    def test_ocspowershell_needs_none(self, run, no_system, password):
        assert run(FURTHER, **password, path="OcsPowershell").objects()

    def test_other_errors_are_not_explained_by_it(self, run, transport):
        unknown = Command("Get-Item", {"LiteralPath": "C:\\none"}, ("Name",), reads=True)
        outcome = run(unknown, transport=transport)
        assert outcome.error and outcome.error.hint == ""

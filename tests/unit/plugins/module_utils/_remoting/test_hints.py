# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors that the connection explains: roles, missing tools, the second hop."""

from __future__ import annotations

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import (
    CmdletError,
    CmdletFailed,
    Command,
    Outcome,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.hints import explained
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions

PLAIN = RemotingOptions("lync01.contoso.com", user="admin@CONTOSO.COM")
IIS = RemotingOptions(
    "pool.contoso.com", transport="psrp", port=443, path="OcsPowershell", user="CONTOSO\\chatadmin", password="s3cr3t"
)
UNKNOWN = CmdletError("nicht erkannt", "CommandNotFoundException", "ObjectNotFound")


def failed(name, error, options):
    outcome = explained(Outcome(Command(name, {"Identity": "x"}), error=error), options)
    with pytest.raises(CmdletFailed) as caught:
        outcome.objects()
    assert error.message in str(caught.value) and "s3cr3t" not in str(caught.value)
    return outcome.error.hint, str(caught.value)


@pytest.mark.parametrize(
    "name, roles",
    [
        ("New-CsPersistentChatEndpoint", "CsPersistentChatAdministrator or CsAdministrator"),
        ("get-cspersistentchatroom", "CsPersistentChatAdministrator or CsAdministrator"),
        ("Disable-CsUser", "CsUserAdministrator or CsAdministrator"),
        ("Stop-CsWindowsService", "CsServerAdministrator or CsAdministrator"),
        ("Get-CsPool", "role CsAdministrator."),
    ],
)
def test_a_cmdlet_outside_the_roles_names_the_roles_to_ask_for(name, roles):
    hint, text = failed(name, UNKNOWN, IIS)
    assert roles in hint and name in hint and "CONTOSO\\chatadmin" in hint and IIS.url in hint
    assert text.endswith(hint)


def test_windows_own_cmdlets_need_the_other_endpoint():
    hint, _text = failed("Get-Service", UNKNOWN, IIS)
    assert "wsman" in hint and "role " not in hint and "Get-Service" in hint


def test_on_a_full_endpoint_the_tools_are_missing():
    hint, _text = failed("Get-CsPool", UNKNOWN, PLAIN)
    assert "not installed" in hint and "lync01.contoso.com" in hint and "role" not in hint
    hint, _text = failed("Get-Service", UNKNOWN, PLAIN)
    assert "PowerShell" in hint and "Lync" not in hint


SECOND_HOP = {
    "kerberos": PLAIN,
    "ntlm": RemotingOptions("lync01.contoso.com", auth="ntlm", user="CONTOSO\\admin"),
    "negotiate": RemotingOptions("lync01.contoso.com", transport="psrp", auth="negotiate", user="admin@CONTOSO.COM"),
    "certificate": RemotingOptions("lync01.contoso.com", auth="certificate"),
}
REACHING = {
    "basic": RemotingOptions("lync01.contoso.com", auth="basic"),
    "credssp": RemotingOptions("lync01.contoso.com", auth="credssp"),
    "delegation": RemotingOptions("lync01.contoso.com", delegation=True),
    "ocspowershell": IIS,
}


@pytest.mark.parametrize("way", SECOND_HOP)
@pytest.mark.parametrize("category", ["ResourceUnavailable", "PermissionDenied", "NotSpecified"])
def test_a_session_without_credentials_for_a_second_server_says_so(way, category):
    options = SECOND_HOP[way]
    hint, _text = failed("Get-CsPool", CmdletError("Fehler", "X,Y", category), options)
    for words in ("second hop", "kerberos_delegation=true", "credssp", "OcsPowershell", "auth=" + options.auth):
        assert words in hint
    assert (options.user or "certificate") in hint and options.server in hint
    assert ("kerberos_delegation=false" in hint) == (options.auth in ("kerberos", "negotiate"))


@pytest.mark.parametrize("way", REACHING)
def test_a_session_that_reaches_further_is_told_nothing_of_hops(way):
    error = CmdletError("Fehler", "X,Y", "ResourceUnavailable")
    assert failed("Get-CsPool", error, REACHING[way]) == ("", "Get-CsPool -Identity x failed: Fehler")


@pytest.mark.parametrize("category", ["InvalidData", "InvalidArgument", "ObjectNotFound", "ResourceExists", ""])
def test_errors_that_no_second_server_causes_are_left_alone(category):
    error = CmdletError("Zugriff verweigert: second hop, ANONYMOUS LOGON", "X,Y", category)
    assert failed("Get-CsPool", error, PLAIN)[0] == ""


def test_success_is_left_alone():
    outcome = Outcome(Command("Get-CsPool"), output=({"Identity": "x"},))
    assert explained(outcome, PLAIN) is outcome

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person can do about a cmdlet's error that the connection explains: a role, a module, the second hop.

Known by the error's id and category, never by its text, which is in the server's language. Private to this collection.
"""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Outcome
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions

#: the id of PowerShell's error for a name that the session does not know
NOT_FOUND = "CommandNotFoundException"
#: how the nouns of cmdlets begin, and the smallest role that has them (domain.md, sections 2.6 and 3); the first match decides
_ROLES = (
    ("CsPersistentChat", "CsPersistentChatAdministrator"),
    ("CsWindowsService", "CsServerAdministrator"),
    ("CsUser", "CsUserAdministrator"),
    ("CsAdUser", "CsUserAdministrator"),
)
_EVERYTHING = "CsAdministrator"
#: PowerShell's categories of errors that a refusing or unreachable directory, database or share can cause; which of them
#: Lync's cmdlets use is documented nowhere
_SECOND_SERVER = frozenset(
    (
        "AuthenticationError",
        "ConnectionError",
        "NotSpecified",
        "OpenError",
        "PermissionDenied",
        "ReadError",
        "ResourceUnavailable",
        "SecurityError",
        "WriteError",
    )
)


def explained(outcome: Outcome, options: RemotingOptions) -> Outcome:
    """The outcome, with a hint at its error where the connection explains it."""
    error = outcome.error
    if error is None:
        return outcome
    if error.error_id.startswith(NOT_FOUND):
        hint = _unknown_cmdlet(outcome.command.name, options)
    elif error.category in _SECOND_SERVER and not (options.reaches_further or options.restricted):
        hint = _second_hop(options)
    else:
        return outcome
    return replace(outcome, error=replace(error, hint=hint))


def _unknown_cmdlet(name: str, options: RemotingOptions) -> str:
    noun = name.partition("-")[2].lower()
    of_lync = noun.startswith("cs")
    if not options.restricted:
        missing = (
            "the tools of Lync Server or Skype for Business Server are not installed there or too old. Connect to a server that "
            "has them, such as a front end."
            if of_lync
            else "its Windows PowerShell is too old or lacks a module. The collection needs version 3.0 or later."
        )
        return "%s does not know %s: %s" % (options.server, name, missing)
    if not of_lync:
        return (
            "The endpoint %s, where %s was tried as %s, is made for the cmdlets of Lync. Use the endpoint wsman for this, with "
            "an account that is an administrator of the server." % (options.url, name, _account(options))
        )
    role = next((role for prefix, role in _ROLES if noun.startswith(prefix.lower())), _EVERYTHING)
    return (
        "The endpoint %s shows to %s only the cmdlets of its Lync roles, and %s is not among them. Ask for membership in the "
        "role %s. (In a Management Shell, Get-CsAdminRole | Where-Object {$_.Cmdlets -match '%s'} lists the roles that have "
        "it; if none has, this version of Lync does not know it.)"
        % (
            options.url,
            _account(options),
            name,
            role if role == _EVERYTHING else "%s or %s" % (role, _EVERYTHING),
            name,
        )
    )


def _second_hop(options: RemotingOptions) -> str:
    return (
        "This can be the second hop: %s signed in to %s with auth=%s%s, so the session has no credentials for a further server "
        "such as a domain controller, SQL Server or a file share. If the account has the rights there, connect in a way that "
        "hands its credentials on: auth=kerberos with kerberos_delegation=true, or auth=credssp; or, for Lync's own cmdlets, "
        "use transport=psrp with path=OcsPowershell, where the server does this work itself."
        % (
            _account(options),
            options.server,
            options.auth,
            " and kerberos_delegation=false" if options.auth in ("kerberos", "negotiate") else "",
        )
    )


def _account(options: RemotingOptions) -> str:
    if options.user:
        return options.user
    return "the owner of the certificate" if options.auth == "certificate" else "the owner of the Kerberos ticket"

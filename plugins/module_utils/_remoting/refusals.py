# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said when a server does not let somebody in, for each way to authenticate. Private to this collection."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.evidence import Evidence


@dataclass(frozen=True)
class Target:
    """Where a connection goes, for messages; it never holds a password.

    :param restricted: the endpoint is not Windows' own; see C(RemotingOptions.restricted).
    """

    server: str
    url: str
    auth: str
    user: str | None = None
    service: str = ""
    channel_binding: bool = True
    restricted: bool = False


#: by auth: the schemes of HTTP that carry it, and what a refusal may rest on
_REFUSALS = {
    "basic": (
        {"basic"},
        "the server refused the user name or the password of {account} (HTTP 401). Basic authentication knows local accounts "
        "of the server only, and must be allowed there.",
    ),
    "kerberos": (
        {"kerberos", "negotiate"},
        "the server refused the Kerberos ticket of {account} (HTTP 401). Check that the service name belongs to the computer "
        "account of this server (setspn -Q {service}), and that the account may log on there.",
    ),
    "negotiate": (
        {"kerberos", "negotiate", "ntlm"},
        "the server refused {account} (HTTP 401), by Kerberos or, where no ticket could be had, by NTLM. Check remote_user and "
        "remote_password, and that the service name belongs to this server (setspn -Q {service}).",
    ),
    "ntlm": (
        {"negotiate", "ntlm"},
        "the server refused the user name or the password of {account} (HTTP 401), or accepts no NTLM. Write the account as "
        "DOMAIN\\name or name@domain, and see whether group policy there restricts NTLM.",
    ),
    "credssp": (
        {"credssp"},
        "the server refused the user name or the password of {account} (HTTP 401; {said}). Write the account as DOMAIN\\name "
        "or name@domain.",
    ),
    "certificate": (
        set(),
        "the server has no account for the client certificate (HTTP 401). Certificate authentication must be allowed there, "
        "and the certificate's issuer and UPN be mapped to a local account (winrm create winrm/config/service/certmapping).",
    ),
}


def refusal(evidence: Evidence, target: Target, account: str) -> str:
    """Why the server refused (HTTP 401 or its like), as far as it can be told, and what to look at.

    :param account: how the account is called in the message.
    """
    wanted, text = _REFUSALS[target.auth]
    offered = evidence.offered
    if wanted and offered and not offered & wanted:
        return "the server does not accept auth %s, only %s.%s" % (
            target.auth,
            ", ".join(sorted(offered)),
            " There, Enable-WSManCredSSP -Role Server allows it." if target.auth == "credssp" else "",
        )
    text = text.format(account=account, service=target.service, said=evidence.said)
    if target.url.startswith("https:") and target.auth in ("kerberos", "negotiate", "ntlm"):
        text += (
            " If something between here and the server ends TLS, the channel binding does not match: connect past it."
            if target.channel_binding
            else " The server may also demand channel binding, which send_cbt=false leaves out: set it to true."
        )
    return text


def admission(target: Target) -> str:
    """Who may use the endpoint."""
    if target.restricted:
        return "one of Lync's administrator roles, such as CsAdministrator or CsPersistentChatAdministrator"
    return "the server's Administrators or of its Remote Management Users"

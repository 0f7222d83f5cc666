# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do next about each finding. Pure; private to this collection."""

from __future__ import annotations

from typing import Callable, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.cmdlets import of_lync
from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.endpoints import configured
from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.network import is_open
from ansible_collections.lync.persistent_chat.plugins.module_utils._diagnosis.probes import Facts

AllFacts = Mapping[str, Facts]


def advice(code: str, facts: AllFacts) -> str:
    """The next step for a finding's code; what is known from the facts is in it."""
    known = _ADVICE.get(code, "Do what the text says, then run this module again.")
    return known if isinstance(known, str) else known(facts)


def _missing_library(facts: AllFacts) -> str:
    names = sorted({one["library"] for one in facts["libraries"]["missing"]})
    return "Install it for the Python that runs the task: python -m pip install %s" % " ".join(
        "'%s'" % n for n in names
    )


def _other_ports(facts: AllFacts) -> str:
    others = {5985: "5985 (scheme http)", 5986: "5986 (scheme https)", 443: "443 (path OcsPowershell, transport psrp)"}
    port, network = facts["connection"]["port"], facts["network"]
    found = [text for number, text in others.items() if number != port and is_open(network, number)]
    if found:
        return "The server does take connections on port %s. Use one of these, or have the listener made." % ", ".join(
            found
        )
    return (
        "No port of WinRM takes connections either (5985, 5986, 443). On the server, run winrm quickconfig and look at "
        "winrm enumerate winrm/config/listener; and check the firewalls in between."
    )


def _name_mismatch(facts: AllFacts) -> str:
    names = (facts["tls"].get("certificate") or {}).get("names")
    return "Set remote_addr to a name of the certificate (%s), or have one issued for %s." % (
        ", ".join(names) if names else "it could not be read", facts["connection"]["server"],
    )  # fmt: skip


def _not_in_time(facts: AllFacts) -> str:
    certificate = facts["tls"].get("certificate")
    valid = "It is valid from %(not_before)s to %(not_after)s. " % certificate if certificate else ""
    return valid + "Renew the certificate on the server, and give the new one to its WinRM listener."


def _untrusted(facts: AllFacts) -> str:
    issuer = (facts["tls"].get("certificate") or {}).get("issuer", "the authority that issued it")
    return "Get the certificate of %s in PEM form from somebody you trust, and give its file in ca_cert." % issuer


def _tls_version(facts: AllFacts) -> str:
    spoken = "It would speak %s. " % facts["tls"]["version"] if facts["tls"].get("version") else ""
    return spoken + (
        "Have TLS 1.2 enabled on the server, or use scheme http with an auth that encrypts its messages, such as kerberos%s."
        % (" (port 5985 is open)" if is_open(facts["network"], 5985) else "")
    )


def _tls_not_spoken(facts: AllFacts) -> str:
    return (
        "Give the port of an HTTPS listener (usually 5986), or scheme http for port %d." % facts["connection"]["port"]
    )


def _endpoint_not_found(facts: AllFacts) -> str:
    found = [one["url"] for one in facts["endpoints"]["answers"] if one["status"] in (200, 401)]
    return "These endpoints answer there: %s. Set path, port and scheme accordingly." % (", ".join(found) or "none")


def _not_offered(facts: AllFacts) -> str:
    offered = configured(facts["endpoints"])["schemes"]
    usable = [name for name in ("kerberos", "ntlm", "credssp", "basic") if _serves(name, offered)]
    return "Set auth to one that is offered (%s), or have it allowed: winrm get winrm/config/service/auth." % (
        ", ".join(usable) or "none is"
    )


def _serves(name: str, offered: list[str]) -> bool:
    return name in offered or (name in ("kerberos", "ntlm") and "negotiate" in offered)


def _no_kdc(facts: AllFacts) -> str:
    closed = [one["kdc"] for one in facts["tickets"].get("kdcs", ()) if not one["open"]]
    if closed:
        return "Nothing takes connections at %s. Correct kdc, or the network to it." % ", ".join(closed)
    return (
        "Set realm (in capital letters) and kdc (domain controllers), or correct krb5.conf; port 88 must be reachable."
    )


def _spn_unknown(facts: AllFacts) -> str:
    known = [name for name, there in facts["tickets"].get("services", {}).items() if there]
    if known:
        return "The KDC does know %s. Set kerberos_service accordingly." % ", ".join(known)
    return (
        "Set remote_addr, or kerberos_hostname_override, to the full name that the computer has in Active Directory "
        "(setspn -Q */%s on a member of the domain)." % facts["connection"]["server"]
    )


def _no_ticket(facts: AllFacts) -> str:
    user, owner = facts["connection"]["user"], facts["tickets"].get("principal")
    if user and owner and user.lower() != owner.lower():
        return "The cache holds a ticket of %s, not of %s. Run kinit %s, or leave remote_user out." % (
            owner,
            user,
            user,
        )
    return "Run kinit as the user that runs the task, or give remote_user and remote_password."


def _refused(facts: AllFacts) -> str:
    connection = facts["connection"]
    if connection["auth"] == "kerberos" and not connection["password_given"]:
        return "Check with setspn -Q %s that only the computer account of %s has this name." % (
            connection["service_principal"], connection["server"],
        )  # fmt: skip
    if connection["auth"] == "certificate":
        return "Check the mapping of the certificate to an account: winrm enumerate winrm/config/service/certmapping."
    return "Check the name and the password of %s, and that it may use auth %s there. Several tries can lock it." % (
        connection["user"], connection["auth"],
    )  # fmt: skip


def _cmdlets_missing(facts: AllFacts) -> str:
    if not facts["connection"]["restricted"]:
        return "Use a server with a newer Windows PowerShell, or with the tools of Lync Server 2013 or later."
    missing = facts["session"]["cmdlets"]["missing"]
    lync = of_lync(missing)
    others = [name for name in missing if name not in lync]
    steps = []
    if lync:
        steps.append(
            "Ask for a role that has %s: CsPersistentChatAdministrator for what is of Persistent Chat, CsAdministrator for all of "
            "Lync." % ", ".join(lync)
        )
    if others:
        steps.append("What is not of Lync (%s) needs the endpoint wsman." % ", ".join(others))
    return " ".join(steps)


_ADVICE: dict[str, str | Callable[[AllFacts], str]] = {
    "missing_library": _missing_library,
    "host_unknown": "Compare with: getent hosts NAME. Give remote_addr as the full name in DNS.",
    "name_resolution": "Check the DNS servers of this machine (/etc/resolv.conf).",
    "connection_refused": _other_ports,
    "connection_timeout": _other_ports,
    "host_unreachable": "Check routes and VPN of this machine: ip route get ADDRESS.",
    "answer_timeout": "Something takes the connection and then says nothing: a hanging server, a firewall or a load balancer "
    "without a server behind it. Restart the service WinRM there, or go round what is in between.",
    "connection_lost": "Check that the port is one of WinRM, and what stands in between: a firewall or a load balancer may cut it. "
    "On the server, look into the event log of WinRM.",
    "server_unavailable": "Restart the service WinRM (or IIS for OcsPowershell) there, and look into its event log.",
    "operation_timeout": "Raise connection_timeout, of which the calls of this module get three times as much.",
    "certificate_name_mismatch": _name_mismatch,
    "certificate_not_in_time": _not_in_time,
    "certificate_untrusted": _untrusted,
    "certificate_expires_soon": "Have it renewed; from then on connections are refused.",
    "tls_version": _tls_version,
    "tls_not_spoken": _tls_not_spoken,
    "tls_expected": "Set scheme to https, or port to the one of an HTTP listener (usually 5985).",
    "endpoint_not_found": _endpoint_not_found,
    "authentication_not_offered": _not_offered,
    "authentication_failed": _refused,
    "wrong_password": _refused,
    "account_unknown": _refused,
    "account_locked": "Have it unlocked (Unlock-ADAccount), and find out who uses an old password.",
    "password_expired": "Set a new password for it, and put that into remote_password.",
    "client_certificate_refused": "Check that certificate_pem is of an authority that the server trusts, and has not expired.",
    "kerberos_encryption_type": "Allow AES for the account in Active Directory (msDS-SupportedEncryptionTypes) and in krb5.conf.",
    "server_not_authentic": "Check with setspn -Q which account has the name, and that send_cbt fits what is in between.",
    "channel_binding_missing": "Set send_cbt to true.",
    "kerberos_clock_skew": "Synchronise both clocks with the domain: chronyc makestep here, w32tm /resync there.",
    "kerberos_no_ticket": _no_ticket,
    "kerberos_ticket_expired": "Run kinit again, or give remote_user and remote_password.",
    "kerberos_no_kdc": _no_kdc,
    "kerberos_spn_unknown": _spn_unknown,
    "kerberos_not_forwardable": "Run kinit -f, or set forwardable = true in krb5.conf and run kinit again.",
    "access_denied": "Make the account a member of Remote Management Users or Administrators on the server, or use transport psrp "
    "with path OcsPowershell and an account that has a role of Lync.",
    "server_busy": "Close other sessions of the account, or wait until they time out; the limit is MaxShellsPerUser: "
    "winrm get winrm/config/winrs.",
    "powershell_too_old": "Cmdlets cannot run there; services can be controlled with pc_service and control=sc. For all else "
    "connect to a server with Windows PowerShell 3.0 or later.",
    "lync_module_missing": "Connect to a front end, or to another server with the administrative tools. Only pc_service with "
    "control=windows or control=sc works here.",
    "cmdlets_missing": _cmdlets_missing,
    "second_hop": "See the text: hand the credentials on with kerberos_delegation or auth=credssp, or use OcsPowershell.",
    "cmdlet_failed": "Run the cmdlet in a Management Shell on the server, as the same account.",
    "connection_works": "Nothing is to be done.",
}

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of the lab's directory, as LDIF made from the settings."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from tests.lab import settings
from tests.lab.settings import Account, Host

NORMAL_ACCOUNT = 0x200
WORKSTATION_ACCOUNT = 0x1000
NEVER_EXPIRES = 0x10000
AES_ONLY = 24
GLOBAL_SECURITY_GROUP = -2147483646
SAFE = re.compile(r"[!-9;=-~]([ -~]*[!-~])?")
SERVICE_CLASSES = ("HTTP", "HOST", "WSMAN")
# group: container; those that exist in every domain are not listed
GROUPS = {
    "RTCUniversalServerAdmins": settings.USERS_DN,
    "CSAdministrator": settings.USERS_DN,
    "CSPersistentChatAdministrator": settings.USERS_DN,
    "CSServerAdministrator": settings.USERS_DN,
    "CSUserAdministrator": settings.USERS_DN,
    "CSViewOnlyAdministrator": settings.USERS_DN,
    "Group Chat Services": settings.GROUPS_DN,
    "Deny Interactive Logon": settings.GROUPS_DN,
}
PRIVILEGED_GROUPS = ("Domain Admins",)
LC_SERVICES_DN = "CN=Lc Services,CN=Microsoft,CN=%s,%s" % (settings.REGISTRAR_POOL, settings.POOLS_DN)


def _line(name: str, value: object) -> str:
    """One line of LDIF; base64 for what RFC 2849 does not allow as it is."""
    if isinstance(value, bytes) or not SAFE.fullmatch(str(value)):
        octets = value if isinstance(value, bytes) else str(value).encode()
        return "%s:: %s\n" % (name, base64.b64encode(octets).decode())
    return "%s: %s\n" % (name, value)


def _entry(dn: str, **attributes: object) -> str:
    lines = [_line("dn", dn)]
    for name, values in attributes.items():
        for value in values if isinstance(values, tuple) else (values,):
            lines.append(_line(name.replace("_", "-"), value))
    return "".join(lines)


def _password(text: str) -> str:
    return _line("unicodePwd", ('"%s"' % text).encode("utf-16-le"))


def group_dn(group: str) -> str:
    """The distinguished name of a group of GROUPS, or of one that every domain has."""
    return "CN=%s,%s" % (group, GROUPS.get(group, settings.USERS_DN))


def container_dn(pool: str) -> str:
    """The trusted-service entry that a pool's endpoints point to (ASSUMPTION: its place and name)."""
    return "CN=%s,%s" % (pool, settings.TRUSTED_SERVICES_DN)


def containers() -> str:
    """Containers of both places for Lync's settings (domain.md, section 4.1) and organizational units."""
    names = [settings.SYSTEM_RTC_SERVICE_DN.split(",", 1)[1], settings.SYSTEM_RTC_SERVICE_DN]
    names += [
        settings.SYSTEM_CONTACTS_DN,
        settings.RTC_SERVICE_DN,
        settings.CONTACTS_DN,
        settings.TRUSTED_SERVICES_DN,
        settings.POOLS_DN,
    ]
    names += [LC_SERVICES_DN.split(",", depth)[depth] for depth in (2, 1)] + [LC_SERVICES_DN]
    names += [container_dn(pool) for pool in settings.CHAT_POOLS]
    units = [
        settings.SERVICE_ACCOUNTS_DN,
        settings.LEGACY_OU_DN,
        settings.LOOKUP_OUTER_OU_DN,
        settings.LOOKUP_OU_DN,
        settings.PEOPLE_DN,
        settings.SERVERS_DN,
        settings.GROUPS_DN,
    ]
    records = [_entry(dn, objectClass="container") for dn in names]
    return "\n".join(records + [_entry(dn, objectClass="organizationalUnit") for dn in units])


def groups() -> str:
    """The groups, without members."""
    return "\n".join(
        _entry("CN=%s,%s" % (name, parent), objectClass="group", sAMAccountName=name, groupType=GLOBAL_SECURITY_GROUP)
        for name, parent in GROUPS.items()
    )


def _sip_attributes(account: Account) -> dict[str, object]:
    if not account.sip:
        return {}
    return {
        "msRTCSIP_PrimaryUserAddress": account.sip,
        "msRTCSIP_UserEnabled": "TRUE",
        "msRTCSIP_PrimaryHomeServer": LC_SERVICES_DN,
        "msRTCSIP_OptionFlags": 256,
        "msRTCSIP_DeploymentLocator": "SRV:",
        "proxyAddresses": account.sip,
    }


def _user(account: Account) -> str:
    attributes = _sip_attributes(account)
    if account.description:
        attributes["description"] = account.description
    if set(PRIVILEGED_GROUPS) & set(account.groups):
        attributes["adminCount"] = 1  # real AD sets it hourly, Samba never (directory.md, section 2.4)
    return _entry(
        account.dn,
        objectClass="user",
        sAMAccountName=account.name,
        userPrincipalName=account.upn,
        displayName=account.display_name,
        userAccountControl=NORMAL_ACCOUNT | NEVER_EXPIRES,
        **attributes,
    ) + _password(settings.PASSWORD)


def service_principals(host: Host) -> list[str]:
    """The service principal names of a server, without the realm."""
    return ["%s/%s" % (service, name) for service in SERVICE_CLASSES for name in (host.fqdn, host.name)]


def _computer(host: Host) -> str:
    return _entry(
        "CN=%s,%s" % (host.name.upper(), settings.SERVERS_DN),
        objectClass="computer",
        sAMAccountName=host.account,
        dNSHostName=host.fqdn,
        servicePrincipalName=tuple(service_principals(host)),
        userAccountControl=WORKSTATION_ACCOUNT | NEVER_EXPIRES,
        msDS_SupportedEncryptionTypes=AES_ONLY,
    ) + _password(settings.PASSWORD)


def accounts() -> str:
    """Users and the servers' computer accounts."""
    return "\n".join([_user(a) for a in settings.ACCOUNTS] + [_computer(h) for h in settings.WSMAN_HOSTS])


def _changes() -> Iterator[str]:
    for account in settings.ACCOUNTS:
        for group in account.groups:
            member = _line("member", account.dn)
            yield "dn: %s\nchangetype: modify\nadd: member\n%s-\n" % (group_dn(group), member)
    # Passwords of a cached template must not age, and a logon must not look like a write.
    yield (
        "dn: %s\nchangetype: modify\nreplace: maxPwdAge\nmaxPwdAge: -9223372036854775808\n-\n"
        "replace: msDS-LogonTimeSyncInterval\nmsDS-LogonTimeSyncInterval: 0\n-\n"
    ) % settings.BASE_DN


def changes() -> str:
    """Memberships and domain-wide settings, after everything was added."""
    return "\n".join(_changes())

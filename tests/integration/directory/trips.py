# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account with a life of its own, to be lost and brought back, and what may differ from before then."""

from __future__ import annotations

import subprocess

import ldap3

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry
from tests.lab import settings
from tests.lab.client import LabClient
from tests.lab.settings import Account

_REANIMATED = {
    "accountExpires",
    "adminCount",
    "lastKnownParent",
    "lastLogon",
    "lastLogonTimestamp",
    "logonCount",
    "operatorCount",
    "pwdLastSet",
    "uSNChanged",
    "whenChanged",
}
#: what is not as before, for each way back; the module's notes name the same
DIFFERS = {
    "attributes": {"uSNChanged", "whenChanged"},
    "recycle_bin": _REANIMATED,
    "tombstone": _REANIMATED,
    "backup": {
        "lastLogon",
        "lastLogonTimestamp",
        "logonCount",
        "nTSecurityDescriptor",
        "objectGUID",
        "objectSid",
        "pwdLastSet",
        "uSNChanged",
        "uSNCreated",
        "userAccountControl",
        "whenChanged",
        "whenCreated",
    },
}
#: the account that the module signs in with has only the delegated rights
DELEGATED = {
    "auth_protocol": "simple",
    "username": "%s@%s" % (settings.DIRECTORY_SERVICE, settings.DOMAIN),
    "password": settings.PASSWORD,
}


def account_named(name: str) -> Account:
    """An account of the lab by its sAMAccountName."""
    return next(account for account in settings.ACCOUNTS if account.name == name)


def enrich(admin: ldap3.Connection, user: Account) -> None:
    """Give the account values of every awkward kind, and a sign-in in a domain that counts them."""
    changes = {
        "adminDescription": ['einmal \\ "zweimal", dreimal'],
        "description": ["größe, (star*) \\ end"],
        "info": [" leading and trailing "],
        "logonHours": [b"\xff" * 20 + b"\x00"],
        "msRTCSIP-Line": ["tel:+4930123;ext=7"],
        "msRTCSIP-UserPolicies": ["0=1", "1=2"],
        "msRTCSIP-UserRoutingGroupId": [bytes(range(16))],
        "proxyAddresses": [str(user.sip).upper(), "smtp:%s@contoso.com" % user.name, "sip:alias@contoso.com"],
        "servicePrincipalName": ["groupchat/gc01.contoso.com"],
        "thumbnailPhoto": [bytes(range(256))],
    }
    admin.modify(user.dn, {name: [("MODIFY_REPLACE", values)] for name, values in changes.items()})
    admin.modify(settings.BASE_DN, {"msDS-LogonTimeSyncInterval": [("MODIFY_REPLACE", ["1"])]})
    assert signs_in(user)


def signs_in(user: Account) -> bool:
    """Whether the account can sign in with its password."""
    kinit = ["kinit", "-c", "MEMORY:", user.name]
    return subprocess.run(kinit, input=settings.PASSWORD, text=True, check=False, capture_output=True).returncode == 0


def different(was: Entry, now: Entry) -> set[str]:
    """The attributes that are not as before, compared value by value; what is computed at each reading is left out."""
    names = {name for name in list(was) + list(now) if name not in ("tokenGroups", "canonicalName")}
    return {name for name in names if sorted(was.values(name)) != sorted(now.values(name))}


def expunge(lab: LabClient) -> None:
    """Let the domain controller forget its deleted objects, as it does by itself after tombstoneLifetime."""
    home = lab.paths.samba / settings.DOMAIN_CONTROLLERS[0].name
    command = ["samba-tool", "domain", "tombstones", "expunge", settings.BASE_DN, "--tombstone-lifetime=0"]
    command += ["--current-time=2040-01-01", "-H", str(home / "private/sam.ldb"), "-s", str(home / "etc/smb.conf")]
    # samba-tool's own Python, not the one of this test
    subprocess.run(command, check=True, capture_output=True, env={"PATH": "/usr/bin:/bin"})

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Emulates the Recycle Bin (directory.md, section 4.3). Runs inside namespaces of its own, under the Python of Samba's modules."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import ldb
from samba.samdb import SamDB

from tests.lab import settings
from tests.lab.directory import replication, schema
from tests.lab.directory.controller import DomainController
from tests.lab.directory.pair import open_database, settle
from tests.lab.directory.places import home
from tests.lab.settings import Host, Paths

FEATURE_DN = (
    "CN=Recycle Bin Feature,CN=Optional Features,CN=Directory Service,CN=Windows NT,CN=Services,"
    + settings.CONFIGURATION_DN
)
PRESERVED = 8  # in searchFlags: the attribute's values stay in the tombstone
# Not accountExpires, pwdLastSet and primaryGroupID: a restore sets these itself and fails when they are there.
ATTRIBUTES = (
    "displayName", "userPrincipalName", "proxyAddresses", "mail", "sn", "givenName", "description", "unicodePwd",
    "supplementalCredentials", *("msRTCSIP-" + name for name in schema.ATTRIBUTES),
)  # fmt: skip


def emulate(controller: Host) -> None:
    """Show the feature as enabled and keep the attributes of deleted objects, offline: the controller does not run."""
    samdb = open_database(controller)
    # On this object only: on a controller's own settings Samba would act upon it, and refuse every restore.
    _set(samdb, "CN=Partitions," + settings.CONFIGURATION_DN, "msDS-EnabledFeature", FEATURE_DN)
    for name in ATTRIBUTES:
        (found,) = samdb.search(
            settings.SCHEMA_DN, ldb.SCOPE_ONELEVEL, "(lDAPDisplayName=%s)" % name, attrs=["searchFlags"]
        )
        flags = int(found.get("searchFlags", ["0"])[0])
        _set(samdb, str(found.dn), "searchFlags", str(flags | PRESERVED))


def _set(samdb: SamDB, dn: str, attribute: str, value: str) -> None:
    change = ldb.Message(ldb.Dn(samdb, dn))
    change[attribute] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, attribute)
    samdb.modify(change, controls=["relax:0"])


def main() -> None:
    """Change the first controller's folder; the second, where there is one, gets it by replication."""
    paths = Paths(Path(sys.argv[1]))
    emulate(settings.DOMAIN_CONTROLLERS[0])
    controllers = [DomainController(host, paths) for host in settings.DOMAIN_CONTROLLERS if os.path.isdir(home(host))]
    if len(controllers) > 1:
        replication.learn_names(paths, replication.known_names())
        for controller in controllers:
            controller.replicate(True, tls=False)
            controller.start()
        settle(controllers)


if __name__ == "__main__":
    sys.stdout = sys.stderr
    main()

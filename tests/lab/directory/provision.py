# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the first domain controller. Runs inside a lab's namespaces, under the Python that Samba's modules belong to."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import ldb
import samba.provision
from samba.auth import system_session
from samba.credentials import Credentials
from samba.net import Net
from samba.netcmd.main import cmd_sambatool
from samba.param import LoadParm
from samba.samdb import SamDB

from tests.lab import settings
from tests.lab.directory import delegation, fixtures, schema
from tests.lab.directory.places import SERVICES, home

TICKET_HOURS = 24 * 7


def options(controller: settings.Host) -> dict[str, str]:
    """The smb.conf options of a domain controller (directory.md, section 1.3)."""
    folder = home(controller)
    return {
        "interfaces": controller.address + "/24",
        "bind interfaces only": "yes",
        "ldap server require strong auth": "allow_sasl_over_tls",
        "server services": SERVICES,
        "dsdb:schema update allowed": "yes",
        "kdc:user ticket lifetime": str(TICKET_HOURS),
        "kdc:service ticket lifetime": str(TICKET_HOURS),
        "kdc:renewal lifetime": str(TICKET_HOURS),
        "log file": folder + "/log.txt",
        "pid directory": folder + "/run",
        "ncalrpc dir": folder + "/run/ncalrpc",
        "tls keyfile": folder + "/tls/key.pem",
        "tls certfile": folder + "/tls/cert.pem",
        "tls cafile": folder + "/tls/ca.pem",
    }


def provision(controller: settings.Host) -> None:
    """Make the domain in the controller's folder."""
    # The step sets file ACLs that need more than one user id; nobody reads the lab's sysvol.
    samba.provision.setsysvolacl = lambda *args, **kwargs: None
    arguments = {
        "realm": settings.REALM,
        "domain": settings.NETBIOS,
        "server-role": "dc",
        "dns-backend": "NONE",
        "targetdir": home(controller),
        "host-name": controller.name,
        "host-ip": controller.address,
        "adminpass": settings.PASSWORD,
    }
    command = ["domain", "provision", "--quiet", *("--%s=%s" % item for item in arguments.items())]
    command += ["--option=%s=%s" % item for item in options(controller).items()]
    if cmd_sambatool()._run("samba-tool", *command):
        raise SystemExit("samba-tool domain provision failed")
    os.makedirs(home(controller) + "/run/ncalrpc", exist_ok=True)
    register_names(controller)


def register_names(controller: settings.Host) -> None:
    """Give a new controller the SPNs that it still lacks: those of LDAP, and without a join of replication (directory.md, section 2.2)."""
    subprocess.run(["samba_spnupdate", "-s", home(controller) + "/etc/smb.conf"], check=True)


def _delegate(samdb: SamDB) -> None:
    """Give svc-directory its rights (delegation.py)."""
    controls = ["sd_flags:1:4", "show_deleted:1"]
    samdb.modify_ldif(
        "dn: %s\nchangetype: modify\nreplace: nTSecurityDescriptor\nnTSecurityDescriptor: %s\n-\n"
        % (delegation.DELETED_OBJECTS_DN, delegation.DELETED_OBJECTS_OWNED),
        controls=["show_deleted:1"],
    )
    account = samdb.search(expression="(sAMAccountName=%s)" % settings.DIRECTORY_SERVICE, attrs=["objectSid"])
    sid = delegation.sid_text(account[0]["objectSid"][0])
    for grant in delegation.GRANTS:
        (found,) = samdb.search(grant.dn, ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"], controls=controls)
        descriptor = delegation.changed(found["nTSecurityDescriptor"][0], grant.sddl(sid), present=True)
        change = ldb.Message(found.dn)
        change["acl"] = ldb.MessageElement(descriptor, ldb.FLAG_MOD_REPLACE, "nTSecurityDescriptor")
        samdb.modify(change, controls=controls)


def populate(controller: settings.Host) -> None:
    """Extend the schema and add the lab's objects, offline: the controller does not run yet."""
    parameters = LoadParm(home(controller) + "/etc/smb.conf")
    database = home(controller) + "/private/sam.ldb"

    def step(change: Callable[[SamDB], object]) -> None:
        # Each step opens the database anew, so that it sees the schema of the step before (directory.md, section 3).
        change(SamDB(url=database, session_info=system_session(parameters), lp=parameters))

    step(lambda samdb: samdb.add_ldif(schema.attributes()))
    step(lambda samdb: samdb.add_ldif(schema.auxiliary_class()))
    step(lambda samdb: samdb.modify_ldif(schema.auxiliary_class_use()))
    for text in (fixtures.containers(), fixtures.groups(), fixtures.accounts()):
        step(lambda samdb, text=text: samdb.add_ldif(text))
    step(lambda samdb: samdb.modify_ldif(fixtures.changes()))
    step(_delegate)

    credentials = Credentials()
    credentials.guess(parameters)
    net = Net(credentials, parameters)
    for host in settings.WSMAN_HOSTS:
        for principal in [host.account, *fixtures.service_principals(host)]:
            net.export_keytab(keytab=home(controller) + "/host.keytab", principal=principal)


if __name__ == "__main__":
    sys.stdout = sys.stderr
    provision(settings.DOMAIN_CONTROLLERS[0])
    populate(settings.DOMAIN_CONTROLLERS[0])

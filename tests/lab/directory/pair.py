# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Joins the second controller to the first. Runs inside namespaces of its own, under the Python of Samba's modules.

What replication needs without DNS is in directory.md, section 2.2.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import ldb
from samba import Ldb
from samba.auth import system_session
from samba.dcerpc.misc import GUID
from samba.ndr import ndr_unpack
from samba.netcmd.main import cmd_sambatool
from samba.param import LoadParm
from samba.samdb import SamDB

from tests.lab import settings
from tests.lab.directory import replication
from tests.lab.directory.controller import DomainController
from tests.lab.directory.places import SAMBA_ROOT, home
from tests.lab.directory.provision import options, register_names
from tests.lab.settings import Host, Paths

NEVER = str(10**6)  # seconds
OPTIONS = {
    "server services": "ldap, kdc, rpc, drepl, cldap, kcc",
    "prefork children": "1",
    # The consistency checker runs here once; later it would only write, at moments of its own.
    "kccsrv:periodic_startup_interval": NEVER,
    "kccsrv:periodic_interval": NEVER,
    "dreplsrv:periodic_startup_interval": "1",
    "dreplsrv:periodic_interval": "5",
    "dreplsrv:notify_interval": "1",
}
ROUNDS = 10


def _reconfigure(controller: Host) -> None:
    with open(home(controller) + "/etc/smb.conf", "a", encoding="utf-8") as file:
        file.write("\n[global]\n" + "".join("\t%s = %s\n" % item for item in OPTIONS.items()))


def _join(controller: Host, partner: Host) -> None:
    arguments = {
        "server": partner.fqdn,
        "username": "%s\\%s" % (settings.NETBIOS, settings.ADMINISTRATOR),
        "password": settings.PASSWORD,
        "realm": settings.REALM,
        "dns-backend": "NONE",
        "targetdir": home(controller),
        "option": "netbios name=" + controller.name.upper(),
    }
    command = ["domain", "join", settings.DOMAIN, "DC", *("--%s=%s" % item for item in arguments.items())]
    command += ["--option=%s=%s" % item for item in {**options(controller), **OPTIONS}.items()]
    if cmd_sambatool()._run("samba-tool", *command):
        raise SystemExit("samba-tool domain join failed")
    os.makedirs(home(controller) + "/run/ncalrpc", exist_ok=True)
    register_names(controller)


def open_database(controller: Host) -> SamDB:
    """A controller's own database, with all rights."""
    parameters = LoadParm(home(controller) + "/etc/smb.conf")
    database = home(controller) + "/private/sam.ldb"
    return SamDB(url=database, session_info=system_session(parameters), lp=parameters)


def _names(samdb: SamDB) -> str:
    """The lines of hosts by which controllers find each other."""
    lines = []
    for host in settings.DOMAIN_CONTROLLERS:
        (found,) = samdb.search(
            "CN=Sites," + settings.CONFIGURATION_DN,
            ldb.SCOPE_SUBTREE,
            "(&(objectClass=server)(dNSHostName=%s))" % host.fqdn,
            attrs=[],
        )
        (agent,) = samdb.search("CN=NTDS Settings,%s" % found.dn, ldb.SCOPE_BASE, attrs=["objectGUID"])
        guid = ndr_unpack(GUID, agent["objectGUID"][0])
        lines.append("%s %s._msdcs.%s\n" % (host.address, guid, settings.DOMAIN))
    return "".join(lines)


def _usn(controller: Host) -> int:
    parameters = LoadParm(home(controller) + "/etc/smb.conf")
    server = Ldb("ldap://" + controller.fqdn, lp=parameters)
    (root,) = server.search("", ldb.SCOPE_BASE, attrs=["highestCommittedUSN"])
    return int(root["highestCommittedUSN"][0])


def settle(controllers: Sequence[DomainController]) -> None:
    """Replicate both ways, wait until nothing moves any more and both have each other to notify, then stop both."""
    first, second = (controller.host for controller in controllers)
    replication.pull(second, first)
    replication.pull(first, second)
    for _round in range(ROUNDS):
        before = _usn(first), _usn(second)
        time.sleep(2)  # longer than the pause before a notification
        notified = [replication.state(host)["notifies"] for host in (first, second)]
        if before == (_usn(first), _usn(second)) and notified == [sorted(replication.PARTITIONS)] * 2:
            break
    else:
        raise SystemExit("the two controllers do not come to rest")
    for controller in controllers:
        controller.stop()


def main() -> None:
    """Make the pair in the controllers' folders."""
    paths = Paths(Path(sys.argv[1]))
    controllers = first, second = [DomainController(host, paths) for host in settings.DOMAIN_CONTROLLERS]
    for controller in controllers:
        controller.replicate(True, tls=False)
    _reconfigure(first.host)
    first.start()
    _join(second.host, first.host)
    names = _names(open_database(second.host))
    Path(SAMBA_ROOT, replication.NAMES).write_text(names, encoding="utf-8")
    replication.learn_names(paths, names)
    second.start()
    for controller in controllers:
        replication.find_partners(controller.host)
    settle(controllers)


if __name__ == "__main__":
    sys.stdout = sys.stderr
    main()

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replication between the two controllers, by samba-tool in its remote mode: C(--local) loses changes (directory.md, 2.3)."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from tests.lab import settings
from tests.lab.directory.places import SAMBA_ROOT, home
from tests.lab.settings import Host, Paths

PARTITIONS = (settings.SCHEMA_DN, settings.CONFIGURATION_DN, settings.BASE_DN)  # in the order of their dependence
NAMES = "replication-names"  # file beside the controllers' folders: lines for hosts
INBOUND_OFF = 0x2  # in the options of a controller's NTDS Settings
SECONDS = 60


class ReplicationError(Exception):
    """samba-tool did not do it; the text is its own."""


def _drs(*arguments: str) -> str:
    """Run one samba-tool drs command as Administrator and return what it prints. :raises ReplicationError: it failed."""
    line = ["samba-tool", "drs", *arguments, "--configfile=%s/etc/smb.conf" % home(settings.DOMAIN_CONTROLLERS[0])]
    # With Kerberos a frozen controller would be asked for tickets first.
    line += ["--use-kerberos=off", "-U", settings.ADMINISTRATOR, "--password=" + settings.PASSWORD]
    what = "samba-tool drs " + " ".join(arguments)
    try:
        run = subprocess.run(
            line,
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ReplicationError("%s: no end after %d s" % (what, SECONDS)) from error
    if run.returncode:
        told = [line for line in run.stderr.splitlines() if line.startswith("ERROR")] or run.stderr.splitlines()
        raise ReplicationError("%s: %s" % (what, told[-1] if told else "exit status %d" % run.returncode))
    return run.stdout


def pull(target: Host, source: Host, partitions: tuple[str, ...] = PARTITIONS) -> None:
    """Bring what C(source) has to C(target), also while its inbound replication is off; about 0.4 s each.

    :raises ReplicationError: one of the two does not answer.
    """
    for partition in partitions:
        _drs("replicate", target.fqdn, source.fqdn, partition, "--sync-forced")


def set_inbound(target: Host, on: bool) -> None:
    """Let C(target) take changes from others, or not. :raises ReplicationError: it does not answer."""
    _drs("options", target.fqdn, "--dsa-option=%sDISABLE_INBOUND_REPL" % ("-" if on else "+"))


def find_partners(target: Host) -> None:
    """Let the consistency checker of C(target) decide, once, whom it replicates with."""
    _drs("kcc", target.fqdn)


def state(target: Host) -> dict[str, Any]:
    """What C(target) says of its inbound replication: paused, and for each partition the failures in a row.

    :raises ReplicationError: it does not answer.
    """
    shown = json.loads(_drs("showrepl", target.fqdn, "--json"))
    return {
        "paused": bool(shown["dsa"]["options"] & INBOUND_OFF),
        "inbound": {
            item["NC dn"]: {"failures": item["consecutive failures"], "last": item["last attempt message"]}
            for item in shown["repsFrom"]
        },
        "notifies": sorted({item["NC dn"] for item in shown["repsTo"]}),
    }


def learn_names(paths: Paths, names: str) -> None:
    """Add lines to the hosts file inside the lab, where they are missing; it is never without its other lines."""
    with open(paths.system / "etc/hosts", "r+", encoding="utf-8") as hosts:
        if names not in hosts.read():
            hosts.write(names)


def known_names() -> str:
    """The lines that the controllers' template needs, inside the namespaces where it is built further."""
    with open("%s/%s" % (SAMBA_ROOT, NAMES), encoding="utf-8") as file:
        return file.read()

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a domain controller's files are, and what it listens to, inside the lab's namespaces."""

from __future__ import annotations

from tests.lab.settings import Host

SAMBA_ROOT = "/var/lib/samba"  # bind-mounted from the lab's folder: a template needs no change of paths
SERVICES = "ldap, kdc"  # a second controller needs more: directory.md, section 2.2


def home(controller: Host) -> str:
    """The controller's folder, as Samba sees it."""
    return "%s/%s" % (SAMBA_ROOT, controller.name)

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a domain controller's files are, what it listens to, and how its clients find it, inside the lab's namespaces."""

from __future__ import annotations

from tests.lab import settings
from tests.lab.settings import Host

SAMBA_ROOT = "/var/lib/samba"  # bind-mounted from the lab's folder: a template needs no change of paths
SERVICES = "ldap, kdc"  # a second controller needs more: see pair.py
KRB5_CONF = """[libdefaults]
  default_realm = {realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  forwardable = true
  udp_preference_limit = 1
  ticket_lifetime = 7d
  renew_lifetime = 7d
[realms]
  {realm} = {{
{kdcs}
  }}
[domain_realm]
  .{domain} = {realm}
  {domain} = {realm}
"""


def home(controller: Host) -> str:
    """The controller's folder, as Samba sees it."""
    return "%s/%s" % (SAMBA_ROOT, controller.name)


def krb5_conf() -> str:
    """The Kerberos configuration of the lab's clients and of the controllers themselves."""
    kdcs = "\n".join("    kdc = " + host.address for host in settings.DOMAIN_CONTROLLERS)
    return KRB5_CONF.format(realm=settings.REALM, domain=settings.DOMAIN, kdcs=kdcs)

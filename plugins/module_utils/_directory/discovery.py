# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which domain controllers DNS names for a domain. Private to this collection."""

from __future__ import annotations

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import MissingLibrary


def domain_controllers_of(domain: str, seconds: float) -> tuple[str, ...]:
    """The domain controllers of a domain by their SRV records, by priority and weight (RFC 2782).

    :param seconds: how long to wait for DNS.
    :raises DirectoryError: code C(discovery_failed), DNS names none or does not answer.
    """
    try:
        import dns.exception
        import dns.resolver
    except ImportError as error:
        raise MissingLibrary("dnspython") from error
    name = "_ldap._tcp.dc._msdcs." + domain
    try:
        answer = dns.resolver.resolve(name, "SRV", lifetime=seconds)
    except dns.exception.DNSException as error:
        raise DirectoryError(
            "Could not find the domain controllers of %s: DNS has no usable answer for the SRV records %s (%s). Check domain and "
            "this machine's name servers, or name the domain controllers in server." % (domain, name, error),
            "discovery_failed",
        ) from error
    records = sorted(answer, key=lambda record: (record.priority, -record.weight, str(record.target)))
    return tuple(str(record.target).rstrip(".").lower() for record in records)

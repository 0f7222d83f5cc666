# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which domain controllers DNS names for a domain. Private to this collection."""

from __future__ import annotations

from typing import Any, Iterable

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import MissingLibrary


def domain_controllers_of(domain: str, seconds: float) -> tuple[str, ...]:
    """The domain controllers of a domain by their SRV records (RFC 2782), those to be tried first in front.

    :param seconds: how long to wait for DNS.
    :raises DirectoryError: code C(discovery_failed), DNS names none or does not answer.
    """
    try:
        import dns.exception
        import dns.resolver
    except ImportError as error:
        raise MissingLibrary("dnspython") from error
    name = "_ldap._tcp.dc._msdcs.%s." % domain
    try:
        answer = dns.resolver.resolve(name, "SRV", lifetime=seconds)
    except dns.exception.DNSException as error:
        raise _failed(domain, name, str(error)) from error
    servers = in_order(answer)
    if not servers:
        raise _failed(domain, name, "they say that the service is not available there")
    return servers


def in_order(records: Iterable[Any]) -> tuple[str, ...]:
    """The targets of SRV records by priority, within one priority the higher weight first, each once.

    RFC 2782 wants chance among weights, to spread the load of many clients. Here the same answer gives the same order, so that
    two runs use the same domain controller. The target C(.) means that the service is decidedly not there.
    """
    ordered = sorted(records, key=lambda record: (record.priority, -record.weight, str(record.target).lower()))
    names = (str(record.target).rstrip(".").lower() for record in ordered)
    return tuple(dict.fromkeys(name for name in names if name))


def _failed(domain: str, name: str, said: str) -> DirectoryError:
    return DirectoryError(
        "Could not find the domain controllers of %s: DNS has no usable answer for the SRV records %s (%s). Check domain and this "
        "machine's name servers, or name the domain controllers in server." % (domain, name, said.rstrip(".")),
        "discovery_failed",
    )

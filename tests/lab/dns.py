# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's name server: the SRV records by which clients find domain controllers, and the hosts' addresses.

It knows the lab's names only and asks nobody else; UDP on the address that the lab's resolv.conf has.
"""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Mapping

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.lab import settings

ADDRESS = ("127.0.0.1", 53)
TTL = 60  # seconds
# service: the port that its SRV record names; encrypted LDAP has no records of its own in Active Directory
SERVICES = {"_ldap._tcp.dc._msdcs": 389, "_ldap._tcp": 389, "_gc._tcp": 3268, "_kerberos._tcp": 88}
PRIORITY_STEP = 10

Records = Mapping[dns.name.Name, dns.rrset.RRset]


def lab_records() -> Records:
    """One set of records for each name: the first domain controller before the others, and each host's address."""
    targets = [
        "%d 100 {port} %s." % (number * PRIORITY_STEP, controller.fqdn)
        for number, controller in enumerate(settings.DOMAIN_CONTROLLERS)
    ]
    sets = [
        dns.rrset.from_text_list(settings.fqdn(service) + ".", TTL, "IN", "SRV", [t.format(port=port) for t in targets])
        for service, port in SERVICES.items()
    ]
    sets += [dns.rrset.from_text(host.fqdn + ".", TTL, "IN", "A", host.address) for host in settings.HOSTS]
    return {found.name: found for found in sets}


def answer(records: Records, wire: bytes) -> bytes | None:
    """The answer to one query, or None for what is no query.

    A name that is not in C(records) does not exist (NXDOMAIN); for another type of a name that is there the answer is
    empty.
    """
    try:
        query = dns.message.from_wire(wire)
        (question,) = query.question
        reply = dns.message.make_response(query, recursion_available=True)
    except (dns.exception.DNSException, ValueError):
        return None
    reply.flags |= dns.flags.AA
    found = records.get(question.name)
    if found is None:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    elif question.rdtype in (found.rdtype, dns.rdatatype.ANY):
        reply.answer.append(found)
    return reply.to_wire()


class DnsServer:
    """Answers from C(records) in a thread of its own, between start() and stop().

    :param records: as from lab_records().
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._server: socketserver.UDPServer | None = None

    def start(self) -> None:
        """Listen. :raises OSError: the address is taken."""
        records = self._records

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                wire, own_socket = self.request
                reply = answer(records, wire)
                if reply is not None:
                    own_socket.sendto(reply, self.client_address)

        self._server = socketserver.UDPServer(ADDRESS, Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """End the thread and give the address back; nothing happens when it was not started."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

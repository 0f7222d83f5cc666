# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds a SIP address, anywhere in the forest. Private to this collection.

Active Directory does not keep addresses unique: an account and an endpoint live in different naming contexts, possibly on
different domain controllers (domain.md, section 4.1). So both the global catalog and the domain controller that would be
written to are asked, and their answers merged by GUID.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Iterable

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.domain_controllers import (
    Member,
    required_set,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry, escape_filter
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

SIP_ATTRIBUTE = "msRTCSIP-PrimaryUserAddress"
GLOBAL_CATALOG = "global_catalog"
DOMAIN_CONTROLLER = "domain_controller"
CONTACT = "contact"
APPLICATION_CONTACTS = "cn=application contacts,"

_ATTRIBUTES = [
    "objectGUID",
    "objectSid",
    "objectClass",
    "sAMAccountName",
    "userAccountControl",
    "uSNChanged",
    "proxyAddresses",
    "isDeleted",
    SIP_ATTRIBUTE,
]


@dataclass(frozen=True)
class Holder:
    """A directory object that holds the SIP address.

    :param object_class: the most specific class: user, contact, computer, ...
    :param sip_address: its msRTCSIP-PrimaryUserAddress; None when it holds the address in proxyAddresses only.
    :param enabled: None for an object that is no account.
    :param seen_in: C(domain_controller) for the pinned one, C(global_catalog), and the names of others that must agree.
    :param usn_changed: on the domain controller; None when it was seen in the global catalog only.
    :param deleted: a deleted object; returned on request only.
    """

    guid: str
    sid: str | None
    dn: str
    object_class: str
    sam_account_name: str | None
    sip_address: str | None
    enabled: bool | None
    seen_in: tuple[str, ...]
    usn_changed: int | None = None
    deleted: bool = False

    @property
    def is_contact(self) -> bool:
        return self.object_class == CONTACT

    @property
    def is_application_contact(self) -> bool:
        """Whether it is an endpoint: a contact below Application Contacts (domain.md, section 4.1)."""
        return self.is_contact and APPLICATION_CONTACTS in self.dn.lower()

    def shown(self) -> dict[str, Any]:
        """The holder as a module returns it."""
        return dict(asdict(self), seen_in=list(self.seen_in))

    def __str__(self) -> str:
        return "%s %s" % (self.object_class, self.dn)


def find_holders(connection: DirectoryConnection, sip: SipAddress, deleted: bool = False) -> list[Holder]:
    """Return every object of the forest that holds the address, in msRTCSIP-PrimaryUserAddress or proxyAddresses.

    The pinned domain controller is asked for every naming context that it has, the global catalog for the whole forest, and
    every other domain controller that must agree for what it has: an object that only one of them shows is a holder too.

    :param deleted: also return deleted objects of the pinned domain controller that kept the address.
    :raises DirectoryError: a server could not be asked (C(domain_controller_unreachable) when it is one of the others), or the
        schema has no Lync attributes (C(schema_not_extended)).
    """
    connection.once(require_schema)
    value = escape_filter(str(sip))
    ldap_filter = "(|(%s=%s)(proxyAddresses=%s))" % (SIP_ATTRIBUTE, value, value)
    found: dict[str, Holder] = {}

    def add(entries: Iterable[Entry], seen_in: str) -> None:
        for entry in entries:
            holder = holder_of(entry, seen_in)
            known = found.get(holder.guid)
            if known is not None:
                holder = replace(known, seen_in=known.seen_in + (seen_in,)) if seen_in not in known.seen_in else known
            elif seen_in != DOMAIN_CONTROLLER:
                holder = replace(holder, usn_changed=None)  # a USN means something on its own domain controller only
            found[holder.guid] = holder

    for base in _naming_contexts(connection):
        add(connection.search(base, ldap_filter, _ATTRIBUTES, deleted=deleted), DOMAIN_CONTROLLER)
    add(connection.search("", ldap_filter, _ATTRIBUTES, catalog=True), GLOBAL_CATALOG)
    for member in connection.once(required_set).others:
        add(_ask(connection.at(member.host), member, ldap_filter), member.host)
    return sorted(found.values(), key=lambda holder: holder.dn.lower())


def _naming_contexts(connection: DirectoryConnection) -> list[str]:
    """The naming contexts of a domain controller that may hold an address: all but the schema."""
    every = connection.root.texts("namingContexts")
    return [name for name in every if name.lower() != connection.schema.lower()]


def _ask(connection: DirectoryConnection, member: Member, ldap_filter: str) -> list[Entry]:
    try:
        if member.partial:
            return connection.search("", ldap_filter, _ATTRIBUTES, catalog=True)
        contexts = _naming_contexts(connection)
        return [entry for base in contexts for entry in connection.search(base, ldap_filter, _ATTRIBUTES)]
    except DirectoryError as error:
        raise DirectoryError(
            "%s must agree (%s) and could not be asked. %s" % (member.host, ", ".join(member.roles), error),
            "domain_controller_unreachable",
            server=member.host,
        ) from error


def require_schema(connection: DirectoryConnection) -> None:
    """Refuse a forest without the attributes of Lync: a search for an unknown attribute finds nothing and says nothing.

    :raises DirectoryError: C(schema_not_extended).
    """
    if not connection.search(connection.schema, "(lDAPDisplayName=%s)" % SIP_ATTRIBUTE, ["lDAPDisplayName"], "level"):
        raise DirectoryError(
            "The forest of %s has no attribute %s in its schema, so it was never prepared for Lync Server, or the account may "
            "not read the schema. Check server: it must be a domain controller of the forest where Lync runs."
            % (connection.server, SIP_ATTRIBUTE),
            "schema_not_extended",
            server=connection.server,
        )


def holder_of(entry: Entry, seen_in: str) -> Holder:
    return Holder(
        guid=entry.guid,
        sid=entry.sid,
        dn=entry.dn,
        object_class=entry.object_class,
        sam_account_name=entry.text("sAMAccountName"),
        sip_address=entry.text(SIP_ATTRIBUTE),
        enabled=entry.enabled,
        seen_in=(seen_in,),
        usn_changed=entry.integer("uSNChanged"),
        deleted=entry.boolean("isDeleted"),
    )

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds a SIP address, anywhere in the forest. Private to this collection.

Active Directory does not keep addresses unique: an account and an endpoint live in different naming contexts, possibly on
different domain controllers (domain.md, section 4.1). So the domain controller that would be written to, the global catalog and
every other one that must agree are asked, and their answers merged by GUID.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Container, Iterable, Iterator

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.domain_controllers import (
    ALL,
    CATALOG,
    LISTED,
    LYNC,
    PINNED,
    Member,
    RequiredSet,
    required_set,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry, escape_filter, rdns
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

SIP_ATTRIBUTE = "msRTCSIP-PrimaryUserAddress"
GLOBAL_CATALOG = "global_catalog"
DOMAIN_CONTROLLER = "domain_controller"
CONTACT = "contact"
APPLICATION_CONTACTS = "cn=application contacts"

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
        return self.is_contact and APPLICATION_CONTACTS in rdns(self.dn.lower())[1:]

    def shown(self) -> dict[str, Any]:
        """The holder as a module returns it."""
        return dict(asdict(self), seen_in=list(self.seen_in))

    def __str__(self) -> str:
        text = "%s %s" % (self.object_class, self.dn)
        if DOMAIN_CONTROLLER in self.seen_in:
            return text
        return "%s (seen only by %s)" % (text, ", ".join(self.seen_in).replace(GLOBAL_CATALOG, "the global catalog"))


@dataclass(frozen=True)
class Look:
    """What one domain controller showed when it was asked for the holders of an address.

    :param seen_as: the name that a holder's C(seen_in) has for this way of asking.
    :param host: the name of the domain controller.
    :param error: why it could not be asked; then there are no entries.
    """

    seen_as: str
    host: str
    roles: tuple[str, ...]
    entries: tuple[Entry, ...] = ()
    error: DirectoryError | None = None

    def __str__(self) -> str:
        return self.host + (" (global catalog)" if self.seen_as == GLOBAL_CATALOG else "")


#: why a member is asked, and how to do without it
_ROLES = {
    CATALOG: ("it is the global catalog", "name another one in global_catalog"),
    LYNC: ("the Lync servers use it", "take it out of lync_domain_controllers"),
    LISTED: ("verify_on names it", "take it out of verify_on"),
    ALL: ("verify_on is all", "name in verify_on those that shall agree"),
}


def find_holders(connection: DirectoryConnection, sip: SipAddress, deleted: bool = False) -> list[Holder]:
    """Return every object of the forest that holds the address, in msRTCSIP-PrimaryUserAddress or proxyAddresses.

    The pinned domain controller is asked for every naming context that it has, the global catalog for the whole forest, and
    every other domain controller that must agree for what it has: an object that only one of them shows is a holder too.

    :param deleted: also return deleted objects of the pinned domain controller that kept the address.
    :raises InvalidInput: an option names a domain controller that the forest does not have.
    :raises DirectoryError: a server could not be asked (C(domain_controller_unreachable) when it is not the pinned one), or the
        schema has no Lync attributes (C(schema_not_extended)).
    """
    required = connection.once(required_set)
    connection.once(require_schema)
    looks = []
    for look in look_around(connection, sip, required, deleted=deleted):
        if look.error and look.seen_as == DOMAIN_CONTROLLER:
            raise look.error
        looks.append(look)
    _require_answers([look for look in looks if look.error])
    return holders_in(looks)


def asked_as(member: Member) -> tuple[str, ...]:
    """The names under which a holder's C(seen_in) says that this domain controller shows it: one, or one for each way of asking."""
    pinned, catalog = PINNED in member.roles, CATALOG in member.roles
    ways = [DOMAIN_CONTROLLER] * pinned + [GLOBAL_CATALOG] * catalog
    if not pinned and member.roles != (CATALOG,):
        ways.append(member.host)
    return tuple(ways)


def look_around(
    connection: DirectoryConnection,
    sip: SipAddress,
    required: RequiredSet,
    only: Container[str] | None = None,
    deleted: bool = False,
) -> Iterator[Look]:
    """Ask the domain controllers that must agree, one after the other, the pinned one first. What cannot be asked has an error.

    :param only: the names of L(asked_as) that are to be asked; None asks all.
    """
    value = escape_filter(str(sip))
    ldap_filter = "(|(%s=%s)(proxyAddresses=%s))" % (SIP_ATTRIBUTE, value, value)
    for member in required.members:
        for seen_as in asked_as(member):
            if only is not None and seen_as not in only:
                continue
            look = Look(seen_as, member.host, member.roles)
            try:
                entries = tuple(_ask(connection, member, seen_as, ldap_filter, deleted))
            except DirectoryError as error:
                yield replace(look, error=error)
            else:
                yield replace(look, entries=entries)


def _ask(
    connection: DirectoryConnection, member: Member, seen_as: str, ldap_filter: str, deleted: bool
) -> Iterator[Entry]:
    other = seen_as == member.host
    if other:
        connection, deleted = connection.at(member.host), False
    if seen_as == GLOBAL_CATALOG or (other and member.partial):
        yield from connection.search("", ldap_filter, _ATTRIBUTES, catalog=True)
        return
    for name in connection.root.texts("namingContexts"):
        if name.lower() != connection.schema.lower():
            yield from connection.search(name, ldap_filter, _ATTRIBUTES, deleted=deleted)


def holders_in(looks: Iterable[Look]) -> list[Holder]:
    """Merge by GUID what was seen; where several show an object, the first one's values count."""
    found: dict[str, Holder] = {}
    for look in looks:
        for entry in look.entries:
            holder = holder_of(entry, look.seen_as)
            known = found.get(holder.guid)
            if known is not None:
                names = known.seen_in + ((look.seen_as,) if look.seen_as not in known.seen_in else ())
                holder = replace(known, seen_in=names)
            elif look.seen_as != DOMAIN_CONTROLLER:
                holder = replace(holder, usn_changed=None)  # a USN means something on its own domain controller only
            found[holder.guid] = holder
    return sorted(found.values(), key=lambda holder: holder.dn.lower())


def _require_answers(silent: list[Look]) -> None:
    """Refuse to go on while one that must agree cannot be asked."""
    if not silent:
        return
    lines = []
    for look in silent:
        roles = [CATALOG] if look.seen_as == GLOBAL_CATALOG else [role for role in look.roles if role in _ROLES]
        lines.append(
            "- %s (%s): %s Bring it up, or %s."
            % (
                look,
                ", ".join(_ROLES[role][0] for role in roles),
                look.error,
                " and ".join(_ROLES[role][1] for role in roles),
            )
        )
    raise DirectoryError(
        "Not every domain controller that must agree can be asked, so nothing was changed:\n%s\nOne that is not asked may still "
        "show an account that is gone, or a holder that nobody else knows: Lync servers that use it would work with that."
        % "\n".join(lines),
        "domain_controller_unreachable",
        server=silent[0].host,
        unreachable=sorted({look.host for look in silent}),
    )


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

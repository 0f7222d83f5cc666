# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The port to Active Directory: one pinned domain controller, the global catalog, and those that must agree. Private to this collection.

The domain controller is chosen at the first use, from a list; everything is read from and written to that one until the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterable, Mapping, Sequence, TypeVar

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.client import Client
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.discovery import domain_controllers_of
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import (
    NO_SUCH_OBJECT,
    DirectoryError,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.options import (
    DirectoryOptions,
    directory_options,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry, guid_dn
from ansible_collections.lync.persistent_chat.plugins.module_utils._kerberos import TicketCache

T = TypeVar("T")

_SHOW_DELETED = ("1.2.840.113556.1.4.417", True, None)
_SHOW_DEACTIVATED_LINKS = ("1.2.840.113556.1.4.2065", False, None)  # what a deleted object is a member of
_NO_REFERRALS = ("1.2.840.113556.1.4.1339", False, None)  # domain scope
_SD_OWNER_GROUP_DACL = ("1.2.840.113556.1.4.801", True, b"\x30\x03\x02\x01\x07")
_CATALOG_READY = "isGlobalCatalogReady"
_PARTIAL_SECRETS = (
    "1.2.840.113556.1.4.1920"  # only a read-only domain controller is capable of it (MS-ADTS, 3.1.1.3.4.3)
)
#: errors after which the next domain controller of the list is tried. A refused sign-in is none of them: trying a wrong password
#: on every domain controller locks the account out.
_NEXT = {
    "busy",
    "certificate_name_mismatch",
    "kerberos_unknown_service",
    "not_a_dc",
    "not_synchronized",
    "read_only_domain_controller",
    "start_tls_refused",
    "unavailable",
    "unreachable",
    "untrusted_certificate",
}


@dataclass(frozen=True)
class Change:
    """One change of one attribute.

    :param operation: add, delete or replace, as in LDAP; delete without values removes the whole attribute.
    """

    operation: str
    attribute: str
    values: Sequence[bytes | str] = ()


class DirectoryConnection:
    """One domain controller, and the server that answers for the global catalog. Connects at first use.

    :param options: checked already, or the parameters of a module.
    :param tickets: of the connection that this one belongs to; None makes them from the options.
    :param only_reads: nothing will be written, so a read-only domain controller will do.
    :raises InvalidInput: an option's value cannot work; nothing was connected.
    """

    def __init__(
        self,
        options: DirectoryOptions | Mapping[str, Any],
        tickets: TicketCache | None = None,
        only_reads: bool = False,
    ) -> None:
        self.options = options if isinstance(options, DirectoryOptions) else directory_options(options)
        #: the domain controllers that were tried before and could not be used, with the reason
        self.skipped: list[tuple[str, str]] = []
        given = self.options
        self._tickets = tickets or TicketCache(
            given.username, given.password, given.realm, given.kdc, False, given.connection_timeout
        )
        self._only_reads = only_reads
        self._pinned: Client | None = None
        self._catalog: Client | None = None
        self._others: dict[str, DirectoryConnection] = {}
        self._known: dict[Callable[[DirectoryConnection], Any], Any] = {}

    # which server

    @property
    def server(self) -> str:
        """The pinned domain controller, as it was named in the options or by DNS."""
        return self._client().host

    @property
    def name(self) -> str:
        """The pinned domain controller's own DNS name in lower case."""
        return self._client().name

    @property
    def root(self) -> Entry:
        """The domain controller's rootDSE as it was at the first use."""
        return self._client().root

    def read_root(self) -> Entry:
        """Read the rootDSE now, for what changes with time (highestCommittedUSN, currentTime)."""
        return self._client().read_root()

    @property
    def domain(self) -> str:
        """The naming context of the domain controller's own domain."""
        return self.root.text("defaultNamingContext") or ""

    @property
    def configuration(self) -> str:
        """The naming context that holds the forest's configuration."""
        return self.root.text("configurationNamingContext") or ""

    @property
    def schema(self) -> str:
        """The naming context that holds the forest's schema."""
        return self.root.text("schemaNamingContext") or ""

    @property
    def catalog_server(self) -> str:
        """The global catalog that is asked: the named one, else the pinned one when it is a catalog, else one of the forest.

        :returns: its own DNS name in lower case, except for a named one, which keeps its name.
        :raises DirectoryError: C(no_global_catalog), the forest names none that can be asked.
        """
        client = self._catalog_client()
        return self.name if client.host == self.server else client.host

    def at(self, host: str) -> DirectoryConnection:
        """A connection to read another domain controller with the same options; closed along with this one."""
        if host not in self._others:
            self._others[host] = DirectoryConnection(self.options.only(host), self._tickets, only_reads=True)
        return self._others[host]

    def once(self, find_out: Callable[[DirectoryConnection], T]) -> T:
        """What a function finds out over this connection; it is called once, and what it found is remembered."""
        if find_out not in self._known:
            self._known[find_out] = find_out(self)
        return self._known[find_out]

    # reading

    def search(
        self,
        base: str,
        ldap_filter: str,
        attributes: Sequence[str],
        scope: str = "subtree",
        deleted: bool = False,
        catalog: bool = False,
    ) -> list[Entry]:
        """Return every object that matches, page by page.

        :param base: a distinguished name, C(<GUID=...>), or empty for the whole forest (catalog only).
        :param scope: base, level or subtree.
        :param deleted: also return deleted objects.
        :param catalog: ask the global catalog instead of the domain controller.
        :raises DirectoryError: the search failed; also when C(base) is not there.
        """
        client = self._catalog_client() if catalog else self._client()
        return _search(client, base, ldap_filter, attributes, scope, deleted)

    def read(self, dn: str, attributes: Sequence[str], deleted: bool = False) -> Entry | None:
        """Return one object of the domain controller, or None when it is not there or may not be seen.

        :param dn: a distinguished name or C(<GUID=...>).
        """
        try:
            return next(iter(self.search(dn, "(objectClass=*)", attributes, "base", deleted)), None)
        except DirectoryError as error:
            if error.result_code == NO_SUCH_OBJECT:
                return None
            raise

    # writing: on the domain controller only

    def add(self, dn: str, object_classes: Sequence[str], attributes: Mapping[str, Sequence[bytes | str]]) -> None:
        """Create an object."""
        self._client().call(
            "add", "create %s" % dn, dn=dn, object_class=list(object_classes), attributes={k: list(v) for k, v in attributes.items()},
            right="Create Child for class user on the OU",
        )  # fmt: skip

    def modify(self, guid: str, changes: Iterable[Change], name: str, right: str = "") -> None:
        """Change an object in one operation: all changes are done or none.

        :param name: the object's name for messages.
        :param right: the right that this needs, for the message when it is missing.
        """
        self._modify(guid_dn(guid), changes, name, right or "Write Property on the changed attributes of the account")

    def delete(self, guid: str, name: str) -> None:
        """Delete an object by its GUID, and nothing below it: the tree-delete control is never sent."""
        right = "Delete on the account, or Delete Child for class user on the OU that holds it"
        self._client().call("delete", "delete %s" % name, right=right, dn=guid_dn(guid))

    def restore(self, deleted_dn: str, new_dn: str) -> None:
        """Turn a deleted object into a living one again (MS-ADTS, section 3.1.1.5.3.7.2; directory.md, section 4.1).

        :param deleted_dn: its present name below Deleted Objects, as a search with C(deleted) gave it: Samba knows no other.
        """
        changes = [Change("delete", "isDeleted"), Change("replace", "distinguishedName", [new_dn])]
        right = (
            "the control access right Reanimate Tombstones on the domain's head, List on Deleted Objects, Create Child for class "
            "user on the OU, and Write Property on the account, inherited from the OU before the deletion"
        )
        self._modify(deleted_dn, changes, "deleted object of %s" % new_dn, right, [_SHOW_DELETED])

    def _modify(self, dn: str, changes: Iterable[Change], name: str, right: str, controls: Any = None) -> None:
        merged: dict[str, list[tuple[str, list[bytes | str]]]] = {}
        for change in changes:
            merged.setdefault(change.attribute, []).append(("MODIFY_" + change.operation.upper(), list(change.values)))
        self._client().call("modify", "change %s" % name, right=right, dn=dn, changes=merged, controls=controls)

    def close(self) -> None:
        """Release all connections. Never raises. The next use connects to the same domain controller again."""
        for client in (self._pinned, self._catalog):
            if client is not None:
                client.close()
        for other in self._others.values():
            other.close()
        self._tickets.close()

    # choosing

    def _client(self) -> Client:
        """The connection to the pinned domain controller; the first call decides which one that is."""
        if self._pinned is None:
            self._pinned = self._pin()
        return self._pinned

    def _pin(self) -> Client:
        options = self.options
        names = options.servers or domain_controllers_of(options.domain or "", options.connection_timeout)
        self.skipped.clear()
        for host in names:
            client = Client(options, host, options.port, self._tickets, "directory")
            try:
                _require_usable(client, self._only_reads)
            except DirectoryError as error:
                client.close()
                if error.code not in _NEXT or len(names) == 1:
                    raise
                self.skipped.append((host, str(error)))
                continue
            return client
        raise DirectoryError(
            "None of the domain controllers %s can be used:\n%s"
            % (", ".join(names), "\n".join("- %s" % reason for _host, reason in self.skipped)),
            "no_domain_controller",
            servers=list(names),
        )

    def _catalog_client(self) -> Client:
        if self._catalog is None:
            host = self.options.global_catalog or (self.server if self.root.boolean(_CATALOG_READY) else None)
            self._catalog = self._to_catalog(host) if host else self._find_catalog()
        return self._catalog

    def _to_catalog(self, host: str) -> Client:
        return Client(self.options, host, self.options.catalog_port, self._tickets, "global catalog")

    def _find_catalog(self) -> Client:
        """The first global catalog that answers, of those that the forest's configuration names."""
        # not at the top: that file is built on this one
        from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.domain_controllers import (
            catalogs_to_ask,
            find_domain_controllers,
        )

        reasons = []
        for host in catalogs_to_ask(self.once(find_domain_controllers), self.name):
            client = self._to_catalog(host)
            try:
                if client.root.boolean(_CATALOG_READY):
                    return client
                reasons.append("%s is not ready as global catalog (isGlobalCatalogReady)." % host)
            except DirectoryError as error:
                if error.code not in _NEXT:
                    raise
                reasons.append(str(error))
            client.close()
        raise DirectoryError(
            "%s is no global catalog, and the forest's configuration names none that can be asked%s Name one in global_catalog."
            % (self.server, ":\n%s\n" % "\n".join("- " + reason for reason in reasons) if reasons else "."),
            "no_global_catalog",
            server=self.server,
        )


def _search(
    client: Client, base: str, ldap_filter: str, attributes: Sequence[str], scope: str, deleted: bool = False
) -> list[Entry]:
    controls = [_NO_REFERRALS] + ([_SHOW_DELETED, _SHOW_DEACTIVATED_LINKS] if deleted else [])
    if any(name.lower() == "ntsecuritydescriptor" for name in attributes):
        controls.append(_SD_OWNER_GROUP_DACL)
    return client.search(
        "search %s" % (base or "the root of the directory"),
        search_base=base,
        search_filter=ldap_filter,
        search_scope={"base": "BASE", "level": "LEVEL", "subtree": "SUBTREE"}[scope],
        attributes=list(attributes),
        controls=controls,
    )


def _require_usable(client: Client, only_reads: bool) -> None:
    """Refuse to pin a domain controller that cannot be written to, or answers wrongly."""
    root = client.root
    if not only_reads and _PARTIAL_SECRETS in root.texts("supportedCapabilities"):
        raise DirectoryError(
            "%s is a read-only domain controller. Name one that can be written to as server." % client.host,
            "read_only_domain_controller",
            server=client.host,
        )
    if root.text("isSynchronized") == "FALSE":
        raise DirectoryError(
            "%s has not finished its first replication (isSynchronized is FALSE). Name another domain controller as server."
            % client.host,
            "not_synchronized",
            server=client.host,
        )
    # with ldap3 2.10.2rc4 every search with an escaped value finds nothing, and says nothing
    if not _search(
        client, root.text("defaultNamingContext") or "", "(objectClass=\\64omainDNS)", ["objectClass"], "base"
    ):
        raise DirectoryError(
            "%s does not answer a search with an escaped value rightly, so no search could be trusted. The installed ldap3 is "
            "known to be wrong in 2.10.2rc4: install ldap3 2.9.1." % client.host,
            "unsupported_library",
            server=client.host,
        )

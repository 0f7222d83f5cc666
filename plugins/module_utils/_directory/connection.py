# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The port to Active Directory: bind, search, read, add, modify, delete, restore. Private to this collection.

Only this file knows the client library, ldap3. It is used within the limits that directory.md, section 5, measured: LDAPS
with a validated certificate, simple or Kerberos bind, one plain synchronous connection to each server, no pools, no
referrals, no typed values. A write is sent once; when its answer is lost the error says so (C(ambiguous)) and the caller reads
again.
"""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import (
    NO_SUCH_OBJECT,
    DirectoryError,
    from_exception,
    from_result,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry, guid_dn
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput, MissingLibrary

LDAPS_PORT = 636
GLOBAL_CATALOG_PORT = 3269

_SHOW_DELETED = ("1.2.840.113556.1.4.417", True, None)
_NO_REFERRALS = ("1.2.840.113556.1.4.1339", False, None)  # domain scope
_SD_OWNER_GROUP_DACL = ("1.2.840.113556.1.4.801", True, b"\x30\x03\x02\x01\x07")
_PAGED_RESULTS = "1.2.840.113556.1.4.319"
_PAGE = 500
_ROOT_ATTRIBUTES = [
    "configurationNamingContext",
    "currentTime",
    "defaultNamingContext",
    "dnsHostName",
    "dsServiceName",
    "highestCommittedUSN",
    "rootDomainNamingContext",
    "schemaNamingContext",
]
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\Z", re.ASCII)


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

    :param params: the options of L(_module.directory_spec), already checked for type.
    :raises InvalidInput: an option's value cannot work; nothing was connected.
    """

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.server: str = _host(params["server"], "server")
        self.catalog_server: str = _host(params.get("global_catalog") or self.server, "global_catalog")
        self._port: int = params.get("port") or LDAPS_PORT
        self._params = params
        self._connections: dict[bool, Any] = {}
        self._root: Entry | None = None
        if self._port == 389:
            raise InvalidInput(
                "port is 389, which is LDAP without TLS. The directory is reached by LDAPS only: use 636."
            )
        if params["auth_protocol"] == "simple" and not (params.get("username") and params.get("password")):
            raise InvalidInput(
                "auth_protocol=simple needs username and password; an empty password would be an anonymous sign-in."
            )
        ca_cert = params.get("ca_cert")
        if ca_cert and not os.path.isfile(ca_cert):
            raise InvalidInput("ca_cert names %s, and there is no such file." % ca_cert)

    # reading

    @property
    def root(self) -> Entry:
        """The domain controller's rootDSE as it was at the first use."""
        if self._root is None:
            root = self.read_root()
            self._require_escapes(root.text("defaultNamingContext") or "")
            self._root = root
        return self._root

    def read_root(self) -> Entry:
        """Read the rootDSE now, for what changes with time (highestCommittedUSN, currentTime)."""
        entry = self.read("", _ROOT_ATTRIBUTES)
        if entry is None or not entry.text("defaultNamingContext"):
            raise DirectoryError(
                "%s answers LDAP but is not a domain controller of Active Directory." % self.server, "not_a_dc"
            )
        return entry

    def _require_escapes(self, domain: str) -> None:
        """Prove that an escaped filter value arrives as what it means: with ldap3 2.10.2rc4 every such search finds nothing."""
        if not self.search(domain, "(objectClass=\\64omainDNS)", ["objectClass"], "base"):
            raise DirectoryError(
                "%s does not answer a search with an escaped value rightly, so no search could be trusted. The installed ldap3 is "
                "known to be wrong in 2.10.2rc4: install ldap3 2.9.1." % self.server,
                "unsupported_library",
                server=self.server,
            )

    @property
    def domain(self) -> str:
        """The naming context of the domain controller's own domain."""
        return self.root.text("defaultNamingContext") or ""

    @property
    def configuration(self) -> str:
        """The naming context that holds the forest's configuration."""
        return self.root.text("configurationNamingContext") or ""

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
        controls = [_NO_REFERRALS] + ([_SHOW_DELETED] if deleted else [])
        if any(name.lower() == "ntsecuritydescriptor" for name in attributes):
            controls.append(_SD_OWNER_GROUP_DACL)
        tried = "search %s" % (base or ("the global catalog" if catalog else "the rootDSE"))
        options = {
            "search_base": base,
            "search_filter": ldap_filter,
            "search_scope": {"base": "BASE", "level": "LEVEL", "subtree": "SUBTREE"}[scope],
            "attributes": list(attributes),
            "controls": controls,
            "time_limit": self._params["connection_timeout"],
            "dereference_aliases": "NEVER",
            "auto_escape": False,
        }
        if scope == "base":
            return self._entries(self._call("search", tried, catalog, **options))
        found: list[Entry] = []
        cookie = None
        while True:
            done = self._call("search", tried, catalog, paged_size=_PAGE, paged_cookie=cookie, **options)
            found += self._entries(done)
            cookie = done.result.get("controls", {}).get(_PAGED_RESULTS, {}).get("value", {}).get("cookie")
            if not cookie:
                return found

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
        self._call(
            "add", "create %s" % dn, dn=dn, object_class=list(object_classes), attributes={k: list(v) for k, v in attributes.items()},
            right="Create Child on the parent",
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
        self._call("delete", "delete %s" % name, right=right, dn=guid_dn(guid))

    def restore(self, deleted_dn: str, new_dn: str) -> None:
        """Turn a deleted object into a living one again (MS-ADTS, section 3.1.1.5.3.7.2; directory.md, section 4.1).

        :param deleted_dn: its present name below Deleted Objects, as a search with C(deleted) gave it: Samba knows no other.
        """
        changes = [Change("delete", "isDeleted"), Change("replace", "distinguishedName", [new_dn])]
        right = (
            "the control access right Reanimate Tombstones on the domain's head, List on Deleted Objects, Create Child for class "
            "user on the OU, and Write Property on the account"
        )
        self._modify(deleted_dn, changes, "deleted object of %s" % new_dn, right, [_SHOW_DELETED])

    def _modify(self, dn: str, changes: Iterable[Change], name: str, right: str, controls: Any = None) -> None:
        merged: dict[str, list[tuple[str, list[bytes | str]]]] = {}
        for change in changes:
            merged.setdefault(change.attribute, []).append(("MODIFY_" + change.operation.upper(), list(change.values)))
        self._call("modify", "change %s" % name, right=right, dn=dn, changes=merged, controls=controls)

    def close(self) -> None:
        """Release the connections. Never raises. The next use connects again."""
        for connection in self._connections.values():
            try:
                connection.unbind()
            except Exception:  # pylint: disable=broad-except  # the server may have gone; there is nothing left to do
                continue
        self._connections.clear()

    # ldap3

    def _call(self, operation: str, tried: str, catalog: bool = False, right: str = "", **arguments: Any) -> Any:
        """Carry out one operation and return the connection that has its result."""
        connection = self._connections.get(catalog) or self._connect(catalog)
        server, port = self._address(catalog)
        self._guarded(lambda: getattr(connection, operation)(**arguments), tried, server, port, operation != "search")
        if connection.result["result"] != 0:
            raise from_result(connection.result, tried, server, right)
        return connection

    def _guarded(self, call: Callable[[], Any], tried: str, server: str, port: int, sent: bool) -> None:
        try:
            call()
        except MissingLibrary:
            raise
        except Exception as error:  # ldap3 also lets errors of gssapi, ssl and socket through
            self.close()
            raise from_exception(error, tried, server, port, self._params.get("ca_cert"), sent) from error

    def _address(self, catalog: bool) -> tuple[str, int]:
        return (self.catalog_server, GLOBAL_CATALOG_PORT) if catalog else (self.server, self._port)

    def _connect(self, catalog: bool) -> Any:
        try:
            import ldap3
        except ImportError as error:
            raise MissingLibrary("ldap3") from error
        host, port = self._address(catalog)
        limit = self._params["connection_timeout"]
        validate = ssl.CERT_NONE if self._params["cert_validation"] == "ignore" else ssl.CERT_REQUIRED
        tried = "sign in to the %s" % ("global catalog" if catalog else "directory")
        made = []

        def open_and_bind() -> None:
            tls = ldap3.Tls(validate=validate, ca_certs_file=self._params.get("ca_cert") or None, sni=host)
            server = ldap3.Server(host, port, use_ssl=True, tls=tls, get_info=ldap3.NONE, connect_timeout=limit)
            made.append(
                ldap3.Connection(
                    server, client_strategy=ldap3.SYNC, auto_bind=ldap3.AUTO_BIND_NONE, auto_referrals=False, check_names=False,
                    receive_timeout=limit, raise_exceptions=False, return_empty_attributes=False, **self._credentials(ldap3, host),
                )
            )  # fmt: skip
            made[0].open()
            made[0].bind()

        self._guarded(open_and_bind, tried, host, port, False)
        connection = made[0]
        if not connection.bound:
            result = connection.result
            connection.unbind()
            raise from_result(result, tried, host)
        self._connections[catalog] = connection
        return connection

    def _credentials(self, ldap3: Any, host: str) -> dict[str, Any]:
        username, password = self._params.get("username"), self._params.get("password")
        if self._params["auth_protocol"] == "simple":
            return {"user": username, "password": password, "authentication": ldap3.SIMPLE}
        gssapi = _gssapi()
        credentials = None
        if username:
            name = gssapi.Name(username, gssapi.NameType.kerberos_principal)
            if password:
                credentials = gssapi.raw.acquire_cred_with_password(
                    name, password.encode("utf-8"), usage="initiate"
                ).creds
            else:
                credentials = gssapi.Credentials(name=name, usage="initiate")
        return {
            "authentication": ldap3.SASL,
            "sasl_mechanism": ldap3.KERBEROS,
            "sasl_credentials": (host, None, credentials),
        }

    @staticmethod
    def _entries(done: Any) -> list[Entry]:
        """The objects of an answer; references to other servers are left out, never followed."""
        return [Entry(item["dn"], item["raw_attributes"]) for item in done.response if item["type"] == "searchResEntry"]


def _gssapi() -> Any:
    """The Kerberos library; cryptography too, without which ldap3 cannot bind Kerberos to the TLS channel."""
    try:
        import gssapi
    except ImportError as error:
        raise MissingLibrary("gssapi") from error
    try:
        import cryptography  # noqa: F401  # pylint: disable=unused-import
    except ImportError as error:
        raise MissingLibrary("cryptography") from error
    return gssapi


def _host(text: str, option: str) -> str:
    if not _HOST.match(text or ""):
        raise InvalidInput(
            "%s is %r. Give the name of a domain controller, such as dc1.contoso.com, without a port or ldaps://."
            % (option, text)
        )
    return text

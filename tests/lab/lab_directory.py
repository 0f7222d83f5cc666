# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab servers' own view of the directory: what what the simulated cmdlets and the WS-Man servers ask of it."""

from __future__ import annotations

import ssl
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import ldap3
from ldap3.core.exceptions import LDAPException, LDAPInvalidCredentialsResult, LDAPOperationResult
from ldap3.utils.conv import escape_filter_chars

from tests.lab import settings
from tests.lab.directory.fixtures import LC_SERVICES_DN, container_dn
from tests.lab.settings import Paths
from tests.lab.switches import SWITCHES

TIMEOUT = 10  # seconds
DISABLED = 0x2
IN_CHAIN = "1.2.840.113556.1.4.1941"
# What the product's cmdlet writes on an endpoint's contact beside its address (domain.md, section 4.2: ASSUMPTION).
CONTACT_ATTRIBUTES = {
    "msRTCSIP-UserEnabled": "TRUE",
    "msRTCSIP-PrimaryHomeServer": LC_SERVICES_DN,
    "msRTCSIP-OwnerUrn": "urn:application:PersistentChat",
    "msRTCSIP-ApplicationOptions": 256,
    "msRTCSIP-DeploymentLocator": "SRV:",
    "msRTCSIP-OptionFlags": 256,
}
SIP, POOL = "msRTCSIP-PrimaryUserAddress", "msRTCSIP-ApplicationDestination"
READ = [
    "objectClass", "objectGUID", "sAMAccountName", "userPrincipalName", "displayName", "userAccountControl",
    "proxyAddresses", SIP, "msRTCSIP-UserEnabled", POOL,
]  # fmt: skip
# setting of the switch application_contacts: container
CONTACT_PLACES = {"configuration": settings.CONTACTS_DN, "system": settings.SYSTEM_CONTACTS_DN}
LOGON = "dc1"  # the controller that knows passwords and groups for the WS-Man servers
T = TypeVar("T")


class LabDirectoryError(Exception):
    """The directory refused or could not be reached; C(code) is the LDAP result's name, such as entryAlreadyExists."""

    def __init__(self, message: str, code: str = "error") -> None:
        super().__init__(message)
        self.code = code


def account_name(user: str) -> str:
    """The bare account name in C(name), C(name@contoso.com) or C(CONTOSO\\name)."""
    return user.rsplit("\\", 1)[-1].split("@", 1)[0]


class LabDirectory:
    """Thread-safe LDAPS client, bound as Administrator; reconnects by itself after a reset.

    Holders and contacts are read and written on the controller of the switch C(lync_domain_controller); passwords and
    groups are always asked of dc1.
    """

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        #: gives the setting of a switch; the estate that uses this directory puts its own here
        self.switch: Callable[[str], Any] = lambda name: SWITCHES[name].default
        self._lock = threading.Lock()
        self._connections: dict[str, ldap3.Connection] = {}

    def _connect(self, controller: str, user: str, password: str) -> ldap3.Connection:
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(self.paths.ca))
        server = ldap3.Server(
            settings.fqdn(controller),
            settings.LDAPS_PORT,
            use_ssl=True,
            tls=tls,
            connect_timeout=TIMEOUT,
            get_info=ldap3.NONE,
        )
        return ldap3.Connection(
            server, user, password, auto_bind=True, raise_exceptions=True, receive_timeout=TIMEOUT, auto_referrals=False
        )

    def _do(self, work: Callable[[ldap3.Connection], T], repeat: bool, controller: str | None = None) -> T:
        """Run C(work) on the controller's connection; a broken one is replaced, and a read is then done again.

        :param controller: its short name; None for the one that the switch names.
        """
        controller = controller or self.switch("lync_domain_controller")
        with self._lock:
            for last in (False, True):
                try:
                    if controller not in self._connections:
                        user = "%s@%s" % (settings.ADMINISTRATOR, settings.DOMAIN)
                        self._connections[controller] = self._connect(controller, user, settings.PASSWORD)
                    return work(self._connections[controller])
                except LDAPOperationResult as error:
                    raise LabDirectoryError(str(error), error.description) from error
                except LDAPException as error:
                    self._connections.pop(controller, None)
                    if last or not repeat:
                        raise _unreachable(controller, error) from error
        raise AssertionError

    def close(self) -> None:
        """Forget the connections; the next call makes a new one."""
        with self._lock:
            self._connections.clear()

    def _search(
        self,
        base: str,
        filter_text: str,
        attributes: list[str],
        scope: str = ldap3.SUBTREE,
        controller: str | None = None,
    ) -> list[Any]:
        def work(connection: ldap3.Connection) -> list[Any]:
            connection.search(base, filter_text, scope, attributes=attributes)
            return [entry for entry in connection.response if entry["type"] == "searchResEntry"]

        return self._do(work, repeat=True, controller=controller)

    def find_holders(self, sip: str | None = None) -> list[dict[str, Any]]:
        """Objects of the domain and configuration partitions that hold a SIP address (None: any), in any case of letters.

        An address counts as held in msRTCSIP-PrimaryUserAddress or in proxyAddresses.

        :param sip: with its C(sip:).
        :returns: records with dn, object_class (user, contact, computer...), guid, sip, sam_account_name, upn,
            display_name, enabled (the account; None for what is no account), sip_enabled, proxy_addresses, pool_fqdn.
        """
        value = "*" if sip is None else escape_filter_chars(sip)
        held = "(%s=%s)" % (SIP, value)
        if sip is not None:
            held = "(|%s(proxyAddresses=%s))" % (held, value)
        bases = (settings.BASE_DN, settings.CONFIGURATION_DN)
        return [_record(entry) for base in bases for entry in self._search(base, held, READ)]

    def create_contact(
        self, sip: str, display_name: str, pool_fqdn: str, attributes: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Create an endpoint's contact in Application Contacts (domain.md, section 4.1; switch application_contacts).

        Checks nothing else.

        :param attributes: further LDAP attributes; a value of None leaves out a usual one.
        :returns: the record, as by find_holders.
        :raises LabDirectoryError: the directory refused it.
        """
        values = {**CONTACT_ATTRIBUTES, "displayName": display_name, SIP: sip, POOL: container_dn(pool_fqdn)}
        values.update(attributes or {})
        values = {name: value for name, value in values.items() if value is not None}
        dn = "CN={%s},%s" % (str(uuid.uuid4()).upper(), CONTACT_PLACES[self.switch("application_contacts")])
        self._do(lambda connection: connection.add(dn, "contact", values), repeat=False)
        return _record(self._search(dn, "(objectClass=*)", READ, ldap3.BASE)[0])

    def list_contacts(self, pool_fqdn: str | None = None) -> list[dict[str, Any]]:
        """The endpoints' contacts in either place, of one pool or of all; records as by find_holders."""
        places = CONTACT_PLACES.values()
        found = [self._search(place, "(objectClass=contact)", READ, ldap3.LEVEL) for place in places]
        records = [_record(entry) for entries in found for entry in entries]
        return [r for r in records if pool_fqdn is None or (r["pool_fqdn"] or "").lower() == pool_fqdn.lower()]

    def delete_contact(self, dn: str) -> None:
        """Delete a contact. :raises LabDirectoryError: code noSuchObject when it is not there."""
        self._do(lambda connection: connection.delete(dn), repeat=False)

    def check_password(self, user: str, password: str) -> str | None:
        """Ask dc1 whether a password is right.

        :param user: C(name), C(name@contoso.com) or C(CONTOSO\\name).
        :returns: the account as C(CONTOSO\\name), or None when the account or the password is wrong.
        :raises LabDirectoryError: dc1 cannot be reached.
        """
        name = account_name(user)
        domain = user[: -len(name)].rstrip("\\") if "\\" in user else user[len(name) + 1 :]
        if domain.lower() not in ("", settings.DOMAIN.lower(), settings.NETBIOS.lower()) or not (name and password):
            return None
        try:
            self._connect(LOGON, "%s\\%s" % (settings.NETBIOS, name), password).unbind()
        except LDAPInvalidCredentialsResult:
            return None
        except LDAPException as error:
            raise _unreachable(LOGON, error) from error
        return "%s\\%s" % (settings.NETBIOS, _text(self._account(name)[0], "sAMAccountName"))

    def _account(self, name: str) -> list[Any]:
        held = "(sAMAccountName=%s)" % escape_filter_chars(name)
        return self._search(settings.BASE_DN, held, ["sAMAccountName"], controller=LOGON)

    def groups_of(self, user: str) -> set[str]:
        """Common names of the groups that a user (any form) is a member of, nested ones too; empty for an unknown user."""
        found = self._account(account_name(user))
        if not found:
            return set()
        members = "(member:%s:=%s)" % (IN_CHAIN, escape_filter_chars(found[0]["dn"]))
        found = self._search(settings.BASE_DN, members, ["cn"], controller=LOGON)
        return {_text(entry, "cn") or "" for entry in found}

    def usn(self) -> int:
        """highestCommittedUSN of dc1: grows with every write to the directory, by anybody."""
        name = "highestCommittedUSN"
        return int(_text(self._search("", "(objectClass=*)", [name], ldap3.BASE, LOGON)[0], name) or 0)


def _unreachable(controller: str, error: LDAPException) -> LabDirectoryError:
    return LabDirectoryError("%s cannot be reached: %s" % (controller, error), "unreachable")


def _texts(entry: Mapping[str, Any], name: str) -> list[str]:
    return [value.decode("utf-8", "replace") for value in entry["raw_attributes"].get(name, [])]


def _text(entry: Mapping[str, Any], name: str) -> str | None:
    values = _texts(entry, name)
    return values[0] if values else None


def _record(entry: Mapping[str, Any]) -> dict[str, Any]:
    control, sip_enabled, pool = (_text(entry, n) for n in ("userAccountControl", "msRTCSIP-UserEnabled", POOL))
    return {
        "dn": entry["dn"],
        "object_class": _texts(entry, "objectClass")[-1],
        "guid": str(uuid.UUID(bytes_le=entry["raw_attributes"]["objectGUID"][0])),
        "sip": _text(entry, SIP),
        "sam_account_name": _text(entry, "sAMAccountName"),
        "upn": _text(entry, "userPrincipalName"),
        "display_name": _text(entry, "displayName"),
        "enabled": None if control is None else not int(control) & DISABLED,
        "sip_enabled": None if sip_enabled is None else sip_enabled == "TRUE",
        "proxy_addresses": _texts(entry, "proxyAddresses"),
        "pool_fqdn": pool and pool.split(",", 1)[0].split("=", 1)[1],
    }

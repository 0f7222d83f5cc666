# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab's directory is made of: delegated rights, awkward names, both containers for contacts, SRV records."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.resolver
import ldap3
import pytest
from ldap3.core.exceptions import LDAPInsufficientAccessRightsResult

from tests.integration.lab.round_trip import round_trip
from tests.lab import settings
from tests.lab.client import LabClient
from tests.lab.directory import delegation
from tests.lab.directory.fixtures import group_dn
from tests.lab.estate import Estate
from tests.lab.lab_directory import LabDirectory, LabDirectoryError
from tests.lab.settings import Account, Paths

ACCOUNTS = {account.name: account for account in settings.ACCOUNTS}
WELL_KNOWN = ACCOUNTS[settings.WELL_KNOWN_USER]
SHOW_DELETED = [delegation.SHOW_DELETED]


def _connection(user: str) -> ldap3.Connection:
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(Paths.of().ca))
    server = ldap3.Server(settings.DOMAIN_CONTROLLERS[0].fqdn, settings.LDAPS_PORT, use_ssl=True, tls=tls)
    name = "%s@%s" % (user, settings.DOMAIN)
    return ldap3.Connection(server, name, settings.PASSWORD, auto_bind=True, raise_exceptions=True)


@pytest.fixture
def admin() -> Iterator[ldap3.Connection]:
    with _connection(settings.ADMINISTRATOR) as connection:
        yield connection


@pytest.fixture
def service() -> Iterator[ldap3.Connection]:
    with _connection(settings.DIRECTORY_SERVICE) as connection:
        yield connection


@pytest.mark.parametrize("name", [settings.WELL_KNOWN_USER, settings.LOOKUP_USER])
@pytest.mark.parametrize("away", ["disabled", "absent"])
def test_delegated_rights_are_enough_for_the_collection(lab: LabClient, tmp_path: Path, name: str, away: str) -> None:
    found, gone, none, back, again = round_trip(ACCOUNTS[name], tmp_path / "backups", away)
    assert [holder["sam_account_name"] for holder in found["holders"]] == [name]
    assert gone["changed"] and none["holders"] == []
    deleted = gone["holders_before"] if away == "absent" else []
    assert [holder["guid"] for holder in none["deleted"]] == [holder["guid"] for holder in deleted]
    assert back["changed"] and back["not_restored"] == []
    assert [holder["dn"] for holder in again["holders"]] == [holder["dn"] for holder in found["holders"]]
    assert LabDirectory(lab.paths).groups_of(name) == set(ACCOUNTS[name].groups)


def _deleted(connection: ldap3.Connection, guid: str) -> list[str]:
    base = delegation.DELETED_OBJECTS_DN
    connection.search(base, "(objectGUID=%s)" % guid, ldap3.LEVEL, controls=SHOW_DELETED)
    return [entry["dn"] for entry in connection.response if entry["type"] == "searchResEntry"]


def test_each_grant_is_needed_and_can_be_taken_away(
    fresh_lab: LabClient, admin: ldap3.Connection, service: ldap3.Connection
) -> None:
    (holder,) = LabDirectory(fresh_lab.paths).find_holders(settings.WELL_KNOWN_SIP)
    guid, dn = holder["guid"], holder["dn"]
    group = group_dn(WELL_KNOWN.groups[0])

    def without(name: str, act: Callable[[], object]) -> None:
        delegation.take(admin, name)
        with pytest.raises(LookupError, match="has no entry"):  # or a test would prove nothing
            delegation.take(admin, name)
        with pytest.raises(LDAPInsufficientAccessRightsResult):
            act()
        delegation.give(admin, name)
        act()

    def restore() -> None:
        changes = {"isDeleted": [(ldap3.MODIFY_DELETE, [])], "distinguishedName": [(ldap3.MODIFY_REPLACE, [dn])]}
        service.modify(_deleted(admin, guid)[0], changes, controls=SHOW_DELETED)

    without("write users", lambda: service.modify(dn, {"displayName": [(ldap3.MODIFY_REPLACE, ["Other"])]}))
    without("write members", lambda: service.modify(group, {"member": [(ldap3.MODIFY_DELETE, [dn])]}))
    without("delete users", lambda: service.delete(dn))
    delegation.take(admin, "list deleted")
    assert _deleted(service, guid) == []
    delegation.give(admin, "list deleted")
    assert len(_deleted(service, guid)) == 1
    without("create users", restore)
    service.delete(dn)
    without("reanimate", restore)
    # What only later users inherit does not reach one that was deleted before (directory.md, section 6).
    delegation.take(admin, "write users")
    service.delete(dn)
    delegation.give(admin, "write users")
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        restore()


def test_svc_directory_may_do_nothing_else(
    fresh_lab: LabClient, admin: ldap3.Connection, service: ldap3.Connection
) -> None:
    own_group = "CN=Local," + settings.LEGACY_OU_DN
    admin.add(own_group, "group", {"sAMAccountName": "Local"})
    plain, me = ACCOUNTS["plainuser"].dn, ACCOUNTS[settings.DIRECTORY_SERVICE].dn
    before = fresh_lab.writes()
    description = {"description": [(ldap3.MODIFY_REPLACE, ["mine"])]}
    forbidden: list[Callable[[], object]] = [
        lambda: service.delete(plain),
        lambda: service.delete(own_group),
        lambda: service.delete(group_dn("Group Chat Services")),
        lambda: service.delete(settings.LEGACY_OU_DN),
        lambda: service.modify(plain, description),
        lambda: service.modify(settings.LEGACY_OU_DN, description),
        lambda: service.modify(group_dn("Group Chat Services"), description),
        lambda: service.modify(group_dn("Domain Admins"), {"member": [(ldap3.MODIFY_ADD, [me])]}),
        lambda: service.add("CN=Second," + settings.PEOPLE_DN, "user", {"sAMAccountName": "second"}),
        lambda: service.add("CN=Second," + settings.CONTACTS_DN, "contact"),
    ]
    for act in forbidden:
        with pytest.raises(LDAPInsufficientAccessRightsResult):
            act()
    assert fresh_lab.writes() == before


def test_awkward_names_are_in_the_directory_as_they_were_meant(lab: LabClient, admin: ldap3.Connection) -> None:
    account: Account = ACCOUNTS[settings.LOOKUP_USER]
    admin.search(account.dn, "(objectClass=*)", ldap3.BASE, attributes=["cn", "msRTCSIP-PrimaryUserAddress"])
    (entry,) = admin.entries
    assert entry["cn"].value == account.common_name == 'Lookup, "R2" + Größe'
    assert entry["msRTCSIP-PrimaryUserAddress"].value == "sip:ocschat@fabrikam.example"
    for dn, name in (
        (settings.LOOKUP_OU_DN, "#Dienste, Köln <alt>"),
        (settings.LOOKUP_OUTER_OU_DN, "Außen+Stelle;1\\Süd"),
    ):
        admin.search(dn, "(objectClass=organizationalUnit)", ldap3.BASE, attributes=["ou"])
        assert admin.entries[0]["ou"].value == name


class TestSwitches:
    """Where the cmdlets' contacts lie, and which controller they use."""

    def test_contacts_lie_where_the_switch_says(self, lab: LabClient, own_estate: Estate, run: Callable) -> None:
        pool = settings.CHAT_POOLS[0]
        for place, container in (
            ("system", settings.SYSTEM_CONTACTS_DN),
            ("configuration", settings.CONTACTS_DN),
        ):
            own_estate.control("switch.set", name="application_contacts", value=place)
            address = "sip:in-%s@%s" % (place, settings.DOMAIN)
            run("New-CsPersistentChatEndpoint", SipAddress=address, PersistentChatPoolFqdn=pool, Confirm=False)
            (holder,) = own_estate.directory.find_holders(address)
            assert holder["dn"].endswith("}," + container)
        listed = [item["SipAddress"] for item in run("Get-CsPersistentChatEndpoint", PersistentChatPoolFqdn=pool)]
        assert {"sip:in-system@" + settings.DOMAIN, "sip:in-configuration@" + settings.DOMAIN} <= set(listed)

    def test_what_setup_made_moves_with_the_switch(self, fresh_lab: LabClient) -> None:
        directory = LabDirectory(fresh_lab.paths)
        fresh_lab.call("switch.set", name="application_contacts", value="system")
        assert {contact["dn"].split(",", 1)[1] for contact in directory.list_contacts()} == {
            settings.SYSTEM_CONTACTS_DN
        }

    def test_another_controller_for_the_cmdlets_but_not_for_logons(self, lab: LabClient, own_estate: Estate) -> None:
        own_estate.control("switch.set", name="lync_domain_controller", value="dc2")
        directory = own_estate.directory
        with pytest.raises(LabDirectoryError, match="dc2 cannot be reached"):
            directory.find_holders(settings.WELL_KNOWN_SIP)
        assert directory.check_password("user01", settings.PASSWORD)
        assert "Group Chat Services" in directory.groups_of(settings.WELL_KNOWN_USER)
        own_estate.control("switch.set", name="lync_domain_controller", value="dc1")
        assert len(directory.find_holders(settings.WELL_KNOWN_SIP)) == 1


def test_cmdlets_see_what_their_own_controller_has(fresh_lab: LabClient) -> None:
    fresh_lab.call("directory.use", controllers=2, recycle_bin="off")
    try:
        fresh_lab.call("replication.pause", controller="dc2")
        LabDirectory(fresh_lab.paths)._do(lambda connection: connection.delete(WELL_KNOWN.dn), repeat=False)
        seen = {}
        for name in ("dc1", "dc2"):
            fresh_lab.call("switch.set", name="lync_domain_controller", value=name)
            seen[name] = settings.WELL_KNOWN_SIP in fresh_lab.status()["sip_holders"]
        assert seen == {"dc1": False, "dc2": True}
    finally:
        fresh_lab.call("directory.use", controllers=1, recycle_bin="off")


class TestNameServer:
    """What the lab's name server answers."""

    @pytest.mark.parametrize(
        ("service", "port"), [("_ldap._tcp.dc._msdcs", 389), ("_gc._tcp", 3268), ("_kerberos._tcp", 88)]
    )
    def test_domain_controllers_have_srv_records(self, lab: LabClient, service: str, port: int) -> None:
        found = dns.resolver.resolve("%s.%s" % (service, settings.DOMAIN.upper()), "SRV")
        assert sorted((item.priority, item.port, str(item.target)) for item in found) == [
            (10 * number, port, controller.fqdn + ".") for number, controller in enumerate(settings.DOMAIN_CONTROLLERS)
        ]

    def test_hosts_have_addresses_and_others_do_not_exist(self, lab: LabClient) -> None:
        host = settings.HOSTS[-1]
        assert [item.address for item in dns.resolver.resolve(host.fqdn, "A")] == [host.address]
        with pytest.raises(dns.resolver.NoAnswer):
            dns.resolver.resolve(host.fqdn, "AAAA")
        for stranger in ("nosuch." + settings.DOMAIN, "_ldap._tcp.dc._msdcs.elsewhere.example"):
            with pytest.raises(dns.resolver.NXDOMAIN):
                dns.resolver.resolve(stranger, "SRV")

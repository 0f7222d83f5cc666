# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's directory, certificates and its own view of the directory, seen from inside the lab."""

from __future__ import annotations

import socket
import ssl
import subprocess

import ldap3
import pytest

from tests.lab import settings
from tests.lab.client import LabClient
from tests.lab.directory import schema
from tests.lab.lab_directory import LabDirectory, LabDirectoryError
from tests.lab.settings import Host

CONTROLLER = settings.DOMAIN_CONTROLLERS[0]
SHOW_DELETED = [("1.2.840.113556.1.4.417", True, None)]


@pytest.fixture
def directory(lab: LabClient) -> LabDirectory:
    return LabDirectory(lab.paths)


@pytest.fixture
def connection(lab: LabClient) -> ldap3.Connection:
    """A client's own connection, as svc-directory."""
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(lab.paths.ca))
    server = ldap3.Server(CONTROLLER.fqdn, settings.LDAPS_PORT, use_ssl=True, tls=tls)
    user = "svc-directory@" + settings.DOMAIN
    return ldap3.Connection(server, user, settings.PASSWORD, auto_bind=True, raise_exceptions=True)


def _ldapsearch(port: int, base: str, filter_text: str, *attributes: str) -> str:
    url = "ldaps://%s:%d" % (CONTROLLER.fqdn, port)
    line = ["ldapsearch", "-Q", "-LLL", "-o", "ldif-wrap=no", "-Y", "GSSAPI", "-H", url, "-b", base, filter_text]
    return subprocess.run([*line, *attributes], capture_output=True, text=True, check=True).stdout


def test_ldapsearch_with_a_ticket_finds_one_holder_in_the_global_catalog(lab: LabClient) -> None:
    held = "(msRTCSIP-PrimaryUserAddress=%s)" % settings.WELL_KNOWN_SIP.upper()
    answer = _ldapsearch(settings.GLOBAL_CATALOG_PORT, "", held, "objectClass", "memberOf")
    assert answer.count("dn: ") == 1
    assert "objectClass: user" in answer
    for group in ("Group Chat Services", "Deny Interactive Logon"):
        assert "memberOf: CN=%s," % group in answer


def test_schema_has_the_published_identifiers(lab: LabClient) -> None:
    shown = ("attributeID", "isSingleValued", "isMemberOfPartialAttributeSet", "searchFlags", "attributeSyntax")
    for name, (oid, kind, single, catalog, flags) in schema.ATTRIBUTES.items():
        answer = _ldapsearch(636, settings.SCHEMA_DN, "(lDAPDisplayName=msRTCSIP-%s)" % name, *shown)
        for line in (
            "attributeID: 1.2.840.113556.1.6.24.1.%d" % oid,
            "isSingleValued: %s" % str(single).upper(),
            "isMemberOfPartialAttributeSet: %s" % str(catalog).upper(),
            "searchFlags: %d" % flags,
            "attributeSyntax: " + schema.SYNTAXES[kind][0],
        ):
            assert line in answer.splitlines(), name


def test_logons_are_no_writes(lab: LabClient, directory: LabDirectory) -> None:
    before = lab.writes()
    assert directory.check_password("user02", settings.PASSWORD)
    assert not directory.check_password("user02", "wrong")
    ticket = subprocess.run(["kinit", "-c", "MEMORY:", "user02"], input=settings.PASSWORD, text=True, check=False)
    assert ticket.returncode == 0
    _ldapsearch(636, "", "(objectClass=*)", "-s", "base")
    assert lab.writes() == before


@pytest.mark.parametrize("user", ["csadmin", "csadmin@contoso.com", "CSADMIN@CONTOSO.COM", "contoso\\csadmin"])
def test_check_password_knows_all_forms_of_a_name(directory: LabDirectory, user: str) -> None:
    assert directory.check_password(user, settings.PASSWORD) == "CONTOSO\\csadmin"
    for wrong in ("wrong", ""):
        assert directory.check_password(user, wrong) is None


@pytest.mark.parametrize("user", ["no-such-user", "csadmin@elsewhere.example", "OTHER\\csadmin", "", "*"])
def test_check_password_refuses_strangers(directory: LabDirectory, user: str) -> None:
    assert directory.check_password(user, settings.PASSWORD) is None


def test_groups_are_found_through_groups(directory: LabDirectory) -> None:
    assert {"RTCUniversalServerAdmins", "Domain Admins", "Administrators"} <= directory.groups_of("CONTOSO\\csadmin")
    assert directory.groups_of("plainuser") == set()
    assert directory.groups_of("no*such*user") == set()


def test_contacts_are_holders_in_the_configuration_partition(fresh_lab: LabClient) -> None:
    directory = LabDirectory(fresh_lab.paths)
    pool, other = settings.CHAT_POOLS
    before = directory.usn()
    made = directory.create_contact("sip:New@contoso.com", "New", pool)
    assert directory.usn() > before
    assert made["dn"].endswith(settings.CONTACTS_DN)
    assert (made["object_class"], made["pool_fqdn"], made["enabled"]) == ("contact", pool, None)
    assert directory.find_holders("SIP:new@CONTOSO.com") == [made]
    assert made in directory.list_contacts(pool.upper()) and made not in directory.list_contacts(other)
    directory.delete_contact(made["dn"])
    assert directory.find_holders("sip:new@contoso.com") == []
    with pytest.raises(LabDirectoryError) as refused:
        directory.delete_contact(made["dn"])
    assert refused.value.code == "noSuchObject"


def test_proxy_addresses_and_filter_characters_count_rightly(fresh_lab: LabClient) -> None:
    directory = LabDirectory(fresh_lab.paths)
    plain = next(account for account in settings.ACCOUNTS if account.name == "plainuser")
    change = {"proxyAddresses": [(ldap3.MODIFY_ADD, ["SIP:second@contoso.com"])]}
    directory._do(lambda connection: connection.modify(plain.dn, change), repeat=False)
    assert [holder["dn"] for holder in directory.find_holders("sip:second@contoso.com")] == [plain.dn]
    assert directory.find_holders("sip:*@contoso.com") == []


def test_a_deleted_user_comes_back_over_ldap(fresh_lab: LabClient, connection: ldap3.Connection) -> None:
    directory = LabDirectory(fresh_lab.paths)
    (user,) = directory.find_holders(settings.WELL_KNOWN_SIP)
    connection.delete("<GUID=%s>" % user["guid"])
    assert directory.find_holders(settings.WELL_KNOWN_SIP) == []
    deleted = "CN=Deleted Objects," + settings.BASE_DN
    connection.search(deleted, "(objectGUID=%s)" % user["guid"], ldap3.LEVEL, controls=SHOW_DELETED)
    changes = {"isDeleted": [(ldap3.MODIFY_DELETE, [])], "distinguishedName": [(ldap3.MODIFY_REPLACE, [user["dn"]])]}
    connection.modify(connection.response[0]["dn"], changes, controls=SHOW_DELETED)
    answer = _ldapsearch(636, settings.BASE_DN, "(sAMAccountName=%s)" % settings.WELL_KNOWN_USER, "displayName")
    assert "dn: " + user["dn"] in answer
    assert "displayName" not in answer  # lost, as in a directory without Recycle Bin


def test_reset_brings_everything_back_and_tickets_stay_good(running_lab: LabClient) -> None:
    running_lab.reset()
    directory = LabDirectory(running_lab.paths)
    (user,) = directory.find_holders(settings.WELL_KNOWN_SIP)
    first = running_lab.status()
    directory._do(lambda connection: connection.delete(user["dn"]), repeat=False)
    running_lab.call("estate.patch", patch={"sip_domains": ["other.example"]})
    running_lab.call("faults.set", rules=[{"at": "http-before", "do": "http503"}])
    running_lab.reset()
    assert directory.find_holders(settings.WELL_KNOWN_SIP) == [user]
    again = running_lab.status()
    assert again["sip_domains"] == first["sip_domains"]
    assert again["counters"] == first["counters"]
    assert running_lab.call("faults.list")["rules"] == []
    _ldapsearch(636, "", "(objectClass=*)", "-s", "base")


def _handshake(lab: LabClient, host: Host, port: int, name: str) -> None:
    context = ssl.create_default_context(cafile=str(lab.paths.ca))
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # what Python 3.13 does by default
    with socket.create_connection((host.fqdn, port), timeout=10) as plain:
        context.wrap_socket(plain, server_hostname=name).close()


@pytest.mark.parametrize("host", [CONTROLLER, *settings.WSMAN_HOSTS], ids=lambda host: host.name)
def test_certificates_are_strictly_valid(lab: LabClient, host: Host) -> None:
    port = settings.LDAPS_PORT if host.kind == "dc" else settings.HTTPS_PORT
    if host.kind == "rogue":
        with pytest.raises(ssl.SSLCertVerificationError, match="issuer"):
            _handshake(lab, host, port, host.fqdn)
        return
    _handshake(lab, host, port, host.fqdn)
    with pytest.raises(ssl.SSLCertVerificationError, match="[Hh]ostname"):
        _handshake(lab, host, port, "other." + settings.DOMAIN)


def test_unknown_operations_are_refused_with_a_sentence(lab: LabClient) -> None:
    from tests.lab.client import LabError

    for op, arguments in (("no.such", {}), ("estate.patch", {}), ("kinit", {"account": "x"}), ("reset", {"extra": 1})):
        with pytest.raises(LabError, match=op):
            lab.call(op, **arguments)

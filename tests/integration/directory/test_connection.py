# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to the directory: how it signs in, over what, to which domain controller, and what it refuses."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
import subprocess
import sys

import gssapi
import ldap3
import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import domain_controllers
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from tests.integration.directory.adapter import Adapter, Cut, refuse, root_dse, trickle
from tests.integration.directory.conftest import DC
from tests.lab import settings

DC2 = settings.DOMAIN_CONTROLLERS[1]  # nobody listens there while the lab has one domain controller
PRINCIPAL = "%s@%s" % (settings.DIRECTORY_SERVICE, settings.DOMAIN)  # any letter case of the realm will do
SIMPLE = {"auth_protocol": "simple", "username": PRINCIPAL, "password": settings.PASSWORD}
WITH_PASSWORD = {"username": PRINCIPAL, "password": settings.PASSWORD}
RODC = "1.2.840.113556.1.4.1920"


@pytest.fixture
def connect(connection_params):
    """Our own port to the directory with other options; closed at the end."""
    opened = []

    def new(**changes):
        opened.append(DirectoryConnection(dict(connection_params, **changes)))
        return opened[-1]

    yield new
    for connection in opened:
        connection.close()


@pytest.fixture
def refused(converge, nothing_written):
    """The error of the whole module; it wrote nothing, neither to the directory nor to disk."""

    def run(**changes):
        with pytest.raises(PersistentChatError) as caught:
            converge("absent", **changes)
        nothing_written()
        assert "Traceback" not in str(caught.value) and settings.PASSWORD not in str(caught.value)
        return caught.value

    return run


def names(connection, catalog=False):
    """What a search finds: enough to see that it was answered."""
    base = "" if catalog else connection.domain
    return [
        entry.text("sAMAccountName")
        for entry in connection.search(base, "(sAMAccountName=csadmin)", ["sAMAccountName"], catalog=catalog)
    ]


def fails(connection):
    with pytest.raises(DirectoryError) as caught:
        names(connection)
    return caught.value


# signing in


@pytest.mark.parametrize("account", [{}, WITH_PASSWORD, SIMPLE, dict(SIMPLE, username="CONTOSO\\svc-directory")])
@pytest.mark.parametrize("tls_mode", ["ldaps", "start_tls"])
def test_each_way_to_sign_in_works_at_both_ports_of_a_domain_controller_and_at_others(connect, tls_mode, account):
    connection = connect(tls_mode=tls_mode, **account)
    assert names(connection) == names(connection, catalog=True) == names(connection.at(DC)) == ["csadmin"]
    assert connection.server == connection.catalog_server == DC
    connection.close()
    assert names(connection) == ["csadmin"]


@pytest.mark.parametrize(
    "changes, code, says",
    [
        (dict(SIMPLE, password="wrong-canary"), "invalid_credentials", ["password is wrong", "52e", DC, "lockout"]),
        (dict(SIMPLE, username="nobody@contoso.com"), "invalid_credentials", ["sign in", DC]),
        (dict(WITH_PASSWORD, password="wrong-canary"), "invalid_credentials", ["password is wrong"]),
        (dict(WITH_PASSWORD, username="nobody@CONTOSO.COM"), "invalid_credentials", ["no such account"]),
        ({"username": "stranger@CONTOSO.COM"}, "no_kerberos_ticket", ["kinit"]),
        (dict(WITH_PASSWORD, realm="CONTOSO.COM", kdc=["pc01.contoso.com"]), "kerberos_no_kdc", ["port 88"]),
        ({"server": ["nowhere.contoso.com"]}, "unreachable", ["nowhere.contoso.com", "636"]),
        ({"port": 637}, "unreachable", ["637", "refused"]),
        ({"server": [settings.DOMAIN_CONTROLLERS[0].address]}, "certificate_name_mismatch", ["10.99.77.11", "name"]),
        ({"global_catalog": "lync01.contoso.com"}, "invalid_input", ["global_catalog", "lync01.contoso.com", DC]),
        ({"server": None, "domain": "nowhere.example"}, "discovery_failed", ["_msdcs.nowhere.example", "in server"]),
    ],
)
def test_what_does_not_work_says_why(refused, changes, code, says):
    error = refused(**changes)
    assert error.code == code
    assert all(text in str(error) for text in says) and "canary" not in str(error) and len(str(error)) < 700


def test_no_ticket(refused, monkeypatch, tmp_path):
    monkeypatch.setenv("KRB5CCNAME", "FILE:%s" % (tmp_path / "none"))
    error = refused()
    assert error.code == "no_kerberos_ticket" and "kinit" in str(error)


@pytest.mark.parametrize("own_ticket", [True, False])
def test_kerberos_in_a_realm_that_the_system_does_not_know(connect, monkeypatch, tmp_path, own_ticket):
    other = tmp_path / "krb5.conf"
    other.write_text("[libdefaults]\ndefault_realm = ELSEWHERE.EXAMPLE\ndns_lookup_kdc = false\n")
    monkeypatch.setenv("KRB5_CONFIG", str(other))
    before = dict(os.environ)
    account = {"username": "svc-directory", "password": settings.PASSWORD} if own_ticket else {}
    if own_ticket:
        assert fails(connect(**account)).code == "kerberos_no_kdc"
        assert dict(os.environ) == before
    connection = connect(realm="contoso.com", kdc=["%s:88" % DC], **account)
    for _again in range(2):
        assert names(connection) == names(connection, catalog=True) == names(connection.at(DC)) == ["csadmin"]
        assert os.environ["KRB5_CONFIG"] != str(other)
        assert (os.environ["KRB5CCNAME"] != before["KRB5CCNAME"]) == own_ticket
        connection.close()
        assert dict(os.environ) == before


def test_a_kdc_that_never_answers_is_given_up(connect):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kdc = ["127.0.0.1:%d" % silent.getsockname()[1]]
        error = fails(connect(realm="CONTOSO.COM", kdc=kdc, connection_timeout=1, **WITH_PASSWORD))
    assert error.code == "kerberos_no_kdc" and "within 1 seconds" in str(error)


@pytest.mark.parametrize("tls_mode", ["ldaps", "start_tls"])
def test_kerberos_is_bound_to_the_certificate_of_the_channel(connect, clean_lab, monkeypatch, tls_mode):
    bindings = []

    class Context(gssapi.SecurityContext):
        def __new__(cls, *arguments, channel_bindings=None, **named):
            bindings.append(channel_bindings)
            return super().__new__(cls, *arguments, channel_bindings=channel_bindings, **named)

    monkeypatch.setattr(gssapi, "SecurityContext", Context)
    assert names(connect(tls_mode=tls_mode)) == ["csadmin"]
    certificate = ssl.PEM_cert_to_DER_cert(clean_lab.paths.certificate("dc1").read_text())
    sent = b"tls-server-end-point:" + hashlib.sha256(certificate).digest()
    assert [found.application_data for found in bindings] == [sent]


def test_a_password_is_sent_as_it_is_and_not_as_a_library_would_normalise_it(connect, admin, clean_lab):
    user = next(account for account in settings.ACCOUNTS if account.name == "plainuser")
    password = "Pass²-ﬁne-Ünïcode1"
    change = {"unicodePwd": [(ldap3.MODIFY_REPLACE, [('"%s"' % password).encode("utf-16-le")])]}
    admin.modify(user.dn, change)
    assert names(connect(auth_protocol="simple", username=user.upn, password=password)) == ["csadmin"]


# TLS


@pytest.mark.parametrize("tls_mode", ["ldaps", "start_tls"])
def test_an_untrusted_authority(refused, connect, clean_lab, tls_mode):
    other = str(clean_lab.paths.certificate("rogue"))
    for ca_cert in (other, None):
        error = refused(ca_cert=ca_cert, tls_mode=tls_mode)
        assert error.code == "untrusted_certificate" and "ca_cert" in str(error) and len(str(error)) < 500
    unchecked = connect(ca_cert=other, cert_validation="ignore", tls_mode=tls_mode)
    assert names(unchecked) == names(unchecked, catalog=True) == ["csadmin"]


def yes_and_on_in_plain(exchange):
    refuse(0)(exchange)
    refuse(0)(exchange)
    raise Cut


@pytest.mark.parametrize("answer", [refuse(52, "no certificate"), refuse(2), yes_and_on_in_plain])
def test_nothing_but_the_wish_for_tls_is_said_before_it(connect, clean_lab, answer):
    with Adapter(clean_lab.paths, start_tls=True) as adapter:
        options = dict(SIMPLE, tls_mode="start_tls", port=adapter.port)
        assert names(connect(**options)) == ["csadmin"]
        assert [request.operation for request in adapter.seen][:3] == ["start_tls", "bind", "search"]
        adapter.on("start_tls", answer)
        error = fails(connect(**options))
        assert error.code == "start_tls_refused" and "tls_mode=ldaps" in str(error)
        assert len(adapter.plain) == 2 and all(
            b"1.3.6.1.4.1.1466.20037" in raw and len(raw) < 40 for raw in adapter.plain
        )


def test_a_library_that_forgets_tls_sends_no_password(connect, clean_lab, monkeypatch):
    monkeypatch.setattr(ldap3.Connection, "start_tls", lambda *arguments, **named: False)
    with Adapter(clean_lab.paths, start_tls=True) as adapter:
        error = fails(connect(tls_mode="start_tls", port=adapter.port, **SIMPLE))
        assert "not encrypted" in str(error) and adapter.plain == []


def test_a_slow_yes_to_tls_is_given_up(connect, clean_lab):
    with Adapter(clean_lab.paths, start_tls=True) as adapter:
        adapter.on("start_tls", trickle(refuse(0)))
        error = fails(connect(tls_mode="start_tls", port=adapter.port, connection_timeout=1, **SIMPLE))
        assert "within 1 seconds" in str(error) and len(adapter.plain) == 1


# which server


@pytest.mark.parametrize(
    "change, reason",
    [
        (root_dse(supportedCapabilities=[RODC]), "read-only"),
        (root_dse(isSynchronized=["FALSE"]), "isSynchronized"),
        (root_dse(defaultNamingContext=[]), "not a domain controller"),
    ],
)
def test_a_domain_controller_that_cannot_be_used_is_skipped(connect, clean_lab, change, reason):
    with Adapter(clean_lab.paths, host="dc2", listen=((636, 636),)) as adapter:
        adapter.changes.append(change)
        connection = connect(server=[DC2.fqdn, DC], **SIMPLE)
        assert connection.server == DC and names(connection) == ["csadmin"]
        ((host, said),) = connection.skipped
        assert host == DC2.fqdn and reason in said
        error = fails(connect(server=[DC2.fqdn], **SIMPLE))
        assert reason in str(error) and error.code != "no_domain_controller"


def test_the_first_that_can_be_used_is_taken_and_each_other_has_its_reason(connect, clean_lab, converge):
    with (
        socket.create_server((DC2.address, 636)),  # as a process that was stopped: the kernel accepts, nobody answers
        Adapter(clean_lab.paths, host="rogue", listen=((636, 636),)) as busy,
    ):
        busy.on("bind", refuse(51), times=None)
        dead = ["nowhere.contoso.com", "lync01.contoso.com", DC2.fqdn, "rogue.contoso.com"]
        connection = connect(server=[*dead, DC], connection_timeout=1)
        assert connection.server == DC and [host for host, _reason in connection.skipped] == dead
        reasons = [reason for _host, reason in connection.skipped]
        for reason, words in zip(reasons, ("cannot be reached", "refused", "timed out", "not trusted")):
            assert words in reason
        error = fails(connect(server=dead, connection_timeout=1))
        assert error.code == "no_domain_controller"
        assert [line for line in str(error).splitlines() if line.startswith("- ")] == ["- " + one for one in reasons]
        unknown = connect(server=["rogue.contoso.com", DC], cert_validation="ignore")
        assert unknown.server == DC and "ldap/rogue.contoso.com" in unknown.skipped[0][1]
        loaded = connect(server=["rogue.contoso.com", DC], cert_validation="ignore", **SIMPLE)
        assert loaded.server == DC and "busy" in loaded.skipped[0][1]
        skipped = converge("absent", check_mode=True, server=["lync01.contoso.com", DC])["servers_skipped"]
        assert [one["server"] for one in skipped] == ["lync01.contoso.com"] and "refused" in skipped[0]["reason"]


@pytest.mark.parametrize("account", [SIMPLE, WITH_PASSWORD])
def test_a_refused_sign_in_is_not_tried_elsewhere(connect, clean_lab, account):
    with Adapter(clean_lab.paths, host="dc2", listen=((636, 636),)) as adapter:
        error = fails(connect(server=[DC, DC2.fqdn], **dict(account, password="wrong")))
        assert error.code == "invalid_credentials" and adapter.seen == []


def test_the_pinned_one_stays_the_one(connect, clean_lab):
    listen = ((636, 636),)
    with Adapter(clean_lab.paths, host="dc2", listen=listen):
        connection = connect(server=[DC2.fqdn, DC], **SIMPLE)
        assert connection.server == DC2.fqdn
    error = fails(connection)
    assert error.code == "unreachable" and DC2.fqdn in str(error)
    assert fails(connection).code == "unreachable" and connection.server == DC2.fqdn
    with Adapter(clean_lab.paths, host="dc2", listen=listen) as adapter:
        assert names(connection) == ["csadmin"] and connection.server == DC2.fqdn
        connection.close()
        adapter.changes.append(root_dse(dsServiceName=["CN=another"], dnsHostName=["dc9.contoso.com"]))
        error = fails(connection)
        assert error.code == "another_server" and "dc9.contoso.com" in str(error)


def test_the_domain_controllers_of_a_domain_are_looked_up(connect):
    connection = connect(server=None, domain=settings.DOMAIN)
    assert connection.server == DC and names(connection) == ["csadmin"]


# the global catalog


def test_a_pinned_one_that_is_no_catalog_asks_the_first_of_the_forest_that_answers(connect, clean_lab, monkeypatch):
    with Adapter(clean_lab.paths) as adapter:
        adapter.changes.append(root_dse(isGlobalCatalogReady=["FALSE"]))
        error = fails_in_the_catalog(connect(port=adapter.port))
        assert error.code == "no_global_catalog" and "global_catalog" in str(error)
        asked = ["lync01.contoso.com", DC]
        monkeypatch.setattr(domain_controllers, "catalogs_to_ask", lambda *_arguments: asked)
        connection = connect(port=adapter.port)
        assert names(connection, catalog=True) == ["csadmin"] and connection.catalog_server == DC
        asked[1:] = []
        error = fails_in_the_catalog(connect(port=adapter.port))
        assert error.code == "no_global_catalog" and "- Could not sign in to the global catalog on lync01" in str(error)


def test_a_catalog_that_is_not_ready_is_not_asked(connect, clean_lab, monkeypatch):
    monkeypatch.setattr(domain_controllers, "catalogs_to_ask", lambda *_arguments: [DC2.fqdn, DC])
    with (
        Adapter(clean_lab.paths) as pinned,
        Adapter(clean_lab.paths, host="dc2", listen=((3269, 3269),)) as catalog,
    ):
        for adapter in (pinned, catalog):
            adapter.changes.append(root_dse(isGlobalCatalogReady=["FALSE"]))
        connection = connect(port=pinned.port, **SIMPLE)
        assert names(connection, catalog=True) == ["csadmin"] and connection.catalog_server == DC
        assert [request.operation for request in catalog.seen][:2] == ["bind", "search"]


def fails_in_the_catalog(connection):
    with pytest.raises(DirectoryError) as caught:
        names(connection, catalog=True)
    return caught.value


# libraries


@pytest.mark.parametrize(
    "library, named, options",
    [
        ("ldap3", "ldap3", {}),
        ("gssapi", "gssapi", {}),
        ("cryptography", "cryptography", {}),
        ("krb5", "krb5", WITH_PASSWORD),
        ("dns", "dnspython", {"server": None, "domain": settings.DOMAIN}),
    ],
)
def test_a_missing_library_is_named(params, nothing_written, library, named, options):
    program = (
        "import sys; sys.modules[%r] = None\n"
        "from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import wellknown_user\n"
        "from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import MissingLibrary\n"
        "try: wellknown_user.run(%r)\n"
        "except MissingLibrary as error: print(error.library)" % (library, {**params, "state": "absent", **options})
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == named
    nothing_written()


def test_a_library_that_sends_wrong_filters_is_refused_before_nobody_seems_to_hold_the_address(refused, monkeypatch):
    """What ldap3 2.10.2rc4 does to escaped values."""
    monkeypatch.setattr("ldap3.operation.search.prepare_filter_for_sending", bytes)
    assert refused().code == "unsupported_library"

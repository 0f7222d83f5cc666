# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot work is refused before anything is connected, and what works is taken as it is meant."""

from __future__ import annotations

import os

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.options import directory_options
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput

PARAMS = {
    "server": ["dc1.contoso.com"],
    "auth_protocol": "kerberos",
    "cert_validation": "validate",
    "connection_timeout": 5,
}
SIMPLE = {"auth_protocol": "simple", "username": "svc@contoso.com", "password": "canary"}


@pytest.mark.parametrize(
    "wrong, says",
    [
        ({"server": ["ldaps://dc1.contoso.com"]}, "server"),
        ({"server": [""]}, "server"),
        ({"server": ["dc1.contoso.com", "dc2.contoso.com:636"]}, "server"),
        ({"server": []}, "Neither server nor domain"),
        ({"server": None, "domain": "contoso com"}, "domain"),
        ({"global_catalog": "gc 1"}, "global_catalog"),
        ({"port": 389}, "636"),
        ({"port": 636, "tls_mode": "start_tls"}, "389"),
        ({"port": 3269}, "global catalog"),
        ({"port": 3268, "tls_mode": "start_tls"}, "global catalog"),
        ({"connection_timeout": -1}, "connection_timeout"),
        ({"auth_protocol": "simple"}, "username and password"),
        (dict(SIMPLE, password=""), "anonymous"),
        (dict(SIMPLE, realm="CONTOSO.COM"), "kerberos"),
        (dict(SIMPLE, username="svc"), "svc@contoso.com.*distinguished name"),
        ({"username": "CONTOSO\\svc"}, "svc@CONTOSO.COM|admin@CONTOSO.COM"),
        ({"username": "CN=svc,DC=contoso,DC=com"}, "principal"),
        ({"username": "svc@"}, "principal"),
        ({"username": "@CONTOSO.COM"}, "principal"),
        ({"password": "canary"}, "without username"),
        ({"kdc": ["dc1.contoso.com"]}, "without realm"),
        ({"realm": "CONTOSO.COM\n[realms]"}, "realm"),
        ({"realm": "CONTOSO.COM", "kdc": ["dc1.contoso.com\n}"]}, "kdc"),
        ({"ca_cert": "/nonexistent/ca.pem"}, "/nonexistent/ca.pem.*No such file"),
        ({"verify_on": ["required", "dc2.contoso.com"]}, "verify_on"),
        ({"verify_on": ["dc 2"]}, "verify_on"),
        ({"lync_domain_controllers": ["ldap://dc2"]}, "lync_domain_controllers"),
    ],
)
def test_what_cannot_work_is_refused_by_its_name(wrong, says):
    with pytest.raises(InvalidInput, match=says) as caught:
        directory_options(dict(PARAMS, **wrong))
    assert "canary" not in str(caught.value)


def test_a_file_that_holds_no_certificate_is_refused(tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")
    (tmp_path / "folder").mkdir()
    for name, says in (("ca.pem", "no certificate in PEM form"), ("folder", "folder")):
        with pytest.raises(InvalidInput, match=says):
            directory_options(dict(PARAMS, ca_cert=os.fspath(tmp_path / name)))


@pytest.mark.parametrize(
    "given, principal",
    [
        ({"username": "svc@contoso.com"}, "svc@CONTOSO.COM"),
        ({"username": "svc", "realm": "contoso.com"}, "svc@CONTOSO.COM"),
        ({"username": "svc@CHILD.CONTOSO.COM", "realm": "CONTOSO.COM"}, "svc@CHILD.CONTOSO.COM"),
        ({"username": "svc"}, "svc"),
        ({"username": ""}, None),
        (dict(SIMPLE, username="CONTOSO\\svc"), "CONTOSO\\svc"),
        (dict(SIMPLE, username="svc@contoso.com"), "svc@contoso.com"),
        (dict(SIMPLE, username="CN=svc,DC=contoso,DC=com"), "CN=svc,DC=contoso,DC=com"),
    ],
)
def test_an_account_is_written_as_its_way_to_sign_in_knows_it(given, principal):
    assert directory_options(dict(PARAMS, **given)).username == principal


@pytest.mark.parametrize("tls_mode, ports", [("ldaps", (636, 3269)), ("start_tls", (389, 3268)), (None, (636, 3269))])
def test_the_ports_follow_the_way_tls_begins_and_a_port_of_ones_own_is_for_the_pinned_one_only(tls_mode, ports):
    options = directory_options(dict(PARAMS, tls_mode=tls_mode))
    assert (options.port, options.catalog_port) == ports
    own = directory_options(dict(PARAMS, tls_mode=tls_mode, port=10636))
    assert (own.port, own.catalog_port) == (10636, ports[1])
    other = own.only("dc2.contoso.com")
    assert (other.servers, other.port, other.global_catalog) == (("dc2.contoso.com",), ports[0], "dc2.contoso.com")


def test_names_of_servers_are_compared_in_lower_case_and_each_is_tried_once():
    options = directory_options(dict(PARAMS, server=["DC1.contoso.com.", "dc1.contoso.com", "dc2.contoso.com"]))
    assert options.servers == ("dc1.contoso.com", "dc2.contoso.com")


def test_certificates_are_checked_unless_that_is_refused_by_name():
    assert directory_options(dict(PARAMS, cert_validation=None)).validate
    assert not directory_options(dict(PARAMS, cert_validation="ignore")).validate


def test_a_password_is_in_no_text_of_the_options():
    assert "canary" not in repr(directory_options(dict(PARAMS, **SIMPLE)))

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to the directory: what it signs in to, and what it refuses before anything is written."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from tests.integration.directory.conftest import DC
from tests.lab import settings

SIMPLE = {"auth_protocol": "simple", "username": "svc-directory@" + settings.DOMAIN, "password": settings.PASSWORD}


def refused(converge, **changes) -> PersistentChatError:
    with pytest.raises(PersistentChatError) as caught:
        converge("absent", **changes)
    assert "Traceback" not in str(caught.value) and settings.PASSWORD not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "changes, code, says",
    [
        (dict(SIMPLE, password="wrong-canary"), "invalid_credentials", ["password is wrong", "52e", DC]),
        (dict(SIMPLE, username="nobody@contoso.com"), "invalid_credentials", ["sign in", DC]),
        ({"server": ["nowhere.contoso.com"]}, "unreachable", ["nowhere.contoso.com", "636"]),
        ({"port": 637}, "unreachable", ["637", "refused"]),
        ({"global_catalog": "lync01.contoso.com"}, "invalid_input", ["global_catalog", "lync01.contoso.com", DC]),
        ({"server": ["10.99.77.11"]}, "certificate_name_mismatch", ["10.99.77.11", "name"]),
        ({"username": "stranger@CONTOSO.COM"}, "no_kerberos_ticket", ["kinit"]),
        (
            {"username": "svc-directory@CONTOSO.COM", "password": "wrong-canary"},
            "invalid_credentials",
            ["password is wrong"],
        ),
    ],
)
def test_connection(converge, nothing_written, changes, code, says):
    error = refused(converge, **changes)
    assert error.code == code
    assert all(text in str(error) for text in says) and "canary" not in str(error)
    nothing_written()


@pytest.mark.parametrize("account", [SIMPLE, {"username": "svc-directory@CONTOSO.COM", "password": settings.PASSWORD}])
def test_other_ways_to_sign_in_work(converge, account):
    assert converge("absent", check_mode=True, **account)["changed"]


def test_an_untrusted_authority(converge, nothing_written, clean_lab, tmp_path):
    other = tmp_path / "other.pem"
    other.write_bytes(clean_lab.paths.certificate("rogue").read_bytes())
    for ca_cert in (str(other), None):
        error = refused(converge, ca_cert=ca_cert)
        assert error.code == "untrusted_certificate" and "ca_cert" in str(error) and len(str(error)) < 500
    nothing_written()


def test_no_ticket(converge, nothing_written, monkeypatch, tmp_path):
    monkeypatch.setenv("KRB5CCNAME", "FILE:%s" % (tmp_path / "none"))
    error = refused(converge)
    assert error.code == "no_kerberos_ticket" and "kinit" in str(error)
    nothing_written()


@pytest.mark.parametrize("library", ["ldap3", "gssapi", "cryptography"])
def test_a_missing_library_is_named(params, nothing_written, library):
    program = (
        "import sys; sys.modules[%r] = None\n"
        "from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import wellknown_user\n"
        "from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import MissingLibrary\n"
        "try: wellknown_user.run(%r)\n"
        "except MissingLibrary as error: print(error.library)" % (library, dict(params, state="absent"))
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == library
    nothing_written()


def test_a_library_that_sends_wrong_filters_is_refused_before_nobody_seems_to_hold_the_address(
    converge, nothing_written, monkeypatch
):
    """What ldap3 2.10.2rc4 does to escaped values."""
    monkeypatch.setattr("ldap3.operation.search.prepare_filter_for_sending", bytes)
    assert refused(converge).code == "unsupported_library"
    nothing_written()

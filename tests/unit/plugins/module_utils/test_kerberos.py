# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private Kerberos configuration and ticket cache, without a KDC: what is made, what is left, what the environment says."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time

import krb5
import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils import _kerberos
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import (
    InvalidInput,
    MissingLibrary,
    PersistentChatError,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._kerberos import (
    KdcTimeout,
    TicketCache,
    configuration,
    principal,
)

REALM = "CONTOSO.COM"
SECRET = "s3cr3t-Value"
VARIABLES = ("KRB5_CONFIG", "KRB5CCNAME")


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """An empty temporary folder and an environment without Kerberos; both must be as before when the test is over."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    yield tmp_path
    assert not _kerberos._opened


def cache(user=None, password=None, realm=None, kdc=("127.0.0.1:9",), delegation=False, seconds=5):
    return TicketCache(user, password, realm, kdc, delegation, seconds)


def variables():
    return {name: os.environ[name] for name in VARIABLES if name in os.environ}


@pytest.mark.parametrize(
    "user, realm, expected",
    [
        ("admin", REALM, "admin@CONTOSO.COM"),
        ("admin", None, "admin"),
        ("admin@contoso.com", None, "admin@CONTOSO.COM"),
        ("admin@contoso.com", REALM, "admin@CONTOSO.COM"),
        ("admin@child.contoso.com", REALM, "admin@CHILD.CONTOSO.COM"),
    ],
)
def test_an_account_becomes_a_principal(user, realm, expected):
    assert principal(user, realm) == expected


@pytest.mark.parametrize("user", ["CONTOSO\\admin", "", "@contoso.com", "admin@"])
def test_what_cannot_be_a_principal_is_refused_with_what_to_write(temporary, user):
    with pytest.raises(InvalidInput, match="admin@CONTOSO.COM") as caught:
        cache(user, SECRET, REALM).open()
    assert caught.value.facts == {"option": "remote_user"} and SECRET not in str(caught.value)
    assert list(temporary.iterdir()) == [] and variables() == {}


def test_with_a_realm_the_library_reads_our_configuration(temporary):
    own = cache(realm="contoso.com")
    own.open()
    (folder,) = temporary.iterdir()
    (file,) = folder.iterdir()
    assert os.environ["KRB5_CONFIG"] == str(file)
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
    assert krb5.get_default_realm(krb5.init_context()) == REALM.encode()
    own.close()
    assert list(temporary.iterdir()) == [] and variables() == {}
    own.close()


def test_the_kdc_is_looked_up_only_where_none_is_given():
    given, asked = configuration(REALM, ("dc1:88", "dc2"), True), configuration(REALM, (), False)
    assert "kdc = dc1:88\nkdc = dc2\n" in given and "dns_lookup_kdc = false" in given and "forwardable = true" in given
    assert "kdc = " not in asked.replace("dns_lookup_kdc = true", "") and "forwardable = false" in asked


def test_without_realm_and_password_nothing_is_touched(temporary, monkeypatch):
    monkeypatch.setenv("KRB5CCNAME", "FILE:/somewhere")
    own = cache("admin")
    own.open()
    assert variables() == {"KRB5CCNAME": "FILE:/somewhere"} and list(temporary.iterdir()) == []
    own.close()
    assert variables() == {"KRB5CCNAME": "FILE:/somewhere"}


def test_with_a_realm_alone_the_ticket_stays_where_the_system_has_it(temporary, monkeypatch):
    (temporary / "system.conf").write_text("[libdefaults]\ndefault_ccache_name = FILE:/of/the/system\n")
    monkeypatch.setenv("KRB5_CONFIG", str(temporary / "system.conf"))
    own = cache(realm=REALM)
    own.open()
    assert os.environ["KRB5CCNAME"] == "FILE:/of/the/system"
    assert os.environ["KRB5_CONFIG"] != str(temporary / "system.conf")
    own.close()
    assert variables() == {"KRB5_CONFIG": str(temporary / "system.conf")}
    monkeypatch.setenv("KRB5CCNAME", "FILE:/of/the/user")
    own.open()
    assert os.environ["KRB5CCNAME"] == "FILE:/of/the/user"
    own.close()


def test_a_kdc_that_is_not_there_gives_the_librarys_own_error(temporary):
    with pytest.raises(krb5.Krb5Error) as caught:
        cache("admin", SECRET, REALM).open()
    assert caught.value.err_code == -1765328228 and SECRET not in str(caught.value)
    assert list(temporary.iterdir()) == [] and variables() == {}


def test_a_kdc_that_never_answers_is_given_up_in_time(temporary):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(KdcTimeout, match="admin@CONTOSO.COM within 1 seconds") as caught:
            cache("admin", SECRET, REALM, ("127.0.0.1:%d" % silent.getsockname()[1],), seconds=1).open()
        assert time.monotonic() - began < 3
    assert isinstance(caught.value, TimeoutError) and SECRET not in str(caught.value)
    assert list(temporary.iterdir()) == [] and variables() == {}


def test_the_one_that_was_opened_last_is_in_the_environment():
    first, second, plain = cache(realm=REALM), cache(realm="FABRIKAM.EXAMPLE"), cache()
    first.open()
    ours = variables()
    second.open()
    assert variables()["KRB5_CONFIG"] != ours["KRB5_CONFIG"]
    plain.open()
    assert variables() == {}
    plain.close()
    second.close()
    assert variables() == ours
    second.open()
    first.close()
    assert variables()["KRB5_CONFIG"] != ours["KRB5_CONFIG"]
    second.close()
    assert variables() == {}


def test_opening_again_puts_it_back_in_front():
    first, second = cache(realm=REALM), cache(realm="FABRIKAM.EXAMPLE")
    first.open()
    ours = variables()
    second.open()
    first.open()
    assert variables() == ours
    second.close()
    assert variables() == ours
    first.close()
    assert variables() == {}


def test_what_somebody_else_has_set_meanwhile_stays(monkeypatch):
    own = cache(realm=REALM)
    own.open()
    monkeypatch.setenv("KRB5_CONFIG", "/of/somebody/else")
    own.close()
    assert variables() == {"KRB5_CONFIG": "/of/somebody/else"}


def test_a_missing_library_is_named(temporary, monkeypatch):
    monkeypatch.setitem(sys.modules, "krb5", None)
    with pytest.raises(MissingLibrary) as caught:
        cache("admin", SECRET, REALM).open()
    assert caught.value.library == "krb5" and list(temporary.iterdir()) == [] and variables() == {}


def test_a_temporary_folder_that_cannot_be_used_is_named(temporary, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "none"))
    with pytest.raises(PersistentChatError, match="TMPDIR") as caught:
        cache(realm=REALM).open()
    assert caught.value.code == "no_temporary_folder" and variables() == {}


@pytest.mark.parametrize("end", ["sys.exit(3)", "raise SystemError('3')"])
def test_nothing_is_left_when_the_program_ends_without_closing(temporary, end):
    code = (
        "import sys\n"
        "from ansible_collections.lync.persistent_chat.plugins.module_utils._kerberos import TicketCache\n"
        "TicketCache('admin', None, 'CONTOSO.COM', (), False, 5).open()\n%s\n" % end
    )
    environment = {**os.environ, "TMPDIR": str(temporary)}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False, timeout=30)
    assert ended.returncode != 0 and b"3" in ended.stderr + str(ended.returncode).encode()
    assert list(temporary.iterdir()) == []


def test_no_password_shows():
    assert SECRET not in repr(cache("admin", SECRET, REALM))
    assert SECRET not in configuration(REALM, (), True)

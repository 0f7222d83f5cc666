# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets in, how, and what those are told who do not."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import RemotingError
from tests.lab import settings

POOL = Command("Get-CsPool", {"Identity": "pcpool.contoso.com"}, ("Identity",), reads=True)
BASIC = {"auth": "basic", "remote_user": "csadmin", "remote_password": settings.PASSWORD}
WAYS = {
    "kerberos-https": {},
    "kerberos-http-encrypted": {"scheme": "http"},
    "kerberos-named-principal": {"remote_user": "csadmin@" + settings.REALM},
    "kerberos-other-name": {
        "remote_addr": "10.99.77.21",
        "cert_validation": "ignore",
        "kerberos_hostname_override": "lync01.contoso.com",
    },
    "basic-https": BASIC,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_cmdlet_runs(connect, way):
    (outcome,) = connect(**WAYS[way]).run([POOL])
    assert outcome.objects() == [{"Identity": "pcpool.contoso.com"}]


def refused(transport, *hidden):
    with pytest.raises(RemotingError) as caught:
        transport.run([POOL])
    error = caught.value
    assert transport.server in str(error)
    for secret in hidden:
        assert secret not in str(error) + repr(error) + repr(error.facts)
    return error


REFUSALS = {
    "wrong-password": ({**BASIC, "remote_password": "Wr0ng-Secret"}, "authentication_failed", "csadmin"),
    "unknown-account": ({**BASIC, "remote_user": "nobody"}, "authentication_failed", "nobody"),
    "no-rights": ({**BASIC, "remote_user": "plainuser"}, "access_denied", "Remote Management Users"),
    "unknown-principal": ({"remote_user": "nobody@" + settings.REALM}, "kerberos_no_ticket", "kinit"),
    "untrusted-certificate": ({"remote_addr": "rogue.contoso.com"}, "certificate_untrusted", "ca_cert"),
    "no-authority": ({"ca_cert": None}, "certificate_untrusted", "CERTIFICATE_VERIFY_FAILED"),
    "another-name": ({**BASIC, "remote_addr": "10.99.77.21"}, "certificate_name_mismatch", "10.99.77.21"),
    "unknown-service": ({"remote_addr": "10.99.77.21"}, "kerberos_spn_unknown", "HTTP/10.99.77.21"),
    "no-tls-there": ({"port": 5985}, "tls_not_spoken", "5986"),
    "wrong-path": ({"path": "elsewhere", "transport": "psrp"}, "endpoint_not_found", "elsewhere"),
}


@pytest.mark.parametrize("way", REFUSALS)
def test_what_cannot_work_is_refused_at_once_and_explained(connect, lab, way):
    options, code, words = REFUSALS[way]
    before, began = lab.writes(), time.monotonic()
    error = refused(connect(**options), settings.PASSWORD, "Wr0ng-Secret")
    assert (error.code, error.kind) == (code, "fatal")
    assert words in str(error)
    assert time.monotonic() - began < 3 and lab.writes() == before


def test_the_rogue_server_is_refused_for_its_certificate_only(connect):
    (outcome,) = connect(**BASIC, remote_addr="rogue.contoso.com", cert_validation="ignore").run([POOL])
    assert outcome.objects()


def test_without_a_ticket_kerberos_says_kinit(connect, monkeypatch, tmp_path):
    monkeypatch.setenv("KRB5CCNAME", "FILE:%s" % (tmp_path / "empty"))
    for scheme in ("https", "http"):
        error = refused(connect(scheme=scheme))
        assert (error.code, error.kind) == ("kerberos_no_ticket", "fatal") and "kinit" in str(error)


def test_an_unknown_host_is_named(connect):
    error = refused(connect(remote_addr="nobody.contoso.com"))
    # which of the two depends on whether a DNS server answers here
    assert error.code in ("host_unknown", "name_resolution") and "remote_addr" in str(error)


def test_a_closed_port_is_tried_again_within_bounds(connect):
    began = time.monotonic()
    error = refused(connect(port=9))
    assert (error.code, error.kind) == ("connection_refused", "retryable")
    assert 4 <= time.monotonic() - began < 8


def test_a_host_without_a_new_enough_powershell_is_explained(connect):
    for reads in (True, False):
        with pytest.raises(RemotingError, match="PowerShell 3.0") as caught:
            connect(remote_addr="gc01.contoso.com", scheme="http").run([Command("Get-Service", reads=reads)])
        assert (caught.value.code, caught.value.kind) == ("powershell_too_old", "fatal")


MISSING = """
import sys
sys.modules[%r] = None
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import MissingLibrary
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import open_transport
try:
    open_transport({"remote_addr": "lync01.contoso.com"}).run([Command("Get-CsPool", reads=True)])
except MissingLibrary as error:
    assert "ImportError" in error.import_traceback or "ModuleNotFoundError" in error.import_traceback
    sys.exit(error.library)
"""


@pytest.mark.parametrize("module, library", [("winrm", "pywinrm"), ("kerberos", "pywinrm[kerberos]")])
def test_a_missing_library_is_named(lab, module, library):
    ended = subprocess.run(
        [sys.executable, "-c", MISSING % module], capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 1 and ended.stderr.startswith(library)


def test_nothing_is_printed(lab, capfd):
    """Not even by the libraries, which log Kerberos failures with a traceback."""
    code = (
        "from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError\n"
        "from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command\n"
        "from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import open_transport\n"
        "transport = open_transport({'remote_addr': 'lync01.contoso.com', 'cert_validation': 'ignore', 'remote_user': %r})\n"
        "try:\n    transport.run([Command('Get-CsSipDomain', reads=True)])\n"
        "except PersistentChatError as error:\n    assert error.code == %r, error\n"
        "finally:\n    transport.close()\n"
    )
    for user, expected in (("csadmin@CONTOSO.COM", "none"), ("nobody@CONTOSO.COM", "kerberos_no_ticket")):
        ended = subprocess.run(
            [sys.executable, "-c", code % (user, expected)], capture_output=True, timeout=30, check=False
        )
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def test_errors_are_the_collections_own():
    assert issubclass(RemotingError, PersistentChatError)

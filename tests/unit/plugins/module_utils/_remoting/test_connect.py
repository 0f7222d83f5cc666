# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From options to a transport: what is refused before anything is sent, and that no secret shows."""

from __future__ import annotations

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting import winrm
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import open_transport
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import (
    RemotingOptions,
    remoting_options,
)

KERBEROS = {"remote_addr": "lync01.contoso.com"}
BASIC = {
    "remote_addr": "lync01.contoso.com",
    "auth": "basic",
    "remote_user": "csadmin",
    "remote_password": "s3cr3t-Value",
}


def url(options):
    return open_transport(options)._options.url


def test_defaults_are_kerberos_over_https():
    assert url(KERBEROS) == "https://lync01.contoso.com:5986/wsman"
    assert url({**KERBEROS, "scheme": "http"}) == "http://lync01.contoso.com:5985/wsman"
    restricted = {**KERBEROS, "transport": "psrp", "path": "/OcsPowershell/"}
    assert remoting_options(restricted).url == "https://lync01.contoso.com:443/OcsPowershell"
    assert url({**KERBEROS, "remote_addr": "[2001:db8::1]"}) == "https://[2001:db8::1]:5986/wsman"


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"remote_addr": ""}, "remote_addr"),
        ({"remote_addr": "lync01/evil"}, "remote_addr"),
        ({"remote_addr": "user:pw@lync01"}, "remote_addr"),
        ({"remote_addr": "lync01:5986"}, "remote_addr"),
        ({"remote_addr": "lync 01"}, "remote_addr"),
        ({"port": 65536}, "port"),
        ({"port": -1}, "port"),
        ({"path": "wsman?x=1"}, "path"),
        ({"connection_timeout": 0}, "connection_timeout"),
        ({"operation_timeout": -5}, "operation_timeout"),
        ({"ca_cert": "/nonexistent/ca.pem"}, "ca_cert"),
        ({"remote_password": "s3cr3t-Value"}, "remote_user"),
        ({"auth": "basic", "remote_user": "a"}, "remote_password"),
        ({"auth": "basic", "remote_password": "s3cr3t-Value"}, "remote_user"),
        ({"auth": "basic", "scheme": "http", "remote_user": "a", "remote_password": "s3cr3t-Value"}, "clear text"),
        ({"auth": "certificate", "scheme": "http"}, "clear text"),
        ({"auth": "certificate"}, "certificate_key_pem"),
        (
            {"auth": "certificate", "certificate_pem": "/nonexistent", "certificate_key_pem": "/nonexistent"},
            "cannot be used",
        ),
        ({"auth": "ntlm", "remote_user": "a"}, "remote_password"),
        ({"auth": "credssp", "remote_password": "s3cr3t-Value"}, "remote_user"),
        ({"auth": "negotiate"}, "transport psrp"),
        ({"path": "OcsPowershell"}, "transport psrp"),
        ({"configuration_name": "Roles"}, "transport psrp"),
        ({"transport": "psrp", "configuration_name": "a b"}, "configuration_name"),
        ({"kerberos_service": "HTTP/lync01"}, "kerberos_service"),
        ({"realm": "CONTOSO.COM\n[realms]"}, "realm"),
        ({"realm": "CONTOSO.COM", "kdc": ["dc1.contoso.com:88:88"]}, "kdc"),
        ({"realm": "CONTOSO.COM", "kdc": ["dc1\nadmin_server = evil"]}, "kdc"),
        ({"kdc": ["dc1.contoso.com"]}, "needs realm"),
    ],
)
def test_options_that_cannot_work_are_refused(changed, words):
    with pytest.raises(InvalidInput, match=words) as caught:
        open_transport({**KERBEROS, **changed})
    assert "s3cr3t" not in str(caught.value) and "s3cr3t" not in repr(caught.value.facts)


def test_a_file_without_certificates_is_refused(tmp_path):
    empty = tmp_path / "ca.pem"
    empty.write_text("no certificate", encoding="utf-8")
    with pytest.raises(InvalidInput, match="PEM"):
        open_transport({**KERBEROS, "ca_cert": str(empty)})


def test_no_password_shows():
    transport = open_transport(BASIC)
    assert "s3cr3t" not in repr(transport) + repr(transport._options) + repr(transport._attempts.target)
    assert "s3cr3t" not in repr(RemotingOptions("lync01", password="s3cr3t"))


def test_nothing_is_sent_for_a_value_that_cannot_be_sent():
    transport = open_transport(BASIC)
    with pytest.raises(InvalidInput):
        transport.run([Command("Get-CsPool", {"Identity": "a\0"})])
    with pytest.raises(InvalidInput):
        transport.execute("sc.exe", ["query", "a&b"])
    assert transport.run([]) == []
    transport.close()
    transport.close()


def test_a_chunk_of_input_fits_the_envelope_that_the_client_announces():
    encoded, envelope = winrm._CHUNK * 4 // 3, 4096
    assert encoded + envelope < 153600  # pywinrm's MaxEnvelopeSize, the default of Windows Server 2008 R2

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The channel below the logon: channel binding, certificates of both sides, TLS versions, and servers that are silent."""

from __future__ import annotations

import socket
import ssl
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import requests
import requests_ntlm.requests_ntlm
from pypsrp.exceptions import AuthenticationError
from pypsrp.negotiate import HTTPNegotiateAuth
from winrm.exceptions import InvalidCredentialsError
from winrm.vendor.requests_kerberos import kerberos_

from tests.integration.lab.wire_clients import authority, client_certificate, policy, protocol, run, whoami
from tests.lab import settings
from tests.lab.client import LabClient

__all__ = ["policy"]
Configure = Callable[..., None]
REFUSED = (InvalidCredentialsError, AuthenticationError)
BOUND = [("pywinrm", "kerberos"), ("pywinrm", "ntlm"), ("pypsrp", "kerberos"), ("pypsrp", "ntlm")]
UNBOUND_OPTIONS = {"pywinrm": {"send_cbt": False}, "pypsrp": {"negotiate_send_cbt": False}}
MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
HTTPS = "https://%s:%d/wsman" % (settings.fqdn("lync01"), settings.HTTPS_PORT)
IIS = "https://%s/OcsPowershell" % settings.fqdn("lync01")


@pytest.fixture
def wrong_binding(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clients have seen another certificate, as behind somebody who ends the TLS connection in between."""
    monkeypatch.setattr(kerberos_, "_get_certificate_hash", lambda certificate: b"\0" * 32)
    monkeypatch.setattr(requests_ntlm.requests_ntlm, "_get_certificate_hash", lambda certificate: b"\0" * 32)
    monkeypatch.setattr(HTTPNegotiateAuth, "_get_certificate_hash", staticmethod(lambda certificate: b"\0" * 32))
    # pywinrm's first Kerberos token comes before it has seen a certificate, and would be taken
    original = kerberos_.HTTPKerberosAuth.__init__

    def without_preemptive(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **{**options, "force_preemptive": False})

    monkeypatch.setattr(kerberos_.HTTPKerberosAuth, "__init__", without_preemptive)
    monkeypatch.setattr("winrm.transport.HTTPKerberosAuth", kerberos_.HTTPKerberosAuth)


def enters(library: str, way: str, **options: Any) -> bool:
    """Whether the server lets the operator in."""
    try:
        return whoami(library, way, **options) == "contoso\\csadmin"
    except REFUSED:
        return False


@pytest.mark.parametrize(("library", "auth"), BOUND)
@pytest.mark.parametrize("hardening", ["none", "relaxed", "strict"])
def test_a_client_bound_to_the_channel_enters(
    lab: LabClient, policy: Configure, hardening: str, library: str, auth: str
) -> None:
    policy("cbt_hardening", hardening)
    assert enters(library, "https-" + auth)
    assert enters(library, "http-" + auth)  # without TLS there is nothing to bind to


@pytest.mark.parametrize(("library", "auth"), BOUND)
@pytest.mark.parametrize(("hardening", "expected"), [("none", True), ("relaxed", True), ("strict", False)])
def test_a_client_without_a_binding(
    lab: LabClient, policy: Configure, hardening: str, expected: bool, library: str, auth: str
) -> None:
    policy("cbt_hardening", hardening)
    assert enters(library, "https-" + auth, **UNBOUND_OPTIONS[library]) == expected


@pytest.mark.parametrize(("library", "auth"), BOUND)
@pytest.mark.parametrize(("hardening", "expected"), [("none", True), ("relaxed", False), ("strict", False)])
def test_a_client_bound_to_another_channel(
    lab: LabClient, policy: Configure, wrong_binding: None, hardening: str, expected: bool, library: str, auth: str
) -> None:
    policy("cbt_hardening", hardening)
    assert enters(library, "https-" + auth) == expected


@pytest.mark.parametrize("library", ["pywinrm", "pypsrp"])
@pytest.mark.parametrize("auth", ["credssp", "basic", "certificate"])
def test_the_others_have_no_binding_and_need_none(lab: LabClient, policy: Configure, library: str, auth: str) -> None:
    policy("cbt_hardening", "strict")
    assert enters(library, "https-" + auth)


# Clients' certificates


@pytest.mark.parametrize("library", ["pywinrm", "pypsrp"])
def test_a_client_certificate_of_another_authority_ends_the_handshake(lab: LabClient, library: str) -> None:
    with pytest.raises(requests.exceptions.SSLError, match="UNKNOWN_CA"):
        whoami(library, "https-certificate", user="csadmin-untrusted")


@pytest.mark.parametrize("library", ["pywinrm", "pypsrp"])
def test_a_client_certificate_that_nobody_is_mapped_to_is_refused(lab: LabClient, library: str) -> None:
    with pytest.raises(REFUSED):
        whoami(library, "https-certificate", user="stranger")


@pytest.mark.parametrize(
    ("url", "certificate", "scheme", "status"),
    [
        (HTTPS, client_certificate(), MUTUAL, 200),
        (HTTPS, client_certificate(), None, 401),
        (HTTPS, None, MUTUAL, 401),
        ("http://%s:%d/wsman" % (settings.fqdn("lync01"), settings.HTTP_PORT), None, MUTUAL, 401),
    ],
)
def test_certificate_and_scheme_are_needed_both(
    lab: LabClient, url: str, certificate: tuple[str, str] | None, scheme: str | None, status: int
) -> None:
    headers = {"Authorization": scheme} if scheme else {}
    answer = requests.post(url, data=b"", headers=headers, cert=certificate, verify=authority(), timeout=10)
    assert answer.status_code == status


# Servers' certificates and TLS versions


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("expired", "certificate has expired"),
        ("untrusted", "unable to get local issuer certificate"),
        ("other_name", "Hostname mismatch"),
    ],
)
@pytest.mark.parametrize("url", [HTTPS, IIS])
def test_a_certificate_that_should_not_be_trusted(
    lab: LabClient, policy: Configure, url: str, kind: str, says: str
) -> None:
    policy("certificate", kind, "lync01")
    with pytest.raises(requests.exceptions.SSLError, match=says):
        requests.post(url, verify=authority(), timeout=10)
    other = requests.post(HTTPS.replace("lync01", "pc01"), data=b"", verify=authority(), timeout=10)
    assert other.status_code == 401
    # the certificate is all that is wrong, and it is the one that the logon is bound to
    policy("cbt_hardening", "strict")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ignoring = protocol("lync01", "https-ntlm", server_cert_validation="ignore")
        assert run(ignoring, "hostname")[2] == 0


def test_the_rogue_host_has_a_certificate_of_an_unknown_authority(lab: LabClient) -> None:
    with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        protocol("rogue", "https-basic").open_shell()
    ignoring = protocol("rogue", "https-basic", server_cert_validation="ignore")
    assert run(ignoring, "hostname")[2] == 0


def test_a_certificate_of_another_name_is_not_trusted(lab: LabClient) -> None:
    client = protocol("lync01", "https-basic")
    address = next(host.address for host in settings.HOSTS if host.name == "lync01")
    client.transport.endpoint = "https://%s:%d/wsman" % (address, settings.HTTPS_PORT)
    with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        client.open_shell()


def spoken(context: ssl.SSLContext, port: int = settings.HTTPS_PORT) -> str | None:
    """The TLS version that a client and gc01 agree on."""
    with socket.create_connection((settings.fqdn("gc01"), port), timeout=10) as connection:
        with context.wrap_socket(connection, server_hostname=settings.fqdn("gc01")) as layer:
            return layer.version()


def test_an_old_server_speaks_tls_1_0_alone(lab: LabClient, policy: Configure) -> None:
    modern = ssl.create_default_context(cafile=authority())
    modern.minimum_version = ssl.TLSVersion.TLSv1_2  # as urllib3 has it
    assert spoken(modern) == "TLSv1.2"
    policy("tls", "old", "gc01")
    with pytest.raises(ssl.SSLError, match="UNSUPPORTED_PROTOCOL"):
        spoken(modern)
    with pytest.raises(requests.exceptions.SSLError, match="UNSUPPORTED_PROTOCOL"):
        protocol("gc01", "https-ntlm").open_shell()
    assert run(protocol("gc01", "http-ntlm"), "hostname")[2] == 0  # the documented way to reach it
    tolerant = ssl.create_default_context(cafile=authority())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        tolerant.minimum_version = ssl.TLSVersion.TLSv1
    tolerant.set_ciphers("DEFAULT:@SECLEVEL=0")
    assert spoken(tolerant) == "TLSv1"


def test_plain_http_on_the_tls_port(lab: LabClient, policy: Configure) -> None:
    policy("tls", "none", "lync01")
    with pytest.raises(requests.exceptions.SSLError, match="WRONG_VERSION_NUMBER"):
        protocol("lync01", "https-ntlm").open_shell()
    plain = requests.post(HTTPS.replace("https", "http"), data=b"", timeout=10)
    assert (plain.status_code, plain.headers["WWW-Authenticate"]) == (401, "Negotiate, Kerberos, CredSSP")


@pytest.mark.parametrize("url", [HTTPS, IIS, HTTPS.replace("https", "http").replace("5986", "5985")])
def test_a_silent_server(lab: LabClient, policy: Configure, url: str) -> None:
    policy("silent", True, "lync01")
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(url, data=b"", verify=authority(), timeout=0.5)


def test_nobody_listens_on_another_port(lab: LabClient) -> None:
    with pytest.raises(requests.exceptions.ConnectionError, match="refused"):
        requests.post(HTTPS.replace("5986", "5999"), data=b"", timeout=10)

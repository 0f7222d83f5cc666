# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets in, by which way, and who does not."""

from __future__ import annotations

import pytest
import requests
from winrm.exceptions import InvalidCredentialsError, WinRMTransportError, WSManFaultError
from winrm.vendor.requests_kerberos.exceptions import KerberosExchangeError

from tests.integration.lab.wire_clients import protocol, run
from tests.lab import settings
from tests.lab.client import LabClient

WAYS = ("http-kerberos", "https-kerberos", "https-basic")


@pytest.mark.parametrize("host", ["lync01", "pc02", "gc01"])
@pytest.mark.parametrize("way", WAYS)
def test_each_way_reaches_the_named_host_as_the_operator(lab: LabClient, way: str, host: str) -> None:
    assert run(protocol(host, way), "hostname") == (host.upper() + "\r\n", "", 0)
    assert run(protocol(host, way), "whoami")[0] == "contoso\\csadmin\r\n"


@pytest.mark.parametrize("way", ["http-kerberos", "https-kerberos"])
@pytest.mark.parametrize("service", ["HTTP", "HOST", "WSMAN"])
def test_a_ticket_for_any_service_name_of_the_host_is_good(lab: LabClient, way: str, service: str) -> None:
    assert run(protocol("lync01", way, service=service), "hostname")[2] == 0


def test_messages_can_be_encrypted_inside_tls_too(lab: LabClient) -> None:
    client = protocol("lync01", "https-kerberos", message_encryption="always")
    assert run(client, "hostname")[0] == "LYNC01\r\n"


@pytest.mark.parametrize("name", ["csadmin", "CONTOSO\\csadmin", "csadmin@contoso.com"])
def test_basic_takes_each_spelling_of_the_account(lab: LabClient, name: str) -> None:
    assert run(protocol("lync01", "https-basic", username=name), "whoami")[0] == "contoso\\csadmin\r\n"


@pytest.mark.parametrize(
    "options", [{"password": "wrong"}, {"username": "nobody@contoso.com"}, {"username": "csadmin@fabrikam.example"}]
)
def test_a_wrong_password_or_account_is_refused(lab: LabClient, options: dict[str, str]) -> None:
    with pytest.raises(InvalidCredentialsError):
        protocol("lync01", "https-basic", **options).open_shell()


def test_basic_without_tls_is_refused(lab: LabClient) -> None:
    with pytest.raises(InvalidCredentialsError):
        protocol("lync01", "http-basic").open_shell()


def test_an_unencrypted_message_over_http_is_refused(lab: LabClient) -> None:
    with pytest.raises(WinRMTransportError, match="500"):
        protocol("lync01", "http-kerberos", message_encryption="never").open_shell()


def test_nothing_is_answered_without_credentials(lab: LabClient) -> None:
    answer = requests.post("http://%s:%d/wsman" % (settings.fqdn("lync01"), settings.HTTP_PORT), data=b"", timeout=10)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Negotiate, Kerberos"


def test_a_ticket_for_another_host_is_refused(lab: LabClient) -> None:
    client = protocol("lync01", "http-kerberos", kerberos_hostname_override=settings.fqdn("pc01"))
    with pytest.raises(InvalidCredentialsError):
        client.open_shell()


def test_no_ticket_is_to_be_had_for_an_unknown_name(lab: LabClient) -> None:
    client = protocol("lync01", "http-kerberos", kerberos_hostname_override="unknown.contoso.com")
    with pytest.raises(KerberosExchangeError):
        client.open_shell()


def test_another_certificate_in_the_channel_binding_is_refused(lab: LabClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """As behind somebody who ends the TLS connection in between."""
    from winrm.vendor.requests_kerberos import kerberos_

    monkeypatch.setattr(kerberos_, "_get_certificate_hash", lambda certificate: b"\0" * 32)
    client = protocol("lync01", "https-kerberos")
    client.transport.build_session().auth.force_preemptive = False  # so that its first token has a binding
    with pytest.raises(InvalidCredentialsError):
        client.open_shell()
    monkeypatch.undo()
    client = protocol("lync01", "https-kerberos")
    client.transport.build_session().auth.force_preemptive = False
    client.close_shell(client.open_shell())


def test_an_account_without_rights_may_not_create_a_shell(lab: LabClient) -> None:
    with pytest.raises(WSManFaultError) as refused:
        protocol("lync01", "https-basic", user="plainuser").open_shell()
    assert refused.value.wsman_fault_code == 5
    assert refused.value.code == 500


def test_a_certificate_of_an_unknown_authority_is_not_trusted(lab: LabClient) -> None:
    with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        protocol("rogue", "https-basic").open_shell()
    ignoring = protocol("rogue", "https-basic", server_cert_validation="ignore")
    assert run(ignoring, "hostname")[2] == 0  # the certificate is all that is wrong with it


def test_a_certificate_of_another_name_is_not_trusted(lab: LabClient) -> None:
    client = protocol("lync01", "https-basic")
    client.transport.endpoint = "https://%s:%d/wsman" % (_address("lync01"), settings.HTTPS_PORT)
    with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        client.open_shell()


def test_a_host_without_remote_management_does_not_answer(lab: LabClient) -> None:
    with pytest.raises(requests.exceptions.ConnectionError):
        protocol("dc1", "https-basic").open_shell()


def _address(name: str) -> str:
    return next(host.address for host in settings.HOSTS if host.name == name)

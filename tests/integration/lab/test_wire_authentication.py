# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets in, by which way, and who does not."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pypsrp.exceptions import AuthenticationError
from pypsrp.exceptions import WSManFaultError as PypsrpFaultError
from requests_credssp.exceptions import AuthenticationException, NTStatusException
from winrm.exceptions import InvalidCredentialsError, WinRMTransportError, WSManFaultError
from winrm.vendor.requests_kerberos.exceptions import KerberosExchangeError

from tests.integration.lab.test_wire_shells import ARGUMENTS, POOL, answer, request
from tests.integration.lab.wire_clients import authority, execute, policy, protocol, run, whoami, wsman
from tests.lab import settings
from tests.lab.client import LabClient
from tests.lab.wire.sealing import PART

__all__ = ["policy"]
Configure = Callable[..., None]
WAYS = (
    "http-kerberos", "https-kerberos", "http-ntlm", "https-ntlm", "http-credssp", "https-credssp", "https-basic",
    "https-certificate",
)  # fmt: skip
MATRIX = [(library, way) for library in ("pywinrm", "pypsrp") for way in WAYS]
MATRIX += [("pypsrp", "http-negotiate"), ("pypsrp", "https-negotiate")]
WITH_PASSWORD = [pair for pair in MATRIX if pair[1].split("-")[1] in ("ntlm", "credssp", "basic")]
SEALING = [pair for pair in MATRIX if pair[1].startswith("http-")]
#: what the libraries say of a 401 that is final
REFUSED = (InvalidCredentialsError, AuthenticationError, AuthenticationException)
UNENCRYPTED = {"pywinrm": {"message_encryption": "never"}, "pypsrp": {"encryption": "never"}}
ENCRYPTED_TWICE = {"pywinrm": {"message_encryption": "always"}, "pypsrp": {"encryption": "always"}}
DELEGATION = {"pywinrm": {"kerberos_delegation": True}, "pypsrp": {"negotiate_delegate": True}}


@pytest.mark.parametrize(("library", "way"), MATRIX)
def test_each_way_leads_in_as_the_operator(lab: LabClient, library: str, way: str) -> None:
    assert whoami(library, way) == "contoso\\csadmin"


@pytest.mark.parametrize("host", ["lync01", "pc02", "gc01"])
@pytest.mark.parametrize("way", WAYS)
def test_each_way_reaches_the_named_host(lab: LabClient, way: str, host: str) -> None:
    assert run(protocol(host, way), "hostname") == (host.upper() + "\r\n", "", 0)


@pytest.mark.parametrize("way", ["http-kerberos", "https-kerberos"])
@pytest.mark.parametrize("service", ["HTTP", "HOST", "WSMAN"])
def test_a_ticket_for_any_service_name_of_the_host_is_good(lab: LabClient, way: str, service: str) -> None:
    assert run(protocol("lync01", way, service=service), "hostname")[2] == 0


@pytest.mark.parametrize(("library", "way"), [(a, b.replace("http-", "https-")) for a, b in SEALING])
def test_messages_can_be_encrypted_inside_tls_too(lab: LabClient, library: str, way: str) -> None:
    assert whoami(library, way, **ENCRYPTED_TWICE[library]) == "contoso\\csadmin"


@pytest.mark.parametrize(("library", "way"), SEALING)
def test_a_message_of_many_parts_arrives_and_is_answered(lab: LabClient, library: str, way: str) -> None:
    """CredSSP seals 16 KB at a time."""
    name = "x" * 3 * PART
    asked = request({**POOL, "parameters": {"Identity": name}})
    out, err, code = execute(library, way, "powershell.exe", *ARGUMENTS, stdin=asked)
    assert (err, code) == ("", 0)
    assert name in answer(out)["results"][0]["error"]["message"]


@pytest.mark.parametrize(("library", "way"), WITH_PASSWORD)
@pytest.mark.parametrize("name", ["CONTOSO\\csadmin", "contoso\\CSAdmin", "csadmin@contoso.com"])
def test_each_spelling_of_the_account_is_taken(lab: LabClient, library: str, way: str, name: str) -> None:
    assert whoami(library, way, username=name) == "contoso\\csadmin"


@pytest.mark.parametrize(("library", "way"), WITH_PASSWORD)
@pytest.mark.parametrize(
    "wrong", [{"password": "wrong"}, {"username": "nobody@contoso.com"}, {"username": "FABRIKAM\\csadmin"}]
)
def test_a_wrong_password_or_account_is_refused(lab: LabClient, library: str, way: str, wrong: dict[str, str]) -> None:
    with pytest.raises((*REFUSED, NTStatusException)):
        whoami(library, way, **wrong)


@pytest.mark.parametrize(("library", "way"), MATRIX)
def test_a_way_that_is_switched_off_is_closed(lab: LabClient, policy: Configure, library: str, way: str) -> None:
    means = way.split("-")[1].replace("negotiate", "kerberos")
    policy("auth_" + means, False, "lync01")
    with pytest.raises(REFUSED):
        whoami(library, way)
    assert whoami(library, way, host="pc01") == "contoso\\csadmin"  # another host, and the same client is good


@pytest.mark.parametrize("library", ["pywinrm", "pypsrp"])
def test_credssp_is_closed_to_a_mechanism_that_is_switched_off(lab: LabClient, policy: Configure, library: str) -> None:
    policy("auth_ntlm", False)
    with pytest.raises(REFUSED):
        whoami(library, "https-credssp", username="CONTOSO\\csadmin")
    policy("auth_ntlm", True)
    policy("auth_kerberos", False)
    assert whoami(library, "https-credssp", username="CONTOSO\\csadmin") == "contoso\\csadmin"


@pytest.mark.parametrize("way", ["http-negotiate", "https-negotiate"])
def test_negotiate_falls_back_to_ntlm_for_a_name_without_a_ticket(lab: LabClient, policy: Configure, way: str) -> None:
    account = {"username": "CONTOSO\\csadmin", "password": settings.PASSWORD}
    unknown = {"negotiate_hostname_override": "unknown.contoso.com", **account}
    assert whoami("pypsrp", way, **unknown) == "contoso\\csadmin"
    policy("auth_ntlm", False)
    with pytest.raises(AuthenticationError):
        whoami("pypsrp", way, **unknown)


@pytest.mark.parametrize(
    ("off", "http", "https"),
    [
        ([], "Negotiate, Kerberos, CredSSP", 'Negotiate, Kerberos, CredSSP, Basic realm="WSMAN"'),
        (["ntlm"], "Negotiate, Kerberos, CredSSP", 'Negotiate, Kerberos, CredSSP, Basic realm="WSMAN"'),
        (["kerberos"], "Negotiate, CredSSP", 'Negotiate, CredSSP, Basic realm="WSMAN"'),
        (["kerberos", "ntlm"], "CredSSP", 'CredSSP, Basic realm="WSMAN"'),
        (["credssp", "basic", "certificate"], "Negotiate, Kerberos", "Negotiate, Kerberos"),
    ],
)
def test_what_is_offered(lab: LabClient, policy: Configure, off: list[str], http: str, https: str) -> None:
    for means in off:
        policy("auth_" + means, False)
    for url, offered in (("http://%s:5985/wsman", http), ("https://%s:5986/wsman", https)):
        answer = requests.post(url % settings.fqdn("lync01"), data=b"", timeout=10, verify=authority())
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, offered)


@pytest.mark.parametrize("library", ["pywinrm", "pypsrp"])
def test_basic_without_tls_is_refused(lab: LabClient, library: str) -> None:
    with pytest.raises((InvalidCredentialsError, AuthenticationError)):
        whoami(library, "http-basic", **UNENCRYPTED[library])


@pytest.mark.parametrize(("library", "way"), SEALING)
def test_an_unencrypted_message_over_http_is_refused(lab: LabClient, library: str, way: str) -> None:
    if way == "http-credssp":  # the last message of the logon is the first of the session, and is what is refused
        refusal: Any = pytest.raises(AuthenticationException, match="after step Credential exchange - actual ''")
    else:
        refusal = pytest.raises((WinRMTransportError, PypsrpFaultError), match="500|No details")
    with refusal:
        whoami(library, way, **UNENCRYPTED[library])


def test_a_ticket_for_another_host_is_refused(lab: LabClient) -> None:
    client = protocol("lync01", "http-kerberos", kerberos_hostname_override=settings.fqdn("pc01"))
    with pytest.raises(InvalidCredentialsError):
        client.open_shell()


def test_no_ticket_is_to_be_had_for_an_unknown_name(lab: LabClient) -> None:
    client = protocol("lync01", "http-kerberos", kerberos_hostname_override="unknown.contoso.com")
    with pytest.raises(KerberosExchangeError):
        client.open_shell()


@pytest.mark.parametrize("way", ["https-basic", "https-ntlm", "http-credssp"])
def test_an_account_without_rights_may_not_create_a_shell(lab: LabClient, way: str) -> None:
    with pytest.raises(WSManFaultError) as refused:
        protocol("lync01", way, user="plainuser").open_shell()
    assert refused.value.wsman_fault_code == 5
    assert refused.value.code == 500


# Credentials that reach further


@pytest.fixture(scope="module")
def second_hop(lab: LabClient) -> Iterator[None]:
    """AD and SQL are asked with the session's own credentials."""
    lab.call("switch.set", name="second_hop", value="needs_delegation")
    yield
    lab.call("switch.set", name="second_hop", value="works")


def reaches_further(library: str, way: str, **options: Any) -> bool:
    """Whether a cmdlet that talks to SQL succeeds."""
    command = "Get-CsPersistentChatAddin -PersistentChatPoolFqdn pcpool.contoso.com"
    script = base64.b64encode(command.encode("utf-16-le")).decode()
    return not execute(library, way, "powershell.exe", "-NoProfile", "-EncodedCommand", script, **options)[2]


@pytest.mark.parametrize(("library", "way"), MATRIX)
def test_which_ways_hand_over_credentials(lab: LabClient, second_hop: None, library: str, way: str) -> None:
    assert reaches_further(library, way) == (way.split("-")[1] in ("basic", "credssp"))


@pytest.mark.parametrize("way", ["http-kerberos", "https-kerberos"])
@pytest.mark.parametrize("library", ["pywinrm", "pypsrp"])
def test_a_forwarded_ticket_reaches_further(lab: LabClient, second_hop: None, library: str, way: str) -> None:
    assert reaches_further(library, way, **DELEGATION[library])


@pytest.mark.parametrize("library", ["pywinrm", "pypsrp"])
def test_a_ticket_that_must_not_be_forwarded_reaches_no_further(
    lab: LabClient, second_hop: None, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRB5CCNAME", "FILE:%s" % (tmp_path / "ccache"))
    subprocess.run(["kinit", "-F", settings.OPERATOR], input=settings.PASSWORD + "\n", text=True, check=True)
    assert not reaches_further(library, "https-kerberos", **DELEGATION[library])


# Paths and ports


@pytest.mark.parametrize(
    ("host", "port", "path", "status"),
    [
        ("lync01", settings.IIS_PORT, "OcsPowershell", 401),
        ("lync01", settings.IIS_PORT, "ocspowershell/?PSVersion=5.1", 401),
        ("lync01", settings.IIS_PORT, "wsman", 404),
        ("lync01", settings.HTTPS_PORT, "OcsPowershell", 404),
        ("pc01", settings.IIS_PORT, "OcsPowershell", 404),
        ("lync01", settings.HTTPS_PORT, "WSMan", 401),
    ],
)
def test_what_is_where(lab: LabClient, host: str, port: int, path: str, status: int) -> None:
    url = "https://%s:%d/%s" % (settings.fqdn(host), port, path)
    assert requests.post(url, data=b"", timeout=10, verify=authority()).status_code == status


@pytest.mark.parametrize("auth", ["kerberos", "negotiate", "ntlm"])
def test_the_endpoint_behind_iis_knows_the_same_people(lab: LabClient, auth: str) -> None:
    with wsman(way="https-" + auth, port=settings.IIS_PORT, path="OcsPowershell") as client:
        assert client.transport.send(b"").strip() == b""  # the answer to a bare logon


def test_a_host_without_remote_management_does_not_answer(lab: LabClient) -> None:
    with pytest.raises(requests.exceptions.ConnectionError):
        protocol("dc1", "https-basic").open_shell()

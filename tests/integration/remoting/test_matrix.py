# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each transport with each authentication over each scheme that can carry it, and beside each what refuses it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import RemotingError
from tests.lab import settings
from tests.lab.client import LabClient

READ = Command("Get-CsSipDomain", {}, ("Name",), reads=True)
WRONG = "Wr0ng-Secret"
ACCOUNT = "%s\\%s" % (settings.NETBIOS, settings.OPERATOR)
PRINCIPAL = "%s@%s" % (settings.OPERATOR, settings.REALM)
PASSWORD = {"remote_user": ACCOUNT, "remote_password": settings.PASSWORD}
#: each way to authenticate: its options, and the schemes that can carry it
WAYS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "ticket": ({"auth": "kerberos"}, ("https", "http")),
    "kerberos-password": (
        {"auth": "kerberos", "remote_user": PRINCIPAL, "remote_password": settings.PASSWORD},
        ("https", "http"),
    ),
    "negotiate-ticket": ({"auth": "negotiate"}, ("https", "http")),
    "negotiate-password": (
        {"auth": "negotiate", "remote_user": PRINCIPAL, "remote_password": settings.PASSWORD},
        ("https", "http"),
    ),
    "ntlm": ({"auth": "ntlm", **PASSWORD}, ("https", "http")),
    "credssp": ({"auth": "credssp", **PASSWORD}, ("https", "http")),
    "basic": ({"auth": "basic", **PASSWORD}, ("https",)),
    "certificate": ({"auth": "certificate"}, ("https",)),
}
MATRIX = [
    pytest.param(transport, way, scheme, id="%s-%s-%s" % (transport, way, scheme))
    for transport in ("winrm", "psrp")
    for way, (_options, schemes) in WAYS.items()
    for scheme in schemes
    if not (transport == "winrm" and way.startswith("negotiate"))
]


def options_of(lab: LabClient, transport: str, way: str, scheme: str) -> dict[str, Any]:
    """The options of one cell of the matrix."""
    options = {"transport": transport, "scheme": scheme, **WAYS[way][0]}
    if way == "certificate":
        options["certificate_pem"] = str(lab.paths.certificate(settings.OPERATOR))
        options["certificate_key_pem"] = str(lab.paths.key(settings.OPERATOR))
    return options


def cell(condition: Any = lambda transport, way, scheme: True) -> Any:
    """The cells of the matrix for which something can be tried."""
    return pytest.mark.parametrize(
        ("transport", "way", "scheme"), [entry for entry in MATRIX if condition(*entry.values)]
    )


def refused(connect: Any, lab: LabClient, codes: tuple[str, ...], **options: Any) -> str:
    """Expect a final refusal, and that nobody got a cmdlet to run; returns the message."""
    lab.call("log.clear")
    with pytest.raises(RemotingError) as caught:
        connect(**options).run([READ])
    error = caught.value
    assert (error.code in codes, error.kind) == (True, "fatal"), "%s %s: %s" % (error.code, error.kind, error)
    assert settings.PASSWORD not in str(error) and WRONG not in str(error)
    assert lab.call("cmdlets.list")["cmdlets"] == []
    return str(error)


@cell()
def test_it_works_and_the_server_knows_who_it_is(connect, lab, transport, way, scheme):
    lab.call("log.clear")
    (outcome,) = connect(**options_of(lab, transport, way, scheme)).run([READ])
    assert [item["Name"] for item in outcome.objects()] == ["contoso.com", "fabrikam.example"]
    (call,) = [c for c in lab.call("cmdlets.list")["cmdlets"] if c["name"] == READ.name]
    assert call["user"].lower() == ACCOUNT.lower()


@cell(lambda transport, way, scheme: "remote_password" in WAYS[way][0])
def test_a_wrong_password(connect, lab, transport, way, scheme):
    options = {**options_of(lab, transport, way, scheme), "remote_password": WRONG}
    message = refused(connect, lab, ("authentication_failed", "wrong_password"), **options)
    assert settings.OPERATOR in message


@cell(lambda transport, way, scheme: way in ("ticket", "kerberos-password", "negotiate-ticket"))
def test_a_service_that_the_kdc_does_not_know(connect, lab, transport, way, scheme):
    options = {**options_of(lab, transport, way, scheme), "kerberos_hostname_override": "nobody.contoso.com"}
    message = refused(connect, lab, ("kerberos_spn_unknown",), **options)
    assert "HTTP/nobody.contoso.com" in message


@cell(lambda transport, way, scheme: scheme == "https")
def test_a_certificate_of_an_authority_that_is_not_trusted(connect, lab, transport, way, scheme):
    options = {**options_of(lab, transport, way, scheme), "ca_cert": str(lab.paths.certificate("rogue"))}
    refused(connect, lab, ("certificate_untrusted",), **options)


@cell(lambda transport, way, scheme: scheme == "https")
def test_a_certificate_for_another_name(connect, lab, transport, way, scheme):
    options = {**options_of(lab, transport, way, scheme), "remote_addr": "10.99.77.21"}
    options["kerberos_hostname_override"] = "lync01.contoso.com"
    refused(connect, lab, ("certificate_name_mismatch",), **options)


BOUND = cell(
    lambda transport, way, scheme: scheme == "https" and WAYS[way][0]["auth"] in ("kerberos", "negotiate", "ntlm")
)


@pytest.fixture
def strict(lab):
    lab.call("policy.set", name="cbt_hardening", value="strict")
    yield
    lab.call("policy.set", name="cbt_hardening", value="relaxed")


@BOUND
def test_a_strict_server_and_a_bound_channel(connect, lab, strict, transport, way, scheme):
    (outcome,) = connect(**options_of(lab, transport, way, scheme)).run([READ])
    assert outcome.objects()


@BOUND
def test_a_strict_server_and_no_binding(connect, lab, strict, transport, way, scheme):
    options = {**options_of(lab, transport, way, scheme), "send_cbt": False}
    assert "send_cbt" in refused(connect, lab, ("authentication_failed",), **options)


@cell(lambda transport, way, scheme: WAYS[way][0]["auth"] != "credssp")
def test_a_server_that_does_not_offer_it(connect, lab, transport, way, scheme):
    own = {"kerberos": ("kerberos",), "negotiate": ("kerberos", "ntlm")}.get(
        WAYS[way][0]["auth"], (WAYS[way][0]["auth"],)
    )
    for name in own:
        lab.call("policy.set", name="auth_" + name, value=False)
    try:
        refused(connect, lab, ("authentication_failed",), **options_of(lab, transport, way, scheme))
    finally:
        for name in own:
            lab.call("policy.set", name="auth_" + name, value=True)


@pytest.mark.parametrize("transport", ["winrm", "psrp"])
def test_a_client_certificate_of_another_authority(connect, lab, transport):
    options = options_of(lab, transport, "certificate", "https")
    options.update(certificate_pem=str(lab.paths.certificate("rogue")), certificate_key_pem=str(lab.paths.key("rogue")))
    refused(connect, lab, ("authentication_failed", "client_certificate_refused"), **options)

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties of the wire's parts, without a server: envelopes, sealed messages, command lines."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.lab.client import LabClient
from tests.lab.settings import Paths, fqdn
from tests.lab.wire import soap
from tests.lab.wire.powershell import NotLiteral, parse_command
from tests.lab.wire.programs import split_command_line
from tests.lab.wire.sealing import SealError, seal, sealed_protocol, unseal

ENVELOPE = """<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"
 xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd">
 <s:Header>%s</s:Header><s:Body/></s:Envelope>"""


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_a_command_line_splits_into_what_it_was_made_of(arguments: list[str]) -> None:
    assert split_command_line(subprocess.list2cmdline(arguments)) == arguments


@given(st.text())
def test_every_reply_is_xml_and_keeps_what_xml_can_carry(text: str) -> None:
    request = soap.Request("http://example.org/Do", "uuid:1")
    reply = ET.fromstring(soap.build_reply(request, [soap.element("rsp:Name", text or None)]))
    found = reply.findtext(".//rsp:Name", "", soap.NAMESPACES)
    assert len(found) == len(text.replace("\r\n", "\n"))
    assert all(
        a == b or (a == "?" or {a, b} <= {"\r", "\n"}) for a, b in zip(found, text.replace("\r\n", "\n"), strict=True)
    )


@given(st.integers(0, 2**32 - 1), st.text())
def test_every_fault_is_xml_and_names_its_code(code: int, text: str) -> None:
    fault = ET.fromstring(soap.build_fault(soap.WsmanFault(code, text), "lync01.contoso.com"))
    detail = fault.find("s:Body/s:Fault/s:Detail/f:WSManFault", soap.NAMESPACES)
    assert detail is not None and detail.get("Code") == str(code)


@given(st.integers(0, 99), st.integers(0, 23), st.integers(0, 59), st.decimals(0, 59, places=3))
def test_durations(days: int, hours: int, minutes: int, rest: float) -> None:
    expected = days * 86400 + hours * 3600 + minutes * 60 + float(rest)
    assert soap.seconds("P%dDT%dH%dM%sS" % (days, hours, minutes, rest)) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "P", "PT", "P1", "1S", "P1DT", "PT1", "-PT1S", "PTS"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(soap.WsmanFault):
        soap.seconds(text)


@pytest.mark.parametrize("header", ["", "<a:Action>x</a:Action>", "<a:MessageID>x</a:MessageID>"])
def test_an_envelope_needs_action_and_message_id(header: str) -> None:
    with pytest.raises(soap.WsmanFault, match="Action or MessageID"):
        soap.parse_request((ENVELOPE % header).encode())


@pytest.fixture(scope="module")
def contexts(lab: LabClient) -> tuple[object, object]:
    """Both ends of a real Kerberos context."""
    import spnego

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KRB5_KTNAME", "FILE:%s" % Paths.of().keytab)
        patch.setenv("KRB5RCACHENAME", "none:")
        options = spnego.NegotiateOptions.wrapping_winrm
        client = spnego.client(hostname=fqdn("lync01"), service="HTTP", protocol="kerberos", options=options)
        server = spnego.server(protocol="kerberos", options=options)
        token = server.step(client.step())
        client.step(token)
    return client, server


@hypothesis_settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(), place=st.integers(0), flip=st.integers(1, 255))
def test_a_sealed_message_opens_unless_it_was_touched(contexts: tuple, data: bytes, place: int, flip: int) -> None:
    client, server = contexts
    content_type, message = seal(client, "application/HTTP-SPNEGO-session-encrypted", data)
    assert sealed_protocol(content_type)
    assert unseal(server, message) == data
    start, end = message.index(b"octet-stream\r\n") + 14, len(message) - 24
    _type, message = seal(client, "application/HTTP-SPNEGO-session-encrypted", data)
    place = start + place % (end - start)
    with pytest.raises(SealError):
        unseal(server, message[:place] + bytes([message[place] ^ flip]) + message[place + 1 :])
    assert unseal(server, message) == data


@pytest.mark.parametrize(
    ("script", "name", "positional", "named"),
    [
        ("whoami", "whoami", [], {}),
        ("sc.exe query 'Group Chat'", "sc.exe", ["query", "Group Chat"], {}),
        ("Get-CsPool", "Get-CsPool", [], {}),
        ("Get-CsPool pcpool.contoso.com", "Get-CsPool", ["pcpool.contoso.com"], {}),
        ('Get-CsUser -Identity "sip:a@b.c" -WhatIf', "Get-CsUser", [], {"Identity": "sip:a@b.c", "WhatIf": True}),
        ("Stop-It -Name 'it''s' -Confirm:$false", "Stop-It", [], {"Name": "it's", "Confirm": False}),
    ],
)
def test_a_literal_command(script: str, name: str, positional: list[str], named: dict[str, object]) -> None:
    import tests.lab.programs  # noqa: F401

    assert parse_command(script) == (name, positional, named)


@pytest.mark.parametrize(
    "script",
    [
        "",
        "'quoted'",
        "a | b",
        "a; b",
        "a $b",
        'a "$b"',
        "a (b)",
        "a `n",
        "& a",
        "a > b",
        "a @b",
        "Get-X a b",
        "Get-X a,b",
        "a\nb $c",
    ],
)
def test_what_is_not_literal(script: str) -> None:
    with pytest.raises(NotLiteral):
        parse_command(script)


def test_importing_the_server_does_not_load_the_security_libraries() -> None:
    """A lab starts in a second; spnego alone takes a quarter of one."""
    check = "import sys, tests.lab.wire.server; sys.exit('spnego' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0

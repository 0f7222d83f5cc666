# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the wire's tests share: sessions to the lab's hosts by pywinrm and by pypsrp, and ordered faults that end with the test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import xmltodict
from pypsrp.shell import Process, SignalCode, WinRS
from pypsrp.wsman import WSMan
from winrm.protocol import Protocol

from tests.lab import settings
from tests.lab.client import LabClient

RSP = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
COMMAND_SHELL = RSP + "/cmd"
BRIDGE = "# lync.persistent_chat bridge, protocol 1"


def protocol(
    host: str = "lync01", way: str = "http-kerberos", user: str = settings.OPERATOR, **options: Any
) -> Protocol:
    """An unmodified pywinrm client.

    :param way: http or https, and kerberos, ntlm, credssp, basic or certificate, such as http-kerberos.
    """
    scheme, transport = way.split("-")
    port = settings.HTTP_PORT if scheme == "http" else settings.HTTPS_PORT
    if transport in ("basic", "ntlm", "credssp"):
        options = {"username": "%s@%s" % (user, settings.DOMAIN), "password": settings.PASSWORD, **options}
    elif transport == "certificate":
        options = {**dict(zip(("cert_pem", "cert_key_pem"), client_certificate(user), strict=True)), **options}
    options.setdefault("ca_trust_path", authority())
    return Protocol(
        "%s://%s:%d/wsman" % (scheme, settings.fqdn(host), port), transport=transport, proxy=None, **options
    )


def authority() -> str:
    """The lab CA's file."""
    return str(settings.Paths.of().ca)


def client_certificate(name: str = settings.OPERATOR) -> tuple[str, str]:
    """The files of a client's certificate and key (see tests/lab/certificates.py)."""
    paths = settings.Paths.of()
    return str(paths.certificate(name)), str(paths.key(name))


def wsman(host: str = "lync01", way: str = "http-kerberos", user: str = settings.OPERATOR, **options: Any) -> WSMan:
    """An unmodified pypsrp client; C(way) is as for protocol(), and may be negotiate too."""
    scheme, auth = way.split("-")
    if auth in ("basic", "ntlm", "credssp"):
        options = {"username": "%s@%s" % (user, settings.DOMAIN), "password": settings.PASSWORD, **options}
    elif auth == "certificate":
        options = {
            **dict(zip(("certificate_pem", "certificate_key_pem"), client_certificate(user), strict=True)),
            **options,
        }
    options.setdefault("cert_validation", authority())
    options.setdefault("negotiate_service", "HTTP")
    return WSMan(settings.fqdn(host), ssl=scheme == "https", auth=auth, no_proxy=True, **options)


def execute(
    library: str, way: str, program: str, *arguments: str, stdin: bytes | None = None, **options: Any
) -> tuple[str, str, int]:
    """Run one program by a new session of C(pywinrm) or C(pypsrp); returns stdout, stderr and the exit code.

    :param options: of protocol() or wsman().
    """
    if library == "pywinrm":
        return run(protocol(way=way, **options), program, *arguments, stdin=stdin)
    with wsman(way=way, **options) as client, WinRS(client) as shell:
        process = Process(shell, program, list(arguments))
        process.begin_invoke()
        if stdin is not None:
            process.send(stdin)
        process.end_invoke()
        process.signal(SignalCode.CTRL_C)
        return process.stdout.decode(), process.stderr.decode(), process.rc


def whoami(library: str, way: str, **options: Any) -> str:
    """The account that a server sees."""
    return execute(library, way, "whoami", **options)[0].strip()


@pytest.fixture
def policy(lab: LabClient) -> Iterator[Any]:
    """C(policy(name, value, host)) configures the servers; that ends with the test."""

    def configure(name: str, value: Any, host: str | None = None) -> None:
        lab.call("policy.set", name=name, value=value, host=host and settings.fqdn(host))

    yield configure
    lab.call("policy.clear")


def run(client: Protocol, program: str, *arguments: str, stdin: bytes | None = None) -> tuple[str, str, int]:
    """Run one program in a shell of its own; returns stdout, stderr and the exit code."""
    shell = client.open_shell(codepage=65001)
    command = client.run_command(shell, program, arguments, console_mode_stdin=stdin is None)
    if stdin is not None:
        client.send_command_input(shell, command, stdin, end=True)
    out, err, code = client.get_command_output(shell, command)
    client.cleanup_command(shell, command)
    client.close_shell(shell)
    return out.decode(), err.decode(), code


def send(
    client: Protocol, verb: str, shell: str | None = None, body: dict[str, Any] | None = None, **header: Any
) -> bytes:
    """Send one envelope that pywinrm itself would not send so; C(verb) is a full action or a word of the shell's namespace."""
    action = verb if ":" in verb else "%s/%s" % (RSP, verb)
    message_id = header.pop("message_id", None) or uuid.uuid4()
    resource = header.pop("resource", COMMAND_SHELL)
    envelope = client.build_wsman_header(action, resource, shell, message_id)
    envelope["env:Header"].update(header)
    envelope["env:Body"] = body or {}
    return client.send_message(xmltodict.unparse({"env:Envelope": envelope}))


def receive(client: Protocol, shell: str, command: str, **header: Any) -> bytes:
    """One Receive."""
    wanted = {"@CommandId": command, "#text": "stdout stderr"}
    return send(client, "Receive", shell, {"rsp:Receive": {"rsp:DesiredStream": wanted}}, **header)


@pytest.fixture
def faults(lab: LabClient) -> Iterator[Any]:
    """C(faults(rule, ...)) puts rules in force; C(faults()) tells how often each acted. They end with the test."""

    def order(*rules: dict[str, Any]) -> list[int]:
        answer = lab.call("faults.set", rules=list(rules)) if rules else lab.call("faults.list")
        return [rule["fired"] for rule in answer["rules"]]

    yield order
    lab.call("faults.clear")

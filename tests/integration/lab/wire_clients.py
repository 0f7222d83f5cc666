# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the wire's tests share: pywinrm sessions to the lab's hosts, and ordered faults that end with the test."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import xmltodict
from winrm.protocol import Protocol

from tests.lab import settings
from tests.lab.client import LabClient

RSP = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
COMMAND_SHELL = RSP + "/cmd"
BRIDGE = "# lync.persistent_chat bridge, protocol 1"


def protocol(
    host: str = "lync01", way: str = "http-kerberos", user: str = settings.OPERATOR, **options: Any
) -> Protocol:
    """An unmodified pywinrm client. :param way: http-kerberos, https-kerberos, http-basic or https-basic."""
    scheme, transport = way.split("-")
    port = settings.HTTP_PORT if scheme == "http" else settings.HTTPS_PORT
    if transport == "basic":
        options = {"username": "%s@%s" % (user, settings.DOMAIN), "password": settings.PASSWORD, **options}
    options.setdefault("ca_trust_path", os.environ[settings.DIR_VARIABLE] + "/files/ca.pem")
    return Protocol(
        "%s://%s:%d/wsman" % (scheme, settings.fqdn(host), port), transport=transport, proxy=None, **options
    )


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

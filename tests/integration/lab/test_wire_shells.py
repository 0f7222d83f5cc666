# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WinRS shell on the wire: long polls, sizes, signals, and requests that make no sense."""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from winrm.exceptions import WinRMOperationTimeoutError, WinRMTransportError, WSManFaultError
from winrm.protocol import Protocol

from tests.integration.lab.wire_clients import BRIDGE, policy, protocol, receive, run, send
from tests.lab.client import LabClient

__all__ = ["policy"]
ARGUMENTS = ("-NoProfile", "-EncodedCommand", base64.b64encode(BRIDGE.encode("utf-16-le")).decode())


def request(*commands: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"protocol": 1, "modules": ["SkypeForBusiness", "Lync"], "commands": commands, **more}).encode()


def answer(stdout: str) -> dict[str, Any]:
    marked = next(line for line in stdout.splitlines() if line.startswith("#PC1#"))
    return json.loads(marked.split("#", 3)[3])


def stdout_of(reply: bytes) -> bytes:
    streams = ET.fromstring(reply).iter("{http://schemas.microsoft.com/wbem/wsman/1/windows/shell}Stream")
    return b"".join(base64.b64decode(node.text or "") for node in streams if node.get("Name") == "stdout")


POOL = {"name": "Get-CsPool", "parameters": {"Identity": "pcpool.contoso.com"}, "select": ["Identity", "Computers"]}
UNKNOWN = {"name": "Get-Unknown", "parameters": {}, "select": ["Identity"]}


@pytest.fixture
def client(lab: LabClient) -> Protocol:
    return protocol(read_timeout_sec=10, operation_timeout_sec=1)


@pytest.fixture
def waiting(client: Protocol) -> tuple[str, str]:
    """A shell and a bridge in it that waits for its input."""
    shell = client.open_shell()
    return shell, client.run_command(shell, "powershell.exe", ARGUMENTS, console_mode_stdin=False)


def test_the_bridge_answers_and_stops_at_an_error(client: Protocol) -> None:
    out, err, code = run(client, "powershell.exe", *ARGUMENTS, stdin=request(POOL, UNKNOWN, POOL))
    assert (err, code) == ("", 0)
    first, second, third = answer(out)["results"]
    assert first["output"] == [
        {"Identity": "pcpool.contoso.com", "Computers": ["pc01.contoso.com", "pc02.contoso.com"]}
    ]
    assert second["error"]["id"].startswith("CommandNotFoundException")
    assert third == {"output": [], "warnings": [], "error": None, "skipped": True}


def test_the_bridge_goes_on_after_an_error_if_asked(client: Protocol) -> None:
    out = run(client, "powershell.exe", *ARGUMENTS, stdin=request(UNKNOWN, POOL, stop_on_error=False))[0]
    assert [result["skipped"] for result in answer(out)["results"]] == [False, False]
    assert answer(out)["results"][1]["output"]


def test_a_legacy_host_has_no_powershell_for_the_bridge(lab: LabClient) -> None:
    out, err, code = run(protocol("gc01"), "powershell.exe", *ARGUMENTS, stdin=request(POOL))
    assert (out, code) == ("", 1)
    assert "ConvertFrom-Json" in err


@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1, max_size=30), cuts=st.lists(st.integers(0, 400), max_size=4))
def test_input_arrives_whole_however_it_is_cut(client: Protocol, text: str, cuts: list[int]) -> None:
    """The bridge names an unknown cmdlet in its error: what was sent must come back, character by character."""
    name = "Get-" + text.encode("utf-16-le", "replace").decode("utf-16-le")
    data = request({"name": name, "parameters": {}, "select": []})
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    shell = client.open_shell()
    command = client.run_command(shell, "powershell.exe", ARGUMENTS, console_mode_stdin=False)
    for start, end in zip(places, places[1:]):
        client.send_command_input(shell, command, data[start:end], end=end == len(data))
    out, _err, code = client.get_command_output(shell, command)
    client.close_shell(shell)
    assert code == 0
    assert "'%s'" % name in answer(out.decode())["results"][0]["error"]["message"]


def test_no_answer_is_longer_than_the_client_allows(waiting: tuple[str, str]) -> None:
    client = protocol()
    shell, command = waiting
    client.send_command_input(shell, command, request(*[POOL] * 60), end=True)
    replies = []
    while not replies or b"CommandState/Done" not in replies[-1]:
        limit = {"@mustUnderstand": "true", "#text": "4096"}
        replies.append(receive(client, shell, command, **{"w:MaxEnvelopeSize": limit}))
    assert len(replies) > 2
    assert max(map(len, replies)) <= 4096
    assert len(answer(b"".join(map(stdout_of, replies)).decode())["results"]) == 60


def test_receive_waits_as_long_as_the_client_asks(client: Protocol, waiting: tuple[str, str]) -> None:
    shell, command = waiting
    began = time.monotonic()
    with pytest.raises(WinRMOperationTimeoutError):
        client.get_command_output_raw(shell, command)
    assert 0.9 < time.monotonic() - began < 5
    client.send_command_input(shell, command, request(POOL), end=True)
    assert client.get_command_output(shell, command)[2] == 0


class Pending(threading.Thread):
    """A Receive that waits, over a connection of its own; C(code) is the fault that it ended with."""

    code: int | None = None

    def __init__(self, shell: str, command: str, message_id: uuid.UUID | None = None) -> None:
        super().__init__()
        self.arguments = (protocol(), shell, command)
        self.message_id = message_id
        self.start()
        time.sleep(0.3)

    def run(self) -> None:
        try:
            receive(*self.arguments, message_id=self.message_id)
        except WSManFaultError as error:
            self.code = error.wsman_fault_code

    def fault(self) -> int | None:
        self.join(10)
        return self.code


def test_a_signal_ends_a_pending_receive(client: Protocol, waiting: tuple[str, str]) -> None:
    shell, command = waiting
    pending = Pending(shell, command)
    client.cleanup_command(shell, command)
    assert pending.fault() == 995
    with pytest.raises(WSManFaultError) as refused:
        client.get_command_output_raw(shell, command)
    assert refused.value.wsman_fault_code == 87
    client.close_shell(shell)


def test_deleting_the_shell_ends_a_pending_receive(client: Protocol, waiting: tuple[str, str]) -> None:
    pending = Pending(*waiting)
    client.close_shell(waiting[0])
    assert pending.fault() == 995


def test_the_same_receive_gets_the_same_answer(client: Protocol, waiting: tuple[str, str]) -> None:
    shell, command = waiting
    client.send_command_input(shell, command, request(POOL), end=True)
    message_id = uuid.uuid4()
    first = stdout_of(receive(client, shell, command, message_id=message_id))
    assert first
    assert stdout_of(receive(protocol(), shell, command, message_id=message_id)) == first
    assert stdout_of(receive(client, shell, command)) == b""


def test_a_pending_receive_is_not_answered_twice(client: Protocol, waiting: tuple[str, str]) -> None:
    shell, command = waiting
    message_id = uuid.uuid4()
    pending = Pending(shell, command, message_id)
    with pytest.raises(WSManFaultError) as refused:
        receive(client, shell, command, message_id=message_id)
    assert refused.value.wsman_fault_code == 1359
    client.close_shell(shell)
    assert pending.fault() == 995


def test_a_deleted_shell_is_not_found(client: Protocol) -> None:
    shell = client.open_shell()
    client.close_shell(shell)
    with pytest.raises(WSManFaultError) as refused:
        client.run_command(shell, "hostname")
    assert refused.value.wsman_fault_code == 2150858843


def test_an_idle_shell_is_not_found(client: Protocol) -> None:
    shell = client.open_shell(idle_timeout="PT0.5S")
    client.run_command(shell, "hostname")
    time.sleep(0.7)
    with pytest.raises(WSManFaultError) as refused:
        client.run_command(shell, "hostname")
    assert refused.value.wsman_fault_code == 2150858843


def test_a_shell_belongs_to_its_user(client: Protocol) -> None:
    shell = client.open_shell()
    with pytest.raises(WSManFaultError) as refused:
        protocol("lync01", "https-basic", user="Administrator").run_command(shell, "whoami")
    assert refused.value.wsman_fault_code == 5
    client.close_shell(shell)


def test_one_command_takes_five_requests_and_six_with_input(lab: LabClient, client: Protocol) -> None:
    assert _requests(lab, lambda: run(client, "hostname")) == 5
    assert _requests(lab, lambda: run(client, "powershell.exe", *ARGUMENTS, stdin=request(POOL))) == 6
    assert lab.call("counters")["wire"]["shells"]["lync01.contoso.com"] >= 0


def _requests(lab: LabClient, act: Any) -> int:
    before = lab.call("counters")["requests"]
    act()
    return lab.call("counters")["requests"] - before


@pytest.mark.parametrize(
    ("verb", "shell", "header", "code"),
    [
        ("Receive", "00000000-0000-0000-0000-000000000000", {}, 2150858843),
        (
            "http://schemas.xmlsoap.org/ws/2004/09/transfer/Create",
            None,
            {"resource": "http://example.org/x"},
            2150858752,
        ),
        ("Dance", "OPEN", {}, 2150858771),
        ("Command", "OPEN", {}, 87),
        ("Receive", "OPEN", {}, 87),
        ("Send", "OPEN", {"w:OperationTimeout": "soon"}, 2150858817),
        ("Send", "OPEN", {"w:MaxEnvelopeSize": "large"}, 2150858817),
    ],
)
def test_a_senseless_request_gets_its_fault(
    client: Protocol, verb: str, shell: str | None, header: dict[str, str], code: int
) -> None:
    opened = client.open_shell()
    with pytest.raises(WSManFaultError) as refused:
        send(client, verb, opened if shell == "OPEN" else shell, **header)
    assert refused.value.wsman_fault_code == code
    client.close_shell(opened)


@pytest.mark.parametrize("data", [b"<not xml", b"<!DOCTYPE a><a/>", b"<a/>", b"\xff\xfe"])
def test_what_is_no_envelope_gets_a_fault(client: Protocol, data: bytes) -> None:
    with pytest.raises(WSManFaultError) as refused:
        client.send_message(data)
    assert refused.value.wsman_fault_code in (2150858817, 2150858819)


def test_a_message_that_the_context_did_not_seal_is_a_bad_request(client: Protocol) -> None:
    shell = client.open_shell()
    encryption = client.transport.encryption
    sealing = encryption._build_message
    encryption._build_message = lambda message, host: sealing(message, host)[:-1] + b"\0"
    with pytest.raises(WinRMTransportError, match="400"):
        client.run_command(shell, "hostname")


@pytest.mark.parametrize(
    ("line", "out", "err", "code"),
    [
        (("cmd.exe", "/c", "echo", "grüße"), "grüße\r\n", "", 0),
        (("cmd", "/c", "exit", "7"), "", "", 7),
        (("nosuch.exe",), "", "'nosuch.exe' is not recognized as an internal or external command,", 1),
        (("echo", "x" * 8200), "", "The command line is too long.", 1),
    ],
)
def test_cmd_runs_the_line(client: Protocol, line: tuple[str, ...], out: str, err: str, code: int) -> None:
    printed, complained, ended = run(client, *line)
    assert (printed, ended) == (out, code)
    assert complained.startswith(err)


# Quotas


def test_a_user_has_so_many_shells(client: Protocol, policy: Any) -> None:
    policy("max_shells_per_user", 2, "pc03")
    mine = protocol("pc03")
    first, _second = mine.open_shell(), mine.open_shell()
    with pytest.raises(WSManFaultError) as refused:
        mine.open_shell()
    assert refused.value.wsman_fault_code == 2150859173
    assert "maximum number of 2 concurrent shells" in str(refused.value)
    other = protocol("pc03", "https-basic", user="Administrator")
    other.close_shell(other.open_shell())
    client.close_shell(client.open_shell())
    mine.close_shell(first)
    mine.close_shell(mine.open_shell())


def test_a_request_above_the_limit_is_refused(client: Protocol, waiting: tuple[str, str], policy: Any) -> None:
    policy("max_envelope_kb", 32)
    shell, command = waiting
    client.send_command_input(shell, command, b" " * 20_000)
    with pytest.raises(WinRMTransportError, match="413"):
        client.send_command_input(shell, command, b" " * 30_000)
    client.send_command_input(shell, command, request(POOL), end=True)
    assert client.get_command_output(shell, command)[2] == 0


def test_an_answer_above_the_clients_limit_is_a_fault(waiting: tuple[str, str]) -> None:
    client = protocol()
    client.send_command_input(*waiting, request(POOL), end=True)
    with pytest.raises(WSManFaultError) as refused:
        receive(client, *waiting, **{"w:MaxEnvelopeSize": {"@mustUnderstand": "true", "#text": "600"}})
    assert refused.value.wsman_fault_code == 2150858824


def test_a_shell_idles_as_long_as_the_server_allows(policy: Any) -> None:
    policy("idle_timeout", 1)
    client = protocol()
    shell, patient = client.open_shell(), client.open_shell(idle_timeout="PT60S")
    time.sleep(1.2)
    with pytest.raises(WSManFaultError) as refused:
        client.run_command(shell, "hostname")
    assert refused.value.wsman_fault_code == 2150858843
    client.run_command(patient, "hostname")
    client.close_shell(patient)

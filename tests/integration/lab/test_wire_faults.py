# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on order: what an unmodified client sees of each, and what became of the estate."""

from __future__ import annotations

import base64
import http.client
import ssl
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import requests
from winrm.exceptions import InvalidCredentialsError, WinRMOperationTimeoutError, WinRMTransportError, WSManFaultError

from tests.integration.lab.test_wire_shells import ARGUMENTS, POOL, answer, request, stdout_of
from tests.integration.lab.wire_clients import authority, faults, protocol, receive, run
from tests.lab import settings
from tests.lab.client import LabClient, LabError
from tests.lab.wire.soap import CONTENT_TYPE

__all__ = ["faults"]
Order = Callable[..., list[int]]
STOP = {
    "name": "Stop-CsWindowsService",
    "parameters": {"Name": "RTCCHAT", "ComputerName": "pc01.contoso.com", "Confirm": False},
    "select": [],
}


def writes(lab: LabClient) -> int:
    return lab.call("counters")["writes"]


def bridge(command: dict[str, Any], **options: Any) -> dict[str, Any]:
    out, err, code = run(protocol(**options), "powershell.exe", *ARGUMENTS, stdin=request(command))
    assert (err, code) == ("", 0)
    return answer(out)["results"][0]


@pytest.mark.parametrize("at", ["http-before", "wsman-before", "wsman-after", "http-after"])
@pytest.mark.parametrize("reset", [False, True])
def test_drop(lab: LabClient, faults: Order, at: str, reset: bool) -> None:
    faults({"at": at, "do": "drop", "reset": reset})
    with pytest.raises(requests.exceptions.ConnectionError, match="reset" if reset else "closed connection"):
        protocol().open_shell()
    assert faults() == [1]
    assert run(protocol(), "hostname")[2] == 0


def test_drop_in_the_middle_of_an_answer(lab: LabClient, faults: Order) -> None:
    faults({"at": "http-after", "match": "Create", "do": "drop", "bytes": 100})
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        protocol().open_shell()
    assert faults() == [1]


@pytest.mark.parametrize("status", [400, 500, 502, 503, 504])
@pytest.mark.parametrize("at", ["http-before", "wsman-before", "wsman-after", "http-after"])
def test_bare_http_status(lab: LabClient, faults: Order, at: str, status: int) -> None:
    client = protocol("lync01", "https-basic")
    faults({"at": at, "do": "http%d" % status, "body": "<h1>Sorry</h1>"})
    with pytest.raises(WinRMTransportError) as failed:
        client.open_shell()
    assert (failed.value.code, failed.value.response_text) == (status, "<h1>Sorry</h1>")
    assert faults() == [1]


@pytest.mark.parametrize("at", ["http-before", "wsman-before", "http-after"])
def test_bare_401(lab: LabClient, faults: Order, at: str) -> None:
    client = protocol("lync01", "https-basic")
    faults({"at": at, "do": "http401"})
    with pytest.raises(InvalidCredentialsError):
        client.open_shell()
    assert faults() == [1]


def test_a_bare_status_leaves_an_encrypted_session_alive(lab: LabClient, faults: Order) -> None:
    client = protocol("lync01", "http-ntlm")
    faults({"at": "http-after", "match": "Create", "do": "http503"})
    with pytest.raises(WinRMTransportError):
        client.open_shell()
    client.close_shell(client.open_shell())


def test_close_says_nothing_before_it_happens(lab: LabClient, faults: Order) -> None:
    connection = http.client.HTTPSConnection(
        settings.fqdn("lync01"), settings.HTTPS_PORT, context=ssl.create_default_context(cafile=authority()), timeout=5
    )
    account = base64.b64encode(("csadmin:" + settings.PASSWORD).encode()).decode()
    faults({"at": "http-after", "do": "close"})
    connection.request("POST", "/wsman", b"no envelope", {"Authorization": "Basic " + account})
    reply = connection.getresponse()
    assert reply.getheader("Connection") is None and b"Fault" in reply.read()
    assert connection.sock.recv(1) == b""
    assert faults() == [1]


#: what a session by this way makes of a connection that has gone, or that has forgotten it
LOST = {"https-ntlm": None, "https-kerberos": None, "http-ntlm": 400, "http-kerberos": 400}


@pytest.mark.parametrize("do", ["close", "expire-auth"])
@pytest.mark.parametrize(("way", "status"), LOST.items())
def test_lost_authentication(lab: LabClient, faults: Order, do: str, way: str, status: int | None) -> None:
    """The libraries log on again by themselves, but then send what they had encrypted for the old context."""
    client = protocol("lync01", way)
    faults({"at": "http-after", "match": "Create", "do": do})
    shell = client.open_shell()
    assert faults() == [1]
    time.sleep(0.5)  # until the end of the connection has arrived, which the library looks for before it sends
    if status is None:
        client.close_shell(shell)
        return
    with pytest.raises(WinRMTransportError) as failed:
        client.run_command(shell, "hostname")
    assert failed.value.code == status
    protocol("lync01", way).close_shell(shell)


def test_basic_does_not_come_back_from_an_expired_authentication(lab: LabClient, faults: Order) -> None:
    client = protocol("lync01", "https-basic")
    faults({"at": "http-after", "match": "Create", "do": "expire-auth"})
    shell = client.open_shell()
    with pytest.raises(InvalidCredentialsError):
        client.close_shell(shell)


@pytest.mark.parametrize("way", ["http-ntlm", "http-kerberos", "http-credssp"])
def test_an_answer_in_clear_text(lab: LabClient, faults: Order, way: str) -> None:
    client, seen = protocol("lync01", way), []
    client.transport.build_session().hooks["response"].append(lambda reply, **options: seen.append(reply))
    faults({"at": "http-after", "match": "Create", "do": "clear"})
    shell = client.open_shell()  # pywinrm does not mind
    assert faults() == [1]
    assert seen[-1].headers["Content-Type"] == CONTENT_TYPE and b"Envelope" in seen[-1].content
    assert b"Envelope" not in seen[-1].request.body
    client.close_shell(shell)
    assert b"Envelope" not in seen[-1].content


@pytest.mark.parametrize("at", ["http-before", "wsman-before", "wsman-after", "http-after"])
def test_delay(lab: LabClient, faults: Order, at: str) -> None:
    client = protocol("lync01", "https-basic")
    faults({"at": at, "do": "delay", "seconds": 0.7})
    began = time.monotonic()
    client.close_shell(client.open_shell())
    assert time.monotonic() - began > 0.7
    assert faults() == [1]


@pytest.mark.parametrize("at", ["wsman-before", "wsman-after"])
def test_fault(lab: LabClient, faults: Order, at: str) -> None:
    faults({"at": at, "match": "Command", "do": "fault", "code": 2150859174})
    with pytest.raises(WSManFaultError) as refused:
        run(protocol(), "hostname")
    assert refused.value.wsman_fault_code == 2150859174


def test_operation_timeout_as_a_fault(lab: LabClient, faults: Order) -> None:
    faults({"at": "wsman-before", "match": "Command", "do": "fault", "code": 2150858793})
    with pytest.raises(WinRMOperationTimeoutError):
        run(protocol(), "hostname")


@pytest.mark.parametrize(("at", "applied"), [("cmdlet-before", 0), ("cmdlet-after", 1)])
@pytest.mark.parametrize("do", ["kill-shell", "exit"])
def test_lost_shell_and_lost_server(fresh_lab: LabClient, faults: Order, do: str, at: str, applied: int) -> None:
    before = writes(fresh_lab)
    faults({"at": at, "match": "Stop-CsWindowsService", "do": do})
    lost = requests.exceptions.ConnectionError if do == "exit" else WSManFaultError
    with pytest.raises((lost, WSManFaultError)):
        # over TLS: with message encryption the next request may meet the new connection first, and get HTTP 400
        bridge(STOP, way="https-basic")
    assert faults() == [1]
    assert writes(fresh_lab) - before == applied


@pytest.mark.parametrize(("at", "applied"), [("cmdlet-before", 0), ("cmdlet-after", 1)])
def test_cmdlet_error(fresh_lab: LabClient, faults: Order, at: str, applied: int) -> None:
    before = writes(fresh_lab)
    faults({"at": at, "match": "Stop-", "do": "error", "message": "No.", "error_id": "Nay", "category": "OpenError"})
    assert bridge(STOP)["error"] == {"message": "No.", "id": "Nay", "category": "OpenError"}
    assert writes(fresh_lab) - before == applied


def test_the_answer_of_a_cut_receive_is_kept(lab: LabClient, faults: Order) -> None:
    """The connection goes while the cmdlet runs; the same Receive over another connection gets the answer."""
    client, message_id = protocol(), uuid.uuid4()
    shell = client.open_shell()
    command = client.run_command(shell, "powershell.exe", ARGUMENTS, console_mode_stdin=False)
    faults({"at": "cmdlet-before", "do": "delay", "seconds": 0.5}, {"at": "cmdlet-after", "do": "drop"})
    client.send_command_input(shell, command, request(POOL), end=True)
    with pytest.raises(requests.exceptions.ConnectionError):
        receive(client, shell, command, message_id=message_id)
    assert faults() == [1, 1]
    again = protocol()
    printed = stdout_of(receive(again, shell, command, message_id=message_id)).decode()
    assert answer(printed)["results"][0]["output"]
    again.close_shell(shell)


def test_skip_times_and_match(lab: LabClient, faults: Order) -> None:
    client = protocol("lync01", "https-basic")
    faults({"at": "wsman-before", "match": "pc01.*Create", "skip": 1, "times": 2, "do": "http503"})
    outcomes = []
    for host in ["pc01", "lync01", "pc01", "pc01", "pc01"]:
        client = protocol(host, "https-basic")
        try:
            client.close_shell(client.open_shell())
            outcomes.append(200)
        except WinRMTransportError as error:
            outcomes.append(error.code)
    assert outcomes == [200, 200, 503, 503, 200]
    assert lab.call("faults.list")["rules"][0]["seen"] == 4


@pytest.mark.parametrize(
    "rule",
    [
        {"at": "nowhere", "do": "drop"},
        {"at": "http-before", "do": "fault", "code": 5},
        {"at": "wsman-before", "do": "fault"},
        {"at": "wsman-before", "do": "delay", "seconds": "long"},
        {"at": "wsman-before", "do": "drop", "match": "("},
        {"at": "wsman-before", "do": "drop", "times": 0},
        {"at": "wsman-before", "do": "drop", "colour": "red"},
        {"at": "wsman-before", "do": "clear"},
        {"at": "http-before", "do": "http502", "body": 502},
        {},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(lab: LabClient, faults: Order, rule: dict[str, Any]) -> None:
    faults({"at": "wsman-before", "match": "nothing", "do": "drop"})
    with pytest.raises(LabError):
        faults(rule)
    assert len(faults()) == 1

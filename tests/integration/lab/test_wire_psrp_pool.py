# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runspace pool on the wire: prompts, long polls, stops, lost answers, large messages, many pipelines, slow cmdlets."""

from __future__ import annotations

import threading
import time
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from pypsrp.exceptions import WSManFaultError
from pypsrp.host import PSHost, PSHostUserInterface
from pypsrp.powershell import RunspacePool
from pypsrp.shell import SignalCode
from requests.exceptions import ConnectionError as Lost

from tests.integration.lab.psrp_clients import COMPLETED, POOL, RUNNING, STOPPED, cmdlet, errors, invoke, pool
from tests.integration.lab.test_wire_shells import ARGUMENTS, request
from tests.integration.lab.wire_clients import faults, policy, protocol, wsman
from tests.lab.client import LabClient

__all__ = ["faults", "policy"]
Order = Callable[..., list[int]]
SERVICE = {"Name": "RTCCHAT", "ComputerName": "pc01.contoso.com"}
#: longer than any test waits: what a delay does must come from its end
LONG = 60


@pytest.fixture
def opened(lab: LabClient) -> Iterator[RunspacePool]:
    lab.call("log.clear")
    runspaces = pool(operation_timeout=1)
    runspaces.open()
    yield runspaces
    with suppress(Exception):  # some tests leave nothing to say good-bye to
        runspaces.close()


def calls(lab: LabClient) -> list[tuple[str, bool, str]]:
    return [(call["name"], call["applied"], call["ended"]) for call in lab.call("cmdlets.list")["cmdlets"]]


def eventually(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


# Prompts


def test_a_prompt_that_nobody_answers_waits_until_the_stop(opened: RunspacePool, lab: LabClient) -> None:
    before = lab.writes()
    pipeline = cmdlet(opened, "Stop-CsWindowsService", **SERVICE)
    pipeline.begin_invoke()
    for _again in range(3):
        pipeline.poll_invoke(timeout=1)
        assert pipeline.state == RUNNING
    pipeline.stop()
    eventually(lambda: calls(lab) == [("Stop-CsWindowsService", False, "killed")])
    assert lab.writes() == before
    assert invoke(opened, "Get-CsPool", Identity=POOL).state == COMPLETED


def test_a_prompt_blocks_nobody_else(opened: RunspacePool, lab: LabClient) -> None:
    cmdlet(opened, "Stop-CsWindowsService", **SERVICE).begin_invoke()
    began = time.monotonic()
    with pool() as other:
        assert invoke(other, "Get-CsPool", Identity=POOL).state == COMPLETED
    assert time.monotonic() - began < 1


class Answering(PSHostUserInterface):
    """A person who answers each question with one choice."""

    def __init__(self, choice: int) -> None:
        super().__init__()
        self.choice = choice
        self.asked: list[str] = []

    def PromptForChoice(self, runspace: Any, pipeline: Any, caption: str, message: str, *more: Any) -> int:
        self.asked.append(message)
        return self.choice


@pytest.mark.parametrize(("choice", "applied"), [(0, True), (2, False)])
def test_the_answer_to_a_prompt_counts(fresh_lab: LabClient, choice: int, applied: bool) -> None:
    person = Answering(choice)
    with pool(host=PSHost(None, None, False, "Test", None, person, None)) as opened:
        assert invoke(opened, "Stop-CsWindowsService", **SERVICE).state == COMPLETED
    assert ["RTCCHAT" in question for question in person.asked] == [True]
    assert calls(fresh_lab) == [("Stop-CsWindowsService", applied, "ok")]
    with pool() as opened:
        asked = {"Name": "RTCCHAT", "ComputerName": "pc01.contoso.com"}
        (service,) = invoke(opened, "Get-CsWindowsService", **asked).output
    assert str(service.adapted_properties["Status"]) == ("Stopped" if applied else "Running")


def test_no_prompt_where_the_product_goes_on(fresh_lab: LabClient) -> None:
    fresh_lab.call("switch.set", name="unattended_prompt", value="proceeds")
    with pool() as opened:
        assert invoke(opened, "Stop-CsWindowsService", **SERVICE).state == COMPLETED
    assert calls(fresh_lab) == [("Stop-CsWindowsService", True, "ok")]


# Waiting and stopping


def test_receive_waits_as_long_as_the_client_asks(opened: RunspacePool, faults: Order) -> None:
    faults({"at": "cmdlet-before", "match": "Get-CsPool", "do": "delay", "seconds": 2})
    pipeline = cmdlet(opened, "Get-CsPool", Identity=POOL)
    pipeline.begin_invoke()
    began = time.monotonic()
    pipeline.poll_invoke()
    while not pipeline.output:
        pipeline.poll_invoke()
    pipeline.end_invoke()
    assert (1.5 < time.monotonic() - began < 6, pipeline.state) == (True, COMPLETED)


@pytest.mark.parametrize("point", ["cmdlet-before", "cmdlet-after"])
def test_a_stop_ends_a_slow_cmdlet_at_once(opened: RunspacePool, lab: LabClient, faults: Order, point: str) -> None:
    faults({"at": point, "match": "Get-CsPool", "do": "delay", "seconds": LONG})
    pipeline = cmdlet(opened, "Get-CsPool")
    pipeline.begin_invoke()
    eventually(lambda: faults() == [1])
    pipeline.stop()
    end = opened.shell.receive("stdout", command_id=pipeline.id)
    assert end[0].endswith("/Done")
    assert [message[1] for message in opened._parse_responses(end[2]["stdout"], pipeline)]
    assert (pipeline.state, errors(pipeline)) == (STOPPED, ["PipelineStopped"])
    assert calls(lab) == [("Get-CsPool", point == "cmdlet-after", "killed")]


def test_a_kill_ends_a_slow_cmdlet_of_the_bridge_before_it_begins(lab: LabClient, faults: Order) -> None:
    faults({"at": "cmdlet-before", "match": "Get-CsPool", "do": "delay", "seconds": 1})
    lab.call("log.clear")
    client = protocol()
    shell = client.open_shell()
    command = client.run_command(shell, "powershell.exe", ARGUMENTS, console_mode_stdin=False)
    client.send_command_input(shell, command, request({"name": "Get-CsPool", "parameters": {}, "select": []}), end=True)
    eventually(lambda: faults() == [1])
    client.cleanup_command(shell, command)
    time.sleep(1.3)  # now it would have begun
    client.close_shell(shell)
    assert calls(lab) == [("Get-CsPool", False, "killed")]
    assert lab.call("requests.list")["requests"][2]["cmdlets"] == ["Get-CsPool"]


def test_a_slow_cmdlet_blocks_nobody_else(opened: RunspacePool, faults: Order) -> None:
    faults({"at": "cmdlet-before", "match": "Get-CsService", "do": "delay", "seconds": LONG})
    slow = cmdlet(opened, "Get-CsService")
    slow.begin_invoke()
    eventually(lambda: faults() == [1])
    began = time.monotonic()
    with pool() as other:
        assert invoke(other, "Get-CsPool", Identity=POOL).state == COMPLETED
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("end", ["delete", "terminate"])
def test_a_pending_receive_ends_with_what_it_waits_for(opened: RunspacePool, faults: Order, end: str) -> None:
    faults({"at": "cmdlet-before", "match": "Get-CsPool", "do": "delay", "seconds": LONG})
    pipeline = cmdlet(opened, "Get-CsPool")
    pipeline.begin_invoke()
    pipeline.poll_invoke(timeout=1)
    seen: list[int] = []

    def wait() -> None:
        try:
            opened.shell.receive("stdout", command_id=pipeline.id, timeout=20)
        except WSManFaultError as error:
            seen.append(error.code)

    other = wsman()
    opened.shell.wsman, mine = other, opened.shell.wsman
    pending = threading.Thread(target=wait)
    pending.start()
    time.sleep(0.5)
    opened.shell.wsman = mine
    if end == "delete":
        opened.close()
    else:
        opened.shell.signal(SignalCode.TERMINATE, pipeline.id)
    pending.join(5)
    assert seen == [995]


# Lost answers


def recorded(opened: RunspacePool) -> list[bytes]:
    """The envelopes that the pool's client sends from now on."""
    sent: list[bytes] = []
    send = opened.connection.transport.send

    def record(message: bytes, **options: Any) -> bytes:
        sent.append(message)
        return send(message, **options)

    opened.connection.transport.send = record
    return sent


def test_a_lost_receive_can_be_sent_again(opened: RunspacePool, lab: LabClient, faults: Order) -> None:
    pipeline = cmdlet(opened, "Get-CsPool", Identity=POOL)
    pipeline.begin_invoke()
    faults({"at": "http-after", "match": "Receive", "do": "drop"})
    sent = recorded(opened)
    with pytest.raises(Lost):
        pipeline.poll_invoke()
    with wsman() as again:
        reply = ET.fromstring(again.transport.send(sent[-1]))
        repeated = ET.fromstring(again.transport.send(sent[-1]))
    streams = [node.text for node in reply.iter("{http://schemas.microsoft.com/wbem/wsman/1/windows/shell}Stream")]
    assert streams and streams == [node.text for node in repeated.iter() if node.tag.endswith("}Stream")]
    assert calls(lab) == [("Get-CsPool", True, "ok")]


@pytest.mark.parametrize("point", ["wsman-before", "wsman-after"])
def test_a_lost_command_is_told_by_the_log(opened: RunspacePool, lab: LabClient, faults: Order, point: str) -> None:
    faults({"at": point, "match": "Command$", "do": "drop"})
    with pytest.raises(Lost):
        invoke(opened, "Set-Content", LiteralPath="C:\\lost.txt", Value="x")
    made = [("Set-Content", True, "ok")] if point == "wsman-after" else []
    time.sleep(0.3)
    assert calls(lab) == made


# Sizes


def test_a_large_pipeline_runs_with_its_last_part(opened: RunspacePool, lab: LabClient, faults: Order) -> None:
    text = "x" * 1_200_000
    faults({"at": "wsman-before", "match": "Send$", "do": "drop", "skip": 1})
    large = {"LiteralPath": "C:\\large.txt", "Value": text}
    with pytest.raises(Lost):
        invoke(opened, "Set-Content", **large)
    assert calls(lab) == []
    with pool() as again:
        assert invoke(again, "Set-Content", **large).state == COMPLETED
        assert invoke(again, "Get-Content", LiteralPath="C:\\large.txt", Raw=True).output == [text + "\r\n"]
    assert calls(lab)[0] == ("Set-Content", True, "ok")


def test_no_answer_is_longer_than_the_client_allows(lab: LabClient) -> None:
    with pool(max_envelope_size=65536) as opened:
        replies: list[int] = []
        send = opened.connection.transport.send

        def measured(message: bytes, **options: Any) -> bytes:
            reply = send(message, **options)
            replies.append(len(reply))
            return reply

        opened.connection.transport.send = measured
        text = "y" * 300_000
        assert invoke(opened, "Set-Content", LiteralPath="C:\\long.txt", Value=text).state == COMPLETED
        assert invoke(opened, "Get-Content", LiteralPath="C:\\long.txt", Raw=True).output == [text + "\r\n"]
    assert max(replies) <= 65536 and len([size for size in replies if size > 30000]) > 3


# Many pipelines


def test_pipelines_of_one_pool_run_side_by_side(lab: LabClient, faults: Order) -> None:
    faults({"at": "cmdlet-before", "match": "Get-CsPool", "do": "delay", "seconds": LONG, "times": None})
    with pool(min_runspaces=1, max_runspaces=2) as opened:
        pipelines = [cmdlet(opened, "Get-CsPool", Identity=POOL) for _number in range(3)]
        for pipeline in pipelines:
            pipeline.begin_invoke()
        eventually(lambda: faults() == [2])
        assert opened.get_available_runspaces() == 0
        time.sleep(0.3)
        assert faults() == [2]
        pipelines[0].stop()
        eventually(lambda: faults() == [3])
        faults({"at": "cmdlet-before", "match": "nothing", "do": "delay", "seconds": 1})
        pipelines[1].stop()
        assert [str(item) for item in invoke(opened, "Get-CsPool", Identity=POOL).output] == [POOL]


def test_a_pipeline_that_waits_for_room_can_be_stopped(opened: RunspacePool, lab: LabClient, faults: Order) -> None:
    faults({"at": "cmdlet-before", "match": "Get-CsPool", "do": "delay", "seconds": LONG})
    first, second = cmdlet(opened, "Get-CsPool"), cmdlet(opened, "Get-CsService")
    first.begin_invoke()
    eventually(lambda: faults() == [1])
    second.begin_invoke()
    second.stop()
    first.stop()
    assert invoke(opened, "Get-CsSipDomain").state == COMPLETED
    assert [name for name, _applied, _ended in calls(lab)] == ["Get-CsPool", "Get-CsSipDomain"]


# Requests


@pytest.mark.parametrize(("count", "close", "requests"), [(1, False, 5), (1, True, 6), (10, False, 23), (10, True, 33)])
def test_requests_are_as_many_as_measured(lab: LabClient, count: int, close: bool, requests: int) -> None:
    lab.call("log.clear")
    with pool() as opened:
        for _number in range(count):
            pipeline = invoke(opened, "Get-CsPool", Identity=POOL)
            if close:
                pipeline.close()
    assert len(lab.call("requests.list")["requests"]) == requests


def test_a_shell_belongs_to_its_user_and_id(opened: RunspacePool) -> None:
    with pytest.raises(WSManFaultError) as refused:
        other = pool("https-basic", user="Administrator")
        other.shell.id = opened.shell.id
        other.shell._selector_set = opened.shell._selector_set
        other.shell.receive("stdout")
    assert refused.value.code == 5
    twice = pool()
    twice.id = twice.shell.id = opened.id
    with pytest.raises(WSManFaultError) as refused:
        twice.open()
    assert refused.value.code == 87


@pytest.mark.parametrize("data", [b"short", b"\0" * 60, b"\xff" * 100])
def test_what_is_no_message_gets_a_fault(opened: RunspacePool, data: bytes) -> None:
    with pytest.raises(WSManFaultError) as refused:
        opened.shell.send("stdin", data)
    assert refused.value.code == 87


def test_what_is_for_no_pipeline_gets_a_fault(opened: RunspacePool) -> None:
    for ask in (opened.shell.receive, opened.shell.send):
        with pytest.raises(WSManFaultError) as refused:
            ask("stdout", **({"data": b""} if ask == opened.shell.send else {}), command_id=str(uuid.uuid4()))
        assert refused.value.code == 87
    assert invoke(opened, "Get-CsPool", Identity=POOL).state == COMPLETED


def test_a_pipeline_without_runspace_pool_is_not_found(lab: LabClient) -> None:
    opened = pool()
    opened.open()
    opened.close()
    with pytest.raises(WSManFaultError) as refused:
        opened.shell.command("", ["AAAA"], command_id=str(uuid.uuid4()))
    assert refused.value.code == 2150858843

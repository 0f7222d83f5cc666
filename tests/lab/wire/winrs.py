# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WinRS: the command shell of WS-Man (MS-WSMV, section 3.1.4), as pywinrm and Ansible's winrm connection use it."""

from __future__ import annotations

import base64
import binascii
import codecs
import uuid
import xml.etree.ElementTree as ET

from .powershell import is_powershell, run_powershell
from .processes import Killed, Process
from .programs import run_program, split_command_line
from .session import Session
from .shells import Shell
from .soap import (
    ABORTED,
    INVALID_PARAMETER,
    NAMESPACES,
    OPERATION_TIMEOUT,
    Request,
    WsmanFault,
    element,
    text_of,
)

RESOURCE = NAMESPACES["rsp"] + "/cmd"
_STATE = NAMESPACES["rsp"] + "/CommandState/"
_SIGNALS = {NAMESPACES["rsp"] + "/signal/" + name for name in ("terminate", "ctrl_c", "ctrl_break")}
#: the longest line that cmd.exe takes
LINE_LIMIT = 8191
#: what an answer's envelope needs besides the streams
_OVERHEAD = 2048


class CommandShell(Shell):
    """One WinRS shell with its processes."""

    def __init__(self, session: Session, request: Request) -> None:
        super().__init__(session, request)
        self._processes: dict[str, Process] = {}
        self._codepage = _codec(request.options.get("WINRS_CODEPAGE", "437"))

    def created(self) -> list[ET.Element]:
        """ResourceCreated with the shell's id, then the shell's description."""
        selector = element("w:SelectorSet", None, [element("w:Selector", self.id, Name="ShellId")])
        parameters = element("a:ReferenceParameters", None, [element("w:ResourceURI", self.resource), selector])
        described = [
            element("rsp:ShellId", self.id),
            element("rsp:ResourceUri", self.resource),
            element("rsp:Owner", self.session.user.name),
            element("rsp:InputStreams", "stdin"),
            element("rsp:OutputStreams", "stdout stderr"),
        ]
        reference = [element("a:Address", NAMESPACES["a"] + "/role/anonymous"), parameters]
        return [element("x:ResourceCreated", None, reference), element("rsp:Shell", None, described)]

    def close(self) -> None:
        """Kill all processes."""
        super().close()
        for process in list(self._processes.values()):
            process.kill()

    def on_command(self, request: Request) -> list[ET.Element]:
        """Start a process."""
        line = request.body.find("rsp:CommandLine", NAMESPACES)
        command = text_of(line, "rsp:Command") if line is not None else ""
        if line is None or not command:
            raise WsmanFault(INVALID_PARAMETER)
        arguments = [node.text or "" for node in line.findall("rsp:Arguments", NAMESPACES)]
        command_id = (line.get("CommandId") or str(uuid.uuid4())).upper()
        if command_id in self._processes:
            raise WsmanFault(INVALID_PARAMETER)
        text = " ".join([command, *arguments])
        self._processes[command_id] = Process(
            lambda process: run_line(process, self.session, text), self._codepage, request.cmdlets
        )
        return [element("rsp:CommandResponse", None, [element("rsp:CommandId", command_id)])]

    def on_send(self, request: Request) -> list[ET.Element]:
        """Feed standard input."""
        for stream in request.body.findall("rsp:Send/rsp:Stream", NAMESPACES):
            process = self._find(stream.get("CommandId", ""))
            try:
                data = base64.b64decode((stream.text or "").strip(), validate=True)
            except binascii.Error:
                raise WsmanFault(INVALID_PARAMETER) from None
            end = stream.get("End", "").lower() in ("true", "1")
            if stream.get("Name") != "stdin" or not process.feed(data, end, request.cmdlets):
                raise WsmanFault(INVALID_PARAMETER)
        return [element("rsp:SendResponse")]

    def on_receive(self, request: Request) -> list[ET.Element]:
        """Wait for output or the end of a process, no longer than OperationTimeout."""
        wanted = request.body.find("rsp:Receive/rsp:DesiredStream", NAMESPACES)
        command_id = wanted.get("CommandId", "") if wanted is not None else ""
        process = self._find(command_id)
        limit = max(1024, (request.envelope_limit - _OVERHEAD) * 3 // 4)
        try:
            streams, exit_code = process.collect(request.timeout, limit)
        except TimeoutError:
            raise WsmanFault(OPERATION_TIMEOUT) from None
        except Killed:
            raise WsmanFault(ABORTED) from None
        children = [
            element("rsp:Stream", base64.b64encode(data).decode(), Name=name, CommandId=command_id)
            for name, data in streams.items()
            if data
        ]
        if exit_code is None:
            children.append(element("rsp:CommandState", CommandId=command_id, State=_STATE + "Running"))
        else:
            children += [element("rsp:Stream", Name=name, CommandId=command_id, End="true") for name in streams]
            code = [element("rsp:ExitCode", str(exit_code))]
            children.append(element("rsp:CommandState", None, code, CommandId=command_id, State=_STATE + "Done"))
        return [element("rsp:ReceiveResponse", None, children)]

    def on_signal(self, request: Request) -> list[ET.Element]:
        """Kill a process; C(terminate) also forgets it."""
        signal = request.body.find("rsp:Signal", NAMESPACES)
        code = text_of(signal, "rsp:Code").lower() if signal is not None else ""  # as psrp.py
        if signal is None or code not in _SIGNALS:
            raise WsmanFault(INVALID_PARAMETER)
        command_id = signal.get("CommandId", "").upper()
        self._find(command_id).kill()
        if code.endswith("terminate"):
            self._processes.pop(command_id, None)
        return [element("rsp:SignalResponse")]

    def _find(self, command_id: str) -> Process:
        process = self._processes.get(command_id.upper())
        if process is None:
            raise WsmanFault(INVALID_PARAMETER)
        return process


def _codec(codepage: str) -> str:
    name = {"65001": "utf-8"}.get(codepage, "cp" + codepage)
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise WsmanFault(INVALID_PARAMETER) from None


def run_line(process: Process, session: Session, line: str) -> int:
    """Run a command line as cmd.exe does; returns the exit code."""
    if len(line) > LINE_LIMIT:
        process.write("stderr", "The command line is too long.\r\n")
        return 1
    words = split_command_line(line)
    if words and is_powershell(words[0]):
        return run_powershell(process, session, words[1:])
    end = run_program(session.context(process), line)
    process.write("stdout", end.stdout)
    process.write("stderr", end.stderr)
    return end.exit_code

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PowerShell remoting: the shell of WS-Man that is a runspace pool (MS-PSRP), as pypsrp and Ansible's psrp use it.

psrpcore has one buffer for what the pool and all its pipelines send; it is emptied into one L(Outbox) for each after
every step, and a Receive serves one of them.
"""

from __future__ import annotations

import base64
import binascii
import struct
import threading
import uuid
import xml.etree.ElementTree as ET
from collections import deque
from typing import Any

from psrpcore import (
    CreatePipelineEvent,
    EndOfPipelineInputEvent,
    GetAvailableRunspacesEvent,
    GetCommandMetadataEvent,
    PipelineHostResponseEvent,
    PipelineInputEvent,
    PSRPCoreError,
    PSRPPayload,
    ResetRunspaceStateEvent,
    ServerRunspacePool,
    SetMaxRunspacesEvent,
    SetMinRunspacesEvent,
    StreamType,
)
from psrpcore.types import PSVersion

from .bridge import VERSION
from .processes import GATHERING_SECONDS
from .psrp_pipeline import Pipeline
from .session import Session
from .shells import Shell
from .soap import (
    ABORTED,
    INVALID_PARAMETER,
    NAMESPACES,
    OPERATION_TIMEOUT,
    RESPONSE_TOO_LARGE,
    Request,
    WsmanFault,
    element,
    text_of,
)

RESOURCE = NAMESPACES["pwsh"] + "/Microsoft.PowerShell"
_DONE = NAMESPACES["rsp"] + "/CommandState/Done"
_TERMINATE = NAMESPACES["rsp"] + "/signal/terminate"
#: what Windows PowerShell itself sends (no full URI, nor well spelt) and what pypsrp does
_STOPS = ("powershell/signal/crtl_c", "powershell/signal/ctrl_c")
#: bytes of one message's part; no Stream element is longer
_FRAGMENT = 32768
#: what an answer's envelope needs besides the streams
_OVERHEAD = 2048


class Outbox:
    """What waits for the Receives of the pool or of one pipeline.

    :param ended: nothing more will come.
    :param gone: it is forgotten; who waits is to be told so.
    """

    def __init__(self) -> None:
        self.parts: deque[bytes] = deque()
        self.ended = False
        self.gone = False

    def take(self, limit: int) -> list[bytes]:
        """As many parts as an answer has room for. :raises WsmanFault: not even the first one fits."""
        taken: list[bytes] = []
        while self.parts and (limit := limit - _encoded(self.parts[0])) >= 0:
            taken.append(self.parts.popleft())
        if self.parts and not taken:
            raise WsmanFault(RESPONSE_TOO_LARGE)
        return taken


class PowerShellPool(Shell):
    """One runspace pool with its pipelines. C(changed) guards the pool and everything in it."""

    def __init__(self, session: Session, request: Request) -> None:
        super().__init__(session, request)
        self.changed = threading.Condition()
        self.pool = ServerRunspacePool({"PSVersionTable": {"PSVersion": PSVersion(VERSION)}})
        self._outboxes: dict[uuid.UUID | None, Outbox] = {None: Outbox()}
        self._pipelines: dict[uuid.UUID, Pipeline] = {}
        self._feed(_decoded(text_of(request.body, "rsp:Shell/pwsh:creationXml")), None, request)

    def created(self) -> list[ET.Element]:
        """ResourceCreated with the shell's id, then the shell's description."""
        selector = element("w:SelectorSet", None, [element("w:Selector", self.id, Name="ShellId")])
        parameters = element("a:ReferenceParameters", None, [element("w:ResourceURI", self.resource), selector])
        reference = [element("a:Address", NAMESPACES["a"] + "/role/anonymous"), parameters]
        described = [
            element("rsp:ShellId", self.id),
            element("rsp:ResourceUri", self.resource),
            element("rsp:Owner", self.session.user.name),
            element("rsp:InputStreams", "stdin pr"),
            element("rsp:OutputStreams", "stdout"),
        ]
        return [element("x:ResourceCreated", None, reference), element("rsp:Shell", None, described)]

    def close(self) -> None:
        """Stop all pipelines; every pending Receive is told so."""
        with self.changed:
            super().close()
            for outbox in self._outboxes.values():
                outbox.gone = True
            for pipeline in self._pipelines.values():
                pipeline.kill()
            self.changed.notify_all()

    def on_command(self, request: Request) -> list[ET.Element]:
        """Make a pipeline; it starts once all of its message is there."""
        line = request.body.find("rsp:CommandLine", NAMESPACES)
        if line is None:
            raise WsmanFault(INVALID_PARAMETER)
        with self.changed:
            key = _key(line.get("CommandId", ""))
            if key in self._pipelines:
                raise WsmanFault(INVALID_PARAMETER)
            self._pipelines[key] = Pipeline(self, key)  # psrpcore wants to know it before its first message
            self._outboxes[key] = Outbox()
            self._feed(_decoded(text_of(line, "rsp:Arguments")), key, request)
        return [element("rsp:CommandResponse", None, [element("rsp:CommandId", str(key).upper())])]

    def on_send(self, request: Request) -> list[ET.Element]:
        """Take more of a message, or an answer to a question."""
        for stream in request.body.findall("rsp:Send/rsp:Stream", NAMESPACES):
            if stream.get("Name") not in ("stdin", "pr"):
                raise WsmanFault(INVALID_PARAMETER)
            key = _key(stream.get("CommandId", "")) if stream.get("CommandId") else None
            self._feed(_decoded(stream.text or ""), key, request)
        return [element("rsp:SendResponse")]

    def on_receive(self, request: Request) -> list[ET.Element]:
        """Wait for something for the pool or the pipeline, no longer than OperationTimeout."""
        wanted = request.body.find("rsp:Receive/rsp:DesiredStream", NAMESPACES)
        command_id = wanted.get("CommandId", "") if wanted is not None else ""
        with self.changed:
            outbox = self._outboxes.get(_key(command_id) if command_id else None)
            if outbox is None:
                raise WsmanFault(INVALID_PARAMETER)
            if not self.changed.wait_for(lambda: outbox.parts or outbox.ended or outbox.gone, request.timeout):
                raise WsmanFault(OPERATION_TIMEOUT)
            if command_id:  # so that a short pipeline needs one Receive
                self.changed.wait_for(lambda: outbox.ended or outbox.gone, min(GATHERING_SECONDS, request.timeout))
            if outbox.gone:
                raise WsmanFault(ABORTED)
            parts = outbox.take(request.envelope_limit - _OVERHEAD)
            done = outbox.ended and not outbox.parts
        target = {"CommandId": command_id} if command_id else {}
        streams = [element("rsp:Stream", base64.b64encode(part).decode(), Name="stdout", **target) for part in parts]
        if done:
            streams.append(element("rsp:CommandState", State=_DONE, **target))
        return [element("rsp:ReceiveResponse", None, streams)]

    def on_signal(self, request: Request) -> list[ET.Element]:
        """Stop a pipeline; C(terminate) also forgets it."""
        signal = request.body.find("rsp:Signal", NAMESPACES)
        # wsman.h has a capital letter in Terminate, pywinrm none, and Windows takes both
        code = text_of(signal, "rsp:Code").lower() if signal is not None else ""
        if signal is None or code not in (*_STOPS, _TERMINATE):
            raise WsmanFault(INVALID_PARAMETER)
        key = _key(signal.get("CommandId", ""))
        with self.changed:
            pipeline = self._pipelines.get(key)
            if pipeline is None:
                raise WsmanFault(INVALID_PARAMETER)
            pipeline.kill()
            if code == _TERMINATE:
                self._outboxes.pop(key).gone = True
                del self._pipelines[key]
            self.changed.notify_all()
        return [element("rsp:SignalResponse")]

    # What pipelines ask of the pool, all of it under the lock

    @property
    def has_room(self) -> bool:
        """Whether one more pipeline may run."""
        return sum(pipeline.running for pipeline in self._pipelines.values()) < max(1, self.pool.max_runspaces)

    def sort_out(self, ended: uuid.UUID | None = None) -> None:
        """Put what psrpcore wants to send where the Receives find it. :param ended: a pipeline that sends no more."""
        while (payload := self.pool.data_to_send(_FRAGMENT)) is not None:
            outbox = self._outboxes.get(payload.pipeline_id)
            if outbox is not None:
                outbox.parts.append(payload.data)
        if ended in self._outboxes and ended is not None:
            self._outboxes[ended].ended = True
        self.changed.notify_all()

    def _feed(self, data: bytes, key: uuid.UUID | None, request: Request) -> None:
        with self.changed:
            if key is not None and key not in self._pipelines:
                raise WsmanFault(INVALID_PARAMETER)
            try:
                self.pool.receive_data(PSRPPayload(data, StreamType.default, key))
                while (event := self.pool.next_event()) is not None:
                    self._meet(event, request)
            except (PSRPCoreError, ValueError, struct.error, ET.ParseError, AttributeError) as error:
                raise WsmanFault(INVALID_PARAMETER, "The message is no PSRP message: %s. " % error) from None
            self.sort_out()

    def _meet(self, event: Any, request: Request) -> None:
        if isinstance(event, (SetMaxRunspacesEvent, SetMinRunspacesEvent, ResetRunspaceStateEvent)):
            self.pool.runspace_availability_response(event.ci, True)
        elif isinstance(event, GetAvailableRunspacesEvent):
            busy = sum(pipeline.running for pipeline in self._pipelines.values())
            self.pool.runspace_availability_response(event.ci, self.pool.max_runspaces - busy)
        elif event.pipeline_id in self._pipelines:
            pipeline = self._pipelines[event.pipeline_id]
            if isinstance(event, (CreatePipelineEvent, GetCommandMetadataEvent)):
                pipeline.start(event.pipeline, request.cmdlets)
            elif isinstance(event, PipelineInputEvent):
                pipeline.input.append(event.data)
            elif isinstance(event, EndOfPipelineInputEvent):
                pipeline.input_ended = True
            elif isinstance(event, PipelineHostResponseEvent):
                pipeline.answers[event.ci] = event.result


def _key(text: str) -> uuid.UUID:
    """A pipeline's id. :raises WsmanFault: it is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise WsmanFault(INVALID_PARAMETER) from None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        raise WsmanFault(INVALID_PARAMETER) from None


def _encoded(part: bytes) -> int:
    """How many bytes of an envelope a part takes."""
    return (len(part) + 2) // 3 * 4 + 128

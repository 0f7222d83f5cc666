# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A runspace pool on a server, and how one command runs in it. Private to this collection."""

from __future__ import annotations

import base64
import logging
from typing import Any, Callable

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.attempts import Deadline
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.bridge import names_lync
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command, Outcome
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.pipelines import IMPORT, Answer, parameters
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.wsman_psrp import Wire

_NOTHING_YET = 2150858793  # fault code: the poll ended without output
_CLOSING = 4  # seconds for good-byes
_STOPPING = 10  # seconds to stop a command that waits for somebody

_log = logging.getLogger(__name__)


class PsrpSession:
    """An opened pool of one runspace, and its connection.

    :raises Exception: what pypsrp and the libraries below it raise when it cannot be opened.
    """

    def __init__(self, options: RemotingOptions, wire: Wire) -> None:
        from pypsrp.complex_objects import RunspacePoolState
        from pypsrp.powershell import RunspacePool

        self._wire = wire
        self._pool = RunspacePool(wire.wsman, configuration_name=options.configuration_name)
        self._imported = options.restricted
        self._ended = ""
        self._broken = False
        try:
            wire.limit()
            self._pool.open()
            if self._pool.state != RunspacePoolState.OPENED:
                raise ConnectionError("the server closed the new session at once")
        except BaseException:
            wire.close()
            raise

    @property
    def about(self) -> dict[str, Any]:
        """What the server said when it opened the pool: the version of its C(powershell), and who it takes us for (C(identity))."""
        private = getattr(self._pool.application_private_data, "data", None) or {}
        version = (private.get("PSVersionTable") or {}).get("PSVersion")
        return {"powershell": version and str(version), "identity": self._pool.shell.owner}

    def run(self, command: Command, reach: Callable[[str], None]) -> Outcome:
        """Run one command to its end.

        :param reach: told each stage: open, send and receive.
        """
        pipeline_id = self._start(command, reach)
        reach("receive")
        answer = Answer()
        while not answer.ended and not answer.question:
            self._receive(pipeline_id, answer)
        if answer.stopped:
            raise ConnectionError("the server stopped the command, which nobody asked for")
        self._ended = pipeline_id
        if answer.question:  # it would wait for ever
            self.is_ready(Deadline(min(_STOPPING, max(1, self._wire.deadline.remaining))))
        return answer.outcome(command)

    def is_ready(self, deadline: Deadline) -> bool:
        """Make it ready for another command: let go of the last one. False where the session is of no use any more."""
        from pypsrp.shell import SignalCode

        self._wire.deadline = deadline
        ended, self._ended = self._ended, ""
        if ended and not self._broken:
            try:
                self._wire.limit()
                self._pool.shell.signal(SignalCode.TERMINATE, ended)
            except Exception as error:
                _log.debug("ending a pipeline failed: %s", error)
                self._broken = True
        return not self._broken

    def close(self) -> None:
        """Say good-bye, within a few seconds. Never raises."""
        self._wire.deadline = Deadline(_CLOSING)
        try:
            if not self._broken:
                self._wire.limit()
                self._pool.close()
        except Exception as error:
            _log.debug("closing the session failed: %s", error)
        self._wire.close()

    def drop(self) -> None:
        """Close the connection only. Never raises."""
        self._wire.close()

    def _start(self, command: Command, reach: Callable[[str], None]) -> str:
        """Send a command's pipeline, which starts with the arrival of its last fragment; returns the pipeline's id."""
        from pypsrp.powershell import PowerShell
        from pypsrp.serializer import TaggedValue

        pipeline = PowerShell(self._pool)
        commands = [command]
        if names_lync(command) and not self._imported:
            commands.insert(0, IMPORT)
            self._imported = True
        for one in commands:
            pipeline.add_cmdlet(one.name).add_parameters(parameters(one, TaggedValue)).add_statement()

        def send(message: Any) -> None:
            fragments = self._pool._fragmenter.fragment(message, self._pool.id, pipeline.id)
            for number, fragment in enumerate(fragments, 1):
                reach("open")
                self._wire.limit()
                reach("send" if number == len(fragments) else "open")
                if number == 1:
                    self._pool.shell.command("", [base64.b64encode(fragment).decode()], command_id=pipeline.id)
                else:
                    self._pool.shell.send("stdin", fragment, command_id=pipeline.id)

        # pypsrp's own way does not tell which request is the last
        pipeline._invoke = send
        pipeline.begin_invoke()
        return str(pipeline.id)

    def _receive(self, pipeline_id: str, answer: Answer) -> None:
        """Fetch what there is. A poll that the server ends without output is not a failure."""
        from pypsrp.shell import CommandState

        self._wire.limit()
        try:
            state, _exit_code, streams = self._pool.shell.receive("stdout", command_id=pipeline_id)
        except Exception as error:
            if type(error).__name__ != "WSManFaultError" or getattr(error, "code", None) != _NOTHING_YET:
                raise
            return
        answer.feed(streams["stdout"])
        if state == CommandState.DONE and not answer.ended:
            raise ConnectionError("the server ended the command without its result")

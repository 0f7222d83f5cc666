# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands over the PowerShell remoting protocol with pypsrp: single cmdlets with parameters. Private to this collection.

One runspace pool serves all calls until C(close) or a failure; each command is a pipeline of its own in it. The stages of
failures.py mean here: C(connect) until the pool is opened, C(open) while a pipeline is sent, C(send) the request with its end
(the commit point: now the server can run it), C(receive) after that.
"""

from __future__ import annotations

from typing import Any, Callable, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.attempts import Attempts, Deadline, quiet
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import (
    Command,
    Outcome,
    ProcessResult,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.hints import explained
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.psrp_session import PsrpSession
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.values import check_commands
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.wsman_psrp import Wire, ticket_cache


class PsrpTransport:
    """The transport of the remoting protocol; see C(command.Transport). It connects at first use."""

    def __init__(self, options: RemotingOptions) -> None:
        self.server = options.server
        self._options = options
        self._attempts = Attempts(options)
        self._tickets = ticket_cache(options)
        self._session: PsrpSession | None = None
        #: what the last session said about the server; see PsrpSession.about
        self.about: dict[str, Any] = {}

    def __repr__(self) -> str:
        return "<PsrpTransport %s>" % self._options.url

    def run(self, commands: Sequence[Command], stop_on_error: bool = True) -> list[Outcome]:
        """Run cmdlets as pipelines, one after the other; see C(command.Transport.run).

        :raises InvalidInput: a name or a value must not be sent; nothing was sent.
        :raises MissingLibrary: pypsrp, or a library for the authentication, is not installed.
        :raises RemotingError: the connection failed; C(kind) says what that means.
        """
        check_commands(commands)
        if not commands:
            return []
        changing = "; ".join(str(command) for command in commands if not command.reads)
        return self._attempts.repeat(
            lambda deadline: self._batch(commands, stop_on_error, deadline),
            self._discard,
            reads=not changing,
            doing=changing,
        )

    def execute(self, program: str, arguments: Sequence[str], reads: bool = False) -> ProcessResult:
        """Programs cannot be run over this protocol.

        :raises InvalidInput: always; nothing was sent.
        """
        raise InvalidInput(
            "%s cannot be run on %s with transport psrp, which runs cmdlets only. Nothing was sent. Programs need transport winrm "
            "and the endpoint wsman." % (" ".join([program, *arguments]), self.server),
            option="transport",
        )

    def close(self) -> None:
        """End the session. Never raises; what goes wrong is logged only."""
        session, self._session = self._session, None
        if session is not None:
            with quiet():
                session.close()
        self._tickets.close()

    def _batch(self, commands: Sequence[Command], stop_on_error: bool, deadline: Deadline) -> list[Outcome]:
        stage = _BatchStage(self._attempts, all_read=all(command.reads for command in commands))
        outcomes: list[Outcome] = []
        stopped = False
        for command in commands:
            if stopped:
                outcomes.append(Outcome(command, skipped=True))
                continue
            stage.command = command
            outcome = explained(self._one(command, stage.reach, deadline), self._options)
            outcomes.append(outcome)
            stopped = stop_on_error and outcome.error is not None
        return outcomes

    def _one(self, command: Command, reach: Callable[[str], None], deadline: Deadline) -> Outcome:
        reach("connect")
        if self._session is not None and not self._session.is_ready(deadline):
            self._discard()
        if self._session is None:
            self._session = PsrpSession(self._options, Wire(self._options, self._attempts, self._tickets, deadline))
            self.about = self._session.about
        return self._session.run(command, reach)

    def _discard(self) -> None:
        """Drop the connection without a good-bye."""
        session, self._session = self._session, None
        if session is not None:
            session.drop()


class _BatchStage:
    """How far a batch has got as a whole.

    What only reads is no commit point of a batch that also changes something. Once a changing command has been sent, nothing
    that fails later is harmless any more: the batch as a whole must not be repeated.
    """

    def __init__(self, attempts: Attempts, all_read: bool) -> None:
        self.command: Command | None = None
        self._attempts = attempts
        self._all_read = all_read
        self._changed = False

    def reach(self, stage: str) -> None:
        changes = self.command is not None and not self.command.reads
        if self._changed:
            stage = "receive"
        elif stage in ("send", "receive") and not changes and not self._all_read:
            stage = "open"
        self._changed = self._changed or (changes and stage == "receive")
        self._attempts.stage = stage

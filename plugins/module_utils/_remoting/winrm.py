# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands over WinRS with pywinrm: the bridge, and plain programs. Private to this collection.

One session (connection, shell) serves all calls until C(close) or a failure. What fails before the commit point is done anew
in a new session; after it, only the fetching of the output goes on, over a new connection.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting import bridge
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.attempts import Attempts, Deadline, quiet
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import (
    Command,
    Outcome,
    ProcessResult,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import (
    AMBIGUOUS,
    FATAL,
    RemotingError,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.failures import failed
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.hints import explained
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.values import command_line
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.winrm_session import (
    Output,
    WinRmSession,
    output_of,
)

_CODEPAGE = "437"
_CHUNK = 96 * 1024  # bytes; in base64 and with its envelope below 153600, the limit of Windows Server 2008 R2
_BUSY = 170  # fault code: the program has not yet read the input sent before
_BUSY_PAUSE = 1  # seconds before the same input is sent again
_CLOSING = 4  # seconds for good-byes
#: what WinRS puts around a command line, %COMSPEC% /C "...", is shorter
_AROUND = 100

_log = logging.getLogger(__name__)


class WinRmTransport:
    """The WinRS transport; see C(command.Transport). It connects at first use."""

    def __init__(self, options: RemotingOptions) -> None:
        self.server = options.server
        self._options = options
        self._attempts = Attempts(options)
        self._session: WinRmSession | None = None
        self._shell: str | None = None
        #: what the last answer said about the server; see bridge.server_of
        self.about: dict[str, Any] = {}

    def __repr__(self) -> str:
        return "<WinRmTransport %s>" % self._options.url

    def run(self, commands: Sequence[Command], stop_on_error: bool = True) -> list[Outcome]:
        """Run cmdlets through the bridge; see C(command.Transport.run).

        :raises InvalidInput: a name or a value must not be sent; nothing was sent.
        :raises MissingLibrary: pywinrm is not installed.
        :raises RemotingError: the connection failed; C(kind) says what that means.
        """
        request = bridge.encode_request(commands, stop_on_error)
        if not commands:
            return []
        program, arguments = bridge.command_line()
        changing = "; ".join(str(command) for command in commands if not command.reads)

        def attempt(deadline: Deadline) -> list[Outcome]:
            ended = self._process(program, arguments, request, deadline)
            try:
                outcomes = bridge.decode_response(ended.stdout, commands)
                self.about = bridge.server_of(ended.stdout)
                return outcomes
            except ValueError as error:
                raise self._no_answer(ended, error, changing) from error

        outcomes = self._attempts.repeat(attempt, self._discard, reads=not changing, doing=changing)
        return [explained(outcome, self._options) for outcome in outcomes]

    def execute(self, program: str, arguments: Sequence[str], reads: bool = False) -> ProcessResult:
        """Run a program by name; see C(command.Transport.execute). Its arguments are of a few safe characters only.

        :raises InvalidInput: the program or an argument has a character that cmd.exe would interpret, or the line is too long;
            nothing was sent.
        :raises MissingLibrary: pywinrm is not installed.
        :raises RemotingError: the connection failed; C(kind) says what that means.
        """
        checked = command_line(program, arguments)
        shown = " ".join([program, *arguments])
        limit = bridge.COMMAND_LINE_LIMIT - _AROUND
        length = len(" ".join([checked[0], *checked[1]]))
        if length > limit:
            raise InvalidInput(
                "The command line of %s has %d characters, and cmd.exe on the server takes at most %d. Nothing was sent."
                % (program, length, limit),
                code="command_line_too_long",
            )
        ended = self._attempts.repeat(
            lambda deadline: self._process(*checked, None, deadline), self._discard, reads, "" if reads else shown
        )
        return ProcessResult(int(ended.exit_code or 0), ended.stdout.decode(_CODEPAGE), ended.stderr.decode(_CODEPAGE))

    def close(self) -> None:
        """End the session. Never raises; what goes wrong is logged only."""
        session, shell = self._session, self._shell
        self._session = self._shell = None
        if session is None:
            return
        with quiet():
            try:
                if shell is not None:
                    session.limit(_CLOSING)
                    session.connect()
                    session.protocol.close_shell(shell)
            except Exception as error:
                _log.debug("closing the shell on %s: %s", self.server, error)
            session.close()

    def _process(self, program: str, arguments: Sequence[str], stdin: bytes | None, deadline: Deadline) -> Output:
        """Run one process to its end and return what it printed."""
        session, shell = self._open(deadline)
        session.limit(deadline.check())
        # without input the start itself is the commit point
        self._attempts.stage = "send" if stdin is None else "open"
        command = session.protocol.run_command(shell, program, arguments, console_mode_stdin=False)
        if stdin is not None:
            self._send(session, shell, command, stdin, deadline)
        self._attempts.stage = "receive"
        ended = self._receive(session, shell, command, deadline)
        try:
            session.limit(_CLOSING)
            session.protocol.cleanup_command(shell, command)
        except Exception as error:  # the answer is here; the next call opens a session of its own
            _log.debug("ending a command on %s: %s", self.server, error)
            self._discard()
        return ended

    def _open(self, deadline: Deadline) -> tuple[WinRmSession, str]:
        """Have a connected session with a shell."""
        self._attempts.stage = "connect"
        self._session = session = self._session or WinRmSession(self._options)
        session.limit(deadline.check())
        session.connect()
        if self._shell is None:
            self._shell = session.protocol.open_shell(codepage=int(_CODEPAGE))
        return session, self._shell

    def _send(self, session: WinRmSession, shell: str, command: str, stdin: bytes, deadline: Deadline) -> None:
        """Send the input in chunks; the last one ends it, and with that the process begins to work."""
        chunks = [stdin[start : start + _CHUNK] for start in range(0, len(stdin), _CHUNK)]
        for number, chunk in enumerate(chunks, 1):
            while True:
                self._attempts.stage = "open"
                session.limit(deadline.check())
                self._attempts.stage = "send" if number == len(chunks) else "open"
                try:
                    session.protocol.send_command_input(shell, command, chunk, end=number == len(chunks))
                    break
                except Exception as error:
                    if getattr(error, "wsman_fault_code", None) != _BUSY or deadline.remaining < _BUSY_PAUSE:
                        raise
                time.sleep(_BUSY_PAUSE)

    def _receive(self, session: WinRmSession, shell: str, command: str, deadline: Deadline) -> Output:
        """Fetch output until the process has ended. A poll that the server ends without output is not a failure."""
        stdout, stderr = [], []
        while True:
            session.limit(deadline.check())
            envelope = session.receive_request(shell, command)

            def receive(envelope: str = envelope) -> bytes:
                session.limit(deadline.check())
                session.connect()
                answer: bytes = session.protocol.send_message(envelope)
                return answer

            try:
                output = output_of(self._attempts.insist(receive, session.disconnect, deadline))
            except Exception as error:
                if type(error).__name__ != "WinRMOperationTimeoutError":
                    raise
                continue
            stdout.append(output.stdout)
            stderr.append(output.stderr)
            if output.exit_code is not None:
                return Output(b"".join(stdout), b"".join(stderr), output.exit_code)

    def _discard(self) -> None:
        """Drop the connection without a good-bye; the next attempt has a shell of its own."""
        self._shell = None
        if self._session is not None:
            self._session.disconnect()

    def _no_answer(self, ended: Output, error: ValueError, changing: str) -> RemotingError:
        """The process ended without the bridge's answer."""
        printed = " ".join((ended.stderr or ended.stdout).decode(_CODEPAGE).split())[:400] or "nothing"
        # PowerShell 2.0 stops at the first of these; both come before the first command
        if b"ParserError" in ended.stderr or b"ConvertFrom-Json" in ended.stderr:
            what = (
                "its PowerShell cannot run the bridge, which needs Windows PowerShell 3.0 or later (it printed: %s)."
                % printed
            )
            return failed("powershell_too_old", what, FATAL, "open", self._attempts.target)
        what = "the bridge gave no answer (%s; exit code %d; it printed: %s)." % (error, ended.exit_code, printed)
        return failed(
            "bridge_failed", what, AMBIGUOUS if changing else FATAL, "receive", self._attempts.target, changing
        )

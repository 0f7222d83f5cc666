# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands over WinRS with pywinrm: the bridge, and plain programs. Private to this collection.

One session (connection, shell) serves all calls until C(close) or a failure. A failed session is thrown away, never
mended: with message encryption it cannot be.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from typing import Any, NamedTuple, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import MissingLibrary
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
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.failures import (
    UnprotectedAnswer,
    failed,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.values import command_line

_CODEPAGE = "437"
_CHUNK = 96 * 1024  # bytes; in base64 and with its envelope below the 153600 of pywinrm's MaxEnvelopeSize
_POLL = 20  # seconds that one request may wait at the server (WS-Man OperationTimeout)
_NETWORK = 10  # seconds that an answer may take beyond that
_BUSY = 170  # fault code: the program has not yet read the input sent before
_BUSY_PAUSE = 1  # seconds before the same input is sent again
_CLOSING = 4  # seconds for good-byes

_log = logging.getLogger(__name__)


class _Ended(NamedTuple):
    """A process that has ended, and what it printed."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class WinRmTransport:
    """The WinRS transport; see C(command.Transport). It connects at first use."""

    def __init__(self, options: RemotingOptions) -> None:
        self.server = options.server
        self._options = options
        self._attempts = Attempts(options)
        self._protocol: Any = None
        self._shell: str | None = None

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
                return bridge.decode_response(ended.stdout, commands)
            except ValueError as error:
                raise self._no_answer(ended, error, changing) from error

        return self._attempts.repeat(attempt, self._discard, reads=not changing, doing=changing)

    def execute(self, program: str, arguments: Sequence[str], reads: bool = False) -> ProcessResult:
        """Run a program by name; see C(command.Transport.execute). Its arguments are of a few safe characters only.

        :raises InvalidInput: the program or an argument has a character that cmd.exe would interpret; nothing was sent.
        :raises MissingLibrary: pywinrm is not installed.
        :raises RemotingError: the connection failed; C(kind) says what that means.
        """
        checked = command_line(program, arguments)
        shown = " ".join([program, *arguments])
        ended = self._attempts.repeat(
            lambda deadline: self._process(*checked, None, deadline), self._discard, reads, "" if reads else shown
        )
        return ProcessResult(ended.exit_code, ended.stdout.decode(_CODEPAGE), ended.stderr.decode(_CODEPAGE))

    def close(self) -> None:
        """End the session. Never raises; what goes wrong is logged only."""
        protocol, shell = self._protocol, self._shell
        self._protocol = self._shell = None
        if protocol is None:
            return
        with quiet():
            try:
                if shell is not None:
                    self._limit(protocol, Deadline(_CLOSING))
                    protocol.close_shell(shell)
            except Exception as error:
                _log.debug("closing the shell on %s: %s", self.server, error)
            try:
                protocol.transport.close_session()
            except Exception as error:
                _log.debug("closing the connection to %s: %s", self.server, error)

    def _process(self, program: str, arguments: Sequence[str], stdin: bytes | None, deadline: Deadline) -> _Ended:
        """Run one process to its end and return what it printed."""
        self._open(deadline)
        self._limit(self._protocol, deadline)
        # without input the start itself is the commit point
        self._attempts.stage = "send" if stdin is None else "open"
        command = self._protocol.run_command(self._shell, program, arguments, console_mode_stdin=False)
        if stdin is not None:
            self._send(command, stdin, deadline)
        self._attempts.stage = "receive"
        ended = self._receive(command, deadline)
        try:
            self._limit(self._protocol, Deadline(_CLOSING))
            self._protocol.cleanup_command(self._shell, command)
        except Exception as error:  # the answer is here; the next call opens a session of its own
            _log.debug("ending a command on %s: %s", self.server, error)
            self._discard()
        return ended

    def _open(self, deadline: Deadline) -> None:
        """Have a connected session with a shell."""
        self._attempts.stage = "connect"
        if self._shell is not None:
            return
        self._protocol = protocol = _new_protocol(self._options)
        self._limit(protocol, deadline)
        # before Kerberos: of a mistyped name it would only say that the KDC does not know it
        socket.getaddrinfo(self._options.server.strip("[]"), self._options.port, type=socket.SOCK_STREAM)
        session = protocol.transport.build_session()
        session.max_redirects = 0
        if self._options.scheme == "http":
            if protocol.transport.encryption is None:
                raise UnprotectedAnswer("message encryption was not established")
            session.hooks["response"].append(_refuse_clear_text)
        self._shell = protocol.open_shell(codepage=int(_CODEPAGE))

    def _send(self, command: str, stdin: bytes, deadline: Deadline) -> None:
        """Send the input in chunks; the last one ends it, and with that the process begins to work."""
        chunks = [stdin[start : start + _CHUNK] for start in range(0, len(stdin), _CHUNK)]
        for number, chunk in enumerate(chunks, 1):
            while True:
                self._attempts.stage = "open"
                self._limit(self._protocol, deadline)
                self._attempts.stage = "send" if number == len(chunks) else "open"
                try:
                    self._protocol.send_command_input(self._shell, command, chunk, end=number == len(chunks))
                    break
                except Exception as error:
                    if getattr(error, "wsman_fault_code", None) != _BUSY or deadline.remaining < _BUSY_PAUSE:
                        raise
                time.sleep(_BUSY_PAUSE)

    def _receive(self, command: str, deadline: Deadline) -> _Ended:
        """Fetch output until the process has ended. A poll that the server ends without output is not a failure."""
        stdout, stderr = [], []
        while True:
            self._limit(self._protocol, deadline)
            try:
                out, err, exit_code, done = self._protocol.get_command_output_raw(self._shell, command)
            except Exception as error:
                if type(error).__name__ != "WinRMOperationTimeoutError":
                    raise
                continue
            stdout.append(out)
            stderr.append(err)
            if done:
                return _Ended(exit_code, b"".join(stdout), b"".join(stderr))

    def _limit(self, protocol: Any, deadline: Deadline) -> None:
        """Give the next request no more time than there is.

        :raises DeadlineReached: there is none.
        """
        remaining = deadline.check()
        protocol.operation_timeout_sec = max(1, min(_POLL, int(remaining)))
        answer = min(protocol.operation_timeout_sec + _NETWORK, remaining + 2)
        protocol.transport.read_timeout_sec = (min(self._options.connection_timeout, remaining), answer)

    def _discard(self) -> None:
        """Drop the connection without a good-bye."""
        protocol, self._protocol, self._shell = self._protocol, None, None
        if protocol is not None:
            with contextlib.suppress(Exception):
                protocol.transport.close_session()

    def _no_answer(self, ended: _Ended, error: ValueError, changing: str) -> RemotingError:
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


def _new_protocol(options: RemotingOptions) -> Any:
    try:
        import winrm.protocol
    except ImportError as error:
        raise MissingLibrary("pywinrm") from error
    if options.auth == "kerberos":
        try:
            import winrm.vendor.requests_kerberos
        except ImportError as error:
            raise MissingLibrary("pykerberos (pywinrm[kerberos])") from error
    return winrm.protocol.Protocol(
        endpoint=options.url,
        transport=options.auth,
        username=options.user,
        password=options.password if options.auth == "basic" else None,
        ca_trust_path=options.ca_cert or "legacy_requests",
        server_cert_validation="validate" if options.validate else "ignore",
        kerberos_hostname_override=options.hostname_override,
        kerberos_delegation=options.delegation,
        service=options.service,
        message_encryption="always" if options.scheme == "http" else "never",
        proxy=None,
        operation_timeout_sec=_POLL,
        read_timeout_sec=_POLL + _NETWORK,
    )


def _refuse_clear_text(response: Any, *args: Any, **kwargs: Any) -> Any:
    """Accept only encrypted answers; of a refusal in clear text only the status is believed."""
    if "multipart/encrypted" not in response.headers.get("Content-Type", ""):
        if response.ok:
            raise UnprotectedAnswer("HTTP %d in clear text" % response.status_code)
        response._content = b""
    return response

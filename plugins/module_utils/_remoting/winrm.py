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
import warnings
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, NamedTuple, Sequence, TypeVar

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import MissingLibrary, PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting import bridge
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import (
    Command,
    Outcome,
    ProcessResult,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import (
    AMBIGUOUS,
    FATAL,
    RETRYABLE,
    RemotingError,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.failures import (
    DeadlineReached,
    Target,
    UnprotectedAnswer,
    classify,
    failed,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.values import command_line

Result = TypeVar("Result")

_SERVICE = "HTTP"  # the class of the Kerberos service name
_CODEPAGE = "437"
_CHUNK = 96 * 1024  # bytes; in base64 and with its envelope below the 153600 of pywinrm's MaxEnvelopeSize
_POLL = 20  # seconds that one request may wait at the server (WS-Man OperationTimeout)
_NETWORK = 10  # seconds that an answer may take beyond that
_PAUSES = (1, 3)  # seconds before the second and the third attempt
_BUSY = 170  # fault code: the program has not yet read the input sent before
_CLOSING = 4  # seconds for good-byes

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WinRmOptions:
    """How to reach one server; checked by C(connect.open_transport). Times in seconds."""

    server: str
    scheme: str = "https"
    port: int = 5986
    path: str = "wsman"
    auth: str = "kerberos"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_cert: str | None = None
    validate: bool = True
    kerberos_hostname_override: str | None = None
    kerberos_delegation: bool = False
    connection_timeout: int = 30
    operation_timeout: int = 600

    @property
    def url(self) -> str:
        return "%s://%s:%d/%s" % (self.scheme, self.server, self.port, self.path.strip("/"))


class _Deadline:
    """The time that one call may take, on a clock that nobody sets."""

    def __init__(self, seconds: float) -> None:
        self._started = time.monotonic()
        self._seconds = seconds

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._started

    @property
    def remaining(self) -> float:
        return self._seconds - self.elapsed


class _Ended(NamedTuple):
    """A process that has ended, and what it printed."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class WinRmTransport:
    """The WinRS transport; see C(command.Transport). It connects at first use."""

    def __init__(self, options: WinRmOptions) -> None:
        self.server = options.server
        self._options = options
        service = "%s/%s" % (_SERVICE, options.kerberos_hostname_override or options.server)
        self._target = Target(options.server, options.url, options.auth, options.user, service)
        self._protocol: Any = None
        self._shell: str | None = None
        self._stage = "connect"

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

        def attempt(deadline: _Deadline) -> list[Outcome]:
            ended = self._process(program, arguments, request, deadline)
            try:
                return bridge.decode_response(ended.stdout, commands)
            except ValueError as error:
                raise self._no_answer(ended, error, changing) from error

        return self._repeat(attempt, reads=not changing, doing=changing)

    def execute(self, program: str, arguments: Sequence[str], reads: bool = False) -> ProcessResult:
        """Run a program by name; see C(command.Transport.execute). Its arguments are of a few safe characters only.

        :raises InvalidInput: the program or an argument has a character that cmd.exe would interpret; nothing was sent.
        :raises MissingLibrary: pywinrm is not installed.
        :raises RemotingError: the connection failed; C(kind) says what that means.
        """
        checked = command_line(program, arguments)
        shown = " ".join([program, *arguments])
        ended = self._repeat(lambda deadline: self._process(*checked, None, deadline), reads, "" if reads else shown)
        return ProcessResult(ended.exit_code, ended.stdout.decode(_CODEPAGE), ended.stderr.decode(_CODEPAGE))

    def close(self) -> None:
        """End the session. Never raises; what goes wrong is logged only."""
        protocol, shell = self._protocol, self._shell
        self._protocol = self._shell = None
        if protocol is None:
            return
        with _quiet():
            try:
                if shell is not None:
                    self._limit(protocol, _Deadline(_CLOSING))
                    protocol.close_shell(shell)
            except Exception as error:
                _log.debug("closing the shell on %s: %s", self.server, error)
            try:
                protocol.transport.close_session()
            except Exception as error:
                _log.debug("closing the connection to %s: %s", self.server, error)

    def _repeat(self, attempt: Callable[[_Deadline], Result], reads: bool, doing: str) -> Result:
        """Attempt until it succeeds, the failure is not one to try again, or the time or the attempts are used up."""
        deadline = _Deadline(self._options.operation_timeout)
        pauses = iter(_PAUSES)
        while True:
            with _quiet():
                try:
                    return attempt(deadline)
                except RemotingError as known:
                    error = known
                except PersistentChatError:
                    raise
                except Exception as unknown:
                    error = classify(unknown, self._stage, self._target, reads, doing)
                    error.__cause__ = unknown
            self._discard()
            pause = next(pauses, None)
            # nobody waits longer for a server that is not there than connection_timeout
            budget = self._options.connection_timeout if error.stage == "connect" else self._options.operation_timeout
            if error.kind != RETRYABLE or pause is None or deadline.elapsed + pause > budget:
                raise error
            time.sleep(pause)

    def _process(self, program: str, arguments: Sequence[str], stdin: bytes | None, deadline: _Deadline) -> _Ended:
        """Run one process to its end and return what it printed."""
        self._open(deadline)
        self._limit(self._protocol, deadline)
        # without input the start itself is the commit point
        self._stage = "send" if stdin is None else "open"
        command = self._protocol.run_command(self._shell, program, arguments, console_mode_stdin=False)
        if stdin is not None:
            self._send(command, stdin, deadline)
        self._stage = "receive"
        ended = self._receive(command, deadline)
        try:
            self._limit(self._protocol, _Deadline(_CLOSING))
            self._protocol.cleanup_command(self._shell, command)
        except Exception as error:  # the answer is here; the next call opens a session of its own
            _log.debug("ending a command on %s: %s", self.server, error)
            self._discard()
        return ended

    def _open(self, deadline: _Deadline) -> None:
        """Have a connected session with a shell."""
        self._stage = "connect"
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

    def _send(self, command: str, stdin: bytes, deadline: _Deadline) -> None:
        """Send the input in chunks; the last one ends it, and with that the process begins to work."""
        chunks = [stdin[start : start + _CHUNK] for start in range(0, len(stdin), _CHUNK)]
        for number, chunk in enumerate(chunks, 1):
            while True:
                self._stage = "open"
                self._limit(self._protocol, deadline)
                self._stage = "send" if number == len(chunks) else "open"
                try:
                    self._protocol.send_command_input(self._shell, command, chunk, end=number == len(chunks))
                    break
                except Exception as error:
                    if getattr(error, "wsman_fault_code", None) != _BUSY or deadline.remaining < _PAUSES[0]:
                        raise
                time.sleep(_PAUSES[0])

    def _receive(self, command: str, deadline: _Deadline) -> _Ended:
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

    def _limit(self, protocol: Any, deadline: _Deadline) -> None:
        """Give the next request no more time than there is.

        :raises DeadlineReached: there is none.
        """
        remaining = deadline.remaining
        if remaining <= 0:
            raise DeadlineReached("%d seconds" % self._options.operation_timeout)
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
            return failed("powershell_too_old", what, FATAL, "open", self._target)
        what = "the bridge gave no answer (%s; exit code %d; it printed: %s)." % (error, ended.exit_code, printed)
        return failed("bridge_failed", what, AMBIGUOUS if changing else FATAL, "receive", self._target, changing)


def _new_protocol(options: WinRmOptions) -> Any:
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
        kerberos_hostname_override=options.kerberos_hostname_override,
        kerberos_delegation=options.kerberos_delegation,
        service=_SERVICE,
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


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries' warnings and logs out of the module's output."""
    logger = logging.getLogger("winrm")
    handler = logging.NullHandler()
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.removeHandler(handler)

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One module's way to its server: opened late, opened anew after a failure, waited on with a bound.

Private to this collection.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Iterator, Mapping, Protocol, Sequence, TypeVar

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import (
    Command,
    Outcome,
    ProcessResult,
    Transport,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import AMBIGUOUS, RemotingError

T = TypeVar("T")
#: how many of the calls before a failure it names
_SHOWN = 5
Connect = Callable[[Mapping[str, Any]], Transport]


class Session:
    """A Transport that takes a new connection after the old one failed.

    An ambiguous failure is decided by an observation, and an observation over the broken connection decides nothing. An error
    that ends a module speaks for the whole of it, so the errors raised here also tell what was done before, or may have been.
    """

    def __init__(self, connect: Connect, params: Mapping[str, Any]) -> None:
        self._connect = connect
        self._params = params
        self._transport: Transport | None = None
        self._done: list[str] = []
        self._undecided: RemotingError | None = None

    @property
    def server(self) -> str:
        """The server's name, for messages."""
        return str(self._params.get("remote_addr"))

    def run(self, commands: Sequence[Command], stop_on_error: bool = True) -> list[Outcome]:
        """As Transport.run."""
        outcomes = self._use(lambda transport: transport.run(commands, stop_on_error))
        self._done += [str(o.command) for o in outcomes if not (o.command.reads or o.error or o.skipped)]
        return outcomes

    def execute(self, program: str, arguments: Sequence[str], reads: bool = False) -> ProcessResult:
        """As Transport.execute."""
        result = self._use(lambda transport: transport.execute(program, arguments, reads))
        if not reads and result.exit_code == 0:
            self._done.append(" ".join([program, *arguments]))
        return result

    def close(self) -> None:
        """As Transport.close."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _use(self, work: Callable[[Transport], T]) -> T:
        if self._transport is None:
            self._transport = self._connect(self._params)
        try:
            result = work(self._transport)
        except RemotingError as error:
            self.close()
            raise self._of_the_whole(error) from error
        self._undecided = None
        return result

    def _of_the_whole(self, error: RemotingError) -> RemotingError:
        """A failure, with what the calls before it leave behind."""
        if self._undecided is not None:
            text = "%s Then the actual state could not be read: %s" % (self._undecided, error)
            return RemotingError(text, AMBIGUOUS, error.stage, "unknown_outcome", server=self.server)
        if error.kind == AMBIGUOUS:
            self._undecided = error
        if not self._done:
            return error
        text = "%s This was carried out before: %s." % (error, "; ".join(self._done[-_SHOWN:]))
        return RemotingError(text, error.kind, error.stage, error.code, server=self.server)


class Clock(Protocol):
    """What waiting needs of the module C(time)."""

    def monotonic(self) -> float:
        """Seconds since some fixed point."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


def poll(seconds: float, interval: float, clock: Clock = time) -> Iterator[None]:
    """Yield at once, then every C(interval) seconds, and a last time when C(seconds) are over."""
    deadline = clock.monotonic() + seconds
    while True:
        yield
        left = deadline - clock.monotonic()
        if left <= 0:
            return
        clock.sleep(min(interval, left))

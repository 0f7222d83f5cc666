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
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import RemotingError

T = TypeVar("T")
Connect = Callable[[Mapping[str, Any]], Transport]


class Session:
    """A Transport that takes a new connection after the old one failed.

    An ambiguous failure is decided by an observation, and an observation over the broken connection decides nothing.
    """

    def __init__(self, connect: Connect, params: Mapping[str, Any]) -> None:
        self._connect = connect
        self._params = params
        self._transport: Transport | None = None

    @property
    def server(self) -> str:
        """The server's name, for messages."""
        return str(self._params.get("remote_addr"))

    def run(self, commands: Sequence[Command], stop_on_error: bool = True) -> list[Outcome]:
        """As Transport.run."""
        return self._use(lambda transport: transport.run(commands, stop_on_error))

    def execute(self, program: str, arguments: Sequence[str], reads: bool = False) -> ProcessResult:
        """As Transport.execute."""
        return self._use(lambda transport: transport.execute(program, arguments, reads))

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
            return work(self._transport)
        except RemotingError:
            self.close()
            raise


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

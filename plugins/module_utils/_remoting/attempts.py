# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often and how long something is tried, the same for each transport. Private to this collection."""

from __future__ import annotations

import contextlib
import logging
import time
import warnings
from typing import Callable, Iterator, TypeVar

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import RETRYABLE, RemotingError
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.evidence import Evidence
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.failures import (
    PENDING,
    DeadlineReached,
    Target,
    classify,
    receive_again,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.options import RemotingOptions

Result = TypeVar("Result")
#: how often a Receive is sent again beyond the pauses of the options: what is lost here cannot be done again
_FURTHER = 4
#: seconds for which a server may hold the answer to a request that was sent before, and between two questions for it
_HELD, _ASK = 45, 1
#: the libraries whose logs and warnings must not reach a module's output
_LOUD = ("winrm", "pypsrp", "spnego", "urllib3", "requests")


class Deadline:
    """The time that one call may take, on a clock that nobody sets."""

    def __init__(self, seconds: float) -> None:
        self._started = time.monotonic()
        self.seconds = seconds

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._started

    @property
    def remaining(self) -> float:
        return self.seconds - self.elapsed

    def check(self) -> float:
        """The seconds that are left. :raises DeadlineReached: none are."""
        if self.remaining <= 0:
            raise DeadlineReached("%g seconds" % self.seconds)
        return self.remaining


class Attempts:
    """Tries until something succeeds, fails in a way that trying again cannot mend, or the time or the attempts are used up.

    A call that may have changed something is never among those that are tried again: see failures.py.

    :ivar stage: how far the present attempt has got; whoever carries it out sets it.
    """

    def __init__(self, options: RemotingOptions) -> None:
        self._options = options
        self.target = Target(
            options.server,
            options.url,
            options.auth,
            options.user,
            options.principal,
            options.channel_binding,
            options.restricted,
        )
        self.stage = "connect"

    def repeat(
        self, attempt: Callable[[Deadline], Result], discard: Callable[[], None], reads: bool, doing: str
    ) -> Result:
        """The result of the first attempt that succeeds.

        :param discard: drops a session that failed, without a good-bye.
        :param reads: whether everything that is sent only reads.
        :param doing: the changing commands, as a person names them.
        :raises RemotingError: the last attempt's failure.
        """
        # each request is limited by the deadline; a look-up of a name or a service ticket only by the system's own limits
        deadline = Deadline(self._options.operation_timeout)
        pauses = iter(self._options.retry_pauses)
        while True:
            with quiet():
                try:
                    return attempt(deadline)
                except RemotingError as known:
                    error = known
                except PersistentChatError:
                    raise
                except Exception as unknown:
                    error = classify(unknown, self.stage, self.target, reads, doing)
                    error.__cause__ = unknown
                discard()
            pause = next(pauses, None)
            # nobody waits longer for a server that is not there than connection_timeout
            budget = self._options.connection_timeout if error.stage == "connect" else self._options.operation_timeout
            if error.kind != RETRYABLE or pause is None or deadline.elapsed + pause > budget:
                raise error
            time.sleep(pause)

    def insist(self, receive: Callable[[], Result], renew: Callable[[], None], deadline: Deadline) -> Result:
        """What C(receive) returns; when it fails in a way that loses nothing, it is called again, with the same message.

        :param receive: sends one Receive, always the same envelope, and connects first where there is no connection.
        :param renew: drops the connection without a good-bye; with encryption it can only be made anew.
        """
        pauses = iter(self._options.retry_pauses + self._options.retry_pauses[-1:] * _FURTHER)
        held_until = None
        while True:
            try:
                return receive()
            except Exception as error:
                if not receive_again(error):
                    raise
                if Evidence(error).fault == PENDING:
                    held_until = held_until or time.monotonic() + _HELD
                    pause = _ASK if time.monotonic() < held_until else None
                else:
                    pause = next(pauses, None)
                    renew()
                if pause is None or deadline.remaining <= pause:
                    raise
            time.sleep(pause)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' warnings and logs out of the module's output."""
    handler = logging.NullHandler()
    loggers = [logging.getLogger(name) for name in _LOUD]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readings: what is asked of a server, kept apart from how the answer is understood. Private to this collection.

Each start of PowerShell with the Lync module costs seconds, so whoever observes collects the readings of several
subjects and asks them all in one remote call with L(read).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Generic, Sequence, TypeVar

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command, Outcome, Transport
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.hints import NOT_FOUND

T = TypeVar("T")


@dataclass(frozen=True)
class Reading(Generic[T]):
    """Commands that only read, and the function that turns their outcomes into a state.

    :param commands: each is sent even when the one before it failed.
    :param understand: takes one outcome for each command; decides itself which errors mean "not there".
    """

    commands: Sequence[Command]
    understand: Callable[[Sequence[Outcome]], T]


def read(transport: Transport, *readings: Reading[Any]) -> list[Any]:
    """Ask all readings in one remote call and return one state for each, in order.

    :raises RemotingError: the connection failed.
    :raises CmdletFailed: a cmdlet that a reading cannot do without failed.
    """
    return _understood(transport.run([c for r in readings for c in r.commands], stop_on_error=False), readings)


def write_then_read(transport: Transport, commands: Sequence[Command], *readings: Reading[Any]) -> list[Any]:
    """Carry out the commands and read what is there afterwards, in one remote call unless a reading finds nothing.

    :raises RemotingError: the connection failed.
    :raises CmdletFailed: a command failed, and those behind it did not run; or as L(read).
    """
    outcomes = transport.run([*commands, *(c for r in readings for c in r.commands)], stop_on_error=True)
    for outcome in outcomes[: len(commands)]:
        outcome.objects()
    seen = outcomes[len(commands) :]
    return read(transport, *readings) if any(outcome.skipped for outcome in seen) else _understood(seen, readings)


def _understood(outcomes: Sequence[Outcome], readings: Sequence[Reading[Any]]) -> list[Any]:
    left = list(outcomes)
    states = []
    for reading in readings:
        count = len(reading.commands)
        states.append(reading.understand(left[:count]))
        del left[:count]
    return states


def get(cmdlet: str, select: Sequence[str], **parameters: Any) -> Command:
    """A command that only reads; parameters that are None are left out."""
    return Command(cmdlet, {k: v for k, v in parameters.items() if v is not None}, tuple(select), reads=True)


def not_found(outcome: Outcome) -> bool:
    """Whether a general PowerShell cmdlet said that the thing does not exist: by category, which is not translated."""
    return outcome.error is not None and outcome.error.category == "ObjectNotFound" and not unknown_cmdlet(outcome)


def unknown_cmdlet(outcome: Outcome) -> bool:
    """Whether the session does not have the cmdlet at all, for example because no role of the account has it."""
    return outcome.error is not None and outcome.error.error_id.startswith(NOT_FOUND)


def texts(value: Any) -> tuple[str, ...]:
    """A property that may be absent, one value or a list, as strings."""
    if value is None or value == "":
        return ()
    return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else (str(value),)

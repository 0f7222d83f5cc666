# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said to a server and what comes back, whatever the transport. Private to this collection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Protocol, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import PersistentChatError

_SHOWN = 500  # characters of one value in a message


@dataclass(frozen=True)
class Command:
    """One cmdlet call, as data. No PowerShell text is ever built from it.

    :param name: the cmdlet, such as C(Get-CsPersistentChatEndpoint).
    :param parameters: typed values: str, int, bool (also for switches), None, lists of them, or a dict for a hashtable.
    :param select: the properties of the output objects that are wanted; empty where the output is not used.
    :param reads: True when the call changes nothing, so that it may be repeated after a lost answer.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    select: Sequence[str] = ()
    reads: bool = False

    def __str__(self) -> str:
        return " ".join([self.name] + ["-%s %s" % (key, _short(value)) for key, value in self.parameters.items()])


def _short(value: Any) -> str:
    """A parameter's value for a message: a file's content would bury the rest of it."""
    text = str(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


@dataclass(frozen=True)
class CmdletError:
    """The error that ended a cmdlet, as the server gave it.

    :param message: in the server's language: shown to people, never matched on (domain.md, section 2.7).
    :param error_id: the FullyQualifiedErrorId.
    :param category: the error category's name, such as C(InvalidData).
    :param hint: what to do about it, in our words (hints.py); empty where nothing is known.
    """

    message: str
    error_id: str = ""
    category: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Outcome:
    """What one command did.

    :param output: one dict for each output object, with exactly the selected properties; None where one has no value.
    :param skipped: True when the command did not run because an earlier one of the batch failed.
    """

    command: Command
    output: Sequence[Mapping[str, Any]] = ()
    warnings: Sequence[str] = ()
    error: CmdletError | None = None
    skipped: bool = False

    def objects(self) -> list[dict[str, Any]]:
        """The output, or the cmdlet's error raised.

        :raises CmdletFailed: the cmdlet ended with an error or was skipped.
        """
        if self.error is not None or self.skipped:
            raise CmdletFailed(self)
        return [dict(item) for item in self.output]


class CmdletFailed(PersistentChatError):
    """A cmdlet ran on the server and ended with an error."""

    def __init__(self, outcome: Outcome) -> None:
        error = outcome.error or CmdletError("it did not run, because an earlier command of the batch failed")
        text = "%s failed: %s" % (outcome.command, error.message)
        super().__init__(
            "%s %s" % (text, error.hint) if error.hint else text,
            "cmdlet_failed",
            cmdlet=outcome.command.name,
            error_id=error.error_id,
        )
        self.outcome = outcome


@dataclass(frozen=True)
class ProcessResult:
    """The end of a program that ran on the server: its exit code and what it printed."""

    exit_code: int
    stdout: str
    stderr: str = ""


class Transport(Protocol):
    """A way to run cmdlets on one server. Open it late, use it once, close it."""

    #: the server's name, for messages
    server: str

    def run(self, commands: Sequence[Command], stop_on_error: bool = True) -> list[Outcome]:
        """Run the commands in order in one session and return one outcome for each.

        :param stop_on_error: skip what follows a command that failed; with False every command runs.
        :raises RemotingError: the connection failed; its C(kind) says whether the commands may have run.
        """

    def execute(self, program: str, arguments: Sequence[str], reads: bool = False) -> ProcessResult:
        """Run a program with arguments, without PowerShell (C(sc.exe) on legacy hosts).

        :param reads: True when it changes nothing, so that it may be repeated after a lost answer.
        :raises RemotingError: the connection failed.
        """

    def close(self) -> None:
        """Release the session. Never raises."""

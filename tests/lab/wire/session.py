# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session that a front end serves: on which host, for whom, and how it calls a cmdlet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Mapping, Protocol

from tests.lab.cmdlets import CmdletFault, Context, run_cmdlet
from tests.lab.cmdlets.calls import Call


@dataclass(frozen=True)
class User:
    """Who is at the other end of a connection.

    :param name: C(CONTOSO\\name).
    :param delegated: the session holds credentials that reach further servers.
    """

    name: str
    delegated: bool = False


@dataclass(frozen=True)
class CmdletResult:
    """What one cmdlet call gave, also before its error; C(error) is None where it succeeded."""

    output: list[dict[str, Any]]
    warnings: list[str]
    error: CmdletFault | None = None


class Runner(Protocol):
    """What calls cmdlets in a session: a process, or a pipeline.

    C(cmdlets) is where the request that made it run keeps the names of its cmdlets; C(ask) puts a question to the client,
    None where nobody can answer.
    """

    cmdlets: list[str]
    ask: Callable[[str], bool] | None

    def check(self) -> None:
        """Go on only while alive. :raises Killed: it was killed."""


@dataclass(frozen=True)
class Session:
    """One shell's view of its server.

    :param hook: called with the runner's check, the point (cmdlet-before or cmdlet-after) and the cmdlet's name; orders
        faults.
    :param log: takes the cmdlets' calls.
    :param idle_seconds: how long it may idle where the client does not say.
    :param visible: lower-case names of the only cmdlets that a restricted session has; None in a full session.
    """

    shell_id: str
    estate: Any
    host: str
    legacy: bool
    user: User
    hook: Callable[[Callable[[], None], str, str], None]
    log: Callable[[Call], None]
    idle_seconds: float
    visible: frozenset[str] | None = None

    @property
    def restricted(self) -> bool:
        """Whether there are only some cmdlets, and no language."""
        return self.visible is not None

    def context(self, runner: Runner) -> Context:
        """A fresh context for one command."""
        hook = partial(self.hook, runner.check)
        user = self.user
        return Context(
            self.estate, self.host, user.name, user.delegated, hook, visible=self.visible, ask=runner.ask, log=self.log
        )

    def call(self, runner: Runner, name: str, parameters: Mapping[str, Any], given: Any = None) -> CmdletResult:
        """Run one cmdlet: the one way for every front end."""
        context = self.context(runner)
        runner.cmdlets.append(name)
        try:
            return CmdletResult(run_cmdlet(context, name, parameters, given), context.warnings)
        except CmdletFault as fault:
            return CmdletResult(context.output, context.warnings, fault)

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session that a front end serves: on which host, for whom, and how it calls a cmdlet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping

from tests.lab.cmdlets import CmdletFault, Context, run_cmdlet


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
    """What one cmdlet call gave; C(error) is None where it succeeded."""

    output: list[dict[str, Any]]
    warnings: list[str]
    error: CmdletFault | None = None


@dataclass(frozen=True)
class Session:
    """One shell's view of its server.

    :param hook: called with the point (cmdlet-before or cmdlet-after) and the cmdlet's name; orders faults.
    """

    shell_id: str
    estate: Any
    host: str
    legacy: bool
    user: User
    hook: Callable[[str, str], None]

    def context(self) -> Context:
        """A fresh context for one command."""
        return Context(self.estate, self.host, self.user.name, self.user.delegated, self.hook)

    def call(self, name: str, parameters: Mapping[str, Any], given: Any = None) -> CmdletResult:
        """Run one cmdlet: the one way for every front end."""
        context = self.context()
        try:
            return CmdletResult(run_cmdlet(context, name, parameters, given), context.warnings)
        except CmdletFault as fault:
            return CmdletResult([], context.warnings, fault)

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WS-Man service of one simulated host: takes an envelope of an authenticated user, gives the answer's."""

from __future__ import annotations

import sys
import traceback
import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Mapping

from tests.lab.cmdlets import CmdletFault
from tests.lab.policies import Policies

from .counters import Counters
from .faults import Drop, FaultPlan, HttpFailure
from .processes import Killed
from .session import Session, User
from .shells import Shell, Shells
from .soap import (
    ACCESS_DENIED,
    INTERNAL_ERROR,
    RESOURCE_NOT_FOUND,
    Request,
    WsmanFault,
    build_fault,
    build_reply,
    parse_request,
)
from .winrs import RESOURCE as COMMAND_SHELL
from .winrs import CommandShell

#: groups whose members may use remote management; on Windows the endpoint's security descriptor says so
ADMINISTRATORS = {"administrators", "domain admins", "remote management users"}
#: resource URI -> the kind of shell behind it
KINDS: dict[str, type[Shell]] = {COMMAND_SHELL: CommandShell}


@dataclass(frozen=True)
class Answer:
    """What goes back: an HTTP status, an envelope, and the verb that it answers."""

    status: int
    envelope: bytes
    verb: str = "unreadable"


class WsmanService:
    """The service of one host.

    :param host: a Host of the lab's settings.
    :param counters: of all hosts; the HTTP layer counts there too.
    :param sever: cuts all open connections of this host.
    :param policies: how the hosts are configured.
    """

    def __init__(
        self,
        host: Any,
        estate: Any,
        directory: Any,
        faults: FaultPlan,
        counters: Counters,
        sever: Callable[[], None],
        policies: Policies,
    ) -> None:
        self.host = host
        self.shells = Shells()
        self._estate = estate
        self._directory = directory
        self._faults = faults
        self.counters = counters
        self._sever = sever
        self._policies = policies

    def handle(self, user: User, data: bytes, path: str = "wsman") -> Answer:
        """Answer an envelope; whatever goes wrong becomes a fault.

        :param path: where it was sent, in lower case and without slashes: wsman or ocspowershell.
        :raises Drop: the connection is to be dropped, by order of a fault rule.
        :raises HttpFailure: a bare HTTP status is to be sent, by order of a fault rule.
        """
        request = None
        try:
            request = parse_request(data)
            self.counters.count(self.host.fqdn, request.verb)
            self._meet("wsman-before", request)
            body = self._answer(user, request)
            self._meet("wsman-after", request)
            return Answer(200, build_reply(request, body), request.verb)
        except (Drop, HttpFailure):
            raise
        except WsmanFault as fault:
            refused = fault
        except Exception:  # a defect of the lab: it must be seen on both sides
            sys.stderr.write(traceback.format_exc())
            refused = WsmanFault(INTERNAL_ERROR, "Defect of the lab: " + traceback.format_exc(limit=-1))
        return Answer(500, build_fault(refused, self.host.fqdn, request), request.verb if request else "unreadable")

    def _answer(self, user: User, request: Request) -> list[Any]:
        if request.verb == "Create":
            return self._create(user, request)
        shell = self.shells.find(request.shell_id, user.name)
        if request.verb == "Delete":
            self.shells.remove(shell.id)
            return []
        return shell.answer(request)

    def _create(self, user: User, request: Request) -> list[Any]:
        groups = {name.lower() for name in self._directory.groups_of(user.name)}
        if not groups & ADMINISTRATORS:
            raise WsmanFault(ACCESS_DENIED)
        kind = KINDS.get(request.resource)
        if kind is None:
            raise WsmanFault(RESOURCE_NOT_FOUND)
        shell_id = str(uuid.uuid4()).upper()
        hook = partial(self._meet_cmdlet, shell_id)
        session = Session(shell_id, self._estate, self.host.fqdn, self.host.kind == "legacy", user, hook)
        shell = kind(session, request)
        self.shells.add(shell)
        return shell.created()

    # Faults

    def crash(self) -> None:
        """Lose all shells and connections, as when the service or the host restarts."""
        self.shells.clear()
        self._sever()

    def _meet(self, point: str, request: Request) -> None:
        def crash(fields: Mapping[str, Any]) -> None:
            self.crash()
            raise Drop(reset=True)

        acts = {"exit": crash, "kill-shell": lambda fields: self.shells.remove(request.shell_id)}
        self._faults.meet(point, "%s %s" % (self.host.fqdn, request.verb), acts)

    def _meet_cmdlet(self, shell_id: str, point: str, cmdlet: str) -> None:
        def fail(fields: Mapping[str, Any]) -> None:
            raise CmdletFault(
                fields.get("message", "The operation failed."),
                fields.get("error_id", "OrderedFault"),
                fields.get("category", "NotSpecified"),
            )

        def crash(fields: Mapping[str, Any]) -> None:
            self.crash()
            raise Killed

        def kill(fields: Mapping[str, Any]) -> None:
            self.shells.remove(shell_id)
            raise Killed

        acts = {"error": fail, "exit": crash, "kill-shell": kill, "drop": lambda fields: self._sever()}
        self._faults.meet(point, "%s %s" % (self.host.fqdn, cmdlet), acts)

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WS-Man service of one simulated host: takes an envelope of an authenticated user, gives the answer's."""

from __future__ import annotations

import sys
import time
import traceback
import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Mapping

from tests.lab.cmdlets import CmdletFault
from tests.lab.policies import Policies

from .counters import Counters
from .faults import Drop, FaultPlan, HttpFailure
from .log import Log
from .processes import Killed
from .psrp import RESOURCE as POWERSHELL
from .psrp import PowerShellPool
from .roles import visible_to
from .session import Session, User
from .shells import Shell, Shells
from .soap import (
    ACCESS_DENIED,
    INTERNAL_ERROR,
    INVALID_PARAMETER,
    NAMESPACES,
    RESOURCE_NOT_FOUND,
    RESPONSE_TOO_LARGE,
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
#: where Lync's restricted sessions are
RESTRICTED = "ocspowershell"
#: path and resource URI, both in lower case -> the kind of shell behind them
KINDS: dict[tuple[str, str], type[Shell]] = {
    ("wsman", COMMAND_SHELL.lower()): CommandShell,
    ("wsman", POWERSHELL.lower()): PowerShellPool,
    (RESTRICTED, POWERSHELL.lower()): PowerShellPool,
}
#: how long a delay within a cmdlet does not notice that the cmdlet was killed
SLICE_SECONDS = 0.05


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
    :param log: of all hosts' requests and cmdlets.
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
        log: Log,
    ) -> None:
        self.host = host
        self.shells = Shells()
        self._estate = estate
        self._directory = directory
        self._faults = faults
        self.counters = counters
        self._sever = sever
        self._policies = policies
        self._log = log

    def handle(self, user: User, data: bytes, path: str = "wsman") -> Answer:
        """Answer an envelope; whatever goes wrong becomes a fault.

        :param path: where it was sent, in lower case and without slashes: wsman or ocspowershell.
        :raises Drop: the connection is to be dropped, by order of a fault rule.
        :raises HttpFailure: a bare HTTP status is to be sent: by order of a fault rule, or as the request is too large.
        """
        if len(data) > self._policy("max_envelope_kb") * 1024:
            raise HttpFailure(413)  # and no envelope: ansible-collections/ansible.windows, issues 391 and 620
        request = None
        try:
            request = parse_request(data)
            self.counters.count(self.host.fqdn, request.verb)
            self._log.request(self.host.fqdn, user.name, request.verb, request.message_id, request.cmdlets)
            self._meet("wsman-before", request)
            body = self._answer(user, request, path)
            self._meet("wsman-after", request)
            envelope = build_reply(request, body)
            if len(envelope) > request.envelope_limit:
                raise WsmanFault(RESPONSE_TOO_LARGE)
            return Answer(200, envelope, request.verb)
        except (Drop, HttpFailure):
            raise
        except WsmanFault as fault:
            refused = fault
        except Exception:  # a defect of the lab: it must be seen on both sides
            sys.stderr.write(traceback.format_exc())
            refused = WsmanFault(INTERNAL_ERROR, "Defect of the lab: " + traceback.format_exc(limit=-1))
        return Answer(500, build_fault(refused, self.host.fqdn, request), request.verb if request else "unreadable")

    def _policy(self, name: str) -> Any:
        return self._policies.get(self.host.fqdn, name)

    def _answer(self, user: User, request: Request, path: str) -> list[Any]:
        if request.verb == "Create":
            return self._create(user, request, path)
        shell = self.shells.find(request.shell_id, user.name, path == RESTRICTED)
        if request.verb == "Delete":
            self.shells.remove(shell.id)
            return []
        return shell.answer(request)

    def _create(self, user: User, request: Request, path: str) -> list[Any]:
        visible = self._admit(user, path)
        kind = KINDS.get((path, request.resource.lower()))
        if kind is None:
            raise WsmanFault(RESOURCE_NOT_FOUND)
        shell_id = _wanted_id(request)
        session = Session(
            shell_id,
            self._estate,
            self.host.fqdn,
            self.host.kind == "legacy",
            user,
            partial(self._meet_cmdlet, shell_id),
            self._log.call,
            float(self._policy("idle_timeout")),
            visible,
        )
        shell = kind(session, request)
        self.shells.add(shell, self._policy("max_shells_per_user"))
        return shell.created()

    def _admit(self, user: User, path: str) -> frozenset[str] | None:
        """The cmdlets that the user has there; None: all. :raises WsmanFault: the user may not enter."""
        groups = {name.lower() for name in self._directory.groups_of(user.name)}
        visible = visible_to(groups) if path == RESTRICTED else None
        if visible is None and (path == RESTRICTED or not groups & ADMINISTRATORS):
            raise WsmanFault(ACCESS_DENIED)
        return visible

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

    def _meet_cmdlet(self, shell_id: str, check: Callable[[], None], point: str, cmdlet: str) -> None:
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

        def delay(fields: Mapping[str, Any]) -> None:
            end = time.monotonic() + fields["seconds"]
            while (rest := end - time.monotonic()) > 0:
                check()
                time.sleep(min(SLICE_SECONDS, rest))

        acts = {
            "delay": delay,
            "error": fail,
            "exit": crash,
            "kill-shell": kill,
            "drop": lambda fields: self._sever(),
        }
        self._faults.meet(point, "%s %s" % (self.host.fqdn, cmdlet), acts)
        check()


def _wanted_id(request: Request) -> str:
    """The id of a new shell: the client's choice, else a fresh one. :raises WsmanFault: the choice is no UUID."""
    shell = request.body.find("rsp:Shell", NAMESPACES)
    wanted = shell.get("ShellId") if shell is not None else None
    try:
        return str(uuid.UUID(wanted) if wanted else uuid.uuid4()).upper()
    except ValueError:
        raise WsmanFault(INVALID_PARAMETER) from None

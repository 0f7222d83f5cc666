# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting and stopping Windows services and setting how they start. Private to this collection."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput, PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.services import (
    ServiceState,
    check_sc,
    checked_names,
    observe_services,
    sc,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.session import Clock, Connect, Session, poll
from ansible_collections.lync.persistent_chat.plugins.module_utils._plan import Action, Conflict, Plan
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command, Transport
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import open_transport
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.errors import AMBIGUOUS, RemotingError

_INTERVAL = 3.0
_OP = {"started": "start", "stopped": "stop"}
_REACHED = {"started": "running", "stopped": "stopped"}
_UNDER_WAY = {"started": ("start_pending", "continue_pending"), "stopped": ("stop_pending",)}
#: the exit code of sc.exe when the service is already there
_ALREADY = {"start": 1056, "stop": 1062}
_SC_START = {"auto": "auto", "delayed": "delayed-auto", "manual": "demand", "disabled": "disabled"}
_STARTUP_TYPE = {"manual": "Manual", "disabled": "Disabled"}


@dataclass(frozen=True)
class Desired:
    """What the operator declared about some services of one computer; None leaves that as it is."""

    names: tuple[str, ...]
    control: str = "cs"
    computer: str | None = None
    state: str | None = None
    start_mode: str | None = None
    graceful: bool = False

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Desired:
        """The declaration in a module's parameters.

        :raises InvalidInput: an option's value, or a combination, cannot be right.
        """
        desired = cls(
            names=checked_names(params["name"], params.get("computer_name")),
            control=params["control"],
            computer=params.get("computer_name"),
            state=params.get("state"),
            start_mode=params.get("start_mode"),
            graceful=bool(params.get("graceful")),
        )
        if desired.graceful and (desired.control != "cs" or desired.state != "stopped"):
            raise InvalidInput(
                "graceful needs state stopped and control cs: only Stop-CsWindowsService can drain a service."
            )
        if desired.state == "started" and desired.start_mode == "disabled":
            raise InvalidInput(
                "state started and start_mode disabled exclude each other: Windows starts no disabled service."
            )
        return desired

    def observe(self, transport: Transport) -> dict[str, ServiceState]:
        """The services as they are; start modes are read exactly when one is going to be set."""
        return observe_services(transport, self.control, self.names, self.computer, exact=self.start_mode is not None)


def plan(desired: Desired, actual: Mapping[str, ServiceState], host: str = "the server") -> Plan:
    """What leads from the actual to the desired services. Pure.

    The start mode comes first, for each service. When stopping: a run that is killed in between leaves a service that is
    disabled and still running, which the next run stops; the other order would leave one that the next reboot brings
    back (domain.md, section 2.4). When starting: Windows starts no disabled service.

    :param host: the computer's name, for texts.
    """
    missing = [name for name in desired.names if not actual[name].exists]
    if missing:
        kind = "Lync service" if desired.control == "cs" else "service"
        message = "There is no %s named %s on %s. Nothing was changed." % (kind, " or ".join(missing), host)
        return Plan(conflicts=[Conflict("service_missing", message, {"missing": missing})])
    actions: list[Action] = []
    conflicts: list[Conflict] = []
    for name in desired.names:
        service, target = actual[name], "service %s on %s" % (name, host)
        mode = desired.start_mode
        if mode is not None and mode != service.start_mode:
            before, after = {"start_mode": service.start_mode}, {"start_mode": mode}
            actions.append(Action("set_start_mode", target, before, after, {"name": name, "start_mode": mode}))
        elif desired.state == "started" and service.start_mode == "disabled" and service.status != "running":
            message = "The %s is disabled and cannot be started. Set start_mode as well." % target
            conflicts.append(Conflict("service_disabled", message))
        if desired.state is not None and service.status != _REACHED[desired.state]:
            after = {"status": _REACHED[desired.state]}
            send = {"name": name, "send": not _under_way(desired, service)}
            actions.append(Action(_OP[desired.state], target, {"status": service.status}, after, send))
    return Plan(actions, conflicts)


def _under_way(desired: Desired, service: ServiceState) -> bool:
    """Whether the service is on its way already; a draining one shows as paused."""
    return service.status in _UNDER_WAY.get(desired.state or "", ()) or (
        desired.graceful and service.status == "paused"
    )


def act(transport: Transport, desired: Desired, todo: Plan) -> None:
    """Send the plan's actions; that a service has got there is for L(wait) to see.

    A lost answer is no failure here: each command leads to a state that is observed afterwards.

    :raises PersistentChatError: an action was refused.
    """
    sent = [action for action in todo.actions if action.arguments.get("send", True)]
    # Set-Service neither sets nor clears the delayed start
    by_sc = [a for a in sent if desired.control == "sc" or a.arguments.get("start_mode") in ("auto", "delayed")]
    commands = [_command(desired, action) for action in sent if action not in by_sc]
    try:
        for action in by_sc:
            _by_sc(transport, desired, action)
        for outcome in transport.run(commands) if commands else []:
            outcome.objects()
    except RemotingError as error:
        if error.kind != AMBIGUOUS:
            raise


def _by_sc(transport: Transport, desired: Desired, action: Action) -> None:
    arguments: tuple[str, ...] = (action.op, action.arguments["name"])
    if action.op == "set_start_mode":
        arguments = ("config", action.arguments["name"], "start=", _SC_START[action.arguments["start_mode"]])
    result = sc(transport, desired.computer, *arguments)
    if result.exit_code != _ALREADY.get(action.op):
        check_sc(transport, desired.computer, arguments, result)


def _command(desired: Desired, action: Action) -> Command:
    """The cmdlet for one action.

    C(-NoWait): this side waits, with a bound. Start-Service and Stop-Service know no other computer, Set-Service does.
    """
    parameters: dict[str, Any] = {"Name": action.arguments["name"], "Confirm": False}
    if desired.computer:
        parameters["ComputerName"] = desired.computer
    if action.op == "set_start_mode":
        return Command("Set-Service", dict(parameters, StartupType=_STARTUP_TYPE[action.arguments["start_mode"]]))
    if desired.control == "cs":
        if desired.graceful:
            parameters["Graceful"] = True
        return Command("%s-CsWindowsService" % action.op.capitalize(), dict(parameters, NoWait=True))
    if desired.computer:
        return Command("Set-Service", dict(parameters, Status="Running" if action.op == "start" else "Stopped"))
    return Command("%s-Service" % action.op.capitalize(), parameters)


def wait(
    transport: Transport, desired: Desired, seconds: float, host: str, clock: Clock = time
) -> dict[str, ServiceState]:
    """The services as soon as all are as desired.

    :raises PersistentChatError: they were not within that time; the message names each that is not, and its state.
    """
    rest = Plan()
    for _unused in poll(seconds, _INTERVAL, clock):
        actual = desired.observe(transport)
        rest = plan(desired, actual, host)
        rest.refuse_conflicts()
        if not rest.changed:
            return actual
    left = "; ".join(
        "%s is %s" % (action.target, next(iter((action.before or {}).values()))) for action in rest.actions
    )
    raise PersistentChatError(
        "After %g seconds (timeout) %s. A service that drains shows as paused and ends with its last connection. Run the task "
        "again to wait on; nothing that was done is lost." % (seconds, left),
        "timeout",
    )


def run(
    params: Mapping[str, Any], check_mode: bool, connect: Connect = open_transport, clock: Clock = time
) -> dict[str, Any]:
    """What C(pc_service) does.

    :raises InvalidInput: an option's value, or a combination, cannot be right.
    :raises PersistentChatError: a service is missing, refused, or did not get there in time.
    """
    desired = Desired.of(params)
    seconds = float(params.get("timeout") or 0)
    with Session(connect, params) as session:
        host = desired.computer or session.server
        before = desired.observe(session)
        todo = plan(desired, before, host)
        todo.refuse_conflicts()
        after = before
        if todo.changed and not check_mode:
            act(session, desired, todo)
            after = wait(session, desired, seconds, host, clock)
    return dict(
        todo.result(),
        host=host,
        services_before=[before[name].shown() for name in desired.names],
        services=[after[name].shown() for name in desired.names],
    )

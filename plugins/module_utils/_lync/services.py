# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows services: the legacy Group Chat services and those of Persistent Chat. Private to this collection.

This file observes; service_changes.py decides and writes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput, PersistentChatError
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reading import (
    Reading,
    get,
    not_found,
    read,
    texts,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import (
    Outcome,
    ProcessResult,
    Transport,
)

#: by the number that the service control manager uses; also the names of .NET's ServiceControllerStatus, in snake case
_STATUS = {
    1: "stopped",
    2: "start_pending",
    3: "stop_pending",
    4: "running",
    5: "continue_pending",
    6: "pause_pending",
    7: "paused",
}
_START_MODE = {0: "boot", 1: "system", 2: "auto", 3: "manual", 4: "disabled"}
_START_TYPE = {"Automatic": "auto", "Manual": "manual", "Disabled": "disabled", "Boot": "boot", "System": "system"}
_DENIED = 5
_DOES_NOT_EXIST = 1060
_MEANINGS = {
    _DENIED: "access denied",
    1056: "an instance of the service is already running",
    1058: "the service is disabled, or a device that it needs is",
    1062: "the service is not started",
    1072: "the service is marked for deletion",
    1722: "the computer's service control manager cannot be reached",
}
#: neither a wildcard, which would mean several services, nor what a command line treats specially
_NAME = re.compile(r"[A-Za-z0-9_.$-](?:[A-Za-z0-9_.$ -]{0,254}[A-Za-z0-9_.$-])?\Z")
_COMPUTER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?\Z")


@dataclass(frozen=True)
class ServiceState:
    """One service.

    :param status: stopped, start_pending, stop_pending, running, continue_pending, pause_pending or paused (a draining
        Lync service shows as paused: domain.md, section 2.4); None when it does not exist.
    :param start_mode: auto, delayed, manual, disabled, boot or system; None when it could not be read.
    """

    name: str
    exists: bool
    status: str | None = None
    start_mode: str | None = None

    def shown(self) -> dict[str, Any]:
        """The service as a module returns it."""
        return {"name": self.name, "status": self.status, "start_mode": self.start_mode}


def checked_names(names: Sequence[str], computer: str | None = None) -> tuple[str, ...]:
    """The service names, each once.

    :raises InvalidInput: there is none, or one is not the plain name of one service, or the computer's name is not one.
    """
    unique: dict[str, str] = {}
    for name in names:
        unique.setdefault(name.lower(), name)
    if not unique:
        raise InvalidInput("No service is named. Name each service; an empty list never means all services.")
    for name in unique.values():
        if not _NAME.match(name):
            raise InvalidInput("%r is not the name of one service. Give the service name, without wildcards." % name)
    if computer is not None and not _COMPUTER.match(computer):
        raise InvalidInput("%r is not the name of a computer." % computer)
    return tuple(unique.values())


def services_reading(
    control: str, names: Sequence[str], computer: str | None = None
) -> Reading[dict[str, ServiceState]]:
    """Reads services through cmdlets.

    :param control: C(cs) or C(windows).

    Lync's services are listed and looked up here, because the error for a name that is none is not documented
    (domain.md, section 2.4). Windows PowerShell before 5.0 gives no StartType, and none tells delayed from automatic.
    """
    plain = [get("Get-Service", ("Name", "Status", "StartType"), Name=name, ComputerName=computer) for name in names]
    lync = [get("Get-CsWindowsService", ("Name", "Status"), ComputerName=computer, ExcludeActivityLevel=True)]

    def understand(outcomes: Sequence[Outcome]) -> dict[str, ServiceState]:
        if control == "windows":
            return {name: _from_get_service(name, outcome) for name, outcome in zip(names, outcomes)}
        listed = {str(item["Name"]).lower(): item for item in outcomes[0].objects()}
        states = {}
        for name, outcome in zip(names, outcomes[1:]):
            item = listed.get(name.lower())
            mode = None if outcome.error else _from_get_service(name, outcome).start_mode
            states[name] = ServiceState(name, item is not None, _status(item) if item else None, mode if item else None)
        return states

    return Reading(plain if control == "windows" else lync + plain, understand)


def _from_get_service(name: str, outcome: Outcome) -> ServiceState:
    if not_found(outcome):
        return ServiceState(name, exists=False)
    found = outcome.objects()
    if not found:
        return ServiceState(name, exists=False)
    start_type = texts(found[0].get("StartType"))
    return ServiceState(name, True, _status(found[0]), _START_TYPE.get(start_type[0]) if start_type else None)


def _status(item: Mapping[str, Any]) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(item["Status"])).lower()


def observe_services(
    transport: Transport, control: str, names: Sequence[str], computer: str | None = None, exact: bool = False
) -> dict[str, ServiceState]:
    """The named services, by name; one that is missing has C(exists) False.

    :param control: C(cs), C(windows) (one remote call) or C(sc) (two short ones for each service).
    :param computer: read them on that computer from the transport's server; None for the server itself.
    :param exact: tell C(delayed) from C(auto) and find out unknown start modes, at the cost of further calls.
    :raises PersistentChatError: the services could not be read.
    """
    if control == "sc":
        return {name: _sc_state(transport, name, computer) for name in names}
    states: dict[str, ServiceState] = read(transport, services_reading(control, names, computer))[0]
    if not exact:
        return states
    return {
        name: replace(state, start_mode=_sc_start_mode(transport, name, computer))
        if state.exists and state.start_mode in (None, "auto")
        else state
        for name, state in states.items()
    }


def sc(transport: Transport, computer: str | None, *arguments: str) -> ProcessResult:
    """Run C(sc.exe), on another computer's services when one is given."""
    reads = arguments[0] in ("query", "qc")
    return transport.execute("sc.exe", (["\\\\" + computer] if computer else []) + list(arguments), reads)


def _sc_state(transport: Transport, name: str, computer: str | None) -> ServiceState:
    result = sc(transport, computer, "query", name)
    if result.exit_code == _DOES_NOT_EXIST:
        return ServiceState(name, exists=False)
    number, _rest = _second_number(transport, computer, ("query", name), result)
    return ServiceState(name, True, _STATUS[number], _sc_start_mode(transport, name, computer))


def _sc_start_mode(transport: Transport, name: str, computer: str | None) -> str:
    result = sc(transport, computer, "qc", name)
    number, rest = _second_number(transport, computer, ("qc", name), result)
    return "delayed" if number == 2 and "(" in rest else _START_MODE[number]


def _second_number(
    transport: Transport, computer: str | None, arguments: Sequence[str], result: ProcessResult
) -> tuple[int, str]:
    """The second number that sc.exe printed and what follows it on its line.

    Both C(sc query) and C(sc qc) print indented lines C(label : number word), TYPE first, then STATE or START_TYPE. Labels and
    words may be translated, so the place counts. Behind an automatic start type only the delayed one has a parenthesis.
    """
    check_sc(transport, computer, arguments, result)
    numbers = re.findall(r"^[ \t]+[^:\r\n]+:[ \t]*([0-9A-Fa-f]+)\b([^\r\n]*)", result.stdout, re.MULTILINE)
    if len(numbers) < 2 or int(numbers[1][0], 16) not in _STATUS.keys() | _START_MODE.keys():
        raise PersistentChatError(
            "sc.exe %s on %s gave an answer without the expected numbers: %r"
            % (" ".join(arguments), computer or transport.server, result.stdout[:500]),
            "unreadable",
        )
    return int(numbers[1][0], 16), numbers[1][1]


def check_sc(transport: Transport, computer: str | None, arguments: Sequence[str], result: ProcessResult) -> None:
    """Raise when sc.exe failed; its exit code is the Windows error number.

    :raises PersistentChatError: with the number and, where it is a usual one, its meaning.
    """
    if result.exit_code == 0:
        return
    on = transport.server if computer is None else "%s, run on %s," % (computer, transport.server)
    meaning = _MEANINGS.get(result.exit_code, (result.stdout or result.stderr).strip()[:300] or "no text")
    if result.exit_code == _DENIED and computer is not None:
        meaning += ", or the session on %s has no credentials for it (the second hop): connect with " % transport.server
        meaning += "kerberos_delegation or auth credssp, or to %s itself" % computer
    raise PersistentChatError(
        "sc.exe %s for %s failed with Windows error %d: %s." % (" ".join(arguments), on, result.exit_code, meaning),
        "service_control",
        exit_code=result.exit_code,
    )

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What starting, stopping and configuring a Windows service does to the estate, whoever asks: cmdlet or sc.exe.

Source: domain.md, section 2.4.
"""

from __future__ import annotations

from typing import Any

from tests.lab.estate import Estate
from tests.lab.estate_data import LYNC_SERVICES, SERVICES

#: the statuses that a service can have, with the numbers of the Windows API
STATES = {"Stopped": 1, "StartPending": 2, "StopPending": 3, "Running": 4, "Paused": 7}
START_TYPES = {"Automatic": 2, "Manual": 3, "Disabled": 4}
DELAYED = "AutomaticDelayed"
_PENDING_END = {"StartPending": "Running", "StopPending": "Stopped", "Paused": "Stopped"}

NO_SUCH_SERVICE = 1060
ALREADY_RUNNING = 1056
DISABLED = 1058
NOT_STARTED = 1062
CANNOT_ACCEPT = 1061


class ServiceError(Exception):
    """A request that the service control manager refuses; ``code`` is the Windows error code."""

    def __init__(self, code: int) -> None:
        super().__init__("Windows error %d" % code)
        self.code = code


class Service:
    """One Windows service of one server, backed by the estate."""

    def __init__(self, estate: Estate, host: str, key: str) -> None:
        self.estate = estate
        self.host = host
        self.key = key
        self._state: dict[str, Any] = estate.data["servers"][host]["services"][key]

    @property
    def name(self) -> str:
        """The service name under the present setting of the switch ``service_names``."""
        return SERVICES[self.key][2] if self.estate.switch("service_names") == "other" else self.key

    @property
    def display_name(self) -> str:
        """The display name, always English."""
        return SERVICES[self.key][0]

    @property
    def roles(self) -> list[str]:
        """The Lync roles behind the service; empty for a Windows or Group Chat service."""
        return list(SERVICES[self.key][1])

    @property
    def is_lync(self) -> bool:
        """Whether the Cs cmdlets manage this service."""
        return self.key in LYNC_SERVICES

    @property
    def status(self) -> str:
        """The status without the passage of time; see L(query)."""
        return self._state["status"]

    @property
    def start_type(self) -> str:
        """Automatic, Manual or Disabled; cmdlets of Windows PowerShell do not tell a delayed start from Automatic."""
        return str(self._state["start_type"]).replace(DELAYED, "Automatic")

    @property
    def delayed(self) -> bool:
        """Whether the automatic start is a delayed one."""
        return bool(self._state["start_type"] == DELAYED)

    def query(self) -> str:
        """The status as a client's query sees it; each query brings a pending change nearer to its end."""
        seen = self.status
        if "pending" in self._state:
            self._state["pending"] -= 1
            if self._state["pending"] <= 0:
                self._settle(_PENDING_END[seen])
        return seen

    def start(self) -> None:
        """Start the service.

        :raises ServiceError: it is disabled, runs already or is about to.
        """
        if self.start_type == "Disabled":
            raise ServiceError(DISABLED)
        if self.status != "Stopped":
            raise ServiceError(ALREADY_RUNNING)
        self._change("StartPending", self.estate.switch("start_pending_polls"))

    def stop(self, drain: bool = False) -> None:
        """Stop the service.

        :param drain: let existing work finish first; meanwhile the service shows as Paused.
        :raises ServiceError: it does not run, or is about to stop.
        """
        if self.status == "Stopped":
            raise ServiceError(NOT_STARTED)
        if "pending" in self._state:
            raise ServiceError(CANNOT_ACCEPT)
        self._change("Paused" if drain else "StopPending", self.estate.switch("stop_pending_polls"))

    def configure(self, start_type: str) -> None:
        """Set the start type: a key of START_TYPES, or DELAYED."""
        self._state["start_type"] = start_type

    def _change(self, pending: str, polls: int) -> None:
        if polls:
            self._state.update(status=pending, pending=polls)
        else:
            self._settle(_PENDING_END[pending])

    def _settle(self, status: str) -> None:
        self._state.pop("pending", None)
        self._state["status"] = status


def services_of(estate: Estate, host: str) -> list[Service]:
    """All services of a server; its name may be short.

    :raises KeyError: no such server.
    """
    server = estate.server_name(host)
    return [Service(estate, server, key) for key in estate.data["servers"][server]["services"]]


def find_service(estate: Estate, host: str, name: str) -> Service:
    """The service of that name (not display name), whatever its letter case.

    :raises KeyError: no such server.
    :raises ServiceError: no such service there (1060).
    """
    for service in services_of(estate, host):
        if service.name.lower() == name.lower():
            return service
    raise ServiceError(NO_SUCH_SERVICE)

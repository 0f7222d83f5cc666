# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control operations about jobs: what a job itself asks of the supervisor, and how a test sees and kills one."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from tests.lab.cmdlets import CmdletFault, Context, run_cmdlet
from tests.lab.jobs import ProcessJobs
from tests.lab.wire.bridge import plain
from tests.lab.wire.faults import EFFECTS


class JobService:
    """The jobs of one lab.

    :param wire: the WS-Man servers, whose fault rules and log also hold for jobs.
    """

    def __init__(self, jobs: ProcessJobs, estate: Any, wire: Any) -> None:
        self._jobs = jobs
        self._estate = estate
        self._wire = wire
        #: these never wait for one another: a job calls from outside
        self.operations: Mapping[str, Callable[..., dict[str, Any]]] = {
            "job.cmdlet": self._cmdlet,
            "job.fault": self._fault,
            "jobs.list": lambda: {"jobs": jobs.shown()},
            "jobs.kill": lambda host=None, id=None: {"killed": jobs.end(host, id)},
            "jobs.ahead": self._ahead,
            "server.restart": self._restart,
        }

    def _cmdlet(self, host: str, user: str, delegated: bool, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Call a cmdlet as the job's user does."""
        context = Context(self._estate, host, user, delegated, log=self._wire.log.call)
        output: list[dict[str, Any]] = []
        fault = None
        try:
            for item in run_cmdlet(context, name, parameters):
                output.append({key: plain(value) for key, value in item.items()})
        except CmdletFault as error:
            fault = {"message": error.message, "error_id": error.error_id, "category": error.category}
        return {"output": output, "warnings": context.warnings, "fault": fault}

    def _fault(self, point: str, host: str, name: str) -> dict[str, Any]:
        """What a test has ordered for this moment; a job has no connection that could be dropped, its host has."""
        met: dict[str, Any] = {"do": None, "fields": {}}

        def note(effect: str) -> Callable[[dict[str, Any]], None]:
            return lambda fields: met.update(do=effect, fields=fields)

        self._wire.faults.meet(point, "%s %s" % (host, name), {effect: note(effect) for effect in EFFECTS})
        if met["do"] in ("drop", "exit"):
            self._crash(host)
        return met

    def _crash(self, host: str) -> None:
        for service in self._wire.services.values():
            if service.host.fqdn == host:
                service.crash()

    def _ahead(self, seconds: float) -> dict[str, Any]:
        """Let the servers' clocks be ahead."""
        self._jobs.ahead = seconds
        return {}

    def _restart(self, host: str) -> dict[str, Any]:
        """Restart a server: its jobs, shells and connections end."""
        name = self._estate.server_name(host)
        killed = self._jobs.end(name)
        self._crash(name)
        return {"killed": killed}

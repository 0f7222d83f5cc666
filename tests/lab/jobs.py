# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes that nobody's session owns, as WMI creates them: their command line, their table, their end.

In the lab each is a real process of this machine, with a session of its own (L(ProcessJobs), job.py). Where there is an
estate but no lab, as in unit tests, a job is worked off in this process (L(InlineJobs)).
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: what cmd.exe is asked to start; the names of the files are those of the current folder
_LINE = re.compile(
    r"cmd\.exe /d /c powershell\.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File (?P<script>[\w-]+\.ps1) "
    r"(?P<id>pc-job-[0-9a-f]{32}) <(?P<stdin>[\w.-]+) >(?P<stdout>[\w.-]+) 2>(?P<stderr>[\w.-]+)\Z"
)
_TICK = os.sysconf("SC_CLK_TCK")


class JobRefused(Exception):
    """The lab does not simulate this command line."""


@dataclass
class Job:
    """One process, and the powershell.exe below it.

    :param host: the server's full name.
    :param folder: the real folder behind its current one.
    :param began: in seconds since 1970.
    """

    line: str
    host: str
    user: str
    delegated: bool
    folder: Path
    began: float
    pid: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def id(self) -> str:
        return parse(self.line)["id"]

    @property
    def child(self) -> int:
        """The process id of powershell.exe in the table."""
        return self.pid + 4_000_000

    def alive(self) -> bool:
        """Whether it has not ended."""
        return self.process is None or self.process.poll() is None

    def cpu(self) -> float:
        """The seconds of processor time so far."""
        try:
            fields = Path("/proc/%d/stat" % self.pid).read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / _TICK

    def kill(self) -> None:
        """End it as a restart of the server does: at once, and with everything below it."""
        if self.process is not None and self.alive():
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()


def parse(line: str) -> dict[str, str]:
    """The parts of a command line. :raises JobRefused: it is not that of a job."""
    found = _LINE.match(line)
    if not found:
        raise JobRefused(line)
    return found.groupdict()


@dataclass
class Jobs:
    """The table of these processes, of all servers.

    :param ahead: seconds that the servers' clocks are ahead; tests let time pass with it.
    """

    table: list[Job] = field(default_factory=list)
    ahead: float = 0.0

    def now(self) -> float:
        """The servers' clock, in seconds since 1970."""
        return time.time() + self.ahead

    def running(self, host: str | None = None) -> list[Job]:
        """Those that have not ended, of one server or of all."""
        self.table = [job for job in self.table if job.alive()]
        return [job for job in self.table if host in (None, job.host)]

    def folders(self) -> list[Path]:
        """The current folders of those that have not ended."""
        return [job.folder for job in self.running()]

    def create(self, context: Any, line: str, folder: Path) -> Job:
        """Begin one. :raises JobRefused: the lab does not simulate its command line."""
        parse(line)
        job = Job(line, context.host, context.user, context.delegated, folder, self.now())
        self.begin(job)
        return job

    def begin(self, job: Job) -> None:
        """Let it work."""
        raise NotImplementedError

    def end(self, host: str | None = None, id: str | None = None) -> list[str]:
        """Kill those of a server, one, or all; their ids."""
        chosen = [job for job in self.running(host) if id in (None, job.id)]
        for job in chosen:
            job.kill()
            self.table.remove(job)
        return [job.id for job in chosen]

    def shown(self) -> list[dict[str, Any]]:
        """Those that have not ended, as plain data."""
        return [
            {"id": job.id, "host": job.host, "user": job.user, "pid": job.pid, "folder": str(job.folder)}
            for job in self.running()
        ]


class ProcessJobs(Jobs):
    """Real processes.

    :param root: the lab's folder, where its control socket is.
    """

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root

    def begin(self, job: Job) -> None:
        """Start job.py in a session of its own; it outlives the shell, the connection and the client."""
        facts = {"line": job.line, "host": job.host, "user": job.user, "delegated": job.delegated}
        job.process = subprocess.Popen(
            [sys.executable, "-m", "tests.lab.job", str(self._root), json.dumps(facts)],
            cwd=job.folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        job.pid = job.process.pid
        self.table.append(job)


class InlineJobs(Jobs):
    """Jobs that are worked off in this process: at once, or when a test says so.

    :param estate: the estate whose cmdlets they call.
    """

    def __init__(self, estate: Any) -> None:
        super().__init__()
        self._estate = estate
        self.held = False

    def begin(self, job: Job) -> None:
        """Work it off now, or keep it for L(release)."""
        job.pid = 4000 + len(self.table)
        if self.held:
            self.table.append(job)
        else:
            self._work(job)

    def release(self) -> None:
        """Let those that are held work, to their end."""
        waiting, self.table = self.table, []
        for job in waiting:
            self._work(job)

    def _work(self, job: Job) -> None:
        from tests.lab.cmdlets import CmdletFault, Context, run_cmdlet  # they import the estate
        from tests.lab.job import CmdletResult, work

        def call(name: str, parameters: dict[str, Any]) -> CmdletResult:
            context = Context(self._estate, job.host, job.user, job.delegated)
            try:
                return CmdletResult(run_cmdlet(context, name, parameters), context.warnings)
            except CmdletFault as fault:
                return CmdletResult([], context.warnings, fault)

        work(job.line, job.folder, call)

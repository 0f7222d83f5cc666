# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job: cmdlets that work for hours in a process of the server's own. Private to this collection.

Here is what a job consists of: its folder, the commands that start and remove it, and how it is seen. job_control.py
follows one. docs/dev/jobs.md says why it is made like this.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.files import (
    beside,
    exists_reading,
    record_writing,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reading import Reading, get, not_found
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting import bridge
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command, Outcome

RUNNING = "running"
#: the process has ended and its answer is there
ENDED = "ended"
#: there is neither a process nor an answer: it was killed, or never began
LOST = "lost"

#: constant but for the job's id, which the script ignores: it makes the process findable
COMMAND_LINE = (
    "cmd.exe /d /c powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File bridge.ps1 pc-job-%s "
    "<request.json >answer.json 2>errors.txt"
)
_PROCESSES = "CommandLine LIKE '%bridge.ps1 pc-job-%'"
_ID = re.compile(r"bridge\.ps1 pc-job-([0-9a-f]{32})\b")
_DMTF = re.compile(r"(\d{14}\.\d{6})([+-]\d{3})\Z")
_TICKS = 10_000_000  # 100 nanoseconds, in which Windows counts processor time
_FORMAT = 1

#: Win32_Process.Create, as Microsoft documents its return values
_REFUSALS = {
    2: "access denied",
    3: "insufficient privilege",
    8: "unknown failure",
    9: "path not found",
    21: "invalid parameter",
}


@dataclass(frozen=True)
class Place:
    """Where the one job of a kind for an archive has its files: C(root) exists exactly while there is one."""

    root: str

    @classmethod
    def of(cls, archive: str, kind: str, job_folder: str | None) -> Place:
        """The place beside the archive, or in C(job_folder): the same for each run.

        :param kind: such as C(export-job).
        :raises InvalidInput: the archive is on a share, which cannot be the current folder of cmd.exe.
        """
        if job_folder is None and archive.startswith("\\\\"):
            raise InvalidInput(
                "The archive %s is on a share, and the process that works on it needs a folder on a local drive of the server. "
                "Give one in job_folder, such as D:\\Jobs." % archive
            )
        root = beside(archive, "." + kind)
        return cls(root if job_folder is None else "%s\\%s" % (job_folder.rstrip("\\"), root.rpartition("\\")[2]))

    def work(self, job_id: str) -> str:
        """The folder that a job works in; of another job's, so that a late process finds none."""
        return "%s\\job-%s" % (self.root, job_id)

    def preparation(self, job_id: str) -> str:
        """Where a job is prepared before it takes the place."""
        return "%s.new-%s" % (self.root, job_id[:8])


@dataclass(frozen=True)
class Job:
    """One job as it was seen.

    :param subject: what it works on, as C(preparing) got it.
    :param attempt: 1, or more when others before it were lost.
    :param elapsed: the seconds since its process began, by the server's own clock; None without a process.
    :param cpu: the seconds of processor time so far.
    :param outcomes: of its commands, when it has ended.
    :param printed: what its PowerShell printed instead of an answer.
    """

    id: str
    subject: Mapping[str, Any]
    state: str
    attempt: int = 1
    process_id: int | None = None
    elapsed: float | None = None
    cpu: float = 0.0
    outcomes: Sequence[Outcome] = ()
    printed: str = ""


def preparing(
    place: Place, job_id: str, commands: Sequence[Command], subject: Mapping[str, Any], attempt: int
) -> list[Command]:
    """Prepare a job and take the place with it, which of several controllers only one can.

    The last command is the claim: a folder is renamed as a whole, and never to a name that exists.
    """
    aside = place.preparation(job_id)
    work = "%s\\job-%s" % (aside, job_id)
    record = {"format": _FORMAT, "id": job_id, "attempt": attempt, "subject": dict(subject)}
    return [
        Command("New-Item", {"Path": work, "ItemType": "Directory", "Confirm": False}),
        _file(work + "\\bridge.ps1", bridge.BRIDGE_SCRIPT),
        _file(work + "\\request.json", bridge.encode_request(commands).decode("ascii")),
        record_writing(work + "\\job.json", record),
        Command("Rename-Item", {"LiteralPath": aside, "NewName": place.root.rpartition("\\")[2], "Confirm": False}),
    ]


def creating(place: Place, job_id: str) -> Command:
    """Create the process: outside of the session's job object, with the session's own logon, in the job's folder."""
    arguments = [COMMAND_LINE % job_id, place.work(job_id)]
    parameters = {"Class": "Win32_Process", "Name": "Create", "ArgumentList": arguments}
    return Command("Invoke-WmiMethod", parameters, ("ReturnValue", "ProcessId"))


def refusal(outcome: Outcome) -> str | None:
    """Why the process was not created, by what C(creating) gave; None when it was.

    :raises CmdletFailed: the call itself failed.
    """
    code = (outcome.objects() or [{}])[0].get("ReturnValue")
    if code == 0:
        return None
    return "%s (Win32_Process.Create returned %s)" % (_REFUSALS.get(code, "no reason known"), code)


def clearing(place: Place) -> list[Command]:
    """Free the place of what a job's removal left when it was cut off; a job that is there stays, and is an error."""
    return [_removal(place.root + "\\old-*"), Command("Remove-Item", {"LiteralPath": place.root, "Confirm": False})]


def retiring(place: Place, job_id: str) -> list[Command]:
    """Remove this job, and no other that came to the place since.

    The renaming fails while its process has the folder for its current one, and when another controller has removed it.
    """
    renaming = {"LiteralPath": place.work(job_id), "NewName": "old-" + job_id, "Confirm": False}
    return [Command("Rename-Item", renaming), *clearing(place), _removal(place.root + ".new-*")]


def _removal(pattern: str) -> Command:
    return Command("Remove-Item", {"Path": pattern, "Recurse": True, "Force": True, "Confirm": False})


def _file(path: str, text: str) -> Command:
    return Command("Set-Content", {"LiteralPath": path, "Value": text, "Encoding": "ASCII", "Confirm": False})


@dataclass(frozen=True)
class Seen:
    """What is at a place; C(occupied) without a job means that a removal was cut off."""

    occupied: bool
    job: Job | None


def job_reading(place: Place) -> Reading[Seen]:
    """Reads the job at a place. The processes come first: one that has ended has written its answer before."""
    files = ["%s\\job-*\\%s" % (place.root, name) for name in ("job.json", "request.json", "answer.json", "errors.txt")]
    wanted = ("ProcessId", "CreationDate", "KernelModeTime", "UserModeTime", "CommandLine")
    there = exists_reading(place.root)
    commands = [
        get("Get-WmiObject", wanted, Class="Win32_Process", Filter=_PROCESSES),
        get("Get-WmiObject", ("LocalDateTime",), Class="Win32_OperatingSystem"),
        *there.commands,
        *[get("Get-Content", ("Value",), Path=path, Raw=True, Encoding="UTF8") for path in files],
    ]

    def understand(outcomes: Sequence[Outcome]) -> Seen:
        processes, clock = outcomes[0].objects(), outcomes[1].objects()
        occupied = there.understand(outcomes[2:3])
        record, request = (_json(_text(outcome)) for outcome in outcomes[3:5])
        if not record or "id" not in record:
            return Seen(occupied, None)
        found = [item for item in processes if _id(item) == record["id"]]
        job = Job(record["id"], record.get("subject") or {}, LOST, int(record.get("attempt") or 1))
        if found:
            return Seen(True, _running(job, found, moment(clock[0]["LocalDateTime"])))
        return Seen(True, _ended(job, request, _text(outcomes[5]), _text(outcomes[6])))

    return Reading(commands, understand)


def _id(process: Mapping[str, Any]) -> str | None:
    found = _ID.search(str(process["CommandLine"] or ""))
    return found.group(1) if found else None


def _running(job: Job, processes: Sequence[Mapping[str, Any]], now: datetime) -> Job:
    """The job of cmd.exe, which began first, and of the powershell.exe below it, which works."""
    first = min(processes, key=lambda item: moment(item["CreationDate"]))
    ticks = sum(int(item[name] or 0) for item in processes for name in ("KernelModeTime", "UserModeTime"))
    elapsed = (now - moment(first["CreationDate"])).total_seconds()
    process_id = int(first["ProcessId"])
    return Job(job.id, job.subject, RUNNING, job.attempt, process_id, elapsed=max(0.0, elapsed), cpu=ticks / _TICKS)


def _ended(job: Job, request: Mapping[str, Any], answer: str, printed: str) -> Job:
    commands = [Command(item["name"], item["parameters"], item["select"]) for item in request.get("commands") or ()]
    try:
        outcomes = tuple(bridge.decode_response(answer.encode("utf-8"), commands))
    except ValueError:
        return Job(job.id, job.subject, LOST, job.attempt, printed=" ".join(printed.split())[:400])
    return Job(job.id, job.subject, ENDED, job.attempt, outcomes=outcomes)


def _text(outcome: Outcome) -> str:
    if not_found(outcome):
        return ""
    return "".join(str(item["Value"]) for item in outcome.objects() if item["Value"] is not None)


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text.lstrip("\ufeff") or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def moment(text: str) -> datetime:
    """A moment as WMI writes it (DMTF: C(yyyymmddHHMMSS.mmmmmm+UUU), with the minutes from UTC).

    :raises ValueError: it is not of that form.
    """
    found = _DMTF.match(text)
    if not found:
        raise ValueError("%r is not a moment as WMI writes it" % text)
    zone = timezone(timedelta(minutes=int(found.group(2))))
    return datetime.strptime(found.group(1), "%Y%m%d%H%M%S.%f").replace(tzinfo=zone)

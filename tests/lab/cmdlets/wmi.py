# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WMI as far as jobs need it: the table of processes, the server's clock, and the creation of a process.

Source: Win32_Process, its method Create, and Win32_OperatingSystem in Microsoft's WMI reference. The server's clock is an
hour ahead of UTC, as those of most servers are not in UTC.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

from tests.lab.cmdlets.binding import Parameter
from tests.lab.cmdlets.registry import Context, Output, cmdlet
from tests.lab.cmdlets.selection import glob
from tests.lab.jobs import JobRefused

_TYPE = "Microsoft.PowerShell.Commands.%sCommand"
_ZONE = datetime.timezone(datetime.timedelta(minutes=60))
_LIKE = re.compile(r"CommandLine LIKE '([^']*)'\Z", re.IGNORECASE)
_PATH_NOT_FOUND, _INVALID_PARAMETER = 9, 21
#: of every Windows; their command lines are hidden
_SYSTEM = (("System Idle Process", 0), ("System", 4))


def moment(seconds: float) -> str:
    """A moment, in seconds since 1970, in DMTF form in the server's time zone."""
    local = datetime.datetime.fromtimestamp(seconds, _ZONE)
    return local.strftime("%Y%m%d%H%M%S.%f") + "+060"


@cmdlet(
    "Get-WmiObject",
    {"Class": Parameter(mandatory=True), "Filter": Parameter(), "Namespace": Parameter()},
    source="core",
    type_name=_TYPE % "GetWmiObject",
)
def get_wmi_object(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """The instances of Win32_Process or Win32_OperatingSystem."""
    kind = parameters["Class"].lower()
    if kind == "win32_operatingsystem":
        return [{"LocalDateTime": moment(context.estate.jobs.now()), "Caption": "Microsoft Windows Server 2012 R2"}]
    if kind != "win32_process":
        raise context.fault('Invalid class "%s"' % parameters["Class"], "GetWMIManagementException", "InvalidType")
    processes = [
        *({"Name": name, "ProcessId": number, "CommandLine": None} for name, number in _SYSTEM),
        *_processes(context),
    ]
    if "Filter" not in parameters:
        return processes
    like = _LIKE.match(parameters["Filter"])
    if not like:
        raise context.fault(
            'Invalid query "%s"' % parameters["Filter"], "GetWMIManagementException", "InvalidOperation"
        )
    pattern = like.group(1).replace("%", "*")
    return [item for item in processes if item["CommandLine"] is not None and glob(pattern, item["CommandLine"])]


def _processes(context: Context) -> Output:
    """Two for each job: cmd.exe, and the powershell.exe that it started."""
    for job in context.estate.jobs.running(context.host):
        below = job.line.partition(" /c ")[2].partition(" <")[0]
        for name, number, line, later in (
            ("cmd.exe", job.pid, job.line, 0.0),
            ("powershell.exe", job.child, below, 0.02),
        ):
            yield {
                "Name": name,
                "ProcessId": number,
                "CommandLine": line,
                "CreationDate": moment(job.began + later),
                "KernelModeTime": int(job.cpu() * 10_000_000) if name == "powershell.exe" else 0,
                "UserModeTime": 156250,
            }


@cmdlet(
    "Invoke-WmiMethod",
    {
        "Class": Parameter(mandatory=True),
        "Name": Parameter(mandatory=True),
        "ArgumentList": Parameter("object"),
        "Namespace": Parameter(),
    },
    source="core",
    writes=True,
    should_process=True,
    type_name=_TYPE % "InvokeWmiMethod",
)
def invoke_wmi_method(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """Win32_Process.Create(CommandLine, CurrentDirectory): a process that no session owns, with the caller's credentials."""
    if (parameters["Class"].lower(), parameters["Name"].lower()) != ("win32_process", "create"):
        raise context.fault("The lab only creates processes.", "InvokeWMIManagementException", "InvalidOperation")
    line, folder = parameters["ArgumentList"]
    if not context.should_process("Win32_Process"):
        return []
    place = context.file(folder)
    if not re.match(r"[A-Za-z]:\\", folder) or not place.is_dir():
        return [{"ReturnValue": _PATH_NOT_FOUND, "ProcessId": None}]
    try:
        job = context.estate.jobs.create(context, line, place)
    except JobRefused:
        return [{"ReturnValue": _INVALID_PARAMETER, "ProcessId": None}]
    return [{"ReturnValue": 0, "ProcessId": job.pid}]

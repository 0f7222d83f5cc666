# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows services through the Lync cmdlets. Source: domain.md, section 2.4."""

from __future__ import annotations

from typing import Any

from tests.lab.cmdlets.binding import Parameter
from tests.lab.cmdlets.registry import Context, Output, cmdlet
from tests.lab.service_control import Service, ServiceError, services_of

_TYPE = "Microsoft.Rtc.Management.Deployment.%sCsWindowsServiceCmdlet"
_SELECTORS = {
    "Name": Parameter(sets=("Name",)),
    "ComputerName": Parameter(sets=("Name",)),
    "InputObject": Parameter("object", mandatory=True, sets=("InputObject",)),
    "Report": Parameter(),
}
_CHANGE = {**_SELECTORS, "NoWait": Parameter("switch"), "Force": Parameter("switch")}


@cmdlet(
    "Get-CsWindowsService",
    {
        "Name": Parameter(),
        "ComputerName": Parameter(),
        "ExcludeActivityLevel": Parameter("switch"),
        "Report": Parameter(),
    },
    type_name=_TYPE % "Get",
    assumed_properties=("ActivityLevel",),
)
def get_cs_windows_service(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """All Lync services of the computer, or the named one; a service that is not Lync's is an error."""
    for service in _chosen(context, parameters, input):
        shown = {
            "Name": service.name,
            "Status": service.query(),
            "DisplayName": service.display_name,
            "RoleName": service.roles,
        }
        if not parameters.get("ExcludeActivityLevel"):
            shown["ActivityLevel"] = ""
        yield shown


@cmdlet(
    "Start-CsWindowsService",
    _CHANGE,
    writes=True,
    should_process=True,
    confirm_impact="high",
    type_name=_TYPE % "Start",
    default_set="Name",
)
def start_cs_windows_service(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """Starting a service that runs is no error; no output; without a name every Lync service of the computer starts."""
    for service in _chosen(context, parameters, input):
        if context.should_process(service.name) and service.status not in ("Running", "StartPending"):
            try:
                service.start()
            except ServiceError as error:
                raise _refused(context, "started", service, error) from None
    return []


@cmdlet(
    "Stop-CsWindowsService",
    {
        **_CHANGE,
        "Graceful": Parameter("switch"),
        "LeaveClsAgentRunning": Parameter("switch"),
        "LeaveWebServerRunning": Parameter("switch"),
    },
    writes=True,
    should_process=True,
    confirm_impact="high",
    type_name=_TYPE % "Stop",
    default_set="Name",
)
def stop_cs_windows_service(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """No output; without a name every Lync service of the computer stops; a service that drains shows as Paused."""
    for service in _chosen(context, parameters, input):
        if "Name" not in parameters and service.key == "RTCCLSAGT" and parameters.get("LeaveClsAgentRunning"):
            continue
        if context.should_process(service.name) and service.status not in ("Stopped", "StopPending", "Paused"):
            try:
                service.stop(drain=bool(parameters.get("Graceful")))
            except ServiceError as error:
                raise _refused(context, "stopped", service, error) from None
    return []


def _chosen(context: Context, parameters: dict[str, Any], input: Any) -> list[Service]:
    handed = parameters.get("InputObject") or input
    name = handed.get("Name") if isinstance(handed, dict) else handed or parameters.get("Name")
    computer = parameters.get("ComputerName") or context.host
    try:
        services = [service for service in services_of(context.estate, computer) if service.is_lync]
        reached = context.reaches(computer)
    except KeyError:
        reached = False
    if not reached:
        raise context.fault(
            'Cannot open Service Control Manager on computer "%s".' % computer,
            "ComputerNotFound",
            "ResourceUnavailable",
            assumed=True,
        )
    if not name:
        return services
    found = [service for service in services if service.name.lower() == str(name).lower()]
    if not found:
        raise context.fault(
            'The service "%s" is not a Skype for Business Server service of "%s".' % (name, computer),
            "ServiceNotFound",
            "InvalidArgument",
            assumed=True,
        )
    return found


def _refused(context: Context, what: str, service: Service, error: ServiceError) -> Exception:
    return context.fault(
        'The service "%s" cannot be %s: Windows error %d.' % (service.name, what, error.code),
        "ServiceControlFailed",
        "OpenError",
        assumed=True,
    )

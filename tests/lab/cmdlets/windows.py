# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets of Windows PowerShell itself: services, files, commands. Names, properties and error ids are PowerShell's own."""

from __future__ import annotations

import datetime
import hashlib
import shutil
from pathlib import Path
from typing import Any, Iterator

from tests.lab.cmdlets.binding import Parameter
from tests.lab.cmdlets.items import matching, refuse_in_use
from tests.lab.cmdlets.registry import Context, Output, Scalar, cmdlet, visible
from tests.lab.cmdlets.selection import glob
from tests.lab.service_control import Service, ServiceError, services_of

_TYPE = "Microsoft.PowerShell.Commands.%sCommand"
_PATHS = {
    "Path": Parameter("strings", mandatory=True, sets=("Path",)),
    "LiteralPath": Parameter("strings", mandatory=True, aliases=("PSPath",), sets=("LiteralPath",)),
}
_CHANGE = {
    "Name": Parameter("strings", mandatory=True, aliases=("ServiceName",)),
    "Force": Parameter("switch"),
    "PassThru": Parameter("switch"),
}
_HASHES = ("SHA1", "SHA256", "SHA384", "SHA512", "MD5")


@cmdlet(
    "Get-Command",
    {"Name": Parameter("strings"), "Module": Parameter("strings"), "CommandType": Parameter()},
    source="core",
    type_name=_TYPE % "GetCommand",
)
def get_command(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """What exists on this server; an unknown name is an error that -ErrorAction SilentlyContinue hides."""
    module = context.estate.switch("module_name")
    known = visible(context)
    missing = []
    for pattern in parameters.get("Name", ["*"]):
        found = [item for item in known if glob(pattern, item.name)]
        if not found and not _is_pattern(pattern):
            missing.append(pattern)
        for item in found:
            source = "Microsoft.PowerShell.Management" if item.source == "core" else module
            if not parameters.get("Module") or any(glob(one, source) for one in parameters["Module"]):
                yield {"Name": item.name, "CommandType": "Cmdlet", "Source": source, "ModuleName": source}
    if missing:
        raise context.fault(
            "The term '%s' is not recognized as the name of a cmdlet, function, script file, or operable program."
            % missing[0],
            "CommandNotFoundException",
            "ObjectNotFound",
            terminating=False,
        )


@cmdlet(
    "Get-Service",
    {
        "Name": Parameter("strings", aliases=("ServiceName",), sets=("Name",)),
        "DisplayName": Parameter("strings", mandatory=True, sets=("DisplayName",)),
        "ComputerName": Parameter("strings", aliases=("Cn",)),
    },
    source="core",
    type_name=_TYPE % "GetService",
    default_set="Name",
)
def get_service(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """The services that the names or patterns choose, of this or another server."""
    by_display = "DisplayName" in parameters
    patterns = parameters.get("DisplayName") or parameters.get("Name") or ["*"]
    for computer in parameters.get("ComputerName", [context.host]):
        for pattern in patterns:
            for service in _services(context, computer, pattern, by_display):
                yield _shown(service)


@cmdlet("Start-Service", _CHANGE, source="core", writes=True, should_process=True, type_name=_TYPE % "StartService")
def start_service(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """Starting a service that runs is no error."""
    for service in _named(context, parameters):
        if context.should_process(service.name):
            _bring_to(context, service, "Running")
        if parameters.get("PassThru"):
            yield _shown(service)


@cmdlet(
    "Stop-Service",
    {**_CHANGE, "NoWait": Parameter("switch")},
    source="core",
    writes=True,
    should_process=True,
    type_name=_TYPE % "StopService",
)
def stop_service(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """Stopping a service that is stopped is no error."""
    for service in _named(context, parameters):
        if context.should_process(service.name):
            _bring_to(context, service, "Stopped")
        if parameters.get("PassThru"):
            yield _shown(service)


@cmdlet(
    "Set-Service",
    {
        "Name": Parameter(mandatory=True, aliases=("ServiceName",)),
        "ComputerName": Parameter("strings", aliases=("cn",)),
        "StartupType": Parameter(aliases=("StartMode", "SM"), choices=("Automatic", "Manual", "Disabled")),
        "Status": Parameter(choices=("Running", "Stopped")),
        "DisplayName": Parameter(),
        "Description": Parameter(),
        "PassThru": Parameter("switch"),
    },
    source="core",
    writes=True,
    should_process=True,
    type_name=_TYPE % "SetService",
)
def set_service(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """Sets the start type and, where it is given, the status."""
    for computer in parameters.get("ComputerName", [context.host]):
        for service in _services(context, computer, parameters["Name"]):
            if context.should_process(service.name):
                if "StartupType" in parameters:
                    service.configure(parameters["StartupType"])
                if "Status" in parameters:
                    _bring_to(context, service, parameters["Status"])
            if parameters.get("PassThru"):
                yield _shown(service)


@cmdlet("Get-Item", {**_PATHS, "Force": Parameter("switch")}, source="core", type_name=_TYPE % "GetItem")
def get_item(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """Files and folders; times are UTC; a folder has no Length."""
    for place in _existing(context, parameters):
        facts = place.stat()
        yield {
            "Name": place.name,
            "FullName": context.estate.files.shown(context.host, place),
            "Length": None if place.is_dir() else facts.st_size,
            "LastWriteTimeUtc": datetime.datetime.fromtimestamp(facts.st_mtime, datetime.timezone.utc),
            "PSIsContainer": place.is_dir(),
            "Exists": True,
        }


@cmdlet(
    "Get-FileHash", {**_PATHS, "Algorithm": Parameter(choices=_HASHES)}, source="core", type_name=_TYPE % "GetFileHash"
)
def get_file_hash(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """The hash in upper-case hexadecimal; SHA256 where no algorithm is given."""
    algorithm = parameters.get("Algorithm", "SHA256")
    for place in _existing(context, parameters):
        if place.is_file():
            value = hashlib.new(algorithm.lower(), place.read_bytes()).hexdigest().upper()
            yield {"Algorithm": algorithm, "Hash": value, "Path": context.estate.files.shown(context.host, place)}


@cmdlet(
    "Test-Path",
    {**_PATHS, "PathType": Parameter(choices=("Any", "Container", "Leaf"))},
    source="core",
    type_name=_TYPE % "TestPath",
)
def test_path(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """True or False for each path."""
    kind = parameters.get("PathType", "Any")
    for path in _paths(parameters):
        place = context.file(path)
        yield Scalar({"Any": place.exists, "Container": place.is_dir, "Leaf": place.is_file}[kind]())


@cmdlet(
    "Get-Content",
    {**_PATHS, "Raw": Parameter("switch"), "Encoding": Parameter(), "TotalCount": Parameter("int")},
    source="core",
    type_name=_TYPE % "GetContent",
)
def get_content(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """The lines of a text file (UTF-8), or with -Raw the whole text."""
    for place in _existing(context, parameters):
        if place.is_dir():
            raise context.fault(
                "Access to the path '%s' is denied." % context.estate.files.shown(context.host, place),
                "GetContentReaderUnauthorizedAccessError",
                "PermissionDenied",
                terminating=False,
            )
        text = place.read_bytes().decode("utf-8-sig", "replace")
        if parameters.get("Raw"):
            yield Scalar(text)
        else:
            yield from (Scalar(line) for line in text.splitlines()[: parameters.get("TotalCount")])


@cmdlet(
    "Set-Content",
    {**_PATHS, "Value": Parameter("strings", mandatory=True), "Encoding": Parameter(), "Force": Parameter("switch")},
    source="core",
    writes=True,
    should_process=True,
    type_name=_TYPE % "SetContent",
)
def set_content(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """Writes a text file, over an existing one; its folder must exist."""
    for path in _paths(parameters):
        place = context.file(path)
        if not place.parent.is_dir():
            raise context.fault(
                "Could not find a part of the path '%s'." % path,
                "GetContentWriterDirectoryNotFoundError",
                "ObjectNotFound",
                terminating=False,
            )
        if context.should_process(path):
            place.write_bytes("".join(value + "\r\n" for value in parameters["Value"]).encode("utf-8"))
    return []


@cmdlet(
    "Move-Item",
    {**_PATHS, "Destination": Parameter(), "Force": Parameter("switch"), "PassThru": Parameter("switch")},
    source="core",
    writes=True,
    should_process=True,
    type_name=_TYPE % "MoveItem",
)
def move_item(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """Renames or moves a file; one that is there already is an error without -Force."""
    for place in list(_existing(context, parameters)):
        target = context.file(parameters["Destination"])
        if target.exists() and not parameters.get("Force"):
            raise context.fault(
                "Cannot create a file when that file already exists.",
                "MoveFileInfoItemIOError",
                "WriteError",
                terminating=False,
            )
        if context.should_process(parameters["Destination"]):
            place.replace(target)
    return []


@cmdlet(
    "Remove-Item",
    {**_PATHS, "Force": Parameter("switch"), "Recurse": Parameter("switch")},
    source="core",
    writes=True,
    should_process=True,
    type_name=_TYPE % "RemoveItem",
)
def remove_item(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """Deletes files; a folder that is not empty asks for confirmation unless -Recurse is given."""
    for place in list(_existing(context, parameters)):
        shown = context.estate.files.shown(context.host, place)
        if place.is_dir() and any(place.iterdir()) and not parameters.get("Recurse"):
            raise context.fault(
                "Remove-Item would prompt: the item at %s has children and the Recurse parameter was not specified. Windows "
                "PowerShell is in NonInteractive mode. Read and Prompt functionality is not available." % shown,
                "InvalidOperation",
                "InvalidOperation",
            )
        refuse_in_use(context, place)
        if context.should_process(shown):
            shutil.rmtree(place) if place.is_dir() else place.unlink()
    return []


def _paths(parameters: dict[str, Any]) -> list[str]:
    return parameters.get("LiteralPath") or parameters["Path"]


def _existing(context: Context, parameters: dict[str, Any]) -> Iterator[Path]:
    for path in _paths(parameters):
        if "Path" in parameters and _is_pattern(path):
            yield from matching(context, path)
            continue
        place = context.file(path)
        if not place.exists():
            raise context.fault(
                "Cannot find path '%s' because it does not exist." % path,
                "PathNotFound",
                "ObjectNotFound",
                terminating=False,
            )
        yield place


def _is_pattern(text: str) -> bool:
    return any(sign in text for sign in "*?[")


def _named(context: Context, parameters: dict[str, Any]) -> list[Service]:
    return [service for name in parameters["Name"] for service in _services(context, context.host, name)]


def _services(context: Context, computer: str, pattern: str, by_display: bool = False) -> list[Service]:
    computer = context.host if computer in (".", "localhost") else computer
    try:
        services = services_of(context.estate, computer)
        reached = context.reaches(computer)
    except KeyError:
        reached = False
    if not reached:
        raise context.fault(
            "Cannot open Service Control Manager on computer '%s'. This operation might require other privileges."
            % computer,
            "System.InvalidOperationException",
            "NotSpecified",
        )
    found = [item for item in services if glob(pattern, item.display_name if by_display else item.name)]
    if not found and not _is_pattern(pattern):
        raise context.fault(
            "Cannot find any service with %s '%s'." % ("display name" if by_display else "service name", pattern),
            "NoServiceFoundForGiven%s" % ("DisplayName" if by_display else "Name"),
            "ObjectNotFound",
            terminating=False,
        )
    return found


def _bring_to(context: Context, service: Service, wanted: str) -> None:
    """Start or stop a service that is not there yet, nor on its way.

    :raises CmdletFault: the service control manager refuses.
    """
    start = wanted == "Running"
    if service.status in (("Running", "StartPending") if start else ("Stopped", "StopPending", "Paused")):
        return
    try:
        service.start() if start else service.stop()
    except ServiceError:
        done = "Cannot start service %s on computer '%s'." if start else "Cannot stop %s service on computer '%s'."
        raise context.fault(
            "Service '%s (%s)' cannot be %s due to the following error: %s"
            % (
                service.display_name,
                service.name,
                "started" if start else "stopped",
                done % (service.name, service.host),
            ),
            "CouldNotStartService" if start else "CouldNotStopService",
            "OpenError" if start else "CloseError",
            terminating=False,
        ) from None


def _shown(service: Service) -> dict[str, Any]:
    return {
        "Name": service.name,
        "ServiceName": service.name,
        "DisplayName": service.display_name,
        "MachineName": service.host,
        "Status": service.query(),
        "StartType": service.start_type,
    }

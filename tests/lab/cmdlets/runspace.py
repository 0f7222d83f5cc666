# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets of Windows PowerShell about the runspace itself: modules, and what every restricted session has."""

from __future__ import annotations

from typing import Any

from tests.lab.cmdlets.binding import Parameter
from tests.lab.cmdlets.registry import Context, Output, Scalar, cmdlet, visible
from tests.lab.cmdlets.selection import glob

_TYPE = "Microsoft.PowerShell.Commands.%sCommand"


@cmdlet(
    "Import-Module",
    {
        "Name": Parameter("strings", mandatory=True),
        "DisableNameChecking": Parameter("switch"),
        "Global": Parameter("switch"),
        "Force": Parameter("switch"),
        "PassThru": Parameter("switch"),
    },
    source="core",
    type_name=_TYPE % "ImportModule",
)
def import_module(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """A module that the server lacks is an error that -ErrorAction SilentlyContinue hides.

    That Lync's module has verbs to warn of is an ASSUMPTION.
    """
    missing = [name for name in parameters["Name"] if context.import_module([name]) is None]
    if len(missing) < len(parameters["Name"]) and not parameters.get("DisableNameChecking"):
        context.warn(
            "The names of some imported commands from the module '%s' include unapproved verbs that might make them less "
            "discoverable." % context.estate.switch("module_name")
        )
    if parameters.get("PassThru"):
        yield from (_module(name) for name in parameters["Name"] if name not in missing)
    if missing:
        raise context.fault(
            "The specified module '%s' was not loaded because no valid module file was found in any module directory."
            % missing[0],
            "Modules_ModuleNotFound",
            "ResourceUnavailable",
            terminating=False,
        )


@cmdlet(
    "Get-Module",
    {"Name": Parameter("strings"), "ListAvailable": Parameter("switch")},
    source="core",
    type_name=_TYPE % "GetModule",
)
def get_module(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """The Lync module where it is installed; the lab loads it as soon as somebody needs it."""
    name = context.estate.switch("module_name")
    if context.has_tools and any(glob(pattern, name) for pattern in parameters.get("Name", ["*"])):
        yield _module(name)


def _module(name: str) -> dict[str, Any]:
    return {"Name": name, "ModuleType": "Manifest", "Version": "1.0"}


@cmdlet(
    "Select-Object",
    {
        "Property": Parameter("strings"),
        "ExpandProperty": Parameter(),
        "First": Parameter("int"),
        "Last": Parameter("int"),
        "Skip": Parameter("int"),
        "InputObject": Parameter("object"),
    },
    source="core",
    type_name=_TYPE % "SelectObject",
    gathers=True,
)
def select_object(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """Some of the objects, with some of their properties; a property that an object lacks is null."""
    items = list(input or ())[parameters.get("Skip", 0) :][: parameters.get("First")]
    if "Last" in parameters:
        items = items[-parameters["Last"] :] if parameters["Last"] else []
    for item in items:
        own = {key.lower(): value for key, value in item.items()}
        if "ExpandProperty" in parameters:
            value = own.get(parameters["ExpandProperty"].lower())
            yield from (Scalar(one) for one in (value if isinstance(value, list) else [value]))
        elif "Property" in parameters:
            yield {key: value for pattern in parameters["Property"] for key, value in _matching(item, pattern).items()}
        else:
            yield item


def _matching(item: dict[str, Any], pattern: str) -> dict[str, Any]:
    return {key: value for key, value in item.items() if glob(pattern, key)} or {pattern: None}


@cmdlet(
    "Measure-Object",
    {"Property": Parameter("strings"), "InputObject": Parameter("object")},
    source="core",
    type_name=_TYPE % "MeasureObject",
    gathers=True,
)
def measure_object(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """How many objects there are."""
    return [{"Count": len(input or ()), "Property": None}]


@cmdlet(
    "Out-Default",
    {"Transcript": Parameter("switch"), "InputObject": Parameter("object")},
    source="core",
    type_name=_TYPE % "OutDefault",
    gathers=True,
)
def out_default(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """In a remote session, nobody formats: the objects go to the client as they are."""
    return list(input or ())


@cmdlet("Get-FormatData", {"TypeName": Parameter("strings")}, source="core", type_name=_TYPE % "GetFormatData")
def get_format_data(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """No type of the lab has a view of its own."""
    return []


@cmdlet("Get-Help", {"Name": Parameter(), "Category": Parameter("strings")}, source="core", type_name=_TYPE % "GetHelp")
def get_help(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """The name of each command that there is."""
    pattern = parameters.get("Name", "*")
    return [{"Name": item.name, "Category": "Cmdlet"} for item in visible(context) if glob(pattern, item.name)]


@cmdlet("Exit-PSSession", {}, source="core", type_name=_TYPE % "ExitPSSession")
def exit_pssession(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """The client leaves by itself."""
    return []

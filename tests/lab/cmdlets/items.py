# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders and names: New-Item, Rename-Item, and what keeps a folder from being renamed. Error ids are PowerShell's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Iterator

from tests.lab.cmdlets.binding import Parameter
from tests.lab.cmdlets.registry import Context, Output, cmdlet
from tests.lab.cmdlets.selection import glob

_TYPE = "Microsoft.PowerShell.Commands.%sCommand"


def matching(context: Context, pattern: str) -> Iterator[Path]:
    """The files and folders behind a path with wildcards, as -Path takes it; none where nothing fits."""
    drive, *parts = re.split(r"[\\/]+", pattern)
    places = [context.file(drive + "\\")]
    for part in parts:
        places = [
            entry for place in places if place.is_dir() for entry in sorted(place.iterdir()) if glob(part, entry.name)
        ]
    return iter(places)


def refuse_in_use(context: Context, place: Path) -> None:
    """Windows neither renames nor removes the current folder of a process, nor one above it, nor a file that it has open.

    :raises CmdletFault: a job works there.
    """
    for folder in context.estate.jobs.folders():
        if folder == place or place in folder.parents or (folder == place.parent and place.suffix in (".txt", ".json")):
            raise context.fault(
                "The process cannot access the file '%s' because it is being used by another process."
                % context.estate.files.shown(context.host, place),
                "%sItemIOError" % (context.cmdlet.name.partition("-")[0] if context.cmdlet else ""),
                "WriteError",
                terminating=False,
            )


@cmdlet(
    "New-Item",
    {
        "Path": Parameter("strings", mandatory=True),
        "ItemType": Parameter(aliases=("Type",), choices=("Directory", "File")),
        "Value": Parameter(),
        "Force": Parameter("switch"),
    },
    source="core",
    writes=True,
    should_process=True,
    type_name=_TYPE % "NewItem",
)
def new_item(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """Creates a folder, and those above it, or a file; one that is there already is an error."""
    for path in parameters["Path"]:
        place = context.file(path)
        if place.exists() and not parameters.get("Force"):
            raise context.fault(
                "An item with the specified name %s already exists." % path,
                "DirectoryExist",
                "ResourceExists",
                terminating=False,
            )
        if not context.should_process(path):
            continue
        if parameters.get("ItemType") == "Directory":
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.write_bytes(parameters.get("Value", "").encode("utf-8"))
        yield {"Name": place.name, "FullName": path, "PSIsContainer": place.is_dir()}


@cmdlet(
    "Rename-Item",
    {
        "Path": Parameter(mandatory=True, sets=("Path",)),
        "LiteralPath": Parameter(mandatory=True, aliases=("PSPath",), sets=("LiteralPath",)),
        "NewName": Parameter(mandatory=True),
        "Force": Parameter("switch"),
        "PassThru": Parameter("switch"),
    },
    source="core",
    writes=True,
    should_process=True,
    type_name=_TYPE % "RenameItem",
)
def rename_item(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """Renames within a folder; never over something that is there."""
    path = parameters.get("LiteralPath") or parameters["Path"]
    place = context.file(path)
    target = place.with_name(parameters["NewName"])
    if not place.exists():
        raise context.fault(
            "Cannot rename because item at '%s' does not exist." % path, "InvalidOperation", "InvalidOperation"
        )
    if target.exists():
        raise context.fault(
            "Cannot create a file when that file already exists.",
            "RenameItemIOError",
            "WriteError",
            terminating=False,
        )
    refuse_in_use(context, place)
    if context.should_process(path):
        place.rename(target)
    return []

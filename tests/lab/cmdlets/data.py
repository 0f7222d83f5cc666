# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Export-CsPersistentChatData and Import-CsPersistentChatData. Source: domain.md, sections 2.2, 5 and 7."""

from __future__ import annotations

import copy
import datetime
from typing import Any

from tests.lab.chat_archive import ArchiveError, pack, unpack
from tests.lab.chat_report import Row, render
from tests.lab.cmdlets.binding import Parameter
from tests.lab.cmdlets.registry import Context, Output, Scalar, cmdlet
from tests.lab.cmdlets.rooms import chat_services_running

MAX_NAME = 256
_LEVELS = ("All", "User", "Category", "RoomDirectory", "Content")


@cmdlet(
    "Export-CsPersistentChatData",
    {
        "DBInstance": Parameter(mandatory=True),
        "DBName": Parameter(mandatory=True),
        "FileName": Parameter(sets=("FileName",)),
        "AsBytes": Parameter("switch", sets=("AsBytes",)),
        "Level": Parameter(choices=_LEVELS),
        "Scope": Parameter("strings"),
        "StartDate": Parameter("datetime"),
        "DisableExportedNodes": Parameter("switch"),
        "Report": Parameter(),
    },
    writes=True,
    type_name="Microsoft.Rtc.Management.PersistentChat.Cmdlets.ExportPersistentChatDataCmdlet",
    second_hop=True,
)
def export_data(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """Writes the zip on the executing server; no output but with -AsBytes; -DisableExportedNodes changes the source."""
    source = _database(context, parameters["DBInstance"], parameters["DBName"])
    level = parameters.get("Level", "All")
    if "StartDate" in parameters and level != "RoomDirectory":
        raise context.fault(
            "-StartDate goes with -Level RoomDirectory only.", "InvalidStartDate", "InvalidArgument", assumed=True
        )
    if "FileName" not in parameters and not parameters.get("AsBytes"):
        raise context.fault("Either -FileName or -AsBytes is needed.", "NoTarget", "InvalidArgument", assumed=True)
    chosen = _in_scope(context, source, parameters.get("Scope"))
    packed = pack(_at_level(chosen, level, parameters.get("StartDate")), level)
    if "FileName" in parameters:
        _write(context, parameters["FileName"], packed)
    if parameters.get("DisableExportedNodes"):
        for category in chosen["categories"]:
            category["disabled"] = True
            for room in category["rooms"]:
                room["disabled"] = True
    _report(context, parameters, "Persistent Chat data export", [*_counted("exported", chosen), *_extra(context)])
    return [Scalar(packed)] if parameters.get("AsBytes") else []


@cmdlet(
    "Import-CsPersistentChatData",
    {
        "DBInstance": Parameter(mandatory=True),
        "FileName": Parameter(mandatory=True, sets=("FileName",)),
        "ByteInput": Parameter("bytes", mandatory=True, sets=("ByteInput",)),
        "Report": Parameter(),
    },
    writes=True,
    should_process=True,
    confirm_impact="high",
    type_name="Microsoft.Rtc.Management.PersistentChat.Cmdlets.ImportPersistentChatDataCmdlet",
    default_set="FileName",
    second_hop=True,
)
def import_data(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """Merges into the target's fixed database and overwrites what has the same name; -WhatIf writes the report only."""
    target = _database(context, parameters["DBInstance"], "mgc")
    archive = parameters["ByteInput"] if "ByteInput" in parameters else _read(context, parameters["FileName"])
    try:
        content = unpack(archive)
    except ArchiveError as error:
        raise context.fault(
            "The data cannot be read: %s" % error, "InvalidArchive", "InvalidData", assumed=True
        ) from None
    _refuse_while_running(context, parameters["DBInstance"])
    write = context.should_process(parameters["DBInstance"])
    merged = copy.deepcopy(target)
    rows = _merge(merged, content, context.estate.switch("import_repeat"))
    if write:
        target.clear()
        target.update(merged)
    title = "Persistent Chat data import" + ("" if write else " (WhatIf)")
    _report(context, parameters, title, [*_counted("imported", content), *rows, *_extra(context)])
    return []


def _merge(target: dict[str, Any], content: dict[str, Any], repeat: str) -> list[Row]:
    """Put the content into the target and return the report's rows about what could not be."""
    rows: list[Row] = []
    categories = {item["name"].lower(): item for item in target["categories"]}
    for category in content["categories"]:
        if _too_long(rows, "category", category["name"]):
            continue
        present = categories.get(category["name"].lower())
        if present is None:
            present = {**category, "rooms": []}
            target["categories"].append(present)
        present.update({key: value for key, value in category.items() if key != "rooms"})
        _merge_rooms(rows, present["rooms"], category["rooms"], repeat)
    addins = {item["name"].lower(): item for item in target["addins"]}
    for addin in content["addins"]:
        if addin["name"].lower() in addins:
            addins[addin["name"].lower()].update(addin)
        else:
            target["addins"].append(dict(addin))
    return rows


def _merge_rooms(rows: list[Row], target: list[dict[str, Any]], content: list[dict[str, Any]], repeat: str) -> None:
    present = {room["name"].lower(): room for room in target}
    for room in content:
        if _too_long(rows, "room", room["name"]):
            continue
        old = present.get(room["name"].lower())
        if old is None:
            target.append(room)
            continue
        rows.append(("Information", 'The room "%s" exists and is overwritten.' % room["name"]))
        messages = old["messages"] + room["messages"]
        if repeat == "overwrites":
            messages = list({message["id"]: message for message in messages}.values())
        old.update({**room, "messages": messages})


def _too_long(rows: list[Row], kind: str, name: str) -> bool:
    """Names of more than 256 characters do not fit the column (domain.md, section 7)."""
    if len(name) > MAX_NAME:
        rows.append(("Error", 'The name of the %s "%s..." has more than %d characters.' % (kind, name[:40], MAX_NAME)))
    return len(name) > MAX_NAME


def _database(context: Context, instance: str, name: str) -> dict[str, Any]:
    database = context.estate.database(instance, name)
    if database is None:
        raise context.fault(
            'Cannot open database "%s" on "%s". The server was not found or the login failed.' % (name, instance),
            "SqlConnectionFailed",
            "ResourceUnavailable",
            assumed=True,
        )
    return database


def _in_scope(context: Context, source: dict[str, Any], scope: list[str] | None) -> dict[str, Any]:
    """The source, or of its categories only the named ones; the objects are the source's own."""
    if scope is None:
        return source
    wanted = {name.lower() for name in scope}
    chosen = [item for item in source["categories"] if item["name"].lower() in wanted]
    missing = wanted - {item["name"].lower() for item in chosen}
    if missing:
        raise context.fault(
            'Cannot find category "%s".' % min(missing), "CategoryNotFound", "ObjectNotFound", assumed=True
        )
    return {"categories": chosen, "addins": []}


def _at_level(content: dict[str, Any], level: str, start: datetime.datetime | None) -> dict[str, Any]:
    """What each -Level takes; messages before the start date stay behind."""
    if level == "User":
        return {"categories": [], "addins": []}
    kept = copy.deepcopy(content)
    for category in kept["categories"]:
        if level == "Category":
            category["rooms"] = []
        for room in category["rooms"]:
            if level == "RoomDirectory":
                since = start.strftime("%Y-%m-%dT%H:%M:%SZ") if start else "~"
                room["messages"] = [message for message in room["messages"] if message["at"] >= since]
    return kept


def _refuse_while_running(context: Context, instance: str) -> None:
    if context.estate.switch("import_while_running") != "refused":
        return
    for name, pool in context.estate.chat_pools().items():
        running = chat_services_running(context, name)
        if pool["database"].lower() == instance.lower() and running:
            raise context.fault(
                'The database is in use: %s runs. Stop the services of pool "%s" first.' % (running[0], name),
                "DatabaseInUse",
                "ResourceBusy",
                assumed=True,
            )


def _counted(what: str, content: dict[str, Any]) -> list[Row]:
    rooms = [room for category in content["categories"] for room in category["rooms"]]
    counts = {
        "categories": len(content["categories"]),
        "rooms": len(rooms),
        "add-ins": len(content["addins"]),
        "messages": sum(len(room["messages"]) for room in rooms),
    }
    return [("Information", "%d %s %s." % (count, name, what)) for name, count in counts.items()]


def _extra(context: Context) -> list[Row]:
    problems = context.estate.switch("report_problems")
    if problems == "warnings":
        return [("Warning", 'The invitations of room "Cafeteria" were set to false.')]
    return [("Error", 'The principal of room "Cafeteria" is not provisioned.')] if problems == "errors" else []


def _report(context: Context, parameters: dict[str, Any], title: str, rows: list[Row]) -> None:
    """Write the report, over an existing file."""
    if "Report" in parameters:
        _write(
            context, parameters["Report"], render(title, rows, context.estate.switch("report_style")).encode("utf-8")
        )


def _write(context: Context, path: str, content: bytes) -> None:
    place = context.file(path)
    if place.is_dir():
        raise context.fault("Access to the path '%s' is denied." % path, "UnauthorizedAccess", "PermissionDenied")
    if not place.parent.is_dir():
        raise context.fault("Could not find a part of the path '%s'." % path, "DirectoryNotFound", "ObjectNotFound")
    place.write_bytes(content)


def _read(context: Context, path: str) -> bytes:
    place = context.file(path)
    if not place.is_file():
        raise context.fault("Could not find file '%s'." % path, "FileNotFound", "ObjectNotFound")
    return place.read_bytes()

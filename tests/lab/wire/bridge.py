# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's bridge as a front end: JSON request on standard input, JSON answer on standard output.

Stands for what PowerShell does with the bridge script (plugins/module_utils/_remoting/bridge.py); the script's text is not
executed, only its first line is looked at.
"""

from __future__ import annotations

import datetime
import json
from typing import Any, Mapping

from tests.lab.cmdlets import CmdletFault

from .processes import Process
from .session import CmdletResult, Session

FIRST_LINE = "# lync.persistent_chat bridge, protocol 1"
MARK = "#PC1#"
VERSION = "5.1.14393.0"


def is_bridge(script: str) -> bool:
    """Whether a script is the bridge, of the protocol that the lab knows."""
    return script.split("\n", 1)[0].strip() == FIRST_LINE


def run_bridge(process: Process, session: Session) -> int:
    """Serve the one request of a bridge process; returns its exit code."""
    try:
        request = json.loads(process.read_input().decode("ascii"))
        commands = request["commands"]
    except (ValueError, KeyError, TypeError) as error:
        process.write("stderr", "ConvertFrom-Json : Invalid JSON primitive: %s.\r\n" % error)
        return 1
    results: list[dict[str, Any]] = []
    failed = False
    for command in commands:
        process.check()
        if failed and request.get("stop_on_error", True):
            results.append({"output": [], "warnings": [], "error": None, "skipped": True})
            continue
        result = session.call(process, command["name"], command.get("parameters") or {})
        failed = failed or result.error is not None
        results.append(_shown(result, command.get("select") or []))
    process.check()
    answer = {
        "protocol": 1,
        "powershell": VERSION,
        "module": session.context(process).import_module(request.get("modules") or []),
        "results": results,
    }
    text = json.dumps(answer)
    process.write("stdout", "\n%s%d#%s\r\n" % (MARK, len(text), text))
    return 0


def _shown(result: CmdletResult, select: list[str]) -> dict[str, Any]:
    fault = result.error
    return {
        "output": [_selected(item, select) for item in result.output],
        "warnings": result.warnings,
        "error": fault and {"message": fault.message, "id": _error_id(fault), "category": fault.category},
        "skipped": False,
    }


def _error_id(fault: CmdletFault) -> str:
    """The script looks each cmdlet up by Get-Command, so that is what fails for an unknown one."""
    suffix = ",Microsoft.PowerShell.Commands.GetCommandCommand" if fault.error_id == "CommandNotFoundException" else ""
    return fault.error_id + suffix


def _selected(item: Mapping[str, Any], select: list[str]) -> dict[str, Any]:
    """The wanted properties, found in any letter case as PowerShell does; null where the object lacks one."""
    known = {name.lower(): value for name, value in item.items()}
    return {name: plain(known.get(name.lower())) for name in select}


def plain(value: Any) -> Any:
    """A property's value as JSON: numbers, booleans, null and text stay, a moment is ISO 8601 in UTC, all else is text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    if isinstance(value, (list, tuple, set)):
        return [plain(one) for one in value]
    return str(value)

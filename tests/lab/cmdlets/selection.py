# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What -Filter and -Identity select: the part of PowerShell's filter language that the lab understands."""

from __future__ import annotations

import fnmatch
import re
from typing import Any, Iterable

from tests.lab.cmdlets.registry import Context

_CLAUSE = re.compile(r"""\{?\s*(\w+)\s+-(eq|ne|like)\s+["']?([^"'}]*)["']?\s*\}?\s*\Z""", re.IGNORECASE)


def filtered(context: Context, items: Iterable[dict[str, Any]], text: str | None) -> list[dict[str, Any]]:
    """The items that a filter such as ``SipAddress -eq "sip:a@b.c"`` lets through; all where there is none.

    :raises CmdletFault: the lab does not understand the filter.
    """
    if text is None:
        return list(items)
    clause = _CLAUSE.match(text.strip())
    if not clause:
        raise context.fault('Cannot parse the filter "%s".' % text, "InvalidFilter", "InvalidArgument", assumed=True)
    name, operator, wanted = clause.group(1).lower(), clause.group(2).lower(), clause.group(3).lower()
    kept = []
    for item in items:
        actual = next((str(value).lower() for key, value in item.items() if key.lower() == name), "")
        matches = fnmatch.fnmatchcase(actual, wanted) if operator == "like" else actual == wanted
        if matches != (operator == "ne"):
            kept.append(item)
    return kept


def glob(pattern: str, name: str) -> bool:
    """Whether a PowerShell wildcard pattern matches a name, without regard to letter case."""
    return fnmatch.fnmatchcase(name.lower(), pattern.lower())

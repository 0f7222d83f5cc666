# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cmdlets the modules of this collection call. Private to this collection."""

from __future__ import annotations

from typing import Iterable

_TOPOLOGY = ("Get-CsPool", "Get-CsService", "Get-CsSipDomain")
_ENDPOINTS = ("Get-CsPersistentChatEndpoint", "Get-CsUser")
_COUNTS = ("Get-CsPersistentChatCategory", "Get-CsPersistentChatRoom", "Get-CsPersistentChatAddin")
_FILES = ("Get-Item", "Get-FileHash", "Test-Path", "Get-Content", "Set-Content", "Remove-Item")
_JOBS = ("Get-WmiObject", "Invoke-WmiMethod", "New-Item", "Rename-Item")

#: by module
NEEDED: dict[str, tuple[str, ...]] = {
    "pc_endpoint": (
        *_TOPOLOGY,
        *_ENDPOINTS,
        "New-CsPersistentChatEndpoint",
        "Remove-CsPersistentChatEndpoint",
    ),
    "pc_endpoint_info": _ENDPOINTS[:1] + _TOPOLOGY,
    "pc_pool_info": (*_TOPOLOGY, "Get-CsPersistentChatState"),
    "pc_service": ("Get-CsWindowsService", "Get-Service", "Set-Service"),
    "pc_data_export": ("Export-CsPersistentChatData", "Move-Item", *_JOBS, *_FILES),
    "pc_data_import": ("Import-CsPersistentChatData", *_TOPOLOGY, *_COUNTS, *_JOBS, *_FILES),
}


def all_needed() -> list[str]:
    """Each cmdlet once, by name."""
    return sorted({name for names in NEEDED.values() for name in names})


def of_lync(names: Iterable[str]) -> list[str]:
    """Those that come with Lync's own module: their nouns begin with Cs."""
    return [name for name in names if name.partition("-")[2].startswith("Cs")]


def affected(missing: Iterable[str]) -> list[str]:
    """The modules that call one of these cmdlets."""
    lacking = set(missing)
    return [module for module, names in NEEDED.items() if lacking.intersection(names)]

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the administrative roles of Lync let their members see in a restricted session (domain.md, sections 2.6 and 3).

That a role's members may use a cmdlet is documented for the tasks of the roles, not cmdlet by cmdlet: ASSUMPTION, above all
the read cmdlets of CSPersistentChatAdministrator that are not about Persistent Chat.
"""

from __future__ import annotations

from typing import Iterable

from tests.lab.cmdlets import CMDLETS
from tests.lab.cmdlets.selection import glob

_TOPOLOGY = ("Get-CsPool", "Get-CsService", "Get-CsSipDomain")
#: role group -> patterns of Lync cmdlets
ROLES: dict[str, tuple[str, ...]] = {
    "CSAdministrator": ("*",),
    "CSPersistentChatAdministrator": ("*-CsPersistentChat*", *_TOPOLOGY),
    "CSServerAdministrator": ("*-CsWindowsService", *_TOPOLOGY),
    "CSUserAdministrator": ("*-CsUser", *_TOPOLOGY),
    "CSViewOnlyAdministrator": ("Get-*",),
}
#: what every restricted session has (initial session state RestrictedRemoteServer of Windows PowerShell)
STANDARD = (
    "Exit-PSSession",
    "Get-Command",
    "Get-FormatData",
    "Get-Help",
    "Measure-Object",
    "Out-Default",
    "Select-Object",
)


def visible_to(groups: Iterable[str]) -> frozenset[str] | None:
    """Lower-case names of the cmdlets that a restricted session of a member of these groups has; None without any role."""
    names = {name.lower() for name in groups}
    patterns = [pattern for role, cmdlets in ROLES.items() if role.lower() in names for pattern in cmdlets]
    if not patterns:
        return None
    seen = {
        key
        for key, item in CMDLETS.items()
        if item.source == "lync" and any(glob(pattern, item.name) for pattern in patterns)
    }
    return frozenset(seen | {name.lower() for name in STANDARD})

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated cmdlets. Importing this package declares them all."""

from __future__ import annotations

from tests.lab.cmdlets import data, endpoints, items, pools, rooms, runspace, services, users, windows, wmi
from tests.lab.cmdlets.binding import CmdletFault
from tests.lab.cmdlets.registry import CMDLETS, Context, Scalar, available, run_cmdlet

__all__ = [
    "CMDLETS",
    "CmdletFault",
    "Context",
    "Scalar",
    "available",
    "data",
    "endpoints",
    "items",
    "pools",
    "rooms",
    "run_cmdlet",
    "runspace",
    "services",
    "users",
    "windows",
    "wmi",
]

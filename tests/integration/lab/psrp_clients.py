# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of PowerShell remoting share: unmodified pypsrp pools and pipelines."""

from __future__ import annotations

from typing import Any

from pypsrp.powershell import PowerShell, RunspacePool

from tests.integration.lab.wire_clients import wsman
from tests.lab import settings

RESTRICTED = {"port": settings.IIS_PORT, "path": "OcsPowershell"}
RUNNING, STOPPED, COMPLETED, FAILED = 1, 3, 4, 5  # pypsrp's PSInvocationState
POOL = "pcpool.contoso.com"


def pool(way: str = "http-kerberos", user: str = settings.OPERATOR, **options: Any) -> RunspacePool:
    """A runspace pool that is not open yet; C(options) are WSMan's, and the pool's C(min_runspaces), C(max_runspaces), C(host)."""
    own = {name: options.pop(name) for name in ("min_runspaces", "max_runspaces", "host") if name in options}
    return RunspacePool(wsman(way=way, user=user, **options), **own)


def restricted(user: str = settings.OPERATOR, **options: Any) -> RunspacePool:
    """A pool of Lync's restricted endpoint that is not open yet."""
    return pool("https-basic", user, **RESTRICTED, **options)


def cmdlet(opened: RunspacePool, name: str, **parameters: Any) -> PowerShell:
    """A pipeline of one cmdlet that has not begun."""
    return PowerShell(opened).add_cmdlet(name).add_parameters(parameters)


def invoke(opened: RunspacePool, name: str, **parameters: Any) -> PowerShell:
    """The same, run to its end."""
    pipeline = cmdlet(opened, name, **parameters)
    pipeline.invoke()
    return pipeline


def errors(pipeline: PowerShell) -> list[str]:
    """The ids of the errors on the error stream and of the one that ended the pipeline."""
    return [record.fq_error for record in pipeline.streams.error]

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests and time of remote calls, counted by the lab: python -m tests.bench [--repeats N] [--json FILE]

It runs inside a lab (`make bench` starts one). Times are of this machine in this run; compare them with one another only.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Callable

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command, Transport
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import open_transport
from tests.lab import settings
from tests.lab.client import LabClient

SERVER = "lync01.contoso.com"
READ = Command("Get-CsSipDomain", {}, ("Name",), reads=True)
WORKLOADS: dict[str, Callable[[Transport], Any]] = {
    "one command": lambda transport: transport.run([READ]),
    "ten commands in one call": lambda transport: transport.run([READ] * 10),
    "ten calls in one session": lambda transport: [transport.run([READ]) for _unused in range(10)],
}
CONNECTIONS = [
    {"transport": transport, "auth": auth, "scheme": scheme}
    for transport in ("winrm", "psrp")
    for auth, scheme in (("basic", "https"), ("kerberos", "https"), ("kerberos", "http"), ("ntlm", "http"))
]


def measure(
    lab: LabClient, connection: dict[str, str], work: Callable[[Transport], Any], repeats: int
) -> dict[str, Any]:
    """Run a workload in sessions of its own; the first, which also imports the libraries, is not counted."""
    params: dict[str, Any] = {**connection, "remote_addr": SERVER, "ca_cert": str(lab.paths.ca)}
    if connection["auth"] != "kerberos":
        params.update(remote_user="%s\\%s" % (settings.NETBIOS, settings.OPERATOR), remote_password=settings.PASSWORD)
    seconds, cpu, requests, logons = [], [], [], []
    for number in range(repeats + 1):
        before = lab.call("counters")["wire"]
        began, began_cpu = time.monotonic(), time.process_time()
        transport = open_transport(params)
        try:
            work(transport)
        finally:
            transport.close()
        ended, ended_cpu = time.monotonic(), time.process_time()
        after = lab.call("counters")["wire"]
        if number:
            seconds.append(ended - began)
            cpu.append(ended_cpu - began_cpu)
            requests.append(after["requests"] - before["requests"])
            logons.append(_authentications(after) - _authentications(before))
    return {
        "requests": statistics.median(requests),
        "authentication_requests": statistics.median(logons),
        "milliseconds": round(statistics.median(seconds) * 1000, 1),
        "milliseconds_least": round(min(seconds) * 1000, 1),
        "milliseconds_most": round(max(seconds) * 1000, 1),
        "cpu_milliseconds": round(statistics.median(cpu) * 1000, 1),
    }


def _authentications(wire: dict[str, Any]) -> int:
    return sum(actions.get("authentication", 0) for actions in wire["by_host"].values())


def main() -> int:
    """Measure everything, print a table, and write the numbers as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=7, help="sessions of each kind; the medians are shown")
    parser.add_argument("--json", type=Path, help="a file for the numbers")
    given = parser.parse_args()
    lab = LabClient()
    rows = []
    form = "%-26s %-24s %8s %6s %9s %17s %8s"
    print(form % ("workload", "connection", "requests", "logon", "ms median", "least .. most", "ms CPU"))
    for name, work in WORKLOADS.items():
        for connection in CONNECTIONS:
            row = {"workload": name, **connection, **measure(lab, connection, work, given.repeats)}
            rows.append(row)
            shown = "%(transport)s %(auth)s %(scheme)s" % row
            span = "%(milliseconds_least).1f .. %(milliseconds_most).1f" % row
            figures = (
                row["requests"],
                row["authentication_requests"],
                row["milliseconds"],
                span,
                row["cpu_milliseconds"],
            )
            print(form % (name, shown, *("%g" % f if isinstance(f, (int, float)) else f for f in figures)), flush=True)
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps({"repeats": given.repeats, "rows": rows}, indent=2), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

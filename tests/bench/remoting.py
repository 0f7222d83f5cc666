# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests and time of remote calls, counted by the lab."""

from __future__ import annotations

import statistics
import time
from typing import Any, Callable

from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Command, Transport
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import open_transport
from tests.bench.figures import span, spread
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
        **spread(seconds),
        "cpu_milliseconds": round(statistics.median(cpu) * 1000, 1),
    }


def _authentications(wire: dict[str, Any]) -> int:
    return sum(actions.get("authentication", 0) for actions in wire["by_host"].values())


def run(lab: LabClient, repeats: int) -> list[dict[str, Any]]:
    """Measure every workload over every connection, print a table, and return its rows."""
    rows = []
    form = "%-26s %-24s %8s %6s %9s %17s %8s"
    print(form % ("workload", "connection", "requests", "logon", "ms median", "least .. most", "ms CPU"))
    for name, work in WORKLOADS.items():
        for connection in CONNECTIONS:
            row = {"workload": name, **connection, **measure(lab, connection, work, repeats)}
            rows.append(row)
            counted = ("%g" % row["requests"], "%g" % row["authentication_requests"], "%g" % row["milliseconds"])
            shown = "%(transport)s %(auth)s %(scheme)s" % row
            print(form % (name, shown, *counted, span(row), "%g" % row["cpu_milliseconds"]), flush=True)
    return rows

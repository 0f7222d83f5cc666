# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds an address: our module and community.general.ldap_search as tasks, and the same without Ansible.

They do not answer the same question, and the tables say so: one search asks one server, the module asks everybody who must agree,
and judges what it finds. Three searches are what finds the same holders by ldap_search.
"""

from __future__ import annotations

import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable
from unittest import mock

import ldap3

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import wellknown_user_info
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.client import Client
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import find_holders
from ansible_collections.lync.persistent_chat.plugins.module_utils._module import directory_spec
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress
from tests.bench.figures import span, spread
from tests.lab import settings
from tests.lab.client import LabClient

CHECKOUT = Path(__file__).resolve().parents[2]
PEERS = CHECKOUT / ".cache/bench/collections"  # where tests/setup/bench-peers puts them
SYSTEM_PYTHON = "/usr/bin/python3"  # that has python-ldap, as a package of the system
SERVER = settings.DOMAIN_CONTROLLERS[0].fqdn
SIP = settings.WELL_KNOWN_SIP
FILTER = "(|(msRTCSIP-PrimaryUserAddress=%s)(proxyAddresses=%s))" % (SIP, SIP)
ACCOUNT = "%s@%s" % (settings.DIRECTORY_SERVICE, settings.DOMAIN)
#: port and base of the searches that together look where the module looks, and how many holders each finds in the untouched lab
SEARCHES = (
    (settings.LDAPS_PORT, settings.BASE_DN, 1),
    (settings.LDAPS_PORT, "CN=Configuration," + settings.BASE_DN, 0),
    (settings.GLOBAL_CATALOG_PORT, "", 1),
)
OURS = "pc_wellknown_user_info"
ONE = "ldap_search, once"
THREE = "ldap_search, three times"
ANSWERS = {
    OURS: "every holder that the domain controller (each naming context) or the global catalog shows; for each its guards and what undo is "
    "worth; schema, Recycle Bin, and who must agree",
    ONE: "what one server has in one domain",
    THREE: "domain, configuration and global catalog, to be merged and judged by the playbook",
}

Task = dict[str, Any]


def run(lab: LabClient, repeats: int, compare: bool) -> dict[str, Any]:
    """Measure, print two tables, and return their rows.

    :param compare: also with community.general, when it is there; says so when it is not.
    """
    print()
    missing = what_is_missing() if compare else "it is measured by `make bench` only"
    if missing:
        print("No comparison with community.general.ldap_search: %s." % missing)
    tasks = _measure_tasks(_workloads(str(lab.paths.ca), not missing), repeats)
    form = "%-26s %-9s %12s %9s %19s"
    print(form % ("task of a playbook", "sign-in", "connections", "ms median", "least .. most"))
    for row in tasks:
        print(form % (row["workload"], row["auth"], "%g" % row["connections"], "%g" % row["milliseconds"], span(row)))
    for name in dict.fromkeys(row["workload"] for row in tasks):
        print("  %s answers: %s." % (name, ANSWERS[name]))
    print()
    calls = _measure_calls(lab, repeats)
    form = "%-49s %11s %9s %19s"
    print(form % ("without Ansible, simple bind", "operations", "ms median", "least .. most"))
    for row in calls:
        print(form % (row["workload"], "%g" % row["operations"], "%g" % row["milliseconds"], span(row)), flush=True)
    return {"tasks": tasks, "calls": calls}


def what_is_missing() -> str:
    """Why there can be no comparison; empty when there can."""
    if not (PEERS / "ansible_collections/community/general/MANIFEST.json").is_file():
        return "community.general is not in %s (tests/setup/bench-peers says why)" % PEERS.relative_to(CHECKOUT)
    if subprocess.run([SYSTEM_PYTHON, "-c", "import ldap"], capture_output=True, check=False).returncode:
        return "%s has no python-ldap (tests/setup/bench-peers says why)" % SYSTEM_PYTHON
    return ""


def _workloads(ca: str, compare: bool) -> dict[tuple[str, str], list[Task]]:
    """The tasks of one measurement, by what they are and how they sign in."""
    found: dict[tuple[str, str], list[Task]] = {}
    for auth in ("simple", "kerberos"):
        found[OURS, auth] = [_ours(auth, ca)]
        if compare:
            found[ONE, auth] = [_theirs(auth, ca, *SEARCHES[0])]
            found[THREE, auth] = [_theirs(auth, ca, *search) for search in SEARCHES]
    return found


def _ours(auth: str, ca: str) -> Task:
    arguments = {"server": SERVER, "ca_cert": ca, "auth_protocol": auth, "sip_address": SIP}
    if auth == "simple":
        arguments.update(username=ACCOUNT, password=settings.PASSWORD)
    return {
        "lync.persistent_chat.pc_wellknown_user_info": arguments,
        "register": "found",
        "failed_when": "found.holders | length != 1",
        "vars": {"ansible_python_interpreter": sys.executable},
    }


def _theirs(auth: str, ca: str, port: int, base: str, holders: int) -> Task:
    arguments = {
        "server_uri": "ldaps://%s:%d" % (SERVER, port),
        "ca_path": ca,
        "dn": base,
        "scope": "children",
        "filter": FILTER,
        "attrs": ["objectGUID", "sAMAccountName"],
        "referrals_chasing": "disabled",
        "xorder_discovery": "disable",  # it would fail on an empty base
    }
    sign_in = {"sasl_class": "gssapi"} if auth == "kerberos" else {"bind_dn": ACCOUNT, "bind_pw": settings.PASSWORD}
    return {
        "community.general.ldap_search": {**arguments, **sign_in},
        "register": "found",
        "failed_when": "found.results | length != %d" % holders,
        "vars": {"ansible_python_interpreter": SYSTEM_PYTHON},
    }


def _measure_tasks(workloads: dict[tuple[str, str], list[Task]], repeats: int) -> list[dict[str, Any]]:
    """Run all of them in one playbook, in turn; the first round, in which Ansible fills its caches, is not counted."""
    tasks = [
        dict(task, name=json.dumps([name, auth, number]))
        for number in range(repeats + 1)
        for (name, auth), together in workloads.items()
        for task in together
    ]
    costs: dict[tuple[str, str], dict[int, list[Any]]] = {key: {} for key in workloads}
    for line in _play(tasks):
        name, auth, number = json.loads(line["name"])
        if number:
            costs[name, auth].setdefault(number, []).append(line)
    rows = []
    for (name, auth), rounds in costs.items():
        connections = [sum(line["connections"] for line in lines) for lines in rounds.values()]
        seconds = [sum(line["seconds"] for line in lines) for lines in rounds.values()]
        rows.append({"workload": name, "auth": auth, "connections": statistics.median(connections), **spread(seconds)})
    return rows


def _play(tasks: list[Task]) -> list[dict[str, Any]]:
    """Run the tasks on localhost and return what L(callback_plugins.task_costs) wrote about each."""
    with tempfile.TemporaryDirectory() as folder:
        playbook, costs = Path(folder, "playbook.yml"), Path(folder, "costs")
        playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), "utf-8")
        environment = {
            **os.environ,
            "ANSIBLE_CALLBACK_PLUGINS": str(CHECKOUT / "tests/bench/callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "task_costs",
            "ANSIBLE_COLLECTIONS_PATH": "%s:%s" % (CHECKOUT / ".cache/collections", PEERS),
            "TASK_COSTS": str(costs),
        }
        program = Path(sys.executable).with_name("ansible-playbook")
        command = [str(program), "-i", "localhost,", "-c", "local", str(playbook)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit("The playbook of the benchmark failed:\n%s%s" % (done.stdout[-4000:], done.stderr[-4000:]))
        return [json.loads(line) for line in costs.read_text("utf-8").splitlines()]


def _measure_calls(lab: LabClient, repeats: int) -> list[dict[str, Any]]:
    options: dict[str, Any] = {
        **{name: option.get("default") for name, option in directory_spec().items()},
        **{"server": [SERVER], "ca_cert": str(lab.paths.ca), "auth_protocol": "simple"},
        **{"username": ACCOUNT, "password": settings.PASSWORD, "sip_address": SIP, "include_deleted": False},
    }
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(lab.paths.ca))
    server = ldap3.Server(SERVER, settings.LDAPS_PORT, use_ssl=True, tls=tls)
    connection = DirectoryConnection(options)
    try:
        with ldap3.Connection(server, ACCOUNT, settings.PASSWORD, raise_exceptions=True) as plain:
            return [
                _measure("one search with ldap3, connected", lambda: plain.search(settings.BASE_DN, FILTER), repeats),
                _measure("find_holders(), connected", lambda: find_holders(connection, SipAddress.parse(SIP)), repeats),
                _measure(
                    "all of pc_wellknown_user_info, with connecting", lambda: wellknown_user_info.run(options), repeats
                ),
            ]
    finally:
        connection.close()


def _measure(name: str, work: Callable[[], Any], repeats: int) -> dict[str, Any]:
    """Time some calls; the first, which connects where that is done once only, is not counted."""
    seconds, operations = [], []
    for number in range(repeats + 1):
        with mock.patch.object(Client, "call", autospec=True, side_effect=Client.call) as sent:
            began = time.monotonic()
            work()
            ended = time.monotonic()
        if number:
            seconds.append(ended - began)
            operations.append(sent.call_count or 1)  # the plain search does not go through our client
    return {"workload": name, "operations": statistics.median(operations), **spread(seconds)}

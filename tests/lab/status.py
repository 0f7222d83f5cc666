# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is where in the lab: estate and directory together, as data and as text for a person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.lab.estate import Estate
from tests.lab.lab_directory import LabDirectory, LabDirectoryError
from tests.lab.service_control import services_of
from tests.lab.switches import SWITCHES


def estate_status(estate: Estate) -> dict[str, Any]:
    """The estate as plain data; with a directory also who holds which SIP address and the endpoints of each pool.

    A directory that does not answer is no failure: C(directory_error) says so.

    Looking does not bring a pending service nearer to its end and counts as no read.
    """
    data = estate.data
    services = {
        server: {
            service.name: {
                "status": service.status,
                "start_type": service.start_type,
                "display_name": service.display_name,
            }
            for service in services_of(estate, server)
        }
        for server in data["servers"]
    }
    registered = [
        server
        for server, item in data["servers"].items()
        if item["services"].get("GroupChatLookup", {}).get("status") == "Running"
    ]
    status = {
        "services": services,
        "pools": {name: dict(pool) for name, pool in data["pools"].items()},
        "databases": {
            "%s/%s" % (instance, name): _counts(content)
            for instance, databases in data["databases"].items()
            for name, content in databases.items()
        },
        "sip_domains": list(data["sip_domains"]),
        "legacy_lookup_registered": registered,
        "switches": {name: estate.switch(name) for name in SWITCHES if estate.switch(name) != SWITCHES[name].default},
        "counters": {**data["counters"], "directory_usn": None},
    }
    if estate.directory is not None:
        try:
            status.update(_directory_status(estate.directory, estate.chat_pools()))
            status["counters"]["directory_usn"] = estate.directory.usn()
        except LabDirectoryError as error:
            status["directory_error"] = str(error)
    return status


def _directory_status(directory: LabDirectory, pools: Iterable[str]) -> dict[str, Any]:
    holders = directory.find_holders()
    contacts = directory.list_contacts()
    return {
        "sip_holders": {
            sip: [
                {key: item[key] for key in ("dn", "object_class", "guid", "enabled", "sip_enabled")}
                for item in holders
                if (item["sip"] or "").lower() == sip
            ]
            for sip in sorted({item["sip"].lower() for item in holders if item["sip"]})
        },
        "endpoints": {pool: [item["sip"] for item in contacts if item["pool_fqdn"] == pool] for pool in pools},
    }


def _counts(content: dict[str, Any]) -> dict[str, int]:
    rooms = [room for category in content["categories"] for room in category["rooms"]]
    return {
        "categories": len(content["categories"]),
        "rooms": len(rooms),
        "disabled_rooms": sum(room["disabled"] for room in rooms),
        "addins": len(content["addins"]),
        "messages": sum(len(room["messages"]) for room in rooms),
    }


def _controller(item: dict[str, Any]) -> str:
    stopped = "STOPPED" if item["in_use"] else "not in use"
    states = [("FROZEN" if item["frozen"] else "running") if item["running"] else stopped]
    if item["paused"]:
        states.append("takes no changes (paused)")
    return "Domain controller %s (%s): %s" % (item["host"], item["address"], ", ".join(states))


def _off(holder: dict[str, Any]) -> str:
    states = {"account disabled": holder["enabled"], "not SIP-enabled": holder["sip_enabled"]}
    off = [text for text, on in states.items() if on is False]
    return " (%s)" % ", ".join(off) if off else ""


def render(status: dict[str, Any]) -> str:
    """The status as a person reads it."""
    lines = [_controller(item) for item in status.get("controllers", [])]
    if "directory_error" in status:
        lines.append("The directory does not answer: %s" % status["directory_error"])
    if "sip_holders" in status:
        lines.append("SIP addresses")
        for sip, holders in status["sip_holders"].items():
            lines += ["  %-36s %-8s %s%s" % (sip, item["object_class"], item["dn"], _off(item)) for item in holders]
        lines.append("Endpoints")
        lines += ["  %-36s %s" % (pool, ", ".join(sips) or "none") for pool, sips in status["endpoints"].items()]
    lines.append("Persistent Chat pools")
    for name, pool in status["pools"].items():
        if pool["kind"] == "persistent_chat":
            active = ", ".join(server.split(".")[0] for server in pool["active_servers"]) or "none"
            lines.append("  %-36s %s, active servers: %s" % (name, pool["state"], active))
    lines.append("Services")
    for server, services in status["services"].items():
        for name, service in services.items():
            if "Chat" in service["display_name"]:
                lines.append("  %-22s %-22s %-12s %s" % (server, name, service["status"], service["start_type"]))
    where = ", ".join(server.split(".")[0] for server in status["legacy_lookup_registered"])
    lines.append("Legacy Lookup service registered: %s" % ("on " + where if where else "no"))
    lines.append("Databases")
    for name, counts in status["databases"].items():
        lines.append(
            "  %-36s %s" % (name, ", ".join("%d %s" % (n, key.replace("_", " ")) for key, n in counts.items()))
        )
    for name, value in status["switches"].items():
        lines.append("Switch %s: %s" % (name, value))
    lines.append("Counters: " + ", ".join("%s %s" % (key, value) for key, value in status["counters"].items()))
    return "\n".join(lines) + "\n"

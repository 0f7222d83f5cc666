# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The estate before the migration: servers, services, pools, databases. All names are the lab's own.

Keys of services are the names of the setting ``recalled`` of the switch ``service_names``.
"""

from __future__ import annotations

from typing import Any

from tests.lab.settings import DOMAIN, LEGACY_POOL, REGISTRAR_POOL, SIP_DOMAINS, fqdn

GC_INSTANCE = fqdn("sql01") + "\\GC"
PCHAT_INSTANCE = fqdn("sql01") + "\\PCHAT"
PCHAT2_INSTANCE = fqdn("sql01") + "\\PCHAT2"

#: key -> (display name, roles, its name when the switch service_names says ``other``)
SERVICES: dict[str, tuple[str, tuple[str, ...], str]] = {
    "RTCCHAT": ("Skype for Business Server Persistent Chat", ("PersistentChatService",), "RTCCHANNEL"),
    "RTCCOMPLIANCE": (
        "Skype for Business Server Persistent Chat Compliance",
        ("PersistentChatComplianceService",),
        "RTCCHATCOMPL",
    ),
    "RTCSRV": ("Skype for Business Server Front-End", ("Registrar", "UserServices"), "RTCSRV"),
    "REPLICA": ("Skype for Business Server Replica Replicator Agent", ("ManagementServer",), "REPLICA"),
    "RTCCLSAGT": ("Skype for Business Server Centralized Logging Service Agent", ("CLSAgent",), "RTCCLSAGT"),
    "GroupChatLookup": ("Lync Server 2010, Group Chat Lookup", (), "OcsGroupChatLookup"),
    "GroupChatChannel": ("Lync Server 2010, Group Chat Channel", (), "OcsGroupChatChannel"),
    "GroupChatCompliance": ("Lync Server 2010, Group Chat Compliance", (), "OcsGroupChatCompliance"),
    "WinRM": ("Windows Remote Management (WS-Management)", (), "WinRM"),
    "W32Time": ("Windows Time", (), "W32Time"),
}
#: the services that the Cs cmdlets manage; any other name is an error for them (domain.md, section 2.4)
LYNC_SERVICES = ("RTCCHAT", "RTCCOMPLIANCE", "RTCSRV", "REPLICA", "RTCCLSAGT")
PCHAT_SERVICES = ("RTCCHAT", "RTCCOMPLIANCE")


def initial_estate() -> dict[str, Any]:
    """The whole state, fresh: nothing migrated, everything running."""
    return {
        "counters": {"reads": 0, "writes": 0},
        "addresses": {},  # SIP address -> "held", or how often New- still fails after the holder has gone
        "setup_contacts": {},  # pool -> the SIP address that setup gave to it
        "sip_domains": {name: {"is_default": name == SIP_DOMAINS[0]} for name in SIP_DOMAINS},
        "servers": {
            fqdn("lync01"): _server("tools", "RTCSRV", "REPLICA", "RTCCLSAGT"),
            fqdn("pc01"): _server("tools", "RTCCHAT", "RTCCOMPLIANCE", "REPLICA", "RTCCLSAGT"),
            fqdn("pc02"): _server("tools", "RTCCHAT", "RTCCOMPLIANCE", "REPLICA", "RTCCLSAGT"),
            fqdn("pc03"): _server("tools", "RTCCHAT", "RTCCOMPLIANCE", "REPLICA", "RTCCLSAGT"),
            fqdn("gc01"): _server("legacy", "GroupChatLookup", "GroupChatChannel"),
            fqdn("gc02"): _server("legacy", "GroupChatLookup", "GroupChatChannel", "GroupChatCompliance"),
        },
        "pools": {
            REGISTRAR_POOL: {"kind": "registrar", "computers": [REGISTRAR_POOL]},
            fqdn("pcpool"): _chat_pool([fqdn("pc01"), fqdn("pc02")], PCHAT_INSTANCE),
            fqdn("pcpool2"): _chat_pool([fqdn("pc03")], PCHAT2_INSTANCE),
            LEGACY_POOL: {
                "kind": "trusted_application",
                "computers": [fqdn("gc01"), fqdn("gc02")],
                "registrar": REGISTRAR_POOL,
                "applications": ["urn:application:groupchat"],
            },
        },
        "databases": {
            GC_INSTANCE: {"mgc": _legacy_database()},
            PCHAT_INSTANCE: {"mgc": {"categories": [], "addins": []}},
            PCHAT2_INSTANCE: {"mgc": {"categories": [], "addins": []}},
        },
    }


def _server(system: str, *services: str) -> dict[str, Any]:
    """``system`` is ``tools`` (the Cs cmdlets are installed) or ``legacy`` (Windows Server 2008 R2: sc.exe only)."""
    names = (*services, "WinRM", "W32Time")
    return {"system": system, "services": {name: {"status": "Running", "start_type": "Automatic"} for name in names}}


def _chat_pool(computers: list[str], instance: str) -> dict[str, Any]:
    return {
        "kind": "persistent_chat",
        "computers": computers,
        "registrar": REGISTRAR_POOL,
        "active_servers": list(computers),
        "state": "Normal",
        "database": instance,
    }


def _legacy_database() -> dict[str, Any]:
    rooms = {
        "Engineering": ["Build status", "Releases", "Design reviews", "On call", "Old bug triage"],
        "Operations": ["Incidents", "Change calendar", "Shift handover", "Data centre"],
        "Everybody": ["Announcements", "Cafeteria", "Summer party 2009"],
    }
    disabled = {"Old bug triage", "Summer party 2009"}
    return {
        "categories": [
            {
                "name": category,
                "description": "%s rooms" % category,
                "disabled": False,
                "creators": ["sip:user01@" + DOMAIN],
                "rooms": [_room(name, name in disabled) for name in names],
            }
            for category, names in rooms.items()
        ],
        "addins": [
            {"name": "Build board", "url": "https://%s/board" % fqdn("builds")},
            {"name": "Duty roster", "url": "https://%s/" % fqdn("roster")},
        ],
    }


def _room(name: str, disabled: bool) -> dict[str, Any]:
    return {
        "name": name,
        "description": "About %s" % name.lower(),
        "disabled": disabled,
        "type": "Auditorium" if name == "Announcements" else "Normal",
        "privacy": "Open" if name in ("Announcements", "Cafeteria") else "Closed",
        "members": ["sip:user01@" + DOMAIN, "sip:user02@" + DOMAIN],
        "messages": [
            {
                "id": "%s-%d" % (name, number),
                "at": "2011-03-%02dT09:30:00Z" % number,
                "author": "sip:user%02d@%s" % (number % 3 + 1, DOMAIN),
                "text": "Message %d in %s: gr\u00fc\u00dfe \u2713" % (number, name),
            }
            for number in range(1, 4 + len(name) % 3)
        ],
    }

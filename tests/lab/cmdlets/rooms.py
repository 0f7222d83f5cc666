# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Categories, rooms and add-ins of a Persistent Chat pool, for counting. Source: domain.md, section 2.5."""

from __future__ import annotations

from typing import Any

from tests.lab.cmdlets.binding import Parameter
from tests.lab.cmdlets.endpoints import chat_pool
from tests.lab.cmdlets.registry import Context, Output, cmdlet
from tests.lab.cmdlets.selection import filtered
from tests.lab.estate_data import PCHAT_SERVICES
from tests.lab.service_control import Service

_TYPE = "Microsoft.Rtc.Management.PersistentChat.Cmdlets.Get%sCmdlet"
_SELECTORS = {"Identity": Parameter(), "PersistentChatPoolFqdn": Parameter(), "AsObject": Parameter("switch")}


@cmdlet(
    "Get-CsPersistentChatCategory",
    _SELECTORS,
    type_name=_TYPE % "Category",
    assumed_properties=("Disabled",),
    second_hop=True,
)
def get_category(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """The categories of one pool."""
    return _selected(
        context,
        parameters,
        lambda database: [
            {
                "Name": item["name"],
                "Description": item["description"],
                "Disabled": item["disabled"],
                "Creators": list(item["creators"]),
            }
            for item in database["categories"]
        ],
    )


@cmdlet(
    "Get-CsPersistentChatRoom",
    {
        **_SELECTORS,
        "Category": Parameter(),
        "Filter": Parameter(),
        "Disabled": Parameter("bool"),
        "Privacy": Parameter(choices=("Open", "Closed", "Secret")),
        "Type": Parameter(choices=("Normal", "Auditorium")),
        "ResultSize": Parameter("int"),
    },
    type_name=_TYPE % "ChatRoom",
    second_hop=True,
)
def get_room(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """The rooms of one pool, disabled ones too unless -Disabled chooses."""
    rooms = _selected(
        context,
        parameters,
        lambda database: [
            {
                "Name": room["name"],
                "Description": room["description"],
                "Category": category["name"],
                "Type": room["type"],
                "Privacy": room["privacy"],
                "Disabled": room["disabled"],
                "Members": list(room["members"]),
            }
            for category in database["categories"]
            for room in category["rooms"]
        ],
    )
    for name in ("Disabled", "Privacy", "Type"):
        rooms = [room for room in rooms if name not in parameters or room[name] == parameters[name]]
    if "Category" in parameters:
        wanted = parameters["Category"].rpartition("\\")[2].lower()
        rooms = [room for room in rooms if room["Category"].lower() == wanted]
    return filtered(context, rooms, parameters.get("Filter"))[: parameters.get("ResultSize")]


@cmdlet("Get-CsPersistentChatAddin", _SELECTORS, type_name=_TYPE % "Addin", second_hop=True)
def get_addin(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """The add-ins of one pool."""
    return _selected(
        context,
        parameters,
        lambda database: [{"Name": item["name"], "Url": item["url"]} for item in database["addins"]],
    )


def chat_database(context: Context, pool: str) -> dict[str, Any]:
    """The content of a Persistent Chat pool's database."""
    return context.estate.data["databases"][context.estate.chat_pools()[pool]["database"]]["mgc"]


def chat_services_running(context: Context, pool: str) -> list[str]:
    """``server\\service`` of each Persistent Chat service of the pool that is not stopped."""
    return [
        "%s\\%s" % (server, service.name)
        for server in context.estate.chat_pools()[pool]["computers"]
        for service in (Service(context.estate, server, key) for key in PCHAT_SERVICES)
        if service.status != "Stopped"
    ]


def _selected(context: Context, parameters: dict[str, Any], items: Any) -> list[dict[str, Any]]:
    """The items of the pool that the parameters choose, with an Identity of the form ``pool\\name``."""
    pool, _slash, name = parameters.get("Identity", "").partition("\\")
    pool = _pool(context, parameters.get("PersistentChatPoolFqdn") or pool)
    if context.estate.switch("counts_while_stopped") == "error" and not chat_services_running(context, pool):
        raise context.fault(
            'The Persistent Chat service of pool "%s" does not answer.' % pool,
            "ServiceUnavailable",
            "ResourceUnavailable",
            assumed=True,
        )
    found = [{"Identity": "%s\\%s" % (pool, item["Name"]), **item} for item in items(chat_database(context, pool))]
    if name:
        found = [item for item in found if item["Name"].lower() == name.lower()]
        if not found:
            raise context.fault('"%s\\%s" was not found.' % (pool, name), "NotFound", "ObjectNotFound", assumed=True)
    return found


def _pool(context: Context, name: str) -> str:
    """-PersistentChatPoolFqdn is needed only where there is more than one pool (domain.md, section 2.5)."""
    pools = list(context.estate.chat_pools())
    if not name and len(pools) != 1:
        raise context.fault(
            "There is more than one Persistent Chat pool: -PersistentChatPoolFqdn is needed.",
            "PoolAmbiguous",
            "InvalidArgument",
            assumed=True,
        )
    return chat_pool(context, name or pools[0])

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints of Persistent Chat pools: contacts in the real directory. Source: domain.md, sections 1, 2.1, 2.7 and 4."""

from __future__ import annotations

import re
from typing import Any

from tests.lab.cmdlets.binding import Parameter
from tests.lab.cmdlets.registry import Context, Output, cmdlet
from tests.lab.cmdlets.selection import filtered
from tests.lab.estate import Estate

_TYPE = "Microsoft.Rtc.Management.AD.Cmdlets.%sOcsPersistentChatContactCmdlet"
_ADDRESS = re.compile(r"(?i)sip:[^\s@:]+@([a-z0-9-]+(?:\.[a-z0-9-]+)+)\Z")
_HELD = "held"


def place_setup_contacts(estate: Estate) -> None:
    """Give each Persistent Chat pool the endpoint that setup makes, in place of the one given before (domain.md, 1 and 8)."""
    given = estate.data["setup_contacts"]
    for pool in estate.chat_pools():
        old, new = given.pop(pool, None), setup_address(estate, pool)
        for record in estate.directory.list_contacts(pool):
            if record["sip"] == old:
                estate.directory.delete_contact(record["dn"])
        if new and not estate.directory.find_holders(new):
            estate.directory.create_contact(new, pool, pool)
            given[pool] = new
    estate.data["addresses"] = {item["sip"].lower(): _HELD for item in estate.directory.find_holders() if item["sip"]}


def setup_address(estate: Estate, pool: str) -> str | None:
    """The SIP address that setup gives to a pool, as the switch ``setup_contact_sip`` has it."""
    label, _dot, domain = pool.partition(".")
    forms = {"pool_label": "sip:%s@%s" % (label, domain), "pool_fqdn": "sip:%s@%s" % (pool, domain), "none": None}
    return forms[estate.switch("setup_contact_sip")]


@cmdlet(
    "Get-CsPersistentChatEndpoint",
    {
        "Identity": Parameter(),
        "PersistentChatPoolFqdn": Parameter(),
        "Filter": Parameter(),
        "LdapFilter": Parameter(),
        "OU": Parameter(),
        "ResultSize": Parameter("object"),
        "Credential": Parameter("object"),
        "DomainController": Parameter(),
    },
    type_name=_TYPE % "Get",
    assumed_properties=("RegistrarPool", "ObjectClass", "Guid"),
    second_hop=True,
)
def get_endpoint(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """A pool without endpoints gives no output; an unknown identity is an error (domain.md, section 2.7)."""
    pool = parameters.get("PersistentChatPoolFqdn")
    if pool is not None:
        pool = chat_pool(context, pool)
    if "LdapFilter" in parameters:
        raise context.fault("The lab does not evaluate -LdapFilter.", "InvalidFilter", "NotImplemented", assumed=True)
    records = context.directory.list_contacts(pool)
    if "Identity" in parameters or input:
        records = _identified(context, records, parameters.get("Identity") or input)
    found = filtered(context, [_shown(context, record) for record in records], parameters.get("Filter"))
    limit = parameters.get("ResultSize")
    return found if limit is None or str(limit).lower() == "unlimited" else found[: int(limit)]


@cmdlet(
    "New-CsPersistentChatEndpoint",
    {
        "SipAddress": Parameter(mandatory=True),
        "PersistentChatPoolFqdn": Parameter(mandatory=True),
        "DisplayName": Parameter(),
        "PassThru": Parameter("switch"),
    },
    writes=True,
    should_process=True,
    confirm_impact="high",
    type_name=_TYPE % "New",
    assumed_properties=("RegistrarPool", "ObjectClass", "Guid"),
    second_hop=True,
)
def new_endpoint(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """Creates the contact; no output without -PassThru; refuses an address that any object holds (domain.md, 2.1 and 4.1)."""
    address = _valid_address(context, parameters["SipAddress"])
    pool = chat_pool(context, parameters["PersistentChatPoolFqdn"])
    _refuse_second_for_pool(context, pool)
    _refuse_held(context, address)
    if not context.should_process(address):
        return []
    record = context.directory.create_contact(address, parameters.get("DisplayName") or address[4:], pool)
    context.estate.data["addresses"][address.lower()] = _HELD
    return [_shown(context, record)] if parameters.get("PassThru") else []


@cmdlet(
    "Remove-CsPersistentChatEndpoint",
    {"Identity": Parameter(), "Force": Parameter("switch")},
    writes=True,
    should_process=True,
    confirm_impact="high",
    type_name=_TYPE % "Remove",
    second_hop=True,
)
def remove_endpoint(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """No output; -Force does not answer the question for confirmation (domain.md, sections 2.1 and 6, invariant 14)."""
    identity = parameters.get("Identity") or input
    if not identity:
        raise context.fault(
            "Cannot process command because of one or more missing mandatory parameters: Identity.",
            "MissingMandatoryParameter",
            "InvalidArgument",
        )
    for record in _identified(context, context.directory.list_contacts(), identity):
        if context.should_process(record["dn"]):
            context.directory.delete_contact(record["dn"])
    return []


def chat_pool(context: Context, name: str) -> str:
    """The name of a Persistent Chat pool as the topology spells it.

    :raises CmdletFault: there is no such pool, or it is a pool of another kind.
    """
    wanted = name.lower()
    if wanted in context.estate.chat_pools():
        return wanted
    if wanted in context.estate.data["pools"]:
        text = 'The pool "%s" is not a Persistent Chat pool.' % name
    else:
        text = 'Cannot find Persistent Chat pool "%s".' % name
    raise context.fault(text, "PoolNotFound", "InvalidData", assumed=True)


def _valid_address(context: Context, given: str) -> str:
    address = given
    if not address.lower().startswith("sip:") and context.estate.switch("sip_prefix") == "optional":
        address = "sip:" + address
    form = _ADDRESS.match(address)
    if not form:
        text = 'The SIP address "%s" is not valid. It must begin with "sip:" and have a user and a domain.' % given
    elif form.group(1).lower() not in context.estate.data["sip_domains"]:
        text = 'The SIP address "%s" is not in a SIP domain of this deployment.' % given
    else:
        return address
    raise context.fault(text, "InvalidSipAddress", "InvalidData", assumed=True)


def _refuse_second_for_pool(context: Context, pool: str) -> None:
    if context.estate.switch("endpoints_per_pool") == "one" and context.directory.list_contacts(pool):
        raise context.fault(
            'The pool "%s" has an endpoint already.' % pool, "EndpointExists", "ResourceExists", assumed=True
        )


def _refuse_held(context: Context, address: str) -> None:
    """Refuse an address that somebody holds, or that was freed a moment ago (domain.md, section 4.3, Lync side lag)."""
    addresses = context.estate.data["addresses"]
    key = address.lower()
    holders = context.directory.find_holders(address)
    if holders:
        addresses[key] = _HELD
        by = ' by "%s"' % holders[0]["dn"]
    else:
        left = context.estate.switch("address_in_use_lag") if addresses.get(key) == _HELD else addresses.get(key, 0)
        if left == 0:
            return
        addresses[key] = left - 1
        by = ""
    raise context.fault(
        'The SIP address "%s" must be unique. It is already being used%s.' % (address, by),
        "SipAddressInUse",
        "InvalidData",
        assumed=True,
    )


def _identified(context: Context, records: list[dict[str, Any]], identity: str) -> list[dict[str, Any]]:
    wanted = str(identity).lower()
    found = [
        record
        for record in records
        if wanted in {str(record.get(name) or "").lower() for name in ("dn", "sip", "display_name", "guid")}
    ]
    if not found:
        raise context.fault('Management object not found for identity "%s".' % identity, "Identity", "InvalidData")
    return found


def _shown(context: Context, record: dict[str, Any]) -> dict[str, Any]:
    pool = context.estate.chat_pools().get(record.get("pool_fqdn") or "", {})
    return {
        "Identity": record["dn"],
        "SipAddress": record["sip"],
        "DisplayName": record["display_name"],
        "RegistrarPool": pool.get("registrar"),
        "ObjectClass": record["object_class"],
        "Guid": record["guid"],
    }

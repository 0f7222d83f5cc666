# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-CsUser: SIP-enabled users of the real directory. Source: domain.md, section 2.6."""

from __future__ import annotations

import re
from typing import Any

from tests.lab.cmdlets.binding import Parameter
from tests.lab.cmdlets.registry import Context, Output, cmdlet
from tests.lab.cmdlets.selection import filtered
from tests.lab.settings import NETBIOS, REGISTRAR_POOL


@cmdlet(
    "Get-CsUser",
    {
        "Identity": Parameter(sets=("Identity",)),
        "Filter": Parameter(sets=("Filter",)),
        "LdapFilter": Parameter(sets=("LdapFilter",)),
        "OU": Parameter(),
        "ResultSize": Parameter("object"),
        "DomainController": Parameter(),
        "Credential": Parameter("object"),
        "OnLyncServer": Parameter("switch"),
        "OnOfficeCommunicationServer": Parameter("switch"),
        "OnModernServer": Parameter("switch"),
        "UnAssignedUser": Parameter("switch"),
    },
    type_name="Microsoft.Rtc.Management.AD.Cmdlets.GetOcsUserCmdlet",
    default_set="Identity",
    assumed_properties=("Enabled", "RegistrarPool", "UserPrincipalName", "HomeServer"),
    second_hop=True,
)
def get_user(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """Any user with a SIP address, even one that was never enabled; never a contact."""
    records = [item for item in context.directory.find_holders() if item["object_class"] == "user" and item["sip"]]
    if "LdapFilter" in parameters:
        wanted = _filtered_address(context, parameters["LdapFilter"])
        records = [record for record in records if record["sip"].lower() == wanted]
    identity = parameters.get("Identity") or input
    if identity:
        records = [record for record in records if str(identity).lower() in _identities(record)]
        if not records:
            raise context.fault('Management object not found for identity "%s".' % identity, "Identity", "InvalidData")
    users = [
        {
            "Identity": record["dn"],
            "SamAccountName": record["sam_account_name"],
            "UserPrincipalName": record["upn"],
            "SipAddress": record["sip"],
            "DisplayName": record["display_name"],
            "Enabled": record["sip_enabled"],
            "RegistrarPool": REGISTRAR_POOL,
            "HomeServer": "CN=Lc Services,CN=Microsoft,CN=1:1,CN=Pools,CN=RTC Service",
        }
        for record in records
    ]
    return filtered(context, users, parameters.get("Filter"))


def _filtered_address(context: Context, text: str) -> str:
    """The address that an LDAP filter for one address looks for; the lab evaluates no other filter."""
    form = re.fullmatch(r"\(msRTCSIP-PrimaryUserAddress=((?:[^*()\\]|\\[0-9A-Fa-f]{2})+)\)", text)
    if not form:
        raise context.fault(
            "The lab does not evaluate this -LdapFilter.", "InvalidFilter", "NotImplemented", assumed=True
        )
    return re.sub(r"\\(..)", lambda code: chr(int(code.group(1), 16)), form.group(1)).lower()


def _identities(record: dict[str, Any]) -> set[str]:
    """The spellings that a UserIdParameter accepts for a user."""
    names = {
        str(record.get(key) or "").lower() for key in ("dn", "sip", "upn", "display_name", "sam_account_name", "guid")
    }
    return names | {"%s\\%s" % (NETBIOS.lower(), str(record.get("sam_account_name")).lower())}

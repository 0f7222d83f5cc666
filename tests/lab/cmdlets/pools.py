# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The topology: pools, services, SIP domains, active servers, pool state. Source: domain.md, section 2.3."""

from __future__ import annotations

from typing import Any

from tests.lab.cmdlets.binding import Parameter
from tests.lab.cmdlets.endpoints import chat_pool
from tests.lab.cmdlets.registry import Context, Output, cmdlet
from tests.lab.cmdlets.selection import filtered, glob

SITE = "Site:Headquarters"
VERSION = "6"
_SERVICE_SWITCHES = (
    "PersistentChatServer",
    "PersistentChatDatabase",
    "PersistentChatComplianceDatabase",
    "FileStore",
    "Registrar",
)
_PREFIX = "PersistentChatServer:"


@cmdlet(
    "Get-CsPool",
    {"Identity": Parameter(sets=("Identity",)), "Filter": Parameter(sets=("Filter",)), "Site": Parameter()},
    type_name="Microsoft.Rtc.Management.Xds.GetClusterCmdlet",
    second_hop=True,
)
def get_pool(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """A pool that does not exist is an error; a filter that matches nothing is not."""
    pools = [
        {
            "Identity": name,
            "Fqdn": name,
            "Computers": list(pool["computers"]),
            "Services": [item["Identity"] for item in topology_services(context) if item["PoolFqdn"] == name],
            "Site": SITE,
        }
        for name, pool in context.estate.data["pools"].items()
    ]
    identity = parameters.get("Identity") or input
    if identity:
        pools = [pool for pool in pools if pool["Identity"] == str(identity).lower()]
        if not pools:
            raise context.fault('Cannot find Cluster "%s".' % identity, "PoolNotFound", "ObjectNotFound", assumed=True)
    return filtered(context, pools, parameters.get("Filter"))


@cmdlet(
    "Get-CsService",
    {
        "Identity": Parameter(sets=("Identity",)),
        "Filter": Parameter(),
        "PoolFqdn": Parameter(),
        "SiteId": Parameter(),
        "TrustedApplicationPool": Parameter("switch", aliases=("ExternalServer",), sets=("TrustedApplicationPool",)),
        **{name: Parameter("switch", sets=(name,)) for name in _SERVICE_SWITCHES},
    },
    type_name="Microsoft.Rtc.Management.Xds.GetServiceCmdlet",
    assumed_properties=(
        "ServiceId",
        "PoolFqdn",
        "Version",
        "Registrar",
        "ActiveServers",
        "PersistentChatDatabase",
        "FileStore",
    ),
    second_hop=True,
)
def get_service(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """One switch a call chooses the role; a pool without such a service gives no output."""
    found = topology_services(context)
    for role in (*_SERVICE_SWITCHES, "TrustedApplicationPool"):
        if parameters.get(role):
            found = [item for item in found if item["Role"] == role]
    identity, pool, site = parameters.get("Identity"), parameters.get("PoolFqdn"), parameters.get("SiteId")
    if identity:
        found = [item for item in found if item["Identity"].lower() == identity.lower()]
        if not found:
            raise context.fault(
                'Cannot find service "%s".' % identity, "ServiceNotFound", "ObjectNotFound", assumed=True
            )
    found = [item for item in found if pool is None or item["PoolFqdn"] == pool.lower()]
    found = [item for item in found if site is None or item["SiteId"].lower() == site.lower()]
    return filtered(context, found, parameters.get("Filter"))


@cmdlet(
    "Get-CsSipDomain",
    {
        "Identity": Parameter(sets=("Identity",)),
        "Filter": Parameter(sets=("Filter",)),
        "LocalStore": Parameter("switch"),
    },
    type_name="Microsoft.Rtc.Management.Xds.GetSipDomainCmdlet",
    assumed_properties=("Name",),
    second_hop=True,
)
def get_sip_domain(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """The SIP domains; Identity and Name are the domain's name. -Filter has wildcards for the identity."""
    domains = context.estate.data["sip_domains"]
    wanted = parameters.get("Identity")
    if wanted and wanted.lower() not in domains:
        raise context.fault('Cannot find SipDomain "%s".' % wanted, "SipDomainNotFound", "ObjectNotFound", assumed=True)
    return [
        {"Identity": name, "Name": name, "IsDefault": item["is_default"]}
        for name, item in domains.items()
        if (not wanted or name == wanted.lower()) and glob(parameters.get("Filter", "*"), name)
    ]


@cmdlet(
    "Get-CsPersistentChatState",
    {
        "Identity": Parameter(sets=("Identity",)),
        "Filter": Parameter(sets=("Filter",)),
        "LocalStore": Parameter("switch"),
    },
    type_name="Microsoft.Rtc.Management.PersistentChat.GetPersistentChatStateCmdlet",
    second_hop=True,
)
def get_state(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """PoolState is Normal or FailedOver: the database's failover, not the services' state."""
    pools = context.estate.chat_pools()
    if parameters.get("Identity"):
        name = _pool_of(context, parameters["Identity"])
        pools = {name: pools[name]}
    pattern = parameters.get("Filter", "*")
    return [
        {"Identity": _PREFIX + name, "PoolState": pool["state"]}
        for name, pool in pools.items()
        if glob(pattern, _PREFIX + name)
    ]


@cmdlet(
    "Set-CsPersistentChatState",
    {
        "Identity": Parameter(sets=("Identity",)),
        "Instance": Parameter("object", sets=("Instance",)),
        "PoolState": Parameter(choices=("Normal", "FailedOver")),
        "Force": Parameter("switch"),
    },
    writes=True,
    should_process=True,
    confirm_impact="high",
    type_name="Microsoft.Rtc.Management.PersistentChat.SetPersistentChatStateCmdlet",
    second_hop=True,
)
def set_state(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """-PoolState is Normal where it is not given; no output."""
    instance = parameters.get("Instance") or input
    name = _pool_of(context, instance["Identity"] if instance else parameters.get("Identity"))
    if context.should_process(_PREFIX + name):
        context.estate.data["pools"][name]["state"] = parameters.get("PoolState", "Normal")
    return []


@cmdlet(
    "Set-CsPersistentChatActiveServer",
    {
        "ActiveServers": Parameter("modifier", mandatory=True, sets=("Explicit",)),
        "Swap": Parameter("switch", mandatory=True, sets=("Swap",)),
        "Identity": Parameter(),
        "Force": Parameter("switch"),
    },
    writes=True,
    should_process=True,
    confirm_impact="high",
    type_name="Microsoft.Rtc.Management.PersistentChat.SetPersistentChatActiveServerCmdlet",
    default_set="Explicit",
    second_hop=True,
)
def set_active_server(context: Context, parameters: dict[str, Any], input: Any) -> Output:
    """Changes the list of active servers; only computers of the pool can be on it; $null empties it."""
    name = _pool_of(context, parameters.get("Identity"))
    pool = context.estate.data["pools"][name]
    active = [server for server in pool["computers"] if server not in pool["active_servers"]]
    if not parameters.get("Swap"):
        change = parameters["ActiveServers"] or {"Replace": []}
        active = list(change.get("Replace", pool["active_servers"]))
        active += [server for server in change.get("Add", ()) if server.lower() not in active]
        removed = {server.lower() for server in change.get("Remove", ())}
        active = [server.lower() for server in active if server.lower() not in removed]
    for server in active:
        if server not in pool["computers"]:
            raise context.fault(
                'The computer "%s" is not in the pool "%s".' % (server, name),
                "ComputerNotInPool",
                "InvalidData",
                assumed=True,
            )
    if context.should_process(_PREFIX + name):
        pool["active_servers"] = active
    return []


def topology_services(context: Context) -> list[dict[str, Any]]:
    """Every service of the topology, with the properties of its kind."""
    found: list[dict[str, Any]] = []
    for name, pool in context.estate.data["pools"].items():
        if pool["kind"] == "persistent_chat":
            sql, _slash, instance = pool["database"].partition("\\")
            found.append(
                _service(
                    "PersistentChatServer",
                    name,
                    Registrar="Registrar:" + pool["registrar"],
                    ActiveServers=list(pool["active_servers"]),
                    PersistentChatDatabase="PersistentChatDatabase:%s\\%s" % (sql, instance),
                    FileStore="FileStore:" + pool["registrar"],
                )
            )
            for role in ("PersistentChatDatabase", "PersistentChatComplianceDatabase"):
                found.append(_service(role, sql, SqlInstanceName=instance, DependentServiceList=[_PREFIX + name]))
        elif pool["kind"] == "registrar":
            found += [_service("Registrar", name), _service("FileStore", name, ShareName="LyncShare")]
        else:
            found.append(_service("TrustedApplicationPool", name, Registrar="Registrar:" + pool["registrar"]))
    return found


def _service(role: str, host: str, **properties: Any) -> dict[str, Any]:
    identity = "%s:%s" % ("ExternalServer" if role == "TrustedApplicationPool" else role, host)
    return {
        "Identity": identity,
        "Role": role,
        "SiteId": SITE,
        "PoolFqdn": host,
        "ServiceId": "1-%s-1" % role,
        "Version": VERSION,
        "DependentServiceList": [],
        **properties,
    }


def _pool_of(context: Context, identity: str | None) -> str:
    """The pool that an identity such as ``PersistentChatServer:pool`` or ``pool`` names; the only pool without one."""
    if identity:
        bare = str(identity)
        return chat_pool(context, bare[len(_PREFIX) :] if bare.lower().startswith(_PREFIX.lower()) else bare)
    pools = list(context.estate.chat_pools())
    if len(pools) != 1:
        raise context.fault(
            "There is more than one Persistent Chat pool: -Identity is needed.",
            "PoolAmbiguous",
            "InvalidArgument",
            assumed=True,
        )
    return pools[0]

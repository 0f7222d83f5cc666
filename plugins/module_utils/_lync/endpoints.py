# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints: the contacts that give a Persistent Chat pool its legacy SIP address. Private to this collection.

This file observes and decides; endpoint_changes.py writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.pools import Topology, topology_reading
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reading import (
    Reading,
    get,
    read,
    unknown_cmdlet,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.session import Connect, Session
from ansible_collections.lync.persistent_chat.plugins.module_utils._plan import Action, Conflict, Plan
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Outcome, Transport
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import open_transport
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

_PROPERTIES = ("Identity", "SipAddress", "DisplayName")


@dataclass(frozen=True)
class Endpoint:
    """One endpoint.

    :param identity: the distinguished name of its contact.
    :param pool_fqdn: the pool that lists it; None when none of the pools that were asked does.
    """

    identity: str
    sip_address: str
    display_name: str | None = None
    pool_fqdn: str | None = None

    def has(self, address: SipAddress) -> bool:
        """Whether this is the endpoint of that address."""
        return self.sip_address.lower() == address.key

    def shown(self) -> dict[str, Any]:
        """The endpoint as a module returns it."""
        return {
            "sip_address": self.sip_address,
            "pool_fqdn": self.pool_fqdn,
            "display_name": self.display_name,
            "identity": self.identity,
        }


@dataclass(frozen=True)
class EndpointsState:
    """The endpoints that were asked for.

    :param unlisted: for each pool whose endpoints could not be listed, what the server said.
    """

    endpoints: tuple[Endpoint, ...] = ()
    unlisted: Mapping[str, str] = field(default_factory=dict)


def endpoints_reading(address: SipAddress | None = None, pool_fqdns: Sequence[str] = ()) -> Reading[EndpointsState]:
    """Reads the endpoints with that address, or all of them, and which of the named pools has each.

    The pool is taken from C(-PersistentChatPoolFqdn), which is documented, and not from a property, which is not
    (domain.md, section 2.1). All are listed and compared here: there are few, and no error has to be interpreted.
    """
    pools = tuple(pool_fqdns)
    cmdlet = "Get-CsPersistentChatEndpoint"
    commands = [get(cmdlet, _PROPERTIES)] + [get(cmdlet, ("Identity",), PersistentChatPoolFqdn=pool) for pool in pools]

    def understand(outcomes: Sequence[Outcome]) -> EndpointsState:
        pool_of: dict[str, str] = {}
        unlisted: dict[str, str] = {}
        for pool, outcome in zip(pools, outcomes[1:]):
            if outcome.error is not None:
                unlisted[pool] = outcome.error.message
            else:
                pool_of.update((str(item["Identity"]).lower(), pool) for item in outcome.objects())
        found = [_endpoint(item, pool_of) for item in outcomes[0].objects()]
        return EndpointsState(tuple(e for e in found if address is None or e.has(address)), unlisted)

    return Reading(commands, understand)


def _endpoint(item: Mapping[str, Any], pool_of: Mapping[str, str]) -> Endpoint:
    identity = str(item["Identity"])
    name = item.get("DisplayName")
    return Endpoint(
        identity, str(item["SipAddress"]), None if name is None else str(name), pool_of.get(identity.lower())
    )


def observe_endpoints(
    transport: Transport, address: SipAddress | None = None, pool_fqdns: Sequence[str] = ()
) -> EndpointsState:
    """The endpoints with that address (all without one) in one remote call; see L(endpoints_reading)."""
    return read(transport, endpoints_reading(address, pool_fqdns))[0]


def holders_reading(address: SipAddress) -> Reading[tuple[str, ...]]:
    """Reads which users hold the address, as distinguished names.

    An LDAP filter that matches nobody gives no output, whereas an unknown C(-Identity) gives an error whose id is an
    ASSUMPTION (domain.md, section 2.7). C(Get-CsUser) also returns users that were never enabled (section 2.6).
    Where no role of the account has it, none are seen, and New-CsPersistentChatEndpoint alone decides: it looks, too.
    """
    command = get("Get-CsUser", ("Identity",), LdapFilter="(msRTCSIP-PrimaryUserAddress=%s)" % _escaped(str(address)))

    def understand(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
        return () if unknown_cmdlet(outcomes[0]) else tuple(str(item["Identity"]) for item in outcomes[0].objects())

    return Reading((command,), understand)


def _escaped(value: str) -> str:
    """A value inside an LDAP filter (RFC 4515); of its special characters a SIP address can only have the asterisk."""
    return value.replace("\\", "\\5c").replace("*", "\\2a").replace("(", "\\28").replace(")", "\\29")


@dataclass(frozen=True)
class Desired:
    """What the operator declared about one endpoint; a display name of None is left as it is."""

    address: SipAddress
    present: bool = True
    pool_fqdn: str | None = None
    display_name: str | None = None
    recreate: bool = False

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Desired:
        """The declaration in a module's parameters.

        :raises InvalidInput: the SIP address is not one.
        """
        return cls(
            address=SipAddress.parse(params["sip_address"]),
            present=params["state"] == "present",
            pool_fqdn=params.get("pool_fqdn"),
            display_name=params.get("display_name") or None,
            recreate=bool(params.get("recreate")),
        )


@dataclass(frozen=True)
class Actual:
    """What decides about one endpoint: the topology, the endpoints with its address and the users with its address."""

    topology: Topology
    state: EndpointsState
    holders: tuple[str, ...] = ()


def observe(transport: Transport, desired: Desired) -> Actual:
    """Everything that decides, in one remote call; in two when the endpoint is not where it should be."""
    asked = (desired.pool_fqdn,) if desired.pool_fqdn else ()
    readings = topology_reading(), endpoints_reading(desired.address, asked), holders_reading(desired.address)
    actual = Actual(*read(transport, *readings))
    pools = actual.topology.persistent_chat_pools
    if any(endpoint.pool_fqdn is None for endpoint in actual.state.endpoints) and pools:
        actual = replace(actual, state=observe_endpoints(transport, desired.address, pools))
    return actual


def plan(desired: Desired, actual: Actual) -> Plan:
    """What leads from the actual to the desired endpoint. Pure."""
    endpoints = actual.state.endpoints
    if len(endpoints) > 1:
        where = "; ".join("%s on %s" % (e.identity, e.pool_fqdn or "no known pool") for e in endpoints)
        message = "%d endpoints have the address %s: %s. Remove the wrong one by its distinguished name first."
        return Plan(conflicts=[Conflict("two_holders", message % (len(endpoints), desired.address, where))])
    existing = endpoints[0] if endpoints else None
    return _plan_present(desired, actual, existing) if desired.present else _plan_absent(desired, existing)


def _plan_absent(desired: Desired, existing: Endpoint | None) -> Plan:
    if existing is None:
        return Plan()
    if desired.pool_fqdn and not _same(existing.pool_fqdn, desired.pool_fqdn):
        message = "The endpoint %s belongs to the pool %s and not to %s; it was left alone." % (
            existing.sip_address,
            existing.pool_fqdn,
            desired.pool_fqdn,
        )
        return Plan(conflicts=[Conflict("endpoint_differs", message, {"endpoint": existing.shown()})])
    return Plan([_removal(existing)])


def _plan_present(desired: Desired, actual: Actual, existing: Endpoint | None) -> Plan:
    conflicts = _refusals(desired, actual)
    if conflicts:
        return Plan(conflicts=conflicts)
    creation = _creation(desired, existing)
    if existing is None:
        return Plan([creation])
    differences = [
        "%s is %r and should be %r" % (name, is_now, wanted)
        for name, is_now, wanted, same in (
            ("pool_fqdn", existing.pool_fqdn, desired.pool_fqdn, _same(existing.pool_fqdn, desired.pool_fqdn)),
            (
                "display_name",
                existing.display_name,
                desired.display_name,
                existing.display_name == desired.display_name,
            ),
        )
        if wanted is not None and not same
    ]
    if not differences:
        return Plan()
    if desired.recreate:
        return Plan([_removal(existing), creation])
    message = (
        "The endpoint %s exists but %s. An endpoint cannot be changed, only removed and created again, and legacy clients "
        "cannot sign in in between. Set recreate to true to do that."
        % (existing.sip_address, " and ".join(differences))
    )
    return Plan(conflicts=[Conflict("endpoint_differs", message, {"endpoint": existing.shown()})])


def _refusals(desired: Desired, actual: Actual) -> list[Conflict]:
    """Why no endpoint may be created there now."""
    conflicts = actual.topology.refusals(desired.pool_fqdn or "")
    domains = actual.topology.sip_domains
    if not any(_same(domain, desired.address.domain) for domain in domains):
        message = "%s is not a SIP domain of this deployment, so %s cannot be an endpoint. The SIP domains are: %s."
        conflicts.append(
            Conflict("sip_domain", message % (desired.address.domain, desired.address, ", ".join(domains) or "none"))
        )
    if actual.holders:
        message = (
            "The address %s is held by another object: %s. Free it first (pc_wellknown_user); nothing was written."
            % (
                desired.address,
                "; ".join(actual.holders),
            )
        )
        conflicts.append(Conflict("address_held", message, {"holders": list(actual.holders)}))
    if not conflicts and desired.pool_fqdn in actual.state.unlisted:
        message = "The endpoints of %s could not be listed: %s" % (
            desired.pool_fqdn,
            actual.state.unlisted[desired.pool_fqdn],
        )
        conflicts.append(Conflict("unreadable", message))
    return conflicts


def _creation(desired: Desired, existing: Endpoint | None) -> Action:
    name = desired.display_name
    if name is None and existing is not None:
        name = existing.display_name
    after = {"sip_address": str(desired.address), "pool_fqdn": desired.pool_fqdn, "display_name": name}
    return Action("create", "endpoint %s" % desired.address, None, after, after)


def _removal(existing: Endpoint) -> Action:
    before = {key: value for key, value in existing.shown().items() if key != "identity"}
    return Action("remove", "endpoint %s" % existing.sip_address, before, None, before)


def _same(one: str | None, other: str | None) -> bool:
    """Whether two host or domain names are equal."""
    return one is not None and other is not None and one.lower() == other.lower()


def run_info(params: Mapping[str, Any], check_mode: bool, connect: Connect = open_transport) -> dict[str, Any]:
    """What C(pc_endpoint_info) does.

    :raises InvalidInput: the SIP address is not one.
    :raises PersistentChatError: the pool is not a Persistent Chat pool.
    """
    address = SipAddress.parse(params["sip_address"]) if params.get("sip_address") else None
    wanted = params.get("pool_fqdn")
    with Session(connect, params) as session:
        topology: Topology = read(session, topology_reading())[0]
        if wanted:
            Plan(conflicts=topology.refusals(wanted)).refuse_conflicts()
        state = observe_endpoints(session, address, topology.persistent_chat_pools)
    found = [e for e in state.endpoints if not wanted or _same(e.pool_fqdn, wanted)]
    found.sort(key=lambda e: (e.pool_fqdn or "", e.sip_address.lower(), e.identity.lower()))
    return {"changed": False, "endpoints": [e.shown() for e in found], "unlisted_pools": dict(state.unlisted)}

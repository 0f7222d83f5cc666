# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pools: which exist, which of them are Persistent Chat pools, what state they are in. Private to this collection."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Mapping, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reading import Reading, get, read, texts
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.session import Connect, Session
from ansible_collections.lync.persistent_chat.plugins.module_utils._plan import Conflict
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Outcome, Transport
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import open_transport


@dataclass(frozen=True)
class PoolState:
    """One pool as the topology and its own state show it.

    :param active_servers: the servers that accept new connections; None where the server did not say. An empty list means
        that the pool serves nobody (domain.md, section 2.3).
    :param pool_state: C(Normal), C(FailedOver), or None where it could not be read or was not asked for.
    """

    fqdn: str
    exists: bool
    is_persistent_chat: bool
    servers: tuple[str, ...] = ()
    active_servers: tuple[str, ...] | None = None
    pool_state: str | None = None
    sip_domains: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        """The pool as a module returns it."""
        shown = asdict(self)
        del shown["exists"], shown["sip_domains"]
        shown["servers"] = list(self.servers)
        shown["active_servers"] = None if self.active_servers is None else list(self.active_servers)
        return shown


@dataclass(frozen=True)
class Topology:
    """All pools and the SIP domains of the deployment."""

    pools: tuple[PoolState, ...]
    sip_domains: tuple[str, ...]

    def pool(self, fqdn: str) -> PoolState:
        """The pool of that name; one with C(exists) False when there is none."""
        for pool in self.pools:
            if pool.fqdn.lower() == fqdn.lower():
                return pool
        return PoolState(fqdn, exists=False, is_persistent_chat=False, sip_domains=self.sip_domains)

    @property
    def persistent_chat_pools(self) -> tuple[str, ...]:
        """The names of the Persistent Chat pools."""
        return tuple(pool.fqdn for pool in self.pools if pool.is_persistent_chat)

    def refusals(self, fqdn: str) -> list[Conflict]:
        """Why that pool cannot be worked on; empty when it is a Persistent Chat pool."""
        pool = self.pool(fqdn)
        if pool.is_persistent_chat:
            return []
        fault = "is not a Persistent Chat pool" if pool.exists else "does not exist in the topology"
        known = ", ".join(self.persistent_chat_pools) or "none"
        message = "The pool %s %s. The Persistent Chat pools of this deployment are: %s." % (fqdn, fault, known)
        return [Conflict("pool_unknown", message, {"pool_fqdn": fqdn})]


def topology_reading() -> Reading[Topology]:
    """Reads Topology.

    Everything is listed and compared here: what C(-Identity) answers for an unknown name is not documented, a list without
    the name is plain (domain.md, sections 2.3 and 2.7). The pool is the part of a service's identity after
    C(PersistentChatServer:); the property ActiveServers is an ASSUMPTION, so it may be missing.
    """
    commands = (
        get("Get-CsPool", ("Identity", "Computers")),
        get("Get-CsService", ("Identity", "ActiveServers"), PersistentChatServer=True),
        get("Get-CsSipDomain", ("Identity",)),
    )

    def understand(outcomes: Sequence[Outcome]) -> Topology:
        pools, services, domains = (outcome.objects() for outcome in outcomes)
        sip_domains = tuple(str(domain["Identity"]) for domain in domains)
        chat = {str(s["Identity"]).partition(":")[2].lower(): s.get("ActiveServers") for s in services}
        return Topology(tuple(_pool(pool, chat, sip_domains) for pool in pools), sip_domains)

    return Reading(commands, understand)


def _pool(pool: Mapping[str, Any], chat: Mapping[str, Any], sip_domains: tuple[str, ...]) -> PoolState:
    fqdn = str(pool["Identity"])
    active = chat.get(fqdn.lower())
    return PoolState(
        fqdn=fqdn,
        exists=True,
        is_persistent_chat=fqdn.lower() in chat,
        servers=texts(pool.get("Computers")),
        active_servers=None if active is None else texts(active),
        sip_domains=sip_domains,
    )


def pool_state_reading(pool_fqdn: str) -> Reading[str | None]:
    """Reads C(Normal) or C(FailedOver); None where the server does not say (domain.md, section 2.3)."""
    command = get("Get-CsPersistentChatState", ("PoolState",), Identity="PersistentChatServer:" + pool_fqdn)

    def understand(outcomes: Sequence[Outcome]) -> str | None:
        found = [] if outcomes[0].error else outcomes[0].objects()
        return texts(found[0].get("PoolState"))[0] if found and texts(found[0].get("PoolState")) else None

    return Reading((command,), understand)


def pool_reading(pool_fqdn: str) -> Reading[PoolState]:
    """Reads one pool with its state, for whoever asks about several subjects in one call."""
    topology, state = topology_reading(), pool_state_reading(pool_fqdn)
    split = len(topology.commands)

    def understand(outcomes: Sequence[Outcome]) -> PoolState:
        pool = topology.understand(outcomes[:split]).pool(pool_fqdn)
        return replace(pool, pool_state=state.understand(outcomes[split:]) if pool.is_persistent_chat else None)

    return Reading(tuple(topology.commands) + tuple(state.commands), understand)


def observe_pool(transport: Transport, pool_fqdn: str) -> PoolState:
    """One pool in one remote call; C(exists) is False for a name that no pool has."""
    return read(transport, pool_reading(pool_fqdn))[0]


def observe_pools(transport: Transport) -> Topology:
    """All pools with their states, in two remote calls."""
    topology: Topology = read(transport, topology_reading())[0]
    names = topology.persistent_chat_pools
    states = dict(zip(names, read(transport, *map(pool_state_reading, names)) if names else []))
    return replace(topology, pools=tuple(replace(p, pool_state=states.get(p.fqdn)) for p in topology.pools))


def run_info(params: Mapping[str, Any], check_mode: bool, connect: Connect = open_transport) -> dict[str, Any]:
    """What C(pc_pool_info) does."""
    with Session(connect, params) as session:
        if params.get("pool_fqdn"):
            pool = observe_pool(session, params["pool_fqdn"])
            pools, domains = ([pool] if pool.exists else []), pool.sip_domains
        else:
            topology = observe_pools(session)
            pools, domains = [p for p in topology.pools if p.is_persistent_chat], topology.sip_domains
    return {"changed": False, "pools": [pool.shown() for pool in pools], "sip_domains": list(domains)}

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The observation of the whole estate: few calls, nothing written. Private to this collection."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.identity import (
    IdentityState,
    observe_identity,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.counts import counts_reading
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.data_export import Desired as Export
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.data_import import Desired as Import
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.data_import import import_state
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.endpoints import endpoints_reading
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.files import file_reading, record_reading
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.pools import (
    PoolState,
    pool_state_reading,
    topology_reading,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.reading import read
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.services import (
    ServiceState,
    checked_names,
    observe_services,
    services_reading,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._lync.session import Session
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.estate import Estate, Holder, Service
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.settings import Migration
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.command import Transport
from ansible_collections.lync.persistent_chat.plugins.module_utils._remoting.connect import open_transport


def observe_estate(migration: Migration) -> Estate:
    """Observe everything that the planner needs: two remote calls to the management server, the legacy services on each
    of their servers, and the directory.

    :raises PersistentChatError: a part of the estate could not be observed; a plan from a guess would be worse than none.
    """
    names = {server.name: checked_names(server.services) for server in migration.legacy_servers}
    pool_services = checked_names(migration.pool_services)
    facts: dict[str, Any] = {"legacy_services": []}
    with Session(open_transport, migration.remoting) as session:
        facts.update(_persistent_chat(session, migration))
        facts["pool_services"] = _pool_services(session, facts["pool_servers"], pool_services)
    for server, services in names.items():
        with Session(open_transport, dict(migration.legacy_remoting, remote_addr=server)) as session:
            facts["legacy_services"] += _services(server, observe_services(session, "sc", services))
    facts["legacy_services"] = tuple(facts["legacy_services"])
    facts.update(_identity(migration))
    return Estate(**facts)


def _persistent_chat(transport: Transport, migration: Migration) -> dict[str, Any]:
    """The pool, its contents, its endpoints and the archive, in one remote call."""
    archive, wanted = migration.export_options(), migration.import_options()
    exported, imported = Export.of(archive), Import.of(wanted)
    topology, pool_state, counts, file, record, started, finished = read(
        transport,
        topology_reading(),
        pool_state_reading(migration.pool_fqdn),
        counts_reading(migration.pool_fqdn),
        file_reading(migration.archive),
        record_reading(exported.record),
        record_reading(imported.started_record),
        record_reading(imported.imported_record),
    )
    pools = topology.persistent_chat_pools
    endpoints = read(transport, endpoints_reading(migration.sip_address, pools))[0].endpoints
    pool: PoolState = topology.pool(migration.pool_fqdn)
    return {
        "pool_is_persistent_chat": pool.is_persistent_chat,
        "pool_servers": pool.servers,
        "active_servers": pool.active_servers,
        "pool_state": pool_state,
        "sip_domains": topology.sip_domains,
        "archive_sha256": file.sha256,
        "exported_sha256": (record or {}).get("sha256"),
        "import_state": import_state(file.sha256, imported.target, started, finished),
        "imported_counts": _numbers((finished or {}).get("counts") or {}),
        "counts": None if counts.unavailable else _numbers(counts.shown()),
        "counts_problem": counts.unavailable or "",
        "endpoint_pools": tuple(endpoint.pool_fqdn or "an unknown pool" for endpoint in endpoints),
    }


def _pool_services(transport: Transport, servers: tuple[str, ...], names: tuple[str, ...]) -> tuple[Service, ...]:
    """The services of every server of the pool, in one remote call."""
    if not servers:
        return ()
    found = read(transport, *[services_reading("cs", names, server) for server in servers])
    return tuple(service for server, states in zip(servers, found) for service in _services(server, states))


def _services(host: str, states: Mapping[str, ServiceState]) -> list[Service]:
    return [
        Service(host, s.name, (s.status or "unknown") if s.exists else "missing", s.start_mode) for s in states.values()
    ]


def _numbers(counts: Mapping[str, Any]) -> dict[str, int]:
    return {kind: number for kind, number in counts.items() if isinstance(number, int)}


def _identity(migration: Migration) -> dict[str, Any]:
    """Who holds the address, whether the account may be touched, and whether it was backed up."""
    connection = DirectoryConnection(migration.directory)
    try:
        seen = observe_identity(connection, migration.sip_address, migration.user_identifiers, migration.backup_dir)
    finally:
        connection.close()
    return {
        "holders": tuple(
            Holder(h.dn, h.guid, h.object_class, h.sam_account_name, h.enabled, h in seen.pending) for h in seen.holders
        ),
        "failed_guards": tuple(
            (failure.name, failure.message)
            for failure in seen.guards_failed
            if not (failure.name in migration.user_overrides and migration.user_state in failure.overridable)
        ),
        "backup": _backup_path(seen),
        "recycle_bin": seen.recycle_bin,
    }


def _backup_path(seen: IdentityState) -> str | None:
    return seen.backup.path if seen.backup else None

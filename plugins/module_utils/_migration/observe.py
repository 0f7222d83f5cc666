# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The observation of the whole estate: few calls, nothing written. Private to this collection."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.domain_controllers import required_set
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import (
    DOMAIN_CONTROLLER,
    GLOBAL_CATALOG,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import Holder as Found
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.identity import observe_identity
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.removal import stops, undo_worth
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.replication import report
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
    with Session(open_transport, migration.remoting) as session:
        facts = _persistent_chat(session, migration)
    legacy: list[Service] = []
    for server, services in names.items():
        with Session(open_transport, dict(migration.legacy_remoting, remote_addr=server)) as session:
            legacy += _services(server, observe_services(session, "sc", services))
    return Estate(legacy_services=tuple(legacy), **facts, **_identity(migration))


def _persistent_chat(transport: Transport, migration: Migration) -> dict[str, Any]:
    """The pool, its contents and the archive in one remote call; in a second one what needs the topology: endpoints, services."""
    names = checked_names(migration.pool_services)
    exported, imported = Export.of(migration.export_options()), Import.of(migration.import_options())
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
    pool: PoolState = topology.pool(migration.pool_fqdn)
    listed, *found = read(
        transport,
        endpoints_reading(migration.sip_address, topology.persistent_chat_pools),
        *[services_reading("cs", names, server) for server in pool.servers],
    )
    return {
        "pool_services": tuple(s for server, states in zip(pool.servers, found) for s in _services(server, states)),
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
        "endpoint_pools": tuple(endpoint.pool_fqdn or "an unknown pool" for endpoint in listed.endpoints),
    }


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
        catalog = connection.catalog_server
        not_asked = report(connection.once(required_set))["exempted"]
    finally:
        connection.close()
    undo, _loses = undo_worth(seen, migration.user_state)
    return {
        "holders": tuple(_holder(holder, holder in seen.pending, catalog) for holder in seen.holders),
        "failed_guards": tuple(
            (failure.name, failure.message)
            for failure in stops(seen, migration.user_state, migration.user_overrides, migration.accept_undo)
        ),
        "backup": seen.backup.path if seen.backup else None,
        "recycle_bin": seen.recycle_bin,
        "undo": undo,
        "undo_days": seen.undo_days,
        "not_asked": tuple(not_asked),
    }


def _holder(found: Found, pending: bool, catalog: str) -> Holder:
    others = {catalog if name == GLOBAL_CATALOG else name for name in found.seen_in}
    seen_only_by = () if DOMAIN_CONTROLLER in others else tuple(sorted(others))
    return Holder(
        found.dn, found.guid, found.object_class, found.sam_account_name, found.enabled, pending, seen_only_by
    )

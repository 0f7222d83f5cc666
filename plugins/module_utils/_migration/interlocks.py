# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interlocks: what must be true before a step may write. Private to this collection.

Each is one small function over the wanted migration and an estate, observed or projected. It returns None, or the
reason why the step must not run. The planner and the roles ask the same functions; no other place decides on order.
The numbers name the safety invariants of domain.md, section 6.
"""

from __future__ import annotations

from typing import Callable, Optional

from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.estate import Estate
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.settings import Migration

Interlock = Callable[[Migration, Estate], Optional[str]]


def legacy_services_known(migration: Migration, estate: Estate) -> str | None:
    """Every legacy service that the operator named exists: a typing error must not pass for a stopped service."""
    missing = [str(service) for service in estate.legacy_services if not service.exists]
    return "not found: %s; correct legacy_servers" % ", ".join(missing) if missing else None


def legacy_stopped(migration: Migration, estate: Estate) -> str | None:
    """Invariant 2: no Group Chat service runs, and none comes back with a reboot."""
    alive = [str(service) for service in estate.legacy_to_stop]
    return "not stopped and disabled: %s" % ", ".join(alive) if alive else None


def pool_is_persistent_chat(migration: Migration, estate: Estate) -> str | None:
    """The target is a pool that can have an endpoint."""
    if not estate.pool_is_persistent_chat:
        return "%s is not a Persistent Chat pool of this deployment; correct pool_fqdn" % migration.pool_fqdn
    return None


def pool_services_known(migration: Migration, estate: Estate) -> str | None:
    """Each service of the new pool that the operator named exists on some server of it, and each server has one."""
    found = {service.name.lower() for service in estate.pool_services if service.exists}
    unknown = [name for name in migration.pool_services if name.lower() not in found]
    if unknown or not estate.pool_services:
        return "no server of %s has the service %s; correct pool_services" % (migration.pool_fqdn, ", ".join(unknown))
    return None


def pool_stopped(migration: Migration, estate: Estate) -> str | None:
    """The data is imported while the new servers are off (domain.md, section 5, step 3)."""
    alive = [str(service) for service in estate.pool_to_stop]
    return "not stopped: %s" % ", ".join(alive) if alive else None


def archive_intact(migration: Migration, estate: Estate) -> str | None:
    """Invariant 2: the archive is there, and it is the one that the export recorded."""
    if estate.archive_sha256 is None:
        return "the archive %s does not exist" % migration.archive
    if estate.exported_sha256 is None:
        return "the archive %s has no record of a completed export" % migration.archive
    if estate.archive_sha256 != estate.exported_sha256:
        return "the archive %s has changed since the export: its SHA-256 was %s and is %s" % (
            migration.archive,
            estate.exported_sha256,
            estate.archive_sha256,
        )
    return None


def target_takes_import(migration: Migration, estate: Estate) -> str | None:
    """Invariant 16: an import goes into an empty pool, unless the operator agreed to merge. One that was begun is only verified."""
    if estate.import_state != "none" or migration.merge:
        return None
    if estate.counts is None:
        return "whether %s is empty could not be read: %s; see merge and import_verification" % (
            migration.pool_fqdn,
            estate.counts_problem,
        )
    if any(estate.counts.values()):
        return "%s is not empty, and an import overwrites what has the same name; see merge" % migration.pool_fqdn
    return None


def import_verified(migration: Migration, estate: Estate) -> str | None:
    """Invariant 1: the account is not touched before the import was verified."""
    if estate.import_state != "verified":
        return "the import is not verified (state: %s)" % estate.import_state
    return None


def holder_is_expected(migration: Migration, estate: Estate) -> str | None:
    """Invariants 4 and 5: the one holder is the account that the operator means, and nothing protects it."""
    current = [holder for holder in estate.holders if not holder.pending]
    if len(current) > 1:
        return "more than one object holds %s: %s" % (migration.sip_address, "; ".join(map(str, current)))
    if estate.users and estate.failed_guards:
        return "; ".join("%s (guard %s)" % (message, name) for name, message in estate.failed_guards)
    return None


def address_was_freed_by_us(migration: Migration, estate: Estate) -> str | None:
    """Invariant 9: when nobody holds the address there must be a backup that says who held it."""
    if not estate.holders and estate.backup is None:
        return (
            "nobody holds %s and %s has no backup of an account that did; check sip_address and backup_dir, or create "
            "the endpoint yourself with pc_endpoint" % (migration.sip_address, migration.backup_dir)
        )
    return None


def address_free(migration: Migration, estate: Estate) -> str | None:
    """Invariant 3: no domain controller that must agree shows a holder of the address when the endpoint is created."""
    if not estate.holders:
        return None
    held_by = "%s is held by %s" % (migration.sip_address, "; ".join(map(str, estate.holders)))
    waits = all(holder.pending for holder in estate.holders)
    return held_by + ("; wait for replication and run this again" if waits else "")


def sip_domain_valid(migration: Migration, estate: Estate) -> str | None:
    """The endpoint's SIP domain is one of the deployment's."""
    domains = {domain.lower() for domain in estate.sip_domains}
    if migration.sip_address.domain.lower() not in domains:
        return "%s is not a SIP domain of this deployment (%s)" % (
            migration.sip_address.domain,
            ", ".join(sorted(domains)),
        )
    return None


def endpoint_on_pool(migration: Migration, estate: Estate) -> str | None:
    """The legacy clients' address leads to the new pool."""
    pools = [pool.lower() for pool in estate.endpoint_pools]
    if pools != [migration.pool_fqdn]:
        return "the endpoint %s is %s" % (migration.sip_address, "on " + ", ".join(pools) if pools else "not there")
    return None


def one_contact_holds(migration: Migration, estate: Estate) -> str | None:
    """Invariant 3: exactly one object holds the address, and it is a contact."""
    if len(estate.holders) != 1 or not estate.holders[0].is_contact:
        held_by = "; ".join(map(str, estate.holders)) or "nobody"
        return "%s must be held by exactly one contact; it is held by: %s" % (migration.sip_address, held_by)
    return None


def pool_serves(migration: Migration, estate: Estate) -> str | None:
    """The new pool's services run; where the server tells, its active-server list is not empty and its state is Normal."""
    down = [str(service) for service in estate.pool_to_start]
    if down:
        return "not running: %s" % ", ".join(down)
    if estate.active_servers == ():
        return (
            "%s has no active server and would serve nobody; use Set-CsPersistentChatActiveServer" % migration.pool_fqdn
        )
    if (estate.pool_state or "Normal").lower() != "normal":
        return "%s is in the state %s" % (migration.pool_fqdn, estate.pool_state)
    return None


def data_arrived(migration: Migration, estate: Estate) -> str | None:
    """The target holds at least the categories, rooms and add-ins that are expected."""
    expected = dict(estate.imported_counts, **migration.expected)
    if estate.counts is None:
        return "the counts of %s could not be read: %s" % (migration.pool_fqdn, estate.counts_problem)
    short = [
        "%s: %d of %d" % (kind, estate.counts.get(kind, 0), number)
        for kind, number in sorted(expected.items())
        if estate.counts.get(kind, 0) < number
    ]
    if short:
        return "%s holds less than expected: %s" % (migration.pool_fqdn, ", ".join(short))
    if not expected and not any(estate.counts.values()):
        return "%s is empty" % migration.pool_fqdn
    return None

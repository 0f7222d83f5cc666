# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole estate of a migration, as one value. Private to this collection.

The observation fills it from the servers and the directory; the planner reads it and, step by step, replaces what a
step would have changed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Callable, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import CONTACT
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.removal import PARTIAL


@dataclass(frozen=True)
class Service:
    """A Windows service on a server.

    :param status: running, stopped, paused, start_pending, stop_pending or missing.
    :param start_mode: auto, delayed, manual, disabled, or None where the server does not tell.
    """

    host: str
    name: str
    status: str
    start_mode: str | None = None

    def __str__(self) -> str:
        return "service %s on %s" % (self.name, self.host)

    @property
    def exists(self) -> bool:
        return self.status != "missing"


@dataclass(frozen=True)
class Holder:
    """A directory object that holds the SIP address.

    :param pending: the domain controller that is used has taken the address from it already; others still show it.
    :param seen_only_by: those that show it, when the domain controller that is used does not.
    """

    dn: str
    guid: str
    object_class: str
    sam_account_name: str | None = None
    enabled: bool | None = None
    pending: bool = False
    seen_only_by: tuple[str, ...] = ()

    @property
    def is_contact(self) -> bool:
        return self.object_class == CONTACT

    def __str__(self) -> str:
        text = "%s %s" % (self.object_class, self.dn)
        if self.pending:
            return "%s, which has lost it but is still shown by %s" % (text, ", ".join(self.seen_only_by))
        return text + (", seen only by %s" % ", ".join(self.seen_only_by) if self.seen_only_by else "")


@dataclass(frozen=True)
class Estate:
    """Everything that a decision of the migration depends on.

    :param pool_is_persistent_chat: the target pool exists and is a Persistent Chat pool.
    :param active_servers: None where the server does not tell (the property is an ASSUMPTION: domain.md, section 2.3);
        an empty list means that the pool serves nobody.
    :param pool_state: Normal, FailedOver, or None where it could not be read.
    :param archive_sha256: None when the archive does not exist.
    :param exported_sha256: what the export recorded; None before it completed.
    :param import_state: none, started or verified.
    :param counts: categories, rooms and add-ins of the target pool; None where the servers did not tell.
    :param failed_guards: name and message of each guard that forbids to touch the account.
    :param backup: the verified backup of the account that this migration made, or None.
    :param undo: what bringing the account back is worth: full, partial or none.
    :param undo_days: how many days a deleted account can be brought back; None when there is no limit or it is not known.
    :param not_asked: the domain controllers that need not agree, so nobody looked there: server, read_only and reason of each.
    :param endpoint_pools: the pools that list an endpoint with the address.
    """

    legacy_services: tuple[Service, ...] = ()
    pool_services: tuple[Service, ...] = ()
    pool_is_persistent_chat: bool = True
    pool_servers: tuple[str, ...] = ()
    active_servers: tuple[str, ...] | None = None
    pool_state: str | None = None
    sip_domains: tuple[str, ...] = ()
    archive_sha256: str | None = None
    exported_sha256: str | None = None
    import_state: str = "none"
    imported_counts: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int] | None = None
    counts_problem: str = ""
    holders: tuple[Holder, ...] = ()
    failed_guards: tuple[tuple[str, str], ...] = ()
    backup: str | None = None
    recycle_bin: bool = False
    undo: str = PARTIAL
    undo_days: int | None = None
    not_asked: tuple[Mapping[str, Any], ...] = ()
    endpoint_pools: tuple[str, ...] = ()

    @property
    def legacy_to_stop(self) -> tuple[Service, ...]:
        """The legacy services that run, or that a reboot would bring back."""
        return tuple(s for s in self.legacy_services if s.status != "stopped" or s.start_mode != "disabled")

    @property
    def pool_to_stop(self) -> tuple[Service, ...]:
        """The services of the new pool that are not stopped."""
        return tuple(s for s in self.pool_services if s.exists and s.status != "stopped")

    @property
    def pool_to_start(self) -> tuple[Service, ...]:
        """The services of the new pool that do not run."""
        return tuple(s for s in self.pool_services if s.exists and s.status != "running")

    @property
    def users(self) -> tuple[Holder, ...]:
        """The holders that still have to give the address up: not a contact, not one that only waits for replication."""
        return tuple(holder for holder in self.holders if not holder.is_contact and not holder.pending)

    def shown(self) -> dict[str, Any]:
        """The observation as plain data, for the plan's JSON. It has no time and no secret."""
        return asdict(self)

    def facts(self) -> dict[str, Any]:
        """What a plan's digest depends on: not who was asked, nor who is merely slow."""
        facts = self.shown()
        del facts["not_asked"]
        for holder in facts["holders"]:
            del holder["seen_only_by"]
        return facts

    def with_services(self, group: str, change: Callable[[Service], Service]) -> Estate:
        """The estate after C(change) of each service of C(legacy_services) or C(pool_services)."""
        return replace(self, **{group: tuple(change(service) for service in getattr(self, group))})

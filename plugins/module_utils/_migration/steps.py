# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the migration in their order (domain.md, section 5). Private to this collection.

A step decides from an estate what there is to do, names the interlocks that must allow it, and says what the estate is
like afterwards. It does nothing itself: the roles do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Callable, Sequence

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import CONTACT
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.removal import FULL, NONE, PARTIAL
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration import interlocks as must
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.estate import (
    Estate,
    Holder,
    Service,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._migration.settings import Migration
from ansible_collections.lync.persistent_chat.plugins.module_utils._plan import Action

CERTAIN = "certain"
ASSUMED = "assumed"
NOT_PREVIEWABLE = "not previewable"

#: the account's backup in a projected estate, where the real one is not written yet
FUTURE_BACKUP = "(written by this migration)"


@dataclass(frozen=True)
class Step:
    """One step of the migration.

    :param number: its number in the documented process.
    :param phase: the role that carries it out.
    :param certainty: how far the preview can be trusted, with the reason in C(why).
    :param undo: what undo is worth after it: full, partial or none, with the reason after a colon; empty where L(undo_of_identity)
        says it.
    :param decide: the actions that are left to do; none when the step is done.
    :param project: the estate after the actions.
    :param interlocks: asked when there is something to do.
    :param findings: asked always, also when there is nothing to do.
    :param only_looks: the step is a check; it is never done.
    """

    number: str
    name: str
    phase: str
    title: str
    undo: str
    decide: Callable[[Migration, Estate], Sequence[Action]]
    project: Callable[[Migration, Estate], Estate]
    interlocks: Sequence[must.Interlock] = ()
    findings: Sequence[must.Interlock] = ()
    only_looks: bool = False
    certainty: str = CERTAIN
    why: str = ""

    @property
    def gates(self) -> list[str]:
        """The names of what must hold before the step may run."""
        return [interlock.__name__ for interlock in (*self.interlocks, *self.findings)]


def _data_is_moved(migration: Migration, estate: Estate) -> bool:
    """Whether the data needs no move any more: it was imported and verified, or the pool already answers to the address.

    Users may write into the pool from then on. Its services are not stopped and nothing is imported over it again, also
    when the archive and the records beside it have been cleared away.
    """
    return estate.import_state == "verified" or (must.endpoint_on_pool(migration, estate) is None and not estate.users)


def _service_action(op: str, service: Service, status: str, start_mode: str | None) -> Action:
    before: dict[str, Any] = {"status": service.status}
    after: dict[str, Any] = {"status": status}
    if start_mode is not None:
        before["start_mode"], after["start_mode"] = service.start_mode, start_mode
    return Action(op, str(service), before, after)


def _stop_legacy(migration: Migration, estate: Estate) -> list[Action]:
    return [_service_action("stop", service, "stopped", "disabled") for service in estate.legacy_to_stop]


def _legacy_stopped(migration: Migration, estate: Estate) -> Estate:
    return estate.with_services("legacy_services", lambda s: replace(s, status="stopped", start_mode="disabled"))


def _export(migration: Migration, estate: Estate) -> list[Action]:
    if _data_is_moved(migration, estate) or estate.exported_sha256 is not None:
        return []
    target = "archive %s" % migration.archive
    return [Action("export", target, None, {"source": migration.source_instance, "sha256": "known after the export"})]


def _exported(migration: Migration, estate: Estate) -> Estate:
    return replace(estate, archive_sha256="(future)", exported_sha256="(future)")


def _stop_pool(migration: Migration, estate: Estate) -> list[Action]:
    if _data_is_moved(migration, estate):
        return []
    return [_service_action("stop", service, "stopped", None) for service in estate.pool_to_stop]


def _pool_stopped(migration: Migration, estate: Estate) -> Estate:
    return estate.with_services("pool_services", lambda s: replace(s, status="stopped") if s.exists else s)


def _preview_import(migration: Migration, estate: Estate) -> list[Action]:
    if _data_is_moved(migration, estate) or estate.import_state != "none":
        return []
    return [Action("preview", "import of %s" % migration.archive, None, {"report": "written on the server"})]


def _import(migration: Migration, estate: Estate) -> list[Action]:
    if _data_is_moved(migration, estate):
        return []
    after = dict(migration.expected) or {"counts": "known after the import"}
    op = "import" if estate.import_state == "none" else "verify"
    return [Action(op, "database %s of %s" % (migration.target_instance, migration.pool_fqdn), estate.counts, after)]


def _imported(migration: Migration, estate: Estate) -> Estate:
    counts = dict(estate.counts or {})
    for kind, number in migration.expected.items():
        counts[kind] = max(number, counts.get(kind, 0))
    if not any(counts.values()):
        counts["rooms"] = 1  # an import into an empty pool leaves at least a room, or its verification fails
    return replace(estate, import_state="verified", imported_counts=dict(migration.expected), counts=counts)


def _free_address(migration: Migration, estate: Estate) -> list[Action]:
    op = "delete" if migration.user_state == "absent" else "disable"
    return [
        Action(
            op,
            "user %s" % holder.dn,
            {"sip_address": str(migration.sip_address), "enabled": holder.enabled},
            None if op == "delete" else {"sip_address": None, "enabled": False},
            {"guid": holder.guid},
        )
        for holder in estate.users
    ]


def _address_freed(migration: Migration, estate: Estate) -> Estate:
    contacts = tuple(holder for holder in estate.holders if holder.is_contact)
    return replace(estate, holders=contacts, failed_guards=(), backup=estate.backup or FUTURE_BACKUP)


def _create_endpoint(migration: Migration, estate: Estate) -> list[Action]:
    if must.endpoint_on_pool(migration, estate) is None:
        return []
    return [Action("create", "endpoint %s" % migration.sip_address, None, {"pool_fqdn": migration.pool_fqdn})]


def _endpoint_created(migration: Migration, estate: Estate) -> Estate:
    contact = Holder("(the new endpoint)", "", CONTACT)
    return replace(estate, holders=(contact,), endpoint_pools=(migration.pool_fqdn,))


def _start_pool(migration: Migration, estate: Estate) -> list[Action]:
    return [_service_action("start", service, "running", None) for service in estate.pool_to_start]


def _pool_started(migration: Migration, estate: Estate) -> Estate:
    return estate.with_services("pool_services", lambda s: replace(s, status="running") if s.exists else s)


def _nothing(migration: Migration, estate: Estate) -> list[Action]:
    return []


def _same(migration: Migration, estate: Estate) -> Estate:
    return estate


STEPS = (
    Step(
        "1",
        "stop_legacy",
        "legacy_group_chat",
        "Stop and disable every Group Chat service",
        undo="full: start the services again with their recorded start modes",
        decide=_stop_legacy,
        project=_legacy_stopped,
        interlocks=(must.legacy_services_known, must.pool_is_persistent_chat),
    ),
    Step(
        "2",
        "export",
        "data_migration",
        "Export the Group Chat data to an archive",
        undo="full: the source is only read",
        decide=_export,
        project=_exported,
        interlocks=(must.legacy_stopped,),
    ),
    Step(
        "3",
        "stop_pool",
        "data_migration",
        "Stop the Persistent Chat services of the new pool",
        undo="full: start them again",
        decide=_stop_pool,
        project=_pool_stopped,
        interlocks=(must.pool_is_persistent_chat, must.legacy_stopped),
        findings=(must.pool_services_known,),
    ),
    Step(
        "5",
        "preview_import",
        "data_migration",
        "Let the server preview the import (-WhatIf)",
        undo="full: it writes a report only",
        decide=_preview_import,
        project=_same,
        interlocks=(must.legacy_stopped, must.archive_intact, must.pool_stopped, must.target_takes_import),
        certainty=NOT_PREVIEWABLE,
        why="its report needs the archive of step 2",
    ),
    Step(
        "6",
        "import",
        "data_migration",
        "Import the archive into the new pool and verify it",
        undo="partial: restore the backup of the target database",
        decide=_import,
        project=_imported,
        interlocks=(must.legacy_stopped, must.archive_intact, must.pool_stopped, must.target_takes_import),
        certainty=ASSUMED,
        why="that the preview of step 5 has no error",
    ),
    Step(
        "8a",
        "free_address",
        "identity_cutover",
        "Free the SIP address: remove the well-known user",
        undo="",
        decide=_free_address,
        project=_address_freed,
        interlocks=(
            must.pool_is_persistent_chat,
            must.sip_domain_valid,
            must.legacy_stopped,
            must.archive_intact,
            must.import_verified,
            must.holder_is_expected,
        ),
    ),
    Step(
        "8b",
        "create_endpoint",
        "identity_cutover",
        "Create the legacy endpoint with the same SIP address",
        undo="",
        decide=_create_endpoint,
        project=_endpoint_created,
        interlocks=(
            must.pool_is_persistent_chat,
            must.sip_domain_valid,
            must.legacy_stopped,
            must.import_verified,
            must.address_free,
            must.address_was_freed_by_us,
        ),
        certainty=ASSUMED,
        why="that the servers see the address as free soon after step 8a",
    ),
    Step(
        "9",
        "start_pool",
        "pool_services",
        "Start the Persistent Chat services of the new pool",
        undo="partial: what users write in the new rooms is lost with a way back",
        decide=_start_pool,
        project=_pool_started,
        interlocks=(must.legacy_stopped, must.endpoint_on_pool),
        findings=(must.pool_services_known,),
    ),
    Step(
        "10",
        "verify",
        "verification",
        "Verify identity, services and data",
        undo="partial: as after step 9",
        decide=_nothing,
        project=_same,
        only_looks=True,
        findings=(
            must.legacy_stopped,
            must.one_contact_holds,
            must.endpoint_on_pool,
            must.pool_serves,
            must.data_arrived,
        ),
    ),
)

#: steps of the documented process that people do; the plan names them so that nobody forgets them
MANUAL_STEPS = {
    "stop_pool": ("4", "Back up the target database mgc, when it has content already"),
    "import": ("7", "Copy the uploaded files of Group Chat to the file store of the new pool"),
}


def undo_of_identity(step: Step, migration: Migration, estate: Estate) -> str:
    """What undo is worth after steps 8a and 8b; it depends on the choice and on the directory."""
    ways = {
        FULL: "out of the Active Directory Recycle Bin",
        PARTIAL: "reanimated with the same SID, attributes and memberships from the backup, without its password",
        NONE: "a new account with another SID at most, see allow_recreate of pc_wellknown_user",
    }
    if migration.user_state == "disabled":
        worth = "full: the account stays, its SIP attributes come back from the backup"
    else:
        days = estate.undo_days if estate.undo != NONE else None
        worth = "%s: %s%s" % (estate.undo, ways[estate.undo], ", within %d days" % days if days else "")
    if step.name == "free_address":
        return worth
    return worth.partition(":")[0] + ": remove the endpoint, then as after step 8a"

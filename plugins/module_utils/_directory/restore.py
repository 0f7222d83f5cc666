# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing an account back from its backup: which way, and what forbids it. Private to this collection.

The ways, the first one that is possible: nothing to do; the attributes of an account that is there; out of the deleted objects by
GUID, so GUID and SID stay (domain.md, section 4.3); and, only where the operator allows it, a new account (recreate.py).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.backup import Backup
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.errors import DirectoryError
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import SIP_ATTRIBUTE
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.identity import LIVE, IdentityState
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.place import find_place
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.recreate import (
    begun_elsewhere,
    half_made,
    mark,
    recreate,
    recreate_action,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.repair import (
    Repair,
    bring_back,
    missing,
    require_nobody_else,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry, guid_dn
from ansible_collections.lync.persistent_chat.plugins.module_utils._plan import Action, Conflict, Plan

ATTRIBUTES = "attributes"
RECYCLE_BIN = "recycle_bin"
TOMBSTONE = "tombstone"
BACKUP = "backup"
_RIGHTS = (
    "The account that the module uses may lack a right: List on CN=Deleted Objects, Reanimate Tombstones on the domain's head, Create "
    "Child for class user on the OU, and Write Property on the account, inherited from the OU before the deletion."
)


@dataclass(frozen=True)
class Way:
    """How the account comes back.

    :param plan: what is written, or what forbids it.
    :param restored_from: where the account comes from; None when nothing is to be done.
    :param left: what is not brought back because something else is there, one sentence each.
    """

    plan: Plan
    restored_from: str | None = None
    left: tuple[str, ...] = ()


def plan_present(connection: DirectoryConnection, state: IdentityState, allow_recreate: bool) -> Way:
    """Find the way back to the account of the backup, or what forbids it. Reads the directory, writes nothing.

    :param allow_recreate: whether it may be created anew where nothing else is possible.
    """
    conflict = _forbidden(state)
    if conflict:
        return Way(Plan(conflicts=(conflict,)))
    backup, account = state.backup, state.account
    if backup is None:  # the account is there, and is the one that was named
        return Way(Plan())
    if account is None:
        return _plan_gone(connection, state, backup, allow_recreate)
    if state.account_state == LIVE:
        repair = _missing(connection, state, backup, account)
        plan = Plan((repair.action(account.dn, account),) if repair else ())
        return Way(plan, ATTRIBUTES if repair else None, repair.left)
    place = find_place(connection, backup, account)
    if place.conflict:
        return Way(Plan(conflicts=(place.conflict,)))
    back = Action(
        "restore",
        "account %s" % place.dn,
        None,
        {"distinguished_name": place.dn, "object_guid": backup.guid, "sip_address": str(state.sip)},
        {"deleted_dn": account.dn, "dn": place.dn},
    )
    return _with_repair(connection, state, backup, account, back, RECYCLE_BIN if state.recycle_bin else TOMBSTONE)


def act_present(
    connection: DirectoryConnection, state: IdentityState, backup: Backup, way: Way
) -> tuple[Backup, list[str]]:
    """Carry the plan out.

    :returns: the backup, which knows the account by the GUID that it has now, and what was not brought back, one sentence each.
    :raises PersistentChatError: the account itself could not be brought back, or not with its address. What was done stays;
        the next run goes on from there.
    """
    for action in way.plan.actions:
        if action.op == "restore":
            require_nobody_else(connection, state, backup.guid, action.arguments["dn"])
            _restore(connection, state, backup, action.arguments["deleted_dn"], action.arguments["dn"])
        elif action.op == "recreate":
            backup = recreate(connection, backup, action.arguments["dn"])
    account = connection.read(guid_dn(backup.guid), ["*"])
    if account is None:
        raise DirectoryError(
            "%s was brought back and cannot be seen. Run the module again." % backup.entry.dn, "restore_failed"
        )
    return backup, bring_back(connection, state, account, _missing(connection, state, backup, account))


def _forbidden(state: IdentityState) -> Conflict | None:
    """What forbids to bring anything back, whichever way. Pure."""
    backup = state.backup
    if backup is None:
        users = [holder for holder in state.current if not holder.is_contact]
        identified = not any(failure.name == "identity" for failure in state.guards_failed)
        if len(state.current) == 1 and users and identified:
            return None
        message = "There is no backup of an account that held %s, so nothing can be brought back."
        return Conflict("no_backup", message % state.sip)
    if state.named:
        message = "The backup %s is not of the account that you named: %s."
        return Conflict("identity_mismatch", message % (backup.path, "; ".join(state.named)))
    others = [holder for holder in state.current if holder.guid != backup.guid]
    if others:
        return Conflict(
            "address_held",
            "%s is held by %s. Two holders must never be: remove the endpoint, or take the address away there, and run this again."
            % (state.sip, "; ".join(str(holder) for holder in others)),
        )
    held = state.account.text(SIP_ATTRIBUTE) if state.account else None
    if state.account and held and held.lower() not in (state.sip.key, (backup.entry.text(SIP_ATTRIBUTE) or "").lower()):
        message = "%s now has the SIP address %s. Decide by hand which one is right."
        return Conflict("address_changed", message % (state.account.dn, held))
    return None


def _plan_gone(connection: DirectoryConnection, state: IdentityState, backup: Backup, allow_recreate: bool) -> Way:
    """The account is neither there nor a deleted object: only a new one is possible, and only where nothing else is."""
    begun = half_made(connection, backup)
    conflict = _not_restorable(connection, state, backup, allow_recreate, begun)
    if conflict:
        return Way(Plan(conflicts=(conflict,)))
    place = find_place(connection, backup, None, begun.guid if begun else None)
    if place.conflict:
        return Way(Plan(conflicts=(place.conflict,)))
    account = begun or Entry(place.dn, {})
    return _with_repair(connection, state, backup, account, recreate_action(state.sip, place.dn), BACKUP)


def _not_restorable(
    connection: DirectoryConnection, state: IdentityState, backup: Backup, allow_recreate: bool, begun: Entry | None
) -> Conflict | None:
    """Why nothing can be restored, and no new account is created."""
    seen = "Neither %s nor a deleted object with its GUID %s can be seen on %s." % (
        backup.entry.dn,
        backup.guid,
        connection.server,
    )
    if not state.sees_deleted:
        return Conflict(
            "insufficient_rights",
            "%s The account that the module uses may not see deleted objects, so nobody knows whether it can be restored: it needs "
            "List on CN=Deleted Objects. Nothing is created anew before that is known." % seen,
        )
    conflict = None if begun else begun_elsewhere(connection, backup) or _known_elsewhere(connection, backup, seen)
    if conflict or allow_recreate:
        return conflict
    return Conflict(
        "not_restorable",
        "%s Deleted objects can be seen there, so the directory has given it up for good. It could only be created anew from the "
        "backup: another account with another SID, disabled and without a password, which nothing that named the old SID knows, "
        "such as access control lists and SQL Server logins. If that is what you want, set allow_recreate=true." % seen,
    )


def _known_elsewhere(connection: DirectoryConnection, backup: Backup, seen: str) -> Conflict | None:
    """The global catalog has the account, living or deleted: then another domain controller can bring it back."""
    ldap_filter = "(objectGUID=%s)" % "".join("\\%02x" % byte for byte in uuid.UUID(backup.guid).bytes_le)
    found = connection.search("", ldap_filter, ["objectGUID"], deleted=True, catalog=True)
    if not found:
        return None
    return Conflict(
        "not_restorable",
        "%s The global catalog %s has it as %s. Name a domain controller of that domain as server, or wait for replication."
        % (seen, connection.catalog_server, found[0].dn),
    )


def _with_repair(
    connection: DirectoryConnection,
    state: IdentityState,
    backup: Backup,
    account: Entry,
    first: Action,
    restored_from: str,
) -> Way:
    repair = _missing(connection, state, backup, account, restored_from == BACKUP)
    dn = first.arguments["dn"]
    return Way(Plan((first, repair.action(dn, account)) if repair else (first,)), restored_from, repair.left)


def _missing(
    connection: DirectoryConnection, state: IdentityState, backup: Backup, account: Entry, recreated: bool = False
) -> Repair:
    noted = backup.recreation
    recreated = recreated or (noted is not None and noted.object_guid == account.guid)
    return missing(connection, state.sip, backup.entry, account, mark(backup) if recreated else None)


def _restore(connection: DirectoryConnection, state: IdentityState, backup: Backup, deleted_dn: str, dn: str) -> None:
    try:
        connection.restore(deleted_dn, dn)
    except DirectoryError as error:
        # codes differ between servers and a lost answer says nothing: look (directory.md, section 4.1)
        seen = connection.read(guid_dn(backup.guid), ["isDeleted", "isRecycled"], deleted=True)
        if seen is not None and not seen.boolean("isDeleted"):
            return
        text = "%s could not be restored; it is still a deleted object. %s" % (dn, error)
        if seen is None:
            text = "%s could not be restored, and the directory does not show it any more. %s" % (dn, error)
        elif error.result_code is not None and error.code != "insufficient_rights":
            text += " " + _RIGHTS
            if state.recycle_bin and seen.boolean("isRecycled"):
                text += " If it lacks none, the Recycle Bin has given the object up (isRecycled)."
        raise DirectoryError(text, "restore_failed") from error

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that holds a SIP address, what would stop its deletion, and what could come back. Private to this collection.

Reads only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import backup as backups
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.domain_controllers import required_set
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.guards import ABSENT, Identifiers
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import (
    DOMAIN_CONTROLLER,
    Holder,
    asked_as,
    find_holders,
    holder_of,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.identity import (
    LIVE,
    IdentityState,
    guid_of_dn,
    judge,
    observe_identity,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.removal import undo_said
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.replication import report
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import guid_dn
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress


def run(params: Mapping[str, Any], check_mode: bool = False) -> dict[str, Any]:
    """Observe who holds C(sip_address).

    :param params: the options of the module pc_wellknown_user_info.
    :raises PersistentChatError: the directory could not be asked, or an option is wrong.
    """
    sip = SipAddress.parse(params["sip_address"])
    identifiers = Identifiers.from_params(params)
    connection = DirectoryConnection(params)
    try:
        state = observe_identity(connection, sip, identifiers, params.get("backup_dir"))
        return {
            "changed": False,
            "sip_address": str(sip),
            "server": connection.server,
            "servers_skipped": [{"server": host, "reason": reason} for host, reason in connection.skipped],
            "replication": _replication(connection, state),
            "holders": [_judged(connection, state, holder, identifiers) for holder in state.holders],
            "deleted": _deleted(connection, state) if params["include_deleted"] else [],
            "backup": state.backup.shown() if state.backup else None,
            "recycle_bin": state.recycle_bin,
            "sees_deleted": state.sees_deleted,
        }
    finally:
        connection.close()


def _judged(
    connection: DirectoryConnection, state: IdentityState, holder: Holder, identifiers: Identifiers
) -> dict[str, Any]:
    """A holder with what would stop its deletion, and what undo would be worth then.

    A contact is never deleted, and what only waits for replication is deleted already: there is nothing to judge or to undo.
    """
    shown = dict(holder.shown(), pending=holder in state.pending, guards_failed=None)
    shown.update(undo=None, undo_loses=[], undo_days=None)
    if shown["pending"]:
        return shown
    account, failures = state.account, state.guards_failed
    if account is None or account.guid != holder.guid:  # the observation has judged one of them already
        meant = guid_of_dn(connection, identifiers.distinguished_name)
        account, failures = judge(connection, state.sip, state.current, holder, identifiers, meant)
    shown["guards_failed"] = [failure.shown() for failure in failures]
    if account is not None and not holder.is_contact:
        shown.update(undo_said(replace(state, account=account, account_state=LIVE), ABSENT))
    return shown


def _replication(connection: DirectoryConnection, state: IdentityState) -> dict[str, Any]:
    """Who was asked and who was not; somebody agrees when it shows every holder that anybody shows."""
    required = connection.once(required_set)
    everywhere = [set(holder.seen_in) for holder in state.holders]
    agrees = {member.host: all(seen.issuperset(asked_as(member)) for seen in everywhere) for member in required.members}
    return report(required, agrees)


def _deleted(connection: DirectoryConnection, state: IdentityState) -> list[dict[str, Any]]:
    """The deleted objects that kept the address, in any naming context, and the one that the backup knows by its GUID."""
    found = {holder.guid: holder for holder in find_holders(connection, state.sip, deleted=True) if holder.deleted}
    backup = state.backup
    if backup is not None and backup.guid not in found:
        entry = connection.read(guid_dn(backup.guid), backups.ATTRIBUTES, deleted=True)
        if entry is not None and entry.boolean("isDeleted"):
            found[backup.guid] = holder_of(entry, DOMAIN_CONTROLLER)
    return [holder.shown() for holder in found.values()]

# Copyright: (c) 2026, the lync.persistent_chat contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The legacy user behind a SIP address: absent, disabled or present. Private to this collection.

observe (identity.py) -> plan (removal.py, restore.py) -> in check mode return -> backup, re-read, write -> observe again until every
domain controller that must agree does (replication.py). A run that was killed anywhere can be run again: what was done is seen in
the directory and in the verified backup.
"""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.lync.persistent_chat.plugins.module_utils._directory import backup as backups
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.backup import Backup
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.connection import DirectoryConnection
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.domain_controllers import required_set
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.guards import Identifiers
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.holders import (
    SIP_ATTRIBUTE,
    find_holders,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.identity import (
    LIVE,
    IdentityState,
    observe_identity,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.removal import (
    act_removal,
    is_done,
    plan_removal,
    undo_said,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.repair import differences
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.replication import report, wait
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.restore import (
    Way,
    act_present,
    plan_present,
)
from ansible_collections.lync.persistent_chat.plugins.module_utils._directory.values import Entry, guid_dn
from ansible_collections.lync.persistent_chat.plugins.module_utils._errors import InvalidInput
from ansible_collections.lync.persistent_chat.plugins.module_utils._sip import SipAddress

PRESENT = "present"


def run(params: Mapping[str, Any], check_mode: bool = False) -> dict[str, Any]:
    """Converge the legacy user of C(sip_address) to C(state).

    :param params: the options of the module pc_wellknown_user.
    :raises PersistentChatError: see the codes in the module's documentation; before the first write unless it says otherwise.
    """
    sip = SipAddress.parse(params["sip_address"])
    identifiers = Identifiers.from_params(params)
    if params["state"] != PRESENT:
        if not identifiers:
            raise InvalidInput(
                "state=%s needs a second identifier of the account besides %s: distinguished_name, object_guid, object_sid or "
                "sam_account_name." % (params["state"], sip)
            )
        backups.check_directory(params["backup_dir"])
    connection = DirectoryConnection(params)
    try:
        return _converge(connection, sip, identifiers, params, check_mode)
    finally:
        connection.close()


def _converge(
    connection: DirectoryConnection,
    sip: SipAddress,
    identifiers: Identifiers,
    params: Mapping[str, Any],
    check_mode: bool,
) -> dict[str, Any]:
    wanted = params["state"]
    named = params.get("backup") if wanted == PRESENT else None
    state = observe_identity(connection, sip, identifiers, params.get("backup_dir"), named)
    if wanted == PRESENT:
        way = plan_present(connection, state, params["allow_recreate"])
    else:
        way = Way(plan_removal(state, wanted, params["override"], params["backup_dir"], params["accept_undo"]))
    way.plan.refuse_conflicts()
    result = _result(connection, way, state, wanted)
    if check_mode:
        return result
    saved = state.backup
    if way.plan.changed and wanted == PRESENT and saved:
        saved, result["not_restored"] = act_present(connection, state, saved, way)
    elif way.plan.changed and state.account:
        saved = act_removal(connection, state, state.account, wanted, params["backup_dir"])
        result["backup"] = saved.shown()
    if saved:
        _wait(connection, sip, saved, result, params["replication_timeout"])
    else:
        result["holders_after"] = [holder.shown() for holder in find_holders(connection, sip)]
    return result


def _wait(
    connection: DirectoryConnection, sip: SipAddress, saved: Backup, result: dict[str, Any], timeout: int
) -> None:
    """Wait until everybody agrees, and put what was seen then into the result."""
    wanted = result["state"]
    facts = {name: result[name] for name in ("changed", "undo", "undo_loses", "undo_days")}
    result["replication"], after = wait(
        connection,
        sip,
        saved.guid,
        wanted == PRESENT and sip.key in _addresses(saved),
        lambda: is_done(connection, saved, wanted),
        timeout,
        dict(facts, backup=saved.shown()),
    )
    result["holders_after"] = [holder.shown() for holder in after]
    if wanted == PRESENT:
        account = connection.read(guid_dn(saved.guid), backups.ATTRIBUTES)
        result.update(_who(account))
        result["differs"] = differences(saved.entry, account) if account else []


def _addresses(backup: Backup) -> set[str]:
    """The addresses that the account held, in lower case."""
    held = backup.entry.texts(SIP_ATTRIBUTE) + backup.entry.texts("proxyAddresses")
    return {address.lower() for address in held}


def _who(account: Entry | None) -> dict[str, Any]:
    """Which account is there now: another one than before when it was created anew."""
    return {"object_guid": account.guid if account else None, "object_sid": account.sid if account else None}


def _result(connection: DirectoryConnection, way: Way, state: IdentityState, wanted: str) -> dict[str, Any]:
    nothing_said = {"undo": None, "undo_loses": [], "undo_days": None}
    shown = [holder.shown() for holder in state.holders]
    return dict(
        way.plan.result(),
        server=connection.server,
        servers_skipped=[{"server": host, "reason": reason} for host, reason in connection.skipped],
        replication=report(connection.once(required_set)),
        sip_address=str(state.sip),
        state=wanted,
        already_done=not way.plan.changed,
        holders_before=shown,
        holders_after=shown,
        backup=state.backup.shown() if state.backup else None,
        guards_failed=[failure.shown() for failure in state.guards_failed],
        recycle_bin=state.recycle_bin,
        **(nothing_said if wanted == PRESENT else undo_said(state, wanted)),
        restored_from=way.restored_from,
        **_who(state.account if wanted == PRESENT and state.account_state == LIVE else None),
        not_restored=list(way.left),
        differs=[],
    )
